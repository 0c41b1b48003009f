//go:build unix

package cli_test

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/creack/pty"
	"github.com/hinshun/vt10x"
	"golang.org/x/crypto/ssh"
)

// sshTeam is a server whose UI is shown over SSH to alice, to bob who sees some subjects, and to carol who sees no values.
type sshTeam struct {
	*team
	server  *server
	address string
	host    string // fingerprint of the host key, as the server logged it
}

var overSSH = regexp.MustCompile(`msg="over ssh" address=(\S+) host_key=(\S+)`)

func newSSHTeam(t *testing.T, args ...string) *sshTeam {
	t.Helper()
	tm := newTeam(t)
	lines := []string{keyLine("", "alice"), keyLine(`role="read",subjects="auth/**"`, "bob"), keyLine(`role="list"`, "carol"), keyLine(`role="write"`, "dave")}
	if err := os.WriteFile(filepath.Join(tm.data, "authorized_keys"), []byte(strings.Join(lines, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	c := tm.command(append([]string{"serve", "--ssh", "127.0.0.1:0", "--http", "127.0.0.1:0"}, args...)...)
	pipe, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill() }) // of one that a test gave up
	in := bufio.NewReader(pipe)
	st := &sshTeam{team: tm}
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			t.Fatalf("the server ended before it served: %q, %v", line, err)
		}
		if m := overSSH.FindStringSubmatch(line); m != nil {
			st.address, st.host = m[1], m[2]
		}
		if m := servedAt.FindStringSubmatch(line); m != nil {
			st.server = &server{tm, c, "http://" + m[1], make(chan string, 1)}
			go func() {
				b, _ := io.ReadAll(in)
				st.server.rest <- string(b)
			}()
			return st
		}
	}
}

// privateKey is a key that is the same each time.
func privateKey(name string) ed25519.PrivateKey {
	seed := make([]byte, ed25519.SeedSize)
	copy(seed, name)
	return ed25519.NewKeyFromSeed(seed)
}

func keyOf(name string) ssh.Signer {
	s, err := ssh.NewSignerFromKey(privateKey(name))
	if err != nil {
		panic(err) // a key of the right length
	}
	return s
}

func keyLine(options, name string) string {
	return strings.TrimSpace(options+" "+strings.TrimSpace(string(ssh.MarshalAuthorizedKey(keyOf(name).PublicKey())))) + " " + name + "\n"
}

func (tm *sshTeam) dial(name string) *ssh.Client {
	tm.t.Helper()
	c, err := ssh.Dial("tcp", tm.address, &ssh.ClientConfig{User: "x", Auth: []ssh.AuthMethod{ssh.PublicKeys(keyOf(name))},
		HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			if got := ssh.FingerprintSHA256(key); got != tm.host {
				return errors.New("the server has the key " + got + ", and logged " + tm.host)
			}
			return nil
		}})
	if err != nil {
		tm.t.Fatal(err)
	}
	tm.t.Cleanup(func() { c.Close() }) // it may be closed by now
	return c
}

// asks runs a command over SSH.
func (tm *sshTeam) asks(name, command string) (out, errOut string, status int) {
	tm.t.Helper()
	s, err := tm.dial(name).NewSession()
	if err != nil {
		tm.t.Fatal(err)
	}
	var o, e bytes.Buffer
	s.Stdout, s.Stderr = &o, &e
	var exit *ssh.ExitError
	if err := s.Run(command); errors.As(err, &exit) {
		status = exit.ExitStatus()
	} else if err != nil {
		tm.t.Fatalf("%s: %v", command, err)
	}
	return o.String(), e.String(), status
}

