package ask

import (
	"episteme/engine/record"
)

// State says what a trace can prove about an audit.
type State string

const (
	Pinned   State = "pinned"   // asked in this journal: can be recomputed
	Imported State = "imported" // taken as it stands: as told, cannot be recomputed here
	Foreign  State = "foreign"  // pinned in another journal
)

// Audit is a recorded question and its answer. Its JSON is the one of the command line and of HTTP.
type Audit struct {
	ID              record.ID         `json:"query_id"`
	Agent           string            `json:"agent_id"`
	Timestamp       record.Time       `json:"timestamp"`
	Subject         string            `json:"subject"`
	Predicate       string            `json:"predicate"`
	Question        *string           `json:"question"`
	Lens            string            `json:"lens"`
	LensParams      LensParams        `json:"lens_params"`
	LifecycleFilter *record.Stage     `json:"lifecycle_filter"`
	AsOf            record.Time       `json:"as_of"`
	Pin             *record.LSN       `json:"pin"`
	Journal         *string           `json:"journal"`
	State           State             `json:"state"`
	Result          Result            `json:"result"`
	Withheld        bool              `json:"withheld,omitempty"` // what was told is not for this reader: Result and what it rests on are empty for that
	ResultHash      record.Hash       `json:"result_hash"`
	Considered      uint64            `json:"considered"`
	Contributions   []Contribution    `json:"contributing_assertions"` // by weight falling, then hash rising
	Labels          map[string]string `json:"labels"`
	TraceID         *string           `json:"trace_id"`
	SpanID          *string           `json:"span_id,omitempty"`
	ConversationID  *string           `json:"conversation_id,omitempty"`
	ToolCallID      *string           `json:"tool_call_id,omitempty"`

	// Findings are most severe first. Those that were fixed when it was asked are always there. Those that are computed
	// when somebody looks (Code.Computed) are there in a verdict, in Investigator.Findings, and in Investigator.Audits
	// when its filter names such a code; one of these three never has another list than the others. Other lists have
	// none of them: their absence says nothing there.
	Findings []Finding `json:"findings"`

	LSN        record.LSN  `json:"-"`
	RecordedAt record.Time `json:"-"`
}

// LensParams are the parameters of a lens; the empty ones are its defaults.
type LensParams struct {
	HalfLife string `json:"half_life,omitempty"` // such as 36h
}

// Result is what was told. A silent answer has no value, confidence 0 and share 0.
type Result struct {
	Value      record.Object `json:"value"`
	Confidence float32       `json:"confidence"` // support of the winning value, 0..1
	Share      float32       `json:"share"`      // its part of all weight, 0..1: how contested it was
}

// Contribution is an assertion's part in an answer.
type Contribution struct {
	Assertion  record.ID    `json:"hash"`
	Lifecycle  record.Stage `json:"lifecycle"` // at the audit's as_of
	Weight     float32      `json:"weight"`
	Source     *string      `json:"source"`      // name of the newest descriptor; null: none is held
	SourceHash record.ID    `json:"source_hash"` // b_ and the digest

	Value record.Object `json:"-"` // what it claims; NoValue when the assertion is not held
}

// AuditFilter says which audits to list. The zero filter is all of them. All set fields must hold.
type AuditFilter struct {
	Agent        string // exact
	Range        Range
	Subject      string // a glob over path-like subjects: auth/*, auth/**, {a,b}
	Predicate    string // exact
	Lens         string // exact
	Finding      string // code; a computed one is searched for, as long as Search allows
	Labels       map[string]string
	TraceID      string
	Conversation string
	Text         string // every word occurs, in any case, in subject, predicate, question, value, agent or labels

	// Within are globs of which one must match the subject too: what somebody may see, where that is not everything.
	// Empty: everything.
	Within []string

	Limit   int    // rows returned; 0: all
	Cursor  string // NextCursor of the page before
	Buckets int    // >0: also count the matches in this many equal parts of the range
	Search  Bounds // of looking for what is computed
}

// Trace is a page of audits and how complete it is.
type Trace struct {
	Range            Range      `json:"range"`
	Total            uint64     `json:"total"`              // matches in the range, on all pages
	AllReceivedShown bool       `json:"all_received_shown"` // every durable record was applied when this was read
	AppliedLSN       record.LSN `json:"applied_lsn"`
	Queries          []Audit    `json:"queries"`
	NextCursor       *string    `json:"next_cursor"`

	// Searched says of how many audits it was computed whether they match, of all that the rest of the filter lets
	// through; nil where no finding had to be computed. While it is not complete Total counts the matches known so
	// far, and NextCursor, where the list takes one, goes on with the search.
	Searched *Searched `json:"searched,omitempty"`

	Behind  uint64         `json:"-"` // durable records that were not applied yet
	Heard   []Heard        `json:"-"` // the filtered agent, else the few heard last
	Empty   []string       `json:"-"` // when nothing matched: why it may be so, a phrase each
	Buckets []uint64       `json:"-"` // matches per part of the range, oldest first; nil unless asked for
	Span    [2]record.Time `json:"-"` // what Buckets divide: [first, second)
}

// Heard says when somebody was last heard of.
type Heard struct {
	Agent string
	At    record.Time // newest timestamp of its audits and events
}
