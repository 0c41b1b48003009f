package sshd

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"
)

func TestLogin(t *testing.T) {
	h := serve(t, Limits{})
	asked := false
	tests := []struct {
		name    string
		methods []gossh.AuthMethod
		in      bool
	}{
		{"a key of the file comes in", []gossh.AuthMethod{gossh.PublicKeys(holder("alice"))}, true},
		{"a known key comes in behind one that nobody knows", []gossh.AuthMethod{gossh.PublicKeys(holder("eve"), holder("bob"))}, true},
		{"a key that nobody knows stays out", []gossh.AuthMethod{gossh.PublicKeys(holder("eve"))}, false},
		{"nobody comes in without a key", nil, false},
		{"no password is taken", []gossh.AuthMethod{gossh.Password("alice"), gossh.KeyboardInteractive(func(string, string, []string, []bool) ([]string, error) {
			asked = true
			return nil, nil
		})}, false},
		{"seven keys are too many", []gossh.AuthMethod{gossh.PublicKeys(holder("1"), holder("2"), holder("3"), holder("4"), holder("5"), holder("6"), holder("7"), holder("alice"))}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := h.dial(tt.methods...)
			if (err == nil) != tt.in {
				t.Fatalf("dial = %v, want in %t", err, tt.in)
			}
			if tt.in {
				c.Close()
				return
			}
			if r := <-h.refused; r.Why != "key" || r.What != "login" || r.Remote == "" {
				t.Errorf("noted %+v, want a refused login", r)
			}
		})
	}
	if asked {
		t.Error("the server asked for a password")
	}
	if out, status := h.runs(h.as("bob"), "who"); out != "bob list [auth/** web/*]" || status != 3 {
		t.Errorf("bob is %q, status %d", out, status)
	}
}

// TestRefusedKeyIsNamed says that the access log has the fingerprint of a key that was refused.
func TestRefusedKeyIsNamed(t *testing.T) {
	h := serve(t, Limits{})
	if _, err := h.dial(gossh.PublicKeys(holder("eve"))); err == nil {
		t.Fatal("eve came in")
	}
	want := "x with " + gossh.FingerprintSHA256(holder("eve").PublicKey())
	if r := <-h.refused; r.Who != want {
		t.Errorf("noted %q, want %q", r.Who, want)
	}
}

// TestOnlySessions asks for everything that SSH has beside sessions.
func TestOnlySessions(t *testing.T) {
	h := serve(t, Limits{})
	c := h.as("alice")
	for _, kind := range []string{"direct-tcpip", "direct-streamlocal@openssh.com", "forwarded-tcpip", "x11", "auth-agent@openssh.com", "tun@openssh.com"} {
		var refused *gossh.OpenChannelError
		if _, _, err := c.OpenChannel(kind, nil); !errors.As(err, &refused) {
			t.Errorf("channel %s: %v, want it refused", kind, err)
		}
	}
	for _, kind := range []string{"tcpip-forward", "streamlocal-forward@openssh.com", "cancel-tcpip-forward"} {
		if ok, _, err := c.SendRequest(kind, true, gossh.Marshal(struct {
			Address string
			Port    uint32
		}{"0.0.0.0", 0})); ok || err != nil {
			t.Errorf("request %s: %t, %v; want it refused", kind, ok, err)
		}
	}
	s := h.session(c)
	for _, kind := range []string{"auth-agent-req@openssh.com", "x11-req", "break", "signal", "xon-xoff", "nonsense"} {
		if ok, err := s.SendRequest(kind, true, nil); ok || err != nil {
			t.Errorf("request %s of a session: %t, %v; want it refused", kind, ok, err)
		}
	}
	for _, name := range []string{"sftp", "netconf", "default", ""} {
		if err := h.session(c).RequestSubsystem(name); err == nil {
			t.Errorf("subsystem %q: want it refused", name)
		}
	}
	if out, _ := h.runs(c, "who"); out != "alice read []" {
		t.Errorf("after all that: %q", out)
	}
}

