package wal_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"episteme/engine/vfs"
	"episteme/engine/wal"
)

// Read-only means that not one operation that changes anything is even tried, whatever state the journal is in.
func TestReadOnlyNeverWrites(t *testing.T) {
	torn := stoppedBeforeSync(t, batch("kept", 2, 300), batch("lost", 3, 2000)).Crash(vfs.KeepSeeded(4))
	clean := vfs.NewMem()
	l, _ := mustOpen(t, clean, options())
	mustAppend(t, l, batch("kept", 2, 300)...)
	live := clean.Crash(vfs.KeepAll)
	mustClose(t, l)
	for name, m := range map[string]*vfs.Mem{"torn": torn, "clean": clean, "killed": live} {
		disk := vfs.NewFaulty(m)
		disk.SetPlan(func(op vfs.Op) error {
			if op.Kind.Changes() || op.Kind == vfs.OpLock {
				t.Errorf("%s: %v %s", name, op.Kind, op.Path)
			}
			return nil
		})
		l, rec := mustOpen(t, disk, options(readOnly))
		if got := contents(t, l); len(got) != 2 {
			t.Errorf("%s: %d records; %+v", name, len(got), rec)
		}
		if _, err := l.Append(bg, batch("x", 1, 1)...); err != wal.ErrReadOnly {
			t.Errorf("%s: Append = %v", name, err)
		}
		mustClose(t, l)
	}
	if _, _, err := wal.Open(vfs.NewMem(), dir, options(readOnly)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("where nothing is: %v", err)
	}
}

// A journal can be looked at while another process appends to it.
func TestReadOnlyBesideAWriter(t *testing.T) {
	m := vfs.NewMem()
	l, _ := mustOpen(t, m, options())
	var want []string
	for i := range 30 {
		b := batch(fmt.Sprint("record ", i), 1, 500)
		mustAppend(t, l, b...)
		want = append(want, payloads(b...)...)
		seen, rec := mustOpen(t, m, options(readOnly))
		if d := diffStrings(contents(t, seen), want); d != "" || rec.Damage != nil {
			t.Fatalf("%s; %+v", d, rec)
		}
		if h := seen.Head(); h.Durable > h.Last || rec.Unproven != h.Last-h.Durable {
			t.Fatalf("Head = %+v, Recovery = %+v", h, rec)
		}
		mustClose(t, seen)
	}
}

// The bytes of a batch arrive while somebody looks: that is neither torn nor damaged.
func TestReadOnlyLooksTwiceBesideAWriter(t *testing.T) {
	data, ends := image(t, batch("one", 2, 100), batch("two", 3, 700))
	for n := 2; n <= 4; n++ {
		m := withFile(t, data[:ends[0]+900])
		disk := vfs.NewFaulty(m)
		reads := 0
		disk.SetPlan(func(op vfs.Op) error {
			if op.Kind == vfs.OpRead && op.Path == segmentPath(1) {
				if reads++; reads == n {
					writeFileAt(t, m, segmentPath(1), data)
				}
			}
			return nil
		})
		_, rec := mustOpen(t, disk, options(readOnly))
		if rec.TornBytes != 0 || rec.Damage != nil || rec.Records != 5 {
			t.Errorf("before read %d: Recovery = %+v", n, rec)
		}
	}
}

