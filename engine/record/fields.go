package record

// fieldType says how a field's bytes look.
type fieldType uint8

const (
	fixedU8       fieldType = iota // one byte, then 7 zero bytes
	fixedF32                       // binary32, then 4 zero bytes
	fixed64                        // u64 or i64
	fixed128                       // a log id
	fixed256                       // a hash
	text                           // UTF-8, never empty when present
	object                         // see Object
	ids                            // n × (kind, hash): 33 bytes each
	labels                         // n × (u32 length, name, u32 length, value), names rising
	contributions                  // n × 72 bytes: assertion, source, weight binary32, stage, 3 zero bytes
)

// size is the bytes of a fixed field's slot, 0 for a variable field.
func (t fieldType) size() int {
	switch t {
	case fixedU8, fixedF32, fixed64:
		return 8
	case fixed128:
		return 16
	case fixed256:
		return 32
	}
	return 0
}

// field is a row of a kind's table. Its index is its bit in the presence bitmap, for ever.
type field struct {
	name     string // as JSON writes it
	typ      fieldType
	optional bool
	zero     bool // an optional fixed field that may be present and zero
}

// maxFields is the most rows a table has; an array of offsets is that long.
const maxFields = 22

// tables gives each kind its fields, in the order of the model. New fields go at the end and are optional.
var tables = [...][]field{
	KindSource: {
		{"name", text, false, false},
		{"digest", fixed256, false, false},
		{"uri", text, true, false},
		{"media_type", text, true, false},
		{"authority", fixedF32, false, false},
		{"agent", text, false, false},
		{"timestamp", fixed64, false, false},
	},
	KindAssertion: {
		{"subject", text, false, false},
		{"predicate", text, false, false},
		{"object", object, false, false},
		{"confidence", fixedF32, false, false},
		{"lifecycle", fixedU8, false, false},
		{"agent", text, false, false},
		{"timestamp", fixed64, false, false},
		{"source", fixed256, false, false},
		{"parents", ids, true, false},
		{"epoch", fixed256, true, false},
		{"note", text, true, false},
	},
	KindVote: {
		{"assertion", fixed256, false, false},
		{"agent", text, false, false},
		{"weight", fixedF32, false, false},
		{"timestamp", fixed64, false, false},
	},
	KindEpoch: {
		{"name", text, false, false},
		{"agent", text, false, false},
		{"timestamp", fixed64, false, false},
		{"supersedes", fixed256, true, false},
		{"supersession", fixedU8, true, false},
	},
	KindTransition: {
		{"assertion", fixed256, false, false},
		{"to", fixedU8, false, false},
		{"agent", text, false, false},
		{"reason", text, true, false},
		{"timestamp", fixed64, false, false},
	},
	KindEvent: {
		{"type", fixedU8, false, false},
		{"timestamp", fixed64, false, false},
		{"agent", text, false, false},
		{"title", text, false, false},
		{"subject", text, true, false},
		{"based_on", ids, true, false},
		{"labels", labels, true, false},
		{"trace_id", text, true, false},
		{"span_id", text, true, false},
		{"conversation_id", text, true, false},
	},
	KindAudit: {
		{"agent_id", text, false, false},
		{"timestamp", fixed64, false, false},
		{"subject", text, false, false},
		{"predicate", text, false, false},
		{"question", text, true, false},
		{"lens", text, false, false},
		{"half_life", fixed64, true, false},
		{"lifecycle_filter", fixedU8, true, false},
		{"as_of", fixed64, false, false},
		{"pin", fixed64, true, true},
		{"journal", fixed128, true, false},
		{"value", object, true, false},
		{"confidence", fixedF32, false, false},
		{"share", fixedF32, false, false},
		{"result_hash", fixed256, false, false},
		{"considered", fixed64, false, false},
		{"contributing_assertions", contributions, true, false},
		{"labels", labels, true, false},
		{"trace_id", text, true, false},
		{"span_id", text, true, false},
		{"conversation_id", text, true, false},
		{"tool_call_id", text, true, false},
	},
	KindErasure: {
		{"target", fixed256, false, false},
		{"lsn", fixed64, false, false},
		{"agent", text, false, false},
		{"reason", text, false, false},
		{"reference", text, true, false},
		{"timestamp", fixed64, false, false},
	},
}

// The fields' numbers: their row in the table and their bit in the bitmap.
const (
	sourceName = iota
	sourceDigest
	sourceURI
	sourceMediaType
	sourceAuthority
	sourceAgent
	sourceTimestamp
)

const (
	assertionSubject = iota
	assertionPredicate
	assertionObject
	assertionConfidence
	assertionLifecycle
	assertionAgent
	assertionTimestamp
	assertionSource
	assertionParents
	assertionEpoch
	assertionNote
)

const (
	voteAssertion = iota
	voteAgent
	voteWeight
	voteTimestamp
)

const (
	epochName = iota
	epochAgent
	epochTimestamp
	epochSupersedes
	epochSupersession
)

const (
	transitionAssertion = iota
	transitionTo
	transitionAgent
	transitionReason
	transitionTimestamp
)

const (
	eventType = iota
	eventTimestamp
	eventAgent
	eventTitle
	eventSubject
	eventBasedOn
	eventLabels
	eventTraceID
	eventSpanID
	eventConversationID
)

const (
	auditAgentID = iota
	auditTimestamp
	auditSubject
	auditPredicate
	auditQuestion
	auditLens
	auditHalfLife
	auditLifecycleFilter
	auditAsOf
	auditPin
	auditJournal
	auditValue
	auditConfidence
	auditShare
	auditResultHash
	auditConsidered
	auditContributingAssertions
	auditLabels
	auditTraceID
	auditSpanID
	auditConversationID
	auditToolCallID
)

const (
	erasureTarget = iota
	erasureLSN
	erasureAgent
	erasureReason
	erasureReference
	erasureTimestamp
)
