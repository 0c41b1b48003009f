package engine_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// TestRecompute: an audit reproduces whatever arrives later; of what claims to be older each record is named that
// turned the value, in the order they arrived, and no other.
func TestRecompute(t *testing.T) {
	asked := query("q", "00:00:00", "")
	tests := []struct {
		name    string
		later   []string
		changed bool   // rule 18
		arrived int    // records that claim to be older
		moved   string // labels
		now     string
	}{
		{"nothing arrived", nil, false, 0, "", "A"},
		{"what claims to be younger is not late", []string{
			`{"kind":"transition","id":"t","assertion":"@a","to":"Rejected","agent":"ann","timestamp":"2024-01-03T00:00:00Z"}`}, false, 0, "", "B"},
		{"what claims to be older and changes nothing", []string{
			`{"kind":"vote","id":"v","assertion":"@a","agent":"ann","weight":1,"timestamp":"2024-01-01T00:00:03Z"}`}, false, 1, "", "A"},
		{"a transition that claims to be older", []string{
			`{"kind":"vote","assertion":"@a","agent":"ann","weight":1,"timestamp":"2024-01-01T00:00:03Z"}`,
			`{"kind":"transition","id":"t","assertion":"@a","to":"Rejected","agent":"ann","timestamp":"2024-01-01T12:00:00Z"}`,
			`{"kind":"vote","assertion":"@b","agent":"ann","weight":1,"timestamp":"2024-01-01T00:00:03Z"}`}, true, 3, "@t", "B"},
		{"a descriptor that claims to be older", []string{
			`{"kind":"source","id":"d","name":"b2.md","authority":1,"digest":"@docbytes","agent":"sync","timestamp":"2024-01-01T00:00:01Z"}`}, true, 1, "@d", "B"},
		{"there and elsewhere and on", []string{
			`{"kind":"transition","id":"t1","assertion":"@a","to":"Rejected","agent":"ann","timestamp":"2024-01-01T12:00:00Z"}`,
			`{"kind":"transition","id":"t2","assertion":"@b","to":"Rejected","agent":"ann","timestamp":"2024-01-01T12:00:00Z"}`}, true, 2, "@t1 @t2", "—"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for i, line := range tt.later {
				tt.later[i] = strings.Replace(line, "@docbytes", record.Sum([]byte("B")).String(), 1)
			}
			e, ids := world(t, slices.Concat([]string{docA, docB, claimA, claimB, asked}, tt.later)...)
			head := e.Head().Last
			r, err := e.Recompute(t.Context(), ids["@q"])
			if err != nil {
				t.Fatal(err)
			}
			if e.Head().Last != head {
				t.Errorf("the journal went from lsn %d to %d", head, e.Head().Last)
			}
			if !r.Reproduced || len(r.Differences) > 0 || r.Recorded != r.Recomputed || r.Recorded.Value.Text != "A" {
				t.Errorf("reproduced %t, %q: recorded %+v, recomputed %+v", r.Reproduced, r.Differences, r.Recorded, r.Recomputed)
			}
			var moved, want []string
			for _, m := range r.Late.MovedBy {
				moved = append(moved, m.ID.String())
			}
			for _, label := range strings.Fields(tt.moved) {
				want = append(want, ids[label].String())
			}
			if r.Late.Changed != tt.changed || r.Late.Arrived != tt.arrived || !slices.Equal(moved, want) || !r.Late.Complete {
				t.Errorf("changed %t, %d arrived, moved by %v; want %t, %d, %v", r.Late.Changed, r.Late.Arrived, moved, tt.changed, tt.arrived, want)
			}
			if got := r.Now.Result.Value.String(); got != tt.now {
				t.Errorf("now %s, want %s", got, tt.now)
			}
		})
	}
}

// TestRecomputeStops: of very many late records not each is tried, and the answer says so.
func TestRecomputeStops(t *testing.T) {
	lines := []string{docA, docB, claimA, claimB, query("q", "00:00:00", "")}
	for i := range 512 {
		lines = append(lines, fmt.Sprintf(`{"kind":"vote","assertion":"@a","agent":"%d","weight":1,"timestamp":"2024-01-01T00:00:03Z"}`, i))
	}
	e, ids := world(t, append(lines, `{"kind":"transition","assertion":"@a","to":"Rejected","agent":"ann","timestamp":"2024-01-01T12:00:00Z"}`)...)
	r, err := e.Recompute(t.Context(), ids["@q"])
	if err != nil {
		t.Fatal(err)
	}
	if !r.Late.Changed || r.Late.Arrived != 513 || r.Late.Complete || len(r.Late.MovedBy) > 0 {
		t.Errorf("changed %t, %d arrived, complete %t, moved by %v; want the 513th not tried", r.Late.Changed, r.Late.Arrived, r.Late.Complete, r.Late.MovedBy)
	}
}

