package kvtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"episteme/engine/kv"
)

var snapshotChecks = []check{
	{"a snapshot does not move", snapshotStays},
	{"a running scan does not move", scanStays},
	{"an apply is visible at once to new snapshots", applyIsVisible},
	{"readers never see half a batch", readersSeeWholeBatches},
	{"applies from several goroutines all count", applyTogether},
}

func snapshotStays(r *rig) error {
	return r.fresh(func(s kv.Store) error {
		empty, err := s.Snapshot()
		if err != nil {
			return err
		}
		defer empty.Close()
		first := []pair{{"a", "1"}, {"b", "1"}, {"c", "1"}}
		if err := put(s, first...); err != nil {
			return err
		}
		full, err := s.Snapshot()
		if err != nil {
			return err
		}
		defer full.Close()

		var b kv.Batch
		b.Delete([]byte("a"))
		b.Put([]byte("b"), []byte("2"))
		b.Put([]byte("d"), []byte("2"))
		if err := errors.Join(s.Apply(&b), s.Sync()); err != nil {
			return err
		}
		return errors.Join(
			wantShown(empty),
			wantMissing(empty, []byte("a")),
			wantShown(full, first...),
			wantMissing(full, []byte("d")),
			wantContent(s, pair{"b", "2"}, pair{"c", "1"}, pair{"d", "2"}),
		)
	})
}

func scanStays(r *rig) error {
	const keys = 300
	return r.fresh(func(s kv.Store) error {
		var pairs []pair
		for i := range keys {
			pairs = append(pairs, pair{fmt.Sprintf("k%03d", i), "1"})
		}
		if err := put(s, pairs...); err != nil {
			return err
		}
		return seen(s, func(snap kv.Snapshot) error {
			i := 0
			for e, err := range snap.Scan(context.Background(), nil, nil) {
				if err != nil {
					return err
				}
				if got := (pair{string(e.Key), string(e.Value)}); i >= keys || got != pairs[i] {
					return fmt.Errorf("entry %d of a scan beside applies is %v", i, got)
				}
				if i%10 == 0 { // what lies ahead goes, changes, and gets company
					var b kv.Batch
					b.Delete(fmt.Appendf(nil, "k%03d", i+1))
					b.Put(fmt.Appendf(nil, "k%03d", i+2), []byte("2"))
					b.Put(fmt.Appendf(nil, "k%03d+", i), []byte("2"))
					if err := s.Apply(&b); err != nil {
						return err
					}
				}
				i++
			}
			if i != keys {
				return fmt.Errorf("a scan beside applies yields %d entries, want %d", i, keys)
			}
			return nil
		})
	})
}

func applyIsVisible(r *rig) error {
	return r.fresh(func(s kv.Store) error {
		for i := range 200 {
			want := fmt.Sprint(i)
			if err := put(s, pair{"counter", want}); err != nil {
				return err
			}
			if err := seen(s, func(snap kv.Snapshot) error { return wantGet(snap, "counter", want) }); err != nil {
				return fmt.Errorf("right after its apply: %w", err)
			}
		}
		return nil
	})
}

// readersSeeWholeBatches writes one generation to all of its keys in each batch. A reader that finds two generations
// in one snapshot has seen half a batch; one that finds an older generation than before has gone back in time.
func readersSeeWholeBatches(r *rig) error {
	const readers, keys, generations = 3, 64, 150
	return r.fresh(func(s kv.Store) error {
		write := func(generation int) error {
			var b kv.Batch
			for k := range keys {
				b.Put(fmt.Appendf(nil, "k%02d", k), fmt.Appendf(nil, "%06d", generation))
			}
			return s.Apply(&b)
		}
		if err := write(0); err != nil {
			return err
		}
		var done atomic.Bool
		errs := make([]error, readers+1)
		var wg sync.WaitGroup
		for i := range readers {
			wg.Go(func() { errs[i] = watchGenerations(s, keys, &done) })
		}
		wg.Go(func() {
			defer done.Store(true)
			for g := 1; g <= generations && errs[readers] == nil; g++ {
				errs[readers] = write(g)
			}
		})
		wg.Wait()
		return errors.Join(errs...)
	})
}

// watchGenerations reads until done, and once more after.
func watchGenerations(s kv.Store, keys int, done *atomic.Bool) error {
	last := ""
	for more := true; more; {
		more = !done.Load()
		err := seen(s, func(snap kv.Snapshot) error {
			got, err := collect(snap.Scan(context.Background(), nil, nil))
			if err != nil {
				return err
			}
			if len(got) != keys {
				return fmt.Errorf("a snapshot beside applies has %d keys, want %d", len(got), keys)
			}
			generation := got[0].value
			for _, p := range got {
				if p.value != generation {
					return fmt.Errorf("half a batch: %v and %v in one snapshot", got[0], p)
				}
			}
			if generation < last {
				return fmt.Errorf("a later snapshot shows generation %s after %s", generation, last)
			}
			last = generation
			return wantGet(snap, got[keys-1].key, generation)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func applyTogether(r *rig) error {
	const writers, batches = 4, 40
	return r.fresh(func(s kv.Store) error {
		errs := make([]error, writers)
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for i := 0; i < batches && errs[w] == nil; i++ {
					errs[w] = put(s, pair{fmt.Sprintf("w%d:%03d", w, i), "1"})
				}
			})
		}
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			return err
		}
		var want []pair
		for w := range writers {
			for i := range batches {
				want = append(want, pair{fmt.Sprintf("w%d:%03d", w, i), "1"})
			}
		}
		return wantContent(s, want...)
	})
}
