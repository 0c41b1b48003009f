package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"episteme/engine/ingest"
	"episteme/engine/kv"
	"episteme/engine/kv/badger"
	"episteme/engine/record"
	"episteme/engine/trace"
	"episteme/engine/vfs"
	"episteme/engine/wal"
)

// site is a data directory that is held for maintenance: nobody else uses it meanwhile.
type site struct {
	disk vfs.FS
	dir  string
	lock io.Closer
}

func holdSite(ctx context.Context, o Options) (*site, error) {
	s := &site{disk: vfs.OS(), dir: o.Dir}
	if _, err := s.disk.Stat(s.path("wal")); err != nil {
		return nil, fmt.Errorf("%s holds no journal: %w", o.Dir, err)
	}
	var err error
	if s.lock, err = lockDir(ctx, s.disk, s.path("LOCK"), o.LockWait); err != nil {
		return nil, err
	}
	if err := removeLeftovers(s.dir); err != nil {
		return nil, errors.Join(err, s.release())
	}
	return s, nil
}

func (s *site) path(name string) string { return filepath.Join(s.dir, name) }

func (s *site) release() error { return s.lock.Close() }

// witness is what the store has seen; nothing when there is none, or it cannot be read.
func (s *site) witness() (wal.Witness, error) {
	if _, err := s.disk.Stat(s.path("kv")); err != nil {
		return wal.Witness{}, nil
	}
	if err := checkRoom(s.disk, s.dir); err != nil {
		return wal.Witness{}, err
	}
	store, err := badger.Open(s.path("kv"), badger.ServerOptions())
	if errors.Is(err, badger.ErrDamaged) {
		return wal.Witness{}, nil
	}
	if err != nil {
		return wal.Witness{}, err
	}
	applied, _, err := ingest.Condition(store)
	return witnessOf(applied), errors.Join(err, store.Close())
}

// Step is how far a rebuild has come.
type Step struct{ Applied, Total record.LSN }

// Rebuilt is what a rebuild did.
type Rebuilt struct {
	Records record.LSN // in the new store
	Loss    wal.Loss   // what was given up in the journal; the zero Loss: nothing
}

// Rebuild makes the store anew from the journal, beside the old one, and swaps them by rename. It refuses while the old
// store is the last witness of something the journal has lost. With acceptLoss, damage in the journal is given up
// first: the damaged files are kept beside, and a mark says for ever what is missing.
func Rebuild(ctx context.Context, o Options, acceptLoss bool, progress func(Step)) (done Rebuilt, err error) {
	s, err := holdSite(ctx, o)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, s.release()) }()
	witness, err := s.witness()
	if err != nil {
		return done, err
	}
	if acceptLoss {
		if done.Loss, err = wal.AcceptLoss(ctx, s.disk, s.path("wal"), wal.LossOptions{Witness: witness}); err != nil {
			return done, err
		}
	}
	fresh, err := s.build(ctx, witness, "kv.new", progress)
	if err != nil {
		return done, err
	}
	done.Records = fresh
	return done, s.swap("kv.new", "kv")
}

// build makes a store of the given name from the journal, closed properly.
func (s *site) build(ctx context.Context, witness wal.Witness, name string, progress func(Step)) (last record.LSN, err error) {
	log, _, err := wal.Open(s.disk, s.path("wal"), wal.Options{Witness: witness, IdleMark: -1})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	if err := os.RemoveAll(s.path(name)); err != nil {
		return 0, err
	}
	store, err := badger.Open(s.path(name), badger.ServerOptions())
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	last = record.LSN(log.Head().Last)
	return last, s.fill(ctx, log, roomy{store, s.disk, s.dir}, last, progress)
}

