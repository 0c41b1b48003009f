package views

// Window is the part of a list that is on the screen: a cursor and a first row over any number of rows. It holds no
// rows; whoever draws asks for those between First and First+Rows. All of it is O(1).
type Window struct {
	Len    int // rows of the list
	Rows   int // rows on the screen
	Cursor int // 0 ≤ Cursor < Len, or 0 when the list is empty
	First  int // the row at the top
}

// Fit takes a new length and height, and moves as little as it can to keep the cursor in sight.
func (w *Window) Fit(length, rows int) {
	w.Len, w.Rows = max(length, 0), max(rows, 1)
	w.To(w.Cursor)
}

// To puts the cursor on row i, or the nearest there is. Leaving the screen by a step jumps by half of it: scrolling
// by one line re-sends every line.
func (w *Window) To(i int) {
	w.Cursor = min(max(i, 0), max(w.Len-1, 0))
	switch {
	case w.Cursor < w.First:
		w.First = w.Cursor - w.Rows/2
	case w.Cursor >= w.First+w.Rows:
		w.First = w.Cursor - w.Rows + 1 + w.Rows/2
	}
	w.First = min(max(w.First, 0), max(w.Len-w.Rows, 0))
	if w.Cursor < w.First { // a window taller than the rest of the list
		w.First = w.Cursor
	}
}

// Center puts row i in the middle of the screen, as far as there are rows around it.
func (w *Window) Center(i int) {
	w.Cursor = min(max(i, 0), max(w.Len-1, 0))
	w.First = min(max(w.Cursor-w.Rows/2, 0), max(w.Len-w.Rows, 0))
}

// Move does what a key asks. It reports whether the key was one that moves.
func (w *Window) Move(p Press) bool {
	n := max(p.Count, 1)
	switch p.Action {
	case Down:
		w.To(w.Cursor + min(n, w.Len))
	case Up:
		w.To(w.Cursor - min(n, w.Len))
	case Top:
		w.To(0)
	case Bottom:
		w.To(w.Len - 1)
	case HalfDown:
		w.half(min(n, w.Len))
	case HalfUp:
		w.half(-min(n, w.Len))
	default:
		return false
	}
	return true
}

// half moves cursor and screen together by n halves of the screen.
func (w *Window) half(n int) {
	step := n * max(w.Rows/2, 1)
	w.First = min(max(w.First+step, 0), max(w.Len-w.Rows, 0))
	w.To(w.Cursor + step)
}

// End is the row behind the last one on the screen.
func (w *Window) End() int { return min(w.First+w.Rows, w.Len) }
