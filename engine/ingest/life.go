package ingest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"episteme/engine/kv"
	"episteme/engine/record"
)

// Votes and transitions are the life of an assertion. They lie beside the assertions of its subject and predicate, so
// that a question takes one scan. Those that came before their assertion lie under its hash; the topic says of which
// assertions there are such.

// Topic yields what bears on a subject and predicate: its assertions, oldest first, then the votes on them and the
// transitions of them, of each assertion those first that came after it, in the order of the journal. Of each step one of
// the two is set.
func (v *View) Topic(ctx context.Context, subject, predicate string) iter.Seq2[TopicEntry, error] {
	return func(yield func(TopicEntry, error) bool) {
		prefix := topicPrefix(subject, predicate)
		for e, err := range kv.ScanPrefix(ctx, v.snap, prefix) {
			var entry TopicEntry
			switch {
			case err != nil:
			case len(e.Key) == len(prefix)+17 && e.Key[len(prefix)] == topicClaims:
				entry.Claim, err = readCandidate(e)
			case len(e.Key) == len(prefix)+9 && e.Key[len(prefix)] == topicLife:
				entry.Life, err = v.readLinked(e, nil)
			case len(e.Key) == len(prefix)+33 && e.Key[len(prefix)] == topicWaited:
				for l, err := range v.lifeUnder(ctx, orphanPrefix(record.Hash(e.Key[len(prefix)+1:]))) {
					if !yield(TopicEntry{Life: l}, err) || err != nil {
						return
					}
				}
				continue
			default:
				err = &StoreError{bytes.Clone(e.Key), fmt.Sprintf("%d bytes", len(e.Key)), "an assertion or its life"}
			}
			if !yield(entry, err) || err != nil {
				return
			}
		}
	}
}

// TopicEntry is an assertion, or a vote or a transition, whose Record says what it is about.
type TopicEntry struct {
	Claim Candidate
	Life  Linked // Record is nil for an assertion
}

// Candidates yields the assertions with this subject and predicate, whenever they were made, oldest first.
func (v *View) Candidates(ctx context.Context, subject, predicate string) iter.Seq2[Candidate, error] {
	return func(yield func(Candidate, error) bool) {
		for e, err := range kv.ScanPrefix(ctx, v.snap, append(topicPrefix(subject, predicate), topicClaims)) {
			var c Candidate
			if err == nil {
				c, err = readCandidate(e)
			}
			if !yield(c, err) || err != nil {
				return
			}
		}
	}
}

// Life yields the votes on all assertions with a subject and predicate, and their transitions, in the order of the journal.
func (v *View) Life(ctx context.Context, subject, predicate string) iter.Seq2[Linked, error] {
	return func(yield func(Linked, error) bool) {
		prefix := topicPrefix(subject, predicate)
		early, err := v.early(ctx, prefix)
		if err != nil {
			yield(Linked{}, err)
			return
		}
		for l, err := range v.lifeUnder(ctx, append(prefix, topicLife)) {
			for err == nil && len(early) > 0 && early[0].LSN < l.LSN {
				if !yield(early[0], nil) {
					return
				}
				early = early[1:]
			}
			if !yield(l, err) || err != nil {
				return
			}
		}
		for _, l := range early {
			if !yield(l, nil) {
				return
			}
		}
	}
}

// early is the life of a topic's assertions that came before them, in the order of the journal.
func (v *View) early(ctx context.Context, prefix []byte) (early []Linked, err error) {
	if some, err := v.anyOrphans(); err != nil || !some {
		return nil, err // nearly always: a vote names what is there
	}
	for e, err := range kv.ScanPrefix(ctx, v.snap, append(bytes.Clone(prefix), topicWaited)) {
		if err == nil && len(e.Key) != len(prefix)+33 {
			err = &StoreError{bytes.Clone(e.Key), fmt.Sprintf("%d bytes", len(e.Key)), "an assertion"}
		}
		if err != nil {
			return nil, err
		}
		for l, err := range v.lifeUnder(ctx, orphanPrefix(record.Hash(e.Key[len(prefix)+1:]))) {
			if err != nil {
				return nil, err
			}
			early = append(early, l)
		}
	}
	slices.SortFunc(early, func(a, b Linked) int { return cmp.Compare(a.LSN, b.LSN) })
	return early, nil
}

// lifeOf yields the votes on one assertion, or its transitions.
func (v *View) lifeOf(ctx context.Context, assertion record.Hash, kind record.Kind) iter.Seq2[Linked, error] {
	return func(yield func(Linked, error) bool) {
		all := v.lifeUnder(ctx, orphanPrefix(assertion))
		a, _, err := v.Claim(assertion)
		switch {
		case err == nil:
			all = v.Life(ctx, a.Subject, a.Predicate)
		case !errors.Is(err, kv.ErrNotFound) && !errors.Is(err, ErrBroken) && !errors.Is(err, ErrErased):
			yield(Linked{}, err)
			return
		}
		for l, err := range all {
			if err == nil && (l.ID.Kind != kind || AssertionOf(l.Record) != assertion) {
				continue
			}
			if !yield(l, err) || err != nil {
				return
			}
		}
	}
}

