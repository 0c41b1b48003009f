package export

import (
	"fmt"
	"iter"
	"strconv"
	"strings"

	"episteme/engine/trace/ask"
)

// Measures of a drawn chain, in the drawing's own units: pixels at its full width.
const (
	drawnWidth = 1040
	rowHeight  = 44
	indent     = 26
	margin     = 14   // left of the root's mark, and above it
	checkAt    = 1030 // where the column of checks ends
	titleChar  = 7.4  // a character of the titles at 14 px, on average; a guess on the wide side
	remarkChar = 6.6  // of the second lines at 12 px
)

// drawing is a chain as an SVG.
type drawing struct {
	Width, Height int
	Rows          []drawnRow
	Left          string // what was not drawn
}

type drawnRow struct {
	Rails               []string // paths
	X, Y, TextX         int
	TitleY, RemarkY     int
	CheckX              int
	Shape               string // of the mark
	Title, Remark, Full string
	Check, CheckClass   string
}

// drawing lays the rows of a chain out: a mark a record, elbows to what it rests on, two lines of text beside it.
func (c *Contents) drawing(p ask.Provenance) drawing {
	rows, left := c.rows(p)
	d := drawing{Width: drawnWidth, Height: 2*margin + rowHeight*len(rows)}
	if left > 0 {
		d.Left = fmt.Sprintf("… %d more, among the records below", left)
	}
	for i, r := range rows {
		d.Rows = append(d.Rows, c.drawnRow(i, r))
	}
	return d
}

func (c *Contents) drawnRow(i int, r row) drawnRow {
	x, y := margin+indent*r.depth, margin+rowHeight*i+rowHeight/2
	out := drawnRow{X: x, Y: y, TextX: x + 16, TitleY: y - 2, RemarkY: y + 15, CheckX: checkAt, Full: r.title + " " + c.full(r.id)}
	for level, more := range r.open {
		railX, top := margin+indent*level, y-rowHeight
		if level == len(r.open)-1 {
			out.Rails = append(out.Rails, fmt.Sprintf("M%d %dV%dH%d", railX, top+8, y, x-8))
		}
		if more {
			out.Rails = append(out.Rails, fmt.Sprintf("M%d %dV%d", railX, top+8, y+8))
		}
	}
	out.Shape = r.kind
	const checkCells = 110 // of the widest word, "? not held", with room
	room := float64(checkAt - checkCells - out.TextX)
	out.Title = cut(r.title, int(room/titleChar))
	remark := c.short(r.id)
	if r.depth > 0 {
		remark = r.relation() + " · " + remark
	}
	if r.more != "" {
		remark += " · " + r.more
	}
	out.Remark = cut(remark, int(room/remarkChar))
	if r.again {
		out.Check, out.CheckClass = "shown above", "dim"
	} else {
		out.Check, out.CheckClass = checkedWord(r.check, c.redacted(r.id))
	}
	return out
}

// cut shortens s to about n columns; East Asian and pictorial characters take two.
func cut(s string, n int) string {
	cols := 0
	for i, r := range s {
		w := 1
		if r >= 0x1100 {
			w = 2
		}
		if cols+w > n {
			return strings.TrimRight(s[:i], " ") + "…"
		}
		cols += w
	}
	return s
}

func number10(n int) string { return strconv.Itoa(n) }

func voted(weight float32) string { return fmt.Sprintf("vote %+.2g", weight) }

func splitLines(s string) iter.Seq[string] {
	return strings.SplitSeq(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
}