func TestEnvironment(t *testing.T) {
	t.Setenv("COLORTERM", "of the server")
	h := serve(t, Limits{})
	tests := []struct {
		name, variable, value string
		taken                 bool
	}{
		{"the language", "LANG", "de_DE.UTF-8", true},
		{"a part of it", "LC_CTYPE", "C", true},
		{"a value may be anything short", "LC_NAME", "\x1b]52;c;eA==\a\x00", true},
		{"the colours", "NO_COLOR", "1", true},
		{"not what changes programs", "LD_PRELOAD", "/tmp/x.so", false},
		{"not what finds them", "PATH", "/tmp", false},
		{"not the program's own", "EPISTEME_DATA", "/etc", false},
		{"not what only begins alike", "LC_x=y\nPATH", "/tmp", false},
		{"no empty name", "", "x", false},
		{"nothing long", "LANG", strings.Repeat("x", valueMax+1), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := h.session(h.as("alice"))
			if err := s.Setenv(tt.variable, tt.value); (err == nil) != tt.taken {
				t.Errorf("setenv %q = %v, want taken %t", tt.variable, err, tt.taken)
			}
			out, _ := s.Output("env")
			if strings.Contains(string(out), "of the server") || strings.HasPrefix(string(out), "[]") == tt.taken || !strings.HasSuffix(string(out), ` ""`) {
				t.Errorf("the session sees %s", out)
			}
		})
	}
	s := h.session(h.as("alice"))
	for i := range 200 {
		_ = s.Setenv("LC_"+strings.Repeat("A", i+1), "x") // some are refused
	}
	if out, _ := s.Output("env"); strings.Count(string(out), "LC_") != envMax {
		t.Errorf("the session keeps %d variables, want %d", strings.Count(string(out), "LC_"), envMax)
	}
}

