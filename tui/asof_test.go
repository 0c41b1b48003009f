package tui

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"episteme/engine"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
	"episteme/fixtures"
)

// Beliefs: the answer to the root's question turned at 22:10.
func (f *fake) Beliefs(ctx context.Context, q ask.BeliefsQuery) (ask.BeliefChanges, error) {
	if err := f.enter(ctx, "Beliefs"); err != nil {
		return ask.BeliefChanges{}, err
	}
	c := ask.BeliefChanges{Subject: q.Subject, From: q.From, To: q.To, Compared: 1}
	if q.To >= clockAt(22, 10, 0) {
		c.Changes = []ask.BeliefMoved{{Subject: "auth/jwt", Predicate: "signing_algorithm", To: ask.Result{Value: record.TextObject("RS256"), Confidence: .54, Share: 1}}}
	}
	return c, nil
}

func TestLinkAsOf(t *testing.T) {
	tests := []struct {
		name, link, want, err string
	}{
		{"none", "episteme://q/7f3a2b91", "", ""},
		{"an id as people type it", "q_7f3a2b91", "", ""},
		{"what follows an id is no part of a link", "q_7f3a2b91?as_of=yesterday", "", ""},
		{"a moment", "episteme://q/7f3a2b91?as_of=2024-01-15T21:03:47Z", "2024-01-15T21:03:47Z", ""},
		{"with an offset, escaped", "episteme://q/7f3a2b91?as_of=2024-01-15T22:03:47%2B01:00", "2024-01-15T21:03:47Z", ""},
		{"no moment", "episteme://q/7f3a2b91?as_of=yesterday", "", `found "yesterday"`},
		{"something else", "episteme://q/7f3a2b91?pin=4", "", `"pin" is not known`},
		{"no query at all", "episteme://q/7f3a2b91?%zz", "", "nobody understands"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			at, err := linkAsOf(tt.link)
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("error %v, want %q", err, tt.err)
			}
			got := ""
			if at != nil {
				got = at.String()
			}
			if got != tt.want {
				t.Errorf("linkAsOf(%q) = %q, want %q", tt.link, got, tt.want)
			}
		})
	}
}

// What a link's as_of shows: the world as it was then, and at every size that it is not now.
func TestLinkShowsTheWorldAsItWas(t *testing.T) {
	link := "episteme://q/" + rootQuery.Hash.String() + "?as_of="
	for _, size := range [][2]int{{120, 40}, {80, 24}, {60, 20}, {40, 12}} {
		name := fmt.Sprintf("as-it-was_%dx%d", size[0], size[1])
		t.Run(name, func(t *testing.T) {
			o := Options{Ask: investigated(), Link: link + "2024-01-15T21:04:30Z", Live: true, Title: "/var/lib/episteme"}
			inSessionOf(t, o, size[0], size[1], func(s *session) {
				s.wait(300 * time.Millisecond)
				s.shows("AS IT WAS", "21:04:30Z")
				s.hides("LIVE", "Rejected", "newest")
				compare(t, filepath.Join("testdata", name+".txt"), s.screen())
				s.keys("q")
				s.shows("AS IT WAS", "21:04:30Z")
				s.hides("21:06:18", "all received shown", "later than now", "login 5xx")
				s.wait(time.Minute)
				s.hides("LIVE")
			})
		})
	}
	inSessionOf(t, Options{Ask: investigated(), Link: link + "2024-01-15T22:19:00Z"}, 120, 40, func(s *session) {
		s.shows("→ ✗ Rejected", "✗ retracted")
		s.keys("i")
		s.shows("? still told: not known", "not known of a past moment", "WOULD HAVE FLIPPED")
		s.hides("0 still told", "nobody")
		s.keys("q")
		s.keys("y")
		s.shows("?as_of=2024-01-15T22:19:00Z") // what is copied shows the same
		s.keys("q", "q")
		s.toRoot()
		s.wait(time.Second)
		s.shows("20:30Z", "22:19Z", "BY THEN  RS256")
		s.hides("22:24:30")
	})
	inSessionOf(t, Options{Ask: investigated(), Link: link + "then"}, 120, 40, func(s *session) {
		s.shows("› contributions", "shown with all that is known now: as_of of the link: found", "Rejected")
		s.hides("AS IT WAS AT 2024")
	})
}

func TestPlainShowsTheWorldAsItWas(t *testing.T) {
	var b strings.Builder
	o := Options{Ask: investigated(), Title: "auth-jwt", Link: rootQuery.String() + "?as_of=2024-01-15T21:04:30Z", Now: func() time.Time { return ending }}
	if err := Plain(context.Background(), o, &b, 100); err == nil {
		t.Error("an id is no link: what follows a question mark is no part of it")
	}
	o.Link = "episteme://q/" + rootQuery.Hash.String() + "?as_of=2024-01-15T21:04:30Z"
	if err := Plain(context.Background(), o, &b, 100); err != nil {
		t.Fatal(err)
	}
	if out := b.String(); !strings.Contains(out, "AS IT WAS AT 2024-01-15 21:04:30Z") || strings.Contains(out, "Rejected") {
		t.Errorf("printed\n%s", out)
	}
}

