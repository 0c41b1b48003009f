package cli

import (
	"fmt"
	"time"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// rangeOf is a range of instants as records have them.
func rangeOf(from, to *time.Time) (ask.Range, error) {
	var r ask.Range
	for _, end := range []struct {
		t    *time.Time
		into **record.Time
	}{{from, &r.From}, {to, &r.To}} {
		if end.t == nil {
			continue
		}
		t, err := record.TimeOf(*end.t)
		if err != nil {
			return r, usage(fmt.Errorf("time: %w", err))
		}
		*end.into = &t
	}
	return r, nil
}
