package record

import (
	"bytes"
	"encoding/json"
	"flag"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write testdata/*.jsonl again")

// TestAppendJSON writes the goldens as lines, and reads the lines as the goldens.
func TestAppendJSON(t *testing.T) {
	var got []byte
	for _, g := range goldens() {
		got = append(AppendJSON(got, g.r), '\n')
	}
	file := filepath.Join("testdata", "goldens.jsonl")
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")); diff != "" {
		t.Errorf("AppendJSON (-want +got):\n%s", diff)
	}
	lines, rejects := readAll(t, NewReader(bytes.NewReader(want), file, nil), nil)
	if len(rejects) > 0 {
		t.Fatal(rejects[0])
	}
	for i, g := range goldens() {
		if diff := cmp.Diff([]Record{g.r}, lines[i].Records); diff != "" {
			t.Errorf("%s reads back (-want +got):\n%s", g.name, diff)
		}
	}
}

// TestAppendJSONNumbers: the shortest decimal of a binary32, which no other decimal of that length comes nearer to.
func TestAppendJSONNumbers(t *testing.T) {
	tests := []struct {
		weight float32
		want   string
	}{
		{0, "0"}, {1, "1"}, {-1, "-1"}, {0.1, "0.1"}, {0.9666667, "0.9666667"}, {1.0 / 3, "0.33333334"}, {0.000001, "0.000001"},
		{0.00000012, "1.2e-07"}, {math.SmallestNonzeroFloat32, "1e-45"}, {-math.SmallestNonzeroFloat32, "-1e-45"},
		{math.Nextafter32(1, 0), "0.99999994"},
	}
	for _, tt := range tests {
		v := &Vote{Assertion: repeat(1), Agent: "a", Weight: tt.weight}
		line := string(AppendJSON(nil, v))
		if !strings.Contains(line, `"weight":`+tt.want+`,`) {
			t.Errorf("weight %v is written as %s, want %s", tt.weight, line, tt.want)
		}
		if err := json.Unmarshal([]byte(line), new(any)); err != nil {
			t.Errorf("%s: %v", line, err)
		}
		checkRoundTrip(t, v)
	}
}

// TestAppendJSONRoundTrips holds records that come near to what lines can't carry.
func TestAppendJSONRoundTrips(t *testing.T) {
	assertion := func(o Object) Record {
		a := goldenRecord[*Assertion](t, "assertion")
		a.Object = o
		return a
	}
	audit := func(change func(*Audit)) Record {
		a := goldenRecord[*Audit](t, "audit")
		change(a)
		a.ResultHash = a.Value.Hash()
		return a
	}
	tests := []struct {
		name string
		r    Record
	}{
		{"every ASCII character", assertion(TextObject(ascii()))},
		{"characters that are escaped", assertion(TextObject("\u202e\u2028\u0085\ufeff\u200d\U000e0041\ufffd"))},
		{"a text that looks like a reference", assertion(TextObject(`{"ref":"a_00"}`))},
		{"a text that looks like a label", assertion(TextObject("@es256"))},
		{"an empty text", assertion(TextObject(""))},
		{"the greatest whole number", assertion(NumberObject(1 << 53))},
		{"the least whole number", assertion(NumberObject(-1 << 53))},
		{"a whole number beyond", assertion(NumberObject(1<<53 + 2))},
		{"the greatest number", assertion(NumberObject(math.MaxFloat64))},
		{"the least number", assertion(NumberObject(math.SmallestNonzeroFloat64))},
		{"evidence of no bytes", Evidence{}},
		{"evidence that is no text", Evidence{0xff, 0, 0x80}},
		{"evidence at its limit with the longest escapes", Evidence(make([]byte, MaxEvidenceBytes))},
		{"no value with a confidence", audit(func(a *Audit) { a.Value = Object{} })},
		{"a value that is a reference", audit(func(a *Audit) { a.Value = RefObject(ID{KindAudit, repeat(2)}) })},
		{"two contributions", audit(func(a *Audit) { a.Contributions = append(a.Contributions, a.Contributions[0]) })},
		{"a pin of 0", audit(func(a *Audit) { a.Pin = 0 })},
		{"the greatest count", audit(func(a *Audit) { a.Considered = 1 << 53 })},
		{"a half-life to the nanosecond", audit(func(a *Audit) { a.HalfLife = 90061_000_000_001 })},
		{"the last instant", &Vote{Assertion: repeat(1), Agent: "a", Timestamp: MaxTime}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { checkRoundTrip(t, tt.r) })
	}
}

func ascii() string {
	var b strings.Builder
	for c := range byte(0x80) {
		b.WriteByte(c)
	}
	return b.String()
}

// TestReaderAudit holds what an imported audit may leave out, and what of one that was shown is read over.
func TestReaderAudit(t *testing.T) {
	const head = `{"kind":"audit","agent_id":"bot","timestamp":"2024-01-15T21:03:47Z","subject":"auth/jwt","predicate":"alg",`
	least := func(change func(*Audit)) *Audit {
		a := &Audit{
			Agent: "bot", Timestamp: mustTime("2024-01-15T21:03:47Z"), Subject: "auth/jwt", Predicate: "alg", Lens: LensExternal,
			AsOf: mustTime("2024-01-15T21:03:47Z"),
		}
		change(a)
		a.ResultHash = a.Value.Hash()
		return a
	}
	tests := []struct {
		name, in string
		want     *Audit
	}{
		{"no answer", `"result":{}}`, least(func(*Audit) {})},
		{"no answer in full", `"question":null,"lens":"external","lens_params":{},"lifecycle_filter":null,"pin":null,"journal":null,
			"result":{"value":null,"confidence":0,"share":0},"considered":0,"contributing_assertions":[],"labels":{},"trace_id":null}`,
			least(func(*Audit) {})},
		{"what is derived is read over", `"query_id":"q_1","state":"pinned","findings":[{"code":"unapproved","cites":["a_…"]},{}],"result":{}}`,
			least(func(*Audit) {})},
		{"a lens that is none of ours", `"lens":"majority","result":{}}`, least(func(*Audit) {})},
		{"a lens of ours", `"lens":"skeptic","result":{}}`, least(func(a *Audit) { a.Lens = "skeptic" })},
		{"the default half-life is no half-life", `"lens":"recency","lens_params":{"half_life":"1d"},"result":{}}`,
			least(func(a *Audit) { a.Lens = "recency" })},
		{"an answer", `"result":{"value":"ES256","confidence":0.5,"share":1},"result_hash":"d43b7cc152bfa536a73f0bd7ae0eb5511b2b99d0fc54e8040ae0e6d5bfb83aa7"}`,
			least(func(a *Audit) { a.Value, a.Confidence, a.Share = TextObject("ES256"), 0.5, 1 })},
		{"contributions count as considered", `"result":{"value":true,"confidence":1,"share":1},"contributing_assertions":[
			{"hash":"a_` + digits64 + `","lifecycle":"unstated","weight":0.5,"source":"rfc.md","source_hash":"b_` + digits64 + `"}]}`,
			least(func(a *Audit) {
				a.Value, a.Confidence, a.Share, a.Considered = BoolObject(true), 1, 1, 1
				a.Contributions = []Contribution{{mustHash(digits64), mustHash(digits64), 0.5, Unstated}}
			})},
		{"more considered than contributed", `"result":{},"considered":12}`, least(func(a *Audit) { a.Considered = 12 })},
		{"a pin of a journal", `"pin":0,"journal":"00112233445566778899aabbccddeeff","result":{}}`, least(func(a *Audit) {
			a.Pinned, a.Journal = true, goldenRecord[*Audit](t, "audit").Journal
		})},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := strings.ReplaceAll(head+tt.in, "\n", " ")
			lines, rejects := readAll(t, NewReader(strings.NewReader(in), "x", nil), nil)
			if len(rejects) > 0 {
				t.Fatal(rejects[0])
			}
			if diff := cmp.Diff([]Record{tt.want}, lines[0].Records); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestReaderOptionalNull: null says that an optional field is absent, in any line.
func TestReaderOptionalNull(t *testing.T) {
	in := []string{
		`{"kind":"source","id":null,"name":"n","digest":null,"uri":null,"media_type":null,"agent":"a","timestamp":"2024-01-15T19:00:00Z","content":null,"content_base64":null}`,
		claim + `"b_` + digits64 + `","parents":null,"epoch":null,"note":null}`,
		`{"kind":"epoch","name":"n","agent":"a","timestamp":"2024-01-15T19:00:00Z","supersedes":null,"supersession":null}`,
		`{"kind":"event","type":"note","timestamp":"2024-01-15T19:00:00Z","agent":"a","title":"t","subject":null,"based_on":null,"labels":null,"trace_id":null,"span_id":null,"conversation_id":null}`,
		`{"kind":"query","agent":"a","subject":"s","predicate":"p","timestamp":"2024-01-15T19:00:00Z","question":null,"lens":null,"lens_params":null,"lifecycle_filter":null,"labels":null,"tool_call_id":null}`,
		`{"kind":"query","agent":"a","subject":"s","predicate":"p","timestamp":"2024-01-15T19:00:00Z","lens":"recency","lens_params":{"half_life":null}}`,
	}
	lines, rejects := readAll(t, NewReader(strings.NewReader(strings.Join(in, "\n")), "x", nil), nil)
	for _, reject := range rejects {
		t.Error(reject)
	}
	if len(lines) != len(in) {
		t.Errorf("%d lines taken, want %d", len(lines), len(in))
	}
}

// TestReaderUnescapes reads every escape of JSON.
func TestReaderUnescapes(t *testing.T) {
	in := strings.Replace(claim, `"object":1`, `"object":"\"\\\/\b\f\n\r\t\u00e9\u20AC\ud83d\ude00\u0000 <&>"`, 1) + `"b_` + digits64 + `"}`
	lines, rejects := readAll(t, NewReader(strings.NewReader(in), "x", nil), nil)
	if len(rejects) > 0 {
		t.Fatal(rejects[0])
	}
	want := "\"\\/\b\f\n\r\té€😀\x00 <&>"
	if got := lines[0].Records[0].(*Assertion).Object.Text; got != want {
		t.Errorf("object = %q, want %q", got, want)
	}
}

func TestReaderNumbers(t *testing.T) {
	tests := []struct {
		in   string
		want float64
	}{
		{"0", 0}, {"-1", -1}, {"1e3", 1000}, {"1E+3", 1000}, {"12.5e-1", 1.25}, {"9007199254740992", 1 << 53},
		{"-9007199254740992", -1 << 53}, {"9007199254740993.0", 1 << 53}, {"1e300", 1e300}, {"1e-999", 0}, {"0.0", 0},
	}
	for _, tt := range tests {
		in := strings.Replace(claim, `"object":1`, `"object":`+tt.in, 1) + `"b_` + digits64 + `"}`
		lines, rejects := readAll(t, NewReader(strings.NewReader(in), "x", nil), nil)
		if len(rejects) > 0 {
			t.Error(rejects[0])
			continue
		}
		if got := lines[0].Records[0].(*Assertion).Object; got != NumberObject(tt.want) {
			t.Errorf("object %s = %v, want %v", tt.in, got, tt.want)
		}
	}
}

// FuzzScanner holds our scanner against the standard library's: what we take is JSON, and what is JSON we refuse
// only for half a surrogate pair or for its depth.
func FuzzScanner(f *testing.F) {
	for _, s := range []string{incident, `{"a":[1,-2.5e+3,"\ud83d\ude00\n",true,false,null,{}]}`, `[[[[]]]]`, `"\ud83d"`, "0", "-", "01", "1.e"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			return
		}
		s := scanner{[]byte(text)}
		end, fault := s.value(s.space(0), 0)
		taken := fault == nil && s.space(end) == len(text)
		if valid := json.Valid([]byte(text)); taken != valid {
			if !valid || fault == nil || !strings.Contains(fault.found, "surrogate") && fault.found != "deeper nesting" {
				t.Fatalf("value(%q) = %v, %+v; json.Valid = %v", text, taken, fault, valid)
			}
		}
		if fault != nil && (fault.at < 0 || fault.at > len(text)) {
			t.Fatalf("value(%q) fails at %d", text, fault.at)
		}
	})
}
