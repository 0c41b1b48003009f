package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"episteme/engine"
	"episteme/engine/api"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// twoTeams is evidence of two subjects that know nothing of each other, and of an epoch, which is everybody's. Whatever
// must not be seen by who may see auth alone has the word hidden in it, but for ids.
const twoTeams = `{"kind":"epoch","id":"e","name":"2024","agent":"ops","timestamp":"2024-01-01T00:00:00Z"}
{"kind":"source","id":"s1","name":"rfc.md","agent":"docs","authority":0.9,"timestamp":"2024-01-02T00:00:00Z","content":"use ES256"}
{"kind":"source","id":"s2","name":"hidden-prices.md","agent":"hidden-docs","timestamp":"2024-01-02T00:00:00Z","content":"hidden 42"}
{"kind":"assertion","id":"a1","subject":"auth/jwt","predicate":"alg","object":"ES256","confidence":0.9,"agent":"rfc-bot","timestamp":"2024-01-03T00:00:00Z","source":"@s1","epoch":"@e"}
{"kind":"assertion","id":"a2","subject":"billing/hidden","predicate":"price","object":"hidden 42","confidence":0.9,"agent":"hidden-bot","timestamp":"2024-01-03T00:00:00Z","source":"@s2","parents":["@a1"]}
{"kind":"assertion","id":"a3","subject":"auth/ttl","predicate":"seconds","object":900,"confidence":0.9,"agent":"rfc-bot","timestamp":"2024-01-03T00:00:00Z","source":"@s1","parents":["@a2"]}
{"kind":"vote","id":"v2","assertion":"@a2","agent":"hidden-voter","weight":1,"timestamp":"2024-01-04T00:00:00Z"}
{"kind":"transition","id":"t2","assertion":"@a2","to":"Approved","agent":"hidden-voter","reason":"hidden reason","timestamp":"2024-01-04T00:00:00Z"}
{"kind":"query","id":"q1","agent":"deployer","subject":"auth/jwt","predicate":"alg","lens":"authority","timestamp":"2024-01-05T00:00:00Z"}
{"kind":"query","id":"q2","agent":"hidden-asker","subject":"billing/hidden","predicate":"price","lens":"authority","timestamp":"2024-01-06T00:00:00Z","question":"hidden question","labels":{"hidden":"hidden"}}
{"kind":"query","id":"q3","agent":"deployer","subject":"billing/hidden","predicate":"price","lens":"authority","timestamp":"2024-01-07T00:00:00Z"}
{"kind":"event","id":"w1","type":"deploy","timestamp":"2024-01-08T00:00:00Z","agent":"deployer","title":"deploy of auth","based_on":["@q1"]}
{"kind":"event","id":"w2","type":"deploy","timestamp":"2024-01-08T00:00:01Z","agent":"hidden-deployer","title":"hidden deploy","based_on":["@q2","@q1"]}
{"kind":"event","id":"w3","type":"note","timestamp":"2024-01-08T00:00:02Z","agent":"hidden-writer","title":"hidden note"}
{"kind":"event","id":"w4","type":"note","timestamp":"2024-01-08T00:00:03Z","agent":"hidden-writer","title":"hidden note","subject":"billing/hidden"}
`

// labelled are the ids of the labels of twoTeams, by what their records say.
func labelled(t testing.TB, e *engine.Engine) map[string]record.ID {
	t.Helper()
	ids := map[string]record.ID{}
	err := e.EachRecord(t.Context(), func(r ask.Record) error {
		switch x := r.Record.(type) {
		case *record.Epoch:
			ids["e"] = r.ID
		case *record.Source:
			name := map[string]string{"rfc.md": "s1", "hidden-prices.md": "s2"}[x.Name]
			ids[name] = r.ID
			ids["b"+name[1:]] = record.ID{Kind: record.KindEvidence, Hash: x.Digest}
		case *record.Assertion:
			ids[map[string]string{"auth/jwt": "a1", "billing/hidden": "a2", "auth/ttl": "a3"}[x.Subject]] = r.ID
		case *record.Vote:
			ids["v2"] = r.ID
		case *record.Transition:
			ids["t2"] = r.ID
		case *record.Audit:
			ids[fmt.Sprintf("q%d", x.Timestamp.Std().Day()-4)] = r.ID
		case *record.Event:
			ids[fmt.Sprintf("w%d", x.Timestamp.Std().Second()+1)] = r.ID
		}
		return nil
	})
	if err != nil || len(ids) != 17 {
		t.Fatalf("found %d records, want 17: %v", len(ids), err)
	}
	return ids
}

