package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"episteme/engine"
	"episteme/engine/intake"
	"episteme/engine/record"
)

// refusedError ends a command with status 1 after its summary has said why.
type refusedError struct{ lines int }

func (e *refusedError) Error() string { return fmt.Sprintf("%d lines were refused", e.lines) }

func (a *app) ingestCommand() *cobra.Command {
	var (
		format         string
		strict, dryRun bool
	)
	c := &cobra.Command{
		Use:   "ingest FILE…",
		Short: "Take records in from files",
		Long: `Take records in from files or directories; - is standard input. Lines that are refused are named with file,
line, column, what was found and what was expected; the others are kept. Records that are here already are not
written again, so a file may be taken in twice.

Formats:
` + formatList(),
		Example: `  episteme ingest events.jsonl
  episteme ingest --format otlp traces.otlp.jsonl
  episteme ingest --dry-run incoming/
  zcat archive.jsonl.gz | episteme ingest -`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if strict && len(args) > 1 {
				return usage(errors.New("--strict takes one file: it is all or none, in one batch"))
			}
			return a.ingest(cmd, args, format, engine.IngestOptions{Strict: strict, DryRun: dryRun})
		},
	}
	c.Flags().StringVar(&format, "format", "auto", "auto, "+strings.Join(formatNames(), " or "))
	c.Flags().BoolVar(&strict, "strict", false, "all lines or none, in one batch; no query lines")
	c.Flags().BoolVar(&dryRun, "dry-run", false, "read and check everything, write nothing")
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
		fmt.Fprintf(&b, "  %-7s %s\n", f.Name, f.Summary)
	}
	return strings.TrimRight(b.String(), "\n")
}

func (a *app) ingest(cmd *cobra.Command, args []string, format string, o engine.IngestOptions) error {
	if _, ok := intake.ByName(format); !ok && format != "auto" {
		return usage(fmt.Errorf("--format: found %q, expected auto, %s", format, strings.Join(formatNames(), ", ")))
	}
	files, fromDirectory, err := inputs(args)
	if err != nil {
		return err
	}
	e, err := a.openForIntake(cmd, o.DryRun)
	if err != nil {
		return err
	}
	run := &intakeRun{app: a, e: e, o: o, format: format, dropped: map[string]int{}, fromDirectory: fromDirectory}
	for _, name := range files {
		if err = run.file(cmd, name); err != nil {
			break
		}
	}
	err = errors.Join(err, e.Close())
	run.summary()
	if err == nil && run.total.Refused > 0 {
		err = &refusedError{run.total.Refused}
	}
	return err
}

