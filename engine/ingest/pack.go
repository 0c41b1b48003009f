package ingest

import (
	"encoding/binary"
	"fmt"
	"slices"

	"episteme/engine/record"
	"episteme/engine/wal"
)

// Brief is an audit as a list has it: its place, and the columns by which lists are filtered. The rest lies in the
// journal and is read, and checked against its hash, by View.Row.
type Brief struct {
	Timestamp  record.Time
	LSN        record.LSN
	Agent      string
	Subject    string
	Predicate  string
	Lens       string
	Annotation []byte // what the Annotator said; opaque here

	place    wal.Position
	received []byte // the first receivedBytes of each contributed assertion's hash, in lists by subject only
}

// receivedBytes of a hash tell apart the assertions of one subject well enough to skip almost every audit that did not
// receive one; those that are left are read in full.
const receivedBytes = 4

// older orders audits newest first.
func (b *Brief) older(than *Brief) bool {
	return b.Timestamp < than.Timestamp || b.Timestamp == than.Timestamp && b.LSN < than.LSN
}

// appendPack writes audits, which it sorts newest first, as one value:
//
//	count   texts                                          audits
//	uvarint uvarint, then length uvarint and bytes of each  as below, count times
//
//	time     first: 8 bytes; then uvarint: how much older than the one before
//	lsn      first: uvarint; then zigzag varint: against the one before
//	place    uvarint segment, uvarint offset / 8, uvarint length of the payload
//	columns  uvarint each: number of the agent, subject, predicate and lens among the texts
//	notes    uvarint length and bytes: the annotation
//	received uvarint count and count × 4 bytes
func appendPack(dst []byte, audits []Brief) []byte {
	slices.SortFunc(audits, func(a, b Brief) int {
		if a.older(&b) {
			return 1
		}
		return -1
	})
	texts := textTable{numbers: map[string]uint64{}}
	var rows []byte
	var before Brief
	for i := range audits {
		b := &audits[i]
		if i == 0 {
			rows = binary.BigEndian.AppendUint64(rows, uint64(b.Timestamp))
			rows = binary.AppendUvarint(rows, uint64(b.LSN))
		} else {
			rows = binary.AppendUvarint(rows, uint64(before.Timestamp-b.Timestamp))
			rows = binary.AppendVarint(rows, int64(b.LSN)-int64(before.LSN))
		}
		before = *b
		rows = appendPlace(rows, b.place)
		for _, text := range []string{b.Agent, b.Subject, b.Predicate, b.Lens} {
			rows = binary.AppendUvarint(rows, texts.number(text))
		}
		rows = binary.AppendUvarint(rows, uint64(len(b.Annotation)))
		rows = append(rows, b.Annotation...)
		rows = binary.AppendUvarint(rows, uint64(len(b.received)/receivedBytes))
		rows = append(rows, b.received...)
	}
	dst = binary.AppendUvarint(dst, uint64(len(audits)))
	dst = binary.AppendUvarint(dst, uint64(len(texts.list)))
	for _, text := range texts.list {
		dst = binary.AppendUvarint(dst, uint64(len(text)))
		dst = append(dst, text...)
	}
	return append(dst, rows...)
}

// textTable numbers the texts of a pack in the order they come.
type textTable struct {
	numbers map[string]uint64
	list    []string
}

func (t *textTable) number(text string) uint64 {
	n, ok := t.numbers[text]
	if !ok {
		n = uint64(len(t.list))
		t.numbers[text] = n
		t.list = append(t.list, text)
	}
	return n
}

// packReader reads a pack from its newest audit on.
type packReader struct {
	in    field
	left  uint64
	first bool
	texts []string
	last  Brief
}

// readPack begins to read what appendPack wrote. The value must not change while it is read: Briefs point into it.
func readPack(value []byte) (*packReader, error) {
	r := &packReader{in: field{rest: value}, first: true}
	r.left = r.in.uvarint()
	n := r.in.uvarint()
	if r.in.bad || n > uint64(len(value)) || r.left > uint64(len(value)) {
		return nil, fmt.Errorf("found %d bytes that begin with no counts", len(value))
	}
	r.texts = make([]string, n)
	for i := range r.texts {
		r.texts[i] = string(r.in.bytes(r.in.uvarint()))
	}
	if r.in.bad {
		return nil, fmt.Errorf("found texts that end behind byte %d", len(value))
	}
	return r, nil
}

// next returns false at the end.
func (r *packReader) next(b *Brief) (bool, error) {
	if r.left == 0 {
		return false, nil
	}
	r.left--
	if r.first {
		r.last.Timestamp = record.Time(r.in.uint64())
		r.last.LSN = record.LSN(r.in.uvarint())
		r.first = false
	} else {
		r.last.Timestamp -= record.Time(r.in.uvarint())
		r.last.LSN = record.LSN(int64(r.last.LSN) + r.in.varint())
	}
	b.Timestamp, b.LSN = r.last.Timestamp, r.last.LSN
	b.place = r.in.place()
	b.Agent, b.Subject, b.Predicate, b.Lens = r.text(), r.text(), r.text(), r.text()
	b.Annotation = r.in.bytes(r.in.uvarint())
	b.received = nil
	if n := r.in.uvarint(); n > 0 {
		b.received = r.in.bytes(min(n, 1<<20) * receivedBytes)
	}
	if r.in.bad {
		return false, fmt.Errorf("found a pack of audits that ends too early")
	}
	return true, nil
}

// rest is what is left, newest first.
func (r *packReader) rest() ([]Brief, error) {
	var out []Brief
	for {
		var b Brief
		ok, err := r.next(&b)
		if !ok {
			return out, err
		}
		out = append(out, b)
	}
}

func (r *packReader) text() string {
	n := r.in.uvarint()
	if n >= uint64(len(r.texts)) {
		r.in.bad = true
		return ""
	}
	return r.texts[n]
}

// briefOf is an audit as lists have it.
func briefOf(r *record.Audit, lsn record.LSN, place wal.Position, annotation []byte) Brief {
	return Brief{
		Timestamp: r.Timestamp, LSN: lsn, Agent: r.Agent, Subject: r.Subject, Predicate: r.Predicate, Lens: r.Lens,
		Annotation: annotation, place: place,
	}
}
