package lens

import (
	"cmp"
	"slices"

	"episteme/engine/record"
)

// Answer is what a lens makes of candidates. Its slices share memory; read only. Contributions may be more than
// record.MaxContributions: what an audit keeps of them is the caller's to decide.
type Answer struct {
	Value         record.Object  // NoValue: none
	Confidence    float32        // support of the winner; 0 without a value
	Share         float32        // mass of the winner, or of skeptic's leading group, over the mass of all
	Considered    int            // all candidates
	Contributions []Contribution // the first group's members with weight > 0, by weight falling, then hash rising
	Groups        []Group        // the winner (or skeptic's leading group) first, then by mass falling, then lowest member hash
	Margin        float32        // first group's mass - greatest other mass; may be negative unless the lens goes by mass
}

// Contribution is a candidate and its weight, which is its score under the lens.
type Contribution struct {
	Candidate
	Weight float32
}

// Group is the candidates with one object.
type Group struct {
	Value   record.Object
	Mass    float32        // Σ s·c
	Support float32        // 1 - Π(1 - s·c)
	Share   float32        // Mass over the mass of all groups; 0 when that is 0
	Members []Contribution // by weight falling, then hash rising: weight 0 comes last
}

// Resolve applies rules 11 to 15 and the margin of rule 20. Candidates may come in any order and are not changed.
// A positive half-life outside the bounds of Check is computed with as it stands; a negative one panics.
//
// # Arithmetic
//
// A score is computed in float64 and rounded to float32, so s and c are both float32 and their product, taken in
// float64, is exact: 24 and 24 bits fit in 53. Masses and supports run in float64 over the members by rising hash,
// the mass of all groups over all candidates by rising hash; a share is a quotient of these in float64. Each is
// rounded to float32 once, at the end, and only what was rounded is compared: masses with each other and with zero,
// a share with the quorum. The margin is the difference of two such masses, so groups that tie have margin 0.
func Resolve(l Lens, p Params, cands []Candidate) Answer { return weigh(l, p, cands, len(cands)) }

// Lead is Resolve with the first two groups alone: all that an answer is made of, and what came next.
func Lead(l Lens, p Params, cands []Candidate) Answer { return weigh(l, p, cands, 2) }

// weigh publishes that many groups at most.
func weigh(l Lens, p Params, cands []Candidate, groups int) Answer {
	if p.HalfLife < 0 {
		panic("lens: negative half-life " + p.HalfLife.String() + ": the caller did not ask Check")
	}
	if len(cands) == 0 {
		return Answer{}
	}
	members := score(l, p, cands)
	tallies, total := group(l, members)
	valued := float32(total) > 0
	rank(l, tallies, valued)
	answer := Answer{Considered: len(cands), Groups: publish(members, tallies[:min(groups, len(tallies))], total)}
	if !valued {
		return answer
	}
	first := &answer.Groups[0]
	answer.Share = first.Share
	answer.Margin = margin(tallies)
	answer.Contributions = contributing(first.Members)
	if first.Share >= l.quorum {
		answer.Value, answer.Confidence = first.Value, first.Support
	}
	return answer
}

// member is a candidate on its way into a group.
type member struct {
	*Candidate
	weight float32
	tally  *tally
}

// tally is a group on its way into the answer.
type tally struct {
	value   record.Object
	mass    float64
	miss    float64 // Π(1 - s·c)
	best    member  // the greatest by the lens's compare
	members int
	rank    int // its place in the answer
}

// score is rule 11. The members come by rising hash, which is the order all sums run in.
func score(l Lens, p Params, cands []Candidate) []member {
	last := cands[0].Timestamp
	for i := range cands {
		last = max(last, cands[i].Timestamp)
	}
	members := make([]member, len(cands))
	for i := range cands {
		members[i] = member{Candidate: &cands[i], weight: float32(l.score(&cands[i], last, p))}
	}
	slices.SortFunc(members, func(a, b member) int { return compareHash(a.Hash, b.Hash) })
	return members
}

// group is rule 12. The tallies come in the order of their lowest member hash; total is the mass of all.
func group(l Lens, members []member) (tallies []*tally, total float64) {
	byValue := make(map[record.Object]*tally)
	for i := range members {
		m := &members[i]
		t := byValue[m.Object]
		if t == nil {
			t = &tally{value: m.Object, miss: 1, best: *m}
			byValue[m.Object] = t
			tallies = append(tallies, t)
		}
		m.tally = t
		part := float64(float64(m.weight) * float64(m.Confidence))
		t.mass += part
		t.miss = float64(t.miss * (1 - part))
		t.members++
		if l.compare(*m, t.best) > 0 {
			t.best = *m
		}
		total += part
	}
	return tallies, total
}

// rank puts the tallies in the answer's order: the winner of rule 13, if anything has mass, then mass falling, then
// lowest member hash.
func rank(l Lens, tallies []*tally, valued bool) {
	var winner *tally
	if valued {
		// Among equals MaxFunc takes the first, which has the lowest member hash.
		winner = slices.MaxFunc(tallies, func(a, b *tally) int { return compareLead(l, a, b) })
	}
	slices.SortStableFunc(tallies, func(a, b *tally) int {
		switch {
		case a == winner:
			return -1
		case b == winner:
			return 1
		}
		return compareMass(b, a)
	})
	for i, t := range tallies {
		t.rank = i
	}
}

// compareLead is rule 13: positive when a wins over b.
func compareLead(l Lens, a, b *tally) int {
	if l.byMass {
		return cmp.Or(compareMass(a, b), l.compare(a.best, b.best))
	}
	return l.compare(a.best, b.best)
}

func compareMass(a, b *tally) int { return cmp.Compare(float32(a.mass), float32(b.mass)) }

// publish writes the groups of tallies, the first ones, out in order, all members in one array.
func publish(members []member, tallies []*tally, total float64) []Group {
	members = slices.DeleteFunc(members, func(m member) bool { return m.tally.rank >= len(tallies) })
	slices.SortStableFunc(members, func(a, b member) int {
		return cmp.Or(cmp.Compare(a.tally.rank, b.tally.rank), cmp.Compare(b.weight, a.weight))
	})
	room := make([]Contribution, len(members))
	for i, m := range members {
		room[i] = Contribution{*m.Candidate, m.weight}
	}
	groups := make([]Group, len(tallies))
	for i, t := range tallies {
		groups[i] = Group{
			Value:   t.value,
			Mass:    float32(t.mass),
			Support: float32(1 - t.miss),
			Share:   share(t.mass, total),
			Members: room[:t.members:t.members],
		}
		room = room[t.members:]
	}
	return groups
}

func share(mass, total float64) float32 {
	if float32(total) == 0 {
		return 0
	}
	return float32(mass / total)
}

// contributing is rule 15: members with weight > 0, which come first.
func contributing(members []Contribution) []Contribution {
	n := len(members)
	for n > 0 && members[n-1].Weight == 0 {
		n--
	}
	return members[:n:n]
}

// margin is how far the first group is ahead of the heaviest other, which is the second.
func margin(tallies []*tally) float32 {
	if len(tallies) == 1 {
		return float32(tallies[0].mass)
	}
	return float32(tallies[0].mass) - float32(tallies[1].mass)
}
