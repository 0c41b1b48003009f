package views

import (
	"context"
	"fmt"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
	"episteme/views/text"
)

// Contributions is the drill-down of one query: everything that was weighed, what lost, what was not let in and why,
// and the life of the selected assertion.
type Contributions struct {
	look    Look // of the drill-down itself: narrower than the screen where the pane stands beside it
	side    sidePane
	verdict ask.Verdict
	full    progress // of the verdict, when it was opened with what a list remembered
	list    sections
	value   int // cells of the widest value
}

// NewContributions is the drill-down of v. When v is not complete yet, the rest is asked for.
func NewContributions(v ask.Verdict) *Contributions { return &Contributions{verdict: v} }

// Crumb is the view's name.
func (c *Contributions) Crumb() string { return "contributions" }

// Query is what it is about.
func (c *Contributions) Query() record.ID { return c.verdict.Audit.ID }

// SetLook says how large the view is.
func (c *Contributions) SetLook(l Look) {
	c.look = c.side.divide(l)
	c.fit()
}

func (c *Contributions) fit() {
	c.value = 5
	for _, g := range c.groups() {
		for _, w := range g {
			c.value = max(c.value, text.Text(text.Plain, w.Value.String()).Width())
		}
	}
	c.list.tight = c.look.Rows < tallRows
	c.list.list = c.sections()
	_, _, list, _ := c.layout()
	c.list.fit(c.sections(), list)
}

// layout divides the height: what was told above, the list, a rule and the selected assertion below.
func (c *Contributions) layout() (top []text.Line, rule, list, detail int) {
	rows := c.look.Rows
	top = c.top()
	left := rows - len(top)
	switch {
	case rows >= midRows:
		rule, detail = 1, left/2
	case rows >= 10:
		detail = left / 3
	}
	// A short list leaves its room to the detail, and keeps a blank line before the rule where there is room.
	need := c.list.height()
	if rows >= tallRows {
		need++
	}
	if spare := left - rule - detail - need; spare > 0 && detail > 0 {
		detail += spare
	}
	return top, rule, left - rule - detail, detail
}

// top is what stands above the list: the question, what was told, by which lens, and the findings.
func (c *Contributions) top() []text.Line {
	lines := []text.Line{verdictHead(c.verdict, c.look)}
	p := paneOf(nil, c.verdict, c.look)
	all := c.verdict.Lines()
	lines = append(lines, p.line(all[0])) // TOLD
	lines = append(lines, p.lens(all)...)
	if c.look.Rows < 13 {
		return lines[:2]
	}
	if c.look.Rows < tallRows {
		return append(lines, c.findings(p)...)
	}
	for _, l := range all { // findings say to see it
		if l.Label == "NOW" {
			lines = append(lines, p.line(l))
		}
	}
	return append(append(lines, c.findings(p)...), nil)
}

// findings are the findings with their sentences where there is room, else by name on one line.
func (c *Contributions) findings(p pane) []text.Line {
	list := c.verdict.Audit.Findings
	if len(list) == 0 {
		return nil
	}
	label := append(text.Of(text.Space(p.indent)), text.Of(text.Text(text.Dim, "LOOK AT")).Fit(p.label)...)
	if c.look.Rows < tallRows {
		return []text.Line{append(label, findingNames(list)...)}
	}
	var lines []text.Line
	for i, f := range list {
		if i > 0 {
			label = text.Of(text.Space(p.indent + p.label))
		}
		lines = append(lines, append(label, findingLine(f, "", c.look.Keymap())...))
	}
	return lines
}

// groups are the assertions by what became of them.
func (c *Contributions) groups() [3][]ask.Weighed {
	return [3][]ask.Weighed{c.verdict.Because, c.verdict.Against, c.verdict.NotAdmitted}
}

func (c *Contributions) sections() []section {
	titles := [3][2]string{
		{"BECAUSE", "what contributed, by weight"},
		{"AGAINST", "what was weighed and lost"},
		{"NOT ADMITTED", "what was not weighed, and why"},
	}
	none := [3]string{"nothing: no assertion contributed", "nothing competed", "nothing was kept out"}
	var out []section
	for i, g := range c.groups() {
		note := text.Of(text.Text(text.Dim, titles[i][1]))
		if len(g) == 0 {
			note = text.Of(text.Text(text.Dim, none[i]))
			if i > 0 && c.verdict.Recomputed != ask.Same {
				note = c.unknown()
			}
		}
		out = append(out, section{append(text.Of(text.Space(1), text.Text(text.Title, titles[i][0]), text.Space(2)), note...), len(g)})
	}
	return out
}

