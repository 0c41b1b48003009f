package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// told is a result in a line, — for what is not known.
func told(r *ask.Result) string {
	if r == nil {
		return "not known"
	}
	return fmt.Sprintf("%s %.3f %.3f", r.Value, r.Confidence, r.Share)
}

// without is a change that leaves records out.
func without(ids ...record.ID) ask.WhatIfChange {
	var c ask.WhatIfChange
	for _, id := range ids {
		c.Without = append(c.Without, ask.Target{ID: id})
	}
	return c
}

// TestFixtureWhatIf compares with answers that were computed from the rules by another program in another language.
func TestFixtureWhatIf(t *testing.T) {
	e, ids, f := openFixture(t, "auth-jwt")
	var want struct {
		Root     string `json:"root_assertion"`
		Deciding string `json:"deciding_query"`
		Told     struct{ Margin float64 }
		Without  struct {
			Value                     string
			Confidence, Share, Margin float64
		} `json:"without_root"`
		OnlyApproved struct {
			Value                     string
			Confidence, Share, Margin float64
		} `json:"only_approved"`
		OtherLenses  map[string]any `json:"other_lenses"`
		SmallestFlip []string       `json:"smallest_flip"`
	}
	if err := json.Unmarshal(f.Expected(), &want); err != nil {
		t.Fatal(err)
	}
	run := func(c ask.WhatIfChange) ask.WhatIf {
		t.Helper()
		w, err := e.WhatIf(t.Context(), ids[want.Deciding], c)
		if err != nil {
			t.Fatal(err)
		}
		if !w.Reproduced {
			t.Fatal("the deciding query does not reproduce")
		}
		return w
	}
	plain := run(ask.WhatIfChange{})
	if *plain.Flips || *plain.Recomputed != plain.Recorded || !close6(*plain.Margin, want.Told.Margin) {
		t.Errorf("unchanged: %s, margin %v, flips %t; want what was recorded, margin %v", told(plain.Recomputed), *plain.Margin, *plain.Flips, want.Told.Margin)
	}
	var flip []record.ID
	for _, label := range want.SmallestFlip {
		flip = append(flip, ids[label])
	}
	if diff := cmp.Diff(flip, plain.SmallestFlip); diff != "" {
		t.Errorf("smallest flip (-want +got):\n%s", diff)
	}
	approved := record.Approved
	for name, tt := range map[string]struct {
		got  ask.WhatIf
		want struct {
			Value                     string
			Confidence, Share, Margin float64
		}
	}{
		"without the root":             {run(without(ids[want.Root])), want.Without},
		"only approved":                {run(ask.WhatIfChange{Filter: &approved}), want.OnlyApproved},
		"without the root's source":    {run(without(ids["@rfc"])), want.Without},
		"without who made the claim":   {run(ask.WhatIfChange{Without: []ask.Target{{Agent: "rfc-bot"}}}), want.Without},
		"without the bytes it rose on": {run(without(record.ID{Kind: record.KindEvidence, Hash: plain.Contributions[0].SourceHash.Hash})), want.Without},
	} {
		r := tt.got.Recomputed
		if r.Value.Text != tt.want.Value || !close6(r.Confidence, tt.want.Confidence) || !close6(r.Share, tt.want.Share) || !close6(*tt.got.Margin, tt.want.Margin) || !*tt.got.Flips {
			t.Errorf("%s: %s margin %v flips %t, want %+v and a flip", name, told(r), *tt.got.Margin, *tt.got.Flips, tt.want)
		}
		if diff := cmp.Diff(flip, tt.got.SmallestFlip); diff != "" {
			t.Errorf("%s: the smallest flip is of the recorded question, whatever was changed (-want +got):\n%s", name, diff)
		}
	}
	for name, value := range want.OtherLenses {
		if got := jsonValue(t, run(ask.WhatIfChange{Lens: name}).Recomputed.Value); !cmp.Equal(got, value) {
			t.Errorf("lens %s: %v, want %v", name, got, value)
		}
	}
	if late := run(without(ids["@ecp256"])); *late.Flips || len(late.LeftOut) != 0 {
		t.Errorf("without an assertion about something else: flips %t, left out %v; want nothing", *late.Flips, late.LeftOut)
	}
}