func (v *View) lifeUnder(ctx context.Context, prefix []byte) iter.Seq2[Linked, error] {
	return func(yield func(Linked, error) bool) {
		for e, err := range kv.ScanPrefix(ctx, v.snap, prefix) {
			var l Linked
			if err == nil {
				l, err = v.readLinked(e, nil)
			}
			if !yield(l, err) || err != nil {
				return
			}
		}
	}
}

// AssertionOf is the assertion that a vote or a transition is about.
func AssertionOf(r record.Record) record.Hash {
	switch r := r.(type) {
	case *record.Vote:
		return r.Assertion
	case *record.Transition:
		return r.Assertion
	}
	return record.Hash{}
}

// lives puts the life of assertions into batches.
type lives struct {
	topics   generations[record.Hash, *topic] // of assertions; those of a batch are not in the store yet
	same     map[topic]*topic                 // of topics, so that assertions about one share it
	waiting  map[record.Hash]struct{}         // assertions that something in the batch waits for
	anywhere bool                             // something may wait in the store
}

// topicsRemembered bounds each half of the assertions whose topics are remembered, some 60 bytes each and the topics. The
// others are looked up.
const topicsRemembered = 1 << 14

// topic is what an assertion is about.
type topic struct{ subject, predicate string }

func newLives() *lives {
	l := &lives{waiting: map[record.Hash]struct{}{}, anywhere: true}
	l.topics = newGenerations[record.Hash, *topic](1 << 30) // it turns only between batches
	l.same = map[topic]*topic{}
	return l
}

// reset is called when no batch is open.
func (l *lives) reset() {
	clear(l.waiting)
	if len(l.topics.young) > topicsRemembered {
		l.topics.turn()
		clear(l.same)
	}
}

// note remembers what an assertion is about.
func (l *lives) note(assertion record.Hash, a *record.Assertion) *topic {
	t := topic{a.Subject, a.Predicate}
	shared := l.same[t]
	if shared == nil {
		shared = &t
		l.same[t] = shared
	}
	l.topics.put(assertion, shared)
	return shared
}

// topicOf is what an assertion is about, nil when it is not here. before is the store before the batch.
func (l *lives) topicOf(before *View, assertion record.Hash) (*topic, error) {
	if t, ok := l.topics.get(assertion); ok {
		return t, nil
	}
	stored, err := before.Get(assertionID(assertion))
	if errors.Is(err, kv.ErrNotFound) || errors.Is(err, ErrBroken) || err == nil && stored.Erased {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r, err := record.Decode(record.KindAssertion, stored.Payload)
	if err != nil {
		return nil, err
	}
	return l.note(assertion, r.(*record.Assertion)), nil
}

// add puts a vote or a transition beside its assertion and returns the topic, or nil when it has to wait for it.
func (l *lives) add(before *View, batch *kv.Batch, assertion record.Hash, lsn record.LSN, from record.ID, payload []byte) (*topic, error) {
	t, err := l.topicOf(before, assertion)
	if err != nil {
		return nil, err
	}
	if t == nil {
		l.waiting[assertion] = struct{}{}
		l.anywhere = true
		batch.Put(orphanKey(assertion, lsn), linkValue(from, payload))
		return nil, nil
	}
	batch.Put(lifeKey(*t, lsn), linkValue(from, payload))
	return t, nil
}

// arrives notes an assertion. When something waits for it, its topic says so; nothing is moved, because there may be any
// number. What waits in the batch must have been applied before.
func (l *lives) arrives(ctx context.Context, before *View, batch *kv.Batch, a *record.Assertion, hash record.Hash) error {
	t := l.note(hash, a)
	if !l.anywhere {
		return nil
	}
	l.anywhere = len(l.waiting) > 0
	if !l.anywhere {
		some, err := before.any(ctx, space(spaceOrphans))
		if l.anywhere = some; err != nil || !some {
			return err
		}
	}
	some, err := before.any(ctx, orphanPrefix(hash))
	if some && err == nil {
		batch.Put(waitedKey(*t, hash), nil)
	}
	return err
}

// any reports whether there is a key with a prefix.
func (v *View) any(ctx context.Context, prefix []byte) (bool, error) {
	for _, err := range kv.ScanPrefix(ctx, v.snap, prefix) {
		return err == nil, err
	}
	return false, nil
}
