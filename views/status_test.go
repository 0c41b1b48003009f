package views

import (
	"errors"
	"strings"
	"testing"

	"episteme/engine/trace/ask"
	"episteme/views/text"
)

// What failed stands on the status line in every width; a list with a failure never claims to be complete.
func TestStatusNeverDropsAFailure(t *testing.T) {
	from, to, older := at("2024-01-15T20:30:00Z"), at("2024-01-15T22:32:00Z"), at("2024-01-14T00:00:00Z")
	failed := errors.New("read kv/000012.vlog at byte 8192: checksum 1b2c, stored 9f00")
	for cols := 40; cols <= 200; cols++ {
		tl := NewTimeline(false)
		tl.look = Look{Cols: cols, Rows: 20}
		tl.load.known = true
		tl.head.rng = ask.Range{From: &from, To: &to}
		tl.head.status.Oldest = &from
		tl.rows = []entry{{audit: &ask.Audit{}}}
		tl.trace = ask.Trace{Total: 61, AllReceivedShown: true, Heard: []ask.Heard{{Agent: "a", At: to}}}
		check := func(name string, wanted ...string) {
			line := tl.Status()
			if line.Width() > cols {
				t.Errorf("%s, %d columns: %d cells", name, cols, line.Width())
			}
			for _, w := range wanted {
				absent := strings.HasPrefix(w, "-")
				if strings.Contains(line.String(), strings.TrimPrefix(w, "-")) == absent {
					t.Errorf("%s, %d columns: %q, want %q", name, cols, line, w)
				}
			}
		}
		if cols >= 60 {
			check("complete", "all received shown")
		}
		tl.head.status.Oldest = &older
		check("older records before the window", "-all received shown")
		if cols >= 60 {
			check("older records before the window", "all of this window · older: g")
		}
		tl.events.err = failed
		check("the events failed", "✗ events could", "-all received shown", "-all of this window")
		tl.load.err = failed
		check("and it was not read again", "✗ events could", "✗ not read", "-all received shown")
		tl.trace.Behind = 7
		check("and it is behind", "✗ events", "✗ not re", "! 7 reco")
	}
}

func TestDottedPutsTheWorstFirst(t *testing.T) {
	part := func(tone text.Tone, s string) text.Span { return text.Text(tone, s) }
	parts := []text.Span{part(text.Plain, "calm"), part(text.Warn, "! look"), part(text.Bad, "✗ wrong"), part(text.OK, "fine")}
	for cols, want := range map[int]string{
		40: " ✗ wrong · ! look · calm · fine",
		30: " ✗ wrong · ! look · calm",
		20: " ✗ wrong · ! look",
		12: " ✗ w… · ! l…",
	} {
		if got := dotted(parts, cols).String(); got != want {
			t.Errorf("in %d columns: %q, want %q", cols, got, want)
		}
	}
}
