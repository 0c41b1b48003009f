package text

import "math"

// Bar draws a weight of 0..1 in exactly cells cells: ━ for what is there, ─ for what is missing. A weight above 0
// shows at least one ━, one below 1 never all of them: what differs must look different.
func Bar(weight float32, cells int) Line {
	if cells <= 0 {
		return nil
	}
	full := 0
	if w := float64(weight); w > 0 { // not NaN
		full = min(cells, max(1, int(math.Round(w*float64(cells)))))
	}
	if full == cells && weight < 1 && cells > 1 {
		full--
	}
	return Of(Repeat(Plain, "━", full), Repeat(Dim, "─", cells-full))
}

// sparks are the heights of a density strip. The lowest means "some", a blank "none". A full block would touch the
// line above.
var sparks = [...]string{"▁", "▂", "▃", "▄", "▅", "▆", "▇"}

// Sparks draws counts as a strip, a cell each, the greatest as the highest block.
func Sparks(tone Tone, counts []uint64) Span {
	var most uint64
	for _, n := range counts {
		most = max(most, n)
	}
	var b []byte
	for _, n := range counts {
		if n == 0 {
			b = append(b, ' ')
			continue
		}
		b = append(b, sparks[int((float64(n)/float64(most))*float64(len(sparks)-1)+0.5)]...)
	}
	return Span{string(b), tone}
}
