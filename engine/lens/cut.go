package lens

import (
	"math"

	"episteme/engine/record"
)

// Everything is the pin above all records.
const Everything = record.LSN(math.MaxUint64)

// Cut says which of a history counts. The zero Cut lets nothing count: its pin is 0.
type Cut struct {
	AsOf    record.Time  // inclusive
	Pin     record.LSN   // inclusive; Everything: no pin
	Filter  record.Stage // 0: none
	Exclude Exclusions
}

// Exclusions are records taken as absent, and what they take along.
//
// Admit takes along what it can see: an agent's records; for a source (named by s_ id, by b_ id, by digest, or because
// an excluded agent described it) all descriptors and assertions of its digest; for an epoch its effect and its
// assertions. Exclusion comes before counting: a descriptor that is later than AsOf still names its digest.
//
// The caller takes along what Admit cannot see, by adding it to Records: the assertions derived from an excluded one,
// and the epochs of an excluded agent.
type Exclusions struct {
	Records map[record.ID]bool
	Agents  map[string]bool
	Digests map[record.Hash]bool
}

// empty spares the common question, which excludes nothing, a look at every descriptor.
func (e *Exclusions) empty() bool { return len(e.Records)+len(e.Agents)+len(e.Digests) == 0 }

func (e *Exclusions) has(s stamp) bool { return e.Agents[s.agent] || e.Records[s.id] }

// hasSource reports whether a digest is left out, given all its descriptors.
func (e *Exclusions) hasSource(digest record.Hash, descriptors []Descriptor) bool {
	if e.Digests[digest] || e.Records[record.ID{Kind: record.KindEvidence, Hash: digest}] {
		return true
	}
	for i := range descriptors {
		if e.has(descriptors[i].stamp()) {
			return true
		}
	}
	return false
}

func (e *Exclusions) hasEpoch(epoch record.Hash) bool {
	return e.Records[record.ID{Kind: record.KindEpoch, Hash: epoch}]
}

// hasAssertion reports whether a is left out: itself, its agent, its source or its epoch. descriptors are by digest.
func (e *Exclusions) hasAssertion(a *Assertion, descriptors map[record.Hash][]Descriptor) bool {
	if e.empty() {
		return false
	}
	return e.has(a.stamp()) || e.hasSource(a.Source, descriptors[a.Source]) || e.hasEpoch(a.Epoch)
}

// held reports whether what has this time and LSN had happened at AsOf and was in the journal at Pin.
func (c *Cut) held(at record.Time, lsn record.LSN) bool { return at <= c.AsOf && lsn <= c.Pin }

// counts reports whether a record was held and is not left out.
func (c *Cut) counts(s stamp) bool {
	return c.held(s.time, s.lsn) && (c.Exclude.empty() || !c.Exclude.has(s))
}

// newest is the newest of records that counts, nil when none does.
func newest[R any, P interface {
	*R
	stamped
}](c *Cut, records []R) (found P) {
	for i := range records {
		r := P(&records[i])
		if s := r.stamp(); c.counts(s) && (found == nil || s.newer(found.stamp())) {
			found = r
		}
	}
	return found
}
