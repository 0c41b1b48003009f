package api_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"episteme/engine"
	"episteme/engine/api"
	"episteme/engine/record"
	"episteme/fixtures"
)

// now is the present of all tests: half an hour behind the incident of the fixture.
var now = time.Date(2024, 1, 15, 22, 32, 0, 0, time.UTC)

// incident is an engine in memory that holds the fixture auth-jwt.
func incident(t testing.TB) *engine.Engine {
	t.Helper()
	e := empty(t)
	f, ok := fixtures.ByName("auth-jwt")
	if !ok {
		t.Fatal("found no fixture auth-jwt")
	}
	takeIn(t, e, string(f.Events()))
	return e
}

func empty(t testing.TB) *engine.Engine {
	t.Helper()
	e, err := engine.Open(t.Context(), engine.Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

func takeIn(t testing.TB, e *engine.Engine, lines string) {
	t.Helper()
	done, err := e.Ingest(t.Context(), record.NewReader(bytes.NewReader([]byte(lines)), "test", e), engine.IngestOptions{
		Reject: func(r *record.Reject) { t.Error(r) },
	})
	if err != nil || done.Refused > 0 {
		t.Fatalf("ingest: %+v, %v", done, err)
	}
}

// served is a server over evidence, with a listener of each kind.
type served struct {
	t      testing.TB
	server *api.Server
	socket string // path
	tcp    map[api.Trust]string
}

func serve(t testing.TB, o api.Options) *served {
	t.Helper()
	if o.Now == nil {
		o.Now = func() time.Time { return now }
	}
	s, err := api.New(o)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "ep") // short: the path of a socket has some hundred bytes
	if err != nil {
		t.Fatal(err)
	}
	x := &served{t: t, server: s, socket: filepath.Join(dir, "s"), tcp: map[api.Trust]string{}}
	x.listen("unix", x.socket, api.Machine)
	for _, trust := range []api.Trust{api.Loopback, api.Strangers} {
		x.tcp[trust] = "http://" + x.listen("tcp", "127.0.0.1:0", trust)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		os.RemoveAll(dir)
	})
	return x
}

func (x *served) listen(network, address string, trust api.Trust) string {
	x.t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		x.t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- x.server.Serve(api.Door{Listener: l, Trust: trust}) }()
	x.t.Cleanup(func() {
		if err := <-done; err != nil {
			x.t.Error(err)
		}
	})
	return l.Addr().String()
}

func (x *served) client(o api.ClientOptions) *api.Client {
	x.t.Helper()
	c, err := api.NewClient(o)
	if err != nil {
		x.t.Fatal(err)
	}
	x.t.Cleanup(func() { c.Close() })
	return c
}

func (x *served) local() *api.Client { return x.client(api.ClientOptions{Socket: x.socket}) }

// request sends one, and gives its status, header and body.
func (x *served) request(trust api.Trust, method, path, token, body string, header ...string) (int, http.Header, string) {
	x.t.Helper()
	req, err := http.NewRequestWithContext(x.t.Context(), method, x.tcp[trust]+path, bytes.NewReader([]byte(body)))
	if err != nil {
		x.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
			continue
		}
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		x.t.Fatal(err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		x.t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(got)
}

// grant makes a token, and gives its secret.
func grant(t testing.TB, file string, g api.Grant) string {
	t.Helper()
	secret, err := api.NewToken(file, g)
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

// overSocket sends JSON lines as the holder of the machine, and gives status and body.
func (x *served) overSocket(method, path, body string) (int, string) {
	x.t.Helper()
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", x.socket)
	}
	transport := &http.Transport{DialContext: dial}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(x.t.Context(), method, "http://localhost"+path, bytes.NewReader([]byte(body)))
	if err != nil {
		x.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := transport.RoundTrip(req)
	if err != nil {
		x.t.Fatal(err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		x.t.Fatal(err)
	}
	return res.StatusCode, string(got)
}
