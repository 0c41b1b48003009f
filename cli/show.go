package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

func (a *app) showCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show ID",
		Short: "One record in full; a query as its verdict",
		Long: `Show one record in full. A query is shown as its verdict: what was told, why, against what, what would have
turned it, what holds now, and what was done on its strength.

An id may be shortened to any unique prefix of 4 or more digits, with or without its letter.`,
		Example: `  episteme show q_7f3a2b91
  episteme show 19c0e4d2 -o json
  episteme show agent:deployment-agent`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			format, err := a.format()
			if err != nil {
				return err
			}
			return a.withEvidence(cmd.Context(), func(e evidence) error {
				if name, ok := strings.CutPrefix(args[0], "agent:"); ok {
					return a.printAgent(cmd.Context(), e, name, format)
				}
				id, err := identify(cmd.Context(), e, args[0])
				if err != nil {
					return err
				}
				if id.Kind == record.KindAudit && (format == asTable || format == asMD) {
					v, err := e.Verdict(cmd.Context(), id)
					if err != nil {
						return err
					}
					return a.printVerdict(v, format)
				}
				r, err := e.Record(cmd.Context(), id)
				if err != nil {
					return err
				}
				return a.printRecord(r, format)
			})
		},
	}
}

// identify finds the record that was typed: an id, a prefix of one, or a link that the UI copied.
func identify(ctx context.Context, e evidence, typed string) (record.ID, error) {
	if link, ok := strings.CutPrefix(typed, "episteme://"); ok {
		typed, _, _ = strings.Cut(link[strings.IndexByte(link, '/')+1:], "?")
	}
	return e.Identify(ctx, typed)
}

func (a *app) printVerdict(v ask.Verdict, format string) error {
	var b strings.Builder
	if format == asMD {
		fmt.Fprintf(&b, "**%s** · %s · `%s`\n\n", mdText(v.Headline()), v.Audit.Timestamp, v.Audit.ID)
		for _, l := range v.Lines() {
			fmt.Fprintf(&b, "- **%s** %s\n", l.Label, mdText(l.String()))
		}
		if len(v.Audit.Findings) > 0 {
			b.WriteString("\n")
		}
		for _, f := range v.Audit.Findings {
			fmt.Fprintf(&b, "- %s: %s\n", mdText(f.Code.Word()), mdText(f.Code.Plain()))
		}
		_, err := fmt.Fprint(a.out, b.String())
		return err
	}
	fmt.Fprintf(&b, "%s  %s  %s  %s\n", record.Clean(v.Headline()), v.Audit.Timestamp, v.Audit.ID.Short(), recomputed(v))
	if v.Audit.Question != nil {
		fmt.Fprintf(&b, "  %-8s %s\n", "ASKED", record.Clean(*v.Audit.Question))
	}
	for _, l := range v.Lines() {
		fmt.Fprintf(&b, "  %-8s %s\n", l.Label, record.Clean(l.String()))
	}
	for _, f := range v.Audit.Findings {
		fmt.Fprintf(&b, "  %-8s %s: %s\n", "LOOK AT", f.Code.Word(), f.Code.Plain())
	}
	fmt.Fprintf(&b, "  id       %s\n", v.Audit.ID)
	_, err := fmt.Fprint(a.out, b.String())
	return err
}

func recomputed(v ask.Verdict) string {
	if v.Recomputed == ask.NotPossible {
		return string(ask.NotPossible)
	}
	return "recomputed: " + string(v.Recomputed)
}

func (a *app) printRecord(r ask.Record, format string) error {
	if format == asJSON || format == asNDJSON {
		return a.writeJSON(r)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n  lsn %d, recorded %s, %s\n", r.ID.Kind, r.ID, r.LSN, r.RecordedAt, r.Check)
	if evidence, ok := r.Record.(record.Evidence); ok {
		fmt.Fprintf(&b, "  %d bytes\n\n%s\n", len(evidence), cleanLines(string(evidence)))
	} else if r.Record != nil {
		for _, line := range fields(record.AppendJSON(nil, r.Record)) {
			fmt.Fprintf(&b, "  %s\n", record.Clean(line))
		}
	}
	text := b.String()
	if format == asMD {
		text = "```\n" + strings.ReplaceAll(text, "```", "'''") + "```\n"
	}
	_, err := fmt.Fprint(a.out, text)
	return err
}
