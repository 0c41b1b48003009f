package wal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"episteme/engine/vfs"
	"episteme/engine/wal"
)

func TestAppendThenRead(t *testing.T) {
	m := vfs.NewMem()
	l, rec := mustOpen(t, m, options())
	if !rec.Created || rec.Segments != 1 {
		t.Fatalf("Recovery = %+v", rec)
	}
	var want []string
	for i, size := range []int{0, 1, 7, 8, 9, 1023, 1024, 1025, 5000, 100_000} {
		b := batch(fmt.Sprint("b", i), i%3+1, size)
		got := mustAppend(t, l, b...)
		if got.First != wal.LSN(len(want)+1) || got.Last != wal.LSN(len(want)+len(b)) || got.RecordedAt == 0 {
			t.Fatalf("Receipt = %+v behind %d records", got, len(want))
		}
		want = append(want, payloads(b...)...)
	}
	check := func(l *wal.Log) {
		t.Helper()
		if d := diffStrings(contents(t, l), want); d != "" {
			t.Fatal(d)
		}
		for from := range len(want) + 1 {
			r := l.Reader(wal.LSN(from))
			rec, err := r.Next(bg)
			if wantLSN := wal.LSN(max(from, 1)); err != nil || rec.LSN != wantLSN || string(rec.Payload) != want[wantLSN-1] {
				t.Fatalf("Reader(%d).Next = lsn %d, %v", from, rec.LSN, err)
			}
			chain, err := l.ChainAt(rec.LSN)
			if err != nil || chain != rec.Chain {
				t.Fatalf("ChainAt(%d) = %x, %v", rec.LSN, chain, err)
			}
			again, err := l.ReadAt(rec.Pos)
			if err != nil || again.Hash != rec.Hash || !bytes.Equal(again.Payload, rec.Payload) || !bytes.Equal(again.Header, rec.Header) {
				t.Fatalf("ReadAt(%+v) = %v", rec.Pos, err)
			}
			mustClose(t, r)
		}
	}
	check(l)
	head := l.Head()
	mustClose(t, l)
	l, rec = mustOpen(t, m, options())
	check(l)
	if got := l.Head(); got.Last != head.Last || got.Chain != head.Chain || got.Log != testID {
		t.Fatalf("Head = %+v after reopening, %+v before", got, head)
	}
}

func TestAppendRefusesWhatIsNoBatch(t *testing.T) {
	l, _ := mustOpen(t, vfs.NewMem(), options())
	big := make([]byte, wal.MaxPayloadBytes+1)
	tests := []struct {
		name    string
		entries []wal.Entry
	}{
		{"nothing", nil},
		{"kind 0", []wal.Entry{{Kind: 1}, {Kind: 0}}},
		{"the journal's own kind", []wal.Entry{{Kind: 255}}},
		{"a payload over the limit", []wal.Entry{{Kind: 1, Payload: big}}},
		{"a batch over the limit", []wal.Entry{{Kind: 1, Payload: big[1:]}, {Kind: 1, Payload: big[1:]}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := l.Append(bg, tt.entries...); !errors.Is(err, wal.ErrLimit) {
				t.Errorf("Append = %v, want ErrLimit", err)
			}
		})
	}
	if got := l.Head().Last; got != 0 {
		t.Errorf("the head is at %d", got)
	}
	mustAppend(t, l, wal.Entry{Kind: 1, Payload: big[1:]}, wal.Entry{Kind: 2, Payload: big[:wal.MaxPayloadBytes-208]})
	if got := contents(t, l); len(got) != 2 {
		t.Errorf("the greatest batch: %d records", len(got))
	}
}

// However the journal is set up, a record says that all before its group is durable: recovery lives on it.
func TestDurableLSNAdvancesInEveryConfiguration(t *testing.T) {
	for _, idle := range []time.Duration{-1, 0, time.Nanosecond} {
		for _, reserve := range []int64{-1, 0, 1} {
			for _, segment := range []int64{0, 1, 1000, 1 << 20} {
				for _, witness := range []wal.Witness{{}, {Log: wal.LogID{9}}} {
					o := wal.Options{IdleMark: idle, ReserveBytes: reserve, SegmentBytes: segment, Witness: witness}
					l, _ := mustOpen(t, vfs.NewMem(), o)
					for i := range 5 {
						got := mustAppend(t, l, batch("x", 1+i%2, 100)...)
						r := l.Reader(got.First)
						for lsn := got.First; lsn <= got.Last; lsn++ {
							rec, err := r.Next(bg)
							if err != nil || rec.Durable != got.First-1 {
								t.Fatalf("%+v: lsn %d says %d is durable, want %d; %v", o, lsn, rec.Durable, got.First-1, err)
							}
						}
						if h := l.Head(); h.Durable != got.Last || h.Last != got.Last {
							t.Fatalf("%+v: Head = %+v after lsn %d", o, h, got.Last)
						}
						mustClose(t, r)
					}
					mustClose(t, l)
				}
			}
		}
	}
}

