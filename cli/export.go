package cli

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"episteme/engine/export"
	"episteme/engine/record"
)

// exportFlags are what `episteme export` is given.
type exportFlags struct {
	traceFlags
	queries, redact []string
	kase, fixture   string
	format, out     string
	force           bool
}

func (a *app) exportCommand() *cobra.Command {
	var f exportFlags
	c := &cobra.Command{
		Use:   "export --format md|html|json|prov --out FILE",
		Short: "Write evidence for people without the tool",
		Long: `Write queries with what was told and why, the chain behind each, and what was weighed against it. Choose them by id,
or with the filters of episteme trace.

  md     Markdown, for an issue or a postmortem
  html   one page that needs nothing else: printable, light and dark, the chain as a drawing
  json   a bundle with the records' own bytes, which episteme verify FILE checks anywhere
  prov   W3C PROV-JSON

--redact puts tokens such as [agent 4f2a91c03be2] in the place of values; equal values have equal tokens within one
export and no other. What can be redacted:
  ` + strings.Join(fieldNames(), ", ") + `
All text that leaves is searched for the values of these fields that the records have that leave, for every agent of
the store, and for the values of records about the subjects, or by the agents, that leave. It is not searched for what
only other records say, for other spellings, or for what nobody recorded as a value: read it before you send it.
Records that hold such a value, or the hash of a record that does, leave without their bytes and ids: a value that can
be guessed could be confirmed by its hash. What remains can still be read, and is no longer verified.

--case NAME writes a postmortem instead (md or html): a summary to fill in, the timeline with ids, what was told and
why, who else was told it, what changed since, what is not known, the notes with their authors, and the commands that
check each claim. It rests on the queries that were kept in the case, and on those that kept events were based on.
Notes are free text, which --redact does not reach.

What leaves is listed on standard error before it is written. --force overwrites a regular file, and nothing else: no
device, no pipe, no directory, and no symbolic link, whatever it leads to.`,
		Example: `  episteme export --query q_7f3a2b91 --format html --out postmortem.html
  episteme export --agent deployment-agent --time "6 hours ago" --format json --out bundle.json
  episteme export --case INC-2291 --format md --out postmortem.md
  episteme export --query 7f3a2b91 --redact agent,question --format md --out -`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.export(cmd, &f) },
	}
	fl := c.Flags()
	fl.StringArrayVar(&f.queries, "query", nil, "a query to export, may be repeated (instead of filters)")
	fl.StringVar(&f.kase, "case", "", "a postmortem of this case (instead of filters)")
	fl.StringVar(&f.fixture, "fixture", "", "the case is about this incident that comes with the program")
	fl.StringVar(&f.format, "format", "", "md, html, json or prov (required)")
	fl.StringVar(&f.out, "out", "", "the file to write; - is standard output (required)")
	fl.StringSliceVar(&f.redact, "redact", nil, "fields whose values leave as tokens, with commas between them")
	fl.BoolVar(&f.force, "force", false, "overwrite the regular file that is there")
	fl.IntVar(&f.limit, "limit", 0, fmt.Sprintf("the newest so many (all, at most %d)", export.MaxQueries))
	a.filterFlags(c, &f.traceFlags)
	_ = c.MarkFlagRequired("format")
	_ = c.MarkFlagRequired("out")
	_ = c.MarkFlagFilename("out")
	a.complete(c, "format", offer([]string{"md", "html", "json", "prov"}))
	a.complete(c, "redact", offer(fieldNames()))
	return c
}

func fieldNames() []string {
	var names []string
	for _, f := range export.Fields() {
		names = append(names, string(f))
	}
	return names
}

