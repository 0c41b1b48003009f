package engine

import (
	"context"
	"fmt"

	"episteme/engine/record"
	"episteme/engine/trace"
	"episteme/engine/trace/ask"
)

// Lenses lists the lenses that answer questions, in the order people see them.
func Lenses() []string { return trace.LensNames() }

// Write makes records durable, all or none, and returns each with its place once the store holds it. A record that was
// recorded before is not written again: it keeps its first place. Each passed record.Check, as Encode asks; audits and
// erasures are refused, because asking and erasing write them.
func (e *Engine) Write(ctx context.Context, records ...record.Record) ([]ask.Written, error) {
	e.writing.Lock()
	defer e.writing.Unlock()
	if err := e.CatchUp(ctx); err != nil {
		return nil, err
	}
	written, fresh, err := e.newAmong(records)
	if err != nil {
		return nil, err
	}
	if len(fresh) > 0 {
		lsn, err := e.Append(ctx, fresh...)
		if err != nil {
			return nil, err
		}
		// It is durable: from here on nothing may make it look as if it were not.
		ctx = context.WithoutCancel(ctx)
		if err := e.Wait(ctx, lsn); err != nil {
			return nil, fmt.Errorf("recorded up to lsn %d, and the store does not follow: %w", lsn, err)
		}
	}
	for i := range written {
		if written[i].Record, err = e.Record(ctx, written[i].ID); err != nil {
			return nil, fmt.Errorf("%s is recorded and cannot be read back: %w", written[i].ID, err)
		}
	}
	return written, nil
}

// newAmong says of each record whether it is here, and which are to be written, each once.
func (e *Engine) newAmong(records []record.Record) (written []ask.Written, fresh []record.Record, err error) {
	taken := map[record.ID]bool{}
	for _, r := range records {
		if kind := r.Kind(); kind == record.KindAudit || kind == record.KindErasure {
			return nil, nil, fmt.Errorf("a record of kind %s is not written by itself", kind)
		}
		id, err := record.IDOf(r)
		if err != nil {
			return nil, nil, err
		}
		known, err := e.index.Has(id)
		if err != nil {
			return nil, nil, err
		}
		if !known && !taken[id] {
			taken[id] = true
			fresh = append(fresh, r)
		}
		written = append(written, ask.Written{Record: ask.Record{ID: id}, Known: known})
	}
	return written, fresh, nil
}
