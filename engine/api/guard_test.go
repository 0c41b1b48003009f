package api_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"episteme/engine"
	"episteme/engine/api"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// problem is the name of the failure that a body tells of.
func problem(t *testing.T, header http.Header, body string) string {
	t.Helper()
	var p api.Problem
	if err := json.Unmarshal([]byte(body), &p); err != nil || header.Get("Content-Type") != "application/problem+json" {
		t.Fatalf("found %s %q, expected a problem document: %v", header.Get("Content-Type"), body, err)
	}
	if p.Detail == "" || p.Title == "" {
		t.Errorf("the problem says nothing: %s", body)
	}
	return strings.TrimPrefix(p.Type, "urn:episteme:problem:")
}

const someQuestion = `{"agent":"ann","subject":"auth/jwt","predicate":"signing_algorithm","timestamp":"2024-01-15T22:00:00Z"}`

// TestGuard says what is refused, with which status and under which name.
func TestGuard(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens")
	secrets := map[string]string{}
	for name, g := range map[string]api.Grant{
		"list": {Role: api.RoleList}, "read": {Role: api.RoleRead}, "write": {Role: api.RoleWrite, Agents: []string{"ann*"}}, "admin": {Role: api.RoleAdmin},
		"auth": {Role: api.RoleWrite, Subjects: []string{"auth/**"}},
	} {
		g.Name = name
		secrets[name] = grant(t, file, g)
	}
	x := serve(t, api.Options{Evidence: incident(t), Tokens: file, Hosts: []string{"episteme.example.org"}})
	const l, s = api.Loopback, api.Strangers
	long := strings.Repeat("x", 5000)
	tests := []struct {
		name         string // says the rule
		trust        api.Trust
		method, path string
		token, body  string
		header       []string
		status       int
		problem      string
	}{
		{"loopback reads without a token", l, "GET", "/audit/queries", "", "", nil, 200, ""},
		{"loopback writes with a token only", l, "POST", "/query", "", someQuestion, nil, 401, "unauthorized"},
		{"loopback tries out with a token only", l, "POST", "/preview", "", someQuestion, nil, 401, "unauthorized"},
		{"what a proxy passed on does not come from loopback", l, "GET", "/audit/queries", "", "", []string{"X-Forwarded-For", "10.0.0.1"}, 401, "unauthorized"},
		{"strangers read with a token only", s, "GET", "/audit/queries", "", "", nil, 401, "unauthorized"},
		{"a token that nobody knows", s, "GET", "/audit/queries", "ept_x", "", nil, 401, "unauthorized"},
		{"a token that nobody knows is not nobody", l, "GET", "/audit/queries", "ept_x", "", nil, 401, "unauthorized"},
		{"another scheme", s, "GET", "/audit/queries", "", "", []string{"Authorization", "Basic YTpi"}, 401, "unauthorized"},
		{"the probes are open", s, "GET", "/healthz", "", "", nil, 200, ""},
		{"ready", s, "GET", "/readyz", "", "", nil, 200, ""},
		{"a role that is too weak to ask", s, "POST", "/query", secrets["read"], someQuestion, nil, 403, "forbidden"},
		{"a role that is too weak to read", s, "GET", "/audit/events", secrets["list"], "", nil, 403, "forbidden"},
		{"list looks for no words in values", s, "GET", "/audit/queries?text=ES256", secrets["list"], "", nil, 403, "forbidden"},
		{"a role that is enough", s, "POST", "/query", secrets["write"], someQuestion, nil, 200, ""},
		{"an agent that it may not speak for", s, "POST", "/query", secrets["write"], strings.Replace(someQuestion, "ann", "bob", 1), nil, 403, "forbidden"},
		{"a subject that it may not see", s, "POST", "/query", secrets["auth"], strings.Replace(someQuestion, "auth/jwt", "billing/x", 1), nil, 403, "forbidden"},
		{"a record of an agent that it may not speak for", s, "POST", "/records", secrets["write"], `{"kind":"epoch","name":"n","agent":"bob","timestamp":"2024-01-15T22:00:00Z"}`, nil, 403, ""},
		{"an authority that it may not claim", s, "POST", "/records", secrets["write"], `{"kind":"source","name":"n","agent":"ann","authority":0.9,"timestamp":"2024-01-15T22:00:00Z"}`, nil, 403, ""},
		{"no such record", l, "GET", "/records/a_00000000000000000000000000000000000000000000000000000000000000ff", "", "", nil, 404, "not-found"},
		{"no such route", l, "GET", "/audit", "", "", nil, 404, "no-such-route"},
		{"up and away", l, "GET", "/audit/../records", "", "", nil, 404, "no-such-route"},
		{"up and away, escaped", l, "GET", "/records/%2e%2e%2f%2e%2e%2fetc%2fpasswd", "", "", nil, 400, "usage"},
		{"an id of nothing", l, "GET", "/records/%00", "", "", nil, 400, "usage"},
		{"two slashes", l, "GET", "//audit/queries", "", "", nil, 404, "no-such-route"},
		{"another method", l, "DELETE", "/records/abcd", "", "", nil, 405, "method"},
		{"an ambiguous id", l, "GET", "/ids?typed=a", "", "", nil, 400, "usage"},
		{"an unknown parameter", l, "GET", "/audit/queries?agnet=x", "", "", nil, 400, "usage"},
		{"a parameter twice", l, "GET", "/audit/queries?agent=x&agent=y", "", "", nil, 400, "usage"},
		{"a limit that is none", l, "GET", "/audit/queries?limit=0", "", "", nil, 400, "usage"},
		{"a limit beyond the limit", l, "GET", "/audit/queries?limit=1001", "", "", nil, 400, "usage"},
		{"a depth beyond the limit", l, "GET", "/records/abcd/provenance?depth=1001", "", "", nil, 400, "usage"},
		{"a time that is none", l, "GET", "/audit/queries?from=01/02/2024", "", "", nil, 400, "time"},
		{"a parameter beyond the limit", l, "GET", "/audit/queries?text=" + long, "", "", nil, 400, "usage"},
		{"half of a diff", l, "GET", "/audit/diff?left=abcd", "", "", nil, 400, "usage"},
		{"a form", l, "POST", "/query", secrets["write"], "a=b", []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "media-type"},
		{"plain text", l, "POST", "/records", secrets["write"], someQuestion, []string{"Content-Type", "text/plain"}, 415, "media-type"},
		{"a compression that nobody knows", l, "POST", "/query", secrets["write"], someQuestion, []string{"Content-Encoding", "br"}, 415, "encoding"},
		{"no gzip", l, "POST", "/query", secrets["write"], someQuestion, []string{"Content-Encoding", "gzip"}, 400, "malformed"},
		{"no zstd", l, "POST", "/query", secrets["write"], someQuestion, []string{"Content-Encoding", "zstd"}, 400, "malformed"},
		{"no JSON", l, "POST", "/query", secrets["write"], `{"agent":`, nil, 400, "malformed"},
		{"more than one object", l, "POST", "/query", secrets["write"], someQuestion + `{}`, nil, 400, "malformed"},
		{"a wrong type", l, "POST", "/query", secrets["write"], strings.Replace(someQuestion, `"auth/jwt"`, "7", 1), nil, 400, "malformed"},
		{"an unknown field", l, "POST", "/query", secrets["write"], strings.Replace(someQuestion, `"predicate"`, `"predicat"`, 1), nil, 400, "malformed"},
		{"bytes that are no text", l, "POST", "/query", secrets["write"], strings.Replace(someQuestion, "jwt", "\xff", 1), nil, 400, "malformed"},
		{"a question without a subject", l, "POST", "/query", secrets["write"], `{"agent":"ann"}`, nil, 400, "usage"},
		{"a lens that is none", l, "POST", "/query", secrets["write"], strings.Replace(someQuestion, `"agent"`, `"lens":"x","agent"`, 1), nil, 400, "usage"},
		{"a stage that is none", l, "POST", "/query", secrets["write"], strings.Replace(someQuestion, `"agent"`, `"lifecycle_filter":"x","agent"`, 1), nil, 400, "usage"},
		{"lines that are all refused", l, "POST", "/records", secrets["write"], `{"kind":"vote"}`, nil, 422, ""},
		{"strict lines of which one is refused", l, "POST", "/records?strict=true", secrets["write"], `{"kind":"vote"}`, nil, 422, "strict"},
		{"the name of the machine elsewhere", l, "GET", "/audit/queries", "", "", []string{"Host", "evil.example.com"}, 421, "host"},
		{"an address that is not this one", s, "GET", "/healthz", "", "", []string{"Host", "192.0.2.1:80"}, 421, "host"},
		{"a field of the wrong type", l, "POST", "/query", secrets["write"], `{"agent":7}`, nil, 400, "malformed"},
		{"a name that was given", s, "GET", "/healthz", "", "", []string{"Host", "Episteme.example.org:8443"}, 200, ""},
		{"a foreign page", l, "GET", "/audit/queries", "", "", []string{"Origin", "https://evil.example.com"}, 403, "foreign-origin"},
		{"a page without an origin", l, "GET", "/audit/queries", "", "", []string{"Origin", "null"}, 403, "foreign-origin"},
		{"a foreign page that hides its origin", l, "GET", "/audit/queries", "", "", []string{"Sec-Fetch-Site", "cross-site"}, 403, "foreign-origin"},
		{"a page of another server of this machine", l, "GET", "/audit/queries", "", "", []string{"Sec-Fetch-Site", "same-site"}, 403, "foreign-origin"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := *x
			x.t = t
			status, header, body := x.request(tt.trust, tt.method, tt.path, tt.token, tt.body, tt.header...)
			if status != tt.status {
				t.Fatalf("%s %s = %d, want %d: %s", tt.method, tt.path, status, tt.status, body)
			}
			if tt.problem != "" {
				if got := problem(t, header, body); got != tt.problem {
					t.Errorf("%s %s is a failure called %s, want %s", tt.method, tt.path, got, tt.problem)
				}
			}
		})
	}
}

