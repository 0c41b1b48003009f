//go:build unix

package badger

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A store whose directory somebody has removed cannot write what it holds, and must not try for ever.
func TestCloseOfARemovedDirectory(t *testing.T) {
	for name, replace := range map[string]func(dir string) error{
		"removed":  os.RemoveAll,
		"replaced": func(dir string) error { return errors.Join(os.Rename(dir, dir+".old"), os.Mkdir(dir, 0o700)) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "kv")
			s, err := Open(dir, ServerOptions())
			if err != nil {
				t.Fatal(err)
			}
			for i := range 100 {
				mustPut(t, s, fmt.Sprintf("k%03d", i), noise(10<<10))
			}
			if err := replace(dir); err != nil {
				t.Fatal(err)
			}
			closed := make(chan error, 1)
			go func() { closed <- s.Close() }()
			select {
			case err := <-closed:
				if !errors.Is(err, ErrGone) {
					t.Errorf("Close: %v, want ErrGone", err)
				}
			case <-time.After(20 * time.Second):
				t.Error("Close waits for a directory that is gone")
			}
			if left, _ := os.ReadDir(dir); len(left) > 0 {
				t.Errorf("left in its place: %v", left)
			}
		})
	}
}
