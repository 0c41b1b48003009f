package cli

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSuspendedHolder says that a holder which takes connections and never answers, as one that is suspended does, is told
// of with what wakes it, instead of being waited for.
func TestSuspendedHolder(t *testing.T) {
	dir, err := os.MkdirTemp("", "ep") // short: the path of a socket has some hundred bytes
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	l, err := net.Listen("unix", filepath.Join(dir, socketName)) // nobody accepts
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	att := &attached{app: &app{}, dir: dir}
	if err := att.connect(); err != nil {
		t.Fatal(err)
	}
	defer att.Close()
	if err := att.greet(t.Context(), 4711); err == nil || !strings.Contains(err.Error(), "in use by process 4711, which is there and does not answer") || !strings.Contains(err.Error(), "kill -CONT 4711") {
		t.Errorf("a holder that is suspended: %v", err)
	}
}
