package tui

import (
	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// sight is how the evidence is looked at: as it was at a moment, with names masked, or plainly. The zero sight is plain.
// A question keeps the sight it began with.
type sight struct {
	asOf *record.Time
	mask *masker
}

// of puts the sight between a question and the evidence.
func (s sight) of(in ask.Investigator) ask.Investigator {
	if s.asOf != nil {
		in = asOf{in, *s.asOf}
	}
	if s.mask != nil {
		in = masked{in, s.mask}
	}
	return in
}
