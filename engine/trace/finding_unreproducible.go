package trace

import (
	"slices"

	"episteme/engine/record"
)

// isUnreproducible: resolved again with its own as_of and pin, the audit's question gives another value, other
// contributions, or weights that are not within one float32 ulp. It does not need anything to have been recorded since:
// a record that was lost is enough.
func isUnreproducible(h *hindsight) (bool, error) { return h.ours && !h.reproduced(), nil }

// citeUnreproducible: the contributions that are not the same, as recorded and as recomputed; all that were recorded
// where only the value differs.
func citeUnreproducible(h *hindsight) ([]record.ID, error) {
	was, is := h.row.Audit.Contributions, recorded(h.told)
	var cites []record.ID
	add := func(hash record.Hash) {
		if id := assertionID(hash); !slices.Contains(cites, id) {
			cites = append(cites, id)
		}
	}
	for i := 0; i < max(len(was), len(is)) && len(cites) < citesMax; i++ {
		if i < len(was) && i < len(is) && was[i].Assertion == is[i].Hash && withinUlp(was[i].Weight, is[i].Weight) {
			continue
		}
		if i < len(was) {
			add(was[i].Assertion)
		}
		if i < len(is) {
			add(is[i].Hash)
		}
	}
	if len(cites) == 0 {
		cites = contributionsWhere(h.row.Audit, func(record.Contribution) bool { return true })
	}
	return cites, nil
}
