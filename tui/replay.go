package tui

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
	"episteme/views"
	"episteme/views/text"
)

// Replay is evidence with a clock: nothing that arrives after it is there. It is safe for use by several goroutines.
type Replay interface {
	ask.Investigator
	Span() (first, last record.Time)                                   // where the incident begins and ends
	At() record.Time                                                   // the clock
	Set(ctx context.Context, at record.Time) error                     // puts the clock, forwards or back
	Next(at record.Time, marks bool) (record.Time, bool)               // when something arrives next, or an event does
	Before(at record.Time, marks bool) (before record.Time, some bool) // when something arrived before, or an event did
}

// Replaying says that what Options.Open opens is a Replay, and how it is played.
type Replaying struct {
	Speed   int  // seconds of the incident in a second; at least 1
	Running bool // from the beginning on; in a training from when the brief has been read

	Training *Training // nil: there is none
}

// Speeds are the speeds that keys lead through: from as it was to an hour in a second.
func Speeds() []int { return []int{1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600} }

// playTick is how often the clock moves while it runs. A guess: often enough to look like running, and a line of the
// screen four times a second is nothing to a slow link.
const playTick = 250 * time.Millisecond

// play is the clock of a replay as this session moves it.
type play struct {
	speed   int
	running bool
	run     uint64       // the running that ticks belong to: a pause ends it
	turning bool         // the clock is being put; a question of the replay
	resting bool         // it has just been put back: what stands there is to be seen before it goes on
	wanted  *record.Time // where it is to go when that is done; nil: nowhere

	zero record.Time // from which T+ counts, as the timeline found; 0: it has found nothing

	// still is the frame from before a step back. It stays on the screen until the first answers of the new moment are
	// here: what the screens hold meanwhile is neither the one moment nor the other.
	still     []text.Line
	stillCols int
}

// takesZero reports whether T+ counts from the moment that the timeline found: the first it found, and in a replay, whose
// clock brings the incident's first alert after its first deploy, any later one as long as nobody has typed another.
func (m *model) takesZero(found record.Time) bool {
	shown := m.times.Zero
	if shown != nil && (m.play == nil || m.play.zero != *shown) {
		return false
	}
	if m.play != nil {
		m.play.zero = found
	}
	return true
}

// replayMsg is what only a replay sends itself.
type replayMsg interface{ replay() }

// backRest is how long an earlier moment stands before the next step back, which would cancel its questions: with a key held
// down one would see nothing until it is let go. About what the answers of a moment take.
const backRest = 80 * time.Millisecond

type (
	playedMsg struct{ run uint64 } // a tick
	stoodMsg  struct{}             // backRest is over
	turnedMsg struct {             // the clock stands somewhere
		at   record.Time
		back bool
		gone map[record.ID]bool // what screens are about and is not there any more
		err  error
	}
)

func (playedMsg) replay() {}
func (stoodMsg) replay()  {}
func (turnedMsg) replay() {}

// replayed is the evidence as a replay; nil while it is being opened, and when it is none.
func (m *model) replayed() Replay {
	if m.play == nil {
		return nil
	}
	m.evidence.mu.Lock()
	defer m.evidence.mu.Unlock()
	r, _ := m.evidence.in.(Replay)
	return r
}

// beginReplay starts what runs from the beginning on.
func (m *model) beginReplay() tea.Cmd {
	r := m.opts.Replay
	if r == nil {
		return nil
	}
	m.play = &play{speed: max(r.Speed, 1)}
	var cmds []tea.Cmd
	if r.Running && r.Training == nil { // else once the brief has been read
		cmds = append(cmds, m.setRunning(true))
	}
	return tea.Batch(append(cmds, m.beginTraining())...)
}

// setRunning starts the clock or stops it.
func (m *model) setRunning(on bool) tea.Cmd {
	p := m.play
	p.running = on
	m.ids++
	p.run = m.ids
	if !on {
		return nil
	}
	return m.after(playTick, playedMsg{p.run})
}

