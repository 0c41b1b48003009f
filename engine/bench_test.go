package engine_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"episteme/engine"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// jsonLines writes n lines as a busy fleet leaves them: of 100, 15 sources, 35 assertions, 10 votes, 40 audits with
// three contributions each; 200 agents, 2,000 subjects, Zipf as real ones are.
func jsonLines(w io.Writer, seed uint64, n int) {
	r := rand.New(rand.NewPCG(seed, 2))
	agents := rand.NewZipf(r, 1.2, 4, 199)
	subjects := rand.NewZipf(r, 1.1, 20, 1999)
	const day = 86_400_000
	at := func(i int) string { return record.Time(1.7e18 + int64(i)*day*1e6/int64(n)).String() }
	for i := range n {
		agent, subject := agents.Uint64(), subjects.Uint64()
		switch k := i % 20; {
		case k < 3:
			fmt.Fprintf(w, `{"kind":"source","id":"s%d","name":"doc-%d.md","authority":0.%d,"agent":"sync","timestamp":%q,"content":"document %d: what it says of subject %d"}`, i, i, 1+r.IntN(9), at(i), i, subject)
		case k < 10:
			fmt.Fprintf(w, `{"kind":"assertion","id":"a%d","subject":"team/%d/service","predicate":"owner","object":"value-%d","confidence":0.%d,"lifecycle":"Approved","agent":"agent-%03d","timestamp":%q,"source":"@s%d"}`,
				i, subject, r.IntN(4), 1+r.IntN(9), agent, at(i), i-k+r.IntN(3))
		case k < 12:
			fmt.Fprintf(w, `{"kind":"vote","assertion":"@a%d","agent":"agent-%03d","weight":0.5,"timestamp":%q}`, i-k+3+r.IntN(7), agent, at(i))
		default:
			a, s := i-k+3, i-k
			fmt.Fprintf(w, `{"kind":"audit","agent_id":"agent-%03d","timestamp":%q,"subject":"team/%d/service","predicate":"owner","lens":"external","result":{"value":"value-%d","confidence":0.7,"share":0.6},"considered":3,`+
				`"contributing_assertions":[{"hash":"@a%d","weight":0.9,"source_hash":"@s%d","lifecycle":"Approved"},{"hash":"@a%d","weight":0.5,"source_hash":"@s%d","lifecycle":"Approved"},{"hash":"@a%d","weight":0.2,"source_hash":"@s%d","lifecycle":"Approved"}]}`,
				agent, at(i), subject, r.IntN(4), a, s, a+1, s+1, a+2, s+2)
		}
		io.WriteString(w, "\n")
	}
}

// BenchmarkIngest takes JSON lines into a new directory until all is durable and in the store.
func BenchmarkIngest(b *testing.B) {
	const n = 20_000
	var buf bytes.Buffer
	jsonLines(&buf, 1, n)
	b.SetBytes(int64(buf.Len()))
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		e, err := engine.Open(b.Context(), engine.Options{Dir: b.TempDir()})
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		done, err := e.Ingest(b.Context(), record.NewReader(bytes.NewReader(buf.Bytes()), "bench", e), engine.IngestOptions{})
		if err != nil || done.Refused > 0 {
			b.Fatal(done, err)
		}
		b.ReportMetric(float64(done.Records), "records")
		b.StopTimer()
		if err := e.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}

// fleet is 100,000 audits on disk, made once for all benchmarks that read them.
var fleet = sync.OnceValues(func() (*engine.Engine, error) {
	dir, err := os.MkdirTemp("", "episteme-bench-*") // lives as long as the process: benchmarks share it
	if err != nil {
		return nil, err
	}
	e, err := engine.Open(context.Background(), engine.Options{Dir: dir})
	if err != nil {
		return nil, err
	}
	r, w := io.Pipe()
	go func() {
		jsonLines(w, 1, 250_000) // two fifths are audits
		w.Close()
	}()
	_, err = e.Ingest(context.Background(), record.NewReader(r, "fleet", e), engine.IngestOptions{})
	return e, err
})

// BenchmarkTrace100kAudits asks what an investigator asks first, over 100,000 audits.
func BenchmarkTrace100kAudits(b *testing.B) {
	e, err := fleet()
	if err != nil {
		b.Fatal(err)
	}
	all, err := e.Audits(context.Background(), ask.AuditFilter{Limit: 1})
	if err != nil || all.Total != 100_000 {
		b.Fatalf("the fleet has %d audits, %v; want 100,000", all.Total, err)
	}
	newest := all.Queries[0].Timestamp
	hours6 := newest - 6*3600*1e9
	for name, f := range map[string]ask.AuditFilter{
		"newest-200-of-an-agent-under-a-glob-6h": {Agent: "agent-003", Subject: "team/*/service", Range: ask.Range{From: &hours6}, Limit: 200},
		"newest-50-of-all":                       {Limit: 50},
		"newest-50-of-a-subject":                 {Subject: "team/7/service", Limit: 50},
		"newest-50-under-a-glob":                 {Subject: "team/1*/service", Limit: 50},
		"everything-of-an-agent":                 {Agent: "agent-003"},
		"timeline-with-density-100":              {Limit: 1000, Buckets: 100},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			rows := 0
			for b.Loop() {
				t, err := e.Audits(context.Background(), f)
				if err != nil || len(t.Queries) == 0 {
					b.Fatal(len(t.Queries), err)
				}
				rows = len(t.Queries)
			}
			b.ReportMetric(float64(rows), "rows")
		})
	}
}

