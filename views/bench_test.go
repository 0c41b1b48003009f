package views

import (
	"fmt"
	"testing"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// BenchmarkTimelineKey is one key and the frame after it, over more rows than are ever read. The rows share a
// thousand queries: what is measured is how the cost grows with the rows, which is not at all.
func BenchmarkTimelineKey(b *testing.B) {
	for _, n := range []int{1_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			t := NewTimeline(false)
			from, to := record.Time(0), record.Time(n)
			t.head.rng = ask.Range{From: &from, To: &to}
			t.load.known = true
			t.rows = make([]entry, n)
			for i := range 1_000 {
				a := &ask.Audit{ID: record.ID{Kind: record.KindAudit, Hash: record.Sum([]byte{byte(i), byte(i >> 8)})}, Agent: "deployment-agent",
					Subject: "auth/jwt", Predicate: "signing_algorithm", Lens: "authority", Timestamp: record.Time(i * n / 1_000),
					Result: ask.Result{Value: record.TextObject("ES256"), Confidence: .87, Share: .6}}
				for j := i; j < n; j += 1_000 {
					t.rows[j] = entry{audit: a}
				}
			}
			t.SetLook(Look{Cols: 120, Rows: 36})
			t.Lines() // the strip is counted once
			b.ReportAllocs()
			for b.Loop() {
				t.Handle(Press{Action: HalfDown})
				if t.window.Cursor == n-1 {
					t.Handle(Press{Action: Top})
				}
				if len(t.Lines()) != 36 {
					b.Fatal("no frame")
				}
			}
		})
	}
}

// BenchmarkFilterKey is one more letter of a filter over as many rows as are ever read.
func BenchmarkFilterKey(b *testing.B) {
	t := NewTimeline(false)
	question := "How long does the reset link work?"
	for i := range rowsMax {
		t.rows = append(t.rows, entry{audit: &ask.Audit{ID: record.ID{Kind: record.KindAudit, Hash: record.Sum([]byte{byte(i), byte(i >> 8), byte(i >> 16)})},
			Agent: "deployment-agent", Subject: "auth/jwt", Predicate: "signing_algorithm", Lens: "authority", Question: &question, Timestamp: record.Time(i),
			Result: ask.Result{Value: record.NumberObject(float64(i))}, Labels: map[string]string{"env": "prod", "service": "auth"}}})
	}
	t.SetLook(Look{Cols: 120, Rows: 36})
	for _, typed := range []string{"agent:deploy*", "es25"} {
		b.Run(typed, func(b *testing.B) {
			t.typed.SetValue(typed)
			t.refilter() // the first word makes the haystacks
			b.ReportAllocs()
			for b.Loop() {
				t.typed.SetValue(typed)
				t.refilter()
			}
		})
	}
}
