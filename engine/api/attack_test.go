package api_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"episteme/engine"
	"episteme/engine/api"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// TestBareRequests sends what no client sends. Each gets one answer, and where a request could be taken for two, the
// connection is closed behind it: nobody in front of this server and nobody behind can see two where the other sees one.
func TestBareRequests(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens")
	secret := grant(t, file, api.Grant{Name: "w", Role: api.RoleWrite})
	x := serve(t, api.Options{Evidence: incident(t), Tokens: file})
	const host = "Host: localhost\r\nConnection: close\r\n"
	post := "POST /query HTTP/1.1\r\n" + host + "Content-Type: application/json\r\nAuthorization: Bearer " + secret + "\r\n"
	tests := []struct{ name, sent, answer string }{
		{"two lengths", post + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", "400 "},
		{"a length and chunks: the chunks count, and the rest is no request", post + "Content-Length: 40\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", "400 "},
		{"a coding that is none", post + "Transfer-Encoding: x, chunked\r\n\r\n0\r\n\r\n", "501 "},
		{"a blank before the colon", post + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", "400 "},
		{"a length below nothing", post + "Content-Length: -1\r\n\r\n", "400 "},
		{"a length beyond everything", post + "Content-Length: 99999999999999999999\r\n\r\n{", "400 "},
		{"chunks that begin with nothing", post + "Transfer-Encoding: chunked\r\n\r\n;" + strings.Repeat("a", 9000) + "\r\n", "400 "},
		{"two hosts", "GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", "400 "},
		{"another host in the target", "GET http://evil.example/healthz HTTP/1.1\r\n" + host + "\r\n", "421 "},
		{"a tunnel", "CONNECT localhost:22 HTTP/1.1\r\n" + host + "\r\n", "404 "},
		{"everything at once passes the guard too", "OPTIONS * HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", "421 "},
		{"another protocol", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "4"},
		{"an upgrade that nobody offered", "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n", "200 "},
		{"an escape that is none", "GET /records/%zz HTTP/1.1\r\n" + host + "\r\n", "400 "},
		{"a zero in a header", "GET /healthz HTTP/1.1\r\n" + host + "X: \x00\r\n\r\n", "400 "},
		{"an expectation that nobody meets", post + "Expect: x\r\nContent-Length: 2\r\n\r\n{}", "417 "},
		{"two tokens: the first counts", "GET /audit/agents HTTP/1.1\r\n" + host + "Authorization: Bearer x\r\nAuthorization: Bearer y\r\n\r\n", "401 "},
		{"following without reading what comes", "HEAD /audit/queries HTTP/1.1\r\n" + host + "Accept: text/event-stream\r\n\r\n", "200 "},
		{"a trailer that would be a header", "POST /query HTTP/1.1\r\n" + host + "Content-Type: application/json\r\nTrailer: Authorization\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nAuthorization: Bearer x\r\n\r\n", "401 "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := x.dial()
			if _, err := io.WriteString(c, tt.sent); err != nil {
				t.Fatal(err)
			}
			got, _ := io.ReadAll(c) // it ends, or this would wait for ever
			if !strings.HasPrefix(string(got), "HTTP/1.1 "+tt.answer) || strings.Count(string(got), "HTTP/1.1 ") != 1 {
				t.Errorf("%q is answered %.300q, want one answer that begins with %s", tt.sent, got, tt.answer)
			}
		})
	}
}

// TestAllow says that who asks with the wrong method is told the right ones.
func TestAllow(t *testing.T) {
	x := serve(t, api.Options{Evidence: empty(t)})
	for path, want := range map[string]string{"/audit/queries": "GET, HEAD", "/query": "POST", "/records": "GET, HEAD, POST"} {
		for _, method := range []string{"OPTIONS", "TRACE", "PUT", "DELETE", "PATCH", "get"} {
			if status, header, _ := x.request(api.Loopback, method, path, "", ""); status != http.StatusMethodNotAllowed || header.Get("Allow") != want {
				t.Errorf("%s %s = %d, Allow: %q; want 405, %q", method, path, status, header.Get("Allow"), want)
			}
		}
	}
}

// bent is evidence with one method that goes wrong.
type bent struct {
	*engine.Engine
	ask    func(context.Context, record.Query) (ask.Audit, error)
	agents func() ([]ask.Agent, error)
}

func (f *bent) Ask(ctx context.Context, q record.Query) (ask.Audit, error) {
	if f.ask == nil {
		return f.Engine.Ask(ctx, q)
	}
	return f.ask(ctx, q)
}

func (f *bent) Agents(ctx context.Context) ([]ask.Agent, error) {
	if f.agents == nil {
		return f.Engine.Agents(ctx)
	}
	return f.agents()
}

// TestLastTokenWithoutAnEnd says that a token counts which is made behind a line that an editor left open, and that two
// tokens on one line are refused: the second would never count.
func TestLastTokenWithoutAnEnd(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens")
	first := grant(t, file, api.Grant{Name: "a", Role: api.RoleRead})
	held, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, bytes.TrimSpace(held), 0o600); err != nil {
		t.Fatal(err)
	}
	second := grant(t, file, api.Grant{Name: "b", Role: api.RoleRead})
	x := serve(t, api.Options{Evidence: empty(t), Tokens: file})
	for _, secret := range []string{first, second} {
		if status, _, body := x.request(api.Strangers, "GET", "/audit/queries", secret, ""); status != 200 {
			t.Errorf("a token = %d %s", status, body)
		}
	}
	if held, err = os.ReadFile(file); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, bytes.Replace(held, []byte("\n"), nil, 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := api.New(api.Options{Evidence: empty(t), Tokens: file}); err == nil || !strings.Contains(err.Error(), "expected one token a line") {
		t.Errorf("two tokens on a line: %v", err)
	}
}

// TestIdleConnections opens more connections than there is room for, which say nothing or are between two requests. Who
// has something to ask is answered all the same.
func TestIdleConnections(t *testing.T) {
	x := serve(t, api.Options{Evidence: incident(t)})
	const many = 2_000 // each is two open files here
	for n := range many {
		c := x.dial()
		if n%2 == 0 {
			if _, err := io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
				continue // it made room
			}
			if _, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil {
				t.Fatalf("connection %d: %v", n, err)
			}
		}
	}
	if status, _, _ := x.request(api.Loopback, "GET", "/audit/queries?limit=1", "", "", "Connection", "close"); status != 200 {
		t.Errorf("beside %d connections, a request = %d", many, status)
	}
}

