package ingest

import (
	"errors"
	"sync/atomic"
	"testing"

	"episteme/engine/kv"
	"episteme/engine/kv/mem"
	"episteme/engine/record"
)

// counted counts the snapshots of a store that are open.
type counted struct {
	kv.Store
	taken, open atomic.Int64
}

type countedSnapshot struct {
	kv.Snapshot
	of *counted
}

func (c *counted) Snapshot() (kv.Snapshot, error) {
	snap, err := c.Store.Snapshot()
	if err != nil {
		return nil, err
	}
	c.taken.Add(1)
	c.open.Add(1)
	return countedSnapshot{snap, c}, nil
}

func (s countedSnapshot) Close() error {
	s.of.open.Add(-1)
	return s.Snapshot.Close()
}

func takeView(t *testing.T, x *Index) *View {
	t.Helper()
	v, err := x.View()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func applyLSN(t *testing.T, x *Index, lsn record.LSN) {
	t.Helper()
	var b kv.Batch
	b.Put(keyApplied, Applied{LSN: lsn}.value())
	if err := x.store.Apply(&b); err != nil {
		t.Fatal(err)
	}
	x.renew()
}

func TestViewsShareASnapshotUntilSomethingIsApplied(t *testing.T) {
	store := &counted{Store: mem.New()}
	x := NewIndex(store, nil)
	applyLSN(t, x, 1)
	a, b := takeView(t, x), takeView(t, x)
	if a.Applied().LSN != 1 || b.Applied().LSN != 1 || store.taken.Load() != 1 {
		t.Fatalf("at lsn %d and %d with %d snapshots, want 1, 1 and one snapshot", a.Applied().LSN, b.Applied().LSN, store.taken.Load())
	}
	applyLSN(t, x, 2)
	c := takeView(t, x)
	if c.Applied().LSN != 2 {
		t.Errorf("a View taken after an apply is at lsn %d, want 2", c.Applied().LSN)
	}
	if value, err := a.snap.Get(keyApplied); err != nil || value[7] != 1 {
		t.Errorf("an older View reads %v, %v; want what it was taken at", value, err)
	}
	for range 2 { // closing again does nothing to the others
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := b.snap.Get(keyApplied); err != nil {
		t.Errorf("a View that is open reads %v after another one was closed twice", err)
	}
	if b.Close(); store.open.Load() != 1 {
		t.Errorf("%d snapshots are open, want that of lsn 2 alone", store.open.Load())
	}
	c.Close()
	if applyLSN(t, x, 3); store.open.Load() != 0 {
		t.Errorf("%d snapshots are open that nobody can get any more", store.open.Load())
	}
}

func TestWhatCouldNotBeLookedUpIsLookedUpAgain(t *testing.T) {
	store := mem.New()
	x := NewIndex(store, nil)
	v := takeView(t, x)
	var b kv.Batch
	b.Put(primaryKey(record.ID{Kind: record.KindErasure}), nil)
	if err := store.Apply(&b); err != nil {
		t.Fatal(err)
	}
	closed := v.snap
	closed.Close()
	if _, err := v.anyErased(); !errors.Is(err, kv.ErrClosed) {
		t.Fatalf("found %v, want %v", err, kv.ErrClosed)
	}
	snap, err := store.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	x.shared.view.snap = snap
	if some, err := v.anyErased(); !some || err != nil {
		t.Errorf("found %t, %v after it could be looked up; want true", some, err)
	}
}
