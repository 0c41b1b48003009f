package trace

import (
	"context"
	"maps"
	"slices"
	"strings"

	"episteme/engine/ingest"
	"episteme/engine/lens"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// exclusion is what somebody wants left out, and what that takes along among the ancestors of a question: the
// assertions derived from one that is left out, all of a source's digest, an epoch's, an agent's. What is taken along
// takes its own along.
//
// It looks backwards, from the assertions of a question to what they were derived from: an epoch or an agent may have
// half the store, of which a question's ancestors are a handful. It looks at everything that is held, later records
// too: what a record takes along does not depend on when somebody asks.
//
// It remembers what it looked up and serves one goroutine over one snapshot.
type exclusion struct {
	t    *Tracer
	ctx  context.Context
	view *ingest.View

	named   lens.Exclusions
	sources bool                 // a descriptor is named, or an agent, who may have written some
	digests map[record.Hash]bool // whether a digest is left out
	epochs  map[record.Hash]bool // whether an epoch is
}

// known refuses a target that nothing here knows: an answer that stays as it is without a slip of the finger would be
// taken for one that does not rest on what was meant. What others name is known, held or not.
func (t *Tracer) known(ctx context.Context, v *ingest.View, target ask.Target) error {
	if target.ID.IsZero() {
		return t.knownAgent(ctx, v, target.Agent)
	}
	held, err := v.Has(target.ID)
	if held || err != nil {
		return err
	}
	for _, link := range namedBy(target.ID.Kind) {
		for _, err := range v.Links(ctx, target.ID, link) {
			return err // the first one is enough
		}
	}
	p, err := record.ParsePrefix(target.ID.String())
	if err != nil {
		return err
	}
	return &ask.NotFoundError{What: target.ID.String(), Near: nearIDs(ctx, v, p)}
}

// namedBy lists the links by which other records name one of a kind that answers can be without.
func namedBy(kind record.Kind) []ingest.Link {
	switch kind {
	case record.KindAssertion:
		return []ingest.Link{ingest.LinkParent}
	case record.KindEpoch:
		return []ingest.Link{ingest.LinkEpoch}
	case record.KindEvidence:
		return []ingest.Link{ingest.LinkSource, ingest.LinkDescribes}
	}
	return nil
}

// knownAgent finds somebody who asked, or wrote a record that can decide an answer. There is no index of these: for
// who never asked, records are read until one is found, and all of them for a name that is nobody's.
func (t *Tracer) knownAgent(ctx context.Context, v *ingest.View, name string) error {
	if asked, err := v.Agent(name); asked.Queries > 0 || err != nil {
		return err
	}
	others := map[string]bool{}
	for a, err := range v.Agents(ctx) {
		if err != nil {
			return err
		}
		others[a.Name] = true
	}
	for _, kind := range decisive() {
		for id, err := range v.WithPrefix(ctx, record.Prefix{Kind: kind}) {
			if err != nil {
				return err
			}
			r, err := t.fetch(ctx, v, id)
			if err != nil {
				return err
			}
			agent := agentOf(r.Record)
			if agent == name {
				return nil
			}
			if agent != "" && len(others) < nearScan {
				others[agent] = true
			}
		}
	}
	return &ask.NotFoundError{What: ask.Target{Agent: name}.String(), Near: nearAgents(name, slices.Sorted(maps.Keys(others)))}
}

// decisive are the kinds of records that can decide an answer.
func decisive() []record.Kind {
	return []record.Kind{record.KindSource, record.KindAssertion, record.KindVote, record.KindEpoch, record.KindTransition}
}

// nearAgents are the few names that may have been meant: first those that look alike, then those that hold name or are
// held by it.
func nearAgents(name string, names []string) []string {
	near := []string{}
	low := strings.ToLower(name)
	for i, n := range nearest(name, slices.Clone(names)) {
		if i == nearMax {
			break
		}
		near = append(near, ask.Target{Agent: n}.String())
	}
	for _, n := range names {
		other, target := strings.ToLower(n), ask.Target{Agent: n}.String()
		if len(near) < nearMax && !slices.Contains(near, target) && (strings.Contains(other, low) || strings.Contains(low, other)) {
			near = append(near, target)
		}
	}
	return near
}

// exclude prepares what is to be left out. It refuses what decides no answer.
func (t *Tracer) exclude(ctx context.Context, v *ingest.View, without []ask.Target) (*exclusion, error) {
	x := &exclusion{
		t: t, ctx: ctx, view: v, digests: map[record.Hash]bool{}, epochs: map[record.Hash]bool{},
		named: lens.Exclusions{Records: map[record.ID]bool{}, Agents: map[string]bool{}, Digests: map[record.Hash]bool{}},
	}
	for _, target := range without {
		if err := x.add(target); err != nil {
			return nil, err
		}
	}
	return x, nil
}

func (x *exclusion) add(target ask.Target) error {
	id := target.ID
	switch id.Kind {
	case 0:
		if target.Agent == "" {
			return &ask.UsageError{Field: "without", Found: target.String(), Expected: "an agent's name behind agent:"}
		}
		x.named.Agents[target.Agent], x.sources = true, true
	case record.KindAssertion, record.KindVote, record.KindTransition, record.KindEpoch:
		x.named.Records[id] = true
	case record.KindEvidence:
		x.named.Digests[id.Hash] = true
	case record.KindSource:
		r, err := x.t.fetch(x.ctx, x.view, id)
		if err != nil {
			return err
		}
		x.named.Records[id], x.sources = true, true
		if s, ok := r.Record.(*record.Source); ok {
			x.named.Digests[s.Digest] = true
		}
	default:
		return &ask.UsageError{
			Field: "without", Found: id.Short(),
			Expected: "an assertion, vote, transition, epoch, source or agent; leaving out a query, an event or an erasure changes no answer",
		}
	}
	return nil
}

// of is what is left out of a question, for lens.Admit.
func (x *exclusion) of(f *family) (lens.Exclusions, error) {
	var roots []record.Hash
	for id := range x.named.Records {
		if id.Kind == record.KindAssertion {
			roots = append(roots, id.Hash) // also one that is not held: others may be derived from it
		}
	}
	for hash, a := range f.members {
		if a == nil {
			continue
		}
		out, err := x.direct(a)
		if err != nil {
			return lens.Exclusions{}, err
		}
		if out {
			roots = append(roots, hash)
		}
	}
	all := lens.Exclusions{Records: f.derived(roots...), Agents: x.named.Agents, Digests: x.named.Digests}
	for id := range x.named.Records {
		all.Records[id] = true
	}
	return all, nil
}

// direct reports whether an assertion is left out for its agent, its source or its epoch.
func (x *exclusion) direct(a *record.Assertion) (bool, error) {
	if x.named.Agents[a.Agent] {
		return true, nil
	}
	if out, err := x.digest(a.Source); out || err != nil {
		return out, err
	}
	return x.epoch(a.Epoch)
}

// digest reports whether a digest is left out: named, or described by an excluded agent or in a named descriptor.
func (x *exclusion) digest(digest record.Hash) (bool, error) {
	if x.named.Digests[digest] || !x.sources {
		return x.named.Digests[digest], nil
	}
	if out, known := x.digests[digest]; known {
		return out, nil
	}
	out := false
	for l, err := range x.view.Links(x.ctx, evidenceID(digest), ingest.LinkDescribes) {
		if err != nil {
			return false, err
		}
		out = out || x.named.Records[l.ID] || x.named.Agents[l.Record.(*record.Source).Agent]
	}
	x.digests[digest] = out
	return out, nil
}

// epoch reports whether an epoch is left out: named, or declared by an excluded agent.
func (x *exclusion) epoch(hash record.Hash) (bool, error) {
	id := record.ID{Kind: record.KindEpoch, Hash: hash}
	if hash.IsZero() || x.named.Records[id] || len(x.named.Agents) == 0 {
		return x.named.Records[id], nil
	}
	if out, known := x.epochs[hash]; known {
		return out, nil
	}
	r, err := x.t.fetch(x.ctx, x.view, id)
	if err != nil {
		return false, err
	}
	epoch, held := r.Record.(*record.Epoch)
	out := held && x.named.Agents[epoch.Agent]
	x.epochs[hash] = out
	return out, nil
}

// family is the assertions of one question and all that they were derived from, at any distance. A parent that is not
// held, or is not an assertion, ends the line.
type family struct {
	members  map[record.Hash]*record.Assertion // nil: not held
	children map[record.Hash][]record.Hash     // by parent, held or not, as far as they are members
}

// loadFamily walks from the assertions about subject and predicate to their ancestors. Its work is in proportion to
// these, which may be many: it polls ctx.
func (t *Tracer) loadFamily(ctx context.Context, v *ingest.View, subject, predicate string) (*family, error) {
	f := &family{members: map[record.Hash]*record.Assertion{}, children: map[record.Hash][]record.Hash{}}
	var waiting []record.Hash
	for c, err := range v.Candidates(ctx, subject, predicate) {
		if err != nil {
			return nil, err
		}
		waiting = append(waiting, c.ID.Hash)
	}
	for ; len(waiting) > 0; waiting = waiting[1:] {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		hash := waiting[0]
		if _, seen := f.members[hash]; seen {
			continue
		}
		a, err := t.assertion(ctx, v, hash)
		if err != nil {
			return nil, err
		}
		f.members[hash] = a
		if a == nil {
			continue
		}
		for _, p := range a.Parents {
			if p.Kind == record.KindAssertion {
				f.children[p.Hash] = append(f.children[p.Hash], hash)
				waiting = append(waiting, p.Hash)
			}
		}
	}
	return f, nil
}

// assertion reads an assertion; nil when it is not held, erased, or its bytes are not what they were.
func (t *Tracer) assertion(ctx context.Context, v *ingest.View, hash record.Hash) (*record.Assertion, error) {
	r, err := t.fetch(ctx, v, assertionID(hash))
	a, _ := r.Record.(*record.Assertion)
	return a, err
}

// derived is roots and all members that were derived from them, at any distance. A circle ends where it began.
func (f *family) derived(roots ...record.Hash) map[record.ID]bool {
	gone := map[record.ID]bool{}
	waiting := slices.Clone(roots)
	for ; len(waiting) > 0; waiting = waiting[1:] {
		if id := assertionID(waiting[0]); !gone[id] {
			gone[id] = true
			waiting = append(waiting, f.children[waiting[0]]...)
		}
	}
	return gone
}
