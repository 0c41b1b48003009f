package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"

	"episteme/engine"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
	"episteme/fixtures"
	"episteme/tui"
)

type uiOptions struct {
	fixture string
	link    string
	theme   string
	ascii   bool
	plain   bool
}

func (a *app) tuiCommand() *cobra.Command {
	var o uiOptions
	c := &cobra.Command{
		Use:   "tui [LINK]",
		Short: "The terminal UI (also: episteme without a command)",
		Long: `Open the terminal UI: the timeline of queries, the contributions behind each, the provenance of those.
Without a terminal it prints the same as plain lines. ? shows the keys. No key changes evidence.`,
		Example: `  episteme tui
  episteme tui --fixture auth-jwt
  episteme tui episteme://q/7f3a2b91`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.link = args[0]
			}
			return a.openUI(cmd.Context(), o)
		},
	}
	fl := c.Flags()
	fl.StringVar(&o.fixture, "fixture", "", "open an incident that comes with the program: "+strings.Join(fixtureNames(), ", "))
	fl.StringVar(&o.theme, "theme", "auto", "auto, dark or light")
	fl.BoolVar(&o.ascii, "ascii", false, "no characters beyond ASCII for marks and bars")
	fl.BoolVar(&o.plain, "plain", false, "plain lines instead of a screen")
	_ = c.RegisterFlagCompletionFunc("fixture", cobra.FixedCompletions(fixtureNames(), cobra.ShellCompDirectiveNoFileComp))
	_ = c.RegisterFlagCompletionFunc("theme", cobra.FixedCompletions([]string{"auto", "dark", "light"}, cobra.ShellCompDirectiveNoFileComp))
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
func (a *app) openUI(ctx context.Context, o uiOptions) error {
	switch o.theme {
	case "", "auto", "dark", "light":
	default:
		return usage(fmt.Errorf("--theme: found %q, expected auto, dark or light", o.theme))
	}
	clock, err := a.clock()
	if err != nil {
		return err
	}
	s := &session{app: a, now: time.Now}
	if os.Getenv("EPISTEME_NOW") != "" {
		s.now = func() time.Time { return clock.Now }
	}
	options := tui.Options{Now: s.clock, Zone: clock.Zone, Theme: o.theme, NoColor: a.noColor, ASCII: o.ascii, Link: o.link}
	if err := s.choose(o.fixture, &options); err != nil {
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
	return errors.Join(err, s.close())
}

// plainCols is the width of plain lines that go to a file or a pipe.
const plainCols = 120

// interactive reports whether a screen can be drawn and keys can be read.
func (a *app) interactive() bool {
	in, ok := a.in.(*os.File)
	return ok && a.terminal && term.IsTerminal(in.Fd()) && os.Getenv("TERM") != "dumb"
}

// session is the engine behind one UI. It is opened while the first frame is already on the screen.
type session struct {
	*app
	now    func() time.Time
	engine atomic.Pointer[engine.Engine]
	newest atomic.Int64 // of a fixture: its "now", ns UTC
}

func (s *session) choose(name string, options *tui.Options) error {
	if name == "" {
		options.Title = "episteme"
		if places := s.places(); len(places) > 0 {
			for _, p := range places {
				if p.why == "" {
					options.Title = p.dir
					break
				}
			}
		}
		options.Open = func(ctx context.Context) (ask.Investigator, error) {
			e, err := s.openForReading(ctx)
			if err != nil {
				return nil, err
			}
			s.engine.Store(e)
			return e, nil
		}
		return nil
	}
	fixture, ok := fixtures.ByName(name)
	if !ok {
		return usage(fmt.Errorf("--fixture: found %q, expected one of %s", name, strings.Join(fixtureNames(), ", ")))
	}
	options.Title, options.Training = fixture.Name, true
	options.Open = func(ctx context.Context) (ask.Investigator, error) { return s.openFixture(ctx, fixture) }
	return nil
}

// openFixture takes an incident into an engine in memory.
func (s *session) openFixture(ctx context.Context, f fixtures.Fixture) (ask.Investigator, error) {
	e, err := engine.Open(ctx, engine.Options{Now: s.clock})
	if err != nil {
		return nil, err
	}
	s.engine.Store(e)
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

func (s *session) close() error {
	if e := s.engine.Load(); e != nil {
		return e.Close()
	}
	return nil
}