// unknown says why the losing side is not known.
func (c *Contributions) unknown() text.Line {
	if c.full.err != nil {
		return text.Of(text.Text(text.Bad, "✗ not known: "+headline(c.full.err)))
	}
	if busy := c.full.line(c.look.Keymap()); busy != nil {
		return busy
	}
	switch c.verdict.Recomputed {
	case ask.NotPossible:
		return text.Of(text.Text(text.Dim, "not known: as told, cannot be recomputed here"))
	case ask.Differs:
		return text.Of(text.Text(text.Bad, "✗ not known: recomputing gave another answer"))
	}
	return text.Of(text.Text(text.Dim, "…"))
}

// Handle takes a message.
func (c *Contributions) Handle(m Msg) ([]Do, bool) {
	if c.full.handle(m) {
		if a, ok := m.(Answer); ok && a.Err == nil {
			c.verdict = a.Value.(ask.Verdict)
		}
		c.fit()
		if _, came := m.(Answer); came {
			return c.moved(), true
		}
		return nil, true
	}
	if do, used := c.side.handle(m, c.beside()); used {
		return do, true
	}
	switch m := m.(type) {
	case Shown:
		if m.First && c.verdict.Recomputed == "" {
			return append([]Do{c.ask()}, c.moved()...), true
		}
		return c.moved(), true
	case Press:
		return c.press(m)
	}
	return nil, false
}

func (c *Contributions) ask() Do {
	id := c.verdict.Audit.ID
	return c.full.ask(Ask{Slot: verdictSlot, Doing: "weighing again", Budget: AsOfBudget,
		Run: func(ctx context.Context, in ask.Investigator, _ func(any) bool) (any, error) {
			return in.Verdict(ctx, id)
		}})
}

func (c *Contributions) press(p Press) ([]Do, bool) {
	if c.list.move(p) {
		return c.moved(), true
	}
	switch p.Action {
	case In:
		if w, ok := c.at(); ok {
			return []Do{Open{NewProvenance(w.Assertion)}}, true
		}
		if c.full.failed() {
			return []Do{c.ask()}, true
		}
	case Again:
		if c.full.failed() {
			return []Do{c.ask()}, true
		}
		if do := c.side.again(c.beside()); do != nil {
			return do, true
		}
		return nothingFailed(), true
	case Behind:
		return []Do{Open{NewProvenance(c.verdict.Audit.ID)}}, true
	}
	return nil, false
}

// moved asks for the chain behind the selected assertion once the cursor rests, where there is room to show it.
func (c *Contributions) moved() []Do { return c.side.moved() }

// beside is the record whose chain stands beside the list; zero for none.
func (c *Contributions) beside() record.ID {
	if w, ok := c.at(); ok {
		return w.Assertion
	}
	return record.ID{}
}

func (c *Contributions) at() (ask.Weighed, bool) {
	sec, row, ok := c.list.selected()
	if !ok {
		return ask.Weighed{}, false
	}
	return c.groups()[sec][row], true
}

// Lines draws the view.
func (c *Contributions) Lines() []text.Line {
	if !c.known() {
		return c.blank()
	}
	top, ruled, list, detail := c.layout()
	out := append(make([]text.Line, 0, c.look.Rows), top...)
	out = append(out, text.Block(c.list.draw(c.row), c.look.Cols, list)...)
	if ruled > 0 {
		out = append(out, rule(c.look.Cols))
	}
	if w, ok := c.at(); ok && detail > 0 {
		out = append(out, c.detail(w, detail)...)
	}
	return c.side.beside(text.Block(out, c.look.Cols, c.look.Rows), c.look, c.beside())
}

// known reports whether anything is known of the query but its id.
func (c *Contributions) known() bool { return c.verdict.Audit.Agent != "" }

// blank is the page while nothing is known.
func (c *Contributions) blank() []text.Line {
	var p panel
	switch {
	case c.full.err != nil:
		p = failure("The query could not be read.", c.full.err)
	case c.full.stopped:
		p = panel{mark: text.Of(text.Text(text.Warn, "!")), title: "Stopped before it was read.", press: []Hint{{In, "read again"}, {Leave, "back"}}}
	case c.full.spinning():
		p = panel{mark: spinner(c.full.wait.Tick), title: c.full.wait.Doing, body: []string{c.verdict.Audit.ID.Short()}}
		if c.full.wait.Late {
			p.body = append(p.body, c.full.lateWords(c.look.Keymap()))
		}
	}
	return p.lines(c.look.Keymap(), c.look.Cols+c.side.cols, c.look.Rows)
}

