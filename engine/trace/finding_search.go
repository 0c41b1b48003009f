package trace

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"episteme/engine/ingest"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// budget is what is left of a search's bounds.
type budget struct {
	records int // -1: no bound
	until   time.Time
	granted bool // something was
}

// newBudget starts the clock: the real one, whatever "now" is fixed at.
func newBudget(b ask.Bounds) *budget {
	left := -1
	if b.Records > 0 {
		left = b.Records
	}
	return &budget{records: left, until: time.Now().Add(cmp.Or(b.Time, ask.DefaultSearchTime))}
}

// spend takes one record from the budget; false: nothing is left. The first is always granted, so that whoever goes on
// from a cursor comes to the end.
func (b *budget) spend() bool {
	if b.records == 0 || b.granted && time.Now().After(b.until) {
		b.records = 0
		return false
	}
	b.granted = true
	if b.records > 0 {
		b.records--
	}
	return true
}

// search walks over the audits of a filter, newest first, and computes findings for as many as its budget allows.
type search struct {
	m      *matcher
	view   *ingest.View
	known  *recollection
	budget *budget
	bound  record.LSN // newer records are not there
	ended  bool       // the budget is spent

	searched ask.Searched
	last     ingest.Brief // the last one that was looked at
}

func (t *Tracer) newSearch(ctx context.Context, v *ingest.View, m *matcher, bound record.LSN) *search {
	return &search{
		m: m, view: v, bound: bound, budget: newBudget(m.Search),
		known: &recollection{t: t, ctx: ctx, view: v, now: t.now()},
	}
}

// each calls look with what the index columns of the filter let through, as long as the budget lasts; the rest is only
// counted. What skip names was looked at before, by an earlier page.
func (s *search) each(ctx context.Context, skip func(ingest.Brief) bool, look func(ingest.Brief) error, unseen func(ingest.Brief)) error {
	for b, err := range s.m.index(ctx, s.view) {
		if err != nil {
			return err
		}
		if b.LSN > s.bound || !s.m.brief(b) {
			continue
		}
		s.searched.Of++
		switch {
		case skip(b):
			s.searched.Done++
		case s.ended || !s.budget.spend():
			s.ended = true
			unseen(b)
		default:
			s.searched.Done++
			s.last = b
			if err := look(b); err != nil {
				return err
			}
		}
	}
	return nil
}

// row reads an audit in full; ok is false when the rest of the filter holds it back, and when it cannot be read: one
// that is damaged costs itself and not the search, which counts it.
func (s *search) row(b ingest.Brief) (row ingest.Row, ok bool, err error) {
	row, err = s.view.Row(b)
	if errors.Is(err, ingest.ErrBroken) {
		s.searched.Unreadable++
		return row, false, nil
	}
	return row, err == nil && (!s.m.wide || s.m.row(&row)), err
}

// raises reports whether an audit raises one of the computed findings of a filter, and the severity of the worst: any
// of them, when the filter names none.
func (s *search) raises(row ingest.Row) (severity int, raised bool, err error) {
	h, err := s.known.of(row)
	if err != nil {
		return 0, false, err
	}
	for _, f := range laterFindings() {
		if s.m.later != "" && f.code != s.m.later {
			continue
		}
		if raised, err := f.raised(h); raised || err != nil {
			return f.code.Severity(), raised, err
		}
	}
	return 0, false, nil
}

// shown is an audit with all its findings, the computed ones too.
func (s *search) shown(ctx context.Context, row ingest.Row, n *names) (ask.Audit, error) {
	a, err := s.known.t.audit(ctx, row, n)
	if err != nil {
		return a, err
	}
	h, err := s.known.of(row)
	if err != nil {
		return a, err
	}
	a.Findings, err = h.all(a.Findings)
	return a, err
}

// searchPage is a page of the audits that raise a computed finding.
func (t *Tracer) searchPage(ctx context.Context, v *ingest.View, m *matcher, p *page) error {
	s := t.newSearch(ctx, v, m, p.bound)
	names := t.newNames(v)
	p.trace.Total = p.from.before
	next := cursor{bound: p.bound}
	skip := func(b ingest.Brief) bool { return p.paged && !p.from.behind(b.Timestamp, b.LSN) }
	look := func(b ingest.Brief) error {
		row, ok, err := s.row(b)
		if !ok || err != nil {
			return err
		}
		if _, raised, err := s.raises(row); !raised || err != nil {
			return err
		}
		p.trace.Total++
		p.counts.add(b.Timestamp)
		if m.Limit > 0 && len(p.trace.Queries) == m.Limit {
			if p.trace.NextCursor == nil {
				at := next.String()
				p.trace.NextCursor = &at
			}
			return nil
		}
		a, err := s.shown(ctx, row, names)
		p.trace.Queries = append(p.trace.Queries, a)
		next.time, next.lsn, next.before = b.Timestamp, b.LSN, p.trace.Total
		return err
	}
	if err := s.each(ctx, skip, look, func(ingest.Brief) {}); err != nil {
		return err
	}
	p.trace.Searched = &s.searched
	if s.ended && p.trace.NextCursor == nil {
		at := cursor{time: s.last.Timestamp, lsn: s.last.LSN, bound: p.bound, before: p.trace.Total}.String()
		p.trace.NextCursor = &at
	}
	p.counts.done(&p.trace)
	return nil
}

