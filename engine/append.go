package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

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
	return e.ask(ctx, q)
}

// askPatience is how long an answer that is written down waits for the store to follow: the longest budget of a query,
// and time for a store that compacts.
const askPatience = 10 * time.Second

// BehindError says that a question is written down, and so is its answer, but that the store has not come to it.
type BehindError struct {
	ID           record.ID // of the audit
	LSN, Applied record.LSN
	Why          error // why the store does not go on; nil: it is slow
}

func (e *BehindError) Error() string {
	why := "it is slow"
	if e.Why != nil {
		why = e.Why.Error()
	}
	return fmt.Sprintf("the question is written down as %s at lsn %d and the store is at %d (%s); the answer is there once it follows: `episteme show %s`",
		e.ID.Short(), e.LSN, e.Applied, why, e.ID.Short())
}

// ask resolves a prepared question and writes it down. Different questions are asked at the same time and share syncs; the
// same question waits for itself, so that two who ask it get one audit.
func (e *Engine) ask(ctx context.Context, q record.Query) (ask.Audit, error) {
	question, err := q.Ask().QuestionHash()
	if err != nil {
		return ask.Audit{}, err
	}
	if err := e.asking.take(ctx, question); err != nil {
		return ask.Audit{}, err
	}
	asked, at, err := e.resolveAndAppend(ctx, q)
	if err != nil || at.LSN == 0 {
		e.asking.give(question)
		if err != nil {
			return ask.Audit{}, err
		}
		return e.Audit(ctx, asked.Exists)
	}
	err = e.applied(ctx, question, at)
	found, noted := e.noted.Take(at.ID)
	switch {
	case err != nil:
		return ask.Audit{}, err
	case !noted: // somebody else wrote the same audit at the same time
		return e.Audit(ctx, at.ID)
	}
	at.Annotation = found
	return e.Told(ctx, asked, at)
}

// applied returns once the store holds the audit of a question. Until then nobody else may ask it, or the same question
// would become two.
func (e *Engine) applied(ctx context.Context, question record.Hash, at ingest.Row) error {
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), e.patience)
	defer cancel()
	err := e.Wait(patience, at.LSN)
	if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, kv.ErrNoRoom) {
		e.asking.give(question)
		return err
	}
	go func() {
		defer e.asking.give(question)
		for errors.Is(e.Wait(context.Background(), at.LSN), kv.ErrNoRoom) { // else it ends with the worker; who asks next hears why
			time.Sleep(time.Second)
		}
	}()
	return &BehindError{at.ID, at.LSN, e.worker.Applied(), e.worker.Stalled()}
}

// resolveAndAppend returns a question with its answer and where its audit was written down; nowhere, when the audit of the
// same question exists.
func (e *Engine) resolveAndAppend(ctx context.Context, q record.Query) (trace.Asked, ingest.Row, error) {
	asked, err := e.Resolve(ctx, q)
	if err != nil || !asked.Exists.IsZero() {
		return asked, ingest.Row{}, err
	}
	payload, err := record.Encode(nil, asked.Audit)
	if err != nil {
		return asked, ingest.Row{}, err
	}
	id := record.ID{Kind: record.KindAudit, Hash: record.Sum(payload)}
	e.noted.Want(id)
	receipt, err := e.journal.Append(ctx, wal.Entry{Kind: uint8(record.KindAudit), Payload: payload})
	if err != nil {
		e.noted.Take(id)
		return asked, ingest.Row{}, fmt.Errorf("no answer is given, because the question could not be written down: %w", err)
	}
	return asked, ingest.Row{ID: id, LSN: record.LSN(receipt.Last), RecordedAt: record.Time(receipt.RecordedAt)}, nil
}

// SourceDigest is the digest that a source describes. It implements record.Known for readers of files.
func (e *Engine) SourceDigest(source record.Hash) (record.Hash, bool, error) {
	if err := e.CatchUp(context.Background()); err != nil {
		return record.Hash{}, false, err
	}
	v, err := e.index.View()
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
