package lens

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"episteme/engine/record"
)

// entry is a record of any kind in one flat list: the form that tests write histories in and that the second
// implementation (naive_test.go) reads.
type entry struct {
	kind  record.Kind
	hash  record.Hash
	lsn   record.LSN
	agent string
	time  record.Time

	object     record.Object       // assertion
	confidence float32             // assertion
	source     record.Hash         // assertion, source: digest
	epoch      record.Hash         // assertion: its own; epoch: the one it supersedes
	parents    []record.Hash       // assertion
	stage      record.Stage        // assertion: at birth; transition: to
	of         record.Hash         // vote, transition
	weight     float32             // vote: weight; source: authority
	how        record.Supersession // epoch
}

func (e entry) id() record.ID { return record.ID{Kind: e.kind, Hash: e.hash} }

// String is for the shortest failing history.
func (e entry) String() string {
	s := fmt.Sprintf("%s lsn %d time %d agent %s", e.id().Short(), e.lsn, e.time, e.agent)
	switch e.kind {
	case record.KindAssertion:
		s += fmt.Sprintf(" claims %v c=%v %v source %.4s epoch %.4s", e.object, e.confidence, e.stage, e.source, e.epoch)
		for _, p := range e.parents {
			s += fmt.Sprintf(" from a_%.8s", p)
		}
	case record.KindVote:
		s += fmt.Sprintf(" votes %v on a_%.8s", e.weight, e.of)
	case record.KindTransition:
		s += fmt.Sprintf(" moves a_%.8s to %v", e.of, e.stage)
	case record.KindEpoch:
		s += fmt.Sprintf(" supersedes %.4s %v", e.epoch, e.how)
	case record.KindSource:
		s += fmt.Sprintf(" describes %.4s authority %v", e.source, e.weight)
	}
	return s
}

// Record number n has hash n000…, LSN n and time n; these say what differs from that.
func (e entry) at(t record.Time) entry          { e.time = t; return e }
func (e entry) lsnIs(lsn record.LSN) entry      { e.lsn = lsn; return e }
func (e entry) by(agent string) entry           { e.agent = agent; return e }
func (e entry) says(object record.Object) entry { e.object = object; return e }
func (e entry) sure(confidence float32) entry   { e.confidence = confidence; return e }
func (e entry) born(stage record.Stage) entry   { e.stage = stage; return e }
func (e entry) from(digest byte) entry          { e.source = record.Hash{digest}; return e }
func (e entry) in(epoch byte) entry             { e.epoch = record.Hash{epoch}; return e }
func newEntry(kind record.Kind, n byte) entry {
	return entry{kind: kind, hash: record.Hash{n}, lsn: record.LSN(n), time: record.Time(n), agent: fmt.Sprintf("agent-%d", n)}
}

var x, y = record.TextObject("x"), record.TextObject("y")

// claims is an assertion of x by an agent and on a source of its own, with confidence 1.
func claims(n byte) entry {
	return newEntry(record.KindAssertion, n).says(x).sure(1).born(record.Proposed).from(n)
}

func moves(n, of byte, to record.Stage) entry {
	e := newEntry(record.KindTransition, n).born(to)
	e.of = record.Hash{of}
	return e
}

func votes(n, of byte, agent string, weight float32) entry {
	e := newEntry(record.KindVote, n).by(agent)
	e.of, e.weight = record.Hash{of}, weight
	return e
}

func supersedes(n, epoch byte, how record.Supersession) entry {
	e := newEntry(record.KindEpoch, n).in(epoch)
	e.how = how
	return e
}

func describes(n, digest byte, authority float32) entry {
	e := newEntry(record.KindSource, n).from(digest)
	e.weight = authority
	return e
}

// historyOf files a flat list the way a caller does.
func historyOf(entries []entry) History {
	h := History{
		Transitions: map[record.Hash][]Transition{},
		Votes:       map[record.Hash][]Vote{},
		Superseding: map[record.Hash][]Epoch{},
		Descriptors: map[record.Hash][]Descriptor{},
	}
	for _, e := range entries {
		switch e.kind {
		case record.KindAssertion:
			h.Assertions = append(h.Assertions, Assertion{e.hash, e.lsn, e.object, e.confidence, e.stage, e.agent, e.time, e.source, e.epoch})
		case record.KindTransition:
			h.Transitions[e.of] = append(h.Transitions[e.of], Transition{e.hash, e.lsn, e.stage, e.agent, e.time})
		case record.KindVote:
			h.Votes[e.of] = append(h.Votes[e.of], Vote{e.hash, e.lsn, e.agent, e.weight, e.time})
		case record.KindEpoch:
			h.Superseding[e.epoch] = append(h.Superseding[e.epoch], Epoch{e.hash, e.lsn, e.agent, e.time, e.how})
		case record.KindSource:
			h.Descriptors[e.source] = append(h.Descriptors[e.source], Descriptor{e.hash, e.lsn, "source", e.weight, e.agent, e.time})
		}
	}
	return h
}

// everything is the cut that leaves nothing out.
func everything() Cut { return Cut{AsOf: record.MaxTime, Pin: Everything} }

func without(ids ...record.ID) Cut {
	c := everything()
	c.Exclude.Records = map[record.ID]bool{}
	for _, id := range ids {
		c.Exclude.Records[id] = true
	}
	return c
}

func without1(kind record.Kind, n byte) Cut {
	return without(record.ID{Kind: kind, Hash: record.Hash{n}})
}

func withoutAgent(agent string) Cut {
	c := everything()
	c.Exclude.Agents = map[string]bool{agent: true}
	return c
}

func withoutDigest(n byte) Cut {
	c := everything()
	c.Exclude.Digests = map[record.Hash]bool{{n}: true}
	return c
}

// describe writes a cut for a failure message.
func describe(c Cut) string {
	var out []string
	for id := range maps.Keys(c.Exclude.Records) {
		out = append(out, id.Short())
	}
	for digest := range maps.Keys(c.Exclude.Digests) {
		out = append(out, "digest "+digest.String()[:4])
	}
	out = slices.AppendSeq(out, maps.Keys(c.Exclude.Agents))
	slices.Sort(out)
	filter := "none"
	if c.Filter != 0 {
		filter = c.Filter.String()
	}
	return fmt.Sprintf("as of %d, pin %d, filter %s, without [%s]", c.AsOf, c.Pin, filter, strings.Join(out, ", "))
}
