package views

import (
	"fmt"

	"episteme/views/text"
)

// Status says how complete the list is, what failed first.
func (t *Timeline) Status() text.Line {
	if !t.load.known || t.head.rng.From == nil || len(t.rows) == 0 {
		return nil
	}
	parts := []text.Span{
		text.Text(text.Plain, fmt.Sprintf("%s of %s queries", Count(len(t.audits)), Count(t.trace.Total))),
	}
	if c := t.completeness(); c.Width() > 0 {
		parts = append(parts, c)
	}
	if t.events.err != nil {
		parts = append(parts, text.Text(text.Bad, "✗ events could not be read: "+headline(t.events.err)))
	}
	if t.load.err != nil {
		parts = append(parts, text.Text(text.Bad, "✗ not read again: "+headline(t.load.err)))
	}
	if n := t.head.later; n > 0 {
		parts = append(parts, text.Text(text.Warn, laterWords(n)))
	}
	if t.head.newer {
		parts = append(parts, text.Text(text.Warn, "! newer ones: "+t.look.Keymap().Shown(Bottom)))
	}
	if t.unseen > 0 {
		parts = append(parts, text.Text(text.Warn, "! "+Count(t.unseen)+" new: "+t.look.Keymap().Shown(Bottom)))
	}
	parts = append(parts, text.Text(text.Plain, t.windowWords()))
	for _, h := range t.trace.Heard {
		parts = append(parts, text.Text(text.Dim, h.Agent+" last heard "+t.look.Times.OnDay(h.At, t.look.Times.Day(*t.head.rng.To))))
		break
	}
	return dotted(parts, t.look.Cols)
}

func laterWords(n uint64) string {
	if n == 1 {
		return "! 1 record claims to be later than now"
	}
	return "! " + Count(n) + " records claim to be later than now"
}

// completeness is one phrase for how much of the truth this is; none where a failure already says that it is less.
func (t *Timeline) completeness() text.Span {
	switch {
	case t.trace.Behind > 0:
		return text.Text(text.Warn, fmt.Sprintf("! %s records not applied yet", Count(t.trace.Behind)))
	case t.cursor != "" && len(t.audits) >= rowsMax:
		return text.Text(text.Warn, fmt.Sprintf("! the newest %s only", Count(rowsMax)))
	case t.cursor != "":
		return text.Text(text.Warn, "! older ones not read yet: "+t.look.Keymap().Shown(Top)+" reads them")
	case !t.trace.AllReceivedShown:
		return text.Text(text.Warn, "! not all that was received is shown")
	case t.events.err != nil || t.load.err != nil:
		return text.Span{}
	case t.head.newer: // which says so itself
		return text.Span{}
	case t.hasBefore():
		return text.Text(text.Plain, "all of this window · older: "+t.look.Keymap().Shown(Top))
	}
	return text.Text(text.OK, "all received shown")
}

// windowWords is the window: 2024-01-15 20:30Z … 22:32Z.
func (t *Timeline) windowWords() string {
	times, from, to := t.look.Times, *t.head.rng.From, *t.head.rng.To
	end := times.Minute(to)
	if times.Day(from) != times.Day(to) {
		end = times.Day(to) + " " + end
	}
	if t.look.Cols < wideCols {
		return times.Minute(from) + " … " + end
	}
	return times.Day(from) + " " + times.Minute(from) + " … " + end
}
