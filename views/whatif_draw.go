package views

import (
	"slices"
	"strings"
	"unicode/utf8"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
	"episteme/views/text"
)

// contributionRows is how many contributions stand side by side.
const contributionRows = 3

func (w *WhatIf) fit() {
	if w.verdict == nil || w.look.Cols == 0 {
		return
	}
	w.list.tight = w.look.Rows < tallRows
	_, _, list := w.layout()
	w.list.fit(w.sections(), list)
}

// layout divides the height: the two answers above, the levers below. The height of the answers must not change with
// what they are, or the levers would jump under the cursor.
func (w *WhatIf) layout() (top []text.Line, ruled, list int) {
	rows := w.look.Rows
	if rows >= midRows {
		ruled = 1
	}
	room := rows - ruled - max(rows/3, 4)
	if rows >= tallRows {
		room = rows - ruled - 17
	}
	top = w.top(room)
	return top, ruled, max(rows-ruled-len(top), 1)
}

// top are the question, the sentence, the two answers, and what is known of the change, in at most rows lines.
func (w *WhatIf) top(rows int) []text.Line {
	head := ask.Verdict{Audit: w.verdict.Audit, Recomputed: w.verdict.Recomputed}
	lines := []text.Line{}
	if rows >= 6 {
		lines = append(lines, verdictHead(head, w.look))
	}
	lines = append(lines, w.sentence())
	tail := w.tail()
	if len(lines)+4+len(tail) > rows {
		tail = tail[max(len(tail)-1, 0):] // the smallest set that flips stays
	}
	if rows >= 16 {
		lines = append(lines, nil)
	}
	if rows >= 8 {
		lines = append(lines, pairLine(pair{left: heads("RECORDED"), right: heads("RECOMPUTED")}, w.look))
	}
	pairs := pairLines(w.pairs(), w.look, max(rows-len(lines)-len(tail), 1))
	lines = append(lines, pairs...)
	return append(lines, tail...)
}

func heads(s string) text.Line { return text.Of(text.Text(text.Dim, s)) }

// sentence says what the changed question would have been told, or why that is not known.
func (w *WhatIf) sentence() text.Line {
	line := func(spans ...text.Span) text.Line {
		return append(text.Of(text.Space(1)), spans...).Cut(w.look.Cols)
	}
	switch {
	case w.cannot != nil:
		return line(text.Text(text.Warn, "? "+w.cannot.Error()))
	case w.again.failed() || w.again.running && (w.result != nil || w.again.spinning()):
		if w.result == nil {
			return append(text.Of(text.Space(1)), w.again.line(w.look.Keymap())...).Cut(w.look.Cols)
		}
		return append(text.Of(text.Space(1)), w.again.staleLine(w.look.Keymap(), w.asked.Words())...).Cut(w.look.Cols)
	case w.result == nil:
		return line(text.Text(text.Dim, "…"))
	case !w.result.Reproduced || w.result.Recomputed == nil:
		return line(text.Text(text.Bad, "✗ Asked again it says something else than was recorded: run `episteme verify`"))
	}
	if w.asked.Words() == (ask.WhatIfChange{}).Words() {
		return line(text.Text(text.OK, "✓ "), text.Text(text.Plain, "Asked again with nothing changed it says the same. Leave something out, or ask otherwise, below."))
	}
	l := w.said(w.asked.Words())
	if n := changes(w.asked); n > 1 && l.Width() > w.look.Cols { // the answer must not be what is cut; the changes stand below
		l = w.said("with " + plural(n, "change", "changes"))
	}
	return l.Cut(w.look.Cols)
}

// said is what the question would have been told, with the change in words.
func (w *WhatIf) said(change string) text.Line {
	sign, tone, rest := "= ", text.OK, text.Text(text.Plain, ": the same answer")
	if *w.result.Flips {
		sign, tone, rest = "≠ ", text.Warn, text.Text(text.Warn, ": another answer")
	}
	l := text.Of(text.Space(1), text.Text(tone, sign), text.Text(text.Plain, capital(change)+" it would have said "))
	return append(append(l, told(&ask.Audit{Result: *w.result.Recomputed}).Cut(w.look.Cols/3)...), rest)
}

// capital is a sentence's beginning.
func capital(s string) string {
	_, size := utf8.DecodeRuneInString(s)
	return strings.ToUpper(s[:size]) + s[size:]
}