// inMemory is the engine over a fixture.
func inMemory(t *testing.T, name string) (*engine.Engine, record.Time) {
	t.Helper()
	f, ok := fixtures.ByName(name)
	if !ok {
		t.Fatalf("no fixture %s", name)
	}
	var newest record.Time
	e, err := engine.Open(t.Context(), engine.Options{Now: func() time.Time { return newest.Std() }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	if _, err := e.Ingest(t.Context(), record.NewReader(bytes.NewReader(f.Events()), name, e), engine.IngestOptions{}); err != nil {
		t.Fatal(err)
	}
	s, err := e.Status(t.Context())
	if err != nil || s.Newest == nil {
		t.Fatalf("status %+v, %v", s, err)
	}
	newest = *s.Newest
	return e, newest
}

// As it was at the newest record is as it is now: of every query of an incident, the way round by what is believed
// otherwise gives what the engine itself says that is told now.
func TestAsItWasAtTheNewestIsNow(t *testing.T) {
	e, newest := inMemory(t, "auth-jwt")
	all, err := e.Audits(t.Context(), ask.AuditFilter{})
	if err != nil {
		t.Fatal(err)
	}
	known, unknown := 0, 0
	for _, q := range all.Queries {
		now, err := e.Verdict(t.Context(), q.ID)
		if err != nil {
			t.Fatal(err)
		}
		then, err := asOf{e, newest}.Verdict(t.Context(), q.ID)
		if err != nil {
			t.Fatal(err)
		}
		if then.Now == nil {
			unknown++
			continue
		}
		known++
		if then.Now.Result.Value != now.Now.Result.Value || then.Now.Changed != now.Now.Changed {
			t.Errorf("%s %s %s: as it was %v, now %v", q.ID.Short(), q.Subject, q.Predicate, then.Now.Result.Value, now.Now.Result.Value)
		}
	}
	if known < 100 || unknown > 20 {
		t.Errorf("of %d queries %d are known and %d are not", len(all.Queries), known, unknown)
	}
}

// Nothing that claims to be later than the moment is in any answer.
func TestAsItWasHoldsNothingLater(t *testing.T) {
	e, _ := inMemory(t, "auth-jwt")
	at := clockAt(21, 30, 0)
	past := asOf{e, at}
	page, err := past.Audits(t.Context(), ask.AuditFilter{})
	if err != nil || len(page.Queries) == 0 || page.Queries[0].Timestamp > at || page.AllReceivedShown {
		t.Fatalf("%d audits, the newest at %s, all received shown: %v; %v", len(page.Queries), page.Queries[0].Timestamp, page.AllReceivedShown, err)
	}
	events, err := past.Events(t.Context(), ask.Range{}, 0)
	if err != nil || len(events) == 0 || events[0].Timestamp > at {
		t.Errorf("%d events, the newest at %s; %v", len(events), events[0].Timestamp, err)
	}
	found, err := past.Findings(t.Context(), ask.AuditFilter{})
	if err != nil || len(found.Queries) == 0 {
		t.Fatalf("%d findings, %v", len(found.Queries), err)
	}
	for _, q := range found.Queries {
		for _, f := range q.Findings {
			if q.Timestamp > at || hindsight(f) {
				t.Errorf("%s at %s raises %s", q.ID.Short(), q.Timestamp, f.Code)
			}
		}
	}
	draft, err := e.Identify(t.Context(), "a_1f1c4f02")
	if err != nil {
		t.Fatal(err)
	}
	now, err := e.Impact(t.Context(), ask.Target{ID: draft}, ask.ImpactOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ahead, err := past.Impact(t.Context(), ask.Target{ID: draft}, ask.ImpactOptions{})
	if err != nil || len(ahead.Queries) == 0 || len(ahead.Queries) >= len(now.Queries) || ahead.Total != len(ahead.Queries) || ahead.Complete || len(ahead.Events) == 0 || len(ahead.Events) >= len(now.Events) {
		t.Errorf("ahead are %d of %d queries and %d events, complete: %v; now %d and %d; %v",
			len(ahead.Queries), ahead.Total, len(ahead.Events), ahead.Complete, len(now.Queries), len(now.Events), err)
	}
	for _, q := range ahead.Queries {
		if q.Timestamp > at || q.StillTold != nil || q.Flips == nil {
			t.Errorf("ahead is %+v", q)
		}
	}
	for _, q := range page.Queries[:20] {
		v, err := past.Verdict(t.Context(), q.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range append(append(v.Because, v.Against...), v.NotAdmitted...) {
			for _, s := range w.Life {
				if s.At > at {
					t.Errorf("%s: %s lives on at %s", q.ID.Short(), w.Assertion.Short(), s.At)
				}
			}
		}
		p, err := past.Provenance(t.Context(), q.ID, ask.ProvenanceOptions{Level: func(nodes []ask.Node, _ []ask.Edge) {
			for _, n := range nodes {
				if n.Timestamp != nil && *n.Timestamp > at {
					t.Errorf("a level holds %s at %s", n.ID.Short(), *n.Timestamp)
				}
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range p.Nodes {
			if n.Timestamp != nil && *n.Timestamp > at {
				t.Errorf("the chain holds %s at %s", n.ID.Short(), *n.Timestamp)
			}
		}
	}
}