func TestCommandsOverSSH(t *testing.T) {
	tm := newSSHTeam(t)
	local, _ := tm.run(0, "trace", "--agent", "deployment-agent", "-o", "json")
	var query string
	if _, rest, ok := strings.Cut(local, `"query_id":"`); ok {
		query = rest[:66]
	}
	tests := []struct {
		name, who, command string
		status             int
		out, err           string // beginnings of what is to be found; err without out: nothing is printed
	}{
		{"a list, as anywhere", "alice", "trace --agent deployment-agent -o json", 0, local, ""},
		{"quotes", "alice", `trace --time "6 hours ago" --limit 1`, 0, `{"query_id"`, ""},
		{"a record", "alice", "show " + query, 0, `{`, ""},
		{"a query as plain lines", "alice", query[:12], 0, "episteme  alice@", ""},
		{"a link", "alice", "episteme://q/" + query[2:12], 0, "contributions", ""},
		{"the timeline as plain lines", "alice", "", 0, "› timeline", ""},
		{"no such record", "alice", "show a_ffffffff", 3, "", "no record a_ffffffff"},
		{"an export to standard output", "alice", "export --query " + query + " --format md", 0, "# What was asked", "leaves as md to standard output"},
		{"no export to a file", "alice", "export --query " + query + " --format md --out /tmp/x", 2, "", "over SSH an export goes to standard output"},
		{"nothing is overwritten", "alice", "export --query " + query + " --format md --out - --force", 2, "", "goes to standard output"},
		{"no other directory", "alice", "trace --data /etc", 2, "", "unknown flag: --data"},
		{"no other server", "alice", "trace --server http://127.0.0.1:1", 2, "", "unknown flag: --server"},
		{"nothing is written", "dave", "assert auth/jwt x y --agent dave", 2, "", `"assert" is not answered over SSH`},
		{"nothing is asked, which would be written", "dave", "query auth/jwt x --agent dave", 2, "", `"query" is not answered`},
		{"no server in a server", "alice", "serve --ssh 0.0.0.0:0", 2, "", `"serve" is not answered`},
		{"no token is made", "dave", "token new --tokens /tmp/x --name x --role admin", 2, "", `"token" is not answered`},
		{"no shell", "alice", "sh -c id", 2, "", "there is no shell here"},
		{"no completion", "alice", "__complete trace --agent ''", 2, "", `"__complete" is not answered`},
		{"no file is copied", "alice", "scp -t /tmp", 2, "", `"scp" is not answered`},
		{"a command that moves cursors is quoted", "alice", "\x1b]52;c;eA==\a", 2, "", `"\x1b]52;c;eA==\a" is not answered`},
		{"a flag that does", "alice", "trace --\x1b[2J", 2, "", "unknown flag: --"},
		{"an open quote", "alice", "trace '", 2, "", "a quote that is not closed"},
		{"blanks are no command", "alice", "  \t ", 0, "› timeline", ""},
		{"following takes a terminal", "bob", "follow alice", 2, "", "ssh -t HOST follow alice"},
		{"and a name", "bob", "follow", 2, "", "expected one name"},
		{"help", "alice", "help", 0, "ssh HOST", ""},
		{"help of a command", "alice", "trace --help", 0, "ssh HOST trace", ""},
		{"the version", "alice", "version", 0, "episteme ", ""},
		{"cases", "alice", "cases -o json", 0, `{"cases":[]}`, "no case is kept"},
		{"what may not be seen is not there", "bob", "trace --subject 'mobile/**' -o json", 0, `"queries":[]`, ""},
		{"cases speak of any subject", "bob", "cases", 1, "", "bob may not see cases"},
		{"and so do their postmortems", "bob", "export --case x --format md", 1, "", "bob may not see cases"},
		{"no values without the role", "carol", "show " + query, 1, "", "the role read or more, found list"},
		{"but a list of who asked", "carol", "trace --limit 1", 0, `"result":{"value":null`, "answers are withheld"},
		{"a screen without answers would say that there were none", "carol", "", 1, "", "carol may not see screens"},
		{"no export of answers without the role", "carol", "export --query " + query + " --format json", 1, "", "carol may not"},
		{"none of all of them either", "carol", "export --format html", 1, "", "carol may not export answers"},
		{"no words looked for in values", "carol", "trace --text ES256", 1, "", "carol may not look for words in values"},
		{"nobody is not everybody", "bob", "impact agent:", 3, "", "no record agent: here; `episteme trace`"},
		{"a name that is near is not told", "bob", "impact agent:mobile-ag", 3, "", "no record agent:mobile-ag here; `episteme trace`"},
		{"no settings of another", "alice", "trace --config /etc/passwd", 2, "", "unknown flag: --config"},
		{"no output into a file", "alice", "trace -o /tmp/x", 2, "", `--output: found "/tmp/x"`},
		{"no zone out of a file", "alice", "trace --tz ../../etc/passwd", 2, "", `--tz: found "../../etc/passwd"`},
		{"no case out of its folder", "alice", "export --format md --case ../authorized_keys", 2, "", `case: found the name "../authorized_keys"`},
		{"a line break is a blank", "alice", "trace\n--limit\n1", 0, `{"query_id"`, ""},
		{"a zero is no end", "alice", "trace\x00--limit 1", 2, "", `"trace\x00--limit" is not answered`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, errOut, status := tm.asks(tt.who, tt.command)
			if status != tt.status || !strings.Contains(out, tt.out) || !strings.Contains(errOut, tt.err) || tt.out == "" && out != "" {
				t.Errorf("%q: status %d, want %d\n%.600s\n%.600s", tt.command, status, tt.status, out, errOut)
			}
			if strings.ContainsRune(out+errOut, 0x1b) || strings.Contains(out+errOut, tm.data) {
				t.Errorf("%q: an escape or a path of the server leaves:\n%.600s\n%.600s", tt.command, out, errOut)
			}
		})
	}
	access, err := os.ReadFile(filepath.Join(tm.data, "access.log"))
	exported := strings.Count(string(access), `"what":"export"`)
	if alices := strings.Count(string(access), `"what":"export","status":200,"who":"alice"`); exported == 0 || alices != exported {
		t.Errorf("%d exports are noted, %d of them of who may", exported, alices)
	}
	if err != nil || !strings.Contains(string(access), `"problem":"ssh-forbidden","status":403,"who":"carol"`) || !strings.Contains(string(access), `"problem":"ssh-command","status":403,"who":"alice"`) {
		t.Errorf("the access log has\n%s%v", access, err)
	}
	if metrics := tm.server.get("/metrics"); !strings.Contains(metrics, `episteme_refused_total{reason="ssh-command"}`) || !strings.Contains(metrics, "episteme_ssh_sessions ") {
		t.Errorf("the metrics are\n%s", metrics)
	}
	tm.server.end()
}

