package ask

import (
	"fmt"
	"strings"

	"episteme/engine/record"
)

// NotFoundError says that no such record is here.
type NotFoundError struct {
	What string   // what was asked for, as it was typed
	Near []string // what it may have meant, nearest first
}

func (e *NotFoundError) Error() string {
	if len(e.Near) == 0 {
		return fmt.Sprintf("no record %s here; `episteme trace` lists what is", e.What)
	}
	return fmt.Sprintf("no record %s here; near it: %s", e.What, strings.Join(e.Near, ", "))
}

// AmbiguousError says that a typed id means several records.
type AmbiguousError struct {
	Typed   string
	Matches []record.ID // the first few
	More    bool        // there are more than Matches
}

func (e *AmbiguousError) Error() string {
	list := make([]string, 0, len(e.Matches)+1)
	for _, id := range e.Matches {
		list = append(list, id.String())
	}
	if e.More {
		list = append(list, "…")
	}
	return fmt.Sprintf("%s means %d records or more, type more digits:\n  %s", e.Typed, len(e.Matches), strings.Join(list, "\n  "))
}

// UsageError says that a question makes no sense as it stands: an unknown lens, a pattern that is none.
type UsageError struct {
	Field    string // lens, subject, …
	Found    string
	Expected string
}

func (e *UsageError) Error() string {
	return fmt.Sprintf("%s: found %q, expected %s", e.Field, e.Found, e.Expected)
}
