package intake

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"episteme/engine/record"
)

// attrs is attributes as key, value, key, value.
type attrs []any

func (a attrs) json() string {
	type keyValue struct {
		Key   string         `json:"key"`
		Value map[string]any `json:"value"`
	}
	list := []keyValue{}
	for i := 0; i < len(a); i += 2 {
		kind := "stringValue"
		switch a[i+1].(type) {
		case int:
			kind = "intValue"
		case float64:
			kind = "doubleValue"
		case bool:
			kind = "boolValue"
		case json.RawMessage: // a value in full: {"arrayValue":…}
			var v map[string]any
			if err := json.Unmarshal(a[i+1].(json.RawMessage), &v); err != nil {
				panic(err)
			}
			list = append(list, keyValue{a[i].(string), v})
			continue
		}
		list = append(list, keyValue{a[i].(string), map[string]any{kind: a[i+1]}})
	}
	b, err := json.Marshal(list)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// testSpan is a span that started at 2024-01-15T21:03:47Z.
func testSpan(name string, a attrs) string {
	return fmt.Sprintf(`{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331","name":%q,"kind":1,"startTimeUnixNano":"1705352627000000000","endTimeUnixNano":"1705352628000000000","attributes":%s,"status":{}}`, name, a.json())
}

func testExport(resource attrs, spans ...string) string {
	return fmt.Sprintf(`{"resourceSpans":[{"resource":{"attributes":%s},"scopeSpans":[{"scope":{"name":"s"},"spans":[%s]}]}]}`, resource.json(), strings.Join(spans, ","))
}

var shop = attrs{"service.name", "shop"}

// one decodes a request that holds one item.
func one(t *testing.T, request string) Item {
	t.Helper()
	d := decode(t, strings.NewReader(request))
	if len(d.rejects) > 0 {
		t.Fatalf("reject: %v", d.rejects[0])
	}
	if len(d.items) != 1 {
		t.Fatalf("%d items, want 1; dropped %v", len(d.items), d.dropped)
	}
	return d.items[0]
}

// of collects the records of one kind.
func of[R record.Record](item Item) []R {
	var found []R
	for _, r := range item.Records {
		if r, ok := r.(R); ok {
			found = append(found, r)
		}
	}
	return found
}

// tool is a gen_ai tool call of query_fact; rest comes before its defaults and wins.
func tool(rest attrs, output string) attrs {
	return append(append(attrs{"gen_ai.operation.name", "execute_tool", "gen_ai.tool.name", "query_fact"}, rest...), "gen_ai.tool.call.result", output)
}

func TestAgent(t *testing.T) {
	tests := []struct {
		name           string
		resource, span attrs
		want           string
	}{
		{"the span's gen_ai.agent.id comes first", attrs{"gen_ai.agent.id", "r"}, attrs{"gen_ai.agent.name", "n", "gen_ai.agent.id", "i"}, "i"},
		{"then its gen_ai.agent.name", attrs{"gen_ai.agent.id", "r"}, attrs{"gen_ai.agent.name", "n", "ai.telemetry.metadata.agent_id", "v"}, "n"},
		{"then the Vercel AI SDK's metadata", attrs{"gen_ai.agent.id", "r"}, attrs{"ai.telemetry.metadata.agent_id", "v"}, "v"},
		{"in either spelling", attrs{"gen_ai.agent.id", "r"}, attrs{"ai.telemetry.metadata.agentId", "v"}, "v"},
		{"then the resource", attrs{"gen_ai.agent.id", "r", "service.name", "s"}, attrs{"metadata", `{"agent_id":"m"}`}, "r"},
		{"then OpenInference's metadata", attrs{"service.name", "s"}, attrs{"metadata", `{"agent_id":"m"}`}, "m"},
		{"then the service", attrs{"service.name", "s"}, attrs{"metadata", `{"versions":{}}`}, "s"},
		{"then what OpenTelemetry calls a service without a name", attrs{}, attrs{"metadata", `not json`}, "unknown_service"},
		{"an empty one does not count", attrs{"service.name", "s"}, attrs{"gen_ai.agent.id", ""}, "s"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := audit(t, one(t, testExport(tt.resource, testSpan("x", tool(tt.span, "1")))))
			if got.Agent != tt.want {
				t.Errorf("agent = %q, want %q", got.Agent, tt.want)
			}
		})
	}
}

