package tui

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"episteme/engine/cases"
	"episteme/engine/trace/ask"
	"episteme/views"
	"episteme/views/text"
)

var update = flag.Bool("update", false, "write the goldens anew; read the diff before you commit it")

// scene is a screen in a state that was designed.
type scene struct {
	name string
	in   func() *fake
	to   func(*session) // from the first frame to the scene
}

// scenes are all screens in all their states. Goldens show some sizes of them, the sweep measures many.
func scenes() []scene {
	wait := func(method string) func() *fake {
		return func() *fake {
			f := incident()
			f.before = func(ctx context.Context, m string) error {
				if m == method {
					<-ctx.Done()
					return ctx.Err()
				}
				return nil
			}
			return f
		}
	}
	fail := func(method string) func() *fake {
		return func() *fake {
			f := incident()
			f.before = func(_ context.Context, m string) error {
				if m == method {
					return errors.New("read /var/ep/kv/000012.vlog at byte 8192: checksum 1b2c, stored 9f00;\nrecords before it are intact: episteme doctor says how to keep them")
				}
				return nil
			}
			return f
		}
	}
	none := func(*session) {}
	keys := func(names ...string) func(*session) {
		return func(s *session) { s.toRoot(); s.keys(names...); s.wait(300 * time.Millisecond) }
	}
	return append(append(investigationScenes(), stateScenes()...), []scene{
		{"timeline", incident, func(s *session) { s.toRoot() }},
		{"timeline-event", incident, none},
		{"timeline-filter", incident, func(s *session) { s.toRoot(); s.runes("/agent:deploy* -told:1") }},
		{"timeline-no-match", incident, func(s *session) { s.runes("/nothing"); s.keys("enter") }},
		{"timeline-weighing", wait("Verdict"), func(s *session) { s.toRoot(); s.wait(time.Second) }},
		{"timeline-no-verdict", fail("Verdict"), func(s *session) { s.toRoot(); s.wait(time.Second) }},
		{"timeline-loading", wait("Audits"), func(s *session) { s.wait(400 * time.Millisecond) }},
		{"timeline-slow", wait("Audits"), func(s *session) { s.wait(3 * time.Second) }},
		{"timeline-stopped", wait("Audits"), func(s *session) { s.wait(400 * time.Millisecond); s.keys("esc", "j") }},
		{"timeline-failed", fail("Audits"), none},
		{"timeline-partial", fail("Events"), func(s *session) { s.wait(time.Second) }},
		{"timeline-empty", func() *fake { return &fake{} }, none},
		{"contributions", incident, keys("enter")},
		{"contributions-lost", incident, keys("enter", "j")},
		{"contributions-failed", fail("Verdict"), keys("enter")},
		{"event", incident, func(s *session) { s.keys("[", "enter") }},
		{"provenance", incident, keys("p", "j", "j")},
		{"provenance-loading", wait("Provenance"), keys("p")},
		{"provenance-partial", wait("level 1"), keys("p")},
		{"provenance-failed", fail("Provenance"), keys("p")},
		{"record-evidence", incident, keys("p", "j", "j", "j", "enter")},
		{"record-query", incident, keys("p", "enter")},
		{"record-not-here", incident, keys("p", "G", "enter")},
		{"help", incident, keys("?")},
		{"copy", incident, keys("y", "j", "enter")},
		{"notice", incident, keys("q")},
		{"hostile", hostile, func(s *session) { s.wait(time.Second) }},
		{"hostile-contributions", hostile, func(s *session) { s.keys("enter"); s.wait(time.Second) }},
		{"hostile-provenance", hostile, func(s *session) { s.keys("p"); s.wait(time.Second) }},
		{"command", incident, func(s *session) { s.toRoot(); s.runes(":t") }},
		{"command-time", incident, func(s *session) { s.toRoot(); s.runes(":as-of 21:30") }},
		{"as-it-was-typed", incident, func(s *session) { s.toRoot(); s.typed(":as-of 21:30"); s.keys("z") }},
		{"shared", incident, func(s *session) { s.toRoot(); s.keys("S"); s.wait(time.Second); s.keys("j") }},
		{"frozen", incident, func(s *session) { s.toRoot(); s.keys(" "); s.wait(time.Second) }},
		{"case", incident, func(s *session) { keeping(s); s.typed(":case") }},
		{"kept", incident, func(s *session) { keeping(s); s.toRoot(); s.wait(time.Second) }},
		{"note", incident, func(s *session) { keeping(s); s.toRoot(); s.keys("m"); s.runes("who approved this?") }},
		{"start", incident, func(s *session) { s.m.clear(); s.m.push(views.NewStart(*nothingFor(nil, nil))) }},
		{"hostile-case", hostile, func(s *session) { keeping(s); s.typed(":case") }},
		{"crash", incident, func(s *session) { s.m.crash = newCrash("drawing a screen", "index out of range", nil) }},
	}...)
}

// keeping opens a case that keeps two lines, one of them nasty.
func keeping(s *session) {
	c := cases.Case{Name: "inc-1", Skipped: 1, Lines: []cases.Line{
		{At: clockAt(22, 31, 7), By: "alice", Kind: cases.Bookmark, ID: rootQuery, Note: "why this one?"},
		{At: clockAt(22, 31, 40), By: nasty, Kind: cases.Note, Note: nasty},
	}}
	s.run(s.m.openCase(&Case{Name: c.Name, Author: "dana", Read: func(context.Context, ask.Investigator) (cases.Case, error) { return c, nil },
		Add: func(cases.Line) error { return nil }}))
	s.settle()
}

// TestGolden compares scenes with what somebody looked at and found good.
func TestGolden(t *testing.T) {
	for _, sc := range scenes() {
		for _, size := range [][2]int{{120, 40}, {80, 24}, {60, 20}, {40, 12}} {
			name := fmt.Sprintf("%s_%dx%d", sc.name, size[0], size[1])
			t.Run(name, func(t *testing.T) {
				inSession(t, sc.in(), size[0], size[1], func(s *session) {
					sc.to(s)
					compare(t, filepath.Join("testdata", name+".txt"), s.screen())
				})
			})
		}
	}
}

func compare(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; go test ./tui -update writes it", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs from what was found good (-want +got):\n%s", path, diff)
	}
}

// TestSizes draws every scene at sizes from 20x8 to 200x60: always exactly as many lines as there are rows, none
// wider than the screen. The steps are coprime with the sizes at which layouts change.
func TestSizes(t *testing.T) {
	cols, rows := []int{}, []int{}
	for c := 20; c <= 200; c += 17 {
		cols = append(cols, c)
	}
	cols = append(cols, 39, 40, 60, 71, 72, 80, 99, 100, 140, 200)
	for r := 8; r <= 60; r += 13 {
		rows = append(rows, r)
	}
	rows = append(rows, 9, 10, 12, 15, 16, 19, 20, 24, 32, 33, 36, 37, 60)
	for _, sc := range scenes() {
		t.Run(sc.name, func(t *testing.T) {
			inSession(t, sc.in(), 100, 30, func(s *session) {
				sc.to(s)
				for _, c := range cols {
					for _, r := range rows {
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

func checkFrame(t *testing.T, lines []text.Line, cols, rows int) {
	t.Helper()
	if len(lines) != rows {
		t.Errorf("at %dx%d: %d lines, want %d", cols, rows, len(lines), rows)
	}
	for i, l := range lines {
		if w := l.Width(); w > cols {
			t.Errorf("at %dx%d: line %d is %d cells wide: %q", cols, rows, i, w, l.String())
		}
	}
}

var _ ask.Investigator = (*fake)(nil)