// TestAmbiguousID says that an id that means several is a conflict that lists them.
func TestAmbiguousID(t *testing.T) {
	e := &faulty{Engine: empty(t), err: &ask.AmbiguousError{Typed: "7f3a", Matches: []record.ID{{Kind: record.KindVote}}}}
	x := serve(t, api.Options{Evidence: e})
	status, header, body := x.request(api.Loopback, "GET", "/ids?typed=7f3a", "", "")
	if status != 409 || problem(t, header, body) != "ambiguous" || !strings.Contains(body, `"Typed":"7f3a"`) {
		t.Errorf("an ambiguous id is %d %s", status, body)
	}
}

// faulty is evidence whose writing and looking up fails.
type faulty struct {
	*engine.Engine
	err error
}

func (f *faulty) Ask(context.Context, record.Query) (ask.Audit, error) { return ask.Audit{}, f.err }
func (f *faulty) Identify(context.Context, string) (record.ID, error)  { return record.ID{}, f.err }
func (f *faulty) Ingest(context.Context, ask.Lines, ask.IngestOptions) (ask.Ingested, error) {
	return ask.Ingested{}, f.err
}

// TestJournalThatTakesNothing says that what cannot be written now is to be sent again later, and that no answer is given.
func TestJournalThatTakesNothing(t *testing.T) {
	full := errors.New("append: no space left on the device")
	file := filepath.Join(t.TempDir(), "tokens")
	secret := grant(t, file, api.Grant{Name: "w", Role: api.RoleWrite})
	x := serve(t, api.Options{Evidence: &faulty{empty(t), full}, Tokens: file, Classify: func(err error) (api.Failure, bool) {
		return api.Failure{Name: "no-space", Status: 503, Title: "The journal has no room", Retry: 30 * time.Second}, errors.Is(err, full)
	}})
	for _, path := range []string{"/query", "/records"} {
		status, header, body := x.request(api.Loopback, "POST", path, secret, someQuestion)
		if status != 503 || header.Get("Retry-After") != "30" || problem(t, header, body) != "no-space" {
			t.Errorf("POST %s = %d, Retry-After %q: %s; want 503, 30, no-space", path, status, header.Get("Retry-After"), body)
		}
	}
	var got *api.ServerError
	if _, err := x.local().Ask(t.Context(), record.Query{Agent: "a", Subject: "s", Predicate: "p"}); !errors.As(err, &got) || got.Retry != 30*time.Second {
		t.Errorf("a client is told %#v", err)
	}
}

