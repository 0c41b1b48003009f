package tui

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"episteme/engine/record"
	"episteme/engine/replay"
	"episteme/engine/trace/ask"
	"episteme/fixtures"
	"episteme/fixtures/training"
	"episteme/views"
)

// rehearsal is a session over a real replay, opened in the bubble: its engines have goroutines.
type rehearsal struct {
	*session
	r *replay.Replay
}

// played says how a rehearsal begins.
type played struct {
	fixture    string
	cols, rows int
	at         string // where the clock stands; empty: where the incident begins
	running    bool
	speed      int
	blind      bool
	over       func(training.Debrief) (string, error)
	ascii      bool
}

func inReplay(t *testing.T, p played, f func(*rehearsal)) {
	t.Helper()
	if p.cols == 0 {
		p.cols, p.rows = 120, 40
	}
	synctest.Test(t, func(t *testing.T) {
		fixture, ok := fixtures.ByName(p.fixture)
		if !ok {
			t.Fatalf("no fixture %s", p.fixture)
		}
		r, err := replay.Open(context.Background(), p.fixture, fixture.Events())
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if p.at != "" {
			at, err := record.ParseTime(p.at)
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Set(context.Background(), at); err != nil {
				t.Fatal(err)
			}
		}
		o := Options{Ask: r, Now: func() time.Time { return r.At().Std() }, Title: p.fixture, Training: true, ASCII: p.ascii,
			Replay: &Replaying{Speed: max(p.speed, 1), Running: p.running}}
		if p.blind {
			o.Replay.Training = &Training{Over: p.over, Open: func(context.Context) (*training.Case, error) {
				var known []training.Known
				for _, e := range r.Entries() {
					known = append(known, training.Known{Label: e.Label, ID: e.ID, At: e.At, Words: e.Words})
				}
				return training.New(fixture, known), nil
			}}
		}
		sessionIn(t, o, p.cols, p.rows, func(s *session) { f(&rehearsal{s, r}) })
	})
}

// clock is where the clock stands on the context line.
func (s *rehearsal) clock() string {
	first, _, _ := strings.Cut(s.screen(), "\n")
	return regexp.MustCompile(`\d\d:\d\d:\d\dZ`).FindString(first)
}

// stands checks the clock, on the screen and of the evidence.
func (s *rehearsal) stands(want string) {
	s.t.Helper()
	if got := s.clock(); got != want || s.r.At().Std().Format("15:04:05Z") != want {
		s.t.Errorf("the clock on the screen is %s, of the evidence %s, want %s:\n%s", got, s.r.At(), want, s.screen())
	}
}

func TestReplayRuns(t *testing.T) {
	inReplay(t, played{fixture: "auth-jwt", running: true, speed: 60}, func(s *rehearsal) {
		s.stands("20:30:06Z")
		s.shows(" TRAINING auth-jwt ", "▶ 60× 20:30:06Z", "20:30:06")
		s.hides("LIVE")
		s.wait(10 * time.Second)
		s.stands("20:40:06Z")
		s.shows("20:40:0")
		s.keys(" ")
		s.wait(10 * time.Second)
		s.stands("20:40:06Z")
		s.shows("■ paused")
		s.keys("+", " ")
		s.shows("▶ 120×")
		s.wait(10 * time.Second)
		s.stands("21:00:06Z")
		s.wait(60 * time.Second)
		s.stands("22:31:20Z")
		s.shows("■ paused", "This is the end of the incident.")
		s.keys(" ")
		s.shows("This is the end of the incident: ( and , put the clock back.")
	})
}

func TestReplaySteps(t *testing.T) {
	inReplay(t, played{fixture: "auth-jwt", running: true}, func(s *rehearsal) {
		press := func(keys ...string) { s.keys(keys...); s.wait(200 * time.Millisecond) }
		press(",")
		s.shows("This is where the incident begins.", "■ paused")
		press(".")
		s.stands("20:30:09Z")
		press("5", ".")
		s.stands("20:32:48Z")
		press(",")
		s.stands("20:31:40Z")
		press(")")
		first := s.clock()
		press(")", "(")
		s.stands(first)
		press("9", "9", ")")
		press(")")
		s.shows("No deploy, alert, rollback, decision or note comes any more.")
		press("9", "9", "9", ",")
		s.stands("20:30:06Z")
	})
}

