package kvtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	"episteme/engine/kv"
	"episteme/engine/kv/mem"
)

// broken is a good store with one promise taken away by its hooks; a nil hook leaves the promise.
type broken struct {
	kv.Store
	apply    func(kv.Store, *kv.Batch) error
	snapshot func(kv.Store) (kv.Snapshot, error)
	close    func(kv.Store) error
	brokenSnapshot
}

type brokenSnapshot struct {
	get  func(kv.Snapshot, []byte) ([]byte, error)
	scan func(context.Context, kv.Snapshot, []byte, []byte) iter.Seq2[kv.Entry, error]
}

func (b *broken) Apply(batch *kv.Batch) error {
	if b.apply != nil {
		return b.apply(b.Store, batch)
	}
	return b.Store.Apply(batch)
}

func (b *broken) Snapshot() (kv.Snapshot, error) {
	if b.snapshot != nil {
		return b.snapshot(b.Store)
	}
	snap, err := b.Store.Snapshot()
	if err != nil {
		return nil, err
	}
	return &hooked{snap, b.brokenSnapshot}, nil
}

func (b *broken) Close() error {
	if b.close != nil {
		return b.close(b.Store)
	}
	return b.Store.Close()
}

type hooked struct {
	kv.Snapshot
	brokenSnapshot
}

func (h *hooked) Get(key []byte) ([]byte, error) {
	if h.get != nil {
		return h.get(h.Snapshot, key)
	}
	return h.Snapshot.Get(key)
}

func (h *hooked) Scan(ctx context.Context, lower, upper []byte) iter.Seq2[kv.Entry, error] {
	if h.scan != nil {
		return h.scan(ctx, h.Snapshot, lower, upper)
	}
	return h.Snapshot.Scan(ctx, lower, upper)
}

// live is a snapshot that moves.
type live struct{ store kv.Store }

func (l live) Get(key []byte) (value []byte, err error) {
	err = seen(l.store, func(s kv.Snapshot) error { value, err = s.Get(key); return err })
	return value, err
}

func (l live) Scan(ctx context.Context, lower, upper []byte) iter.Seq2[kv.Entry, error] {
	return func(yield func(kv.Entry, error) bool) {
		_ = seen(l.store, func(s kv.Snapshot) error { s.Scan(ctx, lower, upper)(yield); return nil })
	}
}

func (l live) Close() error { return nil }

// opByOp applies what it gets through change, one operation a batch.
func opByOp(change func(kv.Op, *kv.Batch)) func(kv.Store, *kv.Batch) error {
	return func(s kv.Store, b *kv.Batch) error {
		for o := range b.Ops() {
			var one kv.Batch
			change(o, &one)
			if err := s.Apply(&one); err != nil {
				return err
			}
		}
		return nil
	}
}

func same(o kv.Op, b *kv.Batch) {
	if o.Delete {
		b.Delete(o.Key)
	} else {
		b.Put(o.Key, o.Value)
	}
}

// scanWith is a scan whose entries go through change, which says whether to keep one.
func scanWith(change func(*kv.Entry) bool) func(context.Context, kv.Snapshot, []byte, []byte) iter.Seq2[kv.Entry, error] {
	return func(ctx context.Context, s kv.Snapshot, lower, upper []byte) iter.Seq2[kv.Entry, error] {
		return func(yield func(kv.Entry, error) bool) {
			for e, err := range s.Scan(ctx, lower, upper) {
				if (err != nil || change(&e)) && !yield(e, err) {
					return
				}
			}
		}
	}
}

