package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// writeFlags are the flags that every command has that writes one record.
type writeFlags struct {
	agent, timestamp string
	dryRun           bool
}

func (a *app) addWriteFlags(c *cobra.Command, f *writeFlags) {
	fl := c.Flags()
	fl.StringVar(&f.agent, "agent", "", "who says so (required)")
	fl.StringVar(&f.timestamp, "timestamp", "", "when it was so (now)")
	fl.BoolVar(&f.dryRun, "dry-run", false, "show which answers would change, write nothing")
	_ = c.MarkFlagRequired("agent")
	a.complete(c, "agent", a.completeAgents)
}

// writeHelp ends the help of every command that writes one record.
const writeHelp = `

Prints the id of the record once it is durable; with -o json the record. The same record again is the one that is
here already. With --dry-run nothing is written: it shows which answers would be others.`

// draft is a record in the making.
type draft struct {
	// needsEvidence says that ids were typed, so there must be something recorded to look in.
	needsEvidence bool
	// build makes the record, last, and before it what goes with it. e is nil before the evidence is opened; then
	// only drafts are built that need none, so that what is wrong with them is told before a directory is made.
	build func(ctx context.Context, e evidence) ([]record.Record, error)
	// typed says how a field is typed, where that is not a flag of its name: object is VALUE.
	typed map[string]string
}

// checked builds the records and checks them as lines of a file are.
func (d draft) checked(ctx context.Context, e evidence) ([]record.Record, error) {
	records, err := d.build(ctx, e)
	if err != nil {
		return nil, err
	}
	for _, r := range records {
		if err := record.Check(r); err != nil {
			return nil, d.blame(err)
		}
	}
	return records, nil
}

// blame names what was typed, not the field of the record.
func (d draft) blame(err error) error {
	var field *record.FieldError
	if !errors.As(err, &field) {
		return err
	}
	typed, ok := d.typed[field.Field]
	if !ok {
		typed = "--" + strings.ReplaceAll(field.Field, "_", "-")
	}
	return usage(fmt.Errorf("%s: found %s, expected %s", typed, field.Found, field.Expected))
}

// write checks a draft, then writes it down or shows what it would do.
func (a *app) write(cmd *cobra.Command, f *writeFlags, d draft) error {
	ctx := cmd.Context()
	format, err := a.format()
	if err != nil {
		return err
	}
	if !d.needsEvidence {
		if _, err := d.checked(ctx, nil); err != nil {
			return err
		}
	}
	e, err := a.openForDraft(cmd, f, d)
	if err != nil {
		return err
	}
	records, err := d.checked(ctx, e)
	switch {
	case err != nil:
	case f.dryRun:
		err = a.printPreview(ctx, e, records, format)
	default:
		err = a.writeDown(ctx, e, records)
	}
	return errors.Join(err, e.Close())
}

// openForDraft opens the evidence. A directory is made only for a record that names no other and is to be written.
func (a *app) openForDraft(cmd *cobra.Command, f *writeFlags, d draft) (evidence, error) {
	if d.needsEvidence {
		return a.openForReading(cmd.Context())
	}
	e, err := a.openForIntake(cmd, f.dryRun)
	if err != nil {
		return nil, err
	}
	return e, a.catchUp(cmd.Context(), e)
}

// writeDown makes the records durable and then prints the id of the last one, alone on standard output.
func (a *app) writeDown(ctx context.Context, e evidence, records []record.Record) error {
	written, err := e.Write(ctx, records...)
	if err != nil {
		return err
	}
	last := written[len(written)-1]
	for _, w := range written[:len(written)-1] {
		if !w.Known {
			fmt.Fprintf(a.err, "episteme: with it: %s %s, lsn %d\n", w.ID.Kind, w.ID, w.LSN)
		}
	}
	if last.Known {
		fmt.Fprintf(a.err, "episteme: it was already recorded, as lsn %d at %s: nothing was written\n", last.LSN, last.RecordedAt)
	}
	if a.output == asJSON || a.output == asNDJSON {
		err = a.writeJSON(last.Record)
	} else {
		_, err = fmt.Fprintln(a.out, last.ID)
	}
	return keptAll(err, last.ID)
}

