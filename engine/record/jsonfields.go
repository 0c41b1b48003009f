package record

import (
	"bytes"
	"strconv"
	"strings"
)

// shape is the list of fields a JSON object of ours may have. A field's place in it is its number.
type shape struct {
	what  string // for messages: "an assertion"
	names []string
	hint  string // how to mend a field that is not one of them
}

// maxNames is the most names a shape has.
const maxNames = 28

// object is one JSON object of the line, its values not yet read.
type jsonObject struct {
	shape  *shape
	parent *jsonObject // the object it stands in
	name   string      // of the field in parent that holds it
	index  int         // its place there when that field is a list, else -1
	start  int         // of its "{"
	close  int         // of its "}"
	slots  [maxNames]slot
}

// slot is where a field stands in the line. All zero: it is absent, because nothing but the line's "{" is at 0.
type slot struct{ key, at, end int }

// fieldNames are the names its shape has; an object that was not opened has none.
func (o *jsonObject) fieldNames() []string {
	if o.shape == nil {
		return nil
	}
	return o.shape.names
}

// path is the name of a field with its way down from the line: contributing_assertions[2].weight.
func (o *jsonObject) path(name string) string {
	if o.parent == nil {
		return name
	}
	way := o.name
	if o.index >= 0 {
		way += "[" + strconv.Itoa(o.index) + "]"
	}
	if name != "" {
		way += "." + name
	}
	return o.parent.path(way)
}

// scanFields checks the object at start and notes where its fields stand. A field that is not in the shape, or is
// there twice, is a fault.
func (d *lineDecoder) scanFields(o *jsonObject) (end int, f *fault) {
	s := scanner{d.line}
	i := s.space(o.start + 1)
	if s.peek(i) == '}' {
		o.close = i
		return i + 1, nil
	}
	for expected := 0; ; expected++ {
		name, at, f := s.key(i)
		if f != nil {
			return at, f
		}
		n := o.shape.find(name, expected)
		if n < 0 {
			return at, d.unknownField(o, i, name)
		}
		if o.slots[n].end != 0 {
			return at, &fault{at: i, field: o.path(o.shape.names[n]), found: "the field a second time", expected: "each field once"}
		}
		end, f := s.value(at, 1)
		if f != nil {
			if f.field == "" {
				f.field = o.path(o.shape.names[n])
			}
			return end, f
		}
		o.slots[n] = slot{i, at, end}
		next, done, f := s.comma(end, '}')
		if f != nil {
			return next, f
		}
		if done {
			o.close = next - 1
			return next, nil
		}
		i, expected = next, n
	}
}

// find is the number of the field called name, -1 when there is none. Files mostly keep the order of the shape, so
// it looks at the expected number first.
func (s *shape) find(name []byte, expected int) int {
	if bytes.IndexByte(name, '\\') >= 0 {
		name = appendUnescaped(nil, name)
	}
	for n := expected; n < len(s.names); n++ {
		if string(name) == s.names[n] {
			return n
		}
	}
	for n := range min(expected, len(s.names)) {
		if string(name) == s.names[n] {
			return n
		}
	}
	return -1
}

func (d *lineDecoder) unknownField(o *jsonObject, at int, key []byte) *fault {
	name := string(appendUnescaped(nil, key))
	f := &fault{at: at, field: o.path(""), found: "a field " + strconv.Quote(clip(name)), expected: "the fields of " + o.shape.what, hint: o.shape.hint}
	if near := Nearest(name, o.shape.names); near != "" {
		f.expected = strconv.Quote(near)
		f.hint = ""
	} else if f.hint == "" {
		f.hint = "it has " + strings.Join(o.shape.names, ", ")
	}
	return f
}

// The numbers of the fields, each list in the order of the model behind "kind" and "id".

const (
	fieldKind = iota
	fieldID
	fieldFirst // the first field of the record itself
)

const (
	evidenceContent = fieldFirst + iota
	evidenceBase64
)

var evidenceShape = &shape{what: "an evidence line", names: []string{"kind", "id", "content", "content_base64"}}

const (
	jsonSourceName = fieldFirst + iota
	jsonSourceDigest
	jsonSourceURI
	jsonSourceMediaType
	jsonSourceAuthority
	jsonSourceAgent
	jsonSourceTimestamp
	jsonSourceContent
	jsonSourceBase64
)

var sourceShape = &shape{what: "a source", names: []string{
	"kind", "id", "name", "digest", "uri", "media_type", "authority", "agent", "timestamp", "content", "content_base64",
}}

const (
	jsonAssertionSubject = fieldFirst + iota
	jsonAssertionPredicate
	jsonAssertionObject
	jsonAssertionConfidence
	jsonAssertionLifecycle
	jsonAssertionAgent
	jsonAssertionTimestamp
	jsonAssertionSource
	jsonAssertionParents
	jsonAssertionEpoch
	jsonAssertionNote
)

