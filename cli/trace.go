package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"

	"episteme/engine"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
	"episteme/engine/when"
)

// traceFlags are the filters of `episteme trace`.
type traceFlags struct {
	time, from, to string
	labels         []string
	limit          int
	filter         ask.AuditFilter
}

func (a *app) traceCommand() *cobra.Command {
	var f traceFlags
	c := &cobra.Command{
		Use:   "trace",
		Short: "What agents asked, newest first, with what they were told and why",
		Long: `List what agents asked, newest first, each with what it was told, the assertions that decided it with their
weight and stage of life, and why it deserves a look.

Times: 2024-01-15T21:03:47Z, "2024-01-15 21:03", "6 hours ago", 30m, yesterday 21:00, now-6h, now/d.
--time T is from T to now; --from and --to are a range, the end not included.
Subjects: auth/* is one level, auth/** any depth, {auth,billing}/jwt either.

Findings: those that were fixed when a question was asked are always listed. unreproducible, missing-evidence,
retracted-since, late-evidence and changed-since can come later: they are computed when --finding names one of them, and
by "episteme findings" and "episteme show". Such a search ends after some seconds, says how far it came, and --cursor
goes on.`,
		Example: `  episteme trace --agent deployment-agent --time "6 hours ago" --subject "auth/*"
  episteme trace --from 2024-01-15T20:00:00Z --to 2024-01-16T00:00:00Z --finding unapproved
  episteme trace --finding retracted-since
  episteme trace --label incident=INC-4127 -o md`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.trace(cmd, &f) },
	}
	fl := c.Flags()
	a.filterFlags(c, &f)
	fl.IntVar(&f.limit, "limit", 0, "rows at most (50 on a terminal, else all)")
	fl.StringVar(&f.filter.Cursor, "cursor", "", "go on where a page ended: its next_cursor")
	return c
}

// filterNames are the flags that filterFlags defines.
func filterNames() []string {
	return []string{"agent", "time", "from", "to", "subject", "predicate", "lens", "finding", "label", "trace-id", "conversation", "text"}
}

// filterFlags gives a command the filters over what agents asked.
func (a *app) filterFlags(c *cobra.Command, f *traceFlags) {
	fl := c.Flags()
	fl.StringVar(&f.filter.Agent, "agent", "", "who asked")
	fl.StringVar(&f.time, "time", "", "from this time to now")
	fl.StringVar(&f.from, "from", "", "from this time on")
	fl.StringVar(&f.to, "to", "", "before this time")
	fl.StringVar(&f.filter.Subject, "subject", "", "a glob over subjects")
	fl.StringVar(&f.filter.Predicate, "predicate", "", "what was asked of the subject")
	fl.StringVar(&f.filter.Lens, "lens", "", "the rule that answered")
	fl.StringVar(&f.filter.Finding, "finding", "", "a finding, such as unapproved or retracted-since")
	fl.StringArrayVar(&f.labels, "label", nil, "K=V, may be repeated")
	fl.StringVar(&f.filter.TraceID, "trace-id", "", "the id of the trace it was part of")
	fl.StringVar(&f.filter.Conversation, "conversation", "", "the id of the conversation it was part of")
	fl.StringVar(&f.filter.Text, "text", "", "words that all occur")
	a.complete(c, "agent", a.completeAgents)
	a.complete(c, "lens", offer(append(engine.Lenses(), record.LensExternal)))
	a.complete(c, "finding", offer(codeNames()))
}

// terminalLimit is how many rows a terminal gets unless --limit says otherwise.
const terminalLimit = 50

func (a *app) trace(cmd *cobra.Command, f *traceFlags) error {
	t, format, err := a.audits(cmd, f, evidence.Audits)
	if err != nil {
		return err
	}
	return a.printTrace(t, format)
}

// audits lists what the filters let through, and says in which format it is wanted.
func (a *app) audits(cmd *cobra.Command, f *traceFlags, list func(evidence, context.Context, ask.AuditFilter) (ask.Trace, error)) (t ask.Trace, format string, err error) {
	if format, err = a.format(); err != nil {
		return t, format, err
	}
	clock, err := a.clock()
	if err != nil {
		return t, format, err
	}
	if err := f.complete(clock, cmd.Flags().Changed("limit"), a.terminal); err != nil {
		return t, format, err
	}
	err = a.withEvidence(cmd.Context(), func(e evidence) error {
		t, err = list(e, cmd.Context(), f.filter)
		return err
	})
	var nothing *nothingError
	if errors.As(err, &nothing) { // an empty list is done, and says why it is empty
		if nothing.refused() {
			return t, format, nothing
		}
		fmt.Fprintf(a.err, "episteme: %s\n", cleanLines(nothing.Error()))
		t, err = ask.Trace{Range: f.filter.Range, Queries: []ask.Audit{}, Empty: []string{"no evidence was found"}}, nil
	}
	return t, format, err
}

// complete turns what was typed into a filter.
func (f *traceFlags) complete(clock when.Clock, limited, terminal bool) error {
	r, err := timeRange(clock, f.time, f.from, f.to)
	if err != nil {
		return err
	}
	f.filter.Range = r
	f.filter.Limit = f.limit
	if !limited && terminal {
		f.filter.Limit = terminalLimit
	}
	if f.limit < 0 || limited && f.limit == 0 {
		return usage(fmt.Errorf("--limit: found %d, expected 1 or more", f.limit))
	}
	f.filter.Labels, err = parseLabels(f.labels)
	return err
}

func parseLabels(list []string) (map[string]string, error) {
	labels := map[string]string{}
	for _, l := range list {
		name, value, ok := strings.Cut(l, "=")
		if !ok || name == "" {
			return nil, usage(fmt.Errorf("--label: found %q, expected NAME=VALUE", l))
		}
		labels[name] = value
	}
	return labels, nil
}

