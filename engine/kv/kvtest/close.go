package kvtest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"episteme/engine/kv"
)

var closeChecks = []check{
	{"a closed snapshot answers ErrClosed", closedSnapshot},
	{"a closed store answers ErrClosed, and so do its snapshots", closedStore},
	{"closing again does nothing", closedTwice},
	{"a snapshot may be closed inside its own scan", closeSnapshotInScan},
	{"a store may be closed inside a scan", closeStoreInScan},
	{"a store may be closed beside readers and writers", closeBesideUse},
}

var reopenChecks = []check{
	{"reopening shows what was applied and synced", reopenSynced},
	{"reopening after a close without sync shows what was applied", reopenUnsynced},
	{"reopening keeps deletes and large values", reopenLarge},
	{"the size grows with what is held", sizeGrows},
}

func closedSnapshot(r *rig) error {
	return r.fresh(func(s kv.Store) error {
		if err := put(s, pair{"a", "1"}); err != nil {
			return err
		}
		snap, err := s.Snapshot()
		if err != nil {
			return err
		}
		seq := snap.Scan(context.Background(), nil, nil) // made before, run after
		if err := snap.Close(); err != nil {
			return err
		}
		return errors.Join(wantClosed(snap), wantScanClosed(seq), wantContent(s, pair{"a", "1"}))
	})
}

func wantClosed(snap kv.Snapshot) error {
	_, err := snap.Get([]byte("a"))
	return errors.Join(
		wantErr("Get", err, kv.ErrClosed),
		wantScanClosed(snap.Scan(context.Background(), nil, nil)),
		wantScanClosed(snap.Scan(context.Background(), []byte("x"), []byte("y"))), // an empty range too
	)
}

func wantScanClosed(seq func(func(kv.Entry, error) bool)) error {
	got, err := collect(seq)
	if len(got) > 0 {
		return fmt.Errorf("scan after Close = %v", got)
	}
	return wantErr("Scan", err, kv.ErrClosed)
}

func closedStore(r *rig) error {
	return r.fresh(func(s kv.Store) error {
		if err := put(s, pair{"a", "1"}); err != nil {
			return err
		}
		snap, err := s.Snapshot()
		if err != nil {
			return err
		}
		if err := s.Close(); err != nil {
			return fmt.Errorf("close with an open snapshot: %w", err)
		}
		_, err = s.Snapshot()
		return errors.Join(
			wantClosed(snap),
			wantErr("Snapshot", err, kv.ErrClosed),
			wantErr("Apply", put(s, pair{"b", "1"}), kv.ErrClosed),
			wantErr("Sync", s.Sync(), kv.ErrClosed),
			snap.Close(),
		)
	})
}

func closedTwice(r *rig) error {
	return r.fresh(func(s kv.Store) error {
		snap, err := s.Snapshot()
		if err != nil {
			return err
		}
		return errors.Join(snap.Close(), snap.Close(), s.Close(), s.Close(), snap.Close())
	})
}

func closeSnapshotInScan(r *rig) error {
	return r.fresh(func(s kv.Store) error {
		return closeInScan(s, func(snap kv.Snapshot) error { return snap.Close() })
	})
}

func closeStoreInScan(r *rig) error {
	return r.fresh(func(s kv.Store) error {
		return closeInScan(s, func(kv.Snapshot) error { return s.Close() })
	})
}

// closeInScan closes at the first entry, large ones included: the entry stays readable until the next step, which is
// the last and says ErrClosed.
func closeInScan(s kv.Store, shut func(kv.Snapshot) error) error {
	first := pair{"a", patterned(1<<20+1, 1)}
	if err := errors.Join(put(s, first), put(s, pair{"b", "2"}, pair{"c", "3"})); err != nil {
		return err
	}
	snap, err := s.Snapshot()
	if err != nil {
		return err
	}
	step := 0
	for e, err := range snap.Scan(context.Background(), nil, nil) {
		switch step {
		case 0:
			if err := errors.Join(err, shut(snap)); err != nil {
				return err
			}
			if got := (pair{string(e.Key), string(e.Value)}); got != first {
				return fmt.Errorf("after a close inside the loop the entry is %v, want %v", got, first)
			}
		case 1:
			if err := wantErr("the step of a scan after Close", err, kv.ErrClosed); err != nil {
				return err
			}
		default:
			return fmt.Errorf("a scan goes on after its error, with %q, %v", e.Key, err)
		}
		step++
	}
	if step != 2 {
		return fmt.Errorf("a scan closed at its first entry takes %d steps, want 2", step)
	}
	return snap.Close()
}