// pairs are the recorded answer and the recomputed one, line by line.
func (w *WhatIf) pairs() []pair {
	a := w.verdict.Audit
	bar := 0
	if w.look.Cols >= wideCols {
		bar = 9
	}
	leftValue, leftSure, leftHeld := resultCells(a.Result, bar)
	times := w.look.Times
	pairs := []pair{
		{label: "TOLD", left: leftValue}, {label: "CONFIDENCE", left: leftSure, dear: 1}, {label: "HELD", left: leftHeld, dear: 2},
		{label: "LENS", left: text.Of(text.Text(text.Plain, a.Lens)), dear: 3},
		{label: "STAGES", left: text.Of(text.Text(text.Plain, filterWords(a.LifecycleFilter))), dear: 5},
		{label: "AS IT WAS", left: text.Of(text.Text(text.Plain, times.Full(a.AsOf))), dear: 6},
	}
	r := w.result
	known := r != nil && r.Reproduced && r.Recomputed != nil
	if known {
		pairs[0].right, pairs[1].right, pairs[2].right = resultCells(*r.Recomputed, bar)
		lens, only, at := a.Lens, a.LifecycleFilter, a.AsOf
		if w.asked.Lens != "" {
			lens = w.asked.Lens
		}
		if w.asked.Filter != nil {
			only = w.asked.Filter
		}
		if w.asked.AsOf != nil {
			at = *w.asked.AsOf
		}
		pairs[3].right = text.Of(text.Text(text.Plain, lens))
		pairs[4].right = text.Of(text.Text(text.Plain, filterWords(only)))
		pairs[5].right = text.Of(text.Text(text.Plain, times.Full(at)))
	} else {
		pairs[0].right = w.unknown()
	}
	var right []ask.Contribution
	if known {
		right = r.Contributions
	}
	pairs = append(pairs, contributionPairs(a.Contributions, right, known)...)
	if known {
		for i := range pairs {
			pairs[i] = pairs[i].compared()
		}
	}
	return pairs
}

// unknown stands where the recomputed answer would.
func (w *WhatIf) unknown() text.Line {
	switch {
	case w.cannot != nil:
		return text.Of(text.Text(text.Dim, "? cannot be recomputed here"))
	case w.result != nil:
		return text.Of(text.Text(text.Bad, "✗ DIFFERS: not shown"))
	case w.again.failed():
		return text.Of(text.Text(text.Bad, "✗ not known"))
	}
	return text.Of(text.Text(text.Dim, "…"))
}

// contributionPairs are the heaviest contributions of two answers, side by side; known: there is a right one.
func contributionPairs(left, right []ask.Contribution, known bool) []pair {
	var out []pair
	n := max(len(left), len(right))
	for i := range max(min(n, contributionRows), 1) {
		p := pair{dear: 4 + i*2}
		if i == 0 {
			p.label = "BECAUSE"
		}
		if p.left = contributionAt(left, i); len(left) == 0 && i == 0 {
			p.left = text.Of(text.Text(text.Dim, "nothing contributed"))
		}
		if p.right = contributionAt(right, i); len(right) == 0 && i == 0 && known {
			p.right = text.Of(text.Text(text.Dim, "nothing would have contributed"))
			if len(left) == 0 {
				p.right = p.left // no difference: other words would be marked as one
			}
		}
		out = append(out, p)
	}
	return out
}

// contributionAt is one of list; in the last row there is, how many more there are.
func contributionAt(list []ask.Contribution, i int) text.Line {
	if i >= len(list) {
		return nil
	}
	l := contributionCells(list[i])
	if more := len(list) - i - 1; i == contributionRows-1 && more > 0 {
		l = append(l, text.Text(text.Dim, " +"+Count(more)))
	}
	return l
}

// tail is what else is known of the change: the margin, what it came to, and the smallest set that flips.
func (w *WhatIf) tail() []text.Line {
	if w.result == nil || !w.result.Reproduced || w.result.Recomputed == nil {
		return nil
	}
	lens := w.verdict.Audit.Lens
	if w.asked.Lens != "" {
		lens = w.asked.Lens
	}
	var out []text.Line
	for _, l := range w.result.Lines(w.asked, lens) {
		if l.Label != "MARGIN" && l.Label != "FLIP" && l.Label != "LEFT OUT" {
			continue
		}
		p := paneOf(nil, *w.verdict, w.look)
		p.indent, p.label = 3, pairLabel(w.look)
		out = append(out, p.line(l))
	}
	if len(w.asked.Without) == 0 && w.look.Rows >= tallRows && len(out) > 1 {
		out = slices.Insert(out, 1, text.Line(nil)) // the place of LEFT OUT
	}
	return out
}

