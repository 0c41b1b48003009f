package views

import (
	"strconv"
	"strings"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
	"episteme/views/text"
)

// row draws a row of the tree.
func (p *Provenance) row(i int) text.Line {
	b := p.rows[i]
	n := p.nodes[b.id]
	sign, tone, words := checkSign(n.Check)
	cursor := cursorCell(i == p.window.Cursor)
	if p.aside && i == p.window.Cursor {
		cursor = text.Text(text.Dim, " › ")
	}
	left := text.Of(cursor, text.Text(text.Dim, p.stem(i)), text.Text(tone, sign+" "))
	title, tail := text.Plain, text.Line{}
	if i == p.window.Cursor {
		title = text.Strong
	}
	if b.edge != nil {
		left = append(left, text.Text(text.Dim, linkWords(b.edge, b.id.Kind)+" "))
		if b.edge.After {
			title = text.Dim
			tail = append(tail, text.Text(text.Warn, "! after the answer  "))
		}
	}
	left = append(left, shortID(b.id), text.Space(2), text.Text(title, titleOf(n)))
	switch {
	case b.again:
		tail = append(tail, text.Text(text.Dim, "↑ above"))
	case n.Check != ask.Verified:
		tail = append(tail, text.Text(tone, words))
	case n.Timestamp != nil && p.look.Cols >= wideCols:
		tail = append(tail, text.Text(text.Dim, n.Agent+"  "), text.Text(text.Dim, p.look.Times.OnDay(*n.Timestamp, p.day())))
	}
	return text.Ends(left, append(tail, text.Space(1)), p.look.Cols)
}

// titleOf is what a record of a chain is called. Damaged bytes are here, whatever else is said of them.
func titleOf(n ask.Node) string {
	if n.Check == ask.Broken && n.ID.Kind == record.KindEvidence {
		return "damaged bytes"
	}
	return n.Title
}

// day is the audit's where the chain is an audit's, else today: other days are written out.
func (p *Provenance) day() string {
	if p.root.Kind == record.KindAudit && len(p.order) > 0 && p.order[0].Timestamp != nil {
		return p.look.Times.Day(*p.order[0].Timestamp)
	}
	return p.look.Times.Day(p.look.Now)
}

// stem is the wood in front of a row: which of the rows above still have branches to come. A chain too deep for the
// screen shows its depth instead.
func (p *Provenance) stem(i int) string {
	b := p.rows[i]
	if b.depth == 0 {
		return ""
	}
	if 3*b.depth > p.look.Cols/3 {
		return "⋯" + strconv.Itoa(b.depth) + " "
	}
	pieces := make([]string, b.depth)
	pieces[b.depth-1] = "├─ "
	if b.last {
		pieces[b.depth-1] = "└─ "
	}
	for up := b.parent; up >= 0 && p.rows[up].depth > 0; up = p.rows[up].parent {
		pieces[p.rows[up].depth-1] = "│  "
		if p.rows[up].last {
			pieces[p.rows[up].depth-1] = "   "
		}
	}
	return strings.Join(pieces, "")
}

// linkWords say how a record hangs on the one above.
func linkWords(e *ask.Edge, to record.Kind) string {
	switch e.Type {
	case ask.Contributed:
		if e.Weight != nil {
			return "contributed " + ask.Decimal(*e.Weight)
		}
		return "contributed"
	case ask.BasedOn:
		return "based on"
	case ask.DerivedFrom:
		return "derived from"
	case ask.MovedBy:
		return "moved by"
	case ask.VoteOn:
		return "vote"
	case ask.InEpoch:
		return "in epoch"
	case ask.EvidenceOf:
		if to == record.KindEvidence {
			return "bytes"
		}
		return "from"
	}
	return string(e.Type)
}

// below is the selected record in at most rows lines.
func (p *Provenance) below(b branch, rows int) []text.Line {
	n := p.nodes[b.id]
	r, have := p.records[b.id]
	if !have {
		r = ask.Record{ID: n.ID, LSN: n.LSN, Check: n.Check}
		if n.RecordedAt != nil {
			r.RecordedAt = *n.RecordedAt
		}
	}
	lines := recordHead(r, p.look, rows >= 6)
	switch {
	case have:
		lines = append(lines, recordBody(r, p.look, max(rows-len(lines), 0))...)
	case p.record.slot != "" && p.record.line(p.look.Keymap()) != nil:
		lines = append(lines, nil, append(text.Line{text.Space(3)}, p.record.line(p.look.Keymap())...))
	}
	return text.Block(lines, p.look.Cols, rows)
}
