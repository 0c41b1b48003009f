package views

import (
	"fmt"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
	"episteme/views/text"
)

// detail is what is known of one assertion, in at most rows lines: what it claims, the ruler of its life, the steps
// of it, and how its weight came about.
func (c *Contributions) detail(w ask.Weighed, rows int) []text.Line {
	indent := 1
	if c.look.Cols >= wideCols {
		indent = 3
	}
	a := c.verdict.Audit
	claim := append(text.Of(text.Space(1), shortID(w.Assertion), text.Text(text.Dim, " says ")),
		text.Of(text.Text(text.Strong, w.Value.String())).Cut(c.look.Cols/2)...)
	claim = append(claim, text.Text(text.Dim, " of "), text.Text(text.Plain, a.Subject+" "+a.Predicate))
	var by text.Line
	if w.Agent != "" { // what a list remembers of an assertion has no more than its weight
		by = text.Of(text.Text(text.Dim, "stated "), text.Text(text.Plain, ask.Decimal(w.Confidence)),
			text.Text(text.Dim, " sure by "), text.Text(text.Plain, w.Agent), text.Space(1))
	}
	if claim.Width()+by.Width() >= c.look.Cols {
		by = nil
	}
	out := []text.Line{text.Ends(claim, by, c.look.Cols)}
	if !w.Held && w.Agent == "" && c.verdict.Recomputed != "" {
		unknown := text.Text(text.Bad, "  ✗ not held here: only its id and its weight are known")
		return []text.Line{text.Of(text.Space(1), shortID(w.Assertion), unknown)}
	}
	tail := c.ground(w, indent)
	steps := lifeSteps(w.Life, a, c.look, indent)
	ruler := lifeRuler(w.Life, a, c.look, indent)
	if rows-len(out)-len(tail)-len(ruler) < 2 {
		ruler = nil
	}
	if room := max(rows-len(out)-len(ruler)-len(tail), 0); len(steps) > room {
		steps = clipSteps(steps, room, indent)
	}
	// Blank lines between the parts, as far as there is room: first before the last, then from the top.
	spare := rows - len(out) - len(ruler) - len(steps) - len(tail)
	blank := func(n int) []text.Line { return make([]text.Line, min(max(spare-n, 0), 1)) }
	out = append(append(out, blank(1)...), ruler...)
	out = append(append(out, blank(2)...), steps...)
	out = append(append(out, blank(0)...), tail...)
	return out[:min(len(out), rows)]
}

// ground is what an assertion's weight stands on: how it was worked out, the document, the asserter's note.
func (c *Contributions) ground(w ask.Weighed, indent int) []text.Line {
	const label = 8
	room := c.look.Cols - indent - label - 1
	var out []text.Line
	add := func(name string, lines []text.Line) {
		for i, l := range lines {
			if i > 0 {
				name = ""
			}
			head := append(text.Of(text.Space(indent)), text.Of(text.Text(text.Dim, name)).Fit(label)...)
			out = append(out, append(head, l...))
		}
	}
	if w.Arithmetic != "" {
		add("WEIGHT", text.Wrap(text.Plain, w.Arithmetic, room, 3))
	}
	if w.Source.Name != "" {
		add("SOURCE", []text.Line{sourceLine(w.Source)})
	}
	if w.Note != "" {
		add("NOTE", text.Wrap(text.Plain, w.Note, room, 2))
	}
	return out
}

// sourceLine says where an assertion came from and what is kept of it.
func sourceLine(s ask.SourceOf) text.Line {
	l := text.Of(text.Text(text.Plain, s.Name))
	if s.Bytes == "" {
		return l // no more than its name is known yet
	}
	l = append(l, text.Text(text.Dim, "  authority "), text.Text(text.Plain, ask.Decimal(s.Authority)))
	switch s.Bytes {
	case ask.HeldBytes:
		l = append(l, text.Text(text.OK, "  ✓ bytes kept"))
	case ask.HeldErased:
		l = append(l, text.Text(text.Warn, "  ! bytes erased"))
	default:
		l = append(l, text.Text(text.Warn, "  ! bytes not kept"))
	}
	if s.URI != "" {
		l = append(l, text.Text(text.Dim, "  "+s.URI))
	}
	return l
}

// clipSteps leaves the first steps and the last of a long life.
func clipSteps(steps []text.Line, rows, indent int) []text.Line {
	if rows < 2 {
		return nil
	}
	left := len(steps) - rows + 1
	gap := text.Of(text.Space(indent), text.Text(text.Dim, fmt.Sprintf("⋮ %d steps more", left)))
	head := (rows - 1) / 2
	out := append([]text.Line{}, steps[:head]...)
	out = append(out, gap)
	return append(out, steps[head+left:]...)
}