// replay takes what a replay sent itself.
func (m *model) replay(msg replayMsg) tea.Cmd {
	switch msg := msg.(type) {
	case playedMsg:
		return m.ticked(msg)
	case turnedMsg:
		return m.turned(msg)
	case stoodMsg:
		m.play.resting = false
		return m.goOn()
	case watchMsg, savedMsg:
		return m.trained(msg)
	}
	return nil
}

// ticked moves a running clock on. It ticks again once it stands where it goes.
func (m *model) ticked(t playedMsg) tea.Cmd {
	p, r := m.play, m.replayed()
	switch {
	case !p.running || t.run != p.run:
		return nil
	case r == nil, p.turning, p.resting: // still being opened, or put elsewhere
		return m.after(playTick, t)
	}
	return m.turn(r.At() + record.Time(playTick)*record.Time(p.speed))
}

// turn puts the clock. Where it is being put already, it goes there next.
func (m *model) turn(at record.Time) tea.Cmd {
	p, r := m.play, m.replayed()
	if r == nil {
		m.say(text.Plain, "The incident is still being opened.")
		return nil
	}
	first, last := r.Span()
	at = min(max(at, first), last)
	if p.turning || p.resting {
		p.wanted = &at
		return nil
	}
	p.turning = true
	back := at < r.At()
	if back {
		p.still, p.stillCols = slices.Clone(m.lines()), m.cols
	}
	var about []record.ID
	for _, f := range m.frames {
		if id := views.About(f.view); back && !id.IsZero() {
			about = append(about, id)
		}
	}
	if back && !m.picked.IsZero() {
		about = append(about, m.picked)
	}
	ctx := m.ctx
	return func() tea.Msg {
		err := r.Set(ctx, at)
		return turnedMsg{r.At(), back, notHere(ctx, r, about), err}
	}
}

// notHere are those of records that a replay does not hold.
func notHere(ctx context.Context, r Replay, ids []record.ID) map[record.ID]bool {
	gone := map[record.ID]bool{}
	for _, id := range ids {
		_, err := r.Record(ctx, id)
		var absent *ask.NotFoundError
		gone[id] = errors.As(err, &absent)
	}
	return gone
}

// turned asks for everything again: the clock stands elsewhere.
func (m *model) turned(t turnedMsg) tea.Cmd {
	p, r := m.play, m.replayed()
	p.turning = false
	if t.err != nil {
		p.running, p.still, p.wanted = false, nil, nil
		m.say(text.Bad, "✗ "+t.err.Error())
		return nil
	}
	m.readClock()
	if t.back {
		m.closeLater(t)
	}
	var cmds []tea.Cmd
	for _, f := range slices.Clone(m.frames) {
		if t.back { // what was asked at the later moment and is not answered yet would be an answer from the future
			m.forget(f.id)
		}
		m.at = f.id
		cmds = append(cmds, m.do(f.id, views.Moved(f.view, t.back)))
	}
	_, last := r.Span()
	switch {
	case t.back:
		p.resting = true
		cmds = append(cmds, m.after(backRest, stoodMsg{}))
	case p.wanted != nil:
		cmds = append(cmds, m.goOn())
	}
	switch {
	case p.running && t.at >= last:
		p.running = false
		m.say(text.Plain, "This is the end of the incident. The clock stands; "+m.keyFor(views.MarkBack)+" and "+m.keyFor(views.StepBack)+" put it back.")
	case p.running:
		cmds = append(cmds, m.after(playTick, playedMsg{p.run}))
	}
	return tea.Batch(cmds...)
}

// goOn goes where the clock was to go while it was put elsewhere.
func (m *model) goOn() tea.Cmd {
	next := m.play.wanted
	if next == nil {
		return nil
	}
	m.play.wanted = nil
	return m.turn(*next)
}