// TestWhatIf has a case for each thing that can be left out or changed, and for what it takes along.
func TestWhatIf(t *testing.T) {
	lines := []string{
		`{"kind":"epoch","id":"e1","name":"1","agent":"ops","timestamp":"2024-01-01T00:00:00Z"}`,
		docA, docB,
		`{"kind":"assertion","id":"up","subject":"s/other","predicate":"p","object":"U","confidence":0.9,"lifecycle":"Approved","agent":"root","timestamp":"2024-01-01T00:00:00Z","source":"@docb"}`,
		`{"kind":"assertion","id":"mid","subject":"s/between","predicate":"p","object":"M","confidence":0.9,"lifecycle":"Approved","agent":"mid","timestamp":"2024-01-01T00:00:00Z","source":"@docb","parents":["@up"]}`,
		`{"kind":"assertion","id":"a","subject":"s/x","predicate":"p","object":"A","confidence":0.9,"lifecycle":"Proposed","agent":"bot","timestamp":"2024-01-01T00:00:01Z","source":"@doc","parents":["@mid"]}`,
		`{"kind":"assertion","id":"b","subject":"s/x","predicate":"p","object":"B","confidence":0.8,"lifecycle":"Approved","agent":"bot","timestamp":"2024-01-01T00:00:02Z","source":"@docb","epoch":"@e1"}`,
		`{"kind":"vote","id":"v","assertion":"@a","agent":"ann","weight":1,"timestamp":"2024-01-01T00:00:03Z"}`,
		`{"kind":"transition","id":"t","assertion":"@a","to":"Approved","agent":"boss","timestamp":"2024-01-01T00:00:04Z"}`,
		`{"kind":"query","id":"q","agent":"ann","subject":"s/x","predicate":"p","timestamp":"2024-01-02T00:00:00Z","lifecycle_filter":"Approved"}`,
		`{"kind":"source","id":"docb2","name":"b again","digest":"@docb","authority":0.9,"agent":"late","timestamp":"2024-01-03T00:00:00Z"}`,
		`{"kind":"query","id":"qsk","agent":"ann","subject":"s/x","predicate":"p","lens":"skeptic","timestamp":"2024-01-02T00:00:01Z","lifecycle_filter":"Approved"}`,
	}
	// A label stands for a source's own id where a digest is wanted: taken out by hand.
	b := record.Sum([]byte("B"))
	lines[10] = strings.Replace(lines[10], "@docb", b.String(), 1)
	e, ids := world(t, lines...)
	noon, _ := record.ParseTime("2024-01-01T00:00:03.5Z")
	later, _ := record.ParseTime("2024-01-10T00:00:00Z")
	proposed := record.Proposed
	agent := func(name string) ask.WhatIfChange { return ask.WhatIfChange{Without: []ask.Target{{Agent: name}}} }
	tests := []struct {
		name   string
		change ask.WhatIfChange
		want   string // value, confidence and share; then whether it flips
		left   string // labels of what was left out
	}{
		{"nothing", ask.WhatIfChange{}, "A 0.658 0.622 false", ""},
		{"an assertion", without(ids["@a"]), "B 0.400 1.000 true", "@a"},
		{"the losing assertion", without(ids["@b"]), "A 0.658 1.000 false", "@b"},
		{"what it was derived from two steps up", without(ids["@up"]), "B 0.400 1.000 true", "@a"},
		{"the agent two steps up", agent("root"), "B 0.400 1.000 true", "@a"},
		{"a vote", without(ids["@v"]), "A 0.450 0.529 false", "@v"},
		{"a transition, without which the filter keeps it out", without(ids["@t"]), "B 0.400 1.000 true", "@t"},
		{"the agent of the transition", agent("boss"), "B 0.400 1.000 true", "@t"},
		{"an epoch and its assertions", without(ids["@e1"]), "A 0.658 1.000 false", "@b"},
		{"an agent's epoch and its assertions", agent("ops"), "A 0.658 1.000 false", "@b"},
		{"a source takes all of its digest along, and what that takes along", without(ids["@docb"]), "— 0.000 0.000 true", "@docb @a @b"},
		{"so does a descriptor that came after the question", without(ids["@docb2"]), "— 0.000 0.000 true", "@docb @a @b"},
		{"and the agent who described it only later", agent("late"), "— 0.000 0.000 true", "@docb @a @b"},
		{"the bytes alone", without(record.ID{Kind: record.KindEvidence, Hash: b}), "— 0.000 0.000 true", "@docb @a @b"},
		{"several at once", without(ids["@v"], ids["@b"]), "A 0.450 1.000 false", "@b @v"},
		{"another lens", ask.WhatIfChange{Lens: "authority"}, "A 0.810 0.717 false", ""},
		{"another lens that is silent", ask.WhatIfChange{Lens: "skeptic"}, "— 0.000 0.622 true", ""},
		{"another lens and half-life", ask.WhatIfChange{Lens: "recency", HalfLife: record.MinHalfLife}, "B 0.800 0.640 true", ""},
		{"another filter", ask.WhatIfChange{Filter: &proposed}, "— 0.000 0.000 true", ""},
		{"no filter", ask.WhatIfChange{Filter: new(record.Stage)}, "A 0.658 0.622 false", ""},
		{"a later time keeps the pin: who described it since does not count", ask.WhatIfChange{Lens: "authority", AsOf: &later}, "A 0.810 0.717 false", ""},
		{"another time, before the transition", ask.WhatIfChange{AsOf: &noon}, "B 0.400 1.000 true", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, err := e.WhatIf(t.Context(), ids["@q"], tt.change)
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprintf("%s %t", told(w.Recomputed), *w.Flips); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			want := []record.ID{}
			for _, label := range strings.Fields(tt.left) {
				want = append(want, ids[label])
			}
			if diff := cmp.Diff(want, append([]record.ID{}, w.LeftOut...)); diff != "" {
				t.Errorf("left out (-want +got):\n%s", diff)
			}
		})
	}
	// A slip of the finger was answered "flips: false", which reads as: the answer does not rest on it.
	t.Run("what is not here is refused, with what may have been meant", func(t *testing.T) {
		nine := func(kind record.Kind) ask.Target { return ask.Target{ID: record.ID{Kind: kind, Hash: record.Hash{9}}} }
		near := ids["@a"]
		near.Hash[31] ^= 1
		for _, tt := range []struct {
			of   ask.Target
			near string
		}{
			{ask.Target{Agent: "nobody"}, ""},
			{ask.Target{Agent: "bos"}, "agent:boss"}, // moved an assertion, and never asked
			{ask.Target{Agent: "raot"}, "agent:root"},
			{ask.Target{ID: near}, ids["@a"].Short()},
			{nine(record.KindEvidence), ""}, {nine(record.KindSource), ""}, {nine(record.KindEpoch), ""}, {nine(record.KindVote), ""}, {nine(record.KindTransition), ""},
		} {
			_, err := e.WhatIf(t.Context(), ids["@q"], ask.WhatIfChange{Without: []ask.Target{{ID: ids["@b"]}, tt.of}})
			var absent *ask.NotFoundError
			if !errors.As(err, &absent) || tt.near != "" && !slices.Contains(absent.Near, tt.near) {
				t.Errorf("without %s: %v, want it not found, near %q", tt.of.Short(), err, tt.near)
			}
		}
	})
	t.Run("a silent answer can flip too", func(t *testing.T) {
		w, err := e.WhatIf(t.Context(), ids["@qsk"], without(ids["@b"]))
		if err != nil {
			t.Fatal(err)
		}
		if w.Recorded.Value.Type != record.NoValue || !*w.Flips || w.Recomputed.Value.Text != "A" {
			t.Errorf("recorded %s, recomputed %s, flips %t; want silence to become A", told(&w.Recorded), told(w.Recomputed), *w.Flips)
		}
	})
}

