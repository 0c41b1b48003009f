package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/hinshun/vt10x"

	"episteme/engine/trace/ask"
	"episteme/views/text"
)

func TestMayFollow(t *testing.T) {
	all, auth, both := Person{Values: true}, Person{Values: true, Subjects: []string{"auth/**"}}, Person{Values: true, Subjects: []string{"auth/**", "web/*"}}
	tests := []struct {
		name    string
		who, by Person
		want    bool
	}{
		{"who sees everything follows everybody", all, auth, true},
		{"the same subjects", auth, auth, true},
		{"more subjects", both, auth, true},
		{"fewer subjects", auth, both, false},
		{"some subjects, of one who sees everything", auth, all, false},
		{"who sees no values follows nobody who does", Person{}, all, false},
		{"who sees no values follows who sees none", Person{}, Person{}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.who.mayFollow(tt.by); got != tt.want {
				t.Errorf("%+v follows %+v: %t, want %t", tt.who, tt.by, got, tt.want)
			}
		})
	}
}

func stageOf(h *Hall, name string) *Stage { return &Stage{h, Person{Name: name, Values: true}} }

// TestPresent presents a screen to two who follow, one of whom never looks.
func TestPresent(t *testing.T) {
	var h Hall
	bob := Person{Name: "bob", Values: true}
	if _, err := h.follow(bob, "alice"); err == nil || !strings.Contains(err.Error(), "nobody does at the moment") {
		t.Fatalf("following somebody who presents nothing: %v", err)
	}
	inSessionOf(t, Options{Ask: incident(), Stage: stageOf(&h, "alice")}, 120, 40, func(s *session) {
		if _, err := h.follow(bob, "alice"); err == nil {
			t.Error("somebody was watched unasked")
		}
		s.commanded(":present")
		s.shows("PRESENTING · nobody follows")
		looks, err := h.follow(bob, "alice")
		if err != nil {
			t.Fatal(err)
		}
		slow, err := h.follow(Person{Name: "carol", Values: true}, "alice")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.follow(Person{Name: "dave", Values: true, Subjects: []string{"auth/**"}}, "alice"); err == nil || strings.Contains(err.Error(), "those who do") {
			t.Errorf("somebody who may see less: %v", err)
		}
		s.settle()
		s.shows("PRESENTING to bob, carol")
		for range 30 { // more than any queue would hold
			s.keys("j")
			s.m.View()
		}
		for _, seat := range []*seat{looks, slow} {
			if p, on := seat.look(); !on || screenOf(p.lines) != s.screen() || p.cols != 120 || p.rows != 40 {
				t.Errorf("%s sees\n%s\nwant\n%s", seat.who.Name, screenOf(p.lines), s.screen())
			}
		}
		s.keys("y", "l") // what goes to the clipboard is nobody else's
		if s.m.clip == "" {
			t.Fatal("nothing was copied")
		}
		s.m.View()
		if p, _ := looks.look(); strings.Contains(fmt.Sprint(p), "\x1b") {
			t.Error("who follows gets what was copied")
		}
		slow.leave()
		s.settle()
		s.shows("PRESENTING to bob ")
		s.commanded(":present")
		s.hides("PRESENTING")
		if p, on := looks.look(); on || len(p.lines) > 0 {
			t.Error("who follows still sees it")
		}
		s.keys("j")
		s.m.View()
		if p, _ := looks.look(); len(p.lines) > 0 {
			t.Error("who followed sees what came later")
		}
	})
}

// commanded types a command line, and draws.
func (s *session) commanded(line string) {
	s.typed(line)
	s.m.View()
}

func screenOf(lines []text.Line) string {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(l.String() + "\n")
	}
	return b.String()
}

func TestPresentTwice(t *testing.T) {
	var h Hall
	inSessionOf(t, Options{Ask: incident(), Stage: stageOf(&h, "alice")}, 120, 40, func(s *session) {
		if _, err := h.present(Person{Name: "alice"}); err != nil {
			t.Fatal(err)
		}
		s.commanded(":present")
		s.shows("Another session of alice presents already")
		s.hides("PRESENTING")
	})
	inSession(t, incident(), 120, 40, func(s *session) {
		s.commanded(":present")
		s.shows("presented over SSH")
	})
}

