package views

import (
	"fmt"
	"strings"
	"testing"
)

// That nothing is here stands on the start screen at every size, and so do the incidents; where was looked stands there
// on a terminal of 24 rows, whatever there would be to say about the incidents.
func TestStartSaysThatNothingIsHere(t *testing.T) {
	n := Nothing{Title: "Nothing has been recorded here yet.", Looked: [][2]string{{"/var/lib/episteme", "does not exist"}, {"/root/.local/share/episteme", "does not exist"}}}
	for i := range 4 {
		n.Fixtures = append(n.Fixtures, FixtureRow{Name: fmt.Sprint("incident-", i), Title: "A title", Summary: strings.Repeat("what happened there ", 8)})
	}
	for cols := 40; cols <= 130; cols += 10 {
		for rows := 7; rows <= 50; rows++ {
			s := NewStart(n)
			s.SetLook(Look{Cols: cols, Rows: rows})
			s.Handle(Press{Action: Bottom})
			lines := s.Lines()
			var page strings.Builder
			for _, l := range lines {
				page.WriteString(l.String() + "\n")
			}
			wanted := []string{n.Title, "incident-0", "▶ incident-3", "episteme ingest FILE"}
			if cols >= 80 && rows >= 20 {
				wanted = append(wanted, "LOOKED IN", "/var/lib/episteme: does not exist", "episteme tui --data DIR")
			}
			for _, w := range wanted {
				if !strings.Contains(page.String(), w) {
					t.Fatalf("%dx%d: the screen does not show %q:\n%s", cols, rows, w, page.String())
				}
			}
			if len(lines) != rows {
				t.Fatalf("%dx%d: %d lines", cols, rows, len(lines))
			}
		}
	}
}
