package trace

import (
	"context"

	"episteme/engine/ingest"
	"episteme/engine/lens"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// DefaultLens answers a question that names none.
const DefaultLens = "consensus"

// question is what resolving needs of an audit or a query.
type question struct {
	subject, predicate string
	lens               lens.Lens
	params             lens.Params
	cut                lens.Cut
}

// questionOf is the question of an audit with its own as_of and pin; ok is false when no lens of ours gave it.
func questionOf(a *record.Audit) (question, bool) {
	l, ok := lens.ByName(a.Lens)
	return question{
		subject: a.Subject, predicate: a.Predicate, lens: l, params: lens.Params{HalfLife: a.HalfLife},
		cut: lens.Cut{AsOf: a.AsOf, Pin: a.Pin, Filter: a.LifecycleFilter},
	}, ok
}

// with is q with another cut.
func (q question) with(change func(*lens.Cut)) question {
	change(&q.cut)
	return q
}

// answer resolves q over a history that was loaded for its subject and predicate.
func (q question) answer(h *lens.Ordered) lens.Answer {
	candidates, _ := h.Admit(q.cut)
	return lens.Resolve(q.lens, q.params, candidates)
}

// Prepare completes a question with its defaults and refuses one that cannot be asked: an unknown lens, a half-life
// that the lens does not take. now is the time of asking unless the question has one.
func Prepare(q record.Query, now record.Time) (record.Query, error) {
	if q.Lens == "" {
		q.Lens = DefaultLens
	}
	if q.Timestamp == record.Unset {
		q.Timestamp = now
	}
	if q.AsOf == record.Unset {
		q.AsOf = q.Timestamp
	}
	l, ok := lens.ByName(q.Lens)
	if !ok {
		return q, &ask.UsageError{Field: "lens", Found: q.Lens, Expected: oneOf(q.Lens, LensNames())}
	}
	if err := l.Check(lens.Params{HalfLife: q.HalfLife}); err != nil {
		return q, &ask.UsageError{Field: "half-life", Found: record.FormatHalfLife(q.HalfLife), Expected: err.Error()}
	}
	if q.HalfLife == record.DefaultHalfLife { // the same question as one that states none
		q.HalfLife = 0
	}
	return q, record.Check(q.Ask())
}

// Asked is a question resolved, ready to be written down.
type Asked struct {
	Audit  *record.Audit
	Exists record.ID // the audit of the same question, when there is one; then Audit is nil
	told   lens.Answer
}

// Resolve answers a prepared question on one snapshot of the store, whose applied LSN becomes the audit's pin.
func (t *Tracer) Resolve(ctx context.Context, q record.Query) (Asked, error) {
	return read(ctx, t, func(v *ingest.View) (Asked, error) {
		a := q.Ask()
		hash, err := a.QuestionHash()
		if err != nil {
			return Asked{}, err
		}
		if id, ok, err := v.AuditByQuestion(hash); ok || err != nil {
			return Asked{Exists: id}, err
		}
		a.Pinned, a.Pin, a.Journal = true, v.Applied().LSN, t.Journal
		resolved, _ := questionOf(a)
		h, err := historyFor(ctx, v, a.Subject, a.Predicate, resolved.lens)
		if err != nil {
			return Asked{}, err
		}
		told := h.At(resolved.cut).Lead(resolved.lens, resolved.params)
		return Asked{Audit: a, told: told}, fill(a, told)
	})
}

// fill writes an answer into its audit.
func fill(a *record.Audit, answer lens.Answer) error {
	a.Value, a.Confidence, a.Share = answer.Value, answer.Confidence, answer.Share
	a.ResultHash, a.Considered = answer.Value.Hash(), uint64(answer.Considered)
	told := recorded(answer)
	a.Contributions = make([]record.Contribution, 0, len(told))
	for _, c := range told {
		a.Contributions = append(a.Contributions, record.Contribution{Assertion: c.Hash, Source: c.Source, Weight: c.Weight, Lifecycle: c.Stage})
	}
	return record.Check(a)
}

// recorded are the contributions that an audit keeps: the heaviest, up to the limit of a record. considered still
// counts all.
func recorded(answer lens.Answer) []lens.Contribution {
	return answer.Contributions[:min(len(answer.Contributions), record.MaxContributions)]
}

func assertionID(h record.Hash) record.ID { return record.ID{Kind: record.KindAssertion, Hash: h} }
func evidenceID(h record.Hash) record.ID  { return record.ID{Kind: record.KindEvidence, Hash: h} }
