package engine_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"episteme/engine"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// previewWorld is two claims that compete, one of them of an epoch, and a third about something else that rests on the
// same document.
func previewWorld(t *testing.T) (*engine.Engine, map[string]record.ID) {
	t.Helper()
	return world(t, docA, docB,
		`{"kind":"epoch","id":"old","name":"2023","agent":"ops","timestamp":"2023-01-01T00:00:00Z"}`,
		`{"kind":"epoch","id":"new","name":"2024","agent":"ops","timestamp":"2023-12-01T00:00:00Z"}`,
		`{"kind":"epoch","name":"x","agent":"ops","timestamp":"2024-01-01T00:00:00Z","supersedes":"@new","supersession":"Temporal"}`,
		strings.Replace(claimA, `"source"`, `"epoch":"@old","source"`, 1), claimB,
		`{"kind":"assertion","id":"c","subject":"s/y","predicate":"p","object":"C","confidence":0.5,"agent":"bot","timestamp":"2024-01-01T00:00:01Z","source":"@doc"}`,
	)
}

// standing are the questions that are asked in these tests; each is asked by name of its asker.
func standing() []record.Query {
	var list []record.Query
	for _, subject := range []string{"s/x", "s/y"} {
		for _, l := range engine.Lenses() {
			for _, filter := range []record.Stage{0, record.Approved} {
				list = append(list, record.Query{Subject: subject, Predicate: "p", Lens: l, LifecycleFilter: filter, Timestamp: record.Unset, AsOf: record.Unset})
			}
		}
		list = append(list, record.Query{Subject: subject, Predicate: "p", Lens: "recency", HalfLife: time.Hour, Timestamp: record.Unset, AsOf: record.Unset})
	}
	return list
}

