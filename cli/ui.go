package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"

	"episteme/engine"
	"episteme/engine/export"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
	"episteme/fixtures"
	"episteme/tui"
	"episteme/views"
)

type uiOptions struct {
	fixture string
	kase    string
	link    string
	theme   string
	ascii   bool
	plain   bool
	still   bool
	share   bool
}

func (a *app) tuiCommand() *cobra.Command {
	var o uiOptions
	c := &cobra.Command{
		Use:   "tui [LINK]",
		Short: "The terminal UI (also: episteme without a command)",
		Long: `Open the terminal UI: the timeline of queries, the contributions behind each, the provenance of those.
Without a terminal it prints the same as plain lines. ? shows the keys. No key changes evidence.

--case NAME keeps bookmarks (m) and notes in a file beside the evidence, to come back to and for a postmortem. Settings
such as keys and colours are in ` + "`$XDG_CONFIG_HOME/episteme/config.toml`" + `; a flag counts more.`,
		Example: `  episteme tui
  episteme tui --fixture auth-jwt
  episteme tui --case INC-2291
  episteme tui episteme://q/7f3a2b91`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.link = args[0]
			}
			return a.openUI(cmd, o)
		},
	}
	fl := c.Flags()
	fl.StringVar(&o.fixture, "fixture", "", "open an incident that comes with the program: "+strings.Join(fixtureNames(), ", "))
	fl.StringVar(&o.kase, "case", "", "keep bookmarks and notes in this case; what it keeps already is shown")
	fl.StringVar(&o.theme, "theme", "", strings.Join(tui.Themes(), ", ")+" (auto)")
	fl.BoolVar(&o.ascii, "ascii", false, "no characters beyond ASCII for marks and bars")
	fl.BoolVar(&o.still, "no-motion", false, "nothing moves while one waits")
	fl.BoolVar(&o.share, "share", false, "begin as on a screen that others see: fewer columns, names and secrets masked")
	fl.BoolVar(&o.plain, "plain", false, "plain lines instead of a screen")
	a.complete(c, "fixture", cobra.FixedCompletions(fixtureNames(), cobra.ShellCompDirectiveNoFileComp))
	a.complete(c, "theme", cobra.FixedCompletions(tui.Themes(), cobra.ShellCompDirectiveNoFileComp))
	return c
}

func fixtureNames() []string {
	var names []string
	for _, f := range fixtures.All() {
		names = append(names, f.Name)
	}
	return names
}

// openUI shows the evidence, or a fixture over a throw-away engine in memory.
func (a *app) openUI(cmd *cobra.Command, o uiOptions) error {
	ctx := cmd.Context()
	s := &session{app: a, now: time.Now}
	options, err := s.options(cmd, o)
	if err != nil {
		return err
	}
	if o.plain || !a.interactive() {
		err = tui.Plain(ctx, options, a.out, min(a.width(), plainCols))
	} else {
		err = tui.Run(ctx, options)
	}
	var nothing *nothingError
	if errors.As(err, &nothing) {
		_, err = fmt.Fprintln(a.out, cleanLines(nothing.Error()))
	}
	if s.left != "" && err == nil {
		_, err = fmt.Fprintln(a.out, s.left)
	}
	return errors.Join(err, s.close())
}

// options are what flags and settings ask for; flags count more.
func (s *session) options(cmd *cobra.Command, o uiOptions) (tui.Options, error) {
	if o.theme != "" && !slices.Contains(tui.Themes(), o.theme) {
		return tui.Options{}, usage(fmt.Errorf("--theme: found %q, expected one of %s", o.theme, strings.Join(tui.Themes(), ", ")))
	}
	set, err := settings()
	if err != nil {
		return tui.Options{}, err
	}
	clock, err := s.app.clock()
	if err != nil {
		return tui.Options{}, err
	}
	if os.Getenv(nowVariable) != "" {
		s.now = func() time.Time { return clock.Now }
	}
	options := tui.Options{Now: s.clock, Clock: s.now, Zone: clock.Zone, Theme: set.Theme, NoColor: s.noColor, ASCII: set.ASCII || o.ascii,
		Still: set.Still || o.still, Share: set.Shared || o.share, Keys: set.Keys, Link: o.link, Export: s.export, Leaving: s.leaving}
	if o.theme != "" {
		options.Theme = o.theme
	}
	if set.Zone != nil && !cmd.Flags().Changed("tz") {
		options.Zone = set.Zone
	}
	if err := s.choose(o.fixture, &options); err != nil {
		return options, err
	}
	if o.kase != "" {
		if options.Case, err = options.OpenCase(o.kase); err != nil {
			return options, err
		}
	}
	return options, nil
}

