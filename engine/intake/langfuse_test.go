package intake

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"episteme/engine/record"
)

// TestGoldenOfRealTraces has a golden for each of ten frameworks, with what was left out at its end.
func TestGoldenOfRealTraces(t *testing.T) {
	files, err := filepath.Glob("testdata/langfuse/*.trace.json")
	if err != nil || len(files) != 10 {
		t.Fatalf("%d samples, %v; want 10", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if f, ok := Detect(body[:min(len(body), DetectBytes)]); !ok || f.Name != "langfuse" {
				t.Errorf("Detect = %q, want langfuse", f.Name)
			}
			d := decodeAs(t, "langfuse", bytes.NewReader(body), Options{File: file})
			if len(d.rejects) > 0 {
				t.Fatalf("rejects of a real trace: %v", d.rejects[0])
			}
			told := briefly(dump(t, d.items))
			for _, reason := range []string{dropObservation, dropTwice, dropUntold} {
				told += fmt.Sprintf("=== %d dropped: %s\n", d.dropped[reason], reason)
			}
			compareGolden(t, strings.TrimSuffix(strings.TrimPrefix(file, "testdata/"), ".trace.json")+".golden", told)
		})
	}
}

func decodeTrace(t testing.TB, file string) decoded {
	t.Helper()
	return decodeAs(t, "langfuse", strings.NewReader(file), Options{File: "trace.json"})
}

// testTrace is a trace with a root that names its agent, and observations below it.
func testTrace(observations ...string) string {
	root := `{"id":"root","traceId":"t1","projectId":"p","parentObservationId":null,"type":"AGENT","name":"planner","startTime":"2024-01-15T21:03:46Z","endTime":"2024-01-15T21:03:50Z"}`
	return `{"trace":{"id":"t1","projectId":"p","name":"shop","sessionId":"s9","environment":"prod","release":"v3","output":"\"It is on its way.\"","observations":[{"id":"a copy"}]},"observations":[` + strings.Join(append(observations, root), ",") + "]}\n"
}

const toolObservation = `{"id":"o1","parentObservationId":"root","type":"TOOL","name":"get_order","startTime":"2024-01-15T21:03:47Z","input":"{\"order_id\":\"A7\"}","output":"shipped","metadata":"{\"attributes\":{\"gen_ai.tool.call.id\":\"c1\"},\"resourceAttributes\":{\"service.name\":\"web\"}}"}`

func TestLangfuseToolCall(t *testing.T) {
	d := decodeTrace(t, testTrace(toolObservation))
	if len(d.items) != 2 || len(d.rejects) > 0 {
		t.Fatalf("%d items, rejects %v, dropped %v; want an audit and an event", len(d.items), d.rejects, d.dropped)
	}
	a := audit(t, d.items[0])
	got := []string{a.Agent, a.Timestamp.String(), a.Subject, a.Predicate, a.Question, a.Value.Text, a.TraceID, a.SpanID, a.ConversationID, a.ToolCallID, fmt.Sprint(a.Labels)}
	want := []string{"planner", "2024-01-15T21:03:47Z", "shop/order/A7", "get_order", `{"order_id":"A7"}`, "shipped", "t1", "o1", "s9", "c1", "[{env prod} {service web} {version v3}]"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("audit (-want +got):\n%s", diff)
	}
	e := d.items[1].Records[0].(*record.Event)
	if e.Type != record.Decision || e.Title != "It is on its way." || e.Agent != "planner" || e.Timestamp.String() != "2024-01-15T21:03:50Z" || len(e.BasedOn) != 1 {
		t.Errorf("event %+v, want what the agent said, based on the audit", e)
	}
}