// TestFollowedSizes draws a picture on terminals of all sizes: as many lines as there are, none wider.
func TestFollowedSizes(t *testing.T) {
	var h Hall
	show, err := h.present(Person{Name: "alice"})
	if err != nil {
		t.Fatal(err)
	}
	seat, err := h.follow(Person{Name: "bob", Values: true}, "alice")
	if err != nil {
		t.Fatal(err)
	}
	p := picture{cols: 60, rows: 20}
	for i := range p.rows {
		p.lines = append(p.lines, text.Of(text.Text(text.OK, fmt.Sprintf("%02d", i)), text.Space(56), text.Text(text.Bad, "界")))
	}
	show.put(p)
	f := &follower{seat: seat, theme: newTheme(io.Discard, paletteOf("dark", ""), true, false)}
	f.Update(lookMsg{})
	for cols := 1; cols < 130; cols += 3 {
		for rows := 1; rows < 50; rows++ {
			f.Update(tea.WindowSizeMsg{Width: cols, Height: rows})
			checkFrame(t, f.lines(), cols, rows)
		}
	}
	f.Update(tea.WindowSizeMsg{Width: 100, Height: 31})
	if lines := f.lines(); !strings.HasPrefix(lines[5].String(), strings.Repeat(" ", 20)+"00") || !strings.Contains(lines[30].String(), "following alice") {
		t.Errorf("a smaller picture is not in the middle:\n%s", screenOf(lines))
	}
	f.Update(tea.WindowSizeMsg{Width: 40, Height: 11})
	if lines := f.lines(); lines[0].String()[:2] != "00" || !strings.Contains(lines[10].String(), "! cut") {
		t.Errorf("a greater picture:\n%s", screenOf(lines))
	}
}

// inFar runs a screen on a terminal far away, with time that stands still while something happens.
func inFar(t *testing.T, o Options, run func(context.Context, Options) error, use func(r *running, sizes chan<- [2]int)) error {
	t.Helper()
	var got error
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		in, keys := io.Pipe()
		sizes := make(chan [2]int)
		r := &running{term: &terminal{vt: vt10x.New(vt10x.WithSize(80, 24))}, keys: keys, over: make(chan struct{})}
		o.Input, o.Output = in, r.term
		o.Terminal = &Terminal{Getenv: func(string) string { return "" }, Cols: 80, Rows: 24, Resized: sizes}
		if o.Now == nil {
			o.Now = func() time.Time { return ending }
		}
		go func() {
			defer close(r.over)
			got = run(ctx, o)
		}()
		wait(time.Second)
		use(r, sizes)
		cancel()
		keys.Close()
		<-r.over
		wait(2 * time.Minute) // for the timers of the program
	})
	return got
}

