package wal_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"episteme/engine/vfs"
	"episteme/engine/wal"
)

// crashRun appends random batches, stops the machine at a random operation, keeps a random part of what was not
// synced, opens again, and so on for several lives. The oracle is the list of batches that were acknowledged, and the
// one that was not.
func crashRun(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 1))
	m := vfs.NewMem()
	var acked []string
	for life := range 12 {
		disk := vfs.NewFaulty(m)
		disk.SetPlan(vfs.StopAt(1 + r.IntN(60)))
		issued := runLife(t, r, disk, &acked, life)
		m = m.Crash(vfs.KeepSeeded(r.Uint64()))
		l, _, err := wal.Open(m, dir, options(segmentBytes(4096)))
		if err != nil {
			t.Fatalf("seed %d, life %d: %v", seed, life, err)
		}
		got := contents(t, l)
		all := append(acked[:len(acked):len(acked)], issued...)
		if len(got) != len(acked) && len(got) != len(all) {
			t.Fatalf("seed %d, life %d: %d records, acknowledged %d, issued %d", seed, life, len(got), len(acked), len(all))
		}
		if d := diffStrings(got, all[:len(got)]); d != "" {
			t.Fatalf("seed %d, life %d: %s", seed, life, d)
		}
		acked = append([]string(nil), got...)
		if r.IntN(3) == 0 {
			m = m.Crash(vfs.KeepAll) // the process is killed, the machine lives
		} else {
			mustClose(t, l)
		}
	}
}

// runLife appends until something fails, and returns the batch whose outcome is unknown.
func runLife(t *testing.T, r *rand.Rand, disk vfs.FS, acked *[]string, life int) []string {
	l, _, err := wal.Open(disk, dir, options(segmentBytes(4096)))
	if err != nil {
		if !errors.Is(err, vfs.ErrStopped) {
			t.Fatalf("life %d: %v", life, err)
		}
		return nil
	}
	for i := range 40 {
		b := batch(fmt.Sprintf("life %d batch %d", life, i), 1+r.IntN(4), r.IntN(700))
		if _, err := l.Append(bg, b...); err != nil {
			l.Close()
			return payloads(b...)
		}
		*acked = append(*acked, payloads(b...)...)
	}
	l.Close() // may be stopped as well
	return nil
}

// At every operation of appends that roll several times, and for several subsets of what was not synced there.
func TestCrashAtEveryStepOfRoll(t *testing.T) {
	var all []string
	for n := 1; ; n++ {
		m := vfs.NewMem()
		disk := vfs.NewFaulty(m)
		disk.SetPlan(vfs.StopAt(n))
		acked, done := rollThrice(disk)
		if done {
			all = acked
			break
		}
		for seed := range uint64(8) {
			keep := vfs.KeepSeeded(seed)
			switch seed {
			case 0:
				keep = vfs.KeepNone
			case 1:
				keep = vfs.KeepAll
			}
			after := m.Crash(keep)
			l, rec := mustOpen(t, after, options(segmentBytes(2048)))
			got := contents(t, l)
			if len(got) < len(acked) || len(got) > len(acked)+1 {
				t.Fatalf("stopped at %d, seed %d: %d records, %d acknowledged; %+v", n, seed, len(got), len(acked), rec)
			}
			if d := diffStrings(got[:len(acked)], acked); d != "" {
				t.Fatalf("stopped at %d, seed %d: %s", n, seed, d)
			}
			mustAppend(t, l, batch("after", 1, 900)...)
			mustClose(t, l)
			l, _ = mustOpen(t, after, options(segmentBytes(2048)))
			if again := contents(t, l); len(again) != len(got)+1 {
				t.Fatalf("stopped at %d, seed %d: %d records after one more than %d", n, seed, len(again), len(got))
			}
			mustClose(t, l)
		}
	}
	if len(all) != 8 {
		t.Fatalf("%d records, want 8", len(all))
	}
}

// rollThrice appends 8 records that go in pairs to 4 segments.
func rollThrice(disk vfs.FS) (acked []string, done bool) {
	l, _, err := wal.Open(disk, dir, options(segmentBytes(2048)))
	if err != nil {
		return nil, false
	}
	defer l.Close()
	for i := range 8 {
		b := batch(fmt.Sprint("record ", i), 1, 700)
		if _, err := l.Append(bg, b...); err != nil {
			return acked, false
		}
		acked = append(acked, payloads(b...)...)
	}
	return acked, l.Close() == nil
}

