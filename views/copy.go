package views

import (
	"context"
	"fmt"
	"strings"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
	"episteme/views/text"
)

// CopyView offers what can be copied of a record: its link, id and hash, what is known of it as text and as Markdown, the
// command that shows it, and for a claim the one that would reject it: nothing here does. It always shows the short
// texts, and the beginning of the long ones, since many terminals do not let a program write their clipboard and none
// says so.
type CopyView struct {
	look   Look
	target Target
	window Window
	copied string

	said    progress     // of the verdict, or the record
	verdict *ask.Verdict // of a query
	record  *ask.Record  // of another record
}

// copySlot is the question for what the long texts say.
const copySlot = "copied"

// NewCopy is the view for t, which names a record.
func NewCopy(t Target) *CopyView { return &CopyView{target: t} }

// Crumb is the view's name.
func (c *CopyView) Crumb() string { return "copy" }

// LinkOf is the link to a record: episteme://q/ and all 64 digits.
func LinkOf(id record.ID) string {
	return "episteme://" + string(id.Kind.Letter()) + "/" + id.Hash.String()
}

// LinkAt is the link to a record as of a time; nil for now.
func LinkAt(id record.ID, asOf *record.Time) string {
	if asOf == nil {
		return LinkOf(id)
	}
	return LinkOf(id) + "?as_of=" + asOf.String()
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

// Texts are what can be copied: pairs of name and text. What the evidence has not said yet is not among them.
func (c *CopyView) Texts() [][2]string {
	id := c.target.ID.String()
	out := [][2]string{{"link", LinkAt(c.target.ID, c.look.AsOf)}, {"id", id}, {"hash", c.target.ID.Hash.String()}, {"command", "episteme show " + id}}
	switch {
	case c.verdict != nil:
		out = append(out, [2]string{"text", verdictText(*c.verdict, c.look.AsOf)}, [2]string{"markdown", verdictMarkdown(*c.verdict, c.look.AsOf)})
		if len(c.verdict.Because) > 0 {
			out = append(out, [2]string{"reject", rejectCommand(c.verdict.Because[0].Assertion)})
		}
	case c.record != nil && c.target.ID.Kind == record.KindAssertion:
		out = append(out, [2]string{"reject", rejectCommand(c.target.ID)})
	}
	return out
}

// rejectCommand is the command that would reject an assertion, with what it would change shown first.
func rejectCommand(id record.ID) string {
	return "episteme transition " + id.String() + " Rejected --agent YOU --reason 'WHY' --dry-run"
}

// verdictText is a verdict as lines of text, Markdown as a list. Both are for other programs: what came from data is
// clean, and in Markdown it is code, which nothing in it can end.
func verdictText(v ask.Verdict, asOf *record.Time) string {
	var b strings.Builder
	b.WriteString(record.Clean(v.Headline()) + "  " + v.Audit.Timestamp.String() + "  " + v.Audit.ID.String() + "\n")
	for _, l := range v.Lines() {
		fmt.Fprintf(&b, "%-8s %s\n", labelAt(l.Label, asOf), record.Clean(l.String()))
	}
	return b.String()
}

func verdictMarkdown(v ask.Verdict, asOf *record.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, "**%s** %s [%s](%s)\n\n", code(v.Headline()), v.Audit.Timestamp, v.Audit.ID.Short(), LinkAt(v.Audit.ID, asOf))
	for _, l := range v.Lines() {
		label := labelAt(l.Label, asOf)
		if label != "" {
			label = "**" + label + "** "
		}
		fmt.Fprintf(&b, "- %s%s\n", label, code(l.String()))
	}
	return b.String()
}

// labelAt is a label for a time: what a question was told by a past time is not what it is told now.
func labelAt(label string, asOf *record.Time) string {
	if label == "NOW" && asOf != nil {
		return "BY THEN"
	}
	return label
}

// code is s as code in Markdown, between more back quotes than it has in a row.
func code(s string) string {
	s = record.Clean(s)
	fence := "`"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	if len(fence) > 1 {
		return fence + " " + s + " " + fence
	}
	return fence + s + fence
}

// ask asks what the long texts need.
func (c *CopyView) ask() []Do {
	id := c.target.ID
	return []Do{c.said.ask(Ask{Slot: copySlot, Doing: "reading it", Budget: AsOfBudget, Quiet: true,
		Run: func(ctx context.Context, in ask.Investigator, _ func(any) bool) (any, error) {
			if id.Kind == record.KindAudit {
				return in.Verdict(ctx, id)
			}
			return in.Record(ctx, id)
		}})}
}

// answered takes in what came. The cursor stays on its row.
func (c *CopyView) answered(a Answer) {
	switch v := a.Value.(type) {
	case ask.Verdict:
		c.verdict = &v
	case ask.Record:
		c.record = &v
	}
	c.window.Fit(len(c.Texts()), len(c.Texts()))
}

// SetLook says how large the view is.
func (c *CopyView) SetLook(l Look) {
	c.look = l
	c.window.Fit(len(c.Texts()), len(c.Texts()))
}

// Height is how many rows it wants at the bottom of the screen.
func (c *CopyView) Height(rows int) int {
	if c.target.ID.Kind == record.KindAudit && c.verdict == nil {
		return min(len(c.all())+3, rows) // room for what is still to come: the menu must not jump
	}
	return min(len(c.all()), rows)
}

// Handle takes a message.
func (c *CopyView) Handle(m Msg) ([]Do, bool) {
	if c.said.handle(m) {
		if a, ok := m.(Answer); ok && a.Err == nil {
			c.answered(a)
		}
		return nil, true
	}
	if s, ok := m.(Shown); ok && s.First {
		return c.ask(), true
	}
	p, ok := m.(Press)
	if !ok {
		return nil, false
	}
	if c.window.Move(p) {
		return nil, true
	}
	if p.Action == In || p.Action == Yank {
		t := c.Texts()[c.window.Cursor]
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
	for i, t := range c.Texts() {
		tone := text.Plain
		if i == c.window.Cursor {
			tone = text.Strong
		}
		head := append(text.Of(cursorCell(i == c.window.Cursor)), text.Of(text.Text(text.Dim, t[0])).Fit(label)...)
		room := c.look.Cols - label - 4
		if first, _, long := strings.Cut(t[1], "\n"); long {
			out = append(out, append(head, text.Text(tone, first), text.Text(text.Dim, " …")).Cut(c.look.Cols-1))
			continue
		}
		if text.Width(t[1]) <= room {
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