// TestSuspend says that ctrl+z does not stop a process that is everybody's, nor a session: bubbletea would signal the
// whole process group, and this test would never end.
func TestSuspend(t *testing.T) {
	err := inFar(t, Options{Ask: incident()}, Run, func(r *running, _ chan<- [2]int) {
		r.press("\x1a")
		r.press("?")
		if !strings.Contains(r.term.screen(), "KEYS") {
			t.Errorf("after ctrl+z ? shows\n%s", r.term.screen())
		}
		r.press(":q\r")
	})
	if err != nil {
		t.Errorf("it ended with %v", err)
	}
	err = inFar(t, Options{Ask: incident()}, func(ctx context.Context, o Options) error {
		o = o.withDefaults()
		p := programOf(ctx, newModel(ctx, o, newTheme(o.Output, paletteOf("", ""), true, false), 80, 24), o, o.Input)
		go p.Send(tea.SuspendMsg{})
		_, err := p.Run()
		return err
	}, func(r *running, _ chan<- [2]int) {
		r.press("?")
		if !strings.Contains(r.term.screen(), "KEYS") {
			t.Errorf("after a suspension ? shows\n%s", r.term.screen())
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
}

// TestFarTerminal says that a screen begins with the size its client told, follows it, and leaves the terminal as it was
// when the session is cut off.
func TestFarTerminal(t *testing.T) {
	var term *terminal
	err := inFar(t, Options{Ask: incident()}, Run, func(r *running, sizes chan<- [2]int) {
		term = r.term
		if lines := strings.Split(r.term.screen(), "\n"); !strings.Contains(lines[23], "q back") && !strings.Contains(lines[23], "help") {
			t.Errorf("the key line is not at the bottom:\n%s", r.term.screen())
		}
		r.term.taken()
		sizes <- [2]int{60, 12}
		wait(time.Second)
		if r.term.taken() == 0 {
			t.Error("nothing was drawn for the new size")
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
	if all := term.all.String(); strings.LastIndex(all, "\x1b[?1049l") < strings.LastIndex(all, "\x1b[?1049h") || !strings.Contains(all, "\x1b[?25h") {
		t.Error("the terminal was not left as it was")
	}
}

// TestIdle says that a session warns and then ends when nobody presses a key, and that any key keeps it.
func TestIdle(t *testing.T) {
	const limit = 30 * time.Minute
	var term *terminal
	err := inFar(t, Options{Ask: incident(), Idle: limit}, Run, func(r *running, _ chan<- [2]int) {
		term = r.term
		wait(limit - 90*time.Second)
		if !strings.Contains(r.term.screen(), "this session ends in 3m0s") {
			t.Errorf("no warning:\n%s", r.term.screen())
		}
		r.press("j")
		if strings.Contains(r.term.screen(), "this session ends") {
			t.Error("a key did not take the warning away")
		}
		wait(limit - 90*time.Second)
		select {
		case <-r.over:
			t.Error("it ended although a key was pressed")
		default:
		}
		wait(4 * time.Minute)
		<-r.over
	})
	if !errors.Is(err, ErrIdle) {
		t.Errorf("it ended with %v, want ErrIdle", err)
	}
	if all := term.all.String(); strings.LastIndex(all, "\x1b[?1049l") < strings.LastIndex(all, "\x1b[?1049h") {
		t.Error("the alternate screen is still on")
	}
}

// TestFollow follows a screen to its end: the newest picture is seen, and no key does anything but leave.
func TestFollow(t *testing.T) {
	var h Hall
	o := Options{Stage: stageOf(&h, "bob")}
	show, err := h.present(Person{Name: "alice", Values: true})
	if err != nil {
		t.Fatal(err)
	}
	draw := func(words string) {
		show.put(picture{cols: 80, rows: 24, lines: []text.Line{text.Of(text.Text(text.Plain, words))}})
	}
	draw("first")
	seat, err := h.follow(o.Stage.Person, "alice")
	if err != nil {
		t.Fatal(err)
	}
	f := &follower{ctx: t.Context(), seat: seat, theme: newTheme(io.Discard, paletteOf("dark", ""), true, false), cols: 80, rows: 24}
	f.Update(f.Init()())
	if !strings.Contains(f.View(), "first") {
		t.Errorf("it shows\n%s", f.View())
	}
	draw("second")
	draw("third")
	f.Update(f.await()())
	if out := f.View(); !strings.Contains(out, "third") {
		t.Errorf("it shows\n%s", out)
	}
	for _, key := range []string{"j", "enter", "x", ":"} {
		if _, cmd := f.Update(keyOf(key)); cmd != nil {
			t.Errorf("the key %s does something", key)
		}
	}
	for _, key := range []string{"q", "esc", "ctrl+c"} {
		if _, cmd := f.Update(keyOf(key)); cmd == nil {
			t.Errorf("the key %s does not leave", key)
		}
	}
	show.end()
	if _, cmd := f.Update(f.await()()); cmd == nil || !errors.Is(f.ended, ErrShowOver) {
		t.Errorf("the end of the show: %v", f.ended)
	}
	if err := Follow(t.Context(), o, "alice"); err == nil || !strings.Contains(err.Error(), "alice presents no screen that you may see") {
		t.Errorf("following behind the end: %v", err)
	}
}

// TestFarColours says that colours go by what the client said, and not by the server's environment.
func TestFarColours(t *testing.T) {
	t.Setenv("COLORTERM", "truecolor")
	t.Setenv("TERM", "xterm-256color")
	t.Setenv("COLORFGBG", "0;15")
	tests := []struct {
		name string
		env  map[string]string
		want string // the codes of what is all right
	}{
		{"a client that says little gets none", map[string]string{"TERM": "vt100"}, ""},
		{"256 colours", map[string]string{"TERM": "xterm-256color"}, "38;5;79"},
		{"all of them", map[string]string{"TERM": "xterm-256color", "COLORTERM": "truecolor"}, "38;2;52;208;165"},
		{"none where none are wanted", map[string]string{"TERM": "xterm-256color", "COLORTERM": "truecolor", "NO_COLOR": "1"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := Options{Output: io.Discard, Terminal: &Terminal{Getenv: func(name string) string { return tt.env[name] }}}.withDefaults()
			if o.ColorFGBG != "" {
				t.Errorf("the background of the server's terminal is %q", o.ColorFGBG)
			}
			if got := newTheme(o.Output, paletteOf("", o.ColorFGBG), o.NoColor, false).codes[text.OK]; got != tt.want {
				t.Errorf("codes %q, want %q", got, tt.want)
			}
		})
	}
}

// lingering is evidence that notices late that a question was cancelled.
type lingering struct {
	ask.Investigator
	reading atomic.Int64
}

func (l *lingering) Audits(ctx context.Context, _ ask.AuditFilter) (ask.Trace, error) {
	l.reading.Add(1)
	defer l.reading.Add(-1)
	<-ctx.Done()
	time.Sleep(time.Second) // in the bubble of synctest: it takes none
	return ask.Trace{}, ctx.Err()
}

// TestRunOutlivesItsQuestions says that nobody reads evidence that was lent any more when a screen far away has ended:
// a server closes it next.
func TestRunOutlivesItsQuestions(t *testing.T) {
	l := &lingering{Investigator: incident()}
	_ = inFar(t, Options{Ask: l}, func(ctx context.Context, o Options) error {
		err := Run(ctx, o)
		if n := l.reading.Load(); n != 0 {
			t.Errorf("%d questions still read when Run returned", n)
		}
		return err
	}, func(r *running, _ chan<- [2]int) {
		if l.reading.Load() == 0 {
			t.Error("nothing was asked")
		}
		r.press(":q\r")
		<-r.over
	})
}
