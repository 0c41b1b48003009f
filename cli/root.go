// Package cli is the command line: one file a command, flags in, engine call, output out.
//
// Promises: data goes to standard output, all else to standard error; the exit status is 0 done, 1 failed, 2 wrong
// usage, 3 no such record, 4 verification found something wrong; nothing from the data reaches a terminal uncleaned;
// no stack trace reaches a person.
//
// Not promised: logic. What a question means and how it is answered is the engine's.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
	"episteme/engine/when"
)

// Exit statuses.
const (
	exitDone     = 0
	exitFailed   = 1
	exitUsage    = 2
	exitNoRecord = 3
	exitWrong    = 4
)

// app is what all commands share: the streams, the clock and the flags that every command has.
type app struct {
	in       io.Reader
	out, err io.Writer
	terminal bool // out is one

	data   string
	server string

	far *far // the command is asked over SSH; nil: here

	exporting bool // the command gathers an export: whoever holds the evidence notes it
	output    string
	zone      string
	noColor   bool
}

// Main runs one command and returns its exit status.
func Main(args []string, in io.Reader, out, errOut io.Writer) int {
	keepPrivate()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	context.AfterFunc(ctx, stop) // the first signal asks to end; a second one ends
	a := &app{in: in, out: out, err: errOut, terminal: isTerminal(out)}
	if a.terminal {
		a.out = safeWriter{out}
	}
	root := a.root()
	root.SetArgs(protectNegatives(root, args))
	root.SetIn(in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	return a.report(ctx, root.ExecuteContext(ctx))
}

func (a *app) root() *cobra.Command {
	c := &cobra.Command{
		Use:   "episteme",
		Short: "What did the agent ask, what was it told, and what decided that?",
		Long: `episteme investigates incidents that AI agents caused: which questions an agent asked, what it was told,
which assertions decided the answer, with what weight, at which stage of their life, from which source.

Without a command it opens the terminal UI.`,
		Example: `  episteme tui --fixture auth-jwt
  episteme ingest events.jsonl
  episteme trace --agent deployment-agent --time "6 hours ago" --subject "auth/*"
  episteme show q_7f3a2b91
  episteme provenance q_7f3a2b91`,
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       version(),

		PersistentPreRunE: a.given,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.openUI(cmd, uiOptions{})
		},
	}
	c.SetVersionTemplate("episteme {{.Version}}\n")
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage(err) })
	f := c.PersistentFlags()
	f.StringVar(&a.data, "data", os.Getenv("EPISTEME_DATA"), "the data directory (or EPISTEME_DATA)")
	f.StringVar(&a.server, "server", os.Getenv(serverVariable), "the server to ask, such as https://episteme.example.org:8443 (or "+serverVariable+", with "+tokenVariable+")")
	f.StringVarP(&a.output, "output", "o", "", "table, json, ndjson or md (table on a terminal, ndjson in a pipe)")
	f.StringVar(&a.zone, "tz", "UTC", "the zone of times that name none, such as Europe/Berlin or Local")
	f.BoolVar(&a.noColor, "no-color", os.Getenv("NO_COLOR") != "", "no colours (or NO_COLOR)")
	c.AddCommand(a.tuiCommand(), a.ingestCommand(), a.queryCommand(), a.traceCommand(), a.showCommand(),
		a.findingsCommand(), a.findCommand(),
		a.assertCommand(), a.voteCommand(), a.transitionCommand(), a.epochCommand(), a.eventCommand(),
		a.whatIfCommand(), a.impactCommand(), a.diffCommand(), a.bisectCommand(),
		a.provenanceCommand(), a.agentsCommand(), a.casesCommand(), a.fixturesCommand(), a.replayCommand(), a.verifyCommand(), a.doctorCommand(),
		a.rebuildCommand(), a.journalCommand(), a.exportCommand(), a.serveCommand(), a.tokenCommand(), a.versionCommand())
	c.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	return c
}

// usageError marks an error as the caller's: exit status 2.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usage(err error) error {
	if err == nil {
		return nil
	}
	return usageError{err}
}

// report prints what went wrong and chooses the exit status.
func (a *app) report(ctx context.Context, err error) int {
	if err == nil {
		return exitDone
	}
	status := exitFailed
	var (
		wrong     usageError
		question  *ask.UsageError
		ambiguous *ask.AmbiguousError
		absent    *ask.NotFoundError
		field     *record.FieldError
		refused   *refusedError
		nothing   *nothingError
		found     *wrongError
	)
	switch {
	case errors.As(err, &refused):
		return exitFailed // the summary has said it
	case errors.As(err, &found):
		return exitWrong // the report has said it
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		err = errors.New("interrupted; what was acknowledged is kept")
	case errors.As(err, &wrong), errors.As(err, &question), errors.As(err, &ambiguous), errors.As(err, &field), isCobraUsage(err):
		status = exitUsage
	case errors.As(err, &absent), errors.As(err, &nothing) && !nothing.refused():
		status = exitNoRecord
	}
	err = whoHolds(err)
	fmt.Fprintf(a.err, "episteme: %s\n", cleanLines(err.Error()+a.adviceOn(err)))
	if status == exitUsage {
		fmt.Fprintln(a.err, "Run the command with --help for examples.")
	}
	return status
}

// adviceOn says what to do where the data directory is not this user's: the error is a bare "permission denied".
func (a *app) adviceOn(err error) string {
	var at *fs.PathError
	if !errors.As(err, &at) || !errors.Is(at, fs.ErrPermission) {
		return ""
	}
	for _, p := range a.places() {
		if below(p.dir, at.Path) || below(at.Path, p.dir) {
			return fmt.Sprintf("\nevery command writes in the data directory, if only its lock, and %s does not let you: run this as the user it belongs to (sudo -u episteme episteme, on a server), or name a directory of your own with --data DIR", p.dir)
		}
	}
	return ""
}

// below reports whether path is dir, or in it.
func below(dir, path string) bool {
	within, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(within)
}

// isCobraUsage recognises what cobra says of unknown commands and wrong numbers of arguments, which it gives no type.
func isCobraUsage(err error) bool {
	for _, start := range []string{"unknown command", "unknown flag", "accepts ", "requires ", "required flag", "invalid argument", "if any flags in the group"} {
		if strings.HasPrefix(err.Error(), start) {
			return true
		}
	}
	return false
}

// version is what the build says of itself.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "development build"
	}
	return info.Main.Version
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(a.out, "episteme", version())
			return err
		},
	}
}

// nowVariable fixes the present for tests, training and replays.
const nowVariable = "EPISTEME_NOW"

// now is the present, which records can carry.
func now() (time.Time, error) {
	text := os.Getenv(nowVariable)
	if text == "" {
		return time.Now(), nil
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err == nil {
		_, err = record.TimeOf(t)
	}
	if err != nil {
		return t, usage(fmt.Errorf("%s: found %q, expected a time such as 2024-01-15T22:32:00Z, from 1970 to 2262; unset it to use the clock of this machine", nowVariable, text))
	}
	return t, nil
}

// clock is now, in the zone of --tz.
func (a *app) clock() (when.Clock, error) {
	t, err := now()
	if err != nil {
		return when.Clock{}, err
	}
	zone, err := time.LoadLocation(a.zone)
	if err != nil {
		return when.Clock{}, usage(fmt.Errorf("--tz: found %q, expected a zone such as UTC, Local or Europe/Berlin", a.zone))
	}
	return when.Clock{Now: t, Zone: zone}, nil
}
