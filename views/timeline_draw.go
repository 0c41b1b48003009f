package views

import (
	"encoding/json"
	"fmt"
	"strings"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
	"episteme/views/text"
)

// Sizes from which the timeline has room for more.
const (
	wideCols   = 100 // bars, lens, full sentences
	oneRowCols = 72  // below this a query takes two rows
	tallRows   = 30  // three rows of strip, the findings' sentences
	midRows    = 17  // a strip of two rows and a rule
)

// layout says which rows of the view belong to what.
type layout struct {
	strip  int // density and marks
	filter int
	header int // heads of columns, or what is under way
	list   int // rows of the list, in lines
	each   int // lines of a row
	rule   int
	pane   int // headline and lines of the verdict
}

// layout divides the height. The list and the verdict share what is left; neither ever goes.
func (t *Timeline) layout() layout {
	l := layout{each: 1}
	rows := t.look.Rows
	if t.look.Cols < oneRowCols || t.look.Share && rows >= midRows {
		l.each = 2
	}
	if t.typing || t.typed.Value() != "" {
		l.filter = 1
	}
	switch {
	case rows >= tallRows:
		l.strip, l.header, l.rule, l.pane = 4, 1, 1, 12
	case rows >= midRows:
		l.strip, l.header, l.rule, l.pane = 2, 1, 1, 8
	case rows >= 13:
		l.header, l.pane = 1, 6
	default:
		l.pane = min(4, rows/2)
	}
	if l.each == 2 && rows >= midRows && t.look.Cols < oneRowCols {
		l.pane = 7
	}
	l.list = rows - l.strip - l.filter - l.header - l.rule - l.pane
	for ; l.list < 2*l.each && l.strip+l.rule+l.header > 0; l.list++ {
		switch {
		case l.strip > 0:
			l.strip--
		case l.rule > 0:
			l.rule--
		default:
			l.header--
		}
	}
	if spare := l.list % l.each; spare != 0 {
		l.list -= spare
		l.pane += spare
	}
	return l
}

// fit keeps the cursor in sight in the present size.
func (t *Timeline) fit() {
	l := t.layout()
	t.window.Fit(t.len(), l.list/l.each)
	t.typed.Width = max(t.look.Cols-30, 10)
}

// Height is how many lines show every row.
func (t *Timeline) Height() int {
	l := t.layout()
	return t.look.Rows - l.list + t.len()*l.each
}

// Lines draws the view.
func (t *Timeline) Lines() []text.Line {
	if len(t.rows) == 0 {
		return t.blank()
	}
	l := t.layout()
	out := make([]text.Line, 0, t.look.Rows)
	out = append(out, text.Block(t.strip(l.strip), t.look.Cols, l.strip)...)
	if l.filter > 0 {
		out = append(out, t.filterLine())
	}
	c := t.columns()
	if l.header > 0 {
		out = append(out, t.header(c))
	}
	out = append(out, text.Block(t.list(c, l.each), t.look.Cols, l.list)...)
	if l.rule > 0 {
		out = append(out, rule(t.look.Cols))
	}
	out = append(out, text.Block(t.pane(l.pane), t.look.Cols, l.pane)...)
	return text.Block(out, t.look.Cols, t.look.Rows)
}

// blank is the page while there are no rows: loading, stopped, failed, or nothing there.
func (t *Timeline) blank() []text.Line {
	var p panel
	switch {
	case t.load.err != nil:
		p = failure("The timeline could not be read.", t.load.err)
	case t.load.stopped:
		p = panel{mark: text.Of(text.Text(text.Warn, "!")), title: "Stopped before anything was read.",
			press: []Hint{{In, "read again"}, {Leave, "quit"}}}
	case t.load.spinning():
		p = panel{mark: spinner(t.load.wait.Tick), title: t.load.wait.Doing, body: t.readSoFar()}
		if t.load.wait.Late {
			p.body = append(p.body, t.load.lateWords(t.look.Keymap()))
		}
	case t.load.running || !t.load.known:
		return text.Block(nil, t.look.Cols, t.look.Rows)
	default:
		p = t.nothing()
	}
	return p.lines(t.look.Keymap(), t.look.Cols, t.look.Rows)
}

