package export

import (
	"fmt"
	"slices"
	"strings"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// The lines of a verdict that follow from the records of a bundle are made again from those, and compared: TOLD, BECAUSE
// and LENS. The others follow from the whole journal. Their wording is part of the bundle's version.

// sentenceOf says what a rule does, in the wording of version 1. A rule that is none of these answered elsewhere.
func sentenceOf(lens string) string {
	switch lens {
	case "authority":
		return "the most trusted source wins"
	case "consensus":
		return "the value with the most backing wins"
	case "recency":
		return "the newest claim wins"
	case "skeptic":
		return "as consensus, but silent when the winner holds under two thirds of the weight"
	}
	return "another system answered, by a rule of its own"
}

// labels are those that a verdict's lines may have, in their order. A line without one goes on with the one above.
func verdictLabels() []string {
	return []string{"TOLD", "BECAUSE", "AGAINST", "LENS", "WITHOUT", "NOW", "THEN"}
}

// verdict compares what a query's lines say with its record.
func (v *verifier) verdict(q *bundleQuery, a *record.Audit) {
	if !v.recomputed(q, a) {
		return
	}
	blocks := v.blocks(q)
	want := map[string][]string{}
	label := ""
	for _, l := range v.saidOf(q, a).Lines() {
		if l.Label != "" {
			label = l.Label
		}
		want[label] = append(want[label], clean(l))
	}
	v.sameLines(q.ID, "TOLD", blocks["TOLD"], want["TOLD"])
	v.sameLines(q.ID, "LENS", blocks["LENS"], want["LENS"])
	v.because(q.ID, a, blocks["BECAUSE"], want["BECAUSE"])
}

// recomputed checks that only an answer of this journal says what came of putting its question again.
func (v *verifier) recomputed(q *bundleQuery, a *record.Audit) bool {
	possible := []string{string(ask.Same), string(ask.Differs)}
	if v.state(a) != string(ask.Pinned) || a.Lens == record.LensExternal {
		possible = []string{string(ask.NotPossible)}
	}
	if slices.Contains(possible, q.Again) {
		return true
	}
	v.wrong(q.ID, "recomputed", fmt.Sprintf("%.40q", q.Again), strings.Join(possible, " or "))
	return false
}

// blocks are a query's lines by label.
func (v *verifier) blocks(q *bundleQuery) map[string][]string {
	order := verdictLabels()
	blocks := map[string][]string{}
	at := -1
	for _, l := range q.Verdict {
		if l.Label != "" {
			next := slices.Index(order, l.Label)
			if next <= at {
				v.wrong(q.ID, "verdict", fmt.Sprintf("a line %.40q", l.Label), "each of "+strings.Join(order, ", ")+" once, in this order")
				return blocks
			}
			at = next
		}
		if at < 0 {
			v.wrong(q.ID, "verdict", "a line that goes on with none", "TOLD first")
			return blocks
		}
		blocks[order[at]] = append(blocks[order[at]], string(l.Text))
	}
	return blocks
}

func (v *verifier) sameLines(id, label string, found, want []string) {
	if !slices.Equal(found, want) {
		v.wrong(id, label, fmt.Sprintf("%.120q", strings.Join(found, "; ")), fmt.Sprintf("%.120q", strings.Join(want, "; "))+", as its record says")
	}
}

// saidOf is the verdict on an answer, as far as its record and those it names say it.
func (v *verifier) saidOf(q *bundleQuery, a *record.Audit) ask.Verdict {
	said := ask.Verdict{
		Recomputed: ask.Reproduction(q.Again), LensSentence: sentenceOf(a.Lens),
		Audit: ask.Audit{State: ask.State(v.state(a)), Lens: a.Lens, Result: ask.Result{Value: a.Value, Confidence: a.Confidence, Share: a.Share}},
	}
	if a.LifecycleFilter != 0 {
		said.Audit.LifecycleFilter = &a.LifecycleFilter
	}
	for _, x := range a.Contributions {
		w := ask.Weighed{Assertion: record.ID{Kind: record.KindAssertion, Hash: x.Assertion}, Weight: x.Weight, Lifecycle: x.Lifecycle}
		if s := v.assertion(x.Assertion); s != nil {
			w.Value, w.Held = s.Object, true
		}
		said.Because = append(said.Because, w)
	}
	return said
}

// assertion is an assertion whose bytes are here; nil for one that is not.
func (v *verifier) assertion(h record.Hash) *record.Assertion {
	c := v.byID[record.ID{Kind: record.KindAssertion, Hash: h}.String()]
	if c == nil {
		return nil
	}
	s, _ := c.rec.(*record.Assertion)
	return s
}

// because compares the lines BECAUSE. Those about assertions that are not here are the exporter's word, and so is how
// many contributions there were beyond those that a record keeps.
func (v *verifier) because(id string, a *record.Audit, found, want []string) {
	if len(found) != len(want) {
		v.wrong(id, "BECAUSE", fmt.Sprintf("%d lines", len(found)), fmt.Sprintf("%d, as its record says", len(want)))
		return
	}
	for i := range want {
		same := found[i] == want[i]
		if of := shownBy(a, i, want[i]); of != nil {
			same = v.contributed(*of, found[i], want[i])
		} else if len(a.Contributions) == record.MaxContributions {
			continue
		}
		if !same {
			v.sameLines(id, "BECAUSE", found[i:i+1], want[i:i+1])
		}
	}
}

// shownBy is the contribution that a line is about; nil for a line that counts the rest, or says that there is none.
func shownBy(a *record.Audit, i int, line string) *record.Contribution {
	if i >= len(a.Contributions) {
		return nil
	}
	x := &a.Contributions[i]
	if id := (record.ID{Kind: record.KindAssertion, Hash: x.Assertion}); !strings.Contains(line, " "+id.Short()) {
		return nil
	}
	return x
}

// contributed compares a line with what a contribution and its assertion say. It ends with a name of the source, which
// want has none of.
func (v *verifier) contributed(x record.Contribution, found, want string) bool {
	if v.assertion(x.Assertion) == nil {
		return true
	}
	name, same := strings.CutPrefix(found, want)
	return same && v.describes(x.Source, name)
}

// describes reports whether a source here gives a digest this name; which of several it had, only the journal can tell.
// A source that was redacted may have given it any.
func (v *verifier) describes(digest record.Hash, name string) bool {
	described := false
	for _, s := range v.sources {
		if s == nil {
			return true
		}
		if s.Digest != digest {
			continue
		}
		described = true
		if record.Clean(s.Name) == name {
			return true
		}
	}
	return !described && name == ""
}

// clean is a line without its label, as a bundle has it.
func clean(l ask.Line) string {
	parts := make([]string, len(l.Parts))
	for i, p := range l.Parts {
		parts[i] = record.Clean(p.Text)
	}
	return strings.Join(parts, " ")
}
