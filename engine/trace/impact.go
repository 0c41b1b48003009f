package trace

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"episteme/engine/ingest"
	"episteme/engine/lens"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// Impact is the chain ahead of a record or an agent (rule 21): the audits it contributed to, directly or through
// assertions derived from it, and those that its votes, transitions and epochs could have decided. Each that was
// answered from this journal is resolved again without it.
//
// Derivation goes through parents that are assertions, never through queries. A losing assertion contributed to
// nothing, so what it would have changed by its absence alone is not in the list.
func (t *Tracer) Impact(ctx context.Context, of ask.Target, o ask.ImpactOptions) (ask.Impact, error) {
	o.Assertions = cmp.Or(max(o.Assertions, 0), ask.DefaultNodes)
	o.Queries = cmp.Or(max(o.Queries, 0), ask.DefaultImpacted)
	return read(ctx, t, func(v *ingest.View) (ask.Impact, error) {
		r, err := t.reached(ctx, v, of, o.Assertions)
		if err != nil {
			return ask.Impact{}, err
		}
		i := &impact{
			t: t, ctx: ctx, view: v, reach: r, now: t.now(), limit: o.Queries, seen: map[record.LSN]bool{}, rows: map[record.LSN]ingest.Row{},
			out: ask.Impact{Of: of, Queries: []ask.Impacted{}, Events: []record.ID{}, Agents: []string{}, Subjects: []string{}},
		}
		if i.leave, err = i.leaveOut(of); err != nil {
			return ask.Impact{}, err
		}
		return i.run(o)
	})
}

// impact works out one chain ahead over one snapshot.
type impact struct {
	t     *Tracer
	ctx   context.Context
	view  *ingest.View
	reach *reach
	leave *exclusion
	now   record.Time

	limit   int                       // audits recomputed
	seen    map[record.LSN]bool       // audits found
	rows    map[record.LSN]ingest.Row // of them, the newest; at most twice limit, now and then cut
	erased  int                       // audits found whose answers were removed
	damaged bool                      // something on the way could not be read
	out     ask.Impact
}

// leaveOut is the exclusion of the target; of what decides no answer nothing is left out.
func (i *impact) leaveOut(of ask.Target) (*exclusion, error) {
	switch of.ID.Kind {
	case record.KindAudit, record.KindEvent, record.KindErasure:
		return i.t.exclude(i.ctx, i.view, nil)
	}
	return i.t.exclude(i.ctx, i.view, []ask.Target{of})
}

func (i *impact) run(o ask.ImpactOptions) (ask.Impact, error) {
	i.out.AppliedLSN = i.view.Applied().LSN
	bearing, err := i.find()
	if err != nil {
		return i.out, err
	}
	i.out.Total = len(i.seen)
	i.cut()
	byTopic := map[topic][]ingest.Row{}
	for _, row := range i.rows {
		on := topic{row.Audit.Subject, row.Audit.Predicate}
		byTopic[on] = append(byTopic[on], row)
	}
	for on, rows := range byTopic {
		if err := i.about(on, rows, bearing[on]); err != nil {
			return i.out, err
		}
	}
	return i.out, i.finish(o)
}

// bearing is an assertion and what of the target bears on it.
type bearing struct {
	assertion lens.Assertion
	by        []borne
}

// find collects the audits, and returns by topic what of the target bears on the questions asked.
func (i *impact) find() (map[topic][]bearing, error) {
	for _, hash := range i.reach.taken {
		for row, err := range i.view.Received(i.ctx, hash) {
			if err := i.add(row, err); err != nil {
				return nil, err
			}
		}
	}
	byTopic, err := i.bearing()
	if err != nil {
		return nil, err
	}
	for on, list := range byTopic {
		for b, err := range i.view.BySubject(i.ctx, on.subject, nil, nil) {
			if err != nil {
				return nil, err
			}
			if b.Predicate != on.predicate {
				continue
			}
			row, err := i.view.Row(b)
			if err == nil {
				if q, elsewhere := i.t.recomputable(row); elsewhere != nil || bornBy(q, list) == nil {
					continue
				}
			}
			if err := i.add(row, err); err != nil {
				return nil, err
			}
		}
	}
	return byTopic, nil
}

