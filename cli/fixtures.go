package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"episteme/fixtures"
)

func (a *app) fixturesCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "fixtures",
		Short: "The incidents that come with the program",
		Example: `  episteme fixtures
  episteme tui --fixture auth-jwt`,
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
}