// TestRate says that a token that asks too fast is slowed down, and others are not.
func TestRate(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens")
	fast, slow := grant(t, file, api.Grant{Name: "fast", Role: api.RoleRead}), grant(t, file, api.Grant{Name: "slow", Role: api.RoleRead})
	x := serve(t, api.Options{Evidence: empty(t), Tokens: file, Limits: api.Limits{PerSecond: 1e-6, Burst: 3}})
	for n := range 3 {
		if status, _, body := x.request(api.Strangers, "GET", "/audit/agents", fast, ""); status != 200 {
			t.Fatalf("request %d = %d: %s", n, status, body)
		}
	}
	status, header, body := x.request(api.Strangers, "GET", "/audit/agents", fast, "")
	if status != 429 || problem(t, header, body) != "too-many-requests" || header.Get("Retry-After") == "" {
		t.Errorf("the fourth request = %d, Retry-After %q: %s", status, header.Get("Retry-After"), body)
	}
	if status, _, _ := x.request(api.Strangers, "GET", "/audit/agents", slow, ""); status != 200 {
		t.Errorf("another token's request = %d, want 200", status)
	}
}

func zipped(t testing.TB, format string, plain []byte) string {
	t.Helper()
	var b bytes.Buffer
	switch format {
	case "gzip":
		w := gzip.NewWriter(&b)
		w.Write(plain)
		w.Close()
	case "zstd":
		w, err := zstd.NewWriter(&b)
		if err != nil {
			t.Fatal(err)
		}
		w.Write(plain)
		w.Close()
	}
	return b.String()
}

