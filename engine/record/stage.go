package record

import (
	"fmt"
	"strings"
)

// Stage is where an assertion stands in its life. The values are part of the format.
type Stage uint8

const (
	Proposed    Stage = 1
	UnderReview Stage = 2
	Approved    Stage = 3
	Deprecated  Stage = 4
	Rejected    Stage = 5
	Unstated    Stage = 6 // imported assertions whose origin has no such notion
)

var stageNames = enum{"lifecycle stage", []string{
	Proposed: "Proposed", UnderReview: "UnderReview", Approved: "Approved", Deprecated: "Deprecated",
	Rejected: "Rejected", Unstated: "Unstated",
}}

// Stages lists every stage in the order of a life.
func Stages() []Stage {
	return []Stage{Proposed, UnderReview, Approved, Deprecated, Rejected, Unstated}
}

// Valid reports whether s is one of the stages.
func (s Stage) Valid() bool { return stageNames.valid(uint8(s)) }

// String is the stage's name as written on output.
func (s Stage) String() string { return stageNames.name(uint8(s)) }

// MarshalText writes the stage's name.
func (s Stage) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// ParseStage reads a stage's name in any case.
func ParseStage(s string) (Stage, error) {
	v, err := stageNames.parse(s)
	return Stage(v), err
}

// Supersession says what a new epoch does to the one it supersedes.
type Supersession uint8

const (
	Temporal    Supersession = 1 // its time is over
	Invalidated Supersession = 2 // it was wrong
	Additive    Supersession = 3 // it stands beside it
)

var supersessionNames = enum{"supersession", []string{Temporal: "Temporal", Invalidated: "Invalidated", Additive: "Additive"}}

// Valid reports whether s is one of the three.
func (s Supersession) Valid() bool { return supersessionNames.valid(uint8(s)) }

// String is the name as written on output.
func (s Supersession) String() string { return supersessionNames.name(uint8(s)) }

// MarshalText writes the name.
func (s Supersession) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// ParseSupersession reads a name in any case.
func ParseSupersession(s string) (Supersession, error) {
	v, err := supersessionNames.parse(s)
	return Supersession(v), err
}

// EventType says what happened in the world.
type EventType uint8

const (
	Deploy   EventType = 1
	Alert    EventType = 2
	Rollback EventType = 3
	Decision EventType = 4
	Note     EventType = 5
)

var eventNames = enum{"event type", []string{Deploy: "deploy", Alert: "alert", Rollback: "rollback", Decision: "decision", Note: "note"}}

// Valid reports whether t is one of the five.
func (t EventType) Valid() bool { return eventNames.valid(uint8(t)) }

// String is the name as written on output.
func (t EventType) String() string { return eventNames.name(uint8(t)) }

// MarshalText writes the name.
func (t EventType) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// ParseEventType reads a name in any case.
func ParseEventType(s string) (EventType, error) {
	v, err := eventNames.parse(s)
	return EventType(v), err
}

// enum is a closed list of names; index 0 is never a value.
type enum struct {
	what  string
	names []string
}

func (e enum) valid(v uint8) bool { return v > 0 && int(v) < len(e.names) }

func (e enum) name(v uint8) string {
	if !e.valid(v) {
		return fmt.Sprintf("%s %d", e.what, v)
	}
	return e.names[v]
}

func (e enum) parse(s string) (uint8, error) {
	if v := e.find([]byte(s)); v != 0 {
		return v, nil
	}
	return 0, fmt.Errorf("found %q, expected %s", clip(s), e.expected())
}

// find is the value of a name in any case, 0 when it is none. Case is ASCII's: a long s is no s.
func (e enum) find(s []byte) uint8 {
	for v := 1; v < len(e.names); v++ {
		if equalFold(s, e.names[v]) {
			return uint8(v)
		}
	}
	return 0
}

func equalFold(s []byte, name string) bool {
	if len(s) != len(name) {
		return false
	}
	for i := range len(name) {
		a, b := s[i], name[i]
		if a != b && (a|0x20 != b|0x20 || a|0x20 < 'a' || a|0x20 > 'z') {
			return false
		}
	}
	return true
}

func (e enum) expected() string { return withArticle(e.what) + ": " + strings.Join(e.names[1:], ", ") }

// Mark is the letter that stands for the type on a time axis: D deploy, A alert, R rollback, C decision, N note.
func (t EventType) Mark() string {
	switch t {
	case Deploy:
		return "D"
	case Alert:
		return "A"
	case Rollback:
		return "R"
	case Decision:
		return "C"
	}
	return "N"
}