// Findings lists the audits that deserve a look, worst first, then newest.
func (t *Tracer) Findings(ctx context.Context, f ask.AuditFilter) (ask.Trace, error) {
	if f.Cursor != "" {
		return ask.Trace{}, &ask.UsageError{Field: "cursor", Found: f.Cursor, Expected: "none: what is worst may lie anywhere, so this list has no pages; narrow the filter"}
	}
	if f.Limit <= 0 || f.Limit > findingsMax {
		f.Limit = findingsMax
	}
	m, err := newMatcher(f)
	if err != nil {
		return ask.Trace{}, err
	}
	durable := t.Durable()
	return read(ctx, t, func(v *ingest.View) (ask.Trace, error) {
		applied := v.Applied()
		w := &worst{search: t.newSearch(ctx, v, m, applied.LSN)}
		out := ask.Trace{Range: m.Range, AppliedLSN: applied.LSN}
		out.Queries, err = w.list(ctx)
		if err != nil {
			return ask.Trace{}, err
		}
		out.Total, out.Searched = w.total, &w.searched
		return out, t.finish(ctx, v, m, durable, &out)
	})
}

// findingsMax bounds a list that is sorted in memory, its audits in full: tens of MiB when they are of the usual few KiB.
const findingsMax = 10_000

// worst collects the audits that deserve a look.
type worst struct {
	*search
	kept  []suspect
	total uint64
}

// suspect is an audit and the severity of its worst finding.
type suspect struct {
	ingest.Brief
	severity int
}

func (w *worst) list(ctx context.Context) ([]ask.Audit, error) {
	look := func(b ingest.Brief) error {
		row, ok, err := w.row(b)
		if !ok || err != nil {
			return err
		}
		severity, raised, err := w.raises(row)
		if fixed, ok := worstFixed(b.Annotation); ok && w.m.later == "" {
			severity, raised = worse(severity, raised, fixed), true
		}
		if raised && err == nil {
			w.keep(suspect{b, severity})
		}
		return err
	}
	unseen := func(b ingest.Brief) { // what was fixed about it is known all the same
		if fixed, ok := worstFixed(b.Annotation); ok && w.m.later == "" && !w.m.wide {
			w.keep(suspect{b, fixed})
		}
	}
	if err := w.each(ctx, func(ingest.Brief) bool { return false }, look, unseen); err != nil {
		return nil, err
	}
	w.cut()
	return w.audits(ctx)
}

// worse is the severity of the worse of two findings; the first may not be raised.
func worse(severity int, raised bool, other int) int {
	if raised {
		return min(severity, other)
	}
	return other
}

// worstFixed is the severity of the first finding of an annotation: it lists the most severe first.
func worstFixed(annotation []byte) (int, bool) {
	severity, _, ok := measureFinding(annotation)
	return severity, ok
}

func (w *worst) keep(s suspect) {
	w.total++
	s.Annotation = slices.Clone(s.Annotation) // it points into a pack of others
	if w.kept = append(w.kept, s); len(w.kept) >= 2*w.m.Limit {
		w.cut()
	}
}

// cut sorts what is kept, worst first, and drops what is behind the limit.
func (w *worst) cut() {
	slices.SortFunc(w.kept, func(a, b suspect) int {
		return cmp.Or(cmp.Compare(a.severity, b.severity), -cmp.Compare(a.Timestamp, b.Timestamp), -cmp.Compare(a.LSN, b.LSN))
	})
	w.kept = w.kept[:min(len(w.kept), w.m.Limit)]
}

// audits are the kept ones with all their findings, also those that the search did not come to. That may show one of
// them to be worse than was known, so they are put in order again.
func (w *worst) audits(ctx context.Context) ([]ask.Audit, error) {
	names := w.known.t.newNames(w.view)
	list := make([]ask.Audit, 0, len(w.kept))
	for _, k := range w.kept {
		row, ok, err := w.row(k.Brief)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		a, err := w.shown(ctx, row, names)
		if err != nil {
			return nil, err
		}
		for i := range a.Findings {
			a.Findings[i].Sentence = a.Findings[i].Code.Plain()
		}
		list = append(list, a)
	}
	slices.SortStableFunc(list, func(a, b ask.Audit) int {
		return cmp.Or(cmp.Compare(severityOf(a), severityOf(b)), -cmp.Compare(a.Timestamp, b.Timestamp), -cmp.Compare(a.LSN, b.LSN))
	})
	return list, nil
}

// severityOf is that of an audit's worst finding.
func severityOf(a ask.Audit) int {
	if len(a.Findings) == 0 {
		return len(ask.Codes())
	}
	return a.Findings[0].Code.Severity()
}

// whyNone says why a search for findings has none to show, though there are audits to look at.
func whyNone(m *matcher, s ask.Searched) string {
	raises := "deserves a look"
	if m.Finding != "" {
		raises = "raises " + m.Finding
	}
	return fmt.Sprintf("none of the %d queries searched %s", s.Done, raises)
}
