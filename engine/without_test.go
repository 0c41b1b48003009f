package engine_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"episteme/engine"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// past and present of a random world, for the checks against a naive engine.
type random struct {
	*rand.Rand
	records    []record.Record
	ids        []record.ID
	assertions []record.Hash
	digests    []record.Hash
	epochs     []record.Hash
}

// grow adds a record at random. Few agents, objects, digests and times, so that ties and repetitions are common; some
// parents and epochs are not held.
func (w *random) grow() {
	pick := func(list []record.Hash) record.Hash {
		if len(list) == 0 || w.IntN(12) == 0 {
			return record.Hash{byte(1 + w.IntN(3)), 0xDA} // dangling
		}
		return list[w.IntN(len(list))]
	}
	agent := []string{"ann", "bob", "cem", "dee"}[w.IntN(4)]
	at := record.Time(1 + w.IntN(20))
	var r record.Record
	switch n := w.IntN(20); {
	case n < 3:
		r = &record.Source{Name: fmt.Sprint("n", w.IntN(9)), Digest: w.digests[w.IntN(len(w.digests))], Authority: float32(w.IntN(5)) / 4, Agent: agent, Timestamp: at}
	case n < 5:
		e := &record.Epoch{Name: fmt.Sprint("e", w.IntN(9)), Agent: agent, Timestamp: at}
		if len(w.epochs) > 0 && w.IntN(3) > 0 {
			e.Supersedes, e.Supersession = pick(w.epochs), record.Supersession(1+w.IntN(3))
		}
		r = e
	case n < 9 && len(w.assertions) > 0:
		r = &record.Vote{Assertion: pick(w.assertions), Agent: agent, Weight: float32(w.IntN(9)-4) / 4, Timestamp: at}
	case n < 11 && len(w.assertions) > 0:
		r = &record.Transition{Assertion: pick(w.assertions), To: record.Stage(1 + w.IntN(5)), Agent: agent, Timestamp: at}
	default:
		a := &record.Assertion{
			Subject: []string{"s/x", "s/y"}[w.IntN(2)], Predicate: "p", Object: record.TextObject([]string{"A", "B", "C"}[w.IntN(3)]),
			Confidence: float32(w.IntN(5)) / 4, Lifecycle: record.Stage(1 + w.IntN(3)), Agent: agent, Timestamp: at, Source: w.digests[w.IntN(len(w.digests))],
		}
		for range w.IntN(3) {
			a.Parents = append(a.Parents, record.ID{Kind: record.KindAssertion, Hash: pick(w.assertions)})
		}
		if w.IntN(2) == 0 {
			a.Epoch = pick(w.epochs)
		}
		r = a
	}
	id, err := record.IDOf(r)
	if err != nil {
		panic(err)
	}
	w.records, w.ids = append(w.records, r), append(w.ids, id)
	switch id.Kind {
	case record.KindAssertion:
		w.assertions = append(w.assertions, id.Hash)
	case record.KindEpoch:
		w.epochs = append(w.epochs, id.Hash)
	}
}

// naiveGone is what leaving a target out takes along, by looking at every record again until nothing more goes.
func naiveGone(w *random, target ask.Target) map[record.ID]bool {
	gone := map[record.ID]bool{}
	for changed := true; changed; {
		changed = false
		for i, r := range w.records {
			if id := w.ids[i]; !gone[id] && naivelyGoes(w, target, gone, id, r) {
				gone[id], changed = true, true
			}
		}
	}
	return gone
}

func naivelyGoes(w *random, target ask.Target, gone map[record.ID]bool, id record.ID, r record.Record) bool {
	var agent string
	var digest record.Hash
	switch x := r.(type) {
	case *record.Source:
		agent, digest = x.Agent, x.Digest
	case *record.Assertion:
		agent, digest = x.Agent, x.Source
		epoch := record.ID{Kind: record.KindEpoch, Hash: x.Epoch}
		if !x.Epoch.IsZero() && (gone[epoch] || target.ID == epoch) {
			return true
		}
		for _, p := range x.Parents {
			if gone[p] || target.ID == p {
				return true
			}
		}
	case *record.Vote:
		agent = x.Agent
	case *record.Epoch:
		agent = x.Agent
	case *record.Transition:
		agent = x.Agent
	}
	if target.ID == id || target.ID.IsZero() && target.Agent == agent {
		return true
	}
	for i, other := range w.records {
		if s, ok := other.(*record.Source); ok && !digest.IsZero() && s.Digest == digest && gone[w.ids[i]] {
			return true
		}
	}
	return !digest.IsZero() && target.ID == record.ID{Kind: record.KindEvidence, Hash: digest}
}

