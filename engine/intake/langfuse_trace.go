package intake

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"episteme/engine/record"
)

// trace is one trace of Langfuse: what it says of itself, and its observations. It points into the request's bytes.
type trace struct {
	isTrace      bool
	id           string
	name         string
	session      string
	environment  string
	release      string
	version      string
	output       []byte // raw
	observations []observation
	byID         map[string]int
	seen         map[record.Hash]bool // what tool calls were told, for steps that repeat it
	subject      string               // of what was told last
	keeps        Content              // the strictest policy of all that was told: the output may repeat any of it
}

// traceOf reads a trace whose strings and brackets are in order. With a fault it holds what stands before it.
func traceOf(b []byte) (trace, *fault) {
	t := trace{byID: map[string]int{}, seen: map[record.Hash]bool{}}
	w := walker{b}
	var alone observation
	_, f := w.members(0, func(key string, at int) (int, *fault) {
		switch {
		case key == "trace" && w.peek(at) == '{':
			t.isTrace = true
			return w.members(at, func(key string, at int) (int, *fault) {
				if key == "observations" { // a second copy of the list beside the trace
					return w.skip(at), nil
				}
				return t.field(w, key, at)
			})
		case key == "observations" && w.peek(at) == '[':
			t.isTrace = true
			return w.elements(at, func(at int) (int, *fault) { return t.observation(w, at) })
		case key == "traceId":
			t.isTrace = true
		}
		if _, f := alone.field(w, key, at); f != nil {
			return at, f
		}
		return t.field(w, key, at)
	})
	if len(t.observations) == 0 && alone.traceID != "" {
		alone.at, t.id, t.name = extent{0, len(b)}, alone.traceID, ""
		t.output = nil
		t.observations = []observation{alone}
	}
	return t, f
}

// field takes a field of the trace itself.
func (t *trace) field(w walker, key string, at int) (end int, f *fault) {
	end = w.skip(at)
	raw := w.b[at:end]
	text := func(to *string) { *to, f = optionalText(raw, at, key) }
	switch key {
	case "id":
		text(&t.id)
	case "name":
		text(&t.name)
	case "sessionId":
		text(&t.session)
	case "environment":
		text(&t.environment)
	case "release":
		text(&t.release)
	case "version":
		text(&t.version)
	case "output":
		t.output = raw
	}
	return end, f
}

func (t *trace) observation(w walker, at int) (end int, f *fault) {
	if len(t.observations) == maxObservations {
		return at, &fault{at: at, field: "observations", found: fmt.Sprintf("more than %d", maxObservations), expected: "a trace of at most that many"}
	}
	o := observation{}
	end, f = w.members(at, func(key string, at int) (int, *fault) { return o.field(w, key, at) })
	o.at = extent{at, end}
	if f == nil && end-at > maxSpanBytes {
		f = &fault{at: at, field: "observations", found: fmt.Sprintf("an observation of %d bytes", end-at), expected: "at most 16 MiB"}
	}
	if f == nil && end > at {
		t.observations = append(t.observations, o)
	}
	return end, f
}

// connect makes parents findable, and notes what tool calls were told.
func (t *trace) connect() {
	for i := range t.observations {
		o := &t.observations[i]
		t.byID[o.id] = i
	}
	for i := range t.observations {
		o := &t.observations[i]
		o.task = t.taskOf(o)
		if o.task.kind == toolTask && !o.task.step {
			if output := o.outputText(); output != "" {
				t.seen[record.Sum([]byte(output))] = true
			}
		}
	}
}

// first reports whether nobody in this trace was told output before, and keeps it in mind.
func (t *trace) first(output string) bool {
	digest := record.Sum([]byte(output))
	if t.seen[digest] {
		return false
	}
	t.seen[digest] = true
	return true
}

// taskOf recognises retrievals and tool calls: by Langfuse's own type, by the attributes of the instrumentation, or by
// LangChain's message of a tool in the output.
func (t *trace) taskOf(o *observation) task {
	switch o.kind {
	case "TOOL":
		return task{kind: toolTask, name: o.toolName()}
	case "RETRIEVER":
		return task{kind: retrievalTask, name: o.name}
	case "GENERATION", "EMBEDDING", "EVENT":
		return task{}
	}
	if !bytes.Contains(o.metadata, []byte("tool")) && !bytes.Contains(o.metadata, []byte("etriev")) && !bytes.Contains(o.metadata, []byte("RETRIEVER")) &&
		!bytes.Contains(o.metadata, []byte("TOOL")) && !bytes.Contains(o.metadata, []byte("memory")) && !bytes.Contains(o.output, []byte("tool_call_id")) {
		return task{} // parsing the metadata of every span would cost as much as all the rest
	}
	tool := task{kind: toolTask, name: o.toolName()}
	switch kind := strings.ToUpper(o.attr("openinference.span.kind")); {
	case kind == "TOOL", o.attr("gen_ai.operation.name") == "execute_tool", o.attr("ai.operationId") == "ai.toolCall":
		return tool
	case kind == "RETRIEVER", o.attr("gen_ai.operation.name") == "retrieval", o.attr("gen_ai.operation.name") == "search_memory":
		return task{kind: retrievalTask, name: o.name}
	case kind == "LLM", o.attr(toolNameKeys...) == "":
	case kind == "":
		return tool
	default: // an agent's step that says which tool it called
		tool.step = true
		return tool
	}
	if _, _, ok := messageOf(fieldsOf(rawText(o.output))); ok {
		return tool
	}
	return task{}
}

