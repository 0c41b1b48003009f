package tui

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"episteme/engine"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
	"episteme/views"
)

// investigationScenes are the screens of an investigation in all their states.
func investigationScenes() []scene {
	wait := func(method string) func() *fake {
		return func() *fake {
			f := investigated()
			f.before = func(ctx context.Context, m string) error {
				if m == method {
					<-ctx.Done()
					return ctx.Err()
				}
				return nil
			}
			return f
		}
	}
	fail := func(method string) func() *fake {
		return func() *fake {
			f := investigated()
			f.before = func(_ context.Context, m string) error {
				if m == method {
					return errors.New("read /var/ep/kv/000012.vlog at byte 8192: checksum 1b2c, stored 9f00;\nrecords before it are intact: episteme doctor says how to keep them")
				}
				return nil
			}
			return f
		}
	}
	with := func(change func(*fake)) func() *fake {
		return func() *fake { f := investigated(); change(f); return f }
	}
	keys := func(names ...string) func(*session) {
		return func(s *session) { s.toRoot(); s.keys(names...); s.wait(400 * time.Millisecond) }
	}
	stale := func(f *fake) { // from the second of its questions on it does not answer
		n := 0
		f.before = func(ctx context.Context, m string) error {
			if m == "Impact" || m == "WhatIf" || m == "Findings" {
				if n++; n > 1 {
					<-ctx.Done()
					return ctx.Err()
				}
			}
			return nil
		}
	}
	before := with(func(f *fake) { withBefore(f) })
	return []scene{
		{"impact", investigated, keys("i")},
		{"impact-wider", investigated, keys("i", "i", "j", "j", "j", "j")},
		{"impact-stale", with(stale), keys("i", "i")},
		{"impact-loading", wait("Impact"), func(s *session) { keys("i")(s); s.wait(6 * time.Second) }},
		{"impact-stopped", wait("Impact"), func(s *session) { keys("i")(s); s.keys("esc", "j") }},
		{"impact-failed", fail("Impact"), keys("i")},
		{"impact-nobody", incident, keys("i")},
		{"impact-partial", with(func(f *fake) {
			i := f.probe.impacts[es256.String()]
			i.Complete, i.Total, i.More = false, 12_345, "only the newest 10,000 queries were recomputed"
			f.probe.impacts[es256.String()] = i
		}), keys("i")},
		{"what-if", investigated, keys("x")},
		{"what-if-without", investigated, keys("x", "enter")},
		{"what-if-nothing-left", investigated, keys("x", "enter", "j", "enter")},
		{"what-if-changes", investigated, keys("x", "enter", "j", "enter", "j", "enter", "j", "enter", "j", "enter")},
		{"what-if-stale", with(stale), keys("x", "enter")},
		{"what-if-loading", wait("Verdict"), keys("x")},
		{"what-if-failed", fail("WhatIf"), keys("x")},
		{"what-if-differs", with(func(f *fake) {
			f.probe.whatIf = func(ask.WhatIfChange) (ask.WhatIf, error) {
				return ask.WhatIf{Query: rootQuery, Recorded: rootVerdict().Audit.Result, Searched: "nothing"}, nil
			}
		}), keys("x", "enter")},
		{"what-if-imported", with(func(f *fake) {
			f.probe.whatIf = func(ask.WhatIfChange) (ask.WhatIf, error) {
				return ask.WhatIf{}, &ask.NotRecomputableError{ID: rootQuery, State: ask.Imported}
			}
		}), keys("x", "enter")},
		{"diff", before, keys("d")},
		{"diff-picked", before, keys("v", "g", "d")},
		{"diff-none", investigated, keys("d")},
		{"diff-loading", wait("Diff"), func(s *session) { s.keys("g", "v", "j", "d"); s.wait(400 * time.Millisecond) }},
		{"diff-failed", fail("Diff"), keys("v", "g", "d")},
		{"findings", investigated, keys("f")},
		{"findings-all", with(func(f *fake) { f.probe.found.Searched = &ask.Searched{Done: 61, Of: 61} }), keys("f", "f", "j", "j")},
		{"findings-stale", with(stale), keys("f", "f")},
		{"findings-none", with(func(f *fake) { f.probe.found = ask.Trace{Searched: &ask.Searched{Done: 61, Of: 61}} }), keys("f")},
		{"findings-loading", wait("Findings"), keys("f")},
		{"findings-failed", fail("Findings"), keys("f")},
		{"contributions-beside", investigated, keys("enter")},
		{"contributions-beside-failed", fail("Provenance"), keys("enter", "j")},
		{"messages", fail("Impact"), func(s *session) { keys("i", "q", "[", "v", "v")(s); s.keys("M") }},
		{"messages-none", investigated, keys("M")},
		{"hostile-impact", hostileInvestigation, keys("i")},
		{"hostile-what-if", hostileInvestigation, func(s *session) { s.keys("x"); s.wait(time.Second); s.keys("enter") }},
		{"hostile-diff", hostileInvestigation, func(s *session) { s.keys("v", "[", "d"); s.keys("]", "d") }},
		{"hostile-findings", hostileInvestigation, keys("f")},
	}
}

