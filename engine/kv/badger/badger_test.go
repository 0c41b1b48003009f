package badger

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"episteme/engine/kv"
	"episteme/engine/kv/kvtest"
)

func TestServerConformance(t *testing.T) {
	kvtest.Run(t, opener(ServerOptions()))
	kvtest.RunPersistent(t, opener(ServerOptions()))
}

func BenchmarkServer(b *testing.B) { kvtest.BenchmarkPersistent(b, opener(ServerOptions())) }

func opener(o Options) kvtest.Opener {
	return func(dir string) (kv.Store, error) { return Open(dir, o) }
}

// mustOpen opens a store that the test closes, at the latest when it ends.
func mustOpen(t testing.TB, dir string) *Store {
	t.Helper()
	s, err := Open(dir, ServerOptions())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func mustPut(t testing.TB, s *Store, key string, value []byte) {
	t.Helper()
	var b kv.Batch
	b.Put([]byte(key), value)
	if err := s.Apply(&b); err != nil {
		t.Fatal(err)
	}
}

// closedStore leaves a store in a new directory whose content lies in tables, and in a value log if largeBytes > 0.
func closedStore(t testing.TB, largeBytes int) (dir string) {
	t.Helper()
	dir = t.TempDir()
	s := mustOpen(t, dir)
	for i := range 100 {
		mustPut(t, s, fmt.Sprintf("k%03d", i), bytes.Repeat([]byte{byte(i)}, 1000))
	}
	if largeBytes > 0 {
		mustPut(t, s, "large", noise(largeBytes))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func noise(size int) []byte {
	out := make([]byte, size)
	for i, rng := 0, rand.New(rand.NewPCG(1, 1)); i < size; i++ {
		out[i] = byte(rng.Uint32())
	}
	return out
}

// only is the one file of dir with the extension.
func only(t testing.TB, dir, ext string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"+ext))
	if err != nil || len(names) != 1 {
		t.Fatalf("files %s in %s: %v, %v, want one", ext, dir, names, err)
	}
	return names[0]
}

// flip changes one bit of the byte at that offset.
func flip(t testing.TB, name string, at int64) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var b [1]byte
	if _, err := f.ReadAt(b[:], at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 0x10
	if _, err := f.WriteAt(b[:], at); err != nil {
		t.Fatal(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	tests := []struct {
		name string
		make func(t *testing.T) (dir string)
		want error
		text string // what the message must say besides
	}{
		{"a directory that another store has open", func(t *testing.T) string {
			dir := t.TempDir()
			mustOpen(t, dir)
			return dir
		}, ErrLocked, fmt.Sprintf("process %d", os.Getpid())},
		{"a file", func(t *testing.T) string {
			name := filepath.Join(t.TempDir(), "file")
			if err := os.WriteFile(name, []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
			return name
		}, nil, "give a directory"},
		{"a directory with files of somebody else", func(t *testing.T) string {
			dir := t.TempDir()
			for _, name := range []string{"thesis.txt", "LOCK"} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			return dir
		}, nil, "found thesis.txt"},
		{"tables without their manifest, which badger would delete", func(t *testing.T) string {
			dir := closedStore(t, 0)
			if err := os.Remove(filepath.Join(dir, "MANIFEST")); err != nil {
				t.Fatal(err)
			}
			return dir
		}, ErrDamaged, "no MANIFEST"},
		{"a table with a changed bit", func(t *testing.T) string {
			dir := closedStore(t, 0)
			flip(t, only(t, dir, ".sst"), 100)
			return dir
		}, ErrDamaged, "make the store again"},
		{"a table with a changed index", func(t *testing.T) string {
			dir := closedStore(t, 0)
			name := only(t, dir, ".sst")
			info, err := os.Stat(name)
			if err != nil {
				t.Fatal(err)
			}
			flip(t, name, info.Size()-40)
			return dir
		}, ErrDamaged, "make the store again"},
		{"a table that is missing", func(t *testing.T) string {
			dir := closedStore(t, 0)
			if err := os.Remove(only(t, dir, ".sst")); err != nil {
				t.Fatal(err)
			}
			return dir
		}, ErrDamaged, "make the store again"},
		{"a manifest with a changed bit", func(t *testing.T) string {
			dir := closedStore(t, 0)
			flip(t, filepath.Join(dir, "MANIFEST"), 20)
			return dir
		}, ErrDamaged, "make the store again"},
		{"a manifest of another format version", func(t *testing.T) string {
			dir := closedStore(t, 0)
			flip(t, filepath.Join(dir, "MANIFEST"), 7) // the low byte of badger's version
			return dir
		}, ErrVersion, "unsupported version"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := tt.make(t)
			before := listing(t, dir)
			s, err := Open(dir, ServerOptions())
			if err == nil {
				s.Close()
				t.Fatal("Open succeeds")
			}
			t.Log(err)
			if tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("Open = %v, want %v", err, tt.want)
			}
			for _, text := range []string{tt.text, dir} {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("Open = %v, which does not say %q", err, text)
				}
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("the message has more than one line: %v", err)
			}
			if tt.want == nil && listing(t, dir) != before {
				t.Errorf("a refused directory held %s and now %s", before, listing(t, dir))
			}
		})
	}
}

func listing(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint(entries)
}

func TestOpenRefusesOptionsThatBadgerTakesBadly(t *testing.T) {
	for name, spoil := range map[string]func(*Options){
		"MemTableBytes": func(o *Options) { o.MemTableBytes = 4<<20 - 1 },
		"MemTables":     func(o *Options) { o.MemTables = 0 },
		"TableBytes":    func(o *Options) { o.TableBytes = 0 },
		"LevelBytes":    func(o *Options) { o.LevelBytes = 0 },
	} {
		o := ServerOptions()
		spoil(&o)
		dir := filepath.Join(t.TempDir(), "new")
		if _, err := Open(dir, o); err == nil || !strings.Contains(err.Error(), name) || errors.Is(err, ErrDamaged) {
			t.Errorf("Open with a bad %s = %v", name, err)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("Open with a bad %s made the directory", name)
		}
	}
}

func TestOpenRefusesWhatItMayNotWrite(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may write everywhere")
	}
	dir := closedStore(t, 0)
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(dir, 0o700) })
	if _, err := Open(dir, ServerOptions()); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "writable") {
		t.Errorf("Open = %v, want a permission error that says what to do", err)
	}
}

