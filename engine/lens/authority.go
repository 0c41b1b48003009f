package lens

import "episteme/engine/record"

// authority: an assertion weighs what its source is trusted; the value of the single heaviest one wins, however many
// lighter ones disagree.
//
//	algorithm  stage     authority  c          s    s·c
//	ES256      Proposed  0.9        0.9666667  0.9  0.87   ◀ confidence 0.87, share 0.617
//	RS256      Approved  0.6        0.9        0.6  0.54
//
// With the filter Approved only RS256 is left: confidence 0.54, share 1.
func authority() Lens {
	return Lens{
		Name:          "authority",
		Sentence:      "the most trusted source wins",
		WeighsSources: true,
		score:         trust,
		compare:       compareTrust,
	}
}

func trust(c *Candidate, _ record.Time, _ Params) float64 { return float64(c.Authority) }