// claims writes a subject's assertions and votes, as JSON lines.
func claims(w io.Writer, subject string, assertions, votes int) {
	fmt.Fprintln(w, `{"kind":"source","id":"s","name":"s.md","authority":0.5,"agent":"sync","timestamp":"2023-11-01T00:00:00Z","content":"s"}`)
	for i := range assertions {
		fmt.Fprintf(w, `{"kind":"assertion","id":"a%d","subject":%q,"predicate":"owner","object":"value-%d","confidence":0.%d,"lifecycle":"Approved","agent":"agent-%03d","timestamp":%q,"source":"@s"}`+"\n",
			i, subject, i%40, 1+i%9, i%200, record.Time(1.7e18+int64(i)*1e9).String())
	}
	for i := range votes {
		fmt.Fprintf(w, `{"kind":"vote","assertion":"@a%d","agent":"agent-%03d","weight":0.5,"timestamp":%q}`+"\n", i%assertions, i%1000, record.Time(1.71e18+int64(i)*1e9).String())
	}
}

// BenchmarkResolve answers questions without writing them down: of a fleet, and about a subject with 2,000 assertions and
// 5,000 votes.
func BenchmarkResolve(b *testing.B) {
	e, err := fleet()
	if err != nil {
		b.Fatal(err)
	}
	var crowd bytes.Buffer
	claims(&crowd, "crowd", 2000, 5000)
	if _, err := e.Ingest(context.Background(), record.NewReader(&crowd, "crowd", e), engine.IngestOptions{}); err != nil {
		b.Fatal(err)
	}
	subjects := rand.NewZipf(rand.New(rand.NewPCG(1, 2)), 1.1, 20, 1999)
	for _, l := range engine.Lenses() {
		b.Run("fleet/"+l, func(b *testing.B) {
			resolve(b, e, l, func() string { return fmt.Sprintf("team/%d/service", subjects.Uint64()) }, 1.8e18)
		})
		b.Run("fleet-12-hours-ago/"+l, func(b *testing.B) {
			resolve(b, e, l, func() string { return fmt.Sprintf("team/%d/service", subjects.Uint64()) }, 1.7e18+43_200*1e9)
		})
		b.Run("crowd/"+l, func(b *testing.B) { resolve(b, e, l, func() string { return "crowd" }, 1.8e18) })
	}
}

func resolve(b *testing.B, e *engine.Engine, lens string, subject func() string, asOf record.Time) {
	var took []time.Duration
	b.ReportAllocs()
	for b.Loop() {
		start := time.Now()
		_, err := e.Resolve(context.Background(), record.Query{Agent: "bench", Subject: subject(), Predicate: "owner", Lens: lens, Timestamp: 1.8e18, AsOf: asOf})
		if err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(start))
	}
	reportPercentiles(b, took)
}

func reportPercentiles(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}

// BenchmarkAsk100 has 100 askers at once, each answer written down and synced before it is given: the time one of them
// waits.
func BenchmarkAsk100(b *testing.B) {
	e, err := fleet()
	if err != nil {
		b.Fatal(err)
	}
	var next atomic.Int64
	var mu sync.Mutex
	var took []time.Duration                                             // guarded by mu
	subjects := rand.NewZipf(rand.New(rand.NewPCG(1, 2)), 1.1, 20, 1999) // guarded by mu
	for b.Loop() {
		var askers sync.WaitGroup
		for range 100 {
			askers.Go(func() {
				i := next.Add(1)
				mu.Lock()
				subject := subjects.Uint64()
				mu.Unlock()
				start := time.Now()
				_, err := e.Ask(context.Background(), record.Query{Agent: "bench", Subject: fmt.Sprintf("team/%d/service", subject), Predicate: "owner", Timestamp: record.Time(1.8e18) + record.Time(i), AsOf: record.Unset})
				if err != nil {
					b.Error(err)
				}
				mu.Lock()
				took = append(took, time.Since(start))
				mu.Unlock()
			})
		}
		askers.Wait()
	}
	reportPercentiles(b, took)
	b.ReportMetric(float64(len(took))/b.Elapsed().Seconds(), "questions/s")
}

// BenchmarkAsk asks a point question: resolved, written down, synced, applied.
func BenchmarkAsk(b *testing.B) {
	e, err := engine.Open(context.Background(), engine.Options{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close()
	var buf bytes.Buffer
	jsonLines(&buf, 1, 20_000)
	if _, err := e.Ingest(context.Background(), record.NewReader(&buf, "bench", e), engine.IngestOptions{}); err != nil {
		b.Fatal(err)
	}
	at := record.Time(1.8e18)
	for b.Loop() {
		at++
		if _, err := e.Ask(context.Background(), record.Query{Agent: "bench", Subject: "team/7/service", Predicate: "owner", Lens: "authority", Timestamp: at, AsOf: record.Unset}); err != nil {
			b.Fatal(err)
		}
	}
}
