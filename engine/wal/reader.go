package wal

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"episteme/engine/vfs"
)

// Reader reads records in order and waits for further ones at the end. It never passes what is durable, and checks
// every record: checksum, place, link in the chain, payload hash, padding. One goroutine at a time may call Next; the
// other methods may be called at any time.
type Reader struct {
	log    *Log
	wake   chan struct{} // capacity 1
	queued bool          // in view.waiting; guarded by view.mu
	want   atomic.Uint64 // LSN of the next record
	closed atomic.Bool

	mu      sync.Mutex // held by Next, except while it waits
	seg     *segment
	file    vfs.File // nil before the first record; also guarded by Log.life
	cur     cursor
	frame   frame
	missing uint64 // records lost in holes since the last one returned
}

// Reader returns a reader whose first record is the first with an LSN of at least from; 0 and 1 both mean the
// beginning. A reader from behind the end waits there. Close it when done; closing the log does so too.
func (l *Log) Reader(from LSN) *Reader {
	r := &Reader{log: l, wake: make(chan struct{}, 1)}
	r.want.Store(uint64(max(from, 1)))
	r.cur.erased = l.erasures.find
	l.view.open(r)
	return r
}

func (v *view) open(r *Reader) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.readers == nil {
		v.readers = map[*Reader]struct{}{}
	}
	v.readers[r] = struct{}{}
}

// errTail says that a reader has come to the end of what is durable.
var errTail = errors.New("tail")

// Next returns the next record. At the end it waits until there is one, ctx ends, or the log or the reader is closed
// (ErrClosed); in a journal opened read-only because it is damaged, the damage is the error there. A *DamagedError or
// *ReadError leaves the reader where it is: asked again it tries again. Nothing is allocated per record once the
// reader's buffer has grown to the largest.
func (r *Reader) Next(ctx context.Context) (Record, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		if err := ctx.Err(); err != nil {
			return Record{}, err
		}
		rec, err := r.advance()
		if err != errTail {
			return rec, err
		}
		wait, err := r.enlist()
		if err != nil {
			return Record{}, err
		}
		if !wait {
			continue
		}
		r.mu.Unlock()
		select {
		case <-r.wake:
		case <-ctx.Done():
		}
		r.mu.Lock()
	}
}

// enlist puts the reader on the list of those who are woken when there is more, unless there is more by now.
func (r *Reader) enlist() (wait bool, err error) {
	v := &r.log.view
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closed || v.end.number != r.cur.number || v.end.off != r.cur.limit {
		return false, nil // advance says what is new, or that the log is closed
	}
	if v.damage != nil {
		return false, v.damage
	}
	if !r.queued {
		r.queued = true
		v.waiting = append(v.waiting, r)
	}
	return true, nil
}

// advance returns the next record that is durable, or errTail.
func (r *Reader) advance() (Record, error) {
	r.log.life.RLock()
	defer r.log.life.RUnlock()
	if r.closed.Load() || r.log.closed.Load() {
		return Record{}, ErrClosed
	}
	if r.file == nil {
		if err := r.seek(); err != nil {
			return Record{}, err
		}
	}
	f := &r.frame
	for {
		r.cur.headersOnly = r.cur.lsn+1 < LSN(r.want.Load())
		err := r.cur.next(f)
		if err == errEnd {
			if err := r.more(); err != nil {
				return Record{}, err
			}
			continue
		}
		if err != nil {
			return Record{}, verdict(err, r.cur.lsn)
		}
		if f.Mark() {
			r.pass(&f.mark)
			continue
		}
		if f.LSN >= LSN(r.want.Load()) {
			return r.take(f), nil
		}
		if f.off/indexBytes != f.end/indexBytes {
			r.log.view.learn(point{r.cur.number, r.cur.place})
		}
	}
}

// pass goes over a mark.
func (r *Reader) pass(m *Mark) {
	want := LSN(r.want.Load())
	if m.Type != MarkHole || m.To < want {
		return
	}
	r.missing += uint64(m.To - max(m.From, want) + 1)
	r.want.Store(uint64(m.To + 1))
}

func (r *Reader) take(f *frame) Record {
	rec := f.record(r.cur.number)
	rec.Missing = r.missing
	r.missing = 0
	r.want.Store(uint64(f.LSN + 1))
	return rec
}

func (f *frame) record(segment uint64) Record {
	return Record{LSN: f.LSN, Kind: f.Kind, RecordedAt: f.RecordedAt, Durable: f.Durable, Hash: f.Hash, Chain: f.Chain,
		Header: f.raw, Payload: f.payload, Erased: f.erased,
		Pos: Position{Segment: segment, Offset: f.off, Length: f.Length}}
}

// verdict is what a reader says of a cursor's error: below the durable end nothing can be torn.
func verdict(err error, intact LSN) error {
	var fl *flaw
	if errors.As(err, &fl) {
		return fl.damaged(intact)
	}
	return err
}

// seek opens the segment that holds the first record wanted, at the best place known.
func (r *Reader) seek() error {
	seg, at, limit := r.log.view.locate(LSN(r.want.Load()))
	if err := r.enter(seg, limit); err != nil {
		return err
	}
	r.cur.place = at.place
	return nil
}

// enter moves to the beginning of a segment.
func (r *Reader) enter(seg *segment, limit int64) error {
	f, err := r.log.fsys.Open(seg.path)
	if err != nil {
		return &ReadError{File: seg.path, LSN: LSN(r.want.Load()), Err: err}
	}
	if r.file != nil {
		r.file.Close() // was only read
	}
	r.seg, r.file = seg, f
	r.cur.start(f, seg.path, &seg.header, limit)
	return nil
}

// more moves the limit, or to the next segment. errTail: neither is there.
func (r *Reader) more() error {
	_, limit, follower := r.log.view.segment(r.cur.number)
	if limit != r.cur.limit {
		r.cur.limit = limit
		return nil
	}
	if !follower {
		return errTail
	}
	next, limit, _ := r.log.view.segment(r.cur.number + 1)
	// That this one ends in a seal needs no check: the next one's chain goes on from the seal that was written.
	if err := follows(next, r.seg, r.cur.place); err != nil {
		return verdict(err, r.cur.lsn)
	}
	return r.enter(next, limit)
}

// Ready reports whether Next would return a record without waiting for one.
func (r *Reader) Ready() bool {
	return !r.closed.Load() && !r.log.closed.Load() && r.want.Load() <= r.log.view.durable.Load()
}

// Close ends the reader, also one that waits in Next. A second Close is ErrClosed.
func (r *Reader) Close() error {
	if r.closed.Swap(true) {
		return ErrClosed
	}
	v := &r.log.view
	v.mu.Lock()
	delete(v.readers, r)
	v.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default:
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.log.life.RLock()
	defer r.log.life.RUnlock()
	return r.closeFile()
}

// closeFile gives the file back. The caller holds life, and mu or life for writing.
func (r *Reader) closeFile() error {
	if r.file == nil {
		return nil
	}
	f := r.file
	r.file = nil
	if err := f.Close(); err != nil {
		return fmt.Errorf("wal: close %s: %w", r.seg.path, err)
	}
	return nil
}

// close closes the files of all readers and wakes those that wait. Nobody reads: the caller holds life for writing.
func (v *view) close() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for r := range v.readers {
		r.closeFile() // was only read
	}
	v.readers = nil
	v.closed = true // who was on its way to waiting when the list was woken does not wait any more
	v.wake()
}
