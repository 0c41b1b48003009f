package api

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOpenPrivate(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "tokens")
	if err := os.WriteFile(path, []byte("12345"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := OpenPrivate(path, 5)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(f); string(b) != "12345" || err != nil {
		t.Errorf("read %q, %v", b, err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if _, err := OpenPrivate(path, 4); err == nil || !strings.Contains(err.Error(), "found 5 bytes, expected at most 4") {
		t.Errorf("a file that is too large: %v", err)
	}
	if _, err := OpenPrivate(dir, 5); err == nil || !strings.Contains(err.Error(), "expected a regular file") {
		t.Errorf("a directory: %v", err)
	}
	if err := os.Chmod(path, 0o604); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenPrivate(path, 5); err == nil || !strings.Contains(err.Error(), "chmod 600 tokens") {
		t.Errorf("a file that others may read: %v", err)
	}
}
