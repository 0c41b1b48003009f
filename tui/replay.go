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
	Running bool // from the beginning on

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
	wanted  *record.Time // where it is to go when that is done; nil: nowhere

	zero    record.Time  // from which T+ counted last, by the timeline; 0: it does not yet

	// still is the frame from before a step back. It stays on the screen until the first answers of the new moment are
	// here: what the screens hold meanwhile is neither the one moment nor the other.
	still []text.Line
}

// mayZero reports whether the timeline may count T+ from another moment: in a replay, whose clock brings the incident's
// first alert after its first deploy, as long as nobody has typed one.
func (p *play) mayZero(shown, found record.Time) bool {
	if p == nil || p.zero != 0 && p.zero != shown {
		return false
	}
	p.zero = found
	return true
}

// replayMsg is what only a replay sends itself.
type replayMsg interface{ replay() }

type (
	playedMsg struct{ run uint64 } // a tick
	turnedMsg struct {             // the clock stands somewhere
		at   record.Time
		back bool
		gone map[record.ID]bool // what screens are about and is not there any more
		err  error
	}
)

func (playedMsg) replay() {}
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
	if r.Running {
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
	case r == nil, p.turning: // still being opened, or put elsewhere
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
	if p.turning {
		p.wanted = &at
		return nil
	}
	p.turning = true
	back := at < r.At()
	if back {
		p.still = slices.Clone(m.lines())
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
		p.running, p.still = false, nil
		m.say(text.Bad, "✗ "+t.err.Error())
		return nil
	}
	m.readClock()
	if t.back {
		m.closeLater(t)
	}
	var cmds []tea.Cmd
	for _, f := range slices.Clone(m.frames) {
		m.at = f.id
		cmds = append(cmds, m.do(f.id, views.Moved(f.view, t.back)))
	}
	_, last := r.Span()
	switch {
	case p.wanted != nil:
		next := *p.wanted
		p.wanted = nil
		cmds = append(cmds, m.turn(next))
	case p.running && t.at >= last:
		p.running = false
		m.say(text.Plain, "This is the end of the incident. The clock stands; "+m.keyFor(views.MarkBack)+" and "+m.keyFor(views.StepBack)+" put it back.")
	case p.running:
		cmds = append(cmds, m.after(playTick, playedMsg{p.run}))
	}
	return tea.Batch(cmds...)
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
			closed = id.Short() + " is not there yet: its screen is closed."
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
		waits = waits || key.frame != rootFrame && !s.visible()
	}
	if !waits || len(p.still) != m.rows {
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
func (m *model) keyFor(a views.Action) string { return shownKey(m.keymap(), a) }

// replayClock is whether the clock runs and where it stands: shape, word and colour.
func (m *model) replayClock() text.Line {
	sign, tone := "■ paused", text.Warn
	if m.play.running {
		sign, tone = fmt.Sprintf("▶ %d×", m.play.speed), text.OK
	}
	return text.Of(text.Text(tone, sign+" "), text.Text(text.Strong, m.times.Clock(m.now)))
}

// replayLine is the context line of a replay. TRAINING and the clock never go; the steps of the path go before them.
func (m *model) replayLine() text.Line {
	clock := m.replayClock()
	left := m.path(0, true)
	for cut := 0; left.Width()+clock.Width()+2 > m.cols && cut < len(m.frames); cut++ {
		left = m.path(cut, false)
	}
	if left.Width()+clock.Width()+2 > m.cols {
		left = text.Of(text.Text(text.Reverse, " TRAINING "+m.opts.Title+" "))
	}
	if left.Width()+clock.Width()+2 > m.cols { // the sign says it without its word
		sign := "■ "
		if m.play.running {
			sign = "▶ "
		}
		clock = text.Of(text.Text(clock[0].Tone(), sign), clock[1])
	}
	right := clock
	for _, part := range m.replayParts() {
		longer := append(append(append(text.Line{}, part...), text.Space(3)), right...)
		if len(part) == 0 || left.Width()+longer.Width()+2 > m.cols {
			continue
		}
		right = longer
	}
	gap := max(m.cols-left.Width()-right.Width()-1, 1)
	return append(append(append(left, text.Space(gap)), right...), text.Space(1)).Cut(m.cols)
}

// replayParts stand before the clock, the dearest first.
func (m *model) replayParts() []text.Line {
	parts := []text.Line{m.stopwatch()}
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
