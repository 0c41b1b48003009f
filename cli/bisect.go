package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"episteme/engine"
	"episteme/engine/trace/ask"
)

type bisectFlags struct {
	lifecycle, halfLife string
	q                   ask.BisectQuery
}

func (a *app) bisectCommand() *cobra.Command {
	var f bisectFlags
	c := &cobra.Command{
		Use:   "bisect SUBJECT PREDICATE --to VALUE",
		Short: "The record that turned an answer into a value",
		Long: `Take the records that bear on a question in the order of the journal and find the first one with which the answer
was the value. Every turn of the answer is listed: it may have turned into the value more than once.

--to takes the value as text (ES256, 900, true), or as JSON where the type matters ("900" is the text alone); null is
no value.`,
		Example: `  episteme bisect auth/jwt signing_algorithm --to ES256 --lens authority
  episteme bisect auth/jwt token_ttl --to 900 -o json`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.q.Subject, f.q.Predicate = args[0], args[1]
			return a.bisect(cmd.Context(), &f)
		},
	}
	fl := c.Flags()
	fl.StringVar(&f.q.Value, "to", "", "the value (required)")
	fl.StringVar(&f.q.Lens, "lens", "", "the rule that answers (consensus)")
	fl.StringVar(&f.lifecycle, "lifecycle", "any", "admit only assertions at this stage")
	fl.StringVar(&f.halfLife, "half-life", "", "of the lens recency (24h)")
	_ = c.MarkFlagRequired("to")
	a.complete(c, "lens", offer(engine.Lenses()))
	a.complete(c, "lifecycle", offer(stagesOrAny()))
	return c
}

func (a *app) bisect(ctx context.Context, f *bisectFlags) error {
	format, err := a.format()
	if err != nil {
		return err
	}
	if f.q.Filter, err = parseFilter(f.lifecycle); err != nil {
		return err
	}
	if f.q.HalfLife, err = parseHalfLife(f.halfLife); err != nil {
		return err
	}
	return a.withEvidence(ctx, func(e evidence) error {
		b, err := e.Bisect(ctx, f.q)
		if err != nil {
			return err
		}
		if format == asJSON || format == asNDJSON {
			return a.writeJSON(b)
		}
		return a.printBisection(b, format)
	})
}

func (a *app) printBisection(b ask.Bisection, format string) error {
	t := &table{head: []string{"LSN", "RECORD", "WHAT", "TIME (UTC)", "FROM", "TO"}, gives: 2}
	for _, m := range b.Turns {
		t.rows = append(t.rows, []string{
			fmt.Sprint(m.LSN), m.Record.Short(), m.Title, seconds(*m.Timestamp), firstLine(m.From.Value.String()), firstLine(m.To.Value.String()),
		})
	}
	first := fmt.Sprintf("%s %s turned into %s at lsn %d with %s %s · %s", b.Subject, b.Predicate, b.Value, b.First.LSN, b.First.Record.Short(), b.First.Title, b.First.Agent)
	if b.Times > 1 {
		first += fmt.Sprintf(" · the first of %d times", b.Times)
	}
	return a.printTable(t, []string{first, fmt.Sprintf("%s · now %s · as of LSN %d", b.Lens, b.Now.Value, b.AppliedLSN)}, format)
}