// TestBodies says that what is too large is refused, compressed or not, before it costs memory, and what is not is read.
func TestBodies(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens")
	secret := grant(t, file, api.Grant{Name: "w", Role: api.RoleAdmin})
	x := serve(t, api.Options{Evidence: empty(t), Tokens: file, Limits: api.Limits{BodyBytes: 4096, RecordBytes: 4096, TraceBytes: 4096}})
	bomb := bytes.Repeat([]byte{' '}, 64<<20)
	for _, path := range []string{"/query", "/records", "/records?at_once=true", "/v1/traces"} {
		if path == "/v1/traces" {
			continue // the server under test reads no traces
		}
		status, header, body := x.request(api.Loopback, "POST", path, secret, string(bomb[:5000]))
		if status != 413 || problem(t, header, body) != "too-large" {
			t.Errorf("POST %s of 5000 bytes = %d %s, want 413", path, status, body)
		}
		for _, format := range []string{"gzip", "zstd"} {
			status, header, body := x.request(api.Loopback, "POST", path, secret, zipped(t, format, bomb)[:4000], "Content-Encoding", format)
			if status != 413 || problem(t, header, body) != "too-large" {
				t.Errorf("POST %s of a bomb of %s = %d %s, want 413", path, format, status, body)
			}
		}
	}
	line := `{"kind":"epoch","name":"n","agent":"a","timestamp":"2024-01-15T22:00:00Z"}` + "\n"
	for n, format := range []string{"gzip", "zstd"} {
		status, _, body := x.request(api.Loopback, "POST", "/records", secret, zipped(t, format, []byte(line)), "Content-Encoding", format, "Content-Type", "application/x-ndjson")
		if want := `"kept":1,"refused":0`; status != 200 || !strings.Contains(body, want) || !strings.Contains(body, `{"line":1,"result":"kept","ids":["e_`) {
			t.Errorf("%d: POST /records of %s = %d %s, want 200 and %s", n, format, status, body, want)
		}
	}
}

// TestTokensAreRereadAndKeptApart says that a token that is taken out ends, and that a file that others can open counts
// for nothing.
func TestTokensAreReread(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens")
	secret := grant(t, file, api.Grant{Name: "a", Role: api.RoleRead})
	if b, err := os.ReadFile(file); err != nil || strings.Contains(string(b), secret) || strings.Contains(string(b), secret[4:]) {
		t.Errorf("the file holds the secret: %s, %v", b, err)
	}
	if _, err := api.NewToken(file, api.Grant{Name: "a", Role: api.RoleRead}); err == nil {
		t.Error("a second token of the same name was made")
	}
	if err := os.Chmod(file, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := api.New(api.Options{Evidence: empty(t), Tokens: file}); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a file that others can open: %v", err)
	}
}

// TestProbesAreNotSlowedDown says that nobody can make a supervisor take the server for dead by asking on and on.
func TestProbesAreNotSlowedDown(t *testing.T) {
	x := serve(t, api.Options{Evidence: empty(t), Limits: api.Limits{PerSecond: 1e-6, Burst: 1}})
	for n := range 5 {
		if status, _, body := x.request(api.Strangers, "GET", "/healthz", "", ""); status != 200 {
			t.Fatalf("probe %d = %d: %s", n, status, body)
		}
	}
}

