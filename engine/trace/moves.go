package trace

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"episteme/engine/ingest"
	"episteme/engine/lens"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// bearer is a record of a question's history, with what decides whether it counts.
type bearer struct {
	id     record.ID
	agent  string
	time   record.Time
	lsn    record.LSN
	digest record.Hash // of a source: what it describes
}

// bearers are all records of a history, each once, by kind, then by hash.
func bearers(h lens.History) []bearer {
	var list []bearer
	add := func(kind record.Kind, hash record.Hash, agent string, at record.Time, lsn record.LSN) *bearer {
		list = append(list, bearer{id: record.ID{Kind: kind, Hash: hash}, agent: agent, time: at, lsn: lsn})
		return &list[len(list)-1]
	}
	for _, a := range h.Assertions {
		add(record.KindAssertion, a.Hash, a.Agent, a.Timestamp, a.LSN)
	}
	for _, of := range h.Transitions {
		for _, r := range of {
			add(record.KindTransition, r.Hash, r.Agent, r.Timestamp, r.LSN)
		}
	}
	for _, of := range h.Votes {
		for _, r := range of {
			add(record.KindVote, r.Hash, r.Agent, r.Timestamp, r.LSN)
		}
	}
	for _, of := range h.Superseding {
		for _, r := range of {
			add(record.KindEpoch, r.Hash, r.Agent, r.Timestamp, r.LSN)
		}
	}
	for digest, of := range h.Descriptors {
		for _, r := range of {
			add(record.KindSource, r.Hash, r.Agent, r.Timestamp, r.LSN).digest = digest
		}
	}
	slices.SortFunc(list, func(a, b bearer) int { return compareIDs(a.id, b.id) })
	return slices.CompactFunc(list, func(a, b bearer) bool { return a.id == b.id })
}

func compareIDs(a, b record.ID) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), bytes.Compare(a.Hash[:], b.Hash[:]))
}

// only is the part of a history that is in keep. Leaving a record out of a cut takes others along; here it does not.
func only(h lens.History, keep map[record.ID]bool) lens.History {
	return lens.History{
		Assertions:  kept(h.Assertions, func(a lens.Assertion) bool { return keep[a.ID()] }),
		Transitions: keptOf(h.Transitions, record.KindTransition, keep, func(r lens.Transition) record.Hash { return r.Hash }),
		Votes:       keptOf(h.Votes, record.KindVote, keep, func(r lens.Vote) record.Hash { return r.Hash }),
		Superseding: keptOf(h.Superseding, record.KindEpoch, keep, func(r lens.Epoch) record.Hash { return r.Hash }),
		Descriptors: keptOf(h.Descriptors, record.KindSource, keep, func(r lens.Descriptor) record.Hash { return r.Hash }),
	}
}

func kept[R any](list []R, keep func(R) bool) []R {
	var out []R
	for _, r := range list {
		if keep(r) {
			out = append(out, r)
		}
	}
	return out
}

func keptOf[R any](by map[record.Hash][]R, kind record.Kind, keep map[record.ID]bool, hash func(R) record.Hash) map[record.Hash][]R {
	out := make(map[record.Hash][]R, len(by))
	for of, list := range by {
		out[of] = kept(list, func(r R) bool { return keep[record.ID{Kind: kind, Hash: hash(r)}] })
	}
	return out
}

// mover steps from one answer to another, a record at a time.
type mover struct {
	t       *Tracer
	ctx     context.Context
	view    *ingest.View
	history lens.History

	held map[record.ID]bool // what counts at this step
	at   question
	now  lens.Answer // what is answered at this step
	out  []ask.Move
}

// newMover begins with the records that hold names, under a question whose cut no longer decides what counts.
func (t *Tracer) newMover(ctx context.Context, v *ingest.View, h lens.History, q question, held map[record.ID]bool) *mover {
	m := &mover{t: t, ctx: ctx, view: v, history: h, held: held, out: []ask.Move{}}
	m.set(q)
	m.now = m.answer()
	return m
}

// set takes q's lens, parameters and filter; what counts is for held to say.
func (m *mover) set(q question) {
	m.at = q.with(func(c *lens.Cut) { *c = lens.Cut{AsOf: record.MaxTime, Pin: lens.Everything, Filter: c.Filter} })
}

func (m *mover) answer() lens.Answer { return m.at.answer(lens.Order(only(m.history, m.held))) }

// step lets a record count, or counts it no more, and notes what that moved.
func (m *mover) step(r bearer, gone bool) error {
	if err := context.Cause(m.ctx); err != nil {
		return err
	}
	m.held[r.id] = !gone
	before := m.now
	m.now = m.answer()
	if resultOf(before) == resultOf(m.now) {
		return nil
	}
	move := ask.Move{Record: r.id, Timestamp: &r.time, LSN: r.lsn, Gone: gone}
	full, err := m.t.fetch(m.ctx, m.view, r.id)
	if err != nil {
		return err
	}
	node := ask.Node{ID: r.id}
	describe(&node, full.Record)
	move.Title, move.Agent = node.Title, node.Agent
	m.note(move, before)
	return nil
}

// ask asks another question of the same records.
func (m *mover) ask(q question, title string) {
	before := m.now
	m.set(q)
	m.now = m.answer()
	if resultOf(before) != resultOf(m.now) {
		m.note(ask.Move{Title: title}, before)
	}
}

func (m *mover) note(move ask.Move, before lens.Answer) {
	move.From, move.To = resultOf(before), resultOf(m.now)
	move.Turned = before.Value != m.now.Value
	m.out = append(m.out, move)
}

// turned are the moves to another value.
func (m *mover) turned() []ask.Move {
	return slices.DeleteFunc(slices.Clone(m.out), func(move ask.Move) bool { return !move.Turned })
}

// olderFirst orders records by (timestamp, LSN).
func olderFirst(a, b bearer) int {
	return cmp.Or(cmp.Compare(a.time, b.time), cmp.Compare(a.lsn, b.lsn))
}
