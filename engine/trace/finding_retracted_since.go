package trace

import (
	"cmp"

	"episteme/engine/lens"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// isRetractedSince: a contribution is Rejected or Deprecated now and was neither in the recorded lifecycle, or its
// epoch was superseded as Invalidated since. It holds for imported audits too: stages and epochs are this store's, what
// they were then is in the audit.
func isRetractedSince(h *hindsight) (bool, error) {
	if h.t.stateOf(h.row.Audit) == ask.Pinned && h.nothingSince() {
		return false, nil // the lifecycle it recorded is this store's
	}
	for _, c := range h.row.Audit.Contributions {
		if _, retracted, err := h.retraction(c); retracted || err != nil {
			return retracted, err
		}
	}
	return false, nil
}

// citeRetractedSince: each such contribution, and behind it the record that withdrew it, where there is one.
func citeRetractedSince(h *hindsight) ([]record.ID, error) {
	var cites []record.ID
	for _, c := range h.row.Audit.Contributions {
		by, retracted, err := h.retraction(c)
		if err != nil {
			return nil, err
		}
		if !retracted {
			continue
		}
		if cites = append(cites, assertionID(c.Assertion)); !by.IsZero() {
			cites = append(cites, by)
		}
		if len(cites) >= citesMax {
			break
		}
	}
	return cites, nil
}

// retraction reports whether a contribution was withdrawn since, and by which transition or epoch; the zero id where it
// was born so here.
func (h *hindsight) retraction(c record.Contribution) (by record.ID, retracted bool, err error) {
	a, about, err := h.claim(c.Assertion)
	if err != nil {
		return by, false, err
	}
	now := lens.Cut{AsOf: h.now, Pin: lens.Everything}
	if withdrawn(lens.StageAt(about, now, a)) && !withdrawn(c.Lifecycle) {
		return newestTransition(about.Transitions[a.Hash], h.now), true, nil
	}
	if a.Epoch.IsZero() {
		return by, false, nil
	}
	for _, e := range about.Superseding[a.Epoch] {
		if e.Supersession == record.Invalidated && e.Timestamp <= h.now && h.after(e.Timestamp, e.LSN) {
			return record.ID{Kind: record.KindEpoch, Hash: e.Hash}, true, nil
		}
	}
	return by, false, nil
}

func withdrawn(s record.Stage) bool { return s == record.Rejected || s == record.Deprecated }

// newestTransition is the one that decides the stage at a time, the zero id where none does.
func newestTransition(list []lens.Transition, at record.Time) record.ID {
	var newest *lens.Transition
	for i, r := range list {
		if r.Timestamp <= at && (newest == nil || cmp.Or(cmp.Compare(r.Timestamp, newest.Timestamp), cmp.Compare(r.LSN, newest.LSN)) > 0) {
			newest = &list[i]
		}
	}
	if newest == nil {
		return record.ID{}
	}
	return record.ID{Kind: record.KindTransition, Hash: newest.Hash}
}