// TestScopeRouteByRoute asks every route that answers about evidence as somebody who may see auth alone. Nothing hidden
// is in any answer; what may be seen is; and a record that may not be seen is answered as one that is not here.
func TestScopeRouteByRoute(t *testing.T) {
	e := empty(t)
	takeIn(t, e, twoTeams)
	id := labelled(t, e)
	file := filepath.Join(t.TempDir(), "tokens")
	part, all := grant(t, file, api.Grant{Name: "part", Role: api.RoleWrite, Subjects: []string{"auth/**"}}), grant(t, file, api.Grant{Name: "all", Role: api.RoleWrite})
	x := serve(t, api.Options{Evidence: e, Tokens: file, Limits: api.Limits{PerSecond: 1e6, Burst: 1e6}})
	asked := map[string]bool{}
	get := func(token, path string) (int, string) {
		asked[routeOf(path)] = true
		status, _, body := x.request(api.Strangers, "GET", path, token, "")
		return status, body
	}
	hiddenIDs := []string{"s2", "b2", "a2", "v2", "t2", "q2", "q3", "w2", "w3", "w4"}

	t.Run("lists", func(t *testing.T) {
		tests := []struct{ path, shows, hides string }{
			{"/audit/queries", `"total":1,`, ""},
			{"/audit/queries?agent=deployer", `"total":1,`, ""},
			{"/audit/queries?agent=hidden-asker", `"total":0,`, ""},
			{"/audit/queries?subject=" + "billing/**", `"total":0,`, ""},
			{"/audit/queries?label=hidden=hidden", `"total":0,`, ""},
			{"/audit/queries?buckets=4", `"total":1,`, ""},
			{"/audit/findings", `"agent_id":"deployer"`, ""},
			{"/audit/findings?finding=single-source", `"total":1,`, ""},
			{"/audit/agents", `{"agents":[{"agent_id":"deployer","queries":1,"newest_timestamp":"2024-01-05T00:00:00Z"`, "2024-01-07"},
			{"/audit/events", `"deploy of auth"`, ""},
			{"/audit/events?limit=1", `"deploy of auth"`, ""},
			{"/audit/find?text=42", `"records":[],`, ""},
			{"/audit/find?text=agent:hidden-bot", `"records":[],`, ""},
			{"/audit/find?text=auth", `"what":`, ""},
			{"/audit/find?text=auth&limit=1", `"what":`, ""},
			{"/audit/near?subject=auth/jwd", `"auth/jwt"`, ""},
			{"/audit/near?subject=billing/hiddem", `{"asserted":false,"subjects":[]}`, ""},
			{"/audit/status", `"audits":1,"events":1,`, "2024-01-08T00:00:03Z"},
			{"/audit/status?catch_up=true", `"audits":1,"events":1,`, ""},
			{"/audit/diff?from=2024-01-01&to=2024-02-01", `"compared":2,"total":2,`, ""},
			{"/audit/diff?from=2024-01-01&to=2024-02-01&subject=**", `"changes":[{"subject":"auth/jwt"`, ""},
			{"/audit/diff?from=2024-01-01&to=2024-02-01&subject=billing/**", `"changes":[],`, ""},
			{"/audit/bisect?subject=auth/jwt&predicate=alg&value=ES256", `"times":1`, ""},
			{"/records", `"kind":"epoch"`, ""},
		}
		for _, tt := range tests {
			status, body := get(part, tt.path)
			// The answer repeats what was asked for; that is no news to who asked.
			_, asked, _ := strings.Cut(tt.path, "?")
			if status != 200 {
				t.Errorf("GET %s = %d %s", tt.path, status, body)
				continue
			}
			if !strings.Contains(body, tt.shows) {
				t.Errorf("GET %s = %s, want %s in it", tt.path, body, tt.shows)
			}
			if tt.path == "/records" { // a record names the hash of what it was derived from, which says nothing to who may not see that
				body = parents.ReplaceAllString(body, "")
			}
			noHidden(t, tt.path, body, asked, id, hiddenIDs)
			if tt.hides != "" && strings.Contains(body, tt.hides) {
				t.Errorf("GET %s shows %s: %s", tt.path, tt.hides, body)
			}
		}
	})

	t.Run("records that may be seen", func(t *testing.T) {
		for _, path := range []string{
			"/audit/queries/q1", "/audit/queries/q1/verdict", "/audit/queries/q1/recomputation", "/audit/queries/q1/whatif", "/audit/queries/q1/whatif?without=a1",
			"/audit/queries/q1/provenance", "/records/w1/provenance", "/records/a1/provenance", "/records/a3/provenance", "/records/a3/provenance?depth=3",
			"/audit/impact/a1", "/audit/impact/s1", "/audit/impact/b1", "/audit/impact/e", "/audit/impact/agent:rfc-bot", "/audit/impact/agent:deployer",
			"/records/e", "/records/s1", "/records/b1", "/records/a1", "/records/a3", "/records/q1", "/records/w1", "/sources/b1", "/ids?typed=q1", "/audit/diff?left=q1&right=q1",
		} {
			status, body := get(part, withIDs(path, id))
			if status != 200 {
				t.Errorf("GET %s = %d %s, want 200", path, status, body)
			}
			// A record names the hashes of what it was derived from. A hash says nothing to who may not see behind it.
			if !strings.HasPrefix(path, "/records/a3") || strings.Contains(path, "provenance") {
				noHidden(t, path, body, path, id, hiddenIDs)
			}
		}
	})

	t.Run("records that may not", func(t *testing.T) {
		nothing := "ff00000000000000000000000000000000000000000000000000000000000000"
		for _, name := range hiddenIDs {
			for _, path := range []string{
				"/audit/queries/%s", "/audit/queries/%s/verdict", "/audit/queries/%s/recomputation", "/audit/queries/%s/whatif", "/audit/queries/%s/provenance",
				"/records/%s", "/records/%s/provenance", "/audit/impact/%s", "/ids?typed=%s", "/audit/diff?left=%s&right=" + id["q1"].String(), "/audit/diff?right=%s&left=" + id["q1"].String(),
				"/audit/queries/" + id["q1"].String() + "/whatif?without=%s",
			} {
				full := id[name].String()
				status, body := get(part, fmt.Sprintf(path, full))
				_, absent := get(part, fmt.Sprintf(path, full[:2]+nothing))
				if same := strings.ReplaceAll(absent, full[:2]+nothing, full); status != 404 || body != same {
					t.Errorf("GET "+path+" = %d %s, want 404 %s", name, status, body, same)
				}
				if short, body := get(part, fmt.Sprintf(path, full[:12])); short != 404 || strings.Contains(body, full) {
					t.Errorf("GET "+path+" (shortened) = %d %s, want 404", name, short, body)
				}
			}
		}
		if status, body := get(part, "/audit/impact/agent:hidden-bot"); status != 404 {
			t.Errorf("the impact of a hidden agent = %d %s, want 404", status, body)
		}
		if status, body := get(part, "/audit/bisect?subject=billing/hidden&predicate=price&value=x"); status != 404 || strings.Contains(body, "42") {
			t.Errorf("a hidden bisection = %d %s, want 404", status, body)
		}
		if _, body := get(part, "/sources/"+id["b2"].String()); strings.Contains(body, "hidden") {
			t.Errorf("a hidden source: %s", body)
		}
	})

	t.Run("writing", func(t *testing.T) {
		post := func(path, body string) (int, string) {
			asked["POST "+path] = true
			status, _, got := x.request(api.Strangers, "POST", path, part, body)
			return status, got
		}
		at := `"agent":"x","timestamp":"2024-01-09T00:00:00Z"`
		for _, tt := range []struct {
			path, body string
			status     int
		}{
			{"/query", `{"agent":"x","subject":"billing/hidden","predicate":"price"}`, 403},
			{"/records", `{"kind":"vote","assertion":"` + id["a2"].String() + `","weight":1,` + at + `}`, 403},
			{"/records", `{"kind":"query","subject":"billing/hidden","predicate":"price",` + at + `}`, 403},
			{"/records", `{"kind":"event","type":"note","title":"x","subject":"billing/x",` + at + `}`, 403},
			{"/preview", `{"kind":"transition","assertion":"` + id["a2"].String() + `","to":"Rejected",` + at + `}`, 404},
			{"/preview", `{"kind":"vote","assertion":"` + id["a1"].String() + `","weight":1,` + at + `}`, 200},
			{"/records", `{"kind":"vote","assertion":"` + id["a1"].String() + `","weight":1,` + at + `}`, 200},
		} {
			status, body := post(tt.path, tt.body)
			if status != tt.status {
				t.Errorf("POST %s %s = %d %s, want %d", tt.path, tt.body, status, body, tt.status)
			}
			noHidden(t, tt.path, strings.ReplaceAll(body, "billing/hidden", ""), tt.body, id, hiddenIDs)
		}
	})

	t.Run("who may see all is shown all", func(t *testing.T) {
		for path, want := range map[string]string{"/audit/queries": `"total":3,`, "/audit/events": "hidden note", "/audit/agents": "hidden-asker", "/records/" + id["w4"].String(): "hidden note"} {
			if status, body := get(all, path); status != 200 || !strings.Contains(body, want) {
				t.Errorf("GET %s = %d %s, want %s in it", path, status, body, want)
			}
		}
	})

	t.Run("no route is left out", func(t *testing.T) {
		untouched := []string{"GET /healthz", "GET /readyz", "GET /metrics", "GET /openapi.json", "POST /v1/traces"} // /v1/traces goes the way of /records
		for route := range documented(t, x) {
			if !asked[route] && !slices.Contains(untouched, route) {
				t.Errorf("%s was not asked", route)
			}
		}
	})
}

