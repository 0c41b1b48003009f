package wal

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"episteme/engine/vfs"
)

// LossOptions are how a damaged journal is rebuilt.
type LossOptions struct {
	Witness Witness          // what the store has seen; the zero Log: there is no store
	Now     func() time.Time // for the time of hole marks and the names of what is kept; nil: the real clock
}

// Loss is what was given up, and where what was there before is kept.
type Loss struct {
	Holes   []Hole   // made now, ascending by LSN
	Records uint64   // that are lost in them, those of holes that were there before included where one swallowed them
	Kept    []string // copies of the damaged files
	Left    LSN      // the last record that can be read now
}

const rebuildTmpName = "rebuild.tmp" // a file while it is made; not part of the journal

// AcceptLoss makes a damaged journal fit for use again by giving up what cannot be read, and is the only way to give
// anything up. Each damaged segment is copied beside itself as SEGMENT.damaged-NS; then it is written anew, with a hole
// mark in place of every stretch that cannot be read, and zeros where a payload was erased by order and holds something
// else. All other records keep their bytes, LSN and chain, though not their offsets, so positions that a store keeps are
// void: rebuild it. A journal without damage is left as it is.
//
// Each file is replaced as a whole, and only when the copy is durable, so stopping anywhere leaves a journal that is
// damaged in fewer places; run it again.
//
// Errors, all of which leave the rest as it was: *LostTailError when the store has applied records behind what is left,
// or others than those that are: no hole may hide what only the store remembers. *ReadError and *TooNewError: what was
// not seen is not given up. *DamagedError: what is left does not make a journal. *vfs.LockedError: somebody uses it.
func AcceptLoss(ctx context.Context, fsys vfs.FS, dir string, opts LossOptions) (Loss, error) {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	lock, err := fsys.Lock(filepath.Join(dir, lockName))
	if err != nil {
		return Loss{}, fmt.Errorf("wal: rebuild %s: %w", dir, err)
	}
	defer lock.Close() // nothing depends on what it says
	in, err := inspect(ctx, fsys, dir, VerifyOptions{Witness: opts.Witness})
	if err != nil {
		return Loss{}, err
	}
	p := planner{in: in, now: opts.Now}
	if err := p.refuse(); err != nil {
		return Loss{}, err
	}
	if err := p.plan(); err != nil {
		return Loss{}, err
	}
	if err := p.judge(&opts.Witness); err != nil {
		return Loss{}, err
	}
	return p.carryOut(ctx)
}
