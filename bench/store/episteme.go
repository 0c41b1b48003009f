package store

import (
	"context"

	"episteme/engine"
	"episteme/engine/record"
	"episteme/engine/trace"
	"episteme/engine/trace/ask"
)

const episteme = "episteme"

// ours is episteme's engine over a directory.
type ours struct {
	engine *engine.Engine
	batch  []record.Record
}

func openEpisteme(ctx context.Context, dir string) (*ours, error) {
	e, err := engine.Open(ctx, engine.Options{Dir: dir})
	return &ours{engine: e}, err
}

func (o *ours) append(ctx context.Context, steps []Step) error {
	o.batch = o.batch[:0]
	for i := range steps {
		o.batch = steps[i].records(o.batch)
	}
	_, err := o.engine.Append(ctx, o.batch...)
	return err
}

func (o *ours) catchUp(ctx context.Context) error { return o.engine.CatchUp(ctx) }

func (o *ours) count(ctx context.Context) (uint64, error) {
	s, err := o.engine.Status(ctx)
	return s.Audits, err
}

func (o *ours) close() error { return o.engine.Close() }

func (o *ours) ask(ctx context.Context, q Question) (answer, error) {
	switch q.Kind {
	case Newest, Everything:
		found, err := o.engine.Audits(ctx, ask.AuditFilter{Agent: q.Agent, Subject: hotDomain + "/*", Limit: q.Limit})
		return page(found), err
	case Chain:
		chain, err := o.engine.Provenance(ctx, q.ID, ask.ProvenanceOptions{Nodes: 1 << 30})
		return graph(chain), err
	case Latest:
		return o.current(ctx, q, "recency")
	case Backing:
		return o.current(ctx, q, "consensus")
	}
	return o.influenced(ctx, q.ID)
}

// influenced lists the audits that an assertion contributed to, as the engine's impact does first. The rest of that,
// what would have been told without it, SQLite is not asked for.
func (o *ours) influenced(ctx context.Context, assertion record.ID) (answer, error) {
	v, err := o.engine.Index.View()
	if err != nil {
		return nil, err
	}
	defer v.Close()
	var s set
	for row, err := range v.Received(ctx, assertion.Hash) {
		if err != nil {
			return nil, err
		}
		s = append(s, row.ID.Hash)
	}
	return s, nil
}

// current resolves a question about the end of time without writing it down: reading is what is compared here, and
// Append is measured by itself.
func (o *ours) current(ctx context.Context, q Question, lens string) (answer, error) {
	prepared, err := trace.Prepare(record.Query{
		Agent: "bench", Timestamp: fleetEnd, AsOf: record.Unset, Subject: q.Subject, Predicate: q.Predicate, Lens: lens,
	}, fleetEnd)
	if err != nil {
		return nil, err
	}
	asked, err := o.engine.Resolve(ctx, prepared)
	if err != nil {
		return nil, err
	}
	return told(asked.Audit.Value.Text), nil
}

// page is a page of audits. The digest is made of what SQLite is asked for too; the page has more.
type page ask.Trace

func (p page) rows() int { return len(p.Queries) }

func (p page) digest() uint64 {
	var l list
	for _, a := range p.Queries {
		row := listed{id: a.ID.Hash, at: a.Timestamp, subject: a.Subject, predicate: a.Predicate, value: a.Result.Value.Text}
		for _, c := range a.Contributions {
			part := listedPart{assertion: c.Assertion.Hash, source: c.SourceHash.Hash, value: c.Value.Text, weight: c.Weight}
			if c.Source != nil {
				part.sourceName = *c.Source
			}
			row.parts = append(row.parts, part)
		}
		l = append(l, row)
	}
	return l.digest()
}

// graph is a chain. What counts is its assertions and sources; nodes that could not be verified do not.
type graph ask.Provenance

func (g graph) set() (s set) {
	for _, n := range g.Nodes {
		if n.Check == ask.Verified && (n.ID.Kind == record.KindAssertion || n.ID.Kind == record.KindSource) {
			s = append(s, n.ID.Hash)
		}
	}
	return s
}

func (g graph) rows() int      { return len(g.set()) }
func (g graph) digest() uint64 { return g.set().digest() }