// noHidden fails where a body has something hidden in it that was not in the question.
func noHidden(t *testing.T, path, body, asked string, id map[string]record.ID, hiddenIDs []string) {
	t.Helper()
	if strings.Contains(body, "hidden") && !strings.Contains(asked, "hidden") && !strings.Contains(asked, "billing") {
		t.Errorf("GET %s shows what is hidden: %s", path, body)
	}
	for _, name := range hiddenIDs {
		if strings.Contains(body, id[name].String()) && !strings.Contains(asked, id[name].String()) {
			t.Errorf("GET %s shows the id of %s: %s", path, name, body)
		}
	}
}

var label = regexp.MustCompile(`([/=])([a-z]\d|e)([/?&]|$)`)

var parents = regexp.MustCompile(`"parents":\[[^]]*\]`)

// withIDs puts ids in the place of labels.
func withIDs(path string, id map[string]record.ID) string {
	for range 2 { // neighbours share their slash
		path = label.ReplaceAllStringFunc(path, func(s string) string {
			m := label.FindStringSubmatch(s)
			return m[1] + id[m[2]].String() + m[3]
		})
	}
	return path
}

var anID = regexp.MustCompile(`^/(audit/queries|audit/impact|records|sources)/[^/]+`)

// routeOf is the route that a path leads to.
func routeOf(path string) string {
	path, _, _ = strings.Cut(path, "?")
	return "GET " + anID.ReplaceAllString(path, "/$1/{id}")
}

