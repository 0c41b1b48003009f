package replay_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"episteme/engine/record"
	"episteme/engine/replay"
	"episteme/engine/trace/ask"
	"episteme/fixtures"
)

// TestNothingOfTheFuture asks everything that can be asked, at several moments on the way forwards and back, and looks
// in the JSON of all answers for what arrives later: ids, short ids, timestamps, titles.
func TestNothingOfTheFuture(t *testing.T) {
	for _, f := range fixtures.All() {
		t.Run(f.Name, func(t *testing.T) {
			r := open(t, f.Name)
			first, last := r.Span()
			positions := []record.Time{first, first + (last-first)/3, first + (last-first)/4*3, last - 1, first + (last-first)/2}
			for _, e := range r.Entries() { // just before something that arrives late
				if e.Arrives != e.At {
					positions = append(positions, e.Arrives-1)
					break
				}
			}
			for _, at := range positions {
				set(t, r, at)
				future := futureOf(r, at)
				if len(future) == 0 {
					t.Fatalf("nothing arrives after %s: this shows nothing", at)
				}
				all := everything(t, r, at)
				t.Logf("%s: %d answers, %d things of the future", at, len(all), len(future))
				for question, answer := range all {
					for _, later := range future {
						if strings.Contains(answer, later) {
							t.Fatalf("at %s the answer to %s holds %q, which comes later:\n%.2000s", at, question, later, answer)
						}
					}
				}
			}
		})
	}
}

// TestTheFutureIsSeenWhenItIsThere keeps the test above honest: at the end the same questions do find the same things.
func TestTheFutureIsSeenWhenItIsThere(t *testing.T) {
	r := open(t, "auth-jwt")
	first, last := r.Span()
	future := futureOf(r, first)
	set(t, r, last)
	var b strings.Builder
	for _, answer := range everything(t, r, last) {
		b.WriteString(answer)
	}
	unseen := 0
	for _, later := range future {
		if !strings.Contains(b.String(), later) {
			unseen++
		}
	}
	if unseen*20 > len(future) { // a claim of a document that nothing else speaks of has no short id anywhere
		t.Errorf("%d of %d things are not in any answer at the end: looking for them proves little", unseen, len(future))
	}
}

// futureOf is what may not be seen at a moment: of all records that arrive later, and are not named before.
func futureOf(r *replay.Replay, at record.Time) []string {
	known := map[string]bool{}
	var out []string
	for _, e := range r.Entries() {
		texts := []string{e.ID.Hash.String(), e.ID.Hash.String()[:8], `"` + e.At.String() + `"`}
		if e.ID.Kind == record.KindEvent || e.ID.Kind == record.KindSource {
			_, title, _ := strings.Cut(e.Words, " ")
			if e.ID.Kind == record.KindSource {
				title = e.Words
			}
			quoted, _ := json.Marshal(title)
			texts = append(texts, string(quoted))
		}
		for _, s := range texts {
			if e.Arrives <= at {
				known[s] = true
			} else if !known[s] && (e.At > at || !strings.Contains(s, e.At.String())) {
				out = append(out, s)
			}
		}
	}
	return out
}

// everything asks all that can be asked at a moment: the answers as JSON, by their question.
func everything(t *testing.T, r *replay.Replay, at record.Time) map[string]string {
	t.Helper()
	ctx := t.Context()
	all := map[string]string{}
	note := func(question string, answer any, err error) {
		t.Helper()
		var cannot *ask.NotRecomputableError
		var absent *ask.NotFoundError
		if err != nil && !errors.As(err, &cannot) && !errors.As(err, &absent) {
			t.Fatalf("at %s: %s: %v", at, question, err)
		}
		b, jsonErr := json.Marshal(answer)
		if jsonErr != nil {
			t.Fatal(jsonErr)
		}
		all[question] = string(b)
		if err != nil {
			all[question] += err.Error()
		}
	}
	told, err := r.Audits(ctx, ask.AuditFilter{Buckets: 480})
	note("Audits", told, err)
	found, err := r.Findings(ctx, ask.AuditFilter{})
	note("Findings", found, err)
	events, err := r.Events(ctx, ask.Range{}, 0)
	note("Events", events, err)
	agents, err := r.Agents(ctx)
	note("Agents", agents, err)
	status, err := r.Status(ctx)
	note("Status", status, err)
	for _, words := range []string{"a", "e", "0", "agent:alice"} {
		hits, err := r.Find(ctx, ask.FindQuery{Text: words})
		note("Find "+words, hits, err)
	}
	beliefs, err := r.Beliefs(ctx, ask.BeliefsQuery{To: record.MaxTime})
	note("Beliefs", beliefs, err)
	everyRecord(r, at, func(e replay.Entry, held bool) {
		id := e.ID
		if !held {
			if _, err := r.Identify(ctx, id.String()[:10]); err == nil {
				t.Errorf("at %s %s is identified, which comes later", at, id)
			}
			if _, err := r.Record(ctx, id); err == nil {
				t.Errorf("at %s %s is read, which comes later", at, id)
			}
			return
		}
		rec, err := r.Record(ctx, id)
		note("Record "+e.Label, rec, err)
		chain, err := r.Provenance(ctx, id, ask.ProvenanceOptions{Level: func(nodes []ask.Node, edges []ask.Edge) {
			note(fmt.Sprintf("level of %s %v", e.Label, len(nodes)), []any{nodes, edges}, nil)
		}})
		note("Provenance "+e.Label, chain, err)
		impact, err := r.Impact(ctx, ask.Target{ID: id}, ask.ImpactOptions{})
		note("Impact "+e.Label, impact, err)
		if id.Kind == record.KindAudit {
			everyAnswer(r, e, told.Queries, note, t)
		}
	})
	return all
}

func everyAnswer(r *replay.Replay, e replay.Entry, told []ask.Audit, note func(string, any, error), t *testing.T) {
	v, err := r.Verdict(t.Context(), e.ID)
	if v.Now != nil && v.Now.At > r.At() {
		t.Errorf("NOW of %s is %s, later than the clock", e.Label, v.Now.At)
	}
	note("Verdict "+e.Label, v, err)
	w, err := r.WhatIf(t.Context(), e.ID, ask.WhatIfChange{})
	note("WhatIf "+e.Label, w, err)
	late := r.At() + record.Time(1000*time.Hour)
	w, err = r.WhatIf(t.Context(), e.ID, ask.WhatIfChange{AsOf: &late, Lens: "recency"})
	note("WhatIf later "+e.Label, w, err)
	b, err := r.Bisect(t.Context(), ask.BisectQuery{Subject: v.Audit.Subject, Predicate: v.Audit.Predicate, Value: "null"})
	note("Bisect "+e.Label, b, err)
	for _, other := range told {
		if other.Subject == v.Audit.Subject && other.Predicate == v.Audit.Predicate && other.ID != e.ID {
			d, err := r.Diff(t.Context(), other.ID, e.ID)
			note("Diff "+e.Label, d, err)
			return
		}
	}
}

// everyRecord visits each third record: all of them take a minute and show no more.
func everyRecord(r *replay.Replay, at record.Time, visit func(e replay.Entry, held bool)) {
	for i, e := range r.Entries() {
		if i%3 == 0 {
			visit(e, e.Arrives <= at)
		}
	}
}
