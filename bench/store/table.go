package store

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"episteme/bench/machine"
)

// better says which of two figures wins.
type better bool

const (
	more better = true  // rates
	less better = false // costs
)

// series is one row of the table: a figure for each round and peer.
type series struct {
	what, unit string
	better     better
	values     [2][]float64 // as peerNames; empty: this store has no such thing
}

func newSeries(what, unit string, b better) *series {
	return &series{what: what, unit: unit, better: b}
}

func (s *series) add(peer int, v float64) { s.values[peer] = append(s.values[peer], v) }

// times is how many times as good episteme is, round by round: above 1 it wins.
func (s *series) times() (ratios []float64) {
	for i := range min(len(s.values[0]), len(s.values[1])) {
		ratio := s.values[0][i] / s.values[1][i]
		if s.better == less {
			ratio = 1 / ratio
		}
		ratios = append(ratios, ratio)
	}
	return ratios
}

// table is what a run came to.
type table struct{ rows []*series }

func (t *table) add(rows ...*series) { t.rows = append(t.rows, rows...) }

// write appends the table to w as Markdown, with all that is needed to judge it.
func (t table) write(w io.Writer, o options) error {
	var b strings.Builder
	b.WriteString(machine.Heading(fmt.Sprintf("bench store -n %d -base %d -ingest %d -rounds %d -seed %d -sqlite-cache %d -idle %v",
		o.Audits, o.Base, o.Ingested, o.Rounds, o.Seed, o.CacheKiB, o.Idle)))
	b.WriteString("The store beside SQLite (modernc.org/sqlite, WAL, synchronous=FULL). Medians of the rounds, in brackets the lowest and the\n" +
		"highest. × is how many times as good episteme is, the median of the ratios within the rounds: below 1 it loses. A dash:\n" +
		"it has no such thing. Answers had equal checksums. Pages of the files were in memory.\n\n")
	b.WriteString("| | | " + strings.Join(peerNames, " | ") + " | × |\n|---|---|---|---|---|\n")
	for _, s := range t.rows {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", s.what, s.unit, figure(s.values[0]), figure(s.values[1]), figure(s.times()))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// figure is the median with its range, to three digits.
func figure(v []float64) string {
	switch len(v) {
	case 0:
		return "—"
	case 1:
		return digits(v[0])
	}
	return fmt.Sprintf("%s (%s–%s)", digits(machine.Median(v)), digits(slices.Min(v)), digits(slices.Max(v)))
}

func digits(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}
