package tui

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"

	"episteme/engine/cases"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
	"episteme/views"
)

// typed types a line and ends it.
func (s *session) typed(line string) {
	s.runes(line)
	s.keys("enter")
	s.wait(500 * time.Millisecond)
}

func TestCommands(t *testing.T) {
	tests := []struct {
		name  string // says the rule
		line  string
		shows []string
		hides []string
	}{
		{"an unknown command has the nearest name", ":theem dark", []string{"no command :theem", ":theme?"}, nil},
		{"a command that is near to none", ":xyzzy", []string{"no command :xyzzy", "tab lists them"}, nil},
		{"what a command needs", ":show", []string{":show needs ID"}, nil},
		{"what a command takes not", ":findings now", []string{":findings takes nothing"}, nil},
		{"the incident begins", ":t0 21:03:47", []string{"T+ counts from 2024-01-15 21:03:47Z", "T+01:28"}, nil},
		{"T+ counts from before", ":t0 T-00:01", []string{"T+ counts from 2024-01-15 21:08:12Z"}, nil},
		{"a time that is none", ":t0 sometime", []string{"✗ time \"sometime\": column 1"}, nil},
		{"as it was", ":as-of 21:00", []string{"AS IT WAS AT 2024-01-15 21:00:00Z"}, []string{"21:04:10"}},
		{"a time to come is no past", ":as-of 2024-01-16", []string{"is not past yet"}, []string{"AS IT WAS"}},
		{"the timeline with a filter", ":trace agent:deploy* !told:ES256", []string{"/agent:deploy* !told:ES256"}, []string{"signing_algorithm  ES256"}},
		{"a record by its beginning", ":show " + rootQuery.String()[:10], []string{"› contributions", "RS256"}, nil},
		{"what is not there", ":show q_ffffffff", []string{"no record q_ffffffff here"}, nil},
		{"the chain ahead of a record", ":impact " + es256.String(), []string{"› impact"}, nil},
		{"the chain ahead of an agent", ":impact agent:rfc-bot", []string{"› impact"}, nil},
		{"findings", ":findings", []string{"› findings"}, nil},
		{"messages", ":messages", []string{"› messages"}, nil},
		{"help", ":help", []string{"› help", "KEYS"}, nil},
		{"a theme", ":theme light", nil, []string{"no theme"}},
		{"an unknown theme", ":theme lihgt", []string{"There is no theme lihgt. light?"}, nil},
		{"a zone", ":zone Asia/Tokyo", []string{"TIME LOCAL", "+0900"}, nil},
		{"an unknown zone", ":zone Mars", []string{"There is no zone Mars"}, nil},
		{"a note without a case", ":note hello", []string{"No case is open"}, nil},
		{"no case can be opened", ":case x", []string{"Cases cannot be kept here"}, nil},
		{"no case is open", ":case", []string{"No case is open"}, nil},
		{"nothing can be exported here", ":export x.md", []string{"Nothing can be written from here"}, nil},
		{"nothing typed is nothing done", ":", []string{"61 of 61"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inSession(t, incident(), 120, 40, func(s *session) {
				s.toRoot()
				s.typed(tt.line)
				s.shows(tt.shows...)
				s.hides(append(tt.hides, "› command")...)
			})
		})
	}
	for _, line := range []string{":q", ":quit"} {
		inSession(t, incident(), 80, 24, func(s *session) {
			if s.typed(line); !s.quit {
				t.Errorf("%s did not quit", line)
			}
		})
	}
}

func TestCompletionAndHistory(t *testing.T) {
	inSession(t, incident(), 120, 40, func(s *session) {
		s.runes(":th")
		s.shows("theme NAME", "other colours")
		s.keys("tab")
		s.shows(":theme", "contrast")
		s.runes("li")
		s.keys("tab", "enter")
		s.hides("› command")
		s.typed(":zone UTC")
		s.runes(":")
		s.keys("up")
		s.shows(":zone UTC")
		s.keys("up")
		s.shows(":theme light")
		s.keys("down", "down")
		s.hides(":zone UTC", ":theme light")
		s.keys("esc")
		s.runes(":as-of 21:00")
		s.shows("2024-01-15 21:00:00Z", "T-00:09:12")
		s.keys("esc")
		s.runes(":theem")
		s.shows("no command :theem")
	})
}

