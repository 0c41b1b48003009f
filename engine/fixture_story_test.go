package engine_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
	"episteme/fixtures"
)

// toldFixture is a fixture taken in, with what expected.json says of it.
type toldFixture struct {
	seam ask.Investigator // what a trainee has, and nothing else
	ids  map[string]record.ID
	want expected
}

// TestFixtureStory holds what each expected.json says of its incident, by hand, to what the seam answers that all faces
// share: the trace, the verdict, what if, the chain behind, and the findings. The chain ahead is TestFixtureImpact.
func TestFixtureStory(t *testing.T) {
	for _, f := range fixtures.All() {
		t.Run(f.Name, func(t *testing.T) {
			e, ids, f := openFixture(t, f.Name)
			x := toldFixture{e, ids, expectedOf(t, f)}
			t.Run("the trace shows the deciding query", x.checkTrace)
			t.Run("the deciding query was told", x.checkTold)
			t.Run("the root is behind it", x.checkTrail)
			t.Run("what if", x.checkWhatIf)
			t.Run("the record that turned it", x.checkBisect)
			t.Run("what arrived too late", x.checkLate)
			t.Run("findings", x.checkFindings)
		})
	}
}

func (x toldFixture) id(t *testing.T, name string) record.ID {
	t.Helper()
	return idOf(t, x.ids, name)
}

func (x toldFixture) checkTrace(t *testing.T) {
	v, err := x.seam.Verdict(t.Context(), x.id(t, x.want.Deciding))
	if err != nil {
		t.Fatal(err)
	}
	tr, err := x.seam.Audits(t.Context(), ask.AuditFilter{Agent: v.Audit.Agent, Subject: v.Audit.Subject})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(tr.Queries, func(a ask.Audit) bool { return a.ID == v.Audit.ID }) || !tr.AllReceivedShown {
		t.Errorf("the trace of %s about %s has %d queries, all %t; want the deciding one among them", v.Audit.Agent, v.Audit.Subject, len(tr.Queries), tr.AllReceivedShown)
	}
	all, err := x.seam.Audits(t.Context(), ask.AuditFilter{})
	if err != nil {
		t.Fatal(err)
	}
	if len(all.Queries) != len(x.want.Answers) {
		t.Errorf("%d queries in all, expected.json answers %d", len(all.Queries), len(x.want.Answers))
	}
	var based []string
	for _, event := range v.Then {
		based = append(based, labelsOf(x.ids, event.ID)...)
	}
	for _, w := range x.want.BasedOnIt {
		if !slices.Contains(based, w.Event) {
			t.Errorf("%s (%s) is not among what was done on its strength: %v", w.Event, w.Title, based)
		}
	}
}

func (x toldFixture) checkTold(t *testing.T) {
	want := x.want.Told
	v, err := x.seam.Verdict(t.Context(), x.id(t, x.want.Deciding))
	if err != nil {
		t.Fatal(err)
	}
	got := v.Audit
	if value := jsonValue(t, got.Result.Value); !cmp.Equal(value, want.Value) || !near3(got.Result.Confidence, want.Confidence) || !near3(got.Result.Share, want.Share) || got.Considered != want.Considered {
		t.Errorf("told %v confidence %v share %v considered %d, want %+v", value, got.Result.Confidence, got.Result.Share, got.Considered, want)
	}
	if len(v.Because) == 0 {
		t.Fatal("told because of nothing")
	}
	first := v.Because[0]
	if first.Assertion != x.id(t, want.Assertion) || !near3(first.Weight, want.Weight) || first.Lifecycle.String() != want.Lifecycle || first.Source.Name != want.Source {
		t.Errorf("because of %s weight %v %s from %q, want %+v", first.Assertion.Short(), first.Weight, first.Lifecycle, first.Source.Name, want)
	}
	if got.State != ask.Pinned {
		return
	}
	if now := jsonValue(t, v.Now.Result.Value); !cmp.Equal(now, x.want.Now.Value) {
		t.Errorf("now %v, want %v", now, x.want.Now.Value)
	}
}

// near3 compares with figures that are told to people: three decimals.
func near3(got float32, want float64) bool {
	return float64(got)-want < 5e-4 && want-float64(got) < 5e-4
}

