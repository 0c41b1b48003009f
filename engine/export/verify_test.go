package export_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"episteme/engine"
	"episteme/engine/export"
	"episteme/engine/record"
)

// example is the bundle on the page of its format.
func example(t testing.TB) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/formats/bundle.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(page), "\n```json\n")
	text, _, found := strings.Cut(text, "```\n")
	if !found {
		t.Fatal("docs/formats/bundle.md has no example")
	}
	return text
}

func verify(t testing.TB, bundle string) export.Report {
	t.Helper()
	r, err := export.Verify(strings.NewReader(bundle))
	if err != nil {
		t.Fatalf("Verify: %v", err)
	}
	return r
}

// TestPageExample verifies the example, and sees in it what the page says.
func TestPageExample(t *testing.T) {
	got := verify(t, example(t))
	want := export.Report{
		Made: made, Log: "d6ed83fa40b2f3cff244fe0401dfab91", Last: 4, Chain: "17043ec4fb74996a7666f2ad87acc28d5e246e10c2f8e03a57d613bf930950ea",
		Queries: 1, Records: 4, Verified: 4, Links: 4,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Verify (-want +got):\n%s", diff)
	}
}

// TestEveryByte changes each byte of the example in turn. Whatever ties a record to its id, its links or its answer must
// be found; what the exporter alone states (times, places in the journal, the lines of the verdict) cannot be.
func TestEveryByte(t *testing.T) {
	bundle := example(t)
	stated := statedBytes(t, bundle)
	missed := 0
	for i := range len(bundle) {
		changed := []byte(bundle)
		changed[i] ^= 1
		if changed[i] == bundle[i] || stated[i] {
			continue
		}
		r, err := export.Verify(bytes.NewReader(changed))
		if err == nil && r.Whole() && !sameJSON(changed, []byte(bundle)) {
			missed++
			t.Errorf("byte %d: …%s… became %q and nothing was found", i, bundle[max(0, i-30):min(len(bundle), i+30)], changed[i])
		}
		if missed > 5 {
			t.Fatal("and so on")
		}
	}
}

// statedBytes marks the bytes of members that nothing in a bundle can prove.
func statedBytes(t *testing.T, bundle string) map[int]bool {
	t.Helper()
	marked := map[int]bool{}
	mark := func(start, end string) {
		n := 0
		for at := 0; ; n++ {
			i := strings.Index(bundle[at:], start)
			if i < 0 {
				break
			}
			from := at + i + len(start)
			length := strings.Index(bundle[from:], end)
			for j := range length {
				marked[from+j] = true
			}
			at = from + length
		}
		if n == 0 {
			t.Fatalf("the example has no %s", start)
		}
	}
	mark(`"made_at":"`, `"`)
	mark(`"recorded_at":"`, `"`)
	mark(`"chain":`, "}")
	mark(`"chosen":"`, `"`)
	for _, label := range []string{"AGAINST", "WITHOUT", "NOW"} {
		mark(`{"label":"`+label+`","text":"`, `"`)
	}
	mark(`"findings":[`, `]}],`)
	mark(`"lsn":`, `,`) // 4 of the head becomes 5; that of a record is found by the order, or by the pin
	return marked
}

// sameJSON says that a change was one of white space.
func sameJSON(a, b []byte) bool {
	var x, y bytes.Buffer
	return json.Compact(&x, a) == nil && json.Compact(&y, b) == nil && bytes.Equal(x.Bytes(), y.Bytes())
}

// TestOldBundles reads bundles that were written once and must be read for ever.
func TestOldBundles(t *testing.T) {
	text, err := os.ReadFile("testdata/redacted.json")
	if err != nil {
		t.Fatal(err)
	}
	if r := verify(t, string(text)); !r.Whole() || r.Redacted != 4 || r.Verified != 0 || r.Chain != "" {
		t.Errorf("Verify = %+v, want it whole with four records redacted", r)
	}
}

