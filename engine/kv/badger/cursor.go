package badger

import (
	"bytes"
	"context"
	"fmt"

	badgerdb "github.com/dgraph-io/badger/v4"

	"episteme/engine/kv"
)

// cursor is one run of a scan. Each step holds the snapshot's lock and copies the entry out, so that between steps
// nothing of badger's is in anybody's hands.
type cursor struct {
	snap  *snapshot
	ctx   context.Context
	upper []byte
	it    *badgerdb.Iterator // nil before first

	buf      []byte // the current key, then its value; reused by each step
	keyBytes int
}

// first opens the iterator and moves to the first entry. ok is false at the end.
func (c *cursor) first(lower, upper []byte) (ok bool, err error) {
	s := c.snap
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := c.mayGoOn(); err != nil {
		return false, err
	}
	if c.upper != nil && bytes.Compare(lower, c.upper) >= 0 {
		return false, nil // an iterator costs some µs
	}
	// No prefetching: it starts a goroutine for each value, and most values lie beside their key anyway.
	opts := badgerdb.IteratorOptions{Prefix: sharedPrefix(lower, upper)}
	c.it = s.txn.NewIterator(opts)
	s.iteratorsMu.Lock()
	s.iterators[c.it] = struct{}{}
	s.iteratorsMu.Unlock()
	c.it.Seek(lower)
	return c.read()
}

// next moves on by one entry. ok is false at the end.
func (c *cursor) next() (ok bool, err error) {
	c.snap.mu.RLock()
	defer c.snap.mu.RUnlock()
	if err := c.mayGoOn(); err != nil {
		return false, err
	}
	c.it.Next()
	return c.read()
}

// mayGoOn says why not. Callers hold snap.mu.
func (c *cursor) mayGoOn() error {
	if c.snap.txn == nil {
		return fmt.Errorf("badger: scan %s: %w", c.snap.store.dir, kv.ErrClosed)
	}
	if c.ctx.Err() != nil {
		return fmt.Errorf("badger: scan %s: %w", c.snap.store.dir, context.Cause(c.ctx))
	}
	return nil
}

// read copies the entry under the iterator. Callers hold snap.mu.
func (c *cursor) read() (ok bool, err error) {
	if !c.it.Valid() {
		return false, nil
	}
	item := c.it.Item()
	key := item.Key()
	if c.upper != nil && bytes.Compare(key, c.upper) >= 0 {
		return false, nil
	}
	c.buf = append(c.buf[:0], key...)
	c.keyBytes = len(key)
	c.buf, err = c.snap.valueOf(item, c.buf)
	return err == nil, err
}

func (c *cursor) entry() kv.Entry {
	n := c.keyBytes
	return kv.Entry{Key: c.buf[:n:n], Value: c.buf[n:len(c.buf):len(c.buf)]}
}

// close releases the iterator, unless the snapshot did.
func (c *cursor) close() {
	s := c.snap
	s.mu.RLock()
	defer s.mu.RUnlock()
	if c.it == nil || s.txn == nil {
		return
	}
	s.iteratorsMu.Lock()
	delete(s.iterators, c.it)
	s.iteratorsMu.Unlock()
	c.it.Close()
}

// sharedPrefix is what every key in [lower, upper) starts with. Badger leaves out the tables that have no such key.
//
//	lower      upper      shared
//	abc 01     abc 02     abc          the common start of both ends
//	abc        abd        abc          upper is kv.PrefixEnd(abc), the usual scan
//	abc 01     abd        abc          likewise, from somewhere inside
//	abc        (none)                  no bound, no prefix
func sharedPrefix(lower, upper []byte) []byte {
	n := 0
	for n < len(lower) && n < len(upper) && lower[n] == upper[n] {
		n++
	}
	// Where upper ends right after the common start and is there one more than lower, a key in between can only
	// continue as lower does.
	if n < len(lower) && len(upper) == n+1 && lower[n] != 0xff && upper[n] == lower[n]+1 {
		n++
	}
	return lower[:n]
}