// hostileInvestigation is the hostile incident with an investigation whose every text is nasty.
func hostileInvestigation() *fake {
	f := hostile()
	long := record.TextObject(nasty + strings.Repeat("界\u0301x", 4000))
	i := reachedFrom(ask.Target{ID: es256}, 6)
	for n := range i.Queries {
		q := &i.Queries[n]
		q.Agent, q.Subject, q.Predicate, q.Value, q.Without = nasty, nasty, nasty, long, long
	}
	i.Agents, i.Complete, i.More = []string{nasty}, false, nasty
	f.probe.impacts = map[string]ask.Impact{es256.String(): i}
	f.chains[es256] = ask.Provenance{Root: es256, Nodes: []ask.Node{{ID: es256, Kind: "assertion", Title: nasty + nasty, Agent: nasty, Timestamp: &i.Queries[0].Timestamp},
		{ID: rfcSource, Kind: "source", Title: nasty}}, Edges: []ask.Edge{{From: es256, To: rfcSource, Type: ask.EvidenceOf}}}
	f.records[deploy41] = ask.Record{ID: deploy41, LSN: 205, Check: ask.Verified, Record: &record.Event{
		Type: record.Deploy, Timestamp: clockAt(21, 4, 10), Agent: nasty, Title: nasty, Subject: nasty, BasedOn: []record.ID{rootQuery}}}
	f.probe.whatIf = func(c ask.WhatIfChange) (ask.WhatIf, error) {
		w, err := whatIfOfRoot(c)
		w.Recorded.Value, w.Recomputed.Value, w.Searched = long, long, nasty
		w.Contributions = slices.Clone(w.Contributions)
		for n := range w.Contributions {
			name := nasty
			w.Contributions[n].Value, w.Contributions[n].Source = long, &name
		}
		return w, err
	}
	f.probe.diff = func(l, r record.ID) ask.Difference {
		d := differenceOf(f, l, r)
		d.Left.Agent, d.Right.Agent, d.Left.Subject, d.Right.Predicate, d.Left.Lens = nasty, nasty, nasty, nasty, nasty
		d.Unknown = nasty
		for n := range d.Moves {
			d.Moves[n].Title, d.Moves[n].Agent, d.Moves[n].From.Value, d.Moves[n].To.Value = nasty, nasty, long, long
		}
		return d
	}
	for range 3 {
		f.probe.found.Queries = append(f.probe.found.Queries, f.audits[0])
	}
	f.probe.found.Total = 3
	return f
}

// TestInvestigationWide shows the screens of an investigation on a wall.
func TestInvestigationWide(t *testing.T) {
	for _, sc := range investigationScenes() {
		name := sc.name + "_200x60"
		t.Run(name, func(t *testing.T) {
			inSession(t, sc.in(), 200, 60, func(s *session) {
				sc.to(s)
				compare(t, filepath.Join("testdata", name+".txt"), s.screen())
			})
		})
	}
}

