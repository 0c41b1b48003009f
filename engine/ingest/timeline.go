package ingest

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"math"

	"episteme/engine/kv"
	"episteme/engine/record"
)

// Brief is an audit's place and the columns that its index entry carries.
type Brief struct {
	Timestamp record.Time
	LSN       record.LSN
	Agent     string
	Subject   string
	Predicate string
}

// Rows yields the audits with a timestamp in [from, to), newest first, in full. Nil is open.
func (v *View) Rows(ctx context.Context, from, to *record.Time) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for p, err := range v.places(ctx, from, to) {
			var r Row
			if err == nil {
				r, err = readRow(bytes.Clone(p.Key), p.Value)
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

// All yields the audits in [from, to), newest first. The columns are read only when asked for, so that counting costs
// no decoding.
func (v *View) All(ctx context.Context, from, to *record.Time, columns bool) iter.Seq2[Brief, error] {
	return func(yield func(Brief, error) bool) {
		for p, err := range v.places(ctx, from, to) {
			var b Brief
			if err == nil {
				b.Timestamp, b.LSN = cutNewest(p.Key)
				if columns {
					err = readColumns(p, &b)
				}
			}
			if !yield(b, err) || err != nil {
				return
			}
		}
	}
}

func readColumns(e kv.Entry, b *Brief) error {
	payload, err := rowPayload(e.Key, e.Value)
	if err != nil {
		return err
	}
	c, err := record.ReadAuditColumns(payload)
	b.Agent, b.Subject, b.Predicate = string(c.Agent), string(c.Subject), string(c.Predicate)
	return err
}

func (v *View) places(ctx context.Context, from, to *record.Time) iter.Seq2[kv.Entry, error] {
	lower, upper := newestBounds(space(spaceTimeline), from, to)
	return v.snap.Scan(ctx, lower, upper)
}

// ByAgent yields the audits of one agent in [from, to), newest first.
func (v *View) ByAgent(ctx context.Context, agent string, from, to *record.Time) iter.Seq2[Brief, error] {
	return v.briefs(ctx, appendText(space(spaceByAgent), agent), from, to, func(b *Brief, first, predicate string) {
		b.Agent, b.Subject, b.Predicate = agent, first, predicate
	})
}

// BySubject yields the audits about one subject in [from, to), newest first.
func (v *View) BySubject(ctx context.Context, subject string, from, to *record.Time) iter.Seq2[Brief, error] {
	return v.briefs(ctx, appendText(space(spaceBySubject), subject), from, to, func(b *Brief, first, predicate string) {
		b.Agent, b.Subject, b.Predicate = first, subject, predicate
	})
}

// briefs scans an index whose values are two texts.
func (v *View) briefs(ctx context.Context, prefix []byte, from, to *record.Time, set func(b *Brief, first, second string)) iter.Seq2[Brief, error] {
	lower, upper := newestBounds(prefix, from, to)
	return func(yield func(Brief, error) bool) {
		for e, err := range v.snap.Scan(ctx, lower, upper) {
			var b Brief
			if err == nil {
				b.Timestamp, b.LSN = cutNewest(e.Key)
				first, rest, ok := cutText(e.Value)
				second, _, ok2 := cutText(rest)
				if !ok || !ok2 {
					err = &StoreError{bytes.Clone(e.Key), "other columns", "the columns of an audit"}
				}
				set(&b, first, second)
			}
			if !yield(b, err) || err != nil {
				return
			}
		}
	}
}

// Row is the audit at a place that an index named.
func (v *View) Row(b Brief) (Row, error) {
	key := timelineKey(b.Timestamp, b.LSN)
	value, err := v.snap.Get(key)
	if errors.Is(err, kv.ErrNotFound) {
		return Row{}, &StoreError{key, "nothing", "the audit that an index names"}
	}
	if err != nil {
		return Row{}, err
	}
	return readRow(key, value)
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

// Oldest is the smallest timestamp of an audit or an event, nil when there is none. It walks the keys from the newest
// on; the store has no scan the other way.
func (v *View) Oldest(ctx context.Context) (*record.Time, error) {
	var oldest *record.Time
	for _, letter := range []byte{spaceTimeline, spaceEvents} {
		last, err := v.lastTime(ctx, space(letter))
		if err != nil {
			return nil, err
		}
		if last != nil && (oldest == nil || *last < *oldest) {
			oldest = last
		}
	}
	return oldest, nil
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
