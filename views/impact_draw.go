package views

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
	"episteme/views/text"
)

// Rows of the detail below the list, and the height from which there is one.
const impactDetail = 4

// layout divides the height: what is followed above, the list, a rule and the selected query below.
func (i *Impact) layout() (top []text.Line, ruled, list, detail int) {
	top = i.top()
	left := i.look.Rows - len(top)
	switch {
	case i.look.Rows >= tallRows:
		ruled, detail = 1, impactDetail
	case i.look.Rows >= midRows && left >= 8: // what was told stands in the row
		ruled, detail = 1, 2
	}
	return top, ruled, max(left-ruled-detail, 1), detail
}

func (i *Impact) fit() {
	if i.found == nil || i.look.Cols == 0 {
		return
	}
	i.list.tight = i.look.Rows < tallRows
	_, _, list, _ := i.layout()
	i.list.fit(i.sections(), list)
}

// top says what is followed, how far, and what came of it.
func (i *Impact) top() []text.Line {
	h, look := i.head, i.look
	var lines []text.Line
	id := text.Of(text.Space(1), text.Text(text.Plain, "ahead of "))
	if first := h.scopes[0].target; first.ID.IsZero() {
		id = append(id, text.Text(text.Strong, "everything "+first.Agent+" wrote"))
	} else {
		id = append(id, shortID(first.ID), text.Space(2), text.Text(text.Strong, h.claims))
	}
	lines = append(lines, text.Ends(id, i.author(), look.Cols))
	if !h.query.IsZero() && look.Rows >= 12 {
		lines = append(lines, labelled(look, "FROM", text.Text(text.Plain, h.why), shortID(h.query)))
	}
	if len(h.scopes) > 1 && look.Rows >= 12 {
		lines = append(lines, i.scopeLine())
	}
	lines = append(lines, i.counts())
	if busy := i.stale(); busy != nil {
		lines = append(lines, labelled(look, "", busy...))
	}
	if look.Rows >= midRows {
		lines = append(lines, i.agents()...)
	}
	if look.Rows >= tallRows {
		lines = append(lines, nil)
	}
	return lines
}

// author is who said what is followed, and when.
func (i *Impact) author() text.Line {
	h := i.head
	if h.by == "" || h.when == nil || i.look.Cols < oneRowCols {
		return nil
	}
	return text.Of(text.Text(text.Dim, "by "), text.Text(text.Plain, h.by), text.Space(2),
		text.Text(text.Plain, i.look.Times.OnDay(*h.when, i.look.Times.Day(i.look.Now))), text.Space(1))
}

// stale says that the list is not the answer to what was asked last.
func (i *Impact) stale() text.Line {
	if i.found == nil {
		return nil
	}
	return i.read.staleLine(i.look.Keymap(), i.head.scopes[i.shown].words)
}

// scopeLine is how wide the net is cast; the next width is a key away.
func (i *Impact) scopeLine() text.Line {
	var l []text.Span
	for n, s := range i.head.scopes {
		if n > 0 {
			l = append(l, text.Text(text.Dim, " › "))
		}
		if n == i.shown {
			l = append(l, text.Text(text.Strong, "▶ "+s.words))
		} else {
			l = append(l, text.Text(text.Dim, s.words))
		}
	}
	return labelled(i.look, "OF", append(l, text.Text(text.Key, "   "+i.look.Keymap().Shown(Ahead)), text.Text(text.Dim, " widens"))...)
}

// counts is what came of it, the worst first.
func (i *Impact) counts() text.Line {
	if i.found == nil {
		return nil
	}
	still := len(i.groups[0])
	if i.found.Total == 0 {
		return labelled(i.look, "REACHED", text.Text(text.Plain, "nobody was told anything because of it"))
	}
	var l []text.Span
	switch {
	case i.open:
		l = append(l, text.Text(text.Warn, "? still told: not known"))
	case still > 0:
		l = append(l, text.Text(text.Bad, "✗ "+Count(still)+" still told"))
	default:
		l = append(l, text.Text(text.OK, "✓ 0 still told"))
	}
	l = append(l, text.Text(text.Dim, " · "), text.Text(text.Warn, "≠ "+Count(i.flips)+" would have flipped"))
	l = append(l, text.Text(text.Dim, " · "), text.Text(text.Plain, i.ofAll()))
	if unknown := len(i.groups[3]); unknown > 0 {
		l = append(l, text.Text(text.Dim, " · ? "+Count(unknown)+" cannot be recomputed here"))
	}
	l = append(l, text.Text(text.Dim, " · "+plural(len(i.found.Events), "event", "events")))
	return labelled(i.look, "REACHED", l...)
}

// ofAll is how many queries there are, and how many of them were looked at where not all were.
func (i *Impact) ofAll() string {
	all := "of " + plural(i.found.Total, "query", "queries")
	if n := len(i.found.Queries); n < i.found.Total {
		return "of " + Count(n) + " searched " + all
	}
	return all
}

