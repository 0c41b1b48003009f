package engine_test

import (
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

// steps are moves a line each: the record's label, else what it says, whether it came or went, the values, and whether it turned them.
func steps(ids map[string]record.ID, moves []ask.Move) string {
	var b strings.Builder
	for _, m := range moves {
		who := m.Title
		if label := labelsOf(ids, m.Record); len(label) > 0 {
			who = label[0]
		}
		if m.Gone {
			who = "not " + who
		}
		fmt.Fprintf(&b, "%s: %s %.2f → %s %.2f %t\n", who, m.From.Value, m.From.Confidence, m.To.Value, m.To.Confidence, m.Turned)
	}
	return b.String()
}

// contributions are the labels of a list of contributions.
func contributions(ids map[string]record.ID, list []ask.Contribution) string {
	var out []record.ID
	for _, c := range list {
		out = append(out, c.Assertion)
	}
	return strings.Join(labelsOf(ids, out...), " ")
}

// TestFixtureDiff is the question of the bridge: the deploy was told one thing, the same question an hour later
// another; what moved it?
func TestFixtureDiff(t *testing.T) {
	e, ids, _ := openFixture(t, "auth-jwt")
	tests := []struct {
		left, right string
		differs     string
		only        string // left | right | both
		moves       string
	}{
		{"@q210347", "@q221220", "as_of pin value confidence share", "@es256 | @rs256 | 0",
			"to Rejected: clients cannot verify: ES256 0.87 → RS256 0.54 true\n"},
		{"@q221220", "@q210347", "as_of pin value confidence share", "@rs256 | @es256 | 0",
			"not to Rejected: clients cannot verify: RS256 0.54 → ES256 0.87 true\n"},
		{"@q210347", "@q211331", "as_of pin", " |  | 1", ""},
		{"@q210347", "@q221705", "as_of pin value confidence share", "@es256 | @hs256 | 0", ""},
		{"@q210347", "@q220338", "lifecycle_filter as_of pin value confidence share", "@es256 | @rs256 | 0",
			"asked with only Approved: ES256 0.87 → RS256 0.54 true\n"},
		{"@q210347", "@q215630", "lens as_of pin value confidence share", "@es256 | @rs256 | 0",
			"asked with lens consensus: ES256 0.87 → RS256 0.45 true\n"},
	}
	for _, tt := range tests {
		t.Run(tt.left+" and "+tt.right, func(t *testing.T) {
			d, err := e.Diff(t.Context(), ids[tt.left], ids[tt.right])
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(d.Differs, " "); got != tt.differs {
				t.Errorf("differs in %q, want %q", got, tt.differs)
			}
			if got := fmt.Sprintf("%s | %s | %d", contributions(ids, d.OnlyLeft), contributions(ids, d.OnlyRight), len(d.Both)); got != tt.only {
				t.Errorf("contributions %q, want %q", got, tt.only)
			}
			got := steps(ids, d.Moves)
			if tt.moves != "" && got != tt.moves {
				t.Errorf("moves\n%swant\n%s", got, tt.moves)
			}
			if len(d.Moves) > 0 {
				first, last := d.Moves[0].From, d.Moves[len(d.Moves)-1].To
				if first != d.Left.Result || last != d.Right.Result {
					t.Errorf("moves lead from %v to %v, want from %v to %v", first, last, d.Left.Result, d.Right.Result)
				}
			}
		})
	}
}

// TestDiff: each kind of record can move an answer, and says so in its own step.
func TestDiff(t *testing.T) {
	b := record.Sum([]byte("B"))
	e, ids := world(t,
		docA, docB, claimA, claimB,
		query("q1", "00:00:00", ""),
		`{"kind":"source","id":"docb2","name":"b again","digest":"`+b.String()+`","authority":1,"agent":"sync","timestamp":"2024-01-02T01:00:00Z"}`,
		query("q2", "02:00:00", ""),
		`{"kind":"assertion","id":"c","subject":"s/x","predicate":"p","object":"C","confidence":0.1,"agent":"bot","timestamp":"2024-01-02T03:00:00Z","source":"@doc"}`,
		`{"kind":"transition","id":"t","assertion":"@b","to":"Deprecated","agent":"boss","timestamp":"2024-01-02T03:00:00Z"}`,
		`{"kind":"vote","id":"v","assertion":"@a","agent":"ann","weight":1,"timestamp":"2024-01-02T03:30:00Z"}`,
		query("q3", "04:00:00", ""),
		`{"kind":"query","id":"other","agent":"ann","subject":"s/y","predicate":"p","timestamp":"2024-01-02T05:00:00Z"}`,
		`{"kind":"audit","id":"told","agent_id":"ann","timestamp":"2024-01-02T00:00:00Z","subject":"s/x","predicate":"p","lens":"authority","as_of":"2024-01-02T00:00:00Z","result":{"value":"A","confidence":1,"share":1},"considered":1,"contributing_assertions":[]}`,
	)
	tests := []struct {
		left, right, moves string
		between            int
		unknown            string
	}{
		{"@q1", "@q2", "@docb2: A 0.81 → B 0.80 true\n", 1, ""},
		{"@q2", "@q3", "@c: B 0.80 → B 0.80 false\n@t: B 0.80 → A 0.81 true\n", 3, ""},
		{"@q1", "@q3", "@docb2: A 0.81 → B 0.80 true\n@c: B 0.80 → B 0.80 false\n@t: B 0.80 → A 0.81 true\n", 4, ""},
		{"@q3", "@q1", "not @t: A 0.81 → B 0.80 true\nnot @c: B 0.80 → B 0.80 false\nnot @docb2: B 0.80 → A 0.81 true\n", 4, ""},
		{"@q1", "@q1", "", 0, ""},
		{"@q1", "@other", "", 0, "different things"},
		{"@q1", "@told", "", 0, "imported: as told, cannot be recomputed here"},
	}
	for _, tt := range tests {
		t.Run(tt.left+" and "+tt.right, func(t *testing.T) {
			d, err := e.Diff(t.Context(), ids[tt.left], ids[tt.right])
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.moves, steps(ids, d.Moves)); diff != "" {
				t.Errorf("moves (-want +got):\n%s", diff)
			}
			if d.Between != tt.between || !strings.Contains(d.Unknown, tt.unknown) || (d.Unknown == "") != (tt.unknown == "") {
				t.Errorf("%d records between, unknown %q; want %d, %q", d.Between, d.Unknown, tt.between, tt.unknown)
			}
		})
	}
	if _, err := e.Diff(t.Context(), ids["@q1"], ids["@a"]); !errors.As(err, new(*ask.UsageError)) {
		t.Errorf("Diff of a query and an assertion = %v, want a usage error", err)
	}
}

