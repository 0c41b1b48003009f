package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"episteme/engine"
	"episteme/engine/intake"
	"episteme/engine/record"
)

// refusedError ends a command with status 1 after its summary has said why.
type refusedError struct{ lines int }

func (e *refusedError) Error() string { return fmt.Sprintf("%d lines were refused", e.lines) }

// ingestFlags are what people type.
type ingestFlags struct {
	format, mapping, content, start string
	strict, dryRun, follow          bool
}

func (a *app) ingestCommand() *cobra.Command {
	var f ingestFlags
	c := &cobra.Command{
		Use:   "ingest FILE…",
		Short: "Take records in from files",
		Long: `Take records in from files or directories; - is standard input. Lines that are refused are named with file,
line, column, what was found and what was expected; the others are kept. Records that are here already are not
written again, so a file may be taken in twice, and again after it was interrupted. Files packed with gzip or zstd
are unpacked on the way.

Formats:
` + formatList() + `

What looks like a secret (keys, tokens, passwords) in files of others is replaced before it is kept. --content and the
rules of a mapping file say how much of what agents were told is kept: all, its digest, or nothing.`,
		Example: `  episteme ingest events.jsonl
  episteme ingest --dry-run traces.otlp.jsonl.gz
  episteme ingest --follow /var/log/otel/traces.jsonl
  episteme ingest --mapping mapping.toml --content digest incoming/
  episteme ingest --format chat --start 2024-05-15T20:00:00Z runs.json
  kubectl logs agent | episteme ingest -`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.strict && len(args) > 1 {
				return usage(errors.New("--strict takes one file: it is all or none, in one batch"))
			}
			if f.follow && (len(args) > 1 || args[0] == "-" || f.strict || f.dryRun) {
				return usage(errors.New("--follow takes one file that grows, without --strict and --dry-run; standard input is followed by itself"))
			}
			return a.ingest(cmd, args, f)
		},
	}
	c.Flags().StringVar(&f.format, "format", "auto", "auto, "+strings.Join(formatNames(), ", "))
	c.Flags().BoolVar(&f.strict, "strict", false, "all lines or none, in one batch; no query lines")
	c.Flags().BoolVar(&f.dryRun, "dry-run", false, "read and check everything, say what would come in, write nothing")
	c.Flags().BoolVar(&f.follow, "follow", false, "wait for more at the end of the file, as logs grow; go on where it stopped")
	c.Flags().StringVar(&f.mapping, "mapping", "", "a file that says which attributes name agent, subject, predicate and question")
	c.Flags().StringVar(&f.content, "content", "", "how much of what agents were told is kept: content (default), digest or none")
	c.Flags().StringVar(&f.start, "start", "", "the time of the first message of a transcript that has no times (default 2000-01-01)")
	c.ValidArgsFunction = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return nil, cobra.ShellCompDirectiveDefault
	}
	return c
}

func formatNames() []string {
	var names []string
	for _, f := range intake.All() {
		names = append(names, f.Name)
	}
	return names
}

func formatList() string {
	var b strings.Builder
	for _, f := range intake.All() {
		fmt.Fprintf(&b, "  %-9s %s\n", f.Name, f.Summary)
	}
	return strings.TrimRight(b.String(), "\n")
}

func (a *app) ingest(cmd *cobra.Command, args []string, f ingestFlags) error {
	if _, ok := intake.ByName(f.format); !ok && f.format != "auto" {
		return usage(fmt.Errorf("--format: found %q, expected auto, %s", f.format, strings.Join(formatNames(), ", ")))
	}
	options, stamp, err := a.intakeOptions(f)
	if err != nil {
		return err
	}
	files, fromDirectory, err := inputs(args)
	if err != nil {
		return err
	}
	if f.follow && len(fromDirectory) > 0 {
		return usage(fmt.Errorf("--follow: found a directory, %s, expected one file that grows", args[0]))
	}
	e, err := a.openForIntake(cmd, f.dryRun)
	if err != nil {
		return err
	}
	run := &intakeRun{
		app: a, e: e, flags: f, options: options, stamp: stamp, fromDirectory: fromDirectory,
		dropped: map[string]int{}, removed: map[string]int{}, units: map[string]int{}, tally: newTally(),
	}
	err = run.all(cmd.Context(), files)
	err = errors.Join(err, e.Close())
	run.summary()
	if err == nil && run.total.Refused > 0 {
		err = &refusedError{run.total.Refused}
	}
	return err
}

// intakeOptions are what decoders are told, and a stamp that differs where they would give other records.
func (a *app) intakeOptions(f ingestFlags) (o intake.Options, stamp string, err error) {
	o.Mapping = &intake.Mapping{}
	if f.mapping != "" {
		file, err := openRegular("--mapping", f.mapping)
		if err != nil {
			return o, "", err
		}
		defer file.Close()
		text, err := readAtMost(file, maxMappingFile)
		if err != nil {
			return o, "", fmt.Errorf("read %s: %w", f.mapping, err)
		}
		if o.Mapping, err = intake.ReadMapping(text, f.mapping); err != nil {
			return o, "", usage(err)
		}
		stamp = record.Sum(text).String() + " "
	}
	if f.content != "" {
		if o.Mapping.Content, err = intake.ParseContent(f.content); err != nil {
			return o, "", usage(fmt.Errorf("--content: %w", err))
		}
	}
	if f.start != "" {
		clock, err := a.clock()
		if err != nil {
			return o, "", err
		}
		start, err := clock.Start(f.start)
		if err != nil {
			return o, "", usage(fmt.Errorf("--start: %w", err))
		}
		if o.Start, err = record.TimeOf(start); err != nil {
			return o, "", usage(fmt.Errorf("--start: %w", err))
		}
	}
	return o, stamp + f.format + " " + o.Mapping.Content.String(), nil
}

// openForIntake opens the evidence; a dry run looks at what there is and makes nothing.
func (a *app) openForIntake(cmd *cobra.Command, dryRun bool) (evidence, error) {
	if !dryRun {
		return a.openForWriting(cmd.Context())
	}
	e, err := a.openForReading(cmd.Context())
	var nothing *nothingError
	if errors.As(err, &nothing) {
		return engine.Open(cmd.Context(), engine.Options{})
	}
	return e, err
}

// inputs expands directories into the files below them, by name, and checks that each can be read before anything is
// opened or made. fromDirectory says which files nobody named.
func inputs(args []string) (files []string, fromDirectory map[string]bool, err error) {
	fromDirectory = map[string]bool{}
	for _, arg := range args {
		if arg == "-" {
			files = append(files, arg)
			continue
		}
		info, err := os.Stat(arg)
		if err != nil {
			return nil, nil, err
		}
		if !info.IsDir() {
			files = append(files, arg)
			continue
		}
		err = filepath.WalkDir(arg, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				files, fromDirectory[path] = append(files, path), true
			}
			return err
		})
		if err != nil {
			return nil, nil, err
		}
	}
	if len(files) == 0 {
		return nil, nil, fmt.Errorf("%s: no files there to take in", strings.Join(args, ", "))
	}
	return files, fromDirectory, nil
}
