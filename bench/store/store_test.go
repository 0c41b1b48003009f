package store

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"episteme/engine/record"
)

const (
	tinyAudits = 2000
	tinySeed   = 1
)

// TestMain lets this binary be the child that measuring starts.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == ChildArg {
		if err := Child(os.Args[2:], os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// tiny is a small fleet with the questions about it.
func tiny(t *testing.T) ([]Step, []Question) {
	t.Helper()
	fleet := NewFleet(tinyAudits, tinySeed)
	chosen := newChooser(fleet, tinySeed)
	var steps []Step
	for s, err := range fleet.Steps() {
		if err != nil {
			t.Fatal(err)
		}
		chosen.see(s.Audit)
		steps = append(steps, s)
	}
	return steps, chosen.questions()
}

func TestFleetBringsWhatItRestsOn(t *testing.T) {
	steps, _ := tiny(t)
	sources, claims, parts := map[record.Hash]int64{}, map[record.ID]int64{}, 0
	var before record.Time
	for _, s := range steps {
		for _, x := range s.Sources {
			sources[x.Record.Digest] = x.Row
		}
		for _, x := range s.Claims {
			if row, ok := sources[x.Record.Source]; !ok || row != x.Source {
				t.Fatalf("claim %d rests on source %d, which is not there", x.Row, x.Source)
			}
			for i, p := range x.Record.Parents {
				if row, ok := claims[p]; !ok || row != x.Parents[i] {
					t.Fatalf("claim %d is derived from claim %d, which is not there", x.Row, x.Parents[i])
				}
			}
			claims[x.ID] = x.Row
		}
		a := s.Audit.Record
		if n := len(a.Contributions); n < contribMin || n > contribMax {
			t.Errorf("audit %d has %d contributions, want %d to %d", s.Audit.Row, n, contribMin, contribMax)
		}
		for i, c := range a.Contributions {
			if row, ok := claims[record.ID{Kind: record.KindAssertion, Hash: c.Assertion}]; !ok || row != s.Audit.Claims[i] {
				t.Fatalf("audit %d rests on claim %d, which is not there", s.Audit.Row, s.Audit.Claims[i])
			}
			if i > 0 && c.Weight > a.Contributions[i-1].Weight {
				t.Errorf("audit %d: weight %v after %v, want falling", s.Audit.Row, c.Weight, a.Contributions[i-1].Weight)
			}
		}
		if a.Timestamp <= before || a.Timestamp >= fleetEnd {
			t.Errorf("audit %d at %v after one at %v, want rising below %v", s.Audit.Row, a.Timestamp, before, fleetEnd)
		}
		before = a.Timestamp
		parts += len(a.Contributions)
	}
	if mean := float64(parts) / float64(len(steps)); len(steps) != tinyAudits || mean < 5.3 || mean > 5.7 {
		t.Errorf("%d audits with %.2f contributions on average, want %d with 5.5", len(steps), mean, tinyAudits)
	}
}

func TestFleetIsMadeOfItsSeed(t *testing.T) {
	last := func(seed uint64) (id record.ID) {
		for s, err := range NewFleet(300, seed).Steps() {
			if err != nil {
				t.Fatal(err)
			}
			id = s.Audit.ID
		}
		return id
	}
	first := last(1)
	if again := last(1); again != first {
		t.Errorf("the same seed ended with %v and with %v", first, again)
	}
	if last(2) == first {
		t.Error("two seeds gave one history")
	}
}

// oracle answers by looking at every step.
type oracle []Step

// rows is how many rows a question has.
func (o oracle) rows(q Question, fleet *Fleet) (n int) {
	for _, s := range o {
		a := s.Audit.Record
		switch q.Kind {
		case Newest, Everything:
			if a.Agent == q.Agent && strings.HasPrefix(a.Subject, hotDomain+"/") && (q.Limit == 0 || n < q.Limit) {
				n++
			}
		case Influence:
			if slices.ContainsFunc(a.Contributions, func(c record.Contribution) bool { return c.Assertion == q.ID.Hash }) {
				n++
			}
		case Chain:
			if s.Audit.ID == q.ID {
				n = fleet.reach(s.Audit) // its sources come on top
			}
		default:
			return 1
		}
	}
	return n
}

// latest is the newest admitted claim's value.
func (o oracle) latest(q Question) string {
	var claims []Claim
	for _, s := range o {
		for _, c := range s.Claims {
			r := c.Record
			if r.Subject == q.Subject && r.Predicate == q.Predicate && r.Lifecycle != record.Deprecated && r.Lifecycle != record.Rejected {
				claims = append(claims, c)
			}
		}
	}
	newest := slices.MaxFunc(claims, func(a, b Claim) int { return cmp.Compare(a.Record.Timestamp, b.Record.Timestamp) })
	return newest.Record.Object.Text
}

// TestBothAnswerAlike is what makes the comparison fair: the same questions, the same answers, and the right ones.
func TestBothAnswerAlike(t *testing.T) {
	steps, questions := tiny(t)
	fleet := NewFleet(tinyAudits, tinySeed)
	for _, err := range fleet.Steps() { // for its reach
		if err != nil {
			t.Fatal(err)
		}
	}
	asked := map[string][]answered{}
	for _, name := range peerNames {
		dir := t.TempDir()
		fill(t, name, dir, steps[:tinyAudits/2], 100)
		fill(t, name, dir, steps[tinyAudits/2:], 333) // closed and opened in between
		asked[name] = askAll(t, name, dir, questions)
	}
	if err := sameAnswers(questions, asked[episteme], asked[sqlite]); err != nil {
		t.Fatal(err)
	}
	seen := map[Kind]int{}
	for i, q := range questions {
		got, want := asked[sqlite][i].Rows, oracle(steps).rows(q, fleet)
		if got != want && q.Kind != Chain || got <= want && q.Kind == Chain {
			t.Errorf("%+v: %d rows, want %d (a chain: more, with its sources)", q, got, want)
		}
		if q.Kind == Latest {
			if want := told(oracle(steps).latest(q)); asked[sqlite][i].Digest != want.digest() {
				t.Errorf("%+v: told another value than %q", q, want)
			}
		}
		seen[q.Kind] += got
		if asked[episteme][i].CannotAsk {
			t.Errorf("%s: cannot be asked", q.Kind)
		}
	}
	for _, k := range kinds() {
		if seen[k] < 10 {
			t.Errorf("%s: %d rows in all answers, want some", k, seen[k])
		}
	}
}

func fill(t *testing.T, name, dir string, steps []Step, batch int) {
	t.Helper()
	p, err := openPeer(t.Context(), name, dir, defaultCacheKiB)
	if err != nil {
		t.Fatal(err)
	}
	for some := range slices.Chunk(steps, batch) {
		if err := p.append(t.Context(), some); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(p.catchUp(t.Context()), p.close()); err != nil {
		t.Fatal(err)
	}
}

func askAll(t *testing.T, name, dir string, questions []Question) []answered {
	t.Helper()
	p, err := openPeer(t.Context(), name, dir, defaultCacheKiB)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := p.close(); err != nil {
			t.Error(err)
		}
	}()
	if n, err := p.count(t.Context()); n != tinyAudits || err != nil {
		t.Fatalf("%s holds %d audits, %v; want %d", name, n, err, tinyAudits)
	}
	var o outcome
	if err := o.answer(t.Context(), p, questions, false); err != nil {
		t.Fatal(err)
	}
	return o.Answers
}

func TestSameAnswers(t *testing.T) {
	questions := []Question{{Kind: Latest}, {Kind: Influence}}
	same := []answered{{Rows: 1, Digest: 7}, {Rows: 2, Digest: 9}}
	tests := []struct {
		name   string
		theirs []answered
		ok     bool
	}{
		{"equal rows and checksums", same, true},
		{"another checksum", []answered{{Rows: 1, Digest: 8}, same[1]}, false},
		{"another number of rows", []answered{same[0], {Rows: 3, Digest: 9}}, false},
		{"a question that cannot be asked says nothing", []answered{same[0], {CannotAsk: true}}, true},
		{"an answer is missing", same[:1], false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := sameAnswers(questions, same, tt.theirs); (err == nil) != tt.ok {
				t.Errorf("sameAnswers = %v, want an error: %v", err, !tt.ok)
			}
		})
	}
}

