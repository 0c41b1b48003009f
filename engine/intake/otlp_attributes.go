package intake

import (
	"encoding/json"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"episteme/engine/record"
)

// The attributes we read, by what they mean. Where a list has several, the first that is there counts.
// docs/intake.md has the same lists for readers.
var (
	agentKeys        = []string{"gen_ai.agent.id", "gen_ai.agent.name", "ai.telemetry.metadata.agent_id", "ai.telemetry.metadata.agentId"}
	serviceKeys      = []string{"service.name"}
	versionKeys      = []string{"service.version"}
	environmentKeys  = []string{"deployment.environment.name", "deployment.environment"}
	conversationKeys = []string{"session.id", "gen_ai.conversation.id", "ai.telemetry.metadata.sessionId", "ai.telemetry.metadata.session_id"}
	toolCallKeys     = []string{"ai.toolCall.id", "gen_ai.tool.call.id", "tool.id"}
	toolNameKeys     = []string{"ai.toolCall.name", "gen_ai.tool.name", "tool.name"}
	argumentKeys     = []string{"ai.toolCall.args", "gen_ai.tool.call.arguments", "input.value", "input"}
	outputKeys       = []string{"ai.toolCall.result", "gen_ai.tool.call.result", "output.value", "output"}
	questionKeys     = []string{"gen_ai.retrieval.query.text", "gen_ai.memory.query.text", "input.value"}
)

// redacted is what OpenInference writes in the place of content it was told to hide.
const redacted = "__REDACTED__"

// attribute is the first of keys that is there and not empty, as text; structured values as JSON.
func attribute(attrs pcommon.Map, keys ...string) string {
	for _, key := range keys {
		v, ok := attrs.Get(key)
		if !ok {
			continue
		}
		if s := v.AsString(); s != "" && s != redacted {
			return s
		}
	}
	return ""
}

// task is what a span did, as far as it concerns us.
type task struct {
	kind    taskKind
	name    string // of the retriever or the tool
	memory  bool   // a retrieval from the agent's own memory
	step    bool   // an agent's step that may repeat what a tool call tells as well
	capture string // how its instrumentation is told to record content
}

type taskKind uint8

const (
	otherTask taskKind = iota
	retrievalTask
	toolTask
)

// How each instrumentation is told to record what was found. It is half of a drop's reason.
const (
	captureOpenInference = "in OpenInference, unset OPENINFERENCE_HIDE_OUTPUTS"
	captureVercel        = "in the Vercel AI SDK, set recordOutputs in experimental_telemetry"
	captureGenAI         = "in OpenTelemetry's gen_ai instrumentations, set OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
)

// taskOf recognises retrievals and tool calls. A span that several instrumentations have marked is one task.
func taskOf(span ptrace.Span) task {
	attrs := span.Attributes()
	switch strings.ToUpper(attribute(attrs, "openinference.span.kind")) {
	case "RETRIEVER":
		return task{kind: retrievalTask, name: span.Name(), capture: captureOpenInference}
	case "TOOL":
		return task{kind: toolTask, name: toolName(span), capture: captureOpenInference}
	}
	if attribute(attrs, "ai.operationId") == "ai.toolCall" {
		return task{kind: toolTask, name: toolName(span), capture: captureVercel}
	}
	switch attribute(attrs, "gen_ai.operation.name") {
	case "execute_tool":
		return task{kind: toolTask, name: toolName(span), capture: captureGenAI}
	case "retrieval":
		return task{kind: retrievalTask, name: span.Name(), capture: captureGenAI}
	case "search_memory":
		return task{kind: retrievalTask, name: span.Name(), memory: true, capture: captureGenAI}
	}
	return task{}
}

// otherReason is why a span is left out that is no task of ours; empty for one that is.
func otherReason(span ptrace.Span, t task) string {
	if t.kind != otherTask {
		return ""
	}
	switch attribute(span.Attributes(), "gen_ai.operation.name") {
	case "create_memory", "update_memory", "upsert_memory", "delete_memory", "create_memory_store", "delete_memory_store":
		return dropMemory
	}
	return dropOther
}

func toolName(span ptrace.Span) string {
	if name := attribute(span.Attributes(), toolNameKeys...); name != "" {
		return name
	}
	return strings.TrimPrefix(span.Name(), "execute_tool ") // gen_ai names such spans "execute_tool NAME"
}

// origin is what a resource says about all its spans.
type origin struct {
	agent   string // empty: it does not say
	service string // never empty
	labels  []record.Label
}

// noService is the service.name that OpenTelemetry prescribes where nobody gave one.
const noService = "unknown_service"

func originOf(resource pcommon.Map) origin {
	o := origin{agent: attribute(resource, agentKeys...), service: attribute(resource, serviceKeys...)}
	for _, l := range []record.Label{
		{Name: "env", Value: attribute(resource, environmentKeys...)},
		{Name: "service", Value: o.service},
		{Name: "version", Value: attribute(resource, versionKeys...)},
	} {
		if l.Value != "" {
			o.labels = append(o.labels, l)
		}
	}
	if o.service == "" {
		o.service = noService
	}
	return o
}

// agentOf is who asked: the span says it, or its resource, or the metadata that callers of LangChain hand along;
// if none does, the service is all we know.
func agentOf(attrs pcommon.Map, o origin) string {
	if agent := attribute(attrs, agentKeys...); agent != "" {
		return agent
	}
	if o.agent != "" {
		return o.agent
	}
	if agent := fieldsOf(attribute(attrs, "metadata")).text("agent_id"); agent != "" {
		return agent
	}
	return o.service
}

// fields is a JSON object inside an attribute: tool arguments, metadata, an output.
type fields map[string]json.RawMessage

// fieldsOf reads text as a JSON object; nil when it is none.
func fieldsOf(text string) fields {
	if len(text) > maxSpanBytes || !strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), "{") {
		return nil
	}
	var f fields
	if json.Unmarshal([]byte(text), &f) != nil {
		return nil
	}
	return f
}

// text is the first of names that holds a string that is not empty.
func (f fields) text(names ...string) string {
	for _, name := range names {
		var s string
		if json.Unmarshal(f[name], &s) == nil && s != "" && s != redacted {
			return s
		}
	}
	return ""
}

// number is the field of that name when it holds a number.
func (f fields) number(name string) (float64, bool) {
	var n *float64
	if json.Unmarshal(f[name], &n) != nil || n == nil {
		return 0, false
	}
	return *n, true
}

// object is the field of that name when it holds an object, else nil.
func (f fields) object(name string) fields { return fieldsOf(string(f[name])) }
