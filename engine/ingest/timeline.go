package ingest

import (
	"bytes"
	"context"
	"iter"
	"math"

	"episteme/engine/kv"
	"episteme/engine/record"
)

// All yields the audits with a timestamp in [from, to), newest first. Nil is open.
func (v *View) All(ctx context.Context, from, to *record.Time) iter.Seq2[Brief, error] {
	return v.list(ctx, allPrefix(), from, to)
}

// ByAgent yields the audits of one agent in [from, to), newest first.
func (v *View) ByAgent(ctx context.Context, agent string, from, to *record.Time) iter.Seq2[Brief, error] {
	return v.list(ctx, agentPrefix(agent), from, to)
}

// BySubject yields the audits about one subject in [from, to), newest first.
func (v *View) BySubject(ctx context.Context, subject string, from, to *record.Time) iter.Seq2[Brief, error] {
	return v.list(ctx, subjectPrefix(subject), from, to)
}

// Events yields what happened in [from, to), newest first.
func (v *View) Events(ctx context.Context, from, to *record.Time) iter.Seq2[EventRow, error] {
	lower, upper := newestBounds(space(spaceEvents), from, to)
	return func(yield func(EventRow, error) bool) {
		for e, err := range v.snap.Scan(ctx, lower, upper) {
			var r EventRow
			if err == nil {
				r, err = readEventRow(bytes.Clone(e.Key), e.Value)
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

// Subjects yields the subjects that audits or assertions have, ascending, each once, from the first one at or behind
// start. It jumps from one to the next.
func (v *View) Subjects(ctx context.Context, start string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		lower := appendTextPrefix(space(spaceCandidates), start)
		upper := kv.PrefixEnd(space(spaceCandidates))
		for {
			subject, found, err := v.firstSubject(ctx, lower, upper)
			if err != nil || !found {
				if err != nil {
					yield("", err)
				}
				return
			}
			if !yield(subject, nil) {
				return
			}
			lower = kv.PrefixEnd(appendText(space(spaceCandidates), subject))
		}
	}
}

func (v *View) firstSubject(ctx context.Context, lower, upper []byte) (string, bool, error) {
	for e, err := range v.snap.Scan(ctx, lower, upper) {
		if err != nil {
			return "", false, err
		}
		subject, _, ok := cutText(e.Key[2:])
		if !ok {
			return "", false, &StoreError{bytes.Clone(e.Key), "no text", "a subject"}
		}
		return subject, true, nil
	}
	return "", false, nil
}

// Extent is the smallest and the greatest timestamp of all audits and events, nil when there is none.
func (v *View) Extent(ctx context.Context) (oldest, newest *record.Time, err error) {
	take := func(t record.Time) {
		if oldest == nil || t < *oldest {
			oldest = &t
		}
		if newest == nil || t > *newest {
			newest = &t
		}
	}
	var packed record.LSN
	for s, err := range spans(ctx, v.snap, allPrefix()) {
		if err != nil {
			return nil, nil, err
		}
		packed = s.last
		take(s.oldest)
		take(s.newest)
	}
	audits, err := tail(ctx, v.snap, allPrefix(), packed, nil)
	if err != nil {
		return nil, nil, err
	}
	for _, b := range audits {
		take(b.Timestamp)
	}
	first, err := v.firstTime(ctx, space(spaceEvents), record.MaxTime)
	if err != nil || first == nil {
		return oldest, newest, err
	}
	take(*first)
	last, err := v.lastTime(ctx, space(spaceEvents))
	if err == nil && last != nil {
		take(*last)
	}
	return oldest, newest, err
}

// lastTime finds the last key of a newest-first index by halving the span of time: 63 short scans, however long the
// index is.
func (v *View) lastTime(ctx context.Context, prefix []byte) (*record.Time, error) {
	var found *record.Time
	low, high := record.Time(0), record.MaxTime // the oldest lies in [low, high]
	for {
		mid := low + (high-low)/2
		t, err := v.firstTime(ctx, prefix, mid)
		if err != nil {
			return nil, err
		}
		switch {
		case t != nil: // something is as old as mid, or older
			found = t
			if *t == low {
				return found, nil
			}
			high = *t - 1
		case mid == high:
			return found, nil
		default:
			low = mid + 1
		}
		if low > high {
			return found, nil
		}
	}
}

// firstTime is the newest time at or before t.
func (v *View) firstTime(ctx context.Context, prefix []byte, t record.Time) (*record.Time, error) {
	lower := appendNewest(bytes.Clone(prefix), t, math.MaxUint64)
	for e, err := range v.snap.Scan(ctx, lower, kv.PrefixEnd(prefix)) {
		if err != nil {
			return nil, err
		}
		at, _ := cutNewest(e.Key)
		return &at, nil
	}
	return nil, nil
}
