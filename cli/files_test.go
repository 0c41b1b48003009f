//go:build unix

package cli

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestOpenWaiting: a pipe that nobody writes to is opened until somebody interrupts. The first signal was ignored,
// because the program was waiting where no signal reaches.
func TestOpenWaiting(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skip("no pipes here: ", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if f, err := openWaiting(ctx, pipe); f != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("openWaiting = %v, %v; want no file and %v", f, err, context.Canceled)
	}
}

// TestAdvice: a data directory of somebody else says what to do; another file that may not be read says nothing of it.
func TestAdvice(t *testing.T) {
	denied := func(path string) error { return &fs.PathError{Op: "open", Path: path, Err: syscall.EACCES} }
	tests := []struct {
		name    string // says the rule
		err     error
		advises bool
	}{
		{"its lock", denied("/srv/evidence/LOCK"), true},
		{"a directory that cannot be made", &fs.PathError{Op: "mkdir", Path: "/srv", Err: syscall.EACCES}, true},
		{"another file", denied("/srv/evidence.jsonl"), false},
		{"another failure", &fs.PathError{Op: "open", Path: "/srv/evidence/LOCK", Err: syscall.EIO}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			a := &app{err: &out, data: "/srv/evidence"}
			if status := a.report(t.Context(), tt.err); status != exitFailed {
				t.Errorf("report = %d, want %d", status, exitFailed)
			}
			if got := strings.Contains(out.String(), "--data DIR"); got != tt.advises {
				t.Errorf("advises %t, want %t:\n%s", got, tt.advises, out.String())
			}
		})
	}
}
