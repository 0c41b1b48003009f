//go:build unix

package cli_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// sending is a file of records on its way into a server, and what the server says of its lines.
type sending struct {
	t    *testing.T
	in   *io.PipeWriter
	told *bufio.Scanner
	n    int
}

// send begins to send records to a server.
func (s *server) send(token string) *sending {
	s.tm.t.Helper()
	out, in := io.Pipe()
	req, err := http.NewRequestWithContext(s.tm.t.Context(), "POST", s.url+"/records", out)
	if err != nil {
		s.tm.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	req.Header.Set("Authorization", "Bearer "+token)
	x := &sending{t: s.tm.t, in: in}
	answered := make(chan *http.Response, 1)
	go func() {
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			in.CloseWithError(err)
		}
		answered <- res
	}()
	x.more() // what is kept is told before all is sent
	res := <-answered
	if res == nil || res.StatusCode != 200 {
		s.tm.t.Fatalf("sending records: %v", res)
	}
	s.tm.t.Cleanup(func() { res.Body.Close() })
	x.told = bufio.NewScanner(res.Body)
	return x
}

// more sends records of a few groups.
func (x *sending) more() {
	x.t.Helper()
	for range 2_000 {
		x.n++
		if _, err := fmt.Fprintf(x.in, `{"kind":"event","type":"note","title":"number %d","agent":"sender","timestamp":"2024-01-15T22:00:00.%06dZ"}`+"\n", x.n, x.n); err != nil {
			x.t.Fatalf("line %d: %v", x.n, err)
		}
	}
}

// line is the next thing that the server says.
func (x *sending) line() (told struct {
	Result string
	IDs    []string
	Kept   int
}, ok bool) {
	if !x.told.Scan() {
		return told, false
	}
	if err := json.Unmarshal(x.told.Bytes(), &told); err != nil {
		return told, false
	}
	return told, true
}

// follows opens a live list, and gives a channel that is closed when the list ends.
func (s *server) follows() <-chan struct{} {
	s.tm.t.Helper()
	req, err := http.NewRequestWithContext(s.tm.t.Context(), "GET", s.url+"/audit/queries", nil)
	if err != nil {
		s.tm.t.Fatal(err)
	}
	req.Header.Set("Accept", "text/event-stream")
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil || res.StatusCode != 200 {
		s.tm.t.Fatalf("following: %v, %v", res, err)
	}
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, res.Body) // it ends with the server, however that ends
		res.Body.Close()
		close(ended)
	}()
	return ended
}

// TestTermFinishesWhatRuns asks a server to end while a file is on its way in and somebody follows: nothing new is
// accepted, who follows is sent away, the file is taken in to its end, and the journal is closed properly.
func TestTermFinishesWhatRuns(t *testing.T) {
	tm := newTeam(t)
	tokens := filepath.Join(filepath.Dir(tm.data), "tokens")
	secret, _ := tm.run(0, "token", "new", "--tokens", tokens, "--name", "w", "--role", "write")
	s := tm.serve("--http", "127.0.0.1:0", "--tokens", tokens)
	following := s.follows()
	file := s.send(strings.TrimSpace(secret))
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-following // from here on the server is ending
	if c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://")); err == nil {
		c.Close()
		t.Error("a server that is ending takes a connection")
	}
	file.more()
	file.in.Close()
	last, told := 0, 0
	for {
		line, ok := file.line()
		if !ok {
			break
		}
		if told++; line.Result == "" {
			last = line.Kept
		}
	}
	if last != file.n || told != file.n+1 {
		t.Errorf("of %d lines %d were told, and %d counted as kept", file.n, told-1, last)
	}
	if log := <-s.rest; !strings.Contains(log, "msg=ended error=<nil>") {
		t.Errorf("the server logged %s", log)
	}
	if err := s.cmd.Wait(); err != nil {
		t.Errorf("the server ended with %v", err)
	}
	if out, _ := tm.run(0, "doctor", "-o", "json"); !strings.Contains(out, `"journal_clean"`) {
		t.Errorf("doctor behind a server that ended: %s", out)
	}
	if out, _ := tm.run(0, "find", "agent:sender", "-o", "ndjson"); strings.Count(out, "\n") != file.n {
		t.Errorf("%d of %d records are there", strings.Count(out, "\n"), file.n)
	}
}

// TestKilledServer kills a server while a file is on its way in: each line that was called kept is there, and the socket
// that lies about is in nobody's way.
func TestKilledServer(t *testing.T) {
	tm := newTeam(t)
	tokens := filepath.Join(filepath.Dir(tm.data), "tokens")
	secret, _ := tm.run(0, "token", "new", "--tokens", tokens, "--name", "w", "--role", "write")
	s := tm.serve("--http", "127.0.0.1:0", "--tokens", tokens)
	file := s.send(strings.TrimSpace(secret))
	var kept []string
	for len(kept) < 500 {
		line, ok := file.line()
		if !ok {
			t.Fatal("the answer broke off before the server did")
		}
		kept = append(kept, line.IDs...)
	}
	if err := s.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for { // what was on its way
		line, ok := file.line()
		if !ok {
			break
		}
		kept = append(kept, line.IDs...)
	}
	<-s.rest
	_ = s.cmd.Wait() // it was killed
	socket := filepath.Join(tm.data, "episteme.sock")
	if _, err := os.Lstat(socket); err != nil {
		t.Errorf("a server that was killed took its socket along: %v", err)
	}
	out, errOut := tm.run(0, "find", "agent:sender", "-o", "ndjson")
	for _, id := range kept {
		if !strings.Contains(out, id) {
			t.Fatalf("%s was called kept and is gone; %d were kept\n%s", id, len(kept), errOut)
		}
	}
	if !strings.Contains(errOut, "had not been closed properly") {
		t.Errorf("nobody was told: %s", errOut)
	}
	tm.run(0, "verify")
	if _, err := os.Lstat(socket); err == nil {
		t.Error("the stale socket is still there")
	}
}

// TestAttachedScreen says that a screen on a directory that another process holds says so, takes in what a third one
// records, and goes on when the holder ends: then it holds the directory itself and serves the others.
func TestAttachedScreen(t *testing.T) {
	tm := newTeam(t)
	s := tm.serve()
	env := append(tm.command().Env, "TERM=xterm-256color", "HOME="+t.TempDir(), "XDG_CONFIG_HOME="+t.TempDir(), "NO_COLOR=")
	screen := open(t, 120, 40, env, "tui")
	screen.shows("› timeline", "queries ·", "   attached")
	if _, err := io.WriteString(screen.file, "G"); err != nil { // to the newest, and stay with it
		t.Fatal(err)
	}
	tm.run(0, "query", "auth/jwt", "signing_algorithm", "--agent", "newcomer")
	screen.shows("newcomer")
	s.end()
	screen.until("nobody else holds the directory", func() bool {
		first, _, _ := strings.Cut(screen.screen(), "\n")
		return !strings.Contains(first, "   attached")
	})
	if _, errOut := tm.run(0, "query", "auth/jwt", "signing_algorithm", "--agent", "latecomer"); !strings.Contains(errOut, "attached to process") {
		t.Errorf("beside a screen that holds the directory: %s", errOut)
	}
	screen.shows("latecomer")
}
