package api_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"episteme/engine/api"
	"episteme/engine/intake"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// endless is a body that goes on.
type endless struct{ line string }

func (e endless) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		n += copy(p[n:], e.line)
	}
	return n, nil
}

// TestBodiesBeyondTheirLimits sends bodies of 100 MB, plain and folded into a few hundred KB, to every route that takes
// one: a clear answer, and no more memory than a limit's worth.
func TestBodiesBeyondTheirLimits(t *testing.T) {
	const size = 100_000_000
	file := filepath.Join(t.TempDir(), "tokens")
	secret := grant(t, file, api.Grant{Name: "w", Role: api.RoleWrite})
	x := serve(t, api.Options{Evidence: incident(t), Tokens: file, Traces: otlp, Limits: api.Limits{BodyBytes: 128 << 10, RecordBytes: 2 << 20, TraceBytes: 2 << 20}})
	var folded bytes.Buffer
	w, err := gzip.NewWriterLevel(&folded, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(w, endless{" "}, size); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, path := range []string{"/query", "/records", "/records?at_once=true", "/records?strict=true", "/preview", "/v1/traces"} {
		for name, body := range map[string]func() io.Reader{
			"plain":  func() io.Reader { return io.LimitReader(endless{" "}, size) },
			"folded": func() io.Reader { return bytes.NewReader(folded.Bytes()) },
			"one line without end": func() io.Reader {
				return io.MultiReader(strings.NewReader(`{"agent":"`), io.LimitReader(endless{"a"}, size))
			},
		} {
			req, err := http.NewRequestWithContext(t.Context(), "POST", x.tcp[api.Loopback]+path, body())
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/json")
			req.Header.Set("Authorization", "Bearer "+secret)
			if name == "folded" {
				req.Header.Set("Content-Encoding", "gzip")
			}
			res, err := http.DefaultTransport.RoundTrip(req)
			if err != nil { // the server hung up while this still sent
				var op *net.OpError
				if !errors.As(err, &op) && !strings.Contains(err.Error(), "write") && !strings.Contains(err.Error(), "reset") {
					t.Errorf("%s, %s: %v", path, name, err)
				}
				continue
			}
			answer, _ := io.ReadAll(io.LimitReader(res.Body, 64<<10))
			res.Body.Close()
			if !strings.Contains(string(answer), "urn:episteme:problem:") && !strings.Contains(string(answer), `"result":"refused"`) {
				t.Errorf("%s, %s = %d %.300s", path, name, res.StatusCode, answer)
			}
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 64<<20 {
		t.Errorf("%d MB more are held than before", grown>>20)
	}
	if status, _, _ := x.request(api.Loopback, "GET", "/healthz", "", ""); status != 200 {
		t.Errorf("behind the bodies, a probe = %d", status)
	}
}

// otlp reads nothing but bytes, to their end.
func otlp(r io.Reader, _ string) (ask.Lines, func() map[string]int, error) {
	_, err := io.Copy(io.Discard, r)
	return record.NewReader(strings.NewReader(""), "body", nil), nil, err
}

// TestWideWindow says that zstd whose decoder would need more memory than a request may have is refused in words.
func TestWideWindow(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens")
	secret := grant(t, file, api.Grant{Name: "w", Role: api.RoleWrite})
	x := serve(t, api.Options{Evidence: empty(t), Tokens: file})
	for window, want := range map[int]int{8 << 20: 200, 64 << 20: 400} {
		var folded bytes.Buffer
		w, err := zstd.NewWriter(&folded, zstd.WithWindowSize(window))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.CopyN(w, endless{"\n"}, 5<<20); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		status, _, body := x.request(api.Loopback, "POST", "/records", secret, folded.String(), "Content-Encoding", "zstd")
		if status != want || want == 400 && !strings.Contains(body, "compress it without --long") {
			t.Errorf("a window of %d = %d %s, want %d", window, status, body, want)
		}
	}
}

// TestTracesInEveryForm sends the same span as protobuf and as JSON, each plain, with gzip and with zstd. The answer is in
// the form that was sent.
func TestTracesInEveryForm(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens")
	secret := grant(t, file, api.Grant{Name: "collector", Role: api.RoleWrite, MaxAuthority: 0.5})
	for _, mediaType := range []string{"application/x-protobuf", "application/json"} {
		for _, encoding := range []string{"", "gzip", "zstd"} {
			body := string(span(t, mediaType))
			if encoding != "" {
				body = zipped(t, encoding, []byte(body))
			}
			e := empty(t)
			x := serve(t, api.Options{Evidence: e, Tokens: file, Traces: func(r io.Reader, _ string) (ask.Lines, func() map[string]int, error) {
				format, _ := intake.ByName("otlp")
				dec, err := format.Open(r, intake.Options{File: "body"})
				return decoded{dec}, func() map[string]int { return dec.Dropped() }, err
			}})
			status, header, answer := x.request(api.Loopback, "POST", "/v1/traces", secret, body, "Content-Type", mediaType, "Content-Encoding", encoding)
			if status != 200 || header.Get("Content-Type") != mediaType {
				t.Errorf("%s, %q = %d %s %q", mediaType, encoding, status, header.Get("Content-Type"), answer)
			}
			if found, err := e.Audits(t.Context(), ask.AuditFilter{Agent: "bot"}); err != nil || found.Total != 1 {
				t.Errorf("%s, %q: found %d queries, want 1: %v", mediaType, encoding, found.Total, err)
			}
		}
	}
}

// span is a request to export one retrieval, in one of the two forms of OTLP.
func span(t *testing.T, mediaType string) []byte {
	t.Helper()
	if mediaType == "application/json" {
		return []byte(`{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"bot"}}]},"scopeSpans":[{"spans":[{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7","name":"retrieve","startTimeUnixNano":"1705352627000000000","endTimeUnixNano":"1705352628000000000","attributes":[{"key":"openinference.span.kind","value":{"stringValue":"RETRIEVER"}},{"key":"input.value","value":{"stringValue":"which algorithm?"}},{"key":"retrieval.documents.0.document.content","value":{"stringValue":"ES256"}}]}]}]}]}`)
	}
	// As protobuf: a field is its number and its wire type in a byte, then a length and that many bytes, or 8 bytes.
	field := func(number byte, parts ...string) string {
		all := strings.Join(parts, "")
		return string(binary.AppendUvarint([]byte{number<<3 | 2}, uint64(len(all)))) + all
	}
	time := func(number byte, ns uint64) string {
		return string(binary.LittleEndian.AppendUint64([]byte{number<<3 | 1}, ns))
	}
	attribute := func(number byte, key, value string) string {
		return field(number, field(1, key), field(2, field(1, value)))
	}
	return []byte(field(1, // resource_spans
		field(1, attribute(1, "service.name", "bot")), // resource
		field(2, field(2, // scope_spans, spans
			field(1, "\x4b\xf9\x2f\x35\x77\xb3\x4d\xa6\xa3\xce\x92\x9d\x0e\x0e\x47\x36"), field(2, "\x00\xf0\x67\xaa\x0b\xa9\x02\xb7"), field(5, "retrieve"),
			time(7, 1705352627000000000), time(8, 1705352628000000000),
			attribute(9, "openinference.span.kind", "RETRIEVER"), attribute(9, "input.value", "which algorithm?"), attribute(9, "retrieval.documents.0.document.content", "ES256"),
		)),
	))
}