// Marks come by time, so nothing that counts may depend on them.
func TestMarksNeverShiftLSNs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fast, slow := vfs.NewMem(), vfs.NewMem()
		marked := func(o *wal.Options) { o.IdleMark = 50 * time.Millisecond }
		lf, _ := mustOpen(t, fast, options(marked, segmentBytes(2048)))
		ls, _ := mustOpen(t, slow, options(marked, segmentBytes(2048)))
		for i := range 20 {
			b := batch(fmt.Sprint("record ", i), 1, 200)
			f, s := mustAppend(t, lf, b...), mustAppend(t, ls, b...)
			if f.First != s.First || f.First != wal.LSN(i+1) {
				t.Fatalf("record %d: lsn %d without waiting, %d with", i+1, f.First, s.First)
			}
			end := ls.Head().Offset
			time.Sleep(200 * time.Millisecond) // of the bubble's clock
			synctest.Wait()
			if h := ls.Head(); h.Last != s.Last || h.Offset != end+sealBytes && h.Offset+2*sealBytes < 2048 {
				t.Fatalf("record %d: end %d before idling, Head = %+v after", i+1, end, h)
			}
			before := ls.Head()
			time.Sleep(10 * time.Second)
			if ls.Head() != before {
				t.Fatalf("record %d: a second mark: %+v, %+v", i+1, before, ls.Head())
			}
			// The mark does what it is for: it is proof for the record in front of it.
			data := readFile(t, slow, segmentPath(1))
			if i == 2 && !bytes.Contains(data, []byte{'E', 'P', 'R', '1', 1, 255}) {
				t.Fatal("no mark")
			}
		}
		if d := diffStrings(contents(t, ls), contents(t, lf)); d != "" {
			t.Fatal(d)
		}
		mustClose(t, lf)
		mustClose(t, ls)
	})
}

// blockedSync is a file system whose syncs of files wait, once armed, until they are let go one by one.
type blockedSync struct {
	*vfs.Faulty
	reached chan struct{}
	verdict chan error
}

func newBlockedSync(m *vfs.Mem) *blockedSync {
	b := &blockedSync{Faulty: vfs.NewFaulty(m), reached: make(chan struct{}), verdict: make(chan error)}
	return b
}

func (b *blockedSync) arm() {
	b.SetPlan(func(op vfs.Op) error {
		if op.Kind != vfs.OpSync {
			return nil
		}
		b.reached <- struct{}{}
		return <-b.verdict
	})
}

func TestFsyncErrorLatchesAllWaiters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := vfs.NewMem()
		disk := newBlockedSync(m)
		l, _ := mustOpen(t, disk, options())
		mustAppend(t, l, batch("kept", 1, 10)...)
		disk.arm()
		const writers = 10
		errs := make(chan error, writers)
		for i := range writers {
			go func() {
				_, err := l.Append(bg, batch(fmt.Sprint("writer ", i), 1, 10)...)
				errs <- err
			}()
		}
		<-disk.reached
		synctest.Wait() // one leads, nine wait for it
		disk.verdict <- syscall.EIO
		var first error
		for range writers {
			err := <-errs
			if !errors.Is(err, wal.ErrLatched) || !errors.Is(err, syscall.EIO) {
				t.Fatalf("a waiter got %v", err)
			}
			if first == nil {
				first = err
			}
			if err != first {
				t.Fatalf("waiters got different errors: %v, %v", first, err)
			}
		}
		disk.SetPlan(nil)
		if _, err := l.Append(bg, batch("later", 1, 10)...); err != first {
			t.Fatalf("a later append got %v, want %v", err, first)
		}
		if h := l.Head(); h.Latched != first || h.Durable != 1 {
			t.Fatalf("Head = %+v", h)
		}
		if got := contents(t, l); len(got) != 1 {
			t.Fatalf("%d records can be read, want the durable one", len(got))
		}
		if err := l.Close(); !errors.Is(err, wal.ErrLatched) {
			t.Fatalf("Close = %v", err)
		}
		l, _ = mustOpen(t, m, options())
		mustAppend(t, l, batch("again", 1, 10)...)
		mustClose(t, l)
	})
}

