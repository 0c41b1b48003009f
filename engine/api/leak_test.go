package api_test

import (
	"bufio"
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"episteme/engine/api"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// TestContributionsOfOtherSubjects says that a query that was imported with contributions of other subjects, as retrievals
// of a trace are, shows nothing of those: neither what they claim nor what their document is called.
func TestContributionsOfOtherSubjects(t *testing.T) {
	e := empty(t)
	takeIn(t, e, twoTeams)
	id := labelled(t, e)
	imported := &record.Audit{
		Agent: "ann", Subject: "auth/jwt", Predicate: "alg", Lens: "external", Timestamp: 7, AsOf: 7, Value: record.TextObject("x"), Confidence: 1, Share: 1,
		ResultHash: record.TextObject("x").Hash(), Considered: 2,
		Contributions: []record.Contribution{
			{Assertion: id["a1"].Hash, Source: id["b1"].Hash, Weight: 1, Lifecycle: record.Proposed},
			{Assertion: id["a2"].Hash, Source: id["b2"].Hash, Weight: 0.5, Lifecycle: record.Proposed},
		},
	}
	takeIn(t, e, string(record.AppendJSON(nil, imported)))
	q, err := record.IDOf(imported)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "tokens")
	part := grant(t, file, api.Grant{Name: "part", Role: api.RoleRead, Subjects: []string{"auth/**"}})
	x := serve(t, api.Options{Evidence: e, Tokens: file, Limits: api.Limits{PerSecond: 1e6, Burst: 1e6}})
	for _, path := range []string{
		"/audit/queries", "/audit/findings", "/audit/queries/Q", "/audit/queries/Q/verdict", "/audit/queries/Q/provenance", "/records/Q", "/audit/find?text=ann",
		"/audit/diff?left=Q&right=" + id["q1"].String(), "/audit/diff?right=Q&left=" + id["q1"].String(), "/audit/impact/" + id["a1"].String(),
		"/audit/queries/Q/recomputation", "/audit/queries/Q/whatif",
	} {
		_, _, body := x.request(api.Strangers, "GET", strings.ReplaceAll(path, "Q", q.String()), part, "")
		if strings.Contains(body, "hidden") {
			t.Errorf("GET %s shows what is hidden: %s", path, body)
		}
		c := x.client(api.ClientOptions{URL: x.tcp[api.Strangers], Token: part})
		v, err := c.Verdict(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range v.Because {
			if strings.Contains(b.Value.String(), "hidden") || strings.Contains(b.Agent, "hidden") || strings.Contains(b.Source.Name, "hidden") {
				t.Errorf("a verdict says %+v", b)
			}
		}
		for _, b := range v.Audit.Contributions {
			if strings.Contains(b.Value.String(), "hidden") {
				t.Errorf("a verdict's query says %+v", b)
			}
		}
	}
}

// TestListShowsNoValues asks every route that reads as the role list: no answer has a value, a question or a contribution
// in it, those that come live neither.
func TestListShowsNoValues(t *testing.T) {
	e := incident(t)
	file := filepath.Join(t.TempDir(), "tokens")
	secret := grant(t, file, api.Grant{Name: "l", Role: api.RoleList})
	x := serve(t, api.Options{Evidence: e, Tokens: file, Limits: api.Limits{PerSecond: 1e6, Burst: 1e6}})
	all, err := e.Audits(t.Context(), ask.AuditFilter{})
	if err != nil {
		t.Fatal(err)
	}
	var words []string // that only an answer has
	for _, q := range all.Queries {
		if text := q.Result.Value.String(); len(text) > 4 && q.Result.Value.Type == record.Text {
			words = append(words, text)
		}
		if q.Question != nil {
			words = append(words, *q.Question)
		}
	}
	if len(words) < 20 {
		t.Fatalf("found %d words to look for", len(words))
	}
	check := func(path, body string) {
		for _, word := range words {
			if strings.Contains(body, word) {
				t.Errorf("GET %s shows %q", path, word)
			}
		}
	}
	shown := 0
	for route := range documented(t, x) {
		path, reads := strings.CutPrefix(route, "GET ")
		if !reads {
			continue
		}
		path = strings.ReplaceAll(path, "{id}", all.Queries[0].ID.String()) + map[string]string{
			"/audit/find": "?text=ES256", "/audit/near": "?subject=auth/jwd", "/ids": "?typed=" + all.Queries[0].ID.String()[:9],
			"/audit/bisect": "?subject=auth/jwt&predicate=signing_algorithm&value=ES256",
		}[path]
		status, _, body := x.request(api.Strangers, "GET", path, secret, "")
		if status == 200 && strings.Contains(body, all.Queries[0].ID.String()) {
			shown++
		}
		if status != 200 && status != 403 {
			t.Errorf("GET %s = %d %s", path, status, body)
		}
		check(path, body)
	}
	if shown == 0 {
		t.Error("no list was shown")
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", x.tcp[api.Strangers]+"/audit/queries", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = http.Header{"Accept": {"text/event-stream"}, "Authorization": {"Bearer " + secret}, "Last-Event-Id": {"0"}}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil || res.StatusCode != 200 {
		t.Fatalf("following: %v, %v", res, err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	for got := 0; got < len(all.Queries) && lines.Scan(); {
		if line, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			got++
			check("/audit/queries, live", line)
		}
	}
}

// TestNobodysName says that what may have been meant by a name is not told to who may not see it. The name of nobody was
// taken for that of everybody.
func TestNobodysName(t *testing.T) {
	e := empty(t)
	takeIn(t, e, twoTeams)
	id := labelled(t, e)
	part := api.Scoped(e, api.Grant{Name: "part", Role: api.RoleRead, Subjects: []string{"auth/**"}})
	for _, name := range []string{"", "hidden-aske", "deploye"} {
		_, impact := part.Impact(t.Context(), ask.Target{Agent: name}, ask.ImpactOptions{})
		_, whatIf := part.WhatIf(t.Context(), id["q1"], ask.WhatIfChange{Without: []ask.Target{{Agent: name}}})
		for _, err := range []error{impact, whatIf} {
			var absent *ask.NotFoundError
			if errors.As(err, &absent) && len(absent.Near) > 0 {
				t.Errorf("of %q it is told: %v", name, err)
			}
		}
		if impact == nil {
			t.Errorf("there is an impact of %q", name)
		}
	}
}

// TestDocumentsOfOthers says that nobody gains sight of a document, or says how far it can be trusted, by naming it.
func TestDocumentsOfOthers(t *testing.T) {
	e := empty(t)
	takeIn(t, e, twoTeams)
	id := labelled(t, e)
	file := filepath.Join(t.TempDir(), "tokens")
	part := grant(t, file, api.Grant{Name: "part", Role: api.RoleWrite, MaxAuthority: 1, Subjects: []string{"auth/**"}})
	x := serve(t, api.Options{Evidence: e, Tokens: file, Limits: api.Limits{PerSecond: 1e6, Burst: 1e6}})
	at := `"agent":"x","timestamp":"2024-01-09T00:00:00Z"`
	for name, line := range map[string]string{
		"an assertion that rests on it": `{"kind":"assertion","subject":"auth/x","predicate":"p","object":1,"confidence":1,"source":"` + id["b2"].String() + `",` + at + `}`,
		"another descriptor of it":      `{"kind":"source","name":"mine","authority":1,"digest":"` + id["b2"].String() + `",` + at + `}`,
	} {
		status, _, body := x.request(api.Strangers, "POST", "/records", part, line)
		t.Log(status, body)
		if status != http.StatusForbidden {
			t.Errorf("%s = %d %s, want 403", name, status, body)
		}
		if _, _, body := x.request(api.Strangers, "GET", "/records/"+id["s2"].String(), part, ""); strings.Contains(body, "hidden") {
			t.Errorf("%s shows it: %s", name, body)
		}
	}
}
