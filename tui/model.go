package tui

import (
	"context"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"

	"episteme/engine/cases"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
	"episteme/views"
	"episteme/views/text"
)

// model is the only tea.Model: a stack of views and the slots of their questions. Only the program's own goroutine
// touches it.
type model struct {
	ctx      context.Context // of the session: questions end with it
	opts     Options
	theme    *theme
	evidence *evidence
	after    func(time.Duration, tea.Msg) tea.Cmd // a message later; tests put their own in

	cols, rows int
	now        record.Time // moves with the clock's ticks, so that a frame drawn twice is the same frame
	badLink    error       // why the moment that the link names is not shown
	times      views.Times
	asOf       *record.Time // everything is shown as it was then; nil: as it is now
	mask       *masker      // of a shared screen; nil: it is not shared
	frozen     bool         // nothing that arrives moves the screen
	attached   bool         // another process holds the evidence
	lastKey    string       // shown on a shared screen
	kase       *Case        // the open case; nil: none
	kept       cases.Case   // what it keeps
	keeps      int          // lines that were kept in this session
	typed      []string     // commands, oldest first
	places     places
	play       *play  // the clock of a replay; nil: this is none
	drill      *drill // of a training; nil: this is none

	frames []frame   // the first is the timeline and never goes
	at     int       // the frame whose view is being called
	held   record.ID // found by the link while a text field had focus: opened when it has not
	slots  map[slotKey]*slot
	rests  map[slotKey]uint64
	ids    uint64 // of slots, rests, frames and notices: none is used twice

	show      *show    // this screen is shown to others; nil: it is not
	followers []string // who follows it
	shown     string   // what they saw last, as this terminal got it
	idle      idle
	idled     bool // it ended because nobody was there

	picked record.ID // the answer that others are compared with; zero: none
	log    views.Log // what was said

	count   int // typed before a key
	notice  *text.Line
	armed   string // the key that quits when it is pressed again: q or ctrl+c
	armedID uint64
	leaving uint64 // the last q went back: for leaveWait no q quits; 0: it did not
	clip    string // an escape sequence for the clipboard, on its way with the next frames
	crash   *CrashError
	crashed int // the frame that the crash was in
}

// frame is a view on the stack.
type frame struct {
	id   int
	view views.View
}

// rootSlots are the questions of the model itself.
const (
	rootFrame  = 0
	linkSlot   = "link"
	impactSlot = "impact of"
)

const (
	quitWait  = 2 * time.Second        // between two q that quit
	leaveWait = 500 * time.Millisecond // a key held down, or pressed in anger, repeats faster than this
	clipFrame = 250 * time.Millisecond // frames come every 16 ms; the sequence must be in one that is drawn
	countMax  = 1_000_000
)

// clockMsg comes each minute. disarmMsg ends the wait for a second q, leftMsg that after a q
// which went back. clipMsg says that the clipboard was sent.
type (
	clockMsg  struct{}
	disarmMsg struct{ id uint64 }
	leftMsg   struct{ id uint64 }
	clipMsg   struct{ sent string }
)

// newModel makes the model of a session with a size, which the terminal will correct.
func newModel(ctx context.Context, o Options, th *theme, cols, rows int) *model {
	o = o.withDefaults()
	m := &model{
		ctx: ctx, opts: o, theme: th, cols: cols, rows: rows,
		evidence: &evidence{ctx: ctx, open: o.Open, in: o.Ask},
		after:    afterTick,
		slots:    map[slotKey]*slot{}, rests: map[slotKey]uint64{},
		times: views.Times{Zone: o.Zone}, idle: idle{limit: o.Idle},
	}
	if o.Share {
		m.mask = newMasker()
	}
	m.asOf, m.badLink = linkAsOf(o.Link)
	m.readClock()
	return m
}

func afterTick(d time.Duration, msg tea.Msg) tea.Cmd {
	return tea.Tick(d, func(time.Time) tea.Msg { return msg })
}

// readClock takes the time. It is called when the minute changes, and when an answer has come: a replay's clock may
// only be known once its evidence is open.
func (m *model) readClock() {
	m.attached = m.opts.Attached != nil && m.opts.Attached()
	if m.frozen {
		return
	}
	if t, err := record.TimeOf(m.opts.Now()); err == nil && t != m.now {
		m.now = t
		m.look()
	}
}

// Init opens the timeline and, where there is a link, what it names.
func (m *model) Init() tea.Cmd {
	cmds := []tea.Cmd{m.push(m.timeline()), m.after(m.toMinute(), clockMsg{}), m.beginReplay()}
	if m.opts.Case != nil {
		cmds = append(cmds, m.openCase(m.opts.Case))
	}
	if m.opts.Link != "" {
		cmds = append(cmds, m.find(linkSlot, views.ParseLink(m.opts.Link)))
	}
	if m.idle.limit > 0 {
		cmds = append(cmds, m.after(m.idle.every(), idleMsg{}))
	}
	return tea.Batch(cmds...)
}

