package intake

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"episteme/engine/record"
)

var good = testExport(shop, testSpan("x", tool(nil, "1")))

func TestDropped(t *testing.T) {
	tests := []struct {
		name string
		span string
		want string
	}{
		{"a model call", testSpan("chat", attrs{"gen_ai.operation.name", "chat"}), "not a retrieval or a tool call"},
		{"another kind of OpenInference", testSpan("chain", attrs{"openinference.span.kind", "CHAIN"}), "not a retrieval or a tool call"},
		{"any other span", testSpan("GET /", nil), "not a retrieval or a tool call"},
		{"a retrieval without documents", retriever(),
			"a retrieval whose documents were not recorded: in OpenInference, unset OPENINFERENCE_HIDE_OUTPUTS"},
		{"a retrieval whose documents are hidden", retriever(doc(0, "content"), "__REDACTED__", doc(0, "score"), 0.5, "output.value", "__REDACTED__"),
			"a retrieval whose documents were not recorded: in OpenInference, unset OPENINFERENCE_HIDE_OUTPUTS"},
		{"a LangChain tool whose output is hidden", testSpan("f", attrs{"openinference.span.kind", "TOOL", "input.value", "{}", "output.value", "__REDACTED__"}),
			"a tool call whose output was not recorded: in OpenInference, unset OPENINFERENCE_HIDE_OUTPUTS"},
		{"a Vercel tool call without its result", testSpan("ai.toolCall", attrs{"ai.operationId", "ai.toolCall"}),
			"a tool call whose output was not recorded: in the Vercel AI SDK, set recordOutputs in experimental_telemetry"},
		{"a gen_ai tool call without its result", testSpan("execute_tool f", attrs{"gen_ai.operation.name", "execute_tool"}),
			"a tool call whose output was not recorded: in OpenTelemetry's gen_ai instrumentations, set OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := decode(t, strings.NewReader(testExport(shop, tt.span)))
			if diff := cmp.Diff(Dropped{tt.want: 1}, d.dropped); diff != "" {
				t.Errorf("dropped (-want +got):\n%s", diff)
			}
			if len(d.items) != 0 || len(d.rejects) != 0 || d.spans != 1 {
				t.Errorf("%d items, %d rejects of %d spans; want 0, 0 of 1", len(d.items), len(d.rejects), d.spans)
			}
		})
	}
}

func TestDroppedSignals(t *testing.T) {
	d := decode(t, strings.NewReader(`{"resourceLogs":[]}`+"\n"+`{"resourceMetrics":[]}`+"\n{}\n"+good))
	if diff := cmp.Diff(Dropped{dropSignal: 2}, d.dropped); diff != "" || len(d.items) != 1 || len(d.rejects) != 0 {
		t.Errorf("%d items, %d rejects; dropped (-want +got):\n%s", len(d.items), len(d.rejects), diff)
	}
}

// TestFailedCall: a call that failed without an answer is a question that was told nothing, not a missing setting.
func TestFailedCall(t *testing.T) {
	span := testSpan("f", attrs{"openinference.span.kind", "TOOL", "input.value", `{"subject":"auth/jwt"}`})
	for _, tt := range []struct{ name, status, want string }{
		{"with a message", `"status":{"code":2,"message":"timeout"}`, "timeout"},
		{"with an exception", `"status":{"code":2},"events":[{"name":"exception","attributes":[{"key":"exception.message","value":{"stringValue":"no route"}}]}]`, "no route"},
		{"with neither", `"status":{"code":2}`, "failed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := audit(t, one(t, testExport(shop, strings.Replace(span, `"status":{}`, tt.status, 1))))
			want := []record.Label{{Name: "error", Value: tt.want}, {Name: "service", Value: "shop"}}
			if diff := cmp.Diff(want, a.Labels); diff != "" || a.Value != (record.Object{}) || a.Subject != "auth/jwt" {
				t.Errorf("told %v about %s, labels (-want +got):\n%s", a.Value, a.Subject, diff)
			}
		})
	}
	t.Run("the resource's labels are not shared", func(t *testing.T) {
		failed := strings.Replace(span, `"status":{}`, `"status":{"code":2}`, 1)
		d := decode(t, strings.NewReader(testExport(shop, failed, testSpan("x", tool(nil, "1")))))
		if n := len(audit(t, d.items[1]).Labels); n != 1 {
			t.Errorf("%d labels on the span behind it, want 1", n)
		}
	})
}

