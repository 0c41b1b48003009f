package views

import (
	"time"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
	"episteme/views/text"
)

// remembered is the verdict that a row of a list can give without asking anybody: what was told and why. What
// competed, what would have turned it and what holds now come later.
func remembered(a ask.Audit) ask.Verdict {
	v := ask.Verdict{Audit: a}
	for _, c := range a.Contributions {
		w := ask.Weighed{Assertion: c.Assertion, Value: c.Value, Weight: c.Weight, Lifecycle: c.Lifecycle, Held: c.Value.Type != record.NoValue}
		if c.Source != nil {
			w.Source.Name = *c.Source
		}
		v.Because = append(v.Because, w)
	}
	return v
}

// reproduction says what came of recomputing.
func reproduction(r ask.Reproduction) text.Span {
	switch r {
	case ask.Same:
		return text.Text(text.OK, "✓ recomputed: same")
	case ask.Differs:
		return text.Text(text.Bad, "✗ recomputed: DIFFERS")
	case ask.NotPossible:
		return text.Text(text.Dim, "? as told")
	}
	return text.Text(text.Dim, "")
}

// verdictHead is the line above a verdict: who asked what, when, its id, and whether it can be recomputed. That it can
// and gives another answer comes first: it must not be what is cut.
func verdictHead(v ask.Verdict, look Look) text.Line {
	left := text.Of(text.Space(1), text.Text(text.Plain, v.Audit.Agent), text.Text(text.Dim, " asked "),
		text.Text(text.Plain, v.Audit.Subject), text.Space(1), text.Text(text.Plain, v.Audit.Predicate))
	right := text.Of(text.Text(text.Plain, look.Times.Clock(v.Audit.Timestamp)), text.Space(2), shortID(v.Audit.ID))
	if r := reproduction(v.Recomputed); v.Recomputed == ask.Differs {
		left = append(text.Of(text.Space(1), r, text.Space(1)), left...)
		if 1+r.Width()+1+right.Width()+2 > look.Cols {
			right = right[:1] // the id is below, in the record itself
		}
	} else if look.Cols >= 100 {
		if r.Width() > 0 {
			right = append(right, text.Space(3), r)
		}
	}
	return text.Ends(left, append(right, text.Space(1)), look.Cols)
}

// verdictPane draws a verdict's lines in at most rows lines. When it is tight, THEN goes first, then second rows,
// WITHOUT, NOW and AGAINST; TOLD, BECAUSE and LENS stay.
func verdictPane(v ask.Verdict, look Look, rows int) []text.Line {
	all := v.Lines()
	p := paneOf(all, v, look)
	lens := p.lens(all)
	out := make([]text.Line, 0, rows)
	for _, l := range dropLines(all, rows-max(len(lens)-1, 0)) {
		if l.Label == "LENS" {
			out = append(out, lens...)
		} else {
			out = append(out, p.line(l))
		}
	}
	return out
}

// lens is the line of the lens, which is never cut: its words say under which rule all else is to be read. Where it
// does not fit it takes more lines.
func (p pane) lens(lines []ask.Line) []text.Line {
	for _, l := range lines {
		if l.Label != "LENS" {
			continue
		}
		var out []text.Line
		for i, words := range text.Wrap(text.Plain, l.String(), p.room(), 4) {
			label := "LENS"
			if i > 0 {
				label = ""
			}
			out = append(out, append(p.head(label, text.Dim), words...))
		}
		return out
	}
	return nil
}

// dropLines leaves at most rows lines, the dearest first.
func dropLines(lines []ask.Line, rows int) []ask.Line {
	for _, label := range []string{"THEN", "", "WITHOUT", "NOW", "AGAINST", "LENS", "BECAUSE"} {
		for i := len(lines) - 1; i >= 0 && len(lines) > rows; i-- {
			if lines[i].Label == label || label == "THEN" && lines[i].Label == "" && under(lines, i) == label {
				lines = append(lines[:i:i], lines[i+1:]...)
			}
		}
	}
	return lines
}

// under is the label that line i continues.
func under(lines []ask.Line, i int) string {
	for ; i > 0 && lines[i].Label == ""; i-- {
	}
	return lines[i].Label
}

// pane is the layout that the lines of one verdict share.
type pane struct {
	look   Look
	day    string // of the audit: other days are written out
	indent int
	label  int // cells of the label column, with its gap
	value  int // cells of the value column of TOLD, BECAUSE and AGAINST
	stage  int
	bar    int
}

func paneOf(lines []ask.Line, v ask.Verdict, look Look) pane {
	p := pane{look: look, day: look.Times.Day(v.Audit.Timestamp), indent: 1, label: 8}
	if look.Cols >= 100 {
		p.indent, p.label, p.bar = 3, 9, 9
	}
	for _, l := range lines {
		if len(l.Parts) < 2 || l.Parts[1].Role != ask.Strength {
			continue
		}
		p.value = max(p.value, text.Text(0, l.Parts[0].Text).Width())
		p.stage = max(p.stage, text.Width(l.Parts[2].Text)+2)
	}
	// A value is never left out. A long one may take what the bars, the source and the gaps leave.
	p.value = min(p.value, max(look.Cols-p.indent-p.label-50, 8))
	return p
}

