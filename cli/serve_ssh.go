package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"episteme/engine/api"
	"episteme/engine/record"
	"episteme/tui"
	"episteme/tui/sshd"
)

// Names of files in the data directory.
const (
	authorizedKeys = "authorized_keys"
	sshHostKey     = "ssh_host_ed25519_key"
)

// sshFlags are what `episteme serve` is told about SSH.
type sshFlags struct {
	address  string
	idle     time.Duration
	sessions int
}

// sshIdle is how long a session without a key stays: an investigation has pauses, a forgotten one is seen by whoever
// passes. A guess.
const sshIdle = 30 * time.Minute

func (f *sshFlags) add(c *cobra.Command) {
	fl := c.Flags()
	fl.StringVar(&f.address, "ssh", "", "the address to show the UI at over SSH, such as 0.0.0.0:2222; who may is in DATA/"+authorizedKeys)
	fl.DurationVar(&f.idle, "ssh-idle", sshIdle, "end a session over SSH without a key for so long")
	fl.IntVar(&f.sessions, "ssh-sessions", 64, "as many sessions over SSH at once")
}

// check refuses what cannot be served, before anything is made.
func (f *sshFlags) check(dir string) error {
	path := filepath.Join(dir, authorizedKeys)
	switch _, err := os.Stat(path); {
	case f.address == "":
		return nil
	case f.idle < time.Minute:
		return usage(fmt.Errorf("--ssh-idle: found %s, expected a minute or more", f.idle))
	case f.sessions < 1:
		return usage(fmt.Errorf("--ssh-sessions: found %d, expected 1 or more", f.sessions))
	case errors.Is(err, fs.ErrNotExist):
		return usage(fmt.Errorf(`--ssh: who may come in has to be said: found no %s; write a line for each key there (mode 0600), such as
  role="read",subjects="auth/**" ssh-ed25519 AAAAC3Nz… alice`, path))
	}
	return nil
}

// sshDoor is the way in over SSH, to the evidence of a holder.
type sshDoor struct {
	app    *app
	log    *slog.Logger
	held   *holder
	dir    string
	idle   time.Duration
	hall   tui.Hall
	server *sshd.Server
	listen net.Listener
}

// openSSH listens; nil without --ssh.
func (a *app) openSSH(f *sshFlags, dir string, h *holder, log *slog.Logger) (*sshDoor, error) {
	if f.address == "" {
		return nil, nil
	}
	d := &sshDoor{app: a, log: log, held: h, dir: dir, idle: f.idle}
	var err error
	d.server, err = sshd.New(sshd.Options{
		Keys: filepath.Join(dir, authorizedKeys), HostKey: filepath.Join(dir, sshHostKey), Handler: d.serve, Log: log,
		Refused: func(r sshd.Refusal) {
			h.server.Refused(api.Visit{Door: "ssh", Who: r.Who, Remote: r.Remote, What: r.What}, r.Why)
		},
		Limits: sshd.Limits{Sessions: f.sessions, Silence: f.idle + sshBackstop},
	})
	if err != nil {
		return nil, fmt.Errorf("--ssh: %w", err)
	}
	if err := h.server.Gauge("episteme_ssh_sessions", "Sessions over SSH.", func() float64 { return float64(d.server.Sessions()) }); err != nil {
		return nil, err
	}
	if d.listen, err = net.Listen("tcp", f.address); err != nil {
		return nil, usage(fmt.Errorf("--ssh: %w", err))
	}
	return d, nil
}

// sshBackstop is how much later than the screen's own clock the connection of a silent client is cut.
const sshBackstop = 5 * time.Minute

func (d *sshDoor) address() string {
	if d == nil {
		return "none"
	}
	return d.listen.Addr().String()
}

func (d *sshDoor) open(doors *doors) {
	if d == nil {
		return
	}
	doors.open("ssh", d.address(), func() error { return d.server.Serve(d.listen) })
	d.log.Info("over ssh", "address", d.address(), "host_key", d.server.Fingerprint(), "keys", filepath.Join(d.dir, authorizedKeys))
}

// close ends the sessions. Call it before the evidence is closed.
func (d *sshDoor) close() error {
	if d == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), closePatience)
	defer cancel()
	return errors.Join(d.server.Shutdown(ctx), closeListener(d.listen))
}