// openForIntake opens the evidence; a dry run looks at what there is and makes nothing.
func (a *app) openForIntake(cmd *cobra.Command, dryRun bool) (*engine.Engine, error) {
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

// intakeRun is one ingest command: several files, one count.
type intakeRun struct {
	*app
	e             *engine.Engine
	o             engine.IngestOptions
	format        string
	fromDirectory map[string]bool // files that nobody named
	total         engine.Ingested
	dropped       map[string]int
	units         map[string]int
	shown         int // rejects printed
}

// rejectsShown is how many refused lines are printed; the rest are counted.
const rejectsShown = 20

func (r *intakeRun) file(cmd *cobra.Command, name string) error {
	in, size, err := r.openInput(cmd.Context(), name)
	if err != nil {
		return err
	}
	defer in.Close()
	stream := interruptible(cmd.Context(), in)
	defer stream.Close()
	dec, err := r.decoder(bufio.NewReaderSize(stream, 64<<10), name)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if dec == nil {
		return nil
	}
	bar := r.progress(name, size, dec)
	o := r.o
	o.Reject = func(reject *record.Reject) {
		if reject.File == "" {
			reject.File = name
		}
		bar.clear()
		r.reject(reject)
	}
	o.Progress = bar.step
	done, err := r.e.Ingest(cmd.Context(), lines{dec}, o)
	bar.clear()
	r.count(done, dec)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func (r *intakeRun) openInput(ctx context.Context, name string) (io.ReadCloser, int64, error) {
	if name == "-" {
		return io.NopCloser(r.in), 0, nil
	}
	f, err := openWaiting(ctx, name)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, info.Size(), nil
}

// decoder chooses the format of a file. It is nil, with no error, for a file that is empty, and for one found in a
// directory that is of no known format: that one is counted.
func (r *intakeRun) decoder(in *bufio.Reader, name string) (intake.Decoder, error) {
	format, named := intake.ByName(r.format)
	if !named {
		found, empty, err := detect(in)
		if err != nil || empty {
			return nil, err
		}
		if format = found; found.Open == nil {
			switch {
			case filepath.Ext(name) == ".jsonl":
				format, _ = intake.ByName("jsonl") // its lines will say what is wrong with them
			case r.fromDirectory[name]:
				r.dropped["files of no format that is known by its first bytes; name it with --format"]++
				return nil, nil
			default:
				return nil, usage(fmt.Errorf("not a format that is known by its first bytes; name it with --format %s", strings.Join(formatNames(), " or ")))
			}
		}
	}
	return format.Open(in, name, r.e)
}

// detect looks at the start of a stream, no further than it must: a pipe may say little and then nothing for long. The
// zero Format is one that is not known.
func detect(in *bufio.Reader) (format intake.Format, empty bool, err error) {
	for n := 1; ; n = in.Buffered() + 1 {
		if _, err = in.Peek(min(n, intake.DetectBytes)); err != nil && !errors.Is(err, io.EOF) {
			return format, false, err
		}
		head, _ := in.Peek(min(in.Buffered(), intake.DetectBytes))
		if found, ok := intake.Detect(head); ok {
			return found, false, nil
		}
		if err != nil || len(head) == intake.DetectBytes {
			return format, len(bytes.TrimSpace(head)) == 0 && err != nil, nil
		}
	}
}

// lines is a decoder as the engine reads it.
type lines struct{ intake.Decoder }

func (l lines) Next() (record.Line, error) {
	item, err := l.Decoder.Next()
	return item.Line, err
}

func (r *intakeRun) reject(reject *record.Reject) {
	if r.shown++; r.shown <= rejectsShown {
		fmt.Fprintln(r.err, reject.Error())
	}
}

func (r *intakeRun) count(done engine.Ingested, dec intake.Decoder) {
	r.total.Kept += done.Kept
	r.total.Refused += done.Refused
	r.total.Records += done.Records
	r.total.Asked += done.Asked
	for reason, n := range dec.Dropped() {
		r.dropped[reason] += n
	}
	if name, n := dec.Units(); name != "lines" {
		if r.units == nil {
			r.units = map[string]int{}
		}
		r.units[name] += n
	}
}

// summary ends with the line `N kept, M refused`.
func (r *intakeRun) summary() {
	if more := r.shown - rejectsShown; more > 0 {
		fmt.Fprintf(r.err, "and %d more refused lines\n", more)
	}
	for _, name := range slices.Sorted(maps.Keys(r.units)) {
		fmt.Fprintf(r.err, "%d %s read\n", r.units[name], name)
	}
	for _, reason := range slices.Sorted(maps.Keys(r.dropped)) {
		fmt.Fprintf(r.err, "%d dropped: %s\n", r.dropped[reason], record.Clean(reason))
	}
	would := ""
	if r.o.DryRun {
		would = " (dry run: nothing was written)"
	}
	fmt.Fprintf(r.err, "%d kept, %d refused%s\n", r.total.Kept, r.total.Refused, would)
}

// progress is a line on the terminal while a file is read.
type progress struct {
	r       *intakeRun
	name    string
	size    int64 // 0: unknown
	dec     intake.Decoder
	started time.Time
	drawn   time.Time
}

func (r *intakeRun) progress(name string, size int64, dec intake.Decoder) *progress {
	return &progress{r: r, name: name, size: size, dec: dec, started: time.Now()}
}

// drawEvery is how often the line is drawn again: often enough to live, rare enough for a slow link.
const drawEvery = 200 * time.Millisecond

func (p *progress) step(done engine.Ingested) {
	if !isTerminal(p.r.err) || time.Since(p.drawn) < drawEvery {
		return
	}
	p.drawn = time.Now()
	read, seconds := p.dec.Offset(), time.Since(p.started).Seconds()
	line := fmt.Sprintf("%s: %d kept, %d refused · %s", record.Clean(filepath.Base(p.name)), done.Kept, done.Refused, mebibytes(read))
	if seconds > 0 {
		line += fmt.Sprintf(" · %s/s", mebibytes(int64(float64(read)/seconds)))
	}
	if p.size > 0 && read > 0 {
		left := time.Duration(float64(p.size-read) / float64(read) * seconds * float64(time.Second))
		line += fmt.Sprintf(" · %d %% · %s left", read*100/p.size, left.Round(time.Second))
	}
	fmt.Fprintf(p.r.err, "\r\x1b[K%s", line)
}

// clear takes the line away, so that something else can be printed.
func (p *progress) clear() {
	if !p.drawn.IsZero() {
		fmt.Fprint(p.r.err, "\r\x1b[K")
	}
}

func mebibytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }
