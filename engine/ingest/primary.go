package ingest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"episteme/engine/kv"
	"episteme/engine/record"
	"episteme/engine/wal"
)

// Evidence reads the journal's records, each checked against its hash. A store keeps no copy of them, only their
// places.
type Evidence interface {
	ReadAt(pos wal.Position) (wal.Record, error)
}

// ErrBroken means that the bytes of a record in the journal are not what they were when it was recorded.
var ErrBroken = errors.New("the bytes in the journal are not those that were recorded")

// ErrErased means that a record is here and its payload was removed for a stated reason.
var ErrErased = errors.New("the payload was erased")

// Stored is a record as it lies in the journal, found through the store.
type Stored struct {
	ID         record.ID
	LSN        record.LSN
	RecordedAt record.Time
	Payload    []byte // nil when Erased; the caller owns it
	Erased     bool   // the payload was removed for a stated reason
}

// primaryValue is what the store keeps under a record's own hash: uvarint lsn and its place in the journal.
func primaryValue(rec *wal.Record) []byte {
	return appendPlace(binary.AppendUvarint(nil, uint64(rec.LSN)), rec.Pos)
}

// primary finds where a record lies; kv.ErrNotFound when it is not here.
func (v *View) primary(id record.ID) (lsn record.LSN, place wal.Position, err error) {
	if !id.Kind.Valid() {
		return 0, place, kv.ErrNotFound
	}
	if lsn, place, ok := v.index.places.find(id); ok && lsn <= v.applied.LSN {
		return lsn, place, nil
	}
	value, err := v.getPrimary(id)
	if err != nil {
		return 0, place, err
	}
	in := field{rest: value}
	lsn, place = record.LSN(in.uvarint()), in.place()
	if in.bad || len(in.rest) > 0 {
		return 0, place, &StoreError{primaryKey(id), fmt.Sprintf("%d bytes", len(value)), "a place in the journal"}
	}
	v.index.places.put(id, lsn, place)
	return lsn, place, nil
}

// noBytes is no link: an empty list of it remembers that the bytes of a document are not here, as those of most are not.
const noBytes Link = 0

// getPrimary reads what the store keeps under a record's own hash; kv.ErrNotFound when it is not here.
func (v *View) getPrimary(id record.ID) ([]byte, error) {
	document := linked{id, noBytes}
	if id.Kind == record.KindEvidence {
		if _, absent := v.index.recall(v, document); absent {
			return nil, kv.ErrNotFound
		}
	}
	value, err := v.snap.Get(primaryKey(id))
	if id.Kind == record.KindEvidence && errors.Is(err, kv.ErrNotFound) {
		v.index.remember(v, document, nil)
	}
	return value, err
}

// Get reads a record by its id. kv.ErrNotFound: it is not here. ErrBroken: it is, and its bytes changed; ID and LSN are
// set all the same. Any other error: it could not be read now.
func (v *View) Get(id record.ID) (Stored, error) {
	lsn, place, err := v.primary(id)
	if err != nil {
		return Stored{}, err
	}
	return v.read(id.Kind, id.Hash, lsn, place)
}

// read reads the record that the store says lies at place. The zero hash is any.
func (v *View) read(kind record.Kind, hash record.Hash, lsn record.LSN, place wal.Position) (Stored, error) {
	s := Stored{ID: record.ID{Kind: kind, Hash: hash}, LSN: lsn}
	rec, err := v.index.evidence.ReadAt(place)
	if errors.Is(err, wal.ErrClosed) || unreadable(err) {
		return s, err
	}
	if err != nil {
		return s, fmt.Errorf("%w: %w", ErrBroken, err)
	}
	switch {
	case record.LSN(rec.LSN) != lsn:
		return s, fmt.Errorf("%w: the journal has lsn %d where the store says %d", ErrBroken, rec.LSN, lsn)
	case record.Kind(rec.Kind) != kind || !hash.IsZero() && record.Hash(rec.Hash) != hash:
		return s, fmt.Errorf("%w: at lsn %d the journal has %s, the store says %s", ErrBroken, lsn,
			record.ID{Kind: record.Kind(rec.Kind), Hash: record.Hash(rec.Hash)}, s.ID)
	}
	s.ID.Hash, s.RecordedAt = record.Hash(rec.Hash), record.Time(rec.RecordedAt)
	s.Payload, s.Erased = rec.Payload, rec.Erased != 0
	return s, nil
}

// unreadable reports whether a disk did not give bytes that may well be right: nothing is known about them. A file that ends
// too early is another matter.
func unreadable(err error) bool {
	var read *wal.ReadError
	return errors.As(err, &read) && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF)
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