// TestReject marks the place of each fault with ¶ in the input, so that a line and a column can be read off by eye.
func TestReject(t *testing.T) {
	span := func(field string) string { return `{"resourceSpans":[{"scopeSpans":[{"spans":[` + field + `]}]}]}` }
	retrieval := `"attributes":[{"key":"openinference.span.kind","value":{"stringValue":"RETRIEVER"}},{"key":"output.value","value":{"stringValue":"[]"}}]`
	tests := []struct {
		name string
		file string
		want string
	}{
		{"not JSON", "¶hello\n" + good, `found "hello", expected an export request`},
		{"gzip", "¶\x1f\x8b\x08\x00\x00", "found bytes that are not text, expected an export request: {\"resourceSpans\":[…]}; JSON is expected here; a file that is packed in another way"},
		{"a line that is cut off behind a backslash", `{"resourceSpans":"x\¶` + "\n" + good, "found the end of the line inside a string"},
		{"a list that holds no requests", `[` + good + `,¶7]`, `found "7]", expected an export request`},
		{"an indented file that is cut off", "{\n  \"resourceSpans\": [\n    {¶", "found the end in the middle of a request"},
		{"a line that is cut off in a string", `{"resourceSpans":[{"resource":{"attr¶` + "\n" + good, "found the end of the line inside a string"},
		{"a line that is cut off between values", `{"resourceSpans":[{"resource":{¶` + "\n" + good, "found the end in the middle of a request"},
		{"brackets that do not fit", `{"resourceSpans":[{"scopeSpans":[¶}` + "\n" + good, `found "}", expected "]"`},
		{"our own lines", `¶{"kind":"vote","assertion":"@a"}` + "\n" + good, `for episteme's own lines use --format jsonl`},
		{"resourceSpans that is no list", `{"resourceSpans":¶{}}`, `found "{}}", expected a list`},
		{"a span that is no object", span(`¶7`), "found what OTLP/JSON does not allow"},
		{"a trailing comma", span(`{"name":"a"},¶`), "expected what the comma promises"},
		{"a missing colon", `{"resourceSpans":[{"scopeSpans" ¶[]}]}`, `expected ":"`},
		{"a missing comma", span(`{"name":"a"} ¶{"name":"b"}`), `expected "," or "]"`},
		{"a missing value", `{"resourceSpans":¶}`, `expected a list`},
		{"no JSON inside a span", span(`{"name":tru¶}`), `expected JSON`},
		{"columns are characters", span(`{"name":"äöü","kind":tru¶}`), `expected JSON`},
		{"a trace id of a wrong length", span(`¶{"traceId":"abc"}`), "a trace id has 32 hex digits, a span id 16"},
		{"a time before 1970", span(`¶{"startTimeUnixNano":"-5"}`), `parsing "-5"`},
		{"a time that overflows", span(`¶{"startTimeUnixNano":"99999999999999999999"}`), "value out of range"},
		{"a time no record can carry", span(`¶{"startTimeUnixNano":"18446744073709551615",` + retrieval + `}`), "startTimeUnixNano: found 18446744073709551615, expected nanoseconds since 1970, up to 2262-04-11T23:47:16.854775807Z"},
		{"no time", span(`¶{"spanId":"b7ad6b7169203331",` + retrieval + `}`), "startTimeUnixNano: found 0, expected nanoseconds since 1970, up to 2262-04-11T23:47:16.854775807Z; in span b7ad6b7169203331"},
		{"bytes that are not UTF-8", span("{\"name\":\"a¶\xff\"}"), "found the byte 0xff, expected UTF-8 text"},
		{"a resource that cannot be read", `{"resourceSpans":[{"resource":{"attributes":7},"scopeSpans":[{"spans":[¶` + testSpan("x", tool(nil, "1")) + `]}]}]}`, "resource: found what OTLP/JSON does not allow"},
		{"a name longer than a predicate", testExport(shop, "¶"+testSpan(strings.Repeat("R", 513), attrs{"openinference.span.kind", "RETRIEVER", "output.value", `[{"content":"A"}]`})), "found 513 bytes, expected at most 512; in span b7ad6b7169203331 of trace 0af7651916cd43dd8448eb211c80319c"},
		{"a conversation id longer than a text", testExport(shop, "¶"+testSpan("x", tool(attrs{"session.id", strings.Repeat("s", 4097)}, "1"))), "audit conversation_id: found 4097 bytes, expected at most 4096"},
		{"brackets without end", `{"a":` + strings.Repeat("[", maxRequestDepth-1) + "¶[", "more than 256 nested brackets"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before, after, found := strings.Cut(tt.file, "¶")
			if !found {
				t.Fatal("no mark in the input")
			}
			line := 1 + strings.Count(before, "\n")
			column := 1 + len([]rune(before[strings.LastIndexByte(before, '\n')+1:]))
			d := decode(t, strings.NewReader(before+after))
			if len(d.rejects) != 1 {
				t.Fatalf("%d rejects %v, want 1", len(d.rejects), d.rejects)
			}
			r := d.rejects[0]
			if r.File != "spans.jsonl" || r.Line != line || r.Column != column {
				t.Errorf("at %s:%d:%d, want spans.jsonl:%d:%d", r.File, r.Line, r.Column, line, column)
			}
			if !strings.Contains(r.Error(), tt.want) {
				t.Errorf("says %q, want it to say %q", r.Error(), tt.want)
			}
			if strings.HasSuffix(tt.file, good) && len(d.items) != 1 {
				t.Errorf("%d items, want 1: the line behind it is good", len(d.items))
			}
		})
	}
}

