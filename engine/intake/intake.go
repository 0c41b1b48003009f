// Package intake turns files in formats of others, and our own JSON lines, into records.
//
// Promises: the same bytes give the same records in the same order; every record that comes out can be encoded;
// one bad line, request or span is a reject with its place and costs only itself; what is left out on purpose is
// counted by reason. A decoder holds one line or one request at a time, and every size has a limit.
//
// Not promised: that a record is new, or that what it names is held. Deciding that, and writing, is for the caller.
// Nothing here touches a disk, a clock or a network. A Decoder is for one goroutine.
//
//	dec, err := format.Open(f, intake.Options{File: "spans.jsonl", Known: known})
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
	// Removed is how many texts that looked like secrets were replaced so far, by kind; the caller reads it as Dropped.
	Removed() Removed
	// Units says what was read so far and how many, those refused and dropped included: "spans", 400.
	Units() (name string, n int)
}

// Options are what a decoder is told beside the bytes. The zero value is fine for all formats.
type Options struct {
	// File is what messages call the file. Transcripts, which do not say who speaks, also take names from it.
	File string
	// Known answers what records are already held; nil means none. It is for JSON lines.
	Known record.Known
	// Start is the time of the first message of transcripts that have no times; 0 stands for MadeStart.
	Start record.Time
	// Skipped is what of the file stands before r, for places in messages. Only decoders that are Resumable take it.
	Skipped Skipped
	// Mapping says which attributes name agent, subject, predicate and question, and which content is kept. Nil maps
	// nothing and keeps all. It is not changed, so decoders may share one.
	Mapping *Mapping
}

// Skipped is a part of a file that was read before.
type Skipped struct {
	Bytes int64
	Lines int
}

// Resumable reports whether what dec reads could also be read from the start of any line where it stood between two
// items: what a line gives does not hang on those before it, and there are lines.
func Resumable(dec Decoder) bool {
	_, ok := dec.(*otlp) // not *otlpProto; labels, made times and conversations hang on what came before
	return ok
}

// Format is a kind of file we can read.
type Format struct {
	Name    string // as --format takes it
	Summary string // one line for the help
	// Open starts a decoder at the start of r, or behind what was skipped.
	Open func(r io.Reader, o Options) (Decoder, error)
	// Detect reports whether a file that starts with head is of this format; 4 KiB are enough for it.
	Detect func(head []byte) bool
}
