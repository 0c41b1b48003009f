package views

import (
	"strings"

	"episteme/engine/record"
	"episteme/views/text"
)

// CopyView offers what can be copied of a record: its link, its id, and the command that shows it. It always shows
// the texts, since many terminals do not let a program write their clipboard and none says so.
type CopyView struct {
	look   Look
	target Target
	window Window
	copied string
}

// NewCopy is the view for t, which names a record.
func NewCopy(t Target) *CopyView { return &CopyView{target: t} }

// Crumb is the view's name.
func (c *CopyView) Crumb() string { return "copy" }

// LinkOf is the link to a record: episteme://q/ and all 64 digits.
func LinkOf(id record.ID) string {
	return "episteme://" + string(id.Kind.Letter()) + "/" + id.Hash.String()
}

// ParseLink takes the id from a link, or from what was typed in its place. What follows a question mark is left
// out: it says how to look and not at what.
func ParseLink(link string) string {
	rest, isLink := strings.CutPrefix(link, "episteme://")
	if !isLink {
		return link
	}
	rest, _, _ = strings.Cut(rest, "?")
	letter, digits, found := strings.Cut(rest, "/")
	if !found {
		return rest
	}
	return letter + "_" + strings.TrimSuffix(digits, "/")
}

// texts are what can be copied: pairs of name and text.
func (c *CopyView) texts() [][2]string {
	id := c.target.ID.String()
	return [][2]string{{"link", LinkOf(c.target.ID)}, {"id", id}, {"command", "episteme show " + id}}
}

// SetLook says how large the view is.
func (c *CopyView) SetLook(l Look) {
	c.look = l
	c.window.Fit(len(c.texts()), len(c.texts()))
}

// Height is how many rows it wants at the bottom of the screen.
func (c *CopyView) Height(rows int) int { return min(len(c.all()), rows) }

// Handle takes a message.
func (c *CopyView) Handle(m Msg) ([]Do, bool) {
	p, ok := m.(Press)
	if !ok {
		return nil, false
	}
	if c.window.Move(p) {
		return nil, true
	}
	if p.Action == In || p.Action == Yank {
		t := c.texts()[c.window.Cursor]
		c.copied = t[0]
		return []Do{Copy{What: t[0], Text: t[1]}}, true
	}
	return nil, false
}

// all is the whole menu. A narrow screen has each text on lines of its own from the very left, where it can be
// selected with a mouse as one piece.
func (c *CopyView) all() []text.Line {
	const label = 9
	title := text.Of(text.Space(1), text.Text(text.Title, "COPY"), text.Space(2), text.Text(text.Plain, c.target.What))
	out := []text.Line{text.Of(text.Space(1), text.Repeat(text.Key, "━", c.look.Cols-2)), title.Cut(c.look.Cols - 1)}
	for i, t := range c.texts() {
		tone := text.Plain
		if i == c.window.Cursor {
			tone = text.Strong
		}
		head := append(text.Of(cursorCell(i == c.window.Cursor)), text.Of(text.Text(text.Dim, t[0])).Fit(label)...)
		if room := c.look.Cols - label - 4; text.Width(t[1]) <= room {
			out = append(out, append(head, text.Text(tone, t[1])))
			continue
		}
		out = append(append(out, head), text.Wrap(tone, t[1], c.look.Cols, 3)...)
	}
	return out
}

// Lines draws the view.
func (c *CopyView) Lines() []text.Line {
	return text.Block(c.all(), c.look.Cols, c.look.Rows)
}

// Status says what was copied.
func (c *CopyView) Status() text.Line {
	if c.copied == "" {
		return text.Of(text.Space(1), text.Text(text.Dim, "Nothing here changes evidence."))
	}
	return text.Of(text.Space(1), text.Text(text.OK, "✓ "+c.copied+" sent to the clipboard"),
		text.Text(text.Dim, " of terminals that take it; else select it above"))
}

// Hints are the keys that do something here.
func (c *CopyView) Hints() []Hint { return []Hint{{In, "copy"}, {Down, "choose"}, {Out, "close"}} }

// Selected is what is being copied.
func (c *CopyView) Selected() Target { return c.target }
