package engine

import (
	"context"
	"errors"
	"fmt"

	"episteme/engine/ingest"
	"episteme/engine/kv"
	"episteme/engine/record"
	"episteme/engine/trace"
	"episteme/engine/trace/ask"
	"episteme/engine/wal"
)

// Append makes records durable, all or none, and returns the LSN of the last one. The store follows: Wait says when.
func (e *Engine) Append(ctx context.Context, records ...record.Record) (record.LSN, error) {
	entries := make([]wal.Entry, len(records))
	for i, r := range records {
		payload, err := record.Encode(nil, r)
		if err != nil {
			return 0, err
		}
		entries[i] = wal.Entry{Kind: uint8(r.Kind()), Payload: payload}
	}
	receipt, err := e.journal.Append(ctx, entries...)
	return record.LSN(receipt.Last), err
}

// Wait returns once the store holds the record at lsn, so that a question sees it.
func (e *Engine) Wait(ctx context.Context, lsn record.LSN) error { return e.worker.Wait(ctx, lsn) }

// Ask puts a question: it is resolved on one snapshot of the store, its audit is appended durably and applied, and
// only then the answer is given out. A question that was asked before returns the audit that exists.
func (e *Engine) Ask(ctx context.Context, q record.Query) (ask.Audit, error) {
	now, err := record.TimeOf(e.Now())
	if err != nil {
		return ask.Audit{}, err
	}
	if q, err = trace.Prepare(q, now); err != nil {
		return ask.Audit{}, err
	}
	id, err := e.ask(ctx, q)
	if err != nil {
		return ask.Audit{}, err
	}
	return e.Audit(ctx, id)
}

// ask resolves a prepared question and writes it down; one at a time, so that two who ask the same get one audit.
func (e *Engine) ask(ctx context.Context, q record.Query) (record.ID, error) {
	e.asking.Lock()
	defer e.asking.Unlock()
	asked, err := e.Resolve(ctx, q)
	if err != nil || !asked.Exists.IsZero() {
		return asked.Exists, err
	}
	id, err := record.IDOf(asked.Audit)
	if err != nil {
		return record.ID{}, err
	}
	lsn, err := e.Append(ctx, asked.Audit)
	if err != nil {
		return record.ID{}, fmt.Errorf("no answer is given, because the question could not be written down: %w", err)
	}
	// It is written down; nobody else may ask until it is applied, or the same question would become two.
	return id, e.Wait(context.WithoutCancel(ctx), lsn)
}

// known reports whether the store holds a record already.
func (e *Engine) known(id record.ID) (bool, error) {
	v, err := ingest.NewView(e.store, e.journal)
	if err != nil {
		return false, err
	}
	defer v.Close()
	return v.Has(id)
}

// SourceDigest is the digest that a source describes. It implements record.Known for readers of files.
func (e *Engine) SourceDigest(source record.Hash) (record.Hash, bool, error) {
	if err := e.CatchUp(context.Background()); err != nil {
		return record.Hash{}, false, err
	}
	v, err := ingest.NewView(e.store, e.journal)
	if err != nil {
		return record.Hash{}, false, err
	}
	defer v.Close()
	stored, err := v.Get(record.ID{Kind: record.KindSource, Hash: source})
	if errors.Is(err, kv.ErrNotFound) {
		return record.Hash{}, false, nil
	}
	if err != nil || stored.Erased {
		return record.Hash{}, false, err
	}
	r, err := record.Decode(record.KindSource, stored.Payload)
	if err != nil {
		return record.Hash{}, false, err
	}
	return r.(*record.Source).Digest, true, nil
}
