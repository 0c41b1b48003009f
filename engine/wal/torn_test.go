package wal_test

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"episteme/engine/vfs"
	"episteme/engine/wal"
)

// A write that was cut anywhere is set aside; all that was acknowledged stays and the log goes on.
func TestTornTailAtEveryByte(t *testing.T) {
	first, last := batch("kept", 3, 50), batch("torn", 2, 300)
	data, ends := image(t, first, last)
	whole := len(bytes.TrimRight(data, "\x00")) // padding needs no writing where zeros are
	for cut := ends[0]; cut < len(data); cut++ {
		for _, how := range []string{"zeros follow", "the file ends"} {
			if how == "zeros follow" && cut >= whole {
				continue
			}
			m := vfs.NewMem()
			torn := bytes.Clone(data[:cut])
			if how == "zeros follow" {
				torn = append(torn, make([]byte, 4096)...)
			}
			writeFile(t, m, segmentPath(1), torn)
			l, rec := mustOpen(t, m, options())
			want := int64(len(bytes.TrimRight(data[ends[0]:cut], "\x00")))
			if rec.TornBytes != want || (rec.TornFile != "") != (want > 0) {
				t.Fatalf("cut at %d, %s: Recovery = %+v, want %d torn bytes", cut, how, rec, want)
			}
			if want > 0 && !bytes.Equal(readFile(t, m, rec.TornFile), data[ends[0]:ends[0]+int(want)]) {
				t.Fatalf("cut at %d, %s: the torn file differs", cut, how)
			}
			next := batch("next", 1, 20)
			mustAppend(t, l, next...)
			mustClose(t, l)
			l, rec = mustOpen(t, m, options())
			if rec.TornBytes != 0 {
				t.Fatalf("cut at %d, %s: what was set aside is torn again: %+v", cut, how, rec)
			}
			if d := diffStrings(contents(t, l), payloads(append(slices.Clone(first), next...)...)); d != "" {
				t.Fatalf("cut at %d, %s: %s", cut, how, d)
			}
			mustClose(t, l)
		}
	}
}

// stoppedBeforeSync is a file system on which kept was acknowledged and lost was written and not synced.
func stoppedBeforeSync(t *testing.T, kept, lost []wal.Entry) *vfs.Mem {
	t.Helper()
	m := vfs.NewMem()
	disk := vfs.NewFaulty(m)
	l, _ := mustOpen(t, disk, options())
	mustAppend(t, l, kept...)
	disk.SetPlan(func(op vfs.Op) error {
		if op.Kind == vfs.OpSync {
			return vfs.ErrStopped
		}
		return nil
	})
	if _, err := l.Append(bg, lost...); !errors.Is(err, wal.ErrLatched) {
		t.Fatalf("Append = %v, want ErrLatched", err)
	}
	return m
}

// segmentSectors lists what of the segment is not synced, and gives each a bit by its place among all that is pending.
func segmentSectors(m *vfs.Mem) (pending []vfs.Pending, bit map[int]uint64) {
	bit = map[int]uint64{}
	for i, p := range m.Pending() {
		if p.Path == segmentPath(1) {
			bit[i] = 1 << len(pending)
			pending = append(pending, p)
		}
	}
	return pending, bit
}

// Acknowledged is a part of recovered is a part of issued, whatever subset of the sectors reached the disk, and a
// batch is there as a whole or not at all.
func TestUnsyncedSectorSubsets(t *testing.T) {
	kept, lost := batch("kept", 2, 100), batch("lost", 3, 900)
	m := stoppedBeforeSync(t, kept, lost)
	pending, bit := segmentSectors(m)
	if len(pending) < 6 || len(pending) > 12 {
		t.Fatalf("%d pending, want a number that can be enumerated: %v", len(pending), pending)
	}
	all := slices.Concat(payloads(kept...), payloads(lost...))
	whole := 0
	for mask := range uint64(1) << len(pending) {
		after := m.Crash(func(i int, _ vfs.Pending) bool { return mask&bit[i] != 0 })
		l, _ := mustOpen(t, after, options())
		got := contents(t, l)
		if len(got) == len(all) {
			whole++
		} else if len(got) != len(kept) {
			t.Fatalf("mask %b: %d records, want %d or %d", mask, len(got), len(kept), len(all))
		}
		if d := diffStrings(got, all[:len(got)]); d != "" {
			t.Fatalf("mask %b: %s", mask, d)
		}
		mustClose(t, l)
	}
	if whole != 1 {
		t.Fatalf("the batch was whole for %d subsets, want the full one alone", whole)
	}
}

// The end of a batch on disk before its beginning proves nothing: it was never acknowledged.
func TestReorderedWritebackWithinBatchTruncates(t *testing.T) {
	kept := batch("kept", 1, 40)
	m := stoppedBeforeSync(t, kept, batch("lost", 6, 500))
	_, bit := segmentSectors(m)
	after := m.Crash(func(i int, _ vfs.Pending) bool { return bit[i] > 1 })
	l, rec := mustOpen(t, after, options())
	if d := diffStrings(contents(t, l), payloads(kept...)); d != "" || rec.TornBytes == 0 {
		t.Fatalf("%s; Recovery = %+v", d, rec)
	}
}

