// Package mem is a kv.Store in memory: the store of fixtures and the oracle that other stores are tested against.
//
// Promises: those of package kv, except that nothing outlives Close; Sync has nothing to do. Built to be obviously
// right first and fast second: all state is one immutable tree behind an atomic pointer. A snapshot is that pointer.
// An apply copies the pages it changes, and the list of pages, and swings the pointer.
//
//	tree ── pages ──┬── page 0: a=1 b=2 c=3          sorted, 1 to pageMax entries
//	                ├── page 1: f=4 g=5              never changed once made
//	                └── page 2: m=6 …                each page's keys lie above those of the page before
//
// Scans hand out one reused buffer that the next step overwrites, as stores on disk do, so that code which forgets to
// clone fails here too.
package mem

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"

	"episteme/engine/kv"
)

// Store is a kv.Store in memory. Make it with New.
type Store struct {
	applying sync.Mutex // one Apply at a time; readers never take it
	tree     atomic.Pointer[tree]
	closed   atomic.Bool

	batchBytesMax int
}

var _ kv.Store = (*Store)(nil)

// New returns an empty store that takes batches of up to kv.MaxBatchBytes.
func New() *Store { return NewLimited(kv.MaxBatchBytes) }

// NewLimited is New with a lower limit for the keys and values of one batch, for tests of code that has to split.
func NewLimited(batchBytesMax int) *Store {
	s := &Store{batchBytesMax: batchBytesMax}
	s.tree.Store(&tree{})
	return s
}

// Snapshot costs one allocation and keeps the state it shows from being collected until it is dropped.
func (s *Store) Snapshot() (kv.Snapshot, error) {
	if s.closed.Load() {
		return nil, fmt.Errorf("mem: take a snapshot: %w", kv.ErrClosed)
	}
	return &snapshot{store: s, tree: s.tree.Load()}, nil
}

// Apply copies b's keys and values.
func (s *Store) Apply(b *kv.Batch) error {
	if err := b.Check(); err != nil {
		return err
	}
	if b.Bytes() > s.batchBytesMax {
		return fmt.Errorf("mem: apply %d operations: %w: found %d bytes, this store takes %d",
			b.Len(), kv.ErrBatchTooBig, b.Bytes(), s.batchBytesMax)
	}
	s.applying.Lock()
	defer s.applying.Unlock()
	if s.closed.Load() {
		return fmt.Errorf("mem: apply: %w", kv.ErrClosed)
	}
	s.tree.Store(s.tree.Load().apply(b))
	return nil
}

// Sync does nothing: there is no disk.
func (s *Store) Sync() error {
	if s.closed.Load() {
		return fmt.Errorf("mem: sync: %w", kv.ErrClosed)
	}
	return nil
}

// SizeBytes is the sum of the lengths of all keys and values, without the tree's own overhead.
func (s *Store) SizeBytes() int64 { return s.tree.Load().sizeBytes }

// Close drops the content. Snapshots answer ErrClosed from then on.
func (s *Store) Close() error {
	s.applying.Lock()
	defer s.applying.Unlock()
	s.closed.Store(true)
	s.tree.Store(&tree{})
	return nil
}

type snapshot struct {
	store  *Store
	tree   *tree
	closed atomic.Bool
}

func (s *snapshot) isClosed() bool { return s.closed.Load() || s.store.closed.Load() }

func (s *snapshot) Get(key []byte) ([]byte, error) {
	if s.isClosed() {
		return nil, fmt.Errorf("mem: get: %w", kv.ErrClosed)
	}
	page, i := s.tree.seek(key)
	if page == len(s.tree.pages) || !bytes.Equal(s.tree.pages[page][i].key, key) {
		return nil, kv.ErrNotFound
	}
	return append([]byte{}, s.tree.pages[page][i].value...), nil
}

func (s *snapshot) Scan(ctx context.Context, lower, upper []byte) iter.Seq2[kv.Entry, error] {
	return func(yield func(kv.Entry, error) bool) {
		var buf []byte // key and value of the entry that is out
		for e := range s.tree.from(lower) {
			if err := s.mayGoOn(ctx); err != nil {
				yield(kv.Entry{}, err)
				return
			}
			if upper != nil && bytes.Compare(e.key, upper) >= 0 {
				return
			}
			buf = append(append(buf[:0], e.key...), e.value...)
			k := len(e.key)
			if !yield(kv.Entry{Key: buf[:k:k], Value: buf[k:len(buf):len(buf)]}, nil) {
				return
			}
		}
		// A scan that ran to the end of an empty range must still tell a closed store from an empty one.
		if err := s.mayGoOn(ctx); err != nil {
			yield(kv.Entry{}, err)
		}
	}
}

func (s *snapshot) mayGoOn(ctx context.Context) error {
	if s.isClosed() {
		return fmt.Errorf("mem: scan: %w", kv.ErrClosed)
	}
	if ctx.Err() != nil {
		return fmt.Errorf("mem: scan: %w", context.Cause(ctx))
	}
	return nil
}

func (s *snapshot) Close() error {
	s.closed.Store(true)
	return nil
}
