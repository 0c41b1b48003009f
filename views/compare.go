package views

import (
	"fmt"
	"math"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
	"episteme/views/text"
)

// pair is a line of two answers side by side.
type pair struct {
	label       string
	left, right text.Line
	differs     bool
	dear        int // 0: never left out; the greatest goes first where it is tight
}

// sameness says of every pair whether it differs, by what is drawn.
func (p pair) compared() pair {
	p.differs = p.left.String() != p.right.String()
	return p
}

// pairLabel is the width of the column of labels.
func pairLabel(look Look) int {
	switch {
	case look.Cols >= wideCols:
		return 14
	case look.Cols >= 60:
		return 11
	}
	return 8
}

// pairCells is the width of each of the two columns.
func pairCells(look Look) int { return max((look.Cols-pairLabel(look)-6)/2, 4) }

// pairLine draws one: ≠ in front where the two differ.
func pairLine(p pair, look Look) text.Line {
	if look.Cols < 60 && p.label == "CONFIDENCE" {
		p.label = "CONF"
	}
	indent := text.Space(3)
	if p.differs {
		indent = text.Text(text.Warn, " ≠ ")
	}
	label, cells := pairLabel(look), pairCells(look)
	l := append(text.Of(indent), text.Of(text.Text(text.Dim, p.label)).Fit(label)...)
	return append(append(append(l, p.left.Fit(cells)...), text.Space(2)), p.right.Cut(cells)...)
}

// pairLines draws as many as there is room for; what is dear stays.
func pairLines(list []pair, look Look, rows int) []text.Line {
	for dear := 9; dear > 0 && len(list) > rows; dear-- {
		var kept []pair
		for i := range list {
			if list[i].dear == dear && len(kept)+len(list)-i > rows {
				continue
			}
			kept = append(kept, list[i])
		}
		list = kept
	}
	out := make([]text.Line, 0, len(list))
	for _, p := range list {
		out = append(out, pairLine(p, look))
	}
	return out[:min(len(out), max(rows, 0))]
}

// resultCells are an answer's value, support and share; each empty where there is none.
func resultCells(r ask.Result, bar int) (value, sure, held text.Line) {
	if r.Value.Type == record.NoValue {
		value = text.Of(text.Text(text.Strong, "no answer"))
	} else {
		value = text.Of(text.Text(text.Strong, r.Value.String()))
		sure = text.Of(text.Text(text.Plain, ask.Decimal(r.Confidence)))
		if bar > 0 {
			sure = append(append(sure, text.Space(2)), text.Bar(r.Confidence, bar)...)
		}
	}
	if r.Share > 0 {
		held = text.Of(text.Text(text.Plain, fmt.Sprintf("%d %%", int(math.Round(float64(r.Share)*100)))), text.Text(text.Dim, " of the weight"))
	}
	return value, sure, held
}

// contributionCells is a contribution in a column: weight, value, stage, id.
func contributionCells(c ask.Contribution) text.Line {
	sign, tone := stageTone(c.Lifecycle)
	value := text.Text(text.Bad, "✗ not held")
	if c.Value.Type != record.NoValue {
		value = text.Text(text.Plain, c.Value.String())
	}
	return text.Of(text.Text(text.Plain, ask.Decimal(c.Weight)+" "), value, text.Space(1), text.Text(tone, sign+" "+c.Lifecycle.String()),
		text.Space(1), shortID(c.Assertion))
}

// filterWords says which stages counted.
func filterWords(only *record.Stage) string {
	if only == nil || *only == 0 {
		return "any stage"
	}
	return "only " + only.String()
}
