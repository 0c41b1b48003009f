package views

import (
	"context"
	"slices"
	"strings"
	"time"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
	"episteme/views/text"
)

// Findings lists the queries that deserve a look, worst first: of the window it was opened from, or of all that is
// recorded. What holds now has to be searched for; where the search stopped early it says so, and a key searches on.
type Findings struct {
	look   Look
	window ask.Range // both ends nil: everything
	all    bool      // look at everything, whatever the window
	search time.Duration
	read   progress

	trace *ask.Trace
	of    ask.Range // of trace
	list  sections
	stay  record.ID // where the cursor stood when a clock was moved; zero: it was not
}

const (
	findingsSlot = "findings"
	findingsMax  = 500             // rows: more than anybody goes through by hand; the worst come first
	firstSearch  = 2 * time.Second // a person waits that long without asking whether it still works
	searchMore   = 4               // times as long on each "search on"
)

// NewFindings is the list of a window; the zero Range is everything.
func NewFindings(window ask.Range) *Findings { return &Findings{window: window, search: firstSearch} }

// Crumb is the view's name.
func (f *Findings) Crumb() string { return "findings" }

// SetLook says how large the view is.
func (f *Findings) SetLook(l Look) {
	f.look = l
	f.fit()
}

func (f *Findings) ask() Do {
	filter := ask.AuditFilter{Limit: findingsMax, Search: ask.Bounds{Time: f.search}}
	if !f.all {
		filter.Range = f.window
	}
	return f.read.ask(Ask{Slot: findingsSlot, Doing: "looking for what deserves a look", Budget: f.search + TraceBudget,
		Run: func(ctx context.Context, in ask.Investigator, _ func(any) bool) (any, error) {
			return in.Findings(ctx, filter)
		}})
}

// Handle takes a message.
func (f *Findings) Handle(m Msg) ([]Do, bool) {
	if f.read.handle(m) {
		if a, ok := m.(Answer); ok && a.Err == nil {
			kept := f.Selected().ID
			if !f.stay.IsZero() {
				kept, f.stay = f.stay, record.ID{}
			}
			t := a.Value.(ask.Trace)
			f.trace, f.of = &t, t.Range
			f.fit()
			at := max(slices.IndexFunc(t.Queries, func(a ask.Audit) bool { return a.ID == kept }), 0)
			f.list.cursor.To(at)
		}
		f.fit()
		return nil, true
	}
	switch m := m.(type) {
	case Shown:
		if m.First {
			return []Do{f.ask()}, true
		}
	case Press:
		return f.press(m)
	}
	return nil, false
}

func (f *Findings) press(p Press) ([]Do, bool) {
	if f.list.move(p) {
		return nil, true
	}
	switch p.Action {
	case In:
		if f.trace == nil && f.read.failed() {
			return []Do{f.ask()}, true
		}
		if a := f.at(); a != nil {
			return []Do{Open{NewContributions(remembered(*a))}}, true
		}
		return nil, true
	case Again:
		switch {
		case f.read.failed():
		case f.partial():
			f.search *= searchMore
		default:
			return nothingFailed(), true
		}
		return []Do{f.ask()}, true
	case Suspects:
		if f.window == (ask.Range{}) {
			return []Do{Say{Text: "All that is recorded is listed already.", Tone: text.Plain}}, true
		}
		f.all = !f.all
		return []Do{f.ask()}, true
	case Behind:
		if a := f.at(); a != nil {
			return []Do{Open{NewProvenance(a.ID)}}, true
		}
	}
	return nil, false
}

// partial reports whether the search for what holds now stopped before its end.
func (f *Findings) partial() bool {
	return f.trace != nil && f.trace.Searched != nil && !f.trace.Searched.Complete()
}

func (f *Findings) at() *ask.Audit {
	if f.trace == nil || f.list.cursor.Cursor >= len(f.trace.Queries) {
		return nil
	}
	return &f.trace.Queries[f.list.cursor.Cursor]
}

// Selected is the query under the cursor.
func (f *Findings) Selected() Target {
	if a := f.at(); a != nil {
		return Target{a.ID, a.Result.Value.String() + " told to " + a.Agent}
	}
	return Target{}
}

// layout divides the height: what is listed above, the list, a rule and the findings of the selected query below.
func (f *Findings) layout() (top []text.Line, list, ruled, detail int) {
	top = f.top()
	left := f.look.Rows - len(top)
	if f.look.Rows >= midRows {
		ruled, detail = 1, min(1+f.sentences(), left/3)
	}
	return top, max(left-ruled-detail, 1), ruled, detail
}

// sentences is how many findings a query here may have: the height of the detail must not change with the row.
func (f *Findings) sentences() int {
	most := 1
	for i := range f.trace.Queries {
		most = max(most, len(f.trace.Queries[i].Findings))
	}
	return min(most, 6)
}

func (f *Findings) fit() {
	if f.trace == nil || f.look.Rows == 0 {
		return
	}
	f.list.tight = f.look.Rows < tallRows
	_, list, _, _ := f.layout()
	f.list.fit(f.sections(), list)
}

