package engine_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"episteme/engine"
	"episteme/engine/kv"
	"episteme/engine/kv/badger"
)

// TestVerifyFindsWhatIsWrongInTheStore: an entry that is missing, one too many, one with another value.
func TestVerifyFindsWhatIsWrongInTheStore(t *testing.T) {
	dir, _, _ := filled(t)
	v, err := engine.Verify(t.Context(), engine.Options{Dir: dir}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !v.Whole() || v.Skipped != "" || v.Store.Entries < 20 || v.Journal.Records != 7 {
		t.Fatalf("a sound directory: %+v, want it whole, with 7 records", v)
	}
	tests := []struct {
		name   string
		damage func(b *kv.Batch, key []byte)
		want   [3]uint64 // missing, extra, different
	}{
		{"missing", func(b *kv.Batch, key []byte) { b.Delete(key) }, [3]uint64{1, 0, 0}},
		{"extra", func(b *kv.Batch, key []byte) { b.Put(append(key, 'x'), []byte("x")) }, [3]uint64{0, 1, 0}},
		{"different", func(b *kv.Batch, key []byte) { b.Put(key, []byte("x")) }, [3]uint64{0, 0, 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			copied := filepath.Join(t.TempDir(), "copied")
			if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			var b kv.Batch
			tt.damage(&b, firstKey(t, copied, "c:"))
			change(t, copied, &b)
			v, err := engine.Verify(t.Context(), engine.Options{Dir: copied}, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, [3]uint64{v.Store.Missing, v.Store.Extra, v.Store.Different}); diff != "" || v.Whole() {
				t.Errorf("missing, extra, different (-want +got):\n%s", diff)
			}
			if _, err := engine.Rebuild(t.Context(), engine.Options{Dir: copied}, false, nil); err != nil {
				t.Fatal(err)
			}
			if v, err = engine.Verify(t.Context(), engine.Options{Dir: copied}, nil, nil); err != nil || !v.Whole() {
				t.Errorf("after a rebuild: %+v, %v; want it whole", v.Store, err)
			}
		})
	}
}

func firstKey(t *testing.T, dir, prefix string) []byte {
	t.Helper()
	store, err := badger.Open(filepath.Join(dir, "kv"), badger.ServerOptions())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	snap, err := store.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	for e, err := range kv.ScanPrefix(t.Context(), snap, []byte(prefix)) {
		if err != nil {
			t.Fatal(err)
		}
		return append([]byte(nil), e.Key...)
	}
	t.Fatalf("no key begins with %s", prefix)
	return nil
}

func change(t *testing.T, dir string, b *kv.Batch) {
	t.Helper()
	store, err := badger.Open(filepath.Join(dir, "kv"), badger.ServerOptions())
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Apply(b); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestExamineChangesNothing: a doctor looks.
func TestExamineChangesNothing(t *testing.T) {
	dir, question, want := filled(t)
	x, err := engine.Examine(t.Context(), engine.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if !x.Clean || !x.StoreClean || x.Last != 7 || x.Applied == nil || *x.Applied != 7 || len(x.Advice) != 0 || x.CleanAt == nil {
		t.Errorf("Examine = %+v, want it clean, at lsn 7, nothing to do", x)
	}
	if news := checkVerdict(t, dir, question, want); len(news) != 0 {
		t.Errorf("news %q after an examination, want none", news)
	}
	e := open(t, dir)
	defer e.Close()
	if x, err = engine.Examine(t.Context(), engine.Options{Dir: dir}); err != nil || len(x.Advice) == 0 {
		t.Errorf("Examine beside a process that holds it = %+v, %v; want advice that names it", x.Advice, err)
	}
}

// TestAStoreThatCannotBeReadIsNotWhole: nothing checked is a failure.
func TestAStoreThatCannotBeReadIsNotWhole(t *testing.T) {
	for _, pattern := range []string{"kv/*.sst", "kv/MANIFEST"} {
		dir, _, _ := filled(t)
		flip(t, dir, pattern)
		v, err := engine.Verify(t.Context(), engine.Options{Dir: dir}, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if v.Whole() || v.Skipped == "" {
			t.Errorf("%s changed: whole %t, skipped %q, want neither", pattern, v.Whole(), v.Skipped)
		}
	}
}

// TestADoctorSeesAStoreOfAnotherJournal: what every other command refuses does not look healthy.
func TestADoctorSeesAStoreOfAnotherJournal(t *testing.T) {
	dir, _, _ := filled(t)
	other, _, _ := filled(t)
	if err := errors.Join(os.RemoveAll(filepath.Join(dir, "kv")), os.Rename(filepath.Join(other, "kv"), filepath.Join(dir, "kv"))); err != nil {
		t.Fatal(err)
	}
	x, err := engine.Examine(t.Context(), engine.Options{Dir: dir})
	if err != nil || len(x.Advice) == 0 {
		t.Errorf("Examine = %+v, %v, want advice", x.Advice, err)
	}
}