func TestTerminal(t *testing.T) {
	h := serve(t, Limits{})
	s := h.session(h.as("alice"))
	if err := s.RequestPty("xterm-256color", 40, 120, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.RequestPty("xterm", 1, 1, nil); err == nil {
		t.Error("a second terminal: want it refused")
	}
	pipe, _ := s.StdoutPipe()
	if err := s.Start("size"); err != nil {
		t.Fatal(err)
	}
	out := bufio.NewReader(pipe)
	expect := func(want string) {
		t.Helper()
		if got, err := out.ReadString('\n'); got != want+"\r\n" || err != nil {
			t.Errorf("read %q, %v; want %q", got, err, want)
		}
	}
	expect("true xterm-256color 120x40")
	for _, size := range []struct {
		rows, cols int
		want       string
	}{{24, 80, "80x24"}, {1 << 31, 1 << 31, "1000x500"}, {0, 0, "0x0"}} {
		if err := s.WindowChange(size.rows, size.cols); err != nil {
			t.Fatal(err)
		}
		expect(size.want)
	}
}

// TestNobodyTakesSizes says that a session that looks at no size holds nothing up: the library's own would stop at the second.
func TestNobodyTakesSizes(t *testing.T) {
	h := serve(t, Limits{})
	c := h.as("alice")
	s := h.session(c)
	if err := s.RequestPty("xterm", 24, 80, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Start("wait"); err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		if err := s.WindowChange(24, 80+i); err != nil {
			t.Fatal(err)
		}
	}
	if ok, err := s.SendRequest("nonsense", true, nil); ok || err != nil { // answered behind the sizes
		t.Errorf("request behind them: %t, %v", ok, err)
	}
}

func TestCommand(t *testing.T) {
	h := serve(t, Limits{})
	c := h.as("alice")
	tests := []struct{ name, command, want string }{
		{"words", `trace --agent "a b" 'c d'`, `["trace" "--agent" "a b" "c d"]`},
		{"no shell takes anything apart", "trace; $(reboot) `x` | y > /tmp/z && $HOME *", `["trace;" "$(reboot)" "` + "`x`" + `" "|" "y" ">" "/tmp/z" "&&" "$HOME" "*"]`},
		{"escapes are quoted by whoever shows them", "\x1b[2J\x00", `["\x1b[2J\x00"]`},
		{"an open quote has no words", `trace "`, `[]`},
		{"no UTF-8", "\xff\xfe", `[]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if out, _ := h.runs(c, tt.command); out != tt.want {
				t.Errorf("%q has the words %s, want %s", tt.command, out, tt.want)
			}
		})
	}
	if err := h.session(c).Start(strings.Repeat("x", commandMax)); err == nil {
		t.Error("a command that is too long: want it refused")
	}
	s := h.waits(c)
	if ok, err := s.SendRequest("exec", true, gossh.Marshal(struct{ Command string }{"who"})); ok || err != nil {
		t.Errorf("a second command in a session: %t, %v; want it refused", ok, err)
	}
}

// TestKilledClient says that the session of a client that is gone ends, and that nobody else notices.
func TestKilledClient(t *testing.T) {
	h := serve(t, Limits{})
	other := h.as("bob")
	h.waits(other)
	c := h.as("alice")
	h.waits(c)
	c.Close()
	if err := <-h.ended; !errors.Is(err, errGone) {
		t.Errorf("it ended with %v, want %v", err, errGone)
	}
	// The channel alone, as with several sessions over one connection.
	c = h.as("alice")
	s := h.waits(c)
	s.Close()
	if err := <-h.ended; !errors.Is(err, errGone) {
		t.Errorf("it ended with %v, want %v", err, errGone)
	}
	if out, _ := h.runs(other, "who"); !strings.HasPrefix(out, "bob") {
		t.Errorf("bob sees %q", out)
	}
}

// TestHalfOpen says that connections that say nothing keep nobody out: the oldest makes room.
func TestHalfOpen(t *testing.T) {
	h := serve(t, Limits{Strangers: 2, LoginTime: time.Hour})
	var silent []net.Conn
	for range 3 {
		c, err := net.Dial("tcp", h.address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := bufio.NewReader(c).ReadString('\n'); err != nil { // the server's version: it is counted
			t.Fatal(err)
		}
		silent = append(silent, c)
	}
	if _, err := io.Copy(io.Discard, silent[0]); err != nil && !errors.Is(err, net.ErrClosed) {
		t.Logf("the oldest was cut off with %v", err)
	}
	if r := <-h.refused; r.Why != "connections" {
		t.Errorf("noted %+v", r)
	}
	if out, _ := h.runs(h.as("alice"), "who"); out != "alice read []" {
		t.Errorf("alice sees %q", out)
	}
}

// TestLook says that who connects, sees that somebody listens and goes is no refused login: monitors do that all day.
func TestLook(t *testing.T) {
	h := serve(t, Limits{})
	c, err := net.Dial("tcp", h.address)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(c).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	c.Close()
	if _, err := h.dial(gossh.PublicKeys(holder("eve"))); err == nil {
		t.Fatal("eve came in")
	}
	for len(h.server.connections()) > 0 { // both are noted, if they are, as they go
		runtime.Gosched()
	}
	if r := <-h.refused; r.Why != "key" || len(h.refused) > 0 {
		t.Errorf("noted %+v, and %d more", r, len(h.refused))
	}
}

// TestLoginTime says that whoever does not log in is cut off, and so is whoever has logged in and wants nothing.
func TestLoginTime(t *testing.T) {
	h := serve(t, Limits{LoginTime: 50 * time.Millisecond})
	c, err := net.Dial("tcp", h.address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.Copy(io.Discard, c) // ends when it is cut off
	if r := <-h.refused; r.Why != "login-time" {
		t.Errorf("noted %+v", r)
	}
	if client, err := h.dial(gossh.PublicKeys(holder("alice"))); err == nil {
		_ = client.Wait() // ends when it is cut off
	}
}

// TestSilence says that the connection of a client that sends nothing is cut: the last resort.
func TestSilence(t *testing.T) {
	h := serve(t, Limits{Silence: 200 * time.Millisecond}) // long enough to log in on a busy machine
	s, err := h.as("alice").NewSession()
	if err != nil {
		return // cut off by now
	}
	_ = s.Start("wait") // or by now
	var exit *gossh.ExitError
	if err := s.Wait(); err == nil || errors.As(err, &exit) && exit.ExitStatus() == 0 {
		t.Errorf("a silent session ended with %v", err)
	}
}

func TestSessionLimits(t *testing.T) {
	h := serve(t, Limits{Sessions: 3, PerKey: 2})
	alice, bob := h.as("alice"), h.as("bob")
	first := h.waits(alice)
	h.waits(alice)
	refuse := func(c *gossh.Client, why string) {
		t.Helper()
		if _, err := c.NewSession(); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("one more: %v, want %q", err, why)
		}
		if r := <-h.refused; r.Why != "sessions" {
			t.Errorf("noted %+v", r)
		}
	}
	refuse(alice, "alice has 2 sessions with this key")
	h.waits(bob)
	refuse(bob, "there are 3 sessions")
	if got := h.server.Sessions(); got != 3 {
		t.Errorf("there are %d sessions, want 3", got)
	}
	first.Close()
	<-h.ended
	for h.server.Sessions() != 2 { // its end is counted a moment after its handler's
		runtime.Gosched()
	}
	h.waits(bob)
}

func TestPanic(t *testing.T) {
	h := serve(t, Limits{})
	other := h.waits(h.as("bob"))
	s := h.session(h.as("alice"))
	said, _ := s.StderrPipe()
	err := s.Start("panic")
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(said)
	var exit *gossh.ExitError
	if err := s.Wait(); !errors.As(err, &exit) || exit.ExitStatus() != 1 {
		t.Errorf("it ended with %v, want status 1", err)
	}
	if !strings.Contains(string(text), "a defect of episteme (id ") || strings.Contains(string(text), "goroutine") || strings.Contains(string(text), "for the test") {
		t.Errorf("its user was told %q", text)
	}
	other.Close()
	if err := <-h.ended; !errors.Is(err, errGone) {
		t.Errorf("the other one ended with %v", err)
	}
}

// TestRevoked says that the sessions of a key end when it is taken out of the file, or its options change, and no others.
func TestRevoked(t *testing.T) {
	h := serve(t, Limits{})
	alice, bob := h.as("alice"), h.as("bob")
	h.waits(alice)
	h.waits(bob)
	writeKeys(t, h.keys, line("", "alice"), line(`role="list",subjects="auth/**"`, "bob"))
	h.server.revoke()
	if err := <-h.ended; !errors.Is(err, errRevoked) {
		t.Errorf("bob's session ended with %v", err)
	}
	if out, _ := h.runs(bob, "who"); out != "bob list [auth/**]" {
		t.Errorf("bob's next session has %q", out)
	}
	writeKeys(t, h.keys, "# nobody")
	h.server.revoke()
	if err := <-h.ended; !errors.Is(err, errRevoked) {
		t.Errorf("alice's session ended with %v", err)
	}
	if _, err := alice.NewSession(); err == nil || !strings.Contains(err.Error(), "taken out") {
		t.Errorf("a session of a key that is gone, over a connection that is there: %v", err)
	}
	if _, err := h.dial(gossh.PublicKeys(holder("alice"))); err == nil {
		t.Error("a key that is gone came in")
	}
	writeKeys(t, h.keys, line("", "alice"), "nonsense")
	if _, err := h.dial(gossh.PublicKeys(holder("alice"))); err == nil {
		t.Error("a file that cannot be read let a key in")
	}
	writeKeys(t, h.keys, line("", "alice"))
	if err := os.Chmod(h.keys, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := h.dial(gossh.PublicKeys(holder("alice"))); err == nil {
		t.Error("a file that others can read let a key in")
	}
}

func TestShutdown(t *testing.T) {
	h := serve(t, Limits{})
	s := h.waits(h.as("alice"))
	if err := h.server.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := <-h.ended; !errors.Is(err, ErrEnding) {
		t.Errorf("the session ended with %v", err)
	}
	var exit *gossh.ExitError
	if err := s.Wait(); !errors.As(err, &exit) || exit.ExitStatus() != 7 {
		t.Errorf("its client saw %v, want the handler's status", err)
	}
	if _, err := h.dial(gossh.PublicKeys(holder("alice"))); err == nil {
		t.Error("somebody came in")
	}
}