func (a *app) export(cmd *cobra.Command, f *exportFlags) error {
	format, err := export.ParseFormat(f.format)
	if err != nil {
		return err
	}
	fields, err := export.ParseFields(f.redact)
	if err != nil {
		return err
	}
	if f.kase != "" {
		return a.exportCase(cmd, f, format)
	}
	if f.fixture != "" {
		return usage(errors.New("--fixture goes with --case: it says what the case is about"))
	}
	if err := f.choose(a, cmd); err != nil {
		return err
	}
	if err := mayWrite(f.out, f.force); err != nil {
		return err
	}
	contents, err := a.collect(cmd.Context(), f, fields)
	if err != nil {
		return err
	}
	to := f.out
	if to == "-" {
		to = "standard output"
	}
	fmt.Fprintf(a.err, "leaves as %s to %s: %s\n", format, record.Clean(to), contents.Leaving())
	if searched := contents.SearchedFor(); searched != "" {
		fmt.Fprintln(a.err, searched)
	}
	return a.writeOut(f.out, f.force, func(w io.Writer) error { return export.Write(w, format, contents) })
}

// choose completes the filters, which cannot stand beside ids.
func (f *exportFlags) choose(a *app, cmd *cobra.Command) error {
	clock, err := a.clock()
	if err != nil {
		return err
	}
	if err := f.complete(clock, cmd.Flags().Changed("limit"), false); err != nil {
		return err
	}
	if len(f.queries) == 0 {
		return nil
	}
	for _, name := range append(filterNames(), "limit") {
		if cmd.Flags().Changed(name) {
			return usage(fmt.Errorf("--query names the queries itself: leave it out, or --%s", name))
		}
	}
	return nil
}

// collect gathers what leaves, without the values of these fields.
func (a *app) collect(ctx context.Context, f *exportFlags, redacted []export.Field) (contents *export.Contents, err error) {
	t, err := now()
	if err != nil {
		return nil, err
	}
	made, err := record.TimeOf(t)
	if err != nil {
		return nil, err
	}
	a.exporting = true
	err = a.withEvidence(ctx, func(e evidence) error {
		s := export.Selection{Filter: f.filter}
		for _, typed := range f.queries {
			id, err := identify(ctx, e, typed)
			if err != nil {
				return err
			}
			s.Queries = append(s.Queries, id)
		}
		if contents, err = export.Collect(ctx, e, s, made); err == nil {
			contents, err = export.Redact(ctx, e, contents, redacted, rand.Reader)
		}
		return err
	})
	return contents, err
}

// existsError says that a file is there that nobody said to overwrite.
func existsError(path string) error {
	return usage(fmt.Errorf("--out %s: the file is there already; --force overwrites it", path))
}

// mayWrite looks before the work is done, so that nobody waits for a refusal. What counts is what writeOut finds.
func mayWrite(path string, force bool) error {
	if path == "-" {
		return nil
	}
	return mayTake(path, force)
}

// mayTake says whether a name is free, or that of a regular file that force allows to overwrite. The name of anything
// else is never taken: a rename would put a file in the place of a device. A symbolic link is not followed either:
// what leaves is at the name that was typed, and nowhere else.
func mayTake(path string, force bool) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("write %s: %w", path, err)
	case !info.Mode().IsRegular():
		return usage(fmt.Errorf("--out: found %s, which is %s, expected a name that is free or that of a regular file; - is standard output", path, fileKind(info.Mode())))
	case !force:
		return existsError(path)
	}
	return nil
}

// writeOut writes a file whole or not at all: into one beside it (mode 0600), synced, then given its name. Without force
// it takes no name that is taken.
func (a *app) writeOut(path string, force bool, write func(io.Writer) error) error {
	if path == "-" { // in one Write, which is what cleans a terminal's text needs
		var b bytes.Buffer
		if err := write(&b); err != nil {
			return err
		}
		_, err := a.out.Write(b.Bytes())
		return err
	}
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".episteme-export-*") // made with mode 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer os.Remove(f.Name()) // gone by another name when all went well
	if err := errors.Join(write(f), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := giveName(f.Name(), path, force); err != nil {
		return err
	}
	return syncDir(dir)
}

// giveName moves a file to its place. A link fails where the name is taken, a rename doesn't; file systems without
// links are looked at first, and with force the name is looked at once more, as late as can be.
func giveName(from, to string, force bool) error {
	if !force {
		err := os.Link(from, to)
		if err == nil {
			return nil
		}
		if errors.Is(err, fs.ErrExist) {
			return existsError(to)
		}
	}
	if err := mayTake(to, force); err != nil {
		return err
	}
	return os.Rename(from, to)
}

// syncDir makes a new name durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