// closeListener closes a listener that may never have been served, or be closed by now.
func closeListener(l net.Listener) error {
	if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// far is somebody who asks over SSH: what they see, and with what.
type far struct {
	evidence api.Evidence
	grant    api.Grant
	dir      string // of the evidence
	cols     int    // of the terminal; 0: there is none

	exporting func() // notes that evidence leaves in bulk
}

// lent is evidence that somebody else closes.
type lent struct{ api.Evidence }

func (lent) Close() error { return nil }

// homes is where the cases are that somebody far may see. Their notes speak of whatever their authors saw, so they are
// for those who see everything.
func (f *far) homes() (casePlace, error) {
	if f.grant.Role < api.RoleRead || len(f.grant.Subjects) > 0 {
		return casePlace{}, &api.ForbiddenError{Who: f.grant.Name, What: "see cases, whose notes speak of any subject", Expected: "a key of the role read without subjects=\"…\""}
	}
	return casePlace{about: "this server", folder: casesIn(f.dir)}, nil
}

// mayExport says why nothing may leave, before it is noted that something does.
func (f *far) mayExport(ofCase bool) error {
	if f.grant.Role < api.RoleRead {
		return &api.ForbiddenError{Who: f.grant.Name, What: "export answers", Expected: "the role read or more, found " + f.grant.Role.String()}
	}
	if ofCase {
		_, err := f.homes()
		return err
	}
	return nil
}

// serve runs one session.
func (d *sshDoor) serve(s *sshd.Session) int {
	me := &far{evidence: api.Scoped(d.held.Engine, s.Grant), grant: s.Grant, dir: d.dir}
	me.exporting = func() {
		d.held.server.Exported(api.Visit{Door: "ssh", Who: s.Grant.Name, Remote: s.Remote, What: s.Raw})
	}
	if s.Terminal {
		me.cols = s.Cols
	}
	a := &app{in: strings.NewReader(""), out: safeWriter{s.Out}, err: s.Err, terminal: s.Terminal, zone: "UTC", noColor: s.Getenv("NO_COLOR") != "", far: me}
	// cobra keeps what completes a flag for ever, and with it what the flag writes to: nothing of the session may hang on it.
	defer func() { *a = app{} }()
	switch words := s.Command; {
	case strings.TrimSpace(s.Raw) == "":
		return d.show(s, a, "")
	case len(words) == 1 && isLink(words[0]):
		return d.show(s, a, words[0])
	case len(words) > 0 && words[0] == "follow":
		return d.follow(s, a, words[1:])
	}
	return d.command(s, a)
}

var idLike = regexp.MustCompile(`^([a-z]_[0-9a-f]{4,}|[0-9a-f]{6,})$`)

// isLink reports whether a command is no command, but what is to be shown.
func isLink(word string) bool {
	return strings.HasPrefix(word, "episteme://") || idLike.MatchString(word)
}

// screen reports whether the session has a terminal that a screen can be drawn on.
func screen(s *sshd.Session) bool { return s.Terminal && s.Term != "" && s.Term != "dumb" }

// options are what a screen over SSH is: nothing of the server's user, of its terminal or its settings is in it.
func (d *sshDoor) options(s *sshd.Session, a *app, link string) tui.Options {
	clock := func() time.Time {
		t, err := now()
		if err != nil { // it was read when the server began
			return time.Now()
		}
		return t
	}
	title := s.Grant.Name
	if host, err := os.Hostname(); err == nil {
		title += "@" + host
	}
	o := tui.Options{
		Ask: a.far.evidence, Now: clock, Clock: clock, Title: title, Live: true, NoColor: a.noColor, ASCII: wantsASCII(s), Link: link,
		Terminal: &tui.Terminal{Getenv: func(name string) string {
			if name == "TERM" {
				return s.Term
			}
			return s.Getenv(name)
		}, Cols: s.Cols, Rows: s.Rows, Resized: s.Resized},
		Idle:  d.idle,
		Stage: &tui.Stage{Hall: &d.hall, Person: tui.Person{Name: s.Grant.Name, Values: s.Grant.Role >= api.RoleRead, Subjects: s.Grant.Subjects}},
		Input: s.In, Output: s.Out,
	}
	o.OpenCase = func(name string) (*tui.Case, error) {
		home, err := a.far.homes()
		if err != nil {
			return nil, err
		}
		c, err := openCase(home.folder, name)
		if err == nil {
			c.Author = s.Grant.Name
		}
		return c, err
	}
	return o
}

// wantsASCII reports whether the client said that its characters are not UTF-8. Without a word they are.
func wantsASCII(s *sshd.Session) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := strings.ToLower(s.Getenv(name)); v != "" {
			return !strings.Contains(v, "utf-8") && !strings.Contains(v, "utf8")
		}
	}
	return false
}

