package kvtest

import (
	"errors"
	"fmt"
	"strings"

	"episteme/engine/kv"
)

var batchChecks = []check{
	{"within a batch the last operation on a key counts", batchLastWins},
	{"an empty batch and a delete of nothing do nothing", batchOfNothing},
	{"a batch keeps copies of what it is given, a store of what it applies", batchCopies},
	{"a batch can be used again after Reset", batchReused},
	{"a batch with a bad key changes nothing", batchBadKey},
	{"a batch that is too big changes nothing, and fits when split", batchTooBig},
	{"empty values are values", emptyValues},
	{"large values come back whole", largeValues},
	{"the value of a get belongs to the caller", getIsOwned},
}

func batchLastWins(r *rig) error {
	return r.fresh(func(s kv.Store) error {
		if err := put(s, pair{"gone", "0"}, pair{"kept", "0"}); err != nil {
			return err
		}
		var b kv.Batch
		b.Put([]byte("twice"), []byte("1"))
		b.Put([]byte("gone"), []byte("1"))
		b.Delete([]byte("kept"))
		b.Put([]byte("twice"), []byte("2"))
		b.Delete([]byte("gone"))
		b.Put([]byte("kept"), []byte("1"))
		b.Put([]byte("flash"), []byte("1"))
		b.Delete([]byte("flash"))
		if err := s.Apply(&b); err != nil {
			return err
		}
		return wantContent(s, pair{"kept", "1"}, pair{"twice", "2"})
	})
}

func batchOfNothing(r *rig) error {
	return r.fresh(func(s kv.Store) error {
		var b kv.Batch
		if err := s.Apply(&b); err != nil {
			return fmt.Errorf("apply an empty batch to an empty store: %w", err)
		}
		b.Delete([]byte("a"))
		if err := s.Apply(&b); err != nil {
			return fmt.Errorf("delete from an empty store: %w", err)
		}
		if err := wantContent(s); err != nil {
			return err
		}
		if err := put(s, pair{"b", "1"}); err != nil {
			return err
		}
		if err := s.Apply(&b); err != nil { // "a" is below all keys now
			return err
		}
		return errors.Join(s.Sync(), wantContent(s, pair{"b", "1"}))
	})
}

func batchCopies(r *rig) error {
	return r.fresh(func(s kv.Store) error {
		key, value := []byte("key"), []byte("value")
		var b kv.Batch
		b.Put(key, value)
		copy(key, "xxx")
		copy(value, "xxxxx")
		if err := s.Apply(&b); err != nil {
			return err
		}
		b.Reset() // its memory now takes other bytes
		b.Put([]byte("zzzzzzzz"), []byte("zzzzzzzz"))
		return wantContent(s, pair{"key", "value"})
	})
}

func batchReused(r *rig) error {
	return r.fresh(func(s kv.Store) error {
		var b kv.Batch
		b.Put([]byte("a"), []byte("1"))
		b.Put([]byte("b"), []byte("1"))
		if err := s.Apply(&b); err != nil {
			return err
		}
		b.Reset()
		if b.Len() != 0 || b.Bytes() != 0 {
			return fmt.Errorf("after Reset Len, Bytes = %d, %d, want 0, 0", b.Len(), b.Bytes())
		}
		b.Delete([]byte("a"))
		b.Put([]byte("c"), []byte("2"))
		if err := s.Apply(&b); err != nil {
			return err
		}
		if err := wantContent(s, pair{"b", "1"}, pair{"c", "2"}); err != nil {
			return err
		}
		if err := s.Apply(&b); err != nil { // again, without Reset: it is still the caller's
			return err
		}
		return wantContent(s, pair{"b", "1"}, pair{"c", "2"})
	})
}