// keptAll says that a record is recorded although it could not be printed, so that nobody takes the failure for one of
// writing it down.
func keptAll(err error, id record.ID) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s is recorded and durable, but could not be printed: %w; asking for it again writes nothing", id, err)
}

// instant reads a time that was typed behind a flag; nothing is now.
func (a *app) instant(flag, typed string) (record.Time, error) {
	clock, err := a.clock()
	if err != nil {
		return 0, err
	}
	at := clock.Now
	if typed != "" {
		if at, err = clock.Instant(typed); err != nil {
			return 0, usage(fmt.Errorf("%s: %w", flag, err))
		}
	}
	t, err := record.TimeOf(at)
	if err != nil {
		return 0, usage(fmt.Errorf("%s: %w", flag, err))
	}
	return t, nil
}

// timestamp is when the record was so. A time that was typed is shown as it was understood.
func (a *app) timestamp(f *writeFlags) (record.Time, error) {
	t, err := a.instant("--timestamp", f.timestamp)
	if err == nil && f.timestamp != "" {
		fmt.Fprintf(a.err, "episteme: --timestamp is %s\n", t)
	}
	return t, err
}

// named finds the record that was typed for a flag or an argument. It must be of one of kinds; none is any.
func named(ctx context.Context, e evidence, flag, typed string, kinds ...record.Kind) (record.ID, error) {
	id, err := identify(ctx, e, typed)
	var wrong *ask.UsageError
	if errors.As(err, &wrong) {
		return id, &ask.UsageError{Field: flag, Found: wrong.Found, Expected: wrong.Expected}
	}
	if err != nil || len(kinds) == 0 {
		return id, err
	}
	var expected []string
	for _, kind := range kinds {
		if id.Kind == kind {
			return id, nil
		}
		expected = append(expected, fmt.Sprintf("%s (%c_)", kindWord(kind), kind.Letter()))
	}
	return id, usage(fmt.Errorf("%s: found %s, which is of kind %s, expected %s", flag, id.Short(), kindWord(id.Kind), strings.Join(expected, " or ")))
}

// kindWord is a kind as people call it: an audit is a query.
func kindWord(k record.Kind) string {
	if k == record.KindAudit {
		return "query"
	}
	return k.String()
}

// namedAll finds the assertions and queries that were typed for a flag that may be repeated.
func namedAll(ctx context.Context, e evidence, flag string, typed []string) ([]record.ID, error) {
	var ids []record.ID
	for _, t := range typed {
		id, err := named(ctx, e, flag, t, record.KindAssertion, record.KindAudit)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// oneOf reads a name from a closed list; what is none of it is refused with the list and the name that was probably
// meant.
func oneOf[T fmt.Stringer](flag, typed string, parse func(string) (T, error), all []T) (T, error) {
	v, err := parse(typed)
	if err == nil {
		return v, nil
	}
	return v, usage(fmt.Errorf("%s: %w%s", flag, err, didYouMean(typed, names(all))))
}

// didYouMean ends a refusal with the name that was probably meant, where there is one.
func didYouMean(typed string, list []string) string {
	if name := record.Nearest(typed, list); name != "" {
		return "; did you mean " + name + "?"
	}
	return ""
}

func names[T fmt.Stringer](all []T) []string {
	list := make([]string, len(all))
	for i, v := range all {
		list[i] = v.String()
	}
	return list
}

func supersessions() []record.Supersession {
	return []record.Supersession{record.Temporal, record.Invalidated, record.Additive}
}

func eventTypes() []record.EventType {
	return []record.EventType{record.Deploy, record.Alert, record.Rollback, record.Decision, record.Note}
}

// offer completes an argument or a flag from a closed list.
func offer(list []string) cobra.CompletionFunc {
	return cobra.FixedCompletions(list, cobra.ShellCompDirectiveNoFileComp)
}

// offerAt completes the argument at a position, from 0; the others are for the person to know.
func offerAt(position int, list []string) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) != position {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return list, cobra.ShellCompDirectiveNoFileComp
	}
}

// complete says how a flag of c is completed. cobra keeps that as long as the process lives, so a command of a session over
// SSH, which nobody completes, has none.
func (a *app) complete(c *cobra.Command, flag string, with cobra.CompletionFunc) {
	if a.far == nil {
		_ = c.RegisterFlagCompletionFunc(flag, with)
	}
}
