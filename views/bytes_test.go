package views

import (
	"strings"
	"testing"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// Of damaged bytes nobody knows when they were taken in, and they are here: a screen claims neither 1970 nor that they
// were not kept.
func TestDamagedBytes(t *testing.T) {
	id := record.ID{Kind: record.KindEvidence}
	for _, cols := range []int{80, 120} {
		look := Look{Cols: cols, Rows: 24}
		var all []string
		broken := ask.Record{ID: id, LSN: 136, Check: ask.Broken}
		for _, l := range append(recordHead(broken, look, true), recordBody(broken, look, 9)...) {
			all = append(all, l.String())
		}
		page := strings.Join(all, "\n")
		if strings.Contains(page, "1970") || strings.Contains(page, "taken") || !strings.Contains(page, "record 136") || !strings.Contains(page, "episteme verify") {
			t.Errorf("%d columns: damaged bytes are shown as\n%s", cols, page)
		}
	}
	if got := titleOf(ask.Node{ID: id, Check: ask.Broken, Title: "bytes not kept"}); got != "damaged bytes" {
		t.Errorf("damaged bytes are called %q", got)
	}
}

// A field draws what is around its cursor, and works as little for a long text as for a short one: it is drawn with
// every key, and a note that was pasted has thousands.
func TestFieldOfALongText(t *testing.T) {
	field := newField(promptChars)
	field.SetValue(strings.Repeat("x", 1900) + strings.Repeat("界e\u0301", 20) + "end")
	field.CursorEnd()
	for cols := 8; cols < 100; cols++ {
		l := fieldLine(field, cols)
		if l.Width() > cols || l.Width() < cols-3 || !strings.HasSuffix(strings.TrimRight(l.String(), " "), "end") {
			t.Errorf("in %d columns: %q, %d cells", cols, l.String(), l.Width())
		}
	}
	short := newField(promptChars)
	short.SetValue("end")
	short.CursorEnd()
	long := testing.AllocsPerRun(10, func() { fieldLine(field, 80) })
	if few := testing.AllocsPerRun(10, func() { fieldLine(short, 80) }); long > few+3*80 {
		t.Errorf("a long text takes %.0f allocations, a short one %.0f", long, few)
	}
}
