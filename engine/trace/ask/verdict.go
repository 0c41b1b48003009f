package ask

import "episteme/engine/record"

// Verdict is what an investigator wants to know of one audit at a glance, and everything the drill-down shows.
type Verdict struct {
	Audit Audit `json:"audit"`

	// Recomputed says what came of resolving the question again at its own as_of and pin. Nothing of Against,
	// NotAdmitted, Without and Now is known unless it is Same.
	Recomputed Reproduction `json:"recomputed"`

	LensSentence string      `json:"lens_sentence"` // the lens in a sentence
	Because      []Weighed   `json:"because"`       // what contributed, by weight falling
	Against      []Weighed   `json:"against"`       // the losing side, heaviest value first
	NotAdmitted  []Weighed   `json:"not_admitted"`  // competing assertions that were not let in, with Why
	Without      []Otherwise `json:"without"`       // what would have turned the answer
	Now          *Present    `json:"now"`           // nil: cannot be computed
	Then         []Event     `json:"then"`          // events based on this audit, oldest first
}

// Reproduction is what came of recomputing an audit.
type Reproduction string

const (
	Same        Reproduction = "same"
	Differs     Reproduction = "differs"              // unreproducible: trust nothing below it
	NotPossible Reproduction = "cannot be recomputed" // imported or foreign
)

// Weighed is an assertion as one question saw it.
type Weighed struct {
	Assertion    record.ID     `json:"assertion"`
	Value        record.Object `json:"value"`
	Weight       float32       `json:"weight"`     // the lens's score s
	Confidence   float32       `json:"confidence"` // c, what the asserter stated
	Lifecycle    record.Stage  `json:"lifecycle"`  // at as_of
	LifecycleNow record.Stage  `json:"lifecycle_now"`
	Agent        string        `json:"agent"`
	Timestamp    record.Time   `json:"timestamp"`
	Source       SourceOf      `json:"source"`
	Why          string        `json:"why,omitempty"` // not admitted: the rule that kept it out, in words
	Arithmetic   string        `json:"arithmetic"`    // how the weight came about, in words and numbers
	Life         []LifeStep    `json:"life"`          // birth, transitions and votes, oldest first
	Note         string        `json:"note,omitempty"`
	Held         bool          `json:"held"` // false: only its id is known here
}

// SourceOf is where an assertion came from.
type SourceOf struct {
	Digest     record.ID `json:"digest"`     // b_
	Descriptor record.ID `json:"descriptor"` // s_ of the newest; zero: none is held
	Name       string    `json:"name"`
	URI        string    `json:"uri,omitempty"`
	Authority  float32   `json:"authority"`
	Bytes      Held      `json:"held"`
}

// Held says what is here of a source.
type Held string

const (
	HeldBytes  Held = "bytes"  // the document itself
	HeldDigest Held = "digest" // its digest only
	HeldNone   Held = "none"   // its name only
	HeldErased Held = "erased"
)

// LifeStep is a moment in an assertion's life.
type LifeStep struct {
	At     record.Time   `json:"at"`
	ID     record.ID     `json:"id"` // of the transition or vote; the assertion's own for its birth
	Agent  string        `json:"agent"`
	To     *record.Stage `json:"to,omitempty"`     // birth and transitions
	Vote   *float32      `json:"vote,omitempty"`   // votes
	Reason string        `json:"reason,omitempty"` // transitions
	After  bool          `json:"after"`            // the answer could not see it
}

// Otherwise is a change that would have given another answer.
type Otherwise struct {
	Exclude record.ID     `json:"exclude"` // leave this record out; zero: see Filter
	Filter  *record.Stage `json:"filter"`  // admit only this stage
	Result  Result        `json:"result"`
	Flips   bool          `json:"flips"`
}

// Present is what the same question is told now.
type Present struct {
	At      record.Time `json:"at"`
	Result  Result      `json:"result"`
	Changed bool        `json:"changed"` // another value than was told
	Because *LifeStep   `json:"because"` // the step that moved it, where one step of a contribution did; else nil
	Of      record.ID   `json:"of"`      // the assertion whose life Because belongs to
}
