package badger

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	badgerdb "github.com/dgraph-io/badger/v4"

	"episteme/engine/kv"
)

// ErrFailed means that an Apply or a Sync failed halfway: readers could see half of a batch, or what was applied is not
// as durable as it seems. Close the store, open it again, and check it against the journal as after an unclean end.
var ErrFailed = errors.New("store has failed")

// reserved starts the keys that badger keeps for itself and hides from scans.
var reserved = []byte("!badger!")

// Store is a kv.Store on disk. Make it with Open.
type Store struct {
	dir  string   // as given to Open
	lock *dirLock // released after db is closed

	// mu is held shared while db is called and exclusively to close it, so nobody calls a closed db. It guards
	// closed. Taken before snapsMu and before a snapshot's own lock; of those two nobody holds both.
	mu     sync.RWMutex
	db     *badgerdb.DB
	closed bool

	applies atomic.Int64
	checked time.Time   // when the tables were last read as a whole
	damaged atomic.Bool // something could not be read: the next opening reads everything

	stopTrimming func() // ends the keeper of trim.go and waits for it; call it without mu

	snapsMu   sync.Mutex             // guards snapshots and failed
	snapshots map[*snapshot]struct{} // the open ones
	failed    error                  // why nothing may be read or written any more
}

var _ kv.Store = (*Store)(nil)

// usable says why the store must not be called. Callers hold mu.
func (s *Store) usable() error {
	if s.closed {
		return kv.ErrClosed
	}
	s.snapsMu.Lock()
	defer s.snapsMu.Unlock()
	return s.failed
}

// Snapshot costs two small allocations. Old versions of what is overwritten stay on disk while it is open.
func (s *Store) Snapshot() (kv.Snapshot, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := s.usable(); err != nil {
		return nil, fmt.Errorf("badger: take a snapshot of %s: %w", s.dir, err)
	}
	snap := &snapshot{store: s, txn: s.db.NewTransaction(false), iterators: make(map[*badgerdb.Iterator]struct{})}
	s.snapsMu.Lock()
	s.snapshots[snap] = struct{}{}
	s.snapsMu.Unlock()
	return snap, nil
}

// Apply takes batches of up to 15 % of Options.MemTableBytes, not counting values of 128 KiB and more.
func (s *Store) Apply(b *kv.Batch) error {
	if err := b.Check(); err != nil {
		return err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := s.usable(); err != nil {
		return fmt.Errorf("badger: apply to %s: %w", s.dir, err)
	}
	if s.applies.Add(1)%handlesEvery == 0 {
		if err := checkHandles(s.dir, 0); err != nil {
			return fmt.Errorf("badger: apply %d operations of %d bytes: %w", b.Len(), b.Bytes(), err)
		}
	}
	txn := s.db.NewTransaction(true)
	defer txn.Discard()
	for op := range b.Ops() {
		if err := stage(txn, op); err != nil {
			return s.refused(b, err)
		}
	}
	if err := txn.Commit(); errors.Is(err, badgerdb.ErrTxnTooBig) {
		return s.refused(b, err)
	} else if err != nil {
		return s.fail(fmt.Sprintf("apply %d operations of %d bytes to", b.Len(), b.Bytes()), err)
	}
	return nil
}

// stage adds op to txn, which keeps op's slices until it is committed: they point into the batch, which the caller
// leaves alone during Apply.
func stage(txn *badgerdb.Txn, op kv.Op) error {
	switch {
	case bytes.HasPrefix(op.Key, reserved):
		return fmt.Errorf("%w: %q is reserved by badger", kv.ErrKey, op.Key)
	case op.Delete:
		return txn.Delete(op.Key)
	default:
		return txn.Set(op.Key, op.Value)
	}
}

// refused describes an error that came before anything was changed.
func (s *Store) refused(b *kv.Batch, err error) error {
	if errors.Is(err, badgerdb.ErrTxnTooBig) {
		err = fmt.Errorf("%w: this store takes less than %d operations and %d bytes; split it",
			kv.ErrBatchTooBig, s.db.MaxBatchCount(), s.db.MaxBatchSize())
	}
	return fmt.Errorf("badger: apply %d operations of %d bytes to %s: %w", b.Len(), b.Bytes(), s.dir, err)
}

// fail closes the store to everybody. Badger marks a commit as done also when it stopped in the middle of it, and a
// failed sync must not be tried again: the kernel may have dropped what it could not write, and then answers well.
func (s *Store) fail(doing string, err error) error {
	s.snapsMu.Lock()
	defer s.snapsMu.Unlock()
	if s.failed == nil {
		s.failed = fmt.Errorf("%w: %s %s: %w; close it, open it again and check it against the journal", ErrFailed, doing, s.dir, err)
	}
	return fmt.Errorf("badger: %w", s.failed)
}

// ErrGone means that the directory of an open store was removed, or that another lies in its place.
var ErrGone = errors.New("the directory was removed or replaced while it was open")

// Close also compacts the newest tables, which can take seconds after many applies. When the directory is gone it returns
// ErrGone at once, and badger's goroutines stay: they try to write there again for as long as the process lives.
func (s *Store) Close() error {
	s.stopTrimming()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.snapsMu.Lock()
	open := s.snapshots
	s.snapshots = nil
	s.snapsMu.Unlock()
	for snap := range open {
		snap.release()
	}
	if s.lock.gone() {
		return fmt.Errorf("badger: close %s: %w", s.dir, errors.Join(ErrGone, s.lock.file.Close()))
	}
	err := s.db.Close()
	if err == nil && s.failed == nil && !s.damaged.Load() {
		err = leaveStamp(s.dir, s.checked)
	}
	if err := errors.Join(err, s.lock.release()); err != nil {
		return fmt.Errorf("badger: close %s: %w; what was not synced may be missing", s.dir, err)
	}
	return nil
}

// forget is called by a snapshot that closes.
func (s *Store) forget(snap *snapshot) {
	s.snapsMu.Lock()
	defer s.snapsMu.Unlock()
	delete(s.snapshots, snap)
}
