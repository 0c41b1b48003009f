// Package engine is episteme without a face: it opens the evidence, takes records in, answers questions, and is the
// only package that knows all below it.
//
// Promises: what Append, Ask and Ingest report as kept survives power loss; an answer is given out only after its
// audit is durable; whatever was durable before is found again by the next Open. One process holds a directory.
//
// Not promised: a face. Engine implements ask.Investigator and nothing of it draws, prints or listens.
package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"episteme/engine/ingest"
	"episteme/engine/kv"
	"episteme/engine/kv/mem"
	"episteme/engine/record"
	"episteme/engine/trace"
	"episteme/engine/trace/ask"
	"episteme/engine/vfs"
	"episteme/engine/wal"
)

// Options say where the evidence is. The zero value is a throw-away engine in memory.
type Options struct {
	Dir      string           // the data directory, made when absent; empty: in memory, gone with Close
	Now      func() time.Time // the clock of "now"; nil: the real one. recorded_at is always the real clock's
	LockWait time.Duration    // how long to wait for another process to leave Dir; 0: not at all

	// Journal names a journal in memory, so that the same questions asked over the same records are the same audits
	// again, by hash: a replay that is wound back. Zero: a name of its own. A directory's journal keeps its name.
	Journal record.LogID
}

// LockedError says that another process holds a directory.
type LockedError = vfs.LockedError

// Engine holds one data directory. Safe for use by several goroutines.
type Engine struct {
	*trace.Tracer
	dir     string
	lock    io.Closer
	store   kv.Store
	log     *wal.Log
	journal ingest.Journal
	index   *ingest.Index
	worker  *ingest.Worker
	rejects *rejects
	rester  *rester // nil in memory
	news    []string

	noted    trace.Noted   // what was found about the audits of Ask
	asking   asking        // each question from its resolving until its audit is applied: the same question is one audit
	writing  sync.Mutex    // held by Write from looking what is here until that is applied: the same record is written once
	patience time.Duration // askPatience
}

// The engine is what faces talk to.
var _ ask.Investigator = (*Engine)(nil)

// Open opens the evidence in o.Dir, recovers what a crash left behind, and starts to apply what the store lacks. It
// does not wait for the store: lists say how far behind they are.
//
// Errors: *vfs.LockedError while another process holds the directory; the journal's errors of recovery; the store's.
func Open(ctx context.Context, o Options) (*Engine, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	e := &Engine{dir: o.Dir, patience: askPatience}
	if err := e.open(ctx, o); err != nil {
		return nil, errors.Join(err, e.release())
	}
	e.Tracer = &trace.Tracer{
		Index: e.index, Journal: record.LogID(e.log.Head().Log),
		Durable: e.durable, Now: o.Now, Rejects: e.rejects.byAgent,
	}
	return e, nil
}

func (e *Engine) open(ctx context.Context, o Options) error {
	var err error
	if o.Dir == "" {
		err = e.openMemory(o.Journal)
	} else {
		err = e.openDir(ctx, o)
	}
	if err != nil {
		return err
	}
	e.journal = ingest.FromLog(e.log)
	e.index = ingest.NewIndex(e.store, e.journal)
	if o.Dir != "" {
		e.rester = startResting(func() uint64 { return e.index.Views() + uint64(e.durable()) }, e.index.Forget)
	}
	e.worker, err = ingest.Start(e.journal, e.index, trace.Annotator{Journal: record.LogID(e.log.Head().Log), Noted: &e.noted})
	return err
}

// openMemory makes a journal and a store that are gone with the process.
func (e *Engine) openMemory(journal record.LogID) (err error) {
	e.store = mem.New()
	e.rejects, _ = openRejects("")
	o := wal.Options{ReserveBytes: -1, IdleMark: -1}
	if journal != (record.LogID{}) {
		o.NewLogID = func() wal.LogID { return wal.LogID(journal) }
	}
	e.log, _, err = wal.Open(vfs.NewMem(), "wal", o)
	return err
}

