package wal

import "time"

// idleTimer writes a mark when nothing was appended for a while: it proves that the last batch was durable, which
// until then nothing but CLEAN does. The timer runs only while there is something to wait for: it is set by an append
// when it is not running, looks when it fires whether there were others since, and otherwise is not set again. So a
// busy journal pays for it once in a while and an idle one not at all. Guarded by queue.mu.
type idleTimer struct {
	after time.Duration // negative: never
	fire  func()
	timer *time.Timer
	armed bool
	seen  uint64 // queue.groups when it was last set
}

// arm sets the timer when it is not running and something new was written.
func (t *idleTimer) arm(groups uint64, written bool) {
	if t.armed || !written || t.after < 0 {
		return
	}
	t.set(groups)
}

func (t *idleTimer) set(groups uint64) {
	t.armed, t.seen = true, groups
	if t.timer == nil {
		t.timer = time.AfterFunc(t.after, t.fire)
		return
	}
	t.timer.Reset(t.after)
}

// stop keeps the timer from firing. A firing under way finds the journal closing.
func (t *idleTimer) stop() {
	if t.timer != nil {
		t.timer.Stop()
	}
}

// onIdle runs when the timer fires.
func (l *Log) onIdle() {
	q := &l.queue
	q.mu.Lock()
	l.idle.armed = false
	if q.closing || q.failed != nil {
		q.mu.Unlock()
		return
	}
	if q.leading || q.groups != l.idle.seen {
		l.idle.set(q.groups)
		q.mu.Unlock()
		return
	}
	q.leading = true
	q.mu.Unlock()
	// A full disk is nobody's error here: the mark is only missing.
	l.endLead(l.out.markEnd())
}