// tally works out once what every frame shows of all queries.
func (i *Impact) tally() {
	i.flips, i.open, i.span = 0, false, [2]record.Time{}
	asked, still := map[string]int{}, map[string]int{}
	times := make([]record.Time, 0, len(i.found.Queries)+len(i.events))
	for _, q := range i.found.Queries {
		if q.Flips != nil && *q.Flips {
			i.flips++
		}
		i.open = i.open || q.StillTold == nil && q.Flips != nil
		if asked[q.Agent]++; q.Standing() == 0 {
			still[q.Agent]++
		}
		times = append(times, q.Timestamp)
	}
	for _, e := range i.events {
		if e.Type != 0 {
			times = append(times, e.Timestamp)
		}
	}
	if len(times) > 0 {
		i.span = [2]record.Time{slices.Min(times), slices.Max(times)}
	}
	names := slices.Sorted(maps.Keys(asked))
	slices.SortStableFunc(names, func(a, b string) int { // whoever is still told most first
		return cmp.Or(still[b]-still[a], asked[b]-asked[a])
	})
	parts := make([]string, min(len(names), agentsNamed))
	for n := range parts {
		name := names[n]
		parts[n] = fmt.Sprintf("%s\u00a0%d\u00a0of\u00a0%d", name, still[name], asked[name]) // a name and its counts stay on one line
		if i.open {
			parts[n] = fmt.Sprintf("%s\u00a0%d", name, asked[name])
		}
	}
	i.askers = "still told, of asked: " + strings.Join(parts, " · ")
	if i.open {
		i.askers = "asked: " + strings.Join(parts, " · ")
	}
}

// agentsNamed bounds who is named on two lines.
const agentsNamed = 40

// agents are who asked.
func (i *Impact) agents() []text.Line {
	if i.found == nil || len(i.found.Queries) == 0 {
		return nil
	}
	rows := 1
	if i.look.Rows >= tallRows {
		rows = 2
	}
	return labelledWrap(i.look, "AGENTS", text.Plain, i.askers, rows)
}

func (i *Impact) sections() []section {
	heads := [impactGroups][2]string{
		{"STILL TOLD", "the answer now rests on it"},
		{"WOULD HAVE FLIPPED", "without it they would have been told another value"},
		{"TOLD, ANSWER WOULD NOT CHANGE", "without it they would have been told the same"},
		{"TOLD, NOT KNOWN", "imported, or recomputing gives another answer"},
	}
	events := [2]string{"DONE ON THE STRENGTH OF IT", "events that say they were based on it"}
	var out []section
	for n, g := range i.secs {
		head, rows := events, len(i.events)
		if g < impactGroups {
			head, rows = heads[g], len(i.groups[g])
		}
		note := Count(rows) + " · " + head[1]
		if rows == 0 {
			if note = "nobody: no answer of now rests on it"; i.open {
				note = "not known of a past moment"
			}
		}
		line := text.Of(text.Space(1), text.Text(text.Title, head[0]), text.Space(2), text.Text(text.Dim, note))
		if n == 0 && len(i.found.Queries) > 0 && i.look.Cols >= oneRowCols {
			line = text.Ends(line, text.Of(text.Text(text.Dim, "TOLD ≠ WITHOUT IT")), i.look.Cols-1)
		}
		out = append(out, section{line, rows})
	}
	return out
}

// Lines draws the view.
func (i *Impact) Lines() []text.Line {
	if i.found == nil {
		return i.read.blank(i.look.Keymap(), "The chain ahead", "from "+i.root.Short()+" to everybody who was told it").lines(i.look.Keymap(), i.look.Cols, i.look.Rows)
	}
	top, ruled, list, detail := i.layout()
	out := append(make([]text.Line, 0, i.look.Rows), top...)
	out = append(out, text.Block(i.list.draw(i.row), i.look.Cols, list)...)
	if ruled > 0 {
		out = append(out, rule(i.look.Cols))
		out = append(out, text.Block(i.detail(), i.look.Cols, detail)...)
	}
	return text.Block(out, i.look.Cols, i.look.Rows)
}

// Height is how many lines show every row.
func (i *Impact) Height() int {
	if i.found == nil {
		return i.look.Rows
	}
	return len(i.top()) + i.list.height() + 1 + impactDetail
}

func (i *Impact) row(sec, row int, selected bool) text.Line {
	cursor := text.Of(cursorCell(selected))
	if g := i.secs[sec]; g < impactGroups {
		return append(cursor, i.queryRow(i.groups[g][row])...)
	}
	return append(cursor, i.eventRow(i.events[row])...)
}

// days reports whether the rows lie on more than one day.
func (i *Impact) days() bool { return i.look.Times.days(i.span[0], i.span[1]) }

