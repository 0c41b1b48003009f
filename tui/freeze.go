package tui

import (
	tea "github.com/charmbracelet/bubbletea"

	"episteme/views"
	"episteme/views/text"
)

// freeze holds the screen still, or lets go: while it is held nothing is asked by itself, and the minute on the context
// line stays, so that not a byte is written before the next key.
func (m *model) freeze(still bool) tea.Cmd {
	m.frozen = still
	var cmds []tea.Cmd
	for _, f := range m.frames {
		cmds = append(cmds, m.deliver(f.id, views.Held{Still: still}))
	}
	if still {
		key := m.keymap().Shown(views.Freeze)
		m.say(text.Plain, "Held still: nothing that arrives moves it. "+key+" or "+m.keymap().Shown(views.Bottom)+" goes on.")
	} else {
		m.readClock() // the context line says the rest
	}
	return tea.Batch(cmds...)
}