// lifeRuler draws a life as a line in the tone of each stage, with its steps above and the moment it was weighed
// below:
//
//	Proposed  −          Rejected
//	P─────────+──────────R━━━━━
//	                 ▲ asked
//
// A question about an earlier moment could see the life up to then, wherever it was asked from.
func lifeRuler(life []ask.LifeStep, a ask.Audit, look Look, indent int) []text.Line {
	if len(life) == 0 {
		return nil
	}
	asked, word := seenFrom(a)
	last := max(asked, life[len(life)-1].At)
	left, right := look.Times.Minute(life[0].At), look.Times.Minute(last)
	if look.Times.Day(life[0].At) != look.Times.Day(last) {
		left = look.Times.Day(life[0].At)
	}
	cells := look.Cols - 2*indent - text.Width(left) - text.Width(right) - 2
	if cells < 12 {
		return nil
	}
	ax := axis{from: life[0].At, to: last + 1, cells: cells}
	line := make([]text.Span, cells)
	at, stage := 0, record.Stage(0)
	paint := func(to int) {
		for ; at < to; at++ {
			_, tone := stageTone(stage)
			glyph := "─"
			if stage == record.Approved {
				glyph = "━"
			}
			line[at] = text.Text(tone, glyph)
		}
	}
	for _, step := range life {
		if step.To != nil {
			paint(ax.cell(step.At))
			stage = *step.To
		}
	}
	paint(cells)
	for _, step := range life {
		switch {
		case step.To != nil:
			_, tone := stageTone(*step.To)
			line[ax.cell(step.At)] = text.Text(tone, step.To.String()[:1])
		case step.Vote != nil && *step.Vote < 0:
			setApart(line, ax.cell(step.At), text.Text(text.Warn, "−"))
		default:
			setApart(line, ax.cell(step.At), text.Text(text.OK, "+"))
		}
	}
	ruler := append(text.Of(text.Space(indent), text.Text(text.Dim, left), text.Space(1)), joinTones(line)...)
	ruler = append(ruler, text.Space(1), text.Text(text.Dim, right))

	pointer := indent + text.Width(left) + 1 + ax.cell(asked)
	words := word + " " + look.Times.OnDay(asked, look.Times.Day(a.Timestamp))
	label := "▲ " + words
	below := text.Of(text.Space(pointer), text.Text(text.Strong, "▲"), text.Text(text.Plain, label[len("▲"):]))
	if pointer+text.Width(label) > look.Cols-1 {
		words += " "
		below = text.Of(text.Space(max(pointer-text.Width(words), 0)), text.Text(text.Plain, words), text.Text(text.Strong, "▲"))
	}
	return []text.Line{ruler, below}
}

// seenFrom is the moment as of which a question was answered, and the word for it: what it could see of a life ends
// there.
func seenFrom(a ask.Audit) (record.Time, string) {
	if a.AsOf != 0 && a.AsOf != a.Timestamp {
		return a.AsOf, "as it was at"
	}
	return a.Timestamp, "asked"
}

// setApart puts a sign on a line with a gap on either side: a minus would drown in it.
func setApart(line []text.Span, at int, sign text.Span) {
	for _, i := range []int{at - 1, at + 1} {
		if 0 <= i && i < len(line) && (line[i].String() == "─" || line[i].String() == "━") {
			line[i] = text.Space(1)
		}
	}
	line[at] = sign
}

// lifeSteps are the steps, a line each, with the question between those it could see and the others.
func lifeSteps(life []ask.LifeStep, a ask.Audit, look Look, indent int) []text.Line {
	var out []text.Line
	day := look.Times.Day(a.Timestamp)
	moment, _ := seenFrom(a)
	width := text.Width(look.Times.OnDay(moment, day))
	for _, s := range life {
		width = max(width, text.Width(look.Times.OnDay(s.At, day)))
	}
	asked := false
	for i, s := range life {
		if s.After && !asked {
			asked = true
			out = append(out, askedLine(a, look, indent, width, day))
		}
		out = append(out, stepLine(s, i == 0, look, indent, width, day))
	}
	return out
}

func askedLine(a ask.Audit, look Look, indent, width int, day string) text.Line {
	moment, word := seenFrom(a)
	at := text.Of(text.Text(text.Strong, look.Times.OnDay(moment, day))).Fit(width)
	l := append(append(text.Line{text.Space(indent)}, at...), text.Space(2))
	if word != "asked" {
		l = append(l, text.Text(text.Strong, "▲ "+word), text.Text(text.Plain, ", asked "+look.Times.OnDay(a.Timestamp, day)))
	} else {
		l = append(l, text.Text(text.Strong, "▲ asked here"))
	}
	return append(l, text.Text(text.Dim, "; what follows the answer could not see")).Cut(look.Cols - 1)
}

func stepLine(s ask.LifeStep, birth bool, look Look, indent, width int, day string) text.Line {
	when := text.Of(text.Text(text.Plain, look.Times.OnDay(s.At, day))).Fit(width)
	l := append(append(text.Line{text.Space(indent)}, when...), text.Space(2))
	var what text.Line
	switch {
	case s.To != nil:
		sign, tone := stageTone(*s.To)
		what = text.Of(text.Text(tone, sign+" "+s.To.String()))
	case s.Vote != nil:
		tone := text.OK
		if *s.Vote < 0 {
			tone = text.Warn
		}
		what = text.Of(text.Text(tone, "  vote "+signed(*s.Vote)))
	}
	l = append(l, what.Fit(14)...)
	by := "by " + s.Agent
	if birth {
		by = "stated by " + s.Agent
	}
	l = append(l, text.Space(1), text.Text(text.Plain, by))
	if s.Reason != "" {
		l = append(l, text.Text(text.Dim, "  “"+s.Reason+"”"))
	}
	return l.Cut(look.Cols - 1)
}

// signed is a vote's weight with its sign: +1.0, −.50.
func signed(f float32) string {
	if f < 0 {
		return "−" + ask.Decimal(-f)
	}
	return "+" + ask.Decimal(f)
}
