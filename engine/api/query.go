package api

import (
	"net/url"
	"strconv"
	"time"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// queryString writes what values reads: a Client's side of the same parameters.
type queryString struct{ url.Values }

func (q queryString) text(name, s string) {
	if s != "" {
		q.Set(name, s)
	}
}

func (q queryString) number(name string, n int) {
	if n != 0 {
		q.Set(name, strconv.Itoa(n))
	}
}

func (q queryString) time(name string, t *record.Time) {
	if t != nil {
		q.Set(name, t.String())
	}
}

func (q queryString) stage(name string, s record.Stage) {
	if s != 0 {
		q.Set(name, s.String())
	}
}

func (q queryString) halfLife(d time.Duration) {
	if d != 0 {
		q.Set("half_life", record.FormatHalfLife(d))
	}
}

func (q queryString) bounds(b ask.Bounds) {
	if b.Time > 0 {
		q.Set("search_time", min(b.Time, maxSearch).String())
	}
	q.number("search_records", b.Records)
}

func filterQuery(f ask.AuditFilter) url.Values {
	q := queryString{url.Values{}}
	q.text("agent", f.Agent)
	q.time("from", f.Range.From)
	q.time("to", f.Range.To)
	q.text("subject", f.Subject)
	q.text("predicate", f.Predicate)
	q.text("lens", f.Lens)
	q.text("finding", f.Finding)
	for name, value := range f.Labels {
		q.Add("label", name+"="+value)
	}
	q.text("trace_id", f.TraceID)
	q.text("conversation", f.Conversation)
	q.text("text", f.Text)
	q.number("limit", f.Limit)
	q.text("cursor", f.Cursor)
	q.number("buckets", f.Buckets)
	q.bounds(f.Search)
	return q.Values
}