// timeRange reads --time, or --from and --to.
func timeRange(clock when.Clock, since, from, to string) (ask.Range, error) {
	if since != "" && (from != "" || to != "") {
		return ask.Range{}, usage(errors.New("--time is a range of its own: leave it out, or --from and --to"))
	}
	if since != "" {
		r, err := clock.Since(since)
		if err != nil {
			return ask.Range{}, usage(fmt.Errorf("--time: %w", err))
		}
		return rangeOf(&r.From, &r.To)
	}
	var out ask.Range
	if from != "" {
		t, err := clock.Start(from)
		if err != nil {
			return out, usage(fmt.Errorf("--from: %w", err))
		}
		if out, err = rangeOf(&t, nil); err != nil {
			return out, err
		}
	}
	if to != "" {
		t, err := clock.End(to)
		if err != nil {
			return out, usage(fmt.Errorf("--to: %w", err))
		}
		end, err := rangeOf(nil, &t)
		if err != nil {
			return out, err
		}
		out.To = end.To
	}
	return out, nil
}

func (a *app) printTrace(t ask.Trace, format string) error {
	switch format {
	case asJSON:
		return a.writeJSON(t)
	case asNDJSON:
		for _, q := range t.Queries {
			if err := a.writeJSON(q); err != nil {
				return err
			}
		}
		_, err := fmt.Fprintln(a.err, record.Clean(t.Completeness())+more(t))
		return err
	case asMD:
		tab := traceTable(t.Queries)
		_, err := fmt.Fprintf(a.out, "%s\n%s\n", tab.markdown(), mdText(t.Completeness()))
		return err
	}
	if len(t.Queries) > 0 {
		var b strings.Builder
		tab := traceTable(t.Queries)
		for _, line := range interleave(tab.lines(a.width()), t.Queries, a.width()) {
			b.WriteString(line + "\n")
		}
		if _, err := fmt.Fprint(a.out, b.String()); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(a.out, record.Clean(t.Completeness())+more(t))
	return err
}

// more says how to go on behind a page.
func more(t ask.Trace) string {
	if t.NextCursor == nil {
		return ""
	}
	return " · more: --cursor " + *t.NextCursor
}

func traceTable(list []ask.Audit) *table {
	column, at := timeColumn(list)
	t := &table{head: []string{column, "QUERY", "AGENT", "ASKED", "TOLD", "CONF", "LENS", "LOOK AT"}, gives: 3}
	for _, q := range list {
		asked := q.Subject + " · " + q.Predicate
		t.rows = append(t.rows, []string{
			at(q.Timestamp), q.ID.Short(), q.Agent, asked, toldBy(&q), confidence(q.Result), q.Lens, lookAt(q.Findings),
		})
	}
	return t
}

// lookAt is the worst finding and how many more there are.
func lookAt(list []ask.Finding) string {
	switch len(list) {
	case 0:
		return ""
	case 1:
		return list[0].Code.Word()
	}
	return fmt.Sprintf("%s +%d", list[0].Code.Word(), len(list)-1)
}

// confidence is blank where nothing was told.
func confidence(r ask.Result) string {
	if r.Value.Type == record.NoValue {
		return ""
	}
	return ask.Decimal(r.Confidence)
}

// timeColumn is the head of the column of times and how they are written: where all are of one day, the day stands in
// the head and leaves room for what was asked.
func timeColumn(list []ask.Audit) (head string, at func(record.Time) string) {
	day := func(t record.Time) string { return t.Std().Format("2006-01-02") }
	for _, q := range list {
		if day(q.Timestamp) != day(list[0].Timestamp) {
			return "TIME (UTC)", seconds
		}
	}
	if len(list) == 0 {
		return "TIME (UTC)", seconds
	}
	return day(list[0].Timestamp), func(t record.Time) string { return t.Std().Format("15:04:05Z") }
}

// seconds is a time in a table: whole seconds, UTC. Records and JSON have all digits.
func seconds(t record.Time) string { return t.Std().Format("2006-01-02T15:04:05Z") }

// toldMax is how much of an answer a row of a table shows; `episteme show` shows all.
const toldMax = 40

// toldBy is what a query was told, for a column. Nothing there means that there was no answer.
func toldBy(q *ask.Audit) string {
	if q.Withheld {
		return "withheld"
	}
	return firstLine(q.Result.Value.String())
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	if r := []rune(s); len(r) > toldMax {
		return string(r[:toldMax-1]) + "…"
	}
	return s
}

// interleave puts the asker's own words and the contributions of each audit below its row.
func interleave(rows []string, list []ask.Audit, cols int) []string {
	out := rows[:1:1]
	for i, q := range list {
		out = append(out, rows[i+1])
		if q.Question != nil {
			out = append(out, ansi.Truncate("    asked: "+record.Clean(*q.Question), cols, "…"))
		}
		for _, c := range q.Contributions {
			source := "no source held"
			if c.Source != nil {
				source = *c.Source
			}
			out = append(out, record.Clean(fmt.Sprintf("    %4s  %-11s  %s  %s", ask.Decimal(c.Weight), c.Lifecycle, c.Assertion.Short(), source)))
		}
	}
	return out
}

// completeAgents offers the names of agents to a shell.
func (a *app) completeAgents(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	ctx := cmd.Context()
	if ctx == nil {
		ctx = context.Background()
	}
	var names []string
	_ = a.withEvidence(ctx, func(e evidence) error {
		agents, err := e.Agents(ctx)
		for _, agent := range agents {
			names = append(names, record.Clean(agent.Name))
		}
		return err
	})
	return names, cobra.ShellCompDirectiveNoFileComp
}
