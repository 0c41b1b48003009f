package store

import (
	"bytes"
	"cmp"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"

	"episteme/engine/record"
)

// The shape of a fleet: many agents of which few are busy, many subjects of which few are hot, and for each subject and
// predicate a handful of claims that compete.
const (
	agentCount   = 200
	subjectCount = 20_000
	hotSubjects  = 10  // auth/jwt and its likes, which everybody asks about
	busySubjects = 50  // subjects whose claims are nearly always derived from the one before
	groupClaims  = 32  // claims of one subject and predicate that an audit may still rest on
	recentClaims = 64  // claims of a domain that a new one may be derived from
	contribMin   = 3   // contributions of an audit: 3 to 8, 5.5 on average
	contribMax   = 8   //
	sourcesLeast = 100 // and one for each 50 audits

	fleetStart = record.Time(1_767_225_600e9) // 2026-01-01
	fleetSpan  = 90 * 24 * 3600 * 1_000_000_000
	fleetEnd   = fleetStart + fleetSpan
)

// Step is one audit with all it rests on that no step before it has brought, in the order they have to be written.
type Step struct {
	Sources []Source
	Claims  []Claim
	Audit   Audit
}

// Source, Claim and Audit are records with what a relational database wants to know of them: their row, counted from 0
// for each kind, and the rows they refer to. It gets rows and hashes for nothing; a user of it would look them up.
type Source struct {
	Row    int64
	ID     record.ID
	Record *record.Source
}

// Claim is an assertion.
type Claim struct {
	Row     int64
	ID      record.ID
	Record  *record.Assertion
	Source  int64
	Parents []int64
}

// Audit is a question with its answer.
type Audit struct {
	Row    int64
	ID     record.ID
	Record *record.Audit
	Claims []int64 // of the contributions, in their order
}

// records lists a step's records in the order they have to be written.
func (s *Step) records(to []record.Record) []record.Record {
	for _, x := range s.Sources {
		to = append(to, x.Record)
	}
	for _, x := range s.Claims {
		to = append(to, x.Record)
	}
	return append(to, s.Audit.Record)
}

// Fleet makes the history of a fleet of agents: the same for the same seed and number of audits. It remembers what later
// records refer to, so one fleet is good for one pass of Steps.
type Fleet struct {
	audits   int
	rng      *rand.Rand
	agents   *rand.Zipf
	subjects *rand.Zipf
	predicts *rand.Zipf

	sources []Source // Record is nil until a claim rests on it
	claims  []claim
	groups  map[int]*group
	domains map[int]*ring
}

// claim is what is remembered of one.
type claim struct {
	id      record.ID
	source  record.Hash
	object  uint16
	stage   record.Stage
	parents []int32
}

// ring keeps the rows of the last few claims.
type ring struct {
	rows []int32
	next int
}

func (r *ring) add(row int32, most int) {
	if len(r.rows) < most {
		r.rows = append(r.rows, row)
		return
	}
	r.rows[r.next] = row
	r.next = (r.next + 1) % most
}

// group is the claims about one subject and predicate.
type group struct {
	ring
	last int32
}

// NewFleet prepares a fleet that asks so many questions.
func NewFleet(audits int, seed uint64) *Fleet {
	r := rand.New(rand.NewPCG(seed, 0xe915))
	return &Fleet{
		audits: audits, rng: r,
		agents:   rand.NewZipf(r, 1.2, 4, agentCount-1),
		subjects: rand.NewZipf(r, 1.1, 20, subjectCount-1),
		predicts: rand.NewZipf(r, 1.3, 1, uint64(len(predicates())-1)),
		sources:  make([]Source, audits/50+sourcesLeast),
		groups:   map[int]*group{}, domains: map[int]*ring{},
	}
}

// Steps yields the audits, oldest first. A step is the reader's to keep.
func (f *Fleet) Steps() iter.Seq2[Step, error] {
	return func(yield func(Step, error) bool) {
		pace := int64(fleetSpan) / int64(f.audits)
		for i := range f.audits {
			at := fleetStart + record.Time(int64(i)*pace+f.rng.Int64N(pace))
			s, err := f.step(int64(i), at)
			if !yield(s, err) || err != nil {
				return
			}
		}
	}
}

// step is one question: an agent asks about a subject, of which enough is claimed by then.
func (f *Fleet) step(row int64, at record.Time) (s Step, err error) {
	agent, subject, predicate := f.agents.Uint64(), int(f.subjects.Uint64()), int(f.predicts.Uint64())
	wanted := contribMin + f.rng.IntN(contribMax-contribMin+1)
	key := subject*len(predicates()) + predicate
	g := f.groups[key]
	if g == nil {
		g = &group{last: -1}
		f.groups[key] = g
	}
	fresh := wanted - len(g.rows)
	if fresh <= 0 {
		fresh = 0
		if f.rng.Float64() < 0.4 {
			fresh = 1
		}
	}
	for i := range fresh {
		born := at - record.Time(fresh-i)*1000
		if err := f.claim(&s, g, subject, predicate, born); err != nil {
			return s, err
		}
	}
	a := &record.Audit{
		Agent: agentName(agent), Timestamp: at, AsOf: at, Subject: subjectName(subject), Predicate: predicates()[predicate],
		Lens:       []string{"consensus", "authority", "recency", "skeptic"}[f.rng.IntN(4)],
		Confidence: 0.5 + f.rng.Float32()/2, Share: 0.2 + 0.8*f.rng.Float32(), Considered: uint64(len(g.rows)),
	}
	s.Audit = Audit{Row: row, Record: a, Claims: f.contribute(a, g, wanted)}
	a.Value = record.TextObject(objectName(f.claims[s.Audit.Claims[0]].object))
	a.ResultHash = a.Value.Hash()
	s.Audit.ID, err = record.IDOf(a)
	return s, err
}

