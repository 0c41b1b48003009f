package wal_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"episteme/engine/vfs"
	"episteme/engine/wal"
	"lukechampine.com/blake3"
)

// secret fills two sectors, so that a crash can leave half of it.
var secret = bytes.Repeat([]byte("secret! "), 150)

// withSecret is a journal of three segments whose second record is the secret and whose last says that it has to go.
func withSecret(t *testing.T, disk vfs.FS) (*wal.Log, wal.LSN) {
	t.Helper()
	l, _ := mustOpen(t, disk, options(segmentBytes(2048)))
	mustAppend(t, l, batch("first", 1, 100)...)
	mustAppend(t, l, wal.Entry{Kind: 2, Payload: secret})
	mustAppend(t, l, batch("between", 1, 1500)...)
	return l, mustAppend(t, l, wal.Entry{Kind: 7, Payload: []byte("erase lsn 2: asked for")}).Last
}

// mustBeErased checks record 2 by every way of reading it.
func mustBeErased(t *testing.T, l *wal.Log, by wal.LSN) {
	t.Helper()
	r := l.Reader(2)
	defer r.Close()
	rec, err := r.Next(bg)
	if err != nil || rec.LSN != 2 || rec.Erased != by || rec.Payload != nil {
		t.Fatalf("Next = lsn %d, %d bytes, erased by %d, %v; want it erased by %d", rec.LSN, len(rec.Payload), rec.Erased, err, by)
	}
	if again, err := l.ReadAt(rec.Pos); err != nil || again.Erased != by || again.Payload != nil {
		t.Fatalf("ReadAt = erased by %d, %v", again.Erased, err)
	}
	if next, err := r.Next(bg); err != nil || next.LSN != 3 || next.Erased != 0 {
		t.Fatalf("the record behind: %+v, %v", next, err)
	}
}

func TestErase(t *testing.T) {
	m := vfs.NewMem()
	l, by := withSecret(t, m)
	before := l.Head()
	chain, err := l.ChainAt(2)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Erase(bg, 2, by); err != nil {
		t.Fatal(err)
	}
	mustBeErased(t, l, by)
	if after := l.Head(); after.Last != before.Last || after.Chain != before.Chain {
		t.Errorf("an erasure moved the head from %+v to %+v", before, after)
	}
	if again, err := l.ChainAt(2); err != nil || again != chain {
		t.Errorf("ChainAt = %x, %v, want %x", again, err, chain)
	}
	disk := m.Crash(vfs.KeepNone)
	if inAnyFile(t, disk, []byte("secret")) {
		t.Error("it is still there")
	}
	end := l.Head().Offset
	if err := l.Erase(bg, 2, by); err != nil || l.Head().Offset != end {
		t.Errorf("a second time: %v, and the end went from %d to %d", err, end, l.Head().Offset)
	}
	mustAppend(t, l, batch("on", 1, 10)...)
	mustClose(t, l)
	l, rec := mustOpen(t, m, options(segmentBytes(2048)))
	if !rec.Clean {
		t.Errorf("Recovery = %+v", rec)
	}
	mustBeErased(t, l, by)
}

// inAnyFile reports whether a file of the journal holds some bytes.
func inAnyFile(t *testing.T, fsys vfs.FS, what []byte) bool {
	t.Helper()
	names, err := fsys.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(names, func(name string) bool { return bytes.Contains(readFile(t, fsys, dir+"/"+name), what) })
}

func TestEraseRefuses(t *testing.T) {
	m := vfs.NewMem()
	l, by := withSecret(t, m)
	for _, tt := range []struct {
		name       string
		target, by wal.LSN
	}{{"no record 0", 0, 1}, {"a target behind the end", by + 1, by + 2}, {"an order behind the end", 2, by + 1},
		{"an order of itself", 2, 2}, {"an order from before", 3, 2}} {
		if err := l.Erase(bg, tt.target, tt.by); !errors.Is(err, wal.ErrNoRecord) {
			t.Errorf("%s: Erase(%d, %d) = %v, want ErrNoRecord", tt.name, tt.target, tt.by, err)
		}
	}
	gone, cancel := context.WithCancel(bg)
	cancel()
	if err := l.Erase(gone, 2, by); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	// What has changed is not covered up.
	data := readFile(t, m, segmentPath(1))
	data[bytes.Index(data, []byte("secret"))] ^= 1
	writeFile(t, m, segmentPath(1), data)
	if err := l.Erase(bg, 2, by); !errors.Is(err, wal.ErrDamaged) {
		t.Errorf("a damaged payload: %v", err)
	}
	mustClose(t, l)
	if err := l.Erase(bg, 2, by); err != wal.ErrClosed {
		t.Errorf("closed: %v", err)
	}
	l, _ = mustOpen(t, m, options(readOnly))
	if err := l.Erase(bg, 2, by); err != wal.ErrReadOnly {
		t.Errorf("read-only: %v", err)
	}
}