// TestCutOffBytewise: wherever a line is cut off, and however its bytes arrive, the next line is not lost.
func TestCutOffBytewise(t *testing.T) {
	line := testExport(shop, testSpan("ä\n\\", tool(attrs{"gen_ai.tool.call.arguments", "a\\\"b"}, `{"value":1}`)))
	for n := 1; n < len(line); n++ {
		file := line[:n] + "\n" + good
		for _, r := range []io.Reader{strings.NewReader(file), iotest.OneByteReader(strings.NewReader(file))} {
			if d := decode(t, r); len(d.items) != 1 || len(d.rejects) != 1 || d.rejects[0].Line != 1 {
				t.Fatalf("cut off at byte %d of %s: %d items, rejects %v; want 1, 1 in line 1", n, line, len(d.items), d.rejects)
			}
		}
	}
}

func TestRejectCostsOnlyItsSpan(t *testing.T) {
	x := testSpan("x", tool(nil, "1"))
	d := decode(t, strings.NewReader(testExport(shop, x, `{"traceId":"abc"}`, x, `{"startTimeUnixNano":"-1"}`, x)))
	if len(d.items) != 3 || len(d.rejects) != 2 || d.spans != 5 {
		t.Errorf("%d items, %d rejects of %d spans; want 3, 2 of 5", len(d.items), len(d.rejects), d.spans)
	}
}

func TestRejectNamesTheAgent(t *testing.T) {
	d := decode(t, strings.NewReader(testExport(attrs{"gen_ai.agent.id", "agent-7"}, testSpan("x", tool(attrs{"session.id", strings.Repeat("s", 5000)}, "1")))))
	if len(d.rejects) != 1 || d.rejects[0].Agent != "agent-7" {
		t.Errorf("rejects %+v, want one of agent-7", d.rejects)
	}
}

func TestSpansBeforeABrokenPlaceAreKept(t *testing.T) {
	d := decode(t, strings.NewReader(strings.TrimSuffix(good, "]}]}]}")+", ,]}]}]}\n"+good))
	if len(d.items) != 2 || len(d.rejects) != 1 {
		t.Errorf("%d items, rejects %v; want 2, 1", len(d.items), d.rejects)
	}
}