// TestEachCheckFindsItsBrokenStore is the proof that the kit can fail. Each store breaks one promise; the check that
// is named must object.
func TestEachCheckFindsItsBrokenStore(t *testing.T) {
	shared := map[string][]byte{}
	var stale kv.Snapshot
	var kept *kv.Batch
	closed := map[kv.Store]bool{}
	tests := []struct {
		check string
		store broken
	}{
		{"a scan is ascending by bytes whatever the order of puts", broken{brokenSnapshot: brokenSnapshot{
			scan: func(ctx context.Context, s kv.Snapshot, lower, upper []byte) iter.Seq2[kv.Entry, error] {
				return func(yield func(kv.Entry, error) bool) {
					pairs, _ := collect(s.Scan(ctx, lower, upper))
					slices.Reverse(pairs)
					for _, p := range pairs {
						if !yield(kv.Entry{Key: []byte(p.key), Value: []byte(p.value)}, nil) {
							return
						}
					}
				}
			}}}},
		{"a scan has its lower bound and not its upper", broken{brokenSnapshot: brokenSnapshot{
			scan: func(ctx context.Context, s kv.Snapshot, lower, upper []byte) iter.Seq2[kv.Entry, error] {
				if upper != nil {
					upper = append(slices.Clone(upper), 0)
				}
				return s.Scan(ctx, lower, upper)
			}}}},
		{"a prefix scan has all keys of the prefix and no other", broken{brokenSnapshot: brokenSnapshot{
			scan: scanWith(func(e *kv.Entry) bool { return !bytes.HasSuffix(e.Key, []byte{0xff}) })}}},
		{"a scan crosses thousands of keys without loss or repetition", broken{brokenSnapshot: brokenSnapshot{
			scan: scanWith(func(e *kv.Entry) bool { return string(e.Key) != "n:00002500" })}}},
		{"a scan can be broken off and run again", broken{brokenSnapshot: brokenSnapshot{
			scan: func(ctx context.Context, s kv.Snapshot, lower, upper []byte) iter.Seq2[kv.Entry, error] {
				next, _ := iter.Pull2(s.Scan(ctx, lower, upper))
				return func(yield func(kv.Entry, error) bool) {
					for e, err, ok := next(); ok && yield(e, err); e, err, ok = next() {
					}
				}
			}}}},
		{"scans of one snapshot run side by side", broken{snapshot: func(s kv.Store) (kv.Snapshot, error) {
			snap, err := s.Snapshot()
			var buf []byte // one for all scans of the snapshot
			return &hooked{snap, brokenSnapshot{scan: scanWith(func(e *kv.Entry) bool {
				buf = append(buf[:0], e.Key...)
				e.Key = buf
				return true
			})}}, err
		}}},
		{"the empty key holds nothing", broken{brokenSnapshot: brokenSnapshot{
			get: func(s kv.Snapshot, key []byte) ([]byte, error) {
				if len(key) == 0 {
					return nil, errors.New("an error of the store's own")
				}
				return s.Get(key)
			}}}},
		{"a cancelled context stops a scan at its next step", broken{brokenSnapshot: brokenSnapshot{
			scan: func(_ context.Context, s kv.Snapshot, lower, upper []byte) iter.Seq2[kv.Entry, error] {
				return s.Scan(context.Background(), lower, upper)
			}}}},

		{"within a batch the last operation on a key counts", broken{apply: func(s kv.Store, b *kv.Batch) error {
			var backwards kv.Batch
			for _, o := range slices.Backward(slices.Collect(b.Ops())) {
				same(o, &backwards)
			}
			return s.Apply(&backwards)
		}}},
		{"an empty batch and a delete of nothing do nothing", broken{apply: func(s kv.Store, b *kv.Batch) error {
			if b.Len() == 0 {
				return errors.New("nothing to do")
			}
			return s.Apply(b)
		}}},
		{"a batch keeps copies of what it is given, a store of what it applies", broken{
			apply: func(_ kv.Store, b *kv.Batch) error { kept = b; return nil },
			snapshot: func(s kv.Store) (kv.Snapshot, error) {
				if err := s.Apply(kept); err != nil {
					return nil, err
				}
				return s.Snapshot()
			}}},
		{"a batch with a bad key changes nothing", broken{apply: opByOp(same)}},
		{"a batch that is too big changes nothing, and fits when split", broken{apply: opByOp(same)}},
		{"empty values are values", broken{apply: opByOp(func(o kv.Op, b *kv.Batch) {
			if o.Delete = o.Delete || len(o.Value) == 0; true {
				same(o, b)
			}
		})}},
		{"large values come back whole", broken{apply: opByOp(func(o kv.Op, b *kv.Batch) {
			if len(o.Value) > 1<<20 {
				o.Value = o.Value[:1<<20]
			}
			same(o, b)
		})}},
		{"the value of a get belongs to the caller", broken{brokenSnapshot: brokenSnapshot{
			get: func(s kv.Snapshot, key []byte) ([]byte, error) {
				if shared[string(key)] == nil {
					shared[string(key)], _ = s.Get(key)
				}
				return shared[string(key)], nil
			}}}},

		{"a snapshot does not move", broken{snapshot: func(s kv.Store) (kv.Snapshot, error) { return live{s}, nil }}},
		{"a running scan does not move", broken{snapshot: func(s kv.Store) (kv.Snapshot, error) {
			snap, err := s.Snapshot()
			// Each step looks for the next key in the store of that moment.
			return &hooked{snap, brokenSnapshot{
				scan: func(ctx context.Context, _ kv.Snapshot, lower, upper []byte) iter.Seq2[kv.Entry, error] {
					return func(yield func(kv.Entry, error) bool) {
						for more := true; more; {
							more = false
							for e, err := range (live{s}).Scan(ctx, lower, upper) {
								lower = append(bytes.Clone(e.Key), 0)
								more = yield(e, err)
								break
							}
						}
					}
				}}}, err
		}}},
		{"an apply is visible at once to new snapshots", broken{snapshot: func(s kv.Store) (kv.Snapshot, error) {
			before := stale
			var err error
			if stale, err = s.Snapshot(); before == nil {
				before = stale
			}
			return &hooked{Snapshot: before}, err
		}}},
		{"readers never see half a batch", broken{
			// Each snapshot comes between the first operation of a batch and its others.
			snapshot: func(s kv.Store) (kv.Snapshot, error) {
				var b kv.Batch
				b.Put([]byte("k00"), []byte("half"))
				if err := s.Apply(&b); err != nil {
					return nil, err
				}
				return s.Snapshot()
			}}},

		{"a closed snapshot answers ErrClosed", broken{snapshot: func(s kv.Store) (kv.Snapshot, error) { return live{s}, nil }}},
		{"a closed store answers ErrClosed, and so do its snapshots", broken{close: func(kv.Store) error { return nil }}},
		{"closing again does nothing", broken{close: func(s kv.Store) error {
			if closed[s] {
				return errors.New("already closed")
			}
			closed[s] = true
			return s.Close()
		}}},
		{"a snapshot may be closed inside its own scan", broken{snapshot: func(s kv.Store) (kv.Snapshot, error) { return live{s}, nil }}},
		{"a store may be closed inside a scan", broken{close: func(kv.Store) error { return nil }}},
		{"random operations do what a map does", broken{apply: opByOp(func(o kv.Op, b *kv.Batch) {
			if !o.Delete || string(o.Key) != "a\xff" {
				same(o, b)
			}
		})}},
	}
	for _, tt := range tests {
		t.Run(tt.check, func(t *testing.T) {
			r := &rig{tempDir: t.TempDir, logf: t.Logf, open: func(string) (kv.Store, error) {
				store := tt.store
				store.Store = mem.New()
				return &store, nil
			}}
			if err := named(t, tt.check, checks).run(r); err == nil {
				t.Error("the check passes a store that breaks its rule")
			} else {
				t.Log(err)
			}
		})
	}
}

