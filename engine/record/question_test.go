package record

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestQuestionHash changes one field of an audit at a time.
func TestQuestionHash(t *testing.T) {
	tests := []struct {
		name         string
		change       func(*Audit)
		sameQuestion bool
		sameAnswer   bool
	}{
		{"nothing", func(*Audit) {}, true, true},
		{"the answer", func(a *Audit) { a.Value, a.Confidence, a.Share = NumberObject(1), 0.1, 0.2 }, true, true},
		{"what contributed", func(a *Audit) { a.Contributions, a.Considered = nil, 9 }, true, true},
		{"the pin", func(a *Audit) { a.Pin = 8 }, true, true},
		{"the journal", func(a *Audit) { a.Journal[0]++ }, true, true},
		{"the asker's words", func(a *Audit) { a.Question = "?" }, true, true},
		{"labels", func(a *Audit) { a.Labels = nil }, true, true},
		{"the agent", func(a *Audit) { a.Agent = "x" }, false, true},
		{"the moment", func(a *Audit) { a.Timestamp++ }, false, true},
		{"as_of", func(a *Audit) { a.AsOf++ }, false, true},
		{"a trace id", func(a *Audit) { a.TraceID = "" }, false, true},
		{"a tool call", func(a *Audit) { a.ToolCallID = "call-4" }, false, true},
		{"the subject", func(a *Audit) { a.Subject = "x" }, false, false},
		{"the predicate", func(a *Audit) { a.Predicate = "x" }, false, false},
		{"the lens", func(a *Audit) { a.Lens, a.HalfLife = "skeptic", 0 }, false, false},
		{"the half-life", func(a *Audit) { a.HalfLife++ }, false, false},
		{"the filter", func(a *Audit) { a.LifecycleFilter = 0 }, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, b := goldenRecord[*Audit](t, "audit"), goldenRecord[*Audit](t, "audit")
			tt.change(b)
			if same := sameHash(t, a.QuestionHash, b.QuestionHash); same != tt.sameQuestion {
				t.Errorf("same question: %v, want %v", same, tt.sameQuestion)
			}
			if same := sameHash(t, a.AnswerKey, b.AnswerKey); same != tt.sameAnswer {
				t.Errorf("same answer: %v, want %v", same, tt.sameAnswer)
			}
			unchanged := goldenRecord[*Audit](t, "audit")
			tt.change(unchanged)
			if diff := cmp.Diff(unchanged, b); diff != "" {
				t.Errorf("hashing changed the audit:\n%s", diff)
			}
		})
	}
}

func sameHash(t *testing.T, a, b func() (Hash, error)) bool {
	t.Helper()
	x, err := a()
	if err != nil {
		t.Fatal(err)
	}
	y, err := b()
	if err != nil {
		t.Fatal(err)
	}
	return x == y
}

// TestQueryAsk: the audit a query becomes is the question, and can be encoded.
func TestQueryAsk(t *testing.T) {
	q := incidentLines()[5].Query
	a := q.Ask()
	want := &Audit{
		Agent: q.Agent, Timestamp: q.Timestamp, Subject: q.Subject, Predicate: q.Predicate, Lens: q.Lens, HalfLife: q.HalfLife,
		LifecycleFilter: q.LifecycleFilter, AsOf: q.AsOf, Labels: q.Labels, ResultHash: Object{}.Hash(),
	}
	if diff := cmp.Diff(want, a); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := Encode(nil, a); err != nil {
		t.Error(err)
	}
	if a.ExplicitAsOf() {
		t.Error("as_of counts as explicit, and is the timestamp")
	}
}

func TestSortedLabels(t *testing.T) {
	got := SortedLabels(map[string]string{"service": "auth", "env": "prod", "Zone": ""})
	if diff := cmp.Diff([]Label{{"Zone", ""}, {"env", "prod"}, {"service", "auth"}}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestCheckQuery holds what a caller can say and a line can't.
func TestCheckQuery(t *testing.T) {
	tests := []struct {
		name, want string
		change     func(*Query)
	}{
		{"a good one", "", func(*Query) {}},
		{"no lens is the default", "", func(q *Query) { q.Lens, q.HalfLife = "", 0 }},
		{"nobody asks", "query: agent: found nothing, expected a text", func(q *Query) { q.Agent = "" }},
		{"about nothing", "query: subject: found nothing, expected a text", func(q *Query) { q.Subject = "" }},
		{"an unknown lens", `query: lens: found "loudest", expected consensus, authority, recency or skeptic`, func(q *Query) { q.Lens = "loudest" }},
		{"the default half-life in full", "query: lens_params: found the default half-life", func(q *Query) { q.HalfLife = DefaultHalfLife }},
		{"a filter that does not exist", "query: lifecycle_filter: found 9", func(q *Query) { q.LifecycleFilter = 9 }},
		{"as of before 1970", "query: as_of: found", func(q *Query) { q.AsOf = -1 }},
		{"labels out of order", "query: labels: found", func(q *Query) { q.Labels = []Label{{"b", ""}, {"a", ""}} }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			q := incidentLines()[5].Query
			tt.change(q)
			err := CheckQuery(q)
			if got := errText(err); len(got) < len(tt.want) || got[:len(tt.want)] != tt.want || (err == nil) != (tt.want == "") {
				t.Errorf("CheckQuery = %v, want %q", err, tt.want)
			}
		})
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