func TestKeysThatBadgerReservesAreRefused(t *testing.T) {
	s := mustOpen(t, t.TempDir())
	var b kv.Batch
	b.Put([]byte("a"), nil)
	b.Put([]byte("!badger!head"), nil)
	if err := s.Apply(&b); !errors.Is(err, kv.ErrKey) {
		t.Errorf("Apply = %v, want ErrKey", err)
	}
	snap, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	for _, key := range []string{"a", "!badger!head"} {
		if _, err := snap.Get([]byte(key)); !errors.Is(err, kv.ErrNotFound) {
			t.Errorf("Get(%q) = %v, want ErrNotFound", key, err)
		}
	}
}

// TestTheLargestRecordFitsABatch: an audit of 512 KiB that names 4,096 assertions, with all its entries, cannot be
// split. If it were refused, the store would never get past it.
func TestTheLargestRecordFitsABatch(t *testing.T) {
	const linkKeyBytes, linkValueBytes = 2 + 1 + 32 + 1 + 8, 1 + 32
	for _, rowBytes := range []int{valueThresholdBytes - 1, 512 << 10} {
		s := mustOpen(t, t.TempDir())
		var b kv.Batch
		b.Put([]byte("row"), noise(rowBytes))
		for i := range 4096 {
			b.Put(fmt.Appendf(nil, "%0*d", linkKeyBytes, i), make([]byte, linkValueBytes))
		}
		for i := range 16 { // by agent, by subject, the agent itself, and so on: three texts of 512 bytes at most
			b.Put(fmt.Appendf(nil, "other%d", i), make([]byte, 3*512))
		}
		if err := s.Apply(&b); err != nil {
			t.Errorf("a row of %d bytes: %v", rowBytes, err)
		}
	}
}

