package views

import (
	"slices"

	"episteme/engine/record"
	"episteme/views/text"
)

// Said is something that was said to the user, and when.
type Said struct {
	At    record.Time
	Tone  text.Tone
	Text  string // in full: an error may have several lines
	Times int    // how often it was said in a row
}

// Log is what was said, oldest first, the last logMax of it. The zero Log is empty.
type Log struct{ list []Said }

// logMax bounds what is kept: the last night's worth.
const logMax = 500

// Add notes that something was said. What is said again at once is counted.
func (l *Log) Add(s Said) {
	s.Times = 1
	if n := len(l.list); n > 0 && l.list[n-1].Text == s.Text {
		s.Times += l.list[n-1].Times
		l.list = l.list[:n-1]
	}
	if len(l.list) >= logMax {
		l.list = slices.Delete(l.list, 0, len(l.list)-logMax+1)
	}
	l.list = append(l.list, s)
}

// MessagesView shows what was said, the newest first.
type MessagesView struct {
	look Look
	list []Said
	page page
}

// NewMessages shows what is in the log now.
func NewMessages(l *Log) *MessagesView { return &MessagesView{list: slices.Clone(l.list)} }

// Crumb is the view's name.
func (v *MessagesView) Crumb() string { return "messages" }

// SetLook says how large the view is.
func (v *MessagesView) SetLook(l Look) {
	v.look = l
	if l.Cols > 0 {
		v.page.set(v.all(), l.Rows)
	}
}

// messageRows is how much of one message is shown: an error with its chain is a few lines.
const messageRows = 12

func (v *MessagesView) all() []text.Line {
	times, today := v.look.Times, v.look.Times.Day(v.look.Now)
	cells := 0
	for _, s := range v.list {
		cells = max(cells, text.Width(times.OnDay(s.At, today)))
	}
	var out []text.Line
	for _, s := range slices.Backward(v.list) {
		head := append(text.Of(text.Space(1)), text.Of(text.Text(text.Dim, times.OnDay(s.At, today))).Fit(cells)...)
		for _, l := range text.Wrap(s.Tone, s.Text, v.look.Cols-cells-4, messageRows) {
			out = append(out, append(append(head, text.Space(2)), l...))
			head = text.Of(text.Space(cells + 1))
		}
		if s.Times > 1 {
			out = append(out, append(head, text.Text(text.Dim, "  said "+Count(s.Times)+" times, last at this time")))
		}
	}
	return out
}

// Handle takes a message.
func (v *MessagesView) Handle(m Msg) ([]Do, bool) {
	p, ok := m.(Press)
	if !ok {
		return nil, false
	}
	if p.Action == Messages || p.Action == In {
		return []Do{Back{}}, true
	}
	return nil, v.page.scroll(p)
}

// Lines draws the view.
func (v *MessagesView) Lines() []text.Line {
	if len(v.list) == 0 {
		return panel{mark: text.Of(text.Text(text.Dim, "·")), title: "Nothing has been said yet.",
			body:  []string{"What stands on the status line until the next key is kept here, and every error in full."},
			press: []Hint{{Leave, "back"}}}.lines(v.look.Keymap(), v.look.Cols, v.look.Rows)
	}
	return text.Block(v.page.visible(), v.look.Cols, v.look.Rows)
}

// Height is how many lines show all of it.
func (v *MessagesView) Height() int { return max(len(v.page.lines), 1) }

// Status says how much there is.
func (v *MessagesView) Status() text.Line {
	return text.Of(text.Space(1), text.Text(text.Plain, plural(len(v.list), "message", "messages")), text.Text(text.Dim, " · the newest first · kept for this session alone"))
}

// Hints are the keys that do something here.
func (v *MessagesView) Hints() []Hint { return []Hint{{Down, "scroll"}, {Help, ""}, {Leave, ""}} }

// Selected is nothing.
func (v *MessagesView) Selected() Target { return Target{} }