func TestFilterCompletionAndHistory(t *testing.T) {
	inSession(t, incident(), 120, 40, func(s *session) {
		s.runes("/ag")
		s.keys("tab")
		s.shows("/agent:")
		s.runes("depl")
		s.keys("tab")
		s.shows("/agent:deployment-agent")
		s.runes(" !fin")
		s.keys("tab")
		s.shows("/agent:deployment-agent !finding:")
		s.keys("enter", "esc")
		s.runes("/bo")
		s.keys("ctrl+p")
		s.shows("/agent:deployment-agent !finding:")
		s.keys("ctrl+n")
		s.shows("/bo")
		s.keys("tab")
		s.shows("/bo")
	})
}

// t: typed in the zone shown, echoed in UTC and local; what is shown is of that time, and nothing later.
func TestAsItWasAt(t *testing.T) {
	zone := time.FixedZone("CET", 3600)
	inSessionOf(t, Options{Ask: incident(), Zone: zone}, 120, 40, func(s *session) {
		s.toRoot()
		s.keys("enter")
		s.wait(time.Second)
		s.shows("› contributions", "Rejected")
		s.keys("t")
		s.shows("in UTC")
		s.runes("21:30")
		s.shows("2024-01-15 21:30:00Z", "2024-01-15 22:30:00+01:00 CET")
		s.keys("enter")
		s.wait(time.Second)
		s.shows("AS IT WAS AT 2024-01-15 21:30:00Z", "› contributions", "ES256")
		s.hides("Rejected", "retracted")
		s.keys("esc")
		s.shows("20:30Z … 21:30Z", "BY THEN")
		s.hides("21:57:20", "NOW ")
		if at := s.cursor(); !strings.Contains(at, "signing_algorithm") {
			t.Errorf("the cursor stands on %q", at)
		}
		s.keys("y")
		s.shows("?as_of=2024-01-15T21:30:00Z")
		s.keys("esc", "t", "enter")
		s.wait(time.Second)
		s.shows("As it is now.")
		s.keys("z")
		s.shows("61 of 61", "NOW ")
		s.hides("AS IT WAS")
		s.keys("T", "t")
		s.shows("in CET")
		s.runes("22:30")
		s.shows("2024-01-15 21:30:00Z")
	})
}

// A link's time is shown as of, and no news is taken into a past.
func TestLinkAsOfIsNotLive(t *testing.T) {
	link := "episteme://q/" + rootQuery.Hash.String() + "?as_of=2024-01-15T21:30:00Z"
	inSessionOf(t, Options{Ask: incident(), Title: "prod", Live: true, Link: link}, 120, 40, func(s *session) {
		s.wait(time.Second)
		s.shows("AS IT WAS AT 2024-01-15 21:30:00Z", "› contributions")
		s.hides("LIVE", "Rejected")
	})
}

func TestHistoryOfPlaces(t *testing.T) {
	inSession(t, incident(), 80, 24, func(s *session) {
		s.toRoot()
		s.keys("<")
		s.shows("no place before")
		s.keys("enter", "p")
		s.wait(time.Second)
		deep := s.screen()
		s.keys("q", "q")
		s.shows("› timeline")
		s.keys("<")
		s.shows("› contributions")
		s.keys("<")
		s.shows("› provenance")
		if s.keys("j", "k"); s.screen() != deep {
			t.Errorf("the place is not as it was left:\n%s\nwas\n%s", s.screen(), deep)
		}
		s.keys(">", ">")
		s.shows("› timeline")
		s.hides("› contributions")
		s.keys(">")
		s.shows("no place after")
		s.runes("2<")
		s.shows("› provenance")
		s.keys("?", "esc")
		s.shows("› provenance")
	})
}

