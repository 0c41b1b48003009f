package ingest

import (
	"encoding/binary"
	"math"

	"episteme/engine/kv"
	"episteme/engine/record"
)

// The key space. Integers are big-endian; ^ is the complement, so that the newest sorts first. TEXT is a string with
// each 00 written as 00 FF and then the terminator 00 01: no text is a prefix of another by accident, and texts
// sort as their bytes do.
//
//	H: V: E: B: S: L: W: Q: X:                          what is where: a record by its own hash
//	  letter ':' hash(32)                                → PLACE
//	c: subject TEXT predicate TEXT 00 time(8) lsn(8)     → CANDIDATE: assertions, for a lens
//	c: subject TEXT predicate TEXT 01 lsn(8)             → kind(1) hash(32) payload: votes on them, their transitions
//	c: subject TEXT predicate TEXT 02 assertion hash(32) → nothing: votes or transitions of it came before it, under o:
//	d: digest(32)                                        → DESCRIBED: the first descriptors of a document
//	o: assertion hash(32) lsn(8)                         → as under 01, of what came before its assertion
//	r: kind(1) hash(32) link(1) lsn(8)                   → kind(1) hash(32) payload, or nothing: who names this record
//	t: LIST                                              audits
//	g: agent TEXT LIST                                   audits of an agent
//	s: subject TEXT LIST                                 audits about a subject
//	w: ^time(8) ^lsn(8)                                  → recorded at(8), hash(32), payload: events, newest first
//	u: question hash(32)                                 → lsn(8): the audit of a question (rule 6)
//	f: answer key(32) ^lsn(8)                            → result hash(32): what the same question was told
//	a: agent TEXT                                        → AGENT: who asks
//	n: lsn / 128 (8)                                     → up to 128 × kind(1) hash(32): dense, what lies at each LSN
//	b: slot(2)                                           → flush(8), first lsn(8), last lsn(8): batches (flushes.go)
//	m:applied                                            → lsn(8), log id(16), chain(32), flush(8)
//	m:clean                                              → lsn(8): closed properly there (clean.go)
//	m:format                                             → version(4)
//
//	PLACE      uvarint lsn, uvarint segment, uvarint offset / 8, uvarint payload bytes: the journal has the record
//	LIST       packs of audits, newest first (list.go, pack.go)
//	CANDIDATE  what a lens weighs (candidate.go)
//	DESCRIBED  more(1), then lsn(8) hash(32) uvarint length payload, of each; with more, the others are links 4
//	AGENT      queries(8), newest timestamp(8), newest recorded at(8), lsn(8) of the last one counted
const (
	spaceCandidates = 'c'
	spaceLinks      = 'r'
	spaceTimeline   = 't'
	spaceByAgent    = 'g'
	spaceBySubject  = 's'
	spaceEvents     = 'w'
	spaceQuestions  = 'u'
	spaceAnswers    = 'f'
	spaceAgents     = 'a'
	spaceDense      = 'n'
	spaceFlushes    = 'b'
	spaceOrphans    = 'o'
	spaceDescribed  = 'd'
)

var (
	keyApplied = []byte("m:applied")
	keyFormat  = []byte("m:format")
)

// Link says how one record names another.
type Link uint8

const (
	LinkVote        Link = 1  // vote → assertion; with payload, in its topic (life.go)
	LinkTransition  Link = 2  // transition → assertion; likewise
	LinkSupersedes  Link = 3  // epoch → epoch; with payload
	LinkDescribes   Link = 4  // source → evidence (digest); with payload
	LinkSource      Link = 5  // assertion → evidence (digest)
	LinkParent      Link = 6  // assertion → assertion or audit
	LinkBasedOn     Link = 7  // event → audit or assertion
	LinkContributed Link = 8  // audit → assertion, where the list of its subject does not tell (received.go)
	LinkErases      Link = 9  // erasure → the target's hash, under every kind; with payload
	LinkEpoch       Link = 10 // assertion → epoch
)

func space(letter byte) []byte { return []byte{letter, ':'} }

func primaryKey(id record.ID) []byte {
	return append([]byte{id.Kind.KeyLetter(), ':'}, id.Hash[:]...)
}

// appendTextPrefix appends s so that every text beginning with s has these bytes as a prefix.
func appendTextPrefix(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		dst = append(dst, s[i])
		if s[i] == 0 {
			dst = append(dst, 0xFF)
		}
	}
	return dst
}