// closeLater takes away what cannot be known at an earlier moment: screens about what is not there yet, with those above
// them, the history of places, which keeps screens as they were, and later messages.
func (m *model) closeLater(t turnedMsg) {
	closed := ""
	for i := 1; i < len(m.frames); i++ {
		id := views.About(m.frames[i].view)
		if !t.gone[id] && !views.Passing(m.frames[i].view) {
			continue
		}
		if t.gone[id] {
			closed = "A screen is closed: what it was about has not happened yet."
		}
		for len(m.frames) > i {
			m.remove(m.top().id)
		}
	}
	if t.gone[m.picked] {
		m.picked = record.ID{}
	}
	if zero := m.times.Zero; zero != nil && *zero > t.at {
		m.times.Zero = nil
	}
	m.log.Until(t.at)
	m.places = places{}
	m.visit()
	m.look()
	if closed != "" {
		m.say(text.Plain, closed)
	}
}

// settling is the frame from before a step back, while the answers of the new moment are not here; nil: they are. What
// takes longer than a person notices is waited for on the new frame, which says so.
func (m *model) settling() []text.Line {
	p := m.play
	if p == nil || p.still == nil {
		return nil
	}
	waits := p.turning
	for key, s := range m.slots {
		waits = waits || key.frame != rootFrame && !s.visible() && !s.ask.Quiet
	}
	if !waits || len(p.still) != m.rows || p.stillCols != m.cols {
		p.still = nil
	}
	return p.still
}

// replayKey does what a key means in a replay. It reports whether it means something there.
func (m *model) replayKey(f frame, press views.Press) (tea.Cmd, bool) {
	if m.play == nil {
		return nil, false
	}
	if cmd, used := m.trainingKey(f, press); used {
		return cmd, true
	}
	switch press.Action {
	case views.Freeze:
		return m.pause(), true
	case views.StepBack:
		return m.step(press.Count, false, Replay.Before, "This is where the incident begins."), true
	case views.StepOn:
		return m.step(press.Count, false, Replay.Next, "This is the end of the incident."), true
	case views.MarkBack:
		return m.step(press.Count, true, Replay.Before, "No deploy, alert, rollback, decision or note came before."), true
	case views.MarkOn:
		return m.step(press.Count, true, Replay.Next, "No deploy, alert, rollback, decision or note comes any more."), true
	case views.Slower:
		return m.faster(-max(press.Count, 1)), true
	case views.Faster:
		return m.faster(max(press.Count, 1)), true
	}
	return nil, false
}

// pause stops the clock, or lets it run.
func (m *model) pause() tea.Cmd {
	r := m.replayed()
	if r != nil && !m.play.running {
		if _, last := r.Span(); r.At() >= last {
			m.say(text.Plain, "This is the end of the incident: "+m.keyFor(views.MarkBack)+" and "+m.keyFor(views.StepBack)+" put the clock back.")
			return nil
		}
	}
	return m.setRunning(!m.play.running)
}

// step puts the clock to another arrival, count of them away, and stops it there.
func (m *model) step(count int, marks bool, next func(Replay, record.Time, bool) (record.Time, bool), none string) tea.Cmd {
	r := m.replayed()
	if r == nil {
		m.say(text.Plain, "The incident is still being opened.")
		return nil
	}
	m.setRunning(false)
	from := r.At()
	if m.play.wanted != nil {
		from = *m.play.wanted
	}
	at := from
	for range max(count, 1) {
		there, some := next(r, at, marks)
		if !some {
			break
		}
		at = there
	}
	if at == from {
		m.say(text.Plain, none)
		return nil
	}
	return m.turn(at)
}

// faster takes the speed so many steps up or down.
func (m *model) faster(by int) tea.Cmd {
	speeds := Speeds()
	i, found := slices.BinarySearch(speeds, m.play.speed)
	if !found && by > 0 {
		i-- // between two: one step up is the next higher
	}
	m.play.speed = speeds[min(max(i+by, 0), len(speeds)-1)]
	m.say(text.Plain, fmt.Sprintf("%s of the incident in a second.", views.Ago(time.Duration(m.play.speed)*time.Second)))
	return nil
}

// keyFor is the key of an action as it is shown.
func (m *model) keyFor(a views.Action) string { return m.keymap().Shown(a) }

