package record

import "fmt"

// Kind says what a record is. The values are part of the format: they are byte 0 of every payload but evidence's
// and the kind byte of the journal.
type Kind uint8

const (
	KindEvidence   Kind = 1
	KindSource     Kind = 2
	KindAssertion  Kind = 3
	KindVote       Kind = 4
	KindEpoch      Kind = 5
	KindTransition Kind = 6
	KindEvent      Kind = 7
	KindAudit      Kind = 8
	KindErasure    Kind = 9
)

// kinds is the one list of what exists: its name in JSON, the letter of its ids, the letter of its primary key.
var kinds = [...]struct {
	name   string
	letter byte
	key    byte
}{
	KindEvidence:   {"evidence", 'b', 'B'},
	KindSource:     {"source", 's', 'S'},
	KindAssertion:  {"assertion", 'a', 'H'},
	KindVote:       {"vote", 'v', 'V'},
	KindEpoch:      {"epoch", 'e', 'E'},
	KindTransition: {"transition", 't', 'L'},
	KindEvent:      {"event", 'w', 'W'},
	KindAudit:      {"audit", 'q', 'Q'},
	KindErasure:    {"erasure", 'x', 'X'},
}

// Kinds lists every kind in the order of its number.
func Kinds() []Kind {
	all := make([]Kind, 0, len(kinds)-1)
	for k := KindEvidence; int(k) < len(kinds); k++ {
		all = append(all, k)
	}
	return all
}

// Valid reports whether k is a kind this version knows.
func (k Kind) Valid() bool { return k > 0 && int(k) < len(kinds) }

// String is the kind's name as JSON lines write it.
func (k Kind) String() string {
	if !k.Valid() {
		return fmt.Sprintf("kind %d", uint8(k))
	}
	return kinds[k].name
}

// Letter is the first letter of ids of this kind (q for an audit), 0 for an unknown kind.
func (k Kind) Letter() byte {
	if !k.Valid() {
		return 0
	}
	return kinds[k].letter
}

// KeyLetter is the letter of the kind's primary key in the store (H for an assertion), 0 for an unknown kind.
func (k Kind) KeyLetter() byte {
	if !k.Valid() {
		return 0
	}
	return kinds[k].key
}

// KindByName finds a kind by its JSON name.
func KindByName(name string) (Kind, bool) {
	for _, k := range Kinds() {
		if kinds[k].name == name {
			return k, true
		}
	}
	return 0, false
}

// KindByLetter finds a kind by the letter of its ids.
func KindByLetter(letter byte) (Kind, bool) {
	for _, k := range Kinds() {
		if kinds[k].letter == letter {
			return k, true
		}
	}
	return 0, false
}
