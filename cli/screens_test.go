package cli_test

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/creack/pty"
	"github.com/google/go-cmp/cmp"
	"github.com/hinshun/vt10x"
)

var update = flag.Bool("update", false, "write docs/screens anew; read the diff before you commit it")

// shot is a screen of the real program: keys that lead to it from the one before, and words that are on it when it is
// complete.
type shot struct {
	name, keys string
	wait       []string
}

// shots lead through the incident auth-jwt, one after the other in one session.
func shots() []shot {
	return []shot{
		{"timeline", "", []string{"queries ·", "NEAR"}},
		{"timeline-filter", "/agent:deploy* subject:auth/**\rg]k", []string{"NOW ", "THEN", " shown", "21:03:47Z", "123 of 123"}},
		{"contributions", "\r", []string{"› contributions", "AGAINST", "WEIGHT"}},
		{"provenance", "p", []string{"› provenance", "verified"}},
		{"impact", "hi", []string{"› impact", "still told"}},
		{"what-if", "hx", []string{"› what if", "MARGIN"}},
		{"findings", "hf", []string{"› findings", "worst"}},
		{"command", "hh:t", []string{"› command", "theme NAME", "TOLD"}},
		{"as-it-was", "\x1bt21:30\rz", []string{"AS IT WAS AT", "› timeline", "BY THEN", "queries ·"}},
		{"copy", "y", []string{"› copy", "markdown"}},
		{"help", "h?", []string{"› help", "KEYS"}},
	}
}

// console is a terminal that a program runs in.
type console struct {
	t    *testing.T
	file *os.File
	mu   sync.Mutex
	vt   vt10x.Terminal
	news chan struct{} // something was written
	over chan struct{} // nothing will be any more
}

func open(t *testing.T, cols, rows int, env []string, args ...string) *console {
	t.Helper()
	path, err := exec.LookPath("episteme")
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(path, args...)
	c.Env = append(os.Environ(), env...)
	file, err := pty.StartWithSize(c, &pty.Winsize{Cols: uint16(cols), Rows: uint16(rows)})
	if err != nil {
		t.Skipf("no pseudo terminal here: %v", err)
	}
	s := &console{t: t, file: file, vt: vt10x.New(vt10x.WithSize(cols, rows)), news: make(chan struct{}, 1), over: make(chan struct{})}
	go s.read()
	t.Cleanup(func() {
		c.Process.Kill()
		c.Wait()
		<-s.over
		file.Close()
	})
	return s
}