// TestShapesOfFiles: however requests are laid out, the records are the same.
func TestShapesOfFiles(t *testing.T) {
	body, err := os.ReadFile(sample)
	if err != nil {
		t.Fatal(err)
	}
	records := func(t *testing.T, r io.Reader) []string {
		t.Helper()
		var ids []string
		d := decode(t, r)
		for _, reject := range d.rejects {
			t.Errorf("reject: %v", reject)
		}
		for _, item := range d.items {
			for _, r := range item.Records {
				id, err := record.IDOf(r)
				if err != nil {
					t.Fatal(err)
				}
				ids = append(ids, id.String())
			}
		}
		return ids
	}
	want := records(t, bytes.NewReader(body))
	tests := []struct {
		name string
		r    io.Reader
	}{
		{"no newline at the end", bytes.NewReader(bytes.TrimSpace(body))},
		{"no newline between requests", bytes.NewReader(bytes.ReplaceAll(body, newline, nil))},
		{"CR LF and empty lines", bytes.NewReader(bytes.ReplaceAll(body, newline, []byte("\r\n\r\n")))},
		{"a byte order mark", io.MultiReader(strings.NewReader("\ufeff"), bytes.NewReader(body))},
		{"indented", bytes.NewReader(indent(t, body))},
		{"one byte at a time", iotest.OneByteReader(bytes.NewReader(body))},
		{"the last bytes together with the end", iotest.DataErrReader(bytes.NewReader(body))},
		{"snake case, as protobuf's JSON may be", strings.NewReader(strings.NewReplacer(`"resourceSpans"`, `"resource_spans"`, `"scopeSpans"`, `"scope_spans"`, `"traceId"`, `"trace_id"`, `"startTimeUnixNano"`, `"start_time_unix_nano"`).Replace(string(body)))},
		{"ids in base64, as protobuf's JSON has them", bytes.NewReader(base64IDs(body))},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(want, records(t, tt.r)); diff != "" {
				t.Errorf("ids of the records (-want +got):\n%s", diff)
			}
		})
	}
}

func TestResourceBehindItsSpans(t *testing.T) {
	span := testSpan("x", tool(nil, "1"))
	a := audit(t, one(t, `{"resourceSpans":[{"scopeSpans":[{"spans":[`+span+`]}],"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]}}]}`))
	if a.Agent != "shop" {
		t.Errorf("agent %q, want shop", a.Agent)
	}
}

func TestEachResourceSpeaksForItsOwnSpans(t *testing.T) {
	span := testSpan("x", tool(nil, "1"))
	part := func(service string) string {
		return `{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"` + service + `"}}]},"scopeSpans":[{"spans":[` + span + `]}]}`
	}
	d := decode(t, strings.NewReader(`{"resourceSpans":[`+part("a")+`,{"scopeSpans":[{"spans":[`+span+`]}]},`+part("b")+`]}`))
	var got []string
	for _, item := range d.items {
		got = append(got, audit(t, item).Agent)
	}
	if diff := cmp.Diff([]string{"a", "unknown_service", "b"}, got); diff != "" {
		t.Errorf("agents (-want +got):\n%s", diff)
	}
}

