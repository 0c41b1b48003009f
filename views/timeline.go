package views

import (
	"context"
	"slices"
	"time"

	"github.com/charmbracelet/bubbles/textinput"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
	"episteme/views/text"
)

// Timeline lists what agents asked and what happened in the world, oldest first, and for the selected row says what
// was told and why.
type Timeline struct {
	look   Look
	window Window

	span   time.Duration // how far the window reaches back
	load   progress      // of the window
	older  progress      // of the pages before the first row
	detail progress      // of the selected query's verdict
	moving bool          // the cursor has moved and not come to rest: the pane waits, and a slow link with it
	left   entry         // while it moves: where it rested, which the key line still speaks of
	news   progress      // of whether something new has come
	follow bool          // look for news
	awaits bool          // a look for news is planned
	head   windowHead
	events eventsPart
	trace  ask.Trace // of the newest page: totals, completeness

	audits []ask.Audit // of all pages so far, newest first, as they came
	cursor string      // NextCursor of the last page; empty: all are here
	rows   []entry     // queries and events, oldest first: len(audits) queries, the rest events
	hay    []string    // of each row, what words are looked for in; nil: no word was typed since the rows changed
	shown  []int       // indexes of rows that the filter lets through; nil: all
	drawn  drawn       // what was worked out from the rows, until they change

	typed  textinput.Model // the filter as it is typed
	tried  []string        // filters that were kept, oldest first
	past   int             // how far up tried one has gone; 0: not
	draft  string          // what was typed before going up
	picks  []string        // what the word before the cursor may become; nil: not asked
	pick   int             // of picks, what stands there now
	typing bool
	toTop  bool  // the first row was asked for, and older ones were still to be read
	anchor entry // where the cursor stood when the filter was opened: a filter on its way may match nothing
	filter filter

	held     bool    // nothing that arrives may move the screen
	unseen   int     // rows that came in below while the cursor stood elsewhere
	keeps    reading // what was read in the timeline that this one takes the place of, away from what is newest
	resume   entry   // where the cursor stood in the timeline that this one takes the place of
	verdicts map[record.ID]ask.Verdict
	stale    record.ID // of a verdict that is still shown and was given before the last news
}

const (
	firstSpan   = 6 * time.Hour // what an incident's first look needs
	pageRows    = 500           // a page is read in about 5 ms and fills the tallest screen several times
	rowsMax     = 100_000       // read into memory at most: about 60 MB
	eventRows   = 5_000
	stripParts  = 480 // counts asked for; a strip of 60 to 200 cells is drawn from them
	restBefore  = 250 * time.Millisecond
	restKnown   = 100 * time.Millisecond // longer than a key held down takes to repeat
	verdictsMax = 256
	newsEvery   = time.Second      // how late what arrives is seen, and the time to read it: people look again within two
	newsWait    = 10 * time.Second // after this a look for news is given up and another one begun
)

// Slots of the timeline.
const (
	windowSlot  = "window"
	olderSlot   = "older"
	verdictSlot = "verdict"
	newsSlot    = "news"
)

// NewTimeline is a timeline that looks back from now, or from the newest record when that is long ago. When it
// follows, it looks for news and takes it in.
func NewTimeline(follow bool) *Timeline {
	return &Timeline{follow: follow, span: firstSpan, typed: newField(filterChars), verdicts: map[record.ID]ask.Verdict{}}
}

// filterChars bounds what is typed as a filter.
const filterChars = 400

// Anew is a timeline that reads everything again: with the filter, the span and the row of this one.
func (t *Timeline) Anew(follow bool) *Timeline {
	n := NewTimeline(follow)
	n.span, n.tried, n.held, n.resume = t.span, t.tried, t.held, t.at(t.window.Cursor)
	if t.head.newer {
		n.keeps = t.reads()
	}
	n.typed.SetValue(t.typed.Value())
	n.filter = t.filter
	return n
}

// Filtered is the filter as it was typed; Refilter puts another one in its place.
func (t *Timeline) Filtered() string { return t.typed.Value() }

func (t *Timeline) Refilter(typed string) []Do {
	t.anchor = t.at(t.window.Cursor)
	t.typed.SetValue(typed)
	t.typed.CursorEnd()
	t.try()
	return t.refilter()
}

// try keeps the filter for those that are typed later.
func (t *Timeline) try() {
	const most = 50
	if s := t.typed.Value(); s != "" && (len(t.tried) == 0 || t.tried[len(t.tried)-1] != s) {
		t.tried = append(t.tried, s)
		t.tried = t.tried[max(len(t.tried)-most, 0):]
	}
	t.past = 0
}

// Crumb is the view's name.
func (t *Timeline) Crumb() string { return "timeline" }

