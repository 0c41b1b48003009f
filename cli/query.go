package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"episteme/engine"
	"episteme/engine/record"
)

type queryFlags struct {
	lifecycle, asOf, halfLife string
	labels                    []string
	q                         record.Query
}

func (a *app) queryCommand() *cobra.Command {
	var f queryFlags
	c := &cobra.Command{
		Use:   "query SUBJECT PREDICATE --agent NAME",
		Short: "Ask, and write down what was answered",
		Long: `Ask what is known of a subject. The question, the answer and what decided it are written down before the answer
is given: there is no unlogged question. The same question asked twice is one.

Lenses: consensus (the default), authority, recency, skeptic.
Stages: Proposed, UnderReview, Approved, Deprecated, Rejected, Unstated; any is no filter.`,
		Example: `  episteme query auth/jwt signing_algorithm --agent alice --lens authority
  episteme query auth/jwt signing_algorithm --agent alice --lifecycle Approved
  episteme query auth/jwt signing_algorithm --agent alice --as-of "yesterday 21:00"`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.q.Subject, f.q.Predicate = args[0], args[1]
			f.q.Timestamp, f.q.AsOf = record.Unset, record.Unset
			return a.query(cmd, &f)
		},
	}
	fl := c.Flags()
	fl.StringVar(&f.q.Agent, "agent", "", "who asks (required)")
	fl.StringVar(&f.q.Lens, "lens", "", "the rule that answers (consensus)")
	fl.StringVar(&f.lifecycle, "lifecycle", "any", "admit only assertions at this stage")
	fl.StringVar(&f.asOf, "as-of", "", "as it was at this time (now)")
	fl.StringVar(&f.halfLife, "half-life", "", "of the lens recency (24h)")
	fl.StringVar(&f.q.Question, "question", "", "the asker's own words")
	fl.StringArrayVar(&f.labels, "label", nil, "K=V, may be repeated")
	fl.StringVar(&f.q.TraceID, "trace-id", "", "the id of the trace it is part of")
	fl.StringVar(&f.q.SpanID, "span-id", "", "the id of the span it is part of")
	fl.StringVar(&f.q.ConversationID, "conversation", "", "the id of the conversation it is part of")
	_ = c.MarkFlagRequired("agent")
	return c
}

func (a *app) query(cmd *cobra.Command, f *queryFlags) error {
	format, err := a.format()
	if err != nil {
		return err
	}
	if err := a.completeQuery(f); err != nil {
		return err
	}
	return a.withEvidence(cmd.Context(), func(e *engine.Engine) error {
		return a.askAndPrint(cmd.Context(), e, f.q, format)
	})
}

func (a *app) askAndPrint(ctx context.Context, e *engine.Engine, q record.Query, format string) error {
	answer, err := e.Ask(ctx, q)
	if err != nil {
		return err
	}
	if format == asJSON || format == asNDJSON {
		return a.writeJSON(answer)
	}
	v, err := e.Verdict(ctx, answer.ID)
	if err != nil {
		return err
	}
	return a.printVerdict(v, format)
}

// completeQuery reads what was typed.
func (a *app) completeQuery(f *queryFlags) error {
	if !strings.EqualFold(f.lifecycle, "any") {
		stage, err := record.ParseStage(f.lifecycle)
		if err != nil {
			return usage(fmt.Errorf("--lifecycle: %w, or any", err))
		}
		f.q.LifecycleFilter = stage
	}
	if f.halfLife != "" {
		half, err := record.ParseHalfLife(f.halfLife)
		if err != nil {
			return usage(fmt.Errorf("--half-life: %w", err))
		}
		f.q.HalfLife = half
	}
	if f.asOf != "" {
		clock, err := a.clock()
		if err != nil {
			return err
		}
		t, err := clock.Instant(f.asOf)
		if err != nil {
			return usage(fmt.Errorf("--as-of: %w", err))
		}
		if f.q.AsOf, err = record.TimeOf(t); err != nil {
			return usage(fmt.Errorf("--as-of: %w", err))
		}
	}
	labels, err := parseLabels(f.labels)
	if err != nil {
		return err
	}
	f.q.Labels = record.SortedLabels(labels)
	return nil
}