// replayHints puts the keys of a replay among those of a screen: behind the first, which goes in.
func (m *model) replayHints(hints []views.Hint) []views.Hint {
	switch m.top().view.(type) {
	case views.Overlay, *views.Brief, *views.AnswerView, *views.DebriefView, *views.HelpView:
		return hints
	}
	if m.play == nil || m.typing() || len(hints) < 3 {
		return hints
	}
	word := "play"
	if m.play.running {
		word = "pause"
	}
	more := []views.Hint{{Action: views.Freeze, Word: word}, {Action: views.StepOn, Word: "step"}, {Action: views.MarkOn, Word: "clock to marks"}}
	if m.drill != nil {
		pause := more[:1]
		if !m.opts.Replay.Running {
			pause = nil // all of it is there from the beginning
		}
		more = append([]views.Hint{{Action: views.NameIt, Word: ""}, {Action: views.AnswerKey, Word: ""}, {Action: views.BriefKey, Word: ""}}, pause...)
		if m.drill.session.HandedIn {
			more = []views.Hint{{Action: views.AnswerKey, Word: "debrief"}}
		}
	}
	return slices.Insert(slices.Clone(hints), 1, more...)
}

// replayClock is whether the clock runs and where it stands: shape, word and colour; without the word where it is tight.
func (m *model) replayClock(tight bool) text.Line {
	sign, word, tone := "■", " paused", text.Warn
	if m.play.running {
		sign, word, tone = "▶", fmt.Sprintf(" %d×", m.play.speed), text.OK
	}
	if tight {
		word = ""
	}
	return text.Of(text.Text(tone, sign+word+" "), text.Text(text.Strong, m.times.Clock(m.now)))
}

// replayLine is the context line of a replay. TRAINING and the clock never go. Where it is tight the stopwatch loses its
// goal and the clock its word, then the path its steps, then the stopwatch goes.
func (m *model) replayLine() text.Line {
	fits := func(left, right text.Line) bool { return left.Width()+right.Width()+2 <= m.cols }
	left, right := m.path(0, true), m.replayEnd(false)
	if !fits(left, right) {
		right = m.replayEnd(true)
	}
	for cut := 0; !fits(left, right) && cut < len(m.frames); cut++ {
		left = m.path(cut, false)
	}
	if !fits(left, right) {
		left = text.Of(text.Text(text.Reverse, " TRAINING "+m.opts.Title+" "))
	}
	if !fits(left, right) {
		right = m.replayClock(true)
	}
	for _, part := range m.replayParts() {
		longer := append(append(append(text.Line{}, part...), text.Space(3)), right...)
		if len(part) > 0 && fits(left, append(longer[:len(longer):len(longer)], text.Space(2))) {
			right = longer
		}
	}
	gap := max(m.cols-left.Width()-right.Width()-1, 1)
	return append(append(append(left, text.Space(gap)), right...), text.Space(1)).Cut(m.cols)
}

// replayEnd is what stands at the right end first of all: the stopwatch of a training, and the clock.
func (m *model) replayEnd(tight bool) text.Line {
	watch := m.stopwatch(tight)
	if len(watch) == 0 {
		return m.replayClock(tight)
	}
	gap := 3
	if tight {
		gap = 2
	}
	return append(append(watch, text.Space(gap)), m.replayClock(tight)...)
}

// replayParts stand before those, the dearest first.
func (m *model) replayParts() []text.Line {
	var parts []text.Line
	if m.mask != nil {
		parts = append(parts, text.Of(text.Text(text.Warn, "masked")))
	}
	if !m.picked.IsZero() {
		parts = append(parts, text.Of(text.Text(text.Dim, "picked "), text.Text(text.Key, m.picked.Short())))
	}
	parts = append(parts, text.Of(text.Text(text.Plain, m.times.Day(m.now))))
	if zero := m.times.Zero; zero != nil && within(*zero, m.now, 100*time.Hour) && m.times.Mode != views.Relative {
		parts = append(parts, text.Of(text.Text(text.Plain, views.Since(*zero, m.now))))
	}
	return append(parts, text.Of(text.Text(text.Dim, "read-only")))
}
