package ingest

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"

	"episteme/engine/record"
)

// Row is an audit in full, as its list and the journal have it.
type Row struct {
	ID         record.ID
	LSN        record.LSN
	RecordedAt record.Time
	Annotation []byte // what the Annotator said; opaque here
	Audit      *record.Audit
	Erased     bool // its payload was removed: Audit has no more than the columns of its list
}

// Row reads the audit at a place that a list named.
func (v *View) Row(b Brief) (Row, error) {
	s, err := v.read(record.KindAudit, record.Hash{}, b.LSN, b.place)
	if err != nil {
		return Row{}, err
	}
	r := Row{ID: s.ID, LSN: s.LSN, RecordedAt: s.RecordedAt, Annotation: bytes.Clone(b.Annotation)}
	if s.Erased {
		r.Erased, r.Audit = true, &record.Audit{Agent: b.Agent, Timestamp: b.Timestamp, Subject: b.Subject, Predicate: b.Predicate, Lens: b.Lens}
		return r, nil
	}
	rec, err := record.Decode(record.KindAudit, s.Payload)
	if err != nil {
		return Row{}, fmt.Errorf("%s at lsn %d: %w", s.ID, s.LSN, err)
	}
	r.Audit = rec.(*record.Audit)
	return r, nil
}

// RowOf finds an audit by its id. kv.ErrNotFound: it is not here.
func (v *View) RowOf(ctx context.Context, id record.ID) (Row, error) {
	lsn, _, err := v.primary(id)
	if err != nil {
		return Row{}, err
	}
	b, ok, err := v.at(ctx, allPrefix(), lsn)
	if err != nil {
		return Row{}, err
	}
	if !ok {
		return Row{}, &StoreError{allPrefix(), "nothing", fmt.Sprintf("the audit at lsn %d", lsn)}
	}
	return v.Row(b)
}

// EventRow is an event with its place.
type EventRow struct {
	ID         record.ID
	LSN        record.LSN
	RecordedAt record.Time
	Event      *record.Event
}

func appendEventRow(dst []byte, recordedAt record.Time, hash record.Hash, payload []byte) []byte {
	dst = binary.BigEndian.AppendUint64(dst, uint64(recordedAt))
	return append(append(dst, hash[:]...), payload...)
}

func readEventRow(key, value []byte) (EventRow, error) {
	_, lsn := cutNewest(key)
	if len(value) < 40 {
		return EventRow{}, &StoreError{key, fmt.Sprintf("%d bytes", len(value)), "an event's row"}
	}
	rec, err := record.Decode(record.KindEvent, value[40:])
	if err != nil {
		return EventRow{}, &StoreError{key, err.Error(), "an event"}
	}
	return EventRow{
		ID:         record.ID{Kind: record.KindEvent, Hash: record.Hash(value[8:40])},
		LSN:        lsn,
		RecordedAt: record.Time(binary.BigEndian.Uint64(value)),
		Event:      rec.(*record.Event),
	}, nil
}

// AgentRow is what the store counts about somebody who asks.
type AgentRow struct {
	Name             string
	Queries          uint64
	NewestTimestamp  record.Time
	NewestRecordedAt record.Time
	counted          record.LSN // the last audit that Queries includes: applying one again counts nothing
}

// count adds an audit unless it has been counted.
func (a *AgentRow) count(lsn record.LSN, timestamp, recordedAt record.Time) {
	if lsn <= a.counted {
		return
	}
	a.counted = lsn
	a.Queries++
	a.NewestTimestamp = max(a.NewestTimestamp, timestamp)
	a.NewestRecordedAt = max(a.NewestRecordedAt, recordedAt)
}

func (a *AgentRow) value() []byte {
	v := binary.BigEndian.AppendUint64(nil, a.Queries)
	v = binary.BigEndian.AppendUint64(v, uint64(a.NewestTimestamp))
	v = binary.BigEndian.AppendUint64(v, uint64(a.NewestRecordedAt))
	return binary.BigEndian.AppendUint64(v, uint64(a.counted))
}

func readAgentRow(key, value []byte) (AgentRow, error) {
	name, _, ok := cutText(key[2:])
	if !ok || len(value) != 32 {
		return AgentRow{}, &StoreError{key, fmt.Sprintf("%d bytes", len(value)), "an agent's row"}
	}
	return AgentRow{
		Name:             name,
		Queries:          binary.BigEndian.Uint64(value),
		NewestTimestamp:  record.Time(binary.BigEndian.Uint64(value[8:])),
		NewestRecordedAt: record.Time(binary.BigEndian.Uint64(value[16:])),
		counted:          record.LSN(binary.BigEndian.Uint64(value[24:])),
	}, nil
}

// Applied says how far the store has come, and in which journal.
type Applied struct {
	LSN   record.LSN
	Log   record.LogID
	Chain record.Hash // of the record at LSN

	flush uint64 // number of the transaction (flushes.go)
}

func (a Applied) value() []byte {
	v := binary.BigEndian.AppendUint64(nil, uint64(a.LSN))
	v = append(append(v, a.Log[:]...), a.Chain[:]...)
	return binary.BigEndian.AppendUint64(v, a.flush)
}

func readApplied(value []byte) (Applied, error) {
	a := Applied{}
	switch len(value) {
	case appliedBytes + 8:
		a.flush = binary.BigEndian.Uint64(value[appliedBytes:])
	case appliedBytes: // of format 1: what it has come to still says whose journal it is
	default:
		return a, &StoreError{keyApplied, fmt.Sprintf("%d bytes", len(value)), fmt.Sprint(appliedBytes + 8)}
	}
	a.LSN = record.LSN(binary.BigEndian.Uint64(value))
	a.Log = record.LogID(value[8:24])
	a.Chain = record.Hash(value[24:appliedBytes])
	return a, nil
}

// appliedBytes of m:applied say what was applied; the number of the transaction follows.
const appliedBytes = 56
