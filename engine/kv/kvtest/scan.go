package kvtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"episteme/engine/kv"
)

var scanChecks = []check{
	{"a scan is ascending by bytes whatever the order of puts", scanOrder},
	{"a scan has its lower bound and not its upper", scanBounds},
	{"a prefix scan has all keys of the prefix and no other", scanPrefix},
	{"a scan crosses thousands of keys without loss or repetition", scanMany},
	{"a scan can be broken off and run again", scanAgain},
	{"scans of one snapshot run side by side", scanNested},
	{"the empty key holds nothing", emptyKey},
	{"a cancelled context stops a scan at its next step", scanCancelled},
}

// hostileKeys are in order. They hold what separators, numbers and text leave room for: zeros, 0xff, a key that is the
// start of another, and lengths up to the limit.
var hostileKeys = []string{
	"\x00", "\x00\x00", "\x00\xff", "\x01",
	"!", "A:", "A:\x00", "A:\x00\x00\x00\x00\x00\x00\x00\x01", "A:\x00\x00\x00\x00\x00\x00\x01\x00", "A:\xff", "A;",
	"a", "a\x00", "a\x00b", "aa", "ab", "b",
	strings.Repeat("k", 2<<10), strings.Repeat("k", kv.MaxKeyBytes-1), strings.Repeat("k", kv.MaxKeyBytes),
	"é", "\xfe\xff", "\xff", "\xff\x00", "\xff\xff", "\xff\xff\xff",
}

// hostilePairs puts a value beside each of hostileKeys that tells it from the others.
func hostilePairs() []pair {
	pairs := make([]pair, len(hostileKeys))
	for i, k := range hostileKeys {
		pairs[i] = pair{k, fmt.Sprintf("value %d", i)}
	}
	return pairs
}

func scanOrder(r *rig) error {
	return r.fresh(func(s kv.Store) error {
		pairs := hostilePairs()
		for i := range pairs { // a stride coprime to the length, one batch each: all orders but the sorted one
			if err := put(s, pairs[(i*7+3)%len(pairs)]); err != nil {
				return err
			}
		}
		return wantContent(s, pairs...)
	})
}

func scanBounds(r *rig) error {
	return r.fresh(func(s kv.Store) error {
		pairs := hostilePairs()
		if err := put(s, pairs...); err != nil {
			return err
		}
		bounds := [][]byte{nil, {}, []byte("A"), []byte("A:\x00\x01"), []byte("zz"), []byte("\xff\xff\xff\xff")}
		for _, k := range hostileKeys {
			bounds = append(bounds, []byte(k))
		}
		return seen(s, func(snap kv.Snapshot) error {
			for _, lower := range bounds {
				for _, upper := range bounds {
					if err := wantScan(snap, lower, upper, within(pairs, lower, upper)); err != nil {
						return err
					}
				}
			}
			return nil
		})
	})
}

// within is the rule of bounds, spelled out.
func within(pairs []pair, lower, upper []byte) []pair {
	var in []pair
	for _, p := range pairs {
		if p.key >= string(lower) && (upper == nil || p.key < string(upper)) {
			in = append(in, p)
		}
	}
	return in
}

func scanPrefix(r *rig) error {
	return r.fresh(func(s kv.Store) error {
		pairs := hostilePairs()
		if err := put(s, pairs...); err != nil {
			return err
		}
		return seen(s, func(snap kv.Snapshot) error {
			for _, prefix := range append([]string{"", "A", "k", "none", "\xff\xff\xff\xff"}, hostileKeys...) {
				var want []pair
				for _, p := range pairs {
					if strings.HasPrefix(p.key, prefix) {
						want = append(want, p)
					}
				}
				got, err := collect(kv.ScanPrefix(context.Background(), snap, []byte(prefix)))
				if err != nil || !slices.Equal(got, want) {
					return fmt.Errorf("ScanPrefix(%s) = %v, %v, want %v", short(prefix), got, err, want)
				}
			}
			return nil
		})
	})
}

