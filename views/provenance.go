package views

import (
	"context"
	"fmt"
	"time"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
	"episteme/views/text"
)

// Provenance shows the chain behind a record as a tree, level by level as it is found, each record's bytes checked
// against its hash; below it the selected record.
type Provenance struct {
	look   Look
	root   record.ID
	aside  bool // stands beside another list, whose cursor is the one that moves
	chain  progress
	record progress
	whole  bool // the chain was read to its end
	more   int  // records whose own links were not followed

	nodes   map[record.ID]ask.Node
	order   []ask.Node // as found
	edges   map[record.ID][]ask.Edge
	rows    []branch
	window  Window
	records map[record.ID]ask.Record // opened so far
}

// branch is a row of the tree.
type branch struct {
	id     record.ID
	edge   *ask.Edge // how it hangs on its parent; nil for the root
	parent int       // row of the parent; -1 for the root
	depth  int
	last   bool // no sibling follows
	again  bool // stands further up already: not followed a second time
}

const (
	chainSlot  = "chain"
	recordSlot = "record"

	recordsMax = 64 // records kept open: 1 MiB each at most
	restRecord = 120 * time.Millisecond
)

// NewProvenance is the chain behind a record.
func NewProvenance(root record.ID) *Provenance {
	return &Provenance{root: root, nodes: map[record.ID]ask.Node{}, edges: map[record.ID][]ask.Edge{}, records: map[record.ID]ask.Record{}}
}

// level is a level of the chain as it is found.
type level struct {
	nodes []ask.Node
	edges []ask.Edge
}

func readChain(root record.ID) Question {
	return func(ctx context.Context, in ask.Investigator, part func(any) bool) (any, error) {
		return in.Provenance(ctx, root, ask.ProvenanceOptions{Level: func(nodes []ask.Node, edges []ask.Edge) {
			// The slices are the engine's own; what goes to another goroutine is a copy. When nobody wants more,
			// ctx has ended and the engine sees that itself.
			part(level{append([]ask.Node(nil), nodes...), append([]ask.Edge(nil), edges...)})
		}})
	}
}

// Crumb is the view's name.
func (p *Provenance) Crumb() string { return "provenance" }

// SetLook says how large the view is.
func (p *Provenance) SetLook(l Look) {
	p.look = l
	p.fit()
}

// treeRows is how many lines the tree gets; the record below takes the rest.
func (p *Provenance) treeRows() int {
	rows := p.look.Rows
	if rows < 12 {
		return max(rows-2, 1) // the record's hash line stays
	}
	tree := rows * 11 / 20
	if n := len(p.rows); n < tree && n > 0 {
		return max(n, 3)
	}
	return tree
}

func (p *Provenance) fit() { p.window.Fit(len(p.rows), p.treeRows()) }

// Handle takes a message.
func (p *Provenance) Handle(m Msg) ([]Do, bool) {
	if p.chain.handle(m) {
		if a, ok := m.(Answer); ok {
			return p.answered(a), true
		}
		return nil, true
	}
	if p.record.handle(m) {
		if a, ok := m.(Answer); ok && a.Err == nil {
			if len(p.records) >= recordsMax {
				clear(p.records)
			}
			r := a.Value.(ask.Record)
			p.records[r.ID] = r
		}
		return nil, true
	}
	switch m := m.(type) {
	case Shown:
		if m.First {
			return []Do{p.ask()}, true
		}
		return p.moved(), true
	case Rested:
		return p.open(), true
	case Press:
		return p.press(m)
	}
	return nil, false
}

func (p *Provenance) ask() Do {
	p.nodes, p.edges, p.order, p.rows = map[record.ID]ask.Node{}, map[record.ID][]ask.Edge{}, nil, nil
	return p.chain.ask(Ask{Slot: chainSlot, Doing: "following the chain", Budget: ChainBudget, Run: readChain(p.root)})
}