// add notes an audit that was found, or that it could not be read: damage does not hide what can be.
func (i *impact) add(row ingest.Row, err error) error {
	switch {
	case errors.Is(err, ingest.ErrBroken):
		i.damaged = true
		return nil
	case err != nil || i.seen[row.LSN]:
		return err
	}
	i.seen[row.LSN] = true
	if row.Erased {
		i.erased++
		return nil
	}
	if i.rows[row.LSN] = row; len(i.rows) == 2*i.limit {
		i.cut()
	}
	return nil
}

// cut keeps the newest rows.
func (i *impact) cut() {
	lsns := slices.Sorted(maps.Keys(i.rows))
	for _, lsn := range lsns[:max(0, len(lsns)-i.limit)] {
		delete(i.rows, lsn)
	}
}

// bearing sorts what bears on assertions by what these are about. An assertion that is not held is about nothing
// that could be asked here.
func (i *impact) bearing() (map[topic][]bearing, error) {
	byAssertion := map[record.Hash][]borne{}
	for _, b := range i.reach.borne {
		byAssertion[b.assertion] = append(byAssertion[b.assertion], b)
	}
	byTopic := map[topic][]bearing{}
	for hash, by := range byAssertion {
		r, err := i.t.fetch(i.ctx, i.view, assertionID(hash))
		if err != nil {
			return nil, err
		}
		if a, held := r.Record.(*record.Assertion); held {
			on := topic{a.Subject, a.Predicate}
			byTopic[on] = append(byTopic[on], bearing{lens.Assertion{Hash: hash, LSN: r.LSN, Timestamp: a.Timestamp}, by})
		}
	}
	for _, list := range byTopic {
		slices.SortFunc(list, func(a, b bearing) int { return cmp.Compare(a.assertion.LSN, b.assertion.LSN) })
	}
	return byTopic, nil
}

// bornBy is the oldest assertion that something of the target bore on when q was asked, with the first that did; nil
// when nothing did.
func bornBy(q question, list []bearing) *borne {
	for _, on := range list {
		for _, b := range on.by {
			if b.bears(q, on.assertion) {
				return &b
			}
		}
	}
	return nil
}

// about resolves the audits of one topic again, without the target.
func (i *impact) about(on topic, rows []ingest.Row, bearing []bearing) error {
	h, err := orderedHistory(i.ctx, i.view, on.subject, on.predicate)
	if err != nil {
		return err
	}
	f, err := i.t.loadFamily(i.ctx, i.view, on.subject, on.predicate)
	if err != nil {
		return err
	}
	gone, err := i.leave.of(f)
	if err != nil {
		return err
	}
	s := &standings{history: h, gone: gone, now: i.now, rests: map[asking]bool{}}
	for _, row := range rows {
		if err := context.Cause(i.ctx); err != nil {
			return err
		}
		a := row.Audit
		hit := ask.Impacted{
			Query: row.ID, Agent: a.Agent, Timestamp: a.Timestamp, Subject: a.Subject, Predicate: a.Predicate,
			Value: a.Value, Recomputed: ask.NotPossible,
		}
		q, err := i.t.recomputable(row)
		if i.arrive(&hit, a, q, bearing); err == nil {
			s.judge(&hit, a, q)
		}
		i.out.Queries = append(i.out.Queries, hit)
	}
	return nil
}

// arrive says how the target came to an audit: by the contribution with the shortest path, the heaviest of these;
// else by what it bore on.
func (i *impact) arrive(hit *ask.Impacted, a *record.Audit, q question, bearing []bearing) {
	var end *record.Contribution
	for n := range a.Contributions {
		c := &a.Contributions[n]
		depth, taken := i.reach.depth[c.Assertion]
		if taken && (end == nil || depth < i.reach.depth[end.Assertion]) {
			end = c
		}
	}
	if end != nil {
		hit.Path, hit.Weight = i.reach.path(end.Assertion), &end.Weight
		return
	}
	b := bornBy(q, bearing)
	hit.Path = []record.ID{b.by.id, assertionID(b.assertion)}
	for n := range a.Contributions {
		if c := &a.Contributions[n]; c.Assertion == b.assertion {
			hit.Weight = &c.Weight
		}
	}
}

