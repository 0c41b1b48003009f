package views

import (
	"episteme/engine/record"
	"episteme/engine/trace/ask"
	"episteme/views/text"
)

// blank is the page of a screen whose only question has nothing to show yet: it failed, was stopped, or is under way.
// what ends "… could not be read.", doing says under the spinner what is looked at.
func (p *progress) blank(keys Keymap, what, doing string) panel {
	switch {
	case p.err != nil:
		return failure(what+" could not be read.", p.err)
	case p.stopped:
		return panel{mark: text.Of(text.Text(text.Warn, "!")), title: "Stopped before anything was found.",
			press: []Hint{{In, "try again"}, {Leave, "back"}}}
	case p.spinning():
		q := panel{mark: spinner(p.wait.Tick), title: p.wait.Doing, body: []string{doing}}
		if p.wait.Late {
			q.body = append(q.body, p.lateWords(keys))
		}
		return q
	}
	return panel{}
}

// staleLine says that what is shown is older than what was asked for: under way, stopped or failed; empty when the
// answer is here. A question that has just been put says so at once: what stands below is not its answer.
func (p *progress) staleLine(keys Keymap, shown string) text.Line {
	switch {
	case p.running && !p.spinning():
		return text.Of(text.Text(text.Dim, "… still shown: "+shown))
	case p.running:
		return append(p.line(keys), text.Text(text.Dim, " · still shown: "+shown))
	case p.failed():
		return append(p.line(keys), text.Text(text.Plain, " · still shown: "+shown), text.Text(text.Key, "  "+keys.Shown(Again)), text.Text(text.Plain, " tries again"))
	}
	return nil
}

// labelled is a line with a label in front, in the columns of a verdict.
func labelled(look Look, label string, rest ...text.Span) text.Line {
	p := paneOf(nil, ask.Verdict{}, look)
	return append(p.head(label, text.Dim), rest...).Cut(look.Cols)
}

// labelledWrap is labelled for words that must not be cut: they take up to rows lines.
func labelledWrap(look Look, label string, tone text.Tone, words string, rows int) []text.Line {
	p := paneOf(nil, ask.Verdict{}, look)
	var out []text.Line
	for _, l := range text.Wrap(tone, words, p.room(), rows) {
		out = append(out, append(p.head(label, text.Dim), l...))
		label = ""
	}
	return out
}

// days reports whether times lie on more than one day, so that a column of them has to say which.
func (t Times) days(first, last record.Time) bool {
	return t.Mode != Relative && t.Day(first) != t.Day(last)
}

// plural is n of something: 1 query, 3 queries.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Count(n) + " " + many
}
