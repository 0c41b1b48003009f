package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
	"episteme/engine/wal"
)

// What Ingest speaks in is part of the seam that all faces share.
type (
	Lines         = ask.Lines
	IngestOptions = ask.IngestOptions
	Ingested      = ask.Ingested
)

// Bounds of what is appended at once: a few syncs a second of decoding, and far below the journal's greatest batch.
const (
	appendRecords = 1024
	appendBytes   = 2 << 20
	strictBytes   = 24 << 20 // of a strict file: one batch of the journal takes 32 MiB with its headers
)

// ErrStrict means that nothing of a file was taken because it was to be all or none.
var ErrStrict = ask.ErrStrict

// Ingest takes a file in: records are appended in batches, a question is asked once everything before it is applied.
// It returns when all that was kept is durable and in the store. The counts are right also when it fails half-way.
func (e *Engine) Ingest(ctx context.Context, lines Lines, o IngestOptions) (Ingested, error) {
	in := &ingestion{e: e, ctx: ctx, o: o, lines: lines, recent: map[record.ID]struct{}{}}
	err := in.run()
	if err == nil && !o.DryRun {
		err = e.CatchUp(ctx)
	}
	return in.done, err
}

// ingestion is one file on its way in.
type ingestion struct {
	e     *Engine
	ctx   context.Context
	o     IngestOptions
	lines Lines
	done  Ingested

	waiting []record.Record // not appended yet
	ids     []record.ID     // theirs
	bytes   int             // of their payloads and headers
	pending int             // lines they came from

	// recent are the records that the store may not know yet, so that a record that comes twice is written once,
	// however fast the store is: those that wait, and those of batches that are not applied.
	recent    map[record.ID]struct{}
	unapplied []batch // oldest first
}

// batch is what was appended at once.
type batch struct {
	last record.LSN
	ids  []record.ID
}

func (in *ingestion) run() error {
	next := follow(in.lines)
	defer next.stop()
	for {
		line, err := next.wait(in.ctx, in.idle)
		var reject *record.Reject
		switch {
		case errors.Is(err, io.EOF):
			return in.finish()
		case errors.As(err, &reject):
			err = in.refuse(reject)
		case err == nil:
			err = in.take(line)
		case in.ctx.Err() != nil:
			return in.interrupted(err)
		}
		if err != nil {
			return err
		}
	}
}

// interrupted keeps what was read so far; of a strict file nothing.
func (in *ingestion) interrupted(cause error) error {
	if in.o.Strict {
		in.done.Kept = 0
		return errors.Join(fmt.Errorf("%w: interrupted, and --strict takes all or none", ErrStrict), cause)
	}
	return errors.Join(cause, in.flush(context.WithoutCancel(in.ctx)))
}

// idle is called when no line has come for a while: what waits for a fuller batch waits no longer.
func (in *ingestion) idle() error {
	if in.o.Strict {
		return nil
	}
	return in.flush(in.ctx)
}

func (in *ingestion) finish() error {
	if in.o.Strict && in.done.Refused > 0 {
		in.done.Kept = 0
		return fmt.Errorf("%w: %d lines were refused and --strict takes all or none", ErrStrict, in.done.Refused)
	}
	return in.flush(in.ctx)
}

func (in *ingestion) refuse(r *record.Reject) error {
	in.done.Refused++
	if in.o.Reject != nil {
		in.o.Reject(r)
	}
	if in.o.DryRun {
		return nil
	}
	return in.e.rejects.add(r)
}

func (in *ingestion) take(line record.Line) error {
	if line.Query != nil {
		return in.ask(line)
	}
	if r, err := in.unfit(line); r != nil || err != nil {
		if err != nil {
			return err
		}
		return in.refuse(r)
	}
	for _, r := range line.Records {
		if err := in.add(r); err != nil {
			return err
		}
	}
	in.pending++
	switch {
	case in.o.Strict && in.bytes > strictBytes:
		return fmt.Errorf("%w: a strict file may bring %d MiB, this one brings more; split it or leave --strict out", ErrStrict, strictBytes>>20)
	case !in.o.Strict && (len(in.waiting) >= appendRecords || in.bytes >= appendBytes):
		return in.flush(in.ctx)
	}
	return nil
}