func TestHalfABatchNeverShows(t *testing.T) {
	kept, torn := batch("kept", 1, 10), batch("torn", 4, 64)
	data, ends := image(t, kept, torn)
	third := ends[0] + 3*(104+64)
	if got := ends[1] - ends[0]; got != 4*(104+64) {
		t.Fatalf("the batch takes %d bytes", got)
	}
	// Three of four records are whole.
	for _, o := range []wal.Options{options(readOnly), options()} {
		l, rec := mustOpen(t, withFile(t, data[:third]), o)
		if d := diffStrings(contents(t, l), payloads(kept...)); d != "" || rec.TornBytes == 0 {
			t.Fatalf("%s; Recovery = %+v", d, rec)
		}
	}
}

// An earlier life left the end in the page cache only and its sync failed, so that a sync alone would write nothing.
// What Open hands out has to survive the power cut that follows.
func TestDoubleCrashKeepsWhatWasHandedOut(t *testing.T) {
	m := vfs.NewMem()
	disk := vfs.NewFaulty(m)
	l, _ := mustOpen(t, disk, options())
	mustAppend(t, l, batch("one", 2, 600)...)
	disk.SetPlan(vfs.FailNth(vfs.OpSync, 1, errors.New("input/output error")))
	if _, err := l.Append(bg, batch("two", 3, 600)...); !errors.Is(err, wal.ErrLatched) {
		t.Fatal(err)
	}
	l.Close()
	l, rec := mustOpen(t, m, options()) // the machine lives: its cache shows the batch
	handedOut := contents(t, l)
	if len(handedOut) != 5 || rec.Rewritten == 0 {
		t.Fatalf("%d records, Recovery = %+v, want 5 and something rewritten", len(handedOut), rec)
	}
	l, _ = mustOpen(t, m.Crash(vfs.KeepNone), options())
	if d := diffStrings(contents(t, l), handedOut); d != "" {
		t.Fatal(d)
	}
}

// A failed fsync is not repeated: the second one would return nil and have written nothing.
func TestFsyncErrorThenFalseSuccess(t *testing.T) {
	m := vfs.NewMem()
	disk := vfs.NewFaulty(m)
	l, _ := mustOpen(t, disk, options())
	kept := batch("kept", 1, 600)
	mustAppend(t, l, kept...)
	disk.SetPlan(vfs.FailNth(vfs.OpSync, 1, errors.New("input/output error")))
	if _, err := l.Append(bg, batch("lost", 1, 600)...); !errors.Is(err, wal.ErrLatched) {
		t.Fatal(err)
	}
	before := disk.Ops()
	if _, err := l.Append(bg, batch("later", 1, 600)...); !errors.Is(err, wal.ErrLatched) {
		t.Fatal(err)
	}
	if err := l.Close(); !errors.Is(err, wal.ErrLatched) {
		t.Fatalf("Close = %v, want to hear that it is not clean", err)
	}
	if disk.Ops() != before {
		t.Fatalf("%d operations after the failed fsync, want none", disk.Ops()-before)
	}
	l, _ = mustOpen(t, m.Crash(vfs.KeepAll), options())
	if d := diffStrings(contents(t, l), payloads(kept...)); d != "" {
		t.Fatal(d)
	}
}

// The write position is the recovered end, never the file's size.
func TestReopenAppendsAtRecoveredEnd(t *testing.T) {
	one, two := batch("one", 1, 30), batch("two", 1, 30)
	data, ends := image(t, one)
	for _, zeros := range []int{0, 8, 100, 1 << 20} {
		m := vfs.NewMem()
		writeFile(t, m, segmentPath(1), append(bytes.Clone(data), make([]byte, zeros)...))
		l, rec := mustOpen(t, m, options(segmentBytes(2<<20)))
		if rec.TornBytes != 0 || l.Head().Offset != int64(ends[0]) {
			t.Fatalf("%d zeros: Recovery = %+v, head at %d, want %d", zeros, rec, l.Head().Offset, ends[0])
		}
		mustAppend(t, l, two...)
		r := l.Reader(2)
		got, err := r.Next(bg)
		if err != nil || got.Pos.Offset != int64(ends[0]) {
			t.Fatalf("%d zeros: second record at %+v, %v, want byte %d", zeros, got.Pos, err, ends[0])
		}
	}
}