// readSoFar says what a window that is still being read will hold.
func (t *Timeline) readSoFar() []string {
	if t.head.rng.From == nil {
		return nil
	}
	s := t.head.status
	return []string{fmt.Sprintf("%s queries and %s events are recorded; reading %s … %s.", Count(s.Audits), Count(s.Events),
		t.look.Times.Full(*t.head.rng.From), t.look.Times.Full(*t.head.rng.To))}
}

// nothing is the page of an empty window. Empty is no proof of silence: it says why it may be empty.
func (t *Timeline) nothing() panel {
	p := panel{mark: text.Of(text.Text(text.Dim, "?")), title: "No queries and no events in this window.", press: []Hint{{Help, "help"}, {Leave, "quit"}}}
	if s := t.head.status; s.Newest == nil && s.LastLSN == 0 {
		p.title = "Nothing has been recorded here yet."
		p.body = append(p.body, "episteme ingest FILE reads records in; episteme tui --fixture auth-jwt shows an incident that comes with it.")
	}
	if len(t.trace.Empty) > 0 {
		p.body = append(p.body, "It may be empty because: "+strings.Join(t.trace.Empty, "; ")+".")
	}
	if t.events.err != nil {
		p.body = append(p.body, "The events could not be read: "+t.events.err.Error())
	}
	p.body = append(p.body, t.head.status.News...)
	return p
}

// filterLine is the filter as it is typed, and how much it leaves.
func (t *Timeline) filterLine() text.Line {
	left := text.Of(text.Space(1), text.Text(text.Key, "/"))
	value := []rune(t.typed.Value())
	if !t.typing {
		left = append(left, text.Text(text.Strong, string(value)))
	} else {
		at := min(t.typed.Position(), len(value))
		left = append(left, text.Text(text.Strong, string(value[:at])))
		under, behind := " ", ""
		if at < len(value) {
			under, behind = string(value[at]), string(value[at+1:])
		}
		left = append(left, text.Text(text.Reverse, under), text.Text(text.Strong, behind))
		if len(value) == 0 {
			left = append(left, text.Text(text.Dim, " words   field:glob   !not   tab completes   ctrl+p before      "+strings.Join(filterFields, " ")))
		}
	}
	right := text.Text(text.Plain, fmt.Sprintf("%s of %s shown", Count(t.len()), Count(len(t.rows))))
	switch {
	case t.filter.problem != "":
		right = text.Text(text.Warn, "! "+t.filter.problem)
	case t.cursor != "":
		right = text.Text(text.Warn, fmt.Sprintf("%s of %s read so far", Count(t.len()), Count(len(t.rows))))
	}
	return text.Ends(left, text.Of(right, text.Space(1)), t.look.Cols)
}

// columns are the widths of a row's columns; 0: left out.
type columns struct {
	gap, time, agent, asked, told, bar, conf, lens, look int
	days                                                 bool
}

// columns divides the width. What goes first when it is tight: bars, lens, confidence; then each of the rest is cut.
func (t *Timeline) columns() columns {
	times := t.look.Times
	first, last := t.rows[0].time(), t.rows[len(t.rows)-1].time()
	c := columns{gap: 2, days: times.Mode != Relative && times.Mode != Aged && times.Day(first) != times.Day(last)}
	c.time = times.ColumnCells(c.days)
	room := t.look.Cols - 4
	switch {
	case t.look.Cols >= oneRowCols && t.look.Share: // few columns, which can be read from afar
		c.agent, c.told, c.look = min(room/6, 18), min(room/6, 20), 17
		c.asked = room - c.time - c.agent - c.told - c.look - 4*c.gap
	case t.look.Cols >= wideCols:
		c.agent, c.told, c.bar, c.conf, c.lens, c.look = 16, 12, 5, 3, 9, 17
		if t.look.Cols >= 140 {
			c.agent, c.told, c.look = 20, 20, 22
		}
		c.asked = room - c.time - c.agent - c.told - c.bar - 1 - c.conf - c.lens - c.look - 6*c.gap
	case t.look.Cols >= oneRowCols:
		c.gap, c.agent, c.told, c.look = 1, 10, 10, 15
		if c.days {
			c.agent = 9
		}
		c.asked = room - c.time - c.agent - c.told - c.look - 4*c.gap
	default:
		c.agent, c.look = max(room/3, 8), max(room/3, 8)
	}
	c.asked = max(c.asked, 0)
	return c
}

