package trace

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"episteme/engine/ingest"
	"episteme/engine/kv"
	"episteme/engine/lens"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// Verdict says for one audit what was told, why, against what, what would have turned it, and what holds now.
func (t *Tracer) Verdict(ctx context.Context, id record.ID) (ask.Verdict, error) {
	if id.Kind != record.KindAudit {
		return ask.Verdict{}, &ask.UsageError{Field: "id", Found: id.Short(), Expected: "a query (q_…); `episteme show` shows any record"}
	}
	return read(ctx, t, func(v *ingest.View) (ask.Verdict, error) {
		row, err := t.rowOf(ctx, v, id)
		if err != nil {
			return ask.Verdict{}, err
		}
		j := &judge{t: t, ctx: ctx, view: v, row: row, now: t.now()}
		return j.verdict()
	})
}

// rowOf is an audit with what was fixed about it at asking time.
func (t *Tracer) rowOf(ctx context.Context, v *ingest.View, id record.ID) (ingest.Row, error) {
	row, err := v.RowOf(ctx, id)
	if id.Kind != record.KindAudit || errors.Is(err, kv.ErrNotFound) || row.Erased {
		return row, &ask.NotFoundError{What: id.String()}
	}
	return row, err
}

// judge works out one verdict over one snapshot.
type judge struct {
	t    *Tracer
	ctx  context.Context
	view *ingest.View
	row  ingest.Row
	now  record.Time

	history  *lens.Ordered
	question question
	told     lens.Answer    // recomputed at the audit's own as_of and pin
	dropped  []lens.Dropped // of the candidates, then
	retold   bool           // told and dropped are set
}

// retell resolves the question again at its own as_of and pin, once.
func (j *judge) retell() {
	if j.retold {
		return
	}
	candidates, dropped := j.history.Admit(j.question.cut)
	j.told, j.dropped, j.retold = lens.Resolve(j.question.lens, j.question.params, candidates), dropped, true
}

func (j *judge) verdict() (ask.Verdict, error) {
	out := ask.Verdict{Recomputed: ask.NotPossible, Because: []ask.Weighed{}, Against: []ask.Weighed{}, NotAdmitted: []ask.Weighed{}, Without: []ask.Otherwise{}, Then: []ask.Event{}}
	var err error
	if out.Audit, err = j.t.audit(j.ctx, j.row, j.t.newNames(j.view)); err != nil {
		return out, err
	}
	if out.Then, err = j.then(); err != nil {
		return out, err
	}
	if j.history, err = orderedHistory(j.ctx, j.view, j.row.Audit.Subject, j.row.Audit.Predicate); err != nil {
		return out, err
	}
	ours := false
	out.LensSentence = "another system answered, by a rule of its own"
	if j.question, ours = questionOf(j.row.Audit); ours {
		out.LensSentence = j.question.lens.Sentence
	}
	if out.Audit.Findings, err = (&recollection{t: j.t, ctx: j.ctx, view: j.view, now: j.now}).judged(j).all(out.Audit.Findings); err != nil {
		return out, err
	}
	if out.Audit.State != ask.Pinned || !ours {
		out.Because, err = j.asRecorded()
		return out, err
	}
	j.retell()
	if !reproduces(j.row.Audit, j.told) {
		out.Recomputed = ask.Differs
		out.Because, err = j.asRecorded()
		return out, err
	}
	out.Recomputed = ask.Same
	return out, j.argue(&out, j.dropped)
}

