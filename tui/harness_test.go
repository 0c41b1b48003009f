package tui

import (
	"context"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"episteme/engine/trace/ask"
	"episteme/views"
)

// session drives a model without a terminal, in a synctest bubble: time stands still but for wait, and a step ends
// when nothing is left to do.
type session struct {
	t    *testing.T
	m    *model
	msgs chan tea.Msg
	done chan struct{}
	quit bool
	back map[string]string // of a keymap of its own, by the keys as they come
}

// inSession runs f with a session of a size over an Investigator.
func inSession(t *testing.T, in ask.Investigator, cols, rows int, f func(*session)) {
	t.Helper()
	inSessionOf(t, Options{Ask: in}, cols, rows, f)
}

func inSessionOf(t *testing.T, o Options, cols, rows int, f func(*session)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { sessionIn(t, o, cols, rows, f) })
}

// sessionIn runs f with a session in a bubble that is there already.
func sessionIn(t *testing.T, o Options, cols, rows int, f func(*session)) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s := &session{t: t, msgs: make(chan tea.Msg), done: make(chan struct{})}
	defer func() { cancel(); close(s.done) }()
	if o.Now == nil {
		o.Now = func() time.Time { return ending }
	}
	o.Output = io.Discard
	if o.Title == "" {
		o.Title, o.Training = "auth-jwt", true
	}
	s.m = newModel(ctx, o, newTheme(io.Discard, paletteOf("dark", ""), true, o.ASCII), cols, rows)
	s.m.after = s.after
	s.run(s.m.Init())
	s.settle()
	f(s)
}

// after is tea.Tick, but for its end: no timer may outlive the bubble.
func (s *session) after(d time.Duration, msg tea.Msg) tea.Cmd {
	return func() tea.Msg {
		select {
		case <-time.After(d):
			return msg
		case <-s.done:
			return nil
		}
	}
}

// run runs a command as bubbletea does: batches at once, each on its own goroutine.
func (s *session) run(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	go func() {
		switch msg := cmd().(type) {
		case nil:
		case tea.BatchMsg:
			for _, c := range msg {
				s.run(c)
			}
		default:
			select {
			case s.msgs <- msg:
			case <-s.done:
			}
		}
	}()
}

// settle handles messages until nothing moves any more. Nothing waits for time here.
func (s *session) settle() {
	for {
		synctest.Wait()
		select {
		case msg := <-s.msgs:
			s.send(msg)
		default:
			return
		}
	}
}

func (s *session) send(msg tea.Msg) {
	if _, ok := msg.(tea.QuitMsg); ok {
		s.quit = true
		return
	}
	_, cmd := s.m.Update(msg)
	s.run(cmd)
}

// wait lets time pass in steps that no tick is longer than.
func (s *session) wait(d time.Duration) {
	for ; d > 0; d -= 10 * time.Millisecond {
		time.Sleep(10 * time.Millisecond)
		s.settle()
	}
}

// keys presses keys, a word each; runes is what a terminal delivers in one read.
func (s *session) keys(names ...string) {
	for _, name := range names {
		if k, other := s.back[name]; other && !s.m.typing() {
			name = k
		}
		s.send(keyOf(name))
		s.settle()
	}
}

func (s *session) runes(text string) {
	if s.back != nil { // one by one: a field takes them as they are
		for _, r := range text {
			s.keys(string(r))
		}
		return
	}
	s.send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(text)})
	s.settle()
}

func keyOf(name string) tea.KeyMsg {
	for t := tea.KeyType(-120); t < 128; t++ {
		if t != tea.KeyRunes && (tea.KeyMsg{Type: t}).String() == name {
			return tea.KeyMsg{Type: t}
		}
	}
	return tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(name)}
}

// screen is the frame as plain text.
func (s *session) screen() string {
	lines := make([]string, 0, s.m.rows)
	for _, l := range s.m.lines() {
		lines = append(lines, l.String())
	}
	return strings.Join(lines, "\n") + "\n"
}

func (s *session) shows(wanted ...string) {
	s.t.Helper()
	screen := s.screen()
	for _, w := range wanted {
		if !strings.Contains(screen, w) {
			s.t.Errorf("the screen does not show %q:\n%s", w, screen)
		}
	}
}

func (s *session) hides(unwanted ...string) {
	s.t.Helper()
	screen := s.screen()
	for _, w := range unwanted {
		if strings.Contains(screen, w) {
			s.t.Errorf("the screen shows %q:\n%s", w, screen)
		}
	}
}

// toRoot puts the cursor on the query behind the deploy: from the alert at the start one mark back, and a row up.
func (s *session) toRoot() {
	s.keys("[", "k")
	s.wait(300 * time.Millisecond)
}

var _ views.Typist = (*views.Timeline)(nil)
