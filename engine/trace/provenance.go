package trace

import (
	"context"
	"fmt"
	"math"

	"episteme/engine/ingest"
	"episteme/engine/lens"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// Provenance walks from root towards the evidence, level by level: event → query → assertions → descriptors →
// bytes, with parents, votes, transitions and epochs on the way.
func (t *Tracer) Provenance(ctx context.Context, root record.ID, o ask.ProvenanceOptions) (ask.Provenance, error) {
	if o.Nodes == 0 {
		o.Nodes = ask.DefaultNodes
	}
	return read(ctx, t, func(v *ingest.View) (ask.Provenance, error) {
		w := &walk{t: t, ctx: ctx, view: v, limit: o.Nodes, seen: map[record.ID]bool{}, lives: map[topic]map[record.Hash][]ingest.Linked{},
			out: ask.Provenance{Root: root, Nodes: []ask.Node{}, Edges: []ask.Edge{}, Complete: true}}
		return w.run(root, o)
	})
}

// sight is what an answer could see: records with timestamp ≤ asOf and LSN ≤ pin.
type sight struct {
	asOf record.Time
	pin  record.LSN
}

var everything = sight{record.MaxTime, math.MaxUint64}

func (s sight) after(t record.Time, lsn record.LSN) bool { return t > s.asOf || lsn > s.pin }

// sightOf is what an audit's answer could see. What an imported one saw is not known: its as_of was a question to
// another system, so nothing is said to come after it.
func (t *Tracer) sightOf(a *record.Audit) sight {
	if t.stateOf(a) != ask.Pinned {
		return everything
	}
	return sight{a.AsOf, a.Pin}
}

// step is a node to be visited.
type step struct {
	id    record.ID
	sight sight // of the query on the way here; of the nearest one, where several are
	depth int   // links from the root
}

// walk is one breadth-first search.
type walk struct {
	t     *Tracer
	ctx   context.Context
	view  *ingest.View
	limit int
	from  step                                      // whose links are followed
	seen  map[record.ID]bool                        // nodes found, visited or waiting
	next  []step                                    // found since the last part
	lives map[topic]map[record.Hash][]ingest.Linked // votes and transitions, by topic and assertion
	out   ask.Provenance
}

func (w *walk) run(root record.ID, o ask.ProvenanceOptions) (ask.Provenance, error) {
	records := newReading(w.fetch)
	defer records.end()
	w.seen[root] = true
	records.found([]step{{id: root, sight: everything}})
	depth, nodes, edges := 0, 0, 0 // of the level that is being visited; what came before it
	level := func() {
		if o.Level != nil {
			o.Level(w.out.Nodes[nodes:], w.out.Edges[edges:])
		}
		nodes, edges = len(w.out.Nodes), len(w.out.Edges)
	}
	for p := records.next(); p != nil; p = records.next() {
		if p.err != nil {
			return w.out, p.err
		}
		for i, s := range p.steps {
			if s.depth > depth {
				level()
				depth = s.depth
			}
			if err := w.visit(s, p.records[i], o.Depth > 0 && depth >= o.Depth); err != nil {
				return w.out, err
			}
		}
		if first := &w.out.Nodes[0]; first.LSN == 0 && first.Check == ask.NotHeld {
			return w.out, &ask.NotFoundError{What: root.String()}
		}
		records.found(w.next)
		w.next = w.next[:0]
	}
	level()
	return w.out, nil
}

// visit adds a node and, unless it is at the last level, its links.
func (w *walk) visit(s step, r ask.Record, last bool) error {
	node := ask.Node{ID: r.ID, Kind: r.ID.Kind.String(), Check: r.Check, LSN: r.LSN, Depth: s.depth}
	if r.LSN != 0 {
		node.RecordedAt = &r.RecordedAt
	}
	describe(&node, r.Record)
	w.out.Nodes = append(w.out.Nodes, node)
	at := len(w.out.Nodes) - 1
	w.from = s
	if last {
		return w.cut(r)
	}
	switch x := r.Record.(type) {
	case *record.Event:
		for _, id := range x.BasedOn {
			w.link(s.id, id, ask.BasedOn)
		}
	case *record.Audit:
		w.audit(s.id, x)
	case *record.Assertion:
		return w.assertion(at, s.id, x)
	case *record.Source:
		w.link(s.id, evidenceID(x.Digest), ask.EvidenceOf)
	case *record.Vote:
		w.linkNew(s.id, assertionID(x.Assertion), ask.VoteOn)
	case *record.Transition:
		w.linkNew(s.id, assertionID(x.Assertion), ask.MovedBy)
	case *record.Epoch:
		return w.epoch(s.id)
	}
	return nil
}

// cut notes a node of the last level whose links are not followed.
func (w *walk) cut(r ask.Record) error {
	switch r.ID.Kind {
	case record.KindEvent, record.KindAudit, record.KindAssertion, record.KindSource:
		if r.Record != nil {
			w.out.Complete = false
			w.out.More = append(w.out.More, r.ID)
		}
	}
	return nil
}

// link adds an edge, and its end when that is new and there is room.
func (w *walk) link(from, to record.ID, typ ask.EdgeType) *ask.Edge {
	if !w.seen[to] {
		if len(w.seen) >= w.limit {
			if w.out.Complete || w.out.More[len(w.out.More)-1] != from {
				w.out.More = append(w.out.More, from)
			}
			w.out.Complete = false
			return nil
		}
		w.seen[to] = true
		w.next = append(w.next, step{to, w.from.sight, w.from.depth + 1})
	}
	w.out.Edges = append(w.out.Edges, ask.Edge{From: from, To: to, Type: typ})
	return &w.out.Edges[len(w.out.Edges)-1]
}

// linkNew links a vote or transition to its assertion when the walk began at it; on the way from the assertion the
// edge is there already, the other way round.
func (w *walk) linkNew(from, assertion record.ID, typ ask.EdgeType) {
	if !w.seen[assertion] {
		w.link(from, assertion, typ)
	}
}

func (w *walk) audit(id record.ID, a *record.Audit) {
	w.from.sight = w.t.sightOf(a)
	for _, c := range a.Contributions {
		if edge := w.link(id, assertionID(c.Assertion), ask.Contributed); edge != nil {
			edge.Weight = &c.Weight
		}
	}
}

// assertion follows an assertion's source, parents, transitions, votes and epoch.
func (w *walk) assertion(at int, id record.ID, a *record.Assertion) error {
	described := false
	for l, err := range w.view.Links(w.ctx, evidenceID(a.Source), ingest.LinkDescribes) {
		if err != nil {
			return err
		}
		described = true
		w.after(w.link(id, l.ID, ask.EvidenceOf), l.Record.(*record.Source).Timestamp, l.LSN)
	}
	if !described {
		w.link(id, evidenceID(a.Source), ask.EvidenceOf)
	}
	for _, parent := range a.Parents {
		w.link(id, parent, ask.DerivedFrom)
	}
	if err := w.life(at, id, a); err != nil {
		return err
	}
	if !a.Epoch.IsZero() {
		w.link(id, record.ID{Kind: record.KindEpoch, Hash: a.Epoch}, ask.InEpoch)
	}
	return nil
}

// life follows an assertion's transitions, then the votes on it, and says at which stage it is now.
func (w *walk) life(at int, id record.ID, a *record.Assertion) error {
	all, err := w.livesOf(topic{a.Subject, a.Predicate})
	if err != nil {
		return err
	}
	h := lens.History{Transitions: map[record.Hash][]lens.Transition{}}
	for _, l := range all[id.Hash] {
		if l.ID.Kind == record.KindTransition {
			tr := transitionOf(l)
			h.Transitions[id.Hash] = append(h.Transitions[id.Hash], tr)
			w.after(w.link(id, l.ID, ask.MovedBy), tr.Timestamp, l.LSN)
		}
	}
	stage := lens.StageAt(h, lens.Cut{AsOf: w.t.now(), Pin: lens.Everything}, lens.Assertion{Hash: id.Hash, Birth: a.Lifecycle})
	w.out.Nodes[at].Lifecycle = &stage
	for _, l := range all[id.Hash] {
		if vote, ok := l.Record.(*record.Vote); ok {
			w.after(w.link(id, l.ID, ask.VoteOn), vote.Timestamp, l.LSN)
		}
	}
	return nil
}

// livesOf reads the life of a topic's assertions once.
func (w *walk) livesOf(about topic) (map[record.Hash][]ingest.Linked, error) {
	if lives, ok := w.lives[about]; ok {
		return lives, nil
	}
	lives := map[record.Hash][]ingest.Linked{}
	for l, err := range w.view.Life(w.ctx, about.subject, about.predicate) {
		if err != nil {
			return nil, err
		}
		assertion := ingest.AssertionOf(l.Record)
		lives[assertion] = append(lives[assertion], l)
	}
	w.lives[about] = lives
	return lives, nil
}

// epoch follows the epochs that supersede this one.
func (w *walk) epoch(id record.ID) error {
	for l, err := range w.view.Links(w.ctx, id, ingest.LinkSupersedes) {
		if err != nil {
			return err
		}
		w.after(w.link(id, l.ID, ask.InEpoch), l.Record.(*record.Epoch).Timestamp, l.LSN)
	}
	return nil
}

// after marks an edge whose record the answer could not see.
func (w *walk) after(edge *ask.Edge, t record.Time, lsn record.LSN) {
	if edge != nil {
		edge.After = w.from.sight.after(t, lsn)
	}
}

// describe fills in what a person needs to recognise a record.
func describe(n *ask.Node, r record.Record) {
	say := func(title, agent string, t record.Time) { n.Title, n.Agent, n.Timestamp = title, agent, &t }
	switch r := r.(type) {
	case record.Evidence:
		n.Title = fmt.Sprintf("%d bytes", len(r))
	case *record.Source:
		say(r.Name, r.Agent, r.Timestamp)
	case *record.Assertion:
		say(r.Subject+" "+r.Predicate+" = "+r.Object.String(), r.Agent, r.Timestamp)
	case *record.Vote:
		say(fmt.Sprintf("%+.2g", r.Weight), r.Agent, r.Timestamp)
	case *record.Epoch:
		say("epoch "+r.Name, r.Agent, r.Timestamp)
		if !r.Supersedes.IsZero() {
			n.Title += " (" + r.Supersession.String() + ")"
		}
	case *record.Transition:
		say("to "+r.To.String(), r.Agent, r.Timestamp)
		if r.Reason != "" {
			n.Title += ": " + r.Reason
		}
	case *record.Event:
		say(r.Type.String()+" "+r.Title, r.Agent, r.Timestamp)
	case *record.Audit:
		say(r.Subject+" "+r.Predicate+" → "+r.Value.String(), r.Agent, r.Timestamp)
	case *record.Erasure:
		say("erased "+r.Reason, r.Agent, r.Timestamp)
	default:
		switch n.ID.Kind {
		case record.KindEvidence:
			n.Title = "bytes not kept"
		default:
			n.Title = n.ID.Kind.String() + " not here"
		}
	}
}