// appendText appends s and its terminator.
func appendText(dst []byte, s string) []byte { return append(appendTextPrefix(dst, s), 0, 1) }

// cutText reads what appendText wrote and returns the rest; ok is false when b holds no such text.
func cutText(b []byte) (s string, rest []byte, ok bool) {
	var out []byte
	for i := 0; i < len(b); i++ {
		if b[i] != 0 {
			out = append(out, b[i])
			continue
		}
		if i+1 == len(b) {
			return "", nil, false
		}
		switch b[i+1] {
		case 1:
			return string(out), b[i+2:], true
		case 0xFF:
			out = append(out, 0)
			i++
		default:
			return "", nil, false
		}
	}
	return "", nil, false
}

func appendNewest(dst []byte, t record.Time, lsn record.LSN) []byte {
	dst = binary.BigEndian.AppendUint64(dst, ^uint64(t))
	return binary.BigEndian.AppendUint64(dst, ^uint64(lsn))
}

// cutNewest reads what appendNewest wrote at the end of key.
func cutNewest(key []byte) (record.Time, record.LSN) {
	tail := key[len(key)-16:]
	return record.Time(^binary.BigEndian.Uint64(tail)), record.LSN(^binary.BigEndian.Uint64(tail[8:]))
}

// The parts of a topic, which is all that bears on a subject and predicate.
const (
	topicClaims = 0
	topicLife   = 1
	topicWaited = 2
)

func topicPrefix(subject, predicate string) []byte {
	return appendText(appendText(space(spaceCandidates), subject), predicate)
}

func candidateKey(a *record.Assertion, lsn record.LSN) []byte {
	key := binary.BigEndian.AppendUint64(append(topicPrefix(a.Subject, a.Predicate), topicClaims), uint64(a.Timestamp))
	return binary.BigEndian.AppendUint64(key, uint64(lsn))
}

func lifeKey(t topic, lsn record.LSN) []byte {
	return binary.BigEndian.AppendUint64(append(topicPrefix(t.subject, t.predicate), topicLife), uint64(lsn))
}

func waitedKey(t topic, assertion record.Hash) []byte {
	return append(append(topicPrefix(t.subject, t.predicate), topicWaited), assertion[:]...)
}

func describedKey(digest record.Hash) []byte { return append(space(spaceDescribed), digest[:]...) }

func orphanPrefix(assertion record.Hash) []byte { return append(space(spaceOrphans), assertion[:]...) }

func orphanKey(assertion record.Hash, lsn record.LSN) []byte {
	return binary.BigEndian.AppendUint64(orphanPrefix(assertion), uint64(lsn))
}

func linkPrefix(target record.ID, link Link) []byte {
	key := append(space(spaceLinks), byte(target.Kind))
	return append(append(key, target.Hash[:]...), byte(link))
}

func linkKey(target record.ID, link Link, lsn record.LSN) []byte {
	return binary.BigEndian.AppendUint64(linkPrefix(target, link), uint64(lsn))
}

func eventKey(t record.Time, lsn record.LSN) []byte { return appendNewest(space(spaceEvents), t, lsn) }

func questionKey(question record.Hash) []byte { return append(space(spaceQuestions), question[:]...) }

func answersPrefix(answerKey record.Hash) []byte { return append(space(spaceAnswers), answerKey[:]...) }

func answersKey(answerKey record.Hash, lsn record.LSN) []byte {
	return binary.BigEndian.AppendUint64(answersPrefix(answerKey), ^uint64(lsn))
}

func agentKey(agent string) []byte { return appendText(space(spaceAgents), agent) }

func denseKey(number uint64) []byte {
	return binary.BigEndian.AppendUint64(space(spaceDense), number)
}

func flushKey(slot uint16) []byte { return binary.BigEndian.AppendUint16(space(spaceFlushes), slot) }

// newestBounds are the ends of a scan over keys that end in ^time ^lsn, for times in [from, to). Nil is open.
func newestBounds(prefix []byte, from, to *record.Time) (lower, upper []byte) {
	lower = append([]byte(nil), prefix...)
	if to != nil && *to <= 0 {
		return lower, lower // nothing is older than 1970
	}
	if to != nil {
		lower = appendNewest(lower, *to-1, math.MaxUint64)
	}
	if from != nil {
		upper = appendNewest(append([]byte(nil), prefix...), *from, 0)
		return lower, append(upper, 0) // behind the last key with this very time
	}
	return lower, kv.PrefixEnd(prefix)
}
