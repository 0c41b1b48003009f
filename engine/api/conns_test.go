package api_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"episteme/engine/api"
	"episteme/engine/record"
)

// dial opens a bare connection to a server on loopback.
func (x *served) dial() net.Conn {
	x.t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(x.tcp[api.Loopback], "http://"))
	if err != nil {
		x.t.Fatal(err)
	}
	x.t.Cleanup(func() { c.Close() })
	return c
}

// TestSlowSenders says that who sends a header or a body byte by byte, or nothing, is hung up on.
func TestSlowSenders(t *testing.T) {
	x := serve(t, api.Options{Evidence: empty(t), Limits: api.Limits{HeaderTime: 50 * time.Millisecond, StallTime: 50 * time.Millisecond}})
	for name, sent := range map[string]string{
		"nothing": "", "half a header": "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-", "a line at a time": "GET /healthz HTTP/1.1\r\n",
	} {
		c := x.dial()
		if _, err := io.WriteString(c, sent); err != nil {
			t.Fatal(err)
		}
		// It ends: reading it to its end would wait for ever otherwise.
		if got, _ := io.ReadAll(c); strings.Contains(string(got), "200 OK") {
			t.Errorf("%s: answered %q", name, got)
		}
	}
	conn, err := net.Dial("unix", x.socket)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "POST /query HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || res.StatusCode != http.StatusRequestTimeout {
		t.Errorf("a body that does not come: %v, %v; want 408", res, err)
	}
}