func TestSubjectAndPredicate(t *testing.T) {
	tests := []struct {
		name string
		span string
		want string
	}{
		{"a tool's arguments name both", testSpan("x", tool(attrs{"gen_ai.tool.call.arguments", `{"subject":"auth/jwt","predicate":"alg"}`}, "1")), "auth/jwt · alg"},
		{"without a predicate it is the tool", testSpan("x", tool(attrs{"gen_ai.tool.call.arguments", `{"subject":"auth/jwt"}`}, "1")), "auth/jwt · query_fact"},
		{"a predicate alone is an argument like others", testSpan("x", tool(attrs{"gen_ai.tool.call.arguments", `{"predicate":"age > 5"}`}, "1")), "tool/shop · query_fact"},
		{"a subject that is no text does not count", testSpan("x", tool(attrs{"gen_ai.tool.call.arguments", `{"subject":7,"predicate":"alg"}`}, "1")), "tool/shop · query_fact"},
		{"a subject too long to be one was none", testSpan("x", tool(attrs{"gen_ai.tool.call.arguments", `{"subject":"` + strings.Repeat("s", 513) + `"}`}, "1")), "tool/shop · query_fact"},
		{"arguments that are no object", testSpan("x", tool(attrs{"gen_ai.tool.call.arguments", `auth/jwt`}, "1")), "tool/shop · query_fact"},
		{"arguments in structured form", testSpan("x", tool(attrs{"gen_ai.tool.call.arguments", json.RawMessage(`{"kvlistValue":{"values":[{"key":"subject","value":{"stringValue":"auth/jwt"}}]}}`)}, "1")), "auth/jwt · query_fact"},
		{"LangChain's envelope of a call", testSpan("query_fact", attrs{"openinference.span.kind", "TOOL", "input.value", `{"name":"query_fact","args":{"subject":"auth/jwt"},"id":"call-9","type":"tool_call"}`, "output.value", "1"}), "auth/jwt · query_fact"},
		{"a tool without a name is its span's", testSpan("execute_tool lookup", attrs{"gen_ai.operation.name", "execute_tool", "gen_ai.tool.call.result", "1"}), "tool/shop · lookup"},
		{"a retrieval", testSpan("VectorStore", attrs{"openinference.span.kind", "RETRIEVER", "output.value", `[]`}), "retrieval/shop · VectorStore"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := audit(t, one(t, testExport(shop, tt.span)))
			if got := a.Subject + " · " + a.Predicate; got != tt.want {
				t.Errorf("asked %s, want %s", got, tt.want)
			}
		})
	}
}

func TestQuestion(t *testing.T) {
	long := strings.Repeat("ä", record.MaxStringBytes)
	retriever := func(rest ...any) string {
		return testSpan("R", append(attrs{"openinference.span.kind", "RETRIEVER", "output.value", "[]"}, rest...))
	}
	tests := []struct {
		name string
		span string
		want string
	}{
		{"a retriever's input as it was typed", retriever("input.value", "Which one?"), "Which one?"},
		{"the words in an object", retriever("input.value", `{"query":"Which one?","k":4}`), "Which one?"},
		{"an object without words", retriever("input.value", `{"vector":[1]}`), `{"vector":[1]}`},
		{"gen_ai's query text", retriever("gen_ai.retrieval.query.text", "Which one?"), "Which one?"},
		{"hidden input is none", retriever("input.value", "__REDACTED__"), ""},
		{"a tool's arguments as they are", testSpan("x", tool(attrs{"gen_ai.tool.call.arguments", `{"query":"x", "k":4}`}, "1")), `{"query":"x", "k":4}`},
		{"a long one is cut between characters and marked", retriever("input.value", long), strings.Repeat("ä", (record.MaxStringBytes-3)/2) + "…"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := audit(t, one(t, testExport(shop, tt.span))).Question; got != tt.want {
				t.Errorf("question = %.80q (%d bytes), want %.80q (%d bytes)", got, len(got), tt.want, len(tt.want))
			}
		})
	}
}

