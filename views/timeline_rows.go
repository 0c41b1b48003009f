package views

import (
	"sort"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// take adds a page behind the pages so far and keeps the cursor on its row.
func (t *Timeline) take(page ask.Trace) {
	kept := t.at(t.window.Cursor)
	t.audits = append(t.audits, page.Queries...)
	t.cursor = ""
	if page.NextCursor != nil {
		t.cursor = *page.NextCursor
	}
	t.merge()
	t.sift()
	t.fit()
	if id := kept.id(); !id.IsZero() {
		t.window.To(t.find(kept))
	}
	if t.toTop {
		t.window.To(0)
		t.toTop = t.cursor != "" && len(t.audits) < rowsMax
	}
}

// merge makes the rows: queries and events in one order, oldest first. While older queries are still to be read,
// older events are left out too: between them would be a gap that looks like silence.
func (t *Timeline) merge() {
	t.rows, t.hay = make([]entry, 0, len(t.audits)+len(t.events.list)), nil
	events := t.events.list
	if t.cursor != "" && len(t.audits) > 0 {
		oldest := t.audits[len(t.audits)-1].Timestamp
		events = events[:sort.Search(len(events), func(i int) bool { return events[i].Timestamp < oldest })]
	}
	a, e := len(t.audits)-1, len(events)-1
	for a >= 0 || e >= 0 {
		if e < 0 || a >= 0 && before(&t.audits[a], &events[e]) {
			t.rows = append(t.rows, entry{audit: &t.audits[a]})
			a--
		} else {
			t.rows = append(t.rows, entry{event: &events[e]})
			e--
		}
	}
}

func before(a *ask.Audit, e *ask.Event) bool {
	if a.Timestamp != e.Timestamp {
		return a.Timestamp < e.Timestamp
	}
	return a.LSN < e.LSN
}

// drawn keeps what a frame needs of all rows, so that a key costs the rows in sight and no more.
type drawn struct {
	axis    axis
	counts  []uint64 // of axis; nil: not counted yet
	event   record.ID
	related related // of event; the zero id: of none
}

// sift applies the filter.
func (t *Timeline) sift() {
	t.drawn = drawn{}
	if t.filter.empty() {
		t.shown = nil
		return
	}
	if t.filter.needsHaystack() && t.hay == nil {
		t.hay = make([]string, len(t.rows))
		for i, e := range t.rows {
			t.hay[i] = e.haystack()
		}
	}
	t.shown = make([]int, 0, 64)
	for i, e := range t.rows {
		all := ""
		if t.hay != nil {
			all = t.hay[i]
		}
		if t.filter.match(e, all) {
			t.shown = append(t.shown, i)
		}
	}
}

// len is how many rows the list has, row i one of them.
func (t *Timeline) len() int {
	if t.shown != nil {
		return len(t.shown)
	}
	return len(t.rows)
}

func (t *Timeline) row(i int) entry {
	if t.shown != nil {
		return t.rows[t.shown[i]]
	}
	return t.rows[i]
}

// at is row i, or the zero entry when there is none.
func (t *Timeline) at(i int) entry {
	if i < 0 || i >= t.len() {
		return entry{}
	}
	return t.row(i)
}

// find is the row of e in the list, or of the first row that is not older when it is filtered out.
func (t *Timeline) find(e entry) int {
	first := sort.Search(t.len(), func(i int) bool { return t.row(i).time() >= e.time() })
	for i := first; i < t.len() && t.row(i).time() == e.time(); i++ {
		if t.row(i).id() == e.id() {
			return i
		}
	}
	return first
}

func (e entry) id() record.ID {
	switch {
	case e.audit != nil:
		return e.audit.ID
	case e.event != nil:
		return e.event.ID
	}
	return record.ID{}
}

func (e entry) time() record.Time {
	switch {
	case e.audit != nil:
		return e.audit.Timestamp
	case e.event != nil:
		return e.event.Timestamp
	}
	return 0
}

// edit takes a key for the filter; it is live.
func (t *Timeline) edit(m Typed) []Do {
	key := m.Key.String()
	if key != "tab" && key != "shift+tab" {
		t.picks = nil
	}
	switch key {
	case "enter":
		t.typing = false
		t.typed.Blur()
		t.try()
		t.fit()
		return nil
	case "tab":
		return t.completeFilter(+1)
	case "shift+tab":
		return t.completeFilter(-1)
	case "ctrl+p":
		return t.recall(+1)
	case "ctrl+n":
		return t.recall(-1)
	case "esc":
		return t.clearFilter()
	case "up":
		t.window.Move(Press{Action: Up})
		t.anchor = t.at(t.window.Cursor)
		return t.moved()
	case "down":
		t.window.Move(Press{Action: Down})
		t.anchor = t.at(t.window.Cursor)
		return t.moved()
	}
	t.typed, _ = t.typed.Update(m.Key)
	return t.refilter()
}

func (t *Timeline) clearFilter() []Do {
	if !t.typing {
		t.anchor = t.at(t.window.Cursor)
	}
	t.typing = false
	t.typed.Blur()
	t.typed.SetValue("")
	return t.refilter()
}

// refilter sifts again and stands on the row where it began, or on the next one that is left. With a filter set, the rest of
// the window is read: what is looked for may be there.
func (t *Timeline) refilter() []Do {
	t.filter = parseFilter(t.typed.Value())
	t.sift()
	t.fit()
	if !t.anchor.id().IsZero() {
		t.window.Center(t.find(t.anchor))
	}
	if !t.filter.empty() {
		return append(t.readOlder(rowsMax), t.moved()...)
	}
	return t.moved()
}