// Window is the time that is read; the zero Range while nothing is.
func (t *Timeline) Window() ask.Range { return t.head.rng }

// Typing reports whether the filter has focus.
func (t *Timeline) Typing() bool { return t.typing }

// SetLook says how large the view is.
func (t *Timeline) SetLook(l Look) {
	t.look = l
	t.fit()
}

// Handle takes a message.
func (t *Timeline) Handle(m Msg) ([]Do, bool) {
	if t.load.handle(m) || t.older.handle(m) || t.detail.handle(m) || t.news.handle(m) {
		var do []Do
		if a, ok := m.(Answer); ok {
			do = t.answered(a)
		}
		return append(do, t.nextNews()...), true
	}
	switch m := m.(type) {
	case Shown:
		if !m.First {
			return nil, true
		}
		return []Do{t.readWindow()}, true
	case Held:
		t.held = m.Still
		return t.nextNews(), true
	case Rested:
		if m.Name == newsSlot {
			if t.awaits = false; t.held {
				return nil, true
			}
			return []Do{t.askNews()}, true
		}
		return t.rested(), true
	case Press:
		return t.press(m)
	case Typed:
		return t.edit(m), true
	}
	return nil, false
}

func (t *Timeline) readWindow() Do { return t.readKept(t.keeps) }

func (t *Timeline) readKept(r reading) Do {
	rows := max(pageRows, len(t.audits)) // what was read before is read again
	return t.load.ask(Ask{Slot: windowSlot, Doing: "reading the timeline", Budget: TraceBudget, Run: readWindow(t.look.Now, t.span, rows, r)})
}

// answered takes in what came.
func (t *Timeline) answered(a Answer) []Do {
	if a.Err != nil {
		return nil
	}
	switch v := a.Value.(type) {
	case windowHead:
		t.head = v
	case eventsPart:
		t.events = v
	case ask.Verdict:
		t.keep(v)
	case ask.Status:
		return t.heard(v)
	case ask.Trace:
		if a.Slot == windowSlot {
			return t.opened(v)
		}
		t.take(v)
		return t.moved()
	}
	return nil
}

// keep remembers a verdict. A full memory is emptied: what is selected again is asked again.
func (t *Timeline) keep(v ask.Verdict) {
	if len(t.verdicts) >= verdictsMax {
		clear(t.verdicts)
	}
	t.verdicts[v.Audit.ID] = v
	if t.stale == v.Audit.ID {
		t.stale = record.ID{}
	}
}

// opened takes the newest rows of a window. The first time it puts the cursor where an investigator would look
// first: on the newest deploy or alert, else on the newest query. Later the cursor stays on its row, or at the end
// when it stood there.
func (t *Timeline) opened(page ask.Trace) []Do {
	first, atEnd, kept, toTop := len(t.rows) == 0, t.window.Cursor == t.len()-1, t.at(t.window.Cursor), t.toTop
	newest := t.at(t.len() - 1)
	t.trace, t.audits, t.rows, t.shown = page, nil, nil, nil
	t.take(page)
	switch {
	case toTop:
		t.window.To(0)
	case first && !t.resume.id().IsZero():
		t.window.Center(t.find(t.resume))
	case first:
		t.window.Center(t.firstCursor())
	case atEnd:
		t.window.To(t.len() - 1)
	default:
		t.window.To(t.find(kept))
		t.unseen += max(t.len()-1-t.find(newest), 0)
	}
	do := t.moved()
	if t.toTop {
		do = append(t.readOlder(rowsMax), do...)
	}
	if zero, ok := t.zero(); ok {
		do = append(do, Zero{zero})
	}
	return do
}

// zero is the moment from which T+ counts: the oldest event of the window that carries an incident's label, else its
// oldest alert, else its oldest deploy.
func (t *Timeline) zero() (record.Time, bool) {
	for _, wanted := range []func(*ask.Event) bool{
		func(e *ask.Event) bool {
			return slices.ContainsFunc(e.Labels, func(l record.Label) bool { return l.Name == "incident" })
		},
		func(e *ask.Event) bool { return e.Type == record.Alert },
		func(e *ask.Event) bool { return e.Type == record.Deploy },
	} {
		for i := len(t.events.list) - 1; i >= 0; i-- { // newest first: the last is the oldest
			if wanted(&t.events.list[i]) {
				return t.events.list[i].Timestamp, true
			}
		}
	}
	return 0, false
}

func (t *Timeline) firstCursor() int {
	for i := t.len() - 1; i >= 0; i-- {
		if e := t.row(i).event; e != nil && (e.Type == record.Deploy || e.Type == record.Alert) {
			return i
		}
	}
	for i := t.len() - 1; i >= 0; i-- {
		if t.row(i).audit != nil {
			return i
		}
	}
	return t.len() - 1
}

