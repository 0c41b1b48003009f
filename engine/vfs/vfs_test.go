package vfs_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"

	"episteme/engine/vfs"
)

// each runs a test on every file system, in an empty directory of its own.
func each(t *testing.T, test func(t *testing.T, fsys vfs.FS, dir string)) {
	t.Run("os", func(t *testing.T) { test(t, vfs.OS(), t.TempDir()) })
	t.Run("mem", func(t *testing.T) { test(t, vfs.NewMem(), "/") })
	t.Run("faulty without a plan", func(t *testing.T) { test(t, vfs.NewFaulty(vfs.NewMem()), ".") })
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func create(t *testing.T, fsys vfs.FS, path string, data []byte) vfs.File {
	t.Helper()
	f, err := fsys.Create(path)
	must(t, err)
	_, err = f.WriteAt(data, 0)
	must(t, err)
	return f
}

func contents(t *testing.T, fsys vfs.FS, path string) []byte {
	t.Helper()
	f, err := fsys.Open(path)
	must(t, err)
	defer f.Close()
	size, err := f.Size()
	must(t, err)
	data := make([]byte, size)
	if n, err := f.ReadAt(data, 0); int64(n) != size || err != nil && err != io.EOF {
		t.Fatalf("read %d of %d: %v", n, size, err)
	}
	return data
}

func TestConformance(t *testing.T) {
	each(t, func(t *testing.T, fsys vfs.FS, dir string) {
		deep := filepath.Join(dir, "a", "b")
		must(t, fsys.MkdirAll(deep))
		must(t, fsys.MkdirAll(deep))
		path := filepath.Join(deep, "file")
		f := create(t, fsys, path, []byte("hello"))
		if _, err := fsys.Create(path); !errors.Is(err, fs.ErrExist) {
			t.Errorf("Create again = %v", err)
		}
		buf := make([]byte, 10)
		if n, err := f.ReadAt(buf, 2); n != 3 || err != io.EOF || string(buf[:n]) != "llo" {
			t.Errorf("ReadAt past the end = %d, %v, %q", n, err, buf[:n])
		}
		if n, err := f.ReadAt(buf, 99); n != 0 || err != io.EOF {
			t.Errorf("ReadAt behind the end = %d, %v", n, err)
		}
		_, err := f.WriteAt([]byte("x"), 10_000)
		must(t, err)
		must(t, f.Sync())
		must(t, f.Truncate(3))
		must(t, f.Truncate(6))
		must(t, f.SyncAll())
		if got := contents(t, fsys, path); !bytes.Equal(got, []byte("hel\x00\x00\x00")) {
			t.Errorf("contents = %q", got)
		}
		must(t, f.Close())
		if err := f.Close(); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("second Close = %v", err)
		}
		other := create(t, fsys, filepath.Join(deep, "other"), []byte("other"))
		must(t, other.Close())
		must(t, fsys.Rename(filepath.Join(deep, "other"), path))
		must(t, fsys.SyncDir(deep))
		if got := contents(t, fsys, path); string(got) != "other" {
			t.Errorf("after the rename: %q", got)
		}
		if names, err := fsys.ReadDir(deep); err != nil || !slices.Equal(names, []string{"file"}) {
			t.Errorf("ReadDir = %v, %v", names, err)
		}
		if info, err := fsys.Stat(path); err != nil || info != (vfs.Info{Size: 5}) {
			t.Errorf("Stat = %+v, %v", info, err)
		}
		if info, err := fsys.Stat(deep); err != nil || info != (vfs.Info{IsDir: true}) {
			t.Errorf("Stat of a directory = %+v, %v", info, err)
		}
		ro, err := fsys.Open(path)
		must(t, err)
		if _, err := ro.WriteAt([]byte("x"), 0); err == nil {
			t.Error("wrote to a file opened for reading")
		}
		must(t, ro.Close())
		if err := fsys.Remove(deep); err == nil {
			t.Error("removed a directory that holds a file")
		}
		must(t, fsys.Remove(path))
		for what, err := range map[string]error{"Open": second(fsys.Open(path)), "OpenReadWrite": second(fsys.OpenReadWrite(path)),
			"Stat": second(fsys.Stat(path)), "Remove": fsys.Remove(path), "Rename": fsys.Rename(path, path+"2"),
			"ReadDir": second(fsys.ReadDir(path)), "SyncDir": fsys.SyncDir(path), "Create": second(fsys.Create(filepath.Join(path, "x")))} {
			if !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s of nothing = %v", what, err)
			}
		}
		if free, err := fsys.FreeBytes(dir); err != nil || free == 0 {
			t.Errorf("FreeBytes = %d, %v", free, err)
		}
	})
}