// row is one assertion: value, weight, its stage then and now, id, source; or why it was kept out.
func (c *Contributions) row(sec, row int, selected bool) text.Line {
	w := c.groups()[sec][row]
	room := c.look.Cols - 4
	value, bar, stage, id, gap := min(c.value, 20), 9, 28, 10, 2
	switch {
	case c.look.Cols < oneRowCols: // the stages stay, the id and the source go
		value, bar, stage, gap = min(c.value, 10), 0, 25, 1
		if room < value+3+stage+id+3*gap {
			id = 0
		}
	case c.look.Cols < wideCols:
		value, bar, stage = min(c.value, 12), 0, 25
	case c.look.Cols >= 140:
		value = min(c.value, 40)
	}
	claims := text.Of(text.Text(text.Plain, w.Value.String()))
	switch {
	case !w.Held:
		claims = text.Of(text.Text(text.Bad, "✗ not held"))
	case sec == 0:
		claims = claims.In(text.Strong)
	}
	weight := text.Of(text.Text(text.Plain, ask.Decimal(w.Weight)))
	strength := text.Bar(w.Weight, bar)
	last := text.Of(text.Text(text.Plain, w.Source.Name))
	if w.Agent != "" && c.look.Cols >= wideCols {
		last = append(last, text.Text(text.Dim, "  by "+w.Agent))
	}
	if w.Why != "" { // it was never weighed
		weight, strength = nil, nil
		last = text.Of(text.Text(text.Warn, "! "+w.Why))
	}
	rest := max(room-value-bar-3-stage-id-gap*5+gap*(1-min(bar, 1)), 0)
	l := text.Row(gap,
		text.Col{Cells: value, Line: claims},
		text.Col{Cells: bar, Line: strength},
		text.Col{Cells: 3, Line: weight, Right: true},
		text.Col{Cells: stage, Line: thenNow(w)},
		text.Col{Cells: id, Line: text.Of(shortID(w.Assertion))},
		text.Col{Cells: rest, Line: last})
	return append(text.Of(cursorCell(selected)), l...)
}

// thenNow is an assertion's stage when it was weighed, and now where that is another.
func thenNow(w ask.Weighed) text.Line {
	if w.Lifecycle == 0 {
		return text.Of(text.Text(text.Dim, "? stage not known"))
	}
	sign, tone := stageTone(w.Lifecycle)
	l := text.Of(text.Text(tone, sign+" "+w.Lifecycle.String()))
	if w.LifecycleNow != 0 && w.LifecycleNow != w.Lifecycle {
		sign, tone = stageTone(w.LifecycleNow)
		l = append(l, text.Text(text.Dim, " → "), text.Text(tone, sign+" "+w.LifecycleNow.String()))
	}
	return l
}

// Height is how many lines show every assertion and the life of the selected one.
func (c *Contributions) Height() int {
	list := c.list.height() + 2
	return len(c.top()) + list + max(list, 40) // the detail has as much as the list at least
}

// Status says how complete the drill-down is, and what the question could see.
func (c *Contributions) Status() text.Line {
	v := c.verdict
	if !c.known() {
		return nil
	}
	parts := []text.Span{
		text.Text(text.Plain, fmt.Sprintf("%d contributed", len(v.Because))),
		text.Text(text.Plain, Count(v.Audit.Considered)+" considered"),
	}
	if r := reproduction(v.Recomputed); r.Width() > 0 {
		parts = append(parts, r)
	}
	if v.Audit.Pin != nil {
		parts = append(parts, text.Text(text.Plain, "saw records 1–"+Count(uint64(*v.Audit.Pin))))
	}
	return dotted(append(parts, text.Text(text.Plain, "as it was at "+c.look.Times.Full(v.Audit.AsOf))), c.look.Cols+c.side.cols)
}

// Hints are the keys that do something here.
func (c *Contributions) Hints() []Hint {
	return againOr(c.full.failed() || c.side.failed(c.beside()), []Hint{{In, "what it rests on"}, {Behind, ""}, {Ahead, ""}, {Otherwise, ""}, {Compare, ""}, {Yank, ""}, {Clock, ""}, {Help, ""}, {Leave, ""}})
}

// Selected is the assertion under the cursor; without one it is the query.
func (c *Contributions) Selected() Target {
	if w, ok := c.at(); ok {
		return Target{w.Assertion, w.Value.String() + " in " + w.Source.Name}
	}
	return Target{c.verdict.Audit.ID, "query of " + c.verdict.Audit.Agent}
}
