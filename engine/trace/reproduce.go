package trace

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"episteme/engine/ingest"
	"episteme/engine/lens"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// Recompute holds an audit against what its question is told when it is resolved again (rules 17 to 19). An audit that
// cannot be recomputed here is a *ask.NotRecomputableError.
func (t *Tracer) Recompute(ctx context.Context, id record.ID) (ask.Recomputation, error) {
	if id.Kind != record.KindAudit {
		return ask.Recomputation{}, &ask.UsageError{Field: "id", Found: id.Short(), Expected: "a query (q_…), this is of kind " + id.Kind.String()}
	}
	return read(ctx, t, func(v *ingest.View) (ask.Recomputation, error) {
		row, err := t.rowOf(ctx, v, id)
		if err != nil {
			return ask.Recomputation{}, err
		}
		j := &judge{t: t, ctx: ctx, view: v, row: row, now: t.now()}
		return j.recompute()
	})
}

// recompute goes by the verdict, so that the two never disagree.
func (j *judge) recompute() (ask.Recomputation, error) {
	verdict, err := j.verdict()
	if err != nil {
		return ask.Recomputation{}, err
	}
	audit := j.row.Audit
	if verdict.Recomputed == ask.NotPossible {
		return ask.Recomputation{}, &ask.NotRecomputableError{ID: j.row.ID, State: verdict.Audit.State, Lens: audit.Lens}
	}
	out := ask.Recomputation{
		ID: j.row.ID, AsOf: audit.AsOf, Pin: audit.Pin, Recorded: verdict.Audit.Result, Recomputed: resultOf(j.told),
		Reproduced: verdict.Recomputed == ask.Same, Differences: differences(audit, j.told), Now: verdict.Now,
	}
	if out.Reproduced {
		out.Late, err = j.late()
	}
	return out, err
}

func resultOf(a lens.Answer) ask.Result {
	return ask.Result{Value: a.Value, Confidence: a.Confidence, Share: a.Share}
}

// reproduces is rule 17: the same value, the same contributions in the same order, weights within one float32 ulp.
func reproduces(a *record.Audit, again lens.Answer) bool { return len(differences(a, again)) == 0 }

// differencesMax is how many contributions that differ are named: the first one usually explains the others.
const differencesMax = 3

// differences says in words what of an audit is not as it was recorded; none is rule 17.
func differences(a *record.Audit, again lens.Answer) []string {
	list := []string{}
	if a.ResultHash != again.Value.Hash() {
		list = append(list, fmt.Sprintf("value: recorded %s, recomputed %s", a.Value, again.Value))
	}
	contributions := recorded(again)
	if len(a.Contributions) != len(contributions) {
		list = append(list, fmt.Sprintf("contributions: recorded %d, recomputed %d", len(a.Contributions), len(contributions)))
	}
	named := 0
	for i := range min(len(a.Contributions), len(contributions)) {
		was, is := a.Contributions[i], contributions[i]
		switch {
		case was.Assertion != is.Hash:
			list = append(list, fmt.Sprintf("contribution %d: recorded %s, recomputed %s", i+1, assertionID(was.Assertion).Short(), is.ID().Short()))
		case !withinUlp(was.Weight, is.Weight):
			list = append(list, fmt.Sprintf("contribution %d, %s: recorded weight %g, recomputed %g", i+1, is.ID().Short(), was.Weight, is.Weight))
		default:
			continue
		}
		if named++; named == differencesMax {
			break
		}
	}
	return list
}

// lateMax is how many late records are looked at one by one, each with an answer of its own: some milliseconds over a
// history of a thousand assertions. A guess at what a person waits for.
const lateMax = 512

// late is rule 18: the audit's question with its own as_of and without its pin, and which of the records that arrived
// behind the pin turned the value. They are let in one after the other, in the order of the journal.
func (j *judge) late() (*ask.Late, error) {
	as := func(pin record.LSN) lens.Answer {
		return j.question.with(func(cut *lens.Cut) { cut.Pin = pin }).answer(j.history)
	}
	all := as(lens.Everything)
	arrived := j.arrivedLate()
	out := &ask.Late{Result: resultOf(all), Changed: all.Value != j.told.Value, Arrived: len(arrived), MovedBy: []ask.Mover{}, Complete: true}
	if !out.Changed {
		return out, nil
	}
	before := j.told.Value
	for i, r := range arrived {
		if i == lateMax {
			out.Complete = false
			break
		}
		if err := context.Cause(j.ctx); err != nil {
			return nil, err
		}
		again := as(r.lsn)
		if again.Value == before {
			continue
		}
		before = again.Value
		held, err := j.t.fetch(j.ctx, j.view, r.id)
		if err != nil {
			return nil, err
		}
		m := ask.Mover{Node: ask.Node{ID: r.id, Kind: r.id.Kind.String(), Check: held.Check, RecordedAt: &held.RecordedAt, LSN: r.lsn}, Result: resultOf(again)}
		describe(&m.Node, held.Record)
		out.MovedBy = append(out.MovedBy, m)
	}
	return out, nil
}

// place is a record and where the journal has it.
type place struct {
	id  record.ID
	lsn record.LSN
}

// arrivedLate lists what of the history claims to be no later than the audit's as_of and lies behind its pin, by LSN.
func (j *judge) arrivedLate() []place {
	var list []place
	add := func(kind record.Kind, hash record.Hash, at record.Time, lsn record.LSN) {
		if at <= j.question.cut.AsOf && lsn > j.question.cut.Pin {
			list = append(list, place{record.ID{Kind: kind, Hash: hash}, lsn})
		}
	}
	h := j.history
	for _, a := range h.Assertions {
		add(record.KindAssertion, a.Hash, a.Timestamp, a.LSN)
	}
	for _, records := range h.Transitions {
		for _, r := range records {
			add(record.KindTransition, r.Hash, r.Timestamp, r.LSN)
		}
	}
	for _, records := range h.Votes {
		for _, r := range records {
			add(record.KindVote, r.Hash, r.Timestamp, r.LSN)
		}
	}
	for _, records := range h.Superseding {
		for _, r := range records {
			add(record.KindEpoch, r.Hash, r.Timestamp, r.LSN)
		}
	}
	for _, records := range h.Descriptors {
		for _, r := range records {
			add(record.KindSource, r.Hash, r.Timestamp, r.LSN)
		}
	}
	slices.SortFunc(list, func(a, b place) int { return cmp.Compare(a.lsn, b.lsn) })
	return list
}
