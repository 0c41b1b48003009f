package trace

import (
	"context"
	"errors"
	"iter"

	"episteme/engine/ingest"
	"episteme/engine/kv"
	"episteme/engine/lens"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// Audits lists what agents asked, newest first. It counts all matches of the range and returns one page of them. A
// finding that is not fixed at asking time is computed for each audit that the rest of the filter lets through, within
// the filter's bounds.
func (t *Tracer) Audits(ctx context.Context, f ask.AuditFilter) (ask.Trace, error) {
	m, err := newMatcher(f)
	if err != nil {
		return ask.Trace{}, err
	}
	durable := t.Durable()
	return read(ctx, t, func(v *ingest.View) (ask.Trace, error) {
		p, err := t.page(ctx, v, m)
		if err != nil {
			return ask.Trace{}, err
		}
		return p.trace, t.finish(ctx, v, m, durable, &p.trace)
	})
}

// finish says how complete a list is.
func (t *Tracer) finish(ctx context.Context, v *ingest.View, m *matcher, durable record.LSN, out *ask.Trace) error {
	if durable > out.AppliedLSN {
		out.Behind = uint64(durable - out.AppliedLSN)
	}
	out.AllReceivedShown = out.Behind == 0
	if err := t.heard(ctx, v, m, out); err != nil || out.Total > 0 {
		return err
	}
	if out.Searched != nil && out.Searched.Of > 0 {
		out.Empty = append(out.Empty, whyNone(m, *out.Searched))
		return nil
	}
	return t.whyEmpty(ctx, v, m, out)
}

// page collects one page of a list.
type page struct {
	trace  ask.Trace
	from   cursor // where the page begins, when it is not the first
	paged  bool
	bound  record.LSN
	counts *counter
}

// page scans the index that bounds the filter best.
func (t *Tracer) page(ctx context.Context, v *ingest.View, m *matcher) (p *page, err error) {
	applied := v.Applied()
	p = &page{trace: ask.Trace{Range: m.Range, AppliedLSN: applied.LSN, Queries: []ask.Audit{}}, bound: applied.LSN}
	if m.Cursor != "" {
		if p.from, err = parseCursor(m.Cursor); err != nil {
			return nil, err
		}
		p.paged, p.bound = true, p.from.bound
	}
	if m.Buckets > 0 {
		if p.counts, err = t.newCounter(ctx, v, m); err != nil {
			return nil, err
		}
	}
	if m.later != "" {
		return p, t.searchPage(ctx, v, m, p)
	}
	names := t.newNames(v)
	last := cursor{bound: p.bound}
	for match, err := range m.matches(ctx, v) {
		if err != nil {
			return nil, err
		}
		if match.LSN > p.bound {
			continue // arrived after the first page
		}
		p.trace.Total++
		p.counts.add(match.Timestamp)
		if p.paged && !p.from.behind(match.Timestamp, match.LSN) {
			continue
		}
		if m.Limit > 0 && len(p.trace.Queries) == m.Limit {
			if p.trace.NextCursor == nil {
				next := last.String()
				p.trace.NextCursor = &next
			}
			continue
		}
		a, err := t.shown(ctx, v, match, names)
		if err != nil {
			return nil, err
		}
		p.trace.Queries = append(p.trace.Queries, a)
		last.time, last.lsn = match.Timestamp, match.LSN
	}
	p.counts.done(&p.trace)
	return p, nil
}

// match is an audit that passed the filter; row is set when the filter had to look at all of it.
type match struct {
	ingest.Brief
	row *ingest.Row
}

// matches yields what passes the filter, newest first.
func (m *matcher) matches(ctx context.Context, v *ingest.View) iter.Seq2[match, error] {
	return m.indexed(v, m.index(ctx, v))
}

// index yields what the index that bounds the filter best has in its range, newest first.
func (m *matcher) index(ctx context.Context, v *ingest.View) iter.Seq2[ingest.Brief, error] {
	switch {
	case m.Agent != "":
		return v.ByAgent(ctx, m.Agent, m.Range.From, m.Range.To)
	case m.subject.literal:
		return v.BySubject(ctx, m.subject.pattern, m.Range.From, m.Range.To)
	}
	return v.All(ctx, m.Range.From, m.Range.To)
}

// indexed yields what passes from an index that has a few columns, reading full rows only where they decide.
func (m *matcher) indexed(v *ingest.View, briefs iter.Seq2[ingest.Brief, error]) iter.Seq2[match, error] {
	return func(yield func(match, error) bool) {
		for b, err := range briefs {
			if err != nil {
				yield(match{}, err)
				return
			}
			if !m.brief(b) {
				continue
			}
			found := match{Brief: b}
			if m.wide {
				row, err := v.Row(b)
				if err != nil {
					yield(match{}, err)
					return
				}
				if !m.row(&row) {
					continue
				}
				found.row = &row
			}
			if !yield(found, nil) {
				return
			}
		}
	}
}

// shown is a match as people and programs see it.
func (t *Tracer) shown(ctx context.Context, v *ingest.View, m match, n *names) (ask.Audit, error) {
	if m.row == nil {
		row, err := v.Row(m.Brief)
		if err != nil {
			return ask.Audit{}, err
		}
		m.row = &row
	}
	return t.audit(ctx, *m.row, n)
}

// audit is a row as people and programs see it: sources by name, claims by value, findings decoded.
func (t *Tracer) audit(ctx context.Context, row ingest.Row, n *names) (ask.Audit, error) {
	a := row.Audit
	out := ask.Audit{
		ID: row.ID, Agent: a.Agent, Timestamp: a.Timestamp, Subject: a.Subject, Predicate: a.Predicate,
		Question: optional(a.Question), Lens: a.Lens, AsOf: a.AsOf, State: t.stateOf(a),
		Result:     ask.Result{Value: a.Value, Confidence: a.Confidence, Share: a.Share},
		ResultHash: a.ResultHash, Considered: a.Considered, Labels: map[string]string{},
		TraceID: optional(a.TraceID), SpanID: optional(a.SpanID), ConversationID: optional(a.ConversationID), ToolCallID: optional(a.ToolCallID),
		LSN: row.LSN, RecordedAt: row.RecordedAt,
	}
	if a.HalfLife != 0 {
		out.LensParams.HalfLife = record.FormatHalfLife(a.HalfLife)
	}
	if a.LifecycleFilter != 0 {
		out.LifecycleFilter = &a.LifecycleFilter
	}
	if a.Pinned {
		journal := a.Journal.String()
		out.Pin, out.Journal = &a.Pin, &journal
	}
	for _, l := range a.Labels {
		out.Labels[l.Name] = l.Value
	}
	var err error
	out.Contributions = make([]ask.Contribution, 0, len(a.Contributions))
	for i, c := range a.Contributions {
		shown := ask.Contribution{Assertion: assertionID(c.Assertion), Lifecycle: c.Lifecycle, Weight: c.Weight, SourceHash: evidenceID(c.Source)}
		if shown.Source, err = n.source(ctx, c.Source); err != nil {
			return out, err
		}
		if shown.Value, err = n.contributed(i, c.Assertion); err != nil {
			return out, err
		}
		out.Contributions = append(out.Contributions, shown)
	}
	out.Findings, err = decodeFindings(row.Annotation, a)
	return out, err
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// names remembers what sources are called and assertions claim, so that a page looks each up once.
type names struct {
	t       *Tracer
	view    *ingest.View
	sources map[record.Hash]*string
	values  map[record.Hash]record.Object
	told    []lens.Contribution // of the one audit that was answered just now
}

func (t *Tracer) newNames(v *ingest.View) *names {
	return &names{t: t, view: v, sources: map[record.Hash]*string{}, values: map[record.Hash]record.Object{}}
}

// source is the name of the newest descriptor of a digest, nil when none is held.
func (n *names) source(ctx context.Context, digest record.Hash) (*string, error) {
	if name, ok := n.sources[digest]; ok {
		return name, nil
	}
	d, err := newestDescriptor(ctx, n.view, digest)
	if err != nil {
		return nil, err
	}
	var name *string
	if d != nil {
		name = &d.source.Name
	}
	n.sources[digest] = name
	return name, nil
}

// contributed is the value of contribution i of an audit.
func (n *names) contributed(i int, assertion record.Hash) (record.Object, error) {
	if i < len(n.told) && n.told[i].Hash == assertion {
		return n.told[i].Object, nil
	}
	return n.value(assertion)
}

// value is what an assertion claims, no value when that cannot be read here. It does not check hashes: a list is not
// where trust is decided.
func (n *names) value(assertion record.Hash) (record.Object, error) {
	if o, ok := n.values[assertion]; ok {
		return o, nil
	}
	claim, _, err := n.view.Claim(assertion)
	if err != nil && !errors.Is(err, kv.ErrNotFound) && !errors.Is(err, ingest.ErrBroken) && !errors.Is(err, ingest.ErrErased) {
		return record.Object{}, err
	}
	var o record.Object
	if err == nil {
		o = claim.Object
	}
	n.values[assertion] = o
	return o, nil
}

// descriptor is a source with its place.
type descriptor struct {
	id     record.ID
	lsn    record.LSN
	source *record.Source
}

// newestDescriptor is the descriptor of a digest with the greatest (timestamp, LSN), nil when none is held.
func newestDescriptor(ctx context.Context, v *ingest.View, digest record.Hash) (*descriptor, error) {
	var newest *descriptor
	for l, err := range v.Links(ctx, evidenceID(digest), ingest.LinkDescribes) {
		if err != nil {
			return nil, err
		}
		s := l.Record.(*record.Source)
		if newest == nil || s.Timestamp >= newest.source.Timestamp { // links come by rising LSN
			newest = &descriptor{l.ID, l.LSN, s}
		}
	}
	return newest, nil
}

// Audit is one audit as lists show it.
func (t *Tracer) Audit(ctx context.Context, id record.ID) (ask.Audit, error) {
	return read(ctx, t, func(v *ingest.View) (ask.Audit, error) {
		row, err := t.rowOf(ctx, v, id)
		if err != nil {
			return ask.Audit{}, err
		}
		return t.audit(ctx, row, t.newNames(v))
	})
}
