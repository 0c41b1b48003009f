package wal

import (
	"context"
	"fmt"
	"sync"
)

// queue orders appends: group commit by leader and followers. Whoever finds no leader becomes it, writes and syncs for
// all that wait, and hands leadership to the first of those that came meanwhile. Everything that touches the writer is
// done by the leader. A goroutine of its own for this cost 30 % at one writer.
type queue struct {
	mu      sync.Mutex
	waiting []*waiter // in the order in which they will be written
	leading bool      // somebody owns the writer; always so while anybody waits
	closing bool
	freed   sync.Cond // leadership was given up while closing
	failed  *LatchedError
	groups  uint64 // written so far; the idle timer sees from it whether anything happened

	// copying is held by the leader from taking a group until it has copied the callers' payloads. Who gives up
	// waiting takes it for a moment, so that the caller may use its buffers again when Append has returned.
	copying sync.Mutex

	pool sync.Pool // of *waiter
}

// state is where a waiter is. Guarded by queue.mu.
type state uint8

const (
	stateQueued state = iota
	stateLeads        // has been told to lead, and is still the first in the queue
	stateTaken        // in the group that is being written
	stateDone
)

// waiter is one Append on its way.
type waiter struct {
	entries []Entry
	hashes  []Hash // of the payloads
	bytes   int64  // that the batch takes in a segment
	state   state
	wake    chan struct{} // capacity 1; sent to once for each of stateLeads and stateDone
	receipt Receipt       // set before stateDone
	err     error
	hash    hasher
	group   []*waiter // what it writes when it leads

	// job is what the leader does in place of writing entries; nil for an Append. It is never part of a group: who is
	// in front of it is written first, and then it leads.
	job func() error
}

// Append adds entries to the journal as one batch: after a crash all of them are there or none. It returns when they
// are durable. Payloads are not kept. Errors, and what they say of the batch:
//
//	*LimitError, *NoSpaceError, ErrReadOnly, ErrClosed    nothing was written
//	the context's error                                   nothing was written
//	*UnknownOutcomeError                                  the context ended while it was being written
//	*LatchedError                                         nothing was acknowledged, and nothing will be until reopening
func (l *Log) Append(ctx context.Context, entries ...Entry) (Receipt, error) {
	if l.opts.ReadOnly {
		return Receipt{}, ErrReadOnly
	}
	if err := ctx.Err(); err != nil {
		return Receipt{}, cancelled(err)
	}
	if err := checkEntries(entries); err != nil {
		return Receipt{}, err
	}
	w := l.queue.get()
	w.fill(entries)
	return l.enqueue(ctx, w)
}

// enqueue waits until w is done, by whoever leads.
func (l *Log) enqueue(ctx context.Context, w *waiter) (Receipt, error) {
	leads, err := l.queue.add(w)
	if err != nil {
		l.queue.put(w)
		return Receipt{}, err
	}
	if !leads {
		select {
		case <-w.wake:
		case <-ctx.Done():
			if gone, err := l.giveUp(w, ctx.Err()); gone {
				return Receipt{}, err
			}
		}
		leads = w.state == stateLeads // the wake came after it was set, and only we change it now
	}
	if leads {
		l.lead(w)
	}
	receipt, err := w.receipt, w.err
	l.queue.put(w)
	return receipt, err
}

func cancelled(err error) error { return fmt.Errorf("wal: append: %w; nothing was written", err) }

func checkEntries(entries []Entry) error {
	if len(entries) == 0 {
		return &LimitError{What: "entries", Entry: -1, Found: 0, Limit: 1}
	}
	total := int64(0)
	for i := range entries {
		e := &entries[i]
		if e.Kind == 0 || e.Kind == KindMark {
			return &LimitError{What: "kind", Entry: i, Found: int64(e.Kind), Limit: KindMark - 1}
		}
		if len(e.Payload) > MaxPayloadBytes {
			return &LimitError{What: "payload bytes", Entry: i, Found: int64(len(e.Payload)), Limit: MaxPayloadBytes}
		}
		total += frameBytes(int64(len(e.Payload)))
	}
	if total > MaxBatchBytes {
		return &LimitError{What: "bytes with headers", Entry: -1, Found: total, Limit: MaxBatchBytes}
	}
	return nil
}

// fill takes over entries and hashes them, outside every lock: writers hash in parallel.
func (w *waiter) fill(entries []Entry) {
	w.bytes = 0
	for i := range entries {
		w.entries = append(w.entries, entries[i])
		w.hashes = append(w.hashes, w.hash.sum(entries[i].Payload))
		w.bytes += frameBytes(int64(len(entries[i].Payload)))
	}
}

func (q *queue) get() *waiter {
	if w, ok := q.pool.Get().(*waiter); ok {
		return w
	}
	return &waiter{wake: make(chan struct{}, 1)}
}

// put takes back a waiter that nobody else knows any more.
func (q *queue) put(w *waiter) {
	clear(w.entries) // the payloads are the caller's
	w.entries, w.hashes = w.entries[:0], w.hashes[:0]
	w.state, w.receipt, w.err, w.job = stateQueued, Receipt{}, nil, nil
	q.pool.Put(w)
}

// add queues w, or says why not. When nobody leads, w does, with no wake.
func (q *queue) add(w *waiter) (leads bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closing:
		return false, ErrClosed
	case q.failed != nil:
		return false, q.failed
	}
	q.waiting = append(q.waiting, w)
	if q.leading {
		return false, nil
	}
	q.leading = true
	w.state = stateLeads
	return true, nil
}

