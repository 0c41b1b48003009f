package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"episteme/fixtures"
)

func (a *app) fixturesCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "fixtures",
		Short: "The incidents that come with the program",
		Long: `List the incidents that come with the program: to look around in, to train on. "episteme tui --fixture NAME" opens one
over throw-away data. Each has a story, told up to where the solution begins, and its records, which "episteme ingest"
takes like any others. "episteme fixtures gen" makes more of them, as many as wanted.`,
		Example: `  episteme fixtures
  episteme fixtures story backup-retention
  episteme tui --fixture backup-retention
  episteme fixtures events ledger-failover | episteme ingest --data /tmp/training -`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			format, err := a.format()
			if err != nil {
				return err
			}
			t := &table{head: []string{"NAME", "TITLE", "WHAT HAPPENED"}, gives: 2}
			for _, f := range fixtures.All() {
				switch format {
				case asJSON, asNDJSON:
					if err := a.writeJSON(map[string]string{"name": f.Name, "title": f.Title, "summary": f.Summary}); err != nil {
						return err
					}
				default:
					t.rows = append(t.rows, []string{f.Name, f.Title, f.Summary})
				}
			}
			switch format {
			case asTable:
				_, err = fmt.Fprintln(a.out, strings.Join(t.lines(a.width()), "\n"))
			case asMD:
				_, err = fmt.Fprint(a.out, t.markdown())
			}
			return err
		},
	}
	c.AddCommand(a.fixtureStoryCommand(), a.fixtureEventsCommand(), a.fixturesGenCommand())
	return c
}

func (a *app) fixtureStoryCommand() *cobra.Command {
	var solution bool
	c := &cobra.Command{
		Use:   "story NAME",
		Short: "What happened, and what to find out",
		Long:  "Print the scene of an incident and the tasks, as Markdown. The solution stays away unless it is asked for.",
		Example: `  episteme fixtures story auth-jwt
  episteme fixtures story auth-jwt --solution`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.FixedCompletions(fixtureNames(), cobra.ShellCompDirectiveNoFileComp),
		RunE: func(_ *cobra.Command, args []string) error {
			f, err := fixtureNamed(args[0])
			if err != nil {
				return err
			}
			scene, end, _ := strings.Cut(f.Story(), "\n"+fixtures.SolutionHeading+"\n")
			if solution {
				scene += "\n" + fixtures.SolutionHeading + "\n" + end
			}
			_, err = fmt.Fprintln(a.out, strings.TrimSuffix(scene, "\n"))
			return err
		},
	}
	c.Flags().BoolVar(&solution, "solution", false, "to the end")
	return c
}

func (a *app) fixtureEventsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "events NAME",
		Short: "Its records, as JSON lines",
		Long:  "Print the records of an incident, in the order in which they arrived.",
		Example: `  episteme fixtures events auth-jwt > auth-jwt.jsonl
  episteme fixtures events auth-jwt | episteme ingest --data /tmp/training -`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.FixedCompletions(fixtureNames(), cobra.ShellCompDirectiveNoFileComp),
		RunE: func(_ *cobra.Command, args []string) error {
			f, err := fixtureNamed(args[0])
			if err != nil {
				return err
			}
			_, err = a.out.Write(f.Events())
			return err
		},
	}
}

// fixtureNamed finds a fixture by the name that was typed.
func fixtureNamed(name string) (fixtures.Fixture, error) {
	f, ok := fixtures.ByName(name)
	if !ok {
		return f, usage(fmt.Errorf("fixture: found %q, expected one of %s%s", name, strings.Join(fixtureNames(), ", "), didYouMean(name, fixtureNames())))
	}
	return f, nil
}
