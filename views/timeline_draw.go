package views

import (
	"encoding/json"
	"fmt"
	"slices"
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
			press: []string{"↵", "read again", "q", "quit"}}
	case t.load.spinning():
		p = panel{mark: spinner(t.load.wait.Tick), title: t.load.wait.Doing, body: t.readSoFar()}
		if t.load.wait.Late {
			p.body = append(p.body, "This takes longer than usual: "+Ago(t.load.wait.For)+" so far. esc stops it.")
		}
	case t.load.running || !t.load.known:
		return text.Block(nil, t.look.Cols, t.look.Rows)
	default:
		p = t.nothing()
	}
	return p.lines(t.look.Cols, t.look.Rows)
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
	p := panel{mark: text.Of(text.Text(text.Dim, "?")), title: "No queries and no events in this window.", press: []string{"?", "help", "q", "quit"}}
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
		busy := p.line()
		if busy == nil {
			continue
		}
		if !p.running && p == &t.older {
			busy = append(busy, text.Text(text.Plain, ": older queries are missing; "), text.Text(text.Key, "g"), text.Text(text.Plain, " reads on"))
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
			text.Text(text.Key, "esc"), text.Text(text.Plain, " clears the filter."))}
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

// pane is what is known of the selected row, in at most rows lines.
func (t *Timeline) pane(rows int) []text.Line {
	e := t.at(t.window.Cursor)
	kept := keptLines(t.look.Kept[e.id()], t.look, min(rows/3, 3))
	rows -= len(kept)
	switch {
	case t.moving && !e.id().IsZero():
		return t.passing(e)
	case e.event != nil:
		return append(kept, t.eventPane(e.event, rows)...)
	case e.audit == nil:
		return nil
	}
	v, full := t.verdicts[e.audit.ID]
	if !full {
		v = remembered(*e.audit)
	}
	lines := append([]text.Line{verdictHead(v, t.look)}, verdictPane(v, t.look, rows-1)...)
	if !full && len(lines) < rows {
		lines = append(lines, t.weighing())
	}
	if t.look.Rows >= tallRows && full && len(v.Audit.Findings) > 0 {
		lines = append(lines, nil)
		lines = append(lines, findingLines(v.Audit.Findings, rows-len(lines))...)
	}
	return append(kept, lines[:min(len(lines), rows)]...)
}

// keptLines are the newest notes of the case on a record, in at most rows lines.
func keptLines(list []Kept, look Look, rows int) []text.Line {
	var out []text.Line
	for _, k := range list[max(len(list)-max(rows, 0), 0):] {
		note := k.Note
		if note == "" {
			note = "kept in the case"
		}
		out = append(out, text.Of(text.Space(1), text.Text(text.Key, "*"), text.Space(1), text.Text(text.Strong, k.By), text.Text(text.Plain, ": "+note)).Cut(look.Cols-1))
	}
	return out
}

// passing is what is said of a row while the cursor runs over it: which it is. What was told stands in the row, the rest
// is drawn where the cursor comes to rest; a key that repeats would send a pane for each row it passes.
func (t *Timeline) passing(e entry) []text.Line {
	if e.event != nil {
		return []text.Line{eventHead(e.event, t.look)}
	}
	v, full := t.verdicts[e.audit.ID]
	if !full {
		v = remembered(*e.audit)
	}
	return []text.Line{verdictHead(v, t.look)}
}

// weighing stands below a verdict from memory while, or because, the rest is not known.
func (t *Timeline) weighing() text.Line {
	if t.detail.err != nil {
		return text.Of(text.Space(3), text.Text(text.Bad, "✗ what competed, and what holds now, could not be read: "+headline(t.detail.err)))
	}
	if busy := t.detail.line(); busy != nil {
		return append(text.Line{text.Space(3)}, busy...)
	}
	return text.Of(text.Space(3), text.Text(text.Dim, "what competed, and what holds now: …"))
}

// findingLines are findings with their sentences, in at most rows lines: the last one names those there is no room for.
func findingLines(list []ask.Finding, rows int) []text.Line {
	var out []text.Line
	for i, f := range list {
		if len(out) == rows-1 && i < len(list)-1 {
			return append(out, append(text.Of(text.Space(3)), findingNames(list[i:])...))
		}
		out = append(out, findingLine(f, "   "))
	}
	return out
}

// findingNames are findings by name, on one line.
func findingNames(list []ask.Finding) text.Line {
	var out text.Line
	for i, f := range list {
		if i > 0 {
			out = append(out, text.Text(text.Dim, " · "))
		}
		sign, tone := severity(f.Code)
		out = append(out, text.Text(tone, sign+" "+f.Code.Word()))
	}
	return out
}

// findingLine is a finding with its sentence.
func findingLine(f ask.Finding, indent string) text.Line {
	sign, tone := severity(f.Code)
	return text.Of(text.Text(tone, indent+sign+" "+f.Code.Word()), text.Space(2), text.Text(text.Plain, DropDeadKeys(f.Code.Sentence())))
}

