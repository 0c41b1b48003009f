package ingest

import (
	"encoding/binary"
	"errors"
	"fmt"

	"episteme/engine/kv"
)

var (
	// ErrOlderFormat means that the store was written by an older program: make it anew from the journal.
	ErrOlderFormat = errors.New("the store has an older format")

	// ErrNewerFormat means that the store was written by a newer program, which is the one to open it with.
	ErrNewerFormat = errors.New("the store has a newer format")
)

func markFormat(store kv.Store) error {
	var b kv.Batch
	b.Put(keyFormat, binary.BigEndian.AppendUint32(nil, StoreFormat))
	return store.Apply(&b)
}

// CheckFormat compares the format of a store that holds something with ours: ErrOlderFormat, ErrNewerFormat.
func CheckFormat(store kv.Store) error {
	snap, err := store.Snapshot()
	if err != nil {
		return err
	}
	defer snap.Close()
	value, err := snap.Get(keyFormat)
	if err != nil && !errors.Is(err, kv.ErrNotFound) {
		return fmt.Errorf("store: read its format: %w", err)
	}
	if err != nil || len(value) != 4 {
		return &StoreError{keyFormat, fmt.Sprintf("%d bytes", len(value)), "a format"}
	}
	switch found := binary.BigEndian.Uint32(value); {
	case found < StoreFormat:
		return fmt.Errorf("%w: found %d, this program writes %d; `episteme rebuild` makes it anew from the journal", ErrOlderFormat, found, StoreFormat)
	case found > StoreFormat:
		return fmt.Errorf("%w: found %d, this program knows %d; use the program that wrote it, or `episteme rebuild` makes it anew from the journal", ErrNewerFormat, found, StoreFormat)
	}
	return nil
}
