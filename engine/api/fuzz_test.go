package api_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"episteme/engine/api"
	"episteme/engine/record"
)

// target takes a request in, as whoever has a token of the given grant.
type target struct {
	server *api.Server
	secret string
	ids    map[string]record.ID // of twoTeams
}

func fuzzed(f *testing.F, g api.Grant) target {
	f.Helper()
	file := filepath.Join(f.TempDir(), "tokens")
	secret := grant(f, file, g)
	e := empty(f)
	takeIn(f, e, twoTeams)
	s, err := api.New(api.Options{Evidence: e, Tokens: file, Traces: otlp, Limits: api.Limits{PerSecond: 1e9, Burst: 1e9, Connections: 1, RecordBytes: 1 << 20, TraceBytes: 1 << 20}})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { s.Shutdown(f.Context()) })
	return target{s, secret, labelled(f, e)}
}

// ask answers a request, and checks what holds of every answer: no defect, and each failure is a problem document.
func (x target) ask(t *testing.T, r *http.Request) *httptest.ResponseRecorder {
	t.Helper()
	r.Host = "localhost"
	r.Header.Set("Authorization", "Bearer "+x.secret)
	w := httptest.NewRecorder()
	x.server.Handle(w, r, api.Strangers)
	if w.Code == http.StatusInternalServerError {
		t.Fatalf("%s %s: %s", r.Method, r.URL, w.Body)
	}
	var p api.Problem
	lines := w.Header().Get("Content-Type") == "application/x-ndjson" // each tells its own fate
	if w.Code >= 400 && !lines && (json.Unmarshal(w.Body.Bytes(), &p) != nil || p.Status != w.Code || p.Detail == "") {
		t.Fatalf("%s %s = %d %q, want a problem document", r.Method, r.URL, w.Code, w.Body)
	}
	return w
}

// FuzzScopedReading asks whatever it likes as somebody who may see some subjects: nothing of the others is in any answer
// but what the question had in it.
func FuzzScopedReading(f *testing.F) {
	x := fuzzed(f, api.Grant{Name: "part", Role: api.RoleRead, Subjects: []string{"auth/**"}})
	for _, path := range []string{
		"/audit/queries?agent=deployer&limit=1", "/audit/queries?text=42", "/audit/findings?finding=unapproved", "/audit/queries?subject=%7Bauth,billing%7D/**&buckets=3",
		"/audit/find?text=price&limit=1", "/audit/find?text=agent:deployer&kind=event", "/audit/diff?from=2024-01-01&to=2024-02-01&subject=**", "/audit/near?subject=auth/jwd",
		"/audit/bisect?subject=auth/jwt&predicate=alg&value=ES256", "/audit/status?catch_up=true", "/audit/agents", "/audit/events?limit=2", "/records", "/ids?typed=0000",
		"/audit/queries/Q/verdict", "/audit/queries/Q/whatif?without=agent:rfc-bot", "/audit/queries/Q/provenance?depth=2", "/audit/impact/agent:deployer", "/audit/queries/Q/recomputation",
	} {
		f.Add(strings.ReplaceAll(path, "Q", x.ids["q1"].String()))
	}
	for _, name := range []string{"a1", "a2", "a3", "s1", "s2", "b1", "b2", "q2", "w1", "w2", "w3"} {
		f.Add("/audit/impact/agent:") // nobody is not everybody
		f.Add("/records/" + x.ids[name].String())
		f.Add("/audit/impact/" + x.ids[name].String()[:8])
	}
	f.Fuzz(func(t *testing.T, path string) {
		at, err := url.ParseRequestURI(path)
		if err != nil {
			return
		}
		w := x.ask(t, &http.Request{Method: "GET", URL: at, Header: http.Header{}, Body: http.NoBody})
		asked, _ := url.QueryUnescape(path)
		if body := w.Body.String(); strings.Contains(body, "hidden") && !strings.Contains(strings.ToLower(asked+at.Path), "hidden") {
			t.Fatalf("GET %s shows what is hidden: %s", path, body)
		}
	})
}

// FuzzWriting sends whatever it likes to the routes that write, as somebody who may write about some subjects: what was
// there of the others stays as it was.
func FuzzWriting(f *testing.F) {
	x := fuzzed(f, api.Grant{Name: "part", Role: api.RoleWrite, Subjects: []string{"auth/**"}, Agents: []string{"x"}})
	all := fuzzedReader(f, x)
	before := all(f)
	paths := []string{"/query", "/records", "/records?strict=true", "/records?at_once=true", "/records?dry_run=true", "/preview", "/v1/traces"}
	at := `"agent":"x","timestamp":"2024-01-09T00:00:00Z"`
	for i, body := range []string{
		someQuestion, `{"kind":"vote","assertion":"` + x.ids["a1"].String() + `","weight":1,` + at + "}\nnonsense\n",
		`{"kind":"vote","assertion":"` + x.ids["a2"].String() + `","weight":1,` + at + `}`, `{"kind":"epoch","name":"n",` + at + `}`,
		`{"kind":"source","id":"s","name":"n","content":"c",` + at + "}\n" + `{"kind":"assertion","subject":"auth/x","predicate":"p","object":1,"confidence":1,"source":"@s",` + at + `}`,
		`{"kind":"assertion","subject":"billing/hidden","predicate":"price","object":1,"confidence":1,"source":"` + x.ids["b2"].String() + `",` + at + `}`,
		`{"kind":"query","subject":"auth/jwt","predicate":"alg",` + at + `}`, "\x1f\x8b\x08", "(\xb5/\xfd", `{"resourceSpans":[]}`, "",
	} {
		f.Add(uint8(i), "", []byte(body))
	}
	f.Add(uint8(1), "gzip", []byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, route uint8, encoding string, body []byte) {
		r := httptest.NewRequest("POST", paths[int(route)%len(paths)], bytes.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		if encoding != "" {
			r.Header.Set("Content-Encoding", []string{"gzip", "zstd"}[len(encoding)%2])
		}
		r.Header.Set("Idempotency-Key", encoding)
		x.ask(t, r)
		if now := all(t); now != before {
			t.Fatalf("what is billed changed from %s to %s", before, now)
		}
	})
}

// fuzzedReader gives what is told about the subjects that a target may not write about.
func fuzzedReader(f *testing.F, x target) func(testing.TB) string {
	f.Helper()
	return func(t testing.TB) string {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "/audit/diff?from=2024-01-01&to=2024-03-01&subject=billing/**&limit=1", nil)
		r.Host = "localhost"
		x.server.Handle(w, r, api.Machine)
		_, changes, ok := strings.Cut(w.Body.String(), `"changes":`)
		if changes, _, _ = strings.Cut(changes, `"applied_lsn"`); !ok || !strings.Contains(changes, "hidden 42") {
			t.Fatalf("what is billed is %s", w.Body)
		}
		return changes
	}
}
