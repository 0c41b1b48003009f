package views

import (
	"slices"

	"episteme/views/text"
)

// dotted puts parts side by side: what is wrong first, then what deserves a look, then the rest. What is wrong or
// deserves a look is cut where it does not fit, each to its share, and never left out; of the rest is left out what
// does not fit in full.
func dotted(parts []text.Span, cols int) text.Line {
	parts = slices.Clone(parts)
	slices.SortStableFunc(parts, func(a, b text.Span) int { return urgency(a) - urgency(b) })
	urgent := 0
	for urgent < len(parts) && urgency(parts[urgent]) < calm {
		urgent++
	}
	sep := text.Text(text.Dim, " · ")
	widest := widestPart(parts[:urgent], cols-1-max(urgent-1, 0)*sep.Width())
	var l text.Line
	for i, p := range parts {
		if i >= urgent && i > 0 && 1+l.Width()+sep.Width()+p.Width() >= cols {
			continue
		}
		if len(l) > 0 {
			l = append(l, sep)
		}
		if i < urgent {
			l = append(l, text.Of(p).Cut(widest)...)
		} else {
			l = append(l, p)
		}
	}
	return append(text.Of(text.Space(1)), l...).Cut(cols)
}

// calm is the urgency of what is neither wrong nor deserves a look.
const calm = 2

func urgency(s text.Span) int {
	switch s.Tone() {
	case text.Bad:
		return 0
	case text.Warn:
		return 1
	}
	return calm
}

// widestPart is how many cells each part may take, so that together they fit in room: what the short ones leave
// goes to the long ones.
func widestPart(parts []text.Span, room int) int {
	left := len(parts)
	widths := make([]int, left)
	for i, p := range parts {
		widths[i] = p.Width()
	}
	slices.Sort(widths)
	for _, w := range widths {
		if w*left > room {
			return max(room/left, 1)
		}
		room, left = room-w, left-1
	}
	return slices.Max(append(widths, 0)) // all fit
}
