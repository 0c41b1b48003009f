package wal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync/atomic"
	"testing"
	"time"

	"episteme/engine/vfs"
	"episteme/engine/wal"
)

const dir = "/var/ep/wal"

var (
	bg     = context.Background()
	testID = wal.LogID{0xA0, 0xA1, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA7, 0xA8, 0xA9, 0xAA, 0xAB, 0xAC, 0xAD, 0xAE, 0xAF}
	start  = time.Date(2024, 1, 15, 21, 0, 0, 0, time.UTC)
)

// clock returns a clock that starts at 2024-01-15T21:00:00Z and goes on by a microsecond each time it is asked.
func clock() func() time.Time {
	var asked atomic.Int64
	return func() time.Time { return start.Add(time.Duration(asked.Add(1)-1) * time.Microsecond) }
}

// options are those of most tests: small segments, no marks by time, no reserve, everything repeatable.
func options(change ...func(*wal.Options)) wal.Options {
	o := wal.Options{SegmentBytes: 8 << 10, ReserveBytes: -1, IdleMark: -1, Now: clock(), NewLogID: func() wal.LogID { return testID }}
	for _, c := range change {
		c(&o)
	}
	return o
}

func readOnly(o *wal.Options) { o.ReadOnly = true }

func segmentBytes(n int64) func(*wal.Options) { return func(o *wal.Options) { o.SegmentBytes = n } }

func mustOpen(t testing.TB, fsys vfs.FS, o wal.Options) (*wal.Log, wal.Recovery) {
	t.Helper()
	l, rec, err := wal.Open(fsys, dir, o)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { l.Close() }) // for tests that leave it open; a second Close does nothing
	return l, rec
}

func mustClose(t testing.TB, c io.Closer) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
}

// batch makes entries whose payloads say which batch they are of, of about size bytes each.
func batch(name string, n, size int) []wal.Entry {
	entries := make([]wal.Entry, n)
	for i := range entries {
		p := fmt.Appendf(nil, "%s %d of %d ", name, i+1, n)
		entries[i] = wal.Entry{Kind: uint8(i%254 + 1), Payload: append(p, bytes.Repeat([]byte{'.'}, max(0, size-len(p)))...)}
	}
	return entries
}

func mustAppend(t testing.TB, l *wal.Log, entries ...wal.Entry) wal.Receipt {
	t.Helper()
	r, err := l.Append(bg, entries...)
	if err != nil {
		t.Fatalf("Append: %v", err)
	}
	return r
}

// contents reads all that is durable and checks that LSNs are dense.
func contents(t testing.TB, l *wal.Log) []string {
	t.Helper()
	got, _, err := tryContents(l)
	if err != nil {
		t.Fatalf("after %d records: %v", len(got), err)
	}
	return got
}

func tryContents(l *wal.Log) (got []string, at []wal.Position, err error) {
	r := l.Reader(1)
	defer r.Close()
	for r.Ready() {
		rec, err := r.Next(bg)
		if err != nil {
			return got, at, err
		}
		if rec.LSN != wal.LSN(len(got)+1) {
			return got, at, fmt.Errorf("found lsn %d, expected %d", rec.LSN, len(got)+1)
		}
		got, at = append(got, string(rec.Payload)), append(at, rec.Pos)
	}
	return got, at, nil
}

func payloads(entries ...wal.Entry) []string {
	var all []string
	for _, e := range entries {
		all = append(all, string(e.Payload))
	}
	return all
}

// readFile and writeFile go around the journal.
func readFile(t testing.TB, fsys vfs.FS, path string) []byte {
	t.Helper()
	f, err := fsys.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		t.Fatal(err)
	}
	data := make([]byte, size)
	if _, err := f.ReadAt(data, 0); err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	return data
}

func writeFile(t testing.TB, fsys vfs.FS, path string, data []byte) {
	t.Helper()
	if err := fsys.MkdirAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := fsys.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	f, err := fsys.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(data, 0); err != nil {
		t.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	mustClose(t, f)
	if err := fsys.SyncDir(dir); err != nil {
		t.Fatal(err)
	}
}

// segmentPath is the path of the segment whose first record is first.
func segmentPath(first wal.LSN) string { return fmt.Sprintf("%s/%020d.wal", dir, first) }

// image is the journal's first segment after the batches, never closed and never marked, cut behind the last record.
func image(t testing.TB, batches ...[]wal.Entry) (data []byte, ends []int) {
	t.Helper()
	m := vfs.NewMem()
	l, _ := mustOpen(t, m, options(segmentBytes(1<<20)))
	for _, b := range batches {
		mustAppend(t, l, b...)
		ends = append(ends, int(l.Head().Offset))
	}
	data = readFile(t, m, segmentPath(1))
	return data[:ends[len(ends)-1]], ends
}

// withFile is a file system that holds one segment, padded with zeros as a prepared one is.
func withFile(t testing.TB, data []byte) *vfs.Mem {
	t.Helper()
	m := vfs.NewMem()
	writeFile(t, m, segmentPath(1), append(bytes.Clone(data), make([]byte, 4096)...))
	return m
}

func diffStrings(got, want []string) string {
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			return fmt.Sprintf("record %d is missing: %.40q", i+1, want[i])
		case i >= len(want):
			return fmt.Sprintf("record %d is one too many: %.40q", i+1, got[i])
		case got[i] != want[i]:
			return fmt.Sprintf("record %d = %.40q, want %.40q", i+1, got[i], want[i])
		}
	}
	return ""
}
