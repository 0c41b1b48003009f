package badger

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"episteme/engine/kv"
)

// residentTables sums what smaps says of the tables of dir.
func residentTables(t *testing.T, dir string) (kib int) {
	t.Helper()
	smaps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Skip(err)
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		t.Fatal(err)
	}
	ours := false
	for lines := bufio.NewScanner(bytes.NewReader(smaps)); lines.Scan(); {
		line := lines.Text()
		if rest, ok := strings.CutPrefix(line, "Rss:"); ok && ours {
			var n int
			if _, err := fmt.Sscan(rest, &n); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			kib += n
		}
		if ends, _, _ := strings.Cut(line, " "); strings.Contains(ends, "-") { // the next mapping
			ours = strings.Contains(line, dir+"/") && strings.HasSuffix(line, ".sst")
		}
	}
	return kib
}

func TestTrimGivesThePagesOfTablesBack(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	for i := range 100 {
		mustPut(t, s, fmt.Sprintf("k%03d", i), noise(100<<10))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, dir)
	s.stopTrimming() // so that it happens here only
	want := readEverything(t, s)
	before := residentTables(t, dir)
	if before < 9<<10 {
		t.Fatalf("%d KiB of tables resident after reading 10,000: the test has lost its teeth", before)
	}
	trimOnce(s)
	// Listing the tables touches each one's index, before the pages go.
	if after := residentTables(t, dir); after > before/10 {
		t.Errorf("%d KiB of tables resident before, %d after: want a tenth at most", before, after)
	}
	if got := readEverything(t, s); got != want {
		t.Error("the store reads differently after a trim")
	}
}

func trimOnce(s *Store) {
	held := newLease(s.db)
	defer held.end()
	trim(s.db, s.dir, held)
}

func readEverything(t *testing.T, s kv.Store) string {
	t.Helper()
	snap, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	var all strings.Builder
	for e, err := range snap.Scan(context.Background(), nil, nil) {
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&all, "%q %x\n", e.Key, e.Value)
	}
	return all.String()
}

// TestTrimHurtsNobody trims without a pause while tables come and go and are read. Memory that was taken from anything
// but a table would show as a difference or end the process.
func TestTrimHurtsNobody(t *testing.T) {
	const (
		seed   = 3
		keys   = 400
		rounds = 100
	)
	s := mustOpen(t, t.TempDir())
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					trimOnce(s)
				}
			}
		})
	}
	end := sync.OnceFunc(func() {
		close(stop)
		wg.Wait()
	})
	defer end() // also when the test fails: before the store is closed
	rng := rand.New(rand.NewPCG(seed, 0))
	want := map[string][]byte{}
	for range rounds {
		var b kv.Batch
		for range 5 { // half a MiB: a memtable is full after eight rounds
			key, value := fmt.Sprintf("k%03d", rng.IntN(keys)), noise(100<<10)
			value[0], value[len(value)-1] = byte(rng.Uint32()), byte(rng.Uint32())
			b.Put([]byte(key), value)
			want[key] = value
		}
		if err := s.Apply(&b); err != nil {
			t.Fatal(err)
		}
		checkSome(t, s, rng, want)
	}
	end()
	snap, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	for key, value := range want {
		if got, err := snap.Get([]byte(key)); err != nil || !bytes.Equal(got, value) {
			t.Errorf("seed %d: Get(%s) = %d bytes, %v; want the %d that were put", seed, key, len(got), err, len(value))
		}
	}
}

// checkSome reads some keys, of which maybe none is there.
func checkSome(t *testing.T, s kv.Store, rng *rand.Rand, want map[string][]byte) {
	t.Helper()
	snap, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	for range 20 {
		key := fmt.Sprintf("k%03d", rng.IntN(400))
		value, put := want[key]
		if got, err := snap.Get([]byte(key)); put != (err == nil) || !bytes.Equal(got, value) {
			t.Fatalf("Get(%s) = %d bytes, %v; want %d, %t", key, len(got), err, len(value), put)
		}
	}
}

func TestParseMapping(t *testing.T) {
	tests := []struct {
		line     string
		from, to uintptr
		name     string
		ok       bool
	}{
		{"7f2c8a400000-7f2c8a800000 rw-s 00000000 fe:00 1311   /var/kv/000042.sst", 0x7f2c8a400000, 0x7f2c8a800000, "/var/kv/000042.sst", true},
		{"1000-2000 rw-s 00000000 fe:00 1 /a dir/1.sst (deleted)", 0x1000, 0x2000, "/a dir/1.sst (deleted)", true},
		{"c000000000-c000400000 rw-p 00000000 00:00 0", 0, 0, "", false},
		{"7ffc1d0c5000-7ffc1d0e6000 rw-p 00000000 00:00 0      [stack]", 0, 0, "", false},
		{"2000-1000 rw-s 00000000 fe:00 1 /a", 0, 0, "", false},
		{"Rss:    4 kB /", 0, 0, "", false},
		{"/", 0, 0, "", false},
		{"", 0, 0, "", false},
	}
	for _, tt := range tests {
		from, to, name, ok := parseMapping([]byte(tt.line))
		if from != tt.from || to != tt.to || string(name) != tt.name || ok != tt.ok {
			t.Errorf("parseMapping(%q) = %x, %x, %q, %t", tt.line, from, to, name, ok)
		}
	}
}
