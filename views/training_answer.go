package views

import (
	"context"
	"fmt"

	"github.com/charmbracelet/bubbles/textinput"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
	"episteme/fixtures/training"
	"episteme/views/text"
)

// AnswerView shows what the trainee has named so far, takes ids that are typed, and hands the answer in.
type AnswerView struct {
	look    Look
	lesson  *training.Case
	session *training.Session // its Answer is changed here
	window  Window
	armed   bool // handing in was asked for once
	field   textinput.Model
	typing  bool
	finding progress // of what was typed
}

const identifySlot = "identify"

// NewAnswer is the answer sheet of a session.
func NewAnswer(c *training.Case, s *training.Session) *AnswerView {
	field := textinput.New()
	field.Prompt = ""
	field.KeyMap.Paste.SetEnabled(false) // it would start a program to read a clipboard
	field.KeyMap.AcceptSuggestion.SetEnabled(false)
	field.CharLimit = 80 // an id has 66 characters
	return &AnswerView{lesson: c, session: s, field: field}
}

// Crumb is the view's name.
func (v *AnswerView) Crumb() string { return "answer" }

// Typing reports whether an id is being typed.
func (v *AnswerView) Typing() bool { return v.typing }

// SetLook says how large the view is.
func (v *AnswerView) SetLook(l Look) {
	v.look = l
	v.fit()
}

// answerRow is a row that the cursor can stand on.
type answerRow struct {
	id   record.ID // named; zero: the row does something
	does Action    // Filter types an id, In hands in
}

func (v *AnswerView) rows() []answerRow {
	var out []answerRow
	if !v.session.Root.IsZero() {
		out = append(out, answerRow{id: v.session.Root})
	}
	for _, id := range v.session.Flipped {
		out = append(out, answerRow{id: id})
	}
	return append(out, answerRow{does: Filter}, answerRow{does: In})
}

func (v *AnswerView) fit() {
	n := len(v.rows())
	v.window.Fit(n, n)
}

func (v *AnswerView) at() answerRow {
	rows := v.rows()
	return rows[min(v.window.Cursor, len(rows)-1)]
}

// Handle takes a message.
func (v *AnswerView) Handle(m Msg) ([]Do, bool) {
	if v.finding.handle(m) {
		if a, ok := m.(Answer); ok {
			return v.identified(a), true
		}
		return nil, true
	}
	switch m := m.(type) {
	case Shown:
		v.fit()
		return nil, true
	case Typed:
		return v.typed(m), true
	case Press:
		return v.press(m)
	}
	return nil, false
}

func (v *AnswerView) press(p Press) ([]Do, bool) {
	armed := v.armed
	v.armed = false
	if v.window.Move(p) {
		return nil, true
	}
	switch p.Action {
	case Filter:
		return v.open(), true
	case NameIt:
		row := v.at()
		if row.id.IsZero() {
			return []Do{Say{Text: "This row names nothing.", Tone: text.Plain}}, true
		}
		said, _ := v.session.Toggle(row.id)
		v.fit()
		return []Do{Say{Text: said, Tone: text.Plain}}, true
	case AnswerKey:
		return []Do{Back{}}, true
	case In:
		switch row := v.at(); {
		case row.does == Filter:
			return v.open(), true
		case row.does == In && armed:
			return []Do{HandIn{}}, true
		case row.does == In:
			v.armed = true
			return []Do{Say{Text: " Enter again hands in: the stopwatch stops and the ending opens ", Tone: text.Reverse}}, true
		default:
			return []Do{Open{NewProvenance(row.id)}}, true
		}
	case Behind:
		if id := v.at().id; !id.IsZero() {
			return []Do{Open{NewProvenance(id)}}, true
		}
		return nil, true
	}
	return nil, false
}

func (v *AnswerView) open() []Do {
	v.typing = true
	v.field.SetValue("")
	v.field.Focus()
	return nil
}

func (v *AnswerView) typed(m Typed) []Do {
	switch m.Key.String() {
	case "esc":
		v.close()
		return nil
	case "enter":
		id := v.field.Value()
		v.close()
		if id == "" {
			return nil
		}
		return []Do{v.finding.ask(Ask{Slot: identifySlot, Doing: "finding " + id, Budget: PointBudget,
			Run: func(ctx context.Context, in ask.Investigator, _ func(any) bool) (any, error) {
				return in.Identify(ctx, id)
			}})}
	}
	v.field, _ = v.field.Update(m.Key)
	return nil
}

func (v *AnswerView) close() {
	v.typing = false
	v.field.Blur()
}

