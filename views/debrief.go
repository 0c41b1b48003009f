package views

import (
	"fmt"

	"episteme/fixtures/training"
	"episteme/views/text"
)

// DebriefView lays the answer beside the truth, and the trainee's way beside the expected one.
type DebriefView struct {
	look    Look
	debrief training.Debrief
	saved   string // where the page for the team is, or why it is not there
	failed  bool
	page    page
}

// NewDebrief is the debrief of a session.
func NewDebrief(d training.Debrief) *DebriefView { return &DebriefView{debrief: d} }

// Saved says where the page for the team was written; with an error, that it was not.
func (v *DebriefView) Saved(where string, err error) {
	v.saved, v.failed = where, err != nil
	if err != nil {
		v.saved = err.Error()
	}
}

// Crumb is the view's name.
func (v *DebriefView) Crumb() string { return "debrief" }

// SetLook says how large the view is.
func (v *DebriefView) SetLook(l Look) {
	v.look = l
	if l.Cols > 0 {
		v.page.set(v.all(), l.Rows)
	}
}

// Handle takes a message.
func (v *DebriefView) Handle(m Msg) ([]Do, bool) {
	p, ok := m.(Press)
	if !ok {
		return nil, false
	}
	return nil, v.page.scroll(p)
}

func (v *DebriefView) all() []text.Line {
	d, cols := v.debrief, v.look.Cols
	var out []text.Line
	out = append(out, text.Of(text.Space(1), text.Text(text.Title, d.Case.Title)))
	for _, f := range d.Facts() {
		out = paragraph(out, text.Plain, text.Text(factTone(f.Sign), f.Sign), 2, f.Words, cols)
	}
	out = paragraph(out, text.Plain, text.Text(text.Dim, "·"), 2, d.Time()+" · "+plural(d.Session.Keys, "key", "keys"), cols)
	out = v.answer(append(out, nil))
	out = append(out, nil)
	if cols >= wideCols {
		half := (cols - 4) / 2
		out = append(out, beside(v.way(half), v.own(half), half)...)
	} else {
		out = append(append(append(out, v.way(cols-1)...), nil), v.own(cols-1)...)
	}
	out = append(out, nil, heading("WHAT LOOKED GUILTY"))
	for _, e := range d.Innocent {
		out = append(out, v.record(text.Text(text.Dim, "·"), e.Known))
		out = paragraph(out, text.Dim, text.Span{}, 3, e.Why, cols)
	}
	out = append(out, nil, heading("SOLUTION"))
	for i, p := range d.Solution {
		if i > 0 {
			out = append(out, nil)
		}
		out = paragraph(out, text.Plain, text.Span{}, 0, p, cols)
	}
	return sealLines(append(out, nil, heading("SEALED ENDING")), "The hash of the ending, as it stood on the first page:", d.Case.Seal, cols)
}

// factTone is the tone of a fact's sign.
func factTone(sign string) text.Tone {
	switch sign {
	case "✓":
		return text.OK
	case "−":
		return text.Warn
	case "✗":
		return text.Bad
	}
	return text.Dim
}

// answer is what was named and what is so.
func (v *DebriefView) answer(out []text.Line) []text.Line {
	d := v.debrief
	out = append(out, heading("THE ROOT"))
	if d.RootFound {
		out = append(out, v.record(text.Text(text.OK, "✓"), d.Root))
	} else {
		if id := d.Session.Root; !id.IsZero() {
			out = append(out, v.record(text.Text(text.Bad, "✗"), training.Known{ID: id, Words: d.Case.Words(id)}))
			if d.RootWhy != "" {
				out = paragraph(out, text.Dim, text.Span{}, 3, "it looked guilty: "+d.RootWhy, v.look.Cols)
			}
		}
		out = append(out, v.record(text.Text(text.Warn, "−"), d.Root))
	}
	out = append(out, nil, heading("FLIPPED BY IT"))
	if len(d.Found)+len(d.Missed)+len(d.Wrong) == 0 {
		return append(out, text.Of(text.Space(3), text.Text(text.Dim, "nothing is known to have flipped, and nothing was named")))
	}
	for _, part := range d.Flips() {
		if len(part.List) == 0 {
			continue
		}
		out = append(out, text.Of(text.Space(1), text.Text(factTone(part.Sign), part.Sign+" "+part.Word)))
		for _, k := range part.List {
			out = append(out, v.record(text.Space(1), k))
		}
	}
	return out
}

