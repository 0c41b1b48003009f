package record

import "time"

// Record is one of the kinds: Evidence, *Source, *Assertion, *Vote, *Epoch, *Transition, *Event,
// *Audit, *Erasure. Records are values: nobody changes one after it was encoded.
type Record interface {
	Kind() Kind
}

// Evidence is the bytes of an original document, log line or tool result, at most MaxEvidenceBytes.
type Evidence []byte

// Source describes evidence: its name, where it came from, how far to trust it.
type Source struct {
	Name      string
	Digest    Hash // of the evidence's bytes, or UnknownDigest(Name)
	URI       string
	MediaType string
	Authority float32 // 0..1
	Agent     string
	Timestamp Time
}

// DefaultAuthority is the authority of a source that states none, and of a digest nobody has described.
const DefaultAuthority = 0.5

// Assertion is somebody's claim that Subject has Predicate = Object.
type Assertion struct {
	Subject    string // path-like: auth/jwt
	Predicate  string
	Object     Object
	Confidence float32 // 0..1
	Lifecycle  Stage   // at birth
	Agent      string
	Timestamp  Time
	Source     Hash // digest of the evidence it rests on
	Parents    []ID // assertions or audits it was derived from, as given
	Epoch      Hash // zero: none
	Note       string
}

// Vote is an agent's support for an assertion, or its opposition.
type Vote struct {
	Assertion Hash
	Agent     string
	Weight    float32 // -1..1
	Timestamp Time
}

// Epoch is a named generation of knowledge.
type Epoch struct {
	Name         string
	Agent        string
	Timestamp    Time // its start
	Supersedes   Hash // zero: none
	Supersession Supersession
}

// Transition moves an assertion to another stage.
type Transition struct {
	Assertion Hash
	To        Stage
	Agent     string
	Reason    string
	Timestamp Time
}

// Event is something that happened in the world.
type Event struct {
	Type           EventType
	Timestamp      Time
	Agent          string
	Title          string
	Subject        string
	BasedOn        []ID // audits or assertions, as given
	Labels         []Label
	TraceID        string
	SpanID         string
	ConversationID string
}

// Audit is a question somebody asked, what they were told, and what contributed.
type Audit struct {
	Agent           string
	Timestamp       Time
	Subject         string
	Predicate       string
	Question        string // the asker's own words
	Lens            string
	HalfLife        time.Duration // 0: the lens's default; only recency takes one
	LifecycleFilter Stage         // 0: none
	AsOf            Time
	Pinned          bool // Pin and Journal count
	Pin             LSN
	Journal         LogID
	Value           Object // NoValue: none
	Confidence      float32
	Share           float32
	ResultHash      Hash // Value.Hash()
	Considered      uint64
	Contributions   []Contribution // by weight falling, then hash rising
	Labels          []Label
	TraceID         string
	SpanID          string
	ConversationID  string
	ToolCallID      string
}

// Contribution is an assertion's part in an answer.
type Contribution struct {
	Assertion Hash
	Source    Hash // digest of the assertion's evidence
	Weight    float32
	Lifecycle Stage // at the audit's as_of
}

// Unset is the time of a question that has none: it is asked now, about the moment of asking. 0 is 1970.
const Unset = Time(-1)

// Query is a question to be asked: what an audit records, without its answer.
type Query struct {
	Agent           string
	Timestamp       Time // when it was asked; Unset: now
	Subject         string
	Predicate       string
	Question        string        // the asker's own words
	Lens            string        // empty: the default, consensus
	HalfLife        time.Duration // 0: the lens's default
	LifecycleFilter Stage         // 0: none
	AsOf            Time          // Unset: Timestamp
	Labels          []Label
	TraceID         string
	SpanID          string
	ConversationID  string
	ToolCallID      string
}

// Label is a name and a value that came with a record. Labels are sorted by name, names are unique.
type Label struct{ Name, Value string }

// Erasure says that a record's payload was removed, and why.
type Erasure struct {
	Target    Hash
	LSN       LSN
	Agent     string
	Reason    string
	Reference string
	Timestamp Time
}

func (Evidence) Kind() Kind    { return KindEvidence }
func (*Source) Kind() Kind     { return KindSource }
func (*Assertion) Kind() Kind  { return KindAssertion }
func (*Vote) Kind() Kind       { return KindVote }
func (*Epoch) Kind() Kind      { return KindEpoch }
func (*Transition) Kind() Kind { return KindTransition }
func (*Event) Kind() Kind      { return KindEvent }
func (*Audit) Kind() Kind      { return KindAudit }
func (*Erasure) Kind() Kind    { return KindErasure }

// Limits of rule 5, in bytes or items.
const (
	MaxStringBytes   = 4 << 10  // any text field
	MaxNameBytes     = 512      // subject, predicate, agent
	MaxObjectBytes   = 64 << 10 // an object's text
	MaxEvidenceBytes = 1 << 20
	MaxPayloadBytes  = MaxEvidenceBytes // any record: the largest audit has some 512 KiB, most of it contributions
	MaxContributions = 4096
	MaxParents       = 64 // also based_on
	MaxLabels        = 16
)