// plainCols is the width of plain lines that go to a file or a pipe.
const plainCols = 120

// interactive reports whether a screen can be drawn and keys can be read.
func (a *app) interactive() bool {
	in, ok := a.in.(*os.File)
	kind := os.Getenv("TERM") // nobody knows what a terminal without one understands
	return ok && a.terminal && term.IsTerminal(in.Fd()) && kind != "" && kind != "dumb"
}

// session is the engine behind one UI. It is opened while the first frame is already on the screen.
type session struct {
	*app
	now      func() time.Time
	evidence atomic.Pointer[evidence]
	newest   atomic.Int64 // of a fixture: its "now", ns UTC

	fixture string // what is open; empty: a data directory or a server
	left    string // the command that comes back to where the user left
}

func (s *session) choose(name string, options *tui.Options) error {
	if name == "" {
		options.Title, options.OpenCase = "episteme", noCases
		home, here, err := s.caseHome()
		if err != nil {
			return err
		}
		if here {
			options.Title = home.about
			options.OpenCase = func(name string) (*tui.Case, error) { return openCase(home.folder, name) }
		}
		options.Nothing, options.Begin = s.nothing, s.begin
		options.Attached = s.attached
		options.Live = true // others may write, in this directory too: whoever holds it serves them
		reader := *s.app
		if s.interactive() {
			reader.err = io.Discard // the screen is drawn by now; what was noticed when opening is in the status
		}
		options.Open = func(ctx context.Context) (ask.Investigator, error) {
			e, err := reader.openForReading(ctx)
			if err != nil {
				return nil, err
			}
			s.evidence.Store(&e)
			return e, nil
		}
		return nil
	}
	b, err := s.begin(name)
	if err != nil {
		return err
	}
	options.Title, options.Training, options.Open, options.OpenCase = b.Title, b.Training, b.Open, b.OpenCase
	return nil
}

// noCases answers where nothing is recorded that a case could be about.
func noCases(string) (*tui.Case, error) {
	return nil, errors.New("a case lies beside the evidence it is about, and nothing has been recorded here yet")
}

// begin is a fixture, for the beginning or from the start screen.
func (s *session) begin(name string) (tui.Beginning, error) {
	fixture, ok := fixtures.ByName(name)
	if !ok {
		return tui.Beginning{}, usage(fmt.Errorf("--fixture: found %q, expected one of %s", name, strings.Join(fixtureNames(), ", ")))
	}
	folder, err := casesOf(fixture.Name)
	if err != nil {
		return tui.Beginning{}, err
	}
	s.fixture = fixture.Name
	return tui.Beginning{
		Title: fixture.Name, Training: true,
		Open:     func(ctx context.Context) (ask.Investigator, error) { return s.openFixture(ctx, fixture) },
		OpenCase: func(name string) (*tui.Case, error) { return openCase(folder, name) },
	}, nil
}

// nothing is the start screen's words for an error that says that there is no evidence.
func (s *session) nothing(err error) *views.Nothing {
	var found *nothingError
	if !errors.As(err, &found) {
		return nil
	}
	n := &views.Nothing{Title: "Nothing has been recorded here yet."}
	if found.refused() {
		n.Title = "The evidence could not be read."
	}
	for _, p := range found.looked {
		n.Looked = append(n.Looked, [2]string{p.dir, p.why})
	}
	for _, f := range fixtures.All() {
		n.Fixtures = append(n.Fixtures, views.FixtureRow{Name: f.Name, Title: f.Title, Summary: f.Summary})
	}
	return n
}

