package ingest

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"episteme/engine/record"
)

// Row is an audit as a list needs it: one entry of the store, no second read.
type Row struct {
	ID         record.ID
	LSN        record.LSN
	RecordedAt record.Time
	Annotation []byte // what the Annotator said; opaque here
	Audit      *record.Audit
}

func appendRow(dst []byte, recordedAt record.Time, hash record.Hash, annotation, payload []byte) []byte {
	dst = binary.BigEndian.AppendUint64(dst, uint64(recordedAt))
	dst = append(dst, hash[:]...)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(annotation)))
	return append(append(dst, annotation...), payload...)
}

// rowFixed is the bytes of a row before its annotation.
const rowFixed = 8 + 32 + 4

// rowPayload is the audit's payload in a row, in place.
func rowPayload(key, value []byte) ([]byte, error) {
	if len(value) < rowFixed || uint64(binary.BigEndian.Uint32(value[40:])) > uint64(len(value)-rowFixed) {
		return nil, &StoreError{bytes.Clone(key), fmt.Sprintf("%d bytes", len(value)), "an audit's row"}
	}
	return value[rowFixed+int(binary.BigEndian.Uint32(value[40:])):], nil
}

func readRow(key, value []byte) (Row, error) {
	payload, err := rowPayload(key, value)
	if err != nil {
		return Row{}, err
	}
	_, lsn := cutNewest(key)
	r := Row{
		ID:         record.ID{Kind: record.KindAudit, Hash: record.Hash(value[8:40])},
		LSN:        lsn,
		RecordedAt: record.Time(binary.BigEndian.Uint64(value)),
		Annotation: bytes.Clone(value[rowFixed : len(value)-len(payload)]),
	}
	rec, err := record.Decode(record.KindAudit, payload)
	if err != nil {
		return Row{}, &StoreError{key, err.Error(), "an audit"}
	}
	r.Audit = rec.(*record.Audit)
	return r, nil
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
}

func (a Applied) value() []byte {
	v := binary.BigEndian.AppendUint64(nil, uint64(a.LSN))
	return append(append(v, a.Log[:]...), a.Chain[:]...)
}

func readApplied(value []byte) (Applied, error) {
	if len(value) != 56 {
		return Applied{}, &StoreError{keyApplied, fmt.Sprintf("%d bytes", len(value)), "56"}
	}
	return Applied{
		LSN:   record.LSN(binary.BigEndian.Uint64(value)),
		Log:   record.LogID(value[8:24]),
		Chain: record.Hash(value[24:56]),
	}, nil
}
