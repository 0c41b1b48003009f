package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"episteme/engine"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// agentPrefix begins an agent where an id may stand.
const agentPrefix = "agent:"

type whatIfFlags struct {
	without                         []string
	lens, lifecycle, asOf, halfLife string
}

func (a *app) whatIfCommand() *cobra.Command {
	var f whatIfFlags
	c := &cobra.Command{
		Use:   "whatif QUERY",
		Short: "What a query would have been told, had something been different",
		Long: `Resolve a recorded question again with records left out, or under another lens, stage or time, and show it beside
what was told. The question is first resolved unchanged: where that does not give what was recorded, nothing is said.

--without takes an id (assertion, vote, transition, epoch, source, digest) or agent:NAME, and takes along what goes
with it: a source all assertions of its digest, an epoch or an agent theirs, an assertion those derived from it.
FLIP is the smallest set of contributions on which the recorded answer rests.`,
		Example: `  episteme whatif q_7f3a2b91
  episteme whatif q_7f3a2b91 --without a_19c0e4d2
  episteme whatif q_7f3a2b91 --without agent:rfc-bot --lens consensus
  episteme whatif q_7f3a2b91 --lifecycle Approved -o json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.whatIf(cmd.Context(), args[0], &f) },
	}
	fl := c.Flags()
	fl.StringArrayVar(&f.without, "without", nil, "leave a record or agent:NAME out, may be repeated")
	fl.StringVar(&f.lens, "lens", "", "the rule that answers (as recorded)")
	fl.StringVar(&f.lifecycle, "lifecycle", "", "admit only assertions at this stage; any: no filter (as recorded)")
	fl.StringVar(&f.asOf, "as-of", "", "as it was at this time (as recorded)")
	fl.StringVar(&f.halfLife, "half-life", "", "of the lens recency (as recorded)")
	a.complete(c, "lens", offer(engine.Lenses()))
	a.complete(c, "lifecycle", offer(stagesOrAny()))
	return c
}

func (a *app) whatIf(ctx context.Context, typed string, f *whatIfFlags) error {
	format, err := a.format()
	if err != nil {
		return err
	}
	change, err := a.change(f)
	if err != nil {
		return err
	}
	return a.withEvidence(ctx, func(e evidence) error {
		id, err := identify(ctx, e, typed)
		if err != nil {
			return err
		}
		for _, out := range f.without {
			target, err := targetOf(ctx, e, out)
			if err != nil {
				return err
			}
			change.Without = append(change.Without, target)
		}
		w, err := e.WhatIf(ctx, id, change)
		if err != nil {
			return err
		}
		audit, err := e.Audit(ctx, id)
		if err != nil {
			return err
		}
		if err := a.printWhatIf(w, audit, change, format); err != nil {
			return err
		}
		if !w.Reproduced {
			return fmt.Errorf("%s: recomputing gives another answer than the recorded one, so nothing is said of what would have changed it; run `episteme verify`", id.Short())
		}
		return nil
	})
}

// change is what was typed but for what is left out, which only the evidence can tell.
func (a *app) change(f *whatIfFlags) (ask.WhatIfChange, error) {
	c := ask.WhatIfChange{Lens: f.lens}
	if f.lifecycle != "" {
		stage, err := parseFilter(f.lifecycle)
		if err != nil {
			return c, err
		}
		c.Filter = &stage
	}
	var err error
	if c.HalfLife, err = parseHalfLife(f.halfLife); err != nil {
		return c, err
	}
	if f.asOf != "" {
		at, err := a.instant("--as-of", f.asOf)
		if err != nil {
			return c, err
		}
		c.AsOf = &at
	}
	return c, nil
}

// parseFilter reads a stage, or any, which is none.
func parseFilter(text string) (record.Stage, error) {
	if strings.EqualFold(text, "any") {
		return 0, nil
	}
	stage, err := record.ParseStage(text)
	if err != nil {
		return 0, usage(fmt.Errorf("--lifecycle: %w, or any%s", err, didYouMean(text, stagesOrAny())))
	}
	return stage, nil
}

// targetOf finds what was typed where a record or an agent may stand. The bytes behind a digest need not be held, so
// a digest typed in full is taken as it stands.
func targetOf(ctx context.Context, e evidence, typed string) (ask.Target, error) {
	if name, ok := strings.CutPrefix(typed, agentPrefix); ok {
		return ask.Target{Agent: name}, nil
	}
	id, err := identify(ctx, e, typed)
	var absent *ask.NotFoundError
	if full, bad := record.ParseID(typed); bad == nil && full.Kind == record.KindEvidence && errors.As(err, &absent) {
		return ask.Target{ID: full}, nil
	}
	return ask.Target{ID: id}, err
}

func (a *app) printWhatIf(w ask.WhatIf, audit ask.Audit, c ask.WhatIfChange, format string) error {
	if format == asJSON || format == asNDJSON {
		return a.writeJSON(w)
	}
	lens := audit.Lens
	if c.Lens != "" {
		lens = c.Lens
	}
	return a.printLines(audit.Agent+" asked "+audit.Subject+" "+audit.Predicate, audit, w.Lines(c, lens), format)
}

// printLines prints labelled lines below a headline about an audit.
func (a *app) printLines(headline string, audit ask.Audit, lines []ask.Line, format string) error {
	var b strings.Builder
	if format == asMD {
		fmt.Fprintf(&b, "**%s** · %s · `%s`\n\n", mdText(headline), audit.Timestamp, audit.ID)
		for _, l := range lines {
			fmt.Fprintf(&b, "- **%s** %s\n", l.Label, mdText(l.String()))
		}
	} else {
		fmt.Fprintf(&b, "%s  %s  %s\n", record.Clean(headline), audit.Timestamp, audit.ID.Short())
		for _, l := range lines {
			fmt.Fprintf(&b, "  %-8s %s\n", l.Label, record.Clean(l.String()))
		}
	}
	_, err := fmt.Fprint(a.out, b.String())
	return err
}
