package record

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// readAll reads lines to the end, asking each query as asked says.
func readAll(t testing.TB, r *Reader, asked map[string]ID) (lines []Line, rejects []*Reject) {
	t.Helper()
	for {
		line, err := r.Next()
		var reject *Reject
		switch {
		case errors.Is(err, io.EOF):
			return lines, rejects
		case errors.As(err, &reject):
			rejects = append(rejects, reject)
		case err != nil:
			t.Fatal(err)
		default:
			lines = append(lines, line)
			if id, ok := asked[line.Label]; ok && line.Query != nil {
				r.Bind(line.Label, id)
			}
		}
	}
}

// incident is a file in which every way to name another record is used once.
const incident = `{"kind":"source","id":"rfc","name":"security-rfc-2024.md","authority":0.9,"agent":"docs-sync","timestamp":"2024-01-15T18:00:00Z","content":"ES256 replaces RS256.\n"}
{"kind":"assertion","id":"es256","subject":"auth/jwt","predicate":"signing_algorithm","object":"ES256","confidence":0.9666667,"agent":"rfc-bot","timestamp":"2024-01-15T18:02:00Z","source":"@rfc"}

{"kind":"vote","assertion":"@es256","agent":"alice","weight":-0.5,"timestamp":"2024-01-15T19:00:00Z"}
{"kind":"epoch","id":"y23","name":"2023","agent":"ops","timestamp":"2023-01-01T00:00:00Z"}
{"kind":"epoch","id":"y24","name":"2024","agent":"ops","timestamp":"2024-01-01T00:00:00Z","supersedes":"@y23","supersession":"temporal"}
{"kind":"query","id":"q1","agent":"deployment-agent","subject":"auth/jwt","predicate":"signing_algorithm","lens":"recency","lens_params":{"half_life":"12h"},"lifecycle_filter":"approved","timestamp":"2024-01-15T21:03:47Z","labels":{"service":"auth","env":"prod"}}
{"kind":"assertion","subject":"auth/jwt","predicate":"rotated","object":{"ref":"@q1"},"confidence":1,"lifecycle":"APPROVED","agent":"bob","timestamp":"2024-01-15T21:04:00Z","source":{"id":"pager","name":"pager"},"parents":["@q1","@es256"],"epoch":"@y24"}
{"kind":"event","type":"deploy","timestamp":"2024-01-15T22:04:10+01:00","agent":"deployment-agent","title":"config 41","based_on":["@q1"]}
`

func incidentLines() []Line {
	digest := mustHash(documentDigest)
	q1 := ID{KindAudit, repeat(0x88)}
	id := func(r Record) ID {
		id, err := IDOf(r)
		if err != nil {
			panic(err)
		}
		return id
	}
	es256 := &Assertion{
		Subject: "auth/jwt", Predicate: "signing_algorithm", Object: TextObject("ES256"), Confidence: 0.9666667,
		Lifecycle: Proposed, Agent: "rfc-bot", Timestamp: mustTime("2024-01-15T18:02:00Z"), Source: digest,
	}
	y23 := &Epoch{Name: "2023", Agent: "ops", Timestamp: mustTime("2023-01-01T00:00:00Z")}
	y24 := &Epoch{
		Name: "2024", Agent: "ops", Timestamp: mustTime("2024-01-01T00:00:00Z"),
		Supersedes: id(y23).Hash, Supersession: Temporal,
	}
	return []Line{
		{1, KindSource, "rfc", []Record{Evidence(document), &Source{
			Name: "security-rfc-2024.md", Digest: digest, Authority: 0.9, Agent: "docs-sync", Timestamp: mustTime("2024-01-15T18:00:00Z"),
		}}, nil},
		{2, KindAssertion, "es256", []Record{es256}, nil},
		{4, KindVote, "", []Record{&Vote{
			Assertion: id(es256).Hash, Agent: "alice", Weight: -0.5, Timestamp: mustTime("2024-01-15T19:00:00Z"),
		}}, nil},
		{5, KindEpoch, "y23", []Record{y23}, nil},
		{6, KindEpoch, "y24", []Record{y24}, nil},
		{7, 0, "q1", nil, &Query{
			Agent: "deployment-agent", Subject: "auth/jwt", Predicate: "signing_algorithm", Lens: "recency",
			HalfLife: DefaultHalfLife / 2, LifecycleFilter: Approved, Timestamp: mustTime("2024-01-15T21:03:47Z"),
			AsOf: mustTime("2024-01-15T21:03:47Z"), Labels: []Label{{"env", "prod"}, {"service", "auth"}},
		}},
		{8, KindAssertion, "", []Record{
			&Source{
				Name: "pager", Digest: UnknownDigest("pager"), Authority: DefaultAuthority, Agent: "bob",
				Timestamp: mustTime("2024-01-15T21:04:00Z"),
			},
			&Assertion{
				Subject: "auth/jwt", Predicate: "rotated", Object: RefObject(q1), Confidence: 1, Lifecycle: Approved, Agent: "bob",
				Timestamp: mustTime("2024-01-15T21:04:00Z"), Source: UnknownDigest("pager"), Parents: []ID{q1, id(es256)},
				Epoch: id(y24).Hash,
			},
		}, nil},
		{9, KindEvent, "", []Record{&Event{
			Type: Deploy, Timestamp: mustTime("2024-01-15T21:04:10Z"), Agent: "deployment-agent", Title: "config 41", BasedOn: []ID{q1},
		}}, nil},
	}
}

