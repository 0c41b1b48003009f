package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"episteme/engine/ingest"
	"episteme/engine/kv"
	"episteme/engine/kv/badger"
	"episteme/engine/vfs"
	"episteme/engine/wal"
)

// storeReserveBytes is the free space below which the store takes nothing: it maps files that it has not filled yet,
// and a disk that is full then ends the process with a bus error. Twice its memtables, for what compaction writes
// meanwhile. The journal stops appending far earlier.
const storeReserveBytes = 128 << 20

// ErrNoRoom means that the store does not follow the journal for now: the disk is nearly full, or the process may open no
// more files. It goes on by itself.
var ErrNoRoom = kv.ErrNoRoom

// leftovers are what a rebuild or a verification leaves behind when it is killed.
var leftovers = []string{"kv.new", "kv.old", "kv.verify"}

// removeLeftovers is called by who holds the directory.
func removeLeftovers(dir string) error {
	for _, name := range leftovers {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// NoRoomError says that the disk is too full to touch the store.
type NoRoomError struct {
	Dir         string
	Free, Needs uint64 // bytes
}

func (e *NoRoomError) Error() string {
	return fmt.Sprintf("%s: %d MiB are free, %d MiB are needed: the store writes also when it is read; "+
		"make room, nothing is lost", e.Dir, e.Free>>20, e.Needs>>20)
}

// Unwrap lets who applies batches know that it may try again.
func (e *NoRoomError) Unwrap() error { return kv.ErrNoRoom }

// roomy is a store that stops before the disk is full.
type roomy struct {
	kv.Store
	disk vfs.FS
	dir  string
}

func (r roomy) Apply(b *kv.Batch) error {
	if err := checkRoom(r.disk, r.dir); err != nil {
		return err
	}
	return r.Store.Apply(b)
}

func checkRoom(disk vfs.FS, dir string) error {
	free, err := disk.FreeBytes(dir)
	if err != nil {
		return err
	}
	if free < storeReserveBytes {
		return &NoRoomError{dir, free, storeReserveBytes}
	}
	return nil
}

// openStore opens the store of a data directory. One that is damaged, or lacks something, or has an older format, is an
// opinion nobody should ask: it is put aside or dropped, and the journal makes it anew; doubt then says why. seen is what
// it had seen; the journal must still hold all of it before it goes.
func (e *Engine) openStore(ctx context.Context, disk vfs.FS, dir string) (seen wal.Witness, doubt string, err error) {
	if err := checkRoom(disk, dir); err != nil {
		return seen, "", err
	}
	path := filepath.Join(dir, "kv")
	store, err := badger.Open(path, badger.ServerOptions())
	if errors.Is(err, badger.ErrDamaged) {
		return e.replaceDamaged(disk, dir, err)
	}
	if err != nil {
		return seen, "", err
	}
	e.store = roomy{store, disk, dir}
	c, err := examine(ctx, e.store)
	if err != nil {
		return seen, "", err
	}
	if c.doubt == "" && !c.clean {
		e.news = append(e.news, fmt.Sprintf("the store had not been closed properly: its last %d transactions are all there, up to lsn %d", c.checked, c.applied.LSN))
	}
	return witnessOf(c.applied), c.doubt, nil
}

// condition is what an opened store is like.
type condition struct {
	applied ingest.Applied
	clean   bool   // closed properly
	checked uint64 // transactions that were looked at because it was not
	doubt   string // why it should be made anew; empty: it may be asked
}

// examine looks whether a store may be asked. One that was not closed properly is when nothing is missing in it. A store
// of a newer format is an error.
func examine(ctx context.Context, store kv.Store) (c condition, err error) {
	if c.applied, c.clean, err = ingest.Condition(store); err != nil || c.applied.LSN == 0 {
		return c, err
	}
	err = ingest.CheckFormat(store)
	if errors.Is(err, ingest.ErrOlderFormat) {
		c.doubt = fmt.Sprintf("the store was written by an older program and is made anew from the journal (it had come to lsn %d)", c.applied.LSN)
		return c, nil
	}
	if err != nil || c.clean {
		return c, err
	}
	c.checked, err = ingest.CheckWhole(ctx, store)
	var hole *ingest.HoleError
	if errors.As(err, &hole) {
		c.doubt = fmt.Sprintf("the store had not been closed properly and lacks something (%v), so it is made anew from the journal", hole)
		return c, nil
	}
	return c, err
}

// replaceDamaged puts a store that cannot be read beside, and opens an empty one.
func (e *Engine) replaceDamaged(disk vfs.FS, dir string, damage error) (seen wal.Witness, doubt string, err error) {
	path := filepath.Join(dir, "kv")
	aside := fmt.Sprintf("%s.damaged-%d", path, time.Now().UnixNano())
	if err := errors.Join(disk.Rename(path, aside), disk.SyncDir(dir)); err != nil {
		return seen, "", errors.Join(damage, err)
	}
	store, err := badger.Open(path, badger.ServerOptions())
	if err != nil {
		return seen, "", err
	}
	e.store = roomy{store, disk, dir}
	e.news = append(e.news, fmt.Sprintf("the store was damaged and is made anew from the journal; the damaged one is kept in %s and may be removed (%v)", aside, damage))
	return seen, "", nil
}

// dropStore removes a store that is in doubt and opens an empty one. The journal has been opened by now, and holds all
// that the store had seen.
func (e *Engine) dropStore(disk vfs.FS, dir, doubt string) error {
	path := filepath.Join(dir, "kv")
	if err := e.store.Close(); err != nil {
		return err
	}
	e.store = nil
	if err := errors.Join(os.RemoveAll(path), disk.SyncDir(dir)); err != nil {
		return err
	}
	store, err := badger.Open(path, badger.ServerOptions())
	if err != nil {
		return err
	}
	e.store = roomy{store, disk, dir}
	e.news = append(e.news, doubt)
	return nil
}

func witnessOf(a ingest.Applied) wal.Witness {
	return wal.Witness{Log: wal.LogID(a.Log), Applied: wal.LSN(a.LSN), Chain: wal.Hash(a.Chain)}
}
