package intake

import (
	"cmp"
	"fmt"
	"math"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"episteme/engine/record"
)

// reading is one span on its way to becoming records.
type reading struct {
	telling
	span    ptrace.Span
	attrs   pcommon.Map
	task    task
	dropped Dropped
}

// readSpan makes the records of a retrieval or a tool call. No records and no fault: the span told us nothing, and
// dropped says why.
func readSpan(d *door, span ptrace.Span, t task, o origin) ([]record.Record, Dropped, *fault) {
	claimant := "tool/"
	if t.kind == retrievalTask {
		claimant = "retriever/"
	}
	r := &reading{telling: telling{door: d, claimant: claimant + t.name}, span: span, attrs: span.Attributes(), task: t, dropped: Dropped{}}
	told := false
	f := r.begin(o)
	if f == nil {
		told, f = r.answer(o)
	}
	if f == nil && told {
		f = r.end()
	}
	switch {
	case f != nil:
		f.agent = r.audit.Agent
		f.hint = fmt.Sprintf("in span %s of trace %s", span.SpanID(), span.TraceID())
		return nil, nil, f
	case !told:
		return nil, r.dropped, nil
	}
	return r.records, r.dropped, nil
}

// answer reads what was asked and what was told. Not told: it was not recorded.
func (r *reading) answer(o origin) (told bool, f *fault) {
	if r.task.kind == retrievalTask {
		return r.retrieval(o)
	}
	return r.toolCall(o)
}

// begin is all of the audit but what was asked and what was told.
func (r *reading) begin(o origin) *fault {
	r.audit = &record.Audit{Agent: agentOf(r.attrs, o), Lens: record.LensExternal, Labels: o.labels}
	start := uint64(r.span.StartTimestamp())
	if start == 0 || start > math.MaxInt64 {
		return &fault{field: "startTimeUnixNano", found: fmt.Sprint(start), expected: "nanoseconds since 1970, up to " + record.MaxTime.String()}
	}
	r.audit.Timestamp, r.audit.AsOf = record.Time(start), record.Time(start)
	if id := r.span.TraceID(); !id.IsEmpty() {
		r.audit.TraceID = id.String()
	}
	if id := r.span.SpanID(); !id.IsEmpty() {
		r.audit.SpanID = id.String()
	}
	r.audit.ConversationID = attribute(r.attrs, conversationKeys...)
	r.audit.ToolCallID = attribute(r.attrs, toolCallKeys...)
	return nil
}

// untold ends a span that carries no answer. One that failed was a question all the same, and the agent was told
// nothing; of one that did not fail the answer was not recorded, and guessing "nothing" would be a lie.
func (r *reading) untold(what string) (told bool) {
	if r.span.Status().Code() != ptrace.StatusCodeError {
		r.dropped[what+" not recorded: "+r.task.capture]++
		return false
	}
	message := r.span.Status().Message()
	for i := 0; message == "" && i < r.span.Events().Len(); i++ {
		message = attribute(r.span.Events().At(i).Attributes(), "exception.message", "exception.type")
	}
	r.failed(r.door.scrub(message))
	return true
}

// mapped lets attributes that a mapping names count before those we look at by ourselves.
func (r *reading) mapped(arguments string) {
	m := r.door.mapping
	r.audit.Agent = cmp.Or(r.mappedTo(arguments, m.Agent), r.audit.Agent)
	r.audit.Subject = cmp.Or(r.mappedTo(arguments, m.Subject), r.audit.Subject)
	r.audit.Predicate = cmp.Or(r.mappedTo(arguments, m.Predicate), r.audit.Predicate)
}

// mappedTo is the first of keys that the call's arguments or the span have.
func (r *reading) mappedTo(arguments string, keys []string) string {
	if len(keys) == 0 {
		return ""
	}
	return r.door.scrub(cmp.Or(argumentNamed(arguments, keys), attribute(r.attrs, keys...)))
}
