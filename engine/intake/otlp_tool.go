package intake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"episteme/engine/record"
)

// toolCall reads what a tool was asked and what it answered.
func (r *reading) toolCall(o origin) (told bool, f *fault) {
	text := attribute(r.attrs, argumentKeys...)
	arguments := fieldsOf(text)
	if call := arguments.object("args"); call != nil && arguments.text("type") == "tool_call" {
		// LangChain hands a tool the model's whole call; what the tool sees is its args.
		text = string(arguments["args"])
		r.setToolCallID(arguments.text("id"))
		arguments = call
	}
	r.audit.Question = shorten(text, record.MaxStringBytes)
	r.audit.Subject, r.audit.Predicate = "tool/"+o.service, r.task.name
	if subject := arguments.text("subject"); isName(subject) {
		r.audit.Subject = subject
		if predicate := arguments.text("predicate"); isName(predicate) {
			r.audit.Predicate = predicate
		}
	}
	if asOf, err := record.ParseTime(arguments.text("as_of")); err == nil {
		r.audit.AsOf = asOf
	}

	output := attribute(r.attrs, outputKeys...)
	if output == "" {
		return r.untold("a tool call whose output was"), nil
	}
	return true, r.output(output)
}

// isName reports whether an argument can be a subject or a predicate. One that is too long is no reason to refuse the
// call: it was never meant as a name.
func isName(s string) bool { return s != "" && len(s) <= record.MaxNameBytes }

func (r *reading) setToolCallID(id string) {
	if r.audit.ToolCallID == "" {
		r.audit.ToolCallID = id
	}
}

// output records what a tool returned: its bytes as evidence, its value as the one claim.
func (r *reading) output(text string) *fault {
	mediaType := attribute(r.attrs, "output.mime_type")
	if mediaType == "" && strings.ContainsAny(text[:1], "{[") && json.Valid([]byte(text)) {
		mediaType = "application/json"
	}
	digest := r.evidence(text, record.Source{Name: "tool " + r.task.name + " output", MediaType: mediaType})
	told := resultOf(text)
	r.setToolCallID(told.callID)
	if told.value.Type == record.NoValue {
		return nil // it answered that there is nothing
	}
	note := "confidence not stated"
	confidence := float32(1)
	if told.confidence != nil {
		confidence = clamp(*told.confidence)
		note = "confidence " + strconv.FormatFloat(*told.confidence, 'g', -1, 64)
	}
	if len(told.sources) > 0 {
		note += "; sources the tool names: " + strings.Join(told.sources, ", ")
	}
	if len(text) > record.MaxEvidenceBytes {
		note += fmt.Sprintf("; an output longer than the %d bytes that are kept", record.MaxEvidenceBytes)
	}
	return r.claim(record.Assertion{Object: told.value, Confidence: confidence, Source: digest, Note: note}, 1, 0)
}

// result is a tool's output, understood as far as it goes.
type result struct {
	value      record.Object // NoValue: it said null
	confidence *float64      // nil: not stated
	sources    []string      // names it gives, as it gives them
	callID     string
}

// resultOf reads an output: an object with a value, a bare scalar in JSON, or text that is its own value.
func resultOf(text string) result {
	f := fieldsOf(text)
	if content, callID, ok := messageOf(f); ok {
		inner := resultOf(content)
		if inner.callID == "" {
			inner.callID = callID
		}
		return inner
	}
	value, ok := f["value"]
	if !ok {
		return result{value: objectOf([]byte(text))}
	}
	told := result{value: objectOf(value), sources: names(f["sources"])}
	if c, ok := f.number("confidence"); ok {
		told.confidence = &c
	}
	return told
}

// messageOf unwraps LangChain's ToolMessage, in which a tool that an agent called returns its output: as LangChain
// serialises it, {"lc":1,"kwargs":{"content":…}}, or plain, {"type":"tool","content":…}.
func messageOf(f fields) (content, callID string, ok bool) {
	if _, isLC := f["lc"]; isLC {
		f = f.object("kwargs")
	} else if f.text("type") != "tool" {
		return "", "", false
	}
	content = f.text("content")
	return content, f.text("tool_call_id"), content != ""
}

// objectOf is a JSON scalar as an object; anything else is its text, as it stands. Numbers that a record cannot
// carry exactly stay text.
func objectOf(raw []byte) record.Object {
	trimmed := bytes.TrimSpace(raw)
	if len(trimmed) == 0 || trimmed[0] == '{' || trimmed[0] == '[' {
		return record.TextObject(string(raw))
	}
	var v any
	decoder := json.NewDecoder(bytes.NewReader(trimmed))
	decoder.UseNumber()
	if json.Valid(trimmed) && decoder.Decode(&v) == nil {
		switch v := v.(type) {
		case nil:
			return record.Object{}
		case string:
			return record.TextObject(v)
		case bool:
			return record.BoolObject(v)
		case json.Number:
			if n, ok := numberOf(v.String()); ok {
				return record.NumberObject(n)
			}
		}
	}
	return record.TextObject(string(raw))
}

// numberOf reads a JSON number. Integers beyond ±2^53 are refused: not every one of them is a binary64.
func numberOf(s string) (float64, bool) {
	n, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0, false
	}
	if !strings.ContainsAny(s, ".eE") {
		const maxInteger = 1 << 53
		if i, err := strconv.ParseInt(s, 10, 64); err != nil || i > maxInteger || i < -maxInteger {
			return 0, false
		}
	}
	if n == 0 {
		n = 0 // -0 too
	}
	return n, true
}

// names is the strings in a list, "" where it is none. They are labels or names of the tool's own; we do not know
// what they refer to.
func names(raw json.RawMessage) []string {
	var list []any
	if json.Unmarshal(raw, &list) != nil {
		return nil
	}
	var found []string
	for _, v := range list {
		if s, ok := v.(string); ok && s != "" {
			found = append(found, s)
		}
	}
	return found
}
