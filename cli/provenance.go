package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

func (a *app) provenanceCommand() *cobra.Command {
	var o ask.ProvenanceOptions
	c := &cobra.Command{
		Use:   "provenance ID",
		Short: "The chain behind a record, down to the bytes",
		Long: `Show what a record rests on: event → query → assertions → sources → bytes, with parents, votes, transitions
and epochs on the way. The hash of every record is checked and the checks are counted.`,
		Example: `  episteme provenance q_7f3a2b91
  episteme provenance w_5c81f0aa --depth 2 -o json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			format, err := a.format()
			if err != nil {
				return err
			}
			if o.Depth < 0 {
				return usage(fmt.Errorf("--depth: found %d, expected 1 or more, or 0 for everything", o.Depth))
			}
			return a.withEvidence(cmd.Context(), func(e evidence) error {
				id, err := identify(cmd.Context(), e, args[0])
				if err != nil {
					return err
				}
				p, err := e.Provenance(cmd.Context(), id, o)
				if err != nil {
					return err
				}
				return a.printProvenance(p, format)
			})
		},
	}
	c.Flags().IntVar(&o.Depth, "depth", 0, "links to follow (0: all)")
	return c
}

func (a *app) printProvenance(p ask.Provenance, format string) error {
	switch format {
	case asJSON:
		return a.writeJSON(p)
	case asNDJSON:
		for _, n := range p.Nodes {
			if err := a.writeJSON(n); err != nil {
				return err
			}
		}
		for _, e := range p.Edges {
			if err := a.writeJSON(e); err != nil {
				return err
			}
		}
		_, err := fmt.Fprintln(a.err, chainSummary(p))
		return err
	}
	var b strings.Builder
	lines := chainLines(p)
	if format == asMD {
		b.WriteString("```\n" + strings.ReplaceAll(strings.Join(lines, "\n"), "```", "'''") + "\n```\n\n")
	} else {
		b.WriteString(strings.Join(lines, "\n") + "\n")
	}
	b.WriteString(chainSummary(p) + "\n")
	_, err := fmt.Fprint(a.out, b.String())
	return err
}

// chainSummary counts the checks: 5 links · 4 verified · 1 bytes not kept · 0 broken.
func chainSummary(p ask.Provenance) string {
	c := ask.Count(p.Nodes)
	s := fmt.Sprintf("%d links · %d verified · %d bytes not kept · %d broken", c.Links, c.Verified, c.NotHeld, c.Broken)
	if c.Erased > 0 {
		s += fmt.Sprintf(" · %d erased", c.Erased)
	}
	if !p.Complete {
		s += fmt.Sprintf(" · there is more behind %d of them", len(p.More))
	}
	return s
}

// drawnDepth is how many levels are drawn: beyond it the branches leave no room for what is on them.
const drawnDepth = 40

// chainLines draws the chain as a tree. A record that is reached twice is drawn in full once.
func chainLines(p ask.Provenance) []string {
	t := &chainTree{nodes: map[record.ID]ask.Node{}, edges: map[record.ID][]ask.Edge{}, drawn: map[record.ID]bool{}}
	for _, n := range p.Nodes {
		t.nodes[n.ID] = n
	}
	for _, e := range p.Edges {
		t.edges[e.From] = append(t.edges[e.From], e)
	}
	t.draw(p.Root, nil, "", "")
	return t.lines
}

type chainTree struct {
	nodes map[record.ID]ask.Node
	edges map[record.ID][]ask.Edge
	drawn map[record.ID]bool
	lines []string
}

func (t *chainTree) draw(id record.ID, via *ask.Edge, first, rest string) {
	n, held := t.nodes[id]
	line := first
	if via != nil {
		line += string(via.Type) + " "
		if via.Weight != nil {
			line += ask.Decimal(*via.Weight) + " "
		}
	}
	line += id.Short() + " " + record.Clean(n.Title)
	if n.Lifecycle != nil {
		line += " · " + n.Lifecycle.String() + " now"
	}
	if n.Agent != "" {
		line += " · " + record.Clean(n.Agent)
	}
	if n.Timestamp != nil {
		line += " · " + n.Timestamp.String()
	}
	if via != nil && via.After {
		line += " · after the answer"
	}
	again := t.drawn[id]
	if again {
		t.lines = append(t.lines, line+" · shown above")
		return
	}
	t.drawn[id] = true
	if held {
		line += " · " + checkMark(n.Check)
	}
	t.lines = append(t.lines, line)
	edges := t.edges[id]
	if len(edges) > 0 && len(rest) > drawnDepth*len("│ ") {
		t.lines = append(t.lines, rest+"└ … deeper than fits a page: -o json has all of it")
		return
	}
	for i := range edges {
		if i == len(edges)-1 {
			t.draw(edges[i].To, &edges[i], rest+"└ ", rest+"  ")
		} else {
			t.draw(edges[i].To, &edges[i], rest+"├ ", rest+"│ ")
		}
	}
}

func checkMark(c ask.Check) string {
	switch c {
	case ask.Verified:
		return "✓ verified"
	case ask.Broken:
		return "✗ BROKEN"
	case ask.Erased:
		return "erased"
	}
	return "? not held"
}
