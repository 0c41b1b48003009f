package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"episteme/engine"
	"episteme/engine/record"
	"episteme/engine/wal"
)

// wrongError says that a verification found something wrong; the report has said what.
type wrongError struct{ problems int }

func (e *wrongError) Error() string { return fmt.Sprintf("%d problems were found", e.problems) }

// evidenceDir is the directory that holds evidence, for commands that look at it from outside.
func (a *app) evidenceDir() (string, error) {
	if a.server != "" {
		return "", usage(errors.New("--server: this command works on a directory; run it where the evidence is, with --data"))
	}
	looked := a.places()
	for _, p := range looked {
		if p.why == "" && !p.socket {
			return p.dir, nil
		}
	}
	return "", &nothingError{looked}
}

// formatAndDir is the output format and the directory that such a command works on.
func (a *app) formatAndDir() (format, dir string, err error) {
	if format, err = a.format(); err != nil {
		return "", "", err
	}
	dir, err = a.evidenceDir()
	return format, dir, err
}

func (a *app) verifyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "verify [FILE]",
		Short: "Read everything again and check it: journal, chain, store; or a bundle",
		Long: `Read all of the journal and check every hash and the chain over them; then compare the store, entry by entry
and both ways, with one made anew beside it. Nothing that is checked is changed. Exit status 4 when something is wrong.

The head it prints (log id, LSN, chain) is worth keeping elsewhere: whoever rewrites the whole journal rewrites the chain,
and only a copy of its head can show that.

With a FILE, check a bundle that episteme export --format json wrote, record by record and link by link, and say what
that proves. It needs no evidence here. Exit status 2 when the file is no bundle.`,
		Example: `  episteme verify
  episteme verify --data /var/lib/episteme -o json
  episteme verify bundle.json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				return a.verifyFile(cmd.Context(), args[0])
			}
			format, dir, err := a.formatAndDir()
			if err != nil {
				return err
			}
			bar := &meter{app: a}
			v, err := engine.Verify(cmd.Context(), engine.Options{Dir: dir, LockWait: lockWait},
				func(p wal.VerifyProgress) { bar.step("journal", float64(p.Done), float64(p.Total), "MiB", 1<<20) },
				func(p engine.Step) { bar.step("store", float64(p.Applied), float64(p.Total), "records", 1) })
			bar.clear()
			if err != nil {
				return err
			}
			if err := a.printVerification(v, format); err != nil {
				return err
			}
			if !v.Whole() {
				return &wrongError{max(1, len(v.Journal.Problems))}
			}
			return nil
		},
	}
}

// problem is a wal.Problem as JSON has it.
type problem struct {
	File     string  `json:"file"`
	Offset   int64   `json:"offset"`
	LSN      wal.LSN `json:"lsn"`
	Found    string  `json:"found"`
	Expected string  `json:"expected"`
	Advice   string  `json:"advice"`
}

func (a *app) printVerification(v engine.Verification, format string) error {
	j := v.Journal
	if format == asJSON || format == asNDJSON {
		problems := []problem{}
		for _, p := range j.Problems {
			problems = append(problems, problem{p.File, p.Offset, p.LSN, p.Found, p.Expected, p.Advice})
		}
		return a.writeJSON(struct {
			Whole    bool       `json:"whole"`
			Log      string     `json:"log"`
			Last     wal.LSN    `json:"last_lsn"`
			Chain    string     `json:"chain"`
			Segments int        `json:"segments"`
			Records  int        `json:"records"`
			Bytes    int64      `json:"bytes"`
			Erased   int        `json:"erased"`
			Lost     uint64     `json:"lost"`
			Problems []problem  `json:"problems"`
			Store    storeCheck `json:"store"`
		}{v.Whole(), record.LogID(j.Log).String(), j.Head.Last, record.Hash(j.Head.Chain).String(), j.Segments, j.Records, j.Bytes, len(j.Erasures), j.Lost, problems,
			storeCheck{v.Store.Entries, v.Store.Missing, v.Store.Extra, v.Store.Different, v.Skipped}})
	}
	var b strings.Builder
	fmt.Fprintf(&b, "journal  %d records in %d segments, %s read\n", j.Records, j.Segments, mebibytes(j.Bytes))
	fmt.Fprintf(&b, "head     log %s · lsn %d · chain %s\n", record.LogID(j.Log), j.Head.Last, record.Hash(j.Head.Chain))
	for _, e := range j.Erasures {
		fmt.Fprintf(&b, "erased   lsn %d, by the record at lsn %d\n", e.LSN, e.By)
	}
	for _, h := range j.Holes {
		fmt.Fprintf(&b, "hole     lsn %d to %d were given up by a rebuild\n", h.From, h.To)
	}
	if j.TornBytes > 0 {
		fmt.Fprintf(&b, "torn     %d bytes of an unfinished last write; the next command puts them aside\n", j.TornBytes)
	}
	for _, p := range j.Problems {
		fmt.Fprintf(&b, "WRONG    %s\n", record.Clean(p.String()))
	}
	switch {
	case v.Skipped != "":
		fmt.Fprintf(&b, "store    not compared: %s\n", v.Skipped)
	case v.Store.Same():
		fmt.Fprintf(&b, "store    %d entries, each as the journal makes it\n", v.Store.Entries)
	default:
		fmt.Fprintf(&b, "WRONG    store: %d entries missing, %d too many, %d different, of %d; the first is %q; `episteme rebuild` makes it anew\n",
			v.Store.Missing, v.Store.Extra, v.Store.Different, v.Store.Entries, v.Store.First)
	}
	if v.Whole() {
		b.WriteString("nothing wrong was found\n")
	}
	_, err := fmt.Fprint(a.out, fenced(b.String(), format))
	return err
}

type storeCheck struct {
	Entries   uint64 `json:"entries"`
	Missing   uint64 `json:"missing"`
	Extra     uint64 `json:"extra"`
	Different uint64 `json:"different"`
	Skipped   string `json:"skipped,omitempty"`
}

// fenced is a text as it is, or as a block of Markdown.
func fenced(text, format string) string {
	if format != asMD {
		return text
	}
	return "```\n" + strings.ReplaceAll(text, "```", "'''") + "```\n"
}