func TestTailReaderNeverPassesDurable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := vfs.NewMem()
		disk := newBlockedSync(m)
		l, _ := mustOpen(t, disk, options())
		disk.arm()
		r := l.Reader(1)
		got := make(chan wal.Record)
		go func() {
			for range 2 {
				rec, err := r.Next(bg)
				if err != nil {
					t.Error(err)
				}
				got <- rec
			}
		}()
		for i := range 2 {
			done := make(chan error)
			go func() {
				_, err := l.Append(bg, batch("record", 1, 10)...)
				done <- err
			}()
			<-disk.reached // written, not synced
			synctest.Wait()
			select {
			case rec := <-got:
				t.Fatalf("lsn %d was handed out before its sync", rec.LSN)
			default:
			}
			if r.Ready() || l.Head().Last != wal.LSN(i) {
				t.Fatalf("Ready = %v, Head = %+v before the sync", r.Ready(), l.Head())
			}
			disk.verdict <- nil
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			if rec := <-got; rec.LSN != wal.LSN(i+1) {
				t.Fatalf("lsn %d, want %d", rec.LSN, i+1)
			}
		}
		disk.SetPlan(nil)
		mustClose(t, l)
	})
}

func TestCancelledAppendSaysWhatIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := vfs.NewMem()
		disk := newBlockedSync(m)
		l, _ := mustOpen(t, disk, options())
		gone, cancel := context.WithCancel(bg)
		cancel()
		if _, err := l.Append(gone, batch("never", 1, 10)...); !errors.Is(err, context.Canceled) || errors.Is(err, wal.ErrUnknownOutcome) {
			t.Fatalf("cancelled beforehand: %v", err)
		}
		disk.arm()
		type outcome struct {
			receipt wal.Receipt
			err     error
		}
		appendAs := func(ctx context.Context, name string) chan outcome {
			c := make(chan outcome, 1)
			go func() {
				r, err := l.Append(ctx, batch(name, 1, 10)...)
				c <- outcome{r, err}
			}()
			return c
		}
		first := appendAs(bg, "first")
		<-disk.reached
		second := appendAs(bg, "second") // will lead the next group
		synctest.Wait()
		ctx, cancelThird := context.WithCancel(bg)
		third := appendAs(ctx, "third") // will be taken by the second
		queued, cancelQueued := context.WithCancel(bg)
		fourth := appendAs(queued, "fourth")
		synctest.Wait()
		cancelQueued()
		if got := <-fourth; !errors.Is(got.err, context.Canceled) || errors.Is(got.err, wal.ErrUnknownOutcome) {
			t.Fatalf("cancelled in the queue: %v", got.err)
		}
		disk.verdict <- nil
		if got := <-first; got.err != nil || got.receipt.First != 1 {
			t.Fatalf("first: %+v", got)
		}
		<-disk.reached
		cancelThird()
		if got := <-third; !errors.Is(got.err, wal.ErrUnknownOutcome) || !errors.Is(got.err, context.Canceled) {
			t.Fatalf("cancelled on its way: %v", got.err)
		}
		disk.verdict <- nil
		if got := <-second; got.err != nil || got.receipt.First != 2 {
			t.Fatalf("second: %+v", got)
		}
		disk.SetPlan(nil)
		want := payloads(slices.Concat(batch("first", 1, 10), batch("second", 1, 10), batch("third", 1, 10))...)
		if d := diffStrings(contents(t, l), want); d != "" {
			t.Fatal(d)
		}
		mustClose(t, l)
	})
}

