package views

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
	"episteme/views/text"
)

// Diff shows two answers side by side, and the records that moved the one to the other. Without a left one it looks
// for the answer before the right one: to the same question, else about the same thing under another rule.
type Diff struct {
	look        Look
	left, right record.ID
	read        progress
	done        *diffDone
	list        sections
	secs        []diffSection
}

// diffDone is the answer.
type diffDone struct {
	diff ask.Difference
	how  string // how the left one was found; empty: it was picked
	none bool   // there is nothing before the right one
}

// diffSection is a part of the list: moves, or contributions of one side.
type diffSection struct {
	title, note string
	moves       []ask.Move
	only        []ask.Contribution
	both        []ask.Reweighed
}

func (s diffSection) rows() int { return len(s.moves) + len(s.only) + len(s.both) }

const diffSlot = "diff"

// beforePage is how many older answers about the same thing are looked through for the one to the same question.
const beforePage = 200

// NewDiff compares two answers; a zero left one is the answer before the right one.
func NewDiff(left, right record.ID) *Diff { return &Diff{left: left, right: right} }

// Crumb is the view's name.
func (d *Diff) Crumb() string { return "diff" }

// Query is the right one.
func (d *Diff) Query() record.ID { return d.right }

// SetLook says how large the view is.
func (d *Diff) SetLook(l Look) {
	d.look = l
	d.fit()
}

func (d *Diff) ask() Do {
	left, right := d.left, d.right
	return d.read.ask(Ask{Slot: diffSlot, Doing: "comparing two answers", Budget: TraceBudget,
		Run: func(ctx context.Context, in ask.Investigator, _ func(any) bool) (any, error) {
			return readDiff(ctx, in, left, right)
		}})
}

func readDiff(ctx context.Context, in ask.Investigator, left, right record.ID) (any, error) {
	var done diffDone
	if left.IsZero() {
		var err error
		if left, done.how, err = answerBefore(ctx, in, right); err != nil {
			return nil, err
		}
		if left.IsZero() {
			done.none = true
			return done, nil
		}
	}
	var err error
	done.diff, err = in.Diff(ctx, left, right)
	if err == nil && done.how == "" && done.diff.Left.Timestamp > done.diff.Right.Timestamp { // older on the left
		done.diff, err = in.Diff(ctx, right, left)
	}
	return done, err
}

// answerBefore finds the newest older answer to the question of a query; where nobody asked that before, the newest
// older one about the same thing. Zero: there is none.
func answerBefore(ctx context.Context, in ask.Investigator, of record.ID) (record.ID, string, error) {
	v, err := in.Verdict(ctx, of)
	if err != nil {
		return record.ID{}, "", err
	}
	to := v.Audit.Timestamp + 1 // the end is exclusive, and two may have been asked at once
	page, err := in.Audits(ctx, ask.AuditFilter{Subject: ExactGlob(v.Audit.Subject), Predicate: v.Audit.Predicate, Range: ask.Range{To: &to}, Limit: beforePage})
	if err != nil {
		return record.ID{}, "", err
	}
	var about *ask.Audit
	for i := range page.Queries {
		a := &page.Queries[i]
		if a.Subject != v.Audit.Subject || a.Predicate != v.Audit.Predicate { // a pattern may let more through
			continue
		}
		if a.ID == of || a.Timestamp == v.Audit.Timestamp && a.LSN > v.Audit.LSN {
			continue
		}
		if sameQuestion(a, &v.Audit) {
			return a.ID, "the answer to the same question before", nil
		}
		if about == nil {
			about = a
		}
	}
	if about == nil {
		return record.ID{}, "", nil
	}
	return about.ID, "the answer before, under another rule", nil
}

// sameQuestion reports whether two audits asked the same, whoever asked and whenever.
func sameQuestion(a, b *ask.Audit) bool {
	explicit := func(a *ask.Audit) bool { return a.AsOf != a.Timestamp } // about another time than that of the asking
	return explicit(a) == explicit(b) && a.Subject == b.Subject && a.Predicate == b.Predicate && a.Lens == b.Lens && a.LensParams == b.LensParams &&
		(a.LifecycleFilter == nil) == (b.LifecycleFilter == nil) && (a.LifecycleFilter == nil || *a.LifecycleFilter == *b.LifecycleFilter)
}

