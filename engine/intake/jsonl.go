package intake

import (
	"errors"
	"io"
	"regexp"

	"episteme/engine/record"
)

// jsonlFormat is our own format: one record an object a line, decoded by package record.
func jsonlFormat() Format {
	return Format{
		Name:    "jsonl",
		Summary: "episteme's own JSON lines: one record a line",
		Open: func(r io.Reader, o Options) (Decoder, error) {
			return &jsonl{reader: record.NewReader(r, o.File, o.Known)}, nil
		},
		Detect: detectJSONL,
	}
}

// ownKind is a line's kind field. It comes first by rule, but a file with it elsewhere is still ours: its lines are
// then read, or refused with a reason, one by one. Spans of OTLP have a kind as well; theirs is a number or SPAN_KIND_.
var ownKind = regexp.MustCompile(`"kind"\s*:\s*"[a-z]`)

// ownKindFirst is a line that surely is ours.
var ownKindFirst = regexp.MustCompile(`^\{\s*"kind"\s*:\s*"[a-z]`)

func detectJSONL(head []byte) bool {
	return startsObject(head) && !isExport(head) && !isTrace(head) && !detectChat(head) && ownKind.Match(head)
}

// jsonl is record.Reader as a Decoder.
type jsonl struct {
	reader *record.Reader
	lines  int
}

func (d *jsonl) Next() (Item, error) {
	line, err := d.reader.Next()
	var reject *record.Reject
	if err == nil || errors.As(err, &reject) {
		d.lines++
	}
	return Item{line}, err
}

func (d *jsonl) Bind(label string, id record.ID) { d.reader.Bind(label, id) }
func (d *jsonl) Offset() int64                   { return d.reader.Offset() }
func (d *jsonl) Dropped() Dropped                { return nil } // it carries nothing that we do not take
func (d *jsonl) Removed() Removed                { return nil } // records are taken exactly as written
func (d *jsonl) Units() (string, int)            { return "lines", d.lines }
