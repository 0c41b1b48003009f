package ask

import (
	"fmt"
	"strings"
	"time"

	"episteme/engine/record"
)

// Bounds end a search that no index answers. The zero Bounds are the default time and any number of records.
type Bounds struct {
	Time    time.Duration // on the real clock; 0: DefaultSearchTime
	Records int           // records or audits looked at, at most; 0: as many as Time allows
}

// DefaultSearchTime is how long a search goes on unless the asker says otherwise: a guess at how long a person waits
// before asking whether it still works.
const DefaultSearchTime = 5 * time.Second

// Searched says how much was looked at of all that could match.
type Searched struct {
	Done       uint64 `json:"done"`
	Of         uint64 `json:"of"`
	Unreadable uint64 `json:"unreadable,omitempty"` // of those done: their bytes are not those that were recorded
}

// Complete reports whether everything was looked at.
func (s Searched) Complete() bool { return s.Done >= s.Of }

// String is "searched 812 of 12000", and how many of these could not be read.
func (s Searched) String() string {
	said := fmt.Sprintf("searched %d of %d", s.Done, s.Of)
	if s.Unreadable > 0 {
		said += fmt.Sprintf(" · %d could not be read: `episteme verify` says why", s.Unreadable)
	}
	return said
}

// FindQuery says what to look for.
type FindQuery struct {
	// Text is words that all occur, in any case, in the texts of one record; or an id or the beginning of one, 4 digits
	// or more; or agent:NAME, which is everything that agent wrote. What may be an id is looked for as words too.
	Text string
	Kind record.Kind // 0: any

	Limit  int    // records on a page; 0: all that are found within Search
	Cursor string // NextCursor of the page before
	Search Bounds

	// Each, when set, receives each record as it is found, on the caller's goroutine; an error ends the search and is
	// returned. The final value holds all of them again.
	Each func(Hit) error
}

// Hit is a record that was found, with what a person needs to recognise it.
type Hit struct {
	ID         record.ID    `json:"id"`
	Kind       string       `json:"kind"`
	Timestamp  *record.Time `json:"timestamp"` // null: it has none (evidence), or cannot be read
	RecordedAt record.Time  `json:"recorded_at"`
	LSN        record.LSN   `json:"lsn"`
	Agent      string       `json:"agent,omitempty"`
	What       string       `json:"what"` // what it says, shortened; line breaks and all, as in the record
}

// Found is a page of records: first those whose id was typed, then the others, each newest recorded first.
type Found struct {
	Text    string `json:"text"`
	Records []Hit  `json:"records"`

	Searched         Searched   `json:"searched"` // records, of the kind that was asked for
	AllReceivedShown bool       `json:"all_received_shown"`
	AppliedLSN       record.LSN `json:"applied_lsn"`
	NextCursor       *string    `json:"next_cursor"` // goes on with the search; null: it is at its end

	Behind uint64   `json:"-"` // durable records that were not applied yet
	Notes  []string `json:"-"` // what else to know, a phrase each: above all why nothing was found
}

// Completeness says in one line how much of the truth a page is.
func (f Found) Completeness() string {
	parts := []string{fmt.Sprintf("%d found", len(f.Records)), f.Searched.String()}
	if said := received(f.AllReceivedShown, f.Behind); said != "" {
		parts = append(parts, said)
	}
	return strings.Join(append(parts, f.Notes...), " · ")
}
