package views

import (
	"fmt"

	"episteme/engine/record"
	"episteme/views/text"
)

// CaseRow is a line of a case.
type CaseRow struct {
	At   record.Time
	By   string
	What string // bookmark, note, t0, view
	ID   record.ID
	Text string
}

// CaseView lists what a case keeps, in the order in which it was written.
type CaseView struct {
	look    Look
	name    string
	rows    []CaseRow
	skipped int
	window  Window
}

// NewCaseView is the list of a case.
func NewCaseView(name string, rows []CaseRow, skipped int) *CaseView {
	return &CaseView{name: name, rows: rows, skipped: skipped}
}

// Crumb is the view's name.
func (c *CaseView) Crumb() string { return "case" }

// SetLook says how large the view is.
func (c *CaseView) SetLook(l Look) {
	c.look = l
	c.window.Fit(len(c.rows), l.Rows-2)
}

// Handle takes a message.
func (c *CaseView) Handle(m Msg) ([]Do, bool) {
	p, ok := m.(Press)
	if !ok {
		return nil, false
	}
	if c.window.Move(p) {
		return nil, true
	}
	if p.Action == In || p.Action == Behind {
		switch id := c.Selected().ID; {
		case id.IsZero():
			return []Do{Say{Text: "This line is about no record."}}, true
		case p.Action == In:
			return []Do{Visit{id}}, true
		default:
			return []Do{Open{NewProvenance(id)}}, true
		}
	}
	return nil, false
}

// Lines draws the view.
func (c *CaseView) Lines() []text.Line {
	out := []text.Line{text.Of(text.Space(1), text.Text(text.Title, "CASE "+c.name)), nil}
	if len(c.rows) == 0 {
		out = append(out, text.Of(text.Space(3), text.Text(text.Plain, "Nothing is kept yet: m keeps what the cursor stands on, :note TEXT a thought.")))
	}
	day := c.look.Times.Day(c.look.Now)
	for i := c.window.First; i < c.window.End() && i < len(c.rows); i++ {
		r := c.rows[i]
		id := text.Of(text.Space(10))
		if !r.ID.IsZero() {
			id = text.Of(shortID(r.ID))
		}
		l := text.Row(2,
			text.Col{Cells: min(20, c.look.Cols/4), Line: text.Of(text.Text(text.Dim, c.look.Times.OnDay(r.At, day)))},
			text.Col{Cells: min(12, c.look.Cols/6), Line: text.Of(text.Text(text.Strong, r.By))},
			text.Col{Cells: 8, Line: text.Of(text.Text(text.Plain, r.What))},
			text.Col{Cells: 10, Line: id})
		l = append(append(text.Of(cursorCell(i == c.window.Cursor)), l...), text.Space(2), text.Text(text.Plain, r.Text))
		out = append(out, l.Cut(c.look.Cols-1))
	}
	return text.Block(out, c.look.Cols, c.look.Rows)
}

// Height is how many lines show all of it.
func (c *CaseView) Height() int { return len(c.rows) + 2 }

// Status says how complete it is.
func (c *CaseView) Status() text.Line {
	parts := []text.Span{text.Text(text.Plain, fmt.Sprintf("%d lines", len(c.rows)))}
	if c.skipped > 0 {
		parts = append(parts, text.Text(text.Warn, fmt.Sprintf("! %d more could not be read and are still in the file", c.skipped)))
	}
	return dotted(append(parts, text.Text(text.Dim, "as it was read when it was opened; notes are no evidence")), c.look.Cols)
}

// Hints are the keys that do something here.
func (c *CaseView) Hints() []Hint {
	return []Hint{{In, "open it"}, {Behind, ""}, {Yank, ""}, {Clock, ""}, {Help, ""}, {Leave, ""}}
}

// Selected is the record of the line under the cursor.
func (c *CaseView) Selected() Target {
	if c.window.Cursor >= len(c.rows) || c.rows[c.window.Cursor].ID.IsZero() {
		return Target{}
	}
	r := c.rows[c.window.Cursor]
	return Target{r.ID, r.Text}
}
