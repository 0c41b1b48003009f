package lens

import (
	"cmp"
	"math"
	"slices"

	"episteme/engine/record"
)

// Ordered is a History put in order once, for any number of questions about it, whose answers to those about now it
// remembers. It is read only and safe for use by
// several goroutines. Make one with Order.
type Ordered struct {
	History
	claims  []claim       // each assertion once, by rising hash
	said    int           // so many different things are said
	sources int           // so many digests are cited
	epochs  []record.Hash // those that assertions name, each once

	newest record.Time // of all records but those that supersede epochs
	last   record.LSN  // of the same
	told   *tellings   // when all of them count
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
	epochs := make(map[record.Hash]int)
	for i, a := range sorted {
		source := number(sources, a.Source)
		if !a.Epoch.IsZero() && number(epochs, a.Epoch) == len(o.epochs) {
			o.epochs = append(o.epochs, a.Epoch)
		}
		o.claims[i] = claim{
			Assertion:   a,
			transitions: h.Transitions[a.Hash],
			votes:       byAgent(h.Votes[a.Hash]),
			said:        number(sayings, saying{a.Agent, a.Object, source}),
			source:      source,
		}
	}
	o.said, o.sources, o.told = len(sayings), len(sources), &tellings{}
	o.see()
	return o
}

// see notes the newest record and the last one.
func (o *Ordered) see() {
	o.newest = math.MinInt64
	saw := func(at record.Time, lsn record.LSN) { o.newest, o.last = max(o.newest, at), max(o.last, lsn) }
	for i := range o.Assertions {
		saw(o.Assertions[i].Timestamp, o.Assertions[i].LSN)
	}
	for _, list := range o.Transitions {
		for i := range list {
			saw(list[i].Timestamp, list[i].LSN)
		}
	}
	for _, list := range o.Votes {
		for i := range list {
			saw(list[i].Timestamp, list[i].LSN)
		}
	}
	for _, list := range o.Descriptors {
		for i := range list {
			saw(list[i].Timestamp, list[i].LSN)
		}
	}
}

// Epochs are those that assertions name, each once. They belong to o.
func (o *Ordered) Epochs() []record.Hash { return o.epochs }

// Under is o with what superseded its epochs taken from elsewhere.
func (o *Ordered) Under(superseding map[record.Hash][]Epoch) *Ordered {
	other := *o
	other.Superseding = superseding
	return &other
}

// Describing is o with descriptors, of which it had none. Its answers are remembered apart from those of o.
func (o *Ordered) Describing(descriptors map[record.Hash][]Descriptor) *Ordered {
	other := *o
	other.Descriptors, other.told = descriptors, &tellings{}
	for _, list := range descriptors {
		for i := range list {
			other.newest, other.last = max(other.newest, list[i].Timestamp), max(other.last, list[i].LSN)
		}
	}
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