// TestRecomputeOfWhatDoesNotReproduce: what differs is said, and nothing is built on it.
func TestRecomputeOfWhatDoesNotReproduce(t *testing.T) {
	e, ids := world(t, docA, docB, claimA, claimB)
	a := ids["@a"]
	tests := []struct {
		name   string
		change func(*record.Audit)
		want   string
	}{
		{"another value", func(q *record.Audit) { q.Value = record.TextObject("Z") }, "value: recorded Z, recomputed A"},
		{"another weight", func(q *record.Audit) { q.Contributions[0].Weight = 0.5 }, "contribution 1, " + a.Short() + ": recorded weight 0.5, recomputed 0.9"},
		{"another assertion", func(q *record.Audit) { q.Contributions[0].Assertion = ids["@b"].Hash }, "contribution 1: recorded " + ids["@b"].Short() + ", recomputed " + a.Short()},
		{"contributions left out", func(q *record.Audit) { q.Contributions = nil }, "contributions: recorded 0, recomputed 1"},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			at, err := record.ParseTime(fmt.Sprintf("2024-01-02T00:00:%02dZ", i))
			if err != nil {
				t.Fatal(err)
			}
			q := &record.Audit{
				Agent: "ann", Timestamp: at, AsOf: at, Subject: "s/x", Predicate: "p", Lens: "authority",
				Pinned: true, Pin: record.LSN(e.Head().Last), Journal: e.Tracer.Journal,
				Value: record.TextObject("A"), Confidence: 0.81, Share: 0.71, Considered: 2,
				Contributions: []record.Contribution{{Assertion: a.Hash, Source: record.Sum([]byte("A")), Weight: 0.9, Lifecycle: record.Approved}},
			}
			tt.change(q)
			q.ResultHash = q.Value.Hash()
			lsn, err := e.Append(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			if err := e.Wait(t.Context(), lsn); err != nil {
				t.Fatal(err)
			}
			id, err := record.IDOf(q)
			if err != nil {
				t.Fatal(err)
			}
			r, err := e.Recompute(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			if r.Reproduced || !slices.Equal(r.Differences, []string{tt.want}) || r.Late != nil || r.Now != nil {
				t.Errorf("reproduced %t, %q, late %v, now %v; want only %q", r.Reproduced, r.Differences, r.Late, r.Now, tt.want)
			}
			var text []string
			for _, l := range r.Lines() {
				text = append(text, l.String())
			}
			if shown := strings.Join(text, "\n"); !strings.Contains(shown, tt.want) {
				t.Errorf("the lines do not say %q:\n%s", tt.want, shown)
			}
		})
	}
}

// TestRecomputeRefuses what was not answered here, and what is no query.
func TestRecomputeRefuses(t *testing.T) {
	imported := `{"kind":"audit","id":%q,"agent_id":"far","timestamp":"2024-01-02T00:00:00Z","subject":"s/x","predicate":"p","lens":"authority","as_of":"2024-01-02T00:00:00Z",%s"result":{"value":"A","confidence":1,"share":1},"considered":0,"contributing_assertions":[]}`
	e, ids := world(t, docA, claimA, fmt.Sprintf(imported, "i", ""), fmt.Sprintf(imported, "f", `"pin":3,"journal":"0123456789abcdef0123456789abcdef",`))
	for label, want := range map[string]string{"@i": "was imported", "@f": "was recorded in another journal"} {
		_, err := e.Recompute(t.Context(), ids[label])
		var refused *ask.NotRecomputableError
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), want+": as told, cannot be recomputed here") {
			t.Errorf("%s: %v, want it %s", label, err, want)
		}
	}
	var wrong *ask.UsageError
	if _, err := e.Recompute(t.Context(), ids["@a"]); !errors.As(err, &wrong) {
		t.Errorf("an assertion: %v, want a *UsageError", err)
	}
	var absent *ask.NotFoundError
	if _, err := e.Recompute(t.Context(), record.ID{Kind: record.KindAudit, Hash: record.Sum(nil)}); !errors.As(err, &absent) {
		t.Errorf("a stranger: %v, want a *NotFoundError", err)
	}
}