func second[T any](_ T, err error) error { return err }

func TestLockNamesItsHolder(t *testing.T) {
	each(t, func(t *testing.T, fsys vfs.FS, dir string) {
		path := filepath.Join(dir, "LOCK")
		lock, err := fsys.Lock(path)
		must(t, err)
		var locked *vfs.LockedError
		if _, err := fsys.Lock(path); !errors.As(err, &locked) || locked.PID != os.Getpid() || locked.Path != path {
			t.Fatalf("second Lock = %v", err)
		}
		must(t, lock.Close())
		lock, err = fsys.Lock(path)
		must(t, err)
		must(t, lock.Close())
	})
}

// Mem against a slice: random writes, truncations and reads give the same bytes.
func TestMemReadsWhatWasWritten(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 0))
		m := vfs.NewMem()
		f := create(t, m, "f", nil)
		var want []byte
		for range 200 {
			at := r.IntN(20_000)
			switch r.IntN(6) {
			case 0:
				must(t, f.Truncate(int64(at)))
				if at > len(want) {
					want = append(want, make([]byte, at-len(want))...)
				}
				want = want[:at]
			case 1:
				must(t, f.Sync())
			default:
				p := make([]byte, r.IntN(9000))
				if r.IntN(3) > 0 {
					for i := range p {
						p[i] = byte(r.Uint32())
					}
				}
				_, err := f.WriteAt(p, int64(at))
				must(t, err)
				if need := at + len(p); need > len(want) {
					want = append(want, make([]byte, need-len(want))...)
				}
				copy(want[at:], p)
			}
			if got := contents(t, m, "f"); !bytes.Equal(got, want) {
				t.Fatalf("seed %d: contents differ", seed)
			}
		}
		if got := contents(t, m.Crash(vfs.KeepAll), "f"); !bytes.Equal(got, want) {
			t.Fatalf("seed %d: contents differ after a crash that keeps everything", seed)
		}
	}
}

func exists(fsys vfs.FS, path string) bool {
	_, err := fsys.Stat(path)
	return err == nil
}

func TestCrashKeepsWhatWasSyncedAndNothingElse(t *testing.T) {
	m := vfs.NewMem()
	must(t, m.MkdirAll("d"))
	must(t, m.SyncDir("."))
	f := create(t, m, "d/f", bytes.Repeat([]byte{1}, 1024))
	must(t, f.Sync())
	if exists(m.Crash(vfs.KeepNone), "d/f") {
		t.Error("a synced file has a durable name")
	}
	must(t, m.SyncDir("d"))
	_, err := f.WriteAt(bytes.Repeat([]byte{2}, 1024), 512)
	must(t, err)
	durable := bytes.Repeat([]byte{1}, 1024)
	if got := contents(t, m.Crash(vfs.KeepNone), "d/f"); !bytes.Equal(got, durable) {
		t.Error("what was not synced survived")
	}
	pending := m.Pending()
	want := []vfs.Pending{{Kind: vfs.PendingSize, Path: "/d/f"}, {Kind: vfs.PendingSector, Path: "/d/f", Sector: 1},
		{Kind: vfs.PendingSector, Path: "/d/f", Sector: 2}}
	if !slices.Equal(pending, want) {
		t.Fatalf("Pending = %v, want %v", pending, want)
	}
	for mask := range uint64(1) << len(pending) {
		data := bytes.Clone(durable)
		if mask&1 != 0 {
			data = append(data, make([]byte, 512)...)
		}
		for i, sector := range []int{1, 2} {
			if mask&(2<<i) != 0 && sector*512 < len(data) {
				copy(data[sector*512:(sector+1)*512], bytes.Repeat([]byte{2}, 512))
			}
		}
		if got := contents(t, m.Crash(vfs.KeepBits(mask)), "d/f"); !bytes.Equal(got, data) {
			t.Errorf("mask %b: contents differ", mask)
		}
	}
	if got := contents(t, m, "d/f"); len(got) != 1536 {
		t.Error("crashing changed the file system itself")
	}
}

