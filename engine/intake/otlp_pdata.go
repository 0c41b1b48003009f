package intake

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// pdata decodes one span or one resource at a time, with the decoder that OpenTelemetry keeps. It is the only place
// that knows how OTLP/JSON is written. It keeps a buffer, so it is for one goroutine.
type pdata struct {
	json  ptrace.JSONUnmarshaler
	proto ptrace.ProtoUnmarshaler
	buf   []byte
}

// span decodes one span. The result does not point into b.
func (p *pdata) span(b []byte) (ptrace.Span, *fault) {
	traces, f := p.decode(`{"resourceSpans":[{"scopeSpans":[{"spans":[`, b, `]}]}]}`)
	if f != nil && strings.Contains(f.found, wrongID) {
		if fixed := hexIDs(b); fixed != nil {
			traces, f = p.decode(`{"resourceSpans":[{"scopeSpans":[{"spans":[`, fixed, `]}]}]}`)
		}
	}
	if f != nil {
		return ptrace.Span{}, f
	}
	if traces.SpanCount() != 1 {
		return ptrace.Span{}, &fault{found: fmt.Sprintf("%d spans", traces.SpanCount()), expected: "one span"}
	}
	return traces.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0), nil
}

// resource decodes the attributes of a resource; of no bytes there are none.
func (p *pdata) resource(b []byte) (pcommon.Map, *fault) {
	if len(b) == 0 {
		return pcommon.NewMap(), nil
	}
	traces, f := p.decode(`{"resourceSpans":[{"resource":`, b, `}]}`)
	if f != nil {
		return pcommon.NewMap(), f
	}
	if n := traces.ResourceSpans().Len(); n != 1 {
		return pcommon.NewMap(), &fault{found: fmt.Sprintf("%d resources", n), expected: "one resource"}
	}
	return traces.ResourceSpans().At(0).Resource().Attributes(), nil
}

// decode wraps b into a request. The brackets of b are known to be in order, so it cannot break out of the wrapping.
// A panic in there is a defect of a library on bytes from outside: it must not take down a process that has more to
// read, and the file still gets its reject.
func (p *pdata) decode(before string, b []byte, behind string) (traces ptrace.Traces, f *fault) {
	defer func() {
		if thrown := recover(); thrown != nil {
			f = &fault{found: fmt.Sprintf("something the OTLP decoder panics on: %v", thrown), expected: "OTLP/JSON", hint: "please report it with the line"}
		}
	}()
	if len(b) > maxSpanBytes {
		return traces, &fault{found: fmt.Sprintf("%d bytes", len(b)), expected: "a span or a resource of at most 16 MiB"}
	}
	if at := firstInvalid(b); at < len(b) {
		return traces, &fault{at: at, found: fmt.Sprintf("the byte %#x", b[at]), expected: "UTF-8 text"}
	}
	if n := (walker{b}).objects(); n > maxSpanObjects {
		return traces, &fault{found: fmt.Sprintf("%d objects", n), expected: fmt.Sprintf("a span or a resource of at most %d", maxSpanObjects)}
	}
	p.buf = append(append(append(p.buf[:0], before...), b...), behind...)
	traces, err := p.json.UnmarshalTraces(p.buf)
	if err != nil {
		return traces, explain(b, err)
	}
	return traces, nil
}

// firstInvalid is the first byte of b that is not UTF-8, len(b) when there is none.
func firstInvalid(b []byte) int {
	if utf8.Valid(b) {
		return len(b)
	}
	at := 0
	for at < len(b) {
		r, size := utf8.DecodeRune(b[at:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		at += size
	}
	return at
}

// wrongID is how pdata says that an id is not 32 or 16 hex digits.
const wrongID = "ID.UnmarshalJSONIter"

// explain makes a fault of what pdata said about b. Where b is not JSON at all, encoding/json knows the place.
func explain(b []byte, err error) *fault {
	var syntax *json.SyntaxError
	if errors.As(json.Unmarshal(b, new(json.RawMessage)), &syntax) {
		at := max(int(syntax.Offset)-1, 0) // Offset counts the byte it stumbled over
		return &fault{at: at, found: snippet(b[min(at, len(b)-1):]), expected: "JSON", hint: syntax.Error()}
	}
	said, _, _ := strings.Cut(err.Error(), ", error found in")
	f := &fault{found: "what OTLP/JSON does not allow (" + said + ")", expected: "a span as OpenTelemetry defines it"}
	if strings.Contains(said, wrongID) {
		f.hint = "a trace id has 32 hex digits, a span id 16"
	}
	return f
}

// outsideID is an id field with a value that may be base64. A quote inside a string is escaped, so this matches
// fields and never what a string holds.
var outsideID = regexp.MustCompile(`"(traceId|trace_id|spanId|span_id|parentSpanId|parent_span_id)"\s*:\s*"([A-Za-z0-9+/_-]{11,24}={0,2})"`)

// hexIDs is b with ids in base64 turned into hex, nil when there are none. Base64 is what protobuf's own JSON mapping
// writes for bytes; exporters that are built on it send it although OTLP/JSON asks for hex.
func hexIDs(b []byte) []byte {
	found := false
	fixed := outsideID.ReplaceAllFunc(b, func(field []byte) []byte {
		m := outsideID.FindSubmatch(field)
		id, ok := unbase64(string(m[2]))
		if want := 8; !ok || len(id) != want && len(id) != 2*want {
			return field
		}
		found = true
		return fmt.Appendf(nil, `"%s":"%s"`, m[1], hex.EncodeToString(id))
	})
	if !found {
		return nil
	}
	return fixed
}

func unbase64(s string) ([]byte, bool) {
	s = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(s, "="))
	id, err := base64.RawStdEncoding.DecodeString(s)
	return id, err == nil
}