// find looks for a record by what somebody typed; what is done with it goes by the slot.
func (m *model) find(slot, typed string) tea.Cmd {
	return m.start(rootFrame, views.Ask{Slot: slot, Doing: "finding " + typed, Budget: views.PointBudget,
		Run: func(ctx context.Context, in ask.Investigator, _ func(any) bool) (any, error) {
			return in.Identify(ctx, typed)
		}})
}

// timeline is a new first screen.
func (m *model) timeline() *views.Timeline { return views.NewTimeline(m.follows()) }

// shownFor is the moment that is shown: now, or the one that a link or the user named.
func (m *model) shownFor() record.Time {
	if m.asOf != nil {
		return *m.asOf
	}
	return m.now
}

// toMinute is the time until the minute on the context line changes.
func (m *model) toMinute() time.Duration {
	return time.Minute - time.Duration(m.now)%time.Minute
}

// Update takes a message. A panic of a view becomes a screen that says so.
func (m *model) Update(msg tea.Msg) (_ tea.Model, cmd tea.Cmd) {
	defer func() {
		if r := recover(); r != nil {
			m.crash, m.crashed, cmd = newCrash("handling a message", r, debug.Stack()), m.at, nil
		}
	}()
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		if msg.Width > 0 && msg.Height > 0 { // a terminal that does not know its size says 0x0
			m.cols, m.rows = msg.Width, msg.Height
			m.look()
		}
	case tea.KeyMsg:
		m.idle.parts = 0
		return m, m.keyed(msg)
	case followersMsg:
		return m, m.followed(msg)
	case idleMsg:
		return m, m.idleTicked()
	case slotMsg:
		return m, m.slotAnswered(msg)
	case tickMsg:
		return m, m.slotTicked(msg)
	case restMsg:
		if m.rests[msg.key] == msg.id {
			delete(m.rests, msg.key)
			return m, m.deliver(msg.key.frame, views.Rested{Name: msg.key.name})
		}
	case clockMsg:
		m.readClock()
		return m, m.after(m.toMinute(), clockMsg{})
	case disarmMsg:
		if msg.id == m.armedID && m.armed != "" {
			m.armed, m.notice = "", nil
		}
	case replayMsg:
		return m, m.replay(msg)
	case leftMsg:
		if msg.id == m.leaving {
			m.leaving = 0
		}
	case clipMsg:
		if m.clip == msg.sent {
			m.clip = ""
		}
	}
	return m, nil
}

// idleTicked says that the session is about to end, or ends it.
func (m *model) idleTicked() tea.Cmd {
	warning, over := m.idle.ticked()
	if over {
		m.idled = true
		return tea.Quit
	}
	if warning != "" {
		m.say(text.Warn, warning)
	}
	return m.after(m.idle.every(), idleMsg{})
}

// top is the view on top.
func (m *model) top() frame { return m.frames[len(m.frames)-1] }

// push puts a view on top.
func (m *model) push(v views.View) tea.Cmd {
	m.ids++
	f := frame{int(m.ids), v}
	m.frames = append(m.frames, f)
	m.visit()
	m.look()
	return m.deliver(f.id, views.Shown{First: true})
}

// pop takes the top view away, with its questions. What is below comes back as it was left.
func (m *model) pop() tea.Cmd {
	if len(m.frames) < 2 {
		return nil
	}
	m.leaveFrame(m.top())
	m.frames = slices.Delete(slices.Clone(m.frames), len(m.frames)-1, len(m.frames))
	m.visit()
	return m.deliver(m.top().id, views.Shown{})
}

// remove takes a view away, with its questions.
func (m *model) remove(gone int) {
	m.frames = slices.DeleteFunc(m.frames, func(f frame) bool { return f.id == gone })
	m.places.gone(gone)
	m.forget(gone)
}

// forget drops what a view asked and waits for.
func (m *model) forget(gone int) {
	for key := range m.slots {
		if key.frame == gone {
			m.drop(key)
		}
	}
	for key := range m.rests {
		if key.frame == gone {
			delete(m.rests, key)
		}
	}
}

// look tells every view its size and how times are shown.
func (m *model) look() {
	for i, f := range m.frames {
		m.at = f.id
		rows := m.bodyRows()
		if over, ok := f.view.(views.Overlay); ok && i > 0 {
			f.view.SetLook(m.lookOf(rows))
			rows = over.Height(rows)
		}
		f.view.SetLook(m.lookOf(rows))
	}
}

// lookOf is what surrounds a view of so many rows.
func (m *model) lookOf(rows int) views.Look {
	times, now := m.times, m.shownFor()
	times.Now = &now
	return views.Look{Cols: m.cols, Rows: rows, Times: times, Now: now, AsOf: m.asOf, Keys: m.opts.Keys,
		Kept: m.marked(), Share: m.mask != nil}
}