// show shows the UI, or the same as plain lines where there is no terminal.
func (d *sshDoor) show(s *sshd.Session, a *app, link string) int {
	if s.Grant.Role < api.RoleRead { // a screen without answers would say that there were none
		return d.report(s, a, &api.ForbiddenError{Who: s.Grant.Name, What: "see screens, which show answers", Expected: "the role read or more, found " + s.Grant.Role.String() + "; ssh HOST trace lists who asked"})
	}
	o := d.options(s, a, link)
	if !screen(s) {
		cols := plainCols
		if s.Cols > 0 {
			cols = s.Cols
		}
		return d.report(s, a, tui.Plain(s.Context(), o, a.out, cols))
	}
	ctx, input := whileTyping(s)
	o.Input = input
	return d.report(s, a, endedBy(ctx, tui.Run(ctx, o)))
}

// follow shows what somebody presents.
func (d *sshDoor) follow(s *sshd.Session, a *app, words []string) int {
	switch {
	case len(words) != 1:
		return d.report(s, a, usage(errors.New("follow: expected one name, as in ssh -t HOST follow alice")))
	case !screen(s):
		return d.report(s, a, usage(errors.New("follow: a screen needs a terminal: ssh -t HOST follow "+words[0])))
	}
	o := d.options(s, a, "")
	ctx, input := whileTyping(s)
	o.Input = input
	return d.report(s, a, endedBy(ctx, tui.Follow(ctx, o, words[0])))
}

// whileTyping is the session's context, which also ends when the client closes its input: nobody can press a key any more.
func whileTyping(s *sshd.Session) (context.Context, io.Reader) {
	ctx, cancel := context.WithCancelCause(s.Context())
	return ctx, &untilEnd{s.In, cancel}
}

// endedBy puts the cause in the place of an error that only says that ctx ended.
func endedBy(ctx context.Context, err error) error {
	if errors.Is(err, context.Canceled) && context.Cause(ctx) != nil {
		return &endedError{context.Cause(ctx)}
	}
	return err
}

// endedError says why a screen or a command ended before its time.
type endedError struct{ cause error }

func (e *endedError) Error() string { return "ended: " + e.cause.Error() }
func (e *endedError) Unwrap() error { return e.cause }

// errInputEnded is the cause with which a screen ends whose input did.
var errInputEnded = errors.New("the input ended")

type untilEnd struct {
	io.Reader
	end context.CancelCauseFunc
}

func (r *untilEnd) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != nil {
		r.end(errInputEnded)
	}
	return n, err
}

// farCommands are the commands that are answered over SSH: those that read, and write to standard output alone.
func farCommands(a *app) []func() *cobra.Command {
	return []func() *cobra.Command{a.traceCommand, a.showCommand, a.provenanceCommand, a.impactCommand, a.whatIfCommand, a.diffCommand,
		a.bisectCommand, a.findingsCommand, a.findCommand, a.agentsCommand, a.casesCommand, a.farExportCommand, a.versionCommand}
}

// farNames are their names, in the order of the help.
var farNames = []string{"trace", "show", "provenance", "impact", "whatif", "diff", "bisect", "findings", "find", "agents", "cases", "export", "version"}

// farExportCommand is an export that goes to standard output and nowhere else.
func (a *app) farExportCommand() *cobra.Command {
	c := a.exportCommand()
	c.Use = "export --format md|html|json|prov"
	c.Example = `  ssh HOST export --query q_7f3a2b91 --format html > postmortem.html`
	c.PreRunE = func(cmd *cobra.Command, _ []string) error {
		for _, name := range []string{"force", "fixture", "out"} {
			if f := cmd.Flags().Lookup(name); f.Changed && f.Value.String() != "-" {
				return usage(fmt.Errorf("--%s: over SSH an export goes to standard output: ssh HOST export … > FILE", name))
			}
		}
		if err := a.far.mayExport(cmd.Flags().Changed("case")); err != nil {
			return err
		}
		a.far.exporting()
		return cmd.Flags().Set("out", "-")
	}
	return c
}