// TestWhatIsFound changes one thing a reader relies on, and wants it named.
func TestWhatIsFound(t *testing.T) {
	type object = map[string]any
	type list = []any
	records := func(b object) list { return b["records"].(list) }
	rec := func(b object, i int) object { return records(b)[i].(object) }
	answer := func(b object) object { return b["queries"].(list)[0].(object)["answer"].(object) }
	query := func(b object) object { return b["queries"].(list)[0].(object) }
	line := func(b object, label string) object {
		all := query(b)["verdict"].(list)
		return all[slices.IndexFunc(all, func(l any) bool { return l.(object)["label"] == label })].(object)
	}
	other := strings.Repeat("0", 63) + "1"
	tests := []struct {
		name   string // says the rule
		change func(b object)
		want   string // part of a problem
	}{
		{"a payload of other bytes", func(b object) {
			rec(b, 0)["payload"] = base64.StdEncoding.EncodeToString([]byte("The pager is with carol."))
		}, "b_dda195d0d2e3120da67f367c13345bfb00858a88854e45ed778d77ffd7fac02d: payload: found bytes with the hash "},
		{"an id of another record", func(b object) { rec(b, 0)["id"] = "b_" + other }, "b_" + other + ": payload: found bytes with the hash dda195d0"},
		{"base64 in another form", func(b object) { rec(b, 0)["payload"] = "VGhlIHBhZ2VyIGlzIHdpdGggYWxpY2Uu\n" }, "payload: found no base64"},
		{"a kind that the id does not have", func(b object) { rec(b, 1)["kind"] = "vote" }, `kind: found "vote", expected source`},
		{"a link to another record", func(b object) { rec(b, 2)["links"].(list)[0].(object)["to"] = "b_" + other }, "link 1: found evidence b_00000000"},
		{"a link of another type", func(b object) { rec(b, 2)["links"].(list)[0].(object)["type"] = "vote" }, "link 1: found vote b_dda195d0"},
		{"another weight", func(b object) { rec(b, 3)["links"].(list)[0].(object)["weight"] = 0.9 }, "with weight 0.9, expected contributed a_c93a7e19"},
		{"a link left out", func(b object) { rec(b, 3)["links"] = list{} }, "links: found 0 of them, expected the 2 in its bytes"},
		{"a record left out", func(b object) { b["records"] = records(b)[1:] }, "b_dda195d0d2e3120da67f367c13345bfb00858a88854e45ed778d77ffd7fac02d: record: found nothing, expected the record, or its name among the absent: s_"},
		{"the query left out", func(b object) { b["records"] = records(b)[:3] }, "query: found no such query among the records"},
		{"records in another order", func(b object) { l := records(b); l[0], l[1] = l[1], l[0] }, "lsn: found 1 behind 2, expected records in the order of the journal"},
		{"a record twice", func(b object) { b["records"] = append(records(b), records(b)[3]) }, "id: found a second record of this id"},
		{"an LSN behind the head", func(b object) { rec(b, 3)["lsn"] = 9 }, "lsn: found 9, expected 1 to 4, the head of the journal"},
		{"a contribution above the pin", func(b object) {
			b["journal"].(object)["lsn"], rec(b, 2)["lsn"], rec(b, 3)["lsn"] = 9, 4, 5
		}, "found lsn 4, expected at most its pin 3"},
		{"a query at its own pin", func(b object) {
			rec(b, 1)["lsn"], rec(b, 0)["lsn"], rec(b, 2)["lsn"], rec(b, 3)["lsn"] = 1, 0, 2, 3
		}, "lsn: found 3, expected one above its pin 3"},
		{"another value", func(b object) { answer(b)["result"].(object)["value"] = "carol" }, `answer: found other values than in its record, expected those of its record: result {"value":"alice"`},
		{"another agent", func(b object) { answer(b)["agent_id"] = "x" }, `those of its record: agent_id "incident-bot"`},
		{"a contribution left out", func(b object) { answer(b)["contributing_assertions"] = list{} }, "those of its record: contributing_assertions"},
		{"another state", func(b object) { b["queries"].(list)[0].(object)["state"] = "imported" }, `state: found "imported", expected pinned`},
		{"another journal", func(b object) { b["journal"].(object)["log"] = strings.Repeat("1", 32) }, `state: found "pinned", expected foreign`},
		{"a line TOLD of something else", func(b object) { line(b, "TOLD")["text"] = "carol confidence .72   held 100 % of the weight" }, `TOLD: found "carol confidence .72   held 100 % of the weight", expected "alice confidence .72`},
		{"a line BECAUSE of another weight", func(b object) { line(b, "BECAUSE")["text"] = "alice .90 Approved a_c93a7e19 pager.md" }, `BECAUSE: found "alice .90 Approved a_c93a7e19 pager.md", expected "alice .80 Approved a_c93a7e19`},
		{"a line BECAUSE of another source", func(b object) { line(b, "BECAUSE")["text"] = "alice .80 Approved a_c93a7e19 pager.txt" }, `BECAUSE: found "alice .80 Approved a_c93a7e19 pager.txt"`},
		{"a line BECAUSE more", func(b object) {
			query(b)["verdict"] = slices.Insert(query(b)["verdict"].(list), 2, any(object{"label": "", "text": "alice .90"}))
		}, `BECAUSE: found 2 lines, expected 1`},
		{"a line LENS of another rule", func(b object) { line(b, "LENS")["text"] = "recency: the newest claim wins · approval not required" }, `LENS: found "recency: the newest`},
		{"a line LENS of another stage", func(b object) {
			line(b, "LENS")["text"] = "authority: the most trusted source wins · only Approved counted"
		}, `LENS: found "authority: the most`},
		{"a line TOLD left out", func(b object) { query(b)["verdict"] = query(b)["verdict"].(list)[1:] }, `TOLD: found ""`},
		{"a line TOLD twice", func(b object) {
			query(b)["verdict"] = append(query(b)["verdict"].(list), object{"label": "TOLD", "text": "carol"})
		}, `verdict: found a line "TOLD", expected each of TOLD, BECAUSE`},
		{"a line with a label of its own", func(b object) { line(b, "WITHOUT")["label"] = "HENCE" }, `verdict: found a line "HENCE"`},
		{"an answer that came out again, said to differ", func(b object) { query(b)["recomputed"] = "differs" }, `TOLD: found "alice confidence .72   held 100 % of the weight", expected "alice confidence .72   held 100 % of the weight   recomputed: DIFFERS`},
		{"an answer of this journal that could not be put again", func(b object) { query(b)["recomputed"] = "cannot be recomputed" }, `recomputed: found "cannot be recomputed", expected same or differs`},
		{"absent what is here", func(b object) {
			b["absent"] = list{object{"id": rec(b, 0)["id"], "why": "erased"}}
		}, "absent: found a record that is here"},
		{"absent what nobody names", func(b object) {
			b["absent"] = list{object{"id": "a_" + other, "why": "erased"}}
		}, "absent: found a name that no record here has in its bytes"},
		{"bytes withheld in a bundle without redaction", func(b object) { delete(rec(b, 0), "payload") }, "payload: found none, expected the record's bytes"},
		{"bytes withheld behind a real id", func(b object) {
			delete(rec(b, 0), "payload")
			rec(b, 0)["redacted"], b["redacted"] = object{}, list{"value"}
		}, "id: found an id without the bytes that it names"},
		{"both bytes and tokens", func(b object) { rec(b, 0)["redacted"] = object{} }, "redacted: found both"},
		{"no queries", func(b object) { b["queries"] = list{} }, "the bundle: queries: found none"},
		{"a chain that is none", func(b object) { b["journal"].(object)["chain"] = "x" }, `the bundle: journal.chain: found "x"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b object
			dec := json.NewDecoder(strings.NewReader(example(t)))
			dec.UseNumber()
			if err := dec.Decode(&b); err != nil {
				t.Fatal(err)
			}
			tt.change(b)
			var text bytes.Buffer
			enc := json.NewEncoder(&text)
			enc.SetEscapeHTML(false)
			if err := enc.Encode(b); err != nil {
				t.Fatal(err)
			}
			var all []string
			for _, p := range verify(t, text.String()).Problems {
				all = append(all, p.String())
			}
			if !strings.Contains(strings.Join(all, "\n"), tt.want) {
				t.Errorf("problems:\n%s\nwant one with %q", strings.Join(all, "\n"), tt.want)
			}
		})
	}
}

// TestNoBundle: what is no bundle is not called a damaged one, and one of a later version is neither.
func TestNoBundle(t *testing.T) {
	page := example(t)
	deep := strings.Repeat(`{"a":`, 20) + "1" + strings.Repeat("}", 20)
	tests := []struct{ name, text, want string }{
		{"nothing", "", "unexpected end of JSON input"},
		{"a list", "[]", "cannot unmarshal array"},
		{"another format", `{"format":"x"}`, `found format "x"`},
		{"cut off", page[:len(page)/2], "unexpected end of JSON input"},
		{"version 0", `{"format":"episteme bundle"}`, "found version 0"},
		{"something behind it", page + "{}", "invalid character"},
		{"a key twice", strings.Replace(page, `"version":1,`, `"version":1,"version":1,`, 1), `"version" twice`},
		{"a key in another case", strings.Replace(page, `"payload":`, `"Payload":`, 1), `"Payload" as a name`},
		{"a member that is unknown", strings.Replace(page, `"links":[]`, `"links":[],"x":1`, 1), `unknown field "x"`},
		{"too deep", strings.Replace(page, `"made_at":"2024-01-15T22:32:00Z"`, `"made_at":`+deep, 1), "more than 8 levels"},
		{"no UTF-8", strings.Replace(page, "all received", "all \xffreceived", 1), "that are no UTF-8, expected UTF-8 throughout"},
		{"a time that is none", strings.Replace(page, `2024-01-15T22:32:00Z`, `yesterday`, 1), "expected a time such as"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := export.Verify(strings.NewReader(tt.text))
			var none *export.NotBundleError
			if !errors.As(err, &none) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Verify = %v, want a NotBundleError with %q", err, tt.want)
			}
		})
	}
	t.Run("a later version", func(t *testing.T) {
		text := strings.Replace(page, `"version":1,`, `"version":2,"new":true,`, 1)
		if _, err := export.Verify(strings.NewReader(text)); !errors.Is(err, export.ErrTooNew) {
			t.Errorf("Verify = %v, want ErrTooNew", err)
		}
	})
}

// TestBundleOfAnIncident verifies what an export wrote, plain and with each field redacted.
func TestBundleOfAnIncident(t *testing.T) {
	e, _ := incident(t)
	c := collect(t, e, export.Selection{})
	r := verify(t, written(t, export.Bundle, c))
	if !r.Whole() || r.Verified != r.Records || r.Queries < 100 {
		t.Errorf("Verify = %+v, want over 100 queries and every record verified", r)
	}
	for _, f := range export.Fields() {
		t.Run("without "+string(f), func(t *testing.T) {
			r := verify(t, written(t, export.Bundle, redact(t, e, c, 1, string(f))))
			if !r.Whole() || r.Redacted == 0 || r.Verified+r.Redacted != r.Records || r.Chain != "" {
				t.Errorf("Verify: %d problems, %d redacted and %d verified of %d, chain %q: %v", len(r.Problems), r.Redacted, r.Verified, r.Records, r.Chain, r.Problems)
			}
		})
	}
}

// TestVerdictLines verifies bundles of all that a verdict can say of an answer: every rule, with and without a stage,
// with no value, told elsewhere, about assertions that are not here, with more contributions than lines.
func TestVerdictLines(t *testing.T) {
	var lines strings.Builder
	lines.WriteString(`{"kind":"source","id":"s","name":"and so on.md","authority":0.8,"agent":"ann","timestamp":"2024-01-01T00:00:00Z","content":"x"}
{"kind":"source","id":"later","name":"called otherwise since","digest":"` + record.Sum([]byte("x")).String() + `","authority":0.9,"agent":"ann","timestamp":"2024-02-01T00:00:00Z"}
{"kind":"assertion","id":"b","subject":"s","predicate":"p","object":false,"confidence":0.4,"agent":"eve","timestamp":"2024-01-01T00:01:00Z","source":"@s"}
`)
	for i := range 4 {
		fmt.Fprintf(&lines, `{"kind":"assertion","subject":"s","predicate":"p","object":"and 2 more (Enter) \u202e","confidence":0.5,"lifecycle":"Approved","agent":"ann%d","timestamp":"2024-01-01T00:01:00Z","source":"@s"}`+"\n", i)
	}
	for _, lens := range engine.Lenses() {
		for i, filter := range []string{"null", `"Approved"`, `"Rejected"`} {
			fmt.Fprintf(&lines, `{"kind":"query","agent":"bot","subject":"s","predicate":"p","lens":%q,"lifecycle_filter":%s,"timestamp":"2024-01-02T00:00:0%dZ"}`+"\n", lens, filter, i)
		}
	}
	absent := "a_" + strings.Repeat("9", 64)
	for i, lens := range []string{"external", "authority"} {
		fmt.Fprintf(&lines, `{"kind":"audit","agent_id":"far","timestamp":"2024-01-02T00:00:0%dZ","subject":"s","predicate":"p","lens":%q,"lifecycle_filter":"Approved","as_of":"2024-01-02T00:00:00Z","result":{"value":false,"confidence":0.5,"share":0.5},"considered":2,"contributing_assertions":[{"hash":"@b","lifecycle":"Rejected","weight":0.9,"source_hash":"b_%s"},{"hash":"%s","lifecycle":"Approved","weight":0.5,"source_hash":"b_%s"}]}`+"\n",
			i, lens, record.Sum([]byte("x")), absent, record.Sum([]byte("y")))
	}
	e, _ := take(t, []byte(lines.String()))
	c := collect(t, e, export.Selection{})
	if r := verify(t, written(t, export.Bundle, c)); !r.Whole() || r.Queries != 3*len(engine.Lenses())+2 {
		t.Errorf("%d queries, problems %v", r.Queries, r.Problems)
	}
	for _, f := range export.Fields() {
		if r := verify(t, written(t, export.Bundle, redact(t, e, c, 1, string(f)))); !r.Whole() {
			t.Errorf("without %s: %v", f, r.Problems)
		}
	}
}

// TestRecordsKeepTheirBytes: the payload of each record is what its id is the hash of, and its place is the journal's.
func TestRecordsKeepTheirBytes(t *testing.T) {
	e, ids := incident(t)
	c := collect(t, e, export.Selection{Queries: []record.ID{ids[deciding]}})
	status, err := e.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if c.Last != status.LastLSN || c.Chain.IsZero() || c.Chain != record.Hash(e.Head().Chain) {
		t.Errorf("head %d %s, want %d %s", c.Last, c.Chain, status.LastLSN, record.Hash(e.Head().Chain))
	}
	for _, r := range c.Records {
		want, err := e.Record(t.Context(), r.ID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, r); diff != "" {
			t.Errorf("%s (-journal +export):\n%s", r.ID, diff)
		}
	}
}

// FuzzVerify: no bundle makes it panic, take what is no bundle for one, or count more than it was given.
func FuzzVerify(f *testing.F) {
	f.Add([]byte(example(f)))
	redacted, err := os.ReadFile("testdata/redacted.json") // the example, without its values
	if err != nil {
		f.Fatal(err)
	}
	f.Add(redacted)
	f.Add([]byte(`{"format":"episteme bundle","version":1,"queries":[{"answer":null}],"records":[{"payload":"","redacted":null}]}`))
	f.Add([]byte(fmt.Sprintf(`{"format":"episteme bundle","version":1,"records":[%s]}`, strings.Repeat("[", 100))))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := export.Verify(bytes.NewReader(data))
		if err != nil {
			return
		}
		if r.Verified+r.Redacted > r.Records || r.Queries > export.MaxQueries || r.Records > export.MaxRecords {
			t.Errorf("Verify = %+v, counted more than there is", r)
		}
		if r.Whole() && r.Queries == 0 {
			t.Error("a bundle without queries is whole")
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	e, _ := incident(b)
	text := []byte(written(b, export.Bundle, collect(b, e, export.Selection{})))
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if r, err := export.Verify(bytes.NewReader(text)); err != nil || !r.Whole() {
			b.Fatal(r, err)
		}
	}
}
