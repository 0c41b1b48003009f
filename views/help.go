package views

import (
	"episteme/engine/trace/ask"
	"episteme/views/text"
)

// HelpView shows the keys and the words of the screen it was opened from.
type HelpView struct {
	look  Look
	crumb string
	hints []Hint
	page  page
}

// NewHelp is the help of a screen: its crumb and the keys that do something there.
func NewHelp(crumb string, hints []Hint) *HelpView { return &HelpView{crumb: crumb, hints: hints} }

// Crumb is the view's name.
func (h *HelpView) Crumb() string { return "help" }

// SetLook says how large the view is.
func (h *HelpView) SetLook(l Look) {
	h.look = l
	h.page.set(h.all(), l.Rows)
}

// Handle takes a message.
func (h *HelpView) Handle(m Msg) ([]Do, bool) {
	p, ok := m.(Press)
	if !ok {
		return nil, false
	}
	switch p.Action {
	case Help, In:
		return []Do{Back{}}, true
	}
	return nil, h.page.scroll(p)
}

// all is the help in full: keys and words side by side where there is room, else one below the other.
func (h *HelpView) all() []text.Line {
	if h.look.Cols >= wideCols {
		half := (h.look.Cols - 4) / 2
		return beside(h.keys(half), h.words(half), half)
	}
	return append(append(h.keys(h.look.Cols-2), nil), h.words(h.look.Cols-2)...)
}

func beside(left, right []text.Line, cols int) []text.Line {
	out := make([]text.Line, max(len(left), len(right)))
	for i := range out {
		var l, r text.Line
		if i < len(left) {
			l = left[i]
		}
		if i < len(right) {
			r = right[i]
		}
		out[i] = append(append(l.Fit(cols+1), text.Space(2)), r...)
	}
	return out
}

// keys lists every key: first those that do something on this screen, then the others.
func (h *HelpView) keys(cols int) []text.Line {
	here := map[Action]string{}
	for _, hint := range h.hints {
		here[hint.Action] = hint.Word
	}
	out := []text.Line{nil, heading("KEYS")}
	keys := h.look.Keymap()
	for _, k := range keys {
		show := k.Binding.Help().Key
		sentence := k.Sentence
		if word := here[k.Action]; word != "" && k.Action == In {
			sentence += " Here: " + word + "."
		}
		out = append(out, entryLines(text.Text(text.Key, show), 10, sentence, cols)...)
	}
	return out
}

// words are this screen's words, and on the timeline the findings.
func (h *HelpView) words(cols int) []text.Line {
	out := []text.Line{nil, heading("WORDS OF THIS SCREEN")}
	for _, w := range Words(h.crumb) {
		out = append(out, entryLines(text.Text(text.Strong, w.Term), 22, w.Sentence, cols)...)
	}
	if h.crumb == "timeline" || h.crumb == "contributions" || h.crumb == "findings" {
		out = append(out, nil, heading("FINDINGS, THE MOST SEVERE FIRST"))
		for _, c := range ask.Codes() {
			sign, tone := severity(c)
			out = append(out, entryLines(text.Text(tone, sign+" "+c.Word()), 22, h.look.Keymap().Sentence(c.Sentence()), cols)...)
		}
	}
	return out
}

func heading(s string) text.Line { return text.Of(text.Space(1), text.Text(text.Title, s)) }

// entryLines is a term and its sentence beside it; a term that is too long stands above.
func entryLines(term text.Span, cells int, sentence string, cols int) []text.Line {
	wrapped := text.Wrap(text.Plain, sentence, cols-cells-2, 6)
	var out []text.Line
	head := text.Of(text.Space(1), term)
	if head.Width() > cells {
		out, head = append(out, head.Cut(cols)), nil
	}
	for i, l := range wrapped {
		if i > 0 {
			head = nil
		}
		out = append(out, append(head.Fit(cells+1), l...))
	}
	return out
}

// Lines draws the view.
func (h *HelpView) Lines() []text.Line { return text.Block(h.page.visible(), h.look.Cols, h.look.Rows) }

// Height is how many lines show all of it.
func (h *HelpView) Height() int { return len(h.page.lines) }

// Status says how much there is.
func (h *HelpView) Status() text.Line {
	if h.page.window.End() < len(h.page.lines) {
		return text.Of(text.Space(1), text.Text(text.Dim, "more below: "+h.look.Keymap().Shown(Down)))
	}
	return text.Of(text.Space(1), text.Text(text.Dim, "No key changes evidence."))
}

// Hints are the keys that do something here.
func (h *HelpView) Hints() []Hint {
	return []Hint{{Down, "scroll"}, {HalfDown, ""}, {Out, "close"}}
}

// Selected is nothing.
func (h *HelpView) Selected() Target { return Target{} }