func batchBadKey(r *rig) error {
	return r.fresh(func(s kv.Store) error {
		if err := put(s, pair{"a", "1"}); err != nil {
			return err
		}
		for _, bad := range []string{"", strings.Repeat("k", kv.MaxKeyBytes+1)} {
			var puts, deletes kv.Batch
			puts.Put([]byte("a"), []byte("2"))
			puts.Put([]byte(bad), []byte("2"))
			puts.Put([]byte("b"), []byte("2"))
			deletes.Delete([]byte("a"))
			deletes.Delete([]byte(bad))
			if err := errors.Join(
				wantErr("Apply with a put of "+short(bad), s.Apply(&puts), kv.ErrKey),
				wantErr("Apply with a delete of "+short(bad), s.Apply(&deletes), kv.ErrKey),
				wantContent(s, pair{"a", "1"}),
			); err != nil {
				return err
			}
		}
		return nil
	})
}

// batchTooBig asks for nothing of where a store's own limit lies, only that it keeps to it: one above MaxBatchBytes is
// refused by all, and halves of halves must come through some day.
func batchTooBig(r *rig) error {
	const values, valueBytes = 40, 900 << 10
	return r.fresh(func(s kv.Store) error {
		var all []pair
		for i := range values {
			all = append(all, pair{fmt.Sprintf("k%02d", i), strings.Repeat(string(rune('a'+i%26)), valueBytes)})
		}
		before := pair{"a", "1"}
		if err := put(s, before); err != nil {
			return err
		}
		if err := wantErr("Apply of a batch above MaxBatchBytes", put(s, all...), kv.ErrBatchTooBig); err != nil {
			return err
		}
		if err := wantContent(s, before); err != nil {
			return err
		}
		if err := putSplit(s, all); err != nil {
			return err
		}
		return wantContent(s, append([]pair{before}, all...)...)
	})
}

// putSplit applies pairs in as many batches as the store asks for.
func putSplit(s kv.Store, pairs []pair) error {
	err := put(s, pairs...)
	if !errors.Is(err, kv.ErrBatchTooBig) || len(pairs) == 1 {
		return err
	}
	half := len(pairs) / 2
	return errors.Join(putSplit(s, pairs[:half]), putSplit(s, pairs[half:]))
}

func emptyValues(r *rig) error {
	return r.fresh(func(s kv.Store) error {
		var b kv.Batch
		b.Put([]byte("empty"), []byte{})
		b.Put([]byte("nil"), nil)
		if err := s.Apply(&b); err != nil {
			return err
		}
		return errors.Join(wantContent(s, pair{"empty", ""}, pair{"nil", ""}), seen(s, func(snap kv.Snapshot) error {
			return wantMissing(snap, []byte("neither"))
		}))
	})
}

// largeValues surrounds the sizes at which stores change how they keep a value: a page, 64 KiB, 1 MiB, a file.
func largeValues(r *rig) error {
	sizes := []int{
		4<<10 - 1, 4 << 10, 4<<10 + 1, 1<<16 - 1, 1 << 16, 1<<16 + 1,
		1<<20 - 64, 1<<20 - 1, 1 << 20, 1<<20 + 1, 5 << 20, kv.MaxBatchBytes - len("large 00"),
	}
	return r.fresh(func(s kv.Store) error {
		var want []pair
		for i, size := range sizes {
			p := pair{fmt.Sprintf("large %02d", i), patterned(size, byte(i))}
			want = append(want, p)
			if err := put(s, p); err != nil {
				return fmt.Errorf("put a value of %d bytes: %w", size, err)
			}
		}
		return wantContent(s, want...)
	})
}

// patterned has no two neighbouring windows alike, so that a block in the wrong place shows.
func patterned(size int, seed byte) string {
	out := make([]byte, size)
	for i := range out {
		out[i] = byte(i) ^ byte(i>>8)*31 ^ byte(i>>16)*17 ^ seed
	}
	return string(out)
}

func getIsOwned(r *rig) error {
	return r.fresh(func(s kv.Store) error {
		if err := put(s, pair{"a", "value"}); err != nil {
			return err
		}
		return seen(s, func(snap kv.Snapshot) error {
			got, err := snap.Get([]byte("a"))
			if err != nil {
				return err
			}
			copy(got, "xxxxx")
			_ = append(got[:2], "yyyyyyyy"...)
			return wantGet(snap, "a", "value")
		})
	})
}