func (v *AnswerView) identified(a Answer) []Do {
	if a.Err != nil {
		return []Do{Say{Text: "✗ " + headline(a.Err), Tone: text.Bad}}
	}
	said, ok := v.session.Toggle(a.Value.(record.ID))
	v.fit()
	if !ok {
		return []Do{Say{Text: "! " + said, Tone: text.Warn}}
	}
	return []Do{Say{Text: said, Tone: text.Plain}}
}

// Lines draws the view. Where it is low, the sentences go and the rows around the cursor stay.
func (v *AnswerView) Lines() []text.Line {
	all, cursor := v.all()
	top := max(min(cursor-v.look.Rows/2, len(all)-v.look.Rows), 0)
	return text.Block(all[top:], v.look.Cols, v.look.Rows)
}

// all are the lines, and which of them has the cursor.
func (v *AnswerView) all() (out []text.Line, cursor int) {
	airy := v.look.Rows >= 16
	row := 0
	add := func(l ...text.Span) {
		selected := row == v.window.Cursor
		if selected {
			cursor = len(out)
		}
		tone := text.Plain
		if selected {
			tone = text.Strong
		}
		out = append(out, append(text.Of(cursorCell(selected)), text.Line(l).In(tone)...).Cut(v.look.Cols-1))
		row++
	}
	title := func(words, sentence string) {
		if airy {
			out = append(out, nil)
		}
		out = append(out, text.Of(text.Space(1), text.Text(text.Title, words), text.Text(text.Dim, "  "+sentence)).Cut(v.look.Cols-1))
	}
	none := func(words string) {
		out = append(out, text.Of(text.Space(3), text.Text(text.Dim, words)).Cut(v.look.Cols-1))
	}
	title("THE ROOT", "the assertion without which it would not have happened")
	if v.session.Root.IsZero() {
		none("not named yet: " + v.look.Keymap().Shown(NameIt) + " on an assertion")
	} else {
		add(v.named(v.session.Root)...)
	}
	title("FLIPPED", "the queries that would have been told something else without it")
	if len(v.session.Flipped) == 0 {
		none("none named: " + v.look.Keymap().Shown(NameIt) + " on a query")
	}
	for _, id := range v.session.Flipped {
		add(v.named(id)...)
	}
	if airy {
		out = append(out, nil)
	}
	if v.typing {
		add(text.Text(text.Plain, "id: "+v.field.Value()+"▏"))
	} else {
		add(text.Text(text.Plain, "type an id"))
	}
	add(text.Text(text.Plain, "hand it in"))
	if v.look.Rows >= tallRows {
		out = append(out, nil, nil, heading("YOUR TASKS"))
		for i, task := range v.lesson.Tasks {
			out = paragraph(out, text.Dim, text.Text(text.Dim, fmt.Sprint(i+1)), 3, task, v.look.Cols)
		}
	}
	return out, cursor
}

func (v *AnswerView) named(id record.ID) []text.Span {
	return []text.Span{shortID(id), text.Text(text.Plain, "  "+v.lesson.Words(id))}
}

// Status says how far the answer is.
func (v *AnswerView) Status() text.Line {
	if busy := v.finding.line(v.look.Keymap()); busy != nil && v.finding.err == nil {
		return append(text.Of(text.Space(1)), busy...)
	}
	root := "no root"
	if !v.session.Root.IsZero() {
		root = "a root"
	}
	return text.Of(text.Space(1), text.Text(text.Plain, fmt.Sprintf("%s and %s named", root, plural(len(v.session.Flipped), "query", "queries"))),
		text.Text(text.Dim, " · nothing is final before it is handed in"))
}

// Hints are the keys that do something here.
func (v *AnswerView) Hints() []Hint {
	if v.typing {
		return []Hint{{In, "name it"}, {Out, "close"}}
	}
	switch row := v.at(); {
	case row.does == In:
		return []Hint{{In, "hand in"}, {Down, "move"}, {Filter, "type an id"}, {Help, ""}, {Leave, ""}}
	case row.does == Filter:
		return []Hint{{In, "type an id"}, {Down, "move"}, {Help, ""}, {Leave, ""}}
	}
	return []Hint{{NameIt, "take it back"}, {In, "look at it"}, {Down, "move"}, {Filter, "type an id"}, {Help, ""}, {Leave, ""}}
}

// Selected is what the cursor stands on.
func (v *AnswerView) Selected() Target {
	id := v.at().id
	return Target{id, v.lesson.Words(id)}
}
