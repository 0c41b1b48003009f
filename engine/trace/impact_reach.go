package trace

import (
	"context"
	"slices"

	"episteme/engine/ingest"
	"episteme/engine/lens"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// reach is what a record or an agent leads to: the assertions that go with it, and those that it only bears on.
type reach struct {
	t     *Tracer
	ctx   context.Context
	view  *ingest.View
	limit int // assertions

	via    map[record.ID]record.ID // how each was reached; its own first record leads to nothing
	taken  []record.Hash           // assertions that are left out with it, nearest first
	depth  map[record.Hash]int     // of taken: records on the way, itself not counted
	borne  []borne                 // assertions that its votes, transitions and epochs bear on
	roots  []record.ID             // the records it is: one, or an agent's
	capped bool                    // limit was met
}

// borne is a vote, a transition, or an epoch that supersedes, and the assertion that it bears on.
type borne struct {
	by        bearer
	assertion record.Hash
}

// reached finds everything that a target leads to. Errors: *ask.NotFoundError when nothing is known of it.
func (t *Tracer) reached(ctx context.Context, v *ingest.View, of ask.Target, limit int) (*reach, error) {
	r := &reach{t: t, ctx: ctx, view: v, limit: limit, via: map[record.ID]record.ID{}, depth: map[record.Hash]int{}}
	var err error
	if of.ID.IsZero() {
		err = r.agent(of.Agent)
	} else {
		err = r.record(of.ID)
	}
	if err != nil {
		return nil, err
	}
	return r, r.derive()
}

// record begins with one record.
func (r *reach) record(id record.ID) error {
	full, err := r.t.fetch(r.ctx, r.view, id)
	if err != nil {
		return err
	}
	if err := r.begin(full); err != nil {
		return err
	}
	if full.LSN == 0 && len(r.taken) == 0 { // the bytes behind a digest need not be held
		return &ask.NotFoundError{What: id.String()}
	}
	return nil
}

// agent begins with all records of an agent. There is no index of these: every record that can decide an answer is
// looked at.
func (r *reach) agent(name string) error {
	for _, kind := range decisive() {
		for id, err := range r.view.WithPrefix(r.ctx, record.Prefix{Kind: kind}) {
			if err != nil {
				return err
			}
			full, err := r.t.fetch(r.ctx, r.view, id)
			if err != nil {
				return err
			}
			if full.Record == nil || agentOf(full.Record) != name {
				continue
			}
			if err := r.begin(full); err != nil {
				return err
			}
		}
	}
	if len(r.roots) > 0 {
		return nil
	}
	return r.t.knownAgent(r.ctx, r.view, name) // who only asked is known, and nothing rests on that
}

// agentOf is who wrote a record that can decide an answer.
func agentOf(rec record.Record) string {
	switch x := rec.(type) {
	case *record.Source:
		return x.Agent
	case *record.Assertion:
		return x.Agent
	case *record.Vote:
		return x.Agent
	case *record.Epoch:
		return x.Agent
	case *record.Transition:
		return x.Agent
	}
	return ""
}

// begin enters a record and what it names.
func (r *reach) begin(full ask.Record) error {
	id := full.ID
	r.roots = append(r.roots, id)
	if _, known := r.via[id]; !known {
		r.via[id] = record.ID{}
	}
	switch x := full.Record.(type) {
	case *record.Assertion:
		r.take(id.Hash, record.ID{})
	case *record.Source:
		return r.takeAll(evidenceID(x.Digest), ingest.LinkSource, id)
	case *record.Vote:
		r.bear(full, x.Timestamp, x.Assertion)
	case *record.Transition:
		r.bear(full, x.Timestamp, x.Assertion)
	case *record.Epoch:
		if err := r.takeAll(id, ingest.LinkEpoch, id); err != nil {
			return err
		}
		return r.supersede(full, x)
	default:
		if id.Kind == record.KindEvidence { // held or not: its assertions name the digest
			return r.takeAll(id, ingest.LinkSource, id)
		}
	}
	return nil
}

// supersede notes the assertions that an epoch keeps out of answers.
func (r *reach) supersede(full ask.Record, e *record.Epoch) error {
	if e.Supersedes.IsZero() || e.Supersession == record.Additive {
		return nil
	}
	for l, err := range r.view.Links(r.ctx, record.ID{Kind: record.KindEpoch, Hash: e.Supersedes}, ingest.LinkEpoch) {
		if err != nil {
			return err
		}
		r.bear(full, e.Timestamp, l.ID.Hash)
	}
	return nil
}

// take notes an assertion that goes with the target.
func (r *reach) take(hash record.Hash, via record.ID) {
	depth := 0
	if !via.IsZero() {
		depth = 1 + r.depth[via.Hash] // a hash that is no assertion's has depth 0
	}
	if _, known := r.depth[hash]; known {
		if depth < r.depth[hash] { // reached from another assertion, and now known to be the target's own
			r.depth[hash], r.via[assertionID(hash)] = depth, via
		}
		return
	}
	if len(r.taken) == r.limit {
		r.capped = true
		return
	}
	r.depth[hash], r.via[assertionID(hash)] = depth, via
	r.taken = append(r.taken, hash)
}

func (r *reach) takeAll(target record.ID, link ingest.Link, via record.ID) error {
	for l, err := range r.view.Links(r.ctx, target, link) {
		if err != nil {
			return err
		}
		r.take(l.ID.Hash, via)
	}
	return nil
}

// bear notes an assertion that a vote, a transition or an epoch bears on.
func (r *reach) bear(full ask.Record, at record.Time, assertion record.Hash) {
	if len(r.borne) == r.limit {
		r.capped = true
		return
	}
	r.borne = append(r.borne, borne{bearer{id: full.ID, time: at, lsn: full.LSN}, assertion})
}

// derive follows the assertions that were derived from those taken, level by level. A circle ends where it began.
func (r *reach) derive() error {
	slices.SortStableFunc(r.taken, func(a, b record.Hash) int { return r.depth[a] - r.depth[b] })
	for i := 0; i < len(r.taken); i++ {
		if err := context.Cause(r.ctx); err != nil {
			return err
		}
		if err := r.takeAll(assertionID(r.taken[i]), ingest.LinkParent, assertionID(r.taken[i])); err != nil {
			return err
		}
	}
	return nil
}

// path leads from the target to an assertion that was taken.
func (r *reach) path(assertion record.Hash) []record.ID {
	ids := []record.ID{assertionID(assertion)}
	for via := r.via[ids[0]]; !via.IsZero(); via = r.via[via] {
		ids = append(ids, via)
	}
	slices.Reverse(ids)
	return ids
}

// bears reports whether a record bore on an assertion when a question was asked: both counted, and the lens looks at
// such records.
func (b borne) bears(q question, a lens.Assertion) bool {
	if b.by.id.Kind == record.KindVote && !weighsVotes(q.lens) {
		return false
	}
	return counted(q.cut, b.by) && counted(q.cut, bearer{time: a.Timestamp, lsn: a.LSN})
}

// weighsVotes reports whether votes mean anything to a lens (rule 11).
func weighsVotes(l lens.Lens) bool { return l.Name == "consensus" || l.Name == "skeptic" }
