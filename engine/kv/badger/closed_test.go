package badger

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"episteme/engine/kv"
)

// stampedStore is the directory of a store with a table, closed in order, and that table.
func stampedStore(t *testing.T) (dir, sst string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "kv")
	s, err := Open(dir, ServerOptions())
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2000 {
		var b kv.Batch
		b.Put(fmt.Appendf(nil, "key %d", i), fmt.Appendf(nil, "value %d", i))
		if err := s.Apply(&b); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	tables, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	if err != nil || len(tables) == 0 {
		t.Fatalf("tables %v, %v, want one", tables, err)
	}
	return dir, tables[0]
}

// rot changes a bit of a file and leaves no trace of it in the file's times.
func rot(t *testing.T, path string) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/3] ^= 1
	if err := errors.Join(os.WriteFile(path, b, 0o600), os.Chtimes(path, time.Time{}, info.ModTime())); err != nil {
		t.Fatal(err)
	}
}

// TestAStampIsTrustedAsFarAsItGoes: a table that is as it was is not read again, unless the stamp is old, from the future,
// unreadable or gone.
func TestAStampIsTrustedAsFarAsItGoes(t *testing.T) {
	stampAt := func(at time.Time) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			var s closedStamp
			b, err := os.ReadFile(path)
			if err := errors.Join(err, json.Unmarshal(b, &s)); err != nil {
				t.Fatal(err)
			}
			s.Checked = at
			b, err = json.Marshal(s)
			if err := errors.Join(err, os.WriteFile(path, b, 0o600)); err != nil {
				t.Fatal(err)
			}
		}
	}
	write := func(content string) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	tests := []struct {
		name    string
		change  func(t *testing.T, stamp string)
		damaged bool
	}{
		{"of the last close", func(*testing.T, string) {}, false},
		{"six days old", stampAt(time.Now().Add(-6 * 24 * time.Hour)), false},
		{"eight days old", stampAt(time.Now().Add(-8 * 24 * time.Hour)), true},
		{"of tomorrow", stampAt(time.Now().Add(24 * time.Hour)), true},
		{"cut short", write(`{"checked":"20`), true},
		{"empty", write(""), true},
		{"removed", func(t *testing.T, path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir, sst := stampedStore(t)
			rot(t, sst)
			tt.change(t, filepath.Join(dir, closedName))
			s, err := Open(dir, ServerOptions())
			if errors.Is(err, ErrDamaged) != tt.damaged {
				t.Errorf("Open = %v, want damage found: %t", err, tt.damaged)
			}
			if err == nil {
				s.Close()
			}
		})
	}
}

// TestATouchedTableIsRead: whatever wrote to a table, also with the same size, changed its time.
func TestATouchedTableIsRead(t *testing.T) {
	dir, sst := stampedStore(t)
	rot(t, sst)
	if err := os.Chtimes(sst, time.Time{}, time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, ServerOptions()); !errors.Is(err, ErrDamaged) {
		t.Errorf("Open = %v, want ErrDamaged", err)
	}
}

// TestAnOpenStoreHasNoStamp: after a crash nothing is trusted.
func TestAnOpenStoreHasNoStamp(t *testing.T) {
	dir, _ := stampedStore(t)
	s, err := Open(dir, ServerOptions())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, closedName)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the stamp of an open store: %v, want none", err)
	}
	s.damaged.Store(true) // as after a value that could not be read
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, closedName)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the stamp of a store that met damage: %v, want none", err)
	}
}