func TestLangfuseRetrieval(t *testing.T) {
	d := decodeTrace(t, testTrace(`{"id":"o1","parentObservationId":"root","type":"RETRIEVER","name":"kb","startTime":"2024-01-15T21:03:47Z","input":{"query":"which algorithm"},"output":[{"pageContent":"ES256","score":0.9,"metadata":{"source":"rfc.md"}},{"pageContent":"RS256","score":0.2}]}`))
	a := audit(t, d.items[0])
	if a.Subject != "retrieval/shop" || a.Predicate != "kb" || a.Question != "which algorithm" || a.Value.Text != "ES256" || len(a.Contributions) != 2 || a.Considered != 2 {
		t.Errorf("audit %+v, want ES256 out of two documents", a)
	}
}

func TestLangfuseShapes(t *testing.T) {
	whole := strings.TrimSpace(testTrace(toolObservation))
	bare := strings.Replace(toolObservation, `{"id"`, `{"projectId":"p","traceId":"t1","id"`, 1)
	detail := `{"id":"t1","projectId":"p","name":"shop","bookmarked":false,"observations":[` + toolObservation + `]}`
	for name, file := range map[string]string{
		"one in a file": whole, "indented": string(indent(t, []byte(whole))), "a list": "[" + whole + "]",
		"a trace as the API gives it": detail, "an observation a line": bare + "\n", "a list of observations": "[" + bare + "]",
	} {
		t.Run(name, func(t *testing.T) {
			if f, ok := Detect([]byte(file)); !ok || f.Name != "langfuse" {
				t.Errorf("Detect = %q, want langfuse", f.Name)
			}
			d := decodeTrace(t, file)
			if len(d.items) == 0 || audit(t, d.items[0]).Value.Text != "shipped" || audit(t, d.items[0]).TraceID != "t1" {
				t.Errorf("%d items, rejects %v, dropped %v; want the tool call", len(d.items), d.rejects, d.dropped)
			}
		})
	}
}

func TestLangfuseEdges(t *testing.T) {
	o := func(fields string) string {
		return `{"id":"o1","parentObservationId":"o1","startTime":"2024-01-15T21:03:47Z",` + fields + `}`
	}
	tests := []struct {
		name, observation string
		value, label      string // of the audit; no value where both are empty and want is a reason
		dropped           string
	}{
		{"parents in a circle", o(`"type":"TOOL","name":"f","output":"x"`), "x", "", ""},
		{"a call that failed", o(`"type":"TOOL","name":"f","output":null,"level":"ERROR","statusMessage":"timeout"`), "", "timeout", ""},
		{"an output that was not recorded", o(`"type":"TOOL","name":"f","output":null`), "", "", dropUntold},
		{"a model", o(`"type":"GENERATION","name":"f","output":"x","metadata":"{\"attributes\":{\"tool.name\":\"f\"}}"`), "", "", dropObservation},
		{"a span that OpenInference calls a tool", o(`"type":"SPAN","name":"f","output":"x","metadata":{"attributes":{"openinference.span.kind":"TOOL"}}`), "x", "", ""},
		{"a span of gen_ai", o(`"type":"SPAN","name":"f","output":"x","metadata":{"attributes":{"gen_ai.operation.name":"execute_tool","gen_ai.tool.name":"g"}}`), "x", "", ""},
		{"LangChain's message of a tool", o(`"type":"SPAN","name":"f","output":{"type":"tool","content":"x","tool_call_id":"c"}`), "x", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := decodeTrace(t, testTrace(tt.observation))
			if tt.dropped != "" {
				if d.dropped[tt.dropped] == 0 || len(d.items) != 0 {
					t.Errorf("%d items, dropped %v; want %q", len(d.items), d.dropped, tt.dropped)
				}
				return
			}
			if len(d.items) == 0 {
				t.Fatalf("no items, rejects %v, dropped %v", d.rejects, d.dropped)
			}
			a := audit(t, d.items[0])
			if a.Value.Text != tt.value || tt.label != "" && !hasLabel(a.Labels, "error", tt.label) {
				t.Errorf("told %q, labels %v; want %q, error %q", a.Value.Text, a.Labels, tt.value, tt.label)
			}
		})
	}
}