// TestBodyNobodyAskedFor says that a body which is announced and never comes does not hold up an answer that needs none:
// net/http would wait for it, and a few hundred such requests, which take no token, would be all there is room for.
func TestBodyNobodyAskedFor(t *testing.T) {
	x := serve(t, api.Options{Evidence: empty(t)})
	for _, header := range []string{"Content-Length: 100", "Transfer-Encoding: chunked"} {
		c := x.dial()
		if err := c.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil { // only so that a failure ends
			t.Fatal(err)
		}
		fmt.Fprintf(c, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n%s\r\n\r\n", header)
		if res, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil || res.StatusCode != 200 {
			t.Errorf("%s, and no body: %v, %v; want 200", header, res, err)
		}
	}
}

// TestProbeWithoutHost says that a probe of HTTP/1.0, which names no host, is answered.
func TestProbeWithoutHost(t *testing.T) {
	c := serve(t, api.Options{Evidence: empty(t)}).dial()
	fmt.Fprint(c, "GET /healthz HTTP/1.0\r\n\r\n")
	if res, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil || res.StatusCode != 200 {
		t.Errorf("a probe of HTTP/1.0: %v, %v; want 200", res, err)
	}
}

// TestFollowEndsWithItsToken says that a stream ends once its token is taken out.
func TestFollowEndsWithItsToken(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens")
	secret := grant(t, file, api.Grant{Name: "r", Role: api.RoleRead})
	x := serve(t, api.Options{Evidence: incident(t), Tokens: file})
	req, err := http.NewRequestWithContext(t.Context(), "GET", x.tcp[api.Strangers]+"/audit/queries", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/event-stream")
	req.Header.Set("Authorization", "Bearer "+secret)
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil || res.StatusCode != 200 {
		t.Fatalf("following: %v, %v", res, err)
	}
	defer res.Body.Close()
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	// It ends: reading it to its end would wait for ever otherwise.
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		t.Error(err)
	}
}

// TestHeaderFlood says that a header without end is refused.
func TestHeaderFlood(t *testing.T) {
	x := serve(t, api.Options{Evidence: empty(t), Limits: api.Limits{HeaderBytes: 4096}})
	c := x.dial()
	go func() { // the server may hang up before all is written
		fmt.Fprint(c, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n")
		for n := range 4096 {
			if _, err := fmt.Fprintf(c, "X-Header-%d: %s\r\n", n, strings.Repeat("x", 100)); err != nil {
				return
			}
		}
	}()
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err == nil && res.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a header without end = %d, want 431", res.StatusCode)
	}
}

// TestIdleConnectionsMakeRoom says that connections that ask nothing do not keep others out, however many they are.
func TestIdleConnectionsMakeRoom(t *testing.T) {
	x := serve(t, api.Options{Evidence: empty(t), Limits: api.Limits{Connections: 4, HeaderTime: time.Hour, IdleTime: time.Hour}})
	for range 64 {
		x.dial()
	}
	for range 8 {
		c := x.dial()
		fmt.Fprint(c, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || res.StatusCode != 200 {
			t.Fatalf("behind idle connections: %v, %v", res, err)
		}
	}
}

// TestFollow says that who follows is sent each query once, in the order of the journal, and goes on where it was.
func TestFollow(t *testing.T) {
	e := incident(t)
	x := serve(t, api.Options{Evidence: e})
	follow := func(last string) (*bufio.Reader, context.CancelFunc) {
		ctx, cancel := context.WithCancel(t.Context())
		req, err := http.NewRequestWithContext(ctx, "GET", x.tcp[api.Loopback]+"/audit/queries?agent=ann", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept", "text/event-stream")
		if last != "" {
			req.Header.Set("Last-Event-ID", last)
		}
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil || res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream" {
			t.Fatalf("following: %v, %v", res, err)
		}
		t.Cleanup(func() { res.Body.Close() })
		in := bufio.NewReader(res.Body)
		if line, err := in.ReadString('\n'); err != nil || line != ": following\n" {
			t.Fatalf("the stream begins with %q, %v", line, err)
		}
		return in, cancel
	}
	next := func(in *bufio.Reader) (id, data string) {
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			if text, ok := strings.CutPrefix(line, "id: "); ok {
				id = strings.TrimSpace(text)
			}
			if text, ok := strings.CutPrefix(line, "data: "); ok {
				return id, text
			}
		}
	}
	ask := func(agent, subject string) {
		if _, err := e.Ask(t.Context(), record.Query{Agent: agent, Subject: subject, Predicate: "p", Timestamp: record.Time(now.UnixNano()), AsOf: record.Unset}); err != nil {
			t.Fatal(err)
		}
	}
	in, cancel := follow("")
	ask("ann", "s1")
	ask("bob", "s2")
	ask("ann", "s3")
	first, data := next(in)
	if !strings.Contains(data, `"subject":"s1"`) {
		t.Errorf("the first that is sent is %s", data)
	}
	if _, data := next(in); !strings.Contains(data, `"subject":"s3"`) {
		t.Errorf("the second that is sent is %s", data)
	}
	cancel()
	in, _ = follow(first)
	if _, data := next(in); !strings.Contains(data, `"subject":"s3"`) {
		t.Errorf("behind %s is sent %s", first, data)
	}
}

// TestFollowUpToNow says that who follows the last hours is sent what is asked from now on: the range ended at the time of
// the request, and nothing ever came.
func TestFollowUpToNow(t *testing.T) {
	e := incident(t)
	x := serve(t, api.Options{Evidence: e})
	req, err := http.NewRequestWithContext(t.Context(), "GET", x.tcp[api.Loopback]+"/audit/queries?time=1+hour+ago", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/event-stream")
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil || res.StatusCode != 200 {
		t.Fatalf("following: %v, %v", res, err)
	}
	defer res.Body.Close()
	for _, ago := range []time.Duration{2 * time.Hour, -time.Hour} { // before the range, and behind the time of the request
		at := record.Time(now.Add(-ago).UnixNano())
		if _, err := e.Ask(t.Context(), record.Query{Agent: "ann", Subject: "s", Predicate: ago.String(), Timestamp: at, AsOf: at}); err != nil {
			t.Fatal(err)
		}
	}
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			if !strings.Contains(data, `"predicate":"-1h0m0s"`) {
				t.Errorf("the first that is sent is %s", data)
			}
			return
		}
	}
	t.Error("nothing is sent")
}
