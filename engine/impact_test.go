package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
	"episteme/fixtures"
)

// labelsOf turns ids into the labels of a file, sorted.
func labelsOf(ids map[string]record.ID, list ...record.ID) []string {
	out := []string{}
	for label, id := range ids {
		if slices.Contains(list, id) {
			out = append(out, label)
		}
	}
	slices.Sort(out)
	return out
}

// queriesWhere are the queries of an impact for which keep holds.
func queriesWhere(i ask.Impact, keep func(ask.Impacted) bool) []record.ID {
	var out []record.ID
	for _, q := range i.Queries {
		if keep(q) {
			out = append(out, q.Query)
		}
	}
	return out
}

func isTrue(b *bool) bool { return b != nil && *b }

// TestFixtureImpact compares with what expected.json says was told because of the root assertion.
func TestFixtureImpact(t *testing.T) {
	for _, f := range fixtures.All() {
		t.Run(f.Name, func(t *testing.T) {
			e, ids, f := openFixture(t, f.Name)
			type chain struct {
				StillTold    []string `json:"still_told"`
				Flipped      []string `json:"would_have_flipped"`
				ToldNoChange []string `json:"told_no_change"`
				Cannot       []string `json:"cannot_recompute"` // imported: told, and nobody knows whether it would change
				Events       []string
				Agents       []string
				Subjects     []string
			}
			var want struct {
				Root   string `json:"root_assertion"`
				Impact chain
			}
			if err := json.Unmarshal(f.Expected(), &want); err != nil {
				t.Fatal(err)
			}
			i, err := e.Impact(t.Context(), ask.Target{ID: ids[want.Root]}, ask.ImpactOptions{})
			if err != nil {
				t.Fatal(err)
			}
			got := chain{
				StillTold:    labelsOf(ids, queriesWhere(i, func(q ask.Impacted) bool { return isTrue(q.StillTold) })...),
				Flipped:      labelsOf(ids, queriesWhere(i, func(q ask.Impacted) bool { return isTrue(q.Flips) })...),
				ToldNoChange: labelsOf(ids, queriesWhere(i, func(q ask.Impacted) bool { return q.Flips != nil && !*q.Flips })...),
				Cannot:       labelsOf(ids, queriesWhere(i, func(q ask.Impacted) bool { return q.Flips == nil })...),
				Agents:       i.Agents, Subjects: i.Subjects,
			}
			for _, id := range i.Events { // their order counts: oldest first
				got.Events = append(got.Events, labelsOf(ids, id)...)
			}
			for _, list := range [][]string{want.Impact.StillTold, want.Impact.Flipped, want.Impact.ToldNoChange, want.Impact.Cannot} {
				slices.Sort(list)
			}
			if diff := cmp.Diff(want.Impact, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("impact (-want +got):\n%s", diff)
			}
			if !i.Complete || i.Total != len(i.Queries) || i.More != "" {
				t.Errorf("complete %t, total %d of %d, more %q; want all", i.Complete, len(i.Queries), i.Total, i.More)
			}
			for n, q := range i.Queries {
				if n > 0 && q.Standing() < i.Queries[n-1].Standing() {
					t.Errorf("row %d stands before row %d", n, n-1)
				}
				recomputed := ask.Same
				if slices.Contains(want.Impact.Cannot, labelsOf(ids, q.Query)[0]) {
					recomputed = ask.NotPossible
				}
				if q.Recomputed != recomputed || len(q.Path) == 0 || q.Path[0] != ids[want.Root] || q.Weight == nil || *q.Weight <= 0 {
					t.Errorf("%s: recomputed %s, path %v, weight %v", q.Query.Short(), q.Recomputed, q.Path, q.Weight)
				}
			}
		})
	}
}