// argue fills in what follows from an answer that could be recomputed.
func (j *judge) argue(out *ask.Verdict, dropped []lens.Dropped) error {
	var err error
	winners := 0 // groups on the winning side
	if len(j.told.Contributions) > 0 {
		winners = 1
		for _, c := range j.told.Contributions {
			if out.Because, err = j.weigh(out.Because, c); err != nil {
				return err
			}
		}
	}
	for _, g := range j.told.Groups[min(winners, len(j.told.Groups)):] {
		for _, c := range g.Members {
			if out.Against, err = j.weigh(out.Against, c); err != nil {
				return err
			}
		}
	}
	for _, d := range dropped {
		w, err := j.weighed(*d.Assertion, d.Stage)
		if err != nil {
			return err
		}
		w.Why = whyDropped(d, j.question.cut.Filter)
		out.NotAdmitted = append(out.NotAdmitted, w)
	}
	if out.Without, err = j.without(); err != nil {
		return err
	}
	out.Now = j.present(out.Because)
	return nil
}

func (j *judge) weigh(list []ask.Weighed, c lens.Contribution) ([]ask.Weighed, error) {
	w, err := j.weighed(*c.Assertion, c.Stage)
	w.Weight = c.Weight
	w.Arithmetic = arithmetic(j.question, c)
	if d := c.Descriptor; d != nil && d.Hash != w.Source.Descriptor.Hash {
		// As the answer saw its source, whatever it has been called since.
		seen := record.ID{Kind: record.KindSource, Hash: d.Hash}
		w.Source.Descriptor, w.Source.Name, w.Source.URI, w.Source.Authority = seen, d.Name, "", d.Authority
	}
	return append(list, w), err
}

func whyDropped(d lens.Dropped, filter record.Stage) string {
	switch d.Reason {
	case lens.ReasonStage:
		if filter != 0 {
			return fmt.Sprintf("was %s; only %s counted", d.Stage, filter)
		}
		return fmt.Sprintf("was %s", d.Stage)
	case lens.ReasonEpoch:
		return "its epoch was superseded by " + d.By.Short()
	default:
		return "said again later by the same agent on the same source: " + d.By.Short()
	}
}

// arithmetic tells in words and numbers how a weight came about.
func arithmetic(q question, c lens.Contribution) string {
	switch q.lens.Name {
	case "authority":
		if c.Descriptor == nil {
			return fmt.Sprintf("weight %s: nobody described its source, so it counts as trusted by half", ask.Decimal(c.Weight))
		}
		return fmt.Sprintf("weight %s = authority of %s; confidence %s", ask.Decimal(c.Weight), c.Descriptor.Name, ask.Decimal(c.Confidence))
	case "recency":
		halfLife := q.params.HalfLife
		if halfLife == 0 {
			halfLife = record.DefaultHalfLife
		}
		return fmt.Sprintf("weight %s: halves every %s behind the newest claim; confidence %s", ask.Decimal(c.Weight), record.FormatHalfLife(halfLife), ask.Decimal(c.Confidence))
	default:
		sum := 0.0
		for _, v := range c.Votes {
			sum += float64(v.Weight)
		}
		return fmt.Sprintf("weight %s from %d votes that sum to %+.2g; confidence %s", ask.Decimal(c.Weight), len(c.Votes), sum, ask.Decimal(c.Confidence))
	}
}

// asRecorded lists an audit's contributions as it states them.
func (j *judge) asRecorded() ([]ask.Weighed, error) {
	list := []ask.Weighed{}
	for _, c := range j.row.Audit.Contributions {
		r, err := j.t.fetch(j.ctx, j.view, assertionID(c.Assertion))
		if err != nil {
			return nil, err
		}
		w := ask.Weighed{Assertion: r.ID, Lifecycle: c.Lifecycle, LifecycleNow: c.Lifecycle, Source: ask.SourceOf{Digest: evidenceID(c.Source)}, Life: []ask.LifeStep{}}
		if a, ok := r.Record.(*record.Assertion); ok {
			if err := j.loadLife(r.ID); err != nil {
				return nil, err
			}
			w, err = j.weighed(lens.Assertion{
				Hash: r.ID.Hash, LSN: r.LSN, Object: a.Object, Confidence: a.Confidence, Birth: a.Lifecycle,
				Agent: a.Agent, Timestamp: a.Timestamp, Source: a.Source, Epoch: a.Epoch,
			}, c.Lifecycle)
			if err != nil {
				return nil, err
			}
		}
		w.Weight = c.Weight
		w.Arithmetic = fmt.Sprintf("weight %s as recorded with the query", ask.Decimal(c.Weight))
		list = append(list, w)
	}
	return list, nil
}

