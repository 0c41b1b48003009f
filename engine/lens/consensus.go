package lens

import "episteme/engine/record"

// consensus: every assertion starts at 1/2 and votes move it towards 0 or 1; the value whose assertions weigh
// most together wins.
//
//	region     c     votes            n    s           s·c
//	eu-west    0.9   alice 1, bob 1   2    0.8807971   0.792717   ◀ mass 0.792717, share 0.563, confidence 0.793
//	us-east    0.8   —                0    0.5         0.4
//	us-east    0.8   alice -1        -1    0.26894143  0.215153     mass 0.615153
func consensus() Lens {
	return Lens{
		Name:     "consensus",
		Sentence: "the value with the most backing wins",
		score:    approval,
		byMass:   true,
		compare:  compareNewness,
	}
}

// approval is 1/(1+e^-n), n the sum of each agent's newest vote in rising order of agent bytes.
func approval(c *Candidate, _ record.Time, _ Params) float64 {
	n := 0.0
	for i := range c.Votes {
		n += float64(c.Votes[i].Weight)
	}
	return 1 / (1 + exp(-n))
}
