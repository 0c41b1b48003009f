package api_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"episteme/engine/api"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// question is one that can be put to any evidence.
type question struct {
	name string
	put  func(ctx context.Context, e api.Evidence) (any, error)
}

// TestConformance puts the same questions to the engine and to a client over a socket. The answers are equal, fields
// that JSON leaves out included, and so are the errors, in type, fields and text.
func TestConformance(t *testing.T) {
	e := incident(t)
	c := serve(t, api.Options{Evidence: e}).local()
	for _, q := range questions(t, e) {
		t.Run(q.name, func(t *testing.T) {
			want, wantErr := q.put(t.Context(), e)
			got, gotErr := q.put(t.Context(), c)
			if diff := cmp.Diff(want, got); diff != "" && wantErr == nil {
				t.Errorf("the client's answer is another (-engine +client):\n%s", diff)
			}
			sameError(t, wantErr, gotErr)
		})
	}
}

// TestConformanceCovers asks that every method of Evidence is among the questions, or named as one that writes.
func TestConformanceCovers(t *testing.T) {
	elsewhere := map[string]bool{"Write": true, "Ingest": true}
	asked := map[string]bool{}
	for _, q := range questions(t, incident(t)) {
		name := q.name
		for i, r := range name {
			if r == ' ' {
				name = name[:i]
				break
			}
		}
		asked[name] = true
	}
	seam := reflect.TypeFor[api.Evidence]()
	for i := range seam.NumMethod() {
		if name := seam.Method(i).Name; !asked[name] && !elsewhere[name] {
			t.Errorf("no question puts Evidence.%s to both", name)
		}
	}
}

func sameError(t *testing.T, want, got error) {
	t.Helper()
	if (want == nil) != (got == nil) {
		t.Fatalf("the engine's error is %v, the client's %v", want, got)
	}
	if want == nil {
		return
	}
	if want.Error() != got.Error() {
		t.Errorf("the engine's error says %q, the client's %q", want, got)
	}
	for _, same := range []bool{
		sameAs[*ask.NotFoundError](want, got), sameAs[*ask.AmbiguousError](want, got), sameAs[*ask.UsageError](want, got), sameAs[*ask.NotRecomputableError](want, got),
	} {
		if !same {
			t.Errorf("the engine's error is %#v, the client's %#v", want, got)
		}
	}
}

func sameAs[E error](want, got error) bool {
	var w, g E
	return errors.As(want, &w) == errors.As(got, &g) && cmp.Equal(w, g)
}

func put[T any](name string, f func(ctx context.Context, e api.Evidence) (T, error)) question {
	return question{name, func(ctx context.Context, e api.Evidence) (any, error) { return f(ctx, e) }}
}