// answered builds an engine of the records that are not gone and asks.
func answered(t *testing.T, records []record.Record, ids []record.ID, gone map[record.ID]bool, q record.Query) ask.Audit {
	t.Helper()
	e, err := engine.Open(t.Context(), engine.Options{Now: past})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	var left []record.Record
	for i, r := range records {
		if !gone[ids[i]] {
			left = append(left, r)
		}
	}
	feed(t, e, left)
	a, err := e.Ask(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func feed(t *testing.T, e *engine.Engine, records []record.Record) {
	t.Helper()
	if len(records) == 0 {
		return
	}
	lsn, err := e.Append(t.Context(), records...)
	if err == nil {
		err = e.Wait(t.Context(), lsn)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// randomWorld is some records, then a few questions, then more records.
func randomWorld(t *testing.T, seed uint64) (w *random, e *engine.Engine, asked []ask.Audit, queries []record.Query, before int) {
	t.Helper()
	w = &random{Rand: rand.New(rand.NewPCG(seed, 1)), digests: []record.Hash{{1}, {2}, {3}}}
	for range 5 + w.IntN(30) {
		w.grow()
	}
	before = len(w.records)
	e = open(t, "")
	feed(t, e, w.records)
	lenses := []string{"consensus", "authority", "recency", "skeptic"}
	for i := range 6 {
		q := record.Query{
			Agent: fmt.Sprint("asker", i), Subject: []string{"s/x", "s/y"}[w.IntN(2)], Predicate: "p", Lens: lenses[w.IntN(4)],
			Timestamp: record.Time(100 + i), AsOf: record.Time(5 + w.IntN(20)),
		}
		if w.IntN(4) == 0 {
			q.LifecycleFilter = record.Stage(1 + w.IntN(3))
		}
		a, err := e.Ask(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		asked, queries = append(asked, a), append(queries, q)
	}
	for range w.IntN(15) {
		w.grow()
	}
	feed(t, e, w.records[before:])
	return w, e, asked, queries, before
}

// target is something to be left out.
func (w *random) target() ask.Target {
	switch w.IntN(5) {
	case 0:
		return ask.Target{Agent: []string{"ann", "bob", "cem", "dee"}[w.IntN(4)]}
	case 1:
		return ask.Target{ID: record.ID{Kind: record.KindEvidence, Hash: w.digests[w.IntN(len(w.digests))]}}
	}
	return ask.Target{ID: w.ids[w.IntN(len(w.ids))]}
}

// naiveFlip is the smallest flip by asking an engine for each contribution and each pair.
func naiveFlip(t *testing.T, w *random, before int, q record.Query, a ask.Audit) []record.ID {
	t.Helper()
	flips := func(out ...record.ID) bool {
		gone := map[record.ID]bool{}
		for _, id := range out {
			maps.Copy(gone, naiveGone(w, ask.Target{ID: id}))
		}
		return answered(t, w.records[:before], w.ids[:before], gone, q).Result.Value != a.Result.Value
	}
	for _, c := range a.Contributions {
		if flips(c.Assertion) {
			return []record.ID{c.Assertion}
		}
	}
	for i, c := range a.Contributions {
		for _, d := range a.Contributions[i+1:] {
			if flips(c.Assertion, d.Assertion) {
				return []record.ID{c.Assertion, d.Assertion}
			}
		}
	}
	return nil
}

// TestSmallestFlipAgainstEnginesWithout: no smaller set, and no heavier one of the same size, turns the answer.
func TestSmallestFlipAgainstEnginesWithout(t *testing.T) {
	pairs := 0
	for seed := range uint64(60) {
		w, e, asked, queries, before := randomWorld(t, 2000+seed)
		for i, a := range asked {
			got, err := e.WhatIf(t.Context(), a.ID, ask.WhatIfChange{})
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			want := naiveFlip(t, w, before, queries[i], a)
			if !slices.Equal(got.SmallestFlip, want) {
				t.Errorf("seed %d, query %d: smallest flip %v, want %v", seed, i, got.SmallestFlip, want)
			}
			if len(want) == 2 {
				pairs++
			}
		}
	}
	if pairs == 0 {
		t.Error("no answer needed two: too few to prove anything")
	}
}

// shares is what two answers must have in common to be the same.
func shares(value record.Object, confidence, share float32, list []ask.Contribution) string {
	s := fmt.Sprintf("%v %v %v", value, confidence, share)
	for _, c := range list {
		s += fmt.Sprintf(" %s:%v:%s", c.Assertion.Short(), c.Weight, c.Lifecycle)
	}
	return s
}

// TestWhatIfAgainstAnEngineWithout: leaving something out gives what an engine says that never had it, down to the
// weights, whatever arrived after the question.
func TestWhatIfAgainstAnEngineWithout(t *testing.T) {
	flips := 0
	for seed := range uint64(120) {
		w, e, asked, queries, before := randomWorld(t, seed)
		for i, a := range asked {
			target := w.target()
			got, err := e.WhatIf(t.Context(), a.ID, ask.WhatIfChange{Without: []ask.Target{target}})
			var absent *ask.NotFoundError
			if errors.As(err, &absent) && len(naiveGone(w, target)) == 0 {
				continue // a document that nobody rests on, somebody who wrote nothing
			}
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			if !got.Reproduced {
				t.Fatalf("seed %d: query %d does not reproduce", seed, i)
			}
			gone := naiveGone(w, target)
			want := answered(t, w.records[:before], w.ids[:before], gone, queries[i])
			for _, id := range got.LeftOut {
				if n := slices.Index(w.ids, id); !gone[id] || n >= before {
					t.Errorf("seed %d, query %d, without %s: %s counted as left out; goes %t, record %d of the %d seen", seed, i, target.Short(), id.Short(), gone[id], n, before)
				}
			}
			gotText := shares(got.Recomputed.Value, got.Recomputed.Confidence, got.Recomputed.Share, got.Contributions)
			if wantText := shares(want.Result.Value, want.Result.Confidence, want.Result.Share, want.Contributions); gotText != wantText {
				t.Errorf("seed %d, query %d, without %s:\n got %s\nwant %s", seed, i, target.Short(), gotText, wantText)
			}
			if *got.Flips != (want.Result.Value != a.Result.Value) {
				t.Errorf("seed %d, query %d, without %s: flips %t; told %s, without it %s", seed, i, target.Short(), *got.Flips, a.Result.Value, want.Result.Value)
			}
			if *got.Flips {
				flips++
			}
		}
	}
	if flips < 50 {
		t.Errorf("%d of 720 answers flipped: too few to prove anything", flips)
	}
}
