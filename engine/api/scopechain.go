package api

import (
	"context"
	"slices"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// Provenance leaves out the nodes that may not be seen, and what only they led to. A chain that was cut says so, and at
// which nodes.
func (s *scoped) Provenance(ctx context.Context, root record.ID, o ask.ProvenanceOptions) (ask.Provenance, error) {
	if err := s.mayRead(ctx, "read a chain", root); err != nil {
		return ask.Provenance{}, err
	}
	if !s.limited() {
		return s.held.Provenance(ctx, root, o)
	}
	cut := &cutChain{s: s, ctx: ctx, shown: map[record.ID]bool{root: true}}
	if each := o.Level; each != nil {
		o.Level = func(nodes []ask.Node, edges []ask.Edge) {
			if nodes, edges := cut.level(nodes, edges); len(nodes)+len(edges) > 0 {
				each(nodes, edges)
			}
		}
	} else {
		o.Level = func(nodes []ask.Node, edges []ask.Edge) { cut.level(nodes, edges) }
	}
	p, err := s.held.Provenance(ctx, root, o)
	if err == nil {
		err = cut.err
	}
	if err != nil {
		return ask.Provenance{}, err
	}
	p.Nodes = slices.DeleteFunc(slices.Clone(p.Nodes), func(n ask.Node) bool { return !cut.shown[n.ID] })
	p.Edges = slices.DeleteFunc(slices.Clone(p.Edges), func(e ask.Edge) bool { return !cut.shown[e.From] || !cut.shown[e.To] })
	more := slices.DeleteFunc(slices.Clone(p.More), func(id record.ID) bool { return !cut.shown[id] })
	for _, id := range cut.before {
		if !slices.Contains(more, id) {
			more = append(more, id)
		}
	}
	p.More, p.Complete = more, p.Complete && len(cut.before) == 0
	return p, nil
}

// cutChain follows a chain level by level: a node is shown when it may be seen and a node that is shown leads to it.
type cutChain struct {
	s      *scoped
	ctx    context.Context
	shown  map[record.ID]bool
	before []record.ID // shown nodes that lead to hidden ones
	err    error
}

func (c *cutChain) level(nodes []ask.Node, edges []ask.Edge) (shown []ask.Node, links []ask.Edge) {
	if c.err != nil {
		return nil, nil
	}
	led := map[record.ID]bool{}
	for _, e := range edges {
		if c.shown[e.From] {
			led[e.To] = true
		}
	}
	for again := true; again; { // edges within a level may lead on
		again = false
		for _, n := range nodes {
			if c.shown[n.ID] || !led[n.ID] {
				continue
			}
			seen, err := c.s.sees(c.ctx, n.ID)
			if err != nil {
				c.err = err
				return nil, nil
			}
			if !seen {
				delete(led, n.ID)
				continue
			}
			c.shown[n.ID], again = true, true
			for _, e := range edges {
				if e.From == n.ID {
					led[e.To] = true
				}
			}
		}
	}
	for _, n := range nodes {
		if c.shown[n.ID] {
			shown = append(shown, n)
		}
	}
	for _, e := range edges {
		switch {
		case c.shown[e.From] && c.shown[e.To]:
			links = append(links, e)
		case c.shown[e.From] && !slices.Contains(c.before, e.From):
			c.before = append(c.before, e.From)
		}
	}
	return shown, links
}

// Impact leaves out the queries and events that may not be seen, and does not say how many there are.
func (s *scoped) Impact(ctx context.Context, of ask.Target, o ask.ImpactOptions) (ask.Impact, error) {
	var ids []record.ID
	if !of.ID.IsZero() {
		ids = append(ids, of.ID)
	}
	if err := s.mayRead(ctx, "read an impact", ids...); err != nil {
		return ask.Impact{}, err
	}
	if of.ID.IsZero() && s.limited() {
		if err := s.mustKnow(ctx, of.Agent); err != nil {
			return ask.Impact{}, err
		}
	}
	i, err := s.held.Impact(ctx, of, o)
	if err != nil || !s.limited() {
		return i, s.withoutNear(err)
	}
	i.Queries = slices.DeleteFunc(slices.Clone(i.Queries), func(q ask.Impacted) bool { return !s.grant.Sees(q.Subject) })
	if i.Events, err = kept(ctx, s, i.Events, itself); err != nil {
		return i, err
	}
	i.Agents, i.Subjects = []string{}, []string{}
	for n, q := range i.Queries {
		i.Agents, i.Subjects = append(i.Agents, q.Agent), append(i.Subjects, q.Subject)
		if i.Queries[n].Path, err = kept(ctx, s, q.Path, itself); err != nil {
			return i, err
		}
	}
	slices.Sort(i.Agents)
	slices.Sort(i.Subjects)
	i.Agents, i.Subjects = slices.Compact(i.Agents), slices.Compact(i.Subjects)
	i.Total, i.Complete, i.More = len(i.Queries), false, s.only()
	return i, nil
}

// mustKnow is the error of an agent of whom nothing may be seen: the same as that of one nobody knows. Who only wrote is
// found by its records.
func (s *scoped) mustKnow(ctx context.Context, agent string) error {
	if agent == "" { // which as a filter is everybody
		return &ask.NotFoundError{What: "agent:"}
	}
	t, err := s.held.Audits(ctx, ask.AuditFilter{Agent: agent, Within: s.grant.Subjects, Limit: 1})
	if err != nil || t.Total > 0 {
		return err
	}
	found, err := s.Find(ctx, ask.FindQuery{Text: "agent:" + agent, Limit: 1})
	if err == nil && len(found.Records) == 0 {
		err = &ask.NotFoundError{What: "agent:" + agent}
	}
	return err
}
