package trace

import (
	"slices"

	"episteme/engine/lens"
	"episteme/engine/record"
)

// isChangedSince: asked now, of everything that is recorded, the question gives another value (rule 19). On an answer
// that does not reproduce nothing is built.
func isChangedSince(h *hindsight) (bool, error) {
	if !h.ours || h.nothingSince() || !h.reproduced() {
		return false, nil
	}
	return h.today().answer(h.history).Value != h.told.Value, nil
}

// today is the question asked now.
func (h *hindsight) today() question {
	return h.question.with(func(cut *lens.Cut) { cut.AsOf, cut.Pin = h.now, lens.Everything })
}

// citeChangedSince: what keeps contributions out today, and the heaviest assertion behind today's value. Where neither
// is news (the same assertions, weighed otherwise), the records that the answer could not know.
func citeChangedSince(h *hindsight) ([]record.ID, error) {
	q := h.today()
	candidates, dropped := h.history.Admit(q.cut)
	answer := lens.Resolve(q.lens, q.params, candidates)
	then := map[record.Hash]bool{}
	for _, c := range h.told.Contributions {
		then[c.Hash] = true
	}
	var cites []record.ID
	add := func(id record.ID) {
		if !id.IsZero() && !slices.Contains(cites, id) {
			cites = append(cites, id)
		}
	}
	for _, d := range dropped {
		if then[d.Hash] {
			add(d.By)
		}
	}
	for _, c := range answer.Contributions[:min(1, len(answer.Contributions))] {
		if !then[c.Hash] {
			add(c.ID())
		}
	}
	if len(cites) > 0 {
		return cites, nil
	}
	unknown := bearers(h.history.History)
	slices.SortFunc(unknown, func(a, b bearer) int { return olderFirst(b, a) })
	for _, b := range unknown {
		if b.time <= h.now && h.after(b.time, b.lsn) {
			add(b.id)
		}
	}
	return cites, nil
}
