package badger

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/dgraph-io/badger/v4/options"
	"github.com/dgraph-io/badger/v4/table"
	"github.com/dgraph-io/badger/v4/y"
)

// TestLargeValueThatChangedIsAnError stands for a wrong answer that badger gives: it logs a value that it cannot read
// and returns an empty one.
func TestLargeValueThatChangedIsAnError(t *testing.T) {
	dir := closedStore(t, 2<<20)
	flip(t, only(t, dir, ".vlog"), 1<<20)
	s := mustOpen(t, dir)
	snap, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	if value, err := snap.Get([]byte("large")); !errors.Is(err, ErrDamaged) {
		t.Errorf("Get = %d bytes, %v, want ErrDamaged", len(value), err)
	}
	var last error
	entries := 0
	for _, err := range snap.Scan(t.Context(), nil, nil) {
		if last = err; err == nil {
			entries++
		}
	}
	if entries != 100 || !errors.Is(last, ErrDamaged) {
		t.Errorf("Scan yields %d entries and ends with %v, want 100 and ErrDamaged", entries, last)
	}
}

// TestEveryChangedByteOfATableIsFound uses values that do not compress: in others, a changed byte can mean the same.
// Tables are written uncompressed; compressed ones were once, and are read.
func TestEveryChangedByteOfATableIsFound(t *testing.T) {
	for name, compression := range map[string]options.CompressionType{"plain": options.None, "Snappy": options.Snappy} {
		t.Run(name, func(t *testing.T) {
			name := table.NewFilename(1, t.TempDir())
			writeTable(t, name, compression)
			if err := verifyTable(name, compression); err != nil {
				t.Fatalf("a good table: %v", err)
			}
			for at := range written(t, name) {
				flip(t, name, int64(at))
				if verifyTable(name, compression) == nil {
					t.Errorf("the change of byte %d is not found", at)
				}
				flip(t, name, int64(at))
			}
		})
	}
}

// writeTable makes a table of two blocks, as badger does.
func writeTable(t *testing.T, name string, compression options.CompressionType) {
	t.Helper()
	b := table.NewTableBuilder(table.Options{Compression: compression, BlockSize: 4 << 10, TableSize: 1 << 20})
	defer b.Close()
	for i := range 50 {
		b.Add(y.KeyWithTs(fmt.Appendf(nil, "k%03d", i), 1), y.ValueStruct{Value: noise(100 + i)}, 0)
	}
	tbl, err := table.CreateTable(name, b)
	if err != nil {
		t.Fatal(err)
	}
	if err := tbl.Close(-1); err != nil {
		t.Fatal(err)
	}
}

// TestNoChangedBitEndsTheProcess flips bits all over the files of a store that was not closed, in a table, the log, the
// value log and what lists them. Each time, opening and reading must end, with an error or without: a panic in one of
// badger's own goroutines, as over a bad table, could not be caught.
func TestNoChangedBitEndsTheProcess(t *testing.T) {
	dir := closedStore(t, 1<<20+1)
	left := t.TempDir()
	s := mustOpen(t, dir)
	for i := range 100 {
		mustPut(t, s, fmt.Sprintf("new%03d", i), noise(1000))
	}
	copyStore(t, dir, left)
	const seed = 1
	rng := rand.New(rand.NewPCG(seed, 0))
	for _, name := range []string{"*.sst", "*.mem", "*.vlog", "MANIFEST", "KEYREGISTRY", "DISCARD"} {
		names, err := filepath.Glob(filepath.Join(left, name))
		if err != nil || len(names) == 0 {
			t.Fatalf("no file %s: %v, %v", name, names, err)
		}
		for range 4 {
			at := rng.IntN(max(1, len(written(t, names[0]))))
			flip(t, names[0], int64(at))
			t.Logf("seed %d: %s, byte %d: %v", seed, filepath.Base(names[0]), at, readAll(t, left))
			flip(t, names[0], int64(at))
		}
	}
}

// writtenMax is above what the stores of these tests write to any one file. The rest of their files is holes.
const writtenMax = 4 << 20

// written is what has been written to a file: its start, without the zeros that follow.
func written(t *testing.T, name string) []byte {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, writtenMax))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.TrimRight(content, "\x00")
}

// copyStore copies the files of a store as they are now, holes as holes.
func copyStore(t *testing.T, from, to string) {
	t.Helper()
	entries, err := os.ReadDir(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(to, e.Name())
		if err := os.WriteFile(name, written(t, filepath.Join(from, e.Name())), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(name, info.Size()); err != nil {
			t.Fatal(err)
		}
	}
}

// readAll opens a copy of dir and reads all that is in it.
func readAll(t *testing.T, dir string) error {
	t.Helper()
	work := t.TempDir()
	copyStore(t, dir, work)
	s, err := Open(work, ServerOptions())
	if err != nil {
		return err
	}
	defer s.Close()
	snap, err := s.Snapshot()
	if err != nil {
		return err
	}
	for _, err := range snap.Scan(t.Context(), nil, nil) {
		if err != nil {
			return err
		}
	}
	return nil
}

// TestUncleanEndKeepsWhatWasApplied opens a copy of the files of a running store, which is what a killed process
// leaves behind.
func TestUncleanEndKeepsWhatWasApplied(t *testing.T) {
	dir, left := t.TempDir(), t.TempDir()
	s := mustOpen(t, dir)
	const keys = 50
	for i := range keys {
		mustPut(t, s, fmt.Sprintf("k%03d", i), noise(1000))
	}
	mustPut(t, s, "large", noise(1<<20+1))
	if err := s.Sync(); err != nil {
		t.Fatal(err)
	}
	copyStore(t, dir, left)
	snap, err := mustOpen(t, left).Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for e, err := range snap.Scan(t.Context(), nil, nil) {
		if err != nil {
			t.Fatal(err)
		}
		if want := noise(len(e.Value)); !bytes.Equal(e.Value, want) {
			t.Errorf("the value of %q changed", e.Key)
		}
		found++
	}
	if found != keys+1 {
		t.Errorf("%d keys are left, want %d", found, keys+1)
	}
}