func (s *console) read() {
	defer close(s.over)
	buf, left := make([]byte, 32<<10), 0
	for {
		n, err := s.file.Read(buf[left:])
		n += left
		whole := n // up to a character that a read has cut: vt10x takes half of one for another
		for back := 1; back <= min(n, utf8.UTFMax-1); back++ {
			if utf8.RuneStart(buf[n-back]) {
				if !utf8.FullRune(buf[n-back : n]) {
					whole = n - back
				}
				break
			}
		}
		s.mu.Lock()
		s.vt.Write(buf[:whole])
		s.mu.Unlock()
		left = copy(buf, buf[whole:n])
		select {
		case s.news <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// screen is what stands on the terminal, without blanks at the ends of lines.
func (s *console) screen() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for line := range strings.SplitSeq(strings.TrimRight(s.vt.String(), "\n"), "\n") {
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}

// shows waits until all of the words are on the screen.
func (s *console) shows(words ...string) {
	s.t.Helper()
	s.until(strings.Join(words, ", "), func() bool {
		screen := s.screen()
		return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(screen, w) })
	})
}

// until waits for what is to be seen.
func (s *console) until(what string, seen func() bool) {
	s.t.Helper()
	guard := time.After(30 * time.Second) // so that one sees what did not come
	for !seen() {
		select {
		case <-s.news:
		case <-guard:
			s.t.Fatalf("%s: not seen on\n%s", what, s.screen())
		case <-s.over:
			s.t.Fatalf("%s: it ended before, with\n%s", what, s.screen())
		}
	}
}

// settled is the screen once everything written so far has come: a count that is typed shows in the line above the keys,
// in a frame behind all others, and Esc takes it back. Into a field, which has no counts, x is typed and taken back.
func (s *console) settled(field bool) string {
	s.t.Helper()
	key, shown, back := "7", func(line string) bool { return strings.HasSuffix(line, " 7") }, "\x1b"
	if field {
		key, shown, back = "x", func(line string) bool { return strings.Contains(line, ":tx") }, "\x7f"
	}
	any := func() bool {
		for line := range strings.SplitSeq(s.screen(), "\n") {
			if shown(line) {
				return true
			}
		}
		return false
	}
	io.WriteString(s.file, key)
	s.until(key+" is typed", any)
	io.WriteString(s.file, back)
	s.until(key+" is taken back", func() bool { return !any() })
	if field { // what was offered comes back with the frame in which x goes
		s.shows("theme NAME", "leave it")
	}
	return s.screen()
}

// What is another one each time: the ids of queries and of the events that name them, whose bytes hold the journal's
// id, and when the journal took a record in.
var (
	queryDigits = regexp.MustCompile(`(?m)(\b[qw]_|episteme://[qw]/|^...hash +)([0-9a-f]+)`)
	takenIn     = regexp.MustCompile(`taken (?:in )?20.*`)
)

// settledIDs puts zeros in the place of what is another one each time.
func settledIDs(screen string) string {
	screen = takenIn.ReplaceAllString(screen, "taken in …")
	return queryDigits.ReplaceAllStringFunc(screen, func(id string) string {
		at := strings.LastIndexAny(id, "_/ ") + 1
		return id[:at] + strings.Repeat("0", len(id)-at)
	})
}

// TestScreens compares the screens of the real program, in a terminal, with docs/screens, and the picture in the
// README with one of them.
func TestScreens(t *testing.T) {
	home := t.TempDir()
	env := []string{"HOME=" + home, "XDG_CONFIG_HOME=", "XDG_STATE_HOME=", "XDG_DATA_HOME=", "TERM=xterm-256color", "COLORFGBG=", "NO_COLOR=1", "EPISTEME_NOW=2024-01-15T22:32:00Z", "EPISTEME_DATA=", "EPISTEME_SERVER="}
	for _, size := range [][2]int{{120, 40}, {80, 24}} {
		t.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(t *testing.T) {
			s := open(t, size[0], size[1], env, "tui", "--fixture", "auth-jwt")
			s.shows("› timeline", "queries ·")
			for _, shot := range shots() {
				io.WriteString(s.file, shot.keys)
				s.shows(shot.wait...)
				compareScreen(t, shot.name, size, s.settled(shot.name == "command"))
			}
			start := open(t, size[0], size[1], env, "tui", "--data", "/nonexistent/episteme")
			start.shows("› start", "auth-jwt")
			compareScreen(t, "start", size, start.settled(false))
		})
	}
	if readme, err := os.ReadFile("../README.md"); err == nil {
		picture, err := os.ReadFile("../docs/screens/timeline-filter_120x40.txt")
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(airless(settledIDs(string(readme))), airless(string(picture))) {
			t.Error("the picture in README.md is not docs/screens/timeline-filter_120x40.txt: copy it there")
		}
	}
}

// airless leaves out the empty lines: a page needs fewer than a screen.
func airless(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		if strings.TrimSpace(line) != "" {
			b.WriteString(line)
		}
	}
	return b.String()
}

func compareScreen(t *testing.T, name string, size [2]int, screen string) {
	t.Helper()
	path := filepath.Join("..", "docs", "screens", fmt.Sprintf("%s_%dx%d.txt", name, size[0], size[1]))
	got := settledIDs(screen)
	if *update {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(got), 0o644)); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; make screens writes it", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-page +program); make screens writes it:\n%s", path, diff)
	}
}
