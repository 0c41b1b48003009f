package intake

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"episteme/engine/record"
)

// maxRunMessages bounds the messages of one run: of 64 MiB, the least of a message being {"role":"user"}.
const maxRunMessages = 1 << 20

// runOutline is what an object of a transcript says beside its messages, and where those stand.
type runOutline struct {
	isRun     bool
	isMessage bool
	messages  []extent
	fields    map[string]string // scalars at the top of a run, as text; at most maxRunFields
}

const maxRunFields = 64 // guess: of those we read, there are 14

// runOutlineOf walks an object whose strings and brackets are in order. With a fault it holds what stands before it.
func runOutlineOf(b []byte) (runOutline, *fault) {
	o := runOutline{fields: map[string]string{}}
	w := walker{b}
	_, f := w.members(0, func(key string, at int) (int, *fault) {
		if key == "role" && w.peek(at) == '"' {
			o.isMessage = true
		}
		if slices.Contains(runKeys, key) && w.peek(at) == '[' {
			o.isRun = true
			return w.elements(at, func(at int) (int, *fault) {
				if len(o.messages) == maxRunMessages {
					return at, &fault{at: at, field: key, found: fmt.Sprintf("more than %d", maxRunMessages), expected: "a run of at most that many messages"}
				}
				end := w.skip(at)
				if end > at { // else there is only a comma, and elements says so
					o.messages = append(o.messages, extent{at, end})
				}
				return end, nil
			})
		}
		end := w.skip(at)
		if len(o.fields) < maxRunFields && end-at <= record.MaxStringBytes {
			if text := scalarText(b[at:end]); text != "" {
				o.fields[key] = text
			}
		}
		return end, nil
	})
	return o, f
}

// message is one message of a conversation.
type message struct {
	role    string
	content string
	name    string // of the speaker, or of the tool that answers
	callID  string // of the call that is answered
	calls   []call
	time    record.Time // 0: it says none
}

// call is a tool call an agent made.
type call struct {
	id        string
	name      string
	arguments string
	time      record.Time
	made      bool // the time is made
}

// messageAt reads the message at e. A fault counts from the start of b.
func messageAt(b []byte, e extent) (m message, f *fault) {
	if e.end-e.start > maxSpanBytes {
		return m, &fault{at: e.start, found: fmt.Sprintf("a message of %d bytes", e.end-e.start), expected: "at most 16 MiB"}
	}
	w := walker{b[:e.end]}
	_, f = w.members(e.start, func(key string, at int) (int, *fault) {
		end := w.skip(at)
		raw := b[at:end]
		var f *fault
		switch key {
		case "role":
			m.role, f = textAt(raw, at, key)
		case "name", "tool_name":
			m.name, f = textAt(raw, at, key)
		case "tool_call_id":
			m.callID, f = textAt(raw, at, key)
		case "content":
			m.content, f = contentAt(raw, at)
		case "tool_calls":
			m.calls, f = callsAt(w, at)
		case "function_call":
			if w.peek(at) == '{' {
				var c call
				c, f = functionAt(w, at)
				m.calls = append(m.calls, c)
			}
		case "timestamp", "created_at", "created", "time":
			m.time = timeOf(raw)
		}
		return end, f
	})
	return m, f
}

// textAt is a string, empty for null.
func textAt(raw []byte, at int, field string) (string, *fault) {
	if string(raw) == "null" {
		return "", nil
	}
	s, ok := unquote(raw)
	if !ok {
		return "", &fault{at: at, field: field, found: snippet(raw), expected: "text"}
	}
	return s, nil
}

// contentAt is a message's content: text, or the texts of its parts a line each. What is neither is kept as it is
// written: some tools return an object where text is asked for.
func contentAt(raw []byte, at int) (string, *fault) {
	if len(raw) == 0 || raw[0] != '[' {
		if len(raw) > 0 && raw[0] == '{' {
			return string(raw), nil
		}
		return textAt(raw, at, "content")
	}
	var parts []struct {
		Type string `json:"type"`
		Text string `json:"text"`
	}
	if json.Unmarshal(raw, &parts) != nil {
		return string(raw), nil
	}
	texts := make([]string, 0, len(parts))
	for _, p := range parts {
		if p.Text == "" {
			return string(raw), nil // pictures and such: the bytes as they stand say more than a part of them
		}
		texts = append(texts, p.Text)
	}
	return strings.Join(texts, "\n"), nil
}

// callsAt reads a list of tool calls.
func callsAt(w walker, at int) ([]call, *fault) {
	var calls []call
	_, f := w.elements(at, func(at int) (int, *fault) {
		var c call
		end, f := w.members(at, func(key string, at int) (end int, f *fault) {
			end = w.skip(at)
			switch key {
			case "id":
				c.id, f = textAt(w.b[at:end], at, "tool_calls.id")
			case "function":
				var called call
				called, f = functionAt(w, at)
				c.name, c.arguments = called.name, called.arguments
			}
			return end, f
		})
		if f == nil && c.name == "" {
			f = &fault{at: at, field: "tool_calls", found: "a call without a name", expected: `{"id":…,"function":{"name":…,"arguments":…}}`}
		}
		calls = append(calls, c)
		return end, f
	})
	return calls, f
}

// functionAt reads which function is called with what. Arguments are text that holds JSON, or the JSON itself.
func functionAt(w walker, at int) (c call, f *fault) {
	_, f = w.members(at, func(key string, at int) (end int, f *fault) {
		end = w.skip(at)
		switch key {
		case "name":
			c.name, f = textAt(w.b[at:end], at, "function.name")
		case "arguments":
			if w.peek(at) == '{' || w.peek(at) == '[' {
				c.arguments = string(w.b[at:end])
			} else {
				c.arguments, f = textAt(w.b[at:end], at, "function.arguments")
			}
		}
		return end, f
	})
	return c, f
}

// timeOf reads a time as transcripts write it, RFC 3339 or seconds or milliseconds since 1970; 0 for anything else.
func timeOf(raw []byte) record.Time {
	text := scalarText(raw)
	if t, err := record.ParseTime(text); err == nil {
		return t
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || n < 1e8 { // before 1973: a count, not a time
		return 0
	}
	if n >= 1e11 { // seconds reach that in the year 5138
		n /= 1e3
	}
	seconds := int64(n)
	t, err := record.TimeOf(time.Unix(seconds, int64((n-float64(seconds))*1e9)).Truncate(time.Millisecond))
	if err != nil {
		return 0
	}
	return t
}
