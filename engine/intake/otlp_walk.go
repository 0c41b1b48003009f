package intake

import (
	"bytes"
	"fmt"
)

// More limits, for what a request may hold.
const (
	maxRequestSpans = 1 << 18  // also of resources; the smallest span with ids, times and a name is about 250 bytes: 64 MiB of those
	maxSpanBytes    = 16 << 20 // of a span or a resource, which pdata copies twice; guess: 16 documents as long as evidence may be
	maxSpanObjects  = 1 << 17  // "{" in a span or a resource: 4,096 documents of 4 attributes, each two, four times over
)

// extent is a part of a request: bytes[start:end].
type extent struct{ start, end int }

// spanAt is where a span stands, and the number of the resource it belongs to.
type spanAt struct {
	extent
	resource int
}

// outline is where the spans and resources of a request stand. We find them ourselves and hand them to pdata one
// at a time: so a bad span costs only itself, has a line and a column, and memory is bounded by a span, not by
// what a request could unfold to. It costs one more pass over the bytes, a tenth of the whole time; pdata takes a
// third (BenchmarkOTLP).
type outline struct {
	spans     []spanAt
	resources []extent // empty where a resourceSpans has none
	export    bool     // it has resourceSpans, be it an empty list
	other     string   // resourceLogs or resourceMetrics, when it has those
}

// outlineOf walks a request whose strings and brackets are in order. With a fault the outline holds what stands
// before it.
func outlineOf(b []byte) (outline, *fault) {
	var o outline
	w := walker{b}
	_, f := w.members(0, func(key string, at int) (int, *fault) {
		switch key {
		case "resourceSpans", "resource_spans":
			o.export = true
			return w.elements(at, func(at int) (int, *fault) { return o.resourceSpans(w, at) })
		case "resourceLogs", "resource_logs", "resourceMetrics", "resource_metrics", "resourceProfiles", "resource_profiles":
			o.other = key
		}
		return w.skip(at), nil
	})
	return o, f
}

// resourceSpans notes one element of the list of that name. The resource may stand behind the spans.
func (o *outline) resourceSpans(w walker, at int) (int, *fault) {
	number := len(o.resources)
	if number == maxRequestSpans {
		return at, tooMany("resourceSpans", at)
	}
	o.resources = append(o.resources, extent{})
	return w.members(at, func(key string, at int) (int, *fault) {
		switch key {
		case "resource":
			o.resources[number] = extent{at, w.skip(at)}
			return o.resources[number].end, nil
		case "scopeSpans", "scope_spans":
			return w.elements(at, func(at int) (int, *fault) { return o.scopeSpans(w, at, number) })
		}
		return w.skip(at), nil
	})
}

func (o *outline) scopeSpans(w walker, at, resource int) (int, *fault) {
	return w.members(at, func(key string, at int) (int, *fault) {
		if key != "spans" {
			return w.skip(at), nil
		}
		return w.elements(at, func(at int) (int, *fault) {
			if len(o.spans) == maxRequestSpans {
				return at, tooMany("spans", at)
			}
			end := w.skip(at)
			if end > at { // else there is only a comma, and elements says so
				o.spans = append(o.spans, spanAt{extent{at, end}, resource})
			}
			return end, nil
		})
	})
}

func tooMany(field string, at int) *fault {
	return &fault{at: at, field: field, found: fmt.Sprintf("more than %d", maxRequestSpans), expected: "a request of at most that many", hint: "export in smaller batches"}
}

// walker steps through JSON whose strings and brackets are in order. Everything else may still be wrong.
type walker struct{ b []byte }

