package export

import (
	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// Links that the chain does not draw as such.
const (
	supersedes ask.EdgeType = "supersedes" // epoch → the one it supersedes
	refers     ask.EdgeType = "refers"     // assertion or query → the record its value is
)

// link is a record that another one names in its bytes. It goes from the record that names to the one that is named,
// so that the bytes alone prove it: a vote names its assertion.
type link struct {
	to     record.ID
	typ    ask.EdgeType
	weight *float32 // contributed only
}

// linksOf lists what r names, in the order of its bytes. An erasure names a hash without a kind, and is no link.
func linksOf(r record.Record) []link {
	assertion := func(h record.Hash) record.ID { return record.ID{Kind: record.KindAssertion, Hash: h} }
	evidence := func(h record.Hash) record.ID { return record.ID{Kind: record.KindEvidence, Hash: h} }
	var links []link
	add := func(to record.ID, typ ask.EdgeType) { links = append(links, link{to: to, typ: typ}) }
	value := func(o record.Object) {
		if o.Type == record.Refers {
			add(o.Ref, refers)
		}
	}
	switch r := r.(type) {
	case *record.Source:
		add(evidence(r.Digest), ask.EvidenceOf)
	case *record.Assertion:
		value(r.Object)
		add(evidence(r.Source), ask.EvidenceOf)
		for _, p := range r.Parents {
			add(p, ask.DerivedFrom)
		}
		if !r.Epoch.IsZero() {
			add(record.ID{Kind: record.KindEpoch, Hash: r.Epoch}, ask.InEpoch)
		}
	case *record.Vote:
		add(assertion(r.Assertion), ask.VoteOn)
	case *record.Transition:
		add(assertion(r.Assertion), ask.MovedBy)
	case *record.Epoch:
		if !r.Supersedes.IsZero() {
			add(record.ID{Kind: record.KindEpoch, Hash: r.Supersedes}, supersedes)
		}
	case *record.Event:
		for _, id := range r.BasedOn {
			add(id, ask.BasedOn)
		}
	case *record.Audit:
		value(r.Value)
		for _, c := range r.Contributions {
			links = append(links, link{assertion(c.Assertion), ask.Contributed, &c.Weight})
		}
		for _, c := range r.Contributions {
			add(evidence(c.Source), ask.EvidenceOf)
		}
	}
	return links
}
