package views

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
	"episteme/views/text"
)

// progress is how far a question of one slot has come. Each view keeps one per slot and feeds it its messages, so
// that waiting, slow, stopped and failed look the same everywhere.
type progress struct {
	slot    string
	running bool
	known   bool // an answer, or a part of one, has come since the slot was first asked
	stopped bool
	err     error
	wait    Waiting // the zero Waiting until the first 150 ms are over
}

// ask marks the question as under way.
func (p *progress) ask(q Ask) Do {
	p.slot, p.running, p.stopped, p.err, p.wait = q.Slot, true, false, nil, Waiting{}
	return q
}

// handle takes the messages of its slot. It reports whether m was one.
func (p *progress) handle(m Msg) bool {
	switch m := m.(type) {
	case Waiting:
		if m.Slot == p.slot {
			p.wait = m
			return true
		}
	case Stopped:
		if m.Slot == p.slot {
			p.running, p.stopped, p.wait = false, true, Waiting{}
			return true
		}
	case Answer:
		if m.Slot == p.slot {
			p.known = p.known || m.Err == nil
			if !m.Part {
				p.running, p.err, p.wait = false, m.Err, Waiting{}
			}
			return true
		}
	}
	return false
}

// failed reports whether there is a question to put again.
func (p *progress) failed() bool { return !p.running && (p.err != nil || p.stopped) }

// againOr puts the key that tries again in front of hints, where something failed.
func againOr(failed bool, hints []Hint) []Hint {
	if !failed {
		return hints
	}
	return append([]Hint{{Again, ""}}, hints...)
}

// nothingFailed answers the key that tries again.
func nothingFailed() []Do { return []Do{Say{Text: "Nothing here has failed.", Tone: text.Plain}} }

// spinning reports whether the question has been under way long enough to say so.
func (p *progress) spinning() bool { return p.running && p.wait.Tick > 0 }

// spinner is a short light running along a wire: it moves in the terminals that have nothing but ASCII, too.
func spinner(tick int) text.Line {
	const cells = 5
	at := tick % cells
	return text.Of(text.Repeat(text.Dim, "─", at), text.Text(text.Key, "━"), text.Repeat(text.Dim, "─", cells-1-at))
}

// lateWords say below a spinner that it takes long, and what ends it.
func (p *progress) lateWords(keys Keymap) string {
	return "This takes longer than usual: " + Ago(p.wait.For) + " so far. " + keys.Shown(Out) + " stops it."
}

// line says what is under way, or what became of it; empty when there is nothing to say.
func (p *progress) line(keys Keymap) text.Line {
	switch {
	case p.spinning():
		l := append(spinner(p.wait.Tick), text.Text(text.Plain, "  "+p.wait.Doing))
		if p.wait.Late {
			return append(l, text.Text(text.Warn, fmt.Sprintf("  ! slow: %s so far, %s stops it", soFar(p.wait.For), keys.Shown(Out))))
		}
		return l
	case p.stopped:
		return text.Of(text.Text(text.Warn, "! stopped"))
	case p.err != nil:
		return text.Of(text.Text(text.Bad, "✗ "+headline(p.err)))
	}
	return nil
}

// soFar is how long something has taken. What is asked of one record is slow before the first second is over.
func soFar(d time.Duration) string {
	if d < time.Second {
		return "under 1 s"
	}
	return Ago(d)
}

// headline is the first line of an error.
func headline(err error) string {
	first, _, _ := strings.Cut(err.Error(), "\n")
	return first
}

// panel is a page with one message on it: loading, empty, stopped, failed.
type panel struct {
	mark  text.Line
	title string
	body  []string // paragraphs
	press []Hint   // what to do now
}

