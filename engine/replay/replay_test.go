package replay_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"episteme/engine/record"
	"episteme/engine/replay"
	"episteme/engine/trace/ask"
	"episteme/fixtures"
)

func open(t *testing.T, name string) *replay.Replay {
	t.Helper()
	f, ok := fixtures.ByName(name)
	if !ok {
		t.Fatalf("no fixture %s", name)
	}
	return openEvents(t, name, f.Events())
}

func openEvents(t *testing.T, name string, events []byte) *replay.Replay {
	t.Helper()
	r, err := replay.Open(t.Context(), name, events)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return r
}

func set(t *testing.T, r *replay.Replay, at record.Time) {
	t.Helper()
	if err := r.Set(t.Context(), at); err != nil {
		t.Fatal(err)
	}
}

func parse(t *testing.T, s string) record.Time {
	t.Helper()
	at, err := record.ParseTime(s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// A record arrives at its own time; one that claims to be older than one above it arrives with the next that does not,
// or with the end.
func TestArrivals(t *testing.T) {
	note := func(id, at string) string {
		return `{"kind":"event","id":"` + id + `","type":"note","agent":"a","title":"` + id + `","timestamp":"2024-01-01T` + at + `Z"}` + "\n"
	}
	tests := []struct {
		name string // says the rule
		file string
		want string
	}{
		{"in order", note("a", "10:00:00") + note("b", "10:00:01"), "a 10:00:00, b 10:00:01"},
		{"at the same time", note("a", "10:00:00") + note("b", "10:00:00"), "a 10:00:00, b 10:00:00"},
		{"late, with the next that is not", note("a", "10:00:00") + note("b", "09:00:00") + note("c", "09:30:00") + note("d", "11:00:00"),
			"a 10:00:00, b 11:00:00, c 11:00:00, d 11:00:00"},
		{"late at the end", note("a", "10:00:00") + note("b", "09:00:00"), "a 10:00:00, b 10:00:00"},
		{"late against the newest, not against the line above", note("a", "10:00:00") + note("b", "08:00:00") + note("c", "09:00:00") + note("d", "10:30:00"),
			"a 10:00:00, b 10:30:00, c 10:30:00, d 10:30:00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, e := range openEvents(t, "made.jsonl", []byte(tt.file)).Entries() {
				got = append(got, e.Label[1:]+" "+e.Arrives.Std().Format(time.TimeOnly))
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, ", ")); diff != "" {
				t.Errorf("arrivals (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	for name, file := range map[string]string{
		"an empty file": "",
		"a bad line":    `{"kind":"event","type":"note","agent":"a","title":"x","timestamp":"soon"}`,
	} {
		if _, err := replay.Open(t.Context(), "made.jsonl", []byte(file)); err == nil || !strings.Contains(err.Error(), "made.jsonl") {
			t.Errorf("Open of %s: %v, want an error that names the file", name, err)
		}
	}
}

// Back and forth is the same place: the same answers, by the same ids.
func TestSetIsTheMomentAlone(t *testing.T) {
	r := open(t, "auth-jwt")
	first, last := r.Span()
	middle := parse(t, "2024-01-15T21:27:00Z")
	shown := func() string {
		told, err := r.Audits(t.Context(), ask.AuditFilter{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range told.Queries {
			told.Queries[i].RecordedAt = 0
		}
		b, err := json.Marshal(told)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	set(t, r, middle)
	want := shown()
	for _, by := range [][]record.Time{{last}, {first}, {first, last}, {middle - 1}, {middle + 1}, {first, middle - record.Time(time.Minute), last}} {
		for _, at := range by {
			set(t, r, at)
		}
		set(t, r, middle)
		if diff := cmp.Diff(want, shown()); diff != "" {
			t.Fatalf("by way of %v the same moment shows something else (-want +got):\n%s", by, diff)
		}
	}
	if r.At() != middle {
		t.Errorf("At() = %s, want %s", r.At(), middle)
	}
	set(t, r, last+record.Time(time.Hour))
	if r.At() != last {
		t.Errorf("set past the end, At() = %s, want %s", r.At(), last)
	}
}

// The end of a replay is the incident as a store holds it, finding for finding: expected.json was computed from that.
func TestEndIsTheWholeIncident(t *testing.T) {
	for _, f := range fixtures.All() {
		t.Run(f.Name, func(t *testing.T) {
			r := open(t, f.Name)
			_, last := r.Span()
			for at, more := r.Next(0, true); more; at, more = r.Next(at, true) { // in many steps
				set(t, r, at)
			}
			set(t, r, last)
			var want struct {
				Counts map[string]uint64
				Later  map[string][]ask.Code `json:"findings_later"`
			}
			if err := json.Unmarshal(f.Expected(), &want); err != nil {
				t.Fatal(err)
			}
			s, err := r.Status(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if got, all := s.Audits, want.Counts["query"]+want.Counts["audit"]; got != all {
				t.Errorf("%d queries at the end, want %d", got, all)
			}
			labels := labelsOf(r)
			for label, codes := range want.Later {
				v, err := r.Verdict(t.Context(), labels[label])
				if err != nil {
					t.Fatalf("%s: %v", label, err)
				}
				var got []ask.Code
				for _, finding := range v.Audit.Findings {
					got = append(got, finding.Code)
				}
				for _, code := range codes {
					if !slices.Contains(got, code) {
						t.Errorf("%s has findings %v at the end, want %s among them", label, got, code)
					}
				}
			}
		})
	}
}

func labelsOf(r *replay.Replay) map[string]record.ID {
	labels := map[string]record.ID{}
	for _, e := range r.Entries() {
		labels[e.Label] = e.ID
	}
	return labels
}

func TestSteps(t *testing.T) {
	r := open(t, "auth-jwt")
	first, last := r.Span()
	if got, want := first, parse(t, "2024-01-15T20:30:06Z"); got != want {
		t.Errorf("it begins at %s, want %s, the first query", got, want)
	}
	if _, more := r.Next(last, false); more {
		t.Error("something comes after the last record")
	}
	if _, more := r.Before(first, false); more {
		t.Error("a step back leads before the beginning")
	}
	next, _ := r.Next(first, false)
	if back, _ := r.Before(next, false); back != first {
		t.Errorf("a step forward to %s and back leads to %s, want %s", next, back, first)
	}
	alert := parse(t, "2024-01-15T21:09:12Z")
	if got, ok := r.Next(alert-1, true); !ok || got != alert {
		t.Errorf("the mark after %s is %s, want %s", alert-1, got, alert)
	}
	if got, ok := r.Before(alert+1, true); !ok || got != alert {
		t.Errorf("the mark before %s is %s, want %s", alert+1, got, alert)
	}
}

func TestNoQuestionOfToday(t *testing.T) {
	r := open(t, "auth-jwt")
	_, err := r.Ask(t.Context(), record.Query{Agent: "me", Subject: "auth/jwt", Predicate: "issuer"})
	var usage *ask.UsageError
	if !errors.As(err, &usage) {
		t.Errorf("Ask = %v, want a usage error", err)
	}
}

// Whoever draws a screen reads the clock: that waits for no question and for no hand on the clock.
func TestAtDoesNotWait(t *testing.T) {
	r := open(t, "auth-jwt")
	first, last := r.Span()
	set(t, r, last)
	var once sync.Once
	asked, goOn, turned := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		_, err := r.Provenance(context.Background(), labelsOf(r)["@q210347"], ask.ProvenanceOptions{Level: func([]ask.Node, []ask.Edge) {
			once.Do(func() { close(asked); <-goOn })
		}})
		turned <- err
	}()
	<-asked // a question is under way, and will not end
	go func() { turned <- r.Set(context.Background(), first) }()
	if got := r.At(); got != last {
		t.Errorf("At() = %s while a question is answered, want %s", got, last)
	}
	close(goOn)
	for range 2 {
		if err := <-turned; err != nil {
			t.Error(err)
		}
	}
	if got := r.At(); got != first {
		t.Errorf("At() = %s, want %s", got, first)
	}
}

// The clock and questions by many at once: each answer is of one moment.
func TestQuestionsWhileTheClockMoves(t *testing.T) {
	r := open(t, "auth-jwt")
	first, last := r.Span()
	ctx, cancel := context.WithCancel(t.Context())
	asked := make(chan error)
	for range 4 {
		go func() {
			var err error
			for ctx.Err() == nil && err == nil {
				var told ask.Trace
				told, err = r.Audits(context.Background(), ask.AuditFilter{})
				if err == nil && uint64(len(told.Queries)) != told.Total {
					err = errors.New("a list of two moments")
				}
			}
			asked <- err
		}()
	}
	for range 3 {
		set(t, r, last)
		set(t, r, first)
	}
	cancel()
	for range 4 {
		if err := <-asked; err != nil {
			t.Error(err)
		}
	}
}

func BenchmarkRewind(b *testing.B) {
	f, _ := fixtures.ByName("backup-retention")
	r, err := replay.Open(b.Context(), f.Name, f.Events())
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	_, last := r.Span()
	b.ReportAllocs()
	for b.Loop() {
		if err := errors.Join(r.Set(b.Context(), last), r.Set(b.Context(), last-1)); err != nil {
			b.Fatal(err)
		}
	}
}
