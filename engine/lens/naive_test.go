package lens

import (
	"fmt"
	"strings"

	"episteme/engine/record"
)

// The rules a second time, as slow and plain as they can be put: one flat list of records, scanned from end to end
// for every question about it, no maps, no sorting, no sharing with the code under test but exp and exp2, which
// exp_test.go holds to an oracle of their own. Where the two disagree, the rules decide.

// question is a lens, its half-life in nanoseconds, and a cut.
type question struct {
	lens     string
	halfLife float64
	cut      Cut
}

// absent is which records the exclusions leave out, including all that is taken along, until nothing more is.
func absent(all []entry, ex Exclusions) []bool {
	out := make([]bool, len(all))
	for changed := true; changed; {
		changed = false
		for i, e := range all {
			if !out[i] && mustGo(all, out, ex, e) {
				out[i], changed = true, true
			}
		}
	}
	return out
}

func mustGo(all []entry, gone []bool, ex Exclusions, e entry) bool {
	if ex.Records[e.id()] || ex.Agents[e.agent] {
		return true
	}
	if e.kind == record.KindAssertion && ex.Records[record.ID{Kind: record.KindEpoch, Hash: e.epoch}] {
		return true
	}
	if e.kind == record.KindAssertion || e.kind == record.KindSource {
		if ex.Digests[e.source] || ex.Records[record.ID{Kind: record.KindEvidence, Hash: e.source}] {
			return true
		}
		for i, d := range all {
			if gone[i] && d.kind == record.KindSource && d.source == e.source {
				return true
			}
		}
	}
	if e.kind != record.KindAssertion {
		return false
	}
	for i, other := range all {
		if gone[i] && other.kind == record.KindEpoch && other.hash == e.epoch {
			return true
		}
		for _, p := range e.parents {
			if gone[i] && other.kind == record.KindAssertion && other.hash == p {
				return true
			}
		}
	}
	return false
}

// counting is the records that count.
func counting(all []entry, c Cut) (out []entry) {
	gone := absent(all, c.Exclude)
	for i, e := range all {
		if e.time <= c.AsOf && e.lsn <= c.Pin && !gone[i] {
			out = append(out, e)
		}
	}
	return out
}

func naiveNewer(a, b entry) bool { return a.time > b.time || a.time == b.time && a.lsn > b.lsn }

func lower(a, b record.Hash) bool { return a.String() < b.String() }

func naiveStage(counted []entry, a entry) record.Stage {
	stage, last := a.stage, entry{time: -1}
	for _, e := range counted {
		if e.kind == record.KindTransition && e.of == a.hash && naiveNewer(e, last) {
			stage, last = e.stage, e
		}
	}
	return stage
}

func passes(counted []entry, a entry, filter record.Stage) bool {
	switch stage := naiveStage(counted, a); {
	case filter != 0 && stage != filter:
		return false
	case filter == 0 && (stage == record.Deprecated || stage == record.Rejected):
		return false
	}
	for _, e := range counted {
		if e.kind == record.KindEpoch && e.epoch == a.epoch && !a.epoch.IsZero() && e.how != record.Additive {
			return false
		}
	}
	return true
}

// naiveCandidates is rules 8 to 10, by rising hash.
func naiveCandidates(counted []entry, filter record.Stage) (out []entry) {
	for _, a := range counted {
		if a.kind != record.KindAssertion || !passes(counted, a, filter) {
			continue
		}
		repeated := false
		for _, b := range counted {
			if b.kind == record.KindAssertion && passes(counted, b, filter) && b.agent == a.agent && b.object == a.object &&
				b.source == a.source && naiveNewer(b, a) {
				repeated = true
			}
		}
		if !repeated {
			out = append(out, a)
		}
	}
	return byHash(out)
}

// byHash takes the lowest that is left, again and again.
func byHash(in []entry) (out []entry) {
	for len(out) < len(in) {
		var next *entry
		for i := range in {
			taken := len(out) > 0 && !lower(out[len(out)-1].hash, in[i].hash)
			if !taken && (next == nil || lower(in[i].hash, next.hash)) {
				next = &in[i]
			}
		}
		out = append(out, *next)
	}
	return out
}

// naiveScore is rule 11.
func naiveScore(counted, candidates []entry, q question, a entry) float32 {
	switch q.lens {
	case "recency":
		last := candidates[0]
		for _, c := range candidates {
			if naiveNewer(c, last) {
				last = c
			}
		}
		return float32(exp2(-(float64(last.time-a.time) / q.halfLife)))
	case "authority":
		authority, last := float32(0.5), entry{time: -1}
		for _, e := range counted {
			if e.kind == record.KindSource && e.source == a.source && naiveNewer(e, last) {
				authority, last = e.weight, e
			}
		}
		return authority
	}
	n, agent, more := 0.0, "", true
	for more {
		// The newest vote of the lowest agent above the last one.
		var next entry
		more = false
		for _, e := range counted {
			if e.kind != record.KindVote || e.of != a.hash || e.agent <= agent {
				continue
			}
			if !more || e.agent < next.agent || e.agent == next.agent && naiveNewer(e, next) {
				next, more = e, true
			}
		}
		if more {
			n += float64(next.weight)
			agent = next.agent
		}
	}
	return float32(1 / (1 + exp(-n)))
}