// sections are the queries by their worst finding, whose sentence stands once above them.
func (f *Findings) sections() []section {
	var out []section
	for i := range f.trace.Queries {
		code := worstOf(&f.trace.Queries[i])
		if i > 0 && code == worstOf(&f.trace.Queries[i-1]) {
			out[len(out)-1].rows++
			continue
		}
		out = append(out, section{f.heading(code, i), 1})
	}
	return out
}

// heading is a finding with its sentence, and how many queries from the i-th on have it as their worst.
func (f *Findings) heading(code ask.Code, i int) text.Line {
	n := 0
	for ; i+n < len(f.trace.Queries) && worstOf(&f.trace.Queries[i+n]) == code; n++ {
	}
	sign, tone := severity(code)
	return text.Of(text.Space(1), text.Text(tone, sign+" "+code.Word()), text.Text(text.Strong, "  "+Count(n)), text.Space(2),
		text.Text(text.Dim, f.look.Keymap().Sentence(code.Sentence()))).Cut(f.look.Cols - 1)
}

// worstOf is the code of a query's most severe finding; empty for none.
func worstOf(a *ask.Audit) ask.Code {
	if len(a.Findings) == 0 {
		return ""
	}
	return a.Findings[0].Code
}

// top says what is listed, and what is under way beside it.
func (f *Findings) top() []text.Line {
	what := text.Of(text.Space(1), text.Text(text.Strong, "what deserves a look, worst first"))
	lines := []text.Line{text.Ends(what, append(text.Of(text.Text(text.Dim, f.rangeWords(f.of))), text.Space(1)), f.look.Cols)}
	if busy := f.read.staleLine(f.look.Keymap(), f.rangeWords(f.of)); f.trace != nil && busy != nil {
		lines = append(lines, append(text.Of(text.Space(3)), busy...).Cut(f.look.Cols))
	}
	if f.look.Rows >= tallRows {
		lines = append(lines, nil)
	}
	return lines
}

// rangeWords is the window in words.
func (f *Findings) rangeWords(r ask.Range) string {
	times := f.look.Times
	if r.From == nil || r.To == nil {
		return "all that is recorded"
	}
	end := times.Minute(*r.To)
	if times.Day(*r.From) != times.Day(*r.To) {
		end = times.Day(*r.To) + " " + end
	}
	return times.Day(*r.From) + " " + times.Minute(*r.From) + " … " + end
}

// Lines draws the view.
func (f *Findings) Lines() []text.Line {
	if f.trace == nil {
		return f.read.blank(f.look.Keymap(), "The findings", "what is known from when it was asked, and what holds now").lines(f.look.Keymap(), f.look.Cols, f.look.Rows)
	}
	if len(f.trace.Queries) == 0 {
		return f.nothing().lines(f.look.Keymap(), f.look.Cols, f.look.Rows)
	}
	top, list, ruled, detail := f.layout()
	out := append(make([]text.Line, 0, f.look.Rows), top...)
	first := f.firsts()
	rows := f.list.draw(func(sec, row int, selected bool) text.Line { return f.row(&f.trace.Queries[first[sec]+row], selected) })
	out = append(out, text.Block(rows, f.look.Cols, list)...)
	if ruled > 0 {
		out = append(out, rule(f.look.Cols))
		out = append(out, text.Block(f.detail(detail), f.look.Cols, detail)...)
	}
	return text.Block(out, f.look.Cols, f.look.Rows)
}

// nothing is the page of an empty list: that nothing was found is no proof that all is right.
func (f *Findings) nothing() panel {
	p := panel{mark: text.Of(text.Text(text.OK, "✓")), title: "No query here raises a finding.",
		body: []string{"That is not to say that every answer was right: findings see what is recorded, and no more."}, press: []Hint{{Leave, "back"}}}
	if f.trace.Total == 0 && len(f.trace.Empty) > 0 {
		p.body = append(p.body, "Searched: "+strings.Join(f.trace.Empty, "; ")+".")
	}
	switch {
	case f.read.failed():
		p.mark, p.title = text.Of(text.Text(text.Warn, "!")), "Nothing was found before it stopped."
	case f.partial():
		p.mark, p.title = text.Of(text.Text(text.Warn, "!")), "Nothing found yet: "+f.trace.Searched.String()+"."
		p.press = append([]Hint{{Again, "search longer"}}, p.press...)
	}
	if f.window != (ask.Range{}) && !f.all {
		p.body = append(p.body, "Listed: "+f.rangeWords(f.of)+".")
		p.press = append([]Hint{{Suspects, "look at all that is recorded"}}, p.press...)
	}
	return p
}

// firsts are the numbers of the first queries of the sections.
func (f *Findings) firsts() []int {
	out, n := make([]int, len(f.list.list)), 0
	for i, sec := range f.list.list {
		out[i] = n
		n += sec.rows
	}
	return out
}

