package engine

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"episteme/engine/ingest"
	"episteme/engine/kv"
	"episteme/engine/record"
	"episteme/engine/trace"
)

// fullStore has no room while it is told so.
type fullStore struct {
	kv.Store
	refuses atomic.Bool
}

func (f *fullStore) Apply(b *kv.Batch) error {
	if f.refuses.Load() {
		return kv.ErrNoRoom
	}
	return f.Store.Apply(b)
}

// TestAnAnswerDoesNotWaitForEver: a question whose audit is durable and cannot be applied says so, and is still one
// question when it is asked again.
func TestAnAnswerDoesNotWaitForEver(t *testing.T) {
	e := &Engine{patience: time.Millisecond}
	if err := e.openMemory(record.LogID{}); err != nil {
		t.Fatal(err)
	}
	store := &fullStore{Store: e.store}
	e.store, e.journal = store, ingest.FromLog(e.log)
	e.index = ingest.NewIndex(store, e.journal)
	log := record.LogID(e.log.Head().Log)
	var err error
	if e.worker, err = ingest.Start(e.journal, e.index, trace.Annotator{Journal: log}); err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	e.Tracer = &trace.Tracer{Index: e.index, Journal: log, Durable: e.durable, Now: time.Now, Rejects: e.rejects.byAgent}

	store.refuses.Store(true)
	q := record.Query{Agent: "ann", Subject: "s", Predicate: "p", Timestamp: 1e18, AsOf: record.Unset}
	_, err = e.Ask(t.Context(), q)
	var behind *BehindError
	if !errors.As(err, &behind) || behind.LSN != 1 || behind.Applied != 0 || !strings.Contains(err.Error(), "episteme show "+behind.ID.Short()) {
		t.Fatalf("Ask = %v, want that the store is behind, at 0 of 1, and how to see the answer", err)
	}
	store.refuses.Store(false)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for err = ErrNoRoom; errors.Is(err, ErrNoRoom); err = e.CatchUp(ctx) { // until it has looked again
		runtime.Gosched()
	}
	if err != nil {
		t.Fatal(err)
	}
	e.patience = time.Minute
	again, err := e.Ask(t.Context(), q)
	if err != nil || again.ID != behind.ID {
		t.Errorf("asked again: %s, %v, want the same audit %s", again.ID.Short(), err, behind.ID.Short())
	}
	if head := e.Head().Last; head != 1 {
		t.Errorf("the journal has %d records, want 1: the question was written down twice", head)
	}
}