// naiveAnswer is rules 8 to 15 and the margin, as text: the form in which both implementations are compared.
func naiveAnswer(all []entry, q question) string {
	counted := counting(all, q.cut)
	candidates := naiveCandidates(counted, q.cut.Filter)
	var out strings.Builder
	for _, c := range candidates {
		fmt.Fprintf(&out, "candidate %.8s %v\n", c.hash, naiveStage(counted, c))
	}
	scores := make([]float32, len(candidates))
	total := 0.0
	for i, c := range candidates {
		scores[i] = naiveScore(counted, candidates, q, c)
		total += float64(float64(scores[i]) * float64(c.confidence))
	}

	// A group is named by its first member: the one with the lowest hash.
	mass := func(g int) float64 {
		sum := 0.0
		for i, c := range candidates {
			if c.object == candidates[g].object {
				sum += float64(float64(scores[i]) * float64(c.confidence))
			}
		}
		return sum
	}
	support := func(g int) float32 {
		miss := 1.0
		for i, c := range candidates {
			if c.object == candidates[g].object {
				miss = float64(miss * (1 - float64(float64(scores[i])*float64(c.confidence))))
			}
		}
		return float32(1 - miss)
	}
	share := func(g int) float32 {
		if float32(total) == 0 {
			return 0
		}
		return float32(mass(g) / total)
	}
	newestOf := func(g int) entry {
		last := candidates[g]
		for _, c := range candidates {
			if c.object == last.object && naiveNewer(c, last) {
				last = c
			}
		}
		return last
	}
	var groups []int
	for i := range candidates {
		first := true
		for j := range i {
			first = first && candidates[j].object != candidates[i].object
		}
		if first {
			groups = append(groups, i)
		}
	}

	// Rule 13.
	winner := -1
	if float32(total) > 0 {
		switch q.lens {
		case "authority":
			best := 0
			for i, c := range candidates {
				b := candidates[best]
				switch {
				case scores[i] != scores[best]:
					if scores[i] > scores[best] {
						best = i
					}
				case c.confidence != b.confidence:
					if c.confidence > b.confidence {
						best = i
					}
				case naiveNewer(c, b):
					best = i
				}
			}
			for _, g := range groups {
				if candidates[g].object == candidates[best].object {
					winner = g
				}
			}
		case "recency":
			for _, g := range groups {
				if winner < 0 || naiveNewer(newestOf(g), newestOf(winner)) {
					winner = g
				}
			}
		default:
			for _, g := range groups {
				if winner < 0 || float32(mass(g)) > float32(mass(winner)) ||
					float32(mass(g)) == float32(mass(winner)) && naiveNewer(newestOf(g), newestOf(winner)) {
					winner = g
				}
			}
		}
	}

	// Rules 14 and 15, and the margin.
	value, confidence, winnersShare, margin := record.Object{}, float32(0), float32(0), float32(0)
	if winner >= 0 {
		winnersShare = share(winner)
		if q.lens != "skeptic" || winnersShare >= float32(2.0/3) {
			value, confidence = candidates[winner].object, support(winner)
		}
		other := float32(0)
		for _, g := range groups {
			if g != winner {
				other = max(other, float32(mass(g)))
			}
		}
		margin = float32(mass(winner)) - other
	}
	fmt.Fprintf(&out, "value %v confidence %x share %x considered %d margin %x\n", value, confidence, winnersShare, len(candidates), margin)
	writeMembers := func(indent string, g int, least float32) {
		done := make([]bool, len(candidates))
		for range candidates {
			next := -1
			for i, c := range candidates {
				if !done[i] && c.object == candidates[g].object && scores[i] >= least && (next < 0 || scores[i] > scores[next]) {
					next = i
				}
			}
			if next >= 0 {
				done[next] = true
				fmt.Fprintf(&out, "%s%.8s weight %x\n", indent, candidates[next].hash, scores[next])
			}
		}
	}
	const leastPositive = 0x1p-149
	if winner >= 0 {
		writeMembers("contribution ", winner, leastPositive)
	}
	done := make([]bool, len(candidates))
	for range groups {
		next := -1
		for _, g := range groups {
			if !done[g] && (next < 0 || g == winner || next != winner && float32(mass(g)) > float32(mass(next))) {
				next = g
			}
		}
		done[next] = true
		fmt.Fprintf(&out, "group %v mass %x support %x share %x\n", candidates[next].object, float32(mass(next)), support(next), share(next))
		writeMembers("  ", next, 0)
	}
	return out.String()
}

// answerText is the same text from the code under test.
func answerText(candidates []Candidate, a Answer) string {
	var out strings.Builder
	for _, c := range candidates {
		fmt.Fprintf(&out, "candidate %.8s %v\n", c.Hash, c.Stage)
	}
	fmt.Fprintf(&out, "value %v confidence %x share %x considered %d margin %x\n", a.Value, a.Confidence, a.Share, a.Considered, a.Margin)
	for _, c := range a.Contributions {
		fmt.Fprintf(&out, "contribution %.8s weight %x\n", c.Hash, c.Weight)
	}
	for _, g := range a.Groups {
		fmt.Fprintf(&out, "group %v mass %x support %x share %x\n", g.Value, g.Mass, g.Support, g.Share)
		for _, m := range g.Members {
			fmt.Fprintf(&out, "  %.8s weight %x\n", m.Hash, m.Weight)
		}
	}
	return out.String()
}
