package tui

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/hinshun/vt10x"

	"episteme/views/text"
)

// terminal is what the program writes to: a screen that understands it, and a count of the bytes.
type terminal struct {
	mu    sync.Mutex
	vt    vt10x.Terminal
	bytes int
	all   bytes.Buffer
}

func (w *terminal) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bytes += len(p)
	w.all.Write(p)
	return w.vt.Write(p)
}

func (w *terminal) screen() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.vt.String()
}

// taken is how many bytes came since it was last called.
func (w *terminal) taken() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := w.bytes
	w.bytes = 0
	return n
}

// running is the real program with the real renderer on a terminal of 120 by 40, in a bubble where time stands still
// while something happens.
type running struct {
	term *terminal
	keys io.WriteCloser
	err  error
	over chan struct{}
}

func inProgram(t *testing.T, f *fake, use func(*testing.T, *running)) {
	t.Helper()
	inProgramOf(t, Options{Ask: f, Title: "auth-jwt", Training: true, Now: func() time.Time { return ending }}, use)
}

func inProgramOf(t *testing.T, o Options, use func(*testing.T, *running)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		in, keys := io.Pipe()
		r := &running{term: &terminal{vt: vt10x.New(vt10x.WithSize(120, 40))}, keys: keys, over: make(chan struct{})}
		o.Output = r.term
		m := newModel(ctx, o, trueColor(newTheme(r.term, paletteOf("dark", ""), false, false)), 120, 40)
		m.after = func(d time.Duration, msg tea.Msg) tea.Cmd {
			return func() tea.Msg {
				select {
				case <-time.After(d):
					return msg
				case <-ctx.Done():
					return nil
				}
			}
		}
		reader, stop := patient(in)
		go func() {
			defer close(r.over)
			_, r.err = tea.NewProgram(m, tea.WithContext(ctx), tea.WithInput(reader), tea.WithOutput(r.term), tea.WithAltScreen(), tea.WithoutSignalHandler()).Run()
		}()
		wait(time.Second)
		use(t, r)
		cancel()
		stop()
		keys.Close()
		<-r.over
		wait(time.Second)
	})
}

// trueColor gives a theme the dark colours in full: what is no terminal gets none, and bytes are counted as the widest
// terminal gets them.
func trueColor(th *theme) *theme {
	for tone, hex := range map[text.Tone]string{text.OK: darkShades.ok.trueColor, text.Warn: darkShades.warn.trueColor, text.Bad: darkShades.bad.trueColor,
		text.Key: darkShades.key.trueColor, text.Dim: darkShades.dim.trueColor, text.Title: darkShades.key.trueColor} {
		var r, g, b int
		fmt.Sscanf(hex, "#%02X%02X%02X", &r, &g, &b)
		th.codes[tone] = fmt.Sprintf("38;2;%d;%d;%d", r, g, b)
	}
	th.codes[text.Title] = bold + ";" + th.codes[text.Title]
	return th
}

// wait lets time pass and everything settle.
func wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (r *running) press(keys string) {
	io.WriteString(r.keys, keys)
	wait(200 * time.Millisecond)
}