func (w *WhatIf) sections() []section {
	titles := [leverGroups][2]string{
		{"LEAVE OUT", "what was weighed, and what stands behind it"},
		{"LENS", "another rule"},
		{"STAGES", "what was let in"},
		{"AS IT WAS AT", "just before something happened; what was stored stays what it was"},
	}
	var out []section
	for i, g := range w.levers {
		out = append(out, section{text.Of(text.Space(1), text.Text(text.Title, titles[i][0]), text.Space(2), text.Text(text.Dim, titles[i][1])), len(g)})
	}
	return out
}

// Lines draws the view.
func (w *WhatIf) Lines() []text.Line {
	if w.verdict == nil {
		return w.weighed.blank(w.look.Keymap(), "The query", w.query.Short()).lines(w.look.Keymap(), w.look.Cols, w.look.Rows)
	}
	top, ruled, list := w.layout()
	out := append(make([]text.Line, 0, w.look.Rows), top...)
	if ruled > 0 {
		out = append(out, rule(w.look.Cols))
	}
	out = append(out, text.Block(w.list.draw(w.row), w.look.Cols, list)...)
	return text.Block(out, w.look.Cols, w.look.Rows)
}

// Height is how many lines show every lever.
func (w *WhatIf) Height() int {
	if w.verdict == nil {
		return w.look.Rows
	}
	return 20 + w.list.height()
}

// row is one lever: whether it is pulled, and what it would change.
func (w *WhatIf) row(sec, row int, selected bool) text.Line {
	l := w.levers[sec][row]
	on := w.isOn(sec, l)
	box := [2]string{"( ) ", "(*) "}
	if sec == leaveOut {
		box = [2]string{"[ ] ", "[x] "}
	}
	sign := text.Text(text.Dim, box[0])
	if on {
		sign = text.Text(text.Strong, box[1])
	}
	return append(text.Of(cursorCell(selected), sign), w.words(sec, l)...).Cut(w.look.Cols - 1)
}

func (w *WhatIf) words(sec int, l lever) text.Line {
	recorded := text.Text(text.Dim, "  as recorded")
	switch sec {
	case leaveOut:
		if l.weigh != nil {
			return w.weighedWords(*l.weigh)
		}
		return text.Of(text.Text(text.Plain, l.all))
	case otherLens:
		if l.lens == w.verdict.Audit.Lens {
			return text.Of(text.Text(text.Plain, l.lens), recorded)
		}
		return text.Of(text.Text(text.Plain, l.lens))
	case otherStage:
		words := text.Text(text.Plain, filterWords(l.filter))
		if sameStage(*l.filter, w.verdict.Audit.LifecycleFilter) {
			return text.Of(words, recorded)
		}
		return text.Of(words)
	}
	if l.asOf == nil {
		return text.Of(text.Text(text.Plain, w.look.Times.Full(w.verdict.Audit.AsOf)), recorded)
	}
	day := w.look.Times.Day(w.verdict.Audit.AsOf)
	return text.Of(text.Text(text.Plain, "before "+w.look.Times.OnDay(*l.asOf+1, day)), text.Text(text.Dim, "  "+l.words))
}

// weighedWords is an assertion on one line: what it says, its weight and stage, who said it where.
func (w *WhatIf) weighedWords(a ask.Weighed) text.Line {
	value := text.Of(text.Text(text.Plain, a.Value.String()))
	if !a.Held || a.Value.Type == record.NoValue {
		value = text.Of(text.Text(text.Bad, "✗ not held"))
	}
	sign, tone := stageTone(a.Lifecycle)
	cells := 14
	if w.look.Cols < oneRowCols {
		cells = 9
	}
	l := text.Row(1, text.Col{Cells: cells, Line: value}, text.Col{Cells: 3, Line: text.Of(text.Text(text.Plain, ask.Decimal(a.Weight))), Right: true},
		text.Col{Cells: 13, Line: text.Of(text.Text(tone, sign+" "+a.Lifecycle.String()))}, text.Col{Cells: 10, Line: text.Of(shortID(a.Assertion))})
	return append(l, text.Space(2), text.Text(text.Plain, a.Source.Name), text.Text(text.Dim, "  by "+a.Agent))
}
