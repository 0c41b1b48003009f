//go:build unix

package cli_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// team is a data directory with the fixture in it, and the commands of those who use it.
type team struct {
	t    *testing.T
	data string
}

func newTeam(t *testing.T) *team {
	t.Helper()
	dir, err := os.MkdirTemp("", "ep") // short: the path of a socket has some hundred bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	tm := &team{t, filepath.Join(dir, "data")}
	events, err := filepath.Abs("../fixtures/auth-jwt/events.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	tm.run(0, "ingest", events)
	return tm
}

func (tm *team) command(args ...string) *exec.Cmd {
	c := exec.Command("episteme", args...)
	c.Env = append(os.Environ(), "EPISTEME_DATA="+tm.data, "EPISTEME_NOW=2024-01-15T22:32:00Z", "EPISTEME_SERVER=", "EPISTEME_TOKEN=", "RUNTIME_DIRECTORY=", "NOTIFY_SOCKET=")
	return c
}

// run runs a command to its end, checks its exit status, and gives what it printed.
func (tm *team) run(status int, args ...string) (out, errOut string) {
	tm.t.Helper()
	return tm.finish(status, tm.command(args...))
}

func (tm *team) finish(status int, c *exec.Cmd) (out, errOut string) {
	tm.t.Helper()
	var o, e bytes.Buffer
	c.Stdout, c.Stderr = &o, &e
	_ = c.Run() // its status says it
	if got := c.ProcessState.ExitCode(); got != status {
		tm.t.Fatalf("%v: exit status %d, want %d\n%s%s", c.Args, got, status, o.String(), e.String())
	}
	return o.String(), e.String()
}

// server is a running `episteme serve`.
type server struct {
	tm   *team
	cmd  *exec.Cmd
	url  string
	rest chan string // what it logged behind the first line
}

var servedAt = regexp.MustCompile(`msg=serving .* http=(\S+)`)

func (tm *team) serve(args ...string) *server {
	tm.t.Helper()
	c := tm.command(append([]string{"serve"}, args...)...)
	pipe, err := c.StderrPipe()
	if err != nil {
		tm.t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		tm.t.Fatal(err)
	}
	tm.t.Cleanup(func() { _ = c.Process.Kill() }) // of one that a test gave up
	in := bufio.NewReader(pipe)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			tm.t.Fatalf("the server ended before it served: %q, %v", line, err)
		}
		if m := servedAt.FindStringSubmatch(line); m != nil {
			s := &server{tm, c, "http://" + m[1], make(chan string, 1)}
			go func() {
				b, _ := io.ReadAll(in)
				s.rest <- string(b)
			}()
			return s
		}
	}
}

// end asks the server to end, and checks that it ended well.
func (s *server) end() string {
	s.tm.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.tm.t.Fatal(err)
	}
	log := <-s.rest
	if err := s.cmd.Wait(); err != nil {
		s.tm.t.Errorf("the server ended with %v:\n%s", err, log)
	}
	return log
}

