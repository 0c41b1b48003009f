package ask

import "episteme/engine/record"

// ImpactOptions bound the chain ahead. The zero value is the defaults.
type ImpactOptions struct {
	Assertions int // assertions followed at most, derived ones included; 0: DefaultNodes
	Queries    int // queries recomputed and listed at most, the newest recorded ones; 0: DefaultImpacted
}

// DefaultImpacted bounds the queries of an impact unless the asker says otherwise. A guess: some seconds of work.
const DefaultImpacted = 10_000

// Impact is the chain ahead of a record or an agent: whom it told something, and what was done on the strength of it.
type Impact struct {
	Of Target `json:"id"`

	// Queries it contributed to, or could have: still told first, then those that would have flipped, then those whose
	// answer would not change, then those that cannot be recomputed; each part newest first.
	Queries  []Impacted  `json:"queries"`
	Events   []record.ID `json:"events"`   // based on one of Queries or of the assertions, oldest first
	Agents   []string    `json:"agents"`   // who asked them, by name
	Subjects []string    `json:"subjects"` // what they were about, by name

	AppliedLSN record.LSN `json:"applied_lsn"` // of the store it was read from

	Total    int    `json:"total"`          // queries found; more than len(Queries) when a limit cut them
	Complete bool   `json:"complete"`       // no limit cut anything
	More     string `json:"more,omitempty"` // what was cut or could not be read, in words
}

// Impacted is a query that a record reached.
type Impacted struct {
	Query      record.ID     `json:"query_id"`
	Agent      string        `json:"agent_id"`
	Timestamp  record.Time   `json:"timestamp"`
	Subject    string        `json:"subject"`
	Predicate  string        `json:"predicate"`
	Weight     *float32      `json:"weight"`        // of the contribution at the end of Path; nil: it did not contribute
	Path       []record.ID   `json:"path"`          // from the record to the assertion that reached the query
	Flips      *bool         `json:"flips"`         // without the record it would have said something else; nil: not known
	StillTold  *bool         `json:"still_told"`    // the answer now rests on it; nil: not known
	Value      record.Object `json:"value"`         // what was told
	Without    record.Object `json:"value_without"` // without the record; no value also where it is not known
	Recomputed Reproduction  `json:"recomputed"`    // other than same: Flips and StillTold are not known
}

// Words say in the words of a screen what a record meant to a query.
func (i Impacted) Words() string {
	switch {
	case i.Recomputed == NotPossible:
		return "told, cannot be recomputed here"
	case i.Recomputed == Differs:
		return "told, recomputed: DIFFERS; run `episteme verify`"
	case i.StillTold != nil && *i.StillTold && i.Flips != nil && *i.Flips:
		return "still told, would have flipped"
	case i.StillTold != nil && *i.StillTold:
		return "still told, answer would not change"
	case i.Flips != nil && *i.Flips:
		return "would have flipped"
	}
	return "told, answer would not change"
}

// Standing orders queries as Impact lists them: 0 comes first.
func (i Impacted) Standing() int {
	switch {
	case i.StillTold == nil || i.Flips == nil:
		return 3
	case *i.StillTold:
		return 0
	case *i.Flips:
		return 1
	}
	return 2
}
