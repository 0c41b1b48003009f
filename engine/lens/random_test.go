package lens

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"episteme/engine/record"

	"github.com/google/go-cmp/cmp"
)

// resolver is the code under test, or a planted defect around it.
type resolver func(h History, q question) string

func resolve(h History, q question) string {
	l, _ := ByName(q.lens)
	candidates, _ := Admit(h, q.cut)
	return answerText(candidates, Resolve(l, Params{HalfLife: time.Duration(q.halfLife)}, candidates))
}

// asCaller does what callers owe to Exclusions: assertions derived from an absent one, and epochs of absent agents.
func asCaller(all []entry, q question) question {
	gone := absent(all, q.cut.Exclude)
	records := map[record.ID]bool{}
	maps.Copy(records, q.cut.Exclude.Records)
	for i, e := range all {
		owed := e.kind == record.KindEpoch
		for _, p := range e.parents {
			for j, parent := range all {
				owed = owed || gone[j] && parent.hash == p
			}
		}
		if gone[i] && owed {
			records[e.id()] = true
		}
	}
	q.cut.Exclude.Records = records
	return q
}

// differs is the difference between the two implementations, "" for none.
func differs(r resolver, all []entry, q question) string {
	return cmp.Diff(naiveAnswer(all, q), r(historyOf(all), asCaller(all, q)))
}

