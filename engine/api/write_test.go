package api_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"episteme/engine/api"
	"episteme/engine/intake"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
	"episteme/fixtures"
)

// recorded are all records of an evidence but when they were recorded.
func recorded(t *testing.T, e api.Evidence) (list []ask.Record) {
	t.Helper()
	err := e.EachRecord(t.Context(), func(r ask.Record) error {
		r.RecordedAt = 0
		list = append(list, r)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// taken is what a file came to.
type taken struct {
	Done    ask.Ingested
	Err     string
	Rejects []record.Reject
	Last    ask.Ingested
}

func takeFile(t *testing.T, e api.Evidence, lines string, o ask.IngestOptions) (got taken) {
	t.Helper()
	o.Reject = func(r *record.Reject) { got.Rejects = append(got.Rejects, *r) }
	o.Progress = func(done ask.Ingested) { got.Last = done }
	done, err := e.Ingest(t.Context(), record.NewReader(strings.NewReader(lines), "f", e), o)
	got.Done = done
	if err != nil {
		got.Err = err.Error()
	}
	return got
}

// TestIngestConformance takes the same files in here and through a client: the same counts, rejects and records.
func TestIngestConformance(t *testing.T) {
	f, _ := fixtures.ByName("auth-jwt")
	events := string(f.Events())
	epoch := `{"kind":"epoch","id":"e","name":"n","agent":"a","timestamp":"2024-01-15T22:00:00Z"}` + "\n"
	bad := `{"kind":"vote","agent":"a"}` + "\n"
	query := `{"kind":"query","id":"q","agent":"ann","subject":"s","predicate":"p","timestamp":"2024-01-15T22:00:00Z"}` + "\n"
	event := `{"kind":"event","type":"note","title":"t","agent":"ann","timestamp":"2024-01-15T22:00:00Z","based_on":["@q"]}` + "\n"
	forged := `{"kind":"erasure","target":"a_00000000000000000000000000000000000000000000000000000000000000ff","lsn":1,"agent":"a","reason":"r","timestamp":"2024-01-15T22:00:00Z"}` + "\n"
	tests := []struct {
		name  string
		lines string
		o     ask.IngestOptions
	}{
		{"a fixture", events, ask.IngestOptions{}},
		{"a fixture twice", events + events, ask.IngestOptions{}},
		{"nothing", "", ask.IngestOptions{}},
		{"lines that are refused", bad + epoch + "x\n" + bad, ask.IngestOptions{}},
		{"lines that only the engine refuses", epoch + forged + query + event, ask.IngestOptions{}},
		{"a dry run", epoch + bad + forged + query + event, ask.IngestOptions{DryRun: true}},
		{"strict", epoch + epoch, ask.IngestOptions{Strict: true}},
		{"strict with a question", epoch + query, ask.IngestOptions{Strict: true}},
		{"strict with a bad line", epoch + bad, ask.IngestOptions{Strict: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			here, there := empty(t), empty(t)
			client := serve(t, api.Options{Evidence: there}).local()
			want, got := takeFile(t, here, tt.lines, tt.o), takeFile(t, client, tt.lines, tt.o)
			if (want.Err == "") != (got.Err == "") || want.Done.Kept != got.Done.Kept || want.Done.Refused != got.Done.Refused || want.Done.Asked != got.Done.Asked || want.Done.Records != got.Done.Records {
				t.Errorf("taken in here: %+v\nthrough a client: %+v", want, got)
			}
			short := func(r record.Reject) string { return r.Field + r.Found + string(rune('0'+r.Line)) }
			if diff := cmp.Diff(slices.Collect(mapped(want.Rejects, short)), slices.Collect(mapped(got.Rejects, short))); diff != "" {
				t.Errorf("other lines were refused (-here +through a client):\n%s", diff)
			}
			// A question's audit names its journal, so what rests on one has another id there.
			kinds := func(list []ask.Record) (kinds []string) {
				for _, r := range list {
					kinds = append(kinds, r.ID.Kind.String())
				}
				return kinds
			}
			if diff := cmp.Diff(kinds(recorded(t, here)), kinds(recorded(t, there))); diff != "" {
				t.Errorf("other records were kept (-here +there):\n%s", diff)
			}
		})
	}
}

func mapped[T, U any](list []T, f func(T) U) func(func(U) bool) {
	return func(yield func(U) bool) {
		for _, v := range list {
			if !yield(f(v)) {
				return
			}
		}
	}
}

// TestWriteConformance writes a record of each kind that can be written, here and through a client.
func TestWriteConformance(t *testing.T) {
	here, there := empty(t), empty(t)
	client := serve(t, api.Options{Evidence: there}).local()
	at := record.Time(now.UnixNano())
	document := record.Evidence("ES256 \x00\xff")
	assertion := &record.Assertion{Subject: "s", Predicate: "p", Object: record.TextObject("<&>\u202e"), Confidence: 0.1, Lifecycle: record.Proposed, Agent: "a", Timestamp: at, Source: record.Sum(document)}
	id, err := record.IDOf(assertion)
	if err != nil {
		t.Fatal(err)
	}
	records := []record.Record{
		document, &record.Source{Name: "n", Digest: record.Sum(document), Authority: 0.7, Agent: "a", Timestamp: at}, assertion,
		&record.Vote{Assertion: id.Hash, Agent: "a", Weight: -1, Timestamp: at}, &record.Transition{Assertion: id.Hash, To: record.Rejected, Agent: "a", Timestamp: at},
		&record.Epoch{Name: "n", Agent: "a", Timestamp: at}, &record.Event{Type: record.Note, Timestamp: at, Agent: "a", Title: "t", BasedOn: []record.ID{id}},
	}
	for _, again := range []bool{false, true} {
		want, err := here.Write(t.Context(), records...)
		if err != nil {
			t.Fatal(err)
		}
		got, err := client.Write(t.Context(), records...)
		if err != nil {
			t.Fatal(err)
		}
		for i := range want {
			want[i].RecordedAt, got[i].RecordedAt = 0, 0
		}
		if diff := cmp.Diff(want, got); diff != "" || want[0].Known != again {
			t.Errorf("written again: %t: (-here +through a client):\n%s", again, diff)
		}
	}
	_, wantErr := here.Write(t.Context(), &record.Audit{})
	_, gotErr := client.Write(t.Context(), &record.Audit{Agent: "a", Subject: "s", Predicate: "p", Lens: "external", Timestamp: at, AsOf: at, ResultHash: record.Object{}.Hash()})
	if wantErr == nil || gotErr == nil {
		t.Errorf("an audit is written by itself: %v, %v", wantErr, gotErr)
	}
}

// TestRecordsTellEachLine says what became of each line, in order, and that the last line counts them.
func TestRecordsTellEachLine(t *testing.T) {
	e := empty(t)
	x := serve(t, api.Options{Evidence: e})
	lines := `{"kind":"epoch","name":"n","agent":"a","timestamp":"2024-01-15T22:00:00Z"}
nonsense
{"kind":"query","agent":"ann","subject":"s","predicate":"p","timestamp":"2024-01-15T22:00:00Z"}
{"kind":"erasure","target":"a_00000000000000000000000000000000000000000000000000000000000000ff","lsn":1,"agent":"a","reason":"r","timestamp":"2024-01-15T22:00:00Z"}
`
	status, body := x.overSocket("POST", "/records", lines)
	got := strings.Split(strings.TrimSpace(body), "\n")
	want := []string{`{"line":1,"result":"kept","ids":["e_`, `{"line":2,"result":"refused","column":1,"found":`, `{"line":3,"result":"kept","ids":["q_`, `{"line":4,"result":"refused","column":1,"field":"kind"`, `{"kept":2,"refused":2,"records":1,"asked":1}`}
	if status != 200 || len(got) != len(want) {
		t.Fatalf("POST /records = %d\n%s", status, body)
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("line %d is %s, want %s…", i+1, got[i], want[i])
		}
	}
}

// TestTraces takes spans in as JSON and says in the form of OTLP what was refused.
func TestTraces(t *testing.T) {
	e := empty(t)
	x := serve(t, api.Options{Evidence: e, Traces: func(r io.Reader, _ string) (ask.Lines, func() map[string]int, error) {
		format, _ := intake.ByName("otlp")
		dec, err := format.Open(r, intake.Options{File: "body"})
		return decoded{dec}, func() map[string]int { return dec.Dropped() }, err
	}})
	status, body := x.overSocket("POST", "/v1/traces", `{"resourceSpans":[]}`)
	if status != 200 || body != "{}\n" {
		t.Errorf("no spans = %d %s, want 200 {}", status, body)
	}
	span := `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"bot"}}]},"scopeSpans":[{"spans":[{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7","name":"retrieve","startTimeUnixNano":"1705352627000000000","endTimeUnixNano":"1705352628000000000","attributes":[{"key":"openinference.span.kind","value":{"stringValue":"RETRIEVER"}},{"key":"input.value","value":{"stringValue":"which algorithm?"}},{"key":"retrieval.documents.0.document.content","value":{"stringValue":"ES256"}}]}]}]}]}`
	if status, body = x.overSocket("POST", "/v1/traces", span); status != 200 || body != "{}\n" {
		t.Errorf("a span = %d %s, want 200 {}", status, body)
	}
	found, err := e.Audits(t.Context(), ask.AuditFilter{TraceID: "4bf92f3577b34da6a3ce929d0e0e4736"})
	if err != nil || found.Total != 1 {
		t.Errorf("found %d queries of the trace, want 1: %v", found.Total, err)
	}
	status, body = x.overSocket("POST", "/v1/traces", `{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"x","attributes":[{"key":"openinference.span.kind","value":{"stringValue":"RETRIEVER"}}]}]}]}]}`)
	if status != 200 || !strings.Contains(body, `{"partialSuccess":{"rejectedSpans":"1","errorMessage":"1 refused; the first: body:1:`) {
		t.Errorf("a bad span = %d %s, want a partial success", status, body)
	}
}

type decoded struct{ intake.Decoder }

func (d decoded) Next() (record.Line, error) {
	item, err := d.Decoder.Next()
	return item.Line, err
}

// TestClientWithoutServer says that nobody answers, and that it is no failure of another kind.
// TestHolderThatEnds says that a request whose holder ended before it answered is sent again to the next one, its body
// included, and that one to a server elsewhere is not: whether it was taken there nobody knows.
func TestHolderThatEnds(t *testing.T) {
	e := incident(t)
	x := serve(t, api.Options{Evidence: e})
	ending := func(ctx context.Context) (net.Conn, error) {
		here, there := net.Pipe()
		go func() {
			if req, err := http.ReadRequest(bufio.NewReader(there)); err == nil {
				_, _ = io.Copy(io.Discard, req.Body) // it is read whole, and then nobody is there to answer
			}
			there.Close()
		}()
		return here, nil
	}
	for _, method := range []string{"GET", "POST", "stream"} {
		left := 3
		c := x.client(api.ClientOptions{Socket: x.socket, Dial: func(ctx context.Context) (net.Conn, error) {
			if left--; left >= 0 {
				return ending(ctx)
			}
			return net.Dial("unix", x.socket)
		}})
		before := e.Head().Last
		var err error
		switch method {
		case "GET":
			_, err = c.Status(t.Context())
		case "POST":
			_, err = c.Ask(t.Context(), record.Query{Agent: "ann", Subject: "s", Predicate: "p", Timestamp: record.Time(now.UnixNano()), AsOf: record.Unset})
			if e.Head().Last != before+1 {
				t.Errorf("%d records were written, want 1", e.Head().Last-before)
			}
		case "stream":
			err = c.EachRecord(t.Context(), func(ask.Record) error { return nil })
		}
		if err != nil || left >= 0 {
			t.Errorf("%s behind holders that ended: %v, %d were not tried", method, err, left+1)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	taken := make(chan int, 1)
	go func() {
		n := 0
		defer func() { taken <- n }()
		for {
			there, err := l.Accept()
			if err != nil {
				return
			}
			n++
			_, _ = http.ReadRequest(bufio.NewReader(there)) // whatever it is
			there.Close()
		}
	}()
	far := x.client(api.ClientOptions{URL: "http://" + l.Addr().String()})
	var gone *api.UnreachableError
	if _, err := far.Write(t.Context(), &record.Epoch{Name: "n", Agent: "a", Timestamp: 1}); !errors.As(err, &gone) {
		t.Errorf("a server elsewhere that hangs up: %v", err)
	}
	l.Close()
	if n := <-taken; n != 1 {
		t.Errorf("the request went to a server elsewhere %d times, want once", n)
	}
}

// TestSchemes says that a client which speaks TLS to who does not, or the other way round, or does not know who signed,
// is told what to do.
func TestSchemes(t *testing.T) {
	plain, secure := httptest.NewServer(http.NotFoundHandler()), httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer plain.Close()
	defer secure.Close()
	for url, want := range map[string]string{
		strings.Replace(plain.URL, "http:", "https:", 1):  "it speaks no TLS: use http://",
		strings.Replace(secure.URL, "https:", "http:", 1): "speaks TLS: use https://",
		secure.URL: "SSL_CERT_FILE",
		plain.URL:  "not as a server of episteme does; check the address",
	} {
		_, err := (&served{t: t}).client(api.ClientOptions{URL: url}).Status(t.Context())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", url, err, want)
		}
	}
}

func TestClientWithoutServer(t *testing.T) {
	c, err := api.NewClient(api.ClientOptions{Socket: t.TempDir() + "/none"})
	if err != nil {
		t.Fatal(err)
	}
	var nobody *api.UnreachableError
	if _, err := c.Status(t.Context()); !errors.As(err, &nobody) {
		t.Errorf("a socket that is not there: %v", err)
	}
	for _, url := range []string{"", "episteme.example.org", "ftp://x", "http://", "http://u:p@x", "http://x?y"} {
		if _, err := api.NewClient(api.ClientOptions{URL: url}); err == nil {
			t.Errorf("the address %q was taken", url)
		}
	}
}
