package views

import (
	"context"
	"encoding/binary"
	"fmt"
	"strconv"
	"testing"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// million is evidence of so many queries, a hundred a second, all of one day, which exist only while they are asked for: in pages, the newest
// first, as the engine gives them.
type million struct {
	ask.Investigator // nil: nothing else is asked
	queries          int
	given            int // queries handed out
}

func (m *million) at(i int) record.Time { return record.Time(i+1) * 10_000_000 }

func (m *million) Status(context.Context) (ask.Status, error) {
	oldest, newest := m.at(0), m.at(m.queries-1)
	return ask.Status{LastLSN: record.LSN(m.queries), AppliedLSN: record.LSN(m.queries), Audits: uint64(m.queries), Oldest: &oldest, Newest: &newest}, nil
}

func (m *million) Events(context.Context, ask.Range, int) ([]ask.Event, error) { return nil, nil }

func (m *million) query(i int) ask.Audit {
	var number [8]byte
	binary.BigEndian.PutUint64(number[:], uint64(i))
	return ask.Audit{ID: record.ID{Kind: record.KindAudit, Hash: record.Sum(number[:])}, Agent: "deployment-agent", Subject: "auth/jwt",
		Predicate: "signing_algorithm", Lens: "authority", Timestamp: m.at(i), Result: ask.Result{Value: record.TextObject("ES256"), Confidence: .87, Share: .6}}
}

func (m *million) Audits(_ context.Context, q ask.AuditFilter) (ask.Trace, error) {
	next := m.queries - 1
	if q.Cursor != "" {
		next, _ = strconv.Atoi(q.Cursor)
	}
	t := ask.Trace{Range: q.Range, Total: uint64(m.queries), AllReceivedShown: true, AppliedLSN: record.LSN(m.queries)}
	for ; next >= 0 && len(t.Queries) < q.Limit; next-- {
		t.Queries = append(t.Queries, m.query(next))
	}
	m.given += len(t.Queries)
	if next >= 0 {
		cursor := strconv.Itoa(next)
		t.NextCursor = &cursor
	}
	return t, nil
}

func (m *million) Verdict(_ context.Context, id record.ID) (ask.Verdict, error) {
	v := ask.Verdict{Audit: m.query(0), Recomputed: ask.Same, LensSentence: "the most trusted source wins"}
	v.Audit.ID = id
	return v, nil
}

// answer does what a view wants done, and what follows from it: questions are answered at once, rests are over.
func answer(tb testing.TB, t *Timeline, in ask.Investigator, list []Do) {
	tb.Helper()
	for len(list) > 0 {
		d := list[0]
		list = list[1:]
		switch d := d.(type) {
		case Rest:
			more, _ := t.Handle(Rested{d.Name})
			list = append(list, more...)
		case Ask:
			value, err := d.Run(context.Background(), in, func(part any) bool {
				more, _ := t.Handle(Answer{Slot: d.Slot, Value: part, Part: true})
				list = append(list, more...)
				return true
			})
			if err != nil {
				tb.Fatalf("%s: %v", d.Doing, err)
			}
			more, _ := t.Handle(Answer{Slot: d.Slot, Value: value})
			list = append(list, more...)
		}
	}
}

// openedOver is a timeline at 120 by 40 over so many queries, all of which lie in its window, with as many of them read as
// it reads at most.
func openedOver(tb testing.TB, queries int) (*Timeline, *million) {
	tb.Helper()
	in := &million{queries: queries}
	t := NewTimeline(false)
	t.span = 1 << 62
	t.SetLook(Look{Cols: 120, Rows: 36, Now: in.at(queries - 1)})
	do, _ := t.Handle(Shown{First: true})
	answer(tb, t, in, do)
	do, _ = t.Handle(Press{Action: Top})
	answer(tb, t, in, do)
	return t, in
}

// scroll is how somebody goes through a list: by rows, by screens, and from end to end.
var scroll = []Action{Down, Down, Down, HalfDown, Up, Down, HalfDown, HalfDown, Up, Up, HalfUp, Down}

// Over a million queries the view holds what it may hold and no more, however long somebody scrolls, and says that
// there is more; a key allocates what it does over ten thousand.
func TestScrollingIsFlat(t *testing.T) {
	perKey := func(v *Timeline) float64 {
		i := 0
		v.Handle(Press{Action: Top})
		return testing.AllocsPerRun(500, func() {
			v.Handle(Press{Action: scroll[i%len(scroll)]})
			v.Lines()
			i++
		})
	}
	few, _ := openedOver(t, 10_000)
	many, in := openedOver(t, 1_000_000)
	if len(few.rows) != 10_000 || len(many.rows) != rowsMax {
		t.Fatalf("%d of 10,000 and %d of 1,000,000 rows are held, want all and %d", len(few.rows), len(many.rows), rowsMax)
	}
	a, b := perKey(few), perKey(many)
	if t.Logf("allocations a key: %.0f over 10,000 rows, %.0f over 1,000,000", a, b); b > a*1.05+2 {
		t.Errorf("a key allocates %.0f times over 1,000,000 rows, and %.0f over 10,000", b, a)
	}

	given := in.given
	for i := range 5_000 {
		action := scroll[i%len(scroll)]
		switch i % 1_000 {
		case 400:
			action = Bottom
		case 900:
			action = Top
		}
		do, _ := many.Handle(Press{Action: action})
		answer(t, many, in, do) // the cursor rests on each row, and its verdict is read
	}
	if len(many.rows) != rowsMax || len(many.audits) != rowsMax || in.given != given {
		t.Errorf("after 5,000 keys %d rows of %d queries are held, and %d more were read", len(many.rows), len(many.audits), in.given-given)
	}
	if n := len(many.verdicts); n > verdictsMax || n == 0 {
		t.Errorf("%d verdicts are remembered, want 1 to %d", n, verdictsMax)
	}
	if c := many.completeness().String(); c != "! the newest 100,000 only" {
		t.Errorf("it says %q", c)
	}
}

// BenchmarkScroll is one key and the frame after it in the view as it is, over evidence that it has read page by page.
func BenchmarkScroll(b *testing.B) {
	for _, queries := range []int{10_000, 1_000_000} {
		b.Run(fmt.Sprint(queries), func(b *testing.B) {
			v, _ := openedOver(b, queries)
			i := 0
			b.ReportAllocs()
			for b.Loop() {
				if v.window.Cursor == v.len()-1 {
					v.Handle(Press{Action: Top})
				}
				v.Handle(Press{Action: scroll[i%len(scroll)]})
				if len(v.Lines()) != 36 {
					b.Fatal("no frame")
				}
				i++
			}
		})
	}
}