// TestReader reads the same incident from files that differ in what does not count.
func TestReader(t *testing.T) {
	tests := []struct {
		name string
		in   io.Reader
	}{
		{"as it is", strings.NewReader(incident)},
		{"with a byte order mark", strings.NewReader("\ufeff" + incident)},
		{"with CR LF", strings.NewReader(strings.ReplaceAll(incident, "\n", "\r\n"))},
		{"without the last line end", strings.NewReader(strings.TrimSuffix(incident, "\n"))},
		{"with blank lines behind it", strings.NewReader(incident + "\n \t\r\n\n   ")},
		{"with spaces wherever they may stand", strings.NewReader(spaced(incident))},
		{"a byte at a time", iotest.OneByteReader(strings.NewReader(incident))},
		{"with the end in the last read", iotest.DataErrReader(strings.NewReader(incident))},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := NewReader(tt.in, "incident.jsonl", nil)
			lines, rejects := readAll(t, r, map[string]ID{"q1": {KindAudit, repeat(0x88)}})
			if len(rejects) > 0 {
				t.Fatal(rejects[0])
			}
			if diff := cmp.Diff(incidentLines(), lines); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if _, err := r.Next(); err != io.EOF {
				t.Errorf("Next behind the end: %v, want io.EOF", err)
			}
		})
	}
}

// spaced puts spaces around what separates values outside of texts.
func spaced(s string) string {
	var b strings.Builder
	inText := false
	for _, c := range s {
		if c == '"' {
			inText = !inText
		}
		if !inText && strings.ContainsRune("{}[],:", c) {
			b.WriteString(" \t" + string(c) + " \r")
		} else {
			b.WriteRune(c)
		}
	}
	return b.String()
}

func TestReaderOffset(t *testing.T) {
	in := "\ufeff" + incident
	r := NewReader(strings.NewReader(in), "incident.jsonl", nil)
	end := 0
	for range 2 {
		end += strings.Index(in[end:], "\n") + 1
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		if r.Offset() != int64(end) {
			t.Errorf("Offset = %d, want %d", r.Offset(), end)
		}
	}
	readAll(t, r, nil)
	if r.Offset() != int64(len(in)) {
		t.Errorf("Offset at the end = %d, want %d", r.Offset(), len(in))
	}
}