func TestBytesOnTheWire(t *testing.T) {
	inProgram(t, incident(), func(t *testing.T, r *running) {
		first := r.term.taken()
		if !strings.Contains(r.term.screen(), "61 of 61 queries") {
			t.Fatalf("the first screen is\n%s", r.term.screen())
		}
		if first > 10_000 {
			t.Errorf("the first paint took %d bytes, want at most 10,000", first)
		}
		wait(30 * time.Second)
		if idle := r.term.taken(); idle != 0 {
			t.Errorf("30 s without news took %d bytes, want none", idle)
		}
		// From an event to a query and back, and between queries: the row that is left, the one that is reached, where it
		// is on the axis, and which it is. The pane comes once, where the cursor rests.
		for _, key := range []string{"k", "j", "j", "k", "k", "k"} {
			io.WriteString(r.keys, key)
			wait(50 * time.Millisecond)
			move := r.term.taken()
			wait(time.Second)
			rest := r.term.taken()
			t.Logf("first paint %d bytes, a move by %s %d bytes, the pane %d", first, key, move, rest)
			if move > 1_000 || move == 0 {
				t.Errorf("a move by %s took %d bytes, want at most 1,000", key, move)
			}
			if rest > 2_000 || rest == 0 {
				t.Errorf("the pane after %s took %d bytes, want at most 2,000", key, rest)
			}
		}
		io.WriteString(r.keys, "G")
		wait(time.Second)
		r.term.taken()
		for range 20 { // a key held down: one pane, at the end
			io.WriteString(r.keys, "k")
			wait(33 * time.Millisecond)
		}
		held := r.term.taken()
		if t.Logf("20 rows with the key held down: %d bytes", held); held > 20*1_000 {
			t.Errorf("20 rows took %d bytes, want at most 1,000 a row", held)
		}
	})
}

// An arrow key that a slow link has cut into ESC and "[B" is an arrow key; an ESC that stays alone is Esc.
func TestSplitEscapeSequence(t *testing.T) {
	inProgram(t, incident(), func(t *testing.T, r *running) {
		r.press("\r")
		wait(time.Second)
		if !strings.Contains(r.term.screen(), "› event") {
			t.Fatalf("Enter did not open the event:\n%s", r.term.screen())
		}
		before := r.term.screen()
		io.WriteString(r.keys, "\x1b")
		wait(40 * time.Millisecond)
		io.WriteString(r.keys, "[")
		wait(40 * time.Millisecond)
		r.press("B")
		if r.term.screen() == before {
			t.Error("a cut arrow did nothing")
		}
		r.press("k")
		if r.term.screen() != before {
			t.Errorf("a cut arrow went back, or more than a row down:\n%s", r.term.screen())
		}
		r.press("\x1b")
		if strings.Contains(r.term.screen(), "› event") {
			t.Error("Esc alone did not go back")
		}
	})
}

func TestTerminalIsLeftAsItWas(t *testing.T) {
	inProgram(t, incident(), func(t *testing.T, r *running) {
		r.press("qq")
		<-r.over
		if r.err != nil {
			t.Errorf("quitting gave %v", r.err)
		}
		out := r.term.all.String()
		for on, off := range map[string]string{"\x1b[?1049h": "\x1b[?1049l", "\x1b[?25l": "\x1b[?25h", "\x1b[?2004h": "\x1b[?2004l"} {
			if strings.LastIndex(out, on) > strings.LastIndex(out, off) {
				t.Errorf("%q was not undone by %q", on, off)
			}
		}
	})
}

func TestUnfinished(t *testing.T) {
	tests := []struct {
		in   string
		want bool
	}{
		{"", false}, {"j", false}, {"\x1b", true}, {"j\x1b", true}, {"\x1b[", true}, {"\x1b[A", false}, {"\x1b[1;5", true},
		{"\x1b[1;5C", false}, {"\x1bO", true}, {"\x1bOP", false}, {"\x1bj", false}, {"\x1b[A\x1b", true}, {"\x1b[[", true}, {"\x1b[[A", false},
		{"\x1b]11;rgb:00", true}, {"\x1b]11;rgb:00\x07", false}, {"é"[:1], true}, {"é", false}, {"界"[:2], true}, {"\xff", false},
	}
	for _, tt := range tests {
		if got := unfinished([]byte(tt.in)); got != tt.want {
			t.Errorf("unfinished(%q) = %v, want %v", tt.in, got, tt.want)
		}
	}
}

func TestPatientReaderKeepsEveryByte(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, w := io.Pipe()
		r, stop := patient(in)
		defer stop()
		sent := "\x1b[A" + strings.Repeat("x", 700) + "é\x1b[1;5C\x1b"
		go func() {
			for i := range len(sent) {
				io.WriteString(w, sent[i:i+1])
			}
			w.Close()
		}()
		got, err := io.ReadAll(r)
		if err != nil || string(got) != sent {
			t.Errorf("read %q, %v", got, err)
		}
	})
}

