//go:build unix

package api

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A pipe that nobody writes to must not be waited for.
func TestOpenPrivatePipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenPrivate(path, 5); err == nil || !strings.Contains(err.Error(), "expected a regular file") {
		t.Errorf("found %v", err)
	}
}
