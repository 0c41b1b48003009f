package trace

import (
	"context"
	"fmt"
	"slices"

	"episteme/engine/ingest"
	"episteme/engine/lens"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// WhatIf says what an audit would have said had something been different (rule 20). The audit is reproduced first
// (rule 17); one that does not reproduce is told as such, and nothing is ranked.
func (t *Tracer) WhatIf(ctx context.Context, audit record.ID, c ask.WhatIfChange) (ask.WhatIf, error) {
	if audit.Kind != record.KindAudit {
		return ask.WhatIf{}, &ask.UsageError{Field: "id", Found: audit.Short(), Expected: "a query (q_…)"}
	}
	return read(ctx, t, func(v *ingest.View) (ask.WhatIf, error) {
		row, err := t.rowOf(ctx, v, audit)
		if err != nil {
			return ask.WhatIf{}, err
		}
		q, err := t.recomputable(row)
		if err != nil {
			return ask.WhatIf{}, err
		}
		changed, err := q.changed(c)
		if err != nil {
			return ask.WhatIf{}, err
		}
		leave, err := t.exclude(ctx, v, c.Without)
		if err != nil {
			return ask.WhatIf{}, err
		}
		for _, target := range c.Without {
			if err := t.known(ctx, v, target); err != nil {
				return ask.WhatIf{}, err
			}
		}
		w := &whatIf{t: t, ctx: ctx, view: v, row: row, question: q, changed: changed, leave: leave}
		return w.run()
	})
}

// recomputable is the question of an audit that was answered from this journal.
func (t *Tracer) recomputable(row ingest.Row) (question, error) {
	q, ours := questionOf(row.Audit)
	if state := t.stateOf(row.Audit); state != ask.Pinned || !ours {
		return q, &ask.NotRecomputableError{ID: row.ID, State: state, Lens: row.Audit.Lens}
	}
	return q, nil
}

// changed is q as c would have it, still with everything in it. The pin stays: another as_of is another moment of
// the world, as this journal had it when it answered.
func (q question) changed(c ask.WhatIfChange) (question, error) {
	if c.Lens != "" && c.Lens != q.lens.Name {
		l, ok := lens.ByName(c.Lens)
		if !ok {
			return q, &ask.UsageError{Field: "lens", Found: c.Lens, Expected: oneOf(c.Lens, LensNames())}
		}
		q.lens, q.params = l, lens.Params{}
	}
	if c.HalfLife != 0 {
		q.params.HalfLife = c.HalfLife
	}
	if err := q.lens.Check(q.params); err != nil {
		return q, &ask.UsageError{Field: "half-life", Found: record.FormatHalfLife(q.params.HalfLife), Expected: err.Error()}
	}
	if c.Filter != nil {
		q.cut.Filter = *c.Filter
	}
	if c.AsOf != nil {
		q.cut.AsOf = *c.AsOf
	}
	return q, nil
}

// whatIf works out one what-if over one snapshot.
type whatIf struct {
	t        *Tracer
	ctx      context.Context
	view     *ingest.View
	row      ingest.Row
	question question // as recorded
	changed  question
	leave    *exclusion

	history    *lens.Ordered
	family     *family
	candidates []lens.Candidate // of the recorded question
	dropped    []lens.Dropped
	rest       []lens.Candidate // what is left of candidates, from one attempt to the next
}

func (w *whatIf) run() (ask.WhatIf, error) {
	a := w.row.Audit
	out := ask.WhatIf{
		Query: w.row.ID, Recorded: ask.Result{Value: a.Value, Confidence: a.Confidence, Share: a.Share},
		Contributions: []ask.Contribution{}, LeftOut: []record.ID{}, Searched: "nothing: the recorded answer does not come out again",
	}
	var err error
	if w.history, err = orderedHistory(w.ctx, w.view, a.Subject, a.Predicate); err != nil {
		return out, err
	}
	w.candidates, w.dropped = w.history.Admit(w.question.cut)
	told := lens.Resolve(w.question.lens, w.question.params, w.candidates)
	if out.Reproduced = reproduces(a, told); !out.Reproduced {
		return out, nil
	}
	if w.family, err = w.t.loadFamily(w.ctx, w.view, a.Subject, a.Predicate); err != nil {
		return out, err
	}
	if err := w.recompute(&out, told); err != nil {
		return out, err
	}
	out.SmallestFlip, out.Searched, err = w.smallestFlip(told)
	return out, err
}

// recompute answers the changed question.
func (w *whatIf) recompute(out *ask.WhatIf, told lens.Answer) error {
	gone, err := w.leave.of(w.family)
	if err != nil {
		return err
	}
	again := w.changed.without(gone).answer(w.history)
	result, flips := resultOf(again), again.Value != told.Value
	out.Recomputed, out.Flips, out.Margin = &result, &flips, &again.Margin
	names := w.t.newNames(w.view)
	for _, c := range recorded(again) {
		shown := ask.Contribution{Assertion: c.ID(), Lifecycle: c.Stage, Weight: c.Weight, SourceHash: evidenceID(c.Source), Value: c.Object}
		if shown.Source, err = names.source(w.ctx, c.Source); err != nil {
			return err
		}
		out.Contributions = append(out.Contributions, shown)
	}
	out.LeftOut, err = w.leftOut(gone)
	return err
}

// without is q with records left out.
func (q question) without(gone lens.Exclusions) question {
	return q.with(func(c *lens.Cut) { c.Exclude = gone })
}

// leftOut are the records of the history that count for the changed question but for gone.
func (w *whatIf) leftOut(gone lens.Exclusions) ([]record.ID, error) {
	out := []record.ID{}
	for _, r := range bearers(w.history.History) {
		left := gone.Records[r.id] || gone.Agents[r.agent]
		if r.id.Kind == record.KindSource && !left {
			var err error
			if left, err = w.leave.digest(r.digest); err != nil {
				return nil, err
			}
		}
		if left && counted(w.changed.cut, r) {
			out = append(out, r.id)
		}
	}
	return out, nil
}

// pairsAmong is how many of the heaviest contributions are left out in pairs: 496 pairs (rule 20).
const pairsAmong = 32

// smallestFlip is the smallest set of the recorded answer's contributions without which the recorded question has
// another value: exact for one, then pairs among the heaviest; and what was searched, in words. Of several sets of one
// size it is the first by weight.
func (w *whatIf) smallestFlip(told lens.Answer) ([]record.ID, string, error) {
	list := recorded(told)
	if len(list) == 0 {
		return nil, "nothing: no assertion contributed", nil
	}
	singles := "its only contribution"
	if len(list) > 1 {
		singles = fmt.Sprintf("each of %d contributions alone, heaviest first", len(list))
	}
	for i := range list {
		if flips, err := w.flipsWithout(told, list[i]); flips || err != nil {
			return []record.ID{list[i].ID()}, singles, err
		}
	}
	heavy := list[:min(len(list), pairsAmong)]
	for i := range heavy {
		for j := i + 1; j < len(heavy); j++ {
			if flips, err := w.flipsWithout(told, heavy[i], heavy[j]); flips || err != nil {
				return []record.ID{heavy[i].ID(), heavy[j].ID()}, fmt.Sprintf("%s: none flips; pairs among the %d heaviest", singles, len(heavy)), err
			}
		}
	}
	if len(list) == 1 {
		return nil, singles + ": it does not flip", nil
	}
	return nil, fmt.Sprintf("%s, and all pairs among the %d heaviest: none flips", singles, len(heavy)), nil
}

// flipsWithout reports whether the recorded question has another value without these assertions and those derived
// from them.
//
// Leaving assertions out leaves the other candidates as they are, unless one of them hid an older repetition (rule 8).
// So the candidates are let in once and most answers need only weighing: 2,000 contributions that none flips take 1.5 s
// instead of 7.
func (w *whatIf) flipsWithout(told lens.Answer, out ...lens.Contribution) (bool, error) {
	if err := context.Cause(w.ctx); err != nil {
		return false, err
	}
	roots := make([]record.Hash, len(out))
	for i, c := range out {
		roots[i] = c.Hash
	}
	gone := w.family.derived(roots...)
	if slices.ContainsFunc(w.dropped, func(d lens.Dropped) bool { return d.Reason == lens.ReasonRepeated && gone[d.By] }) {
		return w.question.without(lens.Exclusions{Records: gone}).answer(w.history).Value != told.Value, nil
	}
	w.rest = w.rest[:0]
	for i := range w.candidates {
		if !gone[w.candidates[i].ID()] {
			w.rest = append(w.rest, w.candidates[i])
		}
	}
	return lens.Resolve(w.question.lens, w.question.params, w.rest).Value != told.Value, nil
}