// A screen that was left while it was waiting says so when one comes back, and goes on by a key.
func TestPlaceThatWasLeftWaiting(t *testing.T) {
	f := incident()
	f.before = func(ctx context.Context, method string) error {
		if method == "Provenance" {
			<-ctx.Done()
		}
		return nil
	}
	inSession(t, f, 80, 24, func(s *session) {
		s.toRoot()
		s.keys("p")
		s.wait(time.Second)
		s.keys("q", "<")
		s.shows("› provenance", "topped")
		f.before = nil
		s.keys("r")
		s.wait(time.Second)
		s.shows("security-rfc-2024.md")
	})
}

// Held still, nothing that arrives moves the screen or costs a byte; G or the same key goes on.
func TestFreeze(t *testing.T) {
	f := incident()
	now, clock := ending, ending
	arrive := func() {
		now = now.Add(time.Second)
		f.lsn = f.applied() + 1
		f.audits = append([]ask.Audit{{ID: idOf(record.KindAudit, now.String()), Agent: "carol", Subject: "fresh", Predicate: "news",
			Timestamp: record.Time(now.UnixNano()), Lens: "consensus"}}, f.audits...)
	}
	inSessionOf(t, Options{Ask: f, Title: "prod", Live: true, Now: func() time.Time { return clock }}, 120, 40, func(s *session) {
		s.keys(" ")
		s.shows("FROZEN")
		s.hides("LIVE")
		s.keys("k", "j")
		s.wait(time.Second)
		frame := s.m.View()
		arrive()
		clock = clock.Add(5 * time.Minute)
		s.wait(2 * time.Minute)
		if s.m.View() != frame {
			t.Errorf("something moved:\n%s", s.screen())
		}
		s.keys(" ")
		s.wait(5 * time.Second)
		s.shows("LIVE", "62 of 62", "! 1 new: G", "22:37Z")
		s.keys(" ")
		arrive()
		s.keys("G")
		s.wait(5 * time.Second)
		s.shows("LIVE", "63 of 63")
		s.hides("new: G", "FROZEN")
	})
}

// folder makes cases in a directory of the test's.
func folder(t *testing.T, dir string) func(string) (*Case, error) {
	f := cases.Folder{Dir: dir}
	return func(name string) (*Case, error) {
		if err := cases.CheckName(name); err != nil {
			return nil, err
		}
		return &Case{Name: name, Author: "dana", Add: func(l cases.Line) error { return f.Add(name, l) },
			Read: func(context.Context, ask.Investigator) (cases.Case, error) { return f.ReadOrNew(name) }}, nil
	}
}

func TestCase(t *testing.T) {
	open := folder(t, filepath.Join(t.TempDir(), "cases"))
	var left Place
	inSessionOf(t, Options{Ask: incident(), OpenCase: open, Clock: func() time.Time { return ending }}, 120, 40, func(s *session) {
		s.toRoot()
		s.keys("m")
		s.shows("No case is open")
		s.typed(":case ../x")
		s.shows("✗ case: found the name")
		s.typed(":case inc-1")
		s.shows("Case inc-1 is new", "case inc-1")
		s.keys("m")
		s.shows("KEEP in case inc-1: ES256 told to deployment-agent")
		s.typed("why this one?")
		s.shows("✓ kept in case inc-1", "* dana: why this one?", "▶ *21:03:47")
		s.keys("j", "m", "enter")
		s.wait(time.Second)
		s.shows("kept in the case")
		s.typed(":t0 21:04:10")
		s.typed(":note keys rotated by hand")
		s.typed(":trace agent:deploy*")
		s.typed(":save deploys")
		s.typed(":case")
		s.shows("› case", "CASE inc-1", "why this one?", "keys rotated by hand", "deploys: agent:deploy*", "the incident begins at 2024-01-15T21:04:10Z", "5 lines")
		s.keys("g", "enter")
		s.wait(time.Second)
		s.shows("› case › contributions")
		left = s.m.place()
	})
	if left.Case != "inc-1" || !strings.HasPrefix(left.Link, "episteme://") {
		t.Errorf("left %+v", left)
	}
	c, err := open("inc-1")
	if err != nil {
		t.Fatal(err)
	}
	again, err := c.Read(t.Context(), nil)
	if err != nil || len(again.Lines) != 5 || again.Lines[0].Asked == nil || again.Lines[0].Asked.Subject != "auth/jwt" || again.Lines[0].By != "dana" {
		t.Fatalf("kept %+v, %v", again, err)
	}
	inSessionOf(t, Options{Ask: incident(), OpenCase: open, Case: c}, 120, 40, func(s *session) {
		s.shows("Case inc-1: 2 bookmarks, 1 note.", "T+01:27")
		s.toRoot()
		s.shows("* dana: why this one?")
		s.typed(":view deploys")
		s.shows("/agent:deploy*")
		s.typed(":view deplyos")
		s.shows("keeps no view deplyos. deploys?")
	})
}

