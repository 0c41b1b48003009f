package trace

import (
	"context"

	"episteme/engine/ingest"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// counter counts matches per part of the range. A nil counter counts nothing.
type counter struct {
	from, to record.Time // [from, to)
	parts    []uint64    // newest last
}

// newCounter divides the filter's range; an open end is where the audits and events end.
func (t *Tracer) newCounter(ctx context.Context, v *ingest.View, m *matcher) (*counter, error) {
	oldest, newest, err := v.Extent(ctx)
	if err != nil || oldest == nil {
		return nil, err
	}
	c := &counter{from: *oldest, to: *newest + 1, parts: make([]uint64, m.Buckets)}
	if m.Range.From != nil {
		c.from = *m.Range.From
	}
	if m.Range.To != nil {
		c.to = *m.Range.To
	}
	if c.to <= c.from {
		return nil, nil
	}
	return c, nil
}

func (c *counter) add(t record.Time) {
	if c == nil || t < c.from || t >= c.to {
		return
	}
	// In float64: the product of a span of years in nanoseconds and a part number overflows int64.
	i := int(float64(t-c.from) / float64(c.to-c.from) * float64(len(c.parts)))
	c.parts[min(i, len(c.parts)-1)]++
}

func (c *counter) done(out *ask.Trace) {
	if c != nil {
		out.Buckets, out.Span = c.parts, [2]record.Time{c.from, c.to}
	}
}
