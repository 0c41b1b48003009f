package engine_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// chain is assertions that are each derived from the one before, the first from a document.
func chain(n int) []string {
	lines := []string{docA, claimA}
	for i := range n {
		parent := "a"
		if i > 0 {
			parent = fmt.Sprintf("d%d", i-1)
		}
		lines = append(lines, fmt.Sprintf(`{"kind":"assertion","id":"d%d","subject":"s/%d","predicate":"p","object":"A","confidence":0.9,"agent":"bot","timestamp":"2024-01-01T00:00:05Z","source":"@doc","parents":["@%s"]}`, i, i, parent))
	}
	return lines
}

func TestProvenanceLimits(t *testing.T) {
	const links = 20
	e, ids := world(t, chain(links)...)
	root := ids[fmt.Sprintf("@d%d", links-1)]
	all, err := e.Provenance(t.Context(), root, ask.ProvenanceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	// The chain, the claim it began with, its source and the bytes.
	if got, want := len(all.Nodes), links+3; got != want || !all.Complete || len(all.More) != 0 {
		t.Errorf("%d nodes, complete %t, more %d; want %d, all of it", got, all.Complete, len(all.More), want)
	}
	tests := []struct {
		name    string
		options ask.ProvenanceOptions
		nodes   func(int) bool
	}{
		{"depth bounds the levels", ask.ProvenanceOptions{Depth: 3}, func(n int) bool { return n == 6 }}, // root, parent + source, parent + bytes, parent
		{"nodes bound the size", ask.ProvenanceOptions{Nodes: 5}, func(n int) bool { return n == 5 }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := e.Provenance(t.Context(), root, tt.options)
			if err != nil {
				t.Fatal(err)
			}
			if !tt.nodes(len(p.Nodes)) || p.Complete || len(p.More) == 0 {
				t.Errorf("%d nodes, complete %t, more %d; want it cut, and said so", len(p.Nodes), p.Complete, len(p.More))
			}
			known := map[record.ID]bool{}
			for _, n := range p.Nodes {
				known[n.ID] = true
			}
			for _, edge := range p.Edges {
				if !known[edge.From] || !known[edge.To] {
					t.Errorf("an edge from %s to %s leads to a node that is not there", edge.From.Short(), edge.To.Short())
				}
			}
		})
	}
}

// TestProvenanceOfWhatIsMissing: a record that is named and not here is a node that says so.
func TestProvenanceOfWhatIsMissing(t *testing.T) {
	absent := "a_" + strings.Repeat("12", 32)
	e, ids := world(t,
		`{"kind":"source","id":"name","name":"heard-of.md","agent":"sync","timestamp":"2024-01-01T00:00:00Z"}`,
		`{"kind":"assertion","id":"x","subject":"s","predicate":"p","object":"A","confidence":0.9,"agent":"bot","timestamp":"2024-01-01T00:00:05Z","source":"@name","parents":["`+absent+`"]}`)
	p, err := e.Provenance(t.Context(), ids["@x"], ask.ProvenanceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	c := ask.Count(p.Nodes)
	if c.Links != 4 || c.Verified != 2 || c.NotHeld != 2 || !p.Complete {
		t.Errorf("checks %+v, complete %t; want the claim and its source verified, the parent and the bytes not held", c, p.Complete)
	}
	var notFound *ask.NotFoundError
	if _, err := e.Provenance(t.Context(), record.ID{Kind: record.KindAssertion, Hash: record.Hash{0x12}}, ask.ProvenanceOptions{}); !errors.As(err, &notFound) {
		t.Errorf("Provenance of nothing = %v, want not found", err)
	}
}

// TestProvenanceReachesARecordOnce: two ways to one record are two edges and one node.
func TestProvenanceReachesARecordOnce(t *testing.T) {
	e, ids := world(t, docA, claimA,
		`{"kind":"assertion","id":"x","subject":"s","predicate":"p","object":"X","confidence":0.9,"agent":"bot","timestamp":"2024-01-01T00:00:05Z","source":"@doc","parents":["@a"]}`,
		`{"kind":"assertion","id":"y","subject":"s","predicate":"p","object":"Y","confidence":0.9,"agent":"bot","timestamp":"2024-01-01T00:00:05Z","source":"@doc","parents":["@a","@x"]}`)
	p, err := e.Provenance(t.Context(), ids["@y"], ask.ProvenanceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	nodes, edges := 0, 0
	for _, n := range p.Nodes {
		if n.ID == ids["@a"] {
			nodes++
		}
	}
	for _, edge := range p.Edges {
		if edge.To == ids["@a"] {
			edges++
		}
	}
	if nodes != 1 || edges != 2 {
		t.Errorf("%d nodes and %d edges for one record reached twice, want 1 and 2", nodes, edges)
	}
}

// TestDensityCountsEveryMatch: the parts of the range add up to the total.
func TestDensityCountsEveryMatch(t *testing.T) {
	e, _, _ := openFixture(t, "auth-jwt")
	for _, f := range []ask.AuditFilter{{Buckets: 1}, {Buckets: 97}, {Buckets: 50, Agent: "bob"}, {Buckets: 20, Limit: 3, Subject: "auth/**"}} {
		tr, err := e.Audits(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		var sum uint64
		for _, n := range tr.Buckets {
			sum += n
		}
		if len(tr.Buckets) != f.Buckets || sum != tr.Total || sum == 0 {
			t.Errorf("%+v: %d parts with %d matches of %d, want all", f, len(tr.Buckets), sum, tr.Total)
		}
	}
}