// The name of a segment is durable before anything in it is acknowledged.
func TestDirectorySyncedBeforeFirstAck(t *testing.T) {
	m := vfs.NewMem()
	l, _ := mustOpen(t, m, options(segmentBytes(2048)))
	var acked []string
	for i := range 10 {
		b := batch(fmt.Sprint("record ", i), 1, 600)
		mustAppend(t, l, b...)
		acked = append(acked, payloads(b...)...)
		after, _ := mustOpen(t, m.Crash(vfs.KeepNone), options(segmentBytes(2048)))
		if d := diffStrings(contents(t, after), acked); d != "" {
			t.Fatalf("after %d appends: %s", i+1, d)
		}
		mustClose(t, after)
	}
}

// An earlier life gave a segment its name and could not make that durable. Before anything is acknowledged in it, the
// next one does.
func TestNameOfAnEarlierLifeIsMadeDurable(t *testing.T) {
	m := vfs.NewMem()
	disk := vfs.NewFaulty(m)
	l, _ := mustOpen(t, disk, options(segmentBytes(2048)))
	mustAppend(t, l, batch("one", 1, 1200)...)
	disk.SetPlan(vfs.FailNth(vfs.OpSyncDir, 1, errors.New("input/output error")))
	if _, err := l.Append(bg, batch("two", 1, 1200)...); !errors.Is(err, wal.ErrLatched) {
		t.Fatalf("Append = %v, want ErrLatched", err)
	}
	l.Close()
	l, rec := mustOpen(t, m, options(segmentBytes(2048)))
	if rec.Segments != 2 {
		t.Fatalf("Recovery = %+v, want the second segment", rec)
	}
	mustAppend(t, l, batch("three", 1, 100)...)
	after, _ := mustOpen(t, m.Crash(vfs.KeepNone), options(segmentBytes(2048)))
	if got := contents(t, after); len(got) != 2 {
		t.Errorf("%d records after the power cut, want 2", len(got))
	}
}

// Whatever operation fails, and whatever it is that fails: the error reaches the caller, nothing acknowledged is lost,
// nothing hangs, and opening again works.
func TestEveryFaultReachesTheCaller(t *testing.T) {
	broken := errors.New("broken")
	for kind := vfs.OpOpen; kind <= vfs.OpFree; kind++ {
		for n := 1; ; n++ {
			m := vfs.NewMem()
			disk := vfs.NewFaulty(m)
			fired := false
			fail := vfs.FailNth(kind, n, broken)
			disk.SetPlan(func(op vfs.Op) error {
				err := fail(op)
				fired = fired || err != nil
				return err
			})
			acked, errs := faultRun(disk)
			if !fired {
				break
			}
			if !errors.Is(errs, broken) {
				t.Fatalf("%v %d failed and nobody was told: %v", kind, n, errs)
			}
			if m.OpenHandles() != 0 {
				t.Fatalf("%v %d failed: %d handles were left open", kind, n, m.OpenHandles())
			}
			l, _, err := wal.Open(m.Crash(vfs.KeepNone), dir, options(segmentBytes(2048)))
			if err != nil {
				t.Fatalf("%v %d failed, then: %v", kind, n, err)
			}
			// One whose outcome is unknown may stand between those that were acknowledged.
			if got := contents(t, l); !isSubsequence(acked, got) {
				t.Fatalf("%v %d failed: found %.30q, acknowledged %.30q", kind, n, got, acked)
			}
			mustClose(t, l)
		}
	}
}

// faultRun lives twice: it appends, rolls, reads, closes, opens again, and collects every error.
func faultRun(disk vfs.FS) (acked []string, errs error) {
	for life := range 2 {
		l, _, err := wal.Open(disk, dir, options(segmentBytes(2048), func(o *wal.Options) { o.ReserveBytes = 1 }))
		if err != nil {
			errs = errors.Join(errs, err)
			continue
		}
		for i := range 4 {
			b := batch(fmt.Sprint("life ", life, " record ", i), 1, 700)
			if _, err := l.Append(bg, b...); err != nil {
				errs = errors.Join(errs, err)
				continue
			}
			acked = append(acked, payloads(b...)...)
		}
		_, at, err := tryContents(l)
		errs = errors.Join(errs, err)
		for _, pos := range at {
			_, err := l.ReadAt(pos)
			errs = errors.Join(errs, err)
		}
		errs = errors.Join(errs, l.Close())
	}
	return acked, errs
}

// isSubsequence reports whether all of part is in whole, in that order.
func isSubsequence(part, whole []string) bool {
	for _, s := range whole {
		if len(part) > 0 && part[0] == s {
			part = part[1:]
		}
	}
	return len(part) == 0
}
