package tui

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
	"episteme/views"
	"episteme/views/text"
)

func TestLinkOpensWhatItNames(t *testing.T) {
	tests := []struct {
		name, link string
		want       []string
	}{
		{"an audit opens its contributions", "episteme://q/" + rootQuery.Hash.String()[:8] + "?as_of=2024-01-15T21:03:47Z", []string{"› contributions", "AGAINST", "RS256"}},
		{"another record opens its provenance", es256.String(), []string{"› provenance"}},
		{"what is not there is said, over the timeline", "q_ffffffff", []string{"no record q_ffffffff here", "› timeline"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inSessionOf(t, Options{Ask: incident(), Link: tt.link}, 120, 40, func(s *session) { s.shows(tt.want...) })
		})
	}
}

// The engine may still be opening when the first frame is drawn; a failed opening is tried again by a key.
func TestOpening(t *testing.T) {
	attempts := 0
	open := func(ctx context.Context) (ask.Investigator, error) {
		attempts++
		if attempts == 1 {
			time.Sleep(time.Second)
			return nil, errors.New("open /var/ep: the store is being rebuilt")
		}
		return incident(), nil
	}
	inSessionOf(t, Options{Open: open}, 80, 24, func(s *session) {
		checkFrame(t, s.m.lines(), 80, 24)
		s.wait(300 * time.Millisecond)
		s.shows("opening the evidence")
		s.wait(time.Second)
		s.shows("could not be read", "the store is being rebuilt")
		s.keys("enter")
		s.wait(time.Second)
		s.shows("61 of 61")
		if attempts != 2 {
			t.Errorf("opened %d times, want 2", attempts)
		}
	})
}

func TestLateAnswersAreDropped(t *testing.T) {
	waits := incident()
	waits.before = func(ctx context.Context, method string) error {
		if method == "Verdict" {
			<-ctx.Done()
		}
		return nil
	}
	inSession(t, waits, 80, 24, func(s *session) {
		s.toRoot()
		key := slotKey{s.m.top().id, "verdict"}
		if s.m.slots[key] == nil {
			t.Fatal("no verdict is under way")
		}
		answer := slotMsg{key: key, id: s.m.slots[key].id, value: ask.Verdict{Audit: rootVerdict().Audit, Recomputed: ask.Differs}}
		older := answer
		older.id--
		s.send(older)
		s.settle()
		s.hides("DIFFERS")
		s.send(answer)
		s.settle()
		s.shows("DIFFERS") // the same answer is shown when it is the one that is waited for
	})

	// An answer that ignores its cancelled context still comes too late to be shown.
	f := incident()
	started := 0
	f.before = func(ctx context.Context, method string) error {
		if method == "Verdict" {
			if started++; started == 1 {
				time.Sleep(5 * time.Second)
			}
		}
		return nil
	}
	inSession(t, f, 80, 24, func(s *session) {
		s.toRoot() // asks the first verdict, which takes 5 s
		s.keys("k")
		s.wait(400 * time.Millisecond) // asks the second
		second := s.screen()
		if started != 2 {
			t.Fatalf("%d verdicts were asked, want 2", started)
		}
		s.wait(6 * time.Second)
		if got := s.screen(); got != second {
			t.Errorf("the late answer changed the screen:\n%s", got)
		}
	})
}

// broken is a view that is wrong.
type broken struct{ views.CopyView }

func (*broken) Crumb() string          { return "broken" }
func (*broken) SetLook(views.Look)     {}
func (*broken) Height(int) int         { return 3 }
func (*broken) Status() text.Line      { return nil }
func (*broken) Hints() []views.Hint    { return nil }
func (*broken) Selected() views.Target { return views.Target{} }
func (b *broken) Lines() []text.Line   { var none []text.Line; return none[3:4] }
func (b *broken) Handle(m views.Msg) ([]views.Do, bool) {
	if _, ok := m.(views.Press); ok {
		panic("wrong again")
	}
	return nil, false
}