// A note that is longer than the field takes is not cut behind anybody's back.
func TestNoteThatIsTooLong(t *testing.T) {
	inSession(t, incident(), 80, 24, func(s *session) {
		keeping(s)
		s.keys("m")
		s.send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(strings.Repeat("n", 1999)), Paste: true})
		s.hides("full")
		s.runes("nn")
		s.shows("! full: a line has at most 2,000 characters")
	})
}

// A case that cannot be read shows nothing of the one before it, and a note that could not be kept is not lost: its words
// stand among the messages.
func TestCaseAfterAnother(t *testing.T) {
	dir := t.TempDir()
	folder := folder(t, dir)
	refused := errors.New("read-only file system")
	open := func(name string) (*Case, error) {
		c, err := folder(name)
		if name == "broken" && err == nil {
			c.Read = func(context.Context, ask.Investigator) (cases.Case, error) {
				return cases.Case{}, errors.New("permission denied")
			}
			c.Add = func(cases.Line) error { return refused }
		}
		return c, err
	}
	inSessionOf(t, Options{Ask: incident(), OpenCase: open}, 120, 40, func(s *session) {
		s.typed(":case first")
		s.typed(":note keys rotated by hand")
		s.typed(":case broken")
		s.shows("permission denied", "case broken")
		s.typed(":case")
		s.hides("keys rotated by hand")
		s.keys("q")
		s.typed(":note who has the pager tonight?")
		s.shows("not kept: read-only file system")
		s.hides("who has the pager")
		s.keys("M")
		s.shows("The note was: who has the pager tonight?")
	})
}

// What cannot be kept is said, and what could not be read is still there.
func TestCaseThatFails(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "c.jsonl"), []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	open := folder(t, dir)
	c, err := open("c")
	if err != nil {
		t.Fatal(err)
	}
	c.Add = func(cases.Line) error { return errors.New("write case c in /data/cases: read-only file system") }
	inSessionOf(t, Options{Ask: incident(), Case: c}, 80, 24, func(s *session) {
		s.shows("! Case c: 0 bookmarks", "1 line could not be read")
		s.toRoot()
		s.keys("m", "enter")
		s.wait(time.Second)
		s.shows("read-only file system")
		s.hides("▶ *")
	})
}

func TestExportFromTheScreen(t *testing.T) {
	var wrote []string
	o := Options{Ask: incident(), Export: func(_ context.Context, id record.ID, path string) (string, error) {
		if path == "taken.md" {
			return "", errors.New("--out taken.md: the file is there already")
		}
		wrote = append(wrote, id.String()+" "+path)
		return path + ": 1 query", nil
	}}
	inSessionOf(t, o, 80, 24, func(s *session) {
		s.toRoot()
		s.keys("e")
		s.shows("EXPORT ES256 told", "to file: episteme-"+rootQuery.Short()+".html")
		s.keys("enter")
		s.wait(time.Second)
		s.shows("✓ episteme-" + rootQuery.Short() + ".html: 1 query")
		s.typed(":export taken.md")
		s.shows("✗ --out taken.md")
	})
	if want := rootQuery.String() + " episteme-" + rootQuery.Short() + ".html"; len(wrote) != 1 || wrote[0] != want {
		t.Errorf("wrote %q, want %q", wrote, want)
	}
}

