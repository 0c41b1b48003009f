package trace

import (
	"cmp"
	"context"
	"slices"

	"episteme/engine/ingest"
	"episteme/engine/lens"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// Bisect finds the record that turned an answer into a value: it takes the records that bear on the question in the
// order of the journal, those up to now by their own timestamps, and asks after each. It looks at every step, because
// an answer may turn into a value several times, and halving would find any of them.
func (t *Tracer) Bisect(ctx context.Context, q ask.BisectQuery) (ask.Bisection, error) {
	q0, err := unasked(q.Lens, q.HalfLife, q.Filter)
	if err != nil {
		return ask.Bisection{}, err
	}
	return read(ctx, t, func(v *ingest.View) (ask.Bisection, error) {
		h, err := history(ctx, v, q.Subject, q.Predicate)
		if err != nil {
			return ask.Bisection{}, err
		}
		if len(h.Assertions) == 0 {
			near, err := t.nearTopics(ctx, v, q)
			if err == nil {
				err = &ask.NotFoundError{What: "about " + q.Subject + " " + q.Predicate, Near: near}
			}
			return ask.Bisection{}, err
		}
		m, err := t.grow(ctx, v, h, q0)
		if err != nil {
			return ask.Bisection{}, err
		}
		out, err := turnsInto(q, m)
		out.AppliedLSN = v.Applied().LSN
		return out, err
	})
}

// grow lets the records of a history count one after the other, in the order of the journal.
func (t *Tracer) grow(ctx context.Context, v *ingest.View, h lens.History, q question) (*mover, error) {
	now := t.now()
	m := t.newMover(ctx, v, h, q, map[record.ID]bool{})
	all := bearers(h)
	slices.SortFunc(all, func(a, b bearer) int { return cmp.Compare(a.lsn, b.lsn) })
	for _, r := range all {
		if r.time > now {
			continue
		}
		if err := m.step(r, false); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// turnsInto picks from all turns of an answer those into a value.
func turnsInto(q ask.BisectQuery, m *mover) (ask.Bisection, error) {
	out := ask.Bisection{Subject: q.Subject, Predicate: q.Predicate, Lens: m.at.lens.Name, Turns: m.turned(), Now: resultOf(m.now)}
	for _, move := range out.Turns {
		if !means(q.Value, move.To.Value) {
			continue
		}
		if out.Times++; out.Times == 1 {
			out.First, out.Value = move, move.To.Value
		}
	}
	if out.Times > 0 {
		return out, nil
	}
	var were []string
	for _, move := range out.Turns {
		if value := typed(move.To.Value); !slices.Contains(were, value) {
			were = append(were, value)
		}
	}
	return out, &ask.NotFoundError{What: "that turned " + q.Subject + " " + q.Predicate + " into " + q.Value, Near: were}
}

// means reports whether a typed value is o: its text, or its JSON. null alone is no value.
func means(text string, o record.Object) bool {
	if o.Type == record.NoValue || text == typed(record.Object{}) {
		return text == typed(o)
	}
	json, err := o.MarshalJSON()
	return text == o.String() || err == nil && text == string(json)
}

// typed is how a person types a value: as it reads, but null for none.
func typed(o record.Object) string {
	if o.Type == record.NoValue {
		return "null"
	}
	return o.String()
}

// nearTopics are what may have been meant by a subject and predicate that nobody has asserted anything about: other
// predicates of the subject, else subjects near to it.
func (t *Tracer) nearTopics(ctx context.Context, v *ingest.View, q ask.BisectQuery) ([]string, error) {
	own, err := t.topics(ctx, v, glob{pattern: q.Subject, literal: true})
	if err != nil {
		return nil, err
	}
	var predicates []string
	for _, on := range own {
		predicates = append(predicates, on.predicate)
	}
	if len(predicates) == 0 {
		known, err := subjectsFrom(ctx, v, above(q.Subject))
		return nearest(q.Subject, known), err
	}
	if meant := record.Nearest(q.Predicate, predicates); meant != "" {
		predicates = []string{meant}
	}
	var near []string
	for _, p := range predicates[:min(len(predicates), nearMax)] {
		near = append(near, q.Subject+" "+p)
	}
	return near, nil
}