func TestCrashChoosesNamesOneByOne(t *testing.T) {
	m := vfs.NewMem()
	must(t, create(t, m, "a", []byte("a")).Close())
	must(t, m.SyncDir("."))
	must(t, m.Rename("a", "b"))
	must(t, create(t, m, "c", nil).Close())
	must(t, m.Remove("c"))
	names := func(mask uint64) []string {
		all, err := m.Crash(vfs.KeepBits(mask)).ReadDir(".")
		must(t, err)
		return all
	}
	for mask, want := range map[uint64][]string{0: {"a"}, 1: {"b"}, 2: {"a", "c"}, 3: {"b", "c"}, 4: {"a"}, 7: {"b"}} {
		if got := names(mask); !slices.Equal(got, want) {
			t.Errorf("mask %b: names %v, want %v", mask, got, want)
		}
	}
	must(t, m.SyncDir("."))
	if got := names(0); !slices.Equal(got, []string{"b"}) {
		t.Errorf("synced: names %v", got)
	}
}

// After a failed sync the pages are clean and not on disk; only writing them again helps.
func TestFailedSyncIsNotRepairedBySyncing(t *testing.T) {
	m := vfs.NewMem()
	disk := vfs.NewFaulty(m)
	f := create(t, disk, "f", []byte("one"))
	must(t, f.Sync())
	must(t, disk.SyncDir("."))
	_, err := f.WriteAt([]byte("two"), 0)
	must(t, err)
	disk.SetPlan(vfs.FailNth(vfs.OpSync, 1, syscall.EIO))
	if err := f.Sync(); !errors.Is(err, syscall.EIO) {
		t.Fatalf("Sync = %v", err)
	}
	must(t, f.Sync())
	if got := contents(t, disk, "f"); string(got) != "two" {
		t.Errorf("the cache shows %q", got)
	}
	for _, keep := range []vfs.Choice{vfs.KeepNone, vfs.KeepAll} {
		if got := contents(t, m.Crash(keep), "f"); string(got) != "one" {
			t.Errorf("after a crash: %q", got)
		}
	}
	_, err = f.WriteAt([]byte("two"), 0)
	must(t, err)
	must(t, f.Sync())
	if got := contents(t, m.Crash(vfs.KeepNone), "f"); string(got) != "two" {
		t.Errorf("written again: %q", got)
	}
}

func TestPlans(t *testing.T) {
	m := vfs.NewMem()
	disk := vfs.NewFaulty(m)
	f := create(t, disk, "f", nil)
	disk.SetPlan(vfs.FailNth(vfs.OpWrite, 2, &vfs.ShortError{Bytes: 2, Err: syscall.ENOSPC}))
	_, err := f.WriteAt([]byte("aaaa"), 0)
	must(t, err)
	n, err := f.WriteAt([]byte("bbbb"), 0)
	if n != 2 || !vfs.IsNoSpace(err) {
		t.Errorf("short write = %d, %v", n, err)
	}
	if got := contents(t, m, "f"); string(got) != "bbaa" {
		t.Errorf("after a short write: %q", got)
	}
	if disk.Ops() != 2 {
		t.Errorf("Ops = %d, want 2", disk.Ops())
	}
	disk.SetPlan(vfs.StopAt(2))
	must(t, f.Sync())
	for range 2 {
		if err := f.Truncate(0); !errors.Is(err, vfs.ErrStopped) {
			t.Errorf("Truncate = %v after the stop", err)
		}
	}
	if got := contents(t, disk, "f"); string(got) != "bbaa" {
		t.Errorf("reading after the stop: %q", got)
	}
}

func TestMemIsSparse(t *testing.T) {
	m := vfs.NewMem()
	zeros := make([]byte, 1<<20)
	f := create(t, m, "f", nil)
	n := testing.AllocsPerRun(1, func() {
		for i := range int64(64) {
			if _, err := f.WriteAt(zeros, i<<20); err != nil {
				t.Fatal(err)
			}
		}
		must(t, f.Sync())
	})
	if n > 0 {
		t.Errorf("64 MiB of zeros took %v allocations", n)
	}
}

func TestMemTogether(t *testing.T) {
	m := vfs.NewMem()
	f := create(t, m, "f", make([]byte, 1<<16))
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			buf := bytes.Repeat([]byte{byte(i + 1)}, 1000)
			for n := range 200 {
				f.WriteAt(buf, int64(i*1000))
				f.ReadAt(buf, int64(i*1000))
				f.Sync()
				if n%50 == 0 {
					m.Crash(vfs.KeepSeeded(uint64(n)))
					m.ReadDir(".")
				}
			}
			if buf[0] != byte(i+1) || buf[999] != byte(i+1) {
				t.Errorf("goroutine %d read %d", i, buf[0])
			}
		})
	}
	wg.Wait()
	must(t, f.Close())
	if m.OpenHandles() != 0 {
		t.Errorf("OpenHandles = %d", m.OpenHandles())
	}
}