// TestPersistentChecksFindAStoreThatForgets uses the store in memory, which forgets everything.
func TestPersistentChecksFindAStoreThatForgets(t *testing.T) {
	for _, c := range persistentChecks {
		t.Run(c.name, func(t *testing.T) {
			r := &rig{tempDir: t.TempDir, logf: t.Logf, open: func(string) (kv.Store, error) { return mem.New(), nil }}
			if c.run(r) == nil {
				t.Error("the check passes a store that forgets")
			}
		})
	}
}

func named(t *testing.T, name string, checks []check) check {
	t.Helper()
	for _, c := range checks {
		if c.name == name {
			return c
		}
	}
	t.Fatalf("there is no check %q", name)
	return check{}
}

func TestShrinkLeavesTheOperationsThatMatter(t *testing.T) {
	var ops []op
	for i := range 100 {
		ops = append(ops, op{kind: opSync}, op{kind: opApply, batch: []batchOp{
			{key: "x", value: fmt.Sprint(i)}, {key: "y", value: "1"}, {key: "x", deletes: true},
		}})
	}
	// Fails when "put x=42" stands somewhere before a "delete x".
	fails := func(ops []op) bool {
		put := false
		for _, o := range ops {
			for _, c := range o.batch {
				if c.key == "x" && c.value == "42" {
					put = true
				}
				if c.key == "x" && c.deletes && put {
					return true
				}
			}
		}
		return false
	}
	var got []string
	for _, o := range shrink(ops, fails) {
		got = append(got, o.String())
	}
	if want := `apply: put "x"="42" delete "x"`; strings.Join(got, "; ") != want {
		t.Errorf("shrink = %s, want %s", strings.Join(got, "; "), want)
	}
}

// TestFailuresOfRandomOperationsCanBeRepeated reads what a person would: the seed, and a list short enough to follow.
func TestFailuresOfRandomOperationsCanBeRepeated(t *testing.T) {
	r := &rig{tempDir: t.TempDir, logf: t.Logf, open: func(string) (kv.Store, error) {
		return &broken{Store: mem.New(), apply: opByOp(func(o kv.Op, b *kv.Batch) {
			if !o.Delete {
				same(o, b)
			}
		})}, nil
	}}
	err := randomSeed(r, 1, false)
	if err == nil {
		t.Fatal("a store without deletes passes")
	}
	seed, list, _ := strings.Cut(err.Error(), "\n")
	if !strings.Contains(seed, "KVTEST_SEED=1:") {
		t.Errorf("the first line does not tell the seed: %s", seed)
	}
	if lines := strings.Count(list, "\n\t"); lines > 4 {
		t.Errorf("%d operations are left, want at most 4:\n%s", lines, list)
	}
}