// questions are all that can be asked of the fixture without writing, and some that make no sense.
func questions(t *testing.T, e api.Evidence) []question {
	ctx := t.Context()
	var list []question
	all, err := e.Audits(ctx, ask.AuditFilter{})
	if err != nil {
		t.Fatal(err)
	}
	from, to := all.Queries[len(all.Queries)-1].Timestamp, all.Queries[0].Timestamp
	approved := record.Approved
	none := record.Stage(0)
	for name, f := range map[string]ask.AuditFilter{
		"all": {}, "of an agent": {Agent: "deployment-agent"}, "of a glob": {Subject: "auth/*"}, "with a histogram": {Range: ask.Range{From: &from}, Buckets: 7},
		"a page": {Limit: 1}, "of a finding": {Finding: "unapproved"}, "of a computed finding": {Finding: "retracted-since", Search: ask.Bounds{Time: 3 * time.Second}},
		"none": {Agent: "nobody", Range: ask.Range{From: &from, To: &to}}, "of a bad finding": {Finding: "x"}, "of a bad glob": {Subject: "["},
		"of labels": {Labels: map[string]string{"env": "prod", "a b": "c=d&e"}}, "of words": {Text: "jwt ES256"}, "of a bad cursor": {Cursor: "x"},
	} {
		list = append(list, put("Audits "+name, func(ctx context.Context, e api.Evidence) (ask.Trace, error) { return e.Audits(ctx, f) }),
			put("Findings "+name, func(ctx context.Context, e api.Evidence) (ask.Trace, error) {
				f.Cursor = ""
				return e.Findings(ctx, f)
			}))
	}
	list = append(list,
		put("Agents", func(ctx context.Context, e api.Evidence) ([]ask.Agent, error) { return e.Agents(ctx) }),
		put("Status", func(ctx context.Context, e api.Evidence) (ask.Status, error) { return e.Status(ctx) }),
		put("CatchUp", func(ctx context.Context, e api.Evidence) (int, error) { return 0, e.CatchUp(ctx) }),
		put("Events", func(ctx context.Context, e api.Evidence) ([]ask.Event, error) { return e.Events(ctx, ask.Range{}, 0) }),
		put("Events of a range", func(ctx context.Context, e api.Evidence) ([]ask.Event, error) {
			return e.Events(ctx, ask.Range{From: &from, To: &to}, 1)
		}),
		put("NearSubjects", func(ctx context.Context, e api.Evidence) (ask.Near, error) { return e.NearSubjects(ctx, "auth/jwd") }),
		put("NearSubjects of one", func(ctx context.Context, e api.Evidence) (ask.Near, error) { return e.NearSubjects(ctx, "auth/jwt") }),
		put("Beliefs", func(ctx context.Context, e api.Evidence) (ask.BeliefChanges, error) {
			return e.Beliefs(ctx, ask.BeliefsQuery{Subject: "auth/**", From: from - record.Time(24*time.Hour), To: to, Lens: "authority"})
		}),
		put("Beliefs backwards", func(ctx context.Context, e api.Evidence) (ask.BeliefChanges, error) {
			return e.Beliefs(ctx, ask.BeliefsQuery{From: to, To: from - 1})
		}),
		put("Bisect", func(ctx context.Context, e api.Evidence) (ask.Bisection, error) {
			return e.Bisect(ctx, ask.BisectQuery{Subject: "auth/jwt", Predicate: "signing_algorithm", Lens: "authority", Value: "ES256"})
		}),
		put("Bisect in vain", func(ctx context.Context, e api.Evidence) (ask.Bisection, error) {
			return e.Bisect(ctx, ask.BisectQuery{Subject: "auth/jwd", Predicate: "signing_algorithm", Value: "x"})
		}),
		put("EachRecord", func(ctx context.Context, e api.Evidence) (list []ask.Record, err error) {
			err = e.EachRecord(ctx, func(r ask.Record) error { list = append(list, r); return nil })
			return list, err
		}),
		put("EachRecord ended early", func(ctx context.Context, e api.Evidence) (int, error) {
			n := 0
			return n, e.EachRecord(ctx, func(ask.Record) error { n++; return errors.New("enough") })
		}),
		put("Diff", func(ctx context.Context, e api.Evidence) (ask.Difference, error) {
			return e.Diff(ctx, all.Queries[0].ID, all.Queries[len(all.Queries)-1].ID)
		}),
		put("Impact of an agent", func(ctx context.Context, e api.Evidence) (ask.Impact, error) {
			return e.Impact(ctx, ask.Target{Agent: "rfc-bot"}, ask.ImpactOptions{})
		}),
		put("Impact of nobody", func(ctx context.Context, e api.Evidence) (ask.Impact, error) {
			return e.Impact(ctx, ask.Target{Agent: "no/../bo dy?%2f"}, ask.ImpactOptions{})
		}),
	)
	for _, text := range []string{"ES256", "agent:alice", "auth jwt", "nothing of this kind", all.Queries[0].ID.String()[:8]} {
		list = append(list, put("Find "+text, func(ctx context.Context, e api.Evidence) (ask.Found, error) {
			return e.Find(ctx, ask.FindQuery{Text: text, Limit: 3})
		}),
			put("Find as found "+text, func(ctx context.Context, e api.Evidence) (found any, err error) {
				var hits []ask.Hit
				f, err := e.Find(ctx, ask.FindQuery{Text: text, Kind: record.KindAssertion, Each: func(h ask.Hit) error { hits = append(hits, h); return nil }})
				return []any{hits, f}, err
			}))
	}
	for _, typed := range []string{all.Queries[0].ID.String(), all.Queries[0].ID.Short(), "zz", "q_0", "", "..", ".", "a_00000000", "%2e%2e%2f", "q_/../../etc", "x y", "é", "\x00"} {
		list = append(list, put(fmt.Sprintf("Identify %q", typed), func(ctx context.Context, e api.Evidence) (record.ID, error) { return e.Identify(ctx, typed) }))
	}
	for id := range ids(t, e) {
		list = append(list,
			put("Record "+id.Short(), func(ctx context.Context, e api.Evidence) (ask.Record, error) { return e.Record(ctx, id) }),
			put("Provenance "+id.Short(), func(ctx context.Context, e api.Evidence) (ask.Provenance, error) {
				return e.Provenance(ctx, id, ask.ProvenanceOptions{})
			}),
			put("Provenance by level "+id.Short(), func(ctx context.Context, e api.Evidence) (any, error) {
				var levels []any
				p, err := e.Provenance(ctx, id, ask.ProvenanceOptions{Depth: 2, Nodes: 5, Level: func(n []ask.Node, edges []ask.Edge) { levels = append(levels, n, edges) }})
				return []any{levels, p}, err
			}),
			put("Impact "+id.Short(), func(ctx context.Context, e api.Evidence) (ask.Impact, error) {
				return e.Impact(ctx, ask.Target{ID: id}, ask.ImpactOptions{})
			}),
			put("Verdict "+id.Short(), func(ctx context.Context, e api.Evidence) (ask.Verdict, error) { return e.Verdict(ctx, id) }),
			put("Audit "+id.Short(), func(ctx context.Context, e api.Evidence) (ask.Audit, error) { return e.Audit(ctx, id) }),
			put("Recompute "+id.Short(), func(ctx context.Context, e api.Evidence) (ask.Recomputation, error) { return e.Recompute(ctx, id) }),
			put("SourceOf "+id.Short(), func(ctx context.Context, e api.Evidence) (ask.SourceOf, error) { return e.SourceOf(ctx, id.Hash) }),
			put("SourceDigest "+id.Short(), func(_ context.Context, e api.Evidence) (any, error) {
				digest, ok, err := e.SourceDigest(id.Hash)
				return []any{digest, ok}, err
			}),
		)
		for name, change := range map[string]ask.WhatIfChange{
			"as it was": {}, "approved": {Filter: &approved}, "any stage": {Filter: &none}, "another lens": {Lens: "recency", HalfLife: 36 * time.Hour},
			"without": {Without: []ask.Target{{Agent: "rfc-bot"}, {ID: id}}}, "then": {AsOf: &from}, "a lens that is none": {Lens: "x"},
		} {
			list = append(list, put("WhatIf "+name+" "+id.Short(), func(ctx context.Context, e api.Evidence) (ask.WhatIf, error) {
				return e.WhatIf(ctx, all.Queries[0].ID, change)
			}))
		}
	}
	vote := &record.Vote{Agent: "ann", Weight: -1, Timestamp: to}
	for id := range ids(t, e) {
		if id.Kind == record.KindAssertion {
			vote.Assertion = id.Hash
		}
	}
	list = append(list, put("Preview", func(ctx context.Context, e api.Evidence) (ask.Preview, error) {
		return e.Preview(ctx, []record.Record{vote})
	}),
		// The same question again is the audit that exists, so both get the one that is asked first.
		put("Ask", func(ctx context.Context, e api.Evidence) (ask.Audit, error) {
			return e.Ask(ctx, record.Query{
				Agent: "ann", Subject: "auth/jwt", Predicate: "signing_algorithm", Lens: "recency", HalfLife: time.Hour, LifecycleFilter: record.Approved,
				Timestamp: to, AsOf: from, Question: "why <&> \u202e?", Labels: []record.Label{{Name: "env", Value: "prod"}}, TraceID: "t", SpanID: "s", ConversationID: "c", ToolCallID: "x",
			})
		}),
		put("Ask by a lens that is none", func(ctx context.Context, e api.Evidence) (ask.Audit, error) {
			return e.Ask(ctx, record.Query{Agent: "ann", Subject: "s", Predicate: "p", Lens: "x", Timestamp: to, AsOf: to})
		}))
	return list
}

// ids yields one record of each kind, those of documents included, one that is not here, and all queries.
func ids(t *testing.T, e api.Evidence) map[record.ID]bool {
	found, seen := map[record.ID]bool{{Kind: record.KindAudit, Hash: record.Sum([]byte("nothing"))}: true}, map[record.Kind]bool{}
	err := e.EachRecord(t.Context(), func(r ask.Record) error {
		if !seen[r.ID.Kind] || r.ID.Kind == record.KindAudit {
			seen[r.ID.Kind], found[r.ID] = true, true
		}
		if s, ok := r.Record.(*record.Source); ok {
			found[record.ID{Kind: record.KindEvidence, Hash: s.Digest}] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
