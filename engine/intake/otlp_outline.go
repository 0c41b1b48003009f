package intake

import "fmt"

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
		case "spans": // where an exporter leaves scopes out
			return o.spanList(w, at, number)
		case "scopeSpans", "scope_spans", "instrumentationLibrarySpans": // the last is what OTLP called them until 2022
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
		return o.spanList(w, at, resource)
	})
}

func (o *outline) spanList(w walker, at, resource int) (int, *fault) {
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
}

func tooMany(field string, at int) *fault {
	return &fault{at: at, field: field, found: fmt.Sprintf("more than %d", maxRequestSpans), expected: "a request of at most that many", hint: "export in smaller batches"}
}
