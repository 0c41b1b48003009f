package cli

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

func (a *app) findingsCommand() *cobra.Command {
	var f traceFlags
	var words strings.Builder
	for _, code := range ask.Codes() {
		fmt.Fprintf(&words, "  %-17s %s\n", code, code.Plain())
	}
	c := &cobra.Command{
		Use:   "findings",
		Short: "The queries that deserve a look, worst first",
		Long: `List the queries that deserve a look, worst first, then newest: why, in a sentence, and the records that say so.
The filters are those of episteme trace.

` + words.String() + `
The list looks at what holds now, the newest queries first, for some seconds; where it could not come to all of them it
says how far it came. Of the others it lists what was known when they were asked.`,
		Example: `  episteme findings --time "6 hours ago"
  episteme findings --agent deployment-agent --subject "auth/**" --limit 10
  episteme findings --finding retracted-since -o json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			t, format, err := a.audits(cmd, &f, evidence.Findings)
			if err != nil {
				return err
			}
			return a.printFindings(t, format)
		},
	}
	a.filterFlags(c, &f)
	c.Flags().IntVar(&f.limit, "limit", 0, "queries at most (50 on a terminal, else 10000)")
	return c
}

func codeNames() []string {
	var list []string
	for _, code := range ask.Codes() {
		list = append(list, string(code))
	}
	return list
}

func (a *app) printFindings(t ask.Trace, format string) error {
	switch format {
	case asJSON, asNDJSON:
		return a.printTrace(t, format)
	case asMD:
		_, err := fmt.Fprintf(a.out, "%s\n%s\n", findingTable(t.Queries).markdown(), mdText(t.Completeness()))
		return err
	}
	var b strings.Builder
	if len(t.Queries) > 0 {
		for _, line := range explained(suspectTable(t.Queries).lines(a.width()), t.Queries, a.width()) {
			b.WriteString(line + "\n")
		}
	}
	b.WriteString(record.Clean(t.Completeness()) + "\n")
	_, err := fmt.Fprint(a.out, b.String())
	return err
}

// suspectTable has a row for each query.
func suspectTable(list []ask.Audit) *table {
	column, at := timeColumn(list)
	t := &table{head: []string{"LOOK AT", column, "QUERY", "AGENT", "ASKED", "TOLD", "LENS"}, gives: 4}
	for _, q := range list {
		t.rows = append(t.rows, []string{
			lookAt(q.Findings), at(q.Timestamp), q.ID.Short(), q.Agent, q.Subject + " · " + q.Predicate,
			toldBy(&q), q.Lens,
		})
	}
	return t
}

// explained puts the findings of each query below its row: the code, its sentence, the records that say so.
func explained(rows []string, list []ask.Audit, cols int) []string {
	out := rows[:1:1]
	for i, q := range list {
		out = append(out, rows[i+1])
		for _, f := range q.Findings {
			line := fmt.Sprintf("    %s: %s", f.Code, f.Sentence)
			if len(f.Cites) > 0 {
				line += " · " + shortIDs(f.Cites)
			}
			out = append(out, ansi.Truncate(line, cols, "…"))
		}
	}
	return out
}

// findingTable has a row for each finding.
func findingTable(list []ask.Audit) *table {
	t := &table{head: []string{"CODE", "TIME (UTC)", "QUERY", "AGENT", "ASKED", "TOLD", "MEANS", "CITES"}}
	for _, q := range list {
		for _, f := range q.Findings {
			t.rows = append(t.rows, []string{
				string(f.Code), seconds(q.Timestamp), q.ID.Short(), q.Agent, q.Subject + " · " + q.Predicate,
				toldBy(&q), f.Sentence, shortIDs(f.Cites),
			})
		}
	}
	return t
}

// idsShown is how many cited records a line names; JSON has all.
const idsShown = 4

func shortIDs(ids []record.ID) string {
	var list []string
	for _, id := range ids[:min(len(ids), idsShown)] {
		list = append(list, id.Short())
	}
	if more := len(ids) - len(list); more > 0 {
		list = append(list, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(list, " ")
}
