package ingest

import (
	"context"

	"episteme/engine/wal"
)

// Journal is the seam behind which the evidence lies, so that a replicated log can take the file's place later.
type Journal interface {
	// Append makes entries durable, all or none, and says where they lie.
	Append(ctx context.Context, entries ...wal.Entry) (wal.Receipt, error)
	// Tail reads records in order from an LSN on and then waits for more. It never passes the durable LSN.
	Tail(from wal.LSN) Tail
	// ReadAt reads one record again, checking it.
	ReadAt(pos wal.Position) (wal.Record, error)
	// ChainAt is the chain of a record that is held.
	ChainAt(lsn wal.LSN) (wal.Hash, error)
	// Head is the end of the journal.
	Head() wal.Head
}

// Tail is a reader of a Journal.
type Tail interface {
	// Next waits for the next durable record. It is valid until the next call.
	Next(ctx context.Context) (wal.Record, error)
	// Ready reports whether Next would return a record without waiting.
	Ready() bool
	Close() error
}

// FromLog is the journal in the files of log.
func FromLog(log *wal.Log) Journal { return fileJournal{log} }

type fileJournal struct{ *wal.Log }

// ChainAt spares the usual start, where the store is level with the journal, the way through a segment.
func (j fileJournal) ChainAt(lsn wal.LSN) (wal.Hash, error) {
	if head := j.Head(); head.Last == lsn {
		return head.Chain, nil
	}
	return j.Log.ChainAt(lsn)
}

func (j fileJournal) Tail(from wal.LSN) Tail { return j.Reader(from) }