// The lenses that a what-if offers are those that there are, in the same order.
func TestLensesOfferedAreThoseThereAre(t *testing.T) {
	if !slices.Equal(views.Lenses(), engine.Lenses()) {
		t.Errorf("offered %v, there are %v", views.Lenses(), engine.Lenses())
	}
}

func TestImpactFollowsWhatDecided(t *testing.T) {
	f := investigated()
	inSession(t, f, 120, 40, func(s *session) {
		s.toRoot()
		s.keys("i")
		s.shows("› impact", "withdrawn since; it contributed to "+rootQuery.Short(), "1 still told", "STILL TOLD", "WOULD HAVE FLIPPED", "TOLD, ANSWER WOULD NOT CHANGE",
			"TOLD, NOT KNOWN", "deploy auth-service config 41", "searched 4 of 4 queries", "complete")
		s.keys("i")
		s.shows("▶ all of security-rfc-2024.md", "searched 9 of 9 queries")
		s.keys("i")
		s.shows("▶ everything rfc-bot wrote", "searched 30 of 30 queries")
		s.keys("i")
		s.shows("▶ this assertion", "searched 4 of 4 queries")
		s.keys("enter")
		s.shows("› contributions", "AGAINST")
	})
	want := []string{"impact " + es256.Short(), "impact " + rfcSource.Short(), "impact agent:rfc-bot", "impact " + es256.Short()}
	if !slices.Equal(f.probe.asked, want) {
		t.Errorf("asked %q, want %q", f.probe.asked, want)
	}
	inSession(t, investigated(), 120, 40, func(s *session) { // from the drill-down: of the assertion under the cursor
		s.toRoot()
		s.keys("enter", "j", "i")
		s.shows("› impact", "ahead of "+rs256.Short(), "nobody was told anything because of it")
	})
	inSession(t, investigated(), 120, 40, func(s *session) { // an event opens with the queries it was based on
		s.toRoot()
		s.keys("i", "G", "enter")
		s.shows("› event", "BASED ON", rootQuery.Short())
	})
}

func TestWhatIfKeepsTheRecordedAnswerOnTheScreen(t *testing.T) {
	f := investigated()
	inSession(t, f, 80, 24, func(s *session) {
		s.toRoot()
		s.keys("x")
		s.shows("› what if", "ES256", "Asked again with nothing changed it says the same", "the recorded answer rests on "+es256.Short())
		s.keys("enter")
		s.shows("[x] ES256", "Without "+es256.Short()+" it would have said RS256: another answer", "≠ TOLD       ES256", "✓ reproduced", "+0.54")
		s.keys("j", "enter")
		s.shows("it would have said no answer", "≠ TOLD       ES256", "nothing would have contributed")
		s.keys("x")
		s.shows("Asked again with nothing changed")
		s.hides("[x]")
		s.runes("Gkkkkkk")
		s.keys("enter")
		s.shows("it would have said RS256", "If only Approved counted")
	})
	for _, asked := range f.probe.asked {
		if strings.Contains(asked, "should") {
			t.Errorf("asked %q", asked)
		}
	}
	inSession(t, investigated(), 120, 40, func(s *session) { // from the drill-down the cursor is on the assertion it was on
		s.toRoot()
		s.keys("enter", "j", "x")
		if at := s.cursor(); !strings.Contains(at, "RS256") {
			t.Errorf("the cursor stands on %q", at)
		}
		s.runes("jjj") // the lenses: another one is asked for, the same one is as recorded
		s.keys("enter")
		s.shows("Under consensus it would have said")
		s.keys("j", "enter")
		s.shows("with nothing changed")
	})
}

// What does not reproduce is said, and nothing can be built on it.
func TestWhatIfOfWhatDoesNotReproduce(t *testing.T) {
	f := investigated()
	f.probe.whatIf = func(ask.WhatIfChange) (ask.WhatIf, error) {
		return ask.WhatIf{Query: rootQuery, Recorded: rootVerdict().Audit.Result}, nil
	}
	inSession(t, f, 80, 24, func(s *session) {
		s.toRoot()
		s.keys("x")
		s.shows("something else than was recorded: run", "ES256", "does not reproduce")
		n := len(f.probe.asked)
		s.keys("enter")
		s.shows("nothing that follows from it could be trusted")
		if len(f.probe.asked) != n {
			t.Error("it asked what follows")
		}
	})
}

