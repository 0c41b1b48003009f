package lens

import (
	"cmp"
	"slices"

	"episteme/engine/record"
)

// Ordered is a History put in order once, for any number of questions about it. It is read only and safe for use by
// several goroutines. Make one with Order.
type Ordered struct {
	History
	claims  []claim // each assertion once, by rising hash
	said    int     // so many different things are said
	sources int     // so many digests are cited
}

// claim is an assertion and what is filed under it. Its numbers are those of an Ordered, from 0.
type claim struct {
	*Assertion
	transitions []Transition
	votes       []Vote // by rising agent bytes, each agent's newest first
	said        int    // the same for what one agent says of one source, however often it says it
	source      int    // the same for one digest
}

// Order puts a history in order. It keeps h and changes nothing in it.
func Order(h History) *Ordered {
	sorted := distinct(h.Assertions)
	o := &Ordered{History: h, claims: make([]claim, len(sorted))}
	type saying struct {
		agent  string
		object record.Object
		source int
	}
	sources := make(map[record.Hash]int)
	sayings := make(map[saying]int, len(sorted))
	for i, a := range sorted {
		source := number(sources, a.Source)
		o.claims[i] = claim{
			Assertion:   a,
			transitions: h.Transitions[a.Hash],
			votes:       byAgent(h.Votes[a.Hash]),
			said:        number(sayings, saying{a.Agent, a.Object, source}),
			source:      source,
		}
	}
	o.said, o.sources = len(sayings), len(sources)
	return o
}

// Under is o with what superseded its epochs taken from elsewhere.
func (o *Ordered) Under(superseding map[record.Hash][]Epoch) *Ordered {
	other := *o
	other.Superseding = superseding
	return &other
}

// number is the number of key in seen, a new one for a new key.
func number[K comparable](seen map[K]int, key K) int {
	n, ok := seen[key]
	if !ok {
		n = len(seen)
		seen[key] = n
	}
	return n
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

// byAgent is votes by rising agent bytes, each agent's newest first; votes itself when it is in that order.
func byAgent(votes []Vote) []Vote {
	order := func(a, b Vote) int {
		return cmp.Or(cmp.Compare(a.Agent, b.Agent), compareAge(b.Timestamp, b.LSN, a.Timestamp, a.LSN), compareHash(a.Hash, b.Hash))
	}
	if slices.IsSortedFunc(votes, order) {
		return votes
	}
	sorted := slices.Clone(votes)
	slices.SortFunc(sorted, order)
	return sorted
}