func (a *app) doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "The state of the data directory, and what to do about it",
		Example: `  episteme doctor
  episteme doctor --data /var/lib/episteme -o json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			format, dir, err := a.formatAndDir()
			if err != nil {
				return err
			}
			x, err := engine.Examine(cmd.Context(), engine.Options{Dir: dir})
			if err != nil {
				return err
			}
			if format == asJSON || format == asNDJSON {
				return a.writeJSON(x)
			}
			_, err = fmt.Fprint(a.out, fenced(examinationText(x), format))
			return err
		},
	}
}

func examinationText(x engine.Examination) string {
	var b strings.Builder
	row := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-10s %s\n", name, record.Clean(fmt.Sprintf(format, args...)))
	}
	row("directory", "%s", x.Dir)
	row("journal", "%s in %d segments, to lsn %d", mebibytes(x.JournalBytes), x.Segments, x.Last)
	row("head", "log %s · chain %s", x.Log, x.Chain)
	closed := "not since its last append"
	if x.CleanAt != nil {
		closed = x.CleanAt.Format(time.RFC3339)
	}
	row("closed", "%s", closed)
	if x.Applied == nil {
		row("store", "%s, how far it has come is not known", mebibytes(x.StoreBytes))
	} else {
		row("store", "%s, to lsn %d, %d behind", mebibytes(x.StoreBytes), *x.Applied, x.Last-min(*x.Applied, x.Last))
	}
	row("free", "%s", mebibytes(int64(x.FreeBytes)))
	row("formats", "%s · episteme %s", x.Formats, version())
	for _, advice := range x.Advice {
		row("DO", "%s", advice)
	}
	if len(x.Advice) == 0 {
		row("advice", "none: nothing needs doing")
	}
	return b.String()
}

func (a *app) rebuildCommand() *cobra.Command {
	var acceptLoss bool
	c := &cobra.Command{
		Use:   "rebuild",
		Short: "Make the store anew from the journal",
		Long: `Make the store anew from the journal, beside the old one, and swap them. The journal is not touched.

