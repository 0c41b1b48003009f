// Package intake turns files in formats of others, and our own JSON lines, into records.
//
// Promises: the same bytes give the same records in the same order; every record that comes out can be encoded;
// one bad line, request or span is a reject with its place and costs only itself; what is left out on purpose is
// counted by reason. A decoder holds one line or one request at a time, and every size has a limit.
//
// Not promised: that a record is new, or that what it names is held. Deciding that, and writing, is for the caller.
// Nothing here touches a disk, a clock or a network. A Decoder is for one goroutine.
//
//	dec, err := format.Open(f, "spans.jsonl", known)
//	for {
//		item, err := dec.Next()
//		var reject *record.Reject
//		switch {
//		case err == io.EOF:
//			return nil
//		case errors.As(err, &reject):
//			rejects = append(rejects, reject) // and go on
//			continue
//		case err != nil:
//			return err
//		}
//		journal.Append(item.Records)
//	}
package intake

import (
	"io"

	"episteme/engine/record"
)

// Item is what a decoder yields at a time: one line of our own format, or the records of one span.
//
// Number is the line of the file it began on, from 1. Records are in journal order: evidence before the source that
// describes it, sources before assertions, assertions before the audit they contributed to. Label and Query are
// for JSON lines only.
type Item struct {
	record.Line
}

// Dropped counts what a format carries and episteme does not take, by reason. A reason is a sentence for people
// that says, where something can be done about it, what.
type Dropped map[string]int

// Decoder reads one file from its start to its end.
type Decoder interface {
	// Next yields the next item. Its errors are io.EOF at the end, a *record.Reject for something that was refused
	// (call Next again for what follows), and anything else for a file that cannot be read on.
	Next() (Item, error)
	// Bind says which record a label of the file became, for the lines that name it. Formats without labels ignore it.
	Bind(label string, id record.ID)
	// Offset is how many bytes of the file have been consumed, for progress.
	Offset() int64
	// Dropped is the count so far, for the caller to read until the next call of Next.
	Dropped() Dropped
	// Units says what was read so far and how many, those refused and dropped included: "spans", 400.
	Units() (name string, n int)
}

// Format is a kind of file we can read.
type Format struct {
	Name    string // as --format takes it
	Summary string // one line for the help
	// Open starts a decoder at the start of r. File is for messages only. Known answers what records are already
	// held; nil means none.
	Open func(r io.Reader, file string, known record.Known) (Decoder, error)
	// Detect reports whether a file that starts with head is of this format; 4 KiB are enough for it.
	Detect func(head []byte) bool
}