func TestPanicBecomesAScreen(t *testing.T) {
	inSession(t, incident(), 80, 24, func(s *session) {
		s.m.push(&broken{})
		if frame := s.m.View(); !strings.Contains(frame, "This screen broke off") || strings.Count(frame, "\n") != 23 {
			t.Errorf("a panic in View drew %q", frame)
		}
		s.keys("enter")
		s.shows("› timeline", "61 of 61")
		s.m.push(&broken{})
		s.keys("j")
		s.shows("This screen broke off", "wrong again")
		s.keys("q")
		if !s.quit {
			t.Error("q did not quit")
		}
	})
}

func TestPanicOfTheEngineIsAnErrorOfTheQuestion(t *testing.T) {
	f := incident()
	f.before = func(_ context.Context, method string) error {
		if method == "Provenance" {
			panic("index out of range")
		}
		return nil
	}
	inSession(t, f, 80, 24, func(s *session) {
		s.keys("p")
		s.shows("could not be followed", "a defect of episteme")
		s.keys("q")
		s.shows("61 of 61")
	})
}

func TestIdleFramesAreEqual(t *testing.T) {
	inSession(t, incident(), 120, 40, func(s *session) {
		s.toRoot()
		first := s.m.View()
		s.wait(5 * time.Second)
		if s.m.View() != first {
			t.Error("the frame changes by itself")
		}
	})
}

func TestASCIIHasNothingElse(t *testing.T) {
	for _, sc := range scenes() {
		t.Run(sc.name, func(t *testing.T) {
			inSessionOf(t, Options{Ask: sc.in(), ASCII: true}, 80, 24, func(s *session) {
				sc.to(s)
				for i, line := range strings.Split(ansi.Strip(s.m.View()), "\n") {
					if !isASCII(line) {
						t.Errorf("line %d: %q", i, line)
					}
					if len(line) > 80 {
						t.Errorf("line %d is %d cells wide: %q", i, len(line), line)
					}
				}
			})
		})
	}
}

func TestPlain(t *testing.T) {
	var b strings.Builder
	o := Options{Ask: incident(), Title: "auth-jwt", Training: true, Now: func() time.Time { return ending }}
	if err := Plain(context.Background(), o, &b, 100); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"TRAINING auth-jwt", "20:30:00", "22:28:59", "deploy auth-service config 41", "61 of 61 queries"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "\x1b") {
		t.Error("plain lines hold an escape sequence")
	}

	f := incident()
	v := f.verdicts[rootQuery]
	for i := range 200 {
		w := v.Against[0]
		w.Value = record.TextObject(fmt.Sprint("value-", i))
		v.Against = append(v.Against, w)
	}
	f.verdicts[rootQuery] = v
	o.Ask, o.Link = f, rootQuery.String()
	b.Reset()
	if err := Plain(context.Background(), o, &b, 100); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"value-0 ", "value-199 ", "NOT ADMITTED", "HS256", "asked here", "WEIGHT"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}

	f = incident()
	f.before = func(_ context.Context, method string) error {
		if method == "Audits" {
			return errors.New("disk is gone")
		}
		return nil
	}
	o.Ask, o.Link = f, ""
	b.Reset()
	if err := Plain(context.Background(), o, &b, 100); err == nil || !strings.Contains(b.String(), "disk is gone") {
		t.Errorf("error %v, screen\n%s", err, b.String())
	}
}

// A terminal that does not know its size says 0x0: that is no size to draw for.
func TestSizeOfNothingIsIgnored(t *testing.T) {
	inSession(t, incident(), 80, 24, func(s *session) {
		before := s.screen()
		for _, size := range []tea.WindowSizeMsg{{}, {Width: 80}, {Height: 24}, {Width: -1, Height: -1}} {
			s.send(size)
			if after := s.screen(); after != before {
				t.Errorf("%v changed the screen:\n%s", size, after)
			}
		}
	})
}
