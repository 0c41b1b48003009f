package export

import (
	"strings"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// Limits of a drawn chain: a page is for reading, and the list of records has all of them.
const (
	drawnRows  = 200
	drawnDepth = 12
)

// row is a line of a chain drawn as a tree.
type row struct {
	depth int
	open  []bool // for each level above: whether more siblings come below
	last  bool   // of its siblings
	edge  ask.Edge
	id    record.ID
	kind  string
	check ask.Check
	title string
	more  string // agent, time, stage now, what is remarkable
	again bool   // drawn in full above
}

// rows lays a chain out as a tree, root first. left is how many links were not drawn.
func (c *Contents) rows(p ask.Provenance) (list []row, left int) {
	t := &tree{c: c, nodes: map[record.ID]ask.Node{}, edges: map[record.ID][]ask.Edge{}, drawn: map[record.ID]bool{}}
	for _, n := range p.Nodes {
		t.nodes[n.ID] = n
	}
	for _, e := range p.Edges {
		t.edges[e.From] = append(t.edges[e.From], e)
	}
	t.draw(ask.Edge{To: p.Root}, nil, true)
	return t.list, t.left
}

type tree struct {
	c     *Contents
	nodes map[record.ID]ask.Node
	edges map[record.ID][]ask.Edge
	drawn map[record.ID]bool
	list  []row
	left  int
}

func (t *tree) draw(via ask.Edge, open []bool, last bool) {
	if len(t.list) == drawnRows || len(open) > drawnDepth {
		t.left++
		return
	}
	n := t.nodes[via.To]
	r := row{depth: len(open), open: open, last: last, edge: via, id: via.To, kind: n.Kind, check: n.Check, again: t.drawn[via.To]}
	if held, ok := t.c.byID[via.To]; ok {
		r.title = t.c.title(held)
	} else {
		r.title = t.c.said(n.Title)
	}
	r.more = t.c.remarks(n, via)
	t.list = append(t.list, r)
	if r.again {
		return
	}
	t.drawn[via.To] = true
	edges := t.edges[via.To]
	for i, e := range edges {
		down := append(append([]bool{}, open...), i < len(edges)-1)
		t.draw(e, down, i == len(edges)-1)
	}
}

// remarks are what a node says beside its title.
func (c *Contents) remarks(n ask.Node, via ask.Edge) string {
	var parts []string
	if n.Agent != "" {
		parts = append(parts, c.said(n.Agent))
	}
	if n.Timestamp != nil {
		parts = append(parts, n.Timestamp.String())
	}
	if n.Lifecycle != nil {
		parts = append(parts, n.Lifecycle.String()+" now")
	}
	if via.After {
		parts = append(parts, "after the answer")
	}
	return strings.Join(parts, " · ")
}

// relation is how a row hangs on the one above it: "contributed .90".
func (r row) relation() string {
	s := strings.ReplaceAll(string(r.edge.Type), "_", " ")
	if r.edge.Weight != nil {
		s += " " + ask.Decimal(*r.edge.Weight)
	}
	return s
}

// checkedWord says what came of the hash check of a record.
func checkedWord(check ask.Check, redacted bool) (word, class string) {
	switch {
	case redacted:
		return "redacted", "dim"
	case check == ask.Verified:
		return "✓ verified", "ok"
	case check == ask.Broken:
		return "✗ BROKEN", "bad"
	case check == ask.Erased:
		return "erased", "warn"
	}
	return "? not held", "warn"
}
