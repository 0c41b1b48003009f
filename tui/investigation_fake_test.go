package tui

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// probe is what the fake answers to the questions of an investigation. The zero probe knows nothing.
type probe struct {
	impacts map[string]ask.Impact // by ask.Target.String
	whatIf  func(ask.WhatIfChange) (ask.WhatIf, error)
	diff    func(left, right record.ID) ask.Difference
	found   ask.Trace

	mu    sync.Mutex // guards asked: questions run on goroutines of their own, and one that is cancelled may still run
	asked []string   // what was asked, in words
}

func (p *probe) note(asked string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, asked)
}

func (f *fake) Impact(ctx context.Context, of ask.Target, _ ask.ImpactOptions) (ask.Impact, error) {
	f.probe.note("impact " + of.Short())
	if err := f.enter(ctx, "Impact"); err != nil {
		return ask.Impact{}, err
	}
	if i, ok := f.probe.impacts[of.String()]; ok {
		return i, nil
	}
	return ask.Impact{Of: of, Complete: true, AppliedLSN: f.applied()}, nil
}

func (f *fake) WhatIf(ctx context.Context, audit record.ID, c ask.WhatIfChange) (ask.WhatIf, error) {
	f.probe.note("what if " + c.Words())
	if err := f.enter(ctx, "WhatIf"); err != nil {
		return ask.WhatIf{}, err
	}
	if f.probe.whatIf == nil {
		return ask.WhatIf{}, &ask.NotFoundError{What: audit.Short()}
	}
	return f.probe.whatIf(c)
}

func (f *fake) Diff(ctx context.Context, left, right record.ID) (ask.Difference, error) {
	f.probe.note("diff " + left.Short() + " " + right.Short())
	if err := f.enter(ctx, "Diff"); err != nil {
		return ask.Difference{}, err
	}
	return f.probe.diff(left, right), nil
}

func (f *fake) Findings(ctx context.Context, q ask.AuditFilter) (ask.Trace, error) {
	f.probe.note(fmt.Sprintf("findings for %s, a window: %v", q.Search.Time, q.Range.From != nil))
	if err := f.enter(ctx, "Findings"); err != nil {
		return ask.Trace{}, err
	}
	t := f.probe.found
	t.Range = q.Range
	return t, nil
}

// investigated is the incident with what an investigation of it comes to.
func investigated() *fake {
	f := incident()
	at := func(h, m, s int) *record.Time { t := clockAt(h, m, s); return &t }
	head := []ask.Node{
		{ID: es256, Kind: "assertion", Check: ask.Verified, Title: "auth/jwt signing_algorithm = ES256", Agent: "rfc-bot", Timestamp: at(18, 2, 0), LSN: 138},
		{ID: rfcSource, Kind: "source", Check: ask.Verified, Title: "security-rfc-2024.md", Agent: "docs-sync", Timestamp: at(18, 0, 0), LSN: 137, Depth: 1},
		{ID: rfcBytes, Kind: "evidence", Check: ask.Verified, Title: "139 bytes", LSN: 136, Depth: 2},
	}
	f.chains[es256] = ask.Provenance{Root: es256, Complete: true, Nodes: head, Edges: []ask.Edge{
		{From: es256, To: rfcSource, Type: ask.EvidenceOf}, {From: rfcSource, To: rfcBytes, Type: ask.EvidenceOf}}}
	f.chains[rs256] = ask.Provenance{Root: rs256, Complete: true, Nodes: []ask.Node{
		{ID: rs256, Kind: "assertion", Check: ask.Verified, Title: "auth/jwt signing_algorithm = RS256", Agent: "docs-sync", Timestamp: at(12, 0, 0), LSN: 90}}}
	f.records[deploy41] = ask.Record{ID: deploy41, LSN: 205, RecordedAt: clockAt(23, 0, 0), Check: ask.Verified, Record: &record.Event{
		Type: record.Deploy, Timestamp: clockAt(21, 4, 10), Agent: "deployment-agent", Title: "auth-service config 41", BasedOn: []record.ID{rootQuery}}}
	f.probe.impacts = map[string]ask.Impact{
		es256.String():                          reachedFrom(ask.Target{ID: es256}, 4),
		rfcSource.String():                      reachedFrom(ask.Target{ID: rfcSource}, 9),
		ask.Target{Agent: "rfc-bot"}.String():   reachedFrom(ask.Target{Agent: "rfc-bot"}, 30),
		ask.Target{Agent: "docs-sync"}.String(): reachedFrom(ask.Target{Agent: "docs-sync"}, 2),
	}
	f.probe.whatIf = whatIfOfRoot
	f.probe.diff = func(l, r record.ID) ask.Difference { return differenceOf(f, l, r) }
	f.probe.found = suspects(f)
	return f
}

// reachedFrom is an impact of n queries: a third still told, a third that would have flipped, the rest told in vain,
// and one that cannot be recomputed.
func reachedFrom(of ask.Target, n int) ask.Impact {
	yes, no, weight := true, false, float32(.9)
	i := ask.Impact{Of: of, Events: []record.ID{deploy41}, Agents: []string{"deployment-agent", "incident-bot", "support-agent"},
		Subjects: []string{"auth/jwt"}, AppliedLSN: 300, Total: n, Complete: true}
	agents := []string{"support-agent", "incident-bot", "deployment-agent"}
	for k := range n {
		q := ask.Impacted{Query: idOf(record.KindAudit, fmt.Sprint("reached", k)), Agent: agents[k%3], Timestamp: clockAt(22, 20, 0) - record.Time(k)*97e9,
			Subject: "auth/jwt", Predicate: "signing_algorithm", Value: record.TextObject("ES256"), Without: record.TextObject("RS256"),
			Weight: &weight, Path: []record.ID{es256}, Flips: &yes, StillTold: &no, Recomputed: ask.Same}
		switch {
		case k == n-1:
			q.Flips, q.StillTold, q.Recomputed, q.Without = nil, nil, ask.NotPossible, record.Object{}
		case k < n/3:
			q.StillTold = &yes
		case k >= 2*n/3:
			q.Flips, q.Without = &no, q.Value
		}
		if k == 0 {
			q.Query, q.Path, q.Weight = rootQuery, []record.ID{rfcSource, es256, hs256}, nil
		}
		i.Queries = append(i.Queries, q)
	}
	return i
}

