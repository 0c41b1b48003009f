package api

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
)

// Check reports what of a grant could not be: a name, a role, an authority, a glob. Other doors than HTTP have files of
// their own in which grants are written.
func (g Grant) Check() error { return checkGrant(g) }

// Visit is what somebody wanted at another door than HTTP, for the access log. No secret is in it.
type Visit struct {
	Door   string // ssh
	Who    string // a name, or what is known of a stranger
	Remote string // address
	What   string // login, or a command
}

// Refused writes into the access log that somebody was not let in at another door, and counts it. why is a word.
func (s *Server) Refused(v Visit, why string) {
	s.metrics.refused(v.Door + "-" + why)
	s.noteVisit(v, noteRefused, v.Door+"-"+why, http.StatusForbidden)
}

// Exported writes into the access log that evidence left in bulk by another door, and counts it.
func (s *Server) Exported(v Visit) {
	s.metrics.exports.Inc()
	s.noteVisit(v, noteExport, "", http.StatusOK)
}

func (s *Server) noteVisit(v Visit, what, problem string, status int) {
	s.write(problem, accessLine{What: what, Problem: problem, Status: status, Who: clip(v.Who), Remote: v.Remote, Method: v.Door, Path: withoutSecrets(clip(v.What))})
}

// Gauge adds a number to /metrics. A name is taken once.
func (s *Server) Gauge(name, help string, value func() float64) error {
	return s.metrics.registry.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
}