// TestQuestionsThatMakeNoSense asks with values that no list has.
func TestQuestionsThatMakeNoSense(t *testing.T) {
	x := serve(t, api.Options{Evidence: incident(t)})
	for path, want := range map[string]int{
		"/audit/queries?limit=-1": 400, "/audit/queries?limit=99999999999": 400, "/audit/queries?limit=1e3": 400, "/audit/queries?limit=%31": 200,
		"/audit/queries?cursor=zzz": 400, "/audit/queries?cursor=%00": 400, "/audit/findings?cursor=GOrKOwDGywkAAAAAAAABUAAAAAAAAAFQAAAAAAAAAAA": 400,
		"/audit/find?text=auth&cursor=GOrKOwDGywkAAAAAAAABUAAAAAAAAAFQAAAAAAAAAAA": 400,
		"/audit/queries?from=2024-02-01&to=2024-01-01":                             400, "/audit/events?from=2024-02-01&to=2024-01-01": 400,
		"/audit/diff?from=2024-02-01&to=2024-01-01": 400, "/audit/queries?from=9999999-01-01": 400, "/audit/queries?to=9999-12-31T23:59:59Z": 400,
		"/audit/queries?from=-9999999999999999999": 400, "/audit/queries?subject=%7Ba,%7Bb": 400, "/audit/queries?buckets=-1": 400,
		"/audit/bisect": 400, "/audit/bisect?subject=auth/jwt": 400, "/audit/near": 400, "/audit/find": 400, "/ids": 400,
		"/audit/queries%2Fabcd": 404, "/audit%2Fqueries": 404, "/records/..%2f..%2fetc%2fpasswd": 400, "/records/": 404,
		"/audit/queries?search_time=-1s": 400, "/audit/queries?search_time=1000000h": 400, "/audit/queries?search_records=0": 400,
		"/audit/impact/agent:": 404, "/records/abcd/provenance?depth=-1": 400, "/audit/queries?label=%00": 400, "/audit/queries?a;b": 400,
	} {
		status, header, body := x.request(api.Loopback, "GET", path, "", "")
		if status != want {
			t.Errorf("GET %s = %d %.300s, want %d", path, status, body, want)
		}
		if status >= 400 {
			problem(t, header, body)
		}
	}
}

// TestForwardedOverTheSocket says that what a proxy passes on over the socket is not the word of whoever may open it.
func TestForwardedOverTheSocket(t *testing.T) {
	x := serve(t, api.Options{Evidence: incident(t)})
	for header, want := range map[string]string{"X-Forwarded-For: 192.0.2.1": "401 ", "Forwarded: for=192.0.2.1": "401 ", "X-Real-IP: 192.0.2.1": "401 ", "Via: 1.1 proxy": "401 ", "X-Nothing: x": "200 "} {
		c, err := net.Dial("unix", x.socket)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c, "GET /audit/agents HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s\r\n\r\n", header)
		got, _ := io.ReadAll(c)
		c.Close()
		if !strings.HasPrefix(string(got), "HTTP/1.1 "+want) {
			t.Errorf("%s over the socket is answered %.100q, want %s", header, got, want)
		}
	}
}

// TestStreamsOfOne says that one token takes at most half of the places of those that follow live, all of them no more
// than there are, and that a place is given back.
func TestStreamsOfOne(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens")
	a, b, c := grant(t, file, api.Grant{Name: "a", Role: api.RoleRead}), grant(t, file, api.Grant{Name: "b", Role: api.RoleList}), grant(t, file, api.Grant{Name: "c", Role: api.RoleRead})
	x := serve(t, api.Options{Evidence: incident(t), Tokens: file, Limits: api.Limits{Streams: 4, PerSecond: 1e9, Burst: 1e9}})
	follow := func(secret string) (*http.Response, context.CancelFunc) {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		t.Cleanup(cancel)
		req, err := http.NewRequestWithContext(ctx, "GET", x.tcp[api.Strangers]+"/audit/queries", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header = http.Header{"Accept": {"text/event-stream"}, "Authorization": {"Bearer " + secret}}
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { res.Body.Close() })
		return res, cancel
	}
	follow(a)
	_, leave := follow(a)
	for _, step := range []struct {
		secret string
		status int
		says   string
	}{{a, 503, "a follows live 2 times already"}, {b, 200, ""}, {b, 200, ""}, {c, 503, "4 follow live already"}} {
		res, _ := follow(step.secret)
		if res.StatusCode != step.status {
			t.Errorf("one more = %d, want %d", res.StatusCode, step.status)
		}
		if body := make([]byte, 512); step.status != 200 {
			n, _ := io.ReadFull(res.Body, body)
			if !strings.Contains(string(body[:n]), step.says) || res.Header.Get("Retry-After") == "" {
				t.Errorf("one more is told %s", body[:n])
			}
		}
	}
	leave()
	for { // its end is seen a moment later
		if res, _ := follow(c); res.StatusCode == 200 {
			return
		}
	}
}
