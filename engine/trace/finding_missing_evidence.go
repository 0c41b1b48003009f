package trace

import (
	"episteme/engine/ingest"
	"episteme/engine/record"
)

// isMissingEvidence: an assertion that contributed is not in the store, or no descriptor of its source is. What was
// erased is not here either. It holds for imported audits too, and does not need anything to have been recorded since:
// nobody may ever have described the source.
func isMissingEvidence(h *hindsight) (bool, error) {
	missing, err := h.missing(1)
	return len(missing) > 0, err
}

// citeMissingEvidence: what is not here, an assertion by its id, a source by its digest.
func citeMissingEvidence(h *hindsight) ([]record.ID, error) { return h.missing(citesMax) }

// missing lists up to most of what the contributions name and is not here.
func (h *hindsight) missing(most int) ([]record.ID, error) {
	var list []record.ID
	seen := map[record.ID]bool{}
	look := func(id record.ID, held func(record.ID) (bool, error)) error {
		if seen[id] || len(list) == most {
			return nil
		}
		seen[id] = true
		here, err := held(id)
		if !here && err == nil {
			list = append(list, id)
		}
		return err
	}
	for _, c := range h.row.Audit.Contributions {
		if err := look(assertionID(c.Assertion), h.held); err != nil {
			return nil, err
		}
		if err := look(evidenceID(c.Source), h.described); err != nil {
			return nil, err
		}
		if len(list) == most {
			break
		}
	}
	return list, nil
}

// held reports whether an assertion is here.
func (h *hindsight) held(assertion record.ID) (bool, error) {
	if _, ok := h.about.claims[assertion.Hash]; !ok {
		if here, err := h.view.Has(assertion); !here || err != nil {
			return false, err
		}
	}
	return h.unerased(assertion)
}

// described reports whether a descriptor of a digest is here.
func (h *hindsight) described(digest record.ID) (bool, error) {
	for l, err := range h.view.Links(h.ctx, digest, ingest.LinkDescribes) {
		if err != nil {
			return false, err
		}
		if here, err := h.unerased(l.ID); here || err != nil {
			return here, err
		}
	}
	return false, nil
}

func (h *hindsight) unerased(id record.ID) (bool, error) {
	gone, err := h.view.Erased(h.ctx, id)
	return !gone, err
}
