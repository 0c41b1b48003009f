package lens

import (
	"slices"

	"episteme/engine/record"
)

// Candidate is an assertion that may answer the question, with everything a score needs. What it points to belongs to
// the History; read only.
type Candidate struct {
	*Assertion
	Stage      record.Stage // at AsOf
	Authority  float32      // the descriptor's, else record.DefaultAuthority
	StageSince *Transition  // the one that brought Stage about; nil: it was born so
	Descriptor *Descriptor  // the newest of its source's digest that counts; nil: there is none
	Votes      []Vote       // each agent's newest that counts, by rising agent bytes
}

// Dropped is an assertion that counts and still is no candidate.
type Dropped struct {
	*Assertion
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
func Admit(h History, c Cut) (candidates []Candidate, dropped []Dropped) { return Order(h).Admit(c) }

// Admit is Admit of the history that was put in order.
func (o *Ordered) Admit(c Cut) (candidates []Candidate, dropped []Dropped) {
	candidates = make([]Candidate, 0, len(o.claims))
	claims := make([]*claim, 0, len(o.claims)) // of the candidates
	for i := range o.claims {
		a := &o.claims[i]
		if !c.held(a.Timestamp, a.LSN) || c.Exclude.hasAssertion(a.Assertion, o.Descriptors) {
			continue
		}
		stage, since := stageAt(a.transitions, &c, a.Birth)
		if !admits(c.Filter, stage) {
			dropped = append(dropped, Dropped{a.Assertion, stage, ReasonStage, idOf(since)})
		} else if by, ok := o.supersededBy(&c, a.Assertion); ok {
			dropped = append(dropped, Dropped{a.Assertion, stage, ReasonEpoch, by})
		} else {
			candidates = append(candidates, Candidate{Assertion: a.Assertion, Stage: stage, StageSince: since})
			claims = append(claims, a)
		}
	}
	candidates, claims, dropped = o.dropRepeated(candidates, claims, dropped)
	o.gather(&c, candidates, claims)
	return candidates, dropped
}

// StageAt is the stage of an assertion under a cut (rule 9), whether or not the assertion itself counts.
func StageAt(h History, c Cut, a Assertion) record.Stage {
	stage, _ := stageAt(h.Transitions[a.Hash], &c, a.Birth)
	return stage
}

// stageAt is rule 9, first half: the newest transition decides, else birth.
func stageAt(transitions []Transition, c *Cut, birth record.Stage) (record.Stage, *Transition) {
	if since := newest(c, transitions); since != nil {
		return since.To, since
	}
	return birth, nil
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

func idOf(t *Transition) record.ID {
	if t == nil {
		return record.ID{}
	}
	return t.stamp().id
}

// supersededBy is rule 10. Only the epochs that name a's own epoch are looked at, never those that supersede them in
// turn: what the grandchild did to the child says nothing about the parent.
func (o *Ordered) supersededBy(c *Cut, a *Assertion) (by record.ID, ok bool) {
	if a.Epoch.IsZero() {
		return record.ID{}, false
	}
	var first stamp
	for i := range o.Superseding[a.Epoch] {
		e := &o.Superseding[a.Epoch][i]
		ends := e.Supersession == record.Temporal || e.Supersession == record.Invalidated
		if s := e.stamp(); ends && c.counts(s) && (!ok || first.newer(s)) {
			first, ok = s, true
		}
	}
	return first.id, ok
}

// dropRepeated is the end of rule 8: what one agent says of one source counts once, however often it says it. The
// newest stays. The results are by rising hash.
func (o *Ordered) dropRepeated(candidates []Candidate, claims []*claim, dropped []Dropped) ([]Candidate, []*claim, []Dropped) {
	last := make([]*Candidate, o.said)
	for i := range candidates {
		c := &candidates[i]
		if other := last[claims[i].said]; other == nil || c.stamp().newer(other.stamp()) {
			last[claims[i].said] = c
		}
	}
	by := func(i int) *Candidate { return last[claims[i].said] }
	first := 0 // the first that repeats another
	for first < len(candidates) && by(first) == &candidates[first] {
		first++
	}
	if first == len(candidates) {
		return candidates, claims, dropped
	}
	kept, of := slices.Clone(candidates[:first]), slices.Clone(claims[:first])
	for i := first; i < len(candidates); i++ {
		if c := &candidates[i]; by(i) != c {
			dropped = append(dropped, Dropped{c.Assertion, c.Stage, ReasonRepeated, by(i).ID()})
		} else {
			kept, of = append(kept, *c), append(of, claims[i])
		}
	}
	slices.SortFunc(dropped, func(a, b Dropped) int { return compareHash(a.Hash, b.Hash) })
	return kept, of, dropped
}

// gather fills in what scores are computed from. claims are those of the candidates.
func (o *Ordered) gather(c *Cut, candidates []Candidate, claims []*claim) {
	type described struct {
		by    *Descriptor
		known bool
	}
	sources := make([]described, o.sources)
	for i := range candidates {
		cand, of := &candidates[i], claims[i]
		source := &sources[of.source]
		if !source.known {
			*source = described{newest(c, o.Descriptors[cand.Source]), true}
		}
		cand.Authority = record.DefaultAuthority
		if source.by != nil {
			cand.Descriptor, cand.Authority = source.by, source.by.Authority
		}
		cand.Votes = countingVotes(c, of.votes)
	}
}

// countingVotes is each agent's newest vote that counts. It is votes itself when all are that.
func countingVotes(c *Cut, votes []Vote) []Vote {
	all := 0
	for all < len(votes) && c.counts(votes[all].stamp()) && (all == 0 || votes[all].Agent != votes[all-1].Agent) {
		all++
	}
	if all == len(votes) {
		return votes
	}
	counting := slices.Clone(votes[:all])
	for i := all; i < len(votes); i++ {
		last := len(counting) - 1
		if c.counts(votes[i].stamp()) && (last < 0 || counting[last].Agent != votes[i].Agent) {
			counting = append(counting, votes[i])
		}
	}
	return counting[:len(counting):len(counting)]
}