// Wherever an erasure is stopped and whatever of it reached the disk: the payload is there as it was, or it is gone by
// order; never half of it, never damage. Once the mark is there, the next opening leaves nothing of it, durably.
func TestCrashDuringErasure(t *testing.T) {
	finished := 0
	for n := 1; ; n++ {
		m := vfs.NewMem()
		disk := vfs.NewFaulty(m)
		l, by := withSecret(t, disk)
		want := contents(t, l)
		disk.SetPlan(vfs.StopAt(n))
		done := l.Erase(bg, 2, by) == nil
		for seed := range uint64(16) {
			keep := vfs.KeepSeeded(seed)
			switch seed {
			case 0:
				keep = vfs.KeepNone
			case 1:
				keep = vfs.KeepAll
			}
			after := m.Crash(keep)
			looked, rec := mustOpen(t, after, options(readOnly))
			if rec.Damage != nil {
				t.Fatalf("stopped at %d, seed %d, read-only: %v", n, seed, rec.Damage)
			}
			contents(t, looked)
			l, _ := mustOpen(t, after, options(segmentBytes(2048)))
			cut := after.Crash(vfs.KeepNone) // what opening finished is durable
			r := l.Reader(2)
			got, err := r.Next(bg)
			if err != nil || got.LSN != 2 {
				t.Fatalf("stopped at %d, seed %d: lsn %d, %v", n, seed, got.LSN, err)
			}
			left := bytes.Contains(readFile(t, cut, segmentPath(1)), []byte("secret"))
			marked := inAnyFile(t, cut, wal.AppendMark(nil, &wal.Mark{Type: wal.MarkErasure, Erased: 2, By: by, Hash: got.Hash}))
			switch {
			case done && got.Erased != by, marked != (got.Erased == by), marked && left:
				t.Fatalf("stopped at %d, seed %d: done %v, marked %v, erased by %d, something left %v", n, seed, done, marked, got.Erased, left)
			case !marked && !bytes.Equal(got.Payload, secret):
				t.Fatalf("stopped at %d, seed %d: %d bytes, not the %d that were written", n, seed, len(got.Payload), len(secret))
			case marked:
				mustBeErased(t, l, by)
				finished++
			}
			all := contents(t, l)
			all[1], want[1] = "", ""
			if d := diffStrings(all, want); d != "" {
				t.Fatalf("stopped at %d, seed %d: %s", n, seed, d)
			}
			mustAppend(t, l, batch("after", 1, 10)...)
			mustClose(t, l)
		}
		if done {
			break
		}
	}
	if finished < 16 {
		t.Fatalf("only %d of the crashes left a mark", finished)
	}
}

// An erasure is the first thing that a life does after a clean end. If CLEAN came back after a power cut, opening would
// believe that the last mark had been carried out.
func TestCrashDuringErasureAfterACleanEnd(t *testing.T) {
	for n := 1; ; n++ {
		m := vfs.NewMem() // with room in its segment: a roll would make the removal of CLEAN durable as well
		l, _ := mustOpen(t, m, options())
		mustAppend(t, l, batch("first", 1, 100)...)
		mustAppend(t, l, wal.Entry{Kind: 2, Payload: secret})
		by := mustAppend(t, l, wal.Entry{Kind: 7, Payload: []byte("erase lsn 2: asked for")}).Last
		mustClose(t, l)
		disk := vfs.NewFaulty(m)
		l, _ = mustOpen(t, disk, options())
		disk.SetPlan(vfs.StopAt(n))
		done := l.Erase(bg, 2, by) == nil
		after := m.Crash(vfs.KeepNone)
		l, _ = mustOpen(t, after, options())
		r := l.Reader(2)
		got, err := r.Next(bg)
		if err != nil || done && got.Erased != by {
			t.Fatalf("stopped at %d: erased by %d, %v", n, got.Erased, err)
		}
		mark := wal.AppendMark(nil, &wal.Mark{Type: wal.MarkErasure, Erased: 2, By: by, Hash: got.Hash})
		if inAnyFile(t, after, mark) && inAnyFile(t, after, []byte("secret")) {
			t.Fatalf("stopped at %d: the mark is there, and something is left", n)
		}
		if done {
			break
		}
	}
}

