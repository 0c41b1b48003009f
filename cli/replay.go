package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"episteme/engine/record"
	"episteme/engine/replay"
	"episteme/engine/trace/ask"
	"episteme/engine/when"
	"episteme/fixtures"
	"episteme/fixtures/training"
	"episteme/tui"
)

type replayOptions struct {
	ui       uiOptions
	speed    int
	from, to string
	blind    bool
	ending   bool
	out      string
	force    bool
	root     string
	flipped  []string
}

func (a *app) replayCommand() *cobra.Command {
	var o replayOptions
	c := &cobra.Command{
		Use:   "replay NAME",
		Short: "Let an incident happen again, or train on it",
		Long: `Play an incident that comes with the program: a clock runs, records arrive as they did, and nothing that came later is
known yet. space stops the clock and starts it, "," and "." step, "(" and ")" go to the event before and the next one, "+"
and "-" change the speed; all other keys are those of the terminal UI. Without a terminal it prints the timeline as it
was --to a time, or at the end.

--blind makes it a training. The ending stays sealed: its hash is shown at the start and again in the debrief. Three
tasks, a stopwatch, hints on demand; a names the root and what it flipped, A hands the answer in. The whole incident is
there unless --from or --speed say that it is to unfold. The debrief goes to --out FILE as Markdown, or is printed when
you leave. Without a terminal --blind prints the tasks, and with --root and --flipped the debrief.

A record arrives at its own time; one that claims to be older than one before it came late, and arrives with the next one
that did not.`,
		Example: `  episteme replay auth-jwt
  episteme replay ledger-failover --speed 600 --from 03:00
  episteme replay auth-jwt --to 21:09:12 | less
  episteme replay backup-retention --blind --out debrief.md
  episteme replay auth-jwt --ending | b3sum`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.FixedCompletions(fixtureNames(), cobra.ShellCompDirectiveNoFileComp),
		RunE:              func(cmd *cobra.Command, args []string) error { return a.replay(cmd, args[0], o) },
	}
	fl := c.Flags()
	fl.IntVar(&o.speed, "speed", 0, "seconds of the incident in a second, 1 to 3600; 0: at most five minutes for all of it")
	fl.StringVar(&o.from, "from", "", "put the clock here first; times of day are the incident's")
	fl.StringVar(&o.to, "to", "", "print the timeline as it was then, as plain lines")
	fl.BoolVar(&o.blind, "blind", false, "a training: the ending stays sealed until you answer")
	fl.StringVar(&o.out, "out", "", "with --blind: write the debrief to this file")
	fl.BoolVar(&o.force, "force", false, "with --out: overwrite a file that is there")
	fl.BoolVar(&o.ending, "ending", false, "print what --blind seals, byte for byte: the solution, and what a reader must find")
	fl.StringVar(&o.root, "root", "", "with --blind: the assertion without which it would not have happened; answers without a terminal")
	fl.StringSliceVar(&o.flipped, "flipped", nil, "with --blind: the queries that would have been told something else without it: ids, or the times at which they were asked")
	fl.StringVar(&o.ui.theme, "theme", "", strings.Join(tui.Themes(), ", ")+" (auto)")
	fl.BoolVar(&o.ui.ascii, "ascii", false, "no characters beyond ASCII for marks and bars")
	fl.BoolVar(&o.ui.plain, "plain", false, "plain lines instead of a screen")
	a.complete(c, "theme", cobra.FixedCompletions(tui.Themes(), cobra.ShellCompDirectiveNoFileComp))
	return c
}

// replay does what the flags ask of an incident.
func (a *app) replay(cmd *cobra.Command, name string, o replayOptions) error {
	f, err := fixtureNamed(name)
	if err != nil {
		return err
	}
	if err := o.check(); err != nil {
		return err
	}
	if o.ending {
		_, err := a.out.Write(f.Ending())
		return err
	}
	ctx := cmd.Context()
	r, err := replay.Open(ctx, f.Name+"/events.jsonl", f.Events())
	if err != nil {
		return err
	}
	show := a.showReplay
	switch {
	case o.blind && (o.root != "" || len(o.flipped) > 0):
		show = a.answerReplay
	case o.blind && (o.ui.plain || !a.interactive()):
		show = a.briefReplay
	case o.to != "" || o.ui.plain || !a.interactive():
		show = a.printReplay
	}
	return errors.Join(show(cmd, f, r, o), r.Close())
}

