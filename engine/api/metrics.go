package api

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are what a server counts, in a registry of its own.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	refusals *prometheus.CounterVec
	streams  prometheus.Gauge
	exports  prometheus.Counter
}

func newMetrics(held Held) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "episteme_requests_total", Help: "Requests answered, by kind of question and status."}, []string{"kind", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "episteme_question_seconds", Help: "How long questions took, by kind.", Buckets: prometheus.ExponentialBuckets(0.0005, 2, 16),
		}, []string{"kind"}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "episteme_refused_total", Help: "Requests refused, by reason."}, []string{"reason"}),
		streams:  prometheus.NewGauge(prometheus.GaugeOpts{Name: "episteme_sessions", Help: "Sessions that follow live."}),
		exports:  prometheus.NewCounter(prometheus.CounterOpts{Name: "episteme_exports_total", Help: "Exports that began."}),
	}
	m.registry.MustRegister(m.requests, m.seconds, m.refusals, m.streams, m.exports, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	gauge := func(name, help string, value func() float64) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
	}
	counter := func(name, help string, value func() float64) {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, value))
	}
	gauge("episteme_applied_lsn", "The newest record that questions see.", func() float64 { return float64(held.Progress().Applied) })
	gauge("episteme_ingest_lag_records", "Durable records that questions do not see yet.", func() float64 {
		p := held.Progress()
		return float64(max(p.Durable, p.Applied) - p.Applied)
	})
	gauge("episteme_stopped", "1 while nothing more can be written or seen.", func() float64 {
		if held.Progress().Stopped != nil {
			return 1
		}
		return 0
	})
	m.registry.MustRegister(syncs{held, prometheus.NewDesc("episteme_fsync_seconds", "How long the journal's syncs took; one makes all records durable that waited for it.", nil, nil)})
	counter("episteme_appends_total", "Records in the journal: its newest LSN.", func() float64 { return float64(held.Progress().Durable) })
	counter("episteme_rejects_total", "Lines refused.", func() float64 { return float64(held.Progress().Rejects) })
	return m
}

// syncs are the times of the journal's syncs, which the journal counts by itself.
type syncs struct {
	held Held
	desc *prometheus.Desc
}

func (s syncs) Describe(out chan<- *prometheus.Desc) { out <- s.desc }

func (s syncs) Collect(out chan<- prometheus.Metric) {
	now := s.held.Syncs()
	within := make(map[float64]uint64, len(now.Bounds))
	for i, bound := range now.Bounds {
		within[bound.Seconds()] = now.Within[i]
	}
	out <- prometheus.MustNewConstHistogram(s.desc, now.Count, now.Total.Seconds(), within)
}

func (m *metrics) answered(kind string, status int, took time.Duration) {
	m.requests.WithLabelValues(kind, strconv.Itoa(status)).Inc()
	m.seconds.WithLabelValues(kind).Observe(took.Seconds())
}

func (m *metrics) refused(reason string) { m.refusals.WithLabelValues(reason).Inc() }

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