// Who gives up waiting may use its buffers again at once, so Append does not return while the leader still copies them.
func TestCancelledAppendIsDoneWithItsPayload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := vfs.NewMem()
		disk := newBlockedSync(m)
		ctx, cancel := context.WithCancel(bg)
		var returned, armed atomic.Bool
		now := clock()
		l, _ := mustOpen(t, disk, options(func(o *wal.Options) {
			o.Now = func() time.Time {
				// The leader asks when it has taken its group and has copied nothing yet.
				if armed.CompareAndSwap(true, false) {
					cancel()
					for i := 0; i < 100_000 && !returned.Load(); i++ {
						runtime.Gosched()
					}
				}
				return now()
			}
		}))
		disk.arm()
		errs := make(chan error, 3)
		go func() {
			_, err := l.Append(bg, batch("first", 1, 10)...)
			errs <- err
		}()
		<-disk.reached
		go func() {
			_, err := l.Append(bg, batch("leads", 1, 10)...)
			errs <- err
		}()
		synctest.Wait()
		payload := bytes.Repeat([]byte("mine "), 10)
		want := string(payload)
		go func() {
			_, err := l.Append(ctx, wal.Entry{Kind: 1, Payload: payload})
			returned.Store(true)
			clear(payload)
			errs <- err
		}()
		synctest.Wait()
		armed.Store(true)
		disk.verdict <- nil
		<-disk.reached
		disk.verdict <- nil
		unknown := 0
		for range 3 {
			if err := <-errs; errors.Is(err, wal.ErrUnknownOutcome) {
				unknown++
			} else if err != nil {
				t.Error(err)
			}
		}
		disk.SetPlan(nil)
		if got := contents(t, l); unknown != 1 || len(got) != 3 || got[2] != want {
			t.Errorf("%d unknown outcomes, found %q", unknown, got)
		}
		mustClose(t, l)
	})
}

// A full disk is a plain error: nothing of the batch is there, and when there is room again it goes on.
func TestNoSpaceLeavesNoPhantomRecord(t *testing.T) {
	t.Run("below the reserve", func(t *testing.T) {
		m := vfs.NewMem()
		l, _ := mustOpen(t, m, options(func(o *wal.Options) { o.ReserveBytes = 1000 }))
		mustAppend(t, l, batch("kept", 1, 10)...)
		m.SetFreeBytes(999)
		before := readFile(t, m, segmentPath(1))
		_, err := l.Append(bg, batch("phantom", 1, 10)...)
		var full *wal.NoSpaceError
		if !errors.As(err, &full) || full.Free != 999 || full.Reserve != 1000 || errors.Is(err, wal.ErrLatched) {
			t.Fatalf("Append = %v", err)
		}
		if !bytes.Equal(readFile(t, m, segmentPath(1)), before) {
			t.Fatal("something was written")
		}
		m.SetFreeBytes(1000)
		if got := mustAppend(t, l, batch("next", 1, 10)...); got.First != 2 {
			t.Fatalf("the next one is lsn %d, want 2", got.First)
		}
	})
	t.Run("nobody knows how much room there is", func(t *testing.T) { // it is another failure than a full disk
		disk := vfs.NewFaulty(vfs.NewMem())
		l, _ := mustOpen(t, disk, options(func(o *wal.Options) { o.ReserveBytes = 1000 }))
		gone := errors.New("no such directory")
		disk.SetPlan(vfs.FailNth(vfs.OpFree, 1, gone))
		if _, err := l.Append(bg, batch("phantom", 1, 10)...); !errors.Is(err, gone) || errors.Is(err, wal.ErrNoSpace) || errors.Is(err, wal.ErrLatched) {
			t.Fatalf("Append = %v, want what the disk said and neither ErrNoSpace nor ErrLatched", err)
		}
		if got := mustAppend(t, l, batch("next", 1, 10)...); got.First != 1 {
			t.Fatalf("the next one is lsn %d, want 1", got.First)
		}
	})
	t.Run("wherever a write finds the disk full", func(t *testing.T) {
		for n := 1; ; n++ {
			m := vfs.NewMem()
			disk := vfs.NewFaulty(m)
			l, _ := mustOpen(t, disk, options(segmentBytes(4096)))
			fired := false
			fail := vfs.FailNth(vfs.OpWrite, n, &vfs.ShortError{Bytes: 100, Err: syscall.ENOSPC})
			disk.SetPlan(func(op vfs.Op) error {
				err := fail(op)
				fired = fired || err != nil
				return err
			})
			var want []string
			for i := range 12 {
				b := batch(fmt.Sprint("record ", i), 1, 1000)
				_, err := l.Append(bg, b...)
				if errors.Is(err, wal.ErrNoSpace) {
					_, err = l.Append(bg, b...) // it recovers by itself
				}
				if err != nil && !errors.Is(err, wal.ErrLatched) {
					t.Fatalf("write %d: %v", n, err)
				}
				if err == nil {
					want = append(want, payloads(b...)...)
				}
			}
			if d := diffStrings(contents(t, l), want); d != "" {
				t.Fatalf("write %d: %s", n, d)
			}
			l.Close()
			l, _ = mustOpen(t, m, options(segmentBytes(4096)))
			if d := diffStrings(contents(t, l), want); d != "" {
				t.Fatalf("write %d, reopened: %s", n, d)
			}
			if !fired {
				break
			}
		}
	})
}
