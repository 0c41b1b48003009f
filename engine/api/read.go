package api

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

func (c *call) audits() error {
	f := c.v.filter()
	if c.v.err != nil {
		return c.v.err
	}
	if c.live() {
		if c.v.q.Has("time") { // up to now, which goes on
			f.Range.To = nil
		}
		return c.follow(f)
	}
	t, err := c.evidence.Audits(c.ctx, f)
	if err != nil {
		return err
	}
	return c.reply(t, t)
}

func (c *call) findings() error {
	f := c.v.filter()
	if c.v.err != nil {
		return c.v.err
	}
	t, err := c.evidence.Findings(c.ctx, f)
	if err != nil {
		return err
	}
	return c.reply(t, t)
}

// exportHeader comes with the first request of a Client that gathers an export: what leaves in bulk is noted, once.
const exportHeader = "Episteme-Export"

func (c *call) noteExport() {
	if c.r.Header.Get(exportHeader) != "" {
		c.s.metrics.exports.Inc()
		c.s.note(c, noteExport, "", http.StatusOK)
	}
}

// replyTo answers a question about the record in the path.
func replyTo[T any](c *call, question func(record.ID) (T, error)) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	v, err := question(id)
	if err != nil {
		return err
	}
	return c.reply(v, v)
}

func (c *call) audit() error {
	return replyTo(c, func(id record.ID) (ask.Audit, error) { return c.evidence.Audit(c.ctx, id) })
}

func (c *call) verdict() error {
	id, err := c.id()
	if err != nil {
		return err
	}
	v, err := c.evidence.Verdict(c.ctx, id)
	if err != nil {
		return err
	}
	return c.reply(v, verdictBody{v, eventRecords(v.Then)})
}

// verdictBody is a verdict whose events are records like any other.
type verdictBody struct {
	ask.Verdict
	Then []recordBody `json:"then"`
}

func eventRecords(events []ask.Event) []recordBody {
	list := make([]recordBody, len(events))
	for i, e := range events {
		list[i] = recordBody{ask.Record{ID: e.ID, LSN: e.LSN, RecordedAt: e.RecordedAt, Check: ask.Verified, Record: &e.Event}}
	}
	return list
}

func (c *call) recomputation() error {
	return replyTo(c, func(id record.ID) (ask.Recomputation, error) { return c.evidence.Recompute(c.ctx, id) })
}

func (c *call) record() error {
	return replyTo(c, func(id record.ID) (ask.Record, error) { return c.evidence.Record(c.ctx, id) })
}

func (c *call) source() error {
	return replyTo(c, func(id record.ID) (ask.SourceOf, error) {
		if id.Kind != record.KindEvidence {
			return ask.SourceOf{}, &ask.UsageError{Field: "id", Found: id.Short(), Expected: "the digest of evidence (b_…)"}
		}
		return c.evidence.SourceOf(c.ctx, id.Hash)
	})
}

// idOf looks the typed id up, also a full one: it says whether the record is here.
func (c *call) idOf() error {
	id, err := c.evidence.Identify(c.ctx, c.v.text("typed"))
	if err != nil {
		return err
	}
	return c.reply(id, idBody{id})
}

func (c *call) whatIf() error {
	change := ask.WhatIfChange{Lens: c.v.text("lens"), HalfLife: c.v.halfLife(), AsOf: c.v.timeOf("as_of", c.v.clock().Instant)}
	if stage := c.v.stage("lifecycle"); c.v.q.Has("lifecycle") {
		change.Filter = &stage
	}
	if c.v.err != nil {
		return c.v.err
	}
	for _, typed := range c.v.q["without"] {
		target, err := c.target(typed)
		if err != nil {
			return err
		}
		change.Without = append(change.Without, target)
	}
	return replyTo(c, func(id record.ID) (ask.WhatIf, error) { return c.evidence.WhatIf(c.ctx, id, change) })
}

