package views

import (
	"episteme/engine/trace/ask"
	"episteme/views/text"
)

// pane is what is known of the selected row, in at most rows lines.
func (t *Timeline) pane(rows int) []text.Line {
	e := t.at(t.window.Cursor)
	kept := keptLines(t.look.Kept[e.id()], t.look, min(rows/3, 3))
	rows -= len(kept)
	switch {
	case t.moving && !e.id().IsZero():
		return t.passing(e)
	case e.event != nil:
		return append(kept, t.eventPane(e.event, rows)...)
	case e.audit == nil:
		return nil
	}
	v, full := t.verdicts[e.audit.ID]
	if !full {
		v = remembered(*e.audit)
	}
	lines := append([]text.Line{verdictHead(v, t.look)}, verdictPane(v, t.look, rows-1)...)
	if !full && len(lines) < rows {
		lines = append(lines, t.weighing())
	}
	if t.look.Rows >= tallRows && full && len(v.Audit.Findings) > 0 {
		lines = append(lines, nil)
		lines = append(lines, findingLines(v.Audit.Findings, rows-len(lines), t.look.Keymap())...)
	}
	return append(kept, lines[:min(len(lines), rows)]...)
}

// keptLines are the newest notes of the case on a record, in at most rows lines.
func keptLines(list []Kept, look Look, rows int) []text.Line {
	var out []text.Line
	for _, k := range list[max(len(list)-max(rows, 0), 0):] {
		note := k.Note
		if note == "" {
			note = "kept in the case"
		}
		out = append(out, text.Of(text.Space(1), text.Text(text.Key, "*"), text.Space(1), text.Text(text.Strong, k.By), text.Text(text.Plain, ": "+note)).Cut(look.Cols-1))
	}
	return out
}

// passing is what is said of a row while the cursor runs over it: which it is. What was told stands in the row, the rest
// is drawn where the cursor comes to rest; a key that repeats would send a pane for each row it passes.
func (t *Timeline) passing(e entry) []text.Line {
	if e.event != nil {
		return []text.Line{eventHead(e.event, t.look)}
	}
	v, full := t.verdicts[e.audit.ID]
	if !full {
		v = remembered(*e.audit)
	}
	return []text.Line{verdictHead(v, t.look)}
}

// weighing stands below a verdict from memory while, or because, the rest is not known.
func (t *Timeline) weighing() text.Line {
	if t.detail.err != nil {
		return text.Of(text.Space(3), text.Text(text.Bad, "✗ what competed, and what holds now, could not be read: "+headline(t.detail.err)))
	}
	if busy := t.detail.line(t.look.Keymap()); busy != nil {
		return append(text.Line{text.Space(3)}, busy...)
	}
	return text.Of(text.Space(3), text.Text(text.Dim, "what competed, and what holds now: …"))
}

// findingLines are findings with their sentences, in at most rows lines: the last one names those there is no room for.
func findingLines(list []ask.Finding, rows int, keys Keymap) []text.Line {
	var out []text.Line
	for i, f := range list {
		if len(out) == rows-1 && i < len(list)-1 {
			return append(out, append(text.Of(text.Space(3)), findingNames(list[i:])...))
		}
		out = append(out, findingLine(f, "   ", keys))
	}
	return out
}

// findingNames are findings by name, on one line.
func findingNames(list []ask.Finding) text.Line {
	var out text.Line
	for i, f := range list {
		if i > 0 {
			out = append(out, text.Text(text.Dim, " · "))
		}
		sign, tone := severity(f.Code)
		out = append(out, text.Text(tone, sign+" "+f.Code.Word()))
	}
	return out
}

// findingLine is a finding with its sentence, which names keys as they are bound here.
func findingLine(f ask.Finding, indent string, keys Keymap) text.Line {
	sign, tone := severity(f.Code)
	return text.Of(text.Text(tone, indent+sign+" "+f.Code.Word()), text.Space(2), text.Text(text.Plain, keys.Sentence(f.Code.Sentence())))
}