// documented are the routes of /openapi.json, with their operations.
func documented(t *testing.T, x *served) map[string]map[string]any {
	t.Helper()
	_, _, body := x.request(api.Loopback, "GET", "/openapi.json", "", "")
	var doc struct {
		Paths map[string]map[string]map[string]any
	}
	if err := json.Unmarshal([]byte(body), &doc); err != nil {
		t.Fatal(err)
	}
	routes := map[string]map[string]any{}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			routes[strings.ToUpper(method)+" "+path] = op
		}
	}
	return routes
}

// TestRoleList says that who may list sees who asked what and when, and no answer in any form.
func TestRoleList(t *testing.T) {
	e := incident(t)
	listed := api.Scoped(e, api.Grant{Name: "l", Role: api.RoleList})
	for _, list := range []func(context.Context, ask.AuditFilter) (ask.Trace, error){listed.Audits, listed.Findings} {
		got, err := list(t.Context(), ask.AuditFilter{})
		if err != nil || len(got.Queries) == 0 {
			t.Fatalf("found %d queries: %v", len(got.Queries), err)
		}
		for _, q := range got.Queries {
			if q.Agent == "" || q.Timestamp == 0 || !q.Withheld || q.Result != (ask.Result{}) || !q.ResultHash.IsZero() || len(q.Contributions) > 0 || q.Question != nil {
				t.Errorf("a query is listed as %+v", q)
			}
		}
	}
}

