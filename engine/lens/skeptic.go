package lens

// Majority is the share under which an answer counts as contested: two thirds. Shares are float32, and so is this
// bound, so that two of three equal voices reach it whatever the order they were added up in.
const Majority float32 = 2.0 / 3

// skeptic weighs as consensus does and says nothing when the winner's share is under Majority.
//
//	region     mass      share
//	eu-west    0.792717  0.563   under 2/3: no value, confidence 0; eu-west's member is still the contribution
//	us-east    0.615153  0.437
//
// Without the second claim for us-east, eu-west would hold 0.665, still too little; without its first, 0.787: eu-west.
func skeptic() Lens {
	return Lens{
		Name:     "skeptic",
		Sentence: "as consensus, but silent when the winner holds under two thirds of the weight",
		score:    approval,
		byMass:   true,
		compare:  compareNewness,
		quorum:   Majority,
	}
}