// TestWrongTypeInWords says that a field of the wrong type is told by its name, and not by that of a Go type.
func TestWrongTypeInWords(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens")
	secret := grant(t, file, api.Grant{Name: "w", Role: api.RoleWrite})
	x := serve(t, api.Options{Evidence: empty(t), Tokens: file})
	for body, want := range map[string]string{
		`{"agent":7}`: "agent: found number at byte 10, expected a text", `{"labels":{"a":1}}`: "labels: found number at byte 16, expected a text",
		`[]`: "found array at byte 1, expected an object", `{"labels":[]}`: "labels: found array at byte 11, expected an object",
	} {
		if _, _, got := x.request(api.Loopback, "POST", "/query", secret, body); !strings.Contains(got, want) || strings.Contains(got, "questionBody") {
			t.Errorf("POST /query %s = %s, want %q", body, got, want)
		}
	}
}

// TestPatternsThatNeverEnd says that a pattern which would be tried against a subject for hours is refused, wherever one
// is taken: what tries it cannot be broken off.
func TestPatternsThatNeverEnd(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens")
	part := grant(t, file, api.Grant{Name: "part", Role: api.RoleRead, Subjects: []string{"auth/**"}})
	x := serve(t, api.Options{Evidence: incident(t), Tokens: file})
	for _, pattern := range []string{strings.Repeat("{?,*}", 60) + "!", strings.Repeat("{a,{b,", 60) + "c" + strings.Repeat("}}", 60)} {
		for _, path := range []string{"/audit/queries?subject=", "/audit/findings?subject=", "/audit/diff?from=2024-01-01&to=2024-02-01&subject="} {
			for _, token := range []string{"", part} {
				status, header, body := x.request(api.Loopback, "GET", path+url.QueryEscape(pattern), token, "")
				if status != 400 || problem(t, header, body) != "usage" {
					t.Errorf("GET %s%s = %d %s, want 400", path, pattern, status, body)
				}
			}
		}
	}
	if status, _, body := x.request(api.Loopback, "GET", "/audit/queries?subject="+url.QueryEscape("{auth,billing}/{jwt,ttl,a,b,c,d}/**"), "", ""); status != 200 {
		t.Errorf("a pattern with braces = %d %s, want 200", status, body)
	}
}

// TestIdempotencyKey says that the same request sent again with its key is the same audit, and asks nothing.
func TestIdempotencyKey(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens")
	secret, other := grant(t, file, api.Grant{Name: "w", Role: api.RoleWrite}), grant(t, file, api.Grant{Name: "o", Role: api.RoleWrite})
	e := incident(t)
	x := serve(t, api.Options{Evidence: &ticking{e}, Tokens: file})
	question := `{"agent":"ann","subject":"auth/jwt","predicate":"signing_algorithm"}`
	post := func(secret, body, key string) (int, http.Header, string) {
		return x.request(api.Loopback, "POST", "/query", secret, body, "Idempotency-Key", key)
	}
	before := e.Head().Last
	_, _, first := post(secret, question, "k1")
	status, header, again := post(secret, question, "k1")
	if status != 200 || again != first || header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("the same again = %d %s, want %s", status, again, first)
	}
	if asked := e.Head().Last - before; asked != 1 {
		t.Errorf("%d audits were written, want 1", asked)
	}
	if status, header, body := post(secret, strings.Replace(question, "ann", "bob", 1), "k1"); status != 422 || problem(t, header, body) != "idempotency-key-reused" {
		t.Errorf("another question with the key = %d %s", status, body)
	}
	if _, header, _ := post(other, question, "k1"); header.Get("Idempotency-Replayed") != "" {
		t.Error("the key of one token answered another")
	}
	if status, header, body := post(secret, question, strings.Repeat("k", 256)); status != 400 || problem(t, header, body) != "idempotency-key" {
		t.Errorf("a key beyond the limit = %d %s", status, body)
	}
}

// ticking is evidence in which every question is asked at a time of its own.
type ticking struct{ *engine.Engine }

func (k *ticking) Ask(ctx context.Context, q record.Query) (ask.Audit, error) {
	if q.Timestamp == record.Unset {
		st, err := k.Status(ctx)
		if err != nil {
			return ask.Audit{}, err
		}
		q.Timestamp = *st.Newest + 1
	}
	return k.Engine.Ask(ctx, q)
}
