package trace

import (
	"episteme/engine/lens"
	"episteme/engine/record"
)

// isLateEvidence: with its own as_of and without its pin, the question gives another value (rule 18): something arrived
// later that claims to be older. On an answer that does not reproduce nothing is built.
func isLateEvidence(h *hindsight) (bool, error) {
	if !h.ours || h.about.newest.lsn <= h.question.cut.Pin || len(h.arrivedLate()) == 0 || !h.reproduced() {
		return false, nil
	}
	all := h.question.with(func(cut *lens.Cut) { cut.Pin = lens.Everything }).answer(h.history)
	return all.Value != h.told.Value, nil
}

// citeLateEvidence: the late records that turned the value, in the order they arrived; those that arrived first, where
// there were too many to look at one by one.
func citeLateEvidence(h *hindsight) ([]record.ID, error) {
	late, err := h.late()
	if err != nil {
		return nil, err
	}
	var cites []record.ID
	for _, m := range late.MovedBy {
		cites = append(cites, m.ID)
	}
	if len(cites) > 0 {
		return cites, nil
	}
	for _, r := range h.arrivedLate() {
		cites = append(cites, r.id)
	}
	return cites, nil
}
