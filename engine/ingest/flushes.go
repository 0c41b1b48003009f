package ingest

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"episteme/engine/kv"
	"episteme/engine/record"
)

// Each transaction leaves a mark: its number, and the LSNs that it applied. A store that was not closed properly may
// lack one in the middle without knowing it, when a log of its own was damaged: then a number is missing. The marks
// lie in a ring, so they never grow; it is longer than the transactions that can lie in logs and in no table, which is
// where badger checks nothing that we do not: 3 memtables of 6 MiB, at 300 bytes at least for a transaction.
const flushSlots = 1 << 16

// flush is a transaction of the worker. Numbers rise by one from 1.
type flush struct {
	number      uint64
	first, last record.LSN
}

func slotOf(number uint64) uint16 { return uint16(number % flushSlots) }

func (f flush) value() []byte {
	v := binary.BigEndian.AppendUint64(make([]byte, 0, 24), f.number)
	v = binary.BigEndian.AppendUint64(v, uint64(f.first))
	return binary.BigEndian.AppendUint64(v, uint64(f.last))
}

func readFlush(e kv.Entry) (flush, error) {
	if len(e.Value) != 24 {
		return flush{}, &StoreError{slices.Clone(e.Key), fmt.Sprintf("%d bytes", len(e.Value)), "24"}
	}
	return flush{
		binary.BigEndian.Uint64(e.Value),
		record.LSN(binary.BigEndian.Uint64(e.Value[8:])), record.LSN(binary.BigEndian.Uint64(e.Value[16:])),
	}, nil
}

// HoleError says that a store lacks a transaction that came before others it has.
type HoleError struct {
	Number  uint64     // of the transaction
	Applied record.LSN // how far the store believes to have come
}

func (e *HoleError) Error() string {
	return fmt.Sprintf("transaction %d is missing below lsn %d", e.Number, e.Applied)
}

// CheckWhole looks for holes in a store that was not closed properly. It returns how many transactions it found, each in
// its place, and a *HoleError when one is missing.
func CheckWhole(ctx context.Context, store kv.Store) (checked uint64, err error) {
	snap, err := store.Snapshot()
	if err != nil {
		return 0, err
	}
	defer snap.Close()
	applied, err := appliedIn(snap)
	if err != nil || applied.LSN == 0 {
		return 0, err
	}
	found := map[uint64]flush{}
	for e, err := range kv.ScanPrefix(ctx, snap, space(spaceFlushes)) {
		if err != nil {
			return 0, err
		}
		f, err := readFlush(e)
		if err != nil {
			return 0, err
		}
		found[f.number] = f
	}
	above := applied.LSN
	for number := applied.flush; number > 0 && applied.flush-number < flushSlots; number-- {
		f, ok := found[number]
		if !ok || f.last > above { // below it, when the journal gave LSNs up
			return checked, &HoleError{number, applied.LSN}
		}
		checked++
		above = f.first - 1
	}
	return checked, nil
}
