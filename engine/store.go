package engine

import (
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

// NoRoomError says that the disk is too full to touch the store.
type NoRoomError struct {
	Dir         string
	Free, Needs uint64 // bytes
}

func (e *NoRoomError) Error() string {
	return fmt.Sprintf("%s: %d MiB are free, %d MiB are needed: the store writes also when it is read; "+
		"make room and run the command again, nothing is lost", e.Dir, e.Free>>20, e.Needs>>20)
}

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

// openStore opens the store of a data directory. One that is damaged, or was not closed properly, is an opinion nobody
// should ask: it is put aside or dropped, and the journal makes it anew. witness is what the old one had seen; the
// journal must still hold all of it before the old one goes.
func (e *Engine) openStore(disk vfs.FS, dir string) (seen wal.Witness, doubt string, err error) {
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
	applied, clean, err := ingest.Condition(e.store)
	if err != nil {
		return seen, "", err
	}
	if !clean {
		doubt = fmt.Sprintf("the store had not been closed properly, so it is made anew from the journal (it had come to lsn %d)", applied.LSN)
	}
	return witnessOf(applied), doubt, nil
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
