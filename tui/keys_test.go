package tui

import (
	"context"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"

	"episteme/views"
)

// cursor is the line of the screen that the cursor stands on.
func (s *session) cursor() string {
	for line := range strings.SplitSeq(s.screen(), "\n") {
		if strings.Contains(line, "▶") {
			return line
		}
	}
	return ""
}

// A burst arrives as one message; each character is a key.
func TestBurstOfKeysIsThatManyKeys(t *testing.T) {
	inSession(t, incident(), 120, 40, func(s *session) {
		s.keys("g")
		s.runes("jjjjj")
		five := s.cursor()
		s.keys("g")
		s.runes("5j")
		if at := s.cursor(); at != five || at == "" {
			t.Errorf("5j stands on %q, jjjjj on %q", at, five)
		}
		s.runes("gj/auth")
		if !s.m.top().view.(*views.Timeline).Typing() {
			t.Error("a slash within a burst did not open the filter")
		}
		s.shows("/auth")
	})
}

func TestCounts(t *testing.T) {
	inSession(t, incident(), 120, 40, func(s *session) {
		s.runes("g10j")
		ten := s.cursor()
		s.runes("g")
		for range 10 {
			s.keys("down")
		}
		if at := s.cursor(); at != ten {
			t.Errorf("10j stands on %q, ten times ↓ on %q", ten, at)
		}
		s.runes("99999999999j")
		last := s.cursor()
		s.keys("G")
		if at := s.cursor(); at != last {
			t.Errorf("a count past the end stands on %q, the end is %q", last, at)
		}
		s.runes("3")
		s.shows(" 3\n")
	})
}

func TestKeyWithoutMeaningChangesNothing(t *testing.T) {
	inSession(t, incident(), 80, 24, func(s *session) {
		before := s.screen()
		for _, k := range []string{"a", "b", "c", "u", "w", "z", "ctrl+s", "ctrl+o", "tab", "ctrl+z", "f1", "f5"} {
			s.keys(k)
			if after := s.screen(); after != before {
				t.Errorf("%q changed the screen:\n%s", k, after)
			}
		}
	})
}

// The ladder: stop what runs, close what is open, clear the filter, go back.
func TestEscapeLadder(t *testing.T) {
	inSession(t, incident(), 80, 24, func(s *session) {
		s.toRoot()
		s.runes("/auth")
		s.keys("enter")
		s.keys("enter")
		s.wait(time.Second)
		s.shows("› contributions", "AGAINST")
		s.keys("?")
		s.shows("› help", "KEYS")
		s.keys("esc")
		s.hides("› help")
		s.shows("› contributions")
		s.keys("esc")
		s.shows("› timeline", "/auth")
		s.keys("esc")
		s.hides("/auth")
		s.shows("61 of 61")
		s.keys("esc")
		s.shows("q twice quits")
		if s.quit {
			t.Error("Esc quit the program")
		}
	})
}

func TestEscapeStopsWhatVisiblyRunsFirst(t *testing.T) {
	f := incident()
	f.before = func(ctx context.Context, method string) error {
		if method == "Provenance" {
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	}
	inSession(t, f, 80, 24, func(s *session) {
		s.toRoot()
		s.keys("p")
		s.wait(400 * time.Millisecond)
		s.shows("following the chain")
		s.keys("esc")
		s.shows("Stopped before anything was found", "› provenance")
		s.keys("esc")
		s.hides("› provenance")
	})
}

func TestGoingBackRestoresTheCursor(t *testing.T) {
	inSession(t, incident(), 80, 24, func(s *session) {
		s.runes("g23j")
		s.wait(time.Second)
		before := s.screen()
		s.keys("enter", "p", "q", "q")
		if after := s.screen(); after != before {
			t.Errorf("after going in and back the screen is another:\n%s\nwas\n%s", after, before)
		}
	})
}

func TestQuitNeedsTwoKeys(t *testing.T) {
	for _, key := range []string{"q", "ctrl+c"} {
		t.Run(key, func(t *testing.T) {
			inSession(t, incident(), 80, 24, func(s *session) {
				s.keys(key)
				s.shows(key + " again quits")
				if s.quit {
					t.Fatal("the first quit")
				}
				s.wait(2500 * time.Millisecond)
				s.hides("again quits")
				s.keys(key)
				if s.quit {
					t.Fatal("the second after 2.5 s quit")
				}
				s.keys("j", key)
				if s.quit {
					t.Fatal("another key between did not disarm it")
				}
				s.keys(key)
				if !s.quit {
					t.Error("the second within 2 s did not quit")
				}
			})
		})
	}
}

// Five keys lead from the first frame to the document that the wrong answer rested on.
func TestKeysToTheRootOfTheTrouble(t *testing.T) {
	inSession(t, incident(), 80, 24, func(s *session) {
		s.keys("[", "enter") // the deploy before the alert, and what it was based on
		s.shows("BASED ON", "ES256")
		s.keys("p") // the chain behind that
		s.shows("security-rfc-2024.md", "5 verified", "1 broken")
		s.runes("3j") // down to the document
		s.wait(time.Second)
		s.shows("Status: DRAFT", "hash of these bytes = recorded hash")
	})
}

func TestMarksAndFindings(t *testing.T) {
	inSession(t, incident(), 120, 40, func(s *session) {
		s.keys("]")
		if at := s.cursor(); !strings.Contains(at, "decoded a failing token") {
			t.Errorf("] stands on %q", at)
		}
		s.runes("]]]")
		s.shows("no later mark")
		s.runes("2[")
		if at := s.cursor(); !strings.Contains(at, "login 5xx") {
			t.Errorf("2[ stands on %q", at)
		}
		s.runes("{")
		if at := s.cursor(); !strings.Contains(at, "ES256") {
			t.Errorf("{ stands on %q, want the query with ✗ and not one with a mere ?", at)
		}
	})
}

func TestTimesAreShownFourWays(t *testing.T) {
	zone := time.FixedZone("", 3600)
	inSessionOf(t, Options{Ask: incident(), Zone: zone}, 120, 40, func(s *session) {
		s.toRoot()
		s.shows("TIME UTC", "21:03:47Z")
		s.keys("T")
		s.shows("TIME LOCAL", "22:03:47+0100")
		s.keys("T")
		s.shows("TIME T+", "-00:05:25", "+00:00:00")
		s.keys("T")
		s.shows("TIME AGO", "1h28m ", "1h28m ago")
		s.keys("T")
		s.shows("TIME UTC")
	})
}

func TestPaste(t *testing.T) {
	inSession(t, incident(), 120, 40, func(s *session) {
		before := s.cursor()
		s.send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("jjjq"), Paste: true})
		if at := s.cursor(); at != before || s.m.armed != "" {
			t.Error("pasted text acted as keys")
		}
		s.keys("/")
		s.send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("ES256\nq"), Paste: true})
		s.settle()
		s.shows("/ES256 q")
	})
}

func TestCopyGoesThroughTheFrame(t *testing.T) {
	inSession(t, incident(), 80, 24, func(s *session) {
		s.toRoot()
		s.keys("y")
		s.shows("episteme show " + rootQuery.String())
		s.keys("enter")
		want := ansi.SetSystemClipboard("episteme://q/" + rootQuery.Hash.String())
		if !strings.HasPrefix(s.m.View(), want) {
			t.Errorf("the frame does not begin with the clipboard's sequence: %q", s.m.View()[:60])
		}
		s.shows("link sent to the clipboard")
		s.wait(time.Second)
		if strings.Contains(s.m.View(), "\x1b]52") {
			t.Error("the sequence is sent again and again")
		}
	})
}
