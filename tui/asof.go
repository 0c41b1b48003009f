package tui

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
	"episteme/views"
)

// linkAsOf is the moment that a link asks to be shown: episteme://q/7f3a2b91?as_of=2024-01-15T21:03:47Z. nil when it
// names none.
func linkAsOf(link string) (*record.Time, error) {
	if !strings.HasPrefix(link, "episteme://") {
		return nil, nil
	}
	_, how, _ := strings.Cut(link, "?")
	values, err := url.ParseQuery(how)
	if err != nil {
		return nil, fmt.Errorf("the link says %s, which nobody understands: %w", how, err)
	}
	for name := range values {
		if name != "as_of" {
			return nil, fmt.Errorf("the link says %s, of which %q is not known: expected as_of=TIME", how, name)
		}
	}
	if !values.Has("as_of") {
		return nil, nil
	}
	at, err := record.ParseTime(values.Get("as_of"))
	if err != nil {
		return nil, fmt.Errorf("as_of of the link: %w", err)
	}
	return &at, nil
}

// asOf answers as it was at a moment, by the records' own timestamps: what claims to be later is not there. What was
// told stays what was told. What nobody can say of an earlier moment is left out, never answered with what holds now.
type asOf struct {
	ask.Investigator
	at record.Time
}

// until is r without what is later.
func (a asOf) until(r ask.Range) ask.Range {
	if end := a.at + 1; r.To == nil || *r.To > end { // the end is exclusive
		r.To = &end
	}
	return r
}

func (a asOf) Status(ctx context.Context) (ask.Status, error) {
	s, err := a.Investigator.Status(ctx)
	if s.Newest != nil && *s.Newest > a.at {
		s.Newest = &a.at
	}
	return s, err
}

func (a asOf) Audits(ctx context.Context, f ask.AuditFilter) (ask.Trace, error) {
	f.Range = a.until(f.Range)
	t, err := a.Investigator.Audits(ctx, f)
	t.Queries = slices.Clone(t.Queries)
	for i := range t.Queries { // what was found since is not known of the moment; the verdict proves what it can
		t.Queries[i].Findings = slices.DeleteFunc(slices.Clone(t.Queries[i].Findings), hindsight)
	}
	t.Heard = slices.DeleteFunc(slices.Clone(t.Heard), func(h ask.Heard) bool { return h.At > a.at })
	t.AllReceivedShown = false // what is later was received, and is not shown
	return t, err
}

func (a asOf) Events(ctx context.Context, r ask.Range, limit int) ([]ask.Event, error) {
	return a.Investigator.Events(ctx, a.until(r), limit)
}

// Findings leaves out what was found by looking at what holds now.
func (a asOf) Findings(ctx context.Context, f ask.AuditFilter) (ask.Trace, error) {
	f.Range = a.until(f.Range)
	t, err := a.Investigator.Findings(ctx, f)
	if err != nil {
		return t, err
	}
	list := make([]ask.Audit, 0, len(t.Queries))
	for _, q := range t.Queries {
		if q.Findings = slices.DeleteFunc(slices.Clone(q.Findings), hindsight); len(q.Findings) > 0 {
			list = append(list, q)
		}
	}
	slices.SortStableFunc(list, func(x, y ask.Audit) int { return x.Findings[0].Code.Severity() - y.Findings[0].Code.Severity() })
	t.Total -= uint64(len(t.Queries) - len(list))
	t.Queries, t.AllReceivedShown = list, false
	return t, nil
}

// hindsight reports whether a finding is about what came after an answer.
func hindsight(f ask.Finding) bool {
	return f.Code == ask.RetractedSince || f.Code == ask.LateEvidence || f.Code == ask.ChangedSince
}

// Verdict is the verdict as it was: lives end at the moment, and so does what was done on the strength of it.
func (a asOf) Verdict(ctx context.Context, audit record.ID) (ask.Verdict, error) {
	v, err := a.Investigator.Verdict(ctx, audit)
	if err != nil {
		return v, err
	}
	v.Because, v.Against, v.NotAdmitted = a.lives(v.Because), a.lives(v.Against), a.lives(v.NotAdmitted)
	v.Then = slices.DeleteFunc(slices.Clone(v.Then), func(e ask.Event) bool { return e.Timestamp > a.at })
	if v.Now, err = a.present(ctx, v); err != nil {
		return v, err
	}
	v.Audit.Findings = slices.DeleteFunc(slices.Clone(v.Audit.Findings), func(f ask.Finding) bool {
		switch f.Code {
		case ask.RetractedSince:
			return !slices.ContainsFunc(v.Because, withdrawn)
		case ask.ChangedSince:
			return v.Now == nil || !v.Now.Changed
		}
		return hindsight(f)
	})
	return v, nil
}

func withdrawn(w ask.Weighed) bool {
	gone := func(s record.Stage) bool { return s == record.Rejected || s == record.Deprecated }
	return gone(w.LifecycleNow) && !gone(w.Lifecycle)
}

