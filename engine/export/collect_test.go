package export_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"episteme/engine/export"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// TestCollect says what a selection brings along.
func TestCollect(t *testing.T) {
	e, ids := incident(t)
	c := collect(t, e, export.Selection{Queries: []record.ID{ids[deciding], ids[deciding]}})
	if len(c.Queries) != 1 || c.Chosen != "1 query, named one by one" {
		t.Errorf("%d queries, %q; want the one that was named twice", len(c.Queries), c.Chosen)
	}
	here := map[record.ID]bool{}
	for i, r := range c.Records {
		here[r.ID] = true
		if i > 0 && c.Records[i-1].LSN >= r.LSN {
			t.Errorf("lsn %d behind %d", r.LSN, c.Records[i-1].LSN)
		}
	}
	for label, why := range map[string]string{
		deciding: "the query", "es256": "what it was told because of", "rfc": "its source", "rs256": "what stood against it", "dep41": "the deploy based on it", "y23": "the epoch behind what was not admitted",
	} {
		if !here[ids[label]] {
			t.Errorf("%s is not among the records: %s", why, label)
		}
	}
}

// TestNothingToExport: a filter that matches nothing is no empty file, and says why.
func TestNothingToExport(t *testing.T) {
	e, ids := incident(t)
	_, err := export.Collect(t.Context(), e, export.Selection{Filter: ask.AuditFilter{Agent: "nobody"}}, made)
	var none *ask.NotFoundError
	if !errors.As(err, &none) || !strings.Contains(err.Error(), `nobody called "nobody" has asked anything`) {
		t.Errorf("Collect = %v, want a NotFoundError that says why", err)
	}
	_, err = export.Collect(t.Context(), e, export.Selection{Queries: []record.ID{ids["es256"]}}, made)
	var wrong *ask.UsageError
	if !errors.As(err, &wrong) {
		t.Errorf("Collect of an assertion = %v, want a UsageError", err)
	}
}

// altered is evidence of which one record is told otherwise.
type altered struct {
	export.Evidence
	id     record.ID
	record func(ask.Record) (ask.Record, error)
	audits func(ask.Trace) ask.Trace
}

func (a altered) Record(ctx context.Context, id record.ID) (ask.Record, error) {
	r, err := a.Evidence.Record(ctx, id)
	if err != nil || id != a.id {
		return r, err
	}
	return a.record(r)
}

func (a altered) Audits(ctx context.Context, f ask.AuditFilter) (ask.Trace, error) {
	t, err := a.Evidence.Audits(ctx, f)
	if a.audits != nil {
		t = a.audits(t)
	}
	return t, err
}

// TestAbsence: what cannot be had is told, in the bundle too, and the bundle is whole.
func TestAbsence(t *testing.T) {
	e, ids := incident(t)
	disk := errors.New("the disk is gone")
	tests := []struct {
		name   string
		record func(ask.Record) (ask.Record, error)
		why    string
		err    error
	}{
		{"not held", func(r ask.Record) (ask.Record, error) { return r, &ask.NotFoundError{What: r.ID.String()} }, "not held", nil},
		{"erased", func(r ask.Record) (ask.Record, error) { r.Check, r.Record = ask.Erased, nil; return r, nil }, "erased", nil},
		{"broken", func(r ask.Record) (ask.Record, error) { r.Check, r.Record = ask.Broken, nil; return r, nil }, "broken", nil},
		{"a disk that fails is no absence", func(r ask.Record) (ask.Record, error) { return r, disk }, "", disk},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			from := altered{Evidence: e, id: ids["es256"], record: tt.record}
			c, err := export.Collect(t.Context(), from, export.Selection{Queries: []record.ID{ids[deciding]}}, made)
			if !errors.Is(err, tt.err) {
				t.Fatalf("Collect: %v, want %v", err, tt.err)
			}
			if tt.err != nil {
				return
			}
			if len(c.Absent) != 1 || c.Absent[0].ID != ids["es256"] || c.Absent[0].Why != tt.why {
				t.Errorf("absent: %+v, want the assertion, %s", c.Absent, tt.why)
			}
			if r := verify(t, written(t, export.Bundle, c)); !r.Whole() || r.Absent != 1 {
				t.Errorf("Verify = %+v, want it whole with one absent", r)
			}
			if page := written(t, export.Markdown, c); !strings.Contains(page, ids["es256"].String()+"` | "+tt.why) {
				t.Errorf("the page does not say that the assertion is %s", tt.why)
			}
		})
	}
}

// TestLimits: more than an export may hold is refused, not cut.
func TestLimits(t *testing.T) {
	e, _ := incident(t)
	many := altered{Evidence: e, audits: func(t ask.Trace) ask.Trace {
		for len(t.Queries) <= export.MaxQueries {
			t.Queries = append(t.Queries, t.Queries[0])
		}
		return t
	}}
	_, err := export.Collect(t.Context(), many, export.Selection{}, made)
	var wrong *ask.UsageError
	if !errors.As(err, &wrong) || !strings.Contains(err.Error(), "more than 1000") {
		t.Errorf("Collect = %v, want a UsageError that names the limit", err)
	}
}

// TestWriteFails: an error of the writer is an error of the export.
func TestWriteFails(t *testing.T) {
	e, _ := take(t, tiny)
	c := collect(t, e, export.Selection{})
	full := errors.New("no space left on device")
	for _, format := range export.Formats() {
		if err := export.Write(failing{full}, format, c); !errors.Is(err, full) {
			t.Errorf("Write(%s) = %v, want %v", format, err, full)
		}
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestParseFormat(t *testing.T) {
	if _, err := export.ParseFormat("pdf"); err == nil || !strings.Contains(err.Error(), "md, html, json or prov") {
		t.Errorf("ParseFormat(pdf) = %v, want the formats that there are", err)
	}
}
