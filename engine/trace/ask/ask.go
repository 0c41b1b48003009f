// Package ask is the seam that all faces of episteme share: the questions an investigator can put to the evidence,
// and the values the answers come in. The engine implements Investigator over a directory; views, commands and
// handlers know nothing else.
//
// Promises: every answer says how complete it is and which LSN it was given at; answers are values that nobody
// changes afterwards, so they may be kept, compared and shown later. Each method polls its context.
//
// Not promised: how an answer is found, stored or drawn. There is no I/O in this package.
package ask

import (
	"context"

	"episteme/engine/record"
)

// Investigator answers questions about recorded evidence. It is safe for use by several goroutines.
//
// Errors common to all methods: ctx.Err() when the context ended, *NotFoundError, *AmbiguousError, *UsageError, and
// whatever the disk gave.
type Investigator interface {
	// Ask puts a question, appends its audit durably, and only then returns it. If the audit cannot be written there
	// is no answer. The same question asked again returns the audit that exists.
	Ask(ctx context.Context, q record.Query) (Audit, error)

	// Audits lists what agents asked, newest first.
	Audits(ctx context.Context, f AuditFilter) (Trace, error)

	// Findings lists the audits that deserve a look, worst first, then newest: each with what was fixed about it when it
	// was asked and what can be seen since. It takes no cursor.
	Findings(ctx context.Context, f AuditFilter) (Trace, error)

	// Find looks for records of any kind by id, outside id, label, title, value, subject or agent, newest first.
	Find(ctx context.Context, q FindQuery) (Found, error)

	// Events lists what happened in the world within r, newest first, at most limit (0: all).
	Events(ctx context.Context, r Range, limit int) ([]Event, error)

	// Agents lists everybody who asked a question, by name.
	Agents(ctx context.Context) ([]Agent, error)

	// Identify finds the record that a typed id means: any unique prefix of 4 or more digits, with or without letter.
	Identify(ctx context.Context, typed string) (record.ID, error)

	// Record is one record in full, its bytes checked against its hash.
	Record(ctx context.Context, id record.ID) (Record, error)

	// Verdict says for one audit what was told, why, against what, what would have turned it, and what holds now.
	Verdict(ctx context.Context, audit record.ID) (Verdict, error)

	// Provenance is the chain behind a record, towards the evidence.
	Provenance(ctx context.Context, root record.ID, o ProvenanceOptions) (Provenance, error)

	// WhatIf says what an audit would have said had something been different. *NotRecomputableError for an audit that
	// was not answered from this journal.
	WhatIf(ctx context.Context, audit record.ID, c WhatIfChange) (WhatIf, error)
	// Impact is the chain ahead of a record or an agent: whom it told something, and who is told it still.
	Impact(ctx context.Context, of Target, o ImpactOptions) (Impact, error)
	// Diff says what the answers of two audits differ in, and which records moved the one to the other.
	Diff(ctx context.Context, left, right record.ID) (Difference, error)
	// Beliefs says of which subjects another value is believed at one time than at another.
	Beliefs(ctx context.Context, q BeliefsQuery) (BeliefChanges, error)
	// Bisect finds the record that turned an answer into a value. *NotFoundError when it never was the value.
	Bisect(ctx context.Context, q BisectQuery) (Bisection, error)
	// Status says how far the store has come and what it holds.
	Status(ctx context.Context) (Status, error)
}

// Range is the time [From, To); a nil end is open.
type Range struct {
	From *record.Time `json:"from"`
	To   *record.Time `json:"to"`
}

// Contains reports whether t lies in r.
func (r Range) Contains(t record.Time) bool {
	return (r.From == nil || *r.From <= t) && (r.To == nil || t < *r.To)
}

// Agent is what is known of somebody who asks.
type Agent struct {
	Name             string       `json:"agent_id"`
	Queries          uint64       `json:"queries"`
	NewestTimestamp  *record.Time `json:"newest_timestamp"`   // greatest timestamp of its queries; null: it asked none
	NewestRecordedAt *record.Time `json:"newest_recorded_at"` // when the journal took the last of them
	Rejects          uint64       `json:"rejects"`            // lines of this agent that were refused
}

// Status is the state of the engine.
type Status struct {
	Journal    record.LogID // the log id
	LastLSN    record.LSN   // newest durable record
	Chain      record.Hash  // the journal's chain at LastLSN: whoever kept a copy can tell that nothing below was changed
	AppliedLSN record.LSN   // how far the store has come
	Newest     *record.Time // greatest timestamp of an audit or event; nil: there is none
	Oldest     *record.Time // smallest
	Audits     uint64
	Events     uint64
	News       []string // what was noticed when opening, a sentence each: a torn tail, a rebuilt store
}

// Behind is how many durable records the store has not applied yet.
func (s Status) Behind() uint64 {
	if s.AppliedLSN >= s.LastLSN {
		return 0
	}
	return uint64(s.LastLSN - s.AppliedLSN)
}