var assertionShape = &shape{what: "an assertion", names: []string{
	"kind", "id", "subject", "predicate", "object", "confidence", "lifecycle", "agent", "timestamp", "source", "parents",
	"epoch", "note",
}}

const (
	jsonVoteAssertion = fieldFirst + iota
	jsonVoteAgent
	jsonVoteWeight
	jsonVoteTimestamp
)

var voteShape = &shape{what: "a vote", names: []string{"kind", "id", "assertion", "agent", "weight", "timestamp"}}

const (
	jsonEpochName = fieldFirst + iota
	jsonEpochAgent
	jsonEpochTimestamp
	jsonEpochSupersedes
	jsonEpochSupersession
)

var epochShape = &shape{what: "an epoch", names: []string{
	"kind", "id", "name", "agent", "timestamp", "supersedes", "supersession",
}}

const (
	jsonTransitionAssertion = fieldFirst + iota
	jsonTransitionTo
	jsonTransitionAgent
	jsonTransitionReason
	jsonTransitionTimestamp
)

var transitionShape = &shape{what: "a transition", names: []string{
	"kind", "id", "assertion", "to", "agent", "reason", "timestamp",
}}

const (
	jsonEventType = fieldFirst + iota
	jsonEventTimestamp
	jsonEventAgent
	jsonEventTitle
	jsonEventSubject
	jsonEventBasedOn
	jsonEventLabels
	jsonEventTraceID
	jsonEventSpanID
	jsonEventConversationID
)

var eventShape = &shape{what: "an event", names: []string{
	"kind", "id", "type", "timestamp", "agent", "title", "subject", "based_on", "labels", "trace_id", "span_id",
	"conversation_id",
}}

const (
	jsonAuditAgentID = fieldFirst + iota
	jsonAuditTimestamp
	jsonAuditSubject
	jsonAuditPredicate
	jsonAuditQuestion
	jsonAuditLens
	jsonAuditLensParams
	jsonAuditLifecycleFilter
	jsonAuditAsOf
	jsonAuditPin
	jsonAuditJournal
	jsonAuditResult
	jsonAuditResultHash
	jsonAuditConsidered
	jsonAuditContributions
	jsonAuditLabels
	jsonAuditTraceID
	jsonAuditSpanID
	jsonAuditConversationID
	jsonAuditToolCallID
)

var auditShape = &shape{what: "an audit", names: []string{
	"kind", "id", "agent_id", "timestamp", "subject", "predicate", "question", "lens", "lens_params", "lifecycle_filter",
	"as_of", "pin", "journal", "result", "result_hash", "considered", "contributing_assertions", "labels", "trace_id",
	"span_id", "conversation_id", "tool_call_id",
	"query_id", "state", "findings", // derived: read over
}}

const (
	jsonQueryAgent = fieldFirst + iota
	jsonQueryTimestamp
	jsonQuerySubject
	jsonQueryPredicate
	jsonQueryQuestion
	jsonQueryLens
	jsonQueryLensParams
	jsonQueryLifecycleFilter
	jsonQueryAsOf
	jsonQueryLabels
	jsonQueryTraceID
	jsonQuerySpanID
	jsonQueryConversationID
	jsonQueryToolCallID
)

var queryShape = &shape{what: "a query", names: []string{
	"kind", "id", "agent", "timestamp", "subject", "predicate", "question", "lens", "lens_params", "lifecycle_filter",
	"as_of", "labels", "trace_id", "span_id", "conversation_id", "tool_call_id",
}}

const (
	jsonErasureTarget = fieldFirst + iota
	jsonErasureLSN
	jsonErasureAgent
	jsonErasureReason
	jsonErasureReference
	jsonErasureTimestamp
)

var erasureShape = &shape{what: "an erasure", names: []string{
	"kind", "id", "target", "lsn", "agent", "reason", "reference", "timestamp",
}}

const (
	resultValue = iota
	resultConfidence
	resultShare
)

// shapes gives each kind of record its line.
var shapes = [...]*shape{
	KindEvidence: evidenceShape, KindSource: sourceShape, KindAssertion: assertionShape, KindVote: voteShape,
	KindEpoch: epochShape, KindTransition: transitionShape, KindEvent: eventShape, KindAudit: auditShape,
	KindErasure: erasureShape,
}

var resultShape = &shape{what: "a result", names: []string{"value", "confidence", "share"}}

const (
	contributionHash = iota
	contributionLifecycle
	contributionWeight
	contributionSourceHash
)

var contributionShape = &shape{what: "a contribution", names: []string{
	"hash", "lifecycle", "weight", "source_hash",
	"source", // derived: read over
}}

var refShape = &shape{what: "a reference", names: []string{"ref"}}

var lensParamsShape = &shape{what: "lens_params", names: []string{"half_life"}}
