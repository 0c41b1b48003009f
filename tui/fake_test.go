package tui

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// fake is an Investigator over values made by hand. before, when set, is called at the start of each method with its
// name: it may wait, fail or panic.
type fake struct {
	ask.Investigator // nil: what no screen asks yet panics

	audits   []ask.Audit // newest first
	events   []ask.Event // newest first
	verdicts map[record.ID]ask.Verdict
	chains   map[record.ID]ask.Provenance
	records  map[record.ID]ask.Record
	before   func(ctx context.Context, method string) error
	probe    probe
	behind   uint64
	lsn      record.LSN // applied; 0: 300
}

func (f *fake) enter(ctx context.Context, method string) error {
	if f.before != nil {
		if err := f.before(ctx, method); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (f *fake) Ask(context.Context, record.Query) (ask.Audit, error) {
	panic("the interface never asks")
}

func (f *fake) Agents(context.Context) ([]ask.Agent, error) { return nil, nil }

func (f *fake) Status(ctx context.Context) (ask.Status, error) {
	if err := f.enter(ctx, "Status"); err != nil {
		return ask.Status{}, err
	}
	s := ask.Status{LastLSN: f.applied(), AppliedLSN: f.applied(), Audits: uint64(len(f.audits)), Events: uint64(len(f.events))}
	if n := len(f.audits); n > 0 {
		s.Newest, s.Oldest = &f.audits[0].Timestamp, &f.audits[n-1].Timestamp
	} else {
		s.LastLSN = 0
	}
	return s, nil
}

func (f *fake) applied() record.LSN {
	if f.lsn == 0 {
		return 300
	}
	return f.lsn
}

func (f *fake) Audits(ctx context.Context, q ask.AuditFilter) (ask.Trace, error) {
	if err := f.enter(ctx, "Audits"); err != nil {
		return ask.Trace{}, err
	}
	var in []ask.Audit
	for _, a := range f.audits {
		if q.Range.Contains(a.Timestamp) {
			in = append(in, a)
		}
	}
	t := ask.Trace{Range: q.Range, Total: uint64(len(in)), AllReceivedShown: f.behind == 0, Behind: f.behind, AppliedLSN: f.applied()}
	if len(in) == 0 {
		t.Empty = []string{"the newest record is 20 minutes in the future", "ingest is 3 s behind"}
	}
	first, _ := strconv.Atoi(q.Cursor)
	last := len(in)
	if q.Limit > 0 && first+q.Limit < last {
		last = first + q.Limit
		next := strconv.Itoa(last)
		t.NextCursor = &next
	}
	t.Queries = in[first:last]
	if len(in) > 0 {
		t.Heard = []ask.Heard{{Agent: in[0].Agent, At: in[0].Timestamp}}
	}
	return t, nil
}

func (f *fake) Events(ctx context.Context, r ask.Range, limit int) ([]ask.Event, error) {
	if err := f.enter(ctx, "Events"); err != nil {
		return nil, err
	}
	var out []ask.Event
	for _, e := range f.events {
		if r.Contains(e.Timestamp) && len(out) < limit {
			out = append(out, e)
		}
	}
	return out, nil
}

func (f *fake) Identify(ctx context.Context, typed string) (record.ID, error) {
	if err := f.enter(ctx, "Identify"); err != nil {
		return record.ID{}, err
	}
	p, err := record.ParsePrefix(typed)
	if err != nil {
		return record.ID{}, err
	}
	for i := range f.audits {
		if p.Match(f.audits[i].ID) {
			return f.audits[i].ID, nil
		}
	}
	for id := range f.records {
		if p.Match(id) {
			return id, nil
		}
	}
	return record.ID{}, &ask.NotFoundError{What: typed}
}

func (f *fake) Record(ctx context.Context, id record.ID) (ask.Record, error) {
	if err := f.enter(ctx, "Record"); err != nil {
		return ask.Record{}, err
	}
	if r, ok := f.records[id]; ok {
		return r, nil
	}
	return ask.Record{}, &ask.NotFoundError{What: id.Short()}
}

func (f *fake) Verdict(ctx context.Context, id record.ID) (ask.Verdict, error) {
	if err := f.enter(ctx, "Verdict"); err != nil {
		return ask.Verdict{}, err
	}
	if v, ok := f.verdicts[id]; ok {
		return v, nil
	}
	for _, a := range f.audits {
		if a.ID == id {
			return ask.Verdict{Audit: a, Recomputed: ask.Same, LensSentence: "each agent has one voice",
				Now: &ask.Present{Result: a.Result}}, nil
		}
	}
	return ask.Verdict{}, &ask.NotFoundError{What: id.Short()}
}

func (f *fake) Provenance(ctx context.Context, root record.ID, o ask.ProvenanceOptions) (ask.Provenance, error) {
	if err := f.enter(ctx, "Provenance"); err != nil {
		return ask.Provenance{}, err
	}
	p, ok := f.chains[root]
	if !ok {
		p = ask.Provenance{Root: root, Complete: true, Nodes: []ask.Node{{ID: root, Kind: root.Kind.String(), Check: ask.NotHeld, Title: "not described"}}}
	}
	if o.Level != nil {
		for depth := 0; ; depth++ {
			var nodes []ask.Node
			for _, n := range p.Nodes {
				if n.Depth == depth {
					nodes = append(nodes, n)
				}
			}
			if len(nodes) == 0 {
				break
			}
			var edges []ask.Edge
			for _, e := range p.Edges {
				for _, n := range nodes {
					if n.ID == e.To {
						edges = append(edges, e)
					}
				}
			}
			o.Level(nodes, edges)
			if err := f.enter(ctx, "level "+strconv.Itoa(depth)); err != nil {
				return ask.Provenance{}, err
			}
		}
	}
	return p, nil
}

// Times of the incident.
var (
	base   = time.Date(2024, 1, 15, 20, 30, 0, 0, time.UTC)
	ending = time.Date(2024, 1, 15, 22, 32, 0, 0, time.UTC)
)

func clockAt(hour, minute, second int) record.Time {
	return record.Time(time.Date(2024, 1, 15, hour, minute, second, 0, time.UTC).UnixNano())
}

// idOf is an id that is the same in every run: the hash of a label.
func idOf(k record.Kind, label string) record.ID {
	return record.ID{Kind: k, Hash: record.Sum([]byte(label))}
}

var (
	rootQuery  = idOf(record.KindAudit, "signing_algorithm for config 41")
	es256      = idOf(record.KindAssertion, "es256")
	rs256      = idOf(record.KindAssertion, "rs256")
	hs256      = idOf(record.KindAssertion, "hs256")
	rfcSource  = idOf(record.KindSource, "rfc")
	rfcBytes   = record.ID{Kind: record.KindEvidence, Hash: record.Sum([]byte(rfcText))}
	deploy41   = idOf(record.KindEvent, "deploy 41")
	rejection  = idOf(record.KindTransition, "rejected")
	voteBefore = idOf(record.KindVote, "before")
	voteAfter  = idOf(record.KindVote, "after")
)

const rfcText = "# Security RFC 2024-02: asymmetric keys everywhere\nStatus: DRAFT. Author: security guild.\n4.1 Access tokens SHOULD be signed with ES256.\n"

// incident is a small version of what the interface is for: a deploy asked for a signing algorithm and was told a
// draft that nobody had approved.
func incident() *fake {
	f := &fake{verdicts: map[record.ID]ask.Verdict{}, chains: map[record.ID]ask.Provenance{}, records: map[record.ID]ask.Record{}}
	agents := []string{"deployment-agent", "support-agent", "docs-sync", "capacity-planner"}
	subjects := []string{"auth/jwt", "billing/tax", "edge/proxy", "db/sessions"}
	predicates := []string{"issuer", "rounding", "drain_seconds", "max_connections"}
	for i := range 60 {
		at := record.Time(base.Add(time.Duration(i) * 121 * time.Second).UnixNano())
		a := ask.Audit{ID: idOf(record.KindAudit, fmt.Sprint(i)), Agent: agents[i%4], Timestamp: at, AsOf: at, Subject: subjects[i%4],
			Predicate: predicates[i%4], Lens: "consensus", State: ask.Pinned, Considered: 1,
			Result: ask.Result{Value: record.NumberObject(float64(100 + i)), Confidence: float32(i%10) / 10, Share: 1}}
		if i%7 == 3 {
			question := "How long does the reset link work?"
			a.Question = &question
			a.Findings = []ask.Finding{{Code: ask.SingleSource}}
		}
		if i%11 == 5 {
			a.Result = ask.Result{}
			a.Findings = []ask.Finding{{Code: ask.NoAnswer}}
		}
		f.audits = append(f.audits, a)
	}
	v := rootVerdict()
	f.audits = append(f.audits, v.Audit)
	sortNewest(f.audits)
	f.verdicts[rootQuery] = v
	f.events = []ask.Event{
		event("rollback", record.Rollback, clockAt(22, 24, 30), "deployment-agent", "auth-service config 41 back to 40"),
		event("note", record.Note, clockAt(21, 57, 20), "bob", "decoded a failing token: alg ES256"),
		event("alert", record.Alert, clockAt(21, 9, 12), "pager", "login 5xx 7.8 % over 3 min"),
		v.Then[0],
	}
	f.chain()
	return f
}

func sortNewest(list []ask.Audit) {
	for i := range list {
		for j := i; j > 0 && list[j].Timestamp > list[j-1].Timestamp; j-- {
			list[j], list[j-1] = list[j-1], list[j]
		}
	}
}

func event(label string, t record.EventType, at record.Time, agent, title string) ask.Event {
	return ask.Event{ID: idOf(record.KindEvent, label), Event: record.Event{Type: t, Timestamp: at, Agent: agent, Title: title, Subject: "auth/service"}}
}

func rootVerdict() ask.Verdict {
	at, pin, journal := clockAt(21, 3, 47), record.LSN(203), strings.Repeat("7f3a", 8)
	source := "security-rfc-2024.md"
	a := ask.Audit{ID: rootQuery, Agent: "deployment-agent", Timestamp: at, AsOf: at, Subject: "auth/jwt", Predicate: "signing_algorithm",
		Lens: "authority", State: ask.Pinned, Pin: &pin, Journal: &journal, Considered: 2,
		Result: ask.Result{Value: record.TextObject("ES256"), Confidence: .87, Share: .617},
		Contributions: []ask.Contribution{{Assertion: es256, Lifecycle: record.Proposed, Weight: .9, Source: &source, SourceHash: rfcBytes,
			Value: record.TextObject("ES256")}},
		Findings: []ask.Finding{{Code: ask.RetractedSince, Cites: []record.ID{es256}}, {Code: ask.Unapproved}, {Code: ask.Contested}, {Code: ask.LensDisagreement}},
		LSN:      204}
	proposed, approved, rejected, against, strongly := record.Proposed, record.Approved, record.Rejected, float32(-.5), float32(-1)
	steps := []ask.LifeStep{
		{At: clockAt(18, 2, 0), ID: es256, Agent: "rfc-bot", To: &proposed},
		{At: clockAt(19, 0, 0), ID: voteBefore, Agent: "alice", Vote: &against},
		{At: clockAt(22, 7, 10), ID: voteAfter, Agent: "bob", Vote: &strongly, After: true},
		{At: clockAt(22, 10, 0), ID: rejection, Agent: "alice", To: &rejected, Reason: "clients cannot verify", After: true},
	}
	w := func(id record.ID, value string, weight, confidence float32, then, now record.Stage, agent, from string) ask.Weighed {
		return ask.Weighed{Assertion: id, Value: record.TextObject(value), Weight: weight, Confidence: confidence, Lifecycle: then, LifecycleNow: now,
			Agent: agent, Timestamp: clockAt(18, 2, 0), Held: true, Arithmetic: "weight " + ask.Decimal(weight) + " = authority of " + from,
			Source: ask.SourceOf{Name: from, Authority: weight, Bytes: ask.HeldBytes},
			Life:   []ask.LifeStep{{At: clockAt(12, 0, 0), ID: id, Agent: agent, To: &approved}}}
	}
	told := w(es256, "ES256", .9, .97, record.Proposed, record.Rejected, "rfc-bot", source)
	told.Life = steps
	late := w(hs256, "HS256", 0, .95, record.Approved, record.Approved, "docs-sync", "auth-handbook-2023.md")
	late.Why = "its epoch 2023 was superseded by 2024"
	return ask.Verdict{Audit: a, Recomputed: ask.Same, LensSentence: "the most trusted source wins",
		Because:     []ask.Weighed{told},
		Against:     []ask.Weighed{w(rs256, "RS256", .6, .9, record.Approved, record.Approved, "docs-sync", "auth-runbook.md")},
		NotAdmitted: []ask.Weighed{late},
		Without: []ask.Otherwise{
			{Exclude: es256, Result: ask.Result{Value: record.TextObject("RS256")}, Flips: true},
			{Filter: &approved, Result: ask.Result{Value: record.TextObject("RS256")}, Flips: true}},
		Now: &ask.Present{At: clockAt(22, 32, 0), Result: ask.Result{Value: record.TextObject("RS256")}, Changed: true, Because: &steps[3], Of: es256},
		Then: []ask.Event{{ID: deploy41, Event: record.Event{Type: record.Deploy, Timestamp: clockAt(21, 4, 10), Agent: "deployment-agent",
			Title: "auth-service config 41", Subject: "auth/service", BasedOn: []record.ID{rootQuery}, Labels: []record.Label{{Name: "env", Value: "prod"}}}}},
	}
}

// chain makes what is behind the root query, and the records of it.
func (f *fake) chain() {
	at := func(h, m, s int) *record.Time { t := clockAt(h, m, s); return &t }
	weight := float32(.9)
	p := ask.Provenance{Root: rootQuery, Complete: true,
		Nodes: []ask.Node{
			{ID: rootQuery, Kind: "audit", Check: ask.Verified, Title: "auth/jwt signing_algorithm → ES256", Agent: "deployment-agent", Timestamp: at(21, 3, 47), LSN: 204},
			{ID: es256, Kind: "assertion", Check: ask.Verified, Title: "auth/jwt signing_algorithm = ES256", Agent: "rfc-bot", Timestamp: at(18, 2, 0), LSN: 138, Depth: 1},
			{ID: rfcSource, Kind: "source", Check: ask.Verified, Title: "security-rfc-2024.md", Agent: "docs-sync", Timestamp: at(18, 0, 0), LSN: 137, Depth: 2},
			{ID: voteBefore, Kind: "vote", Check: ask.Verified, Title: "-0.5", Agent: "alice", Timestamp: at(19, 0, 0), LSN: 150, Depth: 2},
			{ID: rejection, Kind: "transition", Check: ask.Broken, Title: "to Rejected: clients cannot verify", Agent: "alice", Timestamp: at(22, 10, 0), LSN: 250, Depth: 2},
			{ID: rfcBytes, Kind: "evidence", Check: ask.Verified, Title: "139 bytes", LSN: 136, Depth: 3},
		},
		Edges: []ask.Edge{
			{From: rootQuery, To: es256, Type: ask.Contributed, Weight: &weight},
			{From: es256, To: rfcSource, Type: ask.EvidenceOf},
			{From: es256, To: voteBefore, Type: ask.VoteOn},
			{From: es256, To: rejection, Type: ask.MovedBy, After: true},
			{From: rfcSource, To: rfcBytes, Type: ask.EvidenceOf},
		}}
	f.chains[rootQuery] = p
	taken := clockAt(23, 0, 0)
	f.records[rfcBytes] = ask.Record{ID: rfcBytes, LSN: 136, RecordedAt: taken, Check: ask.Verified, Record: record.Evidence(rfcText)}
	f.records[rfcSource] = ask.Record{ID: rfcSource, LSN: 137, RecordedAt: taken, Check: ask.Verified, Record: &record.Source{
		Name: "security-rfc-2024.md", Digest: rfcBytes.Hash, Authority: .9, Agent: "docs-sync", Timestamp: clockAt(18, 0, 0)}}
	f.records[es256] = ask.Record{ID: es256, LSN: 138, RecordedAt: taken, Check: ask.Verified, Record: &record.Assertion{
		Subject: "auth/jwt", Predicate: "signing_algorithm", Object: record.TextObject("ES256"), Confidence: .97, Lifecycle: record.Proposed,
		Agent: "rfc-bot", Timestamp: clockAt(18, 2, 0), Source: rfcBytes.Hash}}
	f.records[rootQuery] = ask.Record{ID: rootQuery, LSN: 204, RecordedAt: taken, Check: ask.Verified, Record: &record.Audit{
		Agent: "deployment-agent", Timestamp: clockAt(21, 3, 47), AsOf: clockAt(21, 3, 47), Subject: "auth/jwt", Predicate: "signing_algorithm",
		Lens: "authority", Pinned: true, Pin: 203, Value: record.TextObject("ES256"), Confidence: .87, Share: .617, Considered: 2,
		Contributions: []record.Contribution{{Assertion: es256.Hash, Source: rfcBytes.Hash, Weight: .9, Lifecycle: record.Proposed}}}}
}
