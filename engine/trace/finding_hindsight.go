package trace

import (
	"context"
	"errors"
	"slices"

	"episteme/engine/ingest"
	"episteme/engine/kv"
	"episteme/engine/lens"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// laterFinding is a rule that can come true, or cease to be, with what is recorded after an answer. It is computed when
// somebody looks. What it cites is worked out only for those who are shown it.
type laterFinding struct {
	code   ask.Code
	raised func(*hindsight) (bool, error)
	cites  func(*hindsight) ([]record.ID, error)
}

// laterFindings lists them, most severe first.
func laterFindings() []laterFinding {
	return []laterFinding{
		{ask.Unreproducible, isUnreproducible, citeUnreproducible},
		{ask.MissingEvidence, isMissingEvidence, citeMissingEvidence},
		{ask.RetractedSince, isRetractedSince, citeRetractedSince},
		{ask.LateEvidence, isLateEvidence, citeLateEvidence},
		{ask.ChangedSince, isChangedSince, citeChangedSince},
	}
}

// hindsight is an audit and what is known by now of its question and of what its answer rested on.
type hindsight struct {
	*judge
	about *recalled     // what bears on its topic
	from  *recollection // of everything else that was looked at
	ours  bool          // answered from this journal by a lens of ours: rules 16 to 19 hold
}

// all are the findings of an audit: fixed, which were fixed when it was asked, and those that are computed.
func (h *hindsight) all(fixed []ask.Finding) ([]ask.Finding, error) {
	found := slices.Clone(fixed)
	for _, f := range laterFindings() {
		raised, err := f.raised(h)
		if err != nil {
			return nil, err
		}
		if !raised {
			continue
		}
		cites, err := f.cites(h)
		if err != nil {
			return nil, err
		}
		found = append(found, ask.Finding{Code: f.code, Cites: slices.Clip(cites[:min(len(cites), citesMax)])})
	}
	slices.SortStableFunc(found, func(a, b ask.Finding) int { return a.Code.Severity() - b.Code.Severity() })
	return found, nil
}

// reproduced is rule 17, for an audit of ours.
func (h *hindsight) reproduced() bool {
	h.retell()
	return reproduces(h.row.Audit, h.told)
}

// nothingSince reports whether whatever bears on the question was there, and in the past, when it was answered: then
// another moment gives no other answer. Both clocks count: an answer about last winter can be another one today though
// nothing was recorded since.
func (h *hindsight) nothingSince() bool {
	return h.about.newest.lsn <= h.question.cut.Pin && h.about.newest.time <= min(h.question.cut.AsOf, h.now)
}

// after reports whether an answer could not know of a record. What an imported one could see is not known; it does not
// know what claims to be younger than its as_of.
func (h *hindsight) after(t record.Time, lsn record.LSN) bool {
	if h.t.stateOf(h.row.Audit) != ask.Pinned {
		return t > h.row.Audit.AsOf
	}
	return h.t.sightOf(h.row.Audit).after(t, lsn)
}

// claim is an assertion that contributed, with the history of its topic. One that is not held here has no more than its
// hash and what was said of its life.
func (h *hindsight) claim(hash record.Hash) (lens.Assertion, lens.History, error) {
	if a, ok := h.about.claims[hash]; ok {
		return a, h.history.History, nil
	}
	// An imported audit may rest on assertions about something else.
	c, _, err := h.view.Claim(hash)
	if err == nil {
		elsewhere, err := h.from.recall(c.Subject, c.Predicate)
		if err != nil {
			return lens.Assertion{}, lens.History{}, err
		}
		return elsewhere.claims[hash], elsewhere.history.History, nil
	}
	if !errors.Is(err, kv.ErrNotFound) && !errors.Is(err, ingest.ErrErased) && !errors.Is(err, ingest.ErrBroken) {
		return lens.Assertion{}, lens.History{}, err
	}
	alone := lens.History{Transitions: map[record.Hash][]lens.Transition{}, Votes: map[record.Hash][]lens.Vote{}}
	return lens.Assertion{Hash: hash}, alone, loadLife(h.ctx, h.view, &alone, assertionID(hash))
}

// recollection keeps what bears on the topics of audits that are looked at one after the other, over one snapshot: most
// of them ask the same things. It serves one goroutine.
type recollection struct {
	t    *Tracer
	ctx  context.Context
	view *ingest.View
	now  record.Time

	topics  map[topic]*recalled
	records int // of all topics
}

// recalledMax is how many records a recollection keeps, some 150 bytes each, before it begins anew.
const recalledMax = 1 << 17

// recalled is what bears on one topic.
type recalled struct {
	history *lens.Ordered
	claims  map[record.Hash]lens.Assertion
	newest  struct { // of both clocks, each by itself
		time record.Time
		lsn  record.LSN
	}
	records int
}

func (r *recollection) recall(subject, predicate string) (*recalled, error) {
	about := topic{subject, predicate}
	if known, ok := r.topics[about]; ok {
		return known, nil
	}
	h, err := orderedHistory(r.ctx, r.view, subject, predicate)
	if err != nil {
		return nil, err
	}
	known := recalledOf(h)
	if r.records += known.records; r.topics == nil || r.records > recalledMax {
		r.topics, r.records = map[topic]*recalled{}, known.records
	}
	r.topics[about] = known
	return known, nil
}

// recalledOf indexes a history.
func recalledOf(h *lens.Ordered) *recalled {
	known := &recalled{history: h, claims: make(map[record.Hash]lens.Assertion, len(h.Assertions))}
	for _, a := range h.Assertions {
		known.claims[a.Hash] = a
		known.saw(a.Timestamp, a.LSN)
	}
	for _, list := range h.Transitions {
		for _, r := range list {
			known.saw(r.Timestamp, r.LSN)
		}
	}
	for _, list := range h.Votes {
		for _, r := range list {
			known.saw(r.Timestamp, r.LSN)
		}
	}
	for _, list := range h.Superseding {
		for _, r := range list {
			known.saw(r.Timestamp, r.LSN)
		}
	}
	for _, list := range h.Descriptors {
		for _, r := range list {
			known.saw(r.Timestamp, r.LSN)
		}
	}
	return known
}

func (k *recalled) saw(t record.Time, lsn record.LSN) {
	k.newest.time, k.newest.lsn = max(k.newest.time, t), max(k.newest.lsn, lsn)
	k.records++
}

// of is the hindsight on an audit.
func (r *recollection) of(row ingest.Row) (*hindsight, error) {
	about, err := r.recall(row.Audit.Subject, row.Audit.Predicate)
	if err != nil {
		return nil, err
	}
	return r.on(&judge{t: r.t, ctx: r.ctx, view: r.view, row: row, now: r.now, history: about.history}, about), nil
}

// judged is the hindsight on an audit whose history is loaded.
func (r *recollection) judged(j *judge) *hindsight { return r.on(j, recalledOf(j.history)) }

func (r *recollection) on(j *judge, about *recalled) *hindsight {
	q, elsewhere := r.t.recomputable(j.row)
	j.question = q
	return &hindsight{judge: j, about: about, from: r, ours: elsewhere == nil}
}