// answered takes in a level, or the whole chain again at its end.
func (p *Provenance) answered(a Answer) []Do {
	if a.Err != nil {
		return nil
	}
	switch v := a.Value.(type) {
	case level:
		p.grow(v.nodes, v.edges)
	case ask.Provenance:
		p.whole, p.more = v.Complete, len(v.More)
		p.root = v.Root
		p.nodes, p.edges, p.order = map[record.ID]ask.Node{}, map[record.ID][]ask.Edge{}, nil
		p.grow(v.Nodes, v.Edges)
	}
	return p.moved()
}

// grow adds records and links and lays the tree out again; the cursor stays on its row as long as rows are added
// behind it, else on its record.
func (p *Provenance) grow(nodes []ask.Node, edges []ask.Edge) {
	var kept record.ID
	if p.window.Cursor < len(p.rows) {
		kept = p.rows[p.window.Cursor].id
	}
	for _, n := range nodes {
		if _, ok := p.nodes[n.ID]; !ok {
			p.order = append(p.order, n)
		}
		p.nodes[n.ID] = n
	}
	for _, e := range edges {
		p.edges[e.From] = append(p.edges[e.From], e)
	}
	p.lay()
	p.fit()
	for i, r := range p.rows {
		if r.id == kept && !r.again {
			p.window.To(i)
			break
		}
	}
}

// lay makes the rows: depth first from the root, links in the order the engine gave them. A record that several rest
// on is followed where it first stands. The chain may be as deep as it has records, so this does not recurse.
func (p *Provenance) lay() {
	p.rows = p.rows[:0]
	if len(p.order) == 0 {
		return
	}
	seen := map[record.ID]bool{}
	stack := []branch{{id: p.order[0].ID, parent: -1, last: true}}
	for len(stack) > 0 {
		b := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		b.again = seen[b.id]
		p.rows = append(p.rows, b)
		if b.again {
			continue
		}
		seen[b.id] = true
		at, out := len(p.rows)-1, p.edges[b.id]
		for i := len(out) - 1; i >= 0; i-- {
			stack = append(stack, branch{id: out[i].To, edge: &out[i], parent: at, depth: b.depth + 1, last: i == len(out)-1})
		}
	}
}

// moved asks for the selected record once the cursor rests.
func (p *Provenance) moved() []Do { return []Do{Rest{recordSlot, restRecord}} }

func (p *Provenance) open() []Do {
	b, ok := p.at()
	if !ok {
		return nil
	}
	if _, have := p.records[b.id]; have || p.nodes[b.id].Check == ask.NotHeld || p.nodes[b.id].Check == ask.Erased {
		return nil
	}
	return []Do{p.record.ask(askRecord(b.id))}
}

func askRecord(id record.ID) Ask {
	return Ask{Slot: recordSlot, Doing: "reading the record", Budget: PointBudget,
		Run: func(ctx context.Context, in ask.Investigator, _ func(any) bool) (any, error) {
			return in.Record(ctx, id)
		}}
}

func (p *Provenance) at() (branch, bool) {
	if p.window.Cursor >= len(p.rows) {
		return branch{}, false
	}
	return p.rows[p.window.Cursor], true
}

func (p *Provenance) press(m Press) ([]Do, bool) {
	if p.window.Move(m) {
		return p.moved(), true
	}
	b, some := p.at()
	switch m.Action {
	case In:
		if !some && p.chain.failed() {
			return []Do{p.ask()}, true
		}
		if some {
			return []Do{Open{NewBytes(b.id, p.nodes[b.id])}}, true
		}
	case Behind:
		if some && b.id != p.root {
			return []Do{Open{NewProvenance(b.id)}}, true
		}
		return []Do{Say{Text: "This is its provenance.", Tone: text.Plain}}, true
	case Again:
		switch {
		case p.chain.failed():
			return []Do{p.ask()}, true
		case p.record.failed():
			return p.open(), true
		}
		return nothingFailed(), true
	}
	return nil, false
}

// Lines draws the view.
func (p *Provenance) Lines() []text.Line {
	if len(p.rows) == 0 {
		return p.blank()
	}
	tree := p.treeRows()
	out := make([]text.Line, 0, p.look.Rows)
	for i := p.window.First; i < p.window.End(); i++ {
		out = append(out, p.row(i))
	}
	out = text.Block(out, p.look.Cols, tree)
	if p.look.Rows >= 12 {
		out = append(out, rule(p.look.Cols))
	}
	if b, ok := p.at(); ok {
		out = append(out, p.below(b, p.look.Rows-len(out))...)
	}
	return text.Block(out, p.look.Cols, p.look.Rows)
}

