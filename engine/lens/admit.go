package lens

import (
	"cmp"
	"slices"

	"episteme/engine/record"
)

// Candidate is an assertion that may answer the question, with everything a score needs.
type Candidate struct {
	Assertion
	Stage      record.Stage // at AsOf
	StageSince Transition   // the one that brought Stage about; zero: it was born so
	Descriptor Descriptor   // the newest of its source's digest that counts, when Described
	Described  bool
	Authority  float32 // the descriptor's, else record.DefaultAuthority
	Votes      []Vote  // each agent's newest that counts, by rising agent bytes; read only
}

// Dropped is an assertion that counts and still is no candidate.
type Dropped struct {
	Assertion
	Stage  record.Stage // at AsOf
	Reason Reason       // the first that applies, in the order of the constants
	By     record.ID    // the record that is to blame, see the constants; zero: it was born like that
}

// Reason says why an assertion is no candidate.
type Reason uint8

const (
	ReasonStage    Reason = 1 // its stage is not the filter's, or not one that is admitted without; By: the transition to it
	ReasonEpoch    Reason = 2 // its epoch was superseded as Temporal or Invalidated; By: the first epoch that did so
	ReasonRepeated Reason = 3 // its agent said the same on the same source again, later; By: the newest such assertion
)

// String is the reason as a noun: stage, epoch, repeated.
func (r Reason) String() string {
	switch r {
	case ReasonStage:
		return "stage"
	case ReasonEpoch:
		return "epoch"
	case ReasonRepeated:
		return "repeated"
	}
	return "unknown reason"
}

// Admit applies rules 8 to 10: it splits the assertions of h that count into candidates and dropped ones, each by
// rising hash. Assertions that do not count (after AsOf, above Pin, excluded) are in neither. An assertion that h
// lists twice is one, and keeps its first LSN.
func Admit(h History, c Cut) (candidates []Candidate, dropped []Dropped) {
	candidates = make([]Candidate, 0, len(h.Assertions))
	for _, a := range distinct(h.Assertions) {
		if !c.held(a.stamp()) || c.Exclude.hasAssertion(a, h.Descriptors[a.Source]) {
			continue
		}
		stage, since := stageAt(h, &c, a)
		if !admits(c.Filter, stage) {
			dropped = append(dropped, Dropped{*a, stage, ReasonStage, idOf(since)})
		} else if by, ok := supersededBy(h, &c, a); ok {
			dropped = append(dropped, Dropped{*a, stage, ReasonEpoch, by})
		} else {
			candidates = append(candidates, Candidate{Assertion: *a, Stage: stage, StageSince: since})
		}
	}
	candidates, dropped = dropRepeated(candidates, dropped)
	gather(h, &c, candidates)
	return candidates, dropped
}

// distinct is the assertions by rising hash, each once.
func distinct(assertions []Assertion) []*Assertion {
	sorted := make([]*Assertion, len(assertions))
	for i := range assertions {
		sorted[i] = &assertions[i]
	}
	slices.SortFunc(sorted, func(a, b *Assertion) int {
		return cmp.Or(compareHash(a.Hash, b.Hash), cmp.Compare(a.LSN, b.LSN))
	})
	return slices.CompactFunc(sorted, func(a, b *Assertion) bool { return a.Hash == b.Hash })
}

// StageAt is the stage of an assertion under a cut (rule 9), whether or not the assertion itself counts.
func StageAt(h History, c Cut, a Assertion) record.Stage {
	stage, _ := stageAt(h, &c, &a)
	return stage
}

// stageAt is rule 9, first half: the newest transition decides, else birth.
func stageAt(h History, c *Cut, a *Assertion) (record.Stage, Transition) {
	if since, ok := newest(c, h.Transitions[a.Hash]); ok {
		return since.To, since
	}
	return a.Birth, Transition{}
}

// admits is rule 9, second half.
func admits(filter, stage record.Stage) bool {
	if filter != 0 {
		return stage == filter
	}
	switch stage {
	case record.Proposed, record.UnderReview, record.Approved, record.Unstated:
		return true
	}
	return false
}

func idOf(t Transition) record.ID {
	if t.Hash.IsZero() {
		return record.ID{}
	}
	return t.stamp().id
}

// supersededBy is rule 10. Only the epochs that name a's own epoch are looked at, never those that supersede them in
// turn: what the grandchild did to the child says nothing about the parent.
func supersededBy(h History, c *Cut, a *Assertion) (by record.ID, ok bool) {
	if a.Epoch.IsZero() {
		return record.ID{}, false
	}
	var first stamp
	for _, e := range h.Superseding[a.Epoch] {
		ends := e.Supersession == record.Temporal || e.Supersession == record.Invalidated
		if s := e.stamp(); ends && c.counts(s) && (!ok || first.newer(s)) {
			first, ok = s, true
		}
	}
	return first.id, ok
}

// dropRepeated is the end of rule 8: what one agent says of one source counts once, however often it says it. The
// newest stays. Both results are by rising hash.
func dropRepeated(candidates []Candidate, dropped []Dropped) ([]Candidate, []Dropped) {
	type claim struct {
		agent  string
		object record.Object
		source record.Hash
	}
	claimOf := func(c *Candidate) claim { return claim{c.Agent, c.Object, c.Source} }
	last := make(map[claim]*Candidate, len(candidates))
	for i := range candidates {
		c := &candidates[i]
		if other := last[claimOf(c)]; other == nil || c.stamp().newer(other.stamp()) {
			last[claimOf(c)] = c
		}
	}
	if len(last) == len(candidates) {
		return candidates, dropped
	}
	kept := make([]Candidate, 0, len(last))
	for i := range candidates {
		c := &candidates[i]
		if by := last[claimOf(c)]; by != c {
			dropped = append(dropped, Dropped{c.Assertion, c.Stage, ReasonRepeated, by.ID()})
		} else {
			kept = append(kept, *c)
		}
	}
	slices.SortFunc(dropped, func(a, b Dropped) int { return compareHash(a.Hash, b.Hash) })
	return kept, dropped
}

// gather fills in what scores are computed from.
func gather(h History, c *Cut, candidates []Candidate) {
	votes := 0
	for i := range candidates {
		votes += len(h.Votes[candidates[i].Hash])
	}
	room := make([]Vote, 0, votes) // one allocation for all candidates
	for i := range candidates {
		cand := &candidates[i]
		cand.Authority = record.DefaultAuthority
		if d, ok := newest(c, h.Descriptors[cand.Source]); ok {
			cand.Descriptor, cand.Described, cand.Authority = d, true, d.Authority
		}
		start := len(room)
		room = appendVotes(room, c, h.Votes[cand.Hash])
		if len(room) > start {
			cand.Votes = room[start:len(room):len(room)]
		}
	}
}

// appendVotes appends each agent's newest vote that counts, by rising agent bytes.
func appendVotes(dst []Vote, c *Cut, votes []Vote) []Vote {
	start := len(dst)
	for _, v := range votes {
		if c.counts(v.stamp()) {
			dst = append(dst, v)
		}
	}
	added := dst[start:]
	slices.SortFunc(added, func(a, b Vote) int {
		return cmp.Or(cmp.Compare(a.Agent, b.Agent), compareAge(b.Timestamp, b.LSN, a.Timestamp, a.LSN), compareHash(a.Hash, b.Hash))
	})
	added = slices.CompactFunc(added, func(a, b Vote) bool { return a.Agent == b.Agent })
	return dst[:start+len(added)]
}
