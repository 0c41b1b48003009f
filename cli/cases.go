package cli

import (
	"context"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"episteme/engine/cases"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
	"episteme/fixtures"
	"episteme/tui"
)

// casesIn is where the cases of a data directory are: beside the evidence that they speak of.
func casesIn(dir string) cases.Folder { return cases.Folder{Dir: filepath.Join(dir, "cases")} }

// casesOf is where the cases of a fixture are. A fixture is a copy that is thrown away, so what people note of it lies
// in the state directory of the user; a folder each, since the records of one are in no other.
func casesOf(fixture string) (cases.Folder, error) {
	state := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(state) {
		home, err := os.UserHomeDir()
		if err != nil {
			return cases.Folder{}, fmt.Errorf("no place for cases of a fixture: %w", err)
		}
		state = filepath.Join(home, ".local", "state")
	}
	return cases.Folder{Dir: filepath.Join(state, "episteme", "cases", fixture)}, nil
}

// author is who is at the keyboard, as this system knows it.
func author() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "uid " + strconv.Itoa(os.Getuid())
}

// openCase is a case of a folder for the UI.
func openCase(folder cases.Folder, name string) (*tui.Case, error) {
	if err := cases.CheckName(name); err != nil {
		return nil, usage(err)
	}
	return &tui.Case{
		Name: name, Author: author(),
		Read: func(ctx context.Context, in ask.Investigator) (cases.Case, error) {
			c, err := folder.ReadOrNew(name)
			if err != nil {
				return c, err
			}
			return c, rebind(ctx, in, &c)
		},
		Add: func(l cases.Line) error { return folder.Add(name, l) },
	}, nil
}

// rebind gives bookmarks of queries the ids that those have here, where they have others: in a fixture, whose journal
// is another one each time.
func rebind(ctx context.Context, in ask.Investigator, c *cases.Case) error {
	for i := range c.Lines {
		l := &c.Lines[i]
		if l.Asked == nil {
			continue
		}
		if _, err := in.Identify(ctx, l.ID.String()); err == nil {
			continue
		}
		from, to := l.Asked.Timestamp, l.Asked.Timestamp
		if to < record.MaxTime {
			to++
		}
		t, err := in.Audits(ctx, ask.AuditFilter{Range: ask.Range{From: &from, To: &to}})
		if err != nil {
			return err
		}
		for _, a := range t.Queries {
			if a.Agent == l.Asked.Agent && a.Subject == l.Asked.Subject && a.Predicate == l.Asked.Predicate {
				l.ID = a.ID
			}
		}
	}
	return nil
}

// casePlace is a folder of cases, and the evidence they are about.
type casePlace struct {
	about   string // a directory, or "fixture NAME"
	fixture string
	folder  cases.Folder
}

// caseHome is where the cases about the evidence are that commands ask; here is false while there is no evidence. A
// server's directory is not this user's to write to: cases about a server are kept as those about a fixture are.
func (a *app) caseHome() (home casePlace, here bool, err error) {
	if a.far != nil {
		home, err = a.far.homes()
		return home, true, err
	}
	if a.server != "" {
		home.about = a.server
		home.folder, err = casesOf("server-" + serverName.ReplaceAllString(a.server, "-"))
		return home, true, err
	}
	for _, p := range a.places() {
		switch {
		case p.why != "":
		case p.socket:
			home.about = p.dir
			home.folder, err = casesOf("server")
			return home, true, err
		default:
			return casePlace{about: p.dir, folder: casesIn(p.dir)}, true, nil
		}
	}
	return home, false, nil
}

// serverName is what of a URL is no part of a directory's name.
var serverName = regexp.MustCompile(`[^A-Za-z0-9.]+`)

// casePlaces are where cases may be: with the evidence that commands ask, and with the fixtures.
func (a *app) casePlaces() ([]casePlace, error) {
	var out []casePlace
	home, here, err := a.caseHome()
	if err != nil {
		return nil, err
	}
	if here {
		out = append(out, home)
	}
	if a.far != nil { // what was noted of fixtures is this user's, and not the asker's
		return out, nil
	}
	for _, f := range fixtures.All() {
		folder, err := casesOf(f.Name)
		if err != nil {
			return nil, err
		}
		out = append(out, casePlace{about: "fixture " + f.Name, fixture: f.Name, folder: folder})
	}
	return out, nil
}

