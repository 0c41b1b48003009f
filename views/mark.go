package views

import (
	"fmt"
	"sort"
	"strings"
	"time"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
	"episteme/views/text"
)

// nearBefore is how far before an event its agent's queries are listed as near in time. Agents ask while they
// prepare; ten minutes is a guess that holds for deploys.
const nearBefore = 10 * time.Minute

// linked is a query, or another record, that has to do with an event.
type linked struct {
	id    record.ID
	audit *ask.Audit // nil: not among what the timeline has read
}

// related is what an event has to do with, by how well that is known.
type related struct {
	basedOn   []linked // recorded with the event
	sameTrace []linked // the same trace id, span or conversation of an outside system
	near      []linked // asked shortly before by the same agent, or before an alert by any: near in time, not linked
	partial   bool     // what was read begins later than nearBefore before the event
}

// noneNear says that nothing is near in time, and where that is not known.
func (r related) noneNear(e *ask.Event) string {
	if r.partial {
		return "nothing that was read; the 10 minutes before are not all here"
	}
	if anyAgent(e) {
		return "nobody asked anything in the 10 minutes before"
	}
	return e.Agent + " asked nothing in the 10 minutes before"
}

// anyAgent reports whether the queries of all agents may have to do with an event. What sends alerts asks nothing itself.
func anyAgent(e *ask.Event) bool { return e.Type == record.Alert }

// related finds what an event has to do with among the rows that were read. Each query stands in the first group it
// belongs to.
func (t *Timeline) related(e ask.Event) related {
	if t.drawn.event != e.ID {
		t.drawn.event, t.drawn.related = e.ID, t.relate(e)
	}
	return t.drawn.related
}

func (t *Timeline) relate(e ask.Event) related {
	r := related{partial: t.readFrom() > e.Timestamp-record.Time(nearBefore)}
	taken := map[record.ID]bool{}
	based := map[record.ID]*ask.Audit{}
	for _, id := range e.BasedOn {
		based[id] = nil
	}
	for i := range t.audits {
		a := &t.audits[i]
		if _, ok := based[a.ID]; ok {
			based[a.ID] = a
		}
	}
	for _, id := range e.BasedOn {
		if !taken[id] {
			taken[id] = true
			r.basedOn = append(r.basedOn, linked{id, based[id]})
		}
	}
	for i := len(t.audits) - 1; i >= 0; i-- { // oldest first
		a := &t.audits[i]
		switch {
		case taken[a.ID]:
		case e.TraceID != "" && a.TraceID != nil && *a.TraceID == e.TraceID:
			r.sameTrace = append(r.sameTrace, linked{a.ID, a})
		case (anyAgent(&e) || a.Agent == e.Agent) && a.Timestamp <= e.Timestamp && a.Timestamp > e.Timestamp-record.Time(nearBefore):
			r.near = append(r.near, linked{a.ID, a})
		}
	}
	return r
}

// readFrom is the time from which on every query is here.
func (t *Timeline) readFrom() record.Time {
	switch {
	case t.cursor != "" && len(t.audits) > 0:
		return t.audits[len(t.audits)-1].Timestamp
	case t.hasBefore():
		return *t.head.rng.From
	}
	return 0
}

// Mark shows an event of the world and the queries it has to do with.
type Mark struct {
	look    Look
	event   ask.Event
	related related
	list    sections
}

// NewMark is the view of an event.
func NewMark(e ask.Event, r related) *Mark { return &Mark{event: e, related: r} }

// Crumb is the view's name.
func (m *Mark) Crumb() string { return "event" }

// SetLook says how large the view is.
func (m *Mark) SetLook(l Look) {
	m.look = l
	m.list.fit(m.sections(), l.Rows-len(m.top()))
}

func (m *Mark) groups() [3][]linked {
	return [3][]linked{m.related.basedOn, m.related.sameTrace, m.related.near}
}

func (m *Mark) sections() []section {
	who := m.event.Agent
	if anyAgent(&m.event) {
		who = "any agent"
	}
	heads := [3][2]string{
		{"BASED ON", "recorded with the event"},
		{"SAME TRACE", "the same trace id"},
		{"NEAR IN TIME", "asked by " + who + " in the 10 minutes before: not linked"},
	}
	var out []section
	for i, g := range m.groups() {
		note := heads[i][1]
		if len(g) == 0 {
			note = [3]string{"nothing was recorded", "no query that was read shares its trace id", m.related.noneNear(&m.event)}[i]
		}
		out = append(out, section{text.Of(text.Space(1), text.Text(text.Title, heads[i][0]), text.Space(2), text.Text(text.Dim, note)), len(g)})
	}
	return out
}

// Handle takes a message.
func (m *Mark) Handle(msg Msg) ([]Do, bool) {
	p, ok := msg.(Press)
	if !ok {
		return nil, false
	}
	if m.list.move(p) {
		return nil, true
	}
	switch p.Action {
	case In:
		if l, ok := m.at(); ok {
			if l.audit != nil {
				return []Do{Open{NewContributions(remembered(*l.audit))}}, true
			}
			return []Do{Open{NewProvenance(l.id)}}, true
		}
	case Behind:
		return []Do{Open{NewProvenance(m.Selected().ID)}}, true
	}
	return nil, false
}

func (m *Mark) at() (linked, bool) {
	sec, row, ok := m.list.selected()
	if !ok {
		return linked{}, false
	}
	return m.groups()[sec][row], true
}

// top is what stands above the list.
func (m *Mark) top() []text.Line {
	lines := []text.Line{eventHead(&m.event, m.look), nil}
	return append(append(lines, eventFields(&m.event, m.look)...), nil)
}