// lives are assertions with the steps up to the moment, and the stage of the last of them.
func (a asOf) lives(list []ask.Weighed) []ask.Weighed {
	out := slices.Clone(list)
	for i := range out {
		w := &out[i]
		w.Life = slices.DeleteFunc(slices.Clone(w.Life), func(s ask.LifeStep) bool { return s.At > a.at })
		w.LifecycleNow = w.Lifecycle
		for _, s := range w.Life {
			if s.To != nil {
				w.LifecycleNow = *s.To
			}
		}
	}
	return out
}

// present is what the question was told at the moment. It is known from what is believed otherwise then than when it
// was asked: where nothing is, it was told the same. nil where that does not follow: before it was asked, where a
// record that arrived later claims to be older, and for what cannot be recomputed.
func (a asOf) present(ctx context.Context, v ask.Verdict) (*ask.Present, error) {
	q := v.Audit
	late := slices.ContainsFunc(q.Findings, func(f ask.Finding) bool { return f.Code == ask.LateEvidence })
	if v.Now == nil || late || q.AsOf > a.at {
		return nil, nil
	}
	beliefs := ask.BeliefsQuery{Subject: views.ExactGlob(q.Subject), From: q.AsOf, To: a.at, Lens: q.Lens}
	if q.LensParams.HalfLife != "" {
		half, err := record.ParseHalfLife(q.LensParams.HalfLife)
		if err != nil {
			return nil, err
		}
		beliefs.HalfLife = half
	}
	if q.LifecycleFilter != nil {
		beliefs.Filter = *q.LifecycleFilter
	}
	changes, err := a.Beliefs(ctx, beliefs)
	if err != nil {
		return nil, err
	}
	now := ask.Present{At: a.at, Result: q.Result}
	for _, c := range changes.Changes {
		if c.Subject == q.Subject && c.Predicate == q.Predicate {
			now.Result, now.Changed = c.To, c.To.Value != q.Result.Value
		}
	}
	if b := v.Now.Because; b != nil && b.At <= a.at && now.Changed && now.Result.Value == v.Now.Result.Value {
		now.Because, now.Of = b, v.Now.Of
	}
	return &now, nil
}

// Provenance leaves out what claims to be later.
func (a asOf) Provenance(ctx context.Context, root record.ID, o ask.ProvenanceOptions) (ask.Provenance, error) {
	gone := map[record.ID]bool{}
	keep := func(nodes []ask.Node, edges []ask.Edge) ([]ask.Node, []ask.Edge) {
		nodes = slices.DeleteFunc(slices.Clone(nodes), func(n ask.Node) bool {
			if n.ID != root && n.Timestamp != nil && *n.Timestamp > a.at {
				gone[n.ID] = true
			}
			return gone[n.ID]
		})
		return nodes, slices.DeleteFunc(slices.Clone(edges), func(e ask.Edge) bool { return gone[e.From] || gone[e.To] })
	}
	if level := o.Level; level != nil {
		o.Level = func(nodes []ask.Node, edges []ask.Edge) { level(keep(nodes, edges)) }
	}
	p, err := a.Investigator.Provenance(ctx, root, o)
	p.Nodes, p.Edges = keep(p.Nodes, p.Edges)
	return p, err
}

// Impact leaves out who was told later. Who is told it still is said of now: that is not known of another moment.
func (a asOf) Impact(ctx context.Context, of ask.Target, o ask.ImpactOptions) (ask.Impact, error) {
	i, err := a.Investigator.Impact(ctx, of, o)
	if err != nil {
		return i, err
	}
	found := len(i.Queries)
	i.Queries = slices.DeleteFunc(slices.Clone(i.Queries), func(q ask.Impacted) bool { return q.Timestamp > a.at })
	i.Total -= found - len(i.Queries)
	for n := range i.Queries {
		i.Queries[n].StillTold = nil
	}
	agents, subjects := map[string]bool{}, map[string]bool{}
	for _, q := range i.Queries {
		agents[q.Agent], subjects[q.Subject] = true, true
	}
	i.Agents, i.Subjects = slices.Sorted(maps.Keys(agents)), slices.Sorted(maps.Keys(subjects))
	if i.Events, err = a.happened(ctx, i.Events); err != nil {
		return i, err
	}
	parts := []string{"later ones are not shown, and who was still told then is not known"}
	if i.More != "" {
		parts = append(parts, i.More)
	}
	i.Complete, i.More = false, strings.Join(parts, "; ")
	return i, nil
}

// happened are those of events that had happened.
func (a asOf) happened(ctx context.Context, events []record.ID) ([]record.ID, error) {
	var out []record.ID
	for _, id := range events {
		r, err := a.Record(ctx, id)
		var absent *ask.NotFoundError
		if err != nil && !errors.As(err, &absent) {
			return nil, err
		}
		if e, ok := r.Record.(*record.Event); !ok || e.Timestamp <= a.at {
			out = append(out, id)
		}
	}
	return out, nil
}
