package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"episteme/engine/api"
	"episteme/engine/record"
)

func (a *app) tokenCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "token", Short: "Who may ask a server from elsewhere", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(a.newTokenCommand())
	return c
}

func (a *app) newTokenCommand() *cobra.Command {
	var file, role, authority string
	var g api.Grant
	c := &cobra.Command{
		Use:   "new --tokens FILE --name NAME --role ROLE",
		Short: "Make a token, and print its secret once",
		Long: `Append a token to a file and print its secret, alone on standard output. Only a hash of it is kept: who loses it makes
another, and takes the line of the old one out of the file. A running server reads the file again by itself.

Roles: list sees who asked what and when, and no answers; read sees everything; write also asks, and records as the
agents it may speak for; admin also ends epochs of other agents and claims any authority.
--agents and --subjects are globs and may be repeated; without them there is no such limit.`,
		Example: `  episteme token new --tokens tokens --name ci --role write --agents "deploy-*" --subjects "auth/**"
  episteme token new --tokens tokens --name dashboard --role list`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			var err error
			if g.Role, err = api.ParseRole(role); err != nil {
				return usage(fmt.Errorf("--role: %w%s", err, didYouMean(role, api.Roles())))
			}
			g.MaxAuthority = record.DefaultAuthority
			if authority != "" {
				if g.MaxAuthority, err = parseShare("--max-authority", authority, 0); err != nil {
					return err
				}
			}
			secret, err := api.NewToken(file, g)
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintln(a.out, secret); err != nil {
				return errors.Join(err, fmt.Errorf("the token %s is in %s and its secret could not be printed: take its line out and make another", g.Name, file))
			}
			return nil
		},
	}
	fl := c.Flags()
	fl.StringVar(&file, "tokens", "", "the file of tokens, made when it is not there (required)")
	fl.StringVar(&g.Name, "name", "", "who or what it is for (required)")
	fl.StringVar(&role, "role", "", strings.Join(api.Roles(), ", ")+" (required)")
	fl.StringArrayVar(&g.Agents, "agents", nil, "a glob of the agents it may speak for, may be repeated (all)")
	fl.StringArrayVar(&g.Subjects, "subjects", nil, "a glob of the subjects it may see, may be repeated (all)")
	fl.StringVar(&authority, "max-authority", "", "the highest authority it may claim for a source, 0 to 1 (0.5)")
	for _, name := range []string{"tokens", "name", "role"} {
		_ = c.MarkFlagRequired(name)
	}
	a.complete(c, "role", offer(api.Roles()))
	a.complete(c, "tokens", func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return nil, cobra.ShellCompDirectiveDefault
	})
	return c
}
