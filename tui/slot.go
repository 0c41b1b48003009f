package tui

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"episteme/engine/trace/ask"
	"episteme/views"
	"episteme/views/text"
)

const (
	tickEvery  = 150 * time.Millisecond // what is answered before the first tick needs no sign of waiting
	partsAhead = 16                     // parts an answer may be ahead of the screen; then it waits
)

// slotKey names a slot: a question of one view.
type slotKey struct {
	frame int
	name  string
}

// slot is a question under way. A newer question of the same key takes its place: the older is cancelled, and what
// it still answers carries an old id and is dropped.
type slot struct {
	id     uint64
	ask    views.Ask
	ctx    context.Context
	cancel context.CancelFunc
	ticks  int
}

// visible reports whether the screen has said that it waits for this.
func (s *slot) visible() bool { return s.ticks > 0 && !s.ask.Quiet }

// elapsed is counted in ticks, so that it needs no clock.
func (s *slot) elapsed() time.Duration { return time.Duration(s.ticks) * tickEvery }

// slotMsg is a part of an answer, or the last of it.
type slotMsg struct {
	key   slotKey
	id    uint64
	value any
	err   error
	part  bool
	rest  <-chan slotMsg
}

// tickMsg comes while a slot is under way.
type tickMsg struct {
	key slotKey
	id  uint64
}

// restMsg ends a rest, unless a newer one of its key came.
type restMsg struct {
	key slotKey
	id  uint64
}

// start puts a question. The command it returns delivers the first message; each part asks for the next.
func (m *model) start(frame int, q views.Ask) tea.Cmd {
	key := slotKey{frame, q.Slot}
	m.drop(key)
	m.ids++
	ctx, cancel := context.WithCancel(m.ctx)
	s := &slot{id: m.ids, ask: q, ctx: ctx, cancel: cancel}
	m.slots[key] = s
	answers := make(chan slotMsg, partsAhead)
	sight := m.sight()
	question := func(ctx context.Context, in ask.Investigator, part func(any) bool) (any, error) {
		return q.Run(ctx, sight.of(in), part)
	}
	run := func() tea.Msg {
		go m.answer(ctx, slotMsg{key: key, id: s.id, rest: answers}, question, answers)
		return next(ctx, answers)()
	}
	return tea.Batch(run, m.after(tickEvery, tickMsg{key, s.id}))
}

// next waits for what comes next in a slot. A cancelled slot brings nothing.
func next(ctx context.Context, answers <-chan slotMsg) tea.Cmd {
	return func() tea.Msg {
		select {
		case a := <-answers:
			return a
		case <-ctx.Done():
			return nil
		}
	}
}

// answer runs a question to its end. It ends when the question does, which polls ctx.
func (m *model) answer(ctx context.Context, head slotMsg, run views.Question, answers chan<- slotMsg) {
	send := func(a slotMsg) bool {
		select {
		case answers <- a:
			return true
		case <-ctx.Done():
			return false
		}
	}
	value, err := m.evidence.put(ctx, run, func(part any) bool {
		a := head
		a.value, a.part = part, true
		return send(a)
	})
	head.value, head.err = value, err
	send(head)
}

// drop cancels a slot.
func (m *model) drop(key slotKey) {
	if s := m.slots[key]; s != nil {
		s.cancel()
		delete(m.slots, key)
	}
}

// slotAnswered hands an answer to the view that asked.
func (m *model) slotAnswered(a slotMsg) tea.Cmd {
	s := m.slots[a.key]
	if s == nil || s.id != a.id {
		return nil // an answer to a question that nobody asks any more
	}
	var cmds []tea.Cmd
	if a.part {
		cmds = append(cmds, next(s.ctx, a.rest))
	} else {
		m.drop(a.key)
		m.readClock()
		if cmd, gone := m.nothing(a.err); gone {
			return cmd
		}
		if a.err != nil && !s.ask.Quiet {
			m.note(text.Bad, "✗ "+s.ask.Doing+": "+a.err.Error())
		}
	}
	return tea.Batch(append(cmds, m.deliver(a.key.frame, views.Answer{Slot: a.key.name, Value: a.value, Err: a.err, Part: a.part}))...)
}