// TestStoreRefusesEverythingAfterAFailure: nobody may read half a batch or build on a sync that failed.
func TestStoreRefusesEverythingAfterAFailure(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	mustPut(t, s, "a", []byte("1"))
	cause := errors.New("no space")
	if err := s.fail("sync", cause); !errors.Is(err, ErrFailed) || !errors.Is(err, cause) {
		t.Errorf("fail = %v, want ErrFailed with its cause", err)
	}
	var b kv.Batch
	b.Put([]byte("b"), nil)
	_, err := s.Snapshot()
	for call, err := range map[string]error{"Snapshot": err, "Apply": s.Apply(&b), "Sync": s.Sync()} {
		if !errors.Is(err, ErrFailed) || !errors.Is(err, cause) {
			t.Errorf("%s = %v, want ErrFailed with its cause", call, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Errorf("Close = %v", err)
	}
	if snap, err := mustOpen(t, dir).Snapshot(); err != nil {
		t.Errorf("reopening does not help: %v", err)
	} else if _, err := snap.Get([]byte("a")); err != nil {
		t.Errorf("Get after reopening = %v", err)
	}
}

func TestErrorsOfBadgerReachTheLogger(t *testing.T) {
	var out bytes.Buffer
	log := &logger{out: slog.New(slog.NewTextHandler(&out, nil)), opening: true}
	log.Errorf("ignoring table %s\n", "000001.sst")
	log.Infof("chat")
	if got := log.opened(); len(got) != 1 || got[0] != "ignoring table 000001.sst" {
		t.Errorf("opened = %q", got)
	}
	log.Errorf("later")
	if got := log.opened(); len(got) != 1 {
		t.Errorf("what comes after opening is collected too: %q", got)
	}
	if text := out.String(); !strings.Contains(text, "level=ERROR") || !strings.Contains(text, "000001.sst") ||
		!strings.Contains(text, "later") || strings.Contains(text, "chat") {
		t.Errorf("logged:\n%s", text)
	}
	(&logger{}).Errorf("to nobody")
}

func TestSharedPrefix(t *testing.T) {
	tests := []struct{ lower, upper, want string }{
		{"abc01", "abc02", "abc01"},
		{"abc01", "abc03", "abc0"},
		{"abc", "abd", "abc"},
		{"abc01", "abd", "abc"},
		{"abc", "abe", "ab"}, // abd lies between
		{"abc", "abd\x00", "ab"},
		{"a\xff", "b", "a"},
		{"a", "b", "a"},
		{"", "b", ""},
		{"\xfe", "\xff", "\xfe"},
		{"\xff", "\xff\xff", "\xff"},
		{"abc", "ab", "ab"}, // yields nothing whatever the prefix
	}
	for _, tt := range tests {
		if got := sharedPrefix([]byte(tt.lower), []byte(tt.upper)); string(got) != tt.want {
			t.Errorf("sharedPrefix(%q, %q) = %q, want %q", tt.lower, tt.upper, got, tt.want)
		}
	}
	if got := sharedPrefix([]byte("abc"), nil); len(got) != 0 {
		t.Errorf("sharedPrefix without an upper bound = %q, want none", got)
	}
}

// FuzzSharedPrefix holds the prefix to its meaning: no key of the scan is left out.
func FuzzSharedPrefix(f *testing.F) {
	f.Add([]byte("abc01"), []byte("abd"), []byte("abcff"))
	f.Add([]byte("\xff"), []byte("\xff\xff"), []byte("\xff\x00"))
	f.Fuzz(func(t *testing.T, lower, upper, key []byte) {
		in := bytes.Compare(lower, key) <= 0 && bytes.Compare(key, upper) < 0
		if p := sharedPrefix(lower, upper); in && !bytes.HasPrefix(key, p) {
			t.Errorf("sharedPrefix(%q, %q) = %q leaves out %q", lower, upper, p, key)
		}
	})
}

// BenchmarkOpen opens a store of 64 MiB; MB/s are of its tables, as nearly all of the time goes into reading and
// verifying them.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	s := mustOpen(b, dir)
	for i := range 640 {
		var batch kv.Batch
		for k := range 100 {
			batch.Put(fmt.Appendf(nil, "k%04d%02d", i, k), noise(1000))
		}
		if err := s.Apply(&batch); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(640 * 100 * 1000)
	b.ReportAllocs()
	for b.Loop() {
		s, err := Open(dir, ServerOptions())
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}
