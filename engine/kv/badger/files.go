package badger

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// isLog tells the files that hold what is not in a table yet, and the large values.
func isLog(name string) bool { return filepath.Ext(name) == ".mem" || filepath.Ext(name) == ".vlog" }

// Sync makes durable what was applied. Badger's own Sync covers the newest write-ahead log and value log. A log that
// has filled up and waits to become a table, and a value log that was closed, are written but not synced by it, so we
// sync all of them. A log that disappears meanwhile has become a table, which badger syncs together with its MANIFEST
// before it removes the log. Directory entries are synced by badger where it makes files.
func (s *Store) Sync() error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := s.usable(); err != nil {
		return fmt.Errorf("badger: sync %s: %w", s.dir, err)
	}
	if err := errors.Join(s.db.Sync(), s.syncLogs()); err != nil {
		return s.fail("sync", err)
	}
	return nil
}

func (s *Store) syncLogs() error {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !isLog(e.Name()) {
			continue
		}
		if err := syncFile(filepath.Join(s.dir, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// syncFile also syncs what was written through a mapping of the file, by whichever handle, on every system whose page
// cache is one with its mappings: all we run on.
func syncFile(name string) error {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// SizeBytes sums what the files of the directory occupy. Badger's own figure needs its process-wide metrics, and
// counts the holes of its sparse files. 0 where the directory cannot be read.
func (s *Store) SizeBytes() int64 {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return 0
	}
	var sum int64
	for _, e := range entries {
		if info, err := e.Info(); err == nil { // it may be gone by now
			sum += AllocatedBytes(info)
		}
	}
	return sum
}