// leaving remembers the command that comes back to where the user was.
func (s *session) leaving(p tui.Place) {
	if p.Case != "" {
		s.left = resume(s.fixture, p.Case, p.Link)
	}
}

// export writes the evidence for a record from within the UI. The format goes by the end of the file's name.
func (s *session) export(ctx context.Context, id record.ID, path string) (string, error) {
	format, err := formatOf(path)
	if err != nil {
		return "", err
	}
	if err := mayWrite(path, false); err != nil {
		return "", err
	}
	e := s.evidence.Load()
	if e == nil {
		return "", errors.New("the evidence is not open yet")
	}
	t, err := record.TimeOf(s.now())
	if err != nil {
		return "", err
	}
	contents, err := exportOf(ctx, *e, id, t)
	if err != nil {
		return "", err
	}
	if err := s.writeOut(path, false, func(w io.Writer) error { return export.Write(w, format, contents) }); err != nil {
		return "", err
	}
	return path + ": " + contents.Leaving(), nil
}

// exportOf gathers a query, or the queries that an event was based on.
func exportOf(ctx context.Context, e evidence, id record.ID, made record.Time) (*export.Contents, error) {
	queries := []record.ID{id}
	if id.Kind == record.KindEvent {
		r, err := e.Record(ctx, id)
		if err != nil {
			return nil, err
		}
		if event, ok := r.Record.(*record.Event); ok {
			queries = event.BasedOn
		}
	}
	if len(queries) == 0 || queries[0].Kind != record.KindAudit {
		return nil, fmt.Errorf("export %s: only queries leave, and events that were based on one; its chain comes along by itself", id.Short())
	}
	return export.Collect(ctx, e, export.Selection{Queries: queries}, made)
}

// formatOf is the format that the end of a file's name asks for.
func formatOf(path string) (export.Format, error) {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".md":
		return export.Markdown, nil
	case ".html", ".htm":
		return export.HTML, nil
	case ".json":
		return export.Bundle, nil
	case ".prov":
		return export.Prov, nil
	}
	return "", fmt.Errorf("export to %s: expected a name that ends with .md, .html, .json or .prov", path)
}

// openFixture takes an incident into an engine in memory.
func (s *session) openFixture(ctx context.Context, f fixtures.Fixture) (ask.Investigator, error) {
	e, err := engine.Open(ctx, engine.Options{Now: s.clock})
	if err != nil {
		return nil, err
	}
	var held evidence = e
	s.evidence.Store(&held)
	done, err := e.Ingest(ctx, record.NewReader(bytes.NewReader(f.Events()), f.Name+"/events.jsonl", e), engine.IngestOptions{})
	if err != nil {
		return nil, err
	}
	if done.Refused > 0 {
		return nil, fmt.Errorf("fixture %s: %d lines were refused", f.Name, done.Refused)
	}
	status, err := e.Status(ctx)
	if err == nil && status.Newest != nil {
		s.newest.Store(int64(*status.Newest))
	}
	return e, err
}

// clock is now; in a fixture it stands still at its newest record, unless EPISTEME_NOW says otherwise.
func (s *session) clock() time.Time {
	if at := s.newest.Load(); at != 0 && os.Getenv("EPISTEME_NOW") == "" {
		return time.Unix(0, at).UTC()
	}
	return s.now()
}

// attached reports whether another process holds the evidence.
func (s *session) attached() bool {
	e := s.evidence.Load()
	if e == nil {
		return false
	}
	switch held := (*e).(type) {
	case *attached:
		return !held.taken.Load()
	case remote:
		return true
	}
	return false
}

func (s *session) close() error {
	if e := s.evidence.Load(); e != nil {
		return (*e).Close()
	}
	return nil
}
