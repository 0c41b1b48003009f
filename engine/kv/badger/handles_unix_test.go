//go:build unix

package badger

import (
	"errors"
	"strings"
	"syscall"
	"testing"

	"episteme/engine/kv"
)

// TestFewHandlesAreNoticed: a process that may open too few files does not open a store, and one that comes near its limit
// stops writing, with a way out.
func TestFewHandlesAreNoticed(t *testing.T) {
	open, err := openHandles()
	if err != nil {
		t.Skip("this system does not say which files are open")
	}
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	limitTo := func(n int) {
		limit := was
		limit.Cur = uint64(n)
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { limitTo(int(was.Cur)) })

	dir := t.TempDir()
	limitTo(open + handlesFree/2)
	var few *HandlesError
	if _, err := Open(dir, ServerOptions()); !errors.As(err, &few) || !strings.Contains(err.Error(), "ulimit -n") {
		t.Fatalf("Open with few handles = %v, want *HandlesError and what to do", err)
	}
	limitTo(int(was.Cur))
	s, err := Open(dir, ServerOptions())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	limitTo(open + handlesFree/2)
	err = nil
	for range handlesEvery {
		var b kv.Batch
		b.Put([]byte("key"), nil)
		err = errors.Join(err, s.Apply(&b))
	}
	if !errors.Is(err, kv.ErrNoRoom) || !errors.As(err, &few) {
		t.Errorf("Apply with few handles = %v, want ErrNoRoom and *HandlesError", err)
	}
	limitTo(int(was.Cur))
	var b kv.Batch
	b.Put([]byte("key"), nil)
	if err := s.Apply(&b); err != nil {
		t.Errorf("Apply when there are handles again = %v", err)
	}
}