// line draws one line of the verdict.
func (p pane) line(l ask.Line) text.Line {
	tone := text.Dim
	if l.Label == "TOLD" {
		tone = text.Strong
	}
	label := l.Label
	if label == "NOW" && p.look.AsOf != nil { // the present of a past moment
		label = "BY THEN"
	}
	head, room := p.head(label, tone), p.room()
	if len(l.Parts) > 2 && l.Parts[1].Role == ask.Strength {
		return append(head, p.weighed(l.Parts, room)...)
	}
	return append(head, p.free(l, room)...)
}

// head is the label in front of a line, room what is left behind it.
func (p pane) head(label string, tone text.Tone) text.Line {
	return append(text.Of(text.Space(p.indent)), text.Of(text.Text(tone, label)).Fit(p.label)...)
}

func (p pane) room() int { return p.look.Cols - p.indent - p.label - 1 }

// weighed is a line of BECAUSE or AGAINST: value, bar, weight, stage, id, source.
func (p pane) weighed(parts []ask.Part, room int) text.Line {
	value := text.Of(text.Text(text.Plain, parts[0].Text))
	if parts[0].Role == ask.Bad {
		value = text.Of(text.Text(text.Bad, "✗ "+parts[0].Text))
	}
	var stage, rest text.Line
	for _, part := range parts[2:] {
		switch part.Role {
		case ask.IDOf:
			rest = append(rest, shortID(part.ID))
		case ask.SourceAt:
			if part.Text != "" {
				rest = append(rest, text.Space(2), text.Text(text.Plain, part.Text))
			}
		default:
			stage = p.stageOf(part)
		}
	}
	const weight = 3
	fixed := p.value + 2 + weight + 2 + p.stage + 2
	bar := p.bar
	if fixed+bar+1+rest.Width() > room {
		bar = 0 // bars go before the name of the source
	}
	if fixed+rest.Width() > room && len(rest) > 1 && room-fixed < 10+2+8 {
		rest = rest[:1]
	}
	return text.Row(2,
		text.Col{Cells: p.value, Line: value},
		text.Col{Cells: bar, Line: text.Bar(parts[1].Weight, bar)},
		text.Col{Cells: weight, Line: text.Of(text.Text(text.Plain, parts[1].Text)), Right: true},
		text.Col{Cells: p.stage, Line: stage},
		text.Col{Cells: rest.Width(), Line: rest}).Cut(room)
}

func (p pane) stageOf(part ask.Part) text.Line {
	switch part.Role {
	case ask.Warn:
		return text.Of(text.Text(text.Warn, "! "+part.Text))
	case ask.Bad:
		return text.Of(text.Text(text.Bad, "✗ "+part.Text))
	}
	if s, err := record.ParseStage(part.Text); err == nil {
		sign, tone := stageTone(s)
		return text.Of(text.Text(tone, sign+" "+part.Text))
	}
	return text.Of(text.Text(text.Plain, part.Text))
}

// free is a line of parts with a blank between. What may be left out first is left out when it does not fit.
func (p pane) free(l ask.Line, room int) text.Line {
	line := p.joined(l, true)
	if line.Width() > room {
		line = p.joined(l, false)
	}
	return line.Cut(room)
}

func (p pane) joined(l ask.Line, asides bool) text.Line {
	var out text.Line
	for i, part := range l.Parts {
		if part.Role == ask.Aside && !asides && i > 0 {
			continue
		}
		if i > 0 {
			out = append(out, text.Space(1))
		}
		if i == 0 && l.Label == "TOLD" && part.Role == ask.Value {
			out = append(out, text.Of(text.Text(text.Strong, part.Text)).Fit(max(p.value, min(text.Width(part.Text), p.look.Cols/2)))...)
			out = append(out, text.Space(1))
			continue
		}
		out = append(out, p.part(part)...)
	}
	return out
}

func (p pane) part(part ask.Part) text.Line {
	switch part.Role {
	case ask.IDOf:
		return text.Of(text.Text(text.Key, part.Text))
	case ask.Aside:
		return text.Of(text.Text(text.Dim, part.Text))
	case ask.Warn:
		return text.Of(text.Text(text.Warn, p.retime(part.Text)))
	case ask.Bad:
		return text.Of(text.Text(text.Bad, p.retime(part.Text)))
	}
	return text.Of(text.Text(text.Plain, p.retime(part.Text)))
}

// retime shows the first time in a sentence of the engine's as this screen shows times, with its day where that is
// not the audit's. Later times may be the data's own words and stay.
func (p pane) retime(s string) string {
	const shortest = len("2006-01-02T15:04:05Z")
	for i := 0; i+shortest <= len(s); i++ {
		if s[i] < '1' || s[i] > '2' || s[i+4] != '-' || s[i+10] != 'T' {
			continue
		}
		end := i + shortest - 1
		for end < len(s) && s[end] != 'Z' && end < i+len(time.RFC3339Nano) {
			end++
		}
		if end == len(s) {
			return s
		}
		at, err := record.ParseTime(s[i : end+1])
		if err != nil {
			continue
		}
		return s[:i] + p.look.Times.OnDay(at, p.day) + s[end+1:]
	}
	return s
}