func TestDiffAgainstThePickedAnswerOrTheOneBefore(t *testing.T) {
	f, before := withBefore(investigated())
	inSession(t, f, 120, 40, func(s *session) {
		s.toRoot()
		s.keys("d")
		s.shows("› diff", "the answer to the same question before", before.Short(), rootQuery.Short(), "WHAT MOVED IT", "ES256 → RS256", "without", "≠ they say different things")
		s.keys("enter")
		s.shows("› provenance")
		s.keys("q", "q", "v")
		s.shows(rootQuery.Short()+" is picked", "picked "+rootQuery.Short())
		s.keys("d") // the picked one against itself is the one before
		s.shows("the answer to the same question before")
		s.keys("q", "g", "d")
		s.shows("different things")
	})
	want := []string{"diff " + before.Short() + " " + rootQuery.Short(), "diff " + before.Short() + " " + rootQuery.Short()}
	if got := f.probe.asked[:2]; !slices.Equal(got, want) {
		t.Errorf("asked %q, want %q", got, want)
	}
	inSession(t, investigated(), 120, 40, func(s *session) {
		s.toRoot()
		s.keys("d")
		s.shows("Nobody had asked this before.")
		s.keys("q", "v", "v")
		s.shows("is put back")
		s.keys("]", "v")
		s.shows("Only answers are compared")
		s.keys("d")
		s.shows("Only answers are compared", "› timeline")
		s.keys("x")
		s.shows("What if is asked of a query")
	})
}

func TestFindingsSayHowFarTheySearched(t *testing.T) {
	f := investigated()
	inSession(t, f, 120, 40, func(s *session) {
		s.keys("f")
		s.shows("› findings", "✗ retracted  1  It rested on a claim withdrawn since", "searched 40 of 61", "2024-01-15 20:30Z … 22:32Z")
		if at := s.cursor(); !strings.Contains(at, "ES256") {
			t.Errorf("the cursor stands on %q, want the worst", at)
		}
		s.shows(es256.Short()) // the record that says so
		s.keys("r")
		s.keys("f")
		s.shows("all that is recorded")
		s.keys("enter")
		s.shows("› contributions", "ES256")
	})
	want := []string{"findings for 2s, a window: true", "findings for 8s, a window: true", "findings for 8s, a window: false"}
	if !slices.Equal(f.probe.asked, want) {
		t.Errorf("asked %q, want %q", f.probe.asked, want)
	}
}

// From 160 columns on the chain behind the selected assertion stands beside the drill-down, down to the document.
func TestProvenanceStandsBesideTheDrillDown(t *testing.T) {
	inSession(t, investigated(), 160, 40, func(s *session) {
		s.toRoot()
		s.keys("enter")
		s.wait(time.Second)
		s.shows("› contributions", "BECAUSE", "│", "PROVENANCE  behind "+es256.Short(), "security-rfc-2024.md", "Status: DRAFT", "✓ hash of these bytes = recorded hash", "3 verified")
		s.keys("j")
		s.wait(time.Second)
		s.shows("PROVENANCE  behind "+rs256.Short(), "1 verified")
		s.hides("Status: DRAFT")
		s.keys("p")
		s.shows("› provenance")
		s.keys("q")
		s.m.cols = 159
		s.m.look()
		s.hides("PROVENANCE")
	})
	f, asked := investigated(), 0
	f.before = func(_ context.Context, m string) error {
		if m == "Provenance" {
			if asked++; asked == 1 {
				return errors.New("the disk is gone")
			}
		}
		return nil
	}
	inSession(t, f, 200, 60, func(s *session) {
		s.toRoot()
		s.keys("enter")
		s.wait(time.Second)
		s.shows("✗ the disk is gone", "r tries again")
		s.keys("r")
		s.wait(time.Second)
		s.shows("Status: DRAFT")
		s.keys("j", "k", "j", "k")
		s.wait(time.Second)
		if asked != 2 {
			t.Errorf("the chain was asked for %d times, want 2: a cursor that comes back asks nothing", asked)
		}
	})
}

