package ingest

import (
	"encoding/binary"
	"errors"
	"fmt"

	"episteme/engine/kv"
	"episteme/engine/record"
)

// keyClean says at which LSN the store was closed properly: everything up to there was synced. It counts only while
// it equals the applied LSN, so that nothing has to be written before the first change of the next life.
var keyClean = []byte("m:clean")

// MarkClean notes that the store holds everything up to its applied LSN, durably. Call it when no worker runs.
func MarkClean(store kv.Store) error {
	applied, clean, err := Condition(store)
	if err != nil || clean || applied.LSN == 0 {
		return err
	}
	if err := store.Sync(); err != nil {
		return err
	}
	var b kv.Batch
	b.Put(keyClean, binary.BigEndian.AppendUint64(nil, uint64(applied.LSN)))
	if err := store.Apply(&b); err != nil {
		return err
	}
	return store.Sync()
}

// Condition is how far a store has come, and whether it was closed properly there. A store that was not may lack keys
// in the middle without knowing it.
func Condition(store kv.Store) (applied Applied, clean bool, err error) {
	snap, err := store.Snapshot()
	if err != nil {
		return applied, false, err
	}
	defer snap.Close()
	if applied, err = appliedIn(snap); err != nil {
		return applied, false, err
	}
	value, err := snap.Get(keyClean)
	switch {
	case errors.Is(err, kv.ErrNotFound):
		return applied, applied.LSN == 0, nil
	case err != nil:
		return applied, false, err
	case len(value) != 8:
		return applied, false, &StoreError{keyClean, fmt.Sprintf("%d bytes", len(value)), "8"}
	}
	return applied, record.LSN(binary.BigEndian.Uint64(value)) == applied.LSN, nil
}