// ExactGlob is a pattern over subjects that matches s alone.
func ExactGlob(s string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`, `{`, `\{`, `}`, `\}`).Replace(s)
}

// Handle takes a message.
func (d *Diff) Handle(m Msg) ([]Do, bool) {
	if d.read.handle(m) {
		if a, ok := m.(Answer); ok && a.Err == nil {
			done := a.Value.(diffDone)
			d.done = &done
			d.secs = diffSections(done.diff)
		}
		d.fit()
		return nil, true
	}
	switch m := m.(type) {
	case Shown:
		if m.First {
			return []Do{d.ask()}, true
		}
	case Press:
		if d.list.move(m) {
			return nil, true
		}
		return d.press(m)
	}
	return nil, false
}

func (d *Diff) press(p Press) ([]Do, bool) {
	switch p.Action {
	case In:
		if d.read.failed() {
			return []Do{d.ask()}, true
		}
		if id := d.at(); !id.IsZero() {
			return []Do{Open{NewProvenance(id)}}, true
		}
		return nil, true
	case Again:
		if d.read.failed() {
			return []Do{d.ask()}, true
		}
		return nothingFailed(), true
	case Compare:
		return []Do{Say{Text: "This is their difference.", Tone: text.Plain}}, true
	case Behind:
		if id := d.Selected().ID; !id.IsZero() {
			return []Do{Open{NewProvenance(id)}}, true
		}
	}
	return nil, false
}

// diffSections are the parts of the list that there are; what moved the answer always is.
func diffSections(d ask.Difference) []diffSection {
	note := fmt.Sprintf("%s of %s that count for one of the two alone", plural(len(d.Moves), "step", "steps"), plural(d.Between, "record", "records"))
	switch {
	case d.Unknown != "":
		note = "not known: " + d.Unknown
	case len(d.Moves) == 0 && d.Between == 0:
		note = "nothing: they saw the same records"
	case len(d.Moves) == 0:
		note = fmt.Sprintf("nothing: none of %s that count for one of the two alone moved it", plural(d.Between, "record", "records"))
	}
	out := []diffSection{{title: "WHAT MOVED IT", note: note, moves: d.Moves}}
	if len(d.OnlyLeft) > 0 {
		out = append(out, diffSection{title: "ONLY LEFT", note: "contributed to the left answer alone", only: d.OnlyLeft})
	}
	if len(d.OnlyRight) > 0 {
		out = append(out, diffSection{title: "ONLY RIGHT", note: "contributed to the right answer alone", only: d.OnlyRight})
	}
	if len(d.Both) > 0 {
		out = append(out, diffSection{title: "BOTH", note: "contributed to both", both: d.Both})
	}
	return out
}

// at is the record under the cursor; zero for none, or for a step that no record made.
func (d *Diff) at() record.ID {
	sec, row, ok := d.list.selected()
	if !ok {
		return record.ID{}
	}
	switch s := d.secs[sec]; {
	case row < len(s.moves):
		return s.moves[row].Record
	case row < len(s.only):
		return s.only[row].Assertion
	default:
		return s.both[row].Assertion
	}
}

// Selected is the record under the cursor, else the right answer.
func (d *Diff) Selected() Target {
	if id := d.at(); !id.IsZero() {
		return Target{id, "moved the answer"}
	}
	return Target{d.right, "query"}
}

func (d *Diff) fit() {
	if d.done == nil || d.look.Cols == 0 {
		return
	}
	d.list.tight = d.look.Rows < tallRows
	_, _, list := d.layout()
	d.list.fit(d.sections(), list)
}

// layout divides the height: the two answers above, what moved the one to the other below.
func (d *Diff) layout() (top []text.Line, ruled, list int) {
	if d.look.Rows >= midRows {
		ruled = 1
	}
	top = d.top(d.look.Rows - ruled - max(d.look.Rows*2/5, 4))
	return top, ruled, max(d.look.Rows-ruled-len(top), 1)
}

func (d *Diff) top(rows int) []text.Line {
	diff := d.done.diff
	what := text.Of(text.Space(1), text.Text(text.Plain, diff.Right.Subject), text.Space(1), text.Text(text.Plain, diff.Right.Predicate))
	if diff.Left.Subject != diff.Right.Subject || diff.Left.Predicate != diff.Right.Predicate {
		what = text.Of(text.Space(1), text.Text(text.Warn, "! they are about different things"))
	}
	lines := []text.Line{text.Ends(what, text.Of(text.Text(text.Dim, d.done.how), text.Space(1)), d.look.Cols)}
	if rows >= 16 {
		lines = append(lines, nil)
	}
	return append(lines, pairLines(diffPairs(diff, d.look), d.look, max(rows-len(lines), 2))...)
}

// diffPairs are the two answers line by line.
func diffPairs(d ask.Difference, look Look) []pair {
	times, bar := look.Times, 0
	if look.Cols >= wideCols {
		bar = 9
	}
	side := func(a ask.Audit) []text.Line {
		plain := func(s string) text.Line { return text.Of(text.Text(text.Plain, s)) }
		value, sure, held := resultCells(a.Result, bar)
		saw := plain("not known here")
		if a.Pin != nil {
			saw = plain("records 1–" + Count(uint64(*a.Pin)))
		}
		half := plain(a.LensParams.HalfLife)
		when := times.Full(a.Timestamp)
		if look.Cols < wideCols {
			when = times.OnDay(a.Timestamp, times.Day(d.Right.Timestamp))
		}
		return []text.Line{text.Of(shortID(a.ID), text.Space(2), text.Text(text.Plain, when)), value, sure, held, plain(a.Agent),
			plain(a.Subject), plain(a.Predicate), plain(a.Lens), half, plain(filterWords(a.LifecycleFilter)), plain(times.Full(a.AsOf)), saw}
	}
	names := []string{"QUERY", "TOLD", "CONFIDENCE", "HELD", "ASKED BY", "SUBJECT", "PREDICATE", "LENS", "HALF-LIFE", "STAGES", "AS IT WAS", "SAW"}
	dear := []int{0, 0, 2, 3, 4, 5, 5, 6, 6, 7, 8, 7}
	left, right := side(d.Left), side(d.Right)
	var out []pair
	for i, name := range names {
		p := pair{label: name, left: left[i], right: right[i], dear: dear[i]}.compared()
		switch name {
		case "QUERY":
			p.differs = false
		case "SUBJECT", "PREDICATE", "HALF-LIFE": // stand in the heading, or say nothing
			if !p.differs {
				continue
			}
			p.dear = 1
		}
		out = append(out, p)
	}
	return out
}

func (d *Diff) sections() []section {
	out := make([]section, len(d.secs))
	for i, s := range d.secs {
		tone := text.Dim
		if i == 0 && d.done.diff.Unknown != "" {
			tone = text.Warn
		}
		out[i] = section{text.Of(text.Space(1), text.Text(text.Title, s.title), text.Space(2), text.Text(tone, s.note)), s.rows()}
	}
	return out
}

// Lines draws the view.
func (d *Diff) Lines() []text.Line {
	switch {
	case d.done == nil:
		return d.read.blank(d.look.Keymap(), "The difference", "of "+d.right.Short()+" and what was told before").lines(d.look.Keymap(), d.look.Cols, d.look.Rows)
	case d.done.none:
		return panel{mark: text.Of(text.Text(text.Dim, "?")), title: "Nobody had asked this before.",
			body:  []string{"There is no older answer about the same thing to compare with. " + d.look.Keymap().Shown(Pick) + " on any other answer picks it; " + d.look.Keymap().Shown(Compare) + " on this one then compares the two."},
			press: []Hint{{Leave, "back"}}}.lines(d.look.Keymap(), d.look.Cols, d.look.Rows)
	}
	top, ruled, list := d.layout()
	out := append(make([]text.Line, 0, d.look.Rows), top...)
	if ruled > 0 {
		out = append(out, rule(d.look.Cols))
	}
	out = append(out, text.Block(d.list.draw(d.row), d.look.Cols, list)...)
	return text.Block(out, d.look.Cols, d.look.Rows)
}

// Height is how many lines show everything.
func (d *Diff) Height() int {
	if d.done == nil || d.done.none {
		return d.look.Rows
	}
	return 20 + d.list.height()
}

func (d *Diff) row(sec, row int, selected bool) text.Line {
	s, room := d.secs[sec], d.look.Cols-4
	var l text.Line
	switch {
	case row < len(s.moves):
		l = d.moveRow(s.moves[row], room)
	case row < len(s.only):
		c := s.only[row]
		l = contributionCells(c)
		if c.Source != nil {
			l = append(l, text.Space(2), text.Text(text.Dim, *c.Source))
		}
	default:
		b := s.both[row]
		weights := ask.Decimal(b.Left)
		if b.Left != b.Right {
			weights += " → " + ask.Decimal(b.Right)
		}
		l = text.Of(text.Text(text.Plain, weights+"  "+b.Value.String()), text.Space(2), shortID(b.Assertion))
	}
	return append(text.Of(cursorCell(selected)), l.Cut(room)...)
}

// moveRow is a step: when, which record, what it says, and what became of the answer.
func (d *Diff) moveRow(m ask.Move, room int) text.Line {
	became := text.Of(text.Text(text.Dim, ask.Decimal(m.From.Confidence)+" → "+ask.Decimal(m.To.Confidence)+" sure"))
	if m.Turned {
		became = append(append(told(&ask.Audit{Result: m.From}).In(text.Plain).Cut(room/6), text.Text(text.Warn, " → ")),
			told(&ask.Audit{Result: m.To}).Cut(room/6)...)
	}
	var l text.Line
	if m.Timestamp != nil {
		l = append(text.Of(text.Text(text.Plain, d.when(*m.Timestamp))).Fit(d.whenCells()), text.Space(2))
	}
	if m.Gone {
		l = append(l, text.Text(text.Warn, "without "))
	}
	if !m.Record.IsZero() {
		l = append(l, shortID(m.Record), text.Space(2))
	}
	l = append(l, text.Text(text.Plain, m.Title))
	if m.Agent != "" && d.look.Cols >= oneRowCols {
		l = append(l, text.Text(text.Dim, "  by "+m.Agent))
	}
	return text.Ends(l, became, room)
}

func (d *Diff) when(at record.Time) string {
	return d.look.Times.OnDay(at, d.look.Times.Day(d.done.diff.Right.Timestamp))
}

// whenCells is the width of the column of times.
func (d *Diff) whenCells() int {
	cells := 0
	for _, m := range d.done.diff.Moves {
		if m.Timestamp != nil {
			cells = max(cells, text.Width(d.when(*m.Timestamp)))
		}
	}
	return cells
}

// Status says what the two differ in.
func (d *Diff) Status() text.Line {
	if d.done == nil || d.done.none {
		return nil
	}
	diff := d.done.diff
	var parts []text.Span
	if slices.Contains(diff.Differs, "value") {
		parts = append(parts, text.Text(text.Warn, "≠ they say different things"))
	} else {
		parts = append(parts, text.Text(text.OK, "= they say the same"))
	}
	if diff.Unknown != "" {
		parts = append(parts, text.Text(text.Warn, "! what moved it is not known"))
	}
	return dotted(append(parts, text.Text(text.Plain, plural(diff.Between, "record counts", "records count")+" for one of the two alone"),
		text.Text(text.Plain, plural(len(diff.Moves), "step", "steps")+" moved the answer")), d.look.Cols)
}

// Hints are the keys that do something here.
func (d *Diff) Hints() []Hint {
	if d.done == nil || d.done.none {
		if d.read.failed() {
			return []Hint{{In, "try again"}, {Help, ""}, {Leave, ""}}
		}
		return []Hint{{Help, ""}, {Leave, ""}}
	}
	hints := []Hint{}
	if !d.at().IsZero() {
		hints = append(hints, Hint{In, "what it rests on"}, Hint{Ahead, ""})
	}
	return append(hints, Hint{Otherwise, ""}, Hint{Yank, ""}, Hint{Clock, ""}, Hint{Help, ""}, Hint{Leave, ""})
}