// check refuses flags that have no meaning together.
func (o replayOptions) check() error {
	switch {
	case o.speed < 0 || o.speed > 3600:
		return usage(fmt.Errorf("--speed: found %d, expected 1 to 3600, or 0 to choose one", o.speed))
	case !o.blind && (o.out != "" || o.root != "" || len(o.flipped) > 0):
		return usage(errors.New("--out, --root and --flipped belong to a training: add --blind"))
	case o.blind && o.to != "":
		return usage(errors.New("--to prints one moment, --blind is a training: leave one of them out"))
	case o.out != "":
		return mayWrite(o.out, o.force) // now, and not when the work is done
	}
	return nil
}

// caseOf is the exercise of a replay.
func caseOf(f fixtures.Fixture, r *replay.Replay) *training.Case {
	var known []training.Known
	for _, e := range r.Entries() {
		known = append(known, training.Known{Label: e.Label, ID: e.ID, At: e.At, Words: e.Words})
	}
	return training.New(f, known)
}

// clockAt puts the clock to a typed time of the incident; nothing typed is the time at hand.
func (a *app) clockAt(ctx context.Context, r *replay.Replay, flag, typed string, at record.Time) error {
	if typed != "" {
		_, last := r.Span()
		clock, err := a.clock()
		if err != nil {
			return err
		}
		t, err := when.Clock{Now: last.Std(), Zone: clock.Zone}.Instant(typed)
		if err != nil {
			return usage(fmt.Errorf("--%s: %w", flag, err))
		}
		if at, err = record.TimeOf(t); err != nil {
			return usage(fmt.Errorf("--%s: %w", flag, err))
		}
	}
	return r.Set(ctx, at)
}

// speedOf is the least speed at which an incident takes no longer than five minutes.
func speedOf(r *replay.Replay, asked int) int {
	if asked != 0 {
		return asked
	}
	first, last := r.Span()
	speeds := tui.Speeds()
	need := int(math.Ceil(time.Duration(last-first).Minutes() / 5))
	i, _ := slices.BinarySearch(speeds, need)
	return speeds[min(i, len(speeds)-1)]
}

// showReplay plays an incident on the screen.
func (a *app) showReplay(cmd *cobra.Command, f fixtures.Fixture, r *replay.Replay, o replayOptions) error {
	ctx := cmd.Context()
	first, last := r.Span()
	unfolds := !o.blind || o.speed != 0 || o.from != ""
	begin := first
	if !unfolds {
		begin = last
	}
	if err := a.clockAt(ctx, r, "from", o.from, begin); err != nil {
		return err
	}
	options, err := a.replayScreen(cmd, f, r, o)
	if err != nil {
		return err
	}
	options.Replay = &tui.Replaying{Speed: speedOf(r, o.speed), Running: unfolds}
	var (
		mu      sync.Mutex // guards what Over leaves: the screen may be gone while it still writes
		done    *training.Debrief
		written bool
	)
	if o.blind {
		options.Replay.Training = &tui.Training{
			Open: func(context.Context) (*training.Case, error) { return caseOf(f, r), nil },
			Over: func(d training.Debrief) (string, error) {
				mu.Lock()
				defer mu.Unlock()
				done = &d
				if o.out == "" || o.out == "-" {
					return "", nil // printed when the screen is gone
				}
				err := a.writeOut(o.out, o.force, func(w io.Writer) error { _, err := io.WriteString(w, d.Markdown()); return err })
				written = err == nil
				return o.out, err
			},
		}
	}
	err = tui.Run(ctx, options)
	mu.Lock()
	defer mu.Unlock()
	if done != nil && !written {
		_, printed := fmt.Fprint(a.out, done.Markdown())
		err = errors.Join(err, printed)
	}
	return err
}

