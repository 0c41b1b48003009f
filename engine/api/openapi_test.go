package api

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"episteme/engine"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
	"episteme/fixtures"
)

func incidentHere(t testing.TB) *engine.Engine {
	t.Helper()
	at := time.Date(2024, 1, 15, 22, 32, 0, 0, time.UTC)
	e, err := engine.Open(t.Context(), engine.Options{Now: func() time.Time { return at }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	f, _ := fixtures.ByName("auth-jwt")
	if _, err := e.Ingest(t.Context(), record.NewReader(strings.NewReader(string(f.Events())), "f", e), engine.IngestOptions{}); err != nil {
		t.Fatal(err)
	}
	return e
}

func ask1(s *Server, method, target, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://localhost"+target, strings.NewReader(body))
	r.Host = "localhost"
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	s.serve(w, r, Machine)
	return w
}

// TestOpenAPIDescribesTheHandlers asks each route that the document names for an answer, with each parameter that it
// names, and holds the answer to the schema that it names. A route, a parameter or a field that is not in both fails.
func TestOpenAPIDescribesTheHandlers(t *testing.T) {
	e := incidentHere(t)
	s, err := New(Options{Evidence: e})
	if err != nil {
		t.Fatal(err)
	}
	doc := describeRoutes(routes())
	all, err := e.Audits(t.Context(), ask.AuditFilter{})
	if err != nil {
		t.Fatal(err)
	}
	query := all.Queries[0].ID.String()
	assertion := all.Queries[0].Contributions[0].Assertion.String()
	source := all.Queries[0].Contributions[0].SourceHash.String()
	ids := map[string]string{"/audit/impact/{id}": assertion, "/sources/{id}": source, "/records/{id}": assertion}
	needs := map[string]string{
		"/audit/diff": "left=" + query + "&right=" + query, "/audit/bisect": "subject=auth/jwt&predicate=signing_algorithm&value=ES256&lens=authority",
		"/ids": "typed=" + query, "/audit/find": "text=ES256", "/audit/near": "subject=auth/jwd",
	}
	bodies := map[string]string{
		"/query":   `{"agent":"ann","subject":"auth/jwt","predicate":"signing_algorithm","lens_params":{},"labels":{"a":"b"},"timestamp":"2024-01-15T22:00:00Z"}`,
		"/preview": `{"kind":"vote","assertion":"` + assertion + `","weight":-1,"agent":"ann","timestamp":"2024-01-15T22:00:00Z"}`,
		"/records": `{"kind":"epoch","name":"n","agent":"ann","timestamp":"2024-01-15T22:00:00Z"}`,
	}
	for _, rt := range routes() {
		t.Run(rt.method+" "+rt.path, func(t *testing.T) {
			op := doc.Paths[rt.path].Get
			if rt.method == http.MethodPost {
				op = doc.Paths[rt.path].Post
			}
			if rt.path == "/v1/traces" {
				return // needs a reader of traces, and is asked in another test
			}
			id := ids[rt.path]
			if id == "" {
				id = query
			}
			at := strings.ReplaceAll(rt.path, "{id}", id)
			got := ask1(s, rt.method, at+"?"+needs[rt.path], bodies[rt.path])
			if got.Code != 200 {
				t.Fatalf("%d %s", got.Code, got.Body)
			}
			conforms(t, doc, op.Responses["200"], got)
			for _, p := range op.Parameters {
				if p.In == "query" {
					known := ask1(s, rt.method, at+"?"+url.QueryEscape(p.Name)+"=", bodies[rt.path])
					if !strings.Contains(known.Body.String(), "found \\\"nothing\\\"") {
						t.Errorf("the parameter %s is named and the handler does not know it: %s", p.Name, known.Body)
					}
				}
			}
			if unknown := ask1(s, rt.method, at+"?nonsense=1", bodies[rt.path]); unknown.Code != 400 {
				t.Errorf("a parameter that is not named = %d, want 400", unknown.Code)
			} else {
				conforms(t, doc, op.Responses["default"], unknown)
			}
		})
	}
	if got := ask1(s, "GET", "/openapi.json", ""); !json.Valid(got.Body.Bytes()) {
		t.Error("/openapi.json is no JSON")
	}
}

// conforms holds an answer to the schema of its type; where there is none the type alone.
func conforms(t *testing.T, doc *huma.OpenAPI, described *huma.Response, got *httptest.ResponseRecorder) {
	t.Helper()
	mediaType, _, _ := strings.Cut(got.Header().Get("Content-Type"), ";")
	content, ok := described.Content[mediaType]
	if !ok {
		t.Fatalf("the answer is %s, which is not described", mediaType)
	}
	if content.Schema == nil {
		return
	}
	var v any
	if err := json.Unmarshal(got.Body.Bytes(), &v); err != nil {
		t.Fatal(err)
	}
	var result huma.ValidateResult
	registry := doc.Components.Schemas
	huma.Validate(registry, content.Schema, huma.NewPathBuffer(nil, 0), huma.ModeReadFromServer, v, &result)
	for _, err := range result.Errors {
		t.Errorf("%v", err)
	}
	strangers(t, registry.Map(), content.Schema, v, "")
}

// strangers names the fields of an answer that its schema does not have: huma takes them for fine.
func strangers(t *testing.T, known map[string]*huma.Schema, s *huma.Schema, v any, path string) {
	t.Helper()
	if s.Ref != "" {
		s = known[s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]]
	}
	if either := slices.Concat(s.OneOf, s.AnyOf); len(either) > 0 {
		s = either[0]
		if s.Ref != "" {
			s = known[s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]]
		}
	}
	switch v := v.(type) {
	case map[string]any:
		if s.AdditionalProperties != nil || len(s.Properties) == 0 {
			return
		}
		for name, field := range v {
			if s.Properties[name] == nil {
				t.Errorf("%s.%s is answered and not described", path, name)
				continue
			}
			strangers(t, known, s.Properties[name], field, path+"."+name)
		}
	case []any:
		for _, item := range v {
			if s.Items != nil {
				strangers(t, known, s.Items, item, path+"[]")
			}
		}
	}
}

