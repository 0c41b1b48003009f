package lens

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"episteme/engine/record"

	"github.com/google/go-cmp/cmp"
)

// forRandomQuestions hands out random histories and questions; check returns what is wrong, "" for nothing.
func forRandomQuestions(t *testing.T, check func(random *rand.Rand, all []entry, q question) string) {
	t.Helper()
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 2))
	for range 1000 {
		all := randomHistory(random, 1+random.IntN(40))
		q := asCaller(all, randomQuestion(random, all))
		if wrong := check(random, all, q); wrong != "" {
			t.Fatalf("seed %d: %s, %s, %v\n%s", seed, q.lens, describe(q.cut), all, wrong)
		}
	}
}

func TestOrderOfArrivalDecidesNothing(t *testing.T) {
	forRandomQuestions(t, func(random *rand.Rand, all []entry, q question) string {
		want := resolve(historyOf(all), q)
		shuffled := slices.Clone(all)
		random.Shuffle(len(all), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		if diff := cmp.Diff(want, resolve(historyOf(shuffled), q)); diff != "" {
			return "records in another order (-want +got):\n" + diff
		}
		l, _ := ByName(q.lens)
		candidates, _ := Admit(historyOf(all), q.cut)
		sorted := slices.Clone(candidates)
		random.Shuffle(len(candidates), func(i, j int) { candidates[i], candidates[j] = candidates[j], candidates[i] })
		return cmp.Diff(answerText(nil, Resolve(l, Params{}, sorted)), answerText(nil, Resolve(l, Params{}, candidates)))
	})
}

// No two records share an LSN. Should they all the same, the answer must not depend on who came first either.
func TestOrderOfArrivalDecidesNothingEvenAtEqualLSNs(t *testing.T) {
	forRandomQuestions(t, func(random *rand.Rand, all []entry, q question) string {
		for i := range all {
			all[i].lsn = 1
		}
		want := resolve(historyOf(all), q)
		random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		return cmp.Diff(want, resolve(historyOf(all), q))
	})
}

// Rule 17 rests on this: what arrives later, or claims to be later, changes nothing under an old cut.
func TestWhatDoesNotCountChangesNothing(t *testing.T) {
	forRandomQuestions(t, func(random *rand.Rand, all []entry, q question) string {
		q.cut.Exclude = Exclusions{} // an exclusion may take things along by way of a record that does not count
		var counted []entry
		for _, e := range all {
			if e.time <= q.cut.AsOf && e.lsn <= q.cut.Pin {
				counted = append(counted, e)
			}
		}
		return cmp.Diff(resolve(historyOf(counted), q), resolve(historyOf(all), q))
	})
}

// Excluding a vote or a transition is the same as never having heard of it.
func TestExclusionIsAbsence(t *testing.T) {
	forRandomQuestions(t, func(random *rand.Rand, all []entry, q question) string {
		i := random.IntN(len(all))
		if kind := all[i].kind; kind != record.KindVote && kind != record.KindTransition && kind != record.KindAssertion {
			return ""
		}
		excluded, absent := q, q
		absent.cut.Exclude = Exclusions{}
		excluded.cut.Exclude = Exclusions{Records: map[record.ID]bool{all[i].id(): true}}
		return cmp.Diff(resolve(historyOf(slices.Delete(slices.Clone(all), i, i+1)), absent), resolve(historyOf(all), excluded))
	})
}

func TestAnswersKeepTheirBounds(t *testing.T) {
	forRandomQuestions(t, func(_ *rand.Rand, all []entry, q question) string {
		h := historyOf(all)
		candidates, dropped := Admit(h, q.cut)
		l, _ := ByName(q.lens)
		a := Resolve(l, Params{}, candidates)
		if wrong := boundsBroken(l, a); wrong != "" {
			return wrong
		}
		members, shares := 0, 0.0
		for _, g := range a.Groups {
			members += len(g.Members)
			shares += float64(g.Share)
		}
		switch {
		case members != len(candidates) || a.Considered != len(candidates):
			return "not every candidate is in a group, or considered"
		case len(candidates)+len(dropped) > len(h.Assertions):
			return "more candidates and dropped than assertions"
		case shares != 0 && math.Abs(shares-1) > 1e-5:
			return "shares do not add up to 1"
		}
		return ""
	})
}

func boundsBroken(l Lens, a Answer) string {
	fraction := func(f float32) bool { return f >= 0 && f <= 1 } // false for NaN
	for _, g := range a.Groups {
		if !fraction(g.Share) || !fraction(g.Support) || !(g.Mass >= 0) {
			return "a group's share or support is not a fraction, or its mass is negative"
		}
		for _, m := range g.Members {
			if !fraction(m.Weight) || m.Object != g.Value {
				return "a weight is not a fraction, or a member is in the wrong group"
			}
		}
	}
	falling := slices.IsSortedFunc(a.Contributions, func(x, y Contribution) int {
		if x.Weight != y.Weight {
			return int(math.Copysign(1, float64(y.Weight-x.Weight)))
		}
		return compareHash(x.Hash, y.Hash)
	})
	switch {
	case !fraction(a.Confidence) || !fraction(a.Share):
		return "confidence or share is not a fraction"
	case !falling:
		return "contributions are out of order"
	case slices.ContainsFunc(a.Contributions, func(c Contribution) bool { return c.Weight == 0 }):
		return "a contribution weighs nothing"
	case l.byMass && a.Margin < 0:
		return "the margin of a lens that goes by mass is negative"
	case a.Value.Type == record.NoValue && a.Confidence != 0:
		return "confidence without a value"
	case a.Value.Type == record.NoValue && l.Name != "skeptic" && len(a.Contributions) > 0:
		return "contributions without a value"
	}
	return ""
}

// Skeptic is consensus and a doubt: the same groups, the same contributions, a value only where consensus has it.
func TestSkepticIsConsensusWithADoubt(t *testing.T) {
	forRandomQuestions(t, func(_ *rand.Rand, all []entry, q question) string {
		candidates, _ := Admit(historyOf(all), q.cut)
		c, s := Resolve(consensus(), Params{}, candidates), Resolve(skeptic(), Params{}, candidates)
		if c.Share < Majority {
			c.Value, c.Confidence = record.Object{}, 0
		}
		return cmp.Diff(answerText(nil, c), answerText(nil, s))
	})
}

// TestOnlyThoseThatSaySoWeighSources: the others give the same answer without any descriptor.
func TestOnlyThoseThatSaySoWeighSources(t *testing.T) {
	changed := map[string]bool{}
	forRandomQuestions(t, func(_ *rand.Rand, all []entry, q question) string {
		l, _ := ByName(q.lens)
		q.cut.Exclude = Exclusions{} // descriptors say which document an excluded source is
		bare := historyOf(all)
		candidates, _ := Admit(bare, q.cut)
		with := answerText(nil, Resolve(l, Params{}, candidates))
		bare.Descriptors = nil
		candidates, _ = Admit(bare, q.cut)
		without := answerText(nil, Resolve(l, Params{}, candidates))
		changed[q.lens] = changed[q.lens] || with != without
		return ""
	})
	for _, l := range All() {
		if changed[l.Name] != l.WeighsSources {
			t.Errorf("%s: descriptors changed an answer: %t, want %t", l.Name, changed[l.Name], l.WeighsSources)
		}
	}
}

// TestLeadIsResolveWithTwoGroups.
func TestLeadIsResolveWithTwoGroups(t *testing.T) {
	forRandomQuestions(t, func(_ *rand.Rand, all []entry, q question) string {
		l, _ := ByName(q.lens)
		candidates, _ := Admit(historyOf(all), q.cut)
		want := Resolve(l, Params{}, candidates)
		want.Groups = want.Groups[:min(2, len(want.Groups))]
		return cmp.Diff(want, Lead(l, Params{}, candidates))
	})
}

// TestMomentsRememberNothingThatChanged asks one history many questions, twice each, and lets an epoch end in between.
func TestMomentsRememberNothingThatChanged(t *testing.T) {
	remembered := 0
	forRandomQuestions(t, func(random *rand.Rand, all []entry, q question) string {
		l, _ := ByName(q.lens)
		h := historyOf(all)
		epochs := h.Superseding
		h.Superseding = nil
		o := Order(h)
		cuts := []Cut{q.cut, everything(), {AsOf: record.MaxTime, Pin: Everything, Filter: q.cut.Filter}}
		for range 2 {
			for _, superseding := range []map[record.Hash][]Epoch{nil, epochs} {
				for _, c := range cuts {
					seen := h
					seen.Superseding = superseding
					candidates, _ := Admit(seen, c)
					want := answerText(nil, Lead(l, Params{}, candidates))
					if got := answerText(nil, o.Under(superseding).At(c).Lead(l, Params{})); got != want {
						return fmt.Sprintf("under %+v with %d epochs: found\n%s\nwant\n%s", c, len(superseding), got, want)
					}
					var heaviest record.ID
					lead := Lead(l, Params{}, candidates)
					if len(lead.Contributions) > 0 {
						heaviest = lead.Contributions[0].ID()
					}
					if value, by := o.Under(superseding).At(c).Value(l); value != lead.Value || by != heaviest {
						return fmt.Sprintf("under %+v: found %v by %s, want %v by %s", c, value, by, lead.Value, heaviest)
					}
				}
			}
		}
		remembered += len(o.told.answers)
		return ""
	})
	if remembered == 0 {
		t.Error("no answer was remembered: nothing was tested")
	}
}