// replayScreen are the settings of a screen on a replay.
func (a *app) replayScreen(cmd *cobra.Command, f fixtures.Fixture, r *replay.Replay, o replayOptions) (tui.Options, error) {
	s := &session{app: a, now: time.Now}
	o.ui.fixture = f.Name
	options, err := s.options(cmd, o.ui)
	if err != nil {
		return options, err
	}
	options.Ask, options.Open = r, nil
	options.Now = func() time.Time { return r.At().Std() }
	options.OpenCase, options.Export, options.Leaving = nil, nil, nil // what is kept of a replay is its debrief
	return options, nil
}

// printReplay writes the timeline of one moment.
func (a *app) printReplay(cmd *cobra.Command, f fixtures.Fixture, r *replay.Replay, o replayOptions) error {
	_, last := r.Span()
	flag, typed := "to", o.to
	if typed == "" {
		flag, typed = "from", o.from
	}
	if err := a.clockAt(cmd.Context(), r, flag, typed, last); err != nil {
		return err
	}
	options, err := a.replayScreen(cmd, f, r, o)
	if err != nil {
		return err
	}
	if err := tui.Plain(cmd.Context(), options, a.out, min(a.width(), plainCols)); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.err, "as of %s; --to TIME prints another moment of %s, and on a terminal it plays\n", r.At(), f.Name)
	return err
}

// briefReplay writes what a training begins with.
func (a *app) briefReplay(_ *cobra.Command, f fixtures.Fixture, r *replay.Replay, _ replayOptions) error {
	c := caseOf(f, r)
	scene, _, _ := strings.Cut(f.Story(), "\n"+fixtures.SolutionHeading+"\n")
	_, err := fmt.Fprintf(a.out, "%s\n## Sealed ending\n\nBLAKE3 `%s`\n", scene, c.Seal)
	if err == nil {
		_, err = fmt.Fprintf(a.err, "episteme fixtures events %s prints the records; answer with: episteme replay %s --blind --root ID --flipped 21:03:47,…\n", f.Name, f.Name)
	}
	return err
}

// identifyIn is the record that was typed: an id, or the time of day at which a query was asked, which is what plain lines
// show of it.
func identifyIn(ctx context.Context, r *replay.Replay, typed string) (record.ID, error) {
	if !strings.Contains(typed, ":") {
		return r.Identify(ctx, typed)
	}
	var at []record.ID
	for _, e := range r.Entries() {
		if e.ID.Kind == record.KindAudit && strings.TrimSuffix(typed, "Z") == e.At.Std().Format(time.TimeOnly) {
			at = append(at, e.ID)
		}
	}
	switch len(at) {
	case 0:
		return record.ID{}, usage(fmt.Errorf("--flipped: found %q, expected the id of a query, or the time at which one was asked, such as 21:03:47", typed))
	case 1:
		return at[0], nil
	}
	return record.ID{}, &ask.AmbiguousError{Typed: typed, Matches: at}
}

// answerReplay writes the debrief of an answer that was typed at a shell.
func (a *app) answerReplay(cmd *cobra.Command, f fixtures.Fixture, r *replay.Replay, o replayOptions) error {
	ctx := cmd.Context()
	_, last := r.Span()
	if err := r.Set(ctx, last); err != nil {
		return err
	}
	var s training.Session
	for i, typed := range append([]string{o.root}, o.flipped...) {
		if typed == "" {
			continue
		}
		id, err := identifyIn(ctx, r, typed)
		if err != nil {
			return err
		}
		if want := []record.Kind{record.KindAssertion, record.KindAudit}[min(i, 1)]; id.Kind != want {
			flag := []string{"--root", "--flipped"}[min(i, 1)]
			return usage(fmt.Errorf("%s: %s is the id of %s, expected that of %s", flag, id.Short(), id.Kind, want))
		}
		if id.Kind == record.KindAssertion || !slices.Contains(s.Flipped, id) {
			s.Toggle(id)
		}
	}
	page := caseOf(f, r).Debrief(s).Markdown()
	if o.out == "" {
		_, err := fmt.Fprint(a.out, page)
		return err
	}
	return a.writeOut(o.out, o.force, func(w io.Writer) error { _, err := io.WriteString(w, page); return err })
}