// TestRoutesTakeNoForm says that no route takes a body of a type that a form of a page can send without being asked.
func TestRoutesTakeNoForm(t *testing.T) {
	for _, rt := range routes() {
		if rt.method == http.MethodGet && rt.body != nil || rt.method == http.MethodPost && rt.body == nil {
			t.Errorf("%s %s: body %v", rt.method, rt.path, rt.body)
		}
		if rt.body == nil {
			continue
		}
		for _, form := range []string{"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"} {
			if strings.Contains(strings.Join(rt.body.types, " "), form) {
				t.Errorf("%s %s takes %s", rt.method, rt.path, form)
			}
		}
	}
}

// FuzzHandlers sends any method, path and body to a server: it answers each, and never with a failure of its own.
func FuzzHandlers(f *testing.F) {
	for _, rt := range routes() {
		f.Add(rt.method, rt.path+"?agent=x&from=now-6h&limit=3", `{"agent":"ann","subject":"s","predicate":"p"}`)
	}
	f.Add("GET", "/records/%2e%2e%2f", "")
	f.Add("GET", "/audit/queries?time=6h+ago&subject={a,b}&cursor=AAAA", "")
	f.Add("POST", "/records?at_once=true", `{"kind":"vote","assertion":"@x"}`)
	s, err := New(Options{Evidence: incidentHere(f)})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, method, target, body string) {
		at, err := url.ParseRequestURI(target)
		if err != nil || !strings.HasPrefix(target, "/") {
			return
		}
		r := httptest.NewRequest(http.MethodGet, "http://localhost/", strings.NewReader(body))
		r.Method, r.URL, r.Host = method, at, "localhost"
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		s.serve(w, r, Machine)
		if w.Code == http.StatusInternalServerError {
			t.Errorf("%s %s %q = %d %s", method, target, body, w.Code, w.Body)
		}
	})
}