func TestCopyMenu(t *testing.T) {
	inSession(t, incident(), 120, 40, func(s *session) {
		s.toRoot()
		s.keys("y")
		s.wait(time.Second)
		s.shows("link", rootQuery.Hash.String(), "episteme show "+rootQuery.String(), "markdown", "episteme transition "+es256.String())
		for item, want := range map[int]string{2: rootQuery.Hash.String(), 4: "TOLD     ES256", 5: "- **TOLD** `ES256", 6: "episteme transition " + es256.String()} {
			s.runes("g")
			for range item {
				s.keys("j")
			}
			s.keys("enter")
			_, after, _ := strings.Cut(s.m.View(), "\x1b]52;c;")
			sequence, _, _ := strings.Cut(after, "\x07")
			if !strings.HasPrefix(ansi.SetSystemClipboard(copied(s)), "\x1b]52;c;"+sequence[:min(len(sequence), 20)]) || !strings.Contains(copied(s), want) {
				t.Errorf("item %d copies %q, want something with %q", item, copied(s), want)
			}
		}
	})
}

// copied is the text on its way to the clipboard.
func copied(s *session) string {
	for _, t := range s.m.top().view.(*views.CopyView).Texts() {
		if s.m.clip == ansi.SetSystemClipboard(t[1]) {
			return t[1]
		}
	}
	return ""
}

// A keymap of somebody's own is what the keys do, what the key line offers and what the help says.
func TestRemappedKeys(t *testing.T) {
	keys, err := views.Keys().With(map[string][]string{"provenance": {"o"}, "help": {"H"}})
	if err != nil {
		t.Fatal(err)
	}
	inSessionOf(t, Options{Ask: incident(), Keys: keys}, 120, 40, func(s *session) {
		s.toRoot()
		s.shows("o provenance", "H help")
		s.keys("p", "?")
		s.hides("› provenance", "› help")
		s.keys("o")
		s.shows("› provenance")
		s.keys("esc", "H")
		s.shows("› help", " o         The chain behind")
	})
}

// The help on the screen and the page in docs come from the same list: every key and every sentence of the one is in
// the other.
func TestHelpIsThePage(t *testing.T) {
	page, err := os.ReadFile("../docs/keys.md")
	if err != nil {
		t.Fatal(err)
	}
	inSession(t, incident(), 99, 60, func(s *session) {
		s.keys("?")
		help := s.m.top().view.(*views.HelpView)
		help.SetLook(views.Look{Cols: 99, Rows: help.Height(), Keys: s.m.opts.Keys})
		var all strings.Builder
		for _, l := range help.Lines() {
			all.WriteString(strings.TrimSpace(l.String()) + " ")
		}
		shown := strings.Join(strings.Fields(all.String()), " ")
		rows := 0
		for line := range strings.Lines(string(page)) {
			cells := strings.Split(strings.TrimSpace(line), " | ")
			if len(cells) != 3 || !strings.HasPrefix(line, "| `") {
				continue
			}
			rows++
			keys := strings.ReplaceAll(strings.TrimPrefix(cells[0], "| "), "`", "")
			sentence := strings.TrimSuffix(cells[2], " |")
			if !strings.Contains(shown, keys+" ") || !strings.Contains(shown, strings.TrimSuffix(sentence, ".")) {
				t.Errorf("the help lacks %q: %q", keys, sentence)
			}
		}
		if rows != len(views.Keys()) {
			t.Errorf("the page has %d keys, the program %d", rows, len(views.Keys()))
		}
	})
}