// TestScopedCoversTheSeam asks every method of a Scoped evidence without a right: none may answer. A method that is
// added to the seam and falls through is found here.
func TestScopedCoversTheSeam(t *testing.T) {
	nobody := reflect.ValueOf(api.Scoped(incident(t), api.Grant{Name: "nobody"}))
	seam := reflect.TypeFor[api.Evidence]()
	for i := range seam.NumMethod() {
		m := seam.Method(i)
		if m.Name == "CatchUp" || m.Name == "SourceDigest" { // the one tells nothing; the other is asked below writing alone
			continue
		}
		in := []reflect.Value{reflect.ValueOf(t.Context())}
		for n := 1; n < m.Type.NumIn(); n++ {
			in = append(in, reflect.Zero(m.Type.In(n)))
		}
		call := nobody.MethodByName(m.Name).Call
		if m.Type.IsVariadic() {
			call = nobody.MethodByName(m.Name).CallSlice
		}
		if m.Name == "Write" || m.Name == "Preview" {
			in[1] = reflect.ValueOf([]record.Record{&record.Vote{}})
		}
		out := call(in)
		if err, _ := out[len(out)-1].Interface().(error); err == nil || !strings.Contains(err.Error(), "nobody may not") {
			t.Errorf("%s answers somebody without a right: %v", m.Name, err)
		}
	}
}

