package lens

import (
	"bytes"
	"cmp"

	"episteme/engine/record"
)

// History is all that may bear on one (subject, predicate). The caller loads it, in any order, and may load more
// than counts. Admit reads it and keeps parts of it (strings), but changes nothing.
type History struct {
	Assertions  []Assertion
	Transitions map[record.Hash][]Transition // by assertion
	Votes       map[record.Hash][]Vote       // by assertion
	Superseding map[record.Hash][]Epoch      // by the epoch they supersede
	Descriptors map[record.Hash][]Descriptor // by digest
}

// Assertion is an assertion as far as a lens cares. Its subject and predicate are those of the question.
type Assertion struct {
	Hash       record.Hash
	LSN        record.LSN
	Object     record.Object
	Confidence float32 // 0..1
	Birth      record.Stage
	Agent      string
	Timestamp  record.Time
	Source     record.Hash // digest
	Epoch      record.Hash // zero: none
}

// Transition moves the assertion it is filed under to another stage.
type Transition struct {
	Hash      record.Hash
	LSN       record.LSN
	To        record.Stage
	Agent     string
	Timestamp record.Time
}

// Vote supports or opposes the assertion it is filed under.
type Vote struct {
	Hash      record.Hash
	LSN       record.LSN
	Agent     string
	Weight    float32 // -1..1
	Timestamp record.Time
}

// Epoch supersedes the epoch it is filed under.
type Epoch struct {
	Hash         record.Hash
	LSN          record.LSN
	Agent        string
	Timestamp    record.Time
	Supersession record.Supersession
}

// Descriptor says how far to trust the digest it is filed under.
type Descriptor struct {
	Hash      record.Hash
	LSN       record.LSN
	Name      string
	Authority float32 // 0..1
	Agent     string
	Timestamp record.Time
}

// stamp is what decides whether a record counts and which of two is newer.
type stamp struct {
	id    record.ID
	agent string
	time  record.Time
	lsn   record.LSN
}

// stamped is any of the records above.
type stamped interface{ stamp() stamp }

func (a *Assertion) stamp() stamp { return stamp{a.ID(), a.Agent, a.Timestamp, a.LSN} }

func (t *Transition) stamp() stamp {
	return stamp{record.ID{Kind: record.KindTransition, Hash: t.Hash}, t.Agent, t.Timestamp, t.LSN}
}

func (v *Vote) stamp() stamp {
	return stamp{record.ID{Kind: record.KindVote, Hash: v.Hash}, v.Agent, v.Timestamp, v.LSN}
}

func (e *Epoch) stamp() stamp {
	return stamp{record.ID{Kind: record.KindEpoch, Hash: e.Hash}, e.Agent, e.Timestamp, e.LSN}
}

func (d *Descriptor) stamp() stamp {
	return stamp{record.ID{Kind: record.KindSource, Hash: d.Hash}, d.Agent, d.Timestamp, d.LSN}
}

// ID is the id of the assertion.
func (a *Assertion) ID() record.ID { return record.ID{Kind: record.KindAssertion, Hash: a.Hash} }

// compareAge is negative when a is older than b, by (timestamp, LSN).
func compareAge(aTime record.Time, aLSN record.LSN, bTime record.Time, bLSN record.LSN) int {
	return cmp.Or(cmp.Compare(aTime, bTime), cmp.Compare(aLSN, bLSN))
}

// newer reports whether s is newer than t. No two records of a journal share an LSN; should a caller hand in two
// that do, the lower hash counts as newer, so that the order of arrival still decides nothing.
func (s stamp) newer(t stamp) bool {
	order := cmp.Or(compareAge(s.time, s.lsn, t.time, t.lsn), compareHash(t.id.Hash, s.id.Hash))
	return order > 0
}

func compareHash(a, b record.Hash) int { return bytes.Compare(a[:], b[:]) }
