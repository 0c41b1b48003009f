package ask

import (
	"errors"

	"episteme/engine/record"
)

// Lines is a file being read: what a decoder of any format yields.
type Lines interface {
	// Next yields the next line; io.EOF ends it, a *record.Reject is a line that was refused and does not.
	Next() (record.Line, error)
	// Bind says what the question of a labelled line became.
	Bind(label string, id record.ID)
}

// IngestOptions say how a file is taken in.
type IngestOptions struct {
	Strict bool // all lines or none, in one batch of the journal; no questions

	// DryRun reads and checks everything and writes nothing.
	DryRun bool

	// Reject, when set, is told of each refused line, in order.
	Reject func(*record.Reject)
	// Progress, when set, is told the counts so far, once a batch: what it counts as kept is durable.
	Progress func(Ingested)
}

// Ingested counts lines.
type Ingested struct {
	Kept    int // lines whose records are durable, or were here already; in a dry run: would be
	Refused int
	Records int // records that were written: a line may bring several, or none that is new
	Asked   int // lines that were questions
}

// ErrStrict means that nothing of a file was taken because it was to be all or none.
var ErrStrict = errors.New("nothing was written")
