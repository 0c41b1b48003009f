package trace

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"episteme/engine/ingest"
	"episteme/engine/lens"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// Diff says what the answers of two audits differ in, and which records moved the one to the other.
func (t *Tracer) Diff(ctx context.Context, left, right record.ID) (ask.Difference, error) {
	for _, id := range []record.ID{left, right} {
		if id.Kind != record.KindAudit {
			return ask.Difference{}, &ask.UsageError{Field: "id", Found: id.Short(), Expected: "a query (q_…)"}
		}
	}
	return read(ctx, t, func(v *ingest.View) (ask.Difference, error) {
		l, err := t.rowOf(ctx, v, left)
		if err != nil {
			return ask.Difference{}, err
		}
		r, err := t.rowOf(ctx, v, right)
		if err != nil {
			return ask.Difference{}, err
		}
		return t.difference(ctx, v, l, r)
	})
}

func (t *Tracer) difference(ctx context.Context, v *ingest.View, l, r ingest.Row) (ask.Difference, error) {
	out := ask.Difference{Differs: []string{}, OnlyLeft: []ask.Contribution{}, OnlyRight: []ask.Contribution{}, Both: []ask.Reweighed{}, Moves: []ask.Move{}}
	names := t.newNames(v)
	var err error
	if out.Left, err = t.audit(ctx, l, names); err != nil {
		return out, err
	}
	if out.Right, err = t.audit(ctx, r, names); err != nil {
		return out, err
	}
	out.Differs = differs(out.Left, out.Right)
	compareContributions(&out)
	return out, t.moves(ctx, v, l, r, &out)
}

// differs names what two audits do not share, in the order of their JSON.
func differs(l, r ask.Audit) []string {
	list := []string{}
	for _, part := range []struct {
		name string
		same bool
	}{
		{"subject", l.Subject == r.Subject},
		{"predicate", l.Predicate == r.Predicate},
		{"lens", l.Lens == r.Lens},
		{"lens_params", l.LensParams == r.LensParams},
		{"lifecycle_filter", same(l.LifecycleFilter, r.LifecycleFilter)},
		{"as_of", l.AsOf == r.AsOf},
		{"pin", same(l.Pin, r.Pin) && same(l.Journal, r.Journal)},
		{"value", l.Result.Value == r.Result.Value},
		{"confidence", l.Result.Confidence == r.Result.Confidence},
		{"share", l.Result.Share == r.Result.Share},
	} {
		if !part.same {
			list = append(list, part.name)
		}
	}
	return list
}

func same[T comparable](a, b *T) bool {
	return a == nil && b == nil || a != nil && b != nil && *a == *b
}

// compareContributions splits the contributions of two audits into those of one and those of both.
func compareContributions(d *ask.Difference) {
	right := map[record.ID]ask.Contribution{}
	for _, c := range d.Right.Contributions {
		right[c.Assertion] = c
	}
	for _, c := range d.Left.Contributions {
		if other, both := right[c.Assertion]; both {
			d.Both = append(d.Both, ask.Reweighed{Assertion: c.Assertion, Value: c.Value, Left: c.Weight, Right: other.Weight})
			delete(right, c.Assertion)
		} else {
			d.OnlyLeft = append(d.OnlyLeft, c)
		}
	}
	for _, c := range d.Right.Contributions {
		if _, alone := right[c.Assertion]; alone {
			d.OnlyRight = append(d.OnlyRight, c)
		}
	}
}

// moves leads from the left answer to the right one, where both can be recomputed and are about the same.
func (t *Tracer) moves(ctx context.Context, v *ingest.View, l, r ingest.Row, d *ask.Difference) error {
	if l.Audit.Subject != r.Audit.Subject || l.Audit.Predicate != r.Audit.Predicate {
		d.Unknown = "they are about different things: what moved the one to the other has no answer"
		return nil
	}
	h, err := orderedHistory(ctx, v, l.Audit.Subject, l.Audit.Predicate)
	if err != nil {
		return err
	}
	var ends [2]question
	for i, row := range []ingest.Row{l, r} {
		if ends[i], err = t.recomputable(row); err != nil {
			d.Unknown = err.Error()
			return nil
		}
		if !reproduces(row.Audit, ends[i].answer(h)) {
			d.Unknown = row.ID.Short() + ": recomputed: DIFFERS. Trust nothing that follows from it; run `episteme verify`"
			return nil
		}
	}
	m, between, err := t.journey(ctx, v, h.History, ends[0], ends[1])
	if err != nil {
		return err
	}
	d.Moves, d.Between = m.out, between
	return nil
}

// journey walks from one question's answer to another's over the same history: first the question, if it is another,
// then the records that count for the first alone, newest first, then those that count for the second alone, oldest
// first; by (timestamp, LSN). between is how many these are.
func (t *Tracer) journey(ctx context.Context, v *ingest.View, h lens.History, from, to question) (m *mover, between int, err error) {
	held := map[record.ID]bool{}
	var gone, come []bearer
	for _, r := range bearers(h) {
		before, after := counted(from.cut, r), counted(to.cut, r)
		held[r.id] = before
		switch {
		case before && !after:
			gone = append(gone, r)
		case !before && after:
			come = append(come, r)
		}
	}
	slices.SortFunc(gone, func(a, b bearer) int { return olderFirst(b, a) })
	slices.SortFunc(come, olderFirst)
	m = t.newMover(ctx, v, h, from, held)
	m.ask(to, changedQuestion(from, to))
	for _, r := range gone {
		if err := m.step(r, true); err != nil {
			return nil, 0, err
		}
	}
	for _, r := range come {
		if err := m.step(r, false); err != nil {
			return nil, 0, err
		}
	}
	return m, len(gone) + len(come), nil
}

