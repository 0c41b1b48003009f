package ask

import (
	"encoding/json"

	"episteme/engine/record"
)

// Check is what came of comparing a record's bytes with its hash.
type Check string

const (
	Verified Check = "verified" // the bytes are here and hash to their name
	NotHeld  Check = "not held" // the name is known, the bytes are not here
	Broken   Check = "broken"   // the bytes are here and hash to something else
	Erased   Check = "erased"   // the bytes were removed for a stated reason
)

// Record is one record in full with its place in the journal.
type Record struct {
	ID         record.ID
	LSN        record.LSN
	RecordedAt record.Time
	Check      Check
	Record     record.Record // nil unless Verified
}

// MarshalJSON writes id, kind, lsn, recorded_at, then the record's own fields as JSON lines name them.
func (r Record) MarshalJSON() ([]byte, error) {
	head, err := json.Marshal(struct {
		ID         record.ID   `json:"id"`
		Kind       string      `json:"kind"`
		LSN        record.LSN  `json:"lsn"`
		RecordedAt record.Time `json:"recorded_at"`
		Check      Check       `json:"check"`
	}{r.ID, r.ID.Kind.String(), r.LSN, r.RecordedAt, r.Check})
	if err != nil || r.Record == nil {
		return head, err
	}
	// AppendJSON begins with {"kind":"…", which the head has said.
	fields := record.AppendJSON(nil, r.Record)
	for i := 0; i < len(fields); i++ {
		if fields[i] == ',' {
			return append(head[:len(head)-1], fields[i:]...), nil
		}
	}
	return head, nil
}

// Event is something that happened in the world.
type Event struct {
	ID         record.ID
	LSN        record.LSN
	RecordedAt record.Time
	record.Event
}