// header names the columns, or says what is being read beside what is shown.
func (t *Timeline) header(c columns) text.Line {
	for _, p := range []*progress{&t.load, &t.older} {
		busy := p.line(t.look.Keymap())
		if busy == nil {
			continue
		}
		if !p.running && p == &t.older {
			busy = append(busy, text.Text(text.Plain, ": older queries are missing; "), text.Text(text.Key, t.look.Keymap().Shown(Top)), text.Text(text.Plain, " reads on"))
		}
		return append(text.Line{text.Space(3)}, busy...).Cut(t.look.Cols)
	}
	head := func(s string) text.Line { return text.Of(text.Text(text.Dim, s)) }
	if t.look.Cols < oneRowCols {
		return append(text.Line{text.Space(3)}, head(t.look.Times.Name()+"   ASKED → TOLD")...)
	}
	return append(text.Line{text.Space(3)}, c.row(rowCells{
		time: head(t.look.Times.Name()), agent: head("AGENT"), asked: head("ASKED"), told: head("TOLD"),
		conf: head("CONF"), lens: head("LENS"), look: head("LOOK AT"),
	})...)
}

// rowCells is what stands in the columns of a row.
type rowCells struct{ time, agent, asked, told, conf, lens, look text.Line }

func (c columns) row(r rowCells) text.Line {
	confCells := c.conf
	if c.bar > 0 {
		confCells += c.bar + 1
	}
	return text.Row(c.gap,
		text.Col{Cells: c.time, Line: r.time}, text.Col{Cells: c.agent, Line: r.agent},
		text.Col{Cells: c.asked, Line: r.asked}, text.Col{Cells: c.told, Line: r.told},
		text.Col{Cells: confCells, Line: r.conf}, text.Col{Cells: c.lens, Line: r.lens},
		text.Col{Cells: c.look, Line: r.look})
}

// list draws the rows in sight.
func (t *Timeline) list(c columns, each int) []text.Line {
	var out []text.Line
	if t.len() == 0 {
		return []text.Line{nil, text.Of(text.Space(3), text.Text(text.Plain, "Nothing matches. "),
			text.Text(text.Key, t.look.Keymap().Shown(Out)), text.Text(text.Plain, " clears the filter."))}
	}
	for i := t.window.First; i < t.window.End(); i++ {
		e := t.row(i)
		selected := i == t.window.Cursor
		if each == 2 && t.look.Cols < oneRowCols {
			out = append(out, t.twoRows(c, e, selected)...)
			continue
		}
		out = append(out, append(t.gutter(e, selected), t.oneRow(c, e)...))
		if each == 2 { // a line of air for those who look from afar
			out = append(out, nil)
		}
	}
	return out
}

// gutter is the cursor, the mark, and the sign of what the case keeps, in front of a row.
func (t *Timeline) gutter(e entry, selected bool) text.Line {
	cursor := text.Space(1)
	if selected {
		cursor = text.Text(text.Title, "▶")
	}
	mark := text.Space(1)
	if e.event != nil {
		mark = text.Text(markTone(e.event.Type), e.event.Type.Mark())
	}
	kept := text.Space(1)
	if _, ok := t.look.Kept[e.id()]; ok {
		kept = text.Text(text.Key, "*")
	}
	return text.Of(cursor, mark, kept)
}

