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

type queryFlags struct {
	lifecycle, asOf, halfLife string
	labels                    []string
	dryRun                    bool
	q                         record.Query
}

func (a *app) queryCommand() *cobra.Command {
	var f queryFlags
	c := &cobra.Command{
		Use:   "query SUBJECT PREDICATE --agent NAME | --dry-run QUERY",
		Short: "Ask, and write down what was answered",
		Long: `Ask what is known of a subject. The question, the answer and what decided it are written down before the answer
is given: there is no unlogged question. The same question asked twice is one.

With --dry-run nothing is asked and nothing written: a query that was asked here is resolved again, as it was then
(REPRODUCED), as it was then with what arrived since and claims to be older (LATE), and NOW.

Lenses: consensus (the default), authority, recency, skeptic.
Stages: Proposed, UnderReview, Approved, Deprecated, Rejected, Unstated; any is no filter.`,
		Example: `  episteme query auth/jwt signing_algorithm --agent alice --lens authority
  episteme query auth/jwt signing_algorithm --agent alice --lifecycle Approved
  episteme query auth/jwt signing_algorithm --agent alice --as-of "yesterday 21:00"
  episteme query --dry-run q_7f3a2b91`,
		Args: func(cmd *cobra.Command, args []string) error {
			if f.dryRun {
				return cobra.ExactArgs(1)(cmd, args)
			}
			return cobra.ExactArgs(2)(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.dryRun {
				return a.recompute(cmd, args[0])
			}
			if f.q.Agent == "" {
				return usage(errors.New("--agent: found nothing, expected who asks"))
			}
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
	fl.BoolVar(&f.dryRun, "dry-run", false, "resolve a recorded query again, write nothing")
	for _, asking := range []string{"agent", "lens", "lifecycle", "as-of", "half-life", "question", "label", "trace-id", "span-id", "conversation"} {
		c.MarkFlagsMutuallyExclusive("dry-run", asking)
	}
	a.complete(c, "agent", a.completeAgents)
	a.complete(c, "lens", offer(engine.Lenses()))
	a.complete(c, "lifecycle", offer(stagesOrAny()))
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
	return a.withEvidence(cmd.Context(), func(e evidence) error {
		return a.askAndPrint(cmd.Context(), e, f.q, format)
	})
}

func (a *app) askAndPrint(ctx context.Context, e evidence, q record.Query, format string) error {
	answer, err := e.Ask(ctx, q)
	if err != nil {
		return err
	}
	if format == asJSON || format == asNDJSON {
		err = a.writeJSON(answer)
	} else {
		var v ask.Verdict
		if v, err = e.Verdict(ctx, answer.ID); err == nil {
			err = a.printVerdict(v, format)
		}
	}
	err = keptAll(err, answer.ID)
	if err == nil && answer.Result.Value.Type == record.NoValue && answer.Considered == 0 {
		err = a.hintAtSubjects(ctx, e, answer.Subject)
	}
	return err
}

// hintAtSubjects says what may have been meant by a subject that nobody has asserted anything about.
func (a *app) hintAtSubjects(ctx context.Context, e evidence, subject string) error {
	near, err := e.NearSubjects(ctx, subject)
	if err != nil || near.Asserted {
		return err
	}
	hint := "nobody has asserted anything about " + subject
	if len(near.Subjects) > 0 {
		hint += "; near it: " + strings.Join(near.Subjects, ", ")
	}
	_, err = fmt.Fprintf(a.err, "episteme: %s\n", record.Clean(hint))
	return err
}

// recompute prints what an audit's question is told when it is resolved again.
func (a *app) recompute(cmd *cobra.Command, typed string) error {
	format, err := a.format()
	if err != nil {
		return err
	}
	return a.withEvidence(cmd.Context(), func(e evidence) error {
		id, err := named(cmd.Context(), e, "QUERY", typed, record.KindAudit)
		if err != nil {
			return err
		}
		r, err := e.Recompute(cmd.Context(), id)
		if err != nil {
			return err
		}
		if err := a.printRecomputation(r, format); err != nil {
			return err
		}
		if !r.Reproduced {
			return &wrongError{len(r.Differences)}
		}
		return nil
	})
}

func (a *app) printRecomputation(r ask.Recomputation, format string) error {
	if format == asJSON || format == asNDJSON {
		return a.writeJSON(r)
	}
	var b strings.Builder
	for _, l := range r.Lines() {
		if format == asMD {
			fmt.Fprintf(&b, "- **%s** %s\n", l.Label, mdText(l.String()))
		} else {
			fmt.Fprintf(&b, "%-10s %s\n", l.Label, record.Clean(l.String()))
		}
	}
	_, err := fmt.Fprint(a.out, b.String())
	return err
}

func stagesOrAny() []string { return append(names(record.Stages()), "any") }

// completeQuery reads what was typed.
func (a *app) completeQuery(f *queryFlags) error {
	if !strings.EqualFold(f.lifecycle, "any") {
		stage, err := record.ParseStage(f.lifecycle)
		if err != nil {
			return usage(fmt.Errorf("--lifecycle: %w, or any%s", err, didYouMean(f.lifecycle, stagesOrAny())))
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
		asOf, err := a.instant("--as-of", f.asOf)
		if err != nil {
			return err
		}
		f.q.AsOf = asOf
	}
	labels, err := parseLabels(f.labels)
	if err != nil {
		return err
	}
	f.q.Labels = record.SortedLabels(labels)
	return nil
}