// whatIfOfRoot answers as the lenses would: what takes ES256 away leaves RS256, what takes both away leaves nothing.
func whatIfOfRoot(c ask.WhatIfChange) (ask.WhatIf, error) {
	v := rootVerdict()
	out := ask.WhatIf{Query: rootQuery, Recorded: v.Audit.Result, Reproduced: true, SmallestFlip: []record.ID{es256}, Searched: "its only contribution"}
	gone := func(targets ...ask.Target) bool {
		return slices.ContainsFunc(targets, func(t ask.Target) bool { return slices.Contains(c.Without, t) })
	}
	noES := gone(ask.Target{ID: es256}, ask.Target{ID: rfcSource}, ask.Target{Agent: "rfc-bot"}) || c.Filter != nil && *c.Filter == record.Approved
	noRS := gone(ask.Target{ID: rs256}, ask.Target{Agent: "docs-sync"})
	result, flips, margin := v.Audit.Result, false, float32(.33)
	out.Contributions = v.Audit.Contributions
	source := "auth-runbook.md"
	switch {
	case noES && noRS:
		result, flips, margin, out.Contributions = ask.Result{}, true, 0, nil
	case noES:
		result, flips, margin = ask.Result{Value: record.TextObject("RS256"), Confidence: .54, Share: 1}, true, .54
		out.Contributions = []ask.Contribution{{Assertion: rs256, Lifecycle: record.Approved, Weight: .6, Source: &source, Value: record.TextObject("RS256")}}
	}
	for _, t := range c.Without {
		if !t.ID.IsZero() {
			out.LeftOut = append(out.LeftOut, t.ID)
		}
	}
	out.Recomputed, out.Flips, out.Margin = &result, &flips, &margin
	return out, nil
}

// differenceOf are two answers that a rejection and a vote moved apart.
func differenceOf(f *fake, left, right record.ID) ask.Difference {
	find := func(id record.ID) ask.Audit {
		for _, a := range f.audits {
			if a.ID == id {
				return a
			}
		}
		return ask.Audit{ID: id}
	}
	d := ask.Difference{Left: find(left), Right: find(right), Between: 6}
	if d.Left.Subject != d.Right.Subject {
		d.Differs, d.Unknown = []string{"subject", "value"}, "they are about different things: what moved the one to the other has no answer"
		return d
	}
	d.Differs = []string{"as_of", "value", "confidence"}
	es := ask.Result{Value: record.TextObject("ES256"), Confidence: .87, Share: .62}
	rs := ask.Result{Value: record.TextObject("RS256"), Confidence: .54, Share: 1}
	when, vote := clockAt(22, 10, 0), clockAt(22, 7, 10)
	d.OnlyLeft = d.Left.Contributions
	d.OnlyRight = d.Right.Contributions
	d.Both = []ask.Reweighed{{Assertion: hs256, Value: record.TextObject("HS256"), Left: .7, Right: .4}}
	d.Moves = []ask.Move{
		{Record: voteAfter, Title: "-1 on a_…", Agent: "bob", Timestamp: &vote, LSN: 249, From: es, To: ask.Result{Value: es.Value, Confidence: .8, Share: .6}},
		{Record: rejection, Title: "to Rejected: clients cannot verify", Agent: "alice", Timestamp: &when, LSN: 250, From: es, To: rs, Turned: true},
		{Title: "asked with lens consensus", From: rs, To: rs, Gone: true, Record: idOf(record.KindEpoch, "y23"), Agent: "ops", Timestamp: &vote},
	}
	return d
}

// suspects are the queries with findings, worst first; the search for what holds now stopped early.
func suspects(f *fake) ask.Trace {
	t := ask.Trace{AllReceivedShown: true, AppliedLSN: 300, Searched: &ask.Searched{Done: 40, Of: 61}}
	for _, code := range ask.Codes() {
		for _, a := range f.audits {
			if len(a.Findings) > 0 && a.Findings[0].Code == code {
				t.Queries = append(t.Queries, a)
			}
		}
	}
	t.Total = uint64(len(t.Queries))
	return t
}

// withBefore puts an older answer to the root's question into the incident.
func withBefore(f *fake) (*fake, record.ID) {
	a := rootVerdict().Audit
	a.ID, a.Agent, a.Timestamp, a.AsOf, a.LSN = idOf(record.KindAudit, "before"), "capacity-planner", clockAt(20, 45, 1), clockAt(20, 45, 1), 180
	a.Result = ask.Result{Value: record.TextObject("RS256"), Confidence: .54, Share: 1}
	source := "auth-runbook.md"
	a.Contributions = []ask.Contribution{{Assertion: rs256, Lifecycle: record.Approved, Weight: .6, Source: &source, Value: record.TextObject("RS256")}}
	a.Findings = nil
	f.audits = append(f.audits, a)
	sortNewest(f.audits)
	return f, a.ID
}
