package ask

import "episteme/engine/record"

// ProvenanceOptions bound a chain. The zero value is everything up to DefaultNodes.
type ProvenanceOptions struct {
	Depth int // levels below the root; 0: all
	Nodes int // nodes at most; 0: DefaultNodes

	// Level, when set, receives each level as it is found, on the caller's goroutine, root first. Edges may name nodes
	// of the levels before. The final value holds all of them again.
	Level func(nodes []Node, edges []Edge)
}

// DefaultNodes bounds a chain unless the asker says otherwise.
const DefaultNodes = 10_000

// Provenance is the graph behind a record; edges run towards the evidence. Cycles and missing records are part of
// the result, not errors.
type Provenance struct {
	Root     record.ID   `json:"root"`
	Nodes    []Node      `json:"nodes"` // root first, then level by level
	Edges    []Edge      `json:"edges"`
	Complete bool        `json:"complete"`       // false: a limit cut it; More says where
	More     []record.ID `json:"more,omitempty"` // nodes whose own links were not followed
}

// Node is a record of a chain, with what a person needs to recognise it.
type Node struct {
	ID         record.ID     `json:"id"`
	Kind       string        `json:"kind"`
	Check      Check         `json:"check"`
	Title      string        `json:"title"` // one line: what it says
	Agent      string        `json:"agent,omitempty"`
	Timestamp  *record.Time  `json:"timestamp,omitempty"`
	RecordedAt *record.Time  `json:"recorded_at,omitempty"`
	LSN        record.LSN    `json:"lsn,omitempty"`
	Lifecycle  *record.Stage `json:"lifecycle,omitempty"` // an assertion's stage now
	Depth      int           `json:"depth"`               // links from the root
}

// EdgeType says how one record rests on another.
type EdgeType string

const (
	BasedOn     EdgeType = "based_on"     // event → query or assertion
	Contributed EdgeType = "contributed"  // query → assertion, with its weight
	EvidenceOf  EdgeType = "evidence"     // assertion → source descriptor → bytes
	DerivedFrom EdgeType = "derived_from" // assertion → parent
	VoteOn      EdgeType = "vote"         // assertion → vote
	MovedBy     EdgeType = "transition"   // assertion → transition
	InEpoch     EdgeType = "epoch"        // assertion → epoch → the epochs that supersede it
)

// Edge is a link of a chain.
type Edge struct {
	From   record.ID `json:"from"`
	To     record.ID `json:"to"`
	Type   EdgeType  `json:"type"`
	Weight *float32  `json:"weight,omitempty"`
	After  bool      `json:"after,omitempty"` // the answer could not see it: later than its as_of, or above its pin
}

// Counts says what came of the hash checks of a chain's nodes.
type Counts struct{ Links, Verified, NotHeld, Broken, Erased int }

// Count sums up the checks of nodes; Links is how many there are.
func Count(nodes []Node) Counts {
	c := Counts{Links: len(nodes)}
	for _, n := range nodes {
		switch n.Check {
		case Verified:
			c.Verified++
		case NotHeld:
			c.NotHeld++
		case Broken:
			c.Broken++
		case Erased:
			c.Erased++
		}
	}
	return c
}