// What was said and scrolled away, and an error in full, can be read again.
func TestMessagesAreKept(t *testing.T) {
	f := investigated()
	f.before = func(_ context.Context, m string) error {
		if m == "Impact" {
			return errors.New("first line\nsecond line: what to do now")
		}
		return nil
	}
	inSession(t, f, 80, 24, func(s *session) {
		s.toRoot()
		s.keys("i", "q", "]", "v", "v", "M")
		s.shows("› messages", "following who was told it: first line", "second line: what to do now", "Only answers are compared", "said 2 times", "2 messages")
		s.keys("M")
		s.hides("› messages")
		for i := range 2_000 {
			s.m.say(0, fmt.Sprint("message ", i))
		}
		s.keys("M")
		s.shows("500 messages", "message 1999")
	})
}

// Every screen of the investigation can be stopped, keeps what it has, and is tried again by a key.
func TestInvestigationsStop(t *testing.T) {
	tests := []struct{ method, key, again string }{
		{"Impact", "i", "STILL TOLD"}, {"WhatIf", "x", "with nothing changed"}, {"Findings", "f", "retracted"}, {"Diff", "d", "WHAT MOVED IT"},
	}
	for _, tt := range tests {
		t.Run(tt.method, func(t *testing.T) {
			f, _ := withBefore(investigated())
			hang := true
			f.before = func(ctx context.Context, m string) error {
				if m == tt.method && hang {
					<-ctx.Done()
					return ctx.Err()
				}
				return nil
			}
			inSession(t, f, 80, 24, func(s *session) {
				s.toRoot()
				s.keys(tt.key)
				s.wait(8 * time.Second)
				s.shows("esc stops it")
				s.keys("esc")
				s.shows("Stopped.")
				hang = false
				s.keys("r")
				s.wait(200 * time.Millisecond)
				s.shows(tt.again)
			})
		})
	}
}

// Nothing of the data's own reaches the terminal from these screens, at any size.
func TestHostileInvestigation(t *testing.T) {
	for _, keys := range [][]string{{"i"}, {"i", "i"}, {"i", "G", "enter"}, {"x", "enter"}, {"v", "[", "d"}, {"f"}, {"f", "enter"}, {"i", "q", "M"}} {
		t.Run(strings.Join(keys, " "), func(t *testing.T) {
			inSession(t, hostileInvestigation(), 80, 24, func(s *session) {
				s.wait(time.Second)
				s.keys(keys...)
				s.wait(time.Second)
				for _, size := range [][2]int{{40, 10}, {60, 20}, {80, 24}, {120, 40}, {160, 40}, {200, 60}} {
					s.m.cols, s.m.rows = size[0], size[1]
					s.m.look()
					s.wait(200 * time.Millisecond)
					checkFrame(t, s.m.lines(), size[0], size[1])
					checkClean(t, s.m.View())
				}
			})
		})
	}
}

// An answer that comes while another chain is looked at is kept for its own.
func TestChainsBesideAreNotMixedUp(t *testing.T) {
	f, asked := investigated(), 0
	f.before = func(_ context.Context, m string) error {
		if m == "Provenance" {
			if asked++; asked == 2 {
				time.Sleep(3 * time.Second) // of the second assertion; deaf to its context
			}
		}
		return nil
	}
	inSession(t, f, 160, 40, func(s *session) {
		s.toRoot()
		s.keys("enter")
		s.wait(time.Second)
		s.keys("j")
		s.wait(time.Second)
		s.shows("behind "+rs256.Short(), "following the chain")
		s.keys("k")
		s.wait(5 * time.Second)
		s.shows("behind "+es256.Short(), "3 verified", "security-rfc-2024.md")
		s.hides("following the chain")
		s.keys("j")
		s.wait(time.Second)
		s.shows("behind "+rs256.Short(), "1 verified")
		if asked != 2 {
			t.Errorf("%d chains were asked for, want 2", asked)
		}
	})
}