// queryRow is when, who, what was asked, and what was told against what would have been.
func (i *Impact) queryRow(q ask.Impacted) text.Line {
	look, days := i.look, i.days()
	room := look.Cols - 4
	at, id, agent, told, gap := look.Times.ColumnCells(days), 0, 12, 20, 1
	switch {
	case look.Cols >= wideCols:
		id, agent, told, gap = 10, 18, 28, 2
	case look.Cols < oneRowCols:
		agent, told = max(room/5, 8), max(room*2/5, 15)
	}
	if look.Cols < 50 { // what was told goes before what was asked: they are mostly about one thing
		agent = room - at - told - 2*gap
	}
	rest := room - at - agent - told - 3*gap
	if id > 0 {
		rest -= id + gap
	}
	return text.Row(gap,
		text.Col{Cells: at, Line: text.Of(text.Text(text.Plain, look.Times.Column(q.Timestamp, days)))},
		text.Col{Cells: id, Line: text.Of(shortID(q.Query))},
		text.Col{Cells: agent, Line: text.Of(text.Text(text.Plain, q.Agent))},
		text.Col{Cells: max(rest, 0), Line: text.Of(text.Text(text.Plain, q.Subject), text.Text(text.Dim, " · "), text.Text(text.Plain, q.Predicate))},
		text.Col{Cells: told, Line: toldWithout(q, told)})
}

// toldWithout is what was told, and what would have been without the record: ES256 → RS256.
func toldWithout(q ask.Impacted, cells int) text.Line {
	value := told(&ask.Audit{Result: ask.Result{Value: q.Value}})
	switch {
	case q.Flips == nil:
		return append(value.Cut(cells-2), text.Text(text.Dim, " ?"))
	case !*q.Flips:
		return append(value.Cut(cells-11), text.Text(text.Dim, " = the same"))
	}
	other := told(&ask.Audit{Result: ask.Result{Value: q.Without}})
	other = other.In(text.Warn)
	return append(append(value.Cut(cells/2-2), text.Text(text.Warn, " ≠ ")), other.Cut(cells-cells/2-1)...)
}

func (i *Impact) eventRow(e ask.Event) text.Line {
	if e.Type == 0 {
		return text.Of(shortID(e.ID), text.Text(text.Dim, "  event, not read"))
	}
	look, days := i.look, i.days()
	at := text.Of(text.Text(text.Plain, look.Times.Column(e.Timestamp, days))).Fit(look.Times.ColumnCells(days))
	l := append(at, text.Space(2), text.Text(markTone(e.Type), e.Type.Mark()+" "))
	l = append(l, eventTitle(&e)...)
	return append(l, text.Text(text.Dim, "  by "+e.Agent)).Cut(look.Cols - 4) // the cursor in front, a cell of air behind
}

// detail is the selected query in words.
func (i *Impact) detail() []text.Line {
	q, e := i.selected()
	switch {
	case e != nil && e.Type != 0:
		return append([]text.Line{eventHead(e, i.look)}, eventFields(e, i.look)...)
	case q == nil:
		return nil
	}
	head := ask.Verdict{Audit: ask.Audit{ID: q.Query, Agent: q.Agent, Timestamp: q.Timestamp, Subject: q.Subject, Predicate: q.Predicate}, Recomputed: q.Recomputed}
	lines := []text.Line{verdictHead(head, i.look)}
	if i.look.Rows < tallRows {
		return append(lines, i.through(*q))
	}
	said := []text.Span{text.Text(text.Strong, told(&ask.Audit{Result: ask.Result{Value: q.Value}}).String())}
	lines = append(lines, labelled(i.look, "TOLD", said...))
	var without []text.Span
	switch {
	case q.Flips == nil:
		without = []text.Span{text.Text(text.Dim, q.Words())}
	case *q.Flips:
		without = []text.Span{text.Text(text.Plain, "it would have said "), text.Text(text.Warn, told(&ask.Audit{Result: ask.Result{Value: q.Without}}).String())}
	default:
		without = []text.Span{text.Text(text.Plain, "it would have said the same")}
	}
	lines = append(lines, labelled(i.look, "WITHOUT", without...))
	return append(lines, i.through(*q))
}

// through is the way from the record to the query.
func (i *Impact) through(q ask.Impacted) text.Line {
	var l []text.Span
	for n, id := range q.Path {
		if n > 0 {
			l = append(l, text.Text(text.Dim, " → "))
		}
		l = append(l, shortID(id))
	}
	if q.Weight != nil {
		l = append(l, text.Text(text.Dim, "  contributed "), text.Text(text.Plain, ask.Decimal(*q.Weight)))
	} else {
		l = append(l, text.Text(text.Dim, "  did not contribute; it bears on what did"))
	}
	return labelled(i.look, "THROUGH", l...)
}