// TestReaderKindAnywhere: encoders that sort keys are common.
func TestReaderKindAnywhere(t *testing.T) {
	const in = `{"agent":"alice","assertion":"a_` + digits64 + `","timestamp":"2024-01-15T19:00:00Z","kin\u0064":"vo\u0074e","weight":1}`
	lines, rejects := readAll(t, NewReader(strings.NewReader(in), "x", nil), nil)
	if len(rejects) > 0 {
		t.Fatal(rejects[0])
	}
	want := &Vote{Assertion: mustHash(digits64), Agent: "alice", Weight: 1, Timestamp: mustTime("2024-01-15T19:00:00Z")}
	if diff := cmp.Diff([]Record{want}, lines[0].Records); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

const vote = `{"kind":"vote","assertion":"a_` + digits64 + `","agent":"alice","weight":1,"timestamp":"2024-01-15T19:00:00Z"}`

func TestReaderLineLimit(t *testing.T) {
	fits := vote + strings.Repeat(" ", MaxLineBytes-len(vote))
	in := strings.Join([]string{vote, fits, fits + " ", strings.Repeat("x", 3*MaxLineBytes), vote, fits + " "}, "\n")
	r := NewReader(strings.NewReader(in), "x.jsonl", nil)
	lines, rejects := readAll(t, r, nil)
	var numbers []int
	for _, l := range lines {
		numbers = append(numbers, l.Number)
	}
	if diff := cmp.Diff([]int{1, 2, 5}, numbers); diff != "" {
		t.Errorf("lines taken (-want +got):\n%s", diff)
	}
	want := []string{
		"x.jsonl:3:1: found a line of 8388609 bytes, expected at most 8388608",
		"x.jsonl:4:1: found a line of 25165824 bytes, expected at most 8388608",
		"x.jsonl:6:1: found a line of 8388609 bytes, expected at most 8388608",
	}
	for i, reject := range rejects {
		if i >= len(want) || !strings.HasPrefix(reject.Error(), want[i]) {
			t.Errorf("reject %d: %v", i, reject)
		}
	}
	if len(rejects) != len(want) {
		t.Errorf("%d rejects, want %d", len(rejects), len(want))
	}
	if cap(r.buf) > 2*MaxLineBytes {
		t.Errorf("the buffer grew to %d bytes", cap(r.buf))
	}
	if r.Offset() != int64(len(in)) {
		t.Errorf("Offset = %d, want %d", r.Offset(), len(in))
	}
}

// TestReaderReadError: what was read before the error counts, half a line does not.
func TestReaderReadError(t *testing.T) {
	broken := errors.New("the disk is gone")
	r := NewReader(io.MultiReader(strings.NewReader(vote+"\n"+vote[:40]), iotest.ErrReader(broken)), "x.jsonl", nil)
	if line, err := r.Next(); err != nil || line.Kind != KindVote {
		t.Fatalf("Next = %+v, %v", line, err)
	}
	for range 2 {
		_, err := r.Next()
		if !errors.Is(err, broken) || !strings.Contains(err.Error(), "read x.jsonl at byte 199: ") {
			t.Errorf("Next: %v, want the error of the reader at byte 199", err)
		}
	}
}

func TestReaderNoProgress(t *testing.T) {
	r := NewReader(stuck{}, "x.jsonl", nil)
	if _, err := r.Next(); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("Next = %v, want %v", err, io.ErrNoProgress)
	}
}

type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

// store knows one source.
type store struct {
	source, digest Hash
	err            error
}

func (s store) SourceDigest(source Hash) (Hash, bool, error) {
	return s.digest, source == s.source && s.err == nil, s.err
}

const claim = `{"kind":"assertion","subject":"a","predicate":"b","object":1,"confidence":1,"agent":"x","timestamp":"2024-01-15T19:00:00Z","source":`