// Lines draws the view.
func (m *Mark) Lines() []text.Line {
	lines := append(m.top(), m.list.draw(func(sec, row int, selected bool) text.Line {
		return m.row(m.groups()[sec][row], selected)
	})...)
	return text.Block(lines, m.look.Cols, m.look.Rows)
}

func (m *Mark) row(l linked, selected bool) text.Line {
	return append(text.Of(cursorCell(selected)), linkedLine(l, m.look, m.look.Cols-4, anyAgent(&m.event))...)
}

// linkedLine is one query: when, who where that is not the event's agent, what, told, look at.
func linkedLine(l linked, look Look, cols int, who bool) text.Line {
	if l.audit == nil {
		return text.Of(shortID(l.id), text.Text(text.Dim, "  "+l.id.Kind.String()+", not in the window that was read"))
	}
	a := l.audit
	left := text.Of(text.Text(text.Plain, look.Times.Column(a.Timestamp, false)), text.Space(2), shortID(a.ID), text.Space(2))
	if who && look.Cols < wideCols {
		left = left[:2] // the id is in the drill-down
	}
	if who {
		left = append(append(left, text.Of(text.Text(text.Plain, a.Agent)).Fit(min(look.Cols/7, 18))...), text.Space(2))
	}
	right := append(text.Of(text.Text(text.Dim, "→ ")), told(a).Cut(18)...)
	if look.Cols >= oneRowCols {
		right = append(right.Fit(min(look.Cols/8, 20)), text.Space(2))
		right = append(right, lookAt(a, 20).Fit(min(look.Cols/5, 20))...)
	}
	return text.Ends(append(left, asked(a)...), right, cols)
}

// Height is how many lines show every query.
func (m *Mark) Height() int { return len(m.top()) + m.list.height() }

// Status says where the list comes from.
func (m *Mark) Status() text.Line {
	return text.Of(text.Space(1), text.Text(text.Plain, fmt.Sprintf("%d based on · %d same trace · %d near in time",
		len(m.related.basedOn), len(m.related.sameTrace), len(m.related.near))), text.Text(text.Dim, " · among the queries that were read"))
}

// Hints are the keys that do something here.
func (m *Mark) Hints() []Hint {
	return []Hint{{In, "why it was told"}, {Behind, ""}, {Ahead, ""}, {Yank, ""}, {Clock, ""}, {Help, ""}, {Leave, ""}}
}

// Selected is what the cursor stands on; without rows it is the event itself.
func (m *Mark) Selected() Target {
	if l, ok := m.at(); ok {
		return Target{l.id, "based on by " + m.event.Title}
	}
	return Target{m.event.ID, m.event.Type.String() + " " + m.event.Title}
}

// eventHead is the line above an event.
func eventHead(e *ask.Event, look Look) text.Line {
	left := text.Of(text.Space(1), text.Text(markTone(e.Type), e.Type.Mark()+" "+e.Type.String()+" "), text.Text(text.Strong, e.Title))
	right := text.Of(text.Text(text.Plain, look.Times.Clock(e.Timestamp)), text.Space(2), shortID(e.ID), text.Space(1))
	return text.Ends(left, right, look.Cols)
}

// eventFields are an event's own fields.
func eventFields(e *ask.Event, look Look) []text.Line {
	indent, label := 1, 9
	if look.Cols >= wideCols {
		indent, label = 3, 11
	}
	var out []text.Line
	add := func(name, value string) {
		if value != "" {
			l := append(text.Of(text.Space(indent)), text.Of(text.Text(text.Dim, name)).Fit(label)...)
			out = append(out, append(l, text.Text(text.Plain, value)).Cut(look.Cols-1))
		}
	}
	add("BY", e.Agent)
	add("SUBJECT", e.Subject)
	labels := make([]string, 0, len(e.Labels))
	for _, l := range e.Labels {
		labels = append(labels, l.Name+"="+l.Value)
	}
	sort.Strings(labels)
	add("LABELS", strings.Join(labels, "  "))
	return out
}

// eventPane is what the timeline shows of a selected event.
func (t *Timeline) eventPane(e *ask.Event, rows int) []text.Line {
	lines := append([]text.Line{eventHead(e, t.look)}, eventFields(e, t.look)...)
	if len(lines) > max(rows-4, 1) {
		lines = lines[:max(rows-4, 1)]
	}
	r := t.related(*e)
	indent, label := 1, 9
	if t.look.Cols >= wideCols {
		indent, label = 3, 11
	}
	groups := []struct {
		name, none, note string
		list             []linked
	}{
		{"BASED ON", "nothing was recorded", "", r.basedOn},
		{"TRACE", "", "", r.sameTrace},
		{"NEAR", r.noneNear(e), ", near in time, not linked", r.near},
	}
	for _, g := range groups {
		name := text.Of(text.Space(indent), text.Text(text.Dim, g.name)).Fit(indent + label)
		if len(g.list) == 0 && g.none != "" {
			lines = append(lines, append(name, text.Text(text.Dim, g.none)))
		}
		for i, l := range g.list {
			if i > 0 {
				name = text.Of(text.Space(indent + label))
			}
			if i == 2 && len(g.list) > 3 {
				lines = append(lines, append(name, text.Text(text.Dim, fmt.Sprintf("and %d more%s", len(g.list)-2, g.note)), text.Text(text.Key, "  "+t.look.Keymap().Shown(In))))
				break
			}
			lines = append(lines, append(name[:len(name):len(name)], linkedLine(l, t.look, t.look.Cols-indent-label-1, anyAgent(e))...))
		}
	}
	if len(lines) > rows {
		lines = append(lines[:rows-1:rows-1], text.Of(text.Space(indent), text.Text(text.Key, t.look.Keymap().Shown(In)), text.Text(text.Dim, " shows the rest")))
	}
	return lines
}
