package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

var _ Evidence = (*Client)(nil)

func (c *Client) Ask(ctx context.Context, q record.Query) (a ask.Audit, err error) {
	body, err := json.Marshal(bodyOf(q))
	if err != nil {
		return a, err
	}
	return a, c.post(ctx, &a, "/query", "application/json", body, nil, "Idempotency-Key", newKey())
}

func (c *Client) Audits(ctx context.Context, f ask.AuditFilter) (t ask.Trace, err error) {
	return t, c.get(ctx, &t, "/audit/queries", filterQuery(f))
}

func (c *Client) Findings(ctx context.Context, f ask.AuditFilter) (t ask.Trace, err error) {
	return t, c.get(ctx, &t, "/audit/findings", filterQuery(f))
}

func (c *Client) Audit(ctx context.Context, id record.ID) (a ask.Audit, err error) {
	return a, c.get(ctx, &a, "/audit/queries/{id}", nil, id.String())
}

func (c *Client) Find(ctx context.Context, fq ask.FindQuery) (f ask.Found, err error) {
	q := queryString{url.Values{}}
	q.text("text", fq.Text)
	if fq.Kind != 0 {
		q.text("kind", fq.Kind.String())
	}
	q.number("limit", fq.Limit)
	q.text("cursor", fq.Cursor)
	q.bounds(fq.Search)
	if fq.Each == nil {
		return f, c.get(ctx, &f, "/audit/find", q.Values)
	}
	err = c.eachPart(ctx, &f, func(read func(any) error) error {
		var h ask.Hit
		if err := read(&h); err != nil {
			return err
		}
		return fq.Each(h)
	}, "/audit/find", q.Values)
	return f, err
}

func (c *Client) Events(ctx context.Context, r ask.Range, limit int) (list []ask.Event, err error) {
	q := queryString{url.Values{}}
	q.time("from", r.From)
	q.time("to", r.To)
	q.number("limit", limit)
	return list, c.get(ctx, &list, "/audit/events", q.Values)
}

func (c *Client) Agents(ctx context.Context) (list []ask.Agent, err error) {
	return list, c.get(ctx, &list, "/audit/agents", nil)
}

func (c *Client) Identify(ctx context.Context, typed string) (id record.ID, err error) {
	q := queryString{url.Values{}}
	q.text("typed", typed)
	return id, c.get(ctx, &id, "/ids", q.Values)
}

// Record is one record in full. Its bytes crossed as they are kept and were decoded here, so an id that they do not hash
// to is found out here.
func (c *Client) Record(ctx context.Context, id record.ID) (r ask.Record, err error) {
	if err := c.get(ctx, &r, "/records/{id}", nil, id.String()); err != nil || r.Record == nil {
		return r, err
	}
	if held, err := record.IDOf(r.Record); err != nil || held != r.ID || held != id {
		r.Check, r.Record = ask.Broken, nil
	}
	return r, nil
}

func (c *Client) EachRecord(ctx context.Context, f func(ask.Record) error) error {
	return c.eachPart(ctx, &struct{}{}, func(read func(any) error) error {
		var r ask.Record
		if err := read(&r); err != nil {
			return err
		}
		return f(r)
	}, "/records", url.Values{})
}

func (c *Client) Verdict(ctx context.Context, audit record.ID) (v ask.Verdict, err error) {
	return v, c.get(ctx, &v, "/audit/queries/{id}/verdict", nil, audit.String())
}

func (c *Client) Recompute(ctx context.Context, id record.ID) (r ask.Recomputation, err error) {
	return r, c.get(ctx, &r, "/audit/queries/{id}/recomputation", nil, id.String())
}

func (c *Client) Provenance(ctx context.Context, root record.ID, o ask.ProvenanceOptions) (p ask.Provenance, err error) {
	q := queryString{url.Values{}}
	q.number("depth", min(o.Depth, maxDepth))
	q.number("nodes", min(o.Nodes, ask.DefaultNodes))
	if o.Level == nil {
		return p, c.get(ctx, &p, "/records/{id}/provenance", q.Values, root.String())
	}
	err = c.eachPart(ctx, &p, func(read func(any) error) error {
		var l level
		err := read(&l)
		if err == nil {
			o.Level(l.Nodes, l.Edges)
		}
		return err
	}, "/records/{id}/provenance", q.Values, root.String())
	return p, err
}