func scanMany(r *rig) error {
	const keys = 5000 // several pages, blocks and, with the long values below, more than one batch
	return r.fresh(func(s kv.Store) error {
		var want []pair
		for i := range keys {
			want = append(want, pair{fmt.Sprintf("n:%08d", i), strings.Repeat("v", i%300)})
		}
		for chunk := range slices.Chunk(want, 500) {
			if err := put(s, chunk...); err != nil {
				return err
			}
		}
		return seen(s, func(snap kv.Snapshot) error {
			got, err := collect(snap.Scan(context.Background(), nil, nil))
			if err != nil {
				return err
			}
			for i := range max(len(got), len(want)) {
				if i >= len(got) || i >= len(want) || got[i] != want[i] {
					return fmt.Errorf("scan of %d keys yields %d and is wrong from entry %d on", len(want), len(got), i)
				}
			}
			return nil
		})
	})
}

func scanAgain(r *rig) error {
	return r.fresh(func(s kv.Store) error {
		if err := put(s, pair{"a", "1"}, pair{"b", "2"}, pair{"c", "3"}); err != nil {
			return err
		}
		return seen(s, func(snap kv.Snapshot) error {
			seq := snap.Scan(context.Background(), nil, nil)
			for range seq {
				break
			}
			got, err := collect(seq)
			if want := []pair{{"a", "1"}, {"b", "2"}, {"c", "3"}}; err != nil || !slices.Equal(got, want) {
				return fmt.Errorf("the second run of a scan = %v, %v, want %v", got, err, want)
			}
			return nil
		})
	})
}

func scanNested(r *rig) error {
	return r.fresh(func(s kv.Store) error {
		pairs := []pair{{"a", "1"}, {"b", "2"}, {"c", "3"}}
		if err := put(s, pairs...); err != nil {
			return err
		}
		return seen(s, func(snap kv.Snapshot) error {
			outer := 0
			for e, err := range snap.Scan(context.Background(), nil, nil) {
				if err != nil {
					return err
				}
				// The inner scan and gets must not disturb the entry of the outer one.
				if err := wantShown(snap, pairs...); err != nil {
					return fmt.Errorf("inside a scan: %w", err)
				}
				if got := (pair{string(e.Key), string(e.Value)}); got != pairs[outer] {
					return fmt.Errorf("after an inner scan the entry is %v, want %v", got, pairs[outer])
				}
				outer++
			}
			if outer != len(pairs) {
				return fmt.Errorf("a scan with scans inside yields %d entries, want %d", outer, len(pairs))
			}
			return nil
		})
	})
}

func emptyKey(r *rig) error {
	return r.fresh(func(s kv.Store) error {
		if err := put(s, pair{"a", "1"}); err != nil {
			return err
		}
		return seen(s, func(snap kv.Snapshot) error {
			return errors.Join(wantMissing(snap, nil), wantMissing(snap, []byte{}))
		})
	})
}

func scanCancelled(r *rig) error {
	return r.fresh(func(s kv.Store) error {
		if err := put(s, pair{"a", "1"}, pair{"b", "2"}, pair{"c", "3"}); err != nil {
			return err
		}
		return seen(s, func(snap kv.Snapshot) error {
			cause := errors.New("the reader left")
			before, cancel := context.WithCancelCause(context.Background())
			cancel(cause)
			if got, err := collect(snap.Scan(before, nil, nil)); len(got) > 0 || !errors.Is(err, cause) {
				return fmt.Errorf("scan under a cancelled context = %v, %v, want the cause of the cancellation", got, err)
			}

			during, cancel := context.WithCancelCause(context.Background())
			entries, errs := 0, 0
			for e, err := range snap.Scan(during, nil, nil) {
				cancel(cause)
				switch {
				case err == nil:
					entries++
				case !errors.Is(err, cause) || e.Key != nil || e.Value != nil:
					return fmt.Errorf("a cancelled scan yields %v, %v, want a zero entry and the cause", e, err)
				default:
					errs++
				}
			}
			cancel(cause)
			if entries != 1 || errs != 1 {
				return fmt.Errorf("a scan cancelled at its first entry yields %d entries and %d errors, want 1 and 1",
					entries, errs)
			}
			return nil
		})
	})
}
