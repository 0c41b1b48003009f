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
	m.at = f.id
	name := k.String()
	if m.typing() {
		if name == "ctrl+c" { // leaves the field as Esc does
			k = tea.KeyMsg{Type: tea.KeyEsc}
		}
		cmd := tea.Batch(m.deliver(f.id, views.Typed{Key: k}), m.watchedTyping(name))
		if m.held.IsZero() || m.typing() {
			return cmd
		}
		return tea.Batch(cmd, m.openHeld())
	}
	if k.Paste {
		m.armed, m.leaving = "", 0
		m.say(text.Plain, "Pasted text has no meaning here; "+m.keymap().Shown(views.Filter)+" and then paste filters by it.")
		return nil
	}
	if len(name) == 1 && (name[0] >= '1' && name[0] <= '9' || name[0] == '0' && m.count > 0) {
		m.count = min(m.count*10+int(name[0]-'0'), countMax)
		m.armed, m.leaving = "", 0
		return nil
	}
	m.lastKey = name
	p := views.Press{Action: m.keymap().Means(name), Count: m.count}
	m.count = 0
	if p.Count > 0 && p.Action == views.Out {
		return nil // it takes back the count
	}
	if p.Action != views.Leave {
		m.leaving = 0
	}
	if p.Action != views.Leave && p.Action != views.Stop {
		m.armed = ""
	}
	cmd := m.press(f, p)
	return tea.Batch(cmd, m.watched(name))
}

// keymap are the keys of this session.
func (m *model) keymap() views.Keymap { return m.opts.Keys }

// press does what a key means: some things mean the same everywhere, the rest is the view's.
func (m *model) press(f frame, p views.Press) tea.Cmd {
	if cmd, used := m.replayKey(f, p); used {
		return cmd
	}
	switch p.Action {
	case "":
		return nil
	case views.Out:
		return m.out(f)
	case views.Leave:
		return m.leave()
	case views.Stop:
		cmd, stopped := m.stopVisible(f.id)
		if stopped {
			m.arm(m.keymap().Shown(views.Stop))
			return tea.Batch(cmd, m.disarmLater())
		}
		return m.quitOn(m.keymap().Shown(views.Stop))
	case views.Help:
		if _, open := f.view.(*views.HelpView); !open {
			return m.push(views.NewHelp(f.view.Crumb(), f.view.Hints()))
		}
	case views.Command:
		return m.askCommand()
	case views.AsOf:
		return m.askTime()
	case views.Bookmark:
		return m.askNote()
	case views.Export:
		return m.askExport()
	case views.Share:
		return m.toggleShare()
	case views.PlaceBefore:
		return m.travel(-max(p.Count, 1))
	case views.PlaceAfter:
		return m.travel(max(p.Count, 1))
	case views.Freeze:
		return m.freeze(!m.frozen)
	case views.Bottom:
		if m.frozen {
			do, _ := f.view.Handle(p)
			return tea.Batch(m.freeze(false), m.do(f.id, do))
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
	do, used := f.view.Handle(p)
	if !used {
		return m.investigate(f, p.Action)
	}
	return m.do(f.id, do)
}

// leave goes back, or at the first screen towards the end. Keys that repeat go back and do not quit: whoever leaves
// several screens with many q stops at the first.
func (m *model) leave() tea.Cmd {
	if len(m.frames) < 2 && m.leaving == 0 {
		return m.quitOn(m.keymap().Shown(views.Leave))
	}
	m.ids++
	m.leaving = m.ids
	wait := m.after(leaveWait, leftMsg{m.leaving})
	if len(m.frames) < 2 {
		m.say(text.Plain, "This is the first screen: "+m.keymap().Shown(views.Leave)+" twice quits.")
		return wait
	}
	return tea.Batch(m.pop(), wait)
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
	m.say(text.Plain, "This is the first screen: "+m.keymap().Shown(views.Leave)+" twice quits.")
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

// wayOut is what Enter does on the error screen. A view that broke is taken away, wherever it stands; the first one is
// made anew, since there is nothing below it.
func (m *model) wayOut() string {
	switch {
	case m.crashedRoot():
		return "load it again"
	case m.crashed == m.top().id:
		return "back to " + crumbOf(m.frames[len(m.frames)-2].view)
	}
	return "go on without the screen that broke"
}

// crumbOf is a view's name. Views that have just failed may fail at that, too.
func crumbOf(v views.View) (name string) {
	defer func() {
		if recover() != nil {
			name = "the screen before"
		}
	}()
	return v.Crumb()
}

func (m *model) crashedRoot() bool { return len(m.frames) < 2 || m.crashed == m.frames[0].id }

// keyedAfterCrash leaves the error screen.
func (m *model) keyedAfterCrash(k tea.KeyMsg) tea.Cmd {
	switch k.String() {
	case "enter", "esc":
		m.crash = nil
		if !m.crashedRoot() {
			m.remove(m.crashed)
			m.look()
			return m.deliver(m.top().id, views.Shown{})
		}
		if len(m.frames) == 0 {
			return m.push(m.timeline())
		}
		m.forget(m.frames[0].id)
		m.frames[0].view = m.timeline()
		m.look()
		cmd := m.deliver(m.frames[0].id, views.Shown{First: true})
		if !m.held.IsZero() {
			return tea.Batch(cmd, m.openHeld())
		}
		return cmd
	case "q", "ctrl+c":
		return tea.Quit
	}
	return nil
}