// An earlier life zeroed the payload, and its sync failed: the page cache shows zeros that are not on disk, and a sync
// alone would write nothing. What opening hands out as erased has to be erased after the power cut that follows.
func TestErasureIsFinishedEvenWhereZerosShow(t *testing.T) {
	m := vfs.NewMem()
	disk := vfs.NewFaulty(m)
	l, by := withSecret(t, disk)
	disk.SetPlan(func(op vfs.Op) error {
		if op.Kind == vfs.OpSync && op.Path == segmentPath(1) {
			return errors.New("input/output error")
		}
		return nil
	})
	if err := l.Erase(bg, 2, by); !errors.Is(err, wal.ErrLatched) {
		t.Fatalf("Erase = %v, want ErrLatched", err)
	}
	mustBeErased(t, l, by) // the order is durable
	if _, err := l.Append(bg, batch("later", 1, 1)...); !errors.Is(err, wal.ErrLatched) {
		t.Fatalf("Append = %v, want ErrLatched", err)
	}
	l.Close()
	if !bytes.Contains(readFile(t, m.Crash(vfs.KeepNone), segmentPath(1)), []byte("secret")) {
		t.Fatal("nothing is left to be finished")
	}
	l, _ = mustOpen(t, m, options(segmentBytes(2048)))
	mustBeErased(t, l, by)
	if bytes.Contains(readFile(t, m.Crash(vfs.KeepNone), segmentPath(1)), []byte("secret")) {
		t.Error("after opening again it is still on disk")
	}
}

// An erasure that waits behind an append is no part of its group: it is carried out, and not only acknowledged.
func TestEraseWaitsForItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := vfs.NewMem()
		disk := newBlockedSync(m)
		l, by := withSecret(t, disk)
		disk.arm()
		errs := make(chan error, 4)
		appendOne := func(name string) {
			go func() {
				_, err := l.Append(bg, batch(name, 1, 10)...)
				errs <- err
			}()
			synctest.Wait()
		}
		appendOne("first")
		<-disk.reached // the others queue up behind it
		appendOne("second")
		go func() { errs <- l.Erase(bg, 2, by) }()
		synctest.Wait()
		appendOne("third")
		disk.SetPlan(nil)
		disk.verdict <- nil
		for range 4 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		mustBeErased(t, l, by)
		if inAnyFile(t, m.Crash(vfs.KeepNone), []byte("secret")) {
			t.Error("it is still there")
		}
		mustClose(t, l)
	})
}

// A mark excuses the payload whose hash it names, and no other.
func TestErasureOfAnotherPayloadIsNoExcuse(t *testing.T) {
	data, ends := image(t, batch("one", 1, 40), batch("two", 1, 40), batch("three", 1, 40))
	hash := wal.Hash(data[ends[0]+40 : ends[0]+72])
	chain := wal.Hash(data[ends[1]+72 : ends[1]+104])
	clear(data[ends[0]+104 : ends[1]])
	for _, other := range []bool{false, true} {
		if other {
			hash[0] ^= 1
		}
		marked, prev := bytes.Clone(data), chain
		for _, mark := range []wal.Mark{{Type: wal.MarkErasure, Erased: 2, By: 3, Hash: hash}, {Type: wal.MarkIdle}} {
			payload := wal.AppendMark(nil, &mark)
			header := make([]byte, wal.HeaderBytes)
			prev = wal.EncodeHeader(header, &testID, &prev, &wal.Header{Kind: wal.KindMark, Flags: wal.FlagLast,
				Length: uint32(len(payload)), LSN: 3, Durable: 3, Hash: blake3.Sum256(payload)})
			marked = slices.Concat(marked, header, payload)
		}
		m := withFile(t, marked)
		if other {
			mustRefuse(t, m, options(), wal.ErrDamaged)
			continue
		}
		l, _ := mustOpen(t, m, options())
		mustBeErased(t, l, 3)
	}
}

// Appends that come while an erasure is under way are written before it or behind it, and none is lost.
func TestEraseAmongAppends(t *testing.T) {
	m := vfs.NewMem()
	l, by := withSecret(t, m)
	before := contents(t, l)
	errs := make(chan error)
	const writers = 8
	for i := range writers {
		go func() {
			_, err := l.Append(bg, batch(strings.Repeat("w", i+1), 2, 100)...)
			errs <- err
		}()
		go func() { errs <- l.Erase(bg, 2, by) }()
	}
	for range 2 * writers {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	mustBeErased(t, l, by)
	got := contents(t, l)
	if len(got) != len(before)+2*writers || !slices.Equal(got[2:len(before)], before[2:]) {
		t.Errorf("%d records, want %d", len(got), len(before)+2*writers)
	}
	mustClose(t, l)
}
