package intake

import (
	"encoding/binary"
	"fmt"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// protoSpan decodes one span in protobuf. The result may point into b.
func (p *pdata) protoSpan(b []byte) (ptrace.Span, *fault) {
	bounds := protoBounds{b: b}
	if f := bounds.span(extent{0, len(b)}); f != nil {
		return ptrace.Span{}, f
	}
	// resource_spans { scope_spans { spans } }, from the inside out
	traces, f := p.decodeProto(b, 2, 2, 1)
	if f != nil {
		return ptrace.Span{}, f
	}
	if traces.SpanCount() != 1 {
		return ptrace.Span{}, &fault{found: fmt.Sprintf("%d spans", traces.SpanCount()), expected: "one span"}
	}
	return traces.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0), nil
}

// protoResource decodes the attributes of a resource in protobuf; of no bytes there are none.
func (p *pdata) protoResource(b []byte) (pcommon.Map, *fault) {
	if len(b) == 0 {
		return pcommon.NewMap(), nil
	}
	bounds := protoBounds{b: b}
	if f := bounds.within(extent{0, len(b)}, 1); f != nil {
		return pcommon.NewMap(), f
	}
	traces, f := p.decodeProto(b, 1, 1)
	if f != nil {
		return pcommon.NewMap(), f
	}
	if n := traces.ResourceSpans().Len(); n != 1 {
		return pcommon.NewMap(), &fault{found: fmt.Sprintf("%d resources", n), expected: "one resource"}
	}
	return traces.ResourceSpans().At(0).Resource().Attributes(), nil
}

// decodeProto wraps b into messages, each a field of that number of the next, and decodes the outermost. A panic is
// handled as in decode.
func (p *pdata) decodeProto(b []byte, numbers ...int) (traces ptrace.Traces, f *fault) {
	defer func() {
		if thrown := recover(); thrown != nil {
			f = &fault{found: fmt.Sprintf("something the OTLP decoder panics on: %v", thrown), expected: "OTLP in protobuf", hint: "please report it with the file"}
		}
	}()
	if len(b) > maxSpanBytes {
		return traces, &fault{found: fmt.Sprintf("%d bytes", len(b)), expected: "a span or a resource of at most 16 MiB"}
	}
	var heads []byte
	size := len(b)
	for _, number := range numbers {
		head := binary.AppendUvarint([]byte{byte(number<<3 | wireBytes)}, uint64(size))
		heads = append(head, heads...)
		size += len(head)
	}
	p.buf = append(append(p.buf[:0], heads...), b...)
	traces, err := p.proto.UnmarshalTraces(p.buf)
	if err != nil {
		return traces, &fault{found: "what OTLP does not allow (" + err.Error() + ")", expected: "a span as OpenTelemetry defines it"}
	}
	return traces, nil
}
