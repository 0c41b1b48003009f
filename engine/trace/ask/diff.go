package ask

import (
	"time"

	"episteme/engine/record"
)

// Difference is what two answers differ in.
type Difference struct {
	Left  Audit `json:"left"`
	Right Audit `json:"right"`

	Differs   []string       `json:"differs"`    // what the two do not share, of: subject, predicate, lens, lens_params, lifecycle_filter, as_of, pin, value, confidence, share
	OnlyLeft  []Contribution `json:"only_left"`  // contributions of the left answer alone, by weight falling
	OnlyRight []Contribution `json:"only_right"` // of the right one alone
	Both      []Reweighed    `json:"both"`       // of both, in the order of the left

	// Moves leads from the left answer to the right one: first the question, if it was another, then each record that
	// counts for one of them alone and moved the answer, one after the other. A record that moved nothing is not in it.
	Moves   []Move `json:"moves"`
	Between int    `json:"between"`                 // records that count for one of them alone, those that moved nothing too
	Unknown string `json:"moves_unknown,omitempty"` // why Moves is not known: another subject, an imported audit
}

// Reweighed is an assertion that contributed to both answers.
type Reweighed struct {
	Assertion record.ID     `json:"hash"`
	Value     record.Object `json:"value"`
	Left      float32       `json:"left"`
	Right     float32       `json:"right"`
}

// Move is a step at which an answer became another.
type Move struct {
	Record    record.ID    `json:"id"` // empty: the question, see What
	Title     string       `json:"title"`
	Agent     string       `json:"agent_id,omitempty"`
	Timestamp *record.Time `json:"timestamp"`
	LSN       record.LSN   `json:"lsn,omitempty"`
	Gone      bool         `json:"gone,omitempty"` // it counts for the left alone: its absence moved the answer
	From      Result       `json:"from"`
	To        Result       `json:"to"`
	Turned    bool         `json:"turned"` // another value; else its confidence or share alone moved
}

// BeliefsQuery asks what was believed about subjects at two times.
type BeliefsQuery struct {
	Subject  string // a glob over path-like subjects; empty: all
	From, To record.Time
	Lens     string        // empty: consensus
	HalfLife time.Duration // 0: the lens's default
	Filter   record.Stage  // 0: none
	Limit    int           // beliefs listed at most; 0: DefaultBeliefs
}

// DefaultBeliefs bounds a list of beliefs unless the asker says otherwise. A guess: more than anyone reads.
const DefaultBeliefs = 10_000

// BeliefChanges are the subjects and predicates whose believed value differs between two times, as known today: by
// the records' own timestamps, without a pin.
type BeliefChanges struct {
	Subject  string        `json:"subject"`
	From     record.Time   `json:"from"`
	To       record.Time   `json:"to"`
	Lens     string        `json:"lens"`
	Changes  []BeliefMoved `json:"changes"`  // by subject, then predicate
	Compared int           `json:"compared"` // subjects and predicates that were compared
	Total    int           `json:"total"`    // of them, those that differ; more than len(Changes) when the limit cut them

	AppliedLSN record.LSN `json:"applied_lsn"` // of the store it was read from
}

// BeliefMoved is a subject and predicate that another value is believed of.
type BeliefMoved struct {
	Subject   string `json:"subject"`
	Predicate string `json:"predicate"`
	From      Result `json:"from"`
	To        Result `json:"to"`
	Moves     []Move `json:"moves"` // the records that turned the value, oldest first; the last one is why it is To
}

// BisectQuery asks which record turned an answer into a value.
type BisectQuery struct {
	Subject, Predicate string
	Lens               string        // empty: consensus
	HalfLife           time.Duration // 0: the lens's default
	Filter             record.Stage  // 0: none
	Value              string        // as text (ES256, 900, true) or as JSON ("900" is the text alone); null: no value
}

// Bisection is every record that turned an answer, in the order of the journal.
type Bisection struct {
	Subject   string        `json:"subject"`
	Predicate string        `json:"predicate"`
	Lens      string        `json:"lens"`
	Value     record.Object `json:"value"`
	First     Move          `json:"first"` // the first record with which the answer was the value
	Times     int           `json:"times"` // how often it turned into the value
	Turns     []Move        `json:"turns"` // every turn of the answer, into and out of it
	Now       Result        `json:"now"`

	AppliedLSN record.LSN `json:"applied_lsn"` // of the store it was read from
}
