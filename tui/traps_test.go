package tui

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/creack/pty"

	"episteme/views"
	"episteme/views/text"
)

// childVariable tells this test's own binary that it is the program that is looked at.
const childVariable = "EPISTEME_TEST_CHILD"

// A terminal is not asked for its background: one that does not answer would cost 5 s before the first frame. Without
// termfix, the packages that are initialised before main write OSC 11 to the terminal, and wait.
func TestTerminalIsNotAsked(t *testing.T) {
	if os.Getenv(childVariable) != "" {
		return // initialised, and that was it
	}
	c := exec.Command(os.Args[0], "-test.run=^TestTerminalIsNotAsked$", "-test.v=false")
	c.Env = append(os.Environ(), childVariable+"=1", "TERM=xterm-256color", "COLORFGBG=")
	terminal, err := pty.Start(c)
	if err != nil {
		t.Skipf("no pseudo terminal here: %v", err)
	}
	defer terminal.Close()
	var out bytes.Buffer
	io.Copy(&out, terminal) // ends with an error when the other side is closed
	if err := c.Wait(); err != nil {
		t.Fatalf("the child: %v\n%s", err, out.String())
	}
	if strings.Contains(out.String(), "\x1b]11") || strings.Contains(out.String(), "\x1b[6n") {
		t.Errorf("the terminal was asked something: %q", out.String())
	}
	if !strings.Contains(out.String(), "PASS") {
		t.Errorf("the child wrote %q", out.String())
	}
}

// What is sent to the clipboard is never longer than terminals take, and nothing is sent that would be cut.
func TestClipboardLimit(t *testing.T) {
	inSession(t, incident(), 80, 24, func(s *session) {
		s.m.do(s.m.top().id, []views.Do{views.Copy{What: "text", Text: strings.Repeat("x", clipMax)}})
		sequence := s.m.clip
		if encoded := len(sequence) - len(ansi.SetSystemClipboard("")); encoded > 74_994 || encoded < 74_990 {
			t.Errorf("the longest text becomes %d bytes, want at most 74,994", encoded)
		}
		if !strings.HasPrefix(s.m.View(), sequence) {
			t.Error("it is not in the frame")
		}
		s.m.clip = ""
		s.m.do(s.m.top().id, []views.Do{views.Copy{What: "text", Text: strings.Repeat("x", clipMax+1)}})
		s.shows("too long for a terminal's clipboard")
		if s.m.clip != "" {
			t.Error("it was sent all the same")
		}
	})
}

// Before the terminal has said its size, and while it is absurd, there is a frame.
func TestFrameWithoutASize(t *testing.T) {
	inSession(t, incident(), 80, 24, func(s *session) {
		for _, size := range [][2]int{{1, 1}, {0, 0}, {2, 200}, {500, 1}} {
			s.m.cols, s.m.rows = size[0], size[1]
			s.m.look()
			if got := strings.Count(s.m.View(), "\n") + 1; got > max(size[1], 1) {
				t.Errorf("at %dx%d there are %d lines", size[0], size[1], got)
			}
		}
	})
}

// contrast is the ratio of the luminances of two colours, as WCAG 2 computes it.
func contrast(t *testing.T, a, b string) float64 {
	light := func(hex string) float64 {
		var r, g, b int
		if _, err := fmt.Sscanf(strings.ToUpper(hex), "#%02X%02X%02X", &r, &g, &b); err != nil {
			t.Fatalf("%s: %v", hex, err)
		}
		channel := func(c int) float64 {
			s := float64(c) / 255
			if s <= .04045 {
				return s / 12.92
			}
			return math.Pow((s+.055)/1.055, 2.4)
		}
		return .2126*channel(r) + .7152*channel(g) + .0722*channel(b)
	}
	x, y := light(a), light(b)
	return (max(x, y) + .05) / (min(x, y) + .05)
}

func TestContrast(t *testing.T) {
	for name, tt := range map[string]struct {
		shades shades
		ground string
		least  float64
	}{
		"light": {lightShades, "#FFFFFF", 5.9}, "dark": {darkShades, "#0d1117", 5.9},
		"light contrast": {lightContrast, "#FFFFFF", 10}, "dark contrast": {darkContrast, "#0d1117", 10},
	} {
		for _, s := range []shade{tt.shades.ok, tt.shades.warn, tt.shades.bad, tt.shades.key, tt.shades.dim} {
			if got := contrast(t, s.trueColor, tt.ground); got < tt.least {
				t.Errorf("%s: %s has %.1f:1 on %s, want at least %.1f", name, s.trueColor, got, tt.ground, tt.least)
			}
		}
	}
}

func TestPalettes(t *testing.T) {
	for _, name := range Themes() {
		for _, ground := range []string{"", "15;0", "0;15"} {
			p := paletteOf(name, ground)
			if p.shades == (shades{}) {
				t.Errorf("%s on %q has no colours", name, ground)
			}
			if p.sixteen != (name == "terminal") {
				t.Errorf("%s on %q: sixteen is %v", name, ground, p.sixteen)
			}
		}
	}
	if paletteOf("contrast", "0;15").shades != lightContrast || paletteOf("contrast", "").shades != darkContrast {
		t.Error("high contrast does not go by the background")
	}
	// Without colours shapes remain: a theme of none still has bold and reverse.
	th := newTheme(io.Discard, paletteOf("dark", ""), true, false)
	if th.codes[text.Strong] != bold || th.codes[text.Reverse] != reverse || th.codes[text.OK] != "" {
		t.Errorf("NO_COLOR has %q", th.codes)
	}
}