func TestToolOutput(t *testing.T) {
	text := record.TextObject
	tests := []struct {
		name       string
		output     string
		want       record.Object
		confidence float32
		note       string
	}{
		{"value and confidence", `{"value":"RS256","confidence":0.91}`, text("RS256"), 0.91, "confidence 0.91"},
		{"a number", `{"value":42.5}`, record.NumberObject(42.5), 1, "confidence not stated"},
		{"true", `{"value":true}`, record.BoolObject(true), 1, "confidence not stated"},
		{"an integer no binary64 has stays text", `{"value":9007199254740993}`, text("9007199254740993"), 1, "confidence not stated"},
		{"a number beyond binary64 stays text", `{"value":1e999}`, text("1e999"), 1, "confidence not stated"},
		{"minus nought is nought", `{"value":-0.0}`, record.NumberObject(0), 1, "confidence not stated"},
		{"a value that is an object is its text", `{"value":{"a": 1}}`, text(`{"a": 1}`), 1, "confidence not stated"},
		{"confidence above 1 is 1", `{"value":1,"confidence":91}`, record.NumberObject(1), 1, "confidence 91"},
		{"confidence below 0 is 0", `{"value":1,"confidence":-3}`, record.NumberObject(1), 0, "confidence -3"},
		{"confidence that is no number is not stated", `{"value":1,"confidence":"high"}`, record.NumberObject(1), 1, "confidence not stated"},
		{"sources are noted as they are named", `{"value":1,"sources":["adr-41",7,"a_12"]}`, record.NumberObject(1), 1, "confidence not stated; sources the tool names: adr-41, a_12"},
		{"an object without a value is its text", `{"status":"ok"}`, text(`{"status":"ok"}`), 1, "confidence not stated"},
		{"a bare text in JSON", `"RS256"`, text("RS256"), 1, "confidence not stated"},
		{"a bare number", `42`, record.NumberObject(42), 1, "confidence not stated"},
		{"text that is no JSON", `RS256, says adr-41`, text("RS256, says adr-41"), 1, "confidence not stated"},
		{"LangChain's ToolMessage", `{"lc":1,"type":"constructor","id":["ToolMessage"],"kwargs":{"content":"{\"value\":\"RS256\",\"confidence\":0.5}","tool_call_id":"c"}}`, text("RS256"), 0.5, "confidence 0.5"},
		{"a ToolMessage written plainly", `{"type":"tool","content":"RS256","tool_call_id":"c"}`, text("RS256"), 1, "confidence not stated"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			item := one(t, testExport(shop, testSpan("x", tool(nil, tt.output))))
			a := audit(t, item)
			if a.Value != tt.want || a.Confidence != tt.confidence || a.Share != 1 || a.Considered != 1 {
				t.Errorf("told %v, confidence %v, share %v of %d; want %v, %v, 1 of 1", a.Value, a.Confidence, a.Share, a.Considered, tt.want, tt.confidence)
			}
			claims := of[*record.Assertion](item)
			if len(claims) != 1 || claims[0].Note != tt.note || claims[0].Agent != "tool/query_fact" {
				t.Errorf("claims = %+v, want one by tool/query_fact with note %q", claims, tt.note)
			}
			if len(a.Contributions) != 1 || a.Contributions[0].Weight != 1 || a.Contributions[0].Lifecycle != record.Unstated {
				t.Errorf("contributions = %+v, want one of weight 1, Unstated", a.Contributions)
			}
			if evidence := of[record.Evidence](item); len(evidence) != 1 || string(evidence[0]) != tt.output {
				t.Errorf("evidence = %q, want the output as it was", evidence)
			}
			if s := of[*record.Source](item); len(s) != 1 || s[0].Name != "tool query_fact output" || s[0].Digest != record.Sum([]byte(tt.output)) {
				t.Errorf("source = %+v, want the output's bytes, named after the tool", s)
			}
		})
	}
}

func TestToolThatAnswersNull(t *testing.T) {
	for _, output := range []string{`null`, `{"value":null,"confidence":1}`} {
		item := one(t, testExport(shop, testSpan("x", tool(nil, output))))
		a := audit(t, item)
		if a.Value != (record.Object{}) || a.Confidence != 0 || a.Share != 0 || a.Considered != 0 || a.Contributions != nil {
			t.Errorf("%s: told %v, confidence %v, share %v of %d by %v; want nothing", output, a.Value, a.Confidence, a.Share, a.Considered, a.Contributions)
		}
		if len(of[record.Evidence](item)) != 1 || len(of[*record.Assertion](item)) != 0 {
			t.Errorf("%s: records %v, want the evidence and no claim", output, item.Records)
		}
	}
}

