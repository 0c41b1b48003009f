package tui

import (
	"slices"

	tea "github.com/charmbracelet/bubbletea"

	"episteme/views"
	"episteme/views/text"
)

// places is where one has been: stacks of screens, oldest first. Screens keep what they show, so that a place is as it
// was left.
type places struct {
	list [][]frame
	at   int // where one is
}

// placesMax bounds how many are kept; each keeps its screens in memory.
const placesMax = 50

// visit notes that the stack has changed. Overlays are no places.
func (m *model) visit() {
	now := slices.DeleteFunc(slices.Clone(m.frames), func(f frame) bool {
		_, over := f.view.(views.Overlay)
		return over
	})
	p := &m.places
	if len(p.list) > 0 && slices.EqualFunc(p.list[p.at], now, func(a, b frame) bool { return a.id == b.id }) {
		return
	}
	p.list = append(p.list[:min(p.at+1, len(p.list))], now)
	if len(p.list) > placesMax {
		p.list = slices.Delete(p.list, 0, len(p.list)-placesMax)
	}
	p.at = len(p.list) - 1
}

// gone takes a screen out of all places: it broke.
func (p *places) gone(id int) {
	for i := range p.list {
		p.list[i] = slices.DeleteFunc(slices.Clone(p.list[i]), func(f frame) bool { return f.id == id })
	}
	for i := len(p.list) - 1; i >= 0; i-- { // without it, neighbours may be the same
		if i > 0 && slices.EqualFunc(p.list[i], p.list[i-1], func(a, b frame) bool { return a.id == b.id }) {
			p.list = slices.Delete(p.list, i, i+1)
			if p.at >= i {
				p.at--
			}
		}
	}
}

// travel goes to another place: back by -n, forth by +n, as far as there are any.
func (m *model) travel(by int) tea.Cmd {
	p := &m.places
	to := min(max(p.at+by, 0), len(p.list)-1)
	if to == p.at {
		m.say(text.Plain, "There is no place "+map[bool]string{true: "before", false: "after"}[by < 0]+" this one in the history.")
		return nil
	}
	for _, f := range m.frames {
		if !slices.ContainsFunc(p.list[to], func(g frame) bool { return g.id == f.id }) {
			m.leaveFrame(f)
		}
	}
	p.at = to
	m.frames = slices.Clone(p.list[to])
	m.look()
	return m.deliver(m.top().id, views.Shown{})
}

// leaveFrame ends the questions of a screen that goes away, and tells it: when it comes back it says that it was
// stopped, and by which key it goes on.
func (m *model) leaveFrame(f frame) {
	for key := range m.slots {
		if key.frame == f.id {
			m.at = f.id
			f.view.Handle(views.Stopped{Slot: key.name})
		}
	}
	m.forget(f.id)
}
