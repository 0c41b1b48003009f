package lens

import (
	"cmp"
	"fmt"
	"time"

	"episteme/engine/record"
)

// Lens is a rule by which competing assertions become one answer. Take one from All or ByName; the zero Lens
// resolves nothing.
type Lens struct {
	Name          string // as in questions and records: consensus
	Sentence      string // for people, without a full stop: the most trusted source wins
	TakesHalfLife bool   // whether Params.HalfLife means anything to it
	WeighsSources bool   // whether it looks at the descriptors of sources; without exclusions, the others need not be given any

	// score is rule 11, in float64. newest is the timestamp of the newest candidate.
	score func(c *Candidate, newest record.Time, p Params) float64

	// Rule 13. The winner is the group of greatest mass when byMass, else and among equals the one whose best member
	// is greatest by compare, else the one with the lowest hash. A group's best member is its greatest by compare.
	byMass  bool
	compare func(a, b member) int

	// quorum is the share below which there is no value; 0: any share will do.
	quorum float32
}

// Params adjust a lens. Zero values are the defaults.
type Params struct {
	HalfLife time.Duration // 0: record.DefaultHalfLife
}

// Check reports what is wrong with p for l: a half-life that the lens does not take, or that is out of bounds.
func (l Lens) Check(p Params) error {
	switch {
	case p.HalfLife == 0:
		return nil
	case !l.TakesHalfLife:
		return fmt.Errorf("lens %s: found half_life %s, expected none: this lens does not take one", l.Name, record.FormatHalfLife(p.HalfLife))
	case p.HalfLife < record.MinHalfLife || p.HalfLife > record.MaxHalfLife:
		return fmt.Errorf("lens %s: found half_life %s, expected %s to %s", l.Name,
			record.FormatHalfLife(p.HalfLife), record.FormatHalfLife(record.MinHalfLife), record.FormatHalfLife(record.MaxHalfLife))
	}
	return nil
}

// compareNewness is positive when a is newer than b.
func compareNewness(a, b member) int {
	return compareAge(a.Timestamp, a.LSN, b.Timestamp, b.LSN)
}

// compareTrust is positive when a weighs more than b, or as much and is more confident, or is newer, or has the
// lower hash.
func compareTrust(a, b member) int {
	return cmp.Or(
		cmp.Compare(a.weight, b.weight),
		cmp.Compare(a.Confidence, b.Confidence),
		compareNewness(a, b),
		compareHash(b.Hash, a.Hash),
	)
}
