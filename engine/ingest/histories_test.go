package ingest_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"episteme/engine/ingest"
	"episteme/engine/kv"
	"episteme/engine/kv/badger"
	"episteme/engine/kv/mem"
	"episteme/engine/record"
	"episteme/engine/vfs"
	"episteme/engine/wal"
)

// remembering is a store that keeps the batches it took, so that a crash can take some of the last ones away: what a
// store does that is not synced.
type remembering struct {
	kv.Store
	taken []kv.Batch
}

func newRemembering() *remembering { return &remembering{Store: mem.NewLimited(16 << 10)} }

func (s *remembering) Apply(b *kv.Batch) error {
	err := s.Store.Apply(b)
	if err == nil {
		var kept kv.Batch
		for op := range b.Ops() {
			if op.Delete {
				kept.Delete(op.Key)
			} else {
				kept.Put(op.Key, op.Value)
			}
		}
		s.taken = append(s.taken, kept)
	}
	return err
}

// crashed is a store that holds the first n batches.
func (s *remembering) crashed(t *testing.T, n int) *remembering {
	t.Helper()
	after := newRemembering()
	for i := range s.taken[:n] {
		if err := after.Apply(&s.taken[i]); err != nil {
			t.Fatal(err)
		}
	}
	return after
}

// life opens the journal on disk and a worker over store, appends records until something stops it, and returns what is
// left of them.
func life(t *testing.T, disk vfs.FS, store kv.Store, records []record.Record, batch int) []record.Record {
	t.Helper()
	log, _, err := wal.Open(disk, "wal", wal.Options{ReserveBytes: -1, IdleMark: -1, SegmentBytes: 16 << 10})
	if err != nil {
		if !errors.Is(err, vfs.ErrStopped) {
			t.Fatal(err)
		}
		return records
	}
	defer log.Close()
	w, err := ingest.Start(ingest.FromLog(log), ingest.NewIndex(store, log), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for len(records) > 0 {
		n := min(batch, len(records))
		var entries []wal.Entry
		for _, r := range records[:n] {
			payload, err := record.Encode(nil, r)
			if err != nil {
				t.Fatal(err)
			}
			entries = append(entries, wal.Entry{Kind: uint8(r.Kind()), Payload: payload})
		}
		receipt, err := log.Append(t.Context(), entries...)
		if err != nil {
			return records // what was under way may be there or not: sent again, it keeps its first LSN
		}
		if err := w.Wait(t.Context(), record.LSN(receipt.Last)); err != nil {
			return records
		}
		records = records[n:]
	}
	return nil
}

// settled opens what is left after all crashes, lets the store catch up, and compares it with one made anew.
func settled(t *testing.T, what string, disk vfs.FS, store kv.Store, fresh func() kv.Store) {
	t.Helper()
	log, _, err := wal.Open(disk, "wal", wal.Options{ReserveBytes: -1, IdleMark: -1, SegmentBytes: 16 << 10})
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	defer log.Close()
	if _, err := ingest.CheckWhole(t.Context(), store); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	last := log.Head().Last
	run(t, log, store, last)
	rebuilt := fresh()
	run(t, log, rebuilt, last)
	if diff := cmp.Diff(contents(t, rebuilt), contents(t, store)); diff != "" {
		t.Fatalf("%s: the store differs from one made anew (-anew +store):\n%s", what, diff)
	}
}

// TestCrashAtEveryStepOfIngest stops the journal's disk before each of its operations in turn, keeps nothing, everything
// or some of what was not synced, and takes the last transactions of the store away as well.
func TestCrashAtEveryStepOfIngest(t *testing.T) {
	list := history(t, 5, 40)
	steps := 0
	for n := 1; ; n++ {
		inner := vfs.NewMem()
		disk := vfs.NewFaulty(inner)
		disk.SetPlan(vfs.StopAt(n))
		store := newRemembering()
		if left := life(t, disk, store, list, 5); left == nil {
			break
		}
		steps++
		for i, keep := range []vfs.Choice{vfs.KeepNone, vfs.KeepAll, vfs.KeepSeeded(uint64(n))} {
			for _, lost := range []int{0, 1, 3} {
				after := inner.Crash(keep)
				crashed := store.crashed(t, max(0, len(store.taken)-lost))
				what := fmt.Sprintf("stopped before step %d, choice %d, %d transactions lost", n, i, lost)
				life(t, after, crashed, list, 5)
				settled(t, what, after, crashed, func() kv.Store { return mem.New() })
			}
		}
	}
	if steps < 20 {
		t.Errorf("%d steps, want 20 or more: the test has lost its teeth", steps)
	}
}

// histories is how many random histories are tried; each tenth has a store on disk as well.
const histories = 1000

// TestRandomHistories: after any records, crashes and reopenings the store equals one made anew, in memory and on disk.
func TestRandomHistories(t *testing.T) {
	n := histories
	if testing.Short() {
		n /= 10
	}
	for seed := range uint64(n) {
		r := rand.New(rand.NewPCG(seed, 77))
		list := history(t, seed, 20+r.IntN(150))
		if seed%7 == 0 {
			list = append(list, audits(t, r, 150)...) // enough to fill packs
		}
		disk, store, left := vfs.NewMem(), newRemembering(), list
		for lives := r.IntN(5); lives > 0 && left != nil; lives-- {
			faulty := vfs.NewFaulty(disk)
			faulty.SetPlan(vfs.StopAt(1 + r.IntN(40)))
			left = life(t, faulty, store, left, 1+r.IntN(20))
			disk = disk.Crash(vfs.KeepSeeded(r.Uint64()))
			store = store.crashed(t, max(0, len(store.taken)-r.IntN(4)))
		}
		life(t, disk, store, left, 1+r.IntN(30))
		fresh := func() kv.Store { return mem.New() }
		if seed%10 == 0 {
			fresh = func() kv.Store { return openBadger(t) }
		}
		settled(t, fmt.Sprintf("seed %d", seed), disk, store, fresh)
	}
}

func openBadger(t *testing.T) kv.Store {
	t.Helper()
	store, err := badger.Open(t.TempDir(), badger.ServerOptions())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

// TestReadersNeverSeeHalfABatch reads while the worker writes: each view is one moment at which what is counted, what is
// listed and what lies at each LSN agree.
func TestReadersNeverSeeHalfABatch(t *testing.T) {
	const seed = 11
	r := rand.New(rand.NewPCG(seed, 3))
	list := append(history(t, seed, 400), audits(t, r, 1200)...)
	log := openLog(t, vfs.NewMem())
	store := openBadger(t)
	w, err := ingest.Start(ingest.FromLog(log), ingest.NewIndex(store, log), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	done := make(chan struct{})
	var readers sync.WaitGroup
	var mu sync.Mutex
	moments := map[record.LSN]bool{} // guarded by mu
	for range 3 {
		readers.Go(func() {
			for {
				lsn := agrees(t, log, store)
				mu.Lock()
				moments[lsn] = true
				mu.Unlock()
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for part := range slices.Chunk(list, 25) {
		last := appendAll(t, log, part)
		if err := w.Wait(t.Context(), record.LSN(last)); err != nil {
			t.Fatal(err)
		}
	}
	close(done)
	readers.Wait()
	if len(moments) < 10 {
		t.Errorf("%d moments were seen, want 10 or more: the test has lost its teeth", len(moments))
	}
}

// agrees checks one view and returns its applied LSN.
func agrees(t *testing.T, log *wal.Log, store kv.Store) record.LSN {
	v, err := ingest.NewIndex(store, log).View()
	if err != nil {
		t.Error(err)
		return 0
	}
	defer v.Close()
	applied := v.Applied()
	dense, distinct := record.LSN(0), map[record.ID]bool{}
	for h, err := range v.Dense(t.Context()) {
		if dense++; err != nil || h.LSN != dense {
			t.Errorf("at lsn %d: dense entry %d is %d, %v", applied.LSN, dense, h.LSN, err)
			return 0
		}
		if h.ID.Kind == record.KindAudit {
			distinct[h.ID] = true
		}
	}
	listed, counted := 0, uint64(0)
	for _, err := range v.All(t.Context(), nil, nil) {
		if listed++; err != nil {
			t.Error(err)
		}
	}
	for a, err := range v.Agents(t.Context()) {
		if counted += a.Queries; err != nil {
			t.Error(err)
		}
		n := uint64(0)
		for range v.ByAgent(t.Context(), a.Name, nil, nil) {
			n++
		}
		if n != a.Queries {
			t.Errorf("at lsn %d: %s has %d audits listed and %d counted", applied.LSN, a.Name, n, a.Queries)
		}
	}
	if dense != applied.LSN || listed != len(distinct) || counted != uint64(listed) {
		t.Errorf("at lsn %d: %d in the dense index, %d audits there, %d listed, %d counted", applied.LSN, dense, len(distinct), listed, counted)
	}
	return applied.LSN
}
