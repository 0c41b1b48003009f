package tui

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
)

// colourScenes are the main screens, which are held as they are painted and not only as they read.
var colourScenes = []string{"timeline", "contributions", "provenance", "impact", "what-if-without", "diff", "findings", "record-evidence", "help", "start"}

// TestColours compares what terminals of 256 colours, of 16, and under NO_COLOR are sent with what somebody looked at
// and found good. The terminals say what they are in the environment, as one at the far end of a connection does.
func TestColours(t *testing.T) {
	all := map[string]scene{}
	for _, sc := range scenes() {
		all[sc.name] = sc
	}
	tests := []struct {
		name, term, noColor string
		cols, rows          int
	}{
		{"256_120x40", "xterm-256color", "", 120, 40},
		{"256_80x24", "xterm-256color", "", 80, 24},
		{"16_80x24", "xterm", "", 80, 24},
		{"none_80x24", "xterm-256color", "1", 80, 24},
	}
	for _, name := range colourScenes {
		sc, ok := all[name]
		if !ok {
			t.Fatalf("there is no scene %s", name)
		}
		for _, tt := range tests {
			file := name + "_" + tt.name + ".txt"
			t.Run(file, func(t *testing.T) {
				env := map[string]string{"TERM": tt.term, "NO_COLOR": tt.noColor}
				out := farOutput{io.Discard, &Terminal{Getenv: func(name string) string { return env[name] }}}
				inSession(t, sc.in(), tt.cols, tt.rows, func(s *session) {
					s.m.theme = newTheme(out, paletteOf("dark", ""), false, false)
					sc.to(s)
					frame := s.m.View()
					compare(t, filepath.Join("testdata", "colour", file), visible(frame))
					if plain := plainFrame(s.screen()); plainFrame(ansi.Strip(frame)) != plain {
						t.Errorf("painted, it reads\n%s\nand plainly\n%s", ansi.Strip(frame), plain)
					}
				})
			})
		}
	}
}

// visible writes escape sequences so that a diff can be read: the sign for ESC in its place.
func visible(frame string) string { return strings.ReplaceAll(frame, "\x1b", "␛") + "\n" }

// TestColoursStaySmall bounds what the painted screens weigh in the repository.
func TestColoursStaySmall(t *testing.T) {
	const most = 400 << 10
	files, err := filepath.Glob(filepath.Join("testdata", "colour", "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if want := len(colourScenes) * 4; len(files) != want {
		t.Errorf("%d painted screens, want %d: one that nothing writes any more goes", len(files), want)
	}
	total := int64(0)
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		total += info.Size()
	}
	if t.Logf("%d files, %d bytes", len(files), total); total > most {
		t.Errorf("the painted screens weigh %d bytes, want at most %d", total, most)
	}
}