// writeFileAt overwrites a file that stays the same file.
func writeFileAt(t *testing.T, m *vfs.Mem, path string, data []byte) {
	t.Helper()
	f, err := m.OpenReadWrite(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(data, 0); err != nil {
		t.Fatal(err)
	}
}

func TestSecondProcessGetsAClearError(t *testing.T) {
	real := t.TempDir()
	for _, tt := range []struct {
		name string
		fsys vfs.FS
		dir  string
	}{{"memory", vfs.NewMem(), dir}, {"disk", vfs.OS(), real + "/deep/wal"}} {
		t.Run(tt.name, func(t *testing.T) {
			l, _, err := wal.Open(tt.fsys, tt.dir, options())
			if err != nil {
				t.Fatal(err)
			}
			_, _, err = wal.Open(tt.fsys, tt.dir, options())
			var locked *vfs.LockedError
			if !errors.As(err, &locked) || locked.PID != syscall.Getpid() || !strings.Contains(err.Error(), fmt.Sprint(locked.PID)) {
				t.Fatalf("Open = %v", err)
			}
			mustAppend(t, l, batch("still", 1, 1)...)
			mustClose(t, l)
			l, _, err = wal.Open(tt.fsys, tt.dir, options())
			if err != nil {
				t.Fatal(err)
			}
			mustClose(t, l)
		})
	}
}

// Closing writes a mark, which wakes the readers, so that they may be on their way back to waiting when it ends: one of
// them then waited for ever. Only many runs meet that.
func TestCloseEndsReadersOnTheirWayToWaiting(t *testing.T) {
	for range 300 {
		l, _ := mustOpen(t, vfs.NewMem(), options())
		mustAppend(t, l, batch("record", 1, 1)...)
		var wg sync.WaitGroup
		for range 4 {
			r := l.Reader(1)
			wg.Go(func() {
				for {
					if _, err := r.Next(bg); err != nil {
						if err != wal.ErrClosed {
							t.Error(err)
						}
						return
					}
				}
			})
		}
		mustAppend(t, l, batch("record", 1, 1)...)
		mustClose(t, l)
		wg.Wait()
	}
}

func TestCloseReleasesEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := vfs.NewMem()
		l, _ := mustOpen(t, m, options(segmentBytes(2048), func(o *wal.Options) { o.IdleMark = time.Hour }))
		for i := range 10 {
			mustAppend(t, l, batch(fmt.Sprint("record ", i), 1, 500)...)
		}
		waiting := make(chan error, 3)
		for range 3 {
			r := l.Reader(99)
			go func() {
				_, err := r.Next(bg)
				waiting <- err
			}()
		}
		open := l.Reader(1)
		rec, err := open.Next(bg)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.ReadAt(rec.Pos); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		mustClose(t, l)
		for range 3 {
			if err := <-waiting; err != wal.ErrClosed {
				t.Errorf("a waiting reader got %v", err)
			}
		}
		if n := m.OpenHandles(); n != 0 {
			t.Errorf("%d handles are open", n)
		}
		_, appendErr := l.Append(bg, batch("x", 1, 1)...)
		_, nextErr := open.Next(bg)
		_, readErr := l.ReadAt(rec.Pos)
		_, chainErr := l.ChainAt(1)
		for what, err := range map[string]error{"Append": appendErr, "Next": nextErr, "ReadAt": readErr, "ChainAt": chainErr, "Close": l.Close()} {
			if err != wal.ErrClosed {
				t.Errorf("%s = %v after Close, want ErrClosed", what, err)
			}
		}
		mustClose(t, open)
		// The bubble ends only when no goroutine is left.
	})
}

func TestReaderCloseWakesItsNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := mustOpen(t, vfs.NewMem(), options())
		r := l.Reader(1)
		got := make(chan error)
		go func() {
			_, err := r.Next(bg)
			got <- err
		}()
		synctest.Wait()
		mustClose(t, r)
		if err := <-got; err != wal.ErrClosed {
			t.Errorf("Next = %v", err)
		}
		ctx, cancel := context.WithTimeout(bg, time.Second)
		defer cancel()
		if _, err := l.Reader(1).Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Next = %v at its deadline", err)
		}
		mustClose(t, l)
	})
}

// Many writers and tailing readers at once, with rolls and marks: every record once, in order, at every reader.
func TestWritersAndTailsTogether(t *testing.T) {
	const writers, each, readers = 8, 60, 4
	l, _ := mustOpen(t, vfs.NewMem(), options(segmentBytes(16<<10), func(o *wal.Options) { o.IdleMark = time.Microsecond }))
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				if _, err := l.Append(bg, batch(fmt.Sprintf("%d/%d", w, i), 1+i%3, 64*(i%9))...); err != nil {
					t.Error(err)
				}
			}
		})
	}
	total := writers * (each / 3) * 6
	sums := make([][]string, readers)
	for i := range readers {
		wg.Go(func() {
			r := l.Reader(1)
			defer r.Close()
			for range total {
				rec, err := r.Next(bg)
				if err != nil {
					t.Error(err)
					return
				}
				if i == 0 {
					if _, err := l.ReadAt(rec.Pos); err != nil {
						t.Error(err)
					}
				}
				sums[i] = append(sums[i], string(rec.Payload))
			}
		})
	}
	wg.Wait()
	for i := range sums {
		if d := diffStrings(sums[i], sums[0]); d != "" {
			t.Fatalf("reader %d: %s", i, d)
		}
	}
	if len(slices.Compact(slices.Sorted(slices.Values(sums[0])))) != total {
		t.Fatal("a record came twice")
	}
	mustClose(t, l)
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	l, _ := mustOpen(t, vfs.NewMem(), options(segmentBytes(wal.MaxSegmentBytes), func(o *wal.Options) { o.Now = time.Now }))
	e := wal.Entry{Kind: 1, Payload: make([]byte, 4096)}
	r := l.Reader(1)
	one := func() {
		if _, err := l.Append(bg, e); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Next(bg); err != nil {
			t.Fatal(err)
		}
	}
	for range 50 {
		one()
	}
	runtime.GC() // empties the pool once
	one()
	// What is left is the memory file system's: a page or two for the bytes.
	if n := testing.AllocsPerRun(200, one); n > 5 {
		t.Errorf("%v allocations for an append and a read, pages included", n)
	}
	r2 := l.Reader(1)
	r2.Next(bg)
	if n := testing.AllocsPerRun(200, func() { r2.Next(bg) }); n != 0 {
		t.Errorf("%v allocations for a read", n)
	}
}