// TestDigestCoversEveryField: a checksum that leaves something out would call different answers equal.
func TestDigestCoversEveryField(t *testing.T) {
	sample := func() list {
		return list{
			{at: 1, subject: "s", predicate: "p", value: "v", parts: []listedPart{{sourceName: "n", value: "w", weight: 1}}},
			{at: 2, subject: "s", predicate: "p", value: "v"},
		}
	}
	whole := sample().digest()
	for name, change := range map[string]func(list){
		"id":        func(l list) { l[0].id[31]++ },
		"time":      func(l list) { l[0].at++ },
		"subject":   func(l list) { l[0].subject = "x" },
		"predicate": func(l list) { l[0].predicate = "x" },
		"value":     func(l list) { l[0].value = "x" },
		"assertion": func(l list) { l[0].parts[0].assertion[0]++ },
		"source":    func(l list) { l[0].parts[0].source[0]++ },
		"name":      func(l list) { l[0].parts[0].sourceName = "x" },
		"claimed":   func(l list) { l[0].parts[0].value = "x" },
		"weight":    func(l list) { l[0].parts[0].weight = 0.5 },
		"order":     slices.Reverse[list],
	} {
		l := sample()
		if change(l); l.digest() == whole {
			t.Errorf("another %s has the same checksum", name)
		}
	}
}