// telling begins the audit of an observation.
func (t *trace) telling(d *door, o *observation, task task) (*telling, *fault) {
	started, err := record.ParseTime(string(o.started))
	if err != nil {
		return nil, &fault{field: "startTime", found: snippet(o.started), expected: "a time such as 2024-01-15T21:03:47Z"}
	}
	words := d.scrub(o.inputText())
	named := func(keys []string) string { return d.scrub(cmp.Or(argumentNamed(words, keys), o.attr(keys...))) }
	claimant, subject := "tool/", subjectOf(t.domain(), task.name, words)
	if task.kind == retrievalTask {
		claimant, subject = "retriever/", level("retrieval", t.domain())
		if said := fieldsOf(words).text("query", "question", "input"); said != "" {
			words = said
		}
	}
	tell := &telling{door: d, claimant: claimant + task.name, audit: &record.Audit{
		Agent: cmp.Or(named(d.mapping.Agent), t.agentOf(o)), Timestamp: started, AsOf: started,
		Subject: cmp.Or(named(d.mapping.Subject), subject), Predicate: cmp.Or(named(d.mapping.Predicate), task.name),
		Lens: record.LensExternal, Labels: t.labels(o), TraceID: cmp.Or(o.traceID, t.id), SpanID: o.id,
		ConversationID: cmp.Or(t.session, o.attr(conversationKeys...)), ToolCallID: o.attr(toolCallKeys...),
	}}
	tell.ask(cmp.Or(named(d.mapping.Question), words))
	return tell, nil
}

// labels are those of the trace, and of the resource the observation came from.
func (t *trace) labels(o *observation) []record.Label {
	version, service := cmp.Or(t.release, t.version), ""
	if o != nil {
		o.attributes()
		service = knownService(o.resource)
		version = cmp.Or(version, o.resource.text("service.version"))
	}
	var labels []record.Label
	for _, l := range []record.Label{{Name: "env", Value: t.environment}, {Name: "service", Value: service}, {Name: "version", Value: version}} {
		if l.Value != "" {
			labels = append(labels, l)
		}
	}
	return labels
}

// traceAgentKeys are where an observation names its agent. A name says more than an id.
var traceAgentKeys = []string{"gen_ai.agent.name", "agent_name", "gen_ai.agent.id", "ai.telemetry.metadata.agent_id", "ai.telemetry.metadata.agentId"}

// agentOf is who asked: the nearest observation above that names an agent, else what the trace is called.
func (t *trace) agentOf(o *observation) string {
	service := ""
	for up, steps := o, 0; steps < maxDepth; steps++ {
		if name := up.attr(traceAgentKeys...); name != "" {
			return name
		}
		if up.kind == "AGENT" && up != o {
			return plainName(up.name)
		}
		service = cmp.Or(service, knownService(up.resource))
		i, ok := t.byID[up.parent]
		if !ok {
			break
		}
		up = &t.observations[i]
	}
	return cmp.Or(service, plainName(t.name), "langfuse")
}

// maxDepth bounds the way up: parents may point in a circle.
const maxDepth = 256

// mainAgent is the agent of the observation at the top that began first.
func (t *trace) mainAgent() string {
	var top *observation
	for i := range t.observations {
		o := &t.observations[i]
		if _, below := t.byID[o.parent]; !below && (top == nil || bytes.Compare(o.started, top.started) < 0) {
			top = o
		}
	}
	if top == nil {
		return cmp.Or(plainName(t.name), "langfuse")
	}
	if top.kind == "AGENT" {
		return cmp.Or(top.attr(traceAgentKeys...), plainName(top.name), "langfuse")
	}
	return t.agentOf(top)
}

// bracketed is a name that a framework has wrapped: agent_run [hello_agent].
var bracketed = regexp.MustCompile(`^[A-Za-z_ ]+\[([^\]]+)\]$`)

// plainName is a name without what frameworks put around it.
func plainName(name string) string {
	if m := bracketed.FindStringSubmatch(name); m != nil {
		return m[1]
	}
	for _, prefix := range []string{"invoke_agent ", "agent."} {
		name = strings.TrimPrefix(name, prefix)
	}
	return strings.TrimSuffix(name, " run")
}

// longID is an id no person would read in a subject.
var longID = regexp.MustCompile(`[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}|[0-9a-fA-F]{8})`)

// domain is the first level of the trace's subjects: what it is called, where that is a word.
func (t *trace) domain() string {
	name := hyphened(plainName(t.name))
	if name == "" || longID.MatchString(name) {
		return "tool"
	}
	return name
}

func (t *trace) outputText() string { return rawText(t.output) }

// ended is when the last observation did; 0 where none says.
func (t *trace) ended() record.Time {
	var last record.Time
	for i := range t.observations {
		for _, text := range [][]byte{t.observations[i].started, t.observations[i].finished} {
			if at, err := record.ParseTime(string(text)); err == nil {
				last = max(last, at)
			}
		}
	}
	return last
}

// lastWords is what an agent said in the end, out of the envelopes that frameworks put it in; the text itself where
// there is none we know.
func lastWords(text string) string {
	if s, ok := unquote([]byte(text)); ok {
		text = s // Langfuse keeps some outputs as JSON in JSON
	}
	var list []json.RawMessage
	if strings.HasPrefix(text, "[") && json.Unmarshal([]byte(text), &list) == nil && len(list) > 0 {
		text = rawText(list[len(list)-1])
	}
	f := fieldsOf(text)
	for range 4 { // envelopes in envelopes: a message in a list of messages in a state
		if f == nil {
			return text
		}
		if s := f.text("content", "text", "raw", "output"); s != "" {
			return s
		}
		inner := f.object("content")
		for _, key := range []string{"messages", "parts"} {
			var list []json.RawMessage
			if json.Unmarshal(f[key], &list) == nil && len(list) > 0 {
				inner = fieldsOf(string(list[len(list)-1]))
			}
		}
		if f = inner; f != nil {
			continue
		}
	}
	return text
}