// row is one query: when, who, what, told, and how much else was found about it.
func (f *Findings) row(a *ask.Audit, selected bool) text.Line {
	look, days := f.look, f.days()
	room := look.Cols - 4
	at, agent, value, also, gap := look.Times.ColumnCells(days), 12, 14, 0, 1
	switch {
	case look.Cols >= wideCols:
		agent, value, also, gap = 18, 18, 4, 2
	case look.Cols < oneRowCols:
		agent, value = max(room/5, 8), max(room/5, 8)
	}
	rest := room - at - agent - value - 3*gap
	if also > 0 {
		rest -= also + gap
	}
	var others text.Line
	if len(a.Findings) > 1 {
		others = text.Of(text.Text(text.Dim, "+"+Count(len(a.Findings)-1)))
	}
	return append(text.Of(cursorCell(selected)), text.Row(gap,
		text.Col{Cells: at, Line: text.Of(text.Text(text.Plain, look.Times.Column(a.Timestamp, days)))},
		text.Col{Cells: agent, Line: text.Of(text.Text(text.Plain, a.Agent))},
		text.Col{Cells: max(rest, 0), Line: asked(a)},
		text.Col{Cells: value, Line: told(a)},
		text.Col{Cells: also, Line: others})...)
}

func (f *Findings) days() bool {
	q := f.trace.Queries
	first, last := q[0].Timestamp, q[0].Timestamp
	for i := range q {
		first, last = min(first, q[i].Timestamp), max(last, q[i].Timestamp)
	}
	return f.look.Times.days(first, last)
}

// detail is the selected query's findings, each with the records that say so.
func (f *Findings) detail(rows int) []text.Line {
	a := f.at()
	if a == nil {
		return nil
	}
	lines := []text.Line{verdictHead(ask.Verdict{Audit: *a}, f.look)}
	for i, one := range a.Findings {
		if len(lines) == rows-1 && i < len(a.Findings)-1 {
			return append(lines, append(text.Of(text.Space(3)), findingNames(a.Findings[i:])...))
		}
		lines = append(lines, f.finding(one))
	}
	return lines
}

// citesShown is how many of a finding's records a line names.
const citesShown = 3

// finding is one with its sentence and its cites; where that is too long the sentence is cut and the cites stay.
func (f *Findings) finding(one ask.Finding) text.Line {
	left := findingLine(one, "   ", f.look.Keymap())
	var cites text.Line
	for i, id := range one.Cites {
		if i == citesShown {
			cites = append(cites, text.Text(text.Dim, " +"+Count(len(one.Cites)-i)))
			break
		}
		if i > 0 {
			cites = append(cites, text.Space(1))
		}
		cites = append(cites, shortID(id))
	}
	if len(cites) == 0 || f.look.Cols < oneRowCols {
		return left.Cut(f.look.Cols - 1)
	}
	return text.Ends(left, append(cites, text.Space(1)), f.look.Cols)
}

// Height is how many lines show every row.
func (f *Findings) Height() int {
	if f.trace == nil || len(f.trace.Queries) == 0 {
		return f.look.Rows
	}
	top, _, ruled, detail := f.layout()
	return len(top) + f.list.height() + ruled + detail
}

// Status says how much was searched.
func (f *Findings) Status() text.Line {
	if f.trace == nil {
		return nil
	}
	t := f.trace
	parts := []text.Span{text.Text(text.Plain, Count(len(t.Queries))+" of "+plural(int(t.Total), "query", "queries"))}
	if t.Searched != nil {
		switch {
		case f.partial():
			parts = append(parts, text.Text(text.Warn, "! "+t.Searched.String()+": r searches longer"))
		case t.Searched.Unreadable > 0:
			parts = append(parts, text.Text(text.Warn, "! "+t.Searched.String()))
		default:
			parts = append(parts, text.Text(text.OK, t.Searched.String()))
		}
	}
	switch {
	case t.Behind > 0:
		parts = append(parts, text.Text(text.Warn, "! "+plural(int(t.Behind), "record", "records")+" not applied yet"))
	case t.AllReceivedShown && !f.partial():
		parts = append(parts, text.Text(text.OK, "all received looked at"))
	}
	return dotted(append(parts, text.Text(text.Plain, "as of record "+Count(uint64(t.AppliedLSN)))), f.look.Cols)
}

// Hints are the keys that do something here.
func (f *Findings) Hints() []Hint {
	if f.trace == nil {
		if f.read.failed() {
			return []Hint{{In, "try again"}, {Help, ""}, {Leave, ""}}
		}
		return []Hint{{Help, ""}, {Leave, ""}}
	}
	var hints []Hint
	if f.at() != nil {
		hints = []Hint{{In, "why it was told"}, {Ahead, ""}, {Otherwise, ""}, {Compare, ""}}
	}
	if f.window != (ask.Range{}) {
		word := "of everything"
		if f.all {
			word = "of the window"
		}
		hints = append(hints, Hint{Suspects, word})
	}
	if f.partial() && !f.read.failed() {
		hints = append([]Hint{{Again, "search longer"}}, hints...)
	}
	return againOr(f.read.failed(), append(hints, Hint{Yank, ""}, Hint{Clock, ""}, Hint{Help, ""}, Hint{Leave, ""}))
}
