package ingest_test

import (
	"errors"
	"testing"

	"episteme/engine/ingest"
	"episteme/engine/kv"
	"episteme/engine/kv/mem"
	"episteme/engine/record"
	"episteme/engine/vfs"
)

// TestAnOlderViewSeesNoNewerPlace: what is remembered of where records lie tells a View nothing that it does not see.
func TestAnOlderViewSeesNoNewerPlace(t *testing.T) {
	log := openLog(t, vfs.NewMem())
	store := mem.New()
	journal := ingest.FromLog(log)
	index := ingest.NewIndex(store, journal)
	worker, err := ingest.Start(journal, index, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer worker.Close()
	records := history(t, 4, 40)
	first := appendAll(t, log, records[:20])
	if err := worker.Wait(t.Context(), record.LSN(first)); err != nil {
		t.Fatal(err)
	}
	older, err := index.View()
	if err != nil {
		t.Fatal(err)
	}
	defer older.Close()
	last := appendAll(t, log, records[20:])
	if err := worker.Wait(t.Context(), record.LSN(last)); err != nil {
		t.Fatal(err)
	}
	newer, err := index.View()
	if err != nil {
		t.Fatal(err)
	}
	defer newer.Close()
	news := 0
	for _, r := range records {
		id, err := record.IDOf(r)
		if err != nil {
			t.Fatal(err)
		}
		s, err := newer.Get(id)
		if err != nil {
			t.Fatal(id, err)
		}
		if s.LSN <= record.LSN(first) {
			continue
		}
		news++
		if held, err := older.Has(id); held || err != nil {
			t.Errorf("%s arrived at lsn %d: a View of lsn %d says %t, %v", id.Short(), s.LSN, first, held, err)
		}
		if _, err := older.Get(id); !errors.Is(err, kv.ErrNotFound) {
			t.Errorf("%s arrived at lsn %d: a View of lsn %d found it, %v", id.Short(), s.LSN, first, err)
		}
	}
	if news == 0 {
		t.Error("nothing arrived later, so nothing was tested")
	}
}
