package ask

import (
	"fmt"
	"strings"

	"episteme/engine/record"
)

// Written is a record that is durable, with its place in the journal. Its JSON is that of the record.
type Written struct {
	Record
	Known bool // it was recorded before: nothing was written, and the place is that of the first time
}

// StandingQuestion is a question whoever asks it and whenever: what decides its answer at a given moment.
type StandingQuestion struct {
	Subject         string        `json:"subject"`
	Predicate       string        `json:"predicate"`
	Lens            string        `json:"lens"`
	LensParams      LensParams    `json:"lens_params"`
	LifecycleFilter *record.Stage `json:"lifecycle_filter"`
}

// String is the question on one line: auth/jwt · signing_algorithm · recency 36h · only Approved.
func (q StandingQuestion) String() string {
	parts := []string{q.Subject, q.Predicate, q.Lens}
	if q.LensParams.HalfLife != "" {
		parts[2] += " " + q.LensParams.HalfLife
	}
	if q.LifecycleFilter != nil {
		parts = append(parts, "only "+q.LifecycleFilter.String())
	}
	return strings.Join(parts, " · ")
}

// Preview says which answers a record would change if it were written now. Nothing has been written.
type Preview struct {
	Record     record.ID   `json:"id"`        // the id it would get
	Known      bool        `json:"known"`     // it is recorded already: writing it changes nothing
	At         record.Time `json:"at"`        // the present that both answers hold for
	Questions  int         `json:"questions"` // looked at: asked here, and the default lens
	Changes    []Change    `json:"changes"`   // those with another answer, other values first, then by question
	Complete   bool        `json:"complete"`  // false: a limit was reached; Notes says which
	Notes      []string    `json:"notes"`     // what else is worth knowing, a phrase each
	AppliedLSN record.LSN  `json:"applied_lsn"`
}

// Change is a question whose answer would be another.
type Change struct {
	StandingQuestion
	Asked int    `json:"asked"` // how often it was asked here, as far as was looked; 0: never, it is the default lens
	Now   Result `json:"now"`   // what is told now
	With  Result `json:"with"`  // what would be told with the record
	Flips bool   `json:"flips"` // another value, not just another confidence or share
}

// Summary says on one line what would change and how much was looked at.
func (p Preview) Summary() string {
	flips := 0
	for _, c := range p.Changes {
		if c.Flips {
			flips++
		}
	}
	looked := "1 question looked at"
	if p.Questions != 1 {
		looked = fmt.Sprintf("%d questions looked at", p.Questions)
	}
	parts := []string{looked}
	switch moved := len(p.Changes) - flips; {
	case len(p.Changes) == 0:
		parts = append([]string{"nothing would change"}, parts...)
	default:
		parts = append(parts, fmt.Sprintf("%d would be told another value", flips))
		if moved > 0 {
			parts = append(parts, fmt.Sprintf("%d the same with another confidence or share", moved))
		}
	}
	if !p.Complete {
		parts = append(parts, "not all of it")
	}
	return strings.Join(append(parts, p.Notes...), " · ")
}

// Told is an answer in few words: its value with confidence and share, or that there is none.
func (r Result) Told() string {
	if r.Value.Type == record.NoValue {
		return r.told()
	}
	return r.told() + " " + Decimal(r.Confidence) + " (share " + Decimal(r.Share) + ")"
}
