package ingest

import (
	"encoding/binary"
	"fmt"

	"episteme/engine/record"
	"episteme/engine/wal"
)

// Stored is a record as the store knows it.
type Stored struct {
	ID         record.ID
	LSN        record.LSN
	RecordedAt record.Time
	Payload    []byte // nil: it lies in the journal only, at Position
	Position   wal.Position
}

// inlineMax is the most payload bytes that the store keeps a copy of: above it the journal's copy is read. A page of
// a disk, so that what a list shows rarely needs a second read.
const inlineMax = 4 << 10

// inJournal begins a primary value that is a position; the other kind begins with the journal's record magic, 'E'.
const inJournal = 'P'

const positionBytes = 1 + 8 + 8 + 4 + 8 + 8

// primaryValue is what the store keeps under a record's own hash. Audits and events lie in full in an index.
func primaryValue(rec *wal.Record) []byte {
	kind := record.Kind(rec.Kind)
	if kind != record.KindEvidence && kind != record.KindAudit && len(rec.Payload) <= inlineMax {
		return append(append(make([]byte, 0, len(rec.Header)+len(rec.Payload)), rec.Header...), rec.Payload...)
	}
	v := append(make([]byte, 0, positionBytes), inJournal)
	v = binary.BigEndian.AppendUint64(v, rec.Pos.Segment)
	v = binary.BigEndian.AppendUint64(v, uint64(rec.Pos.Offset))
	v = binary.BigEndian.AppendUint32(v, rec.Pos.Length)
	v = binary.BigEndian.AppendUint64(v, uint64(rec.LSN))
	return binary.BigEndian.AppendUint64(v, uint64(rec.RecordedAt))
}

// readPrimary reads what primaryValue wrote. The payload aliases value.
func readPrimary(id record.ID, value []byte) (Stored, error) {
	s := Stored{ID: id}
	if len(value) == positionBytes && value[0] == inJournal {
		s.Position = wal.Position{
			Segment: binary.BigEndian.Uint64(value[1:]),
			Offset:  int64(binary.BigEndian.Uint64(value[9:])),
			Length:  binary.BigEndian.Uint32(value[17:]),
		}
		s.LSN = record.LSN(binary.BigEndian.Uint64(value[21:]))
		s.RecordedAt = record.Time(binary.BigEndian.Uint64(value[29:]))
		return s, nil
	}
	if len(value) < wal.HeaderBytes {
		return s, &StoreError{primaryKey(id), fmt.Sprintf("%d bytes", len(value)), "a record or its position"}
	}
	h, err := wal.ReadHeader(value)
	if err != nil {
		return s, &StoreError{primaryKey(id), err.Error(), "a record of the journal"}
	}
	s.LSN, s.RecordedAt = record.LSN(h.LSN), record.Time(h.RecordedAt)
	s.Payload = value[wal.HeaderBytes:]
	return s, nil
}

// StoreError says that the store holds something that ingest never wrote.
type StoreError struct {
	Key      []byte
	Found    string
	Expected string
}

func (e *StoreError) Error() string {
	return fmt.Sprintf("store: key %q: found %s, expected %s; the journal is the truth: `episteme rebuild` makes the store anew", e.Key, e.Found, e.Expected)
}
