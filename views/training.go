package views

import (
	"fmt"

	"episteme/engine/record"
	"episteme/fixtures/training"
	"episteme/views/text"
)

// Brief is what a training begins with: the scene, the tasks, what to press, the hints that were taken, and the hash of
// the sealed ending.
type Brief struct {
	look    Look
	lesson  *training.Case
	session *training.Session // read only; its owner changes it
	begun   bool              // it has been left before
	page    page
}

// NewBrief is the brief of an exercise; session is what has been done so far, and may change between calls.
func NewBrief(c *training.Case, s *training.Session) *Brief { return &Brief{lesson: c, session: s} }

// TakeHint takes the next hint.
type TakeHint struct{}

// HandIn ends a training: the answer stands.
type HandIn struct{}

func (TakeHint) do() {}
func (HandIn) do()   {}

// Crumb is the view's name.
func (b *Brief) Crumb() string { return "brief" }

// SetLook says how large the view is.
func (b *Brief) SetLook(l Look) {
	b.look = l
	if l.Cols > 0 {
		b.page.set(b.all(), l.Rows)
	}
}

// Handle takes a message.
func (b *Brief) Handle(m Msg) ([]Do, bool) {
	switch m := m.(type) {
	case Shown:
		b.SetLook(b.look)
		return nil, true
	case Press:
		if b.page.scroll(m) {
			return nil, true
		}
		switch m.Action {
		case In, BriefKey:
			b.begun = true
			return []Do{Back{}}, true
		case NextHint:
			if b.session.Hints >= len(b.lesson.Hints) {
				return []Do{Say{Text: "There are no more hints.", Tone: text.Plain}}, true
			}
			return []Do{TakeHint{}}, true
		}
	}
	return nil, false
}

// ToHints shows the last hint.
func (b *Brief) ToHints() {
	b.SetLook(b.look)
	for i := len(b.page.lines) - 1; i >= 0; i-- {
		if b.page.lines[i].String() == " HINTS" || i == 0 {
			b.page.window.First = min(i, max(len(b.page.lines)-b.page.window.Rows, 0))
			b.page.window.Cursor = b.page.window.First
			return
		}
	}
}

// readCols is about what one reads without losing the line.
const readCols = 84

// paragraph adds a paragraph, wrapped, behind a label of a width.
func paragraph(out []text.Line, tone text.Tone, label text.Span, indent int, words string, cols int) []text.Line {
	head := text.Of(text.Space(1), label).Fit(indent + 1)
	for _, l := range text.Wrap(tone, words, min(cols-indent-2, readCols), 40) {
		out = append(out, append(head, l...))
		head = text.Of(text.Space(indent + 1))
	}
	return out
}

func (b *Brief) all() []text.Line {
	cols := b.look.Cols
	var out []text.Line
	out = append(out, text.Of(text.Space(1), text.Text(text.Title, b.lesson.Title)))
	out = append(sealLines(out, "The ending is sealed. This is its BLAKE3 hash, and the debrief shows it again:", b.lesson.Seal, cols), nil)
	for _, p := range b.lesson.Scene {
		out = append(paragraph(out, text.Plain, text.Span{}, 0, p, cols), nil)
	}
	out = append(out, heading("YOUR TASKS"))
	for i, task := range b.lesson.Tasks {
		out = paragraph(out, text.Plain, text.Text(text.Strong, fmt.Sprint(i+1)), 3, task, cols)
	}
	for _, p := range b.lesson.Advice {
		out = paragraph(append(out, nil), text.Plain, text.Span{}, 0, p, cols)
	}
	out = append(out, nil, heading("YOUR ANSWER"))
	out = paragraph(out, text.Plain, text.Text(text.Key, b.look.Keymap().Shown(NameIt)), 3, "with the cursor on an assertion: it is the root, without which it would not have happened. On a query: it flipped, it would have been told something else without the root. Once more takes it back.", cols)
	out = paragraph(out, text.Plain, text.Text(text.Key, b.look.Keymap().Shown(AnswerKey)), 3, "shows the answer so far, takes ids that are typed, and hands it in.", cols)
	return b.hints(append(out, nil, heading("HINTS")), cols)
}

func (b *Brief) hints(out []text.Line, cols int) []text.Line {
	n, all := b.session.Hints, len(b.lesson.Hints)
	for i, hint := range b.lesson.Hints[:n] {
		out = paragraph(out, text.Plain, text.Text(text.Strong, fmt.Sprint(i+1)), 3, hint, cols)
	}
	if n < all {
		out = paragraph(out, text.Dim, text.Text(text.Key, b.look.Keymap().Shown(NextHint)), 3, fmt.Sprintf("takes hint %d of %d, from the first nudge to the last. They are counted, and nobody minds.", n+1, all), cols)
	}
	return out
}

// sealLines say what a hash is, and show it in full.
func sealLines(out []text.Line, words string, seal record.Hash, cols int) []text.Line {
	out = paragraph(out, text.Dim, text.Span{}, 0, words, cols)
	for _, l := range text.Wrap(text.Key, seal.String(), cols-2, 4) {
		out = append(out, append(text.Of(text.Space(1)), l...))
	}
	return out
}

// Lines draws the view.
func (b *Brief) Lines() []text.Line { return text.Block(b.page.visible(), b.look.Cols, b.look.Rows) }

// Height is how many lines show all of it.
func (b *Brief) Height() int { return len(b.page.lines) }

// Status says how much there is.
func (b *Brief) Status() text.Line {
	words := "the stopwatch runs"
	if !b.begun {
		words = "the stopwatch starts when you leave this page"
	}
	if b.page.window.End() < len(b.page.lines) {
		words = "more below · " + words
	}
	return text.Of(text.Space(1), text.Text(text.Dim, words))
}

// Hints are the keys that do something here.
func (b *Brief) Hints() []Hint {
	in := "begin"
	if b.begun {
		in = "go on"
	}
	return []Hint{{In, in}, {Down, "scroll"}, {NextHint, ""}, {Help, ""}, {Leave, in}}
}

// Selected is nothing.
func (b *Brief) Selected() Target { return Target{} }
