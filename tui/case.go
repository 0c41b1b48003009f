package tui

import (
	"context"
	"fmt"

	tea "github.com/charmbracelet/bubbletea"

	"episteme/engine/cases"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
	"episteme/views"
	"episteme/views/text"
)

// Case is where bookmarks and notes are kept. Read and Add may be called on any goroutine.
type Case struct {
	Name   string
	Author string // who is at the keyboard

	// Read gives what is kept so far, with ids as they are in this evidence; nothing for a case that does not exist yet.
	Read func(context.Context, ask.Investigator) (cases.Case, error)

	// Add keeps one more line, and returns when it is durable.
	Add func(cases.Line) error
}

// Slots of the model's own, about the case.
const (
	caseSlot = "case"
	keepSlot = "keep"
)

// keptMsg says that a line is kept, and in which case: another one may be open by then.
type keptMsg struct {
	in   *Case
	line cases.Line
}

// openCase reads a case.
func (m *model) openCase(c *Case) tea.Cmd {
	m.kase, m.kept = c, cases.Case{Name: c.Name} // what another case keeps is not shown under this one's name
	m.look()
	return m.start(rootFrame, views.Ask{Slot: caseSlot, Doing: "reading case " + c.Name, Budget: views.PointBudget,
		Run: func(ctx context.Context, in ask.Investigator, _ func(any) bool) (any, error) { return c.Read(ctx, in) }})
}

// caseRead shows what a case keeps.
func (m *model) caseRead(c cases.Case) {
	m.kept = c
	if zero := c.Zero(); zero != nil {
		m.times.Zero = zero
	}
	m.look()
	said := fmt.Sprintf("Case %s: %s, %s.", c.Name, number(len(c.Of(cases.Bookmark)), "bookmark"), number(len(c.Of(cases.Note)), "note"))
	if len(c.Lines) == 0 && c.Skipped == 0 {
		said = "Case " + c.Name + " is new: " + m.keymap().Shown(views.Bookmark) + " keeps what the cursor stands on."
	}
	if c.Skipped > 0 {
		m.say(text.Warn, "! "+said+fmt.Sprintf(" %s could not be read; they are still in the file.", number(c.Skipped, "line")))
		return
	}
	m.say(text.Plain, said)
}

func number(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return views.Count(n) + " " + what + "s"
}

// keep adds a line to the case. What a bookmark of a query asked is looked up, so that it is found where ids differ.
func (m *model) keep(l cases.Line) tea.Cmd {
	if m.kase == nil {
		m.say(text.Warn, "! No case is open: :case NAME opens one.")
		return nil
	}
	now, err := record.TimeOf(m.opts.Clock())
	if err != nil {
		m.say(text.Bad, "✗ "+err.Error())
		return nil
	}
	c := m.kase
	l.At, l.By = now, c.Author
	m.keeps++ // no line may take the place of another one that is on its way
	return m.start(rootFrame, views.Ask{Slot: fmt.Sprint(keepSlot, m.keeps), Doing: "keeping it in case " + c.Name, Quiet: true,
		Run: func(ctx context.Context, in ask.Investigator, _ func(any) bool) (any, error) {
			if l.Kind == cases.Bookmark && l.ID.Kind == record.KindAudit {
				if r, err := in.Record(ctx, l.ID); err == nil {
					if a, ok := r.Record.(*record.Audit); ok {
						l.Asked = &cases.Asked{Agent: a.Agent, Subject: a.Subject, Predicate: a.Predicate, Timestamp: a.Timestamp}
					}
				}
			}
			if err := c.Add(l); err != nil {
				return nil, notKept(l, err)
			}
			return keptMsg{c, l}, nil
		}})
}

// notKept is the error of a line that could not be kept, with the words that somebody typed: they stand in the messages,
// and nowhere else any more.
func notKept(l cases.Line, err error) error {
	if l.Note == "" {
		return err
	}
	return fmt.Errorf("not kept: %w\nThe note was: %s", err, l.Note)
}

// lineKept shows a line that is durable now.
func (m *model) lineKept(k keptMsg) {
	if k.in == m.kase {
		m.kept.Lines = append(m.kept.Lines, k.line)
		m.look()
	}
	m.say(text.OK, "✓ kept in case "+k.in.Name)
}

// keptOf is what the case keeps of each record, for views.
func keptOf(c cases.Case, mask *masker) map[record.ID][]views.Kept {
	if len(c.Lines) == 0 {
		return nil
	}
	out := map[record.ID][]views.Kept{}
	for _, l := range c.Of(cases.Bookmark) {
		k := views.Kept{By: l.By, Note: l.Note}
		if mask != nil {
			k = views.Kept{By: mask.author(k.By), Note: mask.text(k.Note)}
		}
		out[l.ID] = append(out[l.ID], k)
	}
	return out
}

// askNote asks for the note of a bookmark.
func (m *model) askNote() tea.Cmd {
	t := m.top().view.Selected()
	switch {
	case m.kase == nil:
		m.say(text.Warn, "! No case is open: :case NAME opens one, and "+m.keymap().Shown(views.Bookmark)+" keeps things in it.")
		return nil
	case t.ID.IsZero():
		m.say(text.Plain, "Nothing is selected that could be kept.")
		return nil
	}
	return m.push(views.NewPrompt(views.PromptOf{Name: promptNote, Label: "note: ", Title: "KEEP in case " + m.kase.Name + ": " + t.What, Target: t,
		Help: "enter keeps it, with or without a note; a note that ends with a question mark is an open question"}))
}

// bookmarks lists what the case keeps.
func (m *model) bookmarks() tea.Cmd {
	if m.kase == nil {
		m.say(text.Plain, "No case is open: :case NAME opens one.")
		return nil
	}
	c := m.kept
	if m.mask != nil {
		c = maskAll(m.mask, c)
	}
	var rows []views.CaseRow
	for _, l := range c.Lines {
		row := views.CaseRow{At: l.At, By: l.By, What: string(l.Kind), ID: l.ID, Text: l.Note}
		switch l.Kind {
		case cases.Zero:
			row.Text = "the incident begins at " + l.Zero.String()
		case cases.View:
			row.Text = l.Name + ": " + l.Filter
		case cases.Bookmark:
			if l.Asked != nil && row.Text == "" {
				row.Text = l.Asked.Agent + " asked " + l.Asked.Subject + " " + l.Asked.Predicate
			}
		}
		rows = append(rows, row)
	}
	return m.push(views.NewCaseView(m.kase.Name, rows, c.Skipped))
}