// A key held down goes all the way, however fast it comes, and each moment on the way is drawn.
func TestHeldKeys(t *testing.T) {
	inReplay(t, played{fixture: "auth-jwt", at: "2024-01-15T21:00:04Z"}, func(s *rehearsal) {
		was := s.clock()
		s.runes(strings.Repeat(",", 20))
		s.wait(3 * time.Second)
		back := s.clock()
		s.runes(strings.Repeat(".", 20))
		s.wait(3 * time.Second)
		if s.clock() != was || back >= was {
			t.Errorf("from %s 20 back to %s and 20 on to %s", was, back, s.clock())
		}
		drawn := map[string]bool{}
		for range 20 {
			s.keys(",")
			s.wait(30 * time.Millisecond)
			drawn[s.clock()] = true
		}
		if len(drawn) < 5 {
			t.Errorf("of 20 steps in 0.6 s %d were drawn, want at least 5", len(drawn))
		}
	})
}

// What arrives does not move whoever looks elsewhere: it is counted, as it is live.
func TestReplayCountsWhatIsNew(t *testing.T) {
	inReplay(t, played{fixture: "auth-jwt", at: "2024-01-15T20:45:00Z", running: true, speed: 60}, func(s *rehearsal) {
		s.keys("g")
		top := selectedRow(s.screen())
		s.wait(5 * time.Second)
		s.shows(" new: G")
		if got := selectedRow(s.screen()); got != top {
			t.Errorf("the cursor went from %q to %q", top, got)
		}
		s.keys("G")
		s.hides(" new: G")
		was := selectedRow(s.screen())
		s.wait(5 * time.Second)
		if got := selectedRow(s.screen()); got == was {
			t.Errorf("at the end the cursor stays on %q, want the newest", got)
		}
	})
}

func selectedRow(screen string) string {
	for _, line := range strings.Split(screen, "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "▶") {
			return line
		}
	}
	return ""
}

// A step back never shows the new time over the old rows, nor the old time over the new: the frame changes at once.
func TestStepBackIsOneFrame(t *testing.T) {
	inReplay(t, played{fixture: "auth-jwt", at: "2024-01-15T22:12:20Z"}, func(s *rehearsal) {
		s.toQuery("21:03:47")
		s.shows("NOW", "RS256", "Rejected 22:10:00Z")
		before := s.screen()
		s.send(keyOf("("))
		for range 200 {
			synctest.Wait()
			if got := s.screen(); got != before && strings.Contains(got, "Rejected 22:10") && s.clock() < "22:10:00Z" {
				t.Fatalf("a rejection of 22:10 is shown at %s:\n%s", s.clock(), got)
			}
			select {
			case msg := <-s.msgs:
				s.send(msg)
			default:
			}
		}
		s.settle()
		s.hides("Rejected 22:10")
	})
}

// What was asked before a step back and is answered after it is an answer from the future: nobody gets it.
func TestAnswerFromTheFuture(t *testing.T) {
	inReplay(t, played{fixture: "auth-jwt", at: "2024-01-15T22:12:20Z"}, func(s *rehearsal) {
		s.keys("g")
		for !strings.Contains(selectedRow(s.screen()), "21:03:47") {
			s.keys("j")
		}
		s.run(s.m.deliver(s.m.frames[0].id, views.Rested{Name: "verdict"})) // the cursor rests: the verdict is asked for
		synctest.Wait()                                                     // and answered, but the answer is still on its way
		var late []tea.Msg
		for range 8 {
			select {
			case msg := <-s.msgs:
				late = append(late, msg)
				synctest.Wait()
			default:
			}
		}
		if len(late) == 0 {
			t.Fatal("no answer is on its way: this shows nothing")
		}
		s.send(keyOf("("))
		s.wait(20 * time.Millisecond)
		for _, msg := range late {
			s.send(msg)
		}
		s.wait(2 * time.Second)
		s.shows("BECAUSE", "ES256", "NOW", "the same")
		s.hides("Rejected 22:10")
	})
}

// toQuery puts the cursor of the timeline on the query of a time.
func (s *rehearsal) toQuery(at string) {
	s.t.Helper()
	s.keys("g")
	for range 400 {
		if strings.Contains(selectedRow(s.screen()), at) {
			s.wait(500 * time.Millisecond)
			return
		}
		s.keys("j")
	}
	s.t.Fatalf("no row of %s:\n%s", at, s.screen())
}