// contribute gives an audit its contributions, heaviest first, and returns their rows.
func (f *Fleet) contribute(a *record.Audit, g *group, wanted int) []int64 {
	type part struct {
		row int64
		record.Contribution
	}
	parts := make([]part, wanted)
	first := f.rng.IntN(len(g.rows))
	for i := range parts {
		row := int64(g.rows[(first+i)%len(g.rows)])
		c := &f.claims[row]
		parts[i] = part{row, record.Contribution{Assertion: c.id.Hash, Source: c.source, Weight: 1 - f.rng.Float32(), Lifecycle: c.stage}}
	}
	slices.SortFunc(parts, func(x, y part) int {
		return cmp.Or(cmp.Compare(y.Weight, x.Weight), bytes.Compare(x.Assertion[:], y.Assertion[:]))
	})
	rows := make([]int64, wanted)
	for i, p := range parts {
		a.Contributions, rows[i] = append(a.Contributions, p.Contribution), p.row
	}
	return rows
}

// claim adds a claim to a step, and its source when that is new.
func (f *Fleet) claim(s *Step, g *group, subject, predicate int, at record.Time) error {
	source, err := f.source(s, f.rng.IntN(len(f.sources)), at)
	if err != nil {
		return err
	}
	row := int32(len(f.claims))
	object := uint16((subject*7 + predicate*3 + f.rng.IntN(4)*f.rng.IntN(3)) % objectCount)
	c := Claim{Row: int64(row), Source: source.Row, Record: &record.Assertion{
		Subject: subjectName(subject), Predicate: predicates()[predicate], Object: record.TextObject(objectName(object)),
		Confidence: 0.3 + 0.7*f.rng.Float32(), Lifecycle: record.Approved, Agent: agentName(f.agents.Uint64()), Timestamp: at,
		Source: source.Record.Digest,
	}}
	switch f.rng.IntN(20) {
	case 0:
		c.Record.Lifecycle = record.Deprecated
	case 1:
		c.Record.Lifecycle = record.Proposed
	}
	domain := f.domainOf(subject)
	parents := f.parents(g, domain, subject)
	for _, p := range parents {
		c.Parents = append(c.Parents, int64(p))
		c.Record.Parents = append(c.Record.Parents, f.claims[p].id)
	}
	if c.ID, err = record.IDOf(c.Record); err != nil {
		return err
	}
	f.claims = append(f.claims, claim{c.ID, source.Record.Digest, object, c.Record.Lifecycle, parents})
	g.add(row, groupClaims)
	g.last = row
	domain.add(row, recentClaims)
	s.Claims = append(s.Claims, c)
	return nil
}

// parents are the claims a new one is derived from: often the one before it in its group, sometimes one or two others of
// its domain. Chains of hot subjects grow long by that.
func (f *Fleet) parents(g *group, domain *ring, subject int) (parents []int32) {
	succeeds := 0.3
	if subject < busySubjects {
		succeeds = 0.9
	}
	if g.last >= 0 && f.rng.Float64() < succeeds {
		parents = append(parents, g.last)
	}
	if len(domain.rows) > 0 && f.rng.Float64() < 0.35 {
		for range 1 + f.rng.IntN(2) {
			if p := domain.rows[f.rng.IntN(len(domain.rows))]; !slices.Contains(parents, p) {
				parents = append(parents, p)
			}
		}
	}
	return parents
}

func (f *Fleet) domainOf(subject int) *ring {
	name := domainOf(subject)
	if f.domains[name] == nil {
		f.domains[name] = &ring{}
	}
	return f.domains[name]
}

// source is a source by its row, added to the step when it is the first time that something rests on it.
func (f *Fleet) source(s *Step, row int, at record.Time) (*Source, error) {
	x := &f.sources[row]
	if x.Record != nil {
		return x, nil
	}
	x.Row = int64(row)
	x.Record = &record.Source{
		Name: fmt.Sprintf("document-%06d.md", row), URI: fmt.Sprintf("git://repo-%03d/path/to/document-%06d.md#L%d", row%311, row, row%900),
		Digest: record.Sum(fmt.Appendf(nil, "what document %d says", row)), Authority: 0.1 + 0.9*f.rng.Float32(),
		Agent: "docs-sync", Timestamp: at - 1,
	}
	var err error
	x.ID, err = record.IDOf(x.Record)
	s.Sources = append(s.Sources, *x)
	return x, err
}

// reach is how many claims stand behind an audit, itself not counted.
func (f *Fleet) reach(a Audit) int {
	seen := map[int32]bool{}
	var next []int32
	for _, row := range a.Claims {
		next = append(next, int32(row))
	}
	for len(next) > 0 {
		row := next[len(next)-1]
		next = next[:len(next)-1]
		if !seen[row] {
			seen[row] = true
			next = append(next, f.claims[row].parents...)
		}
	}
	return len(seen)
}
