package cli

import (
	"context"

	"github.com/spf13/cobra"

	"episteme/engine/record"
)

func (a *app) transitionCommand() *cobra.Command {
	var (
		f  writeFlags
		tr record.Transition
	)
	c := &cobra.Command{
		Use:   "transition ASSERTION STAGE --agent NAME",
		Short: "Move an assertion to another stage of its life",
		Long: `Write down that an assertion moves to another stage of its life. Deprecated and Rejected ones answer no question
any more, unless it asks for them.

Stages: Proposed, UnderReview, Approved, Deprecated, Rejected, Unstated.` + writeHelp,
		Example: `  episteme transition a_1f1c4f02 Rejected --agent alice --reason "clients cannot verify" --dry-run
  episteme transition a_1f1c4f02 Approved --agent alice`,
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: offerAt(1, names(record.Stages())),
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if tr.To, err = oneOf("STAGE", args[1], record.ParseStage, record.Stages()); err != nil {
				return err
			}
			if tr.Timestamp, err = a.timestamp(&f); err != nil {
				return err
			}
			tr.Agent = f.agent
			return a.write(cmd, &f, draft{
				needsEvidence: true,
				build: func(ctx context.Context, e evidence) ([]record.Record, error) {
					id, err := named(ctx, e, "ASSERTION", args[0], record.KindAssertion)
					tr.Assertion = id.Hash
					return []record.Record{&tr}, err
				},
				typed: map[string]string{"assertion": "ASSERTION", "to": "STAGE"},
			})
		},
	}
	a.addWriteFlags(c, &f)
	c.Flags().StringVar(&tr.Reason, "reason", "", "why")
	return c
}