// counted reports whether a record counts under a cut that leaves nothing out.
func counted(c lens.Cut, r bearer) bool { return r.time <= c.AsOf && r.lsn <= c.Pin }

// changedQuestion says what is asked otherwise.
func changedQuestion(from, to question) string {
	var parts []string
	if from.lens.Name != to.lens.Name {
		parts = append(parts, "lens "+to.lens.Name)
	}
	if from.params != to.params {
		half := "the default"
		if to.params.HalfLife != 0 {
			half = record.FormatHalfLife(to.params.HalfLife)
		}
		parts = append(parts, "half-life "+half)
	}
	if from.cut.Filter != to.cut.Filter {
		filter := "any stage"
		if to.cut.Filter != 0 {
			filter = "only " + to.cut.Filter.String()
		}
		parts = append(parts, filter)
	}
	return "asked with " + strings.Join(parts, ", ")
}

// Beliefs says of which subjects another value is believed at one time than at another, as known today.
func (t *Tracer) Beliefs(ctx context.Context, q ask.BeliefsQuery) (ask.BeliefChanges, error) {
	pattern, err := newGlob(q.Subject)
	if err != nil {
		return ask.BeliefChanges{}, err
	}
	if q.From > q.To {
		return ask.BeliefChanges{}, &ask.UsageError{Field: "time", Found: q.From.String() + " to " + q.To.String(), Expected: "a start that is not behind the end"}
	}
	believed, err := unasked(q.Lens, q.HalfLife, q.Filter)
	if err != nil {
		return ask.BeliefChanges{}, err
	}
	if q.Limit <= 0 {
		q.Limit = ask.DefaultBeliefs
	}
	out := ask.BeliefChanges{Subject: q.Subject, From: q.From, To: q.To, Lens: believed.lens.Name, Changes: []ask.BeliefMoved{}}
	return read(ctx, t, func(v *ingest.View) (ask.BeliefChanges, error) {
		out.AppliedLSN = v.Applied().LSN
		topics, err := t.topics(ctx, v, pattern)
		if err != nil {
			return out, err
		}
		for _, on := range topics {
			out.Compared++
			moved, err := t.beliefMoved(ctx, v, believed, on, q)
			if err != nil {
				return out, err
			}
			if moved == nil {
				continue
			}
			if out.Total++; len(out.Changes) < q.Limit {
				out.Changes = append(out.Changes, *moved)
			}
		}
		return out, nil
	})
}

// unasked is a question that nobody asked: what a lens makes of everything that is held.
func unasked(name string, halfLife time.Duration, filter record.Stage) (question, error) {
	if name == "" {
		name = DefaultLens
	}
	q := question{cut: lens.Cut{AsOf: record.MaxTime, Pin: lens.Everything}}
	return q.changed(ask.WhatIfChange{Lens: name, HalfLife: halfLife, Filter: &filter})
}

// topics are the subjects that a pattern lets through, with their predicates, in order. The store has no index by
// subject that names predicates, so every assertion is looked at.
func (t *Tracer) topics(ctx context.Context, v *ingest.View, pattern glob) ([]topic, error) {
	found := map[topic]bool{}
	for id, err := range v.WithPrefix(ctx, record.Prefix{Kind: record.KindAssertion}) {
		if err != nil {
			return nil, err
		}
		a, err := t.assertion(ctx, v, id.Hash)
		if err != nil {
			return nil, err
		}
		if a != nil && pattern.match(a.Subject) {
			found[topic{a.Subject, a.Predicate}] = true
		}
	}
	list := slices.Collect(maps.Keys(found))
	slices.SortFunc(list, func(a, b topic) int {
		return cmp.Or(strings.Compare(a.subject, b.subject), strings.Compare(a.predicate, b.predicate))
	})
	return list, nil
}

// beliefMoved compares what is believed of one topic at two times; nil when it is the same value.
func (t *Tracer) beliefMoved(ctx context.Context, v *ingest.View, q question, on topic, at ask.BeliefsQuery) (*ask.BeliefMoved, error) {
	h, err := orderedHistory(ctx, v, on.subject, on.predicate)
	if err != nil {
		return nil, err
	}
	from := q.with(func(c *lens.Cut) { c.AsOf = at.From })
	to := q.with(func(c *lens.Cut) { c.AsOf = at.To })
	before, after := from.answer(h), to.answer(h)
	if before.Value == after.Value {
		return nil, nil
	}
	m, _, err := t.journey(ctx, v, h.History, from, to)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", on.subject, on.predicate, err)
	}
	return &ask.BeliefMoved{Subject: on.subject, Predicate: on.predicate, From: resultOf(before), To: resultOf(after), Moves: m.turned()}, nil
}