func (s *server) get(path string) string {
	s.tm.t.Helper()
	res, err := http.Get(s.url + path)
	if err != nil {
		s.tm.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != 200 {
		s.tm.t.Fatalf("GET %s = %d %s, %v", path, res.StatusCode, b, err)
	}
	return string(b)
}

// TestBodiesAreThoseOfTheCommands compares, byte for byte, what commands print with -o json over a directory with what
// the server of the same directory answers.
func TestBodiesAreThoseOfTheCommands(t *testing.T) {
	tm := newTeam(t)
	out, _ := tm.run(0, "trace", "--agent", "deployment-agent", "-o", "ndjson")
	var query, other string
	for _, line := range strings.Split(strings.TrimSpace(out), "\n") {
		query, other = other, line[len(`{"query_id":"`):len(`{"query_id":"`)+66]
	}
	out, _ = tm.run(0, "find", "ES256", "--kind", "assertion", "-o", "ndjson")
	assertion := out[len(`{"id":"`) : len(`{"id":"`)+66]
	tests := []struct {
		path string
		args []string
	}{
		{"/audit/queries?agent=deployment-agent&from=2024-01-15T20:00:00Z", []string{"trace", "--agent", "deployment-agent", "--from", "2024-01-15T20:00:00Z", "--limit", "100"}},
		{"/audit/queries?time=6+hours+ago&subject=auth/*&limit=3", []string{"trace", "--time", "6 hours ago", "--subject", "auth/*", "--limit", "3"}},
		{"/audit/queries?from=2024-01-15&to=2024-01-16&finding=unapproved&limit=7", []string{"trace", "--from", "2024-01-15", "--to", "2024-01-16", "--finding", "unapproved", "--limit", "7"}},
		{"/audit/findings?limit=5", []string{"findings", "--limit", "5"}},
		{"/audit/queries/" + query + "/provenance", []string{"provenance", query}},
		{"/audit/queries/" + query[:12] + "/provenance?depth=2", []string{"provenance", query[:12], "--depth", "2"}},
		{"/audit/queries/" + query + "/whatif?lens=consensus&without=agent:rfc-bot", []string{"whatif", query, "--lens", "consensus", "--without", "agent:rfc-bot"}},
		{"/audit/queries/" + query + "/recomputation", []string{"query", "--dry-run", query}},
		{"/audit/impact/" + assertion, []string{"impact", assertion}},
		{"/audit/diff?left=" + query + "&right=" + other, []string{"diff", query, other}},
		{"/audit/diff?subject=auth/**&from=2024-01-15&to=2024-01-15T21:30:00Z", []string{"diff", "--subject", "auth/**", "--from", "2024-01-15", "--to", "2024-01-15T21:30:00Z"}},
		{"/audit/bisect?subject=auth/jwt&predicate=signing_algorithm&value=ES256&lens=authority", []string{"bisect", "auth/jwt", "signing_algorithm", "--to", "ES256", "--lens", "authority"}},
		{"/audit/agents", []string{"agents"}},
		{"/audit/find?text=ES256&limit=4", []string{"find", "ES256", "--limit", "4"}},
		{"/records/" + assertion, []string{"show", assertion}},
		{"/records/" + query, []string{"show", query}},
	}
	want := make([]string, len(tests))
	for i, tt := range tests {
		want[i], _ = tm.run(0, append(tt.args, "-o", "json")...)
	}
	s := tm.serve("--http", "127.0.0.1:0")
	defer s.end()
	for i, tt := range tests {
		if got := s.get(tt.path); got != want[i] {
			t.Errorf("GET %s answers\n%.400s\nand %v prints\n%.400s", tt.path, got, tt.args, want[i])
		}
		// The same command, attached: it prints the same.
		if got, errOut := tm.run(0, append(tt.args, "-o", "json")...); got != want[i] || !strings.Contains(errOut, "episteme: attached to process ") {
			t.Errorf("%v, attached, prints\n%.400s\n%s\nand alone\n%.400s", tt.args, got, errOut, want[i])
		}
	}
}

// TestAttached runs every command that writes beside a server, and says what those are told that need the directory
// for themselves. Nobody is told that something is locked.
func TestAttached(t *testing.T) {
	tm := newTeam(t)
	s := tm.serve()
	socket := filepath.Join(tm.data, "episteme.sock")
	if info, err := os.Stat(socket); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket: %v, %v; want mode 0600", info, err)
	}
	a, _ := tm.run(0, "assert", "auth/jwt", "key_type", "RSA", "--agent", "ann", "--confidence", "0.5", "--source-file", "serve_test.go", "--authority", "0.4")
	a = strings.TrimSpace(a)
	e, _ := tm.run(0, "epoch", "2025", "--agent", "ops")
	for _, args := range [][]string{
		{"vote", a, "1", "--agent", "ann"}, {"transition", a[:12], "Approved", "--agent", "ann"}, {"event", "note", "x", "--agent", "ann", "--based-on", a},
		{"vote", a, "-1", "--agent", "bob", "--dry-run"}, {"epoch", "2026", "--agent", "ops", "--supersedes", strings.TrimSpace(e), "--supersession", "Temporal"},
		{"query", "auth/jwt", "key_type", "--agent", "ann"}, {"query", "auth/nothing", "x", "--agent", "ann"}, {"export", "--format", "md", "--out", "-"}, {"tui", "--plain"},
	} {
		if out, errOut := tm.run(0, args...); !strings.Contains(errOut, "attached to process") || out == "" && args[0] != "vote" {
			t.Errorf("%v: %s%s", args, out, errOut)
		}
	}
	c := tm.command("ingest", "-")
	c.Stdin = strings.NewReader(`{"kind":"epoch","name":"x","agent":"a","timestamp":"2024-01-01T00:00:00Z"}` + "\nnonsense\n" + `{"kind":"query","agent":"a","subject":"s","predicate":"p","timestamp":"2024-01-01T00:00:00Z"}`)
	if _, errOut := tm.finish(1, c); !strings.Contains(errOut, "2 kept, 1 refused") || !strings.Contains(errOut, "-:2:1: found") {
		t.Errorf("ingest, attached: %s", errOut)
	}
	for status, args := range map[int][]string{3: {"show", "a_ffffffff"}, 2: {"trace", "--lens", "x"}} {
		if _, errOut := tm.run(status, args...); strings.Contains(errOut, "HTTP") {
			t.Errorf("%v, attached: %s", args, errOut)
		}
	}
	for _, args := range [][]string{{"verify"}, {"serve"}} {
		_, errOut := tm.run(1, args...)
		if !strings.Contains(errOut, fmt.Sprintf("%s is in use by process %d, and ", tm.data, s.cmd.Process.Pid)) || strings.Contains(errOut, "lock") {
			t.Errorf("%v beside a server: %s", args, errOut)
		}
	}
	if out, _ := tm.run(0, "doctor"); !strings.Contains(out, "journal") {
		t.Errorf("doctor beside a server: %s", out)
	}
	if access, err := os.ReadFile(filepath.Join(tm.data, "access.log")); err != nil || strings.Count(string(access), `"what":"export"`) != 1 {
		t.Errorf("the export is not in the access log, once: %s, %v", access, err)
	}
	if log := s.end(); !strings.Contains(log, "msg=ended") {
		t.Errorf("the server logged %s", log)
	}
	if _, err := os.Stat(socket); err == nil {
		t.Error("the socket of a server that ended is still there")
	}
	if out, _ := tm.run(0, "doctor", "-o", "json"); !strings.Contains(out, `"journal_clean"`) {
		t.Errorf("doctor behind a server: %s", out)
	}
}