func TestItemsKnowTheirLine(t *testing.T) {
	span := testSpan("x", tool(nil, "1"))
	d := decode(t, strings.NewReader(good+"\n\n"+testExport(shop, span, "\n"+span)))
	var got []int
	for _, item := range d.items {
		got = append(got, item.Number)
	}
	if diff := cmp.Diff([]int{1, 3, 4}, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func TestRequestThatIsTooLong(t *testing.T) {
	for _, filler := range []byte("x\n") {
		t.Run(fmt.Sprintf("%q", filler), func(t *testing.T) {
			opening, closing := `{"resourceSpans":"`, `"}`
			if filler == '\n' {
				opening, closing = `{"resourceSpans":[`, `]}`
			}
			d := decode(t, io.MultiReader(strings.NewReader(opening), &repeated{filler, maxRequestBytes + 5*readBytes}, strings.NewReader(closing+"\n"+good)))
			if len(d.rejects) != 1 || len(d.items) != 1 {
				t.Fatalf("rejects %v, %d items; want 1, 1", d.rejects, len(d.items))
			}
			if r := d.rejects[0]; r.Line != 1 || r.Column != 1 || !strings.Contains(r.Error(), "found more than 67108864 bytes") {
				t.Errorf("reject %v, want one at 1:1 that names the limit", r)
			}
		})
	}
}

// repeated gives one byte so many times.
type repeated struct {
	c    byte
	left int
}

func (r *repeated) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	n := min(len(p), r.left)
	for i := range p[:n] {
		p[i] = r.c
	}
	r.left -= n
	return n, nil
}

func TestLimitsOfWhatARequestUnfoldsTo(t *testing.T) {
	many := func(n int) string { return strings.TrimSuffix(strings.Repeat("{},", n), ",") }
	tests := []struct {
		name, file, want string
	}{
		{"spans", `{"resourceSpans":[{"scopeSpans":[{"spans":[` + many(maxRequestSpans+1) + `]}]}]}`, "spans: found more than 262144"},
		{"resources", `{"resourceSpans":[` + many(maxRequestSpans+1) + `]}`, "resourceSpans: found more than 262144"},
		{"bytes of a span", `{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"` + strings.Repeat("x", maxSpanBytes) + `"}]}]}]}`, "found 16777227 bytes, expected a span or a resource of at most 16 MiB"},
		{"attributes of a span", `{"resourceSpans":[{"scopeSpans":[{"spans":[{"attributes":[` + many(maxSpanObjects+1) + `]}]}]}]}`, "found 131074 objects, expected a span or a resource of at most 131072"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := decode(t, strings.NewReader(tt.file+"\n"+good))
			if len(d.rejects) != 1 || !strings.Contains(d.rejects[0].Error(), tt.want) {
				t.Fatalf("rejects %v, want one that says %q", d.rejects, tt.want)
			}
			if len(d.items) != 1 {
				t.Errorf("%d items, want the good one behind it", len(d.items))
			}
		})
	}
	t.Run("braces inside strings are no objects", func(t *testing.T) {
		one(t, testExport(shop, testSpan("x", tool(nil, strings.Repeat(`{"`, maxSpanObjects+1)))))
	})
}

func TestReaderThatFails(t *testing.T) {
	broken := errors.New("disk on fire")
	for _, before := range []string{"", good + "\n", good[:50], "rubbish\n rubbish"} {
		dec, err := otlpFormat().Open(io.MultiReader(strings.NewReader(before), iotest.ErrReader(broken)), Options{File: "spans.jsonl"})
		if err != nil {
			t.Fatal(err)
		}
		for range 5 {
			if _, err = dec.Next(); errors.Is(err, broken) {
				break
			}
		}
		if !errors.Is(err, broken) || !strings.Contains(fmt.Sprint(err), "read spans.jsonl at byte ") {
			t.Errorf("behind %q: %v, want the reader's error with the file and the byte", before, err)
		}
	}
}

func TestOffset(t *testing.T) {
	dec, err := otlpFormat().Open(strings.NewReader(good+"\n"+good+"\n"), Options{File: "spans.jsonl"})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []int64{int64(len(good)) + 1, 2*int64(len(good)) + 2} {
		if _, err := dec.Next(); err != nil || dec.Offset() != want {
			t.Errorf("offset %d, error %v; want %d", dec.Offset(), err, want)
		}
	}
	if _, err := dec.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v, want io.EOF", err)
	}
	if name, n := dec.Units(); name != "spans" || n != 2 {
		t.Errorf("units %d %s, want 2 spans", n, name)
	}
}

// TestPanicOfTheDecoderIsAReject makes pdata panic the only way we can: by handing it a decoder that is not there.
func TestPanicOfTheDecoderIsAReject(t *testing.T) {
	var p *pdata
	if _, f := p.decode("", []byte("{}"), ""); f == nil || !strings.Contains(f.found, "panics") {
		t.Errorf("fault %+v, want one that tells of a panic", f)
	}
}
