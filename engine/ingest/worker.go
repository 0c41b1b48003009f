package ingest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"episteme/engine/kv"
	"episteme/engine/record"
	"episteme/engine/wal"
)

// StoreFormat is the version of the key space. A store of an older version is made anew from the journal; one of a
// newer is refused.
const StoreFormat = 2

// Bounds of a batch, bytes of keys and values and operations. Badger takes 15 % of its 4 MiB memtable in one
// transaction, 0.63 MB and 6,500 operations; half of that leaves room for its own overhead and for the last record. A
// batch the store still finds too big is halved; the largest record alone takes 0.5 MB beside its values of 128 KiB and
// more, which do not count.
const (
	batchBytes = 300 << 10
	batchOps   = 3 << 10
)

// Worker tails a journal and applies it to a store, on a goroutine of its own, until Close.
type Worker struct {
	journal Journal
	mat     *materialiser
	limit   int // bytes of a batch; halved while the store refuses

	cancel context.CancelFunc
	done   chan struct{}

	mu      sync.Mutex
	applied record.LSN    // guarded by mu
	moved   chan struct{} // guarded by mu; closed and replaced whenever applied or err changes
	err     error         // guarded by mu; why the worker stopped
	stalled error         // guarded by mu; why it waits before it tries again
}

// ErrWrongJournal means that the store was made from another journal, or from more of this one than there is.
var ErrWrongJournal = errors.New("the store does not belong to this journal")

// Start checks that the store of index belongs to journal and begins to apply what it lacks. A nil annotator leaves audits
// without annotation.
func Start(journal Journal, index *Index, annotator Annotator) (*Worker, error) {
	applied, err := prepare(journal, index)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	w := &Worker{
		journal: journal, limit: batchBytes,
		mat:    newMaterialiser(index, record.LogID(journal.Head().Log), applied, annotator),
		cancel: cancel, done: make(chan struct{}),
		applied: applied.LSN, moved: make(chan struct{}),
	}
	w.mat.stalled = w.stall
	go w.run(ctx)
	return w, nil
}

// prepare reads how far the store has come and refuses a store of another journal or format.
func prepare(journal Journal, index *Index) (Applied, error) {
	v, err := index.View()
	if err != nil {
		return Applied{}, err
	}
	defer v.Close()
	applied := v.Applied()
	head := journal.Head()
	if applied.LSN == 0 {
		return applied, markFormat(index.store)
	}
	if applied.Log != record.LogID(head.Log) || applied.LSN > record.LSN(head.Durable) {
		return applied, fmt.Errorf("%w: the store is at lsn %d of log %s, the journal at lsn %d of log %s; "+
			"if the journal is the right one, `episteme rebuild` makes the store anew", ErrWrongJournal,
			applied.LSN, applied.Log, head.Durable, record.LogID(head.Log))
	}
	if err := checkChain(journal, applied); err != nil {
		return applied, err
	}
	return applied, CheckFormat(index.store)
}

// checkChain refuses a store whose last record is not the journal's at that LSN.
func checkChain(journal Journal, applied Applied) error {
	chain, err := journal.ChainAt(wal.LSN(applied.LSN))
	if err != nil {
		return err
	}
	if record.Hash(chain) != applied.Chain {
		return fmt.Errorf("%w: at lsn %d the store has chain %s, the journal %s; if the journal is the right one, "+
			"`episteme rebuild` makes the store anew", ErrWrongJournal, applied.LSN, applied.Chain, record.Hash(chain))
	}
	return nil
}

// Applied is how far the store has come.
func (w *Worker) Applied() record.LSN {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.applied
}

// Wait returns once the record at lsn is in the store. Errors are the cause of ctx, why the worker stopped, or, wrapping
// kv.ErrNoRoom, why it does not go on for now.
func (w *Worker) Wait(ctx context.Context, lsn record.LSN) error {
	for {
		w.mu.Lock()
		applied, moved, err := w.applied, w.moved, w.err
		if err == nil {
			err = w.stalled
		}
		w.mu.Unlock()
		switch {
		case applied >= lsn:
			return nil
		case err != nil:
			return err
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return fmt.Errorf("waiting for the store, at lsn %d of %d: %w", applied, lsn, context.Cause(ctx))
		}
	}
}

// Err is why the worker stopped, nil while it runs.
func (w *Worker) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// Close stops the worker and waits for it. What was not applied is applied when the journal is opened again.
func (w *Worker) Close() {
	w.cancel()
	<-w.done
}

func (w *Worker) run(ctx context.Context) {
	defer close(w.done)
	defer w.mat.reset() // it may hold a snapshot
	for {
		err := w.follow(ctx)
		if errors.Is(err, kv.ErrBatchTooBig) && w.limit > 1 {
			// Nothing of the batch was applied: go back to where the store is, with half the bytes.
			w.limit /= 2
			w.mat.abandon()
			continue
		}
		if ctx.Err() != nil {
			err = errors.New("ingest: the worker was closed")
		}
		w.report(w.mat.stored.LSN, err)
		return
	}
}

// follow applies records from where the store is, for as long as nothing fails.
func (w *Worker) follow(ctx context.Context) error {
	tail := w.journal.Tail(wal.LSN(w.mat.stored.LSN) + 1)
	defer tail.Close()
	for {
		rec, err := tail.Next(ctx)
		if err != nil {
			return err
		}
		if err := w.mat.add(ctx, &rec); err != nil {
			return err
		}
		if tail.Ready() && w.mat.bytes() < w.limit && w.mat.ops() < batchOps {
			continue
		}
		if err := w.mat.flush(ctx); err != nil {
			return err
		}
		w.report(w.mat.stored.LSN, nil)
		w.limit = min(2*w.limit, batchBytes) // what was too big is in
	}
}

func (w *Worker) stall(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stalled = err
	close(w.moved)
	w.moved = make(chan struct{})
}

// Stalled is why the worker does not go on right now although it will try again; nil: it goes on.
func (w *Worker) Stalled() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stalled
}

func (w *Worker) report(applied record.LSN, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.applied, w.err, w.stalled = applied, err, nil
	close(w.moved)
	w.moved = make(chan struct{})
}
