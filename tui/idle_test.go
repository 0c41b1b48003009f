package tui

import (
	"strings"
	"testing"
	"time"
)

// TestLiveWithoutNewsOnTheWire says what a screen costs that nobody touches: live, the context line when its minute
// changes; held still, nothing.
func TestLiveWithoutNewsOnTheWire(t *testing.T) {
	const lineBytes = 500 // 120 cells, a few of three bytes, and the colours
	var begun time.Time
	o := Options{Ask: incident(), Title: "prod", Live: true, Now: func() time.Time { return ending.Add(time.Since(begun)) }}
	inProgramOf(t, o, func(t *testing.T, r *running) {
		begun = time.Now()
		wait(90 * time.Second)
		r.term.taken()
		before := strings.Split(r.term.screen(), "\n")
		wait(10 * time.Minute)
		if n := r.term.taken(); n == 0 || n > 10*lineBytes {
			t.Errorf("10 minutes without news took %d bytes, want ten context lines of at most %d", n, lineBytes)
		}
		for i, line := range strings.Split(r.term.screen(), "\n") {
			if i > 0 && line != before[i] {
				t.Errorf("line %d changed by itself from\n%s\nto\n%s", i, before[i], line)
			}
		}
		if after, _, _ := strings.Cut(r.term.screen(), "\n"); after == before[0] || !strings.Contains(after, "LIVE") {
			t.Errorf("the minute stands still: %s", after)
		}

		r.press(" ")
		wait(time.Second)
		r.term.taken()
		wait(10 * time.Minute)
		if n := r.term.taken(); n != 0 {
			t.Errorf("10 minutes held still took %d bytes, want none", n)
		}
	})
}
