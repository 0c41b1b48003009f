// Genlines writes JSON lines that `episteme ingest` takes, as many bytes as wanted, the same for the same seed.
//
//	genlines --bytes 1000000000 --seed 1 | episteme ingest --format jsonl -
//
// It holds little memory, so it can feed a measurement of the program's. The lines are in the proportions of a busy
// installation: of 1,000 lines some 720 are assertions, 130 votes, 80 imported audits, 30 transitions, 20 events,
// 19 sources with their text and 1 a question to be asked. 20,000 subjects with 5 predicates each compete for the
// assertions, 200 agents write them.
//
// Labels are what a reader of the file has to remember until its end. Genlines defines at most maxLabels, whatever
// the size, so that a reader's memory does not grow with the file.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"time"
)

func main() {
	bytes := flag.Int64("bytes", 1_000_000, "stop after the line that reaches this size")
	seed := flag.Uint64("seed", 1, "another seed, other lines")
	flag.Parse()
	if flag.NArg() > 0 || *bytes < 1 {
		fmt.Fprintln(os.Stderr, "usage: genlines [--bytes N] [--seed N], N at least 1; it writes to standard output")
		os.Exit(2)
	}
	lines, written, err := generate(os.Stdout, *bytes, *seed)
	fmt.Fprintf(os.Stderr, "genlines: %d lines, %d bytes, seed %d\n", lines, written, *seed)
	if err != nil {
		fmt.Fprintf(os.Stderr, "genlines: write standard output: %v\n", err)
		os.Exit(1)
	}
}

const (
	maxSourceLabels    = 20_000
	maxAssertionLabels = 80_000
	maxLabels          = maxSourceLabels + maxAssertionLabels // a tenth of what a file may define
	labelEvery         = 8                                    // assertions; so the labels are spread over the first 200 MB or so

	subjects   = 20_000
	agents     = 200
	predicates = 5
)

// generate writes lines until there are at least size bytes. It returns how many lines and bytes it wrote.
func generate(to io.Writer, size int64, seed uint64) (lines, written int64, err error) {
	out := bufio.NewWriterSize(to, 1<<16)
	g := newGenerator(seed)
	for written < size && err == nil {
		var n int
		n, err = out.Write(g.next())
		lines, written = lines+1, written+int64(n)
	}
	if flushErr := out.Flush(); err == nil {
		err = flushErr
	}
	return lines, written, err
}

// generator makes one line after the other.
type generator struct {
	rng   *rand.Rand
	clock time.Time
	line  []byte // reused

	sources    int     // labelled s0, s1 …
	assertions []int32 // labelled a0, a1 …: the label of each one's source
	made       int     // assertions, labelled or not
	numbered   int     // sources, so that no two have the same text
}

func newGenerator(seed uint64) *generator {
	return &generator{rng: rand.New(rand.NewPCG(seed, 0)), clock: time.Date(2024, 1, 15, 0, 0, 0, 0, time.UTC)}
}

// next is valid until the one after it.
func (g *generator) next() []byte {
	g.clock = g.clock.Add(time.Duration(1+g.rng.IntN(200)) * time.Millisecond)
	g.line = g.line[:0]
	kind := g.rng.IntN(1000)
	switch {
	case g.sources == 0: // the first line; an assertion needs one
		g.source()
	case len(g.assertions) == 0: // the second; votes and audits need one
		g.assertion()
	case kind < 1:
		g.query()
	case kind < 20:
		g.source()
	case kind < 150:
		g.vote()
	case kind < 180:
		g.transition()
	case kind < 200:
		g.event()
	case kind < 280:
		g.audit()
	default:
		g.assertion()
	}
	return g.line
}

func (g *generator) source() {
	g.numbered++
	g.add(`{"kind":"source",`)
	if g.sources < maxSourceLabels {
		g.add(`"id":"s%d",`, g.sources)
		g.sources++
	}
	g.add(`"name":"%s-runbook-%d.md","authority":%s,"agent":"docs-sync","timestamp":"%s","content":"# Runbook %d\n`,
		g.pick(areas), g.numbered, g.fraction(), g.time(), g.numbered)
	g.words(20 + g.rng.IntN(100))
	g.add("\"}\n")
}

func (g *generator) assertion() {
	source, above := g.rng.IntN(g.sources), len(g.assertions)
	g.add(`{"kind":"assertion",`)
	if g.made%labelEvery == 0 && len(g.assertions) < maxAssertionLabels {
		g.add(`"id":"a%d",`, len(g.assertions))
		g.assertions = append(g.assertions, int32(source))
	}
	g.made++
	g.question()
	g.add(`,"object":%s,"confidence":%s,"lifecycle":"%s","agent":"%s","timestamp":"%s","source":"@s%d"`,
		g.object(), g.fraction(), g.pick(stages), g.agent(), g.time(), source)
	if g.rng.IntN(4) == 0 {
		g.add(`,"note":"`)
		g.words(3 + g.rng.IntN(12))
		g.add(`"`)
	}
	if above > 0 && g.rng.IntN(10) == 0 {
		g.add(`,"parents":["@a%d"]`, g.rng.IntN(above))
	}
	g.add("}\n")
}

