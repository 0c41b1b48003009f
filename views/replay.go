package views

import (
	"context"
	"slices"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// Moved tells a view that the clock of a replay has moved, which is Look.Now by then: what it shows is asked again. A
// view stays on the record under its cursor, as far as that is there. After a step back it forgets what it cannot know any
// more: until the answers are here it shows less, never something later.
func Moved(v View, back bool) []Do {
	switch v := v.(type) {
	case *Timeline:
		return v.clockMoved(back)
	case *Contributions:
		return v.clockMoved(back)
	case *Provenance:
		return v.clockMoved(back)
	case *Impact:
		return v.clockMoved(back)
	case *WhatIf:
		return v.clockMoved(back)
	case *Diff:
		if back {
			v.done, v.secs = nil, nil
		}
		return []Do{v.ask()}
	case *Findings:
		return v.clockMoved(back)
	case *Bytes:
		return []Do{v.read.ask(askRecord(v.rec.ID))}
	case *Mark:
		v.clockMoved()
	}
	return nil
}

// About is the record that a view is about: without it there is no such view. Zero for a view of everything.
func About(v View) record.ID {
	switch v := v.(type) {
	case OfQuery:
		return v.Query()
	case *Provenance:
		return v.root
	case *Impact:
		return v.root.ID
	case *Bytes:
		return v.rec.ID
	case *Mark:
		return v.event.ID
	}
	return record.ID{}
}

// Passing reports whether a view is about a moment that is over when a clock is put back: it is closed then.
func Passing(v View) bool {
	switch v.(type) {
	case *CopyView, *MessagesView, *Prompt:
		return true
	}
	return false
}

func (t *Timeline) clockMoved(back bool) []Do {
	selected := t.at(t.window.Cursor).id()
	v, known := t.verdicts[selected]
	clear(t.verdicts)
	t.stale = record.ID{}
	switch {
	case back:
		t.unseen = 0
	case known: // as with news: what was said stays until it has been weighed again
		t.verdicts[selected], t.stale = v, selected
	}
	t.older = progress{}
	return []Do{t.readWindow()}
}

func (c *Contributions) clockMoved(back bool) []Do {
	if back {
		a := c.verdict.Audit
		a.Findings = nil // some of them were seen in hindsight
		c.verdict = remembered(a)
		c.side.chain, c.side.asked = nil, record.ID{}
		c.fit()
	}
	return append([]Do{c.ask()}, c.moved()...)
}

// clockMoved asks for the chain as a whole: level by level it would begin with one row, and the cursor would be lost.
func (p *Provenance) clockMoved(back bool) []Do {
	if back {
		clear(p.records)
		later := func(n ask.Node) bool { return n.Timestamp != nil && *n.Timestamp > p.look.Now }
		p.order = slices.DeleteFunc(slices.Clone(p.order), later)
		for id, n := range p.nodes {
			if later(n) {
				delete(p.nodes, id)
			}
		}
		for id, edges := range p.edges {
			p.edges[id] = slices.DeleteFunc(slices.Clone(edges), func(e ask.Edge) bool { _, held := p.nodes[e.To]; return !held })
		}
		p.lay()
		p.fit()
	}
	root := p.root
	return []Do{p.chain.ask(Ask{Slot: chainSlot, Doing: "following the chain", Budget: ChainBudget,
		Run: func(ctx context.Context, in ask.Investigator, _ func(any) bool) (any, error) {
			return in.Provenance(ctx, root, ask.ProvenanceOptions{})
		}})}
}

func (i *Impact) clockMoved(back bool) []Do {
	i.stay = i.Selected().ID
	if back { // also how a query led to its assertion may have been hindsight
		i.head, i.at, i.shown, i.found, i.events = impactHead{}, 0, 0, nil, nil
		i.groups = [impactGroups][]ask.Impacted{}
		i.secs = nil
		i.fit()
	}
	return []Do{i.ask()}
}

// rowOf is the row of a query or an event in the list; the first when it is not there.
func (i *Impact) rowOf(id record.ID) int {
	row := 0
	for _, sec := range i.secs {
		at := -1
		if sec == impactGroups {
			at = slices.IndexFunc(i.events, func(e ask.Event) bool { return e.ID == id })
		} else {
			at = slices.IndexFunc(i.groups[sec], func(q ask.Impacted) bool { return q.Query == id })
		}
		if at >= 0 {
			return row + at
		}
		if sec < impactGroups {
			row += len(i.groups[sec])
		}
	}
	return 0
}

func (w *WhatIf) clockMoved(back bool) []Do {
	if id := w.Selected().ID; id.Kind == record.KindAssertion {
		w.first = id
	}
	if back {
		w.verdict, w.result, w.levers = nil, nil, [leverGroups][]lever{}
		w.fit()
	}
	return []Do{w.ask()}
}

func (f *Findings) clockMoved(back bool) []Do {
	if f.window.To != nil {
		to := f.look.Now + 1 // the end is exclusive
		f.window.To = &to
	}
	f.stay = f.Selected().ID
	if back {
		f.trace = nil
		f.fit()
	}
	return []Do{f.ask()}
}

// clockMoved takes away what has the same trace and is later; all else that an event has to do with is older than it.
func (m *Mark) clockMoved() {
	m.related.sameTrace = slices.DeleteFunc(slices.Clone(m.related.sameTrace), func(l linked) bool {
		return l.audit == nil || l.audit.Timestamp > m.look.Now
	})
	m.SetLook(m.look)
}

// Until forgets what was said after a moment.
func (l *Log) Until(at record.Time) {
	l.list = slices.DeleteFunc(l.list, func(s Said) bool { return s.At > at })
}
