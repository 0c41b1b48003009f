package cli

import (
	"context"

	"github.com/spf13/cobra"

	"episteme/engine/record"
)

func (a *app) voteCommand() *cobra.Command {
	var f writeFlags
	c := &cobra.Command{
		Use:   "vote ASSERTION WEIGHT --agent NAME",
		Short: "Support an assertion or oppose it",
		Long: `Write down that an agent supports an assertion (a weight up to 1) or opposes it (down to -1). Of an agent's votes
on an assertion the newest counts.` + writeHelp,
		Example: `  episteme vote a_1f1c4f02 1 --agent alice
  episteme vote a_1f1c4f02 -0.5 --agent alice --dry-run`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			v := record.Vote{Agent: f.agent}
			var err error
			if v.Weight, err = parseShare("WEIGHT", args[1], -1); err != nil {
				return err
			}
			if v.Timestamp, err = a.timestamp(&f); err != nil {
				return err
			}
			return a.write(cmd, &f, draft{
				needsEvidence: true,
				build: func(ctx context.Context, e evidence) ([]record.Record, error) {
					id, err := named(ctx, e, "ASSERTION", args[0], record.KindAssertion)
					v.Assertion = id.Hash
					return []record.Record{&v}, err
				},
				typed: map[string]string{"assertion": "ASSERTION", "weight": "WEIGHT"},
			})
		},
	}
	a.addWriteFlags(c, &f)
	return c
}
