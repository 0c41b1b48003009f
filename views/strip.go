package views

import (
	"fmt"
	"strings"
	"time"

	"episteme/engine/record"
	"episteme/views/text"
)

// strip draws when queries were asked, the marks of the world below, and the cursor between them, in at most rows
// lines: 1 the axis with its marks and the cursor, 2 the density above it, 3 the legend, 4 the cursor on a line of its
// own: a move then sends a line of blanks, and not the axis, which is 700 bytes of box drawing and colours.
func (t *Timeline) strip(rows int) []text.Line {
	if rows <= 0 || t.head.rng.From == nil {
		return nil
	}
	from, to := *t.head.rng.From, *t.head.rng.To
	left, right := t.look.Times.Minute(from), t.look.Times.Minute(to)
	cells := t.look.Cols - text.Width(left) - text.Width(right) - 5
	if cells < 10 {
		return nil
	}
	ax := axis{from: from, to: to, cells: cells}
	if t.drawn.counts == nil || t.drawn.axis != ax {
		t.drawn.axis, t.drawn.counts = ax, t.counts(ax)
	}
	counts := t.drawn.counts
	indent := text.Space(1)
	density := text.Of(indent, text.Text(text.Plain, left), text.Space(1), text.Sparks(text.Dim, counts), text.Space(1), text.Text(text.Plain, right))
	at := text.Width(left) + 2
	marks := append(text.Line{text.Space(at)}, t.marks(ax, rows < 4)...)
	switch rows {
	case 1:
		l := append(text.Of(indent, text.Text(text.Plain, left), text.Space(1)), t.marks(ax, true)...)
		return []text.Line{append(l, text.Space(1), text.Text(text.Plain, right))}
	case 2:
		return []text.Line{density, marks}
	}
	legend := t.legend(ax, ax.peak(counts), at)
	if rows == 3 {
		return []text.Line{density, marks, legend}
	}
	return []text.Line{density, marks, t.pointer(ax, at), legend}
}

// pointer is a triangle below the cell of the cursor.
func (t *Timeline) pointer(ax axis, indent int) text.Line {
	e := t.at(t.window.Cursor)
	if e.id().IsZero() {
		return nil
	}
	return text.Of(text.Space(indent+ax.cell(e.time())), text.Text(text.Strong, "▲"))
}

// axis is a stretch of time over a number of cells.
type axis struct {
	from, to record.Time
	cells    int
}

// cell is where t stands; times outside stand at the ends.
func (a axis) cell(t record.Time) int {
	if t <= a.from || a.to <= a.from {
		return 0
	}
	if t >= a.to {
		return a.cells - 1
	}
	// float64 is exact enough for a cell: 2^53 ns are 104 days, and an error of 1 in 2^53 moves nothing visible.
	return min(int(float64(t-a.from)/float64(a.to-a.from)*float64(a.cells)), a.cells-1)
}

func (a axis) perCell() time.Duration { return time.Duration(a.to-a.from) / time.Duration(a.cells) }

// cellTime is how long a cell is: in seconds where one can still think in them.
func cellTime(d time.Duration) string {
	switch {
	case d < time.Second:
		return "under 1 s"
	case d < 10*time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	}
	return Ago(d)
}

// peak is the densest cell as a rate.
func (a axis) peak(counts []uint64) string {
	var most uint64
	for _, n := range counts {
		most = max(most, n)
	}
	minutes := a.perCell().Minutes()
	if minutes <= 0 || most == 0 {
		return ""
	}
	if rate := float64(most) / minutes; rate >= 1 {
		return fmt.Sprintf(" · peak %.0f/min", rate)
	}
	return fmt.Sprintf(" · peak %.0f/h", float64(most)/minutes*60)
}

// counts are the queries per cell: of the rows shown when all are here, else of the engine's own counts.
func (t *Timeline) counts(ax axis) []uint64 {
	counts := make([]uint64, ax.cells)
	if t.cursor != "" && len(t.trace.Buckets) > 0 {
		span := axis{from: t.trace.Span[0], to: t.trace.Span[1], cells: len(t.trace.Buckets)}
		for i, n := range t.trace.Buckets {
			middle := span.from + record.Time(float64(span.to-span.from)*(float64(i)+.5)/float64(span.cells))
			counts[ax.cell(middle)] += n
		}
		return counts
	}
	for i := range t.len() {
		if e := t.row(i); e.audit != nil {
			counts[ax.cell(e.time())]++
		}
	}
	return counts
}

// weights of marks that fall into the same cell: the heaviest is drawn.
var markOrder = [...]record.EventType{record.Note, record.Decision, record.Rollback, record.Deploy, record.Alert}

// marks is the axis with the events as letters; with the cursor, a triangle stands there, and a selected event is in
// reverse.
func (t *Timeline) marks(ax axis, cursor bool) text.Line {
	cells := make([]text.Span, ax.cells)
	for i := range cells {
		cells[i] = text.Text(text.Dim, "─")
	}
	for _, kind := range markOrder {
		for i := range t.events.list {
			if e := &t.events.list[i]; e.Type == kind {
				cells[ax.cell(e.Timestamp)] = text.Text(markTone(kind), kind.Mark())
			}
		}
	}
	switch e := t.at(t.window.Cursor); {
	case !cursor:
	case e.event != nil:
		cells[ax.cell(e.time())] = text.Text(text.Reverse, e.event.Type.Mark())
	case e.audit != nil:
		cells[ax.cell(e.time())] = text.Text(text.Strong, "▲")
	}
	return joinTones(cells)
}

// joinTones puts neighbours of one tone together: fewer bytes on the wire.
func joinTones(spans []text.Span) text.Line {
	var out text.Line
	for i := 0; i < len(spans); {
		var b strings.Builder
		tone := spans[i].Tone()
		for ; i < len(spans) && spans[i].Tone() == tone; i++ {
			b.WriteString(spans[i].String())
		}
		out = append(out, text.Text(tone, b.String()))
	}
	return out
}

// legend says what the letters mean, how many of each there are, and how long a cell is.
func (t *Timeline) legend(ax axis, peak string, indent int) text.Line {
	left := text.Line{text.Space(indent)}
	for _, kind := range []record.EventType{record.Deploy, record.Alert, record.Rollback, record.Decision, record.Note} {
		n := 0
		for i := range t.events.list {
			if t.events.list[i].Type == kind {
				n++
			}
		}
		if n == 0 {
			continue
		}
		word := kind.String()
		if n > 1 {
			word = fmt.Sprintf("%d %ss", n, word)
		}
		left = append(left, text.Text(markTone(kind), kind.Mark()), text.Text(text.Dim, " "+word+"   "))
	}
	if t.events.err != nil {
		left = append(left, text.Text(text.Bad, "✗ events could not be read"))
	}
	right := text.Of(text.Text(text.Dim, "1 cell = "+cellTime(ax.perCell())+peak+" "))
	return text.Ends(left, right, t.look.Cols)
}
