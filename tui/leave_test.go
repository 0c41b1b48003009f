package tui

import (
	"context"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"episteme/views"
	"episteme/views/text"
)

// Leaving several screens with many q, at once or one by one as a key repeats, stops at the first screen.
func TestLeavingIsNotQuitting(t *testing.T) {
	tests := []struct {
		name string // says the rule
		do   func(*session)
		quit bool
	}{
		{"a burst", func(s *session) { s.keys("enter", "p"); s.runes("qqqqq") }, false},
		{"a key held down", func(s *session) {
			s.keys("enter", "p")
			for range 30 {
				s.keys("q")
				s.wait(30 * time.Millisecond)
			}
		}, false},
		{"a pause, and then q twice", func(s *session) { s.keys("enter"); s.runes("qqq"); s.wait(time.Second); s.keys("q", "q") }, true},
		{"another key, and then q twice", func(s *session) { s.keys("enter"); s.runes("qjqq") }, true},
		{"q twice at the first screen, read at once", func(s *session) { s.runes("qq") }, true},
		{"a digit between", func(s *session) { s.runes("q5q") }, false},
		{"a paste between", func(s *session) {
			s.keys("q")
			s.send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("x"), Paste: true})
			s.keys("q")
		}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inSession(t, incident(), 80, 24, func(s *session) {
				tt.do(s)
				if s.quit != tt.quit {
					t.Errorf("quit: %v, want %v", s.quit, tt.quit)
				}
				if len(s.m.frames) != 1 {
					t.Errorf("%d screens are left, want the first", len(s.m.frames))
				}
			})
		})
	}
}

func TestEscapeTakesBackACount(t *testing.T) {
	inSession(t, incident(), 80, 24, func(s *session) {
		s.toRoot()
		s.keys("enter")
		s.wait(time.Second)
		s.runes("5")
		s.keys("esc")
		s.shows("› contributions")
		if s.m.count != 0 {
			t.Errorf("the count is still %d", s.m.count)
		}
		s.keys("esc")
		s.hides("› contributions")
	})
}

// fragile is a view that panics as long as it is told to.
type fragile struct {
	broken
	bad *bool
}

func (*fragile) Crumb() string { return "fragile" }
func (f *fragile) Lines() []text.Line {
	if *f.bad {
		panic("cannot draw")
	}
	return nil
}

func (f *fragile) Handle(m views.Msg) ([]views.Do, bool) {
	if _, ok := m.(views.Rested); ok {
		panic("cannot rest")
	}
	return nil, false
}

// After a crash Enter takes away the screen that broke and no other; the first screen is loaded again.
func TestWayOutOfACrash(t *testing.T) {
	inSession(t, incident(), 80, 24, func(s *session) {
		bad := true
		s.m.frames[0].view = &fragile{bad: &bad}
		s.m.View()
		s.shows("This screen broke off", "↵ load it again")
		s.keys("enter")
		s.wait(time.Second)
		if s.quit {
			t.Fatal("Enter quit the program")
		}
		s.shows("› timeline", "61 of 61")
	})
	inSession(t, incident(), 80, 24, func(s *session) {
		bad := false
		s.m.push(&fragile{bad: &bad})
		lower := s.m.top().id
		s.m.push(views.NewHelp("timeline", nil))
		s.m.rests[slotKey{lower, "x"}] = 7
		s.send(restMsg{slotKey{lower, "x"}, 7})
		s.shows("cannot rest", "↵ go on without the screen that broke")
		s.keys("enter")
		s.shows("› timeline › help")
		s.hides("fragile")
	})
	inSession(t, incident(), 80, 24, func(s *session) {
		bad := true
		s.m.push(&fragile{bad: &bad})
		s.m.View()
		s.shows("↵ back to timeline")
	})
}

// What a link names opens when it is found, but not below the hands of somebody who types.
func TestLateLink(t *testing.T) {
	slow := func(d time.Duration) *fake {
		f := incident()
		f.before = func(ctx context.Context, method string) error {
			if method == "Identify" {
				select {
				case <-time.After(d):
				case <-ctx.Done():
				}
			}
			return nil
		}
		return f
	}
	link := "episteme://q/" + rootQuery.Hash.String()[:8]
	inSessionOf(t, Options{Ask: slow(2 * time.Second), Link: link}, 80, 24, func(s *session) {
		s.wait(time.Second)
		s.shows("finding q_", "esc stops it")
		s.runes("/ES2")
		s.wait(3 * time.Second)
		s.shows("/ES2", "› timeline", "opens when the field is closed")
		s.hides("› contributions")
		s.runes("56")
		s.shows("/ES256")
		s.keys("enter")
		s.shows("› contributions")
		s.keys("esc")
		s.shows("/ES256")
		s.hides("opens when the field is closed")
	})
	inSessionOf(t, Options{Ask: slow(time.Hour), Link: link}, 80, 24, func(s *session) {
		s.wait(time.Second)
		s.keys("esc")
		s.shows("Stopped.")
		s.keys("j")
		s.hides("finding q_")
		if s.m.slots[slotKey{rootFrame, linkSlot}] != nil {
			t.Error("it is still looked for")
		}
		if strings.Contains(s.screen(), "› contributions") {
			t.Error("it opened")
		}
	})
}