// lines draws the panel in the upper middle of a page of cols by rows.
func (p panel) lines(keys Keymap, cols, rows int) []text.Line {
	const widest = 84 // about what one reads without losing the line
	inner := min(cols-4, widest)
	left := text.Space(max((cols-inner)/2, 0))
	if cols < 60 {
		left = text.Space(1)
		inner = cols - 2
	}
	var out []text.Line
	add := func(l text.Line) { out = append(out, append(text.Line{left}, l...)) }
	add(append(append(text.Line{}, p.mark...), text.Text(text.Strong, " "+p.title)))
	indent := text.Space(p.mark.Width() + 1)
	for _, paragraph := range p.body {
		if rows >= 14 {
			out = append(out, nil)
		}
		for _, l := range text.Wrap(text.Dim, paragraph, inner-indent.Width(), max(rows/2, 2)) {
			add(append(text.Line{indent}, l...))
		}
	}
	if len(p.press) > 0 {
		l := text.Line{indent}
		for _, h := range p.press {
			l = append(l, text.Text(text.Key, keys.Shown(h.Action)), text.Text(text.Plain, " "+h.Word+"   "))
		}
		out = append(out, nil)
		add(l)
	}
	top := max((rows-len(out))/3, 0)
	return text.Block(append(make([]text.Line, top), out...), cols, rows)
}

// failure is the page for an error: what it means for the investigator, what to press, and the chain behind.
func failure(what string, err error) panel {
	p := panel{mark: text.Of(text.Text(text.Bad, "✗")), title: what, press: []Hint{{In, "try again"}, {Leave, "back"}}}
	var missing *ask.NotFoundError
	var usage *ask.UsageError
	switch {
	case errors.As(err, &missing):
		p.mark, p.press = text.Of(text.Text(text.Warn, "?")), []Hint{{Leave, "back"}}
	case errors.As(err, &usage):
		p.press = []Hint{{Leave, "back"}}
	case errors.Is(err, context.DeadlineExceeded):
		p.body = append(p.body, "No answer came in time.")
	}
	p.body = append(p.body, err.Error())
	return p
}

// severity is a finding's sign and tone: ✗ something is wrong, ! deserves a look, ≠ something else would have
// answered otherwise, ? little is known.
func severity(c ask.Code) (sign string, tone text.Tone) {
	switch c {
	case ask.Unreproducible, ask.MissingEvidence, ask.RetractedSince:
		return "✗", text.Bad
	case ask.LateEvidence, ask.Unapproved:
		return "!", text.Warn
	case ask.Contested, ask.LensDisagreement, ask.Flip, ask.ChangedSince:
		return "≠", text.Warn
	}
	return "?", text.Dim
}

// stageTone is a lifecycle stage's sign and tone.
func stageTone(s record.Stage) (sign string, tone text.Tone) {
	switch s {
	case record.Approved:
		return "✓", text.OK
	case record.Proposed, record.UnderReview:
		return "!", text.Warn
	case record.Deprecated, record.Rejected:
		return "✗", text.Bad
	}
	return "?", text.Dim
}

// markTone is an event's tone.
func markTone(t record.EventType) text.Tone {
	switch t {
	case record.Deploy:
		return text.Key
	case record.Alert:
		return text.Bad
	case record.Rollback:
		return text.Warn
	}
	return text.Dim // decisions and notes are words about what happened
}

// checkSign is a hash check's sign and tone, and the words for it.
func checkSign(c ask.Check) (sign string, tone text.Tone, words string) {
	switch c {
	case ask.Verified:
		return "✓", text.OK, "verified"
	case ask.NotHeld:
		return "?", text.Warn, "bytes not kept"
	case ask.Broken:
		return "✗", text.Bad, "BROKEN"
	case ask.Erased:
		return "−", text.Dim, "erased"
	}
	return "?", text.Dim, "not checked"
}

// rule is a line across.
func rule(cols int) text.Line {
	return text.Of(text.Space(1), text.Repeat(text.Dim, "─", cols-2))
}

// shortID is an id as a screen shows it.
func shortID(id record.ID) text.Span { return text.Text(text.Key, id.Short()) }