func (p *Provenance) blank() []text.Line {
	var q panel
	switch {
	case p.chain.err != nil:
		q = failure("The chain could not be followed.", p.chain.err)
	case p.chain.stopped:
		q = panel{mark: text.Of(text.Text(text.Warn, "!")), title: "Stopped before anything was found.",
			press: []Hint{{In, "follow it again"}, {Leave, "back"}}}
	case p.chain.spinning():
		q = panel{mark: spinner(p.chain.wait.Tick), title: p.chain.wait.Doing,
			body: []string{"from " + p.root.Short() + " down to the bytes of the documents"}}
		if p.chain.wait.Late {
			q.body = append(q.body, p.chain.lateWords(p.look.Keymap()))
		}
	case !p.chain.running && p.chain.known:
		q = panel{mark: text.Of(text.Text(text.Dim, "?")), title: "Nothing is known of " + p.root.Short() + "."}
	}
	return q.lines(p.look.Keymap(), p.look.Cols, p.look.Rows)
}

// Height is how many lines show the whole tree and the selected record.
func (p *Provenance) Height() int { return 2*len(p.rows) + 40 }

// Status counts the links and their checks. What is wrong comes before what is complete.
func (p *Provenance) Status() text.Line {
	if len(p.rows) == 0 {
		return nil
	}
	c := ask.Count(p.order)
	parts := []text.Span{text.Text(text.Plain, plural(c.Links, "link", "links")), text.Text(text.OK, Count(c.Verified)+" verified")}
	var none []text.Span
	for _, some := range []struct {
		n     int
		tone  text.Tone
		words string
	}{{c.Broken, text.Bad, "broken"}, {c.NotHeld, text.Warn, "bytes not kept"}, {c.Erased, text.Warn, "erased"}} {
		if some.n > 0 {
			parts = append(parts, text.Text(some.tone, Count(some.n)+" "+some.words))
		} else {
			none = append(none, text.Text(text.Dim, "0 "+some.words))
		}
	}
	return dotted(append(append(parts, p.extent()), none...), p.look.Cols)
}

// extent says whether this is the whole chain.
func (p *Provenance) extent() text.Span {
	switch {
	case p.chain.running && p.chain.wait.Late:
		return text.Text(text.Warn, "! slow: following it for "+Ago(p.chain.wait.For)+", "+p.look.Keymap().Shown(Out)+" stops")
	case p.chain.running:
		return text.Text(text.Dim, "following it "+spinner(p.chain.wait.Tick).String())
	case p.chain.stopped:
		return text.Text(text.Warn, "! stopped: not the whole chain")
	case p.chain.err != nil:
		return text.Text(text.Bad, "✗ not the whole chain: "+headline(p.chain.err))
	case !p.whole:
		return text.Text(text.Warn, fmt.Sprintf("! a limit cut it: %s links not followed", Count(p.more)))
	}
	return text.Text(text.OK, "complete")
}

// Hints are the keys that do something here.
func (p *Provenance) Hints() []Hint {
	if len(p.rows) == 0 && p.chain.failed() {
		return []Hint{{In, "try again"}, {Help, ""}, {Leave, ""}}
	}
	hints := []Hint{{In, "the record in full"}}
	if b, ok := p.at(); ok && b.id != p.root {
		hints = append(hints, Hint{Behind, "from here"})
	}
	return againOr(p.chain.failed() || p.record.failed(), append(hints, Hint{Ahead, ""}, Hint{Yank, ""}, Hint{Clock, ""}, Hint{Help, ""}, Hint{Leave, ""}))
}

// Selected is the record under the cursor.
func (p *Provenance) Selected() Target {
	if b, ok := p.at(); ok {
		return Target{b.id, titleOf(p.nodes[b.id])}
	}
	return Target{p.root, ""}
}
