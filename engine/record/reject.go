package record

import (
	"fmt"
	"strings"
)

// Reject is a line of a file that was not taken: where, what was found there, what was expected, how to mend it.
// The lines around it are not affected. All its texts may hold what the line holds; Error makes them safe to show.
type Reject struct {
	File     string
	Line     int    // from 1
	Column   int    // in characters, from 1
	Agent    string // who the line speaks of, where that could be read
	Field    string // as JSON writes it, with its way down: result.value; empty: the line as a whole
	Found    string
	Expected string
	Hint     string // how to mend it, where that is not plain from Expected
}

// Error is one line: events.jsonl:12:45: confidence: found 1.5, expected a number from 0 to 1.
func (r *Reject) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d:%d: ", Clean(r.File), r.Line, r.Column)
	if r.Field != "" {
		b.WriteString(Clean(r.Field) + ": ")
	}
	b.WriteString("found " + Clean(r.Found) + ", expected " + Clean(r.Expected))
	if r.Hint != "" {
		b.WriteString("; " + Clean(r.Hint))
	}
	return b.String()
}

// fault is a Reject in the making: it knows a byte of the line, not yet the file, the line or the column.
type fault struct {
	at       int // bytes from the start of the line
	field    string
	found    string
	expected string
	hint     string
}