// slotTicked tells a view that it still waits.
func (m *model) slotTicked(t tickMsg) tea.Cmd {
	s := m.slots[t.key]
	if s == nil || s.id != t.id {
		return nil
	}
	s.ticks++
	doing := s.ask.Doing
	if !m.evidence.ready() {
		doing = "opening the evidence"
	}
	tick := s.ticks
	if m.opts.Still {
		tick = 1
	}
	return tea.Batch(m.after(tickEvery, t), m.deliver(t.key.frame, views.Waiting{
		Slot: t.key.name, Doing: doing, Tick: tick, For: s.elapsed(), Late: s.ask.Budget > 0 && s.elapsed() > s.ask.Budget}))
}

// stopVisible cancels what a frame, or the link, visibly waits for. It reports whether there was anything.
func (m *model) stopVisible(frame int) (tea.Cmd, bool) {
	var cmds []tea.Cmd
	stopped := false
	for key, s := range m.slots {
		if (key.frame == frame || key.frame == rootFrame) && s.visible() {
			stopped = true
			m.drop(key)
			cmds = append(cmds, m.deliver(key.frame, views.Stopped{Slot: key.name}))
		}
	}
	return tea.Batch(cmds...), stopped
}

// rest starts the wait of a Rest; an older one of its key comes to nothing.
func (m *model) rest(frame int, r views.Rest) tea.Cmd {
	m.ids++
	key := slotKey{frame, r.Name}
	m.rests[key] = m.ids
	return m.after(r.Wait, restMsg{key, m.ids})
}

// evidence is the Investigator, which may still be opening. It is opened once; when that fails, by the next question
// again.
type evidence struct {
	ctx  context.Context // of the session
	open func(context.Context) (ask.Investigator, error)

	mu      sync.Mutex
	in      ask.Investigator
	opening chan struct{} // closed when the attempt under way is over
	err     error         // of the last attempt

	over    bool           // guarded by mu: no question is put any more
	running sync.WaitGroup // questions; added to with mu
}

// settleTime is how long a question that was cancelled may take to notice. Each polls its context; a guess.
const settleTime = 2 * time.Second

// settle waits until no question reads the evidence any more: whoever lent it may close it then.
func (e *evidence) settle() {
	e.mu.Lock()
	e.over = true
	e.mu.Unlock()
	done := make(chan struct{})
	go func() {
		e.running.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(settleTime):
	}
}

// begin counts a question in, unless it comes too late.
func (e *evidence) begin() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.over {
		e.running.Add(1)
	}
	return !e.over
}

// ready reports whether questions are answered without waiting for the opening.
func (e *evidence) ready() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.in != nil
}

// put runs a question against the evidence. A panic of the engine is an error of this question and not the end of
// the session.
func (e *evidence) put(ctx context.Context, run views.Question, part func(any) bool) (value any, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = newCrash("a question to the evidence", r, debug.Stack())
		}
	}()
	if !e.begin() {
		return nil, context.Canceled
	}
	defer e.running.Done()
	in, err := e.get(ctx)
	if err != nil {
		return nil, err
	}
	return run(ctx, in, part)
}

// get waits for the evidence. Whoever stops waiting does not stop the opening: the next question will want it.
func (e *evidence) get(ctx context.Context) (ask.Investigator, error) {
	e.mu.Lock()
	if e.in != nil {
		defer e.mu.Unlock()
		return e.in, nil
	}
	if e.opening == nil {
		e.opening = make(chan struct{})
		go e.attempt(e.opening)
	}
	done := e.opening
	e.mu.Unlock()
	select {
	case <-done:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.in, e.err
}

// attempt opens the evidence and tells all who wait.
func (e *evidence) attempt(done chan struct{}) {
	var in ask.Investigator
	var err error
	defer func() {
		if r := recover(); r != nil {
			err = newCrash("opening the evidence", r, debug.Stack())
		}
		if err == nil && in == nil {
			err = fmt.Errorf("open the evidence: nothing was opened")
		}
		e.mu.Lock()
		e.in, e.err, e.opening = in, err, nil
		e.mu.Unlock()
		close(done)
	}()
	in, err = e.open(e.ctx)
}