// TestHolderEnds says that who is attached goes on when the process that held the directory ends: it holds it itself.
func TestHolderEnds(t *testing.T) {
	tm := newTeam(t)
	s := tm.serve()
	c := tm.command("ingest", "-")
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	errPipe, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	said := bufio.NewReader(errPipe)
	if line, err := said.ReadString('\n'); err != nil || !strings.Contains(line, "attached to process") {
		t.Fatalf("ingest began with %q, %v", line, err)
	}
	s.end()
	fmt.Fprintln(in, `{"kind":"epoch","name":"x","agent":"a","timestamp":"2024-01-01T00:00:00Z"}`)
	in.Close()
	rest, _ := io.ReadAll(said)
	if err := c.Wait(); err != nil || !strings.Contains(string(rest), "1 kept, 0 refused") {
		t.Errorf("ingest, whose server ended: %v\n%s", err, rest)
	}
	if out, _ := tm.run(0, "find", "x", "--kind", "epoch", "-o", "json"); !strings.Contains(out, `"kind":"epoch"`) {
		t.Errorf("what was taken in is not there: %s", out)
	}
}

// TestStaleSocket says that a socket that a crash left behind is in nobody's way, and that a file is not taken for one.
func TestStaleSocket(t *testing.T) {
	tm := newTeam(t)
	socket := filepath.Join(tm.data, "episteme.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	tm.run(0, "agents")
	if _, err := os.Lstat(socket); err == nil {
		t.Error("the stale socket is still there")
	}
	if err := os.WriteFile(socket, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, errOut := tm.run(0, "agents"); !strings.Contains(errOut, "nobody else can ask while this runs") || !strings.Contains(errOut, "expected a socket or nothing") || out == "" {
		t.Errorf("a file in the place of the socket: %s", errOut)
	}
}

// TestServer asks a server by its address: with a token, without one, and with one that may not.
func TestServer(t *testing.T) {
	tm := newTeam(t)
	file := filepath.Join(filepath.Dir(tm.data), "tokens")
	writer, errOut := tm.run(0, "token", "new", "--tokens", file, "--name", "ci", "--role", "write", "--agents", "ci-*", "--subjects", "auth/**")
	if !regexp.MustCompile(`^ept_\S{43}\n$`).MatchString(writer) || errOut != "" {
		t.Fatalf("token new printed %q and %q, want the secret alone", writer, errOut)
	}
	s := tm.serve("--http", "127.0.0.1:0", "--tokens", file)
	ask := func(token string, status int, args ...string) (string, string) {
		c := tm.command(append([]string{"--server", s.url}, args...)...)
		c.Env = append(c.Env, "EPISTEME_TOKEN="+strings.TrimSpace(token), "EPISTEME_DATA=")
		return tm.finish(status, c)
	}
	if out, _ := ask("", 0, "trace", "--agent", "deployment-agent", "-o", "json"); !strings.Contains(out, `"agent_id":"deployment-agent"`) {
		t.Errorf("reading on loopback: %s", out)
	}
	if _, errOut := ask("", 1, "query", "auth/jwt", "x", "--agent", "ci-1"); !strings.Contains(errOut, "EPISTEME_TOKEN") {
		t.Errorf("writing without a token: %s", errOut)
	}
	if _, errOut := ask(writer, 0, "query", "auth/jwt", "x", "--agent", "ci-1"); strings.Contains(errOut, "attached") {
		t.Errorf("writing with a token: %s", errOut)
	}
	if _, errOut := ask(writer, 1, "query", "auth/jwt", "x", "--agent", "bob"); !strings.Contains(errOut, "ci may not speak for the agent bob: expected an agent that matches ci-*") {
		t.Errorf("writing as another agent: %s", errOut)
	}
	if out, _ := ask(writer, 0, "trace", "-o", "json"); strings.Contains(out, `"subject":"mobile/`) || !strings.Contains(out, `"subject":"auth/jwt"`) {
		t.Errorf("what may not be seen is shown: %.300s", out)
	}
	if _, errOut := ask(writer, 2, "verify"); !strings.Contains(errOut, "works on a directory") {
		t.Errorf("verify of a server: %s", errOut)
	}
	log := s.end()
	access, err := os.ReadFile(filepath.Join(tm.data, "access.log"))
	if err != nil || !strings.Contains(string(access), `"what":"refused","problem":"forbidden","status":403,"who":"ci"`) || !strings.Contains(string(access), `"problem":"unauthorized"`) {
		t.Errorf("the access log has %s, %v", access, err)
	}
	if secret := strings.TrimSpace(writer); strings.Contains(log+string(access), secret[4:]) {
		t.Error("the secret is in a log")
	}
}