// loadLife makes sure that an assertion's transitions and votes are loaded: an imported audit may rest on assertions
// about something else.
func (j *judge) loadLife(id record.ID) error {
	_, transitions := j.history.Transitions[id.Hash]
	_, votes := j.history.Votes[id.Hash]
	if transitions || votes {
		return nil
	}
	return loadLife(j.ctx, j.view, &j.history.History, id) // nothing that the question weighs: it is not of this topic
}

// weighed describes an assertion, with its stage at the audit's as_of.
func (j *judge) weighed(a lens.Assertion, stage record.Stage) (ask.Weighed, error) {
	w := ask.Weighed{
		Assertion: a.ID(), Value: a.Object, Confidence: a.Confidence, Lifecycle: stage, Agent: a.Agent, Timestamp: a.Timestamp,
		Life: j.life(a), Held: true,
	}
	w.LifecycleNow = lens.StageAt(j.history.History, lens.Cut{AsOf: j.now, Pin: lens.Everything}, a)
	var err error
	if w.Source, err = j.source(a.Source); err != nil {
		return w, err
	}
	r, err := j.t.fetch(j.ctx, j.view, a.ID())
	if held, ok := r.Record.(*record.Assertion); ok {
		w.Note = held.Note
	}
	return w, err
}

// life is an assertion's birth, transitions and votes, oldest first, then by LSN.
func (j *judge) life(a lens.Assertion) []ask.LifeStep {
	type placed struct {
		ask.LifeStep
		lsn record.LSN
	}
	seen := j.t.sightOf(j.row.Audit)
	after := seen.after
	steps := []placed{{ask.LifeStep{At: a.Timestamp, ID: a.ID(), Agent: a.Agent, To: &a.Birth, After: after(a.Timestamp, a.LSN)}, a.LSN}}
	for _, r := range j.history.Transitions[a.Hash] {
		steps = append(steps, placed{ask.LifeStep{
			At: r.Timestamp, ID: record.ID{Kind: record.KindTransition, Hash: r.Hash}, Agent: r.Agent, To: &r.To, After: after(r.Timestamp, r.LSN),
		}, r.LSN})
	}
	for _, r := range j.history.Votes[a.Hash] {
		steps = append(steps, placed{ask.LifeStep{
			At: r.Timestamp, ID: record.ID{Kind: record.KindVote, Hash: r.Hash}, Agent: r.Agent, Vote: &r.Weight, After: after(r.Timestamp, r.LSN),
		}, r.LSN})
	}
	slices.SortStableFunc(steps, func(x, y placed) int {
		return cmp.Or(cmp.Compare(x.At, y.At), cmp.Compare(x.lsn, y.lsn))
	})
	out := make([]ask.LifeStep, len(steps))
	for i, s := range steps {
		out[i] = s.LifeStep
		if s.ID.Kind == record.KindTransition {
			out[i].Reason = j.reason(s.ID)
		}
	}
	return out
}

// reason is why a transition was made, as far as it is held.
func (j *judge) reason(id record.ID) string {
	r, err := j.t.fetch(j.ctx, j.view, id)
	if tr, ok := r.Record.(*record.Transition); ok && err == nil {
		return tr.Reason
	}
	return ""
}

