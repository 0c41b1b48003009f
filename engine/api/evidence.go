package api

import (
	"context"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// Evidence is what a command or a screen needs of recorded evidence, here or elsewhere: questions, and what writing
// takes. The engine and Client implement it, and so does Scoped over either. Safe for use by several goroutines.
type Evidence interface {
	ask.Investigator

	// SourceDigest is the digest that a source describes: what a reader of files asks.
	SourceDigest(source record.Hash) (digest record.Hash, ok bool, err error)
	// Audit is one audit with what was fixed about it when it was asked.
	Audit(ctx context.Context, id record.ID) (ask.Audit, error)
	// Recompute resolves an audit's question again, as it was then and as it is now.
	Recompute(ctx context.Context, id record.ID) (ask.Recomputation, error)
	// NearSubjects is what may have been meant by a subject.
	NearSubjects(ctx context.Context, subject string) (ask.Near, error)
	// SourceOf is what is held of a source, by the digest of its bytes.
	SourceOf(ctx context.Context, digest record.Hash) (ask.SourceOf, error)
	// EachRecord calls f with every record that is held but documents, in the order of the journal.
	EachRecord(ctx context.Context, f func(ask.Record) error) error

	// Preview says which answers records would change.
	Preview(ctx context.Context, records []record.Record) (ask.Preview, error)
	// Write makes records durable, all or none.
	Write(ctx context.Context, records ...record.Record) ([]ask.Written, error)
	// Ingest takes a file in.
	Ingest(ctx context.Context, lines ask.Lines, o ask.IngestOptions) (ask.Ingested, error)
	// CatchUp returns once everything that was durable can be seen.
	CatchUp(ctx context.Context) error
}

// Held is evidence that this process holds itself. It can also say what a record speaks of, which decides who may see it.
type Held interface {
	Evidence
	About(ctx context.Context, id record.ID) (ask.About, error)
	// Progress is how far it has come. It reads nothing.
	Progress() ask.Progress

	// Syncs says how long the journal's syncs took, at once.
	Syncs() ask.Syncs
}