func (x toldFixture) checkTrail(t *testing.T) {
	p, err := x.seam.Provenance(t.Context(), x.id(t, x.want.Deciding), ask.ProvenanceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if c := ask.Count(p.Nodes); !p.Complete || c.Broken != 0 || c.Verified == 0 {
		t.Errorf("complete %t, checks %+v", p.Complete, c)
	}
	for i := 1; i < len(x.want.Trail); i++ {
		from, to := x.id(t, x.want.Trail[i-1]), x.id(t, x.want.Trail[i])
		if !slices.ContainsFunc(p.Edges, func(e ask.Edge) bool { return e.From == from && e.To == to }) {
			t.Errorf("no edge from %s to %s", x.want.Trail[i-1], x.want.Trail[i])
		}
	}
	if len(x.want.Trail) > 0 && !slices.Contains(x.want.Trail, x.want.Root) {
		t.Errorf("the trail %v does not pass the root %s", x.want.Trail, x.want.Root)
	}
}

func (x toldFixture) checkWhatIf(t *testing.T) {
	if x.want.Without == nil { // an imported answer has no other
		_, err := x.seam.WhatIf(t.Context(), x.id(t, x.want.Deciding), ask.WhatIfChange{})
		if err == nil {
			t.Error("expected.json has no without_root, but the answer can be recomputed")
		}
		return
	}
	run := func(of string, c ask.WhatIfChange) ask.WhatIf {
		t.Helper()
		w, err := x.seam.WhatIf(t.Context(), x.id(t, of), c)
		if err != nil {
			t.Fatal(err)
		}
		if !w.Reproduced {
			t.Fatalf("%s does not reproduce", of)
		}
		return w
	}
	check := func(name string, w ask.WhatIf, want supposed, flips bool) {
		t.Helper()
		value := jsonValue(t, w.Recomputed.Value)
		if !cmp.Equal(value, want.Value) || !near3(w.Recomputed.Confidence, want.Confidence) || !near3(w.Recomputed.Share, want.Share) || !near3(*w.Margin, want.Margin) || *w.Flips != flips {
			t.Errorf("%s: %v confidence %.3f share %.3f margin %.3f flips %t; want %+v flips %t", name, value, w.Recomputed.Confidence, w.Recomputed.Share, *w.Margin, *w.Flips, want, flips)
		}
	}
	plain := run(x.want.Deciding, ask.WhatIfChange{})
	check("unchanged", plain, supposed{x.want.Told.Value, x.want.Told.Confidence, x.want.Told.Share, x.want.Told.Margin}, false)
	if diff := cmp.Diff(x.want.Smallest, labelsOf(x.ids, plain.SmallestFlip...)); diff != "" {
		t.Errorf("smallest flip (-want +got):\n%s", diff)
	}
	check("without the root", run(x.want.Deciding, without(x.id(t, x.want.Root))), *x.want.Without, true)
	for name, value := range x.want.Lenses {
		if got := jsonValue(t, run(x.want.Deciding, ask.WhatIfChange{Lens: name}).Recomputed.Value); !cmp.Equal(got, value) {
			t.Errorf("lens %s: %v, want %v", name, got, value)
		}
	}
	for _, c := range x.want.WhatIf {
		change := ask.WhatIfChange{Lens: c.Lens}
		for _, name := range c.Without {
			target := ask.Target{ID: x.ids[name]}
			if target.ID.IsZero() {
				if err := target.UnmarshalText([]byte(name)); err != nil {
					t.Fatal(err)
				}
			}
			change.Without = append(change.Without, target)
		}
		if c.Lifecycle != "" {
			stage, err := record.ParseStage(c.Lifecycle)
			if err != nil {
				t.Fatal(err)
			}
			change.Filter = &stage
		}
		of := c.Of
		if of == "" {
			of = x.want.Deciding
		}
		check(of+" "+c.Lens+c.Lifecycle, run(of, change), c.supposed, c.Flips)
	}
}

func (x toldFixture) checkBisect(t *testing.T) {
	if x.want.Bisect == nil {
		return
	}
	v, err := x.seam.Verdict(t.Context(), x.id(t, x.want.Deciding))
	if err != nil {
		t.Fatal(err)
	}
	b, err := x.seam.Bisect(t.Context(), ask.BisectQuery{Subject: v.Audit.Subject, Predicate: v.Audit.Predicate, Lens: x.want.Bisect.Lens, Value: x.want.Bisect.To})
	if err != nil {
		t.Fatal(err)
	}
	if b.First.Record != x.id(t, x.want.Bisect.First) {
		t.Errorf("%s turned it into %s, want %s", b.First.Record.Short(), x.want.Bisect.To, x.want.Bisect.First)
	}
}

func (x toldFixture) checkLate(t *testing.T) {
	for query, records := range x.want.Late {
		v, err := x.seam.Verdict(t.Context(), x.id(t, query))
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(v.Audit.Findings, func(f ask.Finding) bool { return f.Code == ask.LateEvidence })
		if i < 0 {
			t.Errorf("%s: no late evidence", query)
			continue
		}
		if diff := cmp.Diff(records, labelsOf(x.ids, v.Audit.Findings[i].Cites...)); diff != "" {
			t.Errorf("%s: late evidence (-want +got):\n%s", query, diff)
		}
	}
}

// checkFindings holds the list that is worst first to the lists in expected.json, and the fixture to what it says that
// it exercises.
func (x toldFixture) checkFindings(t *testing.T) {
	list, err := x.seam.Findings(t.Context(), ask.AuditFilter{})
	if err != nil {
		t.Fatal(err)
	}
	listed := map[record.ID][]ask.Code{}
	worst := 0
	for _, a := range list.Queries {
		listed[a.ID] = codesOf(a)
		if first := a.Findings[0].Code.Severity(); first < worst {
			t.Errorf("%s stands behind a query that deserves less of a look", a.ID.Short())
		} else {
			worst = first
		}
	}
	met := map[ask.Code]bool{}
	for label := range x.want.Answers {
		want := x.want.all(label)
		if got := listed[x.id(t, label)]; !slices.Equal(got, want) {
			t.Errorf("findings lists %s with %q, want %q", label, got, want)
		}
		for _, code := range want {
			met[code] = true
		}
	}
	for _, code := range x.want.Exercises {
		if !met[code] {
			t.Errorf("no query has %s, which expected.json says the fixture exercises", code)
		}
	}
}
