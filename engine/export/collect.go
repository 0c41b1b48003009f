package export

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// Collect gathers the selected queries, the chains behind them, what was weighed against them and the events based on
// them. made is the time the export will state.
//
// Errors: *ask.UsageError when a limit is passed, *ask.NotFoundError when nothing matches, and what the evidence gives.
func Collect(ctx context.Context, from Evidence, s Selection, made record.Time) (*Contents, error) {
	g := &gathering{ctx: ctx, from: from, held: map[record.ID]ask.Record{}, absent: map[record.ID]Absence{}, walked: map[record.ID]bool{}, out: &Contents{Made: made}}
	queries, err := g.choose(s)
	if err != nil {
		return nil, err
	}
	for _, id := range queries {
		if err := g.query(id); err != nil {
			return nil, fmt.Errorf("export %s: %w", id.Short(), err)
		}
	}
	status, err := from.Status(ctx)
	if err != nil {
		return nil, err
	}
	g.out.Journal, g.out.Last, g.out.Chain = status.Journal, status.LastLSN, status.Chain
	g.settle()
	return g.out, nil
}

// gathering is one collection under way.
type gathering struct {
	ctx    context.Context
	from   Evidence
	held   map[record.ID]ask.Record
	absent map[record.ID]Absence
	walked map[record.ID]bool // assertions whose chains were gathered
	bytes  int
	out    *Contents
}

// choose lists the queries, each once.
func (g *gathering) choose(s Selection) ([]record.ID, error) {
	if len(s.Queries) > 0 {
		var ids []record.ID
		for _, id := range s.Queries {
			if id.Kind != record.KindAudit {
				return nil, &ask.UsageError{Field: "query", Found: id.Short(), Expected: "a query (q_…); its chain comes along by itself"}
			}
			if !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
		g.out.Chosen = fmt.Sprintf("%d %s, named one by one", len(ids), plural(len(ids), "query", "queries"))
		return ids, tooMany(len(ids))
	}
	f := s.Filter
	if f.Limit == 0 || f.Limit > MaxQueries {
		f.Limit = MaxQueries + 1
	}
	t, err := g.from.Audits(g.ctx, f)
	if err != nil {
		return nil, err
	}
	if len(t.Queries) == 0 {
		return nil, &ask.NotFoundError{What: "to export (" + t.Completeness() + ")"}
	}
	if err := tooMany(len(t.Queries)); err != nil {
		return nil, err
	}
	g.out.Chosen, g.out.trace = t.Completeness(), &t
	ids := make([]record.ID, len(t.Queries))
	for i, q := range t.Queries {
		ids[i] = q.ID
	}
	return ids, nil
}

func tooMany(queries int) error {
	if queries <= MaxQueries {
		return nil
	}
	return &ask.UsageError{Field: "queries", Found: fmt.Sprintf("more than %d", MaxQueries), Expected: "fewer: narrow the filter or give a limit"}
}

// query gathers one verdict and everything it speaks of.
func (g *gathering) query(id record.ID) error {
	v, err := g.from.Verdict(g.ctx, id)
	if err != nil {
		return err
	}
	chain, err := g.chain(id)
	if err != nil {
		return err
	}
	for _, w := range slices.Concat(v.Against, v.NotAdmitted) {
		if g.walked[w.Assertion] {
			continue // for a query before this one
		}
		g.walked[w.Assertion] = true
		if _, err := g.chain(w.Assertion); err != nil {
			return err
		}
	}
	for _, e := range v.Then {
		if err := g.fetch(e.ID); err != nil {
			return err
		}
	}
	g.out.Queries = append(g.out.Queries, Query{v, chain})
	return nil
}

// chain gathers the records of the chain behind id.
func (g *gathering) chain(id record.ID) (ask.Provenance, error) {
	p, err := g.from.Provenance(g.ctx, id, ask.ProvenanceOptions{})
	if err != nil {
		return p, err
	}
	for _, n := range p.Nodes {
		if err := g.fetch(n.ID); err != nil {
			return p, err
		}
	}
	return p, nil
}

// fetch gathers one record, or notes that it cannot be had.
func (g *gathering) fetch(id record.ID) error {
	if _, seen := g.held[id]; seen {
		return nil
	}
	if _, seen := g.absent[id]; seen {
		return nil
	}
	r, err := g.from.Record(g.ctx, id)
	var nowhere *ask.NotFoundError
	if errors.As(err, &nowhere) {
		g.absent[id] = Absence{ID: id, Why: string(ask.NotHeld)}
		return nil
	}
	if err != nil {
		return err
	}
	if r.Check != ask.Verified {
		g.absent[id] = Absence{id, string(r.Check), r.LSN, r.RecordedAt}
		return nil
	}
	payload, err := record.Encode(nil, r.Record)
	if err != nil {
		return fmt.Errorf("%s: %w", id, err)
	}
	g.held[id] = r
	if g.bytes += len(payload); g.bytes > MaxPayloadBytes || len(g.held) > MaxRecords {
		return &ask.UsageError{Field: "queries", Found: fmt.Sprintf("%d records of %d MiB behind them", len(g.held), g.bytes>>20),
			Expected: fmt.Sprintf("at most %d of %d MiB: narrow the filter or give a limit", MaxRecords, MaxPayloadBytes>>20)}
	}
	return nil
}

// settle orders what was gathered and lists what is named and not there.
func (g *gathering) settle() {
	for _, r := range g.held {
		g.out.Records = append(g.out.Records, r)
		for _, l := range linksOf(r.Record) {
			if _, here := g.held[l.to]; here {
				continue
			}
			if _, known := g.absent[l.to]; !known {
				g.absent[l.to] = Absence{ID: l.to, Why: notExported}
			}
		}
	}
	slices.SortFunc(g.out.Records, func(a, b ask.Record) int { return cmp.Compare(a.LSN, b.LSN) })
	for _, a := range g.absent {
		g.out.Absent = append(g.out.Absent, a)
	}
	slices.SortFunc(g.out.Absent, func(a, b Absence) int { return strings.Compare(a.ID.String(), b.ID.String()) })
	g.out.byID = g.held
}
