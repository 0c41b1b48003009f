package trace

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"episteme/engine/ingest"
	"episteme/engine/trace/ask"
)

// Events lists what happened in the world, newest first.
func (t *Tracer) Events(ctx context.Context, r ask.Range, limit int) ([]ask.Event, error) {
	return read(ctx, t, func(v *ingest.View) ([]ask.Event, error) {
		list := []ask.Event{}
		for e, err := range v.Events(ctx, r.From, r.To) {
			if err != nil {
				return nil, err
			}
			if limit > 0 && len(list) == limit {
				break
			}
			list = append(list, ask.Event{ID: e.ID, LSN: e.LSN, RecordedAt: e.RecordedAt, Event: *e.Event})
		}
		return list, nil
	})
}

// Agents lists everybody who asked a question or had a line refused, by name.
func (t *Tracer) Agents(ctx context.Context) ([]ask.Agent, error) {
	rejects := t.Rejects()
	return read(ctx, t, func(v *ingest.View) ([]ask.Agent, error) {
		list := []ask.Agent{}
		for a, err := range v.Agents(ctx) {
			if err != nil {
				return nil, err
			}
			list = append(list, ask.Agent{
				Name: a.Name, Queries: a.Queries, NewestTimestamp: &a.NewestTimestamp, NewestRecordedAt: &a.NewestRecordedAt,
				Rejects: rejects[a.Name],
			})
			delete(rejects, a.Name)
		}
		for name, n := range rejects {
			if name != "" {
				list = append(list, ask.Agent{Name: name, Rejects: n})
			}
		}
		slices.SortFunc(list, func(a, b ask.Agent) int { return cmp.Compare(a.Name, b.Name) })
		return list, nil
	})
}

// Status says how far the store has come and what it holds.
func (t *Tracer) Status(ctx context.Context) (ask.Status, error) {
	durable := t.Durable()
	return read(ctx, t, func(v *ingest.View) (ask.Status, error) {
		s := ask.Status{Journal: t.Journal, LastLSN: durable}
		s.AppliedLSN = v.Applied().LSN
		for a, err := range v.Agents(ctx) {
			if err != nil {
				return s, err
			}
			s.Audits += a.Queries
		}
		for _, err := range v.Events(ctx, nil, nil) {
			if err != nil {
				return s, err
			}
			s.Events++
		}
		var err error
		s.Oldest, s.Newest, err = v.Extent(ctx)
		return s, err
	})
}

// heardMax is how many agents a list names when it is not about one.
const heardMax = 3

// heard says when the agent of the filter was last heard of, else those heard last.
func (t *Tracer) heard(ctx context.Context, v *ingest.View, m *matcher, out *ask.Trace) error {
	if m.Agent != "" {
		a, err := v.Agent(m.Agent)
		if err == nil && a.Queries > 0 {
			out.Heard = []ask.Heard{{Agent: a.Name, At: a.NewestTimestamp}}
		}
		return err
	}
	for a, err := range v.Agents(ctx) {
		if err != nil {
			return err
		}
		out.Heard = append(out.Heard, ask.Heard{Agent: a.Name, At: a.NewestTimestamp})
	}
	slices.SortStableFunc(out.Heard, func(a, b ask.Heard) int { return cmp.Compare(b.At, a.At) })
	out.Heard = out.Heard[:min(len(out.Heard), heardMax)]
	return nil
}

// whyEmpty says what may be the reason that a list is empty, so that nobody takes it for an answer.
func (t *Tracer) whyEmpty(ctx context.Context, v *ingest.View, m *matcher, out *ask.Trace) error {
	oldest, newest, err := v.Extent(ctx)
	if err != nil {
		return err
	}
	if newest == nil {
		why := "no question and no event has been recorded here yet"
		if out.AppliedLSN == 0 && out.Behind == 0 {
			why = "nothing has been recorded here yet: `episteme ingest FILE` takes records in"
		}
		out.Empty = append(out.Empty, why)
		return nil
	}
	if out.Behind > 0 {
		out.Empty = append(out.Empty, fmt.Sprintf("%d records are received and not shown yet", out.Behind))
	}
	if m.Range.From != nil || m.Range.To != nil {
		if !m.Range.Contains(*newest) && !m.Range.Contains(*oldest) {
			out.Empty = append(out.Empty, fmt.Sprintf("records run from %s to %s", *oldest, *newest))
		}
		if now := t.now(); *newest > now {
			out.Empty = append(out.Empty, fmt.Sprintf("the newest is %s in the future", time.Duration(*newest-now).Round(time.Second)))
		}
		if n, err := t.totalOutside(ctx, v, m); err != nil {
			return err
		} else if n > 0 {
			out.Empty = append(out.Empty, fmt.Sprintf("%d outside this range of time", n))
		}
	}
	if m.Agent != "" && len(out.Heard) == 0 {
		out.Empty = append(out.Empty, fmt.Sprintf("nobody called %q has asked anything: `episteme agents` lists who has", m.Agent))
	}
	if len(out.Empty) == 0 {
		out.Empty = append(out.Empty, "nothing recorded matches the filter")
	}
	return nil
}

// totalOutside counts what the filter would match at any time.
func (t *Tracer) totalOutside(ctx context.Context, v *ingest.View, m *matcher) (n int, err error) {
	open := *m
	open.Range = ask.Range{}
	for _, err := range open.matches(ctx, v) {
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}
