package sshd

import (
	"bufio"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"
)

// drained takes what a host notes of refusals, so that nobody waits for a test that does not look at them.
func (h *host) drained() {
	go func() {
		for range h.refused { // the goroutine lives as long as the test's process
		}
	}()
}

// TestTwoHundredStrangers says that connections that never log in keep nobody out who does, and are not kept themselves.
func TestTwoHundredStrangers(t *testing.T) {
	h := serve(t, Limits{LoginTime: time.Hour})
	h.drained()
	bob := h.as("bob")
	h.waits(bob)
	for n := range 200 {
		c, err := net.Dial("tcp", h.address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := bufio.NewReader(c).ReadString('\n'); err != nil { // the server's version: it is counted
			t.Fatalf("connection %d: %v", n, err)
		}
		switch n % 3 {
		case 1:
			io.WriteString(c, "SSH-2.0-x\r\n") // and no more
		case 2:
			io.WriteString(c, strings.Repeat("x", 300)) // a version without end: it is cut off for that
		}
	}
	if out, _ := h.runs(h.as("alice"), "who"); out != "alice read []" {
		t.Errorf("alice sees %q", out)
	}
	if out, _ := h.runs(bob, "who"); !strings.HasPrefix(out, "bob") {
		t.Errorf("bob sees %q", out)
	}
	if n := len(h.server.connections()); n > 64+2 {
		t.Errorf("%d connections are kept, want at most 66", n)
	}
}

// TestTenThousandChannels says that one who opens channel after channel gets the sessions of a key and no more, keeps
// nobody else out, and leaves nothing behind.
func TestTenThousandChannels(t *testing.T) {
	h := serve(t, Limits{})
	h.drained()
	bob := h.as("bob")
	h.waits(bob)
	before := runtime.NumGoroutine()
	alice := h.as("alice")
	open := 0
	for n := range 10_000 {
		kind := "session"
		if n%10 == 9 {
			kind = "direct-tcpip"
		}
		_, requests, err := alice.OpenChannel(kind, nil)
		var refused *gossh.OpenChannelError
		switch {
		case err == nil:
			go gossh.DiscardRequests(requests)
			open++
		case !errors.As(err, &refused):
			t.Fatalf("channel %d: %v", n, err)
		}
	}
	if open != 16 {
		t.Errorf("%d sessions were opened, want 16", open)
	}
	if out, _ := h.runs(bob, "who"); !strings.HasPrefix(out, "bob") {
		t.Errorf("bob sees %q", out)
	}
	alice.Close()
	for h.server.Sessions() > 1 || runtime.NumGoroutine() > before+2 { // the end of each is counted a moment later
		runtime.Gosched()
	}
}

// TestFloodOfRequests says that one who asks for the same thing again and again is answered each time, and nothing grows.
func TestFloodOfRequests(t *testing.T) {
	h := serve(t, Limits{})
	alice := h.as("alice")
	s := h.session(alice)
	if err := s.RequestPty("xterm", 24, 80, nil); err != nil {
		t.Fatal(err)
	}
	for range 2_000 {
		if err := s.Setenv("LANG", "C"); err != nil {
			t.Fatal(err)
		}
		if err := s.WindowChange(1<<20, 1<<20); err != nil {
			t.Fatal(err)
		}
		if ok, _, err := alice.SendRequest("keepalive@openssh.com", true, nil); ok || err != nil {
			t.Fatalf("a sign of life: %t, %v; want an answer, and that it is not known", ok, err)
		}
		if ok, err := s.SendRequest("pty-req", true, []byte("\x00")); ok || err != nil {
			t.Fatalf("another terminal: %t, %v; want it refused", ok, err)
		}
	}
	out, err := s.StdoutPipe()
	if err == nil {
		err = s.Start("size")
	}
	if err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); strings.TrimSpace(line) != "true xterm 1000x500" {
		t.Errorf("the session says %q, %v", line, err)
	}
}

// TestLongCommands says which command is taken and which is not, and that one beyond every packet ends its connection
// alone.
func TestLongCommands(t *testing.T) {
	h := serve(t, Limits{})
	h.drained()
	bob := h.as("bob")
	for n, taken := range map[int]bool{commandMax - 4: true, commandMax - 3: false, 100 << 10: false} {
		err := h.session(h.as("alice")).Run(strings.Repeat("x", n))
		var exit *gossh.ExitError
		if got := errors.As(err, &exit); got != taken {
			t.Errorf("a command of %d bytes: %v, want it taken: %t", n, err, taken)
		}
	}
	if err := h.session(h.as("alice")).Run(strings.Repeat("x", 10<<20)); err == nil {
		t.Error("a command of 10 MiB was taken")
	}
	if out, _ := h.runs(bob, "who"); !strings.HasPrefix(out, "bob") {
		t.Errorf("bob sees %q", out)
	}
}