func (g *generator) vote() {
	g.add(`{"kind":"vote","assertion":"@a%d","agent":"%s","weight":%.2f,"timestamp":"%s"}`+"\n",
		g.rng.IntN(len(g.assertions)), g.agent(), float64(g.rng.IntN(201)-100)/100, g.time())
}

func (g *generator) transition() {
	g.add(`{"kind":"transition","assertion":"@a%d","to":"%s","agent":"%s","reason":"`, g.rng.IntN(len(g.assertions)), g.pick(stages), g.agent())
	g.words(4)
	g.add(`","timestamp":"%s"}`+"\n", g.time())
}

func (g *generator) event() {
	g.add(`{"kind":"event","type":"%s","timestamp":"%s","agent":"%s","title":"`, g.pick(eventTypes), g.time(), g.agent())
	g.words(5)
	g.add(`","based_on":["@a%d"],"labels":{"env":"prod","service":"%s"}}`+"\n", g.rng.IntN(len(g.assertions)), g.pick(areas))
}

func (g *generator) query() {
	g.add(`{"kind":"query","agent":"%s",`, g.agent())
	g.question()
	g.add(`,"lens":"%s","lifecycle_filter":null,"timestamp":"%s"}`+"\n", g.pick(lenses), g.time())
}

func (g *generator) audit() {
	at := g.time()
	g.add(`{"kind":"audit","agent_id":"%s","timestamp":"%s",`, g.agent(), at)
	g.question()
	count := 1 + g.rng.IntN(8)
	g.add(`,"lens":"%s","lens_params":{},"lifecycle_filter":null,"as_of":"%s","result":{"value":%s,"confidence":%s,"share":%s},"considered":%d,"contributing_assertions":[`,
		g.pick(lenses), at, g.object(), g.fraction(), g.fraction(), count+g.rng.IntN(4))
	// A run of neighbours names no assertion twice, whatever the dice say.
	first := g.rng.IntN(len(g.assertions))
	for i := range min(count, len(g.assertions)-first) {
		if i > 0 {
			g.add(",")
		}
		g.add(`{"hash":"@a%d","lifecycle":"%s","weight":%.2f,"source_hash":"@s%d"}`,
			first+i, g.pick(stages), 0.95-0.1*float64(i), g.assertions[first+i])
	}
	g.add(`],"labels":{"env":"prod"},"trace_id":"%016x%016x"}`+"\n", g.rng.Uint64(), g.rng.Uint64())
}

// question adds subject and predicate. Few subjects are asked about often and many seldom.
func (g *generator) question() {
	n := min(g.rng.IntN(subjects), g.rng.IntN(subjects))
	g.add(`"subject":"%s/service-%d","predicate":"%s"`, areas[n%len(areas)], n, predicateNames[g.rng.IntN(predicates)])
}

func (g *generator) object() string {
	switch g.rng.IntN(4) {
	case 0:
		return fmt.Sprint(g.rng.IntN(100_000))
	case 1:
		return fmt.Sprint(g.rng.IntN(2) == 0)
	}
	return `"` + g.pick(values) + `"`
}

func (g *generator) words(n int) {
	for i := range n {
		if i > 0 {
			g.add(" ")
		}
		g.add("%s", g.pick(vocabulary))
	}
}

func (g *generator) add(format string, args ...any) { g.line = fmt.Appendf(g.line, format, args...) }

func (g *generator) pick(list []string) string { return list[g.rng.IntN(len(list))] }

func (g *generator) agent() string { return fmt.Sprintf("agent-%03d", g.rng.IntN(agents)) }

func (g *generator) time() string { return g.clock.Format(time.RFC3339Nano) }

// fraction is from 0.01 to 1.00.
func (g *generator) fraction() string { return fmt.Sprintf("%.2f", float64(1+g.rng.IntN(100))/100) }

var (
	areas          = []string{"auth", "billing", "edge", "payments", "search", "storage", "mail"}
	predicateNames = []string{"signing_algorithm", "timeout_ms", "owner", "max_retries", "enabled"}
	values         = []string{"ES256", "RS256", "HS256", "platform-auth", "per line", "größer als 2", "署名"}
	stages         = []string{"Proposed", "UnderReview", "Approved", "Deprecated", "Rejected"}
	eventTypes     = []string{"deploy", "alert", "rollback", "decision", "note"}
	lenses         = []string{"consensus", "authority", "recency", "skeptic"}
	vocabulary     = []string{"verifiers", "cache", "the", "key", "for", "300", "s;", "rotate", "before", "signer", "§ 4", "and", "then", "wait",
		"two", "weeks", "rollback", "with", "deploy", "--config", "PREVIOUS", "naïve", "clients", "must", "tolerate", "skew", `\"as is\"`, "🔑"}
)
