package engine

import (
	"context"
	"errors"
	"slices"

	"episteme/engine/ingest"
	"episteme/engine/kv"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// aboutMax is how many assertions of a source or of evidence are looked at to learn what they speak of. A guess: far more
// than rest on one document; what lies behind it does not make a record visible to anybody.
const aboutMax = 10_000

// About says which subjects a record speaks of. Of a record that is not here, was erased or cannot be read it is nothing.
func (e *Engine) About(ctx context.Context, id record.ID) (ask.About, error) {
	v, err := e.index.View()
	if err != nil {
		return ask.About{}, err
	}
	defer v.Close()
	return (&speaking{e.Tracer.Record, v}).of(ctx, id)
}

// speaking looks up what records speak of.
type speaking struct {
	record func(context.Context, record.ID) (ask.Record, error)
	view   *ingest.View
}

func (s *speaking) of(ctx context.Context, id record.ID) (ask.About, error) {
	switch id.Kind {
	case record.KindEpoch:
		return ask.About{General: true}, nil
	case record.KindEvidence: // the bytes need not be held: assertions name the digest
		return s.resting(ctx, id)
	}
	r, err := s.record(ctx, id)
	var absent *ask.NotFoundError
	if errors.As(err, &absent) {
		return ask.About{}, nil
	}
	if err != nil {
		return ask.About{}, err
	}
	switch x := r.Record.(type) {
	case *record.Assertion:
		return ask.About{Subjects: []string{x.Subject}}, nil
	case *record.Audit:
		return ask.About{Subjects: []string{x.Subject}}, nil
	case *record.Vote:
		return s.ofAssertion(x.Assertion)
	case *record.Transition:
		return s.ofAssertion(x.Assertion)
	case *record.Source:
		return s.resting(ctx, record.ID{Kind: record.KindEvidence, Hash: x.Digest})
	case *record.Event:
		return s.event(ctx, x)
	}
	return ask.About{}, nil
}

func (s *speaking) ofAssertion(hash record.Hash) (ask.About, error) {
	a, _, err := s.view.Claim(hash)
	switch {
	case errors.Is(err, kv.ErrNotFound), errors.Is(err, ingest.ErrErased), err == nil && a == nil:
		return ask.About{}, nil
	case err != nil:
		return ask.About{}, err
	}
	return ask.About{Subjects: []string{a.Subject}}, nil
}

// resting is what the assertions speak of that rest on a document.
func (s *speaking) resting(ctx context.Context, digest record.ID) (about ask.About, err error) {
	looked := 0
	for l, err := range s.view.Links(ctx, digest, ingest.LinkSource) {
		if err != nil {
			return about, err
		}
		if looked++; looked > aboutMax {
			break
		}
		on, err := s.ofAssertion(l.ID.Hash)
		if err != nil {
			return about, err
		}
		for _, subject := range on.Subjects {
			if !slices.Contains(about.Subjects, subject) {
				about.Subjects = append(about.Subjects, subject)
			}
		}
	}
	return about, nil
}

// event is the event's own subject; without one, all that it was based on: its title speaks of each.
func (s *speaking) event(ctx context.Context, ev *record.Event) (about ask.About, err error) {
	if ev.Subject != "" {
		return ask.About{Subjects: []string{ev.Subject}}, nil
	}
	about.Every = true
	for _, id := range ev.BasedOn {
		on, err := s.of(ctx, id)
		if err != nil {
			return about, err
		}
		if len(on.Subjects) == 0 { // nobody can say what it was
			return ask.About{}, nil
		}
		about.Subjects = append(about.Subjects, on.Subjects...)
	}
	slices.Sort(about.Subjects)
	about.Subjects = slices.Compact(about.Subjects)
	return about, nil
}
