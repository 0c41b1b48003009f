package intake

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"episteme/engine/record"
)

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

func jsonValid(text string) bool { return json.Valid([]byte(text)) }
