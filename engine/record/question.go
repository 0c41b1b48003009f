package record

import (
	"maps"
	"slices"
)

// Ask is the audit that q becomes, still without an answer: the result is no value.
func (q *Query) Ask() *Audit {
	return &Audit{
		Agent: q.Agent, Timestamp: q.Timestamp, Subject: q.Subject, Predicate: q.Predicate, Question: q.Question,
		Lens: q.Lens, HalfLife: q.HalfLife, LifecycleFilter: q.LifecycleFilter, AsOf: q.AsOf, Labels: q.Labels,
		TraceID: q.TraceID, SpanID: q.SpanID, ConversationID: q.ConversationID, ToolCallID: q.ToolCallID,
		ResultHash: Object{}.Hash(),
	}
}

// QuestionHash says whether two audits are the same question: equal agent, subject, predicate, lens, parameters,
// filter, as_of, timestamp and context ids. Asking such a question again returns the audit that exists.
func (a *Audit) QuestionHash() (Hash, error) {
	bare := *a
	bare.Question, bare.Labels = "", nil
	return hashBare(&bare)
}

// AnswerKey says whether two audits could have been given the same answer: equal subject, predicate, lens,
// parameters and filter, whoever asked and when.
func (a *Audit) AnswerKey() (Hash, error) {
	return hashBare(&Audit{
		Agent: "-", Subject: a.Subject, Predicate: a.Predicate, Lens: a.Lens, HalfLife: a.HalfLife, LifecycleFilter: a.LifecycleFilter,
	})
}

// hashBare hashes a without pin and answer.
func hashBare(a *Audit) (Hash, error) {
	a.Pinned, a.Pin, a.Journal = false, 0, LogID{}
	a.Value, a.Confidence, a.Share, a.Considered, a.Contributions = Object{}, 0, 0, 0, nil
	a.ResultHash = a.Value.Hash()
	payload, err := Encode(nil, a)
	return Sum(payload), err
}

// ExplicitAsOf reports whether the asker asked about another moment than the one of asking.
func (a *Audit) ExplicitAsOf() bool { return a.AsOf != a.Timestamp }

// SortedLabels is labels as records keep them: sorted by name.
func SortedLabels(labels map[string]string) []Label {
	var list []Label
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		list = append(list, Label{name, labels[name]})
	}
	return list
}