// unfit says why records that are well-formed may not come from a file.
func (in *ingestion) unfit(line record.Line) (*record.Reject, error) {
	for _, r := range line.Records {
		switch r := r.(type) {
		case *record.Erasure:
			return &record.Reject{
				Line: line.Number, Column: 1, Agent: r.Agent, Field: "kind", Found: "an erasure", Expected: "records that were made elsewhere",
				Hint: "an erasure is written by the command that removes the bytes; a line alone would only hide evidence",
			}, nil
		case *record.Audit:
			if forged, err := in.forged(line.Number, r); forged != nil || err != nil {
				return forged, err
			}
		}
	}
	return nil, nil
}

// forged refuses an audit that claims to have been asked in this journal and is not here (rule 6).
func (in *ingestion) forged(number int, a *record.Audit) (*record.Reject, error) {
	if !a.Pinned || a.Journal != in.e.Tracer.Journal {
		return nil, nil
	}
	id, err := record.IDOf(a)
	if err != nil {
		return nil, err
	}
	if known, err := in.e.index.Has(id); known || err != nil {
		return nil, err
	}
	return &record.Reject{
		Line: number, Column: 1, Agent: a.Agent, Field: "journal",
		Found: "a query pinned in this very journal that was never asked here", Expected: "one that is here already, or none",
		Hint: "leave pin and journal out to import it as it stands",
	}, nil
}

// add puts a record into the next batch unless it is there or was recorded before.
func (in *ingestion) add(r record.Record) error {
	payload, err := record.Encode(nil, r)
	if err != nil {
		return err
	}
	id := record.ID{Kind: r.Kind(), Hash: record.Sum(payload)}
	if _, recent := in.recent[id]; recent {
		return nil
	}
	if known, err := in.e.index.Has(id); known || err != nil {
		return err
	}
	in.recent[id] = struct{}{}
	in.waiting, in.ids = append(in.waiting, r), append(in.ids, id)
	in.bytes += len(payload) + wal.HeaderBytes
	return nil
}

// flush makes what waits durable.
func (in *ingestion) flush(ctx context.Context) error {
	if in.o.DryRun {
		clear(in.recent)
	} else if len(in.waiting) > 0 {
		if err := in.append(ctx); err != nil {
			return err
		}
	}
	in.done.Kept += in.pending
	in.done.Records += len(in.waiting)
	in.waiting, in.ids, in.bytes, in.pending = in.waiting[:0], in.ids[:0], 0, 0
	if in.o.Progress != nil {
		in.o.Progress(in.done)
	}
	return nil
}

// unappliedMax is how many batches the journal may be ahead of the store: back-pressure in place of memory.
const unappliedMax = 16

// append writes a batch, forgets the ids of those that the store knows by now, and waits for it when it is far behind.
func (in *ingestion) append(ctx context.Context) error {
	last, err := in.e.Append(ctx, in.waiting...)
	if err != nil {
		return err
	}
	in.unapplied = append(in.unapplied, batch{last, slices.Clone(in.ids)})
	if len(in.unapplied) > unappliedMax {
		if err := in.e.Wait(ctx, in.unapplied[0].last); err != nil {
			return err
		}
	}
	applied := in.e.worker.Applied()
	for len(in.unapplied) > 0 && in.unapplied[0].last <= applied {
		for _, id := range in.unapplied[0].ids {
			delete(in.recent, id)
		}
		in.unapplied = in.unapplied[1:]
	}
	return nil
}

// ask puts a question once everything before it is applied.
func (in *ingestion) ask(line record.Line) error {
	if in.o.Strict {
		return in.refuse(&record.Reject{
			Line: line.Number, Column: 1, Agent: line.Query.Agent, Field: "kind", Found: "a query", Expected: "records only",
			Hint: "a question is asked of what is recorded, so it cannot share a batch with records: leave --strict out",
		})
	}
	if err := in.flush(in.ctx); err != nil {
		return err
	}
	in.done.Asked++
	in.done.Kept++
	if in.o.DryRun {
		// Not asked, so it has no id yet. A stand-in lets the lines that name it be checked.
		in.lines.Bind(line.Label, record.ID{Kind: record.KindAudit, Hash: record.Sum([]byte(line.Label))})
		return nil
	}
	if err := in.e.CatchUp(in.ctx); err != nil {
		return err
	}
	a, err := in.e.Ask(in.ctx, *line.Query)
	if err != nil {
		return err
	}
	in.lines.Bind(line.Label, a.ID)
	return nil
}