// bodyRows is what the context, status and key lines leave, and the air below the context line where there is room.
func (m *model) bodyRows() int { return max(m.rows-3-m.air(), 1) }

func (m *model) air() int {
	if m.rows >= rowsAiry {
		return 1
	}
	return 0
}

// deliver gives a message to a view and does what it wants done. Frame 0 is the model itself.
func (m *model) deliver(id int, msg views.Msg) tea.Cmd {
	if id == rootFrame {
		return m.rootAnswered(msg)
	}
	for _, f := range m.frames {
		if f.id == id {
			m.at = id
			do, _ := f.view.Handle(msg)
			if _, over := f.view.(views.Overlay); over {
				m.look() // it may want another height now
			}
			return m.do(id, do)
		}
	}
	return nil
}

// rootAnswered takes what a link means. While somebody types, the keys would go to a screen that was not there when
// they were pressed: it waits.
func (m *model) rootAnswered(msg views.Msg) tea.Cmd {
	a, ok := msg.(views.Answer)
	if !ok {
		return nil
	}
	if a.Err != nil {
		m.say(text.Bad, "✗ "+a.Err.Error())
		return nil
	}
	switch v := a.Value.(type) {
	case lessonMsg:
		return m.lessonOpened(v)
	case cases.Case:
		m.caseRead(v)
		return nil
	case keptMsg:
		m.lineKept(v)
		return nil
	case exportedMsg:
		m.say(text.OK, "✓ "+v.said)
		return nil
	case record.ID:
		if a.Slot == impactSlot {
			return m.push(views.NewImpact(ask.Target{ID: v}))
		}
		if m.held = v; m.typing() {
			return nil
		}
		return m.openHeld()
	}
	return nil
}

// typing reports whether a text field has focus.
func (m *model) typing() bool {
	t, ok := m.top().view.(views.Typist)
	return ok && t.Typing()
}

// openHeld opens what the link named.
func (m *model) openHeld() tea.Cmd {
	cmd := m.push(screenFor(m.held))
	m.held = record.ID{}
	if m.badLink != nil {
		m.say(text.Bad, "✗ This is shown with all that is known now: "+m.badLink.Error())
		m.badLink = nil // what is found later was typed
	}
	return cmd
}

// do does what a view wants done.
func (m *model) do(id int, list []views.Do) tea.Cmd {
	var cmds []tea.Cmd
	for _, d := range list {
		switch d := d.(type) {
		case views.Ask:
			cmds = append(cmds, m.start(id, d))
		case views.Rest:
			cmds = append(cmds, m.rest(id, d))
		case views.Open:
			cmds = append(cmds, m.push(d.View))
		case views.Visit:
			cmds = append(cmds, m.push(screenFor(d.ID)))
		case views.Submit:
			cmds = append(cmds, m.submitted(d))
		case views.Begin:
			cmds = append(cmds, m.begin(d.Fixture))
		case views.Back:
			cmds = append(cmds, m.pop())
		case views.Say:
			m.say(d.Tone, d.Text)
		case views.Copy:
			cmds = append(cmds, m.copy(d))
		case views.Zero:
			if m.takesZero(d.At) {
				m.times.Zero = &d.At
				m.look()
			}
		case views.TakeHint, views.HandIn:
			cmds = append(cmds, m.trainingDo(d))
		}
	}
	return tea.Batch(cmds...)
}

// say puts a sentence in place of the status line until the next key; what stands behind its first line, among the
// messages alone.
func (m *model) say(tone text.Tone, sentence string) {
	first, _, _ := strings.Cut(sentence, "\n")
	l := text.Of(text.Space(1), text.Text(tone, first))
	m.notice = &l
	m.note(tone, sentence)
}

// note keeps what was said, for whoever looked away.
func (m *model) note(tone text.Tone, sentence string) {
	at, err := record.TimeOf(m.opts.Now())
	if err != nil {
		at = m.now
	}
	if tone == text.Reverse { // asks for the same key again, and means nothing later
		return
	}
	m.log.Add(views.Said{At: at, Tone: tone, Text: sentence})
}

func (m *model) nextTimes() {
	times := m.times
	times.Now = &m.now // it is known
	next := times.Next()
	next.Now = nil
	if next.Mode == m.times.Mode {
		m.say(text.Plain, "Times are UTC: no other zone is set, and nothing in sight starts a T+.")
		return
	}
	m.times = next
	m.look()
}

// clipMax is the longest text that terminals take: 74,994 bytes of base64.
const clipMax = 74_994 / 4 * 3

// copy sends a text to the clipboard. The sequence goes through the frame, to whoever sees the frame: over SSH the
// process's own terminal is somebody else's.
func (m *model) copy(c views.Copy) tea.Cmd {
	if len(c.Text) > clipMax {
		m.say(text.Warn, "! too long for a terminal's clipboard")
		return nil
	}
	m.clip = ansi.SetSystemClipboard(c.Text)
	return m.after(clipFrame, clipMsg{m.clip})
}
