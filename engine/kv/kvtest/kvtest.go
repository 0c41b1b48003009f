// Package kvtest is the conformance kit of package kv: a store proves itself with
//
//	func TestConformance(t *testing.T) { kvtest.Run(t, open) }
//	func TestPersistence(t *testing.T) { kvtest.RunPersistent(t, open) } // if it outlives Close
//
// Promises: a store that breaks a promise of package kv fails the check of that name, with what was found against
// what was expected; the kit's own tests hold it to that with stores broken on purpose. Random operations are compared
// with a plain map, print their seed, and are cut down to the shortest list that still fails. KVTEST_SEED=N repeats a
// seed.
//
// Not covered: power loss, which needs a disk that can lose writes.
package kvtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"

	"episteme/engine/kv"
)

// Opener opens the store in dir, an existing directory that is empty or holds a store of an earlier call that was
// closed. A store in memory ignores it.
type Opener func(dir string) (kv.Store, error)

// Run holds the stores that open returns to package kv, each check in a subtest with stores of its own.
func Run(t *testing.T, open Opener) { run(t, open, checks) }

// RunPersistent holds them to what outlives Close.
func RunPersistent(t *testing.T, open Opener) { run(t, open, persistentChecks) }

func run(t *testing.T, open Opener, checks []check) {
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) {
			r := &rig{open: open, tempDir: t.TempDir, logf: t.Logf}
			if err := c.run(r); err != nil {
				t.Error(err)
			}
		})
	}
}

// check is one rule. It returns an error, and does not fail a *testing.T, so that the kit can be tested.
type check struct {
	name string
	run  func(*rig) error
}

var checks = slices.Concat(scanChecks, batchChecks, snapshotChecks, closeChecks, []check{
	{"random operations do what a map does", randomOperations(false)},
})

var persistentChecks = slices.Concat(reopenChecks, []check{
	{"random operations with reopening do what a map does", randomOperations(true)},
})

// rig gives a check its stores.
type rig struct {
	open    Opener
	tempDir func() string
	logf    func(format string, args ...any)
}

// fresh runs f over an empty store and closes it.
func (r *rig) fresh(f func(kv.Store) error) error { return r.in(r.tempDir(), f) }

// in runs f over the store in dir and closes it.
func (r *rig) in(dir string, f func(kv.Store) error) error {
	s, err := r.open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f(s), s.Close())
}

// seen runs f over a new snapshot of s and closes it.
func seen(s kv.Store, f func(kv.Snapshot) error) error {
	snap, err := s.Snapshot()
	if err != nil {
		return err
	}
	return errors.Join(f(snap), snap.Close())
}

// pair is an entry whose memory is its own.
type pair struct{ key, value string }

func (p pair) String() string { return short(p.key) + "=" + short(p.value) }

// short is s quoted, cut where nobody would read on.
func short(s string) string {
	if len(s) > 24 {
		return fmt.Sprintf("%q… (%d bytes)", s[:24], len(s))
	}
	return fmt.Sprintf("%q", s)
}

// put applies pairs as one batch.
func put(s kv.Store, pairs ...pair) error {
	var b kv.Batch
	for _, p := range pairs {
		b.Put([]byte(p.key), []byte(p.value))
	}
	return s.Apply(&b)
}

// collect reads a scan to its end.
func collect(seq iter.Seq2[kv.Entry, error]) ([]pair, error) {
	var got []pair
	for e, err := range seq {
		if err != nil {
			return got, err
		}
		got = append(got, pair{string(e.Key), string(e.Value)})
	}
	return got, nil
}

// wantScan compares a scan with what it should yield.
func wantScan(snap kv.Snapshot, lower, upper []byte, want []pair) error {
	got, err := collect(snap.Scan(context.Background(), lower, upper))
	if err != nil {
		return fmt.Errorf("Scan(%q, %q): %w", lower, bound(upper), err)
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("Scan(%q, %q) = %v, want %v", lower, bound(upper), got, want)
	}
	return nil
}

// bound shows a nil bound as such.
func bound(b []byte) string {
	if b == nil {
		return "no bound"
	}
	return string(b)
}

// wantContent compares a new snapshot with what it should show, by scan and by gets.
func wantContent(s kv.Store, want ...pair) error {
	return seen(s, func(snap kv.Snapshot) error { return wantShown(snap, want...) })
}

func wantShown(snap kv.Snapshot, want ...pair) error {
	if err := wantScan(snap, nil, nil, want); err != nil {
		return err
	}
	for _, p := range want {
		if err := wantGet(snap, p.key, p.value); err != nil {
			return err
		}
	}
	return nil
}

func wantGet(snap kv.Snapshot, key, want string) error {
	got, err := snap.Get([]byte(key))
	if err != nil {
		return fmt.Errorf("Get(%s): %w, want %s", short(key), err, short(want))
	}
	if !bytes.Equal(got, []byte(want)) {
		return fmt.Errorf("Get(%s) = %s, want %s", short(key), short(string(got)), short(want))
	}
	return nil
}

func wantMissing(snap kv.Snapshot, key []byte) error {
	if got, err := snap.Get(key); !errors.Is(err, kv.ErrNotFound) {
		return fmt.Errorf("Get(%q) = %s, %v, want ErrNotFound", key, short(string(got)), err)
	}
	return nil
}

// wantErr names the call whose error is not the expected one.
func wantErr(call string, got, want error) error {
	if !errors.Is(got, want) {
		return fmt.Errorf("%s: error %v, want %q", call, got, want)
	}
	return nil
}