// farScreen is a terminal over SSH.
type farScreen struct {
	*console
	session *ssh.Session
	keys    io.Writer
	ended   chan error

	drawing sync.Mutex // standard output and error come on two goroutines
	all     []byte     // guarded by drawing; everything that came
	drawn   int        // guarded by drawing; bytes of all that are on the screen
}

// screen opens a terminal of 120 by 40 over SSH; env are pairs of a name and a value.
func (tm *sshTeam) screen(name, command string, env ...string) *farScreen {
	tm.t.Helper()
	session, err := tm.dial(name).NewSession()
	if err != nil {
		tm.t.Fatal(err)
	}
	for i := 0; i < len(env); i += 2 {
		if err := session.Setenv(env[i], env[i+1]); err != nil {
			tm.t.Fatal(err)
		}
	}
	if err := session.RequestPty("xterm-256color", 40, 120, nil); err != nil {
		tm.t.Fatal(err)
	}
	keys, err := session.StdinPipe()
	if err != nil {
		tm.t.Fatal(err)
	}
	c := &console{t: tm.t, vt: vt10x.New(vt10x.WithSize(120, 40)), news: make(chan struct{}, 1), over: make(chan struct{})}
	f := &farScreen{console: c, session: session, keys: keys, ended: make(chan error, 1)}
	session.Stdout, session.Stderr = f, struct{ io.Writer }{f}
	if command == "" {
		err = session.Shell()
	} else {
		err = session.Start(command)
	}
	if err != nil {
		tm.t.Fatal(err)
	}
	go func() {
		f.ended <- session.Wait()
		close(f.over)
	}()
	return f
}

// Write draws what comes, up to a character that is not whole yet.
func (f *farScreen) Write(p []byte) (int, error) {
	f.drawing.Lock()
	defer f.drawing.Unlock()
	f.all = append(f.all, p...)
	whole := len(f.all)
	for back := 1; back < utf8.UTFMax && back <= whole-f.drawn; back++ {
		if at := len(f.all) - back; utf8.RuneStart(f.all[at]) {
			if !utf8.FullRune(f.all[at:]) {
				whole = at
			}
			break
		}
	}
	f.mu.Lock()
	f.vt.Write(f.all[f.drawn:whole])
	f.mu.Unlock()
	f.drawn = whole
	select {
	case f.news <- struct{}{}:
	default:
	}
	return len(p), nil
}