// Each screen stays over steps, on the record under its cursor, and shows the new moment.
func TestScreensStayOverSteps(t *testing.T) {
	for keys, crumb := range map[string]string{"enter": "contributions", "p": "provenance", "i": "impact", "x": "what if", "d": "diff", "f": "findings"} {
		t.Run(crumb, func(t *testing.T) {
			inReplay(t, played{fixture: "auth-jwt", at: "2024-01-15T22:31:20Z"}, func(s *rehearsal) {
				s.toQuery("22:04:55")
				s.keys(keys)
				s.wait(time.Second)
				s.shows("› "+crumb, "ES256")
				if crumb == "provenance" {
					s.keys("j", "j")
					s.wait(time.Second)
				}
				if crumb == "findings" || crumb == "impact" {
					s.keys("j", "j", "j", "j", "j", "j")
				}
				under := s.m.top().view.Selected().ID
				for range 3 {
					s.keys("(")
					s.wait(time.Second)
				}
				s.shows("› "+crumb, "ES256")
				s.hides("22:29:", "22:24", "22:10:")
				if got := s.m.top().view.Selected().ID; got != under && s.holds(under) {
					t.Errorf("the cursor went from %s to %s:\n%s", under, got, s.screen())
				}
				s.keys("9", "9", ",") // before the query was asked
				s.wait(time.Second)
				if crumb != "findings" {
					s.hides("› " + crumb)
				}
				s.hides("22:04:55")
			})
		})
	}
}

// Wherever the clock is put, nothing that arrives later stands on any screen, nor its id.
func TestScreensShowNothingOfTheFuture(t *testing.T) {
	for _, name := range []string{"auth-jwt", "ledger-failover"} {
		t.Run(name, func(t *testing.T) {
			inReplay(t, played{fixture: name, cols: 160, rows: 50}, func(s *rehearsal) {
				_, last := s.r.Span()
				s.run(s.m.turn(last))
				s.settle()
				for _, keys := range []string{"", "enter", "p", "i", "x", "f", "M"} {
					if keys != "" {
						s.keys(keys)
					}
					s.wait(time.Second)
					s.keys("7", "(")
					s.wait(time.Second)
					screen := s.screen()
					for _, e := range s.r.Entries() {
						if e.Arrives > s.r.At() && strings.Contains(screen, e.ID.Short()) {
							t.Fatalf("at %s after %q the screen shows %s %s of %s:\n%s", s.r.At(), keys, e.ID.Short(), e.Words, e.Arrives, screen)
						}
					}
					for _, at := range clocksOn(screen) {
						if at > s.clock() {
							t.Fatalf("after %q the screen shows %s:\n%s", keys, at, screen)
						}
					}
				}
			})
		})
	}
}

// holds reports whether a record has arrived.
func (s *rehearsal) holds(id record.ID) bool {
	for _, e := range s.r.Entries() {
		if e.ID == id {
			return e.Arrives <= s.r.At()
		}
	}
	return false
}

// clocksOn are the times of day on a screen.
func clocksOn(screen string) []string {
	return regexp.MustCompile(`\b\d\d:\d\d:\d\dZ`).FindAllString(screen, -1)
}

func TestReplayKeysElsewhere(t *testing.T) {
	inSession(t, incident(), 120, 40, func(s *session) {
		before := s.screen()
		s.keys(",", ".", "(", ")", "+", "-", "a", "A", "b", "u")
		if s.screen() != before {
			t.Errorf("keys of a replay did something without one:\n%s", s.screen())
		}
	})
	inReplay(t, played{fixture: "auth-jwt"}, func(s *rehearsal) {
		s.keys("a")
		s.shows("This is no training: episteme replay auth-jwt --blind is one.")
	})
}

// The clock of an incident brings its first deploy before its first alert: T+ counts from the alert once it is there.
func TestZeroComesWithTheClock(t *testing.T) {
	inReplay(t, played{fixture: "auth-jwt", at: "2024-01-15T21:05:00Z"}, func(s *rehearsal) {
		s.keys("9", "9", ".")
		s.wait(time.Second)
		if zero := s.m.times.Zero; zero == nil || zero.Std().Format(time.TimeOnly) != "21:09:12" {
			t.Errorf("T+ counts from %v, want the alert of 21:09:12", zero)
		}
	})
}

var _ Replay = (*replay.Replay)(nil)
var _ ask.Investigator = Replay(nil)