func (s *site) fill(ctx context.Context, log *wal.Log, store kv.Store, last record.LSN, progress func(Step)) error {
	journal := ingest.FromLog(log)
	w, err := ingest.Start(journal, ingest.NewIndex(store, journal), trace.Annotator{Journal: record.LogID(log.Head().Log)})
	if err != nil {
		return err
	}
	defer w.Close()
	const step = 200 * time.Millisecond // a person sees that it goes on
	for {
		waiting, cancel := context.WithTimeout(ctx, step)
		err := w.Wait(waiting, last)
		cancel()
		if progress != nil {
			progress(Step{w.Applied(), last})
		}
		switch {
		case err == nil:
			w.Close()
			return ingest.MarkClean(store)
		case ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded):
			return err
		}
	}
}

// swap puts a new store in the place of the old one. A crash leaves one of the two, or none, in place; none is made
// anew by the next opening.
func (s *site) swap(fresh, current string) error {
	old := s.path(current) + ".old"
	if err := os.RemoveAll(old); err != nil {
		return err
	}
	if _, err := s.disk.Stat(s.path(current)); err == nil {
		if err := s.disk.Rename(s.path(current), old); err != nil {
			return err
		}
	}
	if err := errors.Join(s.disk.Rename(s.path(fresh), s.path(current)), s.disk.SyncDir(s.dir)); err != nil {
		return err
	}
	return os.RemoveAll(old)
}

// Verification is what came of checking a data directory.
type Verification struct {
	Journal wal.Report
	Store   ingest.Comparison
	Skipped string // why the store was not compared; empty: it was
}

// Whole reports whether everything was checked and nothing wrong was found. A store that could not be compared is not
// whole; of an empty journal there is nothing to compare.
func (v Verification) Whole() bool {
	return v.Journal.Whole() && v.Store.Same() && (v.Skipped == "" || v.Journal.Records == 0)
}

// Verify reads all of the journal, and compares the store, entry by entry and both ways, with one made anew beside it.
// It changes nothing that it checks.
func Verify(ctx context.Context, o Options, reading func(wal.VerifyProgress), building func(Step)) (v Verification, err error) {
	s, err := holdSite(ctx, o)
	if err != nil {
		return v, err
	}
	defer func() { err = errors.Join(err, s.release()) }()
	witness, err := s.witness()
	if err != nil {
		return v, err
	}
	v.Journal, err = wal.Verify(ctx, s.disk, s.path("wal"), wal.VerifyOptions{Witness: witness, Progress: reading})
	if err != nil {
		return v, err
	}
	switch {
	case !v.Journal.Whole():
		v.Skipped = "the journal is not whole, so there is nothing to compare the store with"
		return v, nil
	case witness.Applied == 0:
		v.Skipped = "there is no store, or it cannot be read; the next command makes it anew"
		return v, nil
	}
	if v.Skipped, err = s.level(ctx, witness); err != nil || v.Skipped != "" {
		return v, err
	}
	const beside = "kv.verify"
	defer func() { err = errors.Join(err, os.RemoveAll(s.path(beside))) }()
	if _, err := s.build(ctx, witness, beside, building); err != nil {
		return v, err
	}
	v.Store, err = s.compare(ctx, "kv", beside)
	return v, err
}

// level brings the store up to the journal's end, so that being behind does not look like lacking something. It says
// why a store should not be compared at all.
func (s *site) level(ctx context.Context, witness wal.Witness) (doubt string, err error) {
	store, err := badger.Open(s.path("kv"), badger.ServerOptions())
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if c, err := examine(ctx, store); err != nil || c.doubt != "" {
		return c.doubt + " by the next command", err
	}
	log, _, err := wal.Open(s.disk, s.path("wal"), wal.Options{Witness: witness, IdleMark: -1})
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	return "", s.fill(ctx, log, roomy{store, s.disk, s.dir}, record.LSN(log.Head().Last), nil)
}

func (s *site) compare(ctx context.Context, have, want string) (c ingest.Comparison, err error) {
	var stores [2]kv.Snapshot
	for i, name := range []string{have, want} {
		store, err := badger.Open(s.path(name), badger.ServerOptions())
		if err != nil {
			return c, err
		}
		defer store.Close()
		if stores[i], err = store.Snapshot(); err != nil {
			return c, err
		}
		defer stores[i].Close()
	}
	return ingest.Compare(ctx, stores[0], stores[1])
}
