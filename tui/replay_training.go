package tui

import (
	"context"
	"fmt"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
	"episteme/fixtures/training"
	"episteme/views"
	"episteme/views/text"
)

// Training is an exercise on a replay: the ending is sealed until an answer is handed in.
type Training struct {
	// Open makes the exercise, once the replay is there.
	Open func(ctx context.Context) (*training.Case, error)

	// Over is told the debrief when the answer has been handed in, and says where it was written; empty: nowhere. It runs
	// on a goroutine of its own. nil: nobody is told.
	Over func(training.Debrief) (where string, err error)
}

// drill is a training under way.
type drill struct {
	lesson  *training.Case // nil: it is being opened
	session training.Session
	brief   int       // the frame of the brief; 0: it was not opened yet
	begun   time.Time // when the brief was first left; zero: it was not
	debrief *training.Debrief
	saved   *savedMsg
}

type (
	watchMsg struct{} // a second is over
	savedMsg struct { // the debrief has been told
		where string
		err   error
	}
	lessonMsg struct{ lesson *training.Case }
)

func (watchMsg) replay() {}
func (savedMsg) replay() {}

const lessonSlot = "lesson"

// beginTraining opens the exercise.
func (m *model) beginTraining() tea.Cmd {
	t := m.opts.Replay.Training
	if t == nil {
		return nil
	}
	m.drill = &drill{}
	return m.start(rootFrame, views.Ask{Slot: lessonSlot, Doing: "opening the exercise", Budget: views.TraceBudget, Run: lessonOf(t)})
}

// lessonOf waits for the replay, and makes the exercise of it.
func lessonOf(t *Training) views.Question {
	return func(ctx context.Context, _ ask.Investigator, _ func(any) bool) (any, error) {
		lesson, err := t.Open(ctx)
		return lessonMsg{lesson}, err
	}
}

// lessonOpened shows the brief: nothing else of the incident comes before it.
func (m *model) lessonOpened(l lessonMsg) tea.Cmd {
	m.drill.lesson = l.lesson
	return m.openBrief()
}

func (m *model) openBrief() tea.Cmd {
	cmd := m.push(views.NewBrief(m.drill.lesson, &m.drill.session))
	m.drill.brief = m.top().id
	return cmd
}

// elapsed is the stopwatch.
func (m *model) elapsed() time.Duration {
	d := m.drill
	switch {
	case d.session.HandedIn:
		return d.session.Took
	case d.begun.IsZero():
		return 0
	}
	return m.opts.Clock().Sub(d.begun)
}

// stopwatch is the time since the brief was left, against the goal; empty without a training.
func (m *model) stopwatch(tight bool) text.Line {
	if m.drill == nil || m.drill.lesson == nil {
		return nil
	}
	at := m.elapsed()
	tone, words := text.Plain, training.Clock(at)
	if !tight {
		words += " of " + training.Clock(training.Goal)
	}
	if at > training.Goal {
		tone = text.Warn
	}
	if m.drill.session.HandedIn {
		tone = text.Dim
		if !tight {
			words = "handed in at " + training.Clock(at)
		}
	}
	return text.Of(text.Text(tone, words))
}

// trained takes what a training sent itself.
func (m *model) trained(msg replayMsg) tea.Cmd {
	switch msg := msg.(type) {
	case watchMsg:
		if !m.drill.session.HandedIn {
			return m.after(time.Second, watchMsg{}) // the frame is drawn again, and the stopwatch with it
		}
	case savedMsg:
		m.drill.saved = &msg
		for _, f := range m.frames {
			if v, ok := f.view.(*views.DebriefView); ok {
				v.Saved(msg.where, msg.err)
			}
		}
	}
	return nil
}

// watched takes down what a key led to, and starts the stopwatch when the brief is left for the first time.
func (m *model) watched(key string) tea.Cmd {
	d := m.drill
	if d == nil || d.lesson == nil || d.session.HandedIn || len(m.frames) == 0 {
		return nil
	}
	var cmd tea.Cmd
	if d.begun.IsZero() {
		if m.top().id == d.brief {
			return nil
		}
		d.begun = m.opts.Clock()
		cmd = m.after(time.Second, watchMsg{})
		if m.opts.Replay.Running {
			cmd = tea.Batch(cmd, m.setRunning(true))
		}
	}
	top, on := m.top().view, m.top().view.Selected().ID
	if _, sheet := top.(*views.AnswerView); sheet {
		on = record.ID{} // what is named there was looked at elsewhere
	}
	d.session.Note(m.elapsed(), key, top.Crumb(), on)
	m.look() // the key may have named something
	return cmd
}