// moved says what the new place of the cursor needs: the rest of the verdict once the cursor rests, and older pages
// when the first row is near.
func (t *Timeline) moved() []Do {
	if t.window.Cursor == t.len()-1 {
		t.unseen = 0
	}
	wait := restBefore
	if a := t.at(t.window.Cursor).audit; a == nil || t.has(a.ID) {
		wait = restKnown // nothing is asked: only the pane is drawn
	}
	do := []Do{Rest{verdictSlot, wait}}
	if t.window.First < pageRows/4 && t.older.err == nil && !t.older.stopped {
		do = append(do, t.readOlder(1)...)
	}
	return do
}

// readOlder asks for the pages before the first row until there are rows more of them. It asks for nothing when all
// are here or on their way, and while the window itself is being read: its pages would not fit together.
func (t *Timeline) readOlder(rows int) []Do {
	rows = min(rows, rowsMax-len(t.audits))
	if t.cursor == "" || rows <= 0 || t.older.running || t.load.running {
		return nil
	}
	return []Do{t.older.ask(Ask{Slot: olderSlot, Doing: "reading older queries", Budget: TraceBudget, Run: readOlder(t.head.rng, t.cursor, rows)})}
}

func (t *Timeline) rested() []Do {
	t.moving = false
	a := t.at(t.window.Cursor).audit
	if a == nil || t.has(a.ID) {
		return nil
	}
	id := a.ID
	return []Do{t.detail.ask(Ask{Slot: verdictSlot, Doing: "weighing again", Budget: AsOfBudget,
		Run: func(ctx context.Context, in ask.Investigator, _ func(any) bool) (any, error) {
			return in.Verdict(ctx, id)
		}})}
}

// has reports whether a query's verdict is known, and newer than the last news.
func (t *Timeline) has(id record.ID) bool {
	_, ok := t.verdicts[id]
	return ok && t.stale != id
}

// press does what a key asks.
func (t *Timeline) press(p Press) ([]Do, bool) {
	if wide, ok := t.beyond(p); ok {
		return wide, true
	}
	from := t.at(t.window.Cursor)
	if t.window.Move(p) {
		t.passOn(from)
		t.toTop = p.Action == Top && t.cursor != ""
		if t.toTop {
			return append(t.readOlder(rowsMax), t.moved()...), true
		}
		return t.moved(), true
	}
	switch p.Action {
	case In:
		return t.enter(), true
	case Behind:
		if id := t.at(t.window.Cursor).id(); !id.IsZero() {
			return []Do{Open{NewProvenance(id)}}, true
		}
	case NextMark:
		return t.jump(+1, p.Count, entry.isMark, "no later mark"), true
	case PrevMark:
		return t.jump(-1, p.Count, entry.isMark, "no earlier mark"), true
	case NextFinding:
		return t.jump(+1, p.Count, t.noteworthy(), "no later finding"), true
	case PrevFinding:
		return t.jump(-1, p.Count, t.noteworthy(), "no earlier finding"), true
	case Filter:
		t.typing, t.toTop, t.past, t.picks = true, false, 0, nil
		t.anchor = t.at(t.window.Cursor)
		t.typed.Focus()
		t.typed.CursorEnd()
		t.fit()
		return nil, true
	case Again:
		return t.again(), true
	case Out:
		if !t.filter.empty() || t.typed.Value() != "" {
			return t.clearFilter(), true
		}
	}
	return nil, false
}

// beyond is what a step over the first row does when there are older records than the window's: up says so, first
// reads a window four times as long. Last reads the newest window, where this one has stayed behind it.
func (t *Timeline) beyond(p Press) ([]Do, bool) {
	if t.head.newer && p.Action == Bottom && !t.load.running {
		t.window.To(t.len() - 1)
		t.keeps = reading{}
		return []Do{t.readWindow()}, true
	}
	if t.window.Cursor > 0 || !t.hasBefore() || t.load.running {
		return nil, false
	}
	switch p.Action {
	case Up:
		return []Do{Say{Text: "Older records lie before " + t.look.Times.Full(*t.head.rng.From) + ": " + t.look.Keymap().Shown(Top) + " reads " + Ago(longer(t.span)), Tone: text.Plain}}, true
	case Top:
		t.span = longer(t.span)
		return []Do{t.readKept(t.reads().longer(t.head, t.span))}, true
	}
	return nil, false
}

// hasBefore reports whether records exist that are older than the window, all of which has been read.
func (t *Timeline) hasBefore() bool {
	s := t.head.status
	return t.cursor == "" && t.head.rng.From != nil && s.Oldest != nil && *s.Oldest < *t.head.rng.From
}