// members calls visit for every member of the object at i, with its key as it is written and where its value
// begins; visit returns where the value ends. A null is an object without members, as in all of OTLP/JSON.
func (w walker) members(i int, visit func(key string, at int) (end int, f *fault)) (end int, f *fault) {
	if w.null(i) {
		return i + len("null"), nil
	}
	if w.peek(i) != '{' {
		return i, w.wrong(i, "an object")
	}
	for i = w.space(i + 1); w.peek(i) != '}'; {
		if w.peek(i) != '"' {
			return i, w.wrong(i, `a field's name or "}"`)
		}
		keyEnd := w.skip(i)
		key := string(w.b[i+1 : keyEnd-1])
		if i = w.space(keyEnd); w.peek(i) != ':' {
			return i, w.wrong(i, `":"`)
		}
		at := w.space(i + 1)
		if i, f = visit(key, at); f == nil {
			i, f = w.separator(at, i, '}')
		}
		if f != nil {
			return i, f
		}
	}
	return i + 1, nil
}

// elements calls visit with where each element of the list at i begins; visit returns where it ends. A null is an
// empty list.
func (w walker) elements(i int, visit func(at int) (end int, f *fault)) (end int, f *fault) {
	if w.null(i) {
		return i + len("null"), nil
	}
	if w.peek(i) != '[' {
		return i, w.wrong(i, "a list")
	}
	for i = w.space(i + 1); w.peek(i) != ']'; {
		at := i
		if i, f = visit(at); f == nil {
			i, f = w.separator(at, i, ']')
		}
		if f != nil {
			return i, f
		}
	}
	return i + 1, nil
}

// separator moves from the end of the value that began at at, over a comma to what follows, or to the closing bracket.
func (w walker) separator(at, end int, closing byte) (int, *fault) {
	if end == at {
		return at, w.wrong(at, "a value")
	}
	i := w.space(end)
	if w.peek(i) == closing {
		return i, nil
	}
	if w.peek(i) != ',' {
		return i, w.wrong(i, fmt.Sprintf(`"," or "%c"`, closing))
	}
	i = w.space(i + 1)
	if w.peek(i) == closing {
		return i, w.wrong(i, "what the comma promises")
	}
	return i, nil
}

// objects counts the objects in b: every "{" that is not in a string.
func (w walker) objects() int {
	if n := bytes.Count(w.b, []byte{'{'}); n <= maxSpanObjects {
		return n // strings included: the quick answer is good enough
	}
	n := 0
	for i := 0; i < len(w.b); i++ {
		switch w.b[i] {
		case '"':
			i = w.skipString(i) - 1
		case '{':
			n++
		}
	}
	return n
}

// skip is the end of the value at i; i itself where no value is.
func (w walker) skip(i int) int {
	depth := 0
	for i < len(w.b) {
		switch w.b[i] {
		case '"':
			i = w.skipString(i)
		case '{', '[':
			depth++
			i++
		case '}', ']':
			if depth == 0 {
				return i
			}
			depth--
			i++
		case ',', ':', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return i
			}
			i++
			continue
		default:
			i = w.skipScalar(i)
		}
		if depth == 0 {
			return i
		}
	}
	return i
}

// skipString is the end of the string at i.
func (w walker) skipString(i int) int {
	end, _ := skipText(w.b, i+1)
	return min(end, len(w.b))
}

func (w walker) skipScalar(i int) int {
	for i < len(w.b) && !isSpace(w.b[i]) && bytes.IndexByte([]byte(`,:{}[]"`), w.b[i]) < 0 {
		i++
	}
	return i
}

func (w walker) space(i int) int {
	for i < len(w.b) && isSpace(w.b[i]) {
		i++
	}
	return i
}

// peek is the byte at i, 0 at the end.
func (w walker) peek(i int) byte {
	if i < len(w.b) {
		return w.b[i]
	}
	return 0
}

func (w walker) null(i int) bool {
	return bytes.HasPrefix(w.b[min(i, len(w.b)):], []byte("null")) && w.skip(i) == i+len("null")
}

func (w walker) wrong(i int, expected string) *fault {
	if i >= len(w.b) {
		return &fault{at: len(w.b), found: "the end", expected: expected}
	}
	return &fault{at: i, found: snippet(w.b[i:]), expected: expected}
}