// A payload may hold records of this very journal, with the greatest numbers: if its own record is torn, they prove
// nothing.
func TestPayloadThatContainsAValidRecord(t *testing.T) {
	kept := batch("kept", 1, 10)
	inner := make([]byte, 104)
	prev := wal.Hash{}
	wal.EncodeHeader(inner, &testID, &prev, &wal.Header{Kind: 1, Flags: wal.FlagLast, LSN: 3, Durable: 2,
		Hash: wal.Hash{0xaf, 0x13, 0x49, 0xb9}})
	evil := wal.Entry{Kind: 1, Payload: slices.Concat(bytes.Repeat(inner, 3), []byte("the end that gets lost"))}
	data, ends := image(t, kept, []wal.Entry{evil})
	l, rec := mustOpen(t, withFile(t, data[:ends[1]-16]), options())
	if d := diffStrings(contents(t, l), payloads(kept...)); d != "" || rec.TornBytes == 0 {
		t.Fatalf("%s; Recovery = %+v", d, rec)
	}
	l, rec = mustOpen(t, withFile(t, data), options())
	if d := diffStrings(contents(t, l), payloads(kept[0], evil)); d != "" || rec.TornBytes != 0 {
		t.Fatalf("whole: %s; Recovery = %+v", d, rec)
	}
}

// What an older file of this or another journal left behind the end is no record and no proof.
func TestStaleBytesOfAnOldSegmentIgnored(t *testing.T) {
	old, _ := image(t, batch("old", 8, 40)) // every header says that nothing was durable before it
	now := batch("now", 2, 100)
	data, _ := image(t, now)
	other := make([]byte, 104)
	var prev wal.Hash
	wal.EncodeHeader(other, &wal.LogID{1}, &prev, &wal.Header{Kind: 1, Flags: wal.FlagLast, LSN: 4, Durable: 3})
	tests := []struct {
		name  string
		stale []byte
	}{
		{"records of this journal from before", old[wal.SegmentHeaderBytes:]},
		{"a header of another journal that claims everything", other},
		{"a whole segment", old},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := withFile(t, slices.Concat(data, tt.stale))
			writeFile(t, m, dir+"/next.tmp", old)
			l, rec := mustOpen(t, m, options())
			if d := diffStrings(contents(t, l), payloads(now...)); d != "" || rec.TornBytes == 0 || rec.Segments != 1 {
				t.Fatalf("%s; Recovery = %+v", d, rec)
			}
		})
	}
}

// A length is believed only under the limit, within the file, and from a header whose checksum holds.
func TestHugeLengthAllocatesNothing(t *testing.T) {
	data, _ := image(t, batch("kept", 1, 10))
	for _, length := range []uint32{1 << 31, 1<<32 - 1, wal.MaxPayloadBytes + 1, wal.MaxPayloadBytes} {
		header := make([]byte, 104)
		var prev wal.Hash
		wal.EncodeHeader(header, &testID, &prev, &wal.Header{Kind: 1, Flags: wal.FlagLast, Length: length, LSN: 2, Durable: 1})
		m := withFile(t, slices.Concat(data, header))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		l, _, err := wal.Open(m, dir, options())
		runtime.ReadMemStats(&after)
		if err != nil {
			t.Fatalf("length %d: %v", length, err)
		}
		mustClose(t, l)
		if got := after.TotalAlloc - before.TotalAlloc; got > 1<<20 {
			t.Errorf("length %d: %d bytes allocated", length, got)
		}
	}
}

// Nothing is cut off before the torn bytes are safe elsewhere, at whatever operation recovery itself is stopped.
func TestCrashDuringRecovery(t *testing.T) {
	kept, lost := batch("kept", 2, 700), batch("lost", 4, 700)
	m := stoppedBeforeSync(t, kept, lost)
	_, bit := segmentSectors(m)
	torn := m.Crash(func(i int, _ vfs.Pending) bool { return bit[i] != 1<<2 })
	tail := func(fsys vfs.FS) (all [][]byte) {
		names, err := fsys.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if strings.Contains(name, ".torn-") {
				all = append(all, readFile(t, fsys, dir+"/"+name))
			}
		}
		return all
	}
	l, rec := mustOpen(t, torn.Crash(vfs.KeepAll), options())
	mustClose(t, l)
	if rec.TornBytes == 0 {
		t.Fatal("nothing is torn")
	}
	want := readFile(t, torn, segmentPath(1))[l.Head().Offset-sealBytes:][:rec.TornBytes]
	for n := 1; ; n++ {
		before := torn.Crash(vfs.KeepAll)
		disk := vfs.NewFaulty(before)
		disk.SetPlan(vfs.StopAt(n))
		l, _, err := wal.Open(disk, dir, options())
		if err == nil {
			l.Close()
			break
		}
		for seed := range uint64(20) {
			after := before.Crash(vfs.KeepSeeded(seed))
			l, rec := mustOpen(t, after, options())
			if d := diffStrings(contents(t, l), payloads(kept...)); d != "" {
				t.Fatalf("stopped at %d, seed %d: %s", n, seed, d)
			}
			if !slices.ContainsFunc(tail(after), func(b []byte) bool { return bytes.Equal(b, want) }) {
				t.Fatalf("stopped at %d, seed %d: the torn bytes are nowhere; Recovery = %+v", n, seed, rec)
			}
			mustClose(t, l)
		}
		if n > 100 {
			t.Fatal("recovery never ends")
		}
	}
}

// sealBytes is what a mark takes.
const sealBytes = 112

func TestBatchIsAtomicAcrossCrash(t *testing.T) {
	for seed := range uint64(30) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) { crashRun(t, seed) })
	}
}
