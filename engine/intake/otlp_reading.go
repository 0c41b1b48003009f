package intake

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"episteme/engine/record"
)

// reading is one span on its way to becoming records.
type reading struct {
	span    ptrace.Span
	attrs   pcommon.Map
	task    task
	audit   *record.Audit
	records []record.Record
	claims  []claim
	held    map[record.Hash]bool // evidence among the records: a retrieval may return one text twice
	dropped Dropped
}

// claim is an assertion that contributed, with what it takes to find the weightiest.
type claim struct {
	assertion *record.Assertion
	hash      record.Hash
	weight    float32
	score     float64 // as stated, before it was clamped to a weight
}

// readSpan makes the records of a retrieval or a tool call. No records and no fault: the span told us nothing, and
// dropped says why.
func readSpan(span ptrace.Span, t task, o origin) ([]record.Record, Dropped, *fault) {
	r := &reading{span: span, attrs: span.Attributes(), task: t, held: map[record.Hash]bool{}, dropped: Dropped{}}
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
	if message == "" {
		message = "failed"
	}
	label := record.Label{Name: "error", Value: shorten(message, record.MaxNameBytes)} // to be read in a line
	r.audit.Labels = append(slices.Clone(r.audit.Labels), label)
	slices.SortFunc(r.audit.Labels, func(a, b record.Label) int { return cmp.Compare(a.Name, b.Name) })
	return true
}

// evidence records content and a source that describes it, and returns the digest. What is too long to be held is
// still named by its digest; empty content was never seen. Of what only describes, a name that is too long is
// shortened, and a URI or a media type that is too long is left out: half of one is wrong, and none is worth a reject.
func (r *reading) evidence(content string, source record.Source) record.Hash {
	source.Agent, source.Timestamp, source.Authority = r.claimant(), r.audit.Timestamp, record.DefaultAuthority
	source.Name = shorten(source.Name, record.MaxStringBytes)
	if len(source.URI) > record.MaxStringBytes {
		source.URI = ""
	}
	if len(source.MediaType) > record.MaxStringBytes {
		source.MediaType = ""
	}
	if content == "" {
		source.Digest = record.UnknownDigest(source.Name)
	} else {
		source.Digest = record.Sum([]byte(content))
		if len(content) <= record.MaxEvidenceBytes && !r.held[source.Digest] {
			r.records = append(r.records, record.Evidence(content))
			r.held[source.Digest] = true
		}
	}
	r.records = append(r.records, &source)
	return source.Digest
}

// claimant is who claims what was found: the retriever or the tool, for the asker only heard it.
func (r *reading) claimant() string {
	if r.task.kind == retrievalTask {
		return "retriever/" + r.task.name
	}
	return "tool/" + r.task.name
}

// claim records an assertion with the object, confidence, source and note of a, and that it contributed.
func (r *reading) claim(a record.Assertion, weight float32, score float64) *fault {
	a.Subject, a.Predicate, a.Agent, a.Timestamp = r.audit.Subject, r.audit.Predicate, r.claimant(), r.audit.Timestamp
	a.Lifecycle = record.Unstated
	if cut, was := cutText(a.Object.Text, record.MaxObjectBytes); was {
		a.Note = fmt.Sprintf("%s; the first %d of %d bytes", a.Note, len(cut), len(a.Object.Text))
		a.Object.Text = cut
	}
	a.Note = shorten(a.Note, record.MaxStringBytes)
	id, err := record.IDOf(&a)
	if err != nil {
		return brokenRule(err)
	}
	r.records = append(r.records, &a)
	r.claims = append(r.claims, claim{&a, id.Hash, weight, score})
	return nil
}

// end gives the audit its answer, the weightiest claim, and checks all records: none of them, or all, can be kept.
func (r *reading) end() *fault {
	total := 0.0
	for _, c := range r.claims {
		total += float64(c.weight)
		r.audit.Contributions = append(r.audit.Contributions, record.Contribution{
			Assertion: c.hash, Source: c.assertion.Source, Weight: c.weight, Lifecycle: record.Unstated,
		})
	}
	slices.SortFunc(r.audit.Contributions, func(a, b record.Contribution) int {
		return cmp.Or(cmp.Compare(b.Weight, a.Weight), bytes.Compare(a.Assertion[:], b.Assertion[:]))
	})
	if len(r.claims) > 0 {
		// Scores above 1 have one weight, so the score decides between them; then the order they came in.
		top := slices.MaxFunc(r.claims, func(a, b claim) int {
			return cmp.Or(cmp.Compare(a.weight, b.weight), cmp.Compare(a.score, b.score))
		})
		r.audit.Value, r.audit.Confidence = top.assertion.Object, top.assertion.Confidence
		if total > 0 {
			r.audit.Share = float32(float64(top.weight) / total)
		}
	}
	r.audit.Considered = max(r.audit.Considered, uint64(len(r.claims)))
	r.audit.ResultHash = r.audit.Value.Hash()
	r.records = append(r.records, r.audit)
	for _, rec := range r.records {
		if err := record.Check(rec); err != nil {
			return brokenRule(err)
		}
	}
	return nil
}

// brokenRule makes a fault of what record.Check said.
func brokenRule(err error) *fault {
	var field *record.FieldError
	if errors.As(err, &field) {
		return &fault{field: field.Kind.String() + " " + field.Field, found: field.Found, expected: field.Expected}
	}
	return &fault{found: err.Error(), expected: "a record that can be kept"}
}

// clamp brings a score into 0..1.
func clamp(score float64) float32 {
	return float32(max(0, min(1, score))) // max(0, -0) is 0
}

// cutText is s, or its longest start of at most maxBytes bytes that ends between two characters.
func cutText(s string, maxBytes int) (cut string, was bool) {
	if len(s) <= maxBytes {
		return s, false
	}
	n := maxBytes
	for n > maxBytes-utf8.UTFMax && n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n], true
}

// shorten is s, cut with a mark where it is longer than maxBytes.
func shorten(s string, maxBytes int) string {
	const mark = "…"
	if len(s) <= maxBytes {
		return s
	}
	cut, _ := cutText(s, maxBytes-len(mark))
	return cut + mark
}
