package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

func (a *app) findCommand() *cobra.Command {
	var q ask.FindQuery
	var kind string
	c := &cobra.Command{
		Use:   "find WORDS|ID",
		Short: "Any record by id, outside id, label, title or value",
		Long: `Find records of any kind, newest first: by an id or its beginning (4 digits or more), by agent:NAME, or by words that all
occur in the record, in any case. Words are looked for in names and titles, subjects and predicates, values, questions,
reasons and notes, agents, labels (env=prod), and the ids of traces, spans, conversations and tool calls. The bytes of
evidence are not looked through.

There is no index of words: a search reads the records, ends after some seconds, and says how far it came; --cursor goes
on from there.`,
		Example: `  episteme find ES256
  episteme find security-rfc --kind source
  episteme find auth-service config 41
  episteme find 4bf92f3577b34da6a3ce929d0e0e4736
  episteme find incident=INC-4127 --kind event -o json`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			q.Text = strings.Join(args, " ")
			return a.find(cmd, q, kind)
		},
	}
	fl := c.Flags()
	fl.StringVar(&kind, "kind", "", "records of this kind only: "+strings.Join(kindNames(), ", "))
	fl.IntVar(&q.Limit, "limit", 0, "records at most (50 on a terminal, else all)")
	fl.StringVar(&q.Cursor, "cursor", "", "go on where a page ended: its next_cursor")
	a.complete(c, "kind", offer(kindNames()))
	return c
}

func kindNames() []string {
	var list []string
	for _, k := range record.Kinds() {
		list = append(list, k.String())
	}
	return list
}

// parseKind reads a kind by its name; query is what screens call an audit.
func parseKind(name string) (record.Kind, error) {
	switch name {
	case "":
		return 0, nil
	case "query":
		return record.KindAudit, nil
	}
	kind, ok := record.KindByName(strings.ToLower(name))
	if !ok {
		return 0, usage(fmt.Errorf("--kind: found %q, expected one of %s%s", name, strings.Join(kindNames(), ", "), didYouMean(name, kindNames())))
	}
	return kind, nil
}

func (a *app) find(cmd *cobra.Command, q ask.FindQuery, kind string) error {
	format, err := a.format()
	if err != nil {
		return err
	}
	if q.Kind, err = parseKind(kind); err != nil {
		return err
	}
	limited := cmd.Flags().Changed("limit")
	if limited && q.Limit < 1 {
		return usage(fmt.Errorf("--limit: found %d, expected 1 or more", q.Limit))
	}
	if !limited && a.terminal {
		q.Limit = terminalLimit
	}
	if format == asNDJSON {
		q.Each = func(h ask.Hit) error { return a.writeJSON(h) }
	}
	var found ask.Found
	err = a.withEvidence(cmd.Context(), func(e evidence) error {
		found, err = e.Find(cmd.Context(), q)
		return err
	})
	var nothing *nothingError
	if errors.As(err, &nothing) && !nothing.refused() { // an empty list is done, and says why it is empty
		fmt.Fprintf(a.err, "episteme: %s\n", cleanLines(nothing.Error()))
		found, err = ask.Found{Text: q.Text, Records: []ask.Hit{}, Notes: []string{"no evidence was found"}}, nil
	}
	if err != nil {
		return err
	}
	return a.printFound(found, format)
}

func (a *app) printFound(f ask.Found, format string) error {
	complete := record.Clean(f.Completeness())
	if f.NextCursor != nil {
		complete += " · more: --cursor " + *f.NextCursor
	}
	switch format {
	case asJSON:
		return a.writeJSON(f)
	case asNDJSON: // the records were printed as they were found
		_, err := fmt.Fprintln(a.err, complete)
		return err
	case asMD:
		_, err := fmt.Fprintf(a.out, "%s\n%s\n", hitTable(f.Records).markdown(), mdText(complete))
		return err
	}
	var b strings.Builder
	if len(f.Records) > 0 {
		b.WriteString(strings.Join(hitTable(f.Records).lines(a.width()), "\n") + "\n")
	}
	_, err := fmt.Fprintln(a.out, b.String()+complete)
	return err
}

// hitTable has a row for each record. What has no time of its own is shown at the time it was recorded.
func hitTable(list []ask.Hit) *table {
	t := &table{head: []string{"RECORD", "KIND", "TIME (UTC)", "AGENT", "WHAT"}, gives: 4}
	for _, h := range list {
		at := "recorded " + seconds(h.RecordedAt)
		if h.Timestamp != nil {
			at = seconds(*h.Timestamp)
		}
		t.rows = append(t.rows, []string{h.ID.Short(), h.Kind, at, h.Agent, h.What})
	}
	return t
}