With --accept-loss, what cannot be read in a damaged journal is given up: the damaged file is kept beside, and a mark says
for ever which records are missing. It is the only way to give anything up, and nothing else does it.`,
		Example: `  episteme rebuild
  episteme rebuild --accept-loss`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.rebuild(cmd.Context(), acceptLoss) },
	}
	c.Flags().BoolVar(&acceptLoss, "accept-loss", false, "give up what cannot be read in a damaged journal")
	return c
}

func (a *app) rebuild(ctx context.Context, acceptLoss bool) error {
	dir, err := a.evidenceDir()
	if err != nil {
		return err
	}
	bar := &meter{app: a}
	done, err := engine.Rebuild(ctx, engine.Options{Dir: dir, LockWait: lockWait}, acceptLoss,
		func(p engine.Step) { bar.step("store", float64(p.Applied), float64(p.Total), "records", 1) })
	bar.clear()
	for _, h := range done.Loss.Holes {
		fmt.Fprintf(a.err, "given up: lsn %d to %d\n", h.From, h.To)
	}
	for _, kept := range done.Loss.Kept {
		fmt.Fprintf(a.err, "kept beside: %s\n", record.Clean(kept))
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.err, "the store was made anew from %d records\n", done.Records)
	return err
}

func (a *app) journalCommand() *cobra.Command {
	c := &cobra.Command{Use: "journal", Short: "Look inside the journal", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	var from uint64
	dump := &cobra.Command{
		Use:   "dump",
		Short: "One line for each record and mark, as they lie on disk",
		Example: `  episteme journal dump
  episteme journal dump --from 1042 | head`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			format, dir, err := a.formatAndDir()
			if err != nil {
				return err
			}
			return a.dump(cmd.Context(), dir, wal.LSN(from), format)
		},
	}
	dump.Flags().Uint64Var(&from, "from", 1, "the first LSN")
	c.AddCommand(dump)
	return c
}

// dumped is a line of a dump as JSON has it.
type dumped struct {
	File       string      `json:"file"`
	Offset     int64       `json:"offset"`
	LSN        wal.LSN     `json:"lsn"`
	Kind       string      `json:"kind"`
	Bytes      int         `json:"bytes"`
	RecordedAt record.Time `json:"recorded_at"`
	Hash       record.Hash `json:"hash"`
	Chain      record.Hash `json:"chain"`
	Durable    wal.LSN     `json:"durable_lsn"`
	ErasedBy   wal.LSN     `json:"erased_by,omitempty"` // the record that ordered it
}

func (a *app) dump(ctx context.Context, dir string, from wal.LSN, format string) error {
	table := format == asTable || format == asMD
	if table {
		fmt.Fprintf(a.out, "%-24s %10s %8s %-10s %8s %-30s %-16s %8s\n", "FILE", "OFFSET", "LSN", "KIND", "BYTES", "RECORDED", "CHAIN", "DURABLE")
	}
	for line, err := range engine.Dump(ctx, dir, from) {
		if err != nil {
			return err
		}
		d := dumpedOf(line)
		if !table {
			err = a.writeJSON(d)
		} else {
			_, err = fmt.Fprintf(a.out, "%-24s %10d %8d %-10s %8d %-30s %.16s %8d\n", d.File, d.Offset, d.LSN, d.Kind, d.Bytes, d.RecordedAt, d.Chain, d.Durable)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func dumpedOf(line wal.DumpLine) dumped {
	r := line.Record
	d := dumped{
		File: filepath.Base(line.File), Offset: r.Pos.Offset, LSN: r.LSN, Kind: record.Kind(r.Kind).String(), Bytes: len(r.Payload),
		RecordedAt: record.Time(r.RecordedAt), Hash: record.Hash(r.Hash), Chain: record.Hash(r.Chain), Durable: r.Durable, ErasedBy: r.Erased,
	}
	if line.Mark != nil {
		d.Kind = "mark"
	}
	return d
}

// meter is a line on the terminal while something long goes on.
type meter struct {
	*app
	started, drawn time.Time
	what           string
}

func (m *meter) step(what string, done, total float64, unit string, per float64) {
	if m.what != what {
		m.what, m.started = what, time.Now()
	}
	if !isTerminal(m.err) || time.Since(m.drawn) < drawEvery || total == 0 {
		return
	}
	m.drawn = time.Now()
	seconds := time.Since(m.started).Seconds()
	line := fmt.Sprintf("%s: %.0f of %.0f %s", what, done/per, total/per, unit)
	if done > 0 && seconds > 0 {
		left := time.Duration((total - done) / done * seconds * float64(time.Second))
		line += fmt.Sprintf(" · %.0f %s/s · %s left", done/per/seconds, unit, left.Round(time.Second))
	}
	fmt.Fprintf(m.err, "\r\x1b[K%s", line)
}

func (m *meter) clear() {
	if !m.drawn.IsZero() {
		fmt.Fprint(m.err, "\r\x1b[K")
	}
}