func (j *judge) source(digest record.Hash) (ask.SourceOf, error) {
	out := ask.SourceOf{Digest: evidenceID(digest), Authority: record.DefaultAuthority, Bytes: ask.HeldDigest}
	d, err := newestDescriptor(j.ctx, j.view, digest)
	if err != nil {
		return out, err
	}
	if d != nil {
		out.Descriptor, out.Name, out.URI, out.Authority = d.id, d.source.Name, d.source.URI, d.source.Authority
		if digest == record.UnknownDigest(d.source.Name) {
			out.Bytes = ask.HeldNone
		}
	}
	held, err := j.view.Has(evidenceID(digest))
	if held {
		out.Bytes = ask.HeldBytes
		if gone, err := j.view.Erased(j.ctx, evidenceID(digest)); gone || err != nil {
			out.Bytes = ask.HeldErased
			return out, err
		}
	}
	return out, err
}

// without says which single contribution, left out, turns the answer, heaviest first, and what only approved
// assertions would have said.
func (j *judge) without() ([]ask.Otherwise, error) {
	list := []ask.Otherwise{}
	for i, c := range j.told.Contributions {
		if i == withoutMax {
			break
		}
		gone, err := j.derived(c.ID())
		if err != nil {
			return nil, err
		}
		again := j.question.with(func(cut *lens.Cut) { cut.Exclude = lens.Exclusions{Records: gone} }).answer(j.history)
		list = append(list, j.otherwise(ask.Otherwise{Exclude: c.ID()}, again))
	}
	if j.question.cut.Filter == 0 {
		approved := record.Approved
		again := j.question.with(func(cut *lens.Cut) { cut.Filter = approved }).answer(j.history)
		list = append(list, j.otherwise(ask.Otherwise{Filter: &approved}, again))
	}
	return list, nil
}

// withoutMax is how many contributions a verdict leaves out one by one: more is for a what-if.
const withoutMax = 8

func (j *judge) otherwise(o ask.Otherwise, again lens.Answer) ask.Otherwise {
	o.Result = ask.Result{Value: again.Value, Confidence: again.Confidence, Share: again.Share}
	o.Flips = again.Value != j.told.Value
	return o
}

// derived is an assertion and all that was derived from it, at any distance.
func (j *judge) derived(root record.ID) (map[record.ID]bool, error) {
	gone := map[record.ID]bool{root: true}
	for queue := []record.ID{root}; len(queue) > 0; queue = queue[1:] {
		for l, err := range j.view.Links(j.ctx, queue[0], ingest.LinkParent) {
			if err != nil {
				return nil, err
			}
			if !gone[l.ID] {
				gone[l.ID] = true
				queue = append(queue, l.ID)
			}
		}
	}
	return gone, nil
}

// present is what the same question is told now, and the step in the life of a contribution that moved it.
func (j *judge) present(because []ask.Weighed) *ask.Present {
	again := j.question.with(func(cut *lens.Cut) { cut.AsOf, cut.Pin = j.now, lens.Everything }).answer(j.history)
	p := &ask.Present{At: j.now, Result: ask.Result{Value: again.Value, Confidence: again.Confidence, Share: again.Share}, Changed: again.Value != j.told.Value}
	if !p.Changed {
		return p
	}
	for _, w := range because {
		for _, s := range w.Life {
			if s.After && s.At <= j.now && s.To != nil && *s.To == w.LifecycleNow && w.LifecycleNow != w.Lifecycle {
				p.Because, p.Of = &s, w.Assertion
			}
		}
		if p.Because != nil {
			break
		}
	}
	return p
}

// then lists the events based on this audit, oldest first.
func (j *judge) then() ([]ask.Event, error) {
	list := []ask.Event{}
	for l, err := range j.view.Links(j.ctx, j.row.ID, ingest.LinkBasedOn) {
		if err != nil {
			return nil, err
		}
		r, err := j.t.fetch(j.ctx, j.view, l.ID)
		if err != nil {
			return nil, err
		}
		if e, ok := r.Record.(*record.Event); ok {
			list = append(list, ask.Event{ID: r.ID, LSN: r.LSN, RecordedAt: r.RecordedAt, Event: *e})
		}
	}
	slices.SortStableFunc(list, func(a, b ask.Event) int { return cmp.Compare(a.Timestamp, b.Timestamp) })
	return list, nil
}