// TestWhatIfHalfLife: the recorded half-life stays while the lens does; another lens has its own.
func TestWhatIfHalfLife(t *testing.T) {
	e, ids := world(t, docA, docB, claimA, claimB,
		`{"kind":"query","id":"q","agent":"ann","subject":"s/x","predicate":"p","lens":"recency","lens_params":{"half_life":"1s"},"timestamp":"2024-01-02T00:00:00Z"}`)
	tests := []struct {
		name   string
		change ask.WhatIfChange
		want   string
	}{
		{"as recorded", ask.WhatIfChange{}, "B 0.800 0.640"},
		{"the same lens named", ask.WhatIfChange{Lens: "recency"}, "B 0.800 0.640"},
		{"another half-life", ask.WhatIfChange{HalfLife: record.DefaultHalfLife}, "B 0.800 0.471"},
		{"another lens", ask.WhatIfChange{Lens: "authority"}, "A 0.810 0.717"},
	}
	for _, tt := range tests {
		w, err := e.WhatIf(t.Context(), ids["@q"], tt.change)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		} else if got := told(w.Recomputed); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

// TestWhatDoesNotReproduce: an audit that claims this journal and was never told so is not argued with.
func TestWhatDoesNotReproduce(t *testing.T) {
	e, ids := world(t, docA, claimA, query("q", "00:00:00", ""))
	honest, err := e.Record(t.Context(), ids["@q"])
	if err != nil {
		t.Fatal(err)
	}
	lie := *honest.Record.(*record.Audit)
	lie.Agent, lie.Value = "liar", record.TextObject("Z")
	lie.ResultHash = lie.Value.Hash()
	feed(t, e, []record.Record{&lie})
	id, err := record.IDOf(&lie)
	if err != nil {
		t.Fatal(err)
	}
	w, err := e.WhatIf(t.Context(), id, without(ids["@a"]))
	if err != nil {
		t.Fatal(err)
	}
	if w.Reproduced || w.Recomputed != nil || w.Flips != nil || w.Margin != nil || len(w.Contributions)+len(w.SmallestFlip) > 0 {
		t.Errorf("what if: %+v; want nothing but what was recorded", w)
	}
	lines := w.Lines(without(ids["@a"]), "authority")
	if len(lines) != 2 || !strings.Contains(lines[1].String(), "DIFFERS") {
		t.Errorf("lines %v, want TOLD and that it differs", lines)
	}
	i, err := e.Impact(t.Context(), ask.Target{ID: ids["@a"]}, ask.ImpactOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if last := i.Queries[len(i.Queries)-1]; last.Query != id || last.Recomputed != ask.Differs || last.Flips != nil || last.StillTold != nil || last.Weight == nil {
		t.Errorf("impact ends with %+v, want the lie, told and not ranked", last)
	}
	d, err := e.Diff(t.Context(), ids["@q"], id)
	if err != nil || len(d.Moves) > 0 || !strings.Contains(d.Unknown, "DIFFERS") {
		t.Errorf("diff moves %v, unknown %q, %v; want none and why", d.Moves, d.Unknown, err)
	}
}

// TestWhatIfRefuses: what makes no sense is a usage error, what cannot be recomputed says why.
func TestWhatIfRefuses(t *testing.T) {
	e, ids := world(t, docA, claimA, query("q", "00:00:00", ""),
		`{"kind":"audit","id":"told","agent_id":"ann","timestamp":"2024-01-02T00:00:00Z","subject":"s/x","predicate":"p","lens":"authority","as_of":"2024-01-02T00:00:00Z","result":{"value":"A","confidence":1,"share":1},"considered":1,"contributing_assertions":[]}`)
	other := record.ID{Kind: record.KindAudit, Hash: record.Hash{1}}
	tests := []struct {
		name  string
		query record.ID
		c     ask.WhatIfChange
		as    any
		want  string
	}{
		{"an imported audit", ids["@told"], ask.WhatIfChange{}, new(*ask.NotRecomputableError), "imported: as told, cannot be recomputed here"},
		{"what is no audit", ids["@a"], ask.WhatIfChange{}, new(*ask.UsageError), "expected a query"},
		{"an audit that is not here", other, ask.WhatIfChange{}, new(*ask.NotFoundError), "no record q_01"},
		{"an unknown lens", ids["@q"], ask.WhatIfChange{Lens: "loudest"}, new(*ask.UsageError), "consensus, authority"},
		{"a half-life where none is taken", ids["@q"], ask.WhatIfChange{HalfLife: record.DefaultHalfLife}, new(*ask.UsageError), "does not take one"},
		{"leaving a query out", ids["@q"], without(ids["@q"]), new(*ask.UsageError), "changes no answer"},
		{"an agent without a name", ids["@q"], ask.WhatIfChange{Without: []ask.Target{{}}}, new(*ask.UsageError), "agent's name"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := e.WhatIf(t.Context(), tt.query, tt.c)
			if err == nil || !errors.As(err, tt.as) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("WhatIf = %v, want a %T with %q", err, tt.as, tt.want)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.WhatIf(ctx, ids["@q"], ask.WhatIfChange{}); !errors.Is(err, context.Canceled) {
		t.Errorf("WhatIf with an ended context = %v, want %v", err, context.Canceled)
	}
}

// TestSmallestFlip: one where one is enough, else the first pair by weight, and what was searched is said.
func TestSmallestFlip(t *testing.T) {
	claim := func(id, object, source string, confidence float32) string {
		return fmt.Sprintf(`{"kind":"assertion","id":%q,"subject":"s/x","predicate":"p","object":%q,"confidence":%v,"lifecycle":"Approved","agent":"bot-%s","timestamp":"2024-01-01T00:00:01Z","source":"@%s"}`,
			id, object, confidence, id, source)
	}
	ask1 := func(lens string) string {
		return fmt.Sprintf(`{"kind":"query","id":"q","agent":"ann","subject":"s/x","predicate":"p","lens":%q,"timestamp":"2024-01-02T00:00:00Z"}`, lens)
	}
	tests := []struct {
		name  string
		lines []string
		want  string // labels
		says  string
	}{
		{"nothing contributed", []string{docA, ask1("consensus")}, "", "nothing: no assertion contributed"},
		{"without its only contribution there is no value", []string{docA, claim("a", "A", "doc", 0.9), ask1("consensus")}, "@a", "its only contribution"},
		{"of two that each carry it, the heavier", []string{docA, docB, claim("a", "A", "doc", 0.9), claim("a2", "A", "docb", 0.1), claim("b", "B", "doc", 0.8), ask1("consensus")},
			"@a", "each of 2 contributions alone, heaviest first"},
		{"two must go", []string{docA, docB, claim("a", "A", "doc", 0.9), claim("a2", "A", "docb", 0.9), ask1("consensus")},
			"@a @a2", "each of 2 contributions alone, heaviest first: none flips; pairs among the 2 heaviest"},
		{"two are not enough", []string{docA, claim("a", "A", "doc", 0.9), claim("a2", "A", "doc", 0.9), claim("a3", "A", "doc", 0.9), ask1("consensus")},
			"", "each of 3 contributions alone, heaviest first, and all pairs among the 3 heaviest: none flips"},
		{"one that hid an older word of the same agent, which then counts", []string{docA, docB,
			claim("a", "A", "doc", 0.9), strings.NewReplacer("bot-a2", "bot-a", "00:00:01", "00:00:02").Replace(claim("a2", "A", "doc", 0.9)), claim("b", "B", "docb", 0.9), ask1("authority")},
			"", "its only contribution: it does not flip"},
		{"one that another was derived from takes it along", []string{docA, docB, claim("a", "A", "docb", 0.9),
			strings.Replace(claim("a2", "A", "doc", 0.9), `"source"`, `"parents":["@a"],"source"`, 1), ask1("authority")},
			"@a", "each of 2 contributions alone, heaviest first"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, ids := world(t, tt.lines...)
			w, err := e.WhatIf(t.Context(), ids["@q"], ask.WhatIfChange{})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for label, id := range ids {
				if slices.Contains(w.SmallestFlip, id) {
					got = append(got, label)
				}
			}
			slices.Sort(got)
			if strings.Join(got, " ") != tt.want || w.Searched != tt.says {
				t.Errorf("smallest flip %v, searched %q; want %q, %q", got, w.Searched, tt.want, tt.says)
			}
		})
	}
}
