package ask

import (
	"fmt"
	"strings"

	"episteme/engine/record"
)

// Completeness says in one line how much of the truth a list is: rows shown of matches, the range, whether all that
// was received is in it, when the agents were last heard; and for an empty list why it may be empty.
func (t Trace) Completeness() string {
	parts := []string{fmt.Sprintf("%d of %d", len(t.Queries), t.Total)}
	if t.Range.From != nil || t.Range.To != nil {
		parts = append(parts, t.Range.String())
	}
	switch {
	case t.AllReceivedShown:
		parts = append(parts, "all received shown")
	case t.Behind > 0:
		parts = append(parts, fmt.Sprintf("%d records received and not shown yet", t.Behind))
	}
	for _, h := range t.Heard {
		parts = append(parts, h.Agent+" last heard "+toSecond(h.At))
	}
	return strings.Join(append(parts, t.Empty...), " · ")
}

// String is the range as lists show it; an open end is an ellipsis alone.
func (r Range) String() string {
	from, to := "", ""
	if r.From != nil {
		from = toSecond(*r.From) + " "
	}
	if r.To != nil {
		to = " " + toSecond(*r.To)
	}
	return from + "…" + to + " UTC"
}

// toSecond cuts a time to the second: a range that ends now has nanoseconds that tell nobody anything.
func toSecond(t record.Time) string { return t.Std().Format("2006-01-02T15:04:05Z") }
