package api_test

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"episteme/engine"
	"episteme/engine/api"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
	"episteme/fixtures"
)

// onDisk is an engine over a directory, so that audits are durable before they are answered.
func onDisk(b *testing.B) *engine.Engine {
	b.Helper()
	e, err := engine.Open(b.Context(), engine.Options{Dir: filepath.Join(b.TempDir(), "data"), Now: func() time.Time { return now }})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { e.Close() })
	f, _ := fixtures.ByName("auth-jwt")
	takeIn(b, e, string(f.Events()))
	return e
}

// BenchmarkQuestions asks different questions over so many connections at once: each answer comes once its audit is
// durable. Asker and server share this process and its processors.
func BenchmarkQuestions(b *testing.B) {
	for _, connections := range []int{1, 64} {
		b.Run(fmt.Sprintf("connections=%d", connections), func(b *testing.B) {
			file := filepath.Join(b.TempDir(), "tokens")
			secret := grant(b, file, api.Grant{Name: "w", Role: api.RoleWrite})
			x := serve(b, api.Options{Evidence: onDisk(b), Tokens: file, Limits: api.Limits{PerSecond: 1e9, Burst: 1e9}})
			transport := &http.Transport{MaxIdleConnsPerHost: connections}
			defer transport.CloseIdleConnections()
			took := make([][]time.Duration, connections)
			next := make(chan int)
			var wait sync.WaitGroup
			for c := range connections {
				wait.Go(func() {
					for n := range next {
						began := time.Now()
						if err := post(transport, x.tcp[api.Loopback], secret, n); err != nil {
							b.Error(err)
						}
						took[c] = append(took[c], time.Since(began))
					}
				})
			}
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				next <- n
				n++
			}
			close(next)
			wait.Wait()
			all := slices.Sorted(slices.Values(slices.Concat(took...)))
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "questions/s")
			b.ReportMetric(float64(all[len(all)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(all[len(all)*99/100].Microseconds()), "p99-µs")
		})
	}
}

func post(transport *http.Transport, server, secret string, n int) error {
	body := fmt.Sprintf(`{"agent":"bench","subject":"auth/jwt","predicate":"signing_algorithm","timestamp":%q}`, record.Time(int64(n+1)*1e9))
	req, err := http.NewRequest(http.MethodPost, server+"/query", strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+secret)
	res, err := transport.RoundTrip(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("question %d = %s", n, res.Status)
	}
	_, err = io.Copy(io.Discard, res.Body) // to its end, so that the connection can be used again
	return err
}

// BenchmarkTrace lists a page of 100 queries here, and through a client over a socket.
func BenchmarkTrace(b *testing.B) {
	e := incident(b)
	client := serve(b, api.Options{Evidence: e}).local()
	for _, where := range []struct {
		name     string
		evidence api.Evidence
	}{{"here", e}, {"socket", client}} {
		b.Run(where.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				t, err := where.evidence.Audits(b.Context(), ask.AuditFilter{Limit: 100})
				if err != nil || len(t.Queries) != 100 {
					b.Fatalf("found %d queries, %v", len(t.Queries), err)
				}
			}
		})
	}
}