// TestFixtureBeliefs: what did we believe about auth before the evening that we did not after it?
func TestFixtureBeliefs(t *testing.T) {
	e, ids, _ := openFixture(t, "auth-jwt")
	at := func(s string) record.Time {
		v, err := record.ParseTime(s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	c, err := e.Beliefs(t.Context(), ask.BeliefsQuery{Subject: "auth/jwt", From: at("2024-01-15T17:00:00Z"), To: at("2024-01-15T21:30:00Z"), Lens: "authority"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range c.Changes {
		if len(m.Moves) == 0 || m.Moves[0].From.Value != m.From.Value || m.Moves[len(m.Moves)-1].To.Value != m.To.Value {
			t.Errorf("%s: %+v do not lead from %s to %s", m.Predicate, m.Moves, m.From.Value, m.To.Value)
			continue
		}
		got = append(got, fmt.Sprintf("%s %s → %s by %s", m.Predicate, m.From.Value, m.To.Value, strings.Join(labelsOf(ids, m.Moves[len(m.Moves)-1].Record), "")))
	}
	for _, want := range []string{"signing_algorithm RS256 → ES256 by @es256", "key_type RSA 2048 → EC P-256 by @ecp256"} {
		if !slices.Contains(got, want) {
			t.Errorf("changes %q lack %q", got, want)
		}
	}
	if c.Compared <= len(c.Changes) || c.Total != len(c.Changes) {
		t.Errorf("compared %d, %d of %d changes", c.Compared, len(c.Changes), c.Total)
	}
	same, err := e.Beliefs(t.Context(), ask.BeliefsQuery{From: c.To, To: c.To})
	if err != nil || same.Total != 0 || same.Compared == 0 || same.Lens != "consensus" {
		t.Errorf("between a time and itself: %+v, %v; want comparisons and no changes", same, err)
	}
	few, err := e.Beliefs(t.Context(), ask.BeliefsQuery{From: 0, To: c.To, Limit: 3})
	if err != nil || len(few.Changes) != 3 || few.Total <= 3 {
		t.Errorf("since 1970, 3 at most: %d of %d, compared %d, %v", len(few.Changes), few.Total, few.Compared, err)
	}
	for name, q := range map[string]ask.BeliefsQuery{
		"a range the wrong way round": {From: 2, To: 1}, "an unknown lens": {Lens: "x"}, "no pattern": {Subject: "["},
	} {
		if _, err := e.Beliefs(t.Context(), q); !errors.As(err, new(*ask.UsageError)) {
			t.Errorf("%s: %v, want a usage error", name, err)
		}
	}
}

// TestBisect: the first of several turns, and all of them.
func TestBisect(t *testing.T) {
	e, ids := world(t, docA, docB, claimB, claimA,
		`{"kind":"vote","id":"v","assertion":"@b","agent":"ann","weight":1,"timestamp":"2024-01-02T00:00:00Z"}`,
		`{"kind":"transition","id":"t","assertion":"@b","to":"Rejected","agent":"boss","timestamp":"2024-01-03T00:00:00Z"}`,
		`{"kind":"assertion","id":"n","subject":"s/x","predicate":"p","object":900,"confidence":1,"agent":"bot","timestamp":"2024-01-03T00:00:00Z","source":"@doc"}`,
		`{"kind":"vote","id":"far","assertion":"@a","agent":"ann","weight":-1,"timestamp":"2030-01-01T00:00:00Z"}`,
	)
	tests := []struct {
		value, lens, want string
	}{
		{"A", "", "@a 2 times of 5"},
		{"B", "", "@b 2 times of 5"},
		{"900", "", "@n 1 times of 5"},
		{"null", "skeptic", "@a 2 times of 4"},
		{"B", "authority", "@b 1 times of 3"},
	}
	for _, tt := range tests {
		t.Run(tt.value+" "+tt.lens, func(t *testing.T) {
			b, err := e.Bisect(t.Context(), ask.BisectQuery{Subject: "s/x", Predicate: "p", Value: tt.value, Lens: tt.lens})
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprintf("%s %d times of %d", strings.Join(labelsOf(ids, b.First.Record), ""), b.Times, len(b.Turns)); got != tt.want {
				t.Errorf("first turn, times: %s, want %s\n%s", got, tt.want, steps(ids, b.Turns))
			}
			for n, m := range b.Turns {
				if n > 0 && (m.LSN <= b.Turns[n-1].LSN || m.From.Value != b.Turns[n-1].To.Value) {
					t.Errorf("turn %d does not follow on the one before:\n%s", n, steps(ids, b.Turns))
				}
			}
			if b.Turns[len(b.Turns)-1].To.Value != b.Now.Value {
				t.Errorf("now %s, want what the last turn led to", b.Now.Value)
			}
		})
	}
	for _, tt := range []struct {
		q    ask.BisectQuery
		want string
	}{
		{ask.BisectQuery{Subject: "s/x", Predicate: "p", Value: "Z"}, "no record that turned s/x p into Z here; near it: B, A, 900"},
		{ask.BisectQuery{Subject: "s/x", Predicate: "p", Value: `"900"`}, `into "900" here`},
		{ask.BisectQuery{Subject: "s/x", Predicate: "q", Value: "A"}, "no record about s/x q here; near it: s/x p"},
		{ask.BisectQuery{Subject: "s/z", Predicate: "p", Value: "A"}, "no record about s/z p here; near it: s/x"},
	} {
		_, err := e.Bisect(t.Context(), tt.q)
		if err == nil || !errors.As(err, new(*ask.NotFoundError)) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Bisect(%+v) = %v, want a NotFoundError with %q", tt.q, err, tt.want)
		}
	}
}

// TestWhatIfJSON and of an answer that moved: the names, and nulls where nothing is known.
func TestWhatIfJSON(t *testing.T) {
	e, ids := world(t, docA, docB, claimA, claimB, query("q", "00:00:00", ""))
	w, err := e.WhatIf(t.Context(), ids["@q"], without(ids["@a"]))
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(w)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"query_id":"@q","recorded":{"value":"A","confidence":0.80999994,"share":0.71681416},"reproduced":true,"recomputed":{"value":"B","confidence":0.32000002,"share":1},` +
		`"flips":true,"margin":0.32000002,"contributing_assertions":[{"hash":"@b","lifecycle":"Approved","weight":0.4,"source":"b.md","source_hash":"BYTES"}],` +
		`"smallest_flip":["@a"],"searched":"its only contribution","left_out":["@a"]}`
	want = strings.ReplaceAll(want, "BYTES", record.ID{Kind: record.KindEvidence, Hash: record.Sum([]byte("B"))}.String())
	for label, id := range ids {
		want = strings.ReplaceAll(want, `"`+label+`"`, `"`+id.String()+`"`)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
}
