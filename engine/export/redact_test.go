package export_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"regexp"
	"slices"
	"strings"
	"testing"

	"episteme/engine/export"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// secrets are the texts that an export of c with these fields redacted must not hold, as somebody finds them who reads
// the model and not the code.
func secrets(c *export.Contents, fields ...string) []string {
	var all []string
	add := func(field, s string) {
		if slices.Contains(fields, field) && s != "" {
			all = append(all, s)
		}
	}
	labels := func(list []record.Label) {
		for _, l := range list {
			add("labels", l.Name)
			add("labels", l.Value)
		}
	}
	for _, r := range c.Records {
		switch r := r.Record.(type) {
		case record.Evidence:
			add("content", string(r))
		case *record.Source:
			add("name", r.Name)
			add("uri", r.URI)
			add("agent", r.Agent)
		case *record.Assertion:
			add("subject", r.Subject)
			add("predicate", r.Predicate)
			add("value", r.Object.String())
			add("agent", r.Agent)
			add("note", r.Note)
		case *record.Vote:
			add("agent", r.Agent)
		case *record.Epoch:
			add("name", r.Name)
			add("agent", r.Agent)
		case *record.Transition:
			add("agent", r.Agent)
			add("reason", r.Reason)
		case *record.Event:
			add("title", r.Title)
			add("subject", r.Subject)
			add("agent", r.Agent)
			add("trace", r.TraceID)
			add("trace", r.ConversationID)
			labels(r.Labels)
		case *record.Audit:
			add("agent", r.Agent)
			add("subject", r.Subject)
			add("predicate", r.Predicate)
			add("question", r.Question)
			add("value", r.Value.String())
			add("trace", r.TraceID)
			add("trace", r.ConversationID)
			labels(r.Labels)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// readings are the ways in which somebody might read what was written: as it is, without the escapes of its format, and
// the bytes behind its base64.
func readings(t *testing.T, format export.Format, text string) string {
	t.Helper()
	all := text
	switch format {
	case export.HTML:
		all += "\n" + html.UnescapeString(text)
	case export.Markdown:
		all += "\n" + html.UnescapeString(regexp.MustCompile(`\\([[:punct:]])`).ReplaceAllString(text, "$1"))
	default:
		all = jsonTexts(t, text)
	}
	return all
}

// jsonTexts are all names and texts of a JSON value; of payloads, the bytes that they stand for.
func jsonTexts(t *testing.T, text string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	var walk func(name string, v any)
	walk = func(name string, v any) {
		switch v := v.(type) {
		case string:
			if raw, err := base64.StdEncoding.DecodeString(v); err == nil && name == "payload" {
				v = string(raw)
			}
			b.WriteString(v + "\n")
		case []any:
			for _, x := range v {
				walk(name, x)
			}
		case map[string]any:
			for name, x := range v {
				b.WriteString(name + "\n")
				walk(name, x)
			}
		}
	}
	walk("", v)
	return b.String()
}

// TestNothingRedactedLeaves takes each field away from the whole incident and searches every format for the values,
// and for the hashes of all records that hold one.
func TestNothingRedactedLeaves(t *testing.T) {
	e, ids := incident(t)
	c := collect(t, e, export.Selection{Queries: []record.ID{ids[deciding], ids["q220338"], ids["q220455"], ids["q215240"]}})
	sets := [][]string{{"agent", "value"}, {"subject", "predicate", "question", "content"}}
	for _, f := range export.Fields() {
		sets = append(sets, []string{string(f)})
	}
	own := ownWords(t)
	for _, fields := range sets {
		gone := secrets(c, fields...)
		if len(gone) == 0 {
			t.Errorf("the incident has no %s", fields)
		}
		hashes := hashesOf(c, gone, slices.Contains(fields, "content"))
		redacted := redact(t, e, c, 1, fields...)
		for _, format := range export.Formats() {
			t.Run(strings.Join(fields, "+")+" "+string(format), func(t *testing.T) {
				text := readings(t, format, written(t, format, redacted))
				ours := own[format]
				lower := strings.ToLower(text)
				for _, s := range gone {
					if low := strings.ToLower(s); searchable(s) && !strings.Contains(ours, low) && strings.Contains(lower, low) {
						t.Errorf("%q is in it: …%s…", s, around(text, s))
					}
				}
				for _, q := range c.Queries {
					if h := q.Verdict.Audit.ResultHash.String(); q.Verdict.Audit.Result.Value.Type != record.NoValue && slices.Contains(fields, "value") && strings.Contains(text, h) {
						t.Errorf("the hash of a value is in it: …%s…", around(text, h))
					}
				}
				for _, id := range hashes {
					for _, form := range []string{id.Hash.String(), id.Short(), string(id.Hash[:])} {
						if strings.Contains(text, form) {
							t.Errorf("%q of %s is in it: …%s…", form, id, around(text, form))
						}
					}
				}
			})
		}
	}
}

// searchable says that a value can be told from our own numbers and words: one of fewer than three characters, or of
// digits alone, is replaced as a word of its own only.
func searchable(s string) bool {
	return len([]rune(s)) >= 3 && strings.ContainsFunc(s, func(r rune) bool { return r > '9' })
}

func contains(text, s string) bool {
	return strings.Contains(strings.ToLower(text), strings.ToLower(s))
}

func around(text, s string) string {
	i := max(0, strings.Index(strings.ToLower(text), strings.ToLower(s)))
	return text[max(0, i-60):min(len(text), i+len(s)+60)]
}

// hashesOf are the records whose bytes hold one of the texts, and those that name one of those.
func hashesOf(c *export.Contents, texts []string, documents bool) []record.ID {
	tainted := map[record.ID]bool{}
	for again := true; again; {
		again = false
		for _, r := range c.Records {
			if tainted[r.ID] {
				continue
			}
			line := string(record.AppendJSON(nil, r.Record))
			_, document := r.Record.(record.Evidence)
			hit := documents && document
			for _, s := range texts {
				hit = hit || searchable(s) && holds(r.Record, line, s)
			}
			for id := range tainted {
				hit = hit || strings.Contains(line, id.Hash.String())
			}
			if hit {
				tainted[r.ID], again = true, true
			}
		}
	}
	var list []record.ID
	for id := range tainted {
		list = append(list, id)
	}
	return list
}

// holds looks for s among the values of a record's JSON, not among the names of its members.
func holds(r record.Record, line, s string) bool {
	if e, ok := r.(record.Evidence); ok {
		return contains(string(e), s)
	}
	var v map[string]any
	if json.Unmarshal([]byte(line), &v) != nil {
		return false
	}
	for _, own := range []string{"kind", "lifecycle", "lens", "type", "to", "supersession", "held", "lifecycle_filter", "contributing_assertions"} {
		delete(v, own)
	}
	var hit func(v any) bool
	hit = func(v any) bool {
		switch v := v.(type) {
		case string:
			return contains(v, s)
		case []any:
			return slices.ContainsFunc(v, hit)
		case map[string]any:
			for name, x := range v {
				if name == "labels" {
					for label := range x.(map[string]any) {
						if contains(label, s) {
							return true
						}
					}
				}
				if hit(x) {
					return true
				}
			}
		}
		return false
	}
	return hit(v)
}

// ownWords is what each format says of itself, in lower case: exports of an incident that has none of the values. A value
// that is one of these words (a label called version) is no leak there.
func ownWords(t *testing.T) map[export.Format]string {
	t.Helper()
	e, _ := take(t, plainIncident)
	c := redact(t, e, collect(t, e, export.Selection{}), 1, "agent")
	own := map[export.Format]string{}
	for _, format := range export.Formats() {
		own[format] = strings.ToLower(readings(t, format, written(t, format, c)))
	}
	return own
}

// plainIncident has a record of each kind, and one letter for every value.
var plainIncident = []byte(`{"kind":"epoch","id":"e1","name":"x","agent":"x","timestamp":"2020-01-01T00:00:00Z"}
{"kind":"epoch","id":"e2","name":"x","agent":"x","timestamp":"2020-01-02T00:00:00Z","supersedes":"@e1","supersession":"Temporal"}
{"kind":"source","id":"s","name":"x","uri":"x","authority":0.8,"agent":"x","timestamp":"2020-01-02T18:00:00Z","content":"x"}
{"kind":"assertion","id":"a0","subject":"x","predicate":"x","object":"z","confidence":0.9,"agent":"x","timestamp":"2020-01-02T18:01:00Z","source":"@s","epoch":"@e1","note":"x"}
{"kind":"assertion","id":"a1","subject":"x","predicate":"x","object":"y","confidence":0.2,"agent":"x","timestamp":"2020-01-02T18:01:00Z","source":"@s","epoch":"@e2","note":"x"}
{"kind":"assertion","id":"a2","subject":"x","predicate":"x","object":"x","confidence":0.9,"agent":"x","timestamp":"2020-01-02T18:01:00Z","source":"@s","parents":["@a1"],"note":"x"}
{"kind":"vote","assertion":"@a2","agent":"x","weight":1,"timestamp":"2020-01-02T19:00:00Z"}
{"kind":"query","id":"q","agent":"x","subject":"x","predicate":"x","lens":"consensus","lifecycle_filter":null,"timestamp":"2020-01-02T21:00:00Z","question":"x","labels":{"x":"x"},"trace_id":"x","span_id":"x","conversation_id":"x"}
{"kind":"event","type":"deploy","timestamp":"2020-01-02T21:04:10Z","agent":"x","title":"x","subject":"x","based_on":["@q"],"labels":{"x":"x"},"trace_id":"x","span_id":"x","conversation_id":"x"}
{"kind":"transition","assertion":"@a2","to":"Rejected","agent":"x","reason":"x","timestamp":"2020-01-02T22:10:00Z"}
`)

var token = regexp.MustCompile(`\[[a-z]+ [0-9a-f]{12}\]`)

// TestTokens: equal values have equal tokens within an export, and no token of another.
func TestTokens(t *testing.T) {
	e, _ := incident(t)
	c := collect(t, e, export.Selection{Filter: ask.AuditFilter{Agent: "deployment-agent"}})
	first, again, other := redact(t, e, c, 1, "agent"), redact(t, e, c, 1, "agent"), redact(t, e, c, 2, "agent")
	seen := map[string]string{} // agent → token
	for i, q := range c.Queries {
		name, got := q.Verdict.Audit.Agent, first.Queries[i].Verdict.Audit.Agent
		if !token.MatchString(got) || seen[name] != "" && seen[name] != got {
			t.Errorf("%s became %s, and %q before", name, got, seen[name])
		}
		seen[name] = got
		if again.Queries[i].Verdict.Audit.Agent != got || other.Queries[i].Verdict.Audit.Agent == got {
			t.Errorf("%s became %s, with the same key %s, with another %s", name, got, again.Queries[i].Verdict.Audit.Agent, other.Queries[i].Verdict.Audit.Agent)
		}
	}
	text, otherText := written(t, export.Bundle, first), written(t, export.Bundle, other)
	for _, x := range token.FindAllString(text, -1) {
		if strings.Contains(otherText, x) {
			t.Errorf("%s is in two exports", x)
		}
	}
}

// TestQuotedValues: a value is found where other text quotes it, and our own numbers are left alone.
func TestQuotedValues(t *testing.T) {
	events := []byte(`{"kind":"source","id":"s","name":"xq","authority":0.5,"agent":"Ann","timestamp":"2024-01-01T00:00:00Z","content":"ANNABEL asked ann, 50 of 500"}
{"kind":"assertion","id":"a","subject":"s/x","predicate":"limit","object":50,"confidence":0.5,"agent":"Ann","timestamp":"2024-01-01T00:01:00Z","source":"@s","note":"50, not 500; bo said so, not bob"}
{"kind":"query","id":"q","agent":"bo","subject":"s/x","predicate":"limit","lens":"authority","timestamp":"2024-01-01T00:02:00Z","question":"ann's limit?"}
`)
	e, _ := take(t, events)
	c := redact(t, e, collect(t, e, export.Selection{}), 1, "agent", "value", "name")
	text := readings(t, export.Markdown, written(t, export.Markdown, c)) + "\n" + jsonTexts(t, written(t, export.Bundle, c))
	if id := regexp.MustCompile(`\b[a-z]_[0-9a-f]{8}`).FindString(text); id != "" {
		t.Errorf("%s stands for a record that was withheld, and looks like an id", id)
	}
	plain := token.ReplaceAllString(text, "[]")
	for _, want := range []string{"[]ABEL asked [], [] of 500", "[], not 500; [] said so, not bob", "[]'s limit?", "[] confidence .25   held 100 % of the weight", "all received shown · [] last heard", "weight .50 = authority of []; confidence .50"} {
		if !strings.Contains(plain, want) {
			t.Errorf("expected %q in\n%s", want, plain)
		}
	}
}

// TestQuotedFromElsewhere: what leaves may quote a value that no record which leaves holds as one. Names of colleagues
// left in a question and in a note, because only the agents of the exported records were searched for.
func TestQuotedFromElsewhere(t *testing.T) {
	e, _ := incident(t)
	var names, issuers []string
	err := e.EachRecord(t.Context(), func(r ask.Record) error {
		names = append(names, secrets(&export.Contents{Records: []ask.Record{r}}, "agent")...)
		if a, ok := r.Record.(*record.Assertion); ok && a.Predicate == "issuer" {
			issuers = append(issuers, a.Object.String())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(names, "erin") || !slices.Contains(issuers, "login.svc") {
		t.Fatalf("agents %q, issuers %q: the incident is another one", names, issuers)
	}
	own := ownWords(t)
	quoted := map[string]bool{}
	for _, q := range collect(t, e, export.Selection{}).Queries {
		c := collect(t, e, export.Selection{Queries: []record.ID{q.Verdict.Audit.ID}})
		plain := written(t, export.Markdown, c)
		for field, list := range map[string][]string{"agent": names, "value": issuers} {
			text := readings(t, export.Markdown, written(t, export.Markdown, redact(t, e, c, 1, field)))
			for _, s := range list {
				quoted[s] = quoted[s] || contains(plain, s) && !slices.Contains(secrets(c, field), s)
				if contains(text, s) && !contains(own[export.Markdown], s) {
					t.Fatalf("%s without %s has %q: …%s…", q.Verdict.Audit.ID.Short(), field, s, around(text, s))
				}
			}
		}
	}
	if !quoted["erin"] || !quoted["login.svc"] {
		t.Errorf("no export quotes somebody or something that none of its records has as a value: this proves nothing (%v)", quoted)
	}
}

// TestWhatIsSearchedFor: of fields that are no names, the values of records that touch what leaves; an everyday word
// that is a value of something else stays.
func TestWhatIsSearchedFor(t *testing.T) {
	e, ids := take(t, []byte(`{"kind":"source","id":"s","name":"doc","authority":0.5,"agent":"ann","timestamp":"2024-01-01T00:00:00Z","content":"x"}
{"kind":"assertion","id":"a","subject":"auth","predicate":"p","object":"told","confidence":0.5,"agent":"ann","timestamp":"2024-01-01T00:01:00Z","source":"@s","note":"same subject: crimson; same agent: indigo; neither: the word and; voter: zed"}
{"kind":"query","id":"q","agent":"bot","subject":"auth","predicate":"p","lens":"authority","timestamp":"2024-01-01T00:02:00Z"}
{"kind":"assertion","id":"b","subject":"auth","predicate":"other","object":"crimson","confidence":0.5,"agent":"eve","timestamp":"2024-01-01T00:01:00Z","source":"@s"}
{"kind":"assertion","id":"c","subject":"billing","predicate":"p","object":"indigo","confidence":0.5,"agent":"ann","timestamp":"2024-01-01T00:01:00Z","source":"@s"}
{"kind":"assertion","id":"d","subject":"billing","predicate":"p","object":"and","confidence":0.5,"agent":"eve","timestamp":"2024-01-01T00:01:00Z","source":"@s"}
{"kind":"vote","assertion":"@d","agent":"zed","weight":1,"timestamp":"2024-01-01T00:02:00Z"}
`))
	c := redact(t, e, collect(t, e, export.Selection{Queries: []record.ID{ids["q"]}}), 1, "agent", "value")
	plain := token.ReplaceAllString(readings(t, export.Bundle, written(t, export.Bundle, c)), "[]")
	if want := "same subject: []; same agent: []; neither: the word and; voter: []"; !strings.Contains(plain, want) {
		t.Errorf("expected %q in\n%s", want, plain)
	}
	for _, want := range []string{"every agent of the store", "nor for other spellings"} {
		if !strings.Contains(c.SearchedFor(), want) {
			t.Errorf("SearchedFor = %q, want %q in it", c.SearchedFor(), want)
		}
	}
	none := redact(t, e, collect(t, e, export.Selection{Queries: []record.ID{ids["q"]}}), 1, "content")
	if s := none.SearchedFor(); s != "" {
		t.Errorf("documents alone are redacted, and %q", s)
	}
}

// TestQuotedIDs: the id of a withheld record is found where a text quotes it, in full or as screens show it.
func TestQuotedIDs(t *testing.T) {
	lines := `{"kind":"source","id":"s","name":"x.md","authority":0.5,"agent":"ann","timestamp":"2024-01-01T00:00:00Z","content":"x"}
{"kind":"assertion","id":"a","subject":"s","predicate":"p","object":"v","confidence":0.5,"agent":"ann","timestamp":"2024-01-01T00:01:00Z","source":"@s","note":"secret"}
`
	_, ids := take(t, []byte(lines))
	id := ids["a"]
	lines += fmt.Sprintf(`{"kind":"query","id":"q","agent":"bo","subject":"s","predicate":"p","lens":"authority","timestamp":"2024-01-01T00:02:00Z","question":"%s, or %s, 0%s0, A_%s?"}
`, id, id.Short(), id.Hash, strings.ToUpper(id.Hash.String()[:12]))
	e, ids := take(t, []byte(lines))
	c := redact(t, e, collect(t, e, export.Selection{Queries: []record.ID{ids["q"]}}), 1, "note")
	for _, format := range export.Formats() {
		text := readings(t, format, written(t, format, c))
		if contains(text, id.Hash.String()[:8]) || contains(text, "secret") {
			t.Errorf("%s: the id of a withheld record is in it: …%s…", format, around(text, id.Hash.String()[:8]))
		}
	}
	asked := token.ReplaceAllString(*c.Queries[0].Verdict.Audit.Question, "[]")
	if asked != "[], or [], 0[]0, []?" {
		t.Errorf("asked %q, want the ids replaced and nothing else", asked)
	}
}

// TestWhatStaysVerifiable: redacting what one record says leaves those alone that do not rest on it.
func TestWhatStaysVerifiable(t *testing.T) {
	e, ids := incident(t)
	c := redact(t, e, collect(t, e, export.Selection{Queries: []record.ID{ids[deciding]}}), 1, "reason")
	r := verify(t, written(t, export.Bundle, c))
	if r.Redacted != 1 || r.Verified != r.Records-1 || !r.Whole() {
		t.Errorf("Verify = %+v, want all but the transition verified", r)
	}
}

// TestUnknownSources: the digest of a document that nobody holds is made of its name, and is a token with it.
func TestUnknownSources(t *testing.T) {
	events := []byte(`{"kind":"source","id":"s","name":"pager","agent":"ann","timestamp":"2024-01-01T00:00:00Z"}
{"kind":"assertion","id":"a","subject":"s","predicate":"p","object":"v","confidence":0.5,"agent":"ann","timestamp":"2024-01-01T00:01:00Z","source":"@s"}
{"kind":"query","id":"q","agent":"bo","subject":"s","predicate":"p","lens":"authority","timestamp":"2024-01-01T00:02:00Z"}
`)
	e, ids := take(t, events)
	c := collect(t, e, export.Selection{Queries: []record.ID{ids["q"]}})
	if len(c.Absent) != 1 || c.Absent[0].Why != string(ask.NotHeld) {
		t.Fatalf("absent: %+v, want the bytes that are not held", c.Absent)
	}
	digest := record.UnknownDigest("pager").String()
	for _, format := range export.Formats() {
		if text := written(t, format, redact(t, e, c, 1, "name")); strings.Contains(text, digest) || strings.Contains(text, "pager") {
			t.Errorf("%s: the name, or the digest made of it, is in it", format)
		}
	}
	r := verify(t, written(t, export.Bundle, redact(t, e, c, 1, "question")))
	if r.Redacted != 0 || !r.Whole() {
		t.Errorf("nothing was asked in words, and the bundle has %d redacted: %v", r.Redacted, r.Problems)
	}
}

func TestParseFields(t *testing.T) {
	if _, err := export.ParseFields([]string{"agent", "nmae"}); err == nil || !strings.Contains(err.Error(), `"nmae", expected one of agent, subject`) {
		t.Errorf("ParseFields = %v, want the names that there are", err)
	}
}