// openDir opens a data directory: its lock, its store, then its journal, which looks at what the store has seen.
func (e *Engine) openDir(ctx context.Context, o Options) error {
	boundMemory()
	oneThreadMore()
	disk := vfs.OS()
	if err := disk.MkdirAll(o.Dir); err != nil {
		return fmt.Errorf("make the data directory %s: %w", o.Dir, err)
	}
	var err error
	if e.lock, err = lockDir(ctx, disk, filepath.Join(o.Dir, "LOCK"), o.LockWait); err != nil {
		return err
	}
	if err := removeLeftovers(o.Dir); err != nil {
		return err
	}
	witness, doubt, err := e.openStore(ctx, disk, o.Dir)
	if err != nil {
		return err
	}
	log, recovery, err := wal.Open(disk, filepath.Join(o.Dir, "wal"), wal.Options{Witness: witness})
	if err != nil {
		return err
	}
	e.log = log
	e.news = append(e.news, newsOf(recovery)...)
	switch last := log.Head().Last; {
	case doubt != "":
		if err := e.dropStore(disk, o.Dir, doubt); err != nil {
			return err
		}
	case witness.Applied == 0 && last > 0 && len(e.news) == 0:
		e.news = append(e.news, fmt.Sprintf("the store was empty and is made anew from the journal, %d records", last))
	}
	e.rejects, err = openRejects(o.Dir)
	return err
}

// lockDir takes the directory, waiting a little for a command that is about to end.
func lockDir(ctx context.Context, disk vfs.FS, path string, wait time.Duration) (io.Closer, error) {
	const retry = 20 * time.Millisecond // a guess: short against a person, long against a lock attempt
	deadline := time.Now().Add(wait)
	for {
		lock, err := disk.Lock(path)
		var held *vfs.LockedError
		if !errors.As(err, &held) || time.Now().After(deadline) {
			return lock, err
		}
		select {
		case <-time.After(retry):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

func (e *Engine) durable() record.LSN { return record.LSN(e.log.Head().Durable) }

// Close stops the worker, makes the store durable, marks the journal clean and gives the directory back. It returns
// the first of what went wrong; everything is released all the same.
func (e *Engine) Close() error { return e.release() }

func (e *Engine) release() error {
	var errs []error
	if e.rester != nil {
		e.rester.end()
	}
	if e.worker != nil {
		e.worker.Close()
		// Only a store that a worker was given is known to follow the journal; one in doubt stays in doubt.
		errs = append(errs, ingest.MarkClean(e.store))
	}
	if e.log != nil {
		errs = append(errs, e.log.Close())
	}
	if e.store != nil {
		errs = append(errs, e.store.Close())
	}
	if e.rejects != nil {
		errs = append(errs, e.rejects.close())
	}
	if e.lock != nil {
		errs = append(errs, e.lock.Close())
	}
	return errors.Join(errs...)
}

// Status adds the journal's head and the news of opening to what the tracer knows.
func (e *Engine) Status(ctx context.Context) (ask.Status, error) {
	s, err := e.Tracer.Status(ctx)
	head := e.log.Head()
	s.LastLSN, s.Chain = record.LSN(head.Last), record.Hash(head.Chain)
	s.News = e.News()
	if stopped := e.worker.Err(); stopped != nil {
		s.News = append(s.News, "the store no longer follows the journal: "+stopped.Error())
	}
	if stalled := e.worker.Stalled(); stalled != nil {
		s.News = append(s.News, "the store waits before it follows the journal again: "+stalled.Error())
	}
	return s, err
}

// News is what was noticed when opening, a sentence each: a torn tail, a store made anew.
func (e *Engine) News() []string { return slices.Clone(e.news) }

// CatchUp returns once the store holds everything that was durable when it was called.
func (e *Engine) CatchUp(ctx context.Context) error { return e.worker.Wait(ctx, e.durable()) }

// Head is the end of the journal.
func (e *Engine) Head() wal.Head { return e.log.Head() }
