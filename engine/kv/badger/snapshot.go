package badger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"

	badgerdb "github.com/dgraph-io/badger/v4"

	"episteme/engine/kv"
)

// snapshot is a read-only transaction, whose Get and NewIterator several goroutines may call at once.
type snapshot struct {
	store *Store

	// mu is held shared around each call of txn or one of its iterators, and exclusively to end them all. It is
	// never held while the caller's code runs, so closing from within a scan's loop is fine.
	mu  sync.RWMutex
	txn *badgerdb.Txn // nil once released

	iteratorsMu sync.Mutex
	iterators   map[*badgerdb.Iterator]struct{} // the open ones: badger panics if one outlives its transaction
}

func (s *snapshot) Get(key []byte) ([]byte, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.txn == nil {
		return nil, fmt.Errorf("badger: get from %s: %w", s.store.dir, kv.ErrClosed)
	}
	if len(key) == 0 || bytes.HasPrefix(key, reserved) {
		return nil, kv.ErrNotFound // neither can have been put
	}
	item, err := s.txn.Get(key)
	if errors.Is(err, badgerdb.ErrKeyNotFound) {
		return nil, kv.ErrNotFound
	}
	if err != nil {
		return nil, s.unreadable(key, err)
	}
	return s.valueOf(item, []byte{})
}

// valueOf appends item's value to buf.
func (s *snapshot) valueOf(item *badgerdb.Item, buf []byte) ([]byte, error) {
	err := item.Value(func(value []byte) error {
		// Badger logs a value that it cannot read and hands out none.
		if len(value) == 0 && item.ValueSize() > 0 {
			return fmt.Errorf("%w: about %d bytes of the value log are unreadable", ErrDamaged, item.ValueSize())
		}
		buf = append(buf, value...)
		return nil
	})
	if err != nil {
		return nil, s.unreadable(item.Key(), err)
	}
	return buf, nil
}

func (s *snapshot) unreadable(key []byte, err error) error {
	s.store.damaged.Store(true)
	return fmt.Errorf("badger: read key %q from %s: %w; the journal is not affected: make the store again from it "+
		"(\"episteme rebuild\")", key, s.store.dir, err)
}

func (s *snapshot) Scan(ctx context.Context, lower, upper []byte) iter.Seq2[kv.Entry, error] {
	return func(yield func(kv.Entry, error) bool) {
		c := &cursor{snap: s, ctx: ctx, upper: upper}
		defer c.close()
		for ok, err := c.first(lower, upper); ; ok, err = c.next() {
			if err != nil {
				yield(kv.Entry{}, err)
				return
			}
			if !ok || !yield(c.entry(), nil) {
				return
			}
		}
	}
}

func (s *snapshot) Close() error {
	s.release()
	s.store.forget(s) // last: until then Close of the store finds and waits for us
	return nil
}

// release waits for the steps that are under way and ends the iterators and the transaction. Their scans notice at
// their next step.
func (s *snapshot) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.txn == nil {
		return
	}
	for it := range s.iterators {
		it.Close()
	}
	s.iterators = nil
	s.txn.Discard()
	s.txn = nil
}
