package ingest_test

import (
	"encoding/binary"
	"errors"
	"strconv"
	"testing"

	"episteme/engine/ingest"
	"episteme/engine/kv"
	"episteme/engine/kv/mem"
	"episteme/engine/record"
	"episteme/engine/vfs"
)

// TestTheBytesOfADocumentArrive: that they are not here is remembered until they are, and no View sees them too early.
func TestTheBytesOfADocumentArrive(t *testing.T) {
	log := openLog(t, vfs.NewMem())
	journal := ingest.FromLog(log)
	index := ingest.NewIndex(mem.New(), journal)
	worker, err := ingest.Start(journal, index, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer worker.Close()
	documents := twoInOneSlot(t)
	ids := make([]record.ID, len(documents))
	for i, d := range documents {
		if ids[i], err = record.IDOf(d); err != nil {
			t.Fatal(err)
		}
	}
	early := view(t, index)
	for _, id := range ids { // twice: the second time it is remembered
		for range 2 {
			mustHold(t, early, id, false)
		}
	}
	for i, d := range documents {
		if err := worker.Wait(t.Context(), record.LSN(appendAll(t, log, []record.Record{d}))); err != nil {
			t.Fatal(err)
		}
		now := view(t, index)
		for _, earlier := range ids[:i+1] {
			mustHold(t, now, earlier, true)
		}
		mustHold(t, early, ids[i], false)
		for _, later := range ids[i+1:] {
			mustHold(t, now, later, false)
		}
	}
}

// twoInOneSlot are two documents of which the second makes where the first lies forgotten, so that the first is looked for
// in the store.
func twoInOneSlot(t *testing.T) []record.Record {
	t.Helper()
	first := record.Evidence("tokens are signed with RS256")
	slot := func(e record.Evidence) uint32 {
		id, err := record.IDOf(e)
		if err != nil {
			t.Fatal(err)
		}
		return binary.LittleEndian.Uint32(id.Hash[4:]) % (1 << 17)
	}
	for n := range 1 << 22 {
		second := record.Evidence("tokens are signed with ES256, revision " + strconv.Itoa(n))
		if slot(second) == slot(first) {
			return []record.Record{first, second}
		}
	}
	t.Fatal("no two documents share a slot")
	return nil
}

func view(t *testing.T, index *ingest.Index) *ingest.View {
	t.Helper()
	v, err := index.View()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close() })
	return v
}

func mustHold(t *testing.T, v *ingest.View, id record.ID, want bool) {
	t.Helper()
	if held, err := v.Has(id); held != want || err != nil {
		t.Errorf("%s at lsn %d: has says %t, %v; want %t", id.Short(), v.Applied().LSN, held, err, want)
	}
	switch _, err := v.Get(id); {
	case want && err != nil, !want && !errors.Is(err, kv.ErrNotFound):
		t.Errorf("%s at lsn %d: get says %v; held is to be %t", id.Short(), v.Applied().LSN, err, want)
	}
}
