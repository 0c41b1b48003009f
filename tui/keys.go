package tui

import (
	tea "github.com/charmbracelet/bubbletea"

	"episteme/views"
	"episteme/views/text"
)

// keyed takes what was typed. A terminal may deliver several characters at once: each is a key of its own, unless it
// was pasted.
func (m *model) keyed(k tea.KeyMsg) tea.Cmd {
	m.notice = nil
	if m.crash != nil {
		return m.keyedAfterCrash(k)
	}
	if k.Type != tea.KeyRunes || k.Paste {
		return m.key(k)
	}
	var cmds []tea.Cmd
	if k.Alt { // Esc and a letter, read at once
		cmds = append(cmds, m.key(tea.KeyMsg{Type: tea.KeyEsc}))
	}
	for _, r := range k.Runes {
		one := tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{r}}
		if r == ' ' {
			one.Type = tea.KeySpace
		}
		cmds = append(cmds, m.key(one))
	}
	return tea.Batch(cmds...)
}

// key takes one key, or one paste.
func (m *model) key(k tea.KeyMsg) tea.Cmd {
	f := m.top()
	name := k.String()
	if t, ok := f.view.(views.Typist); ok && t.Typing() {
		if name == "ctrl+c" { // leaves the field as Esc does
			k = tea.KeyMsg{Type: tea.KeyEsc}
		}
		return m.deliver(f.id, views.Typed{Key: k})
	}
	if k.Paste {
		m.say(text.Plain, "Pasted text has no meaning here; / and then paste filters by it.")
		return nil
	}
	if len(name) == 1 && (name[0] >= '1' && name[0] <= '9' || name[0] == '0' && m.count > 0) {
		m.count = min(m.count*10+int(name[0]-'0'), countMax)
		return nil
	}
	p := views.Press{Action: actionOf(name), Count: m.count}
	m.count = 0
	if p.Action != views.Leave && p.Action != views.Stop {
		m.armed = ""
	}
	return m.press(f, p)
}

// actionOf is what a key is bound to; empty for nothing.
func actionOf(name string) views.Action {
	for _, k := range views.Keys() {
		for _, bound := range k.Binding.Keys() {
			if bound == name {
				return k.Action
			}
		}
	}
	return ""
}

// press does what a key means: some things mean the same everywhere, the rest is the view's.
func (m *model) press(f frame, p views.Press) tea.Cmd {
	switch p.Action {
	case "":
		return nil
	case views.Out:
		return m.out(f)
	case views.Leave:
		if len(m.frames) > 1 {
			return m.pop()
		}
		return m.quitOn("q")
	case views.Stop:
		cmd, stopped := m.stopVisible(f.id)
		if stopped {
			m.arm("ctrl+c")
			return tea.Batch(cmd, m.disarmLater())
		}
		return m.quitOn("ctrl+c")
	case views.Help:
		if _, open := f.view.(*views.HelpView); !open {
			return m.push(views.NewHelp(f.view.Crumb(), f.view.Hints()))
		}
	case views.Yank:
		if _, open := f.view.(*views.CopyView); !open {
			if t := f.view.Selected(); !t.ID.IsZero() {
				return m.push(views.NewCopy(t))
			}
			m.say(text.Plain, "Nothing is selected that could be copied.")
			return nil
		}
	case views.Clock:
		m.nextTimes()
		return nil
	}
	do, _ := f.view.Handle(p)
	return m.do(f.id, do)
}

// out goes down the ladder: stop what visibly runs, then whatever the view itself has to close, then the view.
func (m *model) out(f frame) tea.Cmd {
	if cmd, stopped := m.stopVisible(f.id); stopped {
		m.say(text.Plain, "Stopped.")
		return cmd
	}
	if do, done := f.view.Handle(views.Press{Action: views.Out}); done {
		return m.do(f.id, do)
	}
	if len(m.frames) > 1 {
		return m.pop()
	}
	m.say(text.Plain, "This is the first screen: q twice quits.")
	return nil
}

// quitOn quits when key comes the second time within quitWait.
func (m *model) quitOn(key string) tea.Cmd {
	if m.armed == key {
		return tea.Quit
	}
	m.arm(key)
	return m.disarmLater()
}

func (m *model) arm(key string) {
	m.ids++
	m.armed, m.armedID = key, m.ids
	m.say(text.Reverse, " "+key+" again quits ")
}

func (m *model) disarmLater() tea.Cmd { return m.after(quitWait, disarmMsg{m.armedID}) }

// keyedAfterCrash leaves the error screen: to the view below the one that broke, or out.
func (m *model) keyedAfterCrash(k tea.KeyMsg) tea.Cmd {
	switch k.String() {
	case "enter", "esc":
		m.crash = nil
		if len(m.frames) > 1 {
			return m.pop()
		}
		return tea.Quit
	case "q", "ctrl+c":
		return tea.Quit
	}
	return nil
}