// TestEpochs says that another agent's epoch is superseded by an administrator alone, and one's own by oneself, also in
// the same file.
func TestEpochs(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens")
	writer, admin := grant(t, file, api.Grant{Name: "w", Role: api.RoleWrite}), grant(t, file, api.Grant{Name: "a", Role: api.RoleAdmin})
	e := empty(t)
	takeIn(t, e, `{"kind":"epoch","name":"1","agent":"ops","timestamp":"2024-01-01T00:00:00Z"}`)
	x := serve(t, api.Options{Evidence: e, Tokens: file})
	status, _, body := x.request(api.Strangers, "GET", "/records", writer, "")
	if status != 200 {
		t.Fatal(body)
	}
	var first struct{ ID string }
	if err := json.NewDecoder(bytes.NewReader([]byte(body))).Decode(&first); err != nil {
		t.Fatal(err)
	}
	next := `{"kind":"epoch","name":"2","agent":"%s","timestamp":"2024-01-02T00:00:00Z","supersedes":"` + first.ID + `","supersession":"Temporal"}`
	own := `{"kind":"epoch","id":"mine","name":"m1","agent":"ann","timestamp":"2024-01-01T00:00:00Z"}
{"kind":"epoch","name":"m2","agent":"ann","timestamp":"2024-01-02T00:00:00Z","supersedes":"@mine","supersession":"Temporal"}`
	for _, tt := range []struct {
		name, token, body string
		status            int
	}{
		{"another agent's", writer, fmt.Sprintf(next, "ann"), http.StatusForbidden},
		{"as that agent", writer, fmt.Sprintf(next, "ops"), http.StatusOK},
		{"by an administrator", admin, fmt.Sprintf(next, "ann"), http.StatusOK},
		{"one's own of the same file", writer, own, http.StatusOK},
	} {
		status, _, body := x.request(api.Strangers, "POST", "/records", tt.token, tt.body)
		if status != tt.status || status == 200 && !strings.Contains(body, `"refused":0`) {
			t.Errorf("%s: %d %s, want %d", tt.name, status, body, tt.status)
		}
	}
}

// TestImportedContributions says that a query may not be recorded with contributions that may not be seen: whoever reads
// it would be shown what they claim. Their ids are no secret, since what is derived from them names them.
func TestImportedContributions(t *testing.T) {
	e := empty(t)
	takeIn(t, e, twoTeams)
	id := labelled(t, e)
	file := filepath.Join(t.TempDir(), "tokens")
	part := grant(t, file, api.Grant{Name: "part", Role: api.RoleWrite, Subjects: []string{"auth/**"}})
	x := serve(t, api.Options{Evidence: e, Tokens: file})
	for name, status := range map[string]int{"a1": http.StatusOK, "a2": http.StatusForbidden} {
		line := record.AppendJSON(nil, &record.Audit{
			Agent: "ann", Subject: "auth/jwt", Predicate: "alg", Lens: "external", Timestamp: 7, AsOf: 7, Value: record.TextObject("x"), Confidence: 1, Share: 1,
			ResultHash: record.TextObject("x").Hash(), Considered: 1,
			Contributions: []record.Contribution{{Assertion: id[name].Hash, Source: id["b1"].Hash, Weight: 1, Lifecycle: record.Proposed}},
		})
		got, _, body := x.request(api.Strangers, "POST", "/records", part, string(line))
		if got != status || strings.Contains(body, "hidden") {
			t.Errorf("a query with the contribution %s = %d %s, want %d", name, got, body, status)
		}
	}
}

// TestFindFillsItsPage says that a page of what may be seen has no more rows than were asked for, also where it takes
// several pages of all records to fill it.
func TestFindFillsItsPage(t *testing.T) {
	e := empty(t)
	takeIn(t, e, twoTeams)
	part := api.Scoped(e, api.Grant{Name: "part", Role: api.RoleRead, Subjects: []string{"auth/**"}})
	all, err := part.Find(t.Context(), ask.FindQuery{Text: "a"})
	if err != nil || len(all.Records) < 3 {
		t.Fatalf("found %d records, %v; want a few", len(all.Records), err)
	}
	for limit := 1; limit <= 5; limit++ {
		var got []ask.Hit
		for cursor := ""; ; {
			page, err := part.Find(t.Context(), ask.FindQuery{Text: "a", Limit: limit, Cursor: cursor})
			if err != nil {
				t.Fatal(err)
			}
			if len(page.Records) > limit {
				t.Errorf("a page of %d has %d rows", limit, len(page.Records))
			}
			if got = append(got, page.Records...); page.NextCursor == nil {
				break
			}
			cursor = *page.NextCursor
		}
		if diff := cmp.Diff(all.Records, got); diff != "" {
			t.Errorf("pages of %d are together (-whole +pages):\n%s", limit, diff)
		}
	}
}