func (t *Timeline) oneRow(c columns, e entry) text.Line {
	at := text.Of(text.Text(text.Plain, t.look.Times.Column(e.time(), c.days)))
	if e.event != nil {
		w := e.event
		head := text.Row(c.gap, text.Col{Cells: c.time, Line: at}, text.Col{Cells: c.agent, Line: text.Of(text.Text(text.Plain, w.Agent))})
		return append(append(head, text.Space(c.gap)), eventTitle(w)...).Cut(t.look.Cols - 4)
	}
	a := e.audit
	var sure text.Line
	if a.Result.Value.Type != record.NoValue {
		sure = append(append(text.Bar(a.Result.Confidence, c.bar), text.Space(min(c.bar, 1))), text.Text(text.Plain, ask.Decimal(a.Result.Confidence)))
	}
	return c.row(rowCells{
		time: at, agent: text.Of(text.Text(text.Plain, a.Agent)), asked: asked(a), told: told(a), conf: sure,
		lens: text.Of(text.Text(text.Dim, a.Lens)), look: lookAt(a, c.look),
	})
}

// twoRows is a row where there is no room for columns.
func (t *Timeline) twoRows(c columns, e entry, selected bool) []text.Line {
	first := append(t.gutter(e, selected), text.Text(text.Plain, t.look.Times.Column(e.time(), c.days)), text.Space(2))
	if e.event != nil {
		return []text.Line{append(first, text.Text(text.Plain, e.event.Agent)), append(text.Line{text.Space(3)}, eventTitle(e.event)...)}
	}
	first = append(first, text.Text(text.Plain, e.audit.Agent))
	value := told(e.audit).Cut(t.look.Cols / 3)
	what := asked(e.audit).Cut(t.look.Cols - 3 - 3 - value.Width() - 1)
	second := append(append(text.Line{text.Space(3)}, what...), text.Text(text.Dim, " → "))
	return []text.Line{text.Ends(first, append(lookAt(e.audit, c.look), text.Space(1)), t.look.Cols), append(second, value...)}
}

// eventTitle is an event's type and title. Notes and decisions are somebody's words: they stay behind what happened.
func eventTitle(w *ask.Event) text.Line {
	tone := text.Plain
	if w.Type == record.Note {
		tone = text.Dim
	}
	return text.Of(text.Text(markTone(w.Type), w.Type.String()), text.Space(1), text.Text(tone, w.Title))
}

// isObject reports whether a question is a tool call's arguments, which were imported as they were, and no words.
func isObject(question string) bool {
	s := strings.TrimSpace(question)
	return strings.HasPrefix(s, "{") && json.Valid([]byte(s))
}

// asked is the asker's own words where they are known, else subject and predicate.
func asked(a *ask.Audit) text.Line {
	if a.Question != nil && *a.Question != "" && !isObject(*a.Question) {
		return text.Of(text.Text(text.Plain, "“"+*a.Question+"”"))
	}
	return text.Of(text.Text(text.Plain, a.Subject), text.Text(text.Dim, " · "), text.Text(text.Plain, a.Predicate))
}

func told(a *ask.Audit) text.Line {
	if a.Withheld {
		return text.Of(text.Text(text.Dim, "withheld"))
	}
	if a.Result.Value.Type == record.NoValue {
		return text.Of(text.Text(text.Dim, "no answer"))
	}
	return text.Of(text.Text(text.Strong, a.Result.Value.String()))
}

// lookAt is the most severe finding, and how many more there are.
func lookAt(a *ask.Audit, cells int) text.Line {
	if len(a.Findings) == 0 {
		return nil
	}
	code := a.Findings[0].Code
	sign, tone := severity(code)
	l := text.Of(text.Text(tone, sign+" "+code.Word()))
	if more := len(a.Findings) - 1; more > 0 {
		if rest := text.Text(text.Dim, fmt.Sprintf(" +%d", more)); l.Width()+rest.Width() <= cells {
			l = append(l, rest)
		}
	}
	return l
}
