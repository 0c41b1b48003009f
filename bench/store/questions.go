package store

import (
	"math/rand/v2"

	"episteme/engine/record"
)

// Kind is a kind of question, in the words of the table.
type Kind string

const (
	Newest     Kind = "newest 200 of an agent under auth/*"
	Everything Kind = "everything of a busy agent under auth/*"
	Chain      Kind = "provenance chain of the deepest audit"
	Influence  Kind = "audits influenced by an assertion"
	Latest     Kind = "current answer, the newest claim"
	Backing    Kind = "current answer, the most backing"
)

// kinds lists them in the order of the table.
func kinds() []Kind { return []Kind{Newest, Everything, Chain, Influence, Latest, Backing} }

// Question is put to both stores in the same words.
type Question struct {
	Kind               Kind
	Agent              string // Newest, Everything
	Limit              int    // Newest
	ID                 record.ID
	Subject, Predicate string // Latest, Backing
}

const (
	newestRows  = 200
	busyAgents  = 5   // the busiest ones are asked for everything
	chainsAmong = 50  // late audits of hot subjects among which the deepest is looked for
	chainAsked  = 20  // times that the one chain is asked for, so that there is a percentile
	samples     = 200 // questions of each other kind, at most; fewer about few audits
)

// chooser picks the questions while a fleet goes by: about audits drawn at random, and about the deepest.
type chooser struct {
	fleet  *Fleet
	picked map[int64]bool
	hot    map[string]bool // subjects
	asked  map[Kind][]Question
	late   []Audit // the last few of hot subjects
}

func newChooser(f *Fleet, seed uint64) *chooser {
	c := &chooser{fleet: f, picked: map[int64]bool{}, hot: map[string]bool{}, asked: map[Kind][]Question{}}
	r := rand.New(rand.NewPCG(seed, 0xa5c))
	for range max(1, min(samples, f.audits/20)) {
		c.picked[r.Int64N(int64(f.audits))] = true
	}
	for i := range hotSubjects {
		c.hot[subjectName(i)] = true
	}
	for i := range uint64(busyAgents) {
		c.add(Question{Kind: Everything, Agent: agentName(i)})
	}
	return c
}

func (c *chooser) add(q Question) { c.asked[q.Kind] = append(c.asked[q.Kind], q) }

func (c *chooser) see(a Audit) {
	r := a.Record
	if c.picked[a.Row] {
		c.add(Question{Kind: Newest, Agent: r.Agent, Limit: newestRows})
		c.add(Question{Kind: Influence, ID: record.ID{Kind: record.KindAssertion, Hash: r.Contributions[0].Assertion}})
		c.add(Question{Kind: Latest, Subject: r.Subject, Predicate: r.Predicate})
		c.add(Question{Kind: Backing, Subject: r.Subject, Predicate: r.Predicate})
	}
	if c.hot[r.Subject] {
		c.late = append(c.late[max(0, len(c.late)+1-chainsAmong):], a)
	}
}

// questions are all of them, kind by kind, once the fleet has gone by.
func (c *chooser) questions() []Question {
	deepest, most := record.ID{}, -1
	for _, a := range c.late {
		if n := c.fleet.reach(a); n > most {
			deepest, most = a.ID, n
		}
	}
	for range chainAsked {
		if most >= 0 {
			c.add(Question{Kind: Chain, ID: deepest})
		}
	}
	var all []Question
	for _, k := range kinds() {
		all = append(all, c.asked[k]...)
	}
	return all
}
