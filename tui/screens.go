package tui

import (
	tea "github.com/charmbracelet/bubbletea"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
	"episteme/views"
	"episteme/views/text"
)

// screen is a view that a record can be opened in from outside: by a link or an argument. Views that need what
// another view knows (an event's neighbours, help, copy) are opened by that view.
type screen struct {
	crumb string
	opens []record.Kind // nil: every kind that no screen before it opens
	view  func(record.ID) views.View
}

// screens lists them, the more special first.
func screens() []screen {
	return []screen{
		{"contributions", []record.Kind{record.KindAudit}, func(id record.ID) views.View {
			return views.NewContributions(ask.Verdict{Audit: ask.Audit{ID: id}})
		}},
		{"provenance", nil, func(id record.ID) views.View { return views.NewProvenance(id) }},
	}
}

// screenFor is the view a record opens in.
func screenFor(id record.ID) views.View {
	for _, s := range screens() {
		if s.opens == nil {
			return s.view(id)
		}
		for _, k := range s.opens {
			if k == id.Kind {
				return s.view(id)
			}
		}
	}
	return nil
}

// investigate does what the keys of the investigation mean on every screen that has no meaning of its own for them:
// they go by what is selected, and by the query that the screen is about.
func (m *model) investigate(f frame, a views.Action) tea.Cmd {
	if _, over := f.view.(views.Overlay); over {
		return nil
	}
	switch a {
	case views.Ahead:
		if id := f.view.Selected().ID; !id.IsZero() {
			return m.push(views.NewImpact(ask.Target{ID: id}))
		}
		m.say(text.Plain, "Nothing is selected whose chain ahead could be followed.")
	case views.Otherwise:
		if q := queryOf(f.view); !q.IsZero() {
			return m.push(views.NewWhatIf(q, f.view.Selected().ID))
		}
		m.say(text.Plain, "What if is asked of a query: none is selected.")
	case views.Pick:
		m.pick(queryOf(f.view))
	case views.Compare:
		return m.compare(queryOf(f.view))
	case views.Suspects:
		var window ask.Range
		if w, ok := m.frames[0].view.(views.Windowed); ok {
			window = w.Window()
		}
		return m.push(views.NewFindings(window))
	case views.Messages:
		return m.push(views.NewMessages(&m.log))
	}
	return nil
}

// queryOf is the query under the cursor, else the one that the screen is about; zero for none.
func queryOf(v views.View) record.ID {
	if id := v.Selected().ID; id.Kind == record.KindAudit {
		return id
	}
	if about, ok := v.(views.OfQuery); ok {
		return about.Query()
	}
	return record.ID{}
}

// pick keeps an answer to compare others with.
func (m *model) pick(q record.ID) {
	switch {
	case q.IsZero():
		m.say(text.Plain, "Only answers are compared: no query is selected.")
	case q == m.picked:
		m.picked = record.ID{}
		m.say(text.Plain, q.Short()+" is put back.")
	default:
		m.picked = q
		m.say(text.Plain, q.Short()+" is picked: "+m.keymap().Shown(views.Compare)+" on another answer compares the two.")
	}
}

// compare shows what an answer and the picked one differ in, or the one before it.
func (m *model) compare(q record.ID) tea.Cmd {
	if q.IsZero() {
		m.say(text.Plain, "Only answers are compared: no query is selected.")
		return nil
	}
	left := m.picked
	if left == q {
		left = record.ID{}
	}
	return m.push(views.NewDiff(left, q))
}
