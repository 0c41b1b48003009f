package views

import (
	"math/rand/v2"
	"testing"

	"episteme/views/text"
)

func TestWindowMoves(t *testing.T) {
	tests := []struct {
		name   string // says the rule
		start  Window
		press  Press
		cursor int
		first  int
	}{
		{"a step within the screen does not scroll", Window{Len: 100, Rows: 10, Cursor: 3}, Press{Action: Down}, 4, 0},
		{"a step off the bottom jumps half a screen", Window{Len: 100, Rows: 10, Cursor: 9}, Press{Action: Down}, 10, 6},
		{"a step off the top jumps half a screen", Window{Len: 100, Rows: 10, Cursor: 50, First: 50}, Press{Action: Up}, 49, 44},
		{"a count moves that many", Window{Len: 100, Rows: 10}, Press{Action: Down, Count: 5}, 5, 0},
		{"a count past the end stops at the end", Window{Len: 100, Rows: 10}, Press{Action: Down, Count: 1e6}, 99, 90},
		{"the first row", Window{Len: 100, Rows: 10, Cursor: 77, First: 70}, Press{Action: Top}, 0, 0},
		{"the last row", Window{Len: 100, Rows: 10}, Press{Action: Bottom}, 99, 90},
		{"half a page takes the screen along", Window{Len: 100, Rows: 10, Cursor: 2}, Press{Action: HalfDown}, 7, 5},
		{"half a page at the end stays there", Window{Len: 100, Rows: 10, Cursor: 97, First: 90}, Press{Action: HalfDown}, 99, 90},
		{"an empty list has no row but 0", Window{Len: 0, Rows: 10}, Press{Action: Bottom}, 0, 0},
		{"a list shorter than the screen never scrolls", Window{Len: 3, Rows: 10}, Press{Action: Bottom}, 2, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := tt.start
			if !w.Move(tt.press) {
				t.Fatal("the key does not move")
			}
			if w.Cursor != tt.cursor || w.First != tt.first {
				t.Errorf("cursor %d, first %d; want %d, %d", w.Cursor, w.First, tt.cursor, tt.first)
			}
		})
	}
}

// Whatever is pressed and however the list changes, the cursor is a row of the list and in sight.
func TestWindowKeepsItsCursorInSight(t *testing.T) {
	const seed = 20240115
	random := rand.New(rand.NewPCG(seed, 1))
	actions := []Action{Down, Up, Top, Bottom, HalfDown, HalfUp}
	var w Window
	var s sections
	for step := range 20_000 {
		if random.IntN(8) == 0 {
			w.Fit(random.IntN(60), random.IntN(20))
			list := make([]section, random.IntN(4))
			for i := range list {
				list[i].rows = random.IntN(12)
			}
			s.tight = random.IntN(2) == 0
			s.fit(list, random.IntN(15))
		}
		p := Press{actions[random.IntN(len(actions))], random.IntN(4)}
		w.Move(p)
		if w.Cursor < 0 || w.Cursor > max(w.Len-1, 0) || w.Cursor < w.First || w.Cursor >= w.First+w.Rows && w.Len > 0 && w.Rows > 0 {
			t.Fatalf("seed %d step %d after %v: %+v", seed, step, p, w)
		}
		s.move(p)
		drawn := s.draw(func(_, _ int, selected bool) text.Line { return text.Of(cursorCell(selected)) })
		seen := 0
		for _, l := range drawn {
			if l.String() == " ▶" {
				seen++
			}
		}
		if some := s.cursor.Len > 0; len(drawn) > max(s.rows, 0) || some && seen != 1 {
			t.Fatalf("seed %d step %d after %v: %d lines, the cursor is drawn %d times: %+v", seed, step, p, len(drawn), seen, s)
		}
	}
}

// A key in a list of ten million rows costs what it costs in one of ten.
func BenchmarkWindowKey10M(b *testing.B) {
	w := Window{Len: 10_000_000, Rows: 40}
	b.ReportAllocs()
	for b.Loop() {
		w.Move(Press{Action: HalfDown})
		w.Move(Press{Action: Up})
	}
}