// marked is what the case keeps of each record, and what the answer of a training names: lists mark those rows.
func (m *model) marked() map[record.ID][]views.Kept {
	if m.drill == nil {
		return keptOf(m.kept, m.mask)
	}
	named := map[record.ID][]views.Kept{}
	for _, id := range m.drill.session.Flipped {
		named[id] = []views.Kept{{By: "you", Note: "flipped"}}
	}
	if root := m.drill.session.Root; !root.IsZero() {
		named[root] = []views.Kept{{By: "you", Note: "the root"}}
	}
	return named
}

// watchedTyping is watched for a key that went into a text field: what was typed there is nobody's business.
func (m *model) watchedTyping(key string) tea.Cmd {
	if len([]rune(key)) == 1 {
		key = "text"
	}
	return m.watched(key)
}

// trainingKey does what a key means in a training. It reports whether it means something there.
func (m *model) trainingKey(f frame, press views.Press) (tea.Cmd, bool) {
	switch press.Action {
	case views.BriefKey, views.NextHint, views.NameIt, views.AnswerKey:
	default:
		return nil, false
	}
	d := m.drill
	if d == nil || d.lesson == nil {
		m.say(text.Plain, "This is no training: episteme replay "+m.opts.Title+" --blind is one.")
		return nil, true
	}
	_, onBrief := f.view.(*views.Brief)
	_, onSheet := f.view.(*views.AnswerView)
	_, onDebrief := f.view.(*views.DebriefView)
	switch {
	case onBrief && (press.Action == views.BriefKey || press.Action == views.NextHint) && !d.session.HandedIn,
		onSheet && (press.Action == views.NameIt || press.Action == views.AnswerKey):
		do, _ := f.view.Handle(press)
		return m.do(f.id, do), true
	case press.Action == views.BriefKey, press.Action == views.NextHint:
		return m.toBrief(onBrief, press.Action == views.NextHint), true
	case d.session.HandedIn && onDebrief:
		return nil, true
	case d.session.HandedIn:
		return m.openDebrief(), true
	case press.Action == views.AnswerKey:
		return m.push(views.NewAnswer(d.lesson, &d.session)), true
	}
	said, ok := d.session.Toggle(f.view.Selected().ID)
	tone := text.OK
	if !ok {
		tone, said = text.Warn, "! "+said
	}
	m.say(tone, said)
	return nil, true
}

// toBrief opens the brief, where hints were asked for at the hints.
func (m *model) toBrief(open, hints bool) tea.Cmd {
	var cmd tea.Cmd
	if !open {
		cmd = m.openBrief()
	}
	if v, ok := m.top().view.(*views.Brief); ok && hints {
		v.ToHints()
	}
	return cmd
}

// trainingDo does what only the screens of a training want done.
func (m *model) trainingDo(d views.Do) tea.Cmd {
	switch d.(type) {
	case views.TakeHint:
		m.drill.session.Hints++
		if v, ok := m.top().view.(*views.Brief); ok {
			v.ToHints()
		}
		m.say(text.Plain, fmt.Sprintf("Hint %d of %d.", m.drill.session.Hints, len(m.drill.lesson.Hints)))
	case views.HandIn:
		return m.handIn()
	}
	return nil
}

// handIn ends the training: the answer stands, and the ending opens.
func (m *model) handIn() tea.Cmd {
	d := m.drill
	d.session.Took = max(m.elapsed(), time.Nanosecond)
	d.session.HandedIn = true
	debrief := d.lesson.Debrief(d.session)
	d.debrief = &debrief
	m.pop() // the sheet
	cmds := []tea.Cmd{m.openDebrief()}
	if over := m.opts.Replay.Training.Over; over != nil {
		cmds = append(cmds, func() tea.Msg {
			where, err := over(debrief)
			return savedMsg{where, err}
		})
	}
	return tea.Batch(cmds...)
}

func (m *model) openDebrief() tea.Cmd {
	v := views.NewDebrief(*m.drill.debrief)
	if s := m.drill.saved; s != nil {
		v.Saved(s.where, s.err)
	}
	return m.push(v)
}
