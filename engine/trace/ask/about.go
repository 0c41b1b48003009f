package ask

// Near is what may have been meant by a subject.
type Near struct {
	Asserted bool     // somebody has asserted something about the subject itself; then Subjects is empty
	Subjects []string // the nearest first
}

// About says which subjects a record speaks of, so that somebody who may see some subjects and not others can be shown
// the record or not.
type About struct {
	Subjects []string // an assertion's, a query's, an event's own; of a vote and a transition: of the assertion; of a source and of evidence: of all that rests on it
	Every    bool     // it speaks of all of Subjects at once, as an event's title does: who may not see one may not see it
	General  bool     // it speaks of no subject in particular and may be seen by everybody who may see anything: an epoch
}
