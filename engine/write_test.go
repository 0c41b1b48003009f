package engine_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"episteme/engine"
	"episteme/engine/record"
)

// TestWrite: a record that is here keeps its place and is not written again; one that comes twice in a batch is
// written once; what was returned is there after the directory was opened again.
func TestWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	e := open(t, dir)
	note := func(title string) record.Record {
		return &record.Event{Type: record.Note, Title: title, Agent: "ann"}
	}
	first, err := e.Write(t.Context(), note("a"), note("b"), note("a"))
	if err != nil {
		t.Fatal(err)
	}
	if got := []record.LSN{first[0].LSN, first[1].LSN, first[2].LSN}; !cmp.Equal(got, []record.LSN{1, 2, 1}) || first[0].Known {
		t.Errorf("lsns %v, known %t; want 1 2 1, new", got, first[0].Known)
	}
	again, err := e.Write(t.Context(), note("b"), note("c"))
	if err != nil {
		t.Fatal(err)
	}
	if !again[0].Known || again[0].LSN != 2 || again[0].RecordedAt != first[1].RecordedAt || again[1].Known || again[1].LSN != 3 {
		t.Errorf("written again: %+v; want the first at its place, the second at lsn 3", again)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = open(t, dir)
	for _, w := range append(first, again...) {
		if r, err := e.Record(t.Context(), w.ID); err != nil || !cmp.Equal(r, w.Record) {
			t.Errorf("opened again: %+v, %v; want %+v", r, err, w.Record)
		}
	}
	if head := e.Head().Last; head != 3 {
		t.Errorf("the journal ends at lsn %d, want 3", head)
	}
}

// TestWriteByMany: who writes the same record at the same time gets the same place, and it is written once.
func TestWriteByMany(t *testing.T) {
	e := open(t, "")
	const writers, rounds = 8, 50
	for round := range rounds {
		start := make(chan struct{})
		var done sync.WaitGroup
		for range writers {
			done.Go(func() {
				<-start
				w, err := e.Write(t.Context(), &record.Event{Type: record.Note, Title: fmt.Sprint(round), Agent: "ann"})
				if err != nil || w[0].LSN != record.LSN(round+1) {
					t.Errorf("round %d: %+v, %v; want lsn %d", round, w, err, round+1)
				}
			})
		}
		close(start)
		done.Wait()
	}
	if head := e.Head().Last; head != rounds {
		t.Errorf("the journal ends at lsn %d, want %d: each record once", head, rounds)
	}
}

// TestWriteRefuses what breaks a rule, and what is not written by itself; nothing of the batch is written then.
func TestWriteRefuses(t *testing.T) {
	e := open(t, "")
	good := &record.Event{Type: record.Note, Title: "n", Agent: "ann"}
	for name, bad := range map[string]record.Record{
		"a broken rule": &record.Event{Type: record.Note, Agent: "ann"},
		"an audit":      (&record.Query{Agent: "a", Subject: "s", Predicate: "p", Lens: "recency"}).Ask(),
		"an erasure":    &record.Erasure{Target: record.Sum(nil), LSN: 1, Agent: "a", Reason: "r"},
	} {
		if _, err := e.Write(t.Context(), good, bad); err == nil {
			t.Errorf("%s was written", name)
		}
	}
	if head := e.Head().Last; head != 0 {
		t.Errorf("the journal ends at lsn %d, want nothing written", head)
	}
}

// TestNearSubjects: what is near is a slip of the finger, then what lies beside it; nothing is near what is known.
func TestNearSubjects(t *testing.T) {
	var lines []string
	lines = append(lines, docA)
	for _, subject := range []string{"auth/jwt", "auth/session", "auth/oauth", "billing/jwt", "db"} {
		lines = append(lines, `{"kind":"assertion","subject":"`+subject+`","predicate":"p","object":"A","confidence":0.9,"agent":"bot","timestamp":"2024-01-01T00:00:05Z","source":"@doc"}`)
	}
	// Enough others before them that not all subjects are looked at.
	for i := range 10_000 {
		lines = append(lines, strings.Replace(lines[1], "auth/jwt", fmt.Sprintf("a/something/%08d", i), 1))
	}
	e, _ := world(t, lines...)
	tests := []struct {
		name, subject string
		asserted      bool
		want          []string
	}{
		{"a slip comes first, then the neighbours", "auth/jtw", false, []string{"auth/jwt", "auth/oauth", "auth/session"}},
		{"a slip in the path", "auht/session", false, []string{"auth/session"}},
		{"neighbours of what is like nothing", "auth/something-else", false, []string{"auth/jwt", "auth/oauth", "auth/session"}},
		{"what is like nothing", "zzz", false, nil},
		{"what is known", "auth/jwt", true, nil},
		{"the beginning of what is known is not known", "auth", false, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			near, err := e.NearSubjects(t.Context(), tt.subject)
			if err != nil {
				t.Fatal(err)
			}
			if near.Asserted != tt.asserted || !cmp.Equal(near.Subjects, tt.want) {
				t.Errorf("NearSubjects(%q) = %+v, want %t %q", tt.subject, near, tt.asserted, tt.want)
			}
		})
	}
}

// The lenses that faces offer are those that answer.
func TestLenses(t *testing.T) {
	if got, want := engine.Lenses(), []string{"consensus", "authority", "recency", "skeptic"}; !cmp.Equal(got, want) {
		t.Errorf("Lenses() = %q, want %q", got, want)
	}
}