// target reads an id, or agent:NAME.
func (c *call) target(typed string) (ask.Target, error) {
	if name, ok := strings.CutPrefix(typed, "agent:"); ok {
		return ask.Target{Agent: name}, nil
	}
	id, err := c.identify(typed)
	return ask.Target{ID: id}, err
}

func (c *call) agents() error {
	list, err := c.evidence.Agents(c.ctx)
	if err != nil {
		return err
	}
	return c.reply(list, agentsBody{list})
}

func (c *call) events() error {
	r, limit := c.v.span(), c.v.limit()
	if c.v.err != nil {
		return c.v.err
	}
	if r.From != nil && r.To != nil && *r.From > *r.To {
		return &ask.UsageError{Field: "time", Found: r.From.String() + " to " + r.To.String(), Expected: "a start that is not behind the end"}
	}
	list, err := c.evidence.Events(c.ctx, r, limit)
	if err != nil {
		return err
	}
	return c.reply(list, eventsBody{eventRecords(list)})
}

func (c *call) find() error {
	q := ask.FindQuery{Text: c.v.text("text"), Limit: c.v.limit(), Cursor: c.v.text("cursor"), Search: c.v.bounds()}
	if name := c.v.text("kind"); name == "query" {
		q.Kind = record.KindAudit
	} else if name != "" {
		kind, ok := record.KindByName(strings.ToLower(name))
		if !ok {
			c.v.refuse("kind", "a kind of record: "+kindNames())
		}
		q.Kind = kind
	}
	stream := c.whole && c.v.fact("stream")
	if c.v.err != nil {
		return c.v.err
	}
	if stream {
		out := c.parts(true)
		q.Each = func(h ask.Hit) error { return out.part(h) }
		found, err := c.evidence.Find(c.ctx, q)
		return out.end(found, err)
	}
	found, err := c.evidence.Find(c.ctx, q)
	if err != nil {
		return err
	}
	return c.reply(found, found)
}

func kindNames() string {
	var names []string
	for _, k := range record.Kinds() {
		names = append(names, k.String())
	}
	return strings.Join(names, ", ")
}

func (c *call) near() error {
	n, err := c.evidence.NearSubjects(c.ctx, c.v.text("subject"))
	if err != nil {
		return err
	}
	return c.reply(n, nearBody{n.Asserted, append([]string{}, n.Subjects...)})
}

func (c *call) status() error {
	catchUp := c.v.fact("catch_up")
	if c.v.err != nil {
		return c.v.err
	}
	if catchUp {
		if err := c.evidence.CatchUp(c.ctx); err != nil {
			return err
		}
	}
	st, err := c.evidence.Status(c.ctx)
	if err != nil {
		return err
	}
	return c.reply(st, statusBody{st.Journal.String(), st.LastLSN, st.Chain, st.AppliedLSN, st.Oldest, st.Newest, st.Audits, st.Events, append([]string{}, st.News...)})
}

func (c *call) provenance() error {
	o := ask.ProvenanceOptions{Depth: c.v.number("depth", 0, 1, maxDepth), Nodes: c.v.number("nodes", 0, 1, ask.DefaultNodes)}
	stream := c.whole && c.v.fact("stream")
	if c.v.err != nil {
		return c.v.err
	}
	id, err := c.id()
	if err != nil {
		return err
	}
	if !stream {
		p, err := c.evidence.Provenance(c.ctx, id, o)
		if err != nil {
			return err
		}
		return c.reply(p, p)
	}
	out := c.parts(true)
	o.Level = func(nodes []ask.Node, edges []ask.Edge) { _ = out.part(level{nodes, edges}) } // kept by out
	p, err := c.evidence.Provenance(c.ctx, id, o)
	return out.end(p, err)
}

// level is a part of a chain.
type level struct {
	Nodes []ask.Node
	Edges []ask.Edge
}

func (c *call) impact() error {
	o := ask.ImpactOptions{Queries: c.v.number("limit", 0, 1, ask.DefaultImpacted), Assertions: c.v.number("assertions", 0, 1, ask.DefaultNodes)}
	if c.v.err != nil {
		return c.v.err
	}
	target, err := c.target(c.r.PathValue("id"))
	if err != nil {
		return err
	}
	i, err := c.evidence.Impact(c.ctx, target, o)
	if err != nil {
		return err
	}
	return c.reply(i, i)
}