func TestLangfuseReject(t *testing.T) {
	good := testTrace(toolObservation)
	tests := []struct{ name, file, want string }{
		{"no trace", "¶{\"a\":1}\n" + good, "expected a trace"},
		{"an observation without a time", `{"trace":{},"observations":[¶{"id":"o7","type":"TOOL","name":"f","output":"x"}]}` + "\n" + good, `startTime: found "", expected a time`},
		{"a time that is none", `{"trace":{},"observations":[¶{"id":"o7","type":"TOOL","name":"f","output":"x","startTime":"soon"}]}` + "\n" + good, `found "soon", expected a time such as 2024-01-15T21:03:47Z; in observation o7`},
		{"cut off", `{"trace":{"id":¶` + "\n" + good, "found the end in the middle of a trace"},
		{"an observation that is none", `{"trace":{},"observations":[¶7]}` + "\n" + good, "expected an object"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before, _, _ := strings.Cut(tt.file, "¶")
			d := decodeTrace(t, strings.Replace(tt.file, "¶", "", 1))
			if len(d.rejects) != 1 || len(d.items) != 2 {
				t.Fatalf("%d items, rejects %v; want 2, 1", len(d.items), d.rejects)
			}
			place := fmt.Sprintf("trace.json:1:%d: ", 1+len(before))
			if got := d.rejects[0].Error(); !strings.HasPrefix(got, place) || !strings.Contains(got, tt.want) {
				t.Errorf("reject %q, want %s…%s", got, place, tt.want)
			}
		})
	}
}

// TestBrokenMetadata: metadata is text that somebody wrote; what is broken in it says nothing, and stops nobody.
func TestBrokenMetadata(t *testing.T) {
	for _, metadata := range []string{`{`, `{\"`, `{\"a`, `{\"attributes\":{\"`, `{\"attributes\":{\"a\":\"`, `{\"attributes\"}`, `}`, `{,}`, `[`, `\"`, ``} {
		o := strings.Replace(toolObservation, `"metadata":"{\"attributes\"`, `"metadata":"`+metadata+`","other":"{\"attributes\"`, 1)
		if d := decodeTrace(t, testTrace(o)); len(d.items) != 2 || len(d.rejects) > 0 {
			t.Errorf("metadata %s: %d items, rejects %v; want the tool call all the same", metadata, len(d.items), d.rejects)
		}
	}
}

func TestLastWords(t *testing.T) {
	for text, want := range map[string]string{
		"plain":              "plain",
		`"quoted"`:           "quoted",
		`{"content":"said"}`: "said",
		`{"messages":[{"content":"a"},{"content":"b"}]}`:                                          "b",
		`{"content":{"parts":[{"text":"hello"}],"role":"model"}}`:                                 "hello",
		`[{"role":"tool"},{"role":"assistant","parts":[{"type":"text","content":"in the end"}]}]`: "in the end",
		`{"answer":7}`: `{"answer":7}`,
		"":             "",
	} {
		if got := lastWords(text); got != want {
			t.Errorf("lastWords(%s) = %q, want %q", text, got, want)
		}
	}
}

func FuzzLangfuse(f *testing.F) {
	for _, seed := range []string{
		testTrace(toolObservation), "[" + testTrace() + "]", testTrace(`{"type":"RETRIEVER","startTime":"2024-01-15T21:03:47Z","output":["a",{"id":1}]}`),
		`{"trace":null,"observations":[null,{}]}`, `{"traceId":"x","startTime":"2024-01-15T21:03:47Z","type":"TOOL","name":"f","output":{"lc":1,"kwargs":{"content":"x"}}}`,
		testTrace(`{"type":"TOOL","name":"f","startTime":"2024-01-15T21:03:47Z","metadata":"{\"","output":"x"}`),
		testTrace(`{"type":"SPAN","startTime":"2024-01-15T21:03:47Z","metadata":"{\"attributes\":{\"tool.name\":\"f\",\"openinference.span.kind\":\"AGENT\"}}","output":"x"}`),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, file []byte) { fuzzFormat(t, langfuseFormat(), file) })
}
