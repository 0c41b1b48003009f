package badger

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	badgerdb "github.com/dgraph-io/badger/v4"
)

var (
	// ErrLocked means that another process has the directory open. Ask that process, or end it.
	ErrLocked = errors.New("another process has this store open")

	// ErrDamaged means that files of the store are missing or do not carry the bytes that were written. The journal
	// still has everything: make the store again from it.
	ErrDamaged = errors.New("store is damaged")

	// ErrVersion means that the directory was written by a badger whose format this program does not read.
	ErrVersion = errors.New("store has another format version")
)

// Open opens the store in dir, which is made where there is none. It is refused unless empty or a store. Opening a
// store that was not closed reads back at most MemTables + 1 times MemTableBytes.
//
// Errors are ErrLocked, ErrDamaged, ErrVersion, *HandlesError, or what the file system gave; each says what to do.
func Open(dir string, o Options) (*Store, error) {
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("badger: open %s: %w", dir, err)
	}
	if err := prepare(dir); err != nil {
		return nil, err
	}
	lock, err := lockDir(dir)
	if errors.Is(err, ErrLocked) {
		return nil, fmt.Errorf("badger: open %s: %w; use it through that process, or end it", dir, err)
	}
	if err != nil {
		return nil, fmt.Errorf("badger: lock %s: %w; the store needs a file system that locks directories", dir, err)
	}
	db, checked, err := openLocked(dir, o)
	if err != nil {
		return nil, errors.Join(err, lock.release())
	}
	s := &Store{dir: dir, lock: lock, db: db, checked: checked, snapshots: make(map[*snapshot]struct{})}
	s.startTrimming()
	return s, nil
}

// openLocked also returns when the tables were last read as a whole.
func openLocked(dir string, o Options) (db *badgerdb.DB, checked time.Time, err error) {
	if err := checkHandles(dir, tablesIn(dir)); err != nil {
		return nil, checked, err
	}
	log := &logger{out: o.Logger, opening: true}
	native := o.native(dir, log)
	now := time.Now()
	stamp, err := takeStamp(dir, now)
	if err != nil {
		return nil, now, err
	}
	if err := verifyTables(dir, native, stamp); err != nil {
		return nil, now, explain(dir, err)
	}
	if checked = stamp.Checked; checked.IsZero() {
		checked = now
	}
	db, err = openNative(native)
	complaints := log.opened()
	if err != nil {
		return nil, now, explain(dir, err)
	}
	if len(complaints) > 0 {
		err := errors.New(strings.Join(complaints, "; "))
		return nil, now, errors.Join(damaged(dir, err), db.Close())
	}
	return db, checked, nil
}

// openNative turns a panic of badger over the content of its files into an error.
func openNative(o badgerdb.Options) (db *badgerdb.DB, err error) {
	defer func() {
		if p := recover(); p != nil {
			db, err = nil, fmt.Errorf("%v", p)
		}
	}()
	return badgerdb.Open(o)
}

// prepare makes dir and checks that it is one we may fill and write to. Nothing is written before its content is known:
// other programs keep a LOCK too.
func prepare(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("badger: open %s: %w; give a directory that can be made", dir, err)
	}
	if err := checkContent(dir); err != nil {
		return err
	}
	// Badger's own errors hide their cause, so find out here whether files can be made.
	probe, err := os.CreateTemp(dir, "probe-*.tmp")
	if err != nil {
		return fmt.Errorf("badger: open %s: %w; the store must be writable also for reading: "+
			"check owner, mode and free space, or copy it to where you may write", dir, err)
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// checkContent refuses a directory that holds something else, and a store without its list of tables.
func checkContent(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("badger: open %s: %w; give a directory that you may read", dir, err)
	}
	tables := ""
	for _, e := range entries {
		if e.Name() == badgerdb.ManifestFilename {
			return nil
		}
		switch filepath.Ext(e.Name()) {
		case ".sst":
			tables = e.Name()
			continue
		case ".mem", ".vlog", ".tmp":
			continue
		}
		switch e.Name() {
		case lockName, closedName, "KEYREGISTRY", "DISCARD", "MANIFEST-REWRITE", "REWRITE-KEYREGISTRY": // an opening that was cut short
		default:
			return fmt.Errorf("badger: open %s: found %s, expected a store or an empty directory; "+
				"give another directory", dir, e.Name())
		}
	}
	if tables != "" {
		return damaged(dir, fmt.Errorf("found table %s but no %s", tables, badgerdb.ManifestFilename))
	}
	return nil
}

// explain gives badger's errors, which are text only, the names of this package.
func explain(dir string, err error) error {
	switch text := err.Error(); {
	case strings.Contains(text, "unsupported version"):
		what, _, _ := strings.Cut(text, ".\n") // advice for badger's own users follows
		return fmt.Errorf("badger: open %s: %w: %s; open it with the program that wrote it, "+
			"or make the store again from the journal (\"episteme rebuild\")", dir, ErrVersion, what)
	case strings.Contains(text, "permission denied"), strings.Contains(text, "no space left"),
		strings.Contains(text, "too many open files"), strings.Contains(text, "cannot allocate memory"):
		return fmt.Errorf("badger: open %s: %w; nothing is wrong with the store itself", dir, err)
	default:
		return damaged(dir, err)
	}
}

func damaged(dir string, err error) error {
	return fmt.Errorf("badger: open %s: %w: %w; the journal is not affected: make the store again from it "+
		"(\"episteme rebuild\")", dir, ErrDamaged, err)
}
