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

// cursor is the line of the screen that the cursor stands on.
func (s *session) cursor() string {
	for line := range strings.SplitSeq(s.screen(), "\n") {
		if strings.Contains(line, "▶") {
			return line
		}
	}
	return ""
}

func TestFirstScreenStandsOnTheNewestDeployOrAlert(t *testing.T) {
	inSession(t, incident(), 120, 40, func(s *session) {
		if at := s.cursor(); !strings.Contains(at, "login 5xx") {
			t.Errorf("the cursor stands on %q, want the alert", at)
		}
		s.shows("61 of 61 queries", "all received shown", "20:30Z … 22:32Z", "TRAINING auth-jwt", "read-only")
		s.hides("LIVE")
	})
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
		for _, k := range []string{"i", "x", "t", "v", "d", "f", "e", "m", ":", "S", "n", "N", "<", ">", "ctrl+s", "tab", "f1", "z"} {
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

func TestTimesAreShownThreeWays(t *testing.T) {
	zone := time.FixedZone("", 3600)
	inSessionOf(t, Options{Ask: incident(), Zone: zone}, 120, 40, func(s *session) {
		s.toRoot()
		s.shows("TIME UTC", "21:03:47Z")
		s.keys("T")
		s.shows("TIME LOCAL", "22:03:47+0100")
		s.keys("T")
		s.shows("TIME T+", "-00:05:25", "+00:00:00")
		s.keys("T")
		s.shows("TIME UTC")
	})
}

func TestFilter(t *testing.T) {
	tests := []struct {
		name   string // says the rule
		typed  string
		want   string
		absent string
	}{
		{"words are looked for everywhere, in any case", "signing ES256", "1 of 65 shown", "drain_seconds ·"},
		{"a field takes a glob", "agent:deploy*", "signing_algorithm", "support-agent  "},
		{"! excludes", "agent:deploy* !told:ES256", "deploy auth-service", "signing_algorithm  ES256"},
		{"- excludes", "subject:auth/** -predicate:signing_algorithm", "issuer", "auth/jwt · signing_algorithm"},
		{"a finding goes by its code and its word", "finding:retracted", "1 of 65 shown", "issuer"},
		{"an unknown field is said", "agnet:x", "agnet: is no field", ""},
		{"nothing left is said", "zzz", "Nothing matches", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inSession(t, incident(), 120, 40, func(s *session) {
				s.runes("/" + tt.typed)
				s.shows(tt.want)
				if tt.absent != "" {
					s.hides(tt.absent)
				}
			})
		})
	}
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

// Older records than the window's are one key away, and said to be there.
func TestWindowReachesBackFurther(t *testing.T) {
	f := incident()
	f.audits, f.events = nil, nil
	for i := range 40 {
		f.audits = append(f.audits, ask.Audit{ID: idOf(record.KindAudit, fmt.Sprint("hour", i)), Agent: "a", Subject: "s", Predicate: fmt.Sprint("hour", i),
			Timestamp: record.Time(ending.Add(-time.Duration(i) * time.Hour).UnixNano())})
	}
	inSession(t, f, 120, 40, func(s *session) {
		s.shows("7 of 7 queries", "16:32Z … 22:32Z")
		s.keys("g", "k")
		s.shows("Older records lie before 2024-01-15 16:32:00Z: g reads 24 h")
		at := s.cursor()
		s.keys("g")
		s.shows("25 of 25 queries", "2024-01-14 22:32Z … 2024-01-15 22:32Z")
		if got := s.cursor(); !strings.Contains(got, "hour6") {
			t.Errorf("the cursor moved from %q to %q", at, got)
		}
		s.keys("g", "g")
		s.shows("40 of 40 queries")
		s.keys("g", "k")
		s.hides("Older records")
	})
}

// What is stopped half way says so, keeps what it has, and goes on by a key.
func TestStoppedPages(t *testing.T) {
	f := incident()
	f.audits, f.events = nil, nil
	for i := range 1500 {
		f.audits = append(f.audits, ask.Audit{ID: idOf(record.KindAudit, fmt.Sprint("page", i)), Agent: "a", Subject: "s", Predicate: fmt.Sprint("p", i),
			Timestamp: record.Time(ending.Add(-time.Duration(i) * time.Second).UnixNano())})
	}
	pages := 0
	f.before = func(ctx context.Context, method string) error {
		if method == "Audits" {
			if pages++; pages == 3 {
				<-ctx.Done()
			}
		}
		return nil
	}
	inSession(t, f, 120, 40, func(s *session) {
		s.keys("g")
		s.wait(time.Second)
		s.shows("1,000 of 1,500 queries", "reading older queries")
		s.keys("esc")
		s.shows("Stopped.", "older queries are missing")
		s.keys("g")
		s.wait(time.Second)
		s.shows("1,500 of 1,500 queries", "all received shown")
		s.hides("missing")
	})
}

// What is recorded while the interface is open appears by itself; the cursor stays where it is, unless it stood at
// the end.
func TestFollowing(t *testing.T) {
	f := incident()
	now := ending
	arrive := func() {
		now = now.Add(time.Second)
		f.lsn = f.applied() + 1
		f.audits = append([]ask.Audit{{ID: idOf(record.KindAudit, fmt.Sprint("new", f.lsn)), Agent: "carol", Subject: "fresh", Predicate: fmt.Sprint("news", f.lsn),
			Timestamp: record.Time(now.UnixNano()), Lens: "consensus"}}, f.audits...)
	}
	inSessionOf(t, Options{Ask: f, Title: "prod", Live: true, Now: func() time.Time { return now }}, 120, 40, func(s *session) {
		s.shows("LIVE", "61 of 61", "login 5xx")
		s.hides("TRAINING")
		before := s.cursor()
		arrive()
		s.wait(3 * time.Second)
		s.shows("62 of 62")
		if at := s.cursor(); at != before {
			t.Errorf("news moved the cursor to %q", at)
		}
		s.keys("G")
		arrive()
		s.wait(3 * time.Second)
		if at := s.cursor(); !strings.Contains(at, "news302") {
			t.Errorf("the cursor at the end did not follow: %q", at)
		}
		f.before = func(ctx context.Context, method string) error { // a verdict that never comes holds nothing up
			if method == "Verdict" {
				<-ctx.Done()
			}
			return nil
		}
		arrive()
		s.wait(5 * time.Second)
		s.shows("64 of 64")
		s.keys("k") // a verdict is under way from now on
		s.wait(time.Second)
		arrive()
		s.wait(5 * time.Second)
		s.shows("65 of 65")
		f.before = func(ctx context.Context, method string) error {
			<-ctx.Done()
			return nil
		}
		s.keys("esc")
		s.wait(5 * time.Second) // a look for news is under way, which nobody sees
		s.keys("esc")
		s.shows("q twice quits", "not live")
		f.before = nil
		s.keys("G")
		s.wait(15 * time.Second)
		s.shows("LIVE")
		frame := s.m.View()
		s.wait(20 * time.Second)
		if s.m.View() != frame {
			t.Error("without news the frame changed")
		}
		f.before = func(context.Context, string) error { return errors.New("the server is gone") }
		s.wait(3 * time.Second)
		s.shows("not live")
		s.hides("LIVE")
		f.before = nil
		s.wait(3 * time.Second)
		s.shows("LIVE")
	})
}

// A cursor that runs over many rows asks for one verdict: where it rests.
func TestVerdictIsAskedAtRest(t *testing.T) {
	f, asked := incident(), 0
	f.before = func(_ context.Context, method string) error {
		if method == "Verdict" {
			asked++
		}
		return nil
	}
	inSession(t, f, 80, 24, func(s *session) {
		s.keys("g")
		for range 10 {
			s.keys("j")
			s.wait(50 * time.Millisecond)
		}
		s.wait(time.Second)
		if asked != 1 {
			t.Errorf("%d verdicts were asked, want 1", asked)
		}
		s.keys("k")
		s.wait(time.Second)
		s.keys("j")
		s.wait(time.Second)
		if asked != 2 {
			t.Errorf("%d verdicts were asked, want 2: the first is remembered", asked)
		}
	})
}

func TestPagesAreReadAsTheyAreWanted(t *testing.T) {
	f := incident()
	f.audits, f.events = nil, nil
	for i := range 3000 {
		f.audits = append(f.audits, ask.Audit{ID: idOf(record.KindAudit, fmt.Sprint("page", i)), Agent: "a", Subject: "s", Predicate: fmt.Sprint("p", i),
			Timestamp: record.Time(ending.Add(-time.Duration(i) * time.Second).UnixNano())})
	}
	inSession(t, f, 120, 40, func(s *session) {
		s.shows("500 of 3,000 queries", "older ones not read yet")
		before := s.cursor()
		s.keys("g")
		s.wait(time.Second)
		s.shows("3,000 of 3,000 queries", "all received shown")
		s.keys("G")
		if at := s.cursor(); at != before {
			t.Errorf("the newest row is %q, was %q", at, before)
		}
		s.runes("/p2999")
		s.shows("1 of 3,000 shown")
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