// Where nothing has been recorded the screen says where it looked, and Enter opens an incident.
func TestStartScreen(t *testing.T) {
	nothing := errors.New("nothing has been recorded here yet")
	o := Options{
		Open:    func(context.Context) (ask.Investigator, error) { return nil, nothing },
		Title:   "episteme",
		Nothing: func(err error) *views.Nothing { return nothingFor(err, nothing) },
		Begin: func(name string) (Beginning, error) {
			if name != "auth-jwt" {
				return Beginning{}, errors.New("no incident " + name)
			}
			return Beginning{Title: name, Training: true, Open: func(context.Context) (ask.Investigator, error) { return incident(), nil }}, nil
		},
	}
	inSessionOf(t, o, 80, 24, func(s *session) {
		s.wait(time.Second)
		s.shows("› start", "Nothing has been recorded here yet.", "/var/lib/episteme: does not exist", "episteme ingest FILE", "▶ ledger", "auth-jwt")
		s.keys("enter")
		s.shows("✗ no incident ledger")
		s.keys("j", "enter")
		s.wait(time.Second)
		s.shows("TRAINING auth-jwt", "61 of 61")
		s.keys("enter", "q")
		s.shows("› timeline")
		s.hides("› start")
	})
}

func nothingFor(err, nothing error) *views.Nothing {
	if !errors.Is(err, nothing) {
		return nil
	}
	return &views.Nothing{Title: "Nothing has been recorded here yet.", Looked: [][2]string{{"/var/lib/episteme", "does not exist"}},
		Fixtures: []views.FixtureRow{{Name: "ledger", Title: "Nothing was lost", Summary: "A database fails over."}, {Name: "auth-jwt", Title: "Nobody can log in", Summary: "Logins fail."}}}
}

// Without motion the spinner stands still.
func TestStill(t *testing.T) {
	f := incident()
	f.before = func(ctx context.Context, method string) error {
		if method == "Audits" {
			<-ctx.Done()
		}
		return ctx.Err()
	}
	inSessionOf(t, Options{Ask: f, Still: true}, 80, 24, func(s *session) {
		s.wait(300 * time.Millisecond)
		s.shows("reading the timeline")
		first := s.m.View()
		s.wait(time.Second)
		if s.m.View() != first {
			t.Error("something moves")
		}
	})
}

// Wherever a screen names a key it is the one that is bound: whoever bound all keys anew is never sent to one that does
// nothing, or something else. In a text field the keys are the field's own.
func TestScreensNameRemappedKeys(t *testing.T) {
	changes := map[string][]string{}
	for i, k := range views.Keys() {
		changes[k.Name()] = []string{string(rune('α' + i))}
	}
	keys, err := views.Keys().With(changes)
	if err != nil {
		t.Fatal(err)
	}
	asTheyCome := regexp.MustCompile(`\([a-zA-Z]\)|: [gG]\b|\b(esc|[a-zA-Z]) (stops|twice|reads|tries|clears|widens|quits|again|on any|on this|shows the rest|masks)|\besc\b|↵|/ and then|ctrl\+c`)
	back := map[string]string{}
	for _, k := range views.Keys() {
		for _, name := range k.Binding.Keys() {
			back[name] = changes[k.Name()][0]
		}
	}
	for _, sc := range scenes() {
		if slices.Contains([]string{"crash", "start", "help"}, sc.name) || strings.HasPrefix(sc.name, "hostile") {
			continue // the first is drawn without views; the help names both; data may hold anything
		}
		t.Run(sc.name, func(t *testing.T) {
			inSessionOf(t, Options{Ask: sc.in(), Keys: keys}, 120, 40, func(s *session) {
				s.back = back
				sc.to(s)
				typing := s.m.typing()
				for line := range strings.Lines(s.screen()) {
					if found := asTheyCome.FindString(line); found != "" && !typing {
						t.Errorf("%q is named in %q", found, line)
					}
				}
				if line := s.m.keyLine().String(); typing && !strings.Contains(line, "↵ ") {
					t.Errorf("a field offers %q", line)
				}
			})
		})
	}
}
