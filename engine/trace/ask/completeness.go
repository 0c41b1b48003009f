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
	if t.Searched != nil && (!t.Searched.Complete() || t.Searched.Unreadable > 0) {
		parts = append(parts, t.Searched.String())
	}
	if t.Range.From != nil || t.Range.To != nil {
		parts = append(parts, t.Range.String())
	}
	if said := received(t.AllReceivedShown, t.Behind); said != "" {
		parts = append(parts, said)
	}
	for _, h := range t.Heard {
		parts = append(parts, h.Agent+" last heard "+toSecond(h.At))
	}
	return strings.Join(append(parts, t.Empty...), " · ")
}

// received says whether all that was received is in a list.
func received(all bool, behind uint64) string {
	switch {
	case all:
		return "all received shown"
	case behind > 0:
		return fmt.Sprintf("%d records received and not shown yet", behind)
	}
	return ""
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
