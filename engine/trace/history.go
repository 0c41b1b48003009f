package trace

import (
	"context"
	"slices"

	"episteme/engine/ingest"
	"episteme/engine/lens"
	"episteme/engine/record"
)

// history loads all that may bear on a subject and predicate, up to now and beyond: which of it counts is for the
// lens to say.
func history(ctx context.Context, v *ingest.View, subject, predicate string) (lens.History, error) {
	h, err := bare(ctx, v, subject, predicate)
	if err == nil {
		err = loadAllSuperseding(ctx, v, &h)
	}
	if err == nil {
		err = loadAllDescriptors(ctx, v, &h)
	}
	return h, err
}

// orderedHistory is history, for many questions.
func orderedHistory(ctx context.Context, v *ingest.View, subject, predicate string) (*lens.Ordered, error) {
	h, err := history(ctx, v, subject, predicate)
	return lens.Order(h), err
}

// sharedHistory is orderedHistory, remembered from question to question: nobody may change it.
func sharedHistory(ctx context.Context, v *ingest.View, subject, predicate string) (*lens.Ordered, error) {
	return ingest.Memo(v, subject, predicate, true, func() (*lens.Ordered, int, error) {
		o, err := sharedClaims(ctx, v, subject, predicate)
		if err != nil {
			return nil, 0, err
		}
		o, err = underEpochs(ctx, v, o)
		if err != nil {
			return nil, 0, err
		}
		h := lens.History{Assertions: o.Assertions}
		err = loadAllDescriptors(ctx, v, &h)
		return o.Describing(h.Descriptors), 1 + len(h.Descriptors), err
	})
}

// historyFor is sharedHistory without what a lens does not look at.
func historyFor(ctx context.Context, v *ingest.View, subject, predicate string, l lens.Lens) (*lens.Ordered, error) {
	if l.WeighsSources {
		return sharedHistory(ctx, v, subject, predicate)
	}
	o, err := sharedClaims(ctx, v, subject, predicate)
	if err != nil {
		return nil, err
	}
	return underEpochs(ctx, v, o)
}

// sharedClaims is the bare history, ordered and remembered.
func sharedClaims(ctx context.Context, v *ingest.View, subject, predicate string) (*lens.Ordered, error) {
	return ingest.Memo(v, subject, predicate, false, func() (*lens.Ordered, int, error) {
		h, err := bare(ctx, v, subject, predicate)
		h.Assertions = slices.Clone(h.Assertions) // it is kept, and grew by doubling
		return lens.Order(h), sizeOf(h), err
	})
}

// underEpochs is o with what superseded its epochs by now.
func underEpochs(ctx context.Context, v *ingest.View, o *lens.Ordered) (*lens.Ordered, error) {
	if len(o.Epochs()) == 0 {
		return o, nil
	}
	h := lens.History{Superseding: map[record.Hash][]lens.Epoch{}}
	for _, epoch := range o.Epochs() {
		if err := loadSuperseding(ctx, v, &h, epoch); err != nil {
			return nil, err
		}
	}
	return o.Under(h.Superseding), nil
}

// sizeOf is how many assertions, votes and transitions a history holds.
func sizeOf(h lens.History) int {
	n := len(h.Assertions)
	for _, list := range h.Votes {
		n += len(list)
	}
	for _, list := range h.Transitions {
		n += len(list)
	}
	return n
}

// bare is a history without the descriptors of sources and without epochs.
func bare(ctx context.Context, v *ingest.View, subject, predicate string) (lens.History, error) {
	h := lens.History{
		Transitions: map[record.Hash][]lens.Transition{},
		Votes:       map[record.Hash][]lens.Vote{},
	}
	for e, err := range v.Topic(ctx, subject, predicate) {
		if err != nil {
			return h, err
		}
		if e.Life.Record != nil {
			addLife(&h, e.Life)
		} else {
			c := e.Claim
			h.Assertions = append(h.Assertions, lens.Assertion{
				Hash: c.ID.Hash, LSN: c.LSN, Object: c.Object, Confidence: c.Confidence, Birth: c.Birth,
				Agent: c.Agent, Timestamp: c.Timestamp, Source: c.Source, Epoch: c.Epoch,
			})
		}
	}
	return h, nil
}

