// Package export writes evidence for people who do not have the tool: queries with what was told and why, and the
// records they rest on.
//
// Collect gathers through the seam that all faces share; Redact takes away what must not leave; Write writes one of
// the formats:
//
//	md     Markdown, for an issue or a postmortem
//	html   one page that needs nothing else: printable, light and dark, the chain of evidence as a drawing
//	json   a bundle: the records' own bytes, which Verify checks again anywhere
//	prov   W3C PROV-JSON, for programs that speak it
//
// Promises: nothing that came from data is live in what is written: it is escaped for its format, and control and
// direction characters are visible escapes. What Redact searched for is nowhere in it, nor is the hash of a record that
// held it. Every page says how complete it is and what it does not prove.
//
// Not promised: files. Callers hand in a writer; this package touches no disk, no clock and no network.
package export

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// Evidence is the part of ask.Investigator that an export asks, and a way to look through all of the store for what is
// to be redacted: EachRecord gives f every record that is held but documents, in the order of the journal, until f returns an error.
type Evidence interface {
	Audits(ctx context.Context, f ask.AuditFilter) (ask.Trace, error)
	Verdict(ctx context.Context, audit record.ID) (ask.Verdict, error)
	Provenance(ctx context.Context, root record.ID, o ask.ProvenanceOptions) (ask.Provenance, error)
	Record(ctx context.Context, id record.ID) (ask.Record, error)
	Status(ctx context.Context) (ask.Status, error)
	Agents(ctx context.Context) ([]ask.Agent, error)
	EachRecord(ctx context.Context, f func(ask.Record) error) error
}

// Limits of one export; a bundle beyond them is refused too.
const (
	MaxQueries      = 1000      // a guess: nobody reads more in one page
	MaxRecords      = 50_000    // five chains of ask.DefaultNodes
	MaxPayloadBytes = 128 << 20 // of all records together; 171 MiB as base64
	MaxBundleBytes  = 256 << 20 // the payloads as base64, and half as much again around them
)

// Selection says which queries leave.
type Selection struct {
	Queries []record.ID     // these, in this order; empty: those that match Filter
	Filter  ask.AuditFilter // newest first
}

// Contents is what leaves: queries, every record they rest on or were weighed against, and where in which journal
// those stand. It is a value: nobody changes it after Collect or Redact returned it.
type Contents struct {
	Made    record.Time
	Journal record.LogID
	Last    record.LSN  // of the journal, read after everything else
	Chain   record.Hash // of the record at Last; zero: not known, or redacted
	Chosen  string      // how the queries were chosen, and how complete that is
	Queries []Query
	Records []ask.Record // each once, its bytes checked, by rising LSN
	Absent  []Absence    // named by a record, and not among them; by id

	trace *ask.Trace               // what Chosen was made of; nil: queries were named
	byID  map[record.ID]ask.Record // Records
	veil  *redaction               // nil: nothing was redacted
}

// Query is one question with its verdict and the chain behind it.
type Query struct {
	Verdict ask.Verdict
	Chain   ask.Provenance
}

// Absence is a record that others name and that does not leave.
type Absence struct {
	ID         record.ID
	Why        string // not held, erased, broken, not exported
	LSN        record.LSN
	RecordedAt record.Time // counts when LSN is not 0
}

// notExported is why a record is absent that nobody asked for.
const notExported = "not exported"

// Format names a way of writing.
type Format string

// The formats.
const (
	Markdown Format = "md"
	HTML     Format = "html"
	Bundle   Format = "json"
	Prov     Format = "prov"
)

// Formats lists the formats in the order in which they are told.
func Formats() []Format { return []Format{Markdown, HTML, Bundle, Prov} }

// ParseFormat reads a format's name.
func ParseFormat(s string) (Format, error) {
	if slices.Contains(Formats(), Format(s)) {
		return Format(s), nil
	}
	return "", &ask.UsageError{Field: "format", Found: s, Expected: "md, html, json or prov"}
}

// Write writes c in one format. Errors are those of w.
func Write(w io.Writer, f Format, c *Contents) error {
	switch f {
	case Markdown:
		return writeMarkdown(w, c)
	case HTML:
		return writeHTML(w, c)
	case Bundle:
		return writeBundle(w, c)
	case Prov:
		return writeProv(w, c)
	}
	_, err := ParseFormat(string(f))
	return err
}

// Leaving says what c holds, for the eye of the person who sends it: queries and records by kind, what is absent, and
// what was redacted.
func (c *Contents) Leaving() string {
	counts := map[record.Kind]int{}
	withheld := 0
	for _, r := range c.Records {
		counts[r.ID.Kind]++
		if c.redacted(r.ID) {
			withheld++
		}
	}
	var parts []string
	for _, k := range record.Kinds() {
		if n := counts[k]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, k))
		}
	}
	s := fmt.Sprintf("%d %s asked for; records: %s", len(c.Queries), plural(len(c.Queries), "query", "queries"), strings.Join(parts, ", "))
	if len(c.Absent) > 0 {
		s += fmt.Sprintf("; %d more named and not included", len(c.Absent))
	}
	if c.veil == nil {
		return s + "; nothing is redacted"
	}
	return s + fmt.Sprintf("; redacted: %s, in %d of %d records", strings.Join(c.RedactedFields(), ", "), withheld, len(c.Records))
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
