package lens

import "episteme/engine/record"

// recency: the value of the newest assertion wins; older ones for it add to its mass, and older ones against it to
// what it is up against, half as much for every half-life.
//
//	timeout  age  c    s    s·c
//	30       0 h  0.8  1    0.8    ◀ confidence 0.8, share 0.64
//	20      24 h  0.9  0.5  0.45
//
// With a half-life of 12 h, 20 weighs 0.25 and the share is 0.78.
func recency() Lens {
	return Lens{
		Name:          "recency",
		Sentence:      "the newest claim wins",
		TakesHalfLife: true,
		score:         freshness,
		compare:       compareNewness,
	}
}

// freshness is 2^-(age / half-life), age being counted from the newest candidate.
func freshness(c *Candidate, newest record.Time, p Params) float64 {
	halfLife := p.HalfLife
	if halfLife == 0 {
		halfLife = record.DefaultHalfLife
	}
	return exp2(-float64(newest-c.Timestamp) / float64(halfLife))
}
