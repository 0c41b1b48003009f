package export

import "episteme/engine/record"

// rewriter says what becomes of each part of a record that came from people: texts by their field, values, and the
// names of other records.
type rewriter interface {
	text(f Field, s string) string
	value(o record.Object) record.Object
	id(id record.ID) record.ID
	result(before record.Object, h record.Hash) record.Hash // the hash of an answer whose value was before
}

// rewrite is a copy of r with each part replaced. It is the one list of where text from data stands in a record; what
// can't be redacted as a field (freeText) is passed all the same, because it may quote what can.
func rewrite(r record.Record, w rewriter) record.Record {
	switch r := r.(type) {
	case record.Evidence:
		return record.Evidence(w.text(Content, string(r)))
	case *record.Source:
		c := *r
		c.Name, c.URI, c.MediaType, c.Agent = w.text(Name, r.Name), w.text(URI, r.URI), w.text(freeText, r.MediaType), w.text(Agent, r.Agent)
		c.Digest = hashOf(w, record.KindEvidence, r.Digest)
		return &c
	case *record.Assertion:
		return rewriteAssertion(r, w)
	case *record.Vote:
		c := *r
		c.Agent, c.Assertion = w.text(Agent, r.Agent), hashOf(w, record.KindAssertion, r.Assertion)
		return &c
	case *record.Epoch:
		c := *r
		c.Name, c.Agent, c.Supersedes = w.text(Name, r.Name), w.text(Agent, r.Agent), hashOf(w, record.KindEpoch, r.Supersedes)
		return &c
	case *record.Transition:
		c := *r
		c.Agent, c.Reason, c.Assertion = w.text(Agent, r.Agent), w.text(Reason, r.Reason), hashOf(w, record.KindAssertion, r.Assertion)
		return &c
	case *record.Event:
		c := rewriteEvent(*r, w)
		return &c
	case *record.Audit:
		return rewriteAudit(r, w)
	case *record.Erasure:
		c := *r
		c.Agent, c.Reason, c.Reference = w.text(Agent, r.Agent), w.text(Reason, r.Reason), w.text(Reason, r.Reference)
		return &c
	}
	return r
}

func rewriteAssertion(r *record.Assertion, w rewriter) record.Record {
	c := *r
	c.Subject, c.Predicate, c.Object = w.text(Subject, r.Subject), w.text(Predicate, r.Predicate), w.value(r.Object)
	c.Agent, c.Note = w.text(Agent, r.Agent), w.text(Note, r.Note)
	c.Source, c.Parents, c.Epoch = hashOf(w, record.KindEvidence, r.Source), idsOf(w, r.Parents), hashOf(w, record.KindEpoch, r.Epoch)
	return &c
}

func rewriteEvent(c record.Event, w rewriter) record.Event {
	c.Agent, c.Title, c.Subject = w.text(Agent, c.Agent), w.text(Title, c.Title), w.text(Subject, c.Subject)
	c.BasedOn, c.Labels = idsOf(w, c.BasedOn), labelsOf(w, c.Labels)
	c.TraceID, c.SpanID, c.ConversationID = w.text(TraceIDs, c.TraceID), w.text(TraceIDs, c.SpanID), w.text(TraceIDs, c.ConversationID)
	return c
}

func rewriteAudit(r *record.Audit, w rewriter) record.Record {
	c := *r
	c.Agent, c.Subject, c.Predicate = w.text(Agent, r.Agent), w.text(Subject, r.Subject), w.text(Predicate, r.Predicate)
	c.Question, c.Lens, c.Labels = w.text(Question, r.Question), w.text(freeText, r.Lens), labelsOf(w, r.Labels)
	c.Value, c.ResultHash = w.value(r.Value), w.result(r.Value, r.ResultHash)
	c.TraceID, c.SpanID, c.ConversationID = w.text(TraceIDs, r.TraceID), w.text(TraceIDs, r.SpanID), w.text(TraceIDs, r.ConversationID)
	c.ToolCallID = w.text(TraceIDs, r.ToolCallID)
	c.Contributions = make([]record.Contribution, len(r.Contributions))
	for i, x := range r.Contributions {
		x.Assertion, x.Source = hashOf(w, record.KindAssertion, x.Assertion), hashOf(w, record.KindEvidence, x.Source)
		c.Contributions[i] = x
	}
	return &c
}

func hashOf(w rewriter, k record.Kind, h record.Hash) record.Hash {
	if h.IsZero() {
		return h
	}
	return w.id(record.ID{Kind: k, Hash: h}).Hash
}

func idsOf(w rewriter, list []record.ID) []record.ID {
	out := make([]record.ID, len(list))
	for i, id := range list {
		out[i] = w.id(id)
	}
	return out
}

func labelsOf(w rewriter, list []record.Label) []record.Label {
	out := make([]record.Label, len(list))
	for i, l := range list {
		out[i] = record.Label{Name: w.text(Labels, l.Name), Value: w.text(Labels, l.Value)}
	}
	return out
}