// TestReaderSources: every way to name a source ends at the same digest.
func TestReaderSources(t *testing.T) {
	rfc := `{"kind":"source","id":"rfc","name":"rfc","agent":"x","timestamp":"2024-01-15T18:00:00Z","content":"ES256 replaces RS256.\n"}` + "\n"
	own, err := IDOf(&Source{Name: "rfc", Digest: mustHash(documentDigest), Authority: DefaultAuthority, Agent: "x", Timestamp: mustTime("2024-01-15T18:00:00Z")})
	if err != nil {
		t.Fatal(err)
	}
	older := store{source: repeat(7), digest: mustHash(documentDigest)}
	tests := []struct{ name, before, source string }{
		{"a label of a source", rfc, `"@rfc"`},
		{"a label of evidence", `{"kind":"evidence","id":"e","content":"ES256 replaces RS256.\n"}` + "\n", `"@e"`},
		{"evidence as base64", `{"kind":"evidence","id":"e","content_base64":"RVMyNTYgcmVwbGFjZXMgUlMyNTYuCg=="}` + "\n", `"@e"`},
		{"the id of a source above", rfc, `"` + own.String() + `"`},
		{"the id of a source above without a label", strings.Replace(rfc, `"id":"rfc",`, "", 1), `"` + own.String() + `"`},
		{"the id of a source in the journal", "", `"s_` + repeat(7).String() + `"`},
		{"the digest of evidence nobody has", "", `"b_` + documentDigest + `"`},
		{"in place with its content", "", `{"name":"n","content":"ES256 replaces RS256.\n"}`},
		{"in place with a digest", "", `{"name":"n","digest":"b_` + documentDigest + `"}`},
		{"in place with a digest as b3sum prints it", "", `{"kind":"source","name":"n","digest":"` + documentDigest + `"}`},
		{"in place with content and its digest", "", `{"name":"n","content":"ES256 replaces RS256.\n","digest":"` + documentDigest + `"}`},
		{"in place with a label of evidence", `{"kind":"evidence","id":"e","content":"ES256 replaces RS256.\n"}` + "\n", `{"name":"n","digest":"@e"}`},
		{"a label defined in place", claim + `{"id":"in","name":"n","content":"ES256 replaces RS256.\n"}}` + "\n", `"@in"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			lines, rejects := readAll(t, NewReader(strings.NewReader(tt.before+claim+tt.source+"}"), "x", older), nil)
			if len(rejects) > 0 {
				t.Fatal(rejects[0])
			}
			records := lines[len(lines)-1].Records
			if got := records[len(records)-1].(*Assertion).Source.String(); got != documentDigest {
				t.Errorf("source = %s, want %s", got, documentDigest)
			}
		})
	}
}

// TestReaderInPlaceOrder: evidence, then source, then the record.
func TestReaderInPlaceOrder(t *testing.T) {
	in := claim + `{"name":"n","agent":"docs","timestamp":"2024-01-15T18:00:00Z","content":"abc"}}`
	lines, rejects := readAll(t, NewReader(strings.NewReader(in), "x", nil), nil)
	if len(rejects) > 0 {
		t.Fatal(rejects[0])
	}
	records := lines[0].Records
	if len(records) != 3 || records[0].Kind() != KindEvidence || records[1].Kind() != KindSource || records[2].Kind() != KindAssertion {
		t.Fatalf("records are %+v", records)
	}
	if s := records[1].(*Source); s.Agent != "docs" || s.Timestamp != mustTime("2024-01-15T18:00:00Z") {
		t.Errorf("a source in place that says who and when has %s and %v", s.Agent, s.Timestamp)
	}
}

func TestReaderKnownError(t *testing.T) {
	broken := errors.New("the store is closed")
	r := NewReader(strings.NewReader(claim+`"s_`+digits64+`"}`+"\n"+vote+"\n"), "x.jsonl", store{err: broken})
	for range 2 {
		if _, err := r.Next(); !errors.Is(err, broken) || !strings.Contains(err.Error(), "x.jsonl, line 1") {
			t.Errorf("Next = %v, want %v", err, broken)
		}
	}
}

// TestReaderLabels: a label of a refused line can be given again, one of a good line can't.
func TestReaderLabels(t *testing.T) {
	event := func(id string) string {
		return `{"kind":"event","type":"note","timestamp":"2024-01-15T19:00:00Z","agent":"x","title":"t","based_on":["@` + id + `"]}`
	}
	good := strings.Replace(claim, `"kind"`, `"id":"a1","kind"`, 1) + `{"name":"n"}}`
	bad := strings.Replace(good, `"confidence":1`, `"confidence":2`, 1)
	query := `{"kind":"query","id":"q1","agent":"x","subject":"a","predicate":"b","timestamp":"2024-01-15T21:03:47Z"}`
	in := strings.Join([]string{bad, event("a1"), good, event("a1"), good, query, event("q1"), query, event("none")}, "\n")
	lines, rejects := readAll(t, NewReader(strings.NewReader(in), "x", nil), nil)
	var got []string
	for _, reject := range rejects {
		got = append(got, reject.Error())
	}
	want := []string{
		"x:1:85: confidence: found 2, expected a number from 0 to 1",
		`x:2:102: based_on[0]: found "@a1", expected a label that a line above defines; line 1, which defines it, was refused`,
		`x:5:7: id: found "a1", which line 3 defines, expected a new label`,
		`x:7:102: based_on[0]: found "@q1", expected a label that a line above defines; the query of line 6 has no answer that could be named`,
		`x:8:22: id: found "q1", which line 6 defines, expected a new label`,
		`x:9:102: based_on[0]: found "@none", expected a label that a line above defines; a label is defined above its use`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rejects (-want +got):\n%s", diff)
	}
	if len(lines) != 3 {
		t.Errorf("%d lines taken, want 3", len(lines))
	}
}

func TestReaderBind(t *testing.T) {
	r := NewReader(strings.NewReader(incident), "x", nil)
	r.Bind("q1", ID{KindAudit, repeat(1)}) // no such query yet: ignored
	for {
		line, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if line.Query != nil {
			break
		}
	}
	r.Bind("rfc", ID{KindAudit, repeat(2)}) // no query: ignored
	r.Bind("", ID{KindAudit, repeat(2)})
	r.Bind("q1", ID{KindAudit, repeat(3)})
	line, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	if got := line.Records[1].(*Assertion).Object.Ref; got != (ID{KindAudit, repeat(3)}) {
		t.Errorf("@q1 = %v", got)
	}
	if got := r.names.labels["rfc"].id.Kind; got != KindSource {
		t.Errorf("@rfc is of kind %v after Bind, want source", got)
	}
}

// TestReaderKeepsNothing: a line's memory is not the buffer's.
func TestReaderKeepsNothing(t *testing.T) {
	r := NewReader(strings.NewReader(incident), "x", nil)
	var lines []Line
	for {
		line, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
		if line.Query != nil {
			r.Bind(line.Label, ID{KindAudit, repeat(0x88)})
		}
	}
	for i := range r.buf[:cap(r.buf)] {
		r.buf[:cap(r.buf)][i] = 'x'
	}
	for i := range r.d.scratch[:cap(r.d.scratch)] {
		r.d.scratch[:cap(r.d.scratch)][i] = 'x'
	}
	if diff := cmp.Diff(incidentLines(), lines); diff != "" {
		t.Errorf("lines changed with the buffer (-want +got):\n%s", diff)
	}
}

// TestReaderLabelLimit fills the table instead of reading a million lines.
func TestReaderLabelLimit(t *testing.T) {
	line := strings.Replace(claim, `"kind"`, `"id":"one more","kind"`, 1) + `{"name":"n"}}` + "\n"
	r := NewReader(strings.NewReader(line+vote), "x", nil)
	for i := range MaxFileLabels {
		r.names.labels[string([]byte{byte(i), byte(i >> 8), byte(i >> 16)})] = label{id: ID{KindVote, repeat(1)}}
	}
	lines, rejects := readAll(t, r, nil)
	if len(rejects) != 1 || !strings.Contains(rejects[0].Error(), "x:1:7: id: found one label more, expected at most 1000000 in a file") {
		t.Errorf("rejects %v", rejects)
	}
	if len(lines) != 1 || len(r.names.labels) != MaxFileLabels {
		t.Errorf("%d lines and %d labels, want 1 and %d", len(lines), len(r.names.labels), MaxFileLabels)
	}
}

// FuzzReader: no panic; what is taken is written as a line that reads back as the same records; what is refused
// says where in the line.
func FuzzReader(f *testing.F) {
	f.Add([]byte(incident))
	for _, tt := range rejectTests {
		if len(tt.in) < 2<<10 { // long seeds leave no time for others
			f.Add([]byte(strings.ReplaceAll(tt.in, "§", "")))
		}
	}
	for _, g := range goldens() {
		f.Add(AppendJSON(nil, g.r))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		r := NewReader(bytes.NewReader(in), "fuzz.jsonl", nil)
		text := bytes.Split(in, []byte("\n"))
		for {
			line, err := r.Next()
			var reject *Reject
			if err == io.EOF {
				break
			}
			if errors.As(err, &reject) {
				checkReject(t, reject, text)
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			if line.Query != nil {
				r.Bind(line.Label, ID{KindAudit, repeat(9)})
			}
			for _, record := range line.Records {
				checkRoundTrip(t, record)
			}
		}
		if r.Offset() != int64(len(in)) {
			t.Fatalf("Offset at the end = %d, want %d", r.Offset(), len(in))
		}
	})
}

func checkReject(t *testing.T, r *Reject, text [][]byte) {
	t.Helper()
	if r.Line < 1 || r.Line > len(text) || r.Column < 1 || r.Column > len(text[r.Line-1])+1 {
		t.Fatalf("%v is outside of the file", r)
	}
	if r.Found == "" || r.Expected == "" {
		t.Fatalf("%#v does not say what was found and expected", r)
	}
	if message := r.Error(); Clean(message) != message {
		t.Fatalf("%q is not safe to show", message)
	}
}

func checkRoundTrip(t *testing.T, r Record) {
	t.Helper()
	payload, err := Encode(nil, r)
	if err != nil {
		t.Fatalf("a record that was taken can't be encoded: %v", err)
	}
	decoded, err := Decode(r.Kind(), payload)
	if err != nil {
		t.Fatal(err)
	}
	line := AppendJSON(nil, decoded)
	lines, rejects := readAll(t, NewReader(bytes.NewReader(line), "again.jsonl", nil), nil)
	if len(rejects) > 0 {
		t.Fatalf("%s: %v", line, rejects[0])
	}
	if len(lines) != 1 || len(lines[0].Records) != 1 {
		t.Fatalf("%s reads back as %+v", line, lines)
	}
	again, err := Encode(nil, lines[0].Records[0])
	if err != nil || !bytes.Equal(again, payload) {
		t.Fatalf("%s reads back as %x, %v, want %x", line, again, err, payload)
	}
}