// enter goes into the selected row, or tries again what failed.
func (t *Timeline) enter() []Do {
	if len(t.rows) == 0 && !t.load.running && (t.load.err != nil || t.load.stopped) {
		return []Do{t.readWindow()}
	}
	e := t.at(t.window.Cursor)
	if t.window.Cursor == 0 && (t.older.err != nil || t.older.stopped) {
		return t.readOlder(1)
	}
	switch {
	case e.audit != nil:
		v, full := t.verdicts[e.audit.ID]
		if !full {
			v = remembered(*e.audit)
		}
		return []Do{Open{NewContributions(v)}}
	case e.event != nil:
		return []Do{Open{NewMark(*e.event, t.related(*e.event))}}
	}
	return nil
}

// failed reports whether something of what is shown could not be read.
func (t *Timeline) failed() bool {
	return t.load.failed() || t.events.err != nil && !t.load.running || t.older.failed() || t.detail.failed()
}

// again puts the question that failed again: the window's before what hangs on it.
func (t *Timeline) again() []Do {
	switch {
	case t.load.running || !t.failed():
		return nothingFailed()
	case t.load.failed() || t.events.err != nil:
		return []Do{t.readKept(t.reads())}
	case t.older.failed():
		return t.readOlder(1)
	}
	return t.rested()
}

func (e entry) isMark() bool { return e.event != nil }

// noteworthy picks the rows that { and } stop at: findings that say something is wrong or unapproved; where the
// window has none of those, any finding.
func (t *Timeline) noteworthy() func(entry) bool {
	serious := func(e entry) bool {
		return e.audit != nil && len(e.audit.Findings) > 0 && e.audit.Findings[0].Code.Severity() <= ask.Unapproved.Severity()
	}
	for i := range t.len() {
		if serious(t.row(i)) {
			return serious
		}
	}
	return func(e entry) bool { return e.audit != nil && len(e.audit.Findings) > 0 }
}

// jump moves to the count-th row in a direction that is wanted.
func (t *Timeline) jump(step, count int, wanted func(entry) bool, none string) []Do {
	at, count := t.window.Cursor, max(count, 1)
	found := -1
	for i := at + step; i >= 0 && i < t.len() && count > 0; i += step {
		if wanted(t.row(i)) {
			found = i
			count--
		}
	}
	if found < 0 {
		if t.cursor != "" && step < 0 {
			none += " among what is read"
		}
		return []Do{Say{Text: none, Tone: text.Plain}}
	}
	t.toTop = false
	t.passOn(t.at(at))
	t.window.To(found)
	return t.moved()
}

// passOn notes that the cursor leaves a row. What is drawn of where it stands, beyond the row itself, waits until it
// rests: the pane, and the words of the key line, which for an event are others than for a query and 350 bytes.
func (t *Timeline) passOn(from entry) {
	if !t.moving {
		t.left = from
	}
	t.moving = true
}

// Selected is what the cursor stands on.
func (t *Timeline) Selected() Target {
	switch e := t.at(t.window.Cursor); {
	case e.audit != nil:
		return Target{e.audit.ID, e.audit.Result.Value.String() + " told to " + e.audit.Agent}
	case e.event != nil:
		return Target{e.event.ID, e.event.Type.String() + " " + e.event.Title}
	}
	return Target{}
}

// Hints are the keys that do something here.
func (t *Timeline) Hints() []Hint {
	if t.typing {
		return []Hint{{In, "keep the filter"}, {Out, "clear it"}} // tab and ctrl+p are named beside the field
	}
	if len(t.rows) == 0 {
		if t.load.err != nil || t.load.stopped {
			return []Hint{{In, "try again"}, {Help, ""}, {Leave, "quit"}}
		}
		return []Hint{{Help, ""}, {Leave, "quit"}}
	}
	if t.len() == 0 {
		return []Hint{{Out, "clear filter"}, {Filter, "change it"}, {Help, ""}, {Leave, "quit"}}
	}
	in, on := "why", t.at(t.window.Cursor)
	if t.moving {
		on = t.left
	}
	if on.event != nil {
		in = "what it was based on"
	}
	hints := againOr(t.failed(), []Hint{{In, in}, {Behind, ""}, {Ahead, ""}, {Otherwise, ""}, {Suspects, ""}, {Filter, ""}, {NextMark, "marks"}, {Yank, ""}, {Clock, ""}})
	if !t.filter.empty() {
		hints = append([]Hint{{Out, "clear filter"}}, hints...)
	}
	return append(hints, Hint{Help, ""}, Hint{Leave, "quit"})
}