// replayScenes are the screens of replays and trainings, in the sizes that were designed.
func replayScenes() map[string]struct {
	played
	to func(*rehearsal)
} {
	type scene = struct {
		played
		to func(*rehearsal)
	}
	at := func(clock string) played { return played{fixture: "auth-jwt", at: "2024-01-15T" + clock + "Z"} }
	blind := func() played { p := at("22:31:20"); p.blind = true; return p }
	return map[string]scene{
		"replay-begin":          {at("20:30:06"), func(*rehearsal) {}},
		"replay-paused":         {at("21:10:30"), func(s *rehearsal) { s.toQuery("21:03:47") }},
		"replay-running":        {played{fixture: "auth-jwt", at: "2024-01-15T20:45:00Z", running: true, speed: 60}, func(s *rehearsal) { s.keys("g"); s.wait(5 * time.Second) }},
		"replay-end":            {at("22:31:00"), func(s *rehearsal) { s.keys("5", "."); s.keys(".") }},
		"training-brief":        {blind(), func(*rehearsal) {}},
		"training-hints":        {blind(), func(s *rehearsal) { s.keys("u", "u") }},
		"training-look":         {blind(), func(s *rehearsal) { s.keys("enter"); s.wait(65 * time.Second); s.toQuery("21:03:47"); s.keys("a") }},
		"training-answer-empty": {blind(), func(s *rehearsal) { s.keys("enter", "A") }},
		"training-answer":       {blind(), func(s *rehearsal) { s.answerPartly(); s.keys("A", "j") }},
		"training-answer-type":  {blind(), func(s *rehearsal) { s.answerPartly(); s.keys("A", "/"); s.runes("q_7f3a") }},
		"training-debrief":      {blind(), func(s *rehearsal) { s.answerPartly(); s.keys("A", "G", "enter", "enter") }},
		"training-debrief-2":    {blind(), func(s *rehearsal) { s.answerPartly(); s.keys("A", "G", "enter", "enter", "ctrl+d", "ctrl+d") }},
	}
}

// answerPartly plays some of the way: one flipped query found, one named that did not flip, a false root.
func (s *rehearsal) answerPartly() {
	s.keys("enter")
	s.wait(12 * time.Second)
	s.toQuery("21:03:47")
	s.keys("a")
	s.wait(40 * time.Second)
	s.keys("p", "j")
	s.wait(3 * time.Second)
	s.keys("a", "q", "u", "u", "enter")
	s.toQuery("21:36:05")
	s.wait(20 * time.Second)
	s.keys("a")
}

func TestReplayGolden(t *testing.T) {
	for name, sc := range replayScenes() {
		for _, size := range [][2]int{{120, 40}, {80, 24}, {40, 12}} {
			file := fmt.Sprintf("%s_%dx%d", name, size[0], size[1])
			t.Run(file, func(t *testing.T) {
				p := sc.played
				p.cols, p.rows = size[0], size[1]
				inReplay(t, p, func(s *rehearsal) {
					sc.to(s)
					compare(t, filepath.Join("testdata", file+".txt"), s.screen())
				})
			})
		}
	}
}

func TestReplaySizes(t *testing.T) {
	for name, sc := range replayScenes() {
		t.Run(name, func(t *testing.T) {
			p := sc.played
			p.cols, p.rows = 100, 30
			inReplay(t, p, func(s *rehearsal) {
				sc.to(s)
				for _, c := range []int{20, 37, 39, 40, 54, 60, 71, 72, 80, 88, 99, 100, 105, 120, 140, 173, 200} {
					for _, r := range []int{8, 9, 10, 12, 15, 16, 19, 24, 33, 36, 47, 60} {
						s.m.cols, s.m.rows = c, r
						s.m.look()
						checkFrame(t, s.m.lines(), c, r)
						if t.Failed() {
							return
						}
					}
				}
			})
		})
	}
}

// At every width from the least, the context line has TRAINING and the clock.
func TestReplayLineKeepsTheClock(t *testing.T) {
	for _, f := range fixtures.All() {
		inReplay(t, played{fixture: f.Name, running: true, speed: 3600, blind: true}, func(s *rehearsal) {
			s.keys("enter")
			for c := colsMin; c <= 200; c++ {
				s.m.cols = c
				s.m.look()
				line := s.m.lines()[0]
				if got := line.String(); !strings.Contains(got, "TRAINING "+f.Name) || !strings.Contains(got, "▶") || s.clock() == "" || line.Width() > c {
					t.Fatalf("%s at %d cells: %q", f.Name, c, got)
				}
			}
		})
	}
}