// addLife adds a vote or a transition.
func addLife(h *lens.History, l ingest.Linked) {
	switch r := l.Record.(type) {
	case *record.Transition:
		h.Transitions[r.Assertion] = append(h.Transitions[r.Assertion], transitionOf(l))
	case *record.Vote:
		h.Votes[r.Assertion] = append(h.Votes[r.Assertion], lens.Vote{Hash: l.ID.Hash, LSN: l.LSN, Agent: r.Agent, Weight: r.Weight, Timestamp: r.Timestamp})
	}
}

// loadLife adds the votes on an assertion that the history was not loaded for, and its transitions.
func loadLife(ctx context.Context, v *ingest.View, h *lens.History, id record.ID) error {
	for _, link := range []ingest.Link{ingest.LinkTransition, ingest.LinkVote} {
		for l, err := range v.Links(ctx, id, link) {
			if err != nil {
				return err
			}
			addLife(h, l)
		}
	}
	return nil
}

// transitionOf is a linked transition as a lens sees it.
func transitionOf(l ingest.Linked) lens.Transition {
	r := l.Record.(*record.Transition)
	return lens.Transition{Hash: l.ID.Hash, LSN: l.LSN, To: r.To, Agent: r.Agent, Timestamp: r.Timestamp}
}

// loadAllDescriptors adds the descriptors of all digests, to a map of its own.
func loadAllDescriptors(ctx context.Context, v *ingest.View, h *lens.History) error {
	h.Descriptors = map[record.Hash][]lens.Descriptor{}
	for i := range h.Assertions {
		if err := loadDescriptors(ctx, v, h, h.Assertions[i].Source); err != nil {
			return err
		}
	}
	return nil
}

// loadDescriptors adds the descriptors of a digest, once.
func loadDescriptors(ctx context.Context, v *ingest.View, h *lens.History, digest record.Hash) error {
	if _, loaded := h.Descriptors[digest]; loaded {
		return nil
	}
	h.Descriptors[digest] = nil
	for l, err := range v.Links(ctx, evidenceID(digest), ingest.LinkDescribes) {
		if err != nil {
			return err
		}
		r := l.Record.(*record.Source)
		h.Descriptors[digest] = append(h.Descriptors[digest], lens.Descriptor{Hash: l.ID.Hash, LSN: l.LSN, Name: r.Name, Authority: r.Authority, Agent: r.Agent, Timestamp: r.Timestamp})
	}
	return nil
}

// loadAllSuperseding adds what superseded the epochs of all assertions, to a map of its own.
func loadAllSuperseding(ctx context.Context, v *ingest.View, h *lens.History) error {
	h.Superseding = map[record.Hash][]lens.Epoch{}
	for i := range h.Assertions {
		if err := loadSuperseding(ctx, v, h, h.Assertions[i].Epoch); err != nil {
			return err
		}
	}
	return nil
}

// loadSuperseding adds what superseded an epoch, once.
func loadSuperseding(ctx context.Context, v *ingest.View, h *lens.History, epoch record.Hash) error {
	if _, loaded := h.Superseding[epoch]; epoch.IsZero() || loaded {
		return nil
	}
	h.Superseding[epoch] = nil
	for l, err := range v.Links(ctx, record.ID{Kind: record.KindEpoch, Hash: epoch}, ingest.LinkSupersedes) {
		if err != nil {
			return err
		}
		r := l.Record.(*record.Epoch)
		h.Superseding[epoch] = append(h.Superseding[epoch], lens.Epoch{Hash: l.ID.Hash, LSN: l.LSN, Agent: r.Agent, Timestamp: r.Timestamp, Supersession: r.Supersession})
	}
	return nil
}