// Status says how complete the list is, what failed first.
func (t *Timeline) Status() text.Line {
	if !t.load.known || t.head.rng.From == nil || len(t.rows) == 0 {
		return nil
	}
	parts := []text.Span{
		text.Text(text.Plain, fmt.Sprintf("%s of %s queries", Count(len(t.audits)), Count(t.trace.Total))),
	}
	if c := t.completeness(); c.Width() > 0 {
		parts = append(parts, c)
	}
	if t.events.err != nil {
		parts = append(parts, text.Text(text.Bad, "✗ events could not be read: "+headline(t.events.err)))
	}
	if t.load.err != nil {
		parts = append(parts, text.Text(text.Bad, "✗ not read again: "+headline(t.load.err)))
	}
	if n := t.head.later; n > 0 {
		parts = append(parts, text.Text(text.Warn, laterWords(n)))
	}
	if t.unseen > 0 {
		parts = append(parts, text.Text(text.Warn, "! "+Count(t.unseen)+" new: G"))
	}
	parts = append(parts, text.Text(text.Plain, t.windowWords()))
	for _, h := range t.trace.Heard {
		parts = append(parts, text.Text(text.Dim, h.Agent+" last heard "+t.look.Times.OnDay(h.At, t.look.Times.Day(*t.head.rng.To))))
		break
	}
	return dotted(parts, t.look.Cols)
}

func laterWords(n uint64) string {
	if n == 1 {
		return "! 1 record claims to be later than now"
	}
	return "! " + Count(n) + " records claim to be later than now"
}

// completeness is one phrase for how much of the truth this is; none where a failure already says that it is less.
func (t *Timeline) completeness() text.Span {
	switch {
	case t.trace.Behind > 0:
		return text.Text(text.Warn, fmt.Sprintf("! %s records not applied yet", Count(t.trace.Behind)))
	case t.cursor != "" && len(t.audits) >= rowsMax:
		return text.Text(text.Warn, fmt.Sprintf("! the newest %s only", Count(rowsMax)))
	case t.cursor != "":
		return text.Text(text.Warn, "! older ones not read yet: g reads them")
	case !t.trace.AllReceivedShown:
		return text.Text(text.Warn, "! not all that was received is shown")
	case t.events.err != nil || t.load.err != nil:
		return text.Span{}
	case t.hasBefore():
		return text.Text(text.Plain, "all of this window · older: g")
	}
	return text.Text(text.OK, "all received shown")
}

// dotted puts parts side by side: what is wrong first, then what deserves a look, then the rest. What is wrong or
// deserves a look is cut where it does not fit, each to its share, and never left out; of the rest is left out what
// does not fit in full.
func dotted(parts []text.Span, cols int) text.Line {
	parts = slices.Clone(parts)
	slices.SortStableFunc(parts, func(a, b text.Span) int { return urgency(a) - urgency(b) })
	urgent := 0
	for urgent < len(parts) && urgency(parts[urgent]) < calm {
		urgent++
	}
	sep := text.Text(text.Dim, " · ")
	widest := widestPart(parts[:urgent], cols-1-max(urgent-1, 0)*sep.Width())
	var l text.Line
	for i, p := range parts {
		if i >= urgent && i > 0 && 1+l.Width()+sep.Width()+p.Width() >= cols {
			continue
		}
		if len(l) > 0 {
			l = append(l, sep)
		}
		if i < urgent {
			l = append(l, text.Of(p).Cut(widest)...)
		} else {
			l = append(l, p)
		}
	}
	return append(text.Of(text.Space(1)), l...).Cut(cols)
}

// calm is the urgency of what is neither wrong nor deserves a look.
const calm = 2

func urgency(s text.Span) int {
	switch s.Tone() {
	case text.Bad:
		return 0
	case text.Warn:
		return 1
	}
	return calm
}

// widestPart is how many cells each part may take, so that together they fit in room: what the short ones leave
// goes to the long ones.
func widestPart(parts []text.Span, room int) int {
	left := len(parts)
	widths := make([]int, left)
	for i, p := range parts {
		widths[i] = p.Width()
	}
	slices.Sort(widths)
	for _, w := range widths {
		if w*left > room {
			return max(room/left, 1)
		}
		room, left = room-w, left-1
	}
	return slices.Max(append(widths, 0)) // all fit
}

// windowWords is the window: 2024-01-15 20:30Z … 22:32Z.
func (t *Timeline) windowWords() string {
	times, from, to := t.look.Times, *t.head.rng.From, *t.head.rng.To
	end := times.Minute(to)
	if times.Day(from) != times.Day(to) {
		end = times.Day(to) + " " + end
	}
	if t.look.Cols < wideCols {
		return times.Minute(from) + " … " + end
	}
	return times.Day(from) + " " + times.Minute(from) + " … " + end
}