// record is a record in a line.
func (v *DebriefView) record(sign text.Span, k training.Known) text.Line {
	l := text.Of(text.Space(1), sign, text.Space(1))
	if k.ID.IsZero() {
		return append(l, text.Text(text.Plain, k.Words)).Cut(v.look.Cols - 1)
	}
	l = append(l, shortID(k.ID), text.Space(2))
	if k.At != 0 && v.look.Cols >= 60 {
		l = append(l, text.Text(text.Dim, v.look.Times.OnDay(k.At, v.look.Times.Day(v.look.Now))), text.Space(2))
	}
	return append(l, text.Text(text.Plain, k.Words)).Cut(v.look.Cols - 1)
}

// way is the expected way, and when the trainee's cursor stood on what each step finds.
func (v *DebriefView) way(cols int) []text.Line {
	out := []text.Line{append(heading("THE EXPECTED WAY"), text.Text(text.Dim, "  and when you stood there"))}
	for i, s := range v.debrief.Way {
		out = paragraph(out, text.Plain, text.Text(text.Strong, fmt.Sprint(i+1)), 3, s.Do, cols)
		sign, tone := "−", text.Warn
		if s.Seen != nil {
			sign, tone = "✓", text.OK
		}
		keys := text.Of(text.Space(4), text.Text(text.Key, s.Keys), text.Text(text.Dim, " → "), shortID(s.Finds.ID))
		out = append(out, append(keys, text.Text(tone, "  "+sign+" "+s.When())).Cut(cols))
	}
	return out
}

const screenCells = len("contributions") // the longest name of a screen that one stays on

// own is the way the trainee took.
func (v *DebriefView) own(cols int) []text.Line {
	out := []text.Line{heading("YOUR WAY")}
	for _, l := range v.debrief.Session.Looks {
		line := text.Of(text.Space(1), text.Text(text.Dim, training.Clock(l.At)), text.Space(2))
		line = append(append(line, text.Of(text.Text(text.Key, l.Keys)).Fit(10)...), text.Space(1))
		line = append(line, text.Of(text.Text(text.Plain, l.Screen)).Fit(screenCells)...)
		if !l.On.IsZero() {
			line = append(line, text.Space(1), shortID(l.On), text.Text(text.Dim, " "+v.debrief.Case.Words(l.On)))
		}
		out = append(out, line.Cut(cols))
	}
	if len(v.debrief.Session.Looks) == 0 {
		out = append(out, text.Of(text.Space(1), text.Text(text.Dim, "nothing was looked at")))
	}
	return out
}

// Lines draws the view.
func (v *DebriefView) Lines() []text.Line {
	return text.Block(v.page.visible(), v.look.Cols, v.look.Rows)
}

// Height is how many lines show all of it.
func (v *DebriefView) Height() int { return len(v.page.lines) }

// Status says where the page for the team is.
func (v *DebriefView) Status() text.Line {
	more := ""
	if v.page.window.End() < len(v.page.lines) {
		more = " · more below"
	}
	switch {
	case v.failed:
		return text.Of(text.Space(1), text.Text(text.Bad, "✗ not written, and printed when you leave: "+v.saved))
	case v.saved != "":
		return text.Of(text.Space(1), text.Text(text.OK, "✓ written for the team: "), text.Text(text.Plain, v.saved), text.Text(text.Dim, more))
	}
	return text.Of(text.Space(1), text.Text(text.Dim, "it is printed as Markdown when you leave"+more))
}

// Hints are the keys that do something here.
func (v *DebriefView) Hints() []Hint {
	return []Hint{{Down, "scroll"}, {HalfDown, ""}, {Help, ""}, {Leave, "look around in the incident"}}
}

// Selected is nothing.
func (v *DebriefView) Selected() Target { return Target{} }