// giveUp ends waiting for w because of cause. Not gone: w was done or made leader at the same moment, and goes on.
func (l *Log) giveUp(w *waiter, cause error) (gone bool, err error) {
	q := &l.queue
	q.mu.Lock()
	switch w.state {
	case stateQueued:
		q.remove(w)
		q.mu.Unlock()
		q.put(w)
		return true, cancelled(cause)
	case stateTaken:
		q.mu.Unlock()
		// The leader still writes into w, so it is left to the garbage collector.
		q.copying.Lock()
		// It is only waited for: afterwards the payloads are copied.
		q.copying.Unlock()
		return true, &UnknownOutcomeError{Err: cause}
	case stateLeads:
		q.remove(w)
		<-w.wake
		next := q.handOver()
		q.mu.Unlock()
		next.signal()
		q.put(w)
		return true, cancelled(cause)
	}
	q.mu.Unlock()
	<-w.wake
	return false, nil
}

func (q *queue) remove(w *waiter) {
	for i, other := range q.waiting {
		if other == w {
			q.waiting = append(q.waiting[:i], q.waiting[i+1:]...)
			return
		}
	}
}

// handOver gives leadership to the first in the queue, who has to be signalled once the lock is released, or to
// nobody. The caller holds mu and leads.
func (q *queue) handOver() *waiter {
	if q.closing || len(q.waiting) == 0 {
		q.leading = false
		q.freed.Broadcast()
		return nil
	}
	next := q.waiting[0]
	next.state = stateLeads
	return next
}

func (w *waiter) signal() {
	if w != nil {
		w.wake <- struct{}{}
	}
}

// lead writes the group that own is the first of, and hands leadership on.
func (l *Log) lead(own *waiter) {
	q := &l.queue
	err := l.out.makeReady(q.demand())
	q.mu.Lock()
	if err != nil {
		own.group = q.take(own.group, len(q.waiting))
		q.mu.Unlock()
	} else if own.job != nil {
		own.group = q.take(own.group, 1)
		q.mu.Unlock()
		err = own.job()
	} else {
		own.group = q.take(own.group, q.fitting(&l.out))
		q.copying.Lock()
		q.mu.Unlock()
		l.out.encode(own.group)
		q.copying.Unlock()
		err = l.out.commit()
	}
	l.finish(own, err)
	clear(own.group)
	own.group = own.group[:0]
}

// demand is what the first in the queue needs, and what all of them together do.
func (q *queue) demand() (first, all int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, w := range q.waiting {
		all += w.bytes
	}
	return q.waiting[0].bytes, all
}

// maxGroupBytes bounds a group, so that its buffer is worth keeping and the first of it does not wait for all of a
// crowd; a larger batch is a group of its own. 4 MiB take the disk a few milliseconds.
const maxGroupBytes = 4 << 20

// fitting is how many of the queue fit into what makeReady prepared: always the first. The caller holds mu.
func (q *queue) fitting(out *writer) int {
	total, room := int64(0), out.room()
	for i, w := range q.waiting {
		total += w.bytes
		if i > 0 && (total > room || total > maxGroupBytes || w.job != nil) {
			return i
		}
	}
	return len(q.waiting)
}

// take moves the first n of the queue to a group. The caller holds mu.
func (q *queue) take(group []*waiter, n int) []*waiter {
	group = append(group[:0], q.waiting[:n]...)
	rest := copy(q.waiting, q.waiting[n:])
	clear(q.waiting[rest:])
	q.waiting = q.waiting[:rest]
	for _, w := range group {
		w.state = stateTaken
	}
	return group
}

// finish tells a group how it went and hands leadership on. After a failure of the disk it latches the journal and
// tells everybody who waits.
func (l *Log) finish(own *waiter, err error) {
	q := &l.queue
	q.mu.Lock()
	if latched, ok := err.(*LatchedError); ok {
		q.failed = latched
		own.group = append(own.group, q.take(nil, len(q.waiting))...)
	}
	for _, w := range own.group {
		w.state, w.err = stateDone, err
		if err != nil {
			w.receipt = Receipt{}
		}
	}
	q.groups++
	l.idle.arm(q.groups, err == nil)
	prepare := err == nil && l.out.wantsNext()
	var next *waiter
	if !prepare {
		next = q.handOver()
	}
	q.mu.Unlock()
	next.signal()
	for _, w := range own.group {
		if w != own {
			w.signal()
		}
	}
	if prepare {
		l.endLead(l.out.prepareNext())
	}
}

// endLead hands leadership on after work that nobody waits for. Only what latches matters of its error: what else can
// be wrong will be met again by somebody who needs it.
func (l *Log) endLead(err error) {
	q := &l.queue
	var failed []*waiter
	q.mu.Lock()
	if latched, ok := err.(*LatchedError); ok {
		q.failed = latched
		failed = q.take(nil, len(q.waiting))
		for _, w := range failed {
			w.state, w.err = stateDone, latched
		}
	}
	next := q.handOver()
	q.mu.Unlock()
	next.signal()
	for _, w := range failed {
		w.signal()
	}
}

// latched is the error that writing ended with, or a plain nil.
func (q *queue) latched() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.failed == nil {
		return nil
	}
	return q.failed
}

// close waits for the leader to finish and takes its place for good. What still waits is told that nothing of it was
// written. Not first: somebody else has closed, or is closing, the journal.
func (q *queue) close() (first bool) {
	q.mu.Lock()
	if q.closing {
		q.mu.Unlock()
		return false
	}
	q.closing = true
	for q.leading {
		q.freed.Wait()
	}
	q.leading = true
	left := q.take(nil, len(q.waiting))
	for _, w := range left {
		w.state, w.err = stateDone, ErrClosed
	}
	q.mu.Unlock()
	for _, w := range left {
		w.signal()
	}
	return true
}
