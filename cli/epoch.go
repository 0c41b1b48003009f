package cli

import (
	"context"

	"github.com/spf13/cobra"

	"episteme/engine/record"
)

func (a *app) epochCommand() *cobra.Command {
	var (
		f                        writeFlags
		supersedes, supersession string
		ep                       record.Epoch
	)
	c := &cobra.Command{
		Use:   "epoch NAME --agent NAME",
		Short: "Begin a generation of knowledge",
		Long: `Write down that a generation of knowledge begins, at --timestamp. It may supersede another one: as Temporal, whose
time is over, as Invalidated, which was wrong, or as Additive, which it stands beside. Assertions of an epoch that was
superseded as Temporal or Invalidated answer no question about later times.` + writeHelp,
		Example: `  episteme epoch 2025 --agent ops
  episteme epoch 2025 --agent ops --supersedes e_77aa01c2 --supersession Temporal --dry-run`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if supersession != "" {
				if ep.Supersession, err = oneOf("--supersession", supersession, record.ParseSupersession, supersessions()); err != nil {
					return err
				}
			}
			if ep.Timestamp, err = a.timestamp(&f); err != nil {
				return err
			}
			ep.Name, ep.Agent = args[0], f.agent
			return a.write(cmd, &f, draft{
				needsEvidence: supersedes != "",
				build: func(ctx context.Context, e evidence) ([]record.Record, error) {
					if supersedes == "" {
						return []record.Record{&ep}, nil
					}
					id, err := named(ctx, e, "--supersedes", supersedes, record.KindEpoch)
					ep.Supersedes = id.Hash
					return []record.Record{&ep}, err
				},
				typed: map[string]string{"name": "NAME"},
			})
		},
	}
	a.addWriteFlags(c, &f)
	c.Flags().StringVar(&supersedes, "supersedes", "", "the epoch that ends with it")
	c.Flags().StringVar(&supersession, "supersession", "", "Temporal, Invalidated or Additive (required with --supersedes)")
	a.complete(c, "supersession", offer(names(supersessions())))
	return c
}