func TestAsOfComesFromTheArguments(t *testing.T) {
	tests := []struct{ arguments, want string }{
		{`{"as_of":"2024-01-15T20:00:00+01:00"}`, "2024-01-15T19:00:00Z"},
		{`{"as_of":"yesterday"}`, "2024-01-15T21:03:47Z"},
		{`{"as_of":"9999-01-01T00:00:00Z"}`, "2024-01-15T21:03:47Z"},
		{`{}`, "2024-01-15T21:03:47Z"},
	}
	for _, tt := range tests {
		a := audit(t, one(t, testExport(shop, testSpan("x", tool(attrs{"gen_ai.tool.call.arguments", tt.arguments}, "1")))))
		if a.AsOf.String() != tt.want || a.Timestamp.String() != "2024-01-15T21:03:47Z" {
			t.Errorf("%s: as_of %s, timestamp %s; want %s, 2024-01-15T21:03:47Z", tt.arguments, a.AsOf, a.Timestamp, tt.want)
		}
	}
}

func TestLabelsAndOutsideIDs(t *testing.T) {
	resource := attrs{"service.version", "4.1", "deployment.environment.name", "prod", "service.name", "shop", "host.name", "h1"}
	a := audit(t, one(t, testExport(resource, testSpan("x", tool(attrs{"session.id", "s-1", "gen_ai.tool.call.id", "c-1"}, "1")))))
	wantLabels := []record.Label{{Name: "env", Value: "prod"}, {Name: "service", Value: "shop"}, {Name: "version", Value: "4.1"}}
	if diff := cmp.Diff(wantLabels, a.Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	if a.TraceID != "0af7651916cd43dd8448eb211c80319c" || a.SpanID != "b7ad6b7169203331" || a.ConversationID != "s-1" || a.ToolCallID != "c-1" {
		t.Errorf("ids %q %q %q %q", a.TraceID, a.SpanID, a.ConversationID, a.ToolCallID)
	}
	if a.Lens != "external" || a.Pinned {
		t.Errorf("lens %q, pinned %v; want external, false", a.Lens, a.Pinned)
	}

	old := audit(t, one(t, testExport(attrs{"deployment.environment", "stage"}, testSpan("x", tool(attrs{"ai.telemetry.metadata.sessionId", "s-2", "ai.toolCall.id", "c-2"}, "1")))))
	if diff := cmp.Diff([]record.Label{{Name: "env", Value: "stage"}}, old.Labels); diff != "" {
		t.Errorf("labels of a resource without a service (-want +got):\n%s", diff)
	}
	if old.ConversationID != "s-2" || old.ToolCallID != "c-2" {
		t.Errorf("ids %q %q, want s-2 c-2", old.ConversationID, old.ToolCallID)
	}
}

func TestMediaTypeOfOutput(t *testing.T) {
	for _, tt := range []struct{ mime, output, want string }{
		{"text/csv", "a,b", "text/csv"}, {"", `{"a":1}`, "application/json"}, {"", `{"a":`, ""}, {"", "RS256", ""},
	} {
		s := of[*record.Source](one(t, testExport(shop, testSpan("x", tool(attrs{"output.mime_type", tt.mime}, tt.output)))))
		if s[0].MediaType != tt.want {
			t.Errorf("mime %q of %s = %q, want %q", tt.mime, tt.output, s[0].MediaType, tt.want)
		}
	}
}

func TestToolCallTwiceIsTwoAudits(t *testing.T) {
	// LangChain and the Vercel AI SDK may both see one run of a tool. Nothing in the spans says so, so both stay.
	d := decode(t, strings.NewReader(testExport(shop,
		testSpan("query_fact", attrs{"openinference.span.kind", "TOOL", "output.value", "1"}),
		testSpan("ai.toolCall", attrs{"ai.operationId", "ai.toolCall", "ai.toolCall.name", "query_fact", "ai.toolCall.result", "1"}))))
	if len(d.items) != 2 {
		t.Errorf("%d items, want 2", len(d.items))
	}
}
