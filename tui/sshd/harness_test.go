package sshd

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	gossh "golang.org/x/crypto/ssh"
)

// host is a server that the tests log in to.
type host struct {
	t       *testing.T
	server  *Server
	address string
	keys    string // the file
	refused chan Refusal
	ended   chan error // the causes with which the sessions of `wait` ended
	log     *strings.Builder
}

// holder makes a key that is the same each time.
func holder(name string) gossh.Signer {
	seed := make([]byte, ed25519.SeedSize)
	copy(seed, name)
	s, err := gossh.NewSignerFromKey(ed25519.NewKeyFromSeed(seed))
	if err != nil {
		panic(err) // a key of the right length
	}
	return s
}

// line is the line of somebody's key.
func line(options, name string) string {
	return strings.TrimSpace(options + " " + strings.TrimSpace(string(gossh.MarshalAuthorizedKey(holder(name).PublicKey()))) + " " + name)
}

func writeKeys(t *testing.T, path string, lines ...string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// serve starts a server at which alice and bob have keys.
func serve(t *testing.T, limits Limits) *host {
	t.Helper()
	dir := t.TempDir()
	h := &host{t: t, keys: filepath.Join(dir, "authorized_keys"), refused: make(chan Refusal, 100), ended: make(chan error, 100), log: &strings.Builder{}}
	writeKeys(t, h.keys, "# people", line("", "alice"), line(`role="list",subjects="auth/** web/*"`, "bob"))
	var err error
	h.server, err = New(Options{
		Keys: h.keys, HostKey: filepath.Join(dir, "host_key"), Handler: h.handle, Limits: limits,
		Refused: func(r Refusal) { h.refused <- r }, Log: slog.New(slog.NewTextHandler(h.log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h.address = l.Addr().String()
	over := make(chan error, 1)
	go func() { over <- h.server.Serve(l) }()
	t.Cleanup(func() {
		if err := h.server.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if err := <-over; err != nil {
			t.Error(err)
		}
	})
	return h
}

// handle is what the sessions of the tests do.
func (h *host) handle(s *Session) int {
	switch s.Raw {
	case "who":
		fmt.Fprintf(s.Out, "%s %s %v", s.Grant.Name, s.Grant.Role, s.Grant.Subjects)
	case "panic":
		panic("for the test")
	case "env":
		fmt.Fprintf(s.Out, "%q %q", s.Environ(), s.Getenv("PATH"))
	case "words":
		fmt.Fprintf(s.Out, "%q", s.Command)
	case "wait":
		io.WriteString(s.Out, "ready\n")
		<-s.Context().Done()
		h.ended <- context.Cause(s.Context())
		return 7
	case "size":
		fmt.Fprintf(s.Out, "%t %s %dx%d\n", s.Terminal, s.Term, s.Cols, s.Rows)
		for {
			select {
			case size := <-s.Resized:
				fmt.Fprintf(s.Out, "%dx%d\n", size[0], size[1])
			case <-s.Context().Done():
				return 0
			}
		}
	default:
		fmt.Fprintf(s.Out, "%q", s.Command)
	}
	return 3
}

// dial logs in.
func (h *host) dial(methods ...gossh.AuthMethod) (*gossh.Client, error) {
	return gossh.Dial("tcp", h.address, &gossh.ClientConfig{User: "x", Auth: methods, HostKeyCallback: gossh.FixedHostKey(h.server.host.PublicKey())})
}

// as logs in with somebody's key.
func (h *host) as(name string) *gossh.Client {
	h.t.Helper()
	c, err := h.dial(gossh.PublicKeys(holder(name)))
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { c.Close() }) // it may be closed by now
	return c
}

// session opens a session of a client.
func (h *host) session(c *gossh.Client) *gossh.Session {
	h.t.Helper()
	s, err := c.NewSession()
	if err != nil {
		h.t.Fatal(err)
	}
	return s
}

// runs runs a command and gives what it printed and its status.
func (h *host) runs(c *gossh.Client, command string) (out string, status int) {
	h.t.Helper()
	b, err := h.session(c).Output(command)
	var exit *gossh.ExitError
	if err != nil && !errors.As(err, &exit) {
		h.t.Fatalf("%q: %v", command, err)
	}
	if exit != nil {
		status = exit.ExitStatus()
	}
	return string(b), status
}

// waits begins a session of `wait`, and returns when its handler runs.
func (h *host) waits(c *gossh.Client) *gossh.Session {
	h.t.Helper()
	s := h.session(c)
	out, err := s.StdoutPipe()
	if err == nil {
		err = s.Start("wait")
	}
	if err != nil {
		h.t.Fatal(err)
	}
	if _, err := io.ReadFull(out, make([]byte, len("ready\n"))); err != nil {
		h.t.Fatal(err)
	}
	return s
}
