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
func (q question) answer(h lens.History) lens.Answer {
	candidates, _ := lens.Admit(h, q.cut)
	return lens.Resolve(q.lens, q.params, candidates)
}

// history loads all that may bear on a subject and predicate, up to now and beyond: which of it counts is for the
// lens to say.
func history(ctx context.Context, v *ingest.View, subject, predicate string) (lens.History, error) {
	h := lens.History{
		Transitions: map[record.Hash][]lens.Transition{},
		Votes:       map[record.Hash][]lens.Vote{},
		Superseding: map[record.Hash][]lens.Epoch{},
		Descriptors: map[record.Hash][]lens.Descriptor{},
	}
	for c, err := range v.Candidates(ctx, subject, predicate) {
		if err != nil {
			return h, err
		}
		h.Assertions = append(h.Assertions, lens.Assertion{
			Hash: c.ID.Hash, LSN: c.LSN, Object: c.Object, Confidence: c.Confidence, Birth: c.Birth,
			Agent: c.Agent, Timestamp: c.Timestamp, Source: c.Source, Epoch: c.Epoch,
		})
		if err := loadLife(ctx, v, &h, c.ID); err != nil {
			return h, err
		}
		if err := loadContext(ctx, v, &h, c); err != nil {
			return h, err
		}
	}
	return h, nil
}

// loadLife adds an assertion's transitions and votes.
func loadLife(ctx context.Context, v *ingest.View, h *lens.History, id record.ID) error {
	for l, err := range v.Links(ctx, id, ingest.LinkTransition) {
		if err != nil {
			return err
		}
		h.Transitions[id.Hash] = append(h.Transitions[id.Hash], transitionOf(l))
	}
	for l, err := range v.Links(ctx, id, ingest.LinkVote) {
		if err != nil {
			return err
		}
		r := l.Record.(*record.Vote)
		h.Votes[id.Hash] = append(h.Votes[id.Hash], lens.Vote{Hash: l.ID.Hash, LSN: l.LSN, Agent: r.Agent, Weight: r.Weight, Timestamp: r.Timestamp})
	}
	return nil
}

// transitionOf is a linked transition as a lens sees it.
func transitionOf(l ingest.Linked) lens.Transition {
	r := l.Record.(*record.Transition)
	return lens.Transition{Hash: l.ID.Hash, LSN: l.LSN, To: r.To, Agent: r.Agent, Timestamp: r.Timestamp}
}

// loadContext adds the descriptors of an assertion's source and what superseded its epoch, each digest and epoch once.
func loadContext(ctx context.Context, v *ingest.View, h *lens.History, a ingest.Candidate) error {
	if _, loaded := h.Descriptors[a.Source]; !loaded {
		h.Descriptors[a.Source] = nil
		for l, err := range v.Links(ctx, evidenceID(a.Source), ingest.LinkDescribes) {
			if err != nil {
				return err
			}
			r := l.Record.(*record.Source)
			h.Descriptors[a.Source] = append(h.Descriptors[a.Source], lens.Descriptor{Hash: l.ID.Hash, LSN: l.LSN, Name: r.Name, Authority: r.Authority, Agent: r.Agent, Timestamp: r.Timestamp})
		}
	}
	if _, loaded := h.Superseding[a.Epoch]; a.Epoch.IsZero() || loaded {
		return nil
	}
	h.Superseding[a.Epoch] = nil
	for l, err := range v.Links(ctx, record.ID{Kind: record.KindEpoch, Hash: a.Epoch}, ingest.LinkSupersedes) {
		if err != nil {
			return err
		}
		r := l.Record.(*record.Epoch)
		h.Superseding[a.Epoch] = append(h.Superseding[a.Epoch], lens.Epoch{Hash: l.ID.Hash, LSN: l.LSN, Agent: r.Agent, Timestamp: r.Timestamp, Supersession: r.Supersession})
	}
	return nil
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
	if q.HalfLife == record.DefaultHalfLife {
		q.HalfLife = 0
	}
	l, ok := lens.ByName(q.Lens)
	if !ok {
		return q, &ask.UsageError{Field: "lens", Found: q.Lens, Expected: oneOf(q.Lens, LensNames())}
	}
	if err := l.Check(lens.Params{HalfLife: q.HalfLife}); err != nil {
		return q, &ask.UsageError{Field: "half-life", Found: q.HalfLife.String(), Expected: err.Error()}
	}
	return q, record.Check(q.Ask())
}

// Asked is a question resolved, ready to be written down.
type Asked struct {
	Audit  *record.Audit
	Exists record.ID // the audit of the same question, when there is one; then Audit is nil
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
		applied, err := v.Applied()
		if err != nil {
			return Asked{}, err
		}
		a.Pinned, a.Pin, a.Journal = true, applied.LSN, t.Journal
		h, err := history(ctx, v, a.Subject, a.Predicate)
		if err != nil {
			return Asked{}, err
		}
		resolved, _ := questionOf(a)
		return Asked{Audit: a}, fill(a, resolved.answer(h))
	})
}

// fill writes an answer into its audit.
func fill(a *record.Audit, answer lens.Answer) error {
	a.Value, a.Confidence, a.Share = answer.Value, answer.Confidence, answer.Share
	a.ResultHash, a.Considered = answer.Value.Hash(), uint64(answer.Considered)
	for _, c := range recorded(answer) {
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
