package tui

import (
	"context"
	"path/filepath"

	tea "github.com/charmbracelet/bubbletea"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
	"episteme/views"
	"episteme/views/text"
)

// askTime asks for the time that everything is to be shown for.
func (m *model) askTime() tea.Cmd {
	help := "21:03:47, 2024-01-15 21:03, 2h ago, T+00:05; in " + m.zoneShown() + "; nothing: as it is now"
	return m.push(views.NewPrompt(views.PromptOf{Name: promptAsOf, Label: "as it was at: ", Echo: m.echoTime, Help: help}))
}

// zoneShown is the zone in which times are typed.
func (m *model) zoneShown() string {
	if m.times.Mode == views.Local && m.times.Zone != nil {
		return m.times.Zone.String()
	}
	return "UTC"
}

func (m *model) asOfTyped(typed string) tea.Cmd {
	if typed == "" || typed == "now" {
		if m.asOf == nil {
			return nil
		}
		m.say(text.Plain, "As it is now.")
		return m.seeAs(nil)
	}
	t, err := m.readTime(typed)
	if err != nil {
		m.say(text.Bad, "✗ "+err.Error())
		return nil
	}
	if present, err := record.TimeOf(m.opts.Now()); err == nil && t > present {
		m.say(text.Warn, "! "+m.times.Full(t)+" is not past yet.")
		return nil
	}
	m.say(text.Plain, "As it was at "+views.Times{}.Full(t)+"; "+m.keymap().Shown(views.AsOf)+" and nothing typed shows the present again.")
	return m.seeAs(&t)
}

// seeAs shows everything as of a time, nil for now.
func (m *model) seeAs(at *record.Time) tea.Cmd {
	m.asOf = at
	m.readClock()
	return m.reread()
}

// reread asks everything again: what is on the screens was seen in another way. The timeline stays on its row, with
// its filter, and the drill-down of its query comes back; what else was open was about another sight of the evidence.
func (m *model) reread() tea.Cmd {
	var query record.ID
	if len(m.frames) > 1 {
		if _, ok := m.frames[1].view.(*views.Contributions); ok {
			query = m.frames[0].view.Selected().ID
		}
	}
	for _, f := range m.frames {
		m.forget(f.id)
	}
	t := m.timeline()
	if old, ok := m.root(); ok {
		t = old.Anew(m.follows())
	}
	m.frames, m.places = nil, places{}
	cmd := m.push(t)
	if query.Kind == record.KindAudit {
		return tea.Batch(cmd, m.push(screenFor(query)))
	}
	return cmd
}

// follows reports whether the timeline looks for news: a past has none.
func (m *model) follows() bool { return m.opts.Live && !m.opts.Training && m.asOf == nil }

// sight is how questions that begin now look at the evidence.
func (m *model) sight() sight { return sight{m.asOf, m.mask} }

// toggleShare turns the mode for a screen that others see on or off.
func (m *model) toggleShare() tea.Cmd {
	if m.mask == nil {
		m.mask = newMasker()
		m.say(text.Plain, "Shared: names of people and hosts, and what looks like a secret, are masked as far as they are recognised.")
	} else {
		m.mask = nil
		m.say(text.Plain, "Not shared any more: everything is shown as it is.")
	}
	return m.reread()
}

// askExport asks where to write.
func (m *model) askExport() tea.Cmd {
	t := m.top().view.Selected()
	if t.ID.IsZero() {
		m.say(text.Plain, "Nothing is selected that could be exported.")
		return nil
	}
	if m.opts.Export == nil {
		m.say(text.Warn, "! Nothing can be written from here: episteme export does it at a shell.")
		return nil
	}
	return m.push(views.NewPrompt(views.PromptOf{Name: promptExport, Label: "to file: ", Title: "EXPORT " + t.What, Target: t, Text: "episteme-" + t.ID.Short() + ".html",
		Help: ".md an issue, .html a page, .json a bundle that episteme verify checks, .prov W3C PROV; a file that is there stays"}))
}

func (m *model) exportTyped(path string) tea.Cmd {
	if path == "" {
		return m.askExport()
	}
	return m.export(m.top().view.Selected(), path)
}

const exportSlot = "export"

// exportedMsg says what was written.
type exportedMsg struct{ said string }

// export writes what is selected. It goes by the evidence as it is, not as it is looked at: an export says itself what
// it leaves out.
func (m *model) export(t views.Target, path string) tea.Cmd {
	switch {
	case t.ID.IsZero():
		m.say(text.Plain, "Nothing is selected that could be exported.")
		return nil
	case m.opts.Export == nil:
		m.say(text.Warn, "! Nothing can be written from here: episteme export does it at a shell.")
		return nil
	case path == "":
		return nil
	}
	write := m.opts.Export
	return m.start(rootFrame, views.Ask{Slot: exportSlot, Doing: "writing " + filepath.Base(path), Budget: views.ChainBudget,
		Run: func(ctx context.Context, _ ask.Investigator, _ func(any) bool) (any, error) {
			said, err := write(ctx, t.ID, path)
			return exportedMsg{said}, err
		}})
}
