package tui

import (
	"fmt"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"episteme/views"
	"episteme/views/text"
)

// Stage is a session's place in a hall: where it may show its screen to others.
type Stage struct {
	Hall   *Hall
	Person Person
}

// followersMsg says that others follow than before.
type followersMsg struct{ show *show }

// togglePresent begins to show this screen to others, or stops at once.
func (m *model) togglePresent() tea.Cmd {
	switch {
	case m.opts.Stage == nil:
		m.say(text.Warn, "! A screen is presented over SSH, from a server that others reach too: episteme serve --ssh.")
		return nil
	case m.show != nil:
		m.endShow()
		m.say(text.Plain, "Not presented any more: nobody sees this screen but you.")
		return nil
	}
	show, err := m.opts.Stage.Hall.present(m.opts.Stage.Person)
	if err != nil {
		m.say(text.Bad, "✗ "+err.Error())
		return nil
	}
	m.show = show
	m.say(text.Plain, "Presented to whoever may see as much as you: ssh -t HOST follow "+show.by.Name+". :present stops it. "+m.keymap().Shown(views.Share)+" masks names.")
	return m.awaitFollowers()
}

// endShow stops showing the screen; nothing where it is not shown.
func (m *model) endShow() {
	if m.show == nil {
		return
	}
	m.show.end()
	m.show, m.followers, m.shown = nil, nil, ""
}

// awaitFollowers waits until others follow than before.
func (m *model) awaitFollowers() tea.Cmd {
	show, ctx := m.show, m.ctx
	return func() tea.Msg {
		select {
		case <-show.changed:
			return followersMsg{show}
		case <-show.over:
		case <-ctx.Done():
		}
		return nil
	}
}

// followed takes in who follows now.
func (m *model) followed(msg followersMsg) tea.Cmd {
	if m.show != msg.show {
		return nil
	}
	m.followers = m.show.followers()
	return m.awaitFollowers()
}

// present gives what stands on the screen to those who follow, where it is another than before. painted is the same as
// this terminal gets it; what is on its way to the clipboard is not in the lines.
func (m *model) present(lines []text.Line, painted string) {
	if m.show == nil || m.shown == painted {
		return
	}
	m.shown = painted
	m.show.put(picture{m.cols, m.rows, lines})
}

// followersNamed is how many who follow stand on the screen by name.
const followersNamed = 3

// presenting says that others see this screen, and who.
func (m *model) presenting() string {
	n := len(m.followers)
	switch {
	case m.cols < colsAsOf:
		return fmt.Sprintf(" PRESENTING %d ", n)
	case n == 0:
		return " PRESENTING · nobody follows "
	case n <= followersNamed:
		return " PRESENTING to " + strings.Join(m.followers, ", ") + " "
	}
	return fmt.Sprintf(" PRESENTING to %s and %d more ", strings.Join(m.followers[:followersNamed], ", "), n-followersNamed)
}