// came is everything that came so far.
func (f *farScreen) came() string {
	f.drawing.Lock()
	defer f.drawing.Unlock()
	return string(f.all)
}

func (f *farScreen) press(keys string) {
	f.t.Helper()
	if _, err := io.WriteString(f.keys, keys); err != nil {
		f.t.Fatal(err)
	}
}

// leaves waits for the end, checks the status, and that the alternate screen is off.
func (f *farScreen) leaves(status int) {
	f.t.Helper()
	err := <-f.ended
	var exit *ssh.ExitError
	got := 0
	if errors.As(err, &exit) {
		got = exit.ExitStatus()
	} else if err != nil {
		f.t.Errorf("the session ended with %v", err)
	}
	if got != status {
		f.t.Errorf("status %d, want %d", got, status)
	}
	if all := f.came(); strings.LastIndex(all, "\x1b[?1049l") < strings.LastIndex(all, "\x1b[?1049h") {
		f.t.Error("the alternate screen is still on")
	}
}

func TestScreenOverSSH(t *testing.T) {
	tm := newSSHTeam(t)
	alice := tm.screen("alice", "", "COLORTERM", "truecolor")
	alice.shows("alice@", "› timeline", "LIVE", "queries ·")
	alice.press("\x1a?") // ctrl+z does nothing
	alice.shows("KEYS")
	alice.press("q:case INC-1\r")
	alice.shows("Case INC-1 is new")
	alice.press("m" + "seen over ssh" + "\r")
	alice.shows("✓ kept in case INC-1")
	kept, err := os.ReadFile(filepath.Join(tm.data, "cases", "INC-1.jsonl"))
	if err != nil || !strings.Contains(string(kept), `"by":"alice"`) {
		t.Errorf("the case has %s, %v", kept, err)
	}
	alice.press("y")
	alice.shows("› copy")
	alice.press("\r")
	alice.until("a copy goes to the client", func() bool { return strings.Contains(alice.came(), "\x1b]52;c;") })
	alice.press("\x1b")
	alice.shows("› timeline")
	if err := alice.session.WindowChange(24, 80); err != nil {
		t.Fatal(err)
	}
	alice.until("the new size", func() bool { return strings.Count(strings.TrimRight(alice.screen(), "\n"), "\n") >= 20 })

	bob := tm.screen("bob", "", "LANG", "C")
	bob.shows("bob@", "timeline", "queries")
	if screen := bob.screen(); strings.Contains(screen, "mobile/") || strings.Contains(screen, "│") || strings.Contains(screen, "›") {
		t.Errorf("bob, whose terminal is in ASCII and who sees auth/** alone, sees\n%s", screen)
	}
	bob.press(":case INC-1\r")
	bob.shows("bob may not see cases")
	bob.press(":q\r")
	bob.leaves(0)

	// A client that is killed ends its session, and no other.
	other := tm.screen("dave", "")
	other.shows("› timeline")
	alice.session.Close()
	other.press("?")
	other.shows("KEYS")
	other.press("q:q\r")
	other.leaves(0)

	// A screen whose input has ended can never be left.
	deaf := tm.screen("dave", "")
	deaf.shows("› timeline")
	deaf.keys.(io.Closer).Close()
	deaf.leaves(1)
	if !strings.Contains(deaf.came(), "ended: the input ended") {
		t.Error("nobody told the session why it ended")
	}

	// Asked for with a link; the server ends it with a sentence.
	last := tm.screen("dave", "episteme://"+"a/"+strings.TrimPrefix(assertionOf(tm), "a_"))
	last.shows("› provenance")
	log := tm.server.end()
	last.leaves(1)
	if !strings.Contains(last.came(), "ended: the server is ending") {
		t.Error("nobody told the session why it ended")
	}
	if !strings.Contains(log, "msg=ended") {
		t.Errorf("the server logged %s", log)
	}
}

// assertionOf is the id of some assertion.
func assertionOf(tm *sshTeam) string {
	out, _ := tm.run(0, "find", "ES256", "--kind", "assertion", "-o", "ndjson")
	return out[len(`{"id":"`) : len(`{"id":"`)+66]
}