// tell asks every standing question and returns the answers by question.
func tell(t *testing.T, e *engine.Engine, agent string) map[string]ask.Result {
	t.Helper()
	told := map[string]ask.Result{}
	for _, q := range standing() {
		q.Agent = agent
		a, err := e.Ask(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		told[ask.StandingQuestion{Subject: a.Subject, Predicate: a.Predicate, Lens: a.Lens, LensParams: a.LensParams, LifecycleFilter: a.LifecycleFilter}.String()] = a.Result
	}
	return told
}

// TestPreviewIsWhatComesAbout: a preview names exactly the questions whose answer is another once the record is
// written, with the answer that they are then told.
func TestPreviewIsWhatComesAbout(t *testing.T) {
	at := func(s string) record.Time {
		v, err := record.ParseTime(s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	then := at("2024-05-01T00:00:00Z")
	claim := func(ids map[string]record.ID, epoch record.Hash) *record.Assertion {
		return &record.Assertion{Subject: "s/x", Predicate: "p", Object: record.TextObject("C"), Confidence: 1, Lifecycle: record.Approved, Agent: "ann", Timestamp: then, Source: record.Sum([]byte("A")), Epoch: epoch}
	}
	tests := []struct {
		name      string
		records   func(ids map[string]record.ID) []record.Record
		questions int
		changes   bool
		note      string
	}{
		{"a claim that competes", func(ids map[string]record.ID) []record.Record { return []record.Record{claim(ids, record.Hash{})} }, 9, true, ""},
		{"a claim of an epoch that ended", func(ids map[string]record.ID) []record.Record { return []record.Record{claim(ids, ids["@new"].Hash)} }, 9, false, ""},
		{"a claim with a document of its own", func(map[string]record.ID) []record.Record {
			a := claim(nil, record.Hash{})
			a.Source = record.Sum([]byte("new"))
			return []record.Record{record.Evidence("new"), &record.Source{Name: "n", Digest: a.Source, Authority: 1, Agent: "ann", Timestamp: then}, a}
		}, 9, true, ""},
		{"a claim that was withdrawn before it came", func(ids map[string]record.ID) []record.Record {
			a := claim(ids, record.Hash{})
			id, err := record.IDOf(a)
			if err != nil {
				t.Fatal(err)
			}
			return []record.Record{&record.Transition{Assertion: id.Hash, To: record.Rejected, Agent: "ann", Timestamp: then}, a}
		}, 9, false, ""},
		{"a transition", func(ids map[string]record.ID) []record.Record {
			return []record.Record{&record.Transition{Assertion: ids["@a"].Hash, To: record.Rejected, Agent: "ann", Timestamp: then}}
		}, 9, true, ""},
		{"a vote", func(ids map[string]record.ID) []record.Record {
			return []record.Record{&record.Vote{Assertion: ids["@a"].Hash, Agent: "ann", Weight: -1, Timestamp: then}}
		}, 9, true, ""},
		{"an epoch that ends another", func(ids map[string]record.ID) []record.Record {
			return []record.Record{&record.Epoch{Name: "n", Agent: "ops", Timestamp: then, Supersedes: ids["@old"].Hash, Supersession: record.Temporal}}
		}, 9, true, ""},
		{"an epoch that stands beside another", func(ids map[string]record.ID) []record.Record {
			return []record.Record{&record.Epoch{Name: "n", Agent: "ops", Timestamp: then, Supersedes: ids["@old"].Hash, Supersession: record.Additive}}
		}, 9, false, ""},
		{"a descriptor counts for all that rests on its document", func(map[string]record.ID) []record.Record {
			return []record.Record{&record.Source{Name: "n", Digest: record.Sum([]byte("A")), Authority: 0.1, Agent: "ann", Timestamp: then}}
		}, 18, true, ""},
		{"an event", func(map[string]record.ID) []record.Record {
			return []record.Record{&record.Event{Type: record.Note, Title: "n", Agent: "ann", Timestamp: then}}
		}, 0, false, "no answer rests on events"},
		{"what lies ahead", func(ids map[string]record.ID) []record.Record {
			return []record.Record{&record.Transition{Assertion: ids["@a"].Hash, To: record.Rejected, Agent: "ann", Timestamp: at("2024-06-01T00:00:01Z")}}
		}, 9, false, "it counts from 2024-06-01T00:00:01Z on"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, ids := previewWorld(t)
			before := tell(t, e, "before")
			head := e.Head().Last
			p, err := e.Preview(t.Context(), tt.records(ids))
			if err != nil {
				t.Fatal(err)
			}
			if e.Head().Last != head {
				t.Errorf("the journal went from lsn %d to %d", head, e.Head().Last)
			}
			if p.Known || !p.Complete || p.Questions != tt.questions || !strings.Contains(strings.Join(p.Notes, "\n"), tt.note) || tt.note == "" && len(p.Notes) > 0 {
				t.Errorf("known %t, %d questions, notes %q; want a new one, %d, %q", p.Known, p.Questions, p.Notes, tt.questions, tt.note)
			}
			written, err := e.Write(t.Context(), tt.records(ids)...)
			if err != nil {
				t.Fatal(err)
			}
			if last := written[len(written)-1]; p.Record != last.ID {
				t.Errorf("the preview is of %s, written was %s", p.Record, last.ID)
			}
			got, want := map[string][2]ask.Result{}, map[string][2]ask.Result{}
			for _, c := range p.Changes {
				got[c.StandingQuestion.String()] = [2]ask.Result{c.Now, c.With}
				if c.Flips != (c.Now.Value != c.With.Value) || c.Asked != 1 {
					t.Errorf("%s: flips %t, asked %d", c.StandingQuestion, c.Flips, c.Asked)
				}
			}
			for q, now := range tell(t, e, "after") {
				if before[q] != now {
					want[q] = [2]ask.Result{before[q], now}
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("what came about and what was shown differ (-came +shown):\n%s", diff)
			}
			if (len(want) > 0) != tt.changes {
				t.Errorf("%d answers changed", len(want))
			}
			again, err := e.Preview(t.Context(), tt.records(ids))
			if err != nil || !again.Known || len(again.Changes) > 0 || again.Questions > 0 {
				t.Errorf("of what is recorded: %+v, %v; want it known and nothing looked at", again, err)
			}
		})
	}
}

// TestPreviewAddsTheDefaultLens: what nobody asked is looked at under the default lens, and questions that were asked
// elsewhere are not ours to answer.
func TestPreviewAddsTheDefaultLens(t *testing.T) {
	e, ids := world(t, docA, claimA,
		`{"kind":"audit","agent_id":"far","timestamp":"2024-01-02T00:00:00Z","subject":"s/x","predicate":"p","lens":"authority","as_of":"2024-01-02T00:00:00Z","result":{"value":"A","confidence":1,"share":1},"considered":0,"contributing_assertions":[]}`,
		`{"kind":"query","agent":"ann","subject":"s/x","predicate":"other","timestamp":"2024-01-02T00:00:00Z"}`)
	p, err := e.Preview(t.Context(), []record.Record{&record.Transition{Assertion: ids["@a"].Hash, To: record.Rejected, Agent: "ann"}})
	if err != nil {
		t.Fatal(err)
	}
	if p.Questions != 1 || len(p.Changes) != 1 || p.Changes[0].Lens != "consensus" || p.Changes[0].Asked != 0 {
		t.Errorf("%d questions, changes %+v; want consensus alone, never asked", p.Questions, p.Changes)
	}
}

// TestPreviewOfWhatWasWithdrawnBefore: a transition may be recorded before the claim that it speaks of.
func TestPreviewOfWhatWasWithdrawnBefore(t *testing.T) {
	e := open(t, "")
	a := &record.Assertion{Subject: "s/x", Predicate: "p", Object: record.TextObject("C"), Confidence: 1, Lifecycle: record.Approved, Agent: "ann", Source: record.Sum(nil)}
	id, err := record.IDOf(a)
	if err != nil {
		t.Fatal(err)
	}
	for _, withdrawn := range []bool{false, true} {
		if withdrawn {
			if _, err := e.Write(t.Context(), &record.Transition{Assertion: id.Hash, To: record.Rejected, Agent: "ann"}); err != nil {
				t.Fatal(err)
			}
		}
		p, err := e.Preview(t.Context(), []record.Record{a})
		if err != nil {
			t.Fatal(err)
		}
		if got := len(p.Changes) == 0; got != withdrawn {
			t.Errorf("withdrawn %t: changes %+v", withdrawn, p.Changes)
		}
	}
}

// TestPreviewStops: an epoch of very many subjects is not followed without end, and the preview says so.
func TestPreviewStops(t *testing.T) {
	lines := []string{docA, `{"kind":"epoch","id":"e","name":"e","agent":"ops","timestamp":"2023-01-01T00:00:00Z"}`}
	for i := range 300 {
		lines = append(lines, fmt.Sprintf(`{"kind":"assertion","subject":"s/%d","predicate":"p","object":"A","confidence":0.9,"agent":"bot","timestamp":"2024-01-01T00:00:05Z","source":"@doc","epoch":"@e"}`, i))
	}
	e, ids := world(t, lines...)
	p, err := e.Preview(t.Context(), []record.Record{&record.Epoch{Name: "n", Agent: "ops", Supersedes: ids["@e"].Hash, Supersession: record.Invalidated}})
	if err != nil {
		t.Fatal(err)
	}
	if p.Complete || p.Questions != 256 || len(p.Changes) != 256 || !strings.Contains(p.Summary(), "stopped after 256 subjects") {
		t.Errorf("complete %t, %d questions, %d changes: %s", p.Complete, p.Questions, len(p.Changes), p.Summary())
	}
}

// TestPreviewStopsAtQuestions: very many questions about one thing are not all answered, and the preview says so.
func TestPreviewStopsAtQuestions(t *testing.T) {
	lines := []string{docA, claimA}
	for i := range 2_000 {
		lines = append(lines, fmt.Sprintf(`{"kind":"query","agent":"ann","subject":"s/x","predicate":"p","lens":"recency","lens_params":{"half_life":"%ds"},"timestamp":"2024-01-02T00:00:00Z"}`, i+1))
	}
	e, ids := world(t, lines...)
	p, err := e.Preview(t.Context(), []record.Record{&record.Transition{Assertion: ids["@a"].Hash, To: record.Rejected, Agent: "ann"}})
	if err != nil {
		t.Fatal(err)
	}
	if p.Complete || p.Questions != 2_000 || !strings.Contains(p.Summary(), "stopped after 2000 questions") {
		t.Errorf("complete %t, %d questions: %s", p.Complete, p.Questions, p.Summary())
	}
}

func TestPreviewSummary(t *testing.T) {
	tests := []struct {
		name    string
		preview ask.Preview
		want    string
	}{
		{"nothing would change", ask.Preview{Questions: 2, Complete: true}, "nothing would change · 2 questions looked at"},
		{"values and weights are told apart", ask.Preview{Questions: 3, Complete: true, Changes: []ask.Change{{Flips: true}, {}}},
			"3 questions looked at · 1 would be told another value · 1 the same with another confidence or share"},
		{"what was cut off is said", ask.Preview{Questions: 1, Notes: []string{"stopped"}}, "nothing would change · 1 question looked at · not all of it · stopped"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.preview.Summary(); got != tt.want {
				t.Errorf("Summary() = %q, want %q", got, tt.want)
			}
		})
	}
}
