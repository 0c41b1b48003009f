package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"time"

	"episteme/engine/ingest"
	"episteme/engine/kv/badger"
	"episteme/engine/record"
	"episteme/engine/vfs"
	"episteme/engine/wal"
)

// Examination is the state of a data directory, for a person who asks what is wrong.
type Examination struct {
	Dir          string      `json:"dir"`
	JournalBytes int64       `json:"journal_bytes"` // on disk, what is allocated ahead included
	StoreBytes   int64       `json:"store_bytes"`
	FreeBytes    uint64      `json:"free_bytes"`
	Log          string      `json:"log"` // id of the journal
	Segments     int         `json:"segments"`
	Last         record.LSN  `json:"last_lsn"`
	Chain        string      `json:"chain"` // of the record at Last
	Clean        bool        `json:"journal_clean"`
	CleanAt      *time.Time  `json:"clean_close"` // last clean close of the journal; nil: unknown, or it is open
	Applied      *record.LSN `json:"applied_lsn"` // nil: not known, because another process holds the directory or the store cannot be read
	StoreClean   bool        `json:"store_clean"`
	Formats      string      `json:"formats"`
	Advice       []string    `json:"advice"` // what to do, most urgent first; empty: nothing
}

// Examine looks at a data directory without changing the evidence. It works on a damaged one, and beside a process
// that holds it: then it says less.
func Examine(ctx context.Context, o Options) (x Examination, err error) {
	disk := vfs.OS()
	x = Examination{Dir: o.Dir, Formats: fmt.Sprintf("journal 1, records 1, store %d", ingest.StoreFormat), Advice: []string{}}
	if x.JournalBytes, err = sizeOf(filepath.Join(o.Dir, "wal")); err != nil {
		return x, err
	}
	if x.StoreBytes, err = sizeOf(filepath.Join(o.Dir, "kv")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return x, err
	}
	if x.FreeBytes, err = disk.FreeBytes(o.Dir); err != nil {
		return x, err
	}
	if x.FreeBytes < journalReserveBytes {
		x.advise("%d MiB are free: below %d MiB nothing more is written down; make room", x.FreeBytes>>20, journalReserveBytes>>20)
	}
	lock, err := lockDir(ctx, disk, filepath.Join(o.Dir, "LOCK"), o.LockWait)
	var held *vfs.LockedError
	if errors.As(err, &held) {
		x.advise("%v", held)
		return x, x.readJournal(disk, wal.Witness{})
	}
	if err != nil {
		return x, err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	x.noteLeftovers()
	witness, err := x.readStore(ctx, disk)
	return x, errors.Join(err, x.readJournal(disk, witness))
}

// noteLeftovers advises on damaged stores that were put aside.
func (x *Examination) noteLeftovers() {
	aside, err := filepath.Glob(filepath.Join(x.Dir, "kv.damaged-*"))
	if err == nil && len(aside) > 0 {
		x.advise("%d damaged stores were put aside (%s …) and may be removed: the journal has everything", len(aside), aside[0])
	}
}

// journalReserveBytes is the free space below which the journal takes nothing, its default.
const journalReserveBytes = 512 << 20

func (x *Examination) advise(format string, args ...any) {
	x.Advice = append(x.Advice, fmt.Sprintf(format, args...))
}

// readStore returns what the store has seen of the journal.
func (x *Examination) readStore(ctx context.Context, disk vfs.FS) (seen wal.Witness, err error) {
	path := filepath.Join(x.Dir, "kv")
	if _, err := disk.Stat(path); err != nil {
		x.advise("there is no store; the next command makes it from the journal")
		return seen, nil
	}
	if err := checkRoom(disk, x.Dir); err != nil {
		x.advise("%v", err)
		return seen, nil
	}
	store, err := badger.Open(path, badger.ServerOptions())
	if err != nil {
		x.advise("the store cannot be opened (%v); the next command makes it anew from the journal", err)
		return seen, nil
	}
	c, err := examine(ctx, store)
	x.Applied, x.StoreClean = &c.applied.LSN, c.clean
	switch {
	case errors.Is(err, ingest.ErrNewerFormat):
		x.advise("%v", err)
		err = nil
	case c.doubt != "":
		x.advise("%s by the next command", c.doubt)
	}
	return witnessOf(c.applied), errors.Join(err, store.Close())
}

func (x *Examination) readJournal(disk vfs.FS, witness wal.Witness) error {
	dir := filepath.Join(x.Dir, "wal")
	log, recovery, err := wal.Open(disk, dir, wal.Options{ReadOnly: true, Witness: witness})
	if err != nil {
		x.advise("the journal cannot be read: %v", err)
		return nil
	}
	head := log.Head()
	x.Log, x.Segments, x.Last, x.Chain = record.LogID(head.Log).String(), recovery.Segments, record.LSN(head.Last), record.Hash(head.Chain).String()
	x.Clean = recovery.Clean
	if info, err := os.Stat(filepath.Join(dir, "CLEAN")); err == nil {
		at := info.ModTime().UTC()
		x.CleanAt = &at
	}
	if witness.Applied > 0 && (witness.Log != head.Log || witness.Applied > head.Last) {
		x.advise("the store was made from log %s up to lsn %d, and the journal is log %s up to lsn %d: put the right journal back; "+
			"if this is the right one, `episteme rebuild` makes the store anew", record.LogID(witness.Log), witness.Applied, x.Log, x.Last)
	}
	if x.Applied != nil && *x.Applied < x.Last {
		x.advise("the store is %d records behind; the next command applies them, and says so when it cannot", x.Last-*x.Applied)
	}
	if recovery.Damage != nil {
		x.advise("the journal is damaged behind lsn %d: %v; `episteme verify` finds all of it, `episteme rebuild --accept-loss` gives up what cannot be read", head.Last, recovery.Damage)
	}
	return log.Close()
}

// sizeOf is the bytes that the files below a directory take on disk, as far as the system says.
func sizeOf(dir string) (total int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) { // a file that another process has just removed
			return nil
		}
		if err == nil {
			total += min(info.Size(), badger.AllocatedBytes(info)) // what lies ahead in the store's logs is holes
		}
		return err
	})
	return total, err
}

// Dump yields what lies in the journal of a data directory, records and marks, from an LSN on, as it is on disk.
func Dump(ctx context.Context, dir string, from wal.LSN) iter.Seq2[wal.DumpLine, error] {
	return wal.Dump(ctx, vfs.OS(), filepath.Join(dir, "wal"), from)
}