func TestDarkOrLight(t *testing.T) {
	tests := []struct {
		flag, env string
		dark      bool
	}{{"", "", true}, {"auto", "15;0", true}, {"auto", "0;15", false}, {"auto", "0;default;15", false}, {"dark", "0;15", true}, {"light", "15;0", false}}
	for _, tt := range tests {
		if got := isDark(tt.flag, tt.env); got != tt.dark {
			t.Errorf("isDark(%q, %q) = %v", tt.flag, tt.env, got)
		}
	}
}

// A paste whose end never comes ends by itself, and the keyboard works again.
func TestUnterminatedPaste(t *testing.T) {
	inProgram(t, incident(), func(t *testing.T, r *running) {
		r.press("/" + pasteBegin + "ES256")
		if strings.Contains(r.term.screen(), "/ES256") {
			t.Fatal("it was taken before its end, or the silence after it")
		}
		wait(pasteWait)
		if !strings.Contains(r.term.screen(), "/ES256") {
			t.Errorf("after %s of silence it is not there:\n%s", pasteWait, r.term.screen())
		}
		r.press("x")
		if !strings.Contains(r.term.screen(), "/ES256x") {
			t.Errorf("the next key is lost:\n%s", r.term.screen())
		}
	})
}

func TestPatientReaderEndsPastes(t *testing.T) {
	long := strings.Repeat("x", pasteMax)
	tests := []struct{ name, sent, want string }{
		{"one that ends is as it came", "a" + pasteBegin + "text" + pasteEnd + "b", "a" + pasteBegin + "text" + pasteEnd + "b"},
		{"one that is too long ends early, without its rest", pasteBegin + long + "rest" + pasteEnd + "b", pasteBegin + long + pasteEnd + "b"},
		{"after a long one another one is read", pasteBegin + long + "rest" + pasteEnd + pasteBegin + "c" + pasteEnd, pasteBegin + long + pasteEnd + pasteBegin + "c" + pasteEnd},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			in, w := io.Pipe()
			r, stop := patient(in)
			defer stop()
			go func() {
				io.WriteString(w, tt.sent)
				w.Close()
			}()
			got, err := io.ReadAll(r)
			if err != nil || string(got) != tt.want {
				t.Errorf("%s: read %d bytes ending in %q, %v", tt.name, len(got), got[max(len(got)-40, 0):], err)
			}
		})
	}
}

// What a terminal answers to a question that a program before this one asked is no key: ":" in a colour would open the
// command line.
func TestTerminalRepliesAreNoKeys(t *testing.T) {
	tests := []struct{ name, sent, want string }{
		{"a colour, ended by BEL", "j\x1b]11;rgb:1e/1e/1e\x07k", "jk"},
		{"a colour, ended by ESC \\", "j\x1b]11;rgb:1e/1e/1e\x1b\\k", "jk"},
		{"a version", "\x1bP>|tmux 3.4\x1b\\q", "q"},
		{"two at once, and nothing else", "\x1b]10;rgb:0/0/0\x07\x1b]11;rgb:0/0/0\x07", ""},
		{"Esc and keys that look like a beginning are keys", "\x1b]]j", "\x1b]]j"},
		{"so they are before an arrow", "\x1b]]\x1b[A", "\x1b]]\x1b[A"},
		{"a paste ends where it ends", pasteBegin + "a\x1b]0;x\x07b\x1b]" + pasteEnd, pasteBegin + "ab\x1b]" + pasteEnd},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			in, w := io.Pipe()
			r, stop := patient(in)
			defer stop()
			go func() {
				io.WriteString(w, tt.sent)
				w.Close()
			}()
			got, err := io.ReadAll(r)
			if err != nil || string(got) != tt.want {
				t.Errorf("%s: read %q, %v, want %q", tt.name, got, err, tt.want)
			}
		})
	}
}
