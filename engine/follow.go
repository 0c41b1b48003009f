package engine

import (
	"context"
	"time"

	"episteme/engine/record"
)

// follower reads lines on a goroutine of its own, one at a time and only when asked, so that whoever waits for the
// next line can be interrupted, and can do something else when none comes.
type follower struct {
	ask  chan struct{}
	got  chan nextLine
	busy bool // a line was asked for and has not come
}

type nextLine struct {
	line record.Line
	err  error
}

// follow starts to read lines; stop ends it. A Next that never returns keeps its goroutine until it does: the caller
// closes what is read from.
func follow(lines Lines) *follower {
	f := &follower{ask: make(chan struct{}), got: make(chan nextLine, 1)}
	go func() {
		for range f.ask {
			line, err := lines.Next()
			f.got <- nextLine{line, err}
		}
	}()
	return f
}

// idleAfter is how long a stream may be quiet before what has come of it is made durable: a person who pipes a live
// log should not wait for a batch to fill.
const idleAfter = time.Second

// wait returns the next line. idle is called each time a while passes without one. The error of an ended ctx is its
// cause.
func (f *follower) wait(ctx context.Context, idle func() error) (record.Line, error) {
	if err := context.Cause(ctx); err != nil {
		return record.Line{}, err
	}
	if !f.busy {
		f.ask <- struct{}{}
		f.busy = true
	}
	select { // the usual case costs no timer
	case next := <-f.got:
		f.busy = false
		return next.line, next.err
	default:
	}
	timer := time.NewTimer(idleAfter)
	defer timer.Stop()
	for {
		select {
		case next := <-f.got:
			f.busy = false
			return next.line, next.err
		case <-ctx.Done():
			return record.Line{}, context.Cause(ctx)
		case <-timer.C:
			if err := idle(); err != nil {
				return record.Line{}, err
			}
			timer.Reset(idleAfter)
		}
	}
}

func (f *follower) stop() { close(f.ask) }
