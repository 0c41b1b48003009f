package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"episteme/engine"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

type diffFlags struct {
	from, to, lifecycle, halfLife string
	q                             ask.BeliefsQuery
}

func (a *app) diffCommand() *cobra.Command {
	var f diffFlags
	c := &cobra.Command{
		Use:   "diff {QUERY QUERY | --from TIME --to TIME [--subject GLOB]}",
		Short: "What two answers, or the beliefs of two times, differ in, and which record moved them",
		Long: `Compare two answers: the value, its confidence, the lens, what contributed to the one alone, and the records that
arrived or happened between and moved the one to the other, a step each.

With --from and --to, compare what is believed of subjects at two times: as known today, by the records' own
timestamps. Only beliefs that differ are listed, each with the records that turned it.`,
		Example: `  episteme diff q_7f3a2b91 q_19c0e4d2
  episteme diff --subject "auth/**" --from 2024-01-15T18:00:00Z --to 2024-01-15T21:30:00Z
  episteme diff --subject auth/jwt --from yesterday --to now --lens authority -o json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			ofTimes := []string{"subject", "from", "to", "lens", "lifecycle", "half-life", "limit"}
			times := slices.ContainsFunc(ofTimes, cmd.Flags().Changed) // two answers have their own
			switch {
			case len(args) == 2 && !times:
				return a.diffQueries(cmd.Context(), args[0], args[1])
			case len(args) == 0 && f.from != "" && f.to != "":
				return a.diffBeliefs(cmd.Context(), &f)
			}
			return usage(errors.New("expected two queries, or --from and --to"))
		},
	}
	fl := c.Flags()
	fl.StringVar(&f.q.Subject, "subject", "", "a glob over subjects (all)")
	fl.StringVar(&f.from, "from", "", "the earlier time")
	fl.StringVar(&f.to, "to", "", "the later time")
	fl.StringVar(&f.q.Lens, "lens", "", "the rule that answers (consensus)")
	fl.StringVar(&f.lifecycle, "lifecycle", "any", "admit only assertions at this stage")
	fl.StringVar(&f.halfLife, "half-life", "", "of the lens recency (24h)")
	fl.IntVar(&f.q.Limit, "limit", 0, fmt.Sprintf("beliefs at most (0: %d)", ask.DefaultBeliefs))
	a.complete(c, "lens", offer(engine.Lenses()))
	a.complete(c, "lifecycle", offer(stagesOrAny()))
	return c
}

func (a *app) diffQueries(ctx context.Context, left, right string) error {
	format, err := a.format()
	if err != nil {
		return err
	}
	return a.withEvidence(ctx, func(e evidence) error {
		l, err := identify(ctx, e, left)
		if err != nil {
			return err
		}
		r, err := identify(ctx, e, right)
		if err != nil {
			return err
		}
		d, err := e.Diff(ctx, l, r)
		if err != nil {
			return err
		}
		if format == asJSON || format == asNDJSON {
			return a.writeJSON(d)
		}
		return a.printDiff(d, format)
	})
}

func (a *app) printDiff(d ask.Difference, format string) error {
	t := &table{head: []string{"", "LEFT " + d.Left.ID.Short(), "RIGHT " + d.Right.ID.Short()}, gives: -1, rows: diffRows(d)}
	tail := append(moveLines(d.Moves), diffSummary(d))
	return a.printTable(t, tail, format)
}

// diffRows are two audits side by side; a row that differs begins with ≠.
func diffRows(d ask.Difference) [][]string {
	side := func(q ask.Audit) []string {
		filter := "any stage"
		if q.LifecycleFilter != nil {
			filter = "only " + q.LifecycleFilter.String()
		}
		pin := string(q.State)
		if q.Pin != nil {
			pin = fmt.Sprintf("1–%d", *q.Pin)
		}
		return []string{
			q.Agent, q.Timestamp.String(), q.Subject, q.Predicate, q.Lens, q.LensParams.HalfLife, filter, q.AsOf.String(), pin,
			firstLine(q.Result.Value.String()), ask.Decimal(q.Result.Confidence), ask.Decimal(q.Result.Share),
		}
	}
	names := []string{"agent", "asked at", "subject", "predicate", "lens", "half-life", "stages", "as it was at", "saw records", "told", "confidence", "share"}
	left, right := side(d.Left), side(d.Right)
	var rows [][]string
	for i, name := range names {
		if left[i] == "" && right[i] == "" {
			continue
		}
		mark := "  "
		if left[i] != right[i] {
			mark = "≠ "
		}
		rows = append(rows, []string{mark + name, left[i], right[i]})
	}
	line := func(c ask.Contribution) string {
		return fmt.Sprintf("%s %s %s %s", firstLine(c.Value.String()), ask.Decimal(c.Weight), c.Lifecycle, c.Assertion.Short())
	}
	for _, c := range d.OnlyLeft {
		rows = append(rows, []string{"≠ because", line(c), ""})
	}
	for _, c := range d.OnlyRight {
		rows = append(rows, []string{"≠ because", "", line(c)})
	}
	for _, b := range d.Both {
		mark := "  because"
		if b.Left != b.Right {
			mark = "≠ because"
		}
		both := firstLine(b.Value.String()) + " %s " + b.Assertion.Short()
		rows = append(rows, []string{mark, fmt.Sprintf(both, ask.Decimal(b.Left)), fmt.Sprintf(both, ask.Decimal(b.Right))})
	}
	return rows
}

// moveLines are the steps from one answer to another, a line each.
func moveLines(moves []ask.Move) []string {
	var lines []string
	for _, m := range moves {
		what := "then "
		if m.Gone {
			what = "without "
		}
		if !m.Record.IsZero() {
			what += m.Record.Short() + " "
		}
		what += m.Title
		if m.Timestamp != nil {
			what += fmt.Sprintf(" · %s · %s · lsn %d", m.Agent, m.Timestamp, m.LSN)
		}
		became := fmt.Sprintf("%s → %s", firstLine(m.From.Value.String()), firstLine(m.To.Value.String()))
		if !m.Turned {
			became = fmt.Sprintf("%s, confidence %s → %s", firstLine(m.To.Value.String()), ask.Decimal(m.From.Confidence), ask.Decimal(m.To.Confidence))
		}
		lines = append(lines, what+": "+became)
	}
	return lines
}

func diffSummary(d ask.Difference) string {
	if d.Unknown != "" {
		return d.Unknown
	}
	return fmt.Sprintf("records that count for one of them alone: %d · steps that moved the answer: %d", d.Between, len(d.Moves))
}

func (a *app) diffBeliefs(ctx context.Context, f *diffFlags) error {
	format, err := a.format()
	if err != nil {
		return err
	}
	if err := a.completeBeliefs(f); err != nil {
		return err
	}
	return a.withEvidence(ctx, func(e evidence) error {
		c, err := e.Beliefs(ctx, f.q)
		if err != nil {
			return err
		}
		return a.printBeliefs(c, format)
	})
}

func (a *app) completeBeliefs(f *diffFlags) error {
	clock, err := a.clock()
	if err != nil {
		return err
	}
	r, err := timeRange(clock, "", f.from, f.to)
	if err != nil {
		return err
	}
	f.q.From, f.q.To = *r.From, *r.To
	if f.q.Limit < 0 {
		return usage(fmt.Errorf("--limit: found %d, expected 1 or more", f.q.Limit))
	}
	if f.q.Filter, err = parseFilter(f.lifecycle); err != nil {
		return err
	}
	f.q.HalfLife, err = parseHalfLife(f.halfLife)
	return err
}

// parseHalfLife reads --half-life; nothing is the default.
func parseHalfLife(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	half, err := record.ParseHalfLife(text)
	if err != nil {
		return 0, usage(fmt.Errorf("--half-life: %w", err))
	}
	return half, nil
}

func (a *app) printBeliefs(c ask.BeliefChanges, format string) error {
	summary := fmt.Sprintf("%d of %d changes · %d compared · %s … %s UTC · %s · as of LSN %d", len(c.Changes), c.Total, c.Compared, seconds(c.From), seconds(c.To), c.Lens, c.AppliedLSN)
	switch format {
	case asJSON:
		return a.writeJSON(c)
	case asNDJSON:
		for _, m := range c.Changes {
			if err := a.writeJSON(m); err != nil {
				return err
			}
		}
		_, err := fmt.Fprintln(a.err, summary)
		return err
	}
	t := &table{head: []string{"SUBJECT", "PREDICATE", "AT " + seconds(c.From), "AT " + seconds(c.To), "BECAUSE"}, gives: 4}
	for _, m := range c.Changes {
		because := ""
		if n := len(m.Moves); n > 0 {
			last := m.Moves[n-1]
			because = strings.TrimSpace(last.Record.Short() + " " + last.Title)
			if n > 1 {
				because += fmt.Sprintf(" (turned %d times)", n)
			}
		}
		t.rows = append(t.rows, []string{m.Subject, m.Predicate, firstLine(m.From.Value.String()), firstLine(m.To.Value.String()), because})
	}
	return a.printTable(t, []string{summary}, format)
}

// printTable prints a table, and lines below it.
func (a *app) printTable(t *table, tail []string, format string) error {
	var b strings.Builder
	switch {
	case format == asMD:
		b.WriteString(t.markdown() + "\n")
		for _, line := range tail {
			b.WriteString("- " + mdText(line) + "\n")
		}
	default:
		if len(t.rows) > 0 {
			b.WriteString(strings.Join(t.lines(a.width()), "\n") + "\n")
		}
		for _, line := range tail {
			b.WriteString(record.Clean(line) + "\n")
		}
	}
	_, err := fmt.Fprint(a.out, b.String())
	return err
}