// randomHistory draws from small sets, so that ties, repetitions and references that hit are common. Hashes are
// random, LSNs are a permutation, both independent of time.
func randomHistory(random *rand.Rand, records int) []entry {
	pick := func(of ...float32) float32 { return of[random.IntN(len(of))] }
	lsns := random.Perm(records)
	all := make([]entry, records)
	var assertions, epochs []record.Hash
	some := func(from []record.Hash) (h record.Hash) {
		if len(from) > 0 {
			h = from[random.IntN(len(from))]
		}
		return h
	}
	for i := range all {
		e := &all[i]
		for j := range e.hash {
			e.hash[j] = byte(random.Uint32())
		}
		e.lsn = record.LSN(lsns[i] + 1)
		e.time = record.Time(random.IntN(6)) * hour
		e.agent = []string{"a", "b", "c", "B"}[random.IntN(4)]
		digest := record.Hash{0xd0 + byte(random.IntN(3))}
		switch random.IntN(10) {
		case 0:
			e.kind, e.of = record.KindTransition, some(assertions)
			e.stage = record.Stages()[random.IntN(6)]
		case 1, 2:
			e.kind, e.of = record.KindVote, some(assertions)
			e.weight = pick(-1, -0.5, -0.1, 0, 0.3, 0.7, 1)
		case 3:
			e.kind, e.epoch = record.KindEpoch, some(epochs)
			e.how = record.Supersession(1 + random.IntN(3))
			epochs = append(epochs, e.hash)
		case 4:
			e.kind, e.source = record.KindSource, digest
			e.weight = pick(0, 0.3, 0.5, 0.9, 1)
		default:
			e.kind, e.source = record.KindAssertion, digest
			e.object = []record.Object{x, y, record.TextObject("1"), record.NumberObject(1), record.BoolObject(true)}[random.IntN(5)]
			e.confidence = pick(0, 0.1, 0.5, 0.9666667, 1, 1, 1e-45, 1e-9)
			e.stage = []record.Stage{record.Proposed, record.Proposed, record.Approved, record.Unstated, record.Rejected}[random.IntN(5)]
			if random.IntN(3) == 0 {
				e.epoch = some(epochs)
			}
			if parent := some(assertions); random.IntN(4) == 0 && !parent.IsZero() {
				e.parents = []record.Hash{parent}
			}
			assertions = append(assertions, e.hash)
		}
	}
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

func randomQuestion(random *rand.Rand, all []entry) question {
	q := question{lens: All()[random.IntN(4)].Name, halfLife: []float64{1e9, 36e11, 72e11, 864e11}[random.IntN(4)], cut: everything()}
	if random.IntN(2) == 0 {
		q.cut.AsOf = record.Time(random.IntN(7)) * hour
	}
	if random.IntN(2) == 0 {
		q.cut.Pin = record.LSN(random.IntN(len(all) + 1))
	}
	if random.IntN(4) == 0 {
		q.cut.Filter = record.Stages()[random.IntN(6)]
	}
	ex := Exclusions{map[record.ID]bool{}, map[string]bool{}, map[record.Hash]bool{}}
	for range random.IntN(3) {
		switch e := all[random.IntN(len(all))]; random.IntN(6) {
		case 0:
			ex.Agents[e.agent] = true
		case 1:
			ex.Digests[record.Hash{0xd0 + byte(random.IntN(3))}] = true
		case 2:
			ex.Records[record.ID{Kind: record.KindEvidence, Hash: record.Hash{0xd0 + byte(random.IntN(3))}}] = true
		default:
			ex.Records[e.id()] = true
		}
	}
	q.cut.Exclude = ex
	return q
}

// shrink leaves out records, then parts of the question, one at a time, as long as the two still differ.
func shrink(r resolver, all []entry, q question) ([]entry, question) {
	for smaller := true; smaller; {
		smaller = false
		for i := 0; i < len(all); {
			fewer := slices.Delete(slices.Clone(all), i, i+1)
			if differs(r, fewer, q) == "" {
				i++
				continue
			}
			all, smaller = fewer, true
		}
		for _, simpler := range simplify(q) {
			if differs(r, all, simpler) != "" {
				q, smaller = simpler, true
				break
			}
		}
	}
	return all, q
}

// simplify is every question that leaves out one part of q.
func simplify(q question) (out []question) {
	vary := func(change func(*Cut)) {
		simpler := q
		simpler.cut.Exclude = Exclusions{maps.Clone(q.cut.Exclude.Records), maps.Clone(q.cut.Exclude.Agents), maps.Clone(q.cut.Exclude.Digests)}
		change(&simpler.cut)
		out = append(out, simpler)
	}
	if q.cut.AsOf != record.MaxTime {
		vary(func(c *Cut) { c.AsOf = record.MaxTime })
	}
	if q.cut.Pin != Everything {
		vary(func(c *Cut) { c.Pin = Everything })
	}
	if q.cut.Filter != 0 {
		vary(func(c *Cut) { c.Filter = 0 })
	}
	for id := range q.cut.Exclude.Records {
		vary(func(c *Cut) { delete(c.Exclude.Records, id) })
	}
	for agent := range q.cut.Exclude.Agents {
		vary(func(c *Cut) { delete(c.Exclude.Agents, agent) })
	}
	for digest := range q.cut.Exclude.Digests {
		vary(func(c *Cut) { delete(c.Exclude.Digests, digest) })
	}
	return out
}

// firstDifference asks random questions of random histories until the two differ.
func firstDifference(r resolver, seed uint64, histories int) (all []entry, q question, found bool) {
	random := rand.New(rand.NewPCG(seed, 1))
	for range histories {
		all := randomHistory(random, 1+random.IntN(24))
		for range 3 {
			if q := randomQuestion(random, all); differs(r, all, q) != "" {
				all, q := shrink(r, all, q)
				return all, q, true
			}
		}
	}
	return nil, question{}, false
}

func TestBothImplementationsAgree(t *testing.T) {
	seed := rand.Uint64()
	if all, q, found := firstDifference(resolve, seed, 3000); found {
		var history strings.Builder
		for _, e := range all {
			fmt.Fprintln(&history, " ", e)
		}
		t.Errorf("seed %d: %s, half-life %v, %s\nshortest history:\n%s(-naive +resolved):\n%s",
			seed, q.lens, time.Duration(q.halfLife), describe(q.cut), history.String(), differs(resolve, all, q))
	}
}

// The comparison above is worth something only if it finds defects, so here are some. What shrinking leaves must be
// something a person can read (no defect needs more than 3 records; a detour, such as an assertion born Rejected and
// approved later, costs one each) and none of it may be superfluous.
func TestPlantedDefectsAreFoundAndShrunk(t *testing.T) {
	tests := []struct {
		name   string
		defect resolver
	}{
		{"ignores the pin", func(h History, q question) string { q.cut.Pin = Everything; return resolve(h, q) }},
		{"as of is exclusive", func(h History, q question) string { q.cut.AsOf--; return resolve(h, q) }},
		{"ignores the filter", func(h History, q question) string { q.cut.Filter = 0; return resolve(h, q) }},
		{"ignores transitions", func(h History, q question) string { h.Transitions = nil; return resolve(h, q) }},
		{"ignores votes", func(h History, q question) string { h.Votes = nil; return resolve(h, q) }},
		{"ignores epochs", func(h History, q question) string { h.Superseding = nil; return resolve(h, q) }},
		{"ignores descriptors", func(h History, q question) string { h.Descriptors = nil; return resolve(h, q) }},
		{"ignores excluded agents", func(h History, q question) string { q.cut.Exclude.Agents = nil; return resolve(h, q) }},
		{"ignores excluded records", func(h History, q question) string { q.cut.Exclude.Records = nil; return resolve(h, q) }},
		{"ignores excluded digests", func(h History, q question) string { q.cut.Exclude.Digests = nil; return resolve(h, q) }},
		{"knows one half-life", func(h History, q question) string { q.halfLife = 0; return resolve(h, q) }},
		{"skeptic never doubts", func(h History, q question) string {
			if q.lens == "skeptic" {
				q.lens = "consensus"
			}
			return resolve(h, q)
		}},
		{"reads the first vote only", func(h History, q question) string {
			for a, v := range h.Votes {
				h.Votes[a] = v[:1]
			}
			return resolve(h, q)
		}},
		{"counts the first assertion only", func(h History, q question) string {
			h.Assertions = h.Assertions[:min(1, len(h.Assertions))]
			return resolve(h, q)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			seed := rand.Uint64()
			all, q, found := firstDifference(tt.defect, seed, 3000)
			if !found {
				t.Fatalf("seed %d: no difference found", seed)
			}
			const readable = 6
			if len(all) > readable {
				t.Errorf("seed %d: shrunk to %d records (%s, %s), want at most %d:\n%v",
					seed, len(all), q.lens, describe(q.cut), readable, all)
			}
			for i := range all {
				if differs(tt.defect, slices.Delete(slices.Clone(all), i, i+1), q) != "" {
					t.Errorf("seed %d: record %d of the shortest history is superfluous:\n%v", seed, i, all)
				}
			}
		})
	}
}
