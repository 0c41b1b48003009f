package ingest

import (
	"bytes"
	"context"
	"errors"
	"iter"

	"episteme/engine/kv"
)

// Comparison is a store beside one that was made anew.
type Comparison struct {
	Entries   uint64 // of the two, each key once
	Missing   uint64 // entries that should be there
	Extra     uint64 // entries that should not
	Different uint64 // entries with another value
	First     []byte // key of the first of these
}

// Same reports whether no difference was found.
func (c Comparison) Same() bool { return c.Missing+c.Extra+c.Different == 0 }

// Compare walks two stores side by side. What says when or how the store was written is not compared: the mark of a
// clean close, and the numbers of transactions. Comparing nothing is an error.
func Compare(ctx context.Context, have, want kv.Snapshot) (c Comparison, err error) {
	nextHave, stopHave := iter.Pull2(have.Scan(ctx, nil, nil))
	defer stopHave()
	nextWant, stopWant := iter.Pull2(want.Scan(ctx, nil, nil))
	defer stopWant()
	h, errH, okH := nextHave()
	w, errW, okW := nextWant()
	for okH || okW {
		if err := errors.Join(errH, errW); err != nil {
			return c, err
		}
		order := 0
		switch {
		case !okH:
			order = 1
		case !okW:
			order = -1
		default:
			order = bytes.Compare(h.Key, w.Key)
		}
		c.count(order, h, w)
		if order <= 0 {
			h, errH, okH = nextHave()
		}
		if order >= 0 {
			w, errW, okW = nextWant()
		}
	}
	if c.Entries == 0 {
		return c, errors.New("compare stores: both are empty, so nothing was checked")
	}
	return c, nil
}

// count takes in one key: order says whether only have holds it (-1), only want (1), or both.
func (c *Comparison) count(order int, have, want kv.Entry) {
	key := want.Key
	if order < 0 {
		key = have.Key
	}
	if bytes.Equal(key, keyClean) || bytes.HasPrefix(key, space(spaceFlushes)) {
		return
	}
	c.Entries++
	switch {
	case order < 0:
		c.Extra++
	case order > 0:
		c.Missing++
	case bytes.Equal(content(have), content(want)):
		return
	default:
		c.Different++
	}
	if c.First == nil {
		c.First = bytes.Clone(key)
	}
}

// content is a value without the number of the transaction that wrote it.
func content(e kv.Entry) []byte {
	if bytes.Equal(e.Key, keyApplied) {
		return e.Value[:min(len(e.Value), appliedBytes)]
	}
	return e.Value
}