func (c *Client) WhatIf(ctx context.Context, audit record.ID, change ask.WhatIfChange) (w ask.WhatIf, err error) {
	q := queryString{url.Values{}}
	for _, t := range change.Without {
		q.Add("without", t.String())
	}
	q.text("lens", change.Lens)
	q.halfLife(change.HalfLife)
	if change.Filter != nil {
		q.text("lifecycle", "any")
		q.stage("lifecycle", *change.Filter)
	}
	q.time("as_of", change.AsOf)
	return w, c.get(ctx, &w, "/audit/queries/{id}/whatif", q.Values, audit.String())
}

func (c *Client) Impact(ctx context.Context, of ask.Target, o ask.ImpactOptions) (i ask.Impact, err error) {
	q := queryString{url.Values{}}
	q.number("limit", min(o.Queries, ask.DefaultImpacted))
	q.number("assertions", min(o.Assertions, ask.DefaultNodes))
	return i, c.get(ctx, &i, "/audit/impact/{id}", q.Values, of.String())
}

func (c *Client) Diff(ctx context.Context, left, right record.ID) (d ask.Difference, err error) {
	return d, c.get(ctx, &d, "/audit/diff", url.Values{"left": {left.String()}, "right": {right.String()}})
}

func (c *Client) Beliefs(ctx context.Context, bq ask.BeliefsQuery) (b ask.BeliefChanges, err error) {
	q := queryString{url.Values{}}
	q.text("subject", bq.Subject)
	q.time("from", &bq.From)
	q.time("to", &bq.To)
	q.text("lens", bq.Lens)
	q.halfLife(bq.HalfLife)
	q.stage("lifecycle", bq.Filter)
	q.number("limit", min(bq.Limit, ask.DefaultBeliefs))
	return b, c.get(ctx, &b, "/audit/diff", q.Values)
}

func (c *Client) Bisect(ctx context.Context, bq ask.BisectQuery) (b ask.Bisection, err error) {
	q := queryString{url.Values{}}
	q.text("subject", bq.Subject)
	q.text("predicate", bq.Predicate)
	q.text("value", bq.Value)
	q.text("lens", bq.Lens)
	q.halfLife(bq.HalfLife)
	q.stage("lifecycle", bq.Filter)
	return b, c.get(ctx, &b, "/audit/bisect", q.Values)
}

func (c *Client) Status(ctx context.Context) (s ask.Status, err error) {
	return s, c.get(ctx, &s, "/audit/status", nil)
}

func (c *Client) CatchUp(ctx context.Context) error {
	var s ask.Status
	return c.get(ctx, &s, "/audit/status", url.Values{"catch_up": {"true"}})
}

func (c *Client) NearSubjects(ctx context.Context, subject string) (n ask.Near, err error) {
	q := queryString{url.Values{}}
	q.text("subject", subject)
	return n, c.get(ctx, &n, "/audit/near", q.Values)
}

func (c *Client) SourceOf(ctx context.Context, digest record.Hash) (s ask.SourceOf, err error) {
	return s, c.get(ctx, &s, "/sources/{id}", nil, record.ID{Kind: record.KindEvidence, Hash: digest}.String())
}

// SourceDigest reads the source. Readers of files ask it, which give no context.
func (c *Client) SourceDigest(source record.Hash) (record.Hash, bool, error) {
	r, err := c.Record(context.Background(), record.ID{Kind: record.KindSource, Hash: source})
	var absent *ask.NotFoundError
	if errors.As(err, &absent) {
		return record.Hash{}, false, nil
	}
	s, ok := r.Record.(*record.Source)
	if err != nil || !ok {
		return record.Hash{}, false, err
	}
	return s.Digest, true, nil
}