// TestFollowOverSSH lets two follow what one presents, and one who may see less not.
func TestFollowOverSSH(t *testing.T) {
	tm := newSSHTeam(t)
	early := tm.screen("dave", "follow alice")
	early.leaves(3)
	if !strings.Contains(early.came(), "alice presents no screen that you may see") {
		t.Errorf("following nobody said %q", early.came())
	}
	alice := tm.screen("alice", "")
	alice.shows("› timeline", "queries ·")
	alice.press(":present\r")
	alice.shows("PRESENTING · nobody follows")
	one := tm.screen("dave", "follow alice")
	alice.shows("PRESENTING to dave ")
	two := tm.screen("alice", "follow alice")
	less := tm.screen("bob", "follow alice")
	less.leaves(3)
	alice.shows("PRESENTING to dave, alice")
	alice.press("?")
	for _, who := range []*farScreen{one, two} {
		who.shows("following alice", "KEYS", "PRESENTING to dave, alice")
	}
	one.press("jjj:q\r") // no key but q does anything, and q leaves
	one.leaves(0)
	alice.shows("PRESENTING to alice ")
	alice.press("q:present\r")
	alice.shows("nobody sees this screen but you")
	two.leaves(0)
	if !strings.Contains(two.came(), "not presented any more") {
		t.Error("who followed was not told")
	}
	alice.press(":present\r")
	alice.shows("PRESENTING · nobody follows")
	again := tm.screen("dave", "follow alice")
	again.shows("following alice")
	alice.session.Close() // gone without a word
	again.leaves(0)
	tm.server.end()
}

// TestSystemSSH logs in with the ssh of this machine.
func TestSystemSSH(t *testing.T) {
	program, err := exec.LookPath("ssh")
	if err != nil {
		t.Skip("this machine has no ssh")
	}
	tm := newSSHTeam(t)
	dir := t.TempDir()
	block, err := ssh.MarshalPrivateKey(privateKey("alice"), "alice")
	if err != nil {
		t.Fatal(err)
	}
	identity := filepath.Join(dir, "id")
	if err := os.WriteFile(identity, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	host, port, _ := strings.Cut(tm.address, ":")
	options := func(more ...string) []string {
		return append([]string{"-F", "none", "-p", port, "-i", identity, "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o", "BatchMode=yes",
			"-o", "StrictHostKeyChecking=accept-new", "-o", "UserKnownHostsFile=" + filepath.Join(dir, "known"), "-o", "LogLevel=ERROR"}, more...)
	}
	out, _ := tm.finish(0, exec.Command(program, options(host, "agents", "-o", "json")...))
	if local, _ := tm.run(0, "agents", "-o", "json"); out != local {
		t.Errorf("agents over ssh prints\n%s\nand here\n%s", out, local)
	}
	if _, errOut := tm.finish(2, exec.Command(program, options(host, "rm", "-rf", "/")...)); !strings.Contains(errOut, "no shell here") {
		t.Errorf("rm: %s", errOut)
	}
	tm.finish(255, exec.Command(program, options("-o", "PubkeyAuthentication=no", "-o", "PreferredAuthentications=password,keyboard-interactive", host, "agents")...))
	tm.finish(255, exec.Command(program, options("-o", "ExitOnForwardFailure=yes", "-R", "0:127.0.0.1:1", host, "agents")...))
	if _, errOut := tm.finish(255, exec.Command(program, options("-W", "127.0.0.1:22", host)...)); !strings.Contains(errOut, "unsupported channel type") && !strings.Contains(errOut, "unknown channel type") && !strings.Contains(errOut, "stdio forwarding failed") {
		t.Errorf("forwarding: %s", errOut)
	}
	c := exec.Command(program, options("-t", host)...)
	c.Env = append(os.Environ(), "TERM=xterm-256color")
	file, err := pty.StartWithSize(c, &pty.Winsize{Cols: 120, Rows: 40})
	if err != nil {
		t.Skipf("no pseudo terminal here: %v", err)
	}
	defer file.Close()
	s := &console{t: t, file: file, vt: vt10x.New(vt10x.WithSize(120, 40)), news: make(chan struct{}, 1), over: make(chan struct{})}
	go s.read()
	s.shows("alice@", "› timeline", "queries ·")
	io.WriteString(file, "?")
	s.shows("KEYS")
	tm.server.end()
	<-s.over
	if c.Wait(); c.ProcessState.ExitCode() != 1 {
		t.Errorf("ssh ended with status %d, want that of a session that was ended", c.ProcessState.ExitCode())
	}
}
