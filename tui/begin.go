package tui

import (
	tea "github.com/charmbracelet/bubbletea"

	"episteme/engine/cases"
	"episteme/engine/record"
	"episteme/views"
	"episteme/views/text"
)

// nothing puts the start screen in the place of the timeline when there is no evidence to open. It reports whether
// that is what err says.
func (m *model) nothing(err error) (tea.Cmd, bool) {
	if err == nil || m.opts.Nothing == nil {
		return nil, false
	}
	found := m.opts.Nothing(err)
	if found == nil {
		return nil, false
	}
	m.clear()
	return m.push(views.NewStart(*found)), true
}

// clear takes all screens away, with their questions.
func (m *model) clear() {
	for key := range m.slots {
		m.drop(key)
	}
	clear(m.rests)
	m.frames, m.places, m.held = nil, places{}, record.ID{}
}

// begin opens an incident that comes with the program.
func (m *model) begin(fixture string) tea.Cmd {
	if m.opts.Begin == nil {
		m.say(text.Warn, "! Nothing can be opened from here.")
		return nil
	}
	b, err := m.opts.Begin(fixture)
	if err != nil {
		m.say(text.Bad, "✗ "+err.Error())
		return nil
	}
	m.clear()
	m.opts.Title, m.opts.Training, m.opts.OpenCase = b.Title, b.Training, b.OpenCase
	m.opts.Nothing = nil // the incident is there: what fails now is an error
	m.evidence = &evidence{ctx: m.ctx, open: b.Open}
	m.kase, m.kept, m.asOf, m.times.Zero = nil, cases.Case{}, nil, nil
	return m.push(m.timeline())
}

// place is where the user is.
func (m *model) place() Place {
	p := Place{Title: m.opts.Title}
	if m.kase != nil {
		p.Case = m.kase.Name
	}
	if len(m.frames) == 0 {
		return p
	}
	if id := m.top().view.Selected().ID; !id.IsZero() {
		p.Link = views.LinkAt(id, m.asOf)
	}
	return p
}