// diff is one of two questions, as the command of the same name.
func (c *call) diff() error {
	queries := c.v.q.Has("left") && c.v.q.Has("right")
	times := c.v.q.Has("from") && c.v.q.Has("to")
	ofTimes := slices.ContainsFunc([]string{"subject", "from", "to", "lens", "lifecycle", "half_life", "limit"}, c.v.q.Has)
	switch {
	case queries && !ofTimes:
		return c.diffQueries()
	case times && !c.v.q.Has("left") && !c.v.q.Has("right"):
		return c.beliefs()
	}
	return &ask.UsageError{Field: "query string", Found: clip(c.r.URL.RawQuery), Expected: "left and right, two queries; or from and to, two times"}
}

func (c *call) diffQueries() error {
	left, err := c.identify(c.v.text("left"))
	if err != nil {
		return err
	}
	right, err := c.identify(c.v.text("right"))
	if err != nil {
		return err
	}
	d, err := c.evidence.Diff(c.ctx, left, right)
	if err != nil {
		return err
	}
	return c.reply(d, d)
}

func (c *call) beliefs() error {
	from, to := c.v.timeOf("from", c.v.clock().Start), c.v.timeOf("to", c.v.clock().End)
	q := ask.BeliefsQuery{
		Subject: c.v.text("subject"), Lens: c.v.text("lens"), HalfLife: c.v.halfLife(), Filter: c.v.stage("lifecycle"),
		Limit: c.v.number("limit", 0, 1, ask.DefaultBeliefs),
	}
	if c.v.err != nil {
		return c.v.err
	}
	q.From, q.To = *from, *to
	b, err := c.evidence.Beliefs(c.ctx, q)
	if err != nil {
		return err
	}
	return c.reply(b, b)
}

func (c *call) bisect() error {
	q := ask.BisectQuery{
		Subject: c.v.text("subject"), Predicate: c.v.text("predicate"), Value: c.v.text("value"),
		Lens: c.v.text("lens"), HalfLife: c.v.halfLife(), Filter: c.v.stage("lifecycle"),
	}
	if c.v.err != nil {
		return c.v.err
	}
	b, err := c.evidence.Bisect(c.ctx, q)
	if err != nil {
		return err
	}
	return c.reply(b, b)
}

// everyRecord sends records as they are read; the last line tells a whole answer from one that broke off.
func (c *call) everyRecord() error {
	if c.whole {
		out := c.parts(false)
		err := c.evidence.EachRecord(c.ctx, func(r ask.Record) error { return out.part(r) })
		return out.end(struct{}{}, err)
	}
	c.w.Header().Set("Content-Type", "application/x-ndjson")
	return c.evidence.EachRecord(c.ctx, func(r ask.Record) error { return c.writeValue(r) })
}

func (c *call) health() error { return c.writeJSON(http.StatusOK, healthBody{true}) }

func (c *call) ready() error {
	p := c.s.held.Progress()
	body := readyBody{Ready: p.Stopped == nil, LastLSN: p.Durable, AppliedLSN: p.Applied}
	if body.Ready && c.s.ending.Err() == nil {
		return c.writeJSON(http.StatusOK, body)
	}
	body.Ready = false
	c.w.Header().Set("Retry-After", retryAfter(time.Second))
	return c.writeJSON(http.StatusServiceUnavailable, body)
}

func (c *call) writeJSON(status int, v any) error {
	c.w.Header().Set("Content-Type", "application/json")
	c.w.WriteHeader(status)
	return c.writeValue(v)
}

func (c *call) metrics() error {
	c.s.metrics.handler().ServeHTTP(c.w, c.r)
	return nil
}

func (c *call) describe() error {
	b, err := c.s.openapi()
	if err != nil {
		return err
	}
	c.w.Header().Set("Content-Type", "application/json")
	_, err = c.w.Write(b)
	return err
}