// caseRow is a case as `episteme cases` prints it.
type caseRow struct {
	Name      string       `json:"name"`
	About     string       `json:"about"`
	Bookmarks int          `json:"bookmarks"`
	Notes     int          `json:"notes"`
	Lines     int          `json:"lines"`
	Skipped   int          `json:"skipped"`
	Newest    *record.Time `json:"newest"`
	People    []string     `json:"people"`
	Error     string       `json:"error,omitempty"`
	Open      string       `json:"open"`
}

func (a *app) casesCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "cases",
		Short: "The cases (bookmarks and notes) kept here",
		Long: `List the cases: what people kept while they investigated, with notes. A case lies beside the evidence it is about, in
cases/NAME.jsonl of the data directory; one about a fixture in $XDG_STATE_HOME/episteme/cases.

episteme tui --case NAME opens one, or begins it; episteme export --case NAME writes a postmortem.`,
		Example: `  episteme cases
  episteme tui --case INC-2291
  episteme export --case INC-2291 --format md --out postmortem.md`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			format, err := a.format()
			if err != nil {
				return err
			}
			places, err := a.casePlaces()
			if err != nil {
				return err
			}
			rows, err := caseRows(places)
			if err != nil {
				return err
			}
			return a.printCases(rows, format)
		},
	}
}

func caseRows(places []casePlace) ([]caseRow, error) {
	rows := []caseRow{}
	for _, p := range places {
		list, err := p.folder.List()
		if err != nil {
			return nil, err
		}
		for _, s := range list {
			r := caseRow{Name: s.Name, About: p.about, Bookmarks: s.Bookmarks, Notes: s.Notes, Lines: s.Lines, Skipped: s.Skipped, People: s.People,
				Open: resume(p.fixture, s.Name, "")}
			if s.Newest != 0 {
				r.Newest = &s.Newest
			}
			if s.Err != nil {
				r.Error = s.Err.Error()
			}
			rows = append(rows, r)
		}
	}
	return rows, nil
}

func (a *app) printCases(rows []caseRow, format string) error {
	if len(rows) == 0 {
		fmt.Fprintln(a.err, "no case is kept here yet; episteme tui --case NAME begins one")
		if format != asJSON {
			return nil
		}
	}
	switch format {
	case asJSON:
		return a.writeJSON(struct {
			Cases []caseRow `json:"cases"`
		}{rows})
	case asNDJSON:
		for _, r := range rows {
			if err := a.writeJSON(r); err != nil {
				return err
			}
		}
		return nil
	}
	t := &table{head: []string{"CASE", "ABOUT", "BOOKMARKS", "NOTES", "NEWEST (UTC)", "BY"}, gives: 1}
	for _, r := range rows {
		newest := "—"
		if r.Newest != nil {
			newest = seconds(*r.Newest)
		}
		by := strings.Join(r.People, ", ")
		if r.Skipped > 0 {
			by += fmt.Sprintf(" (%d lines skipped)", r.Skipped)
		}
		if r.Error != "" {
			by = r.Error
		}
		t.rows = append(t.rows, []string{r.Name, r.About, strconv.Itoa(r.Bookmarks), strconv.Itoa(r.Notes), newest, by})
	}
	text := strings.Join(t.lines(a.width()), "\n") + "\n"
	if format == asMD {
		text = t.markdown()
	}
	_, err := fmt.Fprint(a.out, text)
	return err
}

// resume is the command that comes back to a place. Links to queries of a fixture lead nowhere the next time, when its
// journal is another one: there the case alone comes back.
func resume(fixture, name, link string) string {
	command := "episteme tui"
	if fixture != "" {
		command += " --fixture " + fixture
		if strings.HasPrefix(link, "episteme://q/") {
			link, _, _ = strings.Cut(link, "episteme://q/")
		}
	}
	if name != "" {
		command += " --case " + name
	}
	if link != "" {
		command += " " + shellWord(link)
	}
	return command
}

// shellWord quotes what a shell would take apart: a link as of a time has a question mark.
func shellWord(s string) string {
	if strings.ContainsAny(s, "?*'\"$`\\ ;&|<>()[]{}~#!") {
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	return s
}