// farRoot holds the command that was asked for, or all of them for the help. It has no --data and no --server.
func (a *app) farRoot(name string) *cobra.Command {
	c := &cobra.Command{
		Use:         "episteme",
		Annotations: map[string]string{cobra.CommandDisplayNameAnnotation: "ssh HOST"},
		Short:       "What did the agent ask, what was it told, and what decided that?",
		Long: `episteme, over SSH: commands that read, and the terminal UI.

  ssh -t HOST                the terminal UI; without -t the same as plain lines
  ssh -t HOST LINK           the same, at episteme://q/7f3a2b91 or an id
  ssh -t HOST follow NAME    the screen that NAME presents (:present)`,
		Example: `  ssh -t episteme.example.org
  ssh episteme.example.org trace --agent deployment-agent --time "'6 hours ago'"
  ssh episteme.example.org export --query q_7f3a2b91 --format html > postmortem.html`,
		Args: cobra.NoArgs, SilenceErrors: true, SilenceUsage: true, Version: version(),
		PersistentPreRunE: a.given,
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.SetVersionTemplate("episteme {{.Version}}\n")
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage(err) })
	c.CompletionOptions.DisableDefaultCmd = true
	f := c.PersistentFlags()
	f.StringVarP(&a.output, "output", "o", "", "table, json, ndjson or md (table on a terminal, ndjson elsewhere)")
	f.StringVar(&a.zone, "tz", "UTC", "the zone of times that name none, such as Europe/Berlin")
	f.BoolVar(&a.noColor, "no-color", a.noColor, "no colours (or NO_COLOR)")
	at := slices.Index(farNames, name)
	for i, command := range farCommands(a) {
		if at < 0 || at == i {
			c.AddCommand(command())
		}
	}
	return c
}

// command runs one command, or says why not.
func (d *sshDoor) command(s *sshd.Session, a *app) int {
	if len(s.Command) == 0 {
		return d.report(s, a, usage(errors.New("the command has a quote that is not closed, or is no UTF-8")))
	}
	name := s.Command[0]
	if !slices.Contains(farNames, name) && !slices.Contains([]string{"help", "--help", "-h", "--version"}, name) {
		d.held.server.Refused(api.Visit{Door: "ssh", Who: s.Grant.Name, Remote: s.Remote, What: s.Raw}, "command")
		return d.report(s, a, usage(fmt.Errorf("%.40q is not answered over SSH: there is no shell here, and nothing is written; expected one of %s, help, a link, follow NAME, or nothing for the UI", name, strings.Join(farNames, ", "))))
	}
	if s.Grant.Role < api.RoleRead {
		fmt.Fprintf(s.Err, "episteme: %s has the role %s: answers are withheld\n", record.Clean(s.Grant.Name), s.Grant.Role)
	}
	ctx := s.Context()
	if s.Terminal { // the client passes ctrl+c on as a byte
		interruptible, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		go cancelOnInterrupt(s.In, cancel)
		ctx = interruptible
	}
	root := a.farRoot(name)
	root.SetArgs(protectNegatives(root, s.Command))
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	return d.report(s, a, endedBy(ctx, root.ExecuteContext(ctx)))
}

// errInterrupted is the cause with which a command ends at ctrl+c.
var errInterrupted = errors.New("interrupted")

// cancelOnInterrupt reads what is typed until ctrl+c comes, or nothing any more.
func cancelOnInterrupt(in io.Reader, cancel context.CancelCauseFunc) {
	buf := make([]byte, 256)
	for {
		n, err := in.Read(buf)
		if slices.Contains(buf[:n], 0x03) {
			cancel(errInterrupted)
			return
		}
		if err != nil {
			return
		}
	}
}

// report says how a session ended, and chooses its exit status. What speaks of the server's files goes to its log.
func (d *sshDoor) report(s *sshd.Session, a *app, err error) int {
	var crash *tui.CrashError
	var show *tui.ShowError
	var path *fs.PathError
	var ended *endedError
	var forbidden *api.ForbiddenError
	if errors.As(err, &forbidden) {
		d.held.server.Refused(api.Visit{Door: "ssh", Who: s.Grant.Name, Remote: s.Remote, What: s.Raw}, "forbidden")
	}
	failure, classified := classify(err)
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, tui.ErrIdle):
		fmt.Fprintf(s.Err, "episteme: ended: no key for %s\n", d.idle)
		return exitDone
	case errors.Is(err, tui.ErrShowOver):
		fmt.Fprintf(s.Err, "episteme: %v\n", err)
		return exitDone
	case errors.As(err, &show):
		fmt.Fprintf(s.Err, "episteme: %s\n", cleanLines(show.Error()))
		return exitNoRecord
	case errors.As(err, &ended):
		fmt.Fprintf(s.Err, "episteme: %v\n", ended)
		return exitFailed
	case errors.As(err, &crash):
		d.log.Error("a screen over ssh broke off", "id", crash.ID, "who", s.Grant.Name, "doing", crash.Doing, "panic", crash.Cause, "stack", string(crash.Stack))
	case classified && failure.Private, errors.As(err, &path):
		d.log.Error("a question over ssh failed", "who", s.Grant.Name, "command", s.Raw, "error", err)
		err = errors.New("the server cannot read what this needs; its log says why")
	}
	return a.report(s.Context(), err)
}
