package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

func (a *app) impactCommand() *cobra.Command {
	var o ask.ImpactOptions
	c := &cobra.Command{
		Use:   "impact ID",
		Short: "Who was told something because of a record, and who is told it still",
		Long: `Show the chain ahead of a record, or of agent:NAME with all its records: the queries it contributed to, directly
or through assertions derived from it, and those that its votes, transitions and epochs could have decided. Each is
resolved again without it. First those that are still told it: whose answer now rests on it.

Derivation goes through assertions, not through queries. An audit that was imported is listed as told: what it would
have said cannot be recomputed here.`,
		Example: `  episteme impact a_19c0e4d2
  episteme impact s_5c81f0aa -o json
  episteme impact agent:rfc-bot`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			format, err := a.format()
			if err != nil {
				return err
			}
			if o.Queries < 0 {
				return usage(fmt.Errorf("--limit: found %d, expected 1 or more", o.Queries))
			}
			return a.withEvidence(cmd.Context(), func(e evidence) error {
				target, err := targetOf(cmd.Context(), e, args[0])
				if err != nil {
					return err
				}
				i, err := e.Impact(cmd.Context(), target, o)
				if err != nil {
					return err
				}
				return a.printImpact(cmd.Context(), e, i, format)
			})
		},
	}
	c.Flags().IntVar(&o.Queries, "limit", 0, fmt.Sprintf("queries at most, the newest (0: %d)", ask.DefaultImpacted))
	return c
}

func (a *app) printImpact(ctx context.Context, e evidence, i ask.Impact, format string) error {
	switch format {
	case asJSON:
		return a.writeJSON(i)
	case asNDJSON:
		for _, q := range i.Queries {
			if err := a.writeJSON(q); err != nil {
				return err
			}
		}
		_, err := fmt.Fprintln(a.err, record.Clean(impactSummary(i)))
		return err
	}
	events, err := eventLines(ctx, e, i.Events)
	if err != nil {
		return err
	}
	var b strings.Builder
	t := impactTable(i.Queries)
	if format == asMD {
		b.WriteString(t.markdown() + "\n")
		for _, line := range events {
			b.WriteString("- " + mdText(line) + "\n")
		}
		b.WriteString("\n" + mdText(impactSummary(i)) + "\n")
	} else {
		if len(i.Queries) > 0 {
			b.WriteString(strings.Join(t.lines(a.width()), "\n") + "\n")
		}
		for _, line := range events {
			b.WriteString(record.Clean(line) + "\n")
		}
		b.WriteString(record.Clean(impactSummary(i)) + "\n")
	}
	_, err = fmt.Fprint(a.out, b.String())
	return err
}

func impactTable(list []ask.Impacted) *table {
	t := &table{head: []string{"MEANS", "TIME (UTC)", "QUERY", "AGENT", "ASKED", "TOLD", "WITHOUT IT", "THROUGH"}, gives: 4}
	for _, q := range list {
		without := "not known"
		if q.Recomputed == ask.Same {
			without = firstLine(q.Without.String())
		}
		var path []string
		for _, id := range q.Path {
			path = append(path, id.Short())
		}
		t.rows = append(t.rows, []string{
			q.Words(), seconds(q.Timestamp), q.Query.Short(), q.Agent, q.Subject + " · " + q.Predicate,
			firstLine(q.Value.String()), without, strings.Join(path, " → "),
		})
	}
	return t
}

// eventLines tell what was done on the strength of it, a line each.
func eventLines(ctx context.Context, e evidence, ids []record.ID) ([]string, error) {
	var lines []string
	for _, id := range ids {
		r, err := e.Record(ctx, id)
		var absent *ask.NotFoundError
		if err != nil && !errors.As(err, &absent) {
			return nil, err
		}
		line := "based on it: " + id.Short()
		if event, ok := r.Record.(*record.Event); ok {
			line += fmt.Sprintf(" %s %s %s · %s", event.Timestamp, event.Type, event.Title, event.Agent)
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// impactSummary counts: 8 of 8 queries · 3 still told · 8 would have flipped · events 3 · agents 6 ….
func impactSummary(i ask.Impact) string {
	still, flips, unknown := 0, 0, 0
	for _, q := range i.Queries {
		if q.StillTold != nil && *q.StillTold {
			still++
		}
		if q.Flips == nil {
			unknown++
		} else if *q.Flips {
			flips++
		}
	}
	parts := []string{fmt.Sprintf("%d of %d queries", len(i.Queries), i.Total), fmt.Sprintf("%d still told", still), fmt.Sprintf("%d would have flipped", flips)}
	if unknown > 0 {
		parts = append(parts, fmt.Sprintf("%d cannot be recomputed here", unknown))
	}
	parts = append(parts,
		fmt.Sprintf("events %d · agents %d · subjects %d", len(i.Events), len(i.Agents), len(i.Subjects)),
		fmt.Sprintf("as of LSN %d", i.AppliedLSN))
	if i.More != "" {
		parts = append(parts, i.More)
	}
	if len(i.Queries) == 0 && i.Complete {
		parts = slices.Insert(parts, 1, "nobody was told anything because of it")
	}
	return strings.Join(parts, " · ")
}