// standings resolves audits of one topic, as they were told and now, with the target and without.
type standings struct {
	history *lens.Ordered
	gone    lens.Exclusions
	now     record.Time
	rests   map[asking]bool // whether the answer now rests on the target
}

// asking is what the answer now depends on, beside the topic.
type asking struct {
	lens   string
	params lens.Params
	filter record.Stage
}

func (s *standings) judge(hit *ask.Impacted, a *record.Audit, q question) {
	told := q.answer(s.history)
	if hit.Recomputed = ask.Differs; !reproduces(a, told) {
		return
	}
	hit.Recomputed = ask.Same
	without := q.without(s.gone).answer(s.history)
	flips, still := without.Value != told.Value, s.still(q)
	hit.Without, hit.Flips, hit.StillTold = without.Value, &flips, &still
}

// still reports whether the answer now rests on the target: without it, one of its contributions would not be let in,
// or the value would be another.
func (s *standings) still(q question) bool {
	key := asking{q.lens.Name, q.params, q.cut.Filter}
	if rests, known := s.rests[key]; known {
		return rests
	}
	present := q.with(func(c *lens.Cut) { c.AsOf, c.Pin = s.now, lens.Everything })
	now, without := present.answer(s.history), present.without(s.gone).answer(s.history)
	let := map[record.Hash]bool{}
	for _, g := range without.Groups {
		for _, m := range g.Members {
			let[m.Hash] = true
		}
	}
	rests := now.Value != without.Value || slices.ContainsFunc(now.Contributions, func(c lens.Contribution) bool { return !let[c.Hash] })
	s.rests[key] = rests
	return rests
}

// finish orders the queries, adds who and what was reached, and says what is missing.
func (i *impact) finish(o ask.ImpactOptions) error {
	slices.SortFunc(i.out.Queries, func(a, b ask.Impacted) int {
		return cmp.Or(cmp.Compare(a.Standing(), b.Standing()), cmp.Compare(b.Timestamp, a.Timestamp), compareIDs(a.Query, b.Query))
	})
	agents, subjects := map[string]bool{}, map[string]bool{}
	cited := slices.Clone(i.reach.roots)
	for _, hash := range i.reach.taken {
		cited = append(cited, assertionID(hash))
	}
	for _, q := range i.out.Queries {
		agents[q.Agent], subjects[q.Subject] = true, true
		cited = append(cited, q.Query)
	}
	i.out.Agents = slices.AppendSeq(i.out.Agents, maps.Keys(agents))
	i.out.Subjects = slices.AppendSeq(i.out.Subjects, maps.Keys(subjects))
	slices.Sort(i.out.Agents)
	slices.Sort(i.out.Subjects)
	i.missing(o)
	return i.events(cited)
}

// events are those based on one of the records, oldest first.
func (i *impact) events(cited []record.ID) error {
	at := map[record.ID]bearer{}
	for _, id := range cited {
		for l, err := range i.view.Links(i.ctx, id, ingest.LinkBasedOn) {
			if err != nil {
				return err
			}
			if _, known := at[l.ID]; known {
				continue
			}
			r, err := i.t.fetch(i.ctx, i.view, l.ID)
			if err != nil {
				return err
			}
			b := bearer{id: l.ID, lsn: l.LSN}
			if e, held := r.Record.(*record.Event); held {
				b.time = e.Timestamp
			}
			at[l.ID] = b
		}
	}
	for _, b := range slices.SortedFunc(maps.Values(at), olderFirst) {
		i.out.Events = append(i.out.Events, b.id)
	}
	return nil
}

// missing says what a limit cut, or what could not be read.
func (i *impact) missing(o ask.ImpactOptions) {
	var parts []string
	if i.reach.capped {
		parts = append(parts, fmt.Sprintf("only the first %d assertions were followed: there are more", o.Assertions))
	}
	if i.out.Total > i.erased+len(i.out.Queries) {
		parts = append(parts, fmt.Sprintf("the newest %d queries of %d: there are more", len(i.out.Queries), i.out.Total))
	}
	if i.erased > 0 {
		parts = append(parts, fmt.Sprintf("the answers of %d queries were erased", i.erased))
	}
	if i.damaged {
		parts = append(parts, "damaged records stand in the way: there may be more; run `episteme verify`")
	}
	i.out.Complete, i.out.More = len(parts) == 0, strings.Join(parts, "; ")
}
