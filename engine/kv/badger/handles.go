package badger

import (
	"fmt"
	"os"
	"path/filepath"

	"episteme/engine/kv"
)

// Badger v4.9.6 loses the keys of a table that it cannot create while it compacts, and reports nothing
// (levelsController.subcompact hands on an error that it has not got yet). What keeps it from creating one is, short of
// a failing disk, a process that may open no more files. So there are always handlesFree left: twice what two
// compactions at once write.
const handlesFree = 256

// handlesEvery is after how many batches they are counted again. A batch leads to a table at most.
const handlesEvery = 64

// HandlesError says that the process may not open as many files as the store needs.
type HandlesError struct {
	Dir         string
	Open, Limit int
}

func (e *HandlesError) Error() string {
	return fmt.Sprintf("%s: this process has %d files open and may open %d; the store needs %d more than it has: raise the limit "+
		"(`ulimit -n %d`) and start again; nothing is lost", e.Dir, e.Open, e.Limit, handlesFree, max(4096, 2*(e.Open+handlesFree)))
}

// Unwrap: the same batch may be taken when files were closed.
func (e *HandlesError) Unwrap() error { return kv.ErrNoRoom }

// checkHandles counts the files that the process has open, with extra ones that are about to be opened.
func checkHandles(dir string, extra int) error {
	limit, ok := handleLimit()
	if !ok {
		return nil
	}
	open, err := openHandles()
	if err != nil {
		return nil // a system that does not say
	}
	if open+extra+handlesFree > limit {
		return &HandlesError{dir, open + extra, limit}
	}
	return nil
}

// tablesIn is how many tables lie in dir: opening the store opens each.
func tablesIn(dir string) int {
	tables, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	if err != nil {
		return 0
	}
	return len(tables)
}

// openHandles is how many files this process has open.
func openHandles() (int, error) {
	for _, dir := range []string{"/proc/self/fd", "/dev/fd"} {
		if entries, err := os.ReadDir(dir); err == nil {
			return len(entries), nil
		}
	}
	return 0, os.ErrNotExist
}
