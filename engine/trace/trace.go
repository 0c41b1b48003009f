// Package trace answers an investigator's questions from the store: which audits there are, what one was told and
// why, what lies behind a record. It resolves questions too, for the engine to write down.
//
// Promises: all reads of one answer go through one snapshot; nothing is written; every claim names the records it
// rests on. What was asked at one moment is resolved with what the store held then (the pin) and what claims to be no
// later than the question's as_of: two clocks, never mixed.
//
// Not promised: that the store is right. That is for verification against the journal.
package trace

import (
	"context"
	"errors"
	"fmt"
	"time"

	"episteme/engine/ingest"
	"episteme/engine/kv"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// Tracer answers questions over one store. Safe for use by several goroutines.
type Tracer struct {
	Index   *ingest.Index
	Journal record.LogID
	Durable func() record.LSN        // newest durable LSN of the journal
	Now     func() time.Time         // the clock of "now"; never of recorded_at
	Rejects func() map[string]uint64 // lines refused, by agent
}

// read runs f over one snapshot.
func read[T any](ctx context.Context, t *Tracer, f func(*ingest.View) (T, error)) (T, error) {
	var zero T
	if err := context.Cause(ctx); err != nil {
		return zero, err
	}
	v, err := t.Index.View()
	if err != nil {
		return zero, err
	}
	defer v.Close()
	return f(v)
}

// now is the present as records tell it.
func (t *Tracer) now() record.Time {
	now, err := record.TimeOf(t.Now())
	if err != nil {
		return record.MaxTime // a clock beyond 2262: everything is past
	}
	return now
}

// stateOf says what can be proven about an audit here.
func (t *Tracer) stateOf(a *record.Audit) ask.State {
	switch {
	case !a.Pinned:
		return ask.Imported
	case a.Journal != t.Journal:
		return ask.Foreign
	}
	return ask.Pinned
}

// fetch is a record in full, decoded. A nil record says that it is not held; check says why.
func (t *Tracer) fetch(ctx context.Context, v *ingest.View, id record.ID) (ask.Record, error) {
	r := ask.Record{ID: id, Check: ask.NotHeld}
	stored, err := v.Get(id)
	if errors.Is(err, kv.ErrNotFound) {
		return r, nil
	}
	r.LSN, r.RecordedAt = stored.LSN, stored.RecordedAt
	switch {
	case errors.Is(err, ingest.ErrBroken):
		r.Check = ask.Broken
		return r, nil
	case err != nil:
		return r, fmt.Errorf("%s: %w", id, err)
	case stored.Erased:
		r.Check = ask.Erased
		return r, nil
	}
	if erased, err := v.Erased(ctx, id); erased || err != nil {
		r.Check = ask.Erased
		return r, err
	}
	if r.Record, err = record.Decode(id.Kind, stored.Payload); err != nil {
		return r, fmt.Errorf("%s: %w", id, err)
	}
	r.Check = ask.Verified
	return r, nil
}

// Record is one record in full.
func (t *Tracer) Record(ctx context.Context, id record.ID) (ask.Record, error) {
	return read(ctx, t, func(v *ingest.View) (ask.Record, error) {
		r, err := t.fetch(ctx, v, id)
		if err == nil && r.LSN == 0 {
			err = &ask.NotFoundError{What: id.String()}
		}
		return r, err
	})
}

// ambiguousMax is how many matches of a typed id are listed.
const ambiguousMax = 8

// Identify finds the record that a typed id means.
func (t *Tracer) Identify(ctx context.Context, typed string) (record.ID, error) {
	prefix, err := record.ParsePrefix(typed)
	if err != nil {
		return record.ID{}, &ask.UsageError{Field: "id", Found: typed, Expected: "4 or more hex digits of an id, such as q_7f3a2b91"}
	}
	return read(ctx, t, func(v *ingest.View) (record.ID, error) {
		var matches []record.ID
		for id, err := range v.WithPrefix(ctx, prefix) {
			if err != nil {
				return record.ID{}, err
			}
			if matches = append(matches, id); len(matches) > ambiguousMax {
				break
			}
		}
		switch {
		case len(matches) == 1:
			return matches[0], nil
		case len(matches) == 0:
			return record.ID{}, &ask.NotFoundError{What: typed, Near: nearIDs(ctx, v, prefix)}
		}
		shown := min(len(matches), ambiguousMax)
		return record.ID{}, &ask.AmbiguousError{Typed: typed, Matches: matches[:shown], More: len(matches) > shown}
	})
}

// nearIDs lists ids that share the first digits with what was typed: a digit was misread.
func nearIDs(ctx context.Context, v *ingest.View, p record.Prefix) []string {
	var near []string
	for n := len(p.Digits) - 1; n >= 2 && len(near) == 0; n-- {
		for id, err := range v.WithPrefix(ctx, record.Prefix{Kind: p.Kind, Digits: p.Digits[:n]}) {
			if err != nil || len(near) == 3 {
				break
			}
			near = append(near, id.Short())
		}
	}
	return near
}