// TestImpact has a small world in which each kind of record leads to something.
func TestImpact(t *testing.T) {
	e, ids := world(t,
		`{"kind":"epoch","id":"e1","name":"1","agent":"ops","timestamp":"2024-01-01T00:00:00Z"}`,
		docA, docB,
		`{"kind":"assertion","id":"old","subject":"s/x","predicate":"p","object":"OLD","confidence":1,"lifecycle":"Approved","agent":"old","timestamp":"2024-01-01T00:00:00Z","source":"@doc","epoch":"@e1"}`,
		`{"kind":"assertion","id":"a","subject":"s/x","predicate":"p","object":"A","confidence":0.9,"lifecycle":"Proposed","agent":"bot","timestamp":"2024-01-01T00:00:01Z","source":"@doc"}`,
		`{"kind":"assertion","id":"b","subject":"s/x","predicate":"p","object":"B","confidence":0.8,"lifecycle":"Approved","agent":"bot","timestamp":"2024-01-01T00:00:02Z","source":"@docb"}`,
		`{"kind":"epoch","id":"e2","name":"2","agent":"ops","timestamp":"2024-01-01T00:00:02Z","supersedes":"@e1","supersession":"Temporal"}`,
		`{"kind":"epoch","id":"e3","name":"3","agent":"ops","timestamp":"2024-01-01T00:00:02Z","supersedes":"@e1","supersession":"Additive"}`,
		`{"kind":"vote","id":"v","assertion":"@a","agent":"voter","weight":1,"timestamp":"2024-01-01T00:00:03Z"}`,
		query("q1", "00:00:00", ""), // authority: A
		`{"kind":"query","id":"c1","agent":"cy","subject":"s/x","predicate":"p","timestamp":"2024-01-02T00:00:01Z"}`, // consensus: A
		`{"kind":"assertion","id":"d","subject":"s/y","predicate":"p","object":"D","confidence":0.9,"lifecycle":"Approved","agent":"deriver","timestamp":"2024-01-02T00:00:02Z","source":"@docb","parents":["@a","@q1"]}`,
		`{"kind":"query","id":"y1","agent":"yo","subject":"s/y","predicate":"p","timestamp":"2024-01-02T00:00:03Z"}`,
		`{"kind":"event","id":"w","type":"deploy","timestamp":"2024-01-02T00:00:04Z","agent":"yo","title":"T","based_on":["@y1"]}`,
		`{"kind":"event","id":"w0","type":"note","timestamp":"2024-01-02T00:00:03Z","agent":"yo","title":"N","based_on":["@d"]}`,
		`{"kind":"transition","id":"t","assertion":"@a","to":"Rejected","agent":"boss","timestamp":"2024-01-03T00:00:00Z"}`,
		query("q2", "00:00:05", ""), // asked late, about a time before the transition
		`{"kind":"query","id":"q3","agent":"ann","subject":"s/x","predicate":"p","lens":"authority","timestamp":"2024-01-04T00:00:00Z"}`,
		`{"kind":"audit","id":"told","agent_id":"far","timestamp":"2024-01-02T00:00:09Z","subject":"z","predicate":"p","lens":"external","as_of":"2024-01-02T00:00:09Z","result":{"value":"A","confidence":1,"share":1},"considered":1,"contributing_assertions":[{"hash":"@a","weight":0.5,"lifecycle":"Proposed","source_hash":"`+record.ID{Kind: record.KindEvidence, Hash: record.Sum([]byte("A"))}.String()+`"}]}`,
	)
	tests := []struct {
		of   string
		want string // label path words: one a line, in order
		more string // events; agents; subjects
	}{
		{"@a", `
@y1 @a>@d .50 still told, would have flipped
@q2 @a .90 would have flipped
@c1 @a .73 would have flipped
@q1 @a .90 would have flipped
@told @a .50 told, cannot be recomputed here`, "@w0 @w; ann cy far yo; s/x s/y z"},
		{"@b", `
@q3 @b .40 still told, would have flipped`, "; ann; s/x"},
		{"@d", `
@y1 @d .50 still told, would have flipped`, "@w0 @w; yo; s/y"},
		{"@v", `
@c1 @v>@a .73 told, answer would not change`, "; cy; s/x"},
		{"@t", `
@q3 @t>@a — still told, would have flipped`, "; ann; s/x"},
		{"@e2", `
@q3 @e2>@old — still told, would have flipped
@q2 @e2>@old — still told, would have flipped
@c1 @e2>@old — still told, answer would not change
@q1 @e2>@old — still told, would have flipped`, "; ann cy; s/x"},
		{"@e3", ``, "; ; "}, // drops nothing
		{"@old", ``, "; ; "},
		{"@e1", ``, "; ; "},
		{"@doc", `
@y1 @doc>@a>@d .50 still told, would have flipped
@q2 @doc>@a .90 would have flipped
@c1 @doc>@a .73 would have flipped
@q1 @doc>@a .90 would have flipped
@told @doc>@a .50 told, cannot be recomputed here`, "@w0 @w; ann cy far yo; s/x s/y z"},
		{"agent:deriver", `
@y1 @d .50 still told, would have flipped`, "@w0 @w; yo; s/y"},
		{"agent:voter", `
@c1 @v>@a .73 told, answer would not change`, "; cy; s/x"},
		{"agent:ann", ``, "; ; "},
		{"@y1", ``, "@w; ; "},
		{"@w", ``, "; ; "},
	}
	for _, tt := range tests {
		t.Run(tt.of, func(t *testing.T) {
			target := ask.Target{ID: ids[tt.of]}
			if name, ok := strings.CutPrefix(tt.of, "agent:"); ok {
				target = ask.Target{Agent: name}
			}
			i, err := e.Impact(t.Context(), target, ask.ImpactOptions{})
			if err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			label := func(list ...record.ID) string {
				var names []string
				for _, id := range list {
					names = append(names, labelsOf(ids, id)...)
				}
				return strings.Join(names, ">")
			}
			for _, q := range i.Queries {
				weight := "—"
				if q.Weight != nil {
					weight = ask.Decimal(*q.Weight)
				}
				fmt.Fprintf(&got, "\n%s %s %s %s", label(q.Query), label(q.Path...), weight, q.Words())
			}
			if diff := cmp.Diff(tt.want, got.String()); diff != "" {
				t.Errorf("queries (-want +got):\n%s", diff)
			}
			more := strings.ReplaceAll(label(i.Events...), ">", " ") + "; " + strings.Join(i.Agents, " ") + "; " + strings.Join(i.Subjects, " ")
			if diff := cmp.Diff(tt.more, more); diff != "" {
				t.Errorf("events; agents; subjects (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("what is not here", func(t *testing.T) {
		for _, of := range []ask.Target{{ID: record.ID{Kind: record.KindAssertion, Hash: record.Hash{9}}}, {ID: record.ID{Kind: record.KindEvidence, Hash: record.Hash{9}}}, {Agent: "cycle"}} {
			_, err := e.Impact(t.Context(), of, ask.ImpactOptions{})
			var absent *ask.NotFoundError
			if !errors.As(err, &absent) {
				t.Errorf("Impact(%s) = %v, want a NotFoundError", of.Short(), err)
			} else if of.Agent != "" && !slices.Equal(absent.Near, []string{"agent:cy"}) {
				t.Errorf("near %v, want agent:cy", absent.Near)
			}
		}
	})
	t.Run("an ended context", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := e.Impact(ctx, ask.Target{ID: ids["@a"]}, ask.ImpactOptions{}); !errors.Is(err, context.Canceled) {
			t.Errorf("Impact = %v, want %v", err, context.Canceled)
		}
	})
	t.Run("limits say that there is more", func(t *testing.T) {
		i, err := e.Impact(t.Context(), ask.Target{ID: ids["@a"]}, ask.ImpactOptions{Queries: 2})
		if err != nil {
			t.Fatal(err)
		}
		if len(i.Queries) != 2 || i.Total != 5 || i.Complete || i.More != "the newest 2 queries of 5: there are more" {
			t.Errorf("%d of %d, complete %t, more %q", len(i.Queries), i.Total, i.Complete, i.More)
		}
		i, err = e.Impact(t.Context(), ask.Target{ID: ids["@a"]}, ask.ImpactOptions{Assertions: 1})
		if err != nil {
			t.Fatal(err)
		}
		if i.Total != 4 || i.Complete || i.More != "only the first 1 assertions were followed: there are more" {
			t.Errorf("%d, complete %t, more %q", i.Total, i.Complete, i.More)
		}
	})
}

// TestImpactJSON spells the JSON out: names, order, nulls where nothing is known.
func TestImpactJSON(t *testing.T) {
	e, ids := world(t, docA, claimA, query("q", "00:00:00", ""))
	i, err := e.Impact(t.Context(), ask.Target{ID: ids["@a"]}, ask.ImpactOptions{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(i)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"id":"@a","queries":[{"query_id":"@q","agent_id":"ann","timestamp":"2024-01-02T00:00:00Z","subject":"s/x","predicate":"p","weight":0.9,"path":["@a"],` +
		`"flips":true,"still_told":true,"value":"A","value_without":null,"recomputed":"same"}],"events":[],"agents":["ann"],"subjects":["s/x"],"applied_lsn":4,"total":1,"complete":true}`
	for label, id := range ids {
		want = strings.ReplaceAll(want, `"`+label+`"`, `"`+id.String()+`"`)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
}

// TestImpactAgainstAnEngineWithout: what an impact says of each query is what an engine says that never had the
// record; what contributed is in it, and nothing is that neither contributed nor was borne upon.
func TestImpactAgainstAnEngineWithout(t *testing.T) {
	flips, still := 0, 0
	for seed := range uint64(60) {
		w, e, asked, queries, before := randomWorld(t, 1000+seed)
		for range 4 {
			target := w.target()
			i, err := e.Impact(t.Context(), target, ask.ImpactOptions{})
			var absent *ask.NotFoundError
			if errors.As(err, &absent) {
				continue // an agent or a digest that has nothing
			}
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			gone := naiveGone(w, target)
			listed := map[record.ID]ask.Impacted{}
			for _, q := range i.Queries {
				listed[q.Query] = q
			}
			for n, a := range asked {
				want := answered(t, w.records[:before], w.ids[:before], gone, queries[n])
				wantFlips := want.Result.Value != a.Result.Value
				contributed := slices.ContainsFunc(a.Contributions, func(c ask.Contribution) bool { return gone[c.Assertion] })
				q, found := listed[a.ID]
				delete(listed, a.ID)
				switch {
				case contributed && !found:
					t.Errorf("seed %d, %s: it contributed to query %d, which is not listed", seed, target.Short(), n)
				case !found:
					if kind := target.ID.Kind; wantFlips && (kind == record.KindVote || kind == record.KindTransition) {
						t.Errorf("seed %d, %s: query %d would have flipped and is not listed", seed, target.Short(), n)
					}
					continue
				case q.Flips == nil || *q.Flips != wantFlips || q.Without != want.Result.Value:
					t.Errorf("seed %d, %s: query %d flips %v to %s, want %t to %s", seed, target.Short(), n, isTrue(q.Flips), q.Without, wantFlips, want.Result.Value)
				}
				if wantFlips {
					flips++
				}
				if wantStill(t, w, target, gone, queries[n], isTrue(q.StillTold), fmt.Sprintf("seed %d, %s, query %d", seed, target.Short(), n)) {
					still++
				}
			}
			if len(listed) > 0 {
				t.Errorf("seed %d, %s: listed %v, which nobody asked", seed, target.Short(), slices.Collect(maps.Keys(listed)))
			}
		}
	}
	if flips < 30 || still < 30 {
		t.Errorf("%d flips and %d still told: too few to prove anything", flips, still)
	}
}

// wantStill asks two engines what they say now, with the record and without.
func wantStill(t *testing.T, w *random, target ask.Target, gone map[record.ID]bool, q record.Query, got bool, at string) bool {
	t.Helper()
	now, err := record.TimeOf(past())
	if err != nil {
		t.Fatal(err)
	}
	q.Timestamp, q.AsOf = now, now
	with, without := answered(t, w.records, w.ids, nil, q), answered(t, w.records, w.ids, gone, q)
	rests := with.Result.Value != without.Result.Value ||
		slices.ContainsFunc(with.Contributions, func(c ask.Contribution) bool { return gone[c.Assertion] })
	switch kind := target.ID.Kind; {
	case rests && !got:
		t.Errorf("%s: now %s, without it %s: want still told", at, with.Result.Value, without.Result.Value)
	case got && !rests && (kind == record.KindAssertion || kind == record.KindVote || kind == record.KindSource || kind == record.KindEvidence):
		t.Errorf("%s: now %s, without it %s: still told, want not", at, with.Result.Value, without.Result.Value)
	}
	return rests
}

// TestImpactTakesTheShortestPath: an agent's own claim is nearer than what its document or its other claim led to.
func TestImpactTakesTheShortestPath(t *testing.T) {
	e, ids := world(t,
		`{"kind":"source","id":"doc","name":"a.md","authority":0.9,"agent":"both","timestamp":"2024-01-01T00:00:00Z","content":"A"}`,
		`{"kind":"assertion","id":"a","subject":"s/x","predicate":"p","object":"A","confidence":0.5,"lifecycle":"Approved","agent":"both","timestamp":"2024-01-01T00:00:01Z","source":"@doc"}`,
		`{"kind":"assertion","id":"b","subject":"s/x","predicate":"p","object":"A","confidence":0.9,"lifecycle":"Approved","agent":"other","timestamp":"2024-01-01T00:00:01Z","source":"@doc","parents":["@a"]}`,
		`{"kind":"vote","id":"v","assertion":"@b","agent":"ann","weight":1,"timestamp":"2024-01-01T00:00:03Z"}`,
		`{"kind":"query","id":"q","agent":"cy","subject":"s/x","predicate":"p","timestamp":"2024-01-02T00:00:01Z"}`)
	for _, tt := range []struct {
		of   ask.Target
		want []string
	}{
		{ask.Target{Agent: "both"}, []string{"@a"}},
		{ask.Target{ID: ids["@a"]}, []string{"@a"}},           // though @b is heavier
		{ask.Target{ID: ids["@doc"]}, []string{"@doc", "@b"}}, // both as near: the heavier
		{ask.Target{ID: ids["@v"]}, []string{"@v", "@b"}},
	} {
		i, err := e.Impact(t.Context(), tt.of, ask.ImpactOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, q := range i.Queries {
			for _, id := range q.Path {
				got = append(got, labelsOf(ids, id)...)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("path from %s: %v, want %v", tt.of.Short(), got, tt.want)
		}
	}
}

// TestImpactOfTies: equal weights, repeated claims and parents that are not held end nothing too early.
func TestImpactOfTies(t *testing.T) {
	e := open(t, "")
	digest := record.Hash{7}
	claim := func(subject, agent string, parents ...record.ID) (*record.Assertion, record.ID) {
		a := &record.Assertion{Subject: subject, Predicate: "p", Object: record.TextObject("A"), Confidence: 1, Lifecycle: record.Approved,
			Agent: agent, Timestamp: 5, Source: digest, Parents: parents}
		id, err := record.IDOf(a)
		if err != nil {
			t.Fatal(err)
		}
		return a, id
	}
	absent := record.ID{Kind: record.KindAssertion, Hash: record.Hash{0xDA}}
	one, oneID := claim("x", "one", absent)
	two, twoID := claim("x", "two", absent, oneID) // beside one, and derived from it
	feed(t, e, []record.Record{one, two})
	asked, err := e.Ask(t.Context(), record.Query{Agent: "ann", Subject: "x", Predicate: "p", Timestamp: 9, AsOf: 9})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		of    record.ID
		path  []record.ID
		flips bool
	}{
		{oneID, []record.ID{oneID}, true},  // takes two along
		{twoID, []record.ID{twoID}, false}, // leaves one
	} {
		i, err := e.Impact(t.Context(), ask.Target{ID: tt.of}, ask.ImpactOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if len(i.Queries) != 1 || i.Queries[0].Query != asked.ID || *i.Queries[0].Flips != tt.flips || !slices.Equal(i.Queries[0].Path, tt.path) {
			t.Errorf("impact of %s: %+v, want one query that flips %t by %v", tt.of.Short(), i.Queries, tt.flips, tt.path)
		}
	}
	w, err := e.WhatIf(t.Context(), asked.ID, without(absent))
	if err != nil {
		t.Fatal(err)
	}
	if !*w.Flips || len(w.LeftOut) != 2 {
		t.Errorf("without a parent that is not held: flips %t, left out %v; want both of its descendants gone", *w.Flips, w.LeftOut)
	}
}
