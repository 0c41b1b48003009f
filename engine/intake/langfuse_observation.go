package intake

import (
	"bytes"
	"cmp"
	"encoding/json"
	"strings"
)

// observation is one observation, as far as we look at it.
type observation struct {
	at       extent
	place    place // of its first byte
	id       string
	traceID  string
	parent   string
	kind     string // TOOL, RETRIEVER, AGENT, SPAN, GENERATION …
	name     string
	level    string
	message  string
	started  []byte // RFC 3339 as it is written, without quotes: its order is that of time, for one zone
	finished []byte
	input    []byte // raw
	output   []byte // raw
	metadata []byte // raw
	attrs    fields // the attributes in the metadata; nil until they are asked for
	parsed   bool
	resource fields
	task     task
}

// field takes a field of an observation.
func (o *observation) field(w walker, key string, at int) (end int, f *fault) {
	end = w.skip(at)
	raw := w.b[at:end]
	text := func(to *string) { *to, f = optionalText(raw, at, key) }
	switch key {
	case "id":
		text(&o.id)
	case "traceId":
		text(&o.traceID)
	case "parentObservationId":
		text(&o.parent)
	case "type":
		text(&o.kind)
	case "name":
		text(&o.name)
	case "level":
		text(&o.level)
	case "statusMessage":
		text(&o.message)
	case "startTime":
		o.started = bytes.Trim(raw, `"`)
	case "endTime":
		o.finished = bytes.Trim(raw, `"`)
	case "input":
		o.input = raw
	case "output":
		o.output = raw
	case "metadata":
		o.metadata = raw
	}
	return end, f
}

// optionalText is a string, empty for anything else that is JSON: what a field of another type says is none of ours.
func optionalText(raw []byte, at int, field string) (string, *fault) {
	if len(raw) == 0 || raw[0] != '"' {
		return "", nil
	}
	return textAt(raw, at, field)
}

// attributes are those OpenTelemetry's instrumentations left in the metadata.
func (o *observation) attributes() fields {
	if o.parsed {
		return o.attrs
	}
	o.parsed = true
	w := walker{[]byte(rawText(o.metadata))}
	_, _ = w.members(w.space(0), func(key string, at int) (int, *fault) { // what is broken in it ends it early, and no more
		switch key {
		case "attributes":
			o.attrs = w.fields(at)
		case "resourceAttributes":
			o.resource = w.fields(at)
		}
		return w.skip(at), nil
	})
	return o.attrs
}

// maxAttributes bounds the attributes of an observation that are looked at; OpenTelemetry's SDKs send 128 by default.
const maxAttributes = 4096

// fields are those of the object at i, as they are written. It is quicker than fieldsOf, for it checks nothing.
func (w walker) fields(i int) fields {
	found := fields{}
	_, _ = w.members(i, func(key string, at int) (int, *fault) {
		end := w.skip(at)
		if len(found) == maxAttributes {
			return at, tooMany("attributes", at)
		}
		found[key] = json.RawMessage(w.b[at:end])
		return end, nil
	})
	return found
}

// attr is the first of keys among the attributes that is not empty: text, or JSON as it stands.
func (o *observation) attr(keys ...string) string {
	attrs := o.attributes()
	for _, key := range keys {
		if s := rawText(attrs[key]); s != "" && s != redacted {
			return s
		}
	}
	return ""
}

// rawText is what a field holds: a string's text, nothing for null, else JSON as it is written.
func rawText(raw []byte) string {
	if len(raw) == 0 || string(raw) == "null" {
		return ""
	}
	if s, ok := unquote(raw); ok {
		return s
	}
	return string(raw)
}

func (o *observation) failed() bool { return o.level == "ERROR" }

// Where frameworks leave what a tool was told, when Langfuse's own output says nothing: Google's ADK says {} there.
var traceOutputKeys = append([]string{"gcp.vertex.agent.tool_response", "tool_response"}, outputKeys...)

// and what it was asked.
var traceArgumentKeys = append([]string{"gcp.vertex.agent.tool_call_args", "tool_arguments", "tool.parameters"}, argumentKeys...)

func (o *observation) outputText() string {
	text := rawText(o.output)
	if text == "" || text == "{}" || text == redacted {
		return cmp.Or(o.attr(traceOutputKeys...), text)
	}
	return text
}

func (o *observation) inputText() string {
	if text := rawText(o.input); text != "" && text != "{}" && text != redacted {
		if len(o.input) > 0 && o.input[0] == '{' { // of an indented file: the indents are not the asker's words
			var b bytes.Buffer
			if json.Compact(&b, o.input) == nil {
				return b.String()
			}
		}
		return text
	}
	return o.attr(traceArgumentKeys...)
}

// documents are what a retriever returned.
func (o *observation) documents(output string) ([]document, bool) {
	for _, text := range []string{output, o.attr("gen_ai.retrieval.documents"), o.attr("gen_ai.memory.records")} {
		if list, ok := listed(text); ok && (len(list) == 0 || anyTells(list)) {
			return list, true
		}
	}
	return nil, false
}

// toolName is the tool's, from the attributes, or from the observation's name without what frameworks put before it.
func (o *observation) toolName() string {
	if name := o.attr(toolNameKeys...); name != "" {
		return name
	}
	name := o.name
	for _, prefix := range []string{"execute_tool ", "running tool: ", "tool."} {
		name = strings.TrimPrefix(name, prefix)
	}
	for _, suffix := range []string{".success", ".finish", ".start"} { // BeeAI: tool.search.wikipedia.success-12
		if i := strings.LastIndex(name, suffix+"-"); i > 0 {
			name = name[:i]
		}
	}
	return name
}

// knownService is the service's name, unless it is the one SDKs make up where nobody gave one.
func knownService(resource fields) string {
	name := resource.text("service.name")
	if strings.HasPrefix(name, noService) {
		return ""
	}
	return name
}