// closeBesideUse lets everybody work until closed. Each must have begun before, and end with ErrClosed and nothing
// else: a hang shows as the test's time-out, freed memory as a fault.
func closeBesideUse(r *rig) error {
	const readers, keys = 3, 200
	return r.fresh(func(s kv.Store) error {
		var pairs []pair
		for i := range keys {
			pairs = append(pairs, pair{fmt.Sprintf("k%03d", i), patterned(100, byte(i))})
		}
		if err := put(s, pairs...); err != nil {
			return err
		}
		errs := make([]error, readers+1)
		var begun, ended sync.WaitGroup
		work := func(i int, once func() error) {
			begun.Add(1)
			ended.Go(func() {
				errs[i] = once()
				begun.Done()
				for errs[i] == nil {
					errs[i] = once()
				}
			})
		}
		for i := range readers {
			work(i, func() error {
				return seen(s, func(snap kv.Snapshot) error {
					return errors.Join(wantScan(snap, nil, nil, pairs), wantGet(snap, pairs[7].key, pairs[7].value))
				})
			})
		}
		work(readers, func() error { return put(s, pairs[:10]...) })
		begun.Wait()
		if err := s.Close(); err != nil {
			return err
		}
		ended.Wait()
		for _, err := range errs {
			if err := wantErr("work beside Close", err, kv.ErrClosed); err != nil {
				return err
			}
		}
		return nil
	})
}

func reopenSynced(r *rig) error {
	dir := r.tempDir()
	want := []pair{{"a", "1"}, {"b", "2"}}
	return errors.Join(
		r.in(dir, func(s kv.Store) error { return errors.Join(put(s, want...), s.Sync()) }),
		r.in(dir, func(s kv.Store) error { return wantContent(s, want...) }),
		r.in(dir, func(s kv.Store) error { return wantContent(s, want...) }),
	)
}

func reopenUnsynced(r *rig) error {
	dir := r.tempDir()
	want := hostilePairs()
	return errors.Join(
		r.in(dir, func(s kv.Store) error { return put(s, want...) }),
		r.in(dir, func(s kv.Store) error { return wantContent(s, want...) }),
	)
}

func reopenLarge(r *rig) error {
	dir := r.tempDir()
	large := pair{"large", patterned(3<<20, 9)}
	return errors.Join(
		r.in(dir, func(s kv.Store) error { return errors.Join(put(s, large), put(s, pair{"gone", "1"})) }),
		r.in(dir, func(s kv.Store) error {
			var b kv.Batch
			b.Delete([]byte("gone"))
			return errors.Join(wantContent(s, pair{"gone", "1"}, large), s.Apply(&b))
		}),
		r.in(dir, func(s kv.Store) error { return wantContent(s, large) }),
	)
}

// sizeGrows allows for compression and for space a store sets aside: it only wants to see half of what is held.
func sizeGrows(r *rig) error {
	dir := r.tempDir()
	const values = 8
	return errors.Join(
		r.in(dir, func(s kv.Store) error {
			for i := range values {
				if err := put(s, pair{fmt.Sprint(i), noise(1<<20, uint64(i))}); err != nil {
					return err
				}
			}
			return nil
		}),
		r.in(dir, func(s kv.Store) error {
			if got := s.SizeBytes(); got < values<<19 {
				return fmt.Errorf("SizeBytes = %d with %d MiB of noise held", got, values)
			}
			return nil
		}),
	)
}