// TestMeasure runs everything there is, children included, on a fleet that is too small to tell anything.
func TestMeasure(t *testing.T) {
	o := options{Dir: t.TempDir(), Audits: 400, Base: 200, Ingested: 100, Rounds: 2, Seed: tinySeed, CacheKiB: defaultCacheKiB, Progress: t.Logf}
	table, err := measure(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range table.rows {
		for p, name := range peerNames {
			absent := name == sqlite && strings.Contains(s.what, "the journal,")
			if absent != (len(s.values[p]) == 0) {
				t.Errorf("%s: %s has the figures %v", s.what, name, s.values[p])
			}
			for _, v := range s.values[p] {
				if v <= 0 {
					t.Errorf("%s: %s came to %v", s.what, name, v)
				}
			}
		}
	}
	if left, err := os.ReadDir(o.Dir); len(left) > 0 || err != nil {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestChildCounts: a store that has lost an audit, or has one too many, is not measured.
func TestChildCounts(t *testing.T) {
	steps, _ := tiny(t)
	for _, name := range peerNames {
		task := task{Do: doIngest, Peer: name, Dir: t.TempDir(), Batch: 10, Expect: 21, CacheKiB: defaultCacheKiB}
		_, err := runChild(t.Context(), task, feedSteps(steps[:20]))
		if err == nil {
			t.Errorf("%s: 20 audits passed for 21", name)
		}
	}
}

func TestOptionsCheck(t *testing.T) {
	good := options{Audits: 1000, Base: 5000, Ingested: 2000, Rounds: 1, CacheKiB: 1}
	o := good
	if err := o.check(); err != nil || o.Base != 1000 || o.Ingested != 250 {
		t.Errorf("check = %v, base %d, ingest %d; want them cut to 1000 and 250", err, o.Base, o.Ingested)
	}
	for name, spoil := range map[string]func(*options){
		"no audits": func(o *options) { o.Audits = 0 }, "no base": func(o *options) { o.Base = 0 },
		"nothing to ingest": func(o *options) { o.Ingested = 0 }, "no round": func(o *options) { o.Rounds = 0 },
	} {
		o := good
		if spoil(&o); o.check() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestTable(t *testing.T) {
	rate, cost, single := newSeries("rate", "1/s", more), newSeries("cost", "ms", less), newSeries("absent", "ms", less)
	for _, v := range [][2]float64{{300, 100}, {200, 100}, {100, 200}} {
		rate.add(0, v[0])
		rate.add(1, v[1])
		cost.add(0, v[0])
		cost.add(1, v[1])
	}
	single.add(1, 3.14159)
	var tab table
	tab.add(rate, cost, single)
	var b bytes.Buffer
	if err := tab.write(&b, options{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| rate | 1/s | 200 (100–300) | 100 (100–200) | 2.00 (0.50–3.00) |",
		"| cost | ms | 200 (100–300) | 100 (100–200) | 0.50 (0.33–2.00) |",
		"| absent | ms | — | 3.14 | — |",
	} {
		if !strings.Contains(b.String(), want+"\n") {
			t.Errorf("the table lacks %s:\n%s", want, &b)
		}
	}
}

func TestTurns(t *testing.T) {
	if a, b := turns(0), turns(1); a[0] == b[0] || len(a) != len(peerNames) || len(b) != len(peerNames) {
		t.Errorf("rounds begin with %d and %d, want both in turn", a[0], b[0])
	}
}

func TestPercentile(t *testing.T) {
	v := []float64{10, 20, 30, 40, 50}
	for p, want := range map[float64]float64{0: 10, 0.5: 30, 0.99: 50, 1: 50} {
		if got := percentile(v, p); got != want {
			t.Errorf("percentile(%v, %v) = %v, want %v", v, p, got, want)
		}
	}
}
