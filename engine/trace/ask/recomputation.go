package ask

import (
	"fmt"
	"strings"

	"episteme/engine/record"
)

// Recomputation is an audit held against what its question is told when it is resolved again: with its own as_of and
// pin, without the pin, and now. Nothing is written to find out.
type Recomputation struct {
	ID         record.ID   `json:"query_id"`
	AsOf       record.Time `json:"as_of"`
	Pin        record.LSN  `json:"pin"`
	Recorded   Result      `json:"recorded"`
	Recomputed Result      `json:"recomputed"` // same as_of, same pin

	// Reproduced: the same value, the same contributions in the same order, weights within one float32 ulp. When it is
	// false Differences says in words what is not, and Late and Now are nil: nothing can be built on such an audit.
	Reproduced  bool     `json:"reproduced"`
	Differences []string `json:"differences"`

	Late *Late    `json:"late"` // same as_of, without the pin
	Now  *Present `json:"now"`
}

// Late is what the records did that arrived after an answer and claim to be older than its as_of.
type Late struct {
	Result   Result  `json:"result"`
	Changed  bool    `json:"changed"`  // another value than was told
	Arrived  int     `json:"arrived"`  // such records that bear on the question
	MovedBy  []Mover `json:"moved_by"` // those of them that turned the value, in the order they arrived
	Complete bool    `json:"complete"` // false: there were too many to look at one by one
}

// Mover is a record that turned an answer when it arrived.
type Mover struct {
	Node
	Result Result `json:"result"` // what the question was told from then on
}

// Lines are RECORDED, REPRODUCED, LATE and NOW, in this order.
func (r Recomputation) Lines() []Line {
	lines := []Line{{"RECORDED", r.Recorded.parts()}}
	if !r.Reproduced {
		lines = append(lines, Line{"REPRODUCED", []Part{{Role: Bad, Text: "no: recomputing gives another answer; run `episteme verify`"}}})
		for _, d := range r.Differences {
			lines = append(lines, Line{"", []Part{{Role: Bad, Text: d}}})
		}
		unknown := []Part{{Role: Aside, Text: "— nothing can be built on an answer that does not reproduce"}}
		return append(lines, Line{"LATE", unknown}, Line{"NOW", unknown})
	}
	lines = append(lines, Line{"REPRODUCED", []Part{{Role: Plain, Text: fmt.Sprintf("yes, with what was recorded up to lsn %d and claims to be no later than %s", r.Pin, r.AsOf)}}})
	lines = append(lines, r.Late.lines()...)
	return append(lines, Verdict{Now: r.Now}.now())
}

// parts is an answer with its confidence and share.
func (r Result) parts() []Part {
	if r.Value.Type == record.NoValue {
		return []Part{{Role: Value, Text: r.told()}}
	}
	return []Part{
		{Role: Value, Text: r.told()},
		{Role: Plain, Text: "confidence"}, {Role: Strength, Text: Decimal(r.Confidence), Weight: r.Confidence},
		{Role: Plain, Text: "share"}, {Role: Strength, Text: Decimal(r.Share), Weight: r.Share},
	}
}

func (l *Late) lines() []Line {
	if !l.Changed {
		return []Line{{"LATE", []Part{{Role: Aside, Text: "the same: " + l.arrived()}}}}
	}
	lines := []Line{{"LATE", append(l.Result.parts(), Part{Role: Warn, Text: "· " + l.arrived() + "; it was turned by"})}}
	for _, m := range l.MovedBy {
		lines = append(lines, Line{"", m.parts()})
	}
	if !l.Complete {
		lines = append(lines, Line{"", []Part{{Role: Aside, Text: "too many to say of each what it did"}}})
	}
	return lines
}

func (l *Late) arrived() string {
	switch l.Arrived {
	case 0:
		return "nothing that claims to be older has arrived since"
	case 1:
		return "1 record that claims to be older arrived since"
	}
	return fmt.Sprintf("%d records that claim to be older arrived since", l.Arrived)
}

func (m Mover) parts() []Part {
	var when []string
	if m.RecordedAt != nil {
		when = append(when, "arrived "+m.RecordedAt.String())
	}
	if m.Timestamp != nil {
		when = append(when, "claims "+m.Timestamp.String())
	}
	return []Part{
		{Role: IDOf, Text: m.ID.Short(), ID: m.ID},
		{Role: Plain, Text: m.Kind + " " + m.Title},
		{Role: Plain, Text: "by " + m.Agent + ", " + strings.Join(when, ", ")},
		{Role: Plain, Text: "→"}, {Role: Value, Text: m.Result.told()},
	}
}

// NotRecomputableError says that an audit is shown as it was told, and nothing about it can be recomputed here.
type NotRecomputableError struct {
	ID    record.ID
	State State
	Lens  string
}

func (e *NotRecomputableError) Error() string {
	switch e.State {
	case Imported:
		return e.ID.Short() + " was imported: as told, cannot be recomputed here"
	case Foreign:
		return e.ID.Short() + " was recorded in another journal: as told, cannot be recomputed here"
	}
	return fmt.Sprintf("%s was answered by the lens %q, which this version does not have: as told, cannot be recomputed here", e.ID.Short(), e.Lens)
}
