// Package replay lets a recorded incident happen again: an ask.Investigator whose evidence is what had arrived by the
// time on its clock, and nothing else.
//
// Promises: what arrives after the clock is not there. It is not filtered out of answers: the records are appended, in
// the order of the file, to an engine in memory, each when the clock comes to it, so no answer can know of a later one.
// An answer sees one moment: the clock does not move while a question is being answered. Wherever the clock has been
// before, the same moment gives the same answers, and its queries have the same ids: the journal's name is made from
// the file.
//
// Not promised: recorded_at. That is the real clock's, as always.
//
// # When a record arrives
//
// A file says when each record claims to be from, and in which order the records came, but not when. A record arrives
// at its own timestamp; one that claims to be older than a record above it came late, and arrives together with the
// next one below that did not, or with the end of the file:
//
//	timestamp   20:58  21:50  21:05  21:05  21:52
//	arrives     20:58  21:50  21:52  21:52  21:52
//
// The order alone says that the two of 21:05 came between 21:50 and 21:52; the later end is taken, since whoever looks
// at 21:51 must not be shown what was perhaps not there yet. Records of one moment keep their order, so that the query
// of 21:52 is answered with what came before it.
//
// # Back in time
//
// Winding back makes a new engine and appends from the first line on. A fixture has a few hundred lines, which take a
// few tens of milliseconds; there is no undo, which would have to be right about everything that the store derives.
package replay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"episteme/engine"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// Replay is an incident and a clock. Safe for use by several goroutines. Close it.
type Replay struct {
	name    string
	events  []byte
	journal record.LogID
	entries []Entry       // a line each, in the order of the file
	moments []record.Time // at which something arrives, rising, each once
	marks   []record.Time // at which an event arrives, rising, each once
	first   record.Time   // the first query or event

	turning sync.Mutex   // held by Set from end to end: one hand on the clock
	mu      sync.RWMutex // guards now; held for reading while a question is answered
	now     *moment
	clock   atomic.Int64 // of now, ns UTC; read without mu, for which a question may have to be waited for
}

// moment is an engine that has taken the first lines of the file.
type moment struct {
	*engine.Engine
	lines *lines
	at    atomic.Int64 // its clock, ns UTC
}

// Entry is what a line of the file became.
type Entry struct {
	Label   string      // with its @; empty: it has none
	ID      record.ID   // of the record, or of the query's audit
	At      record.Time // its timestamp
	Arrives record.Time
	Words   string // what it says, in a line: auth/jwt signing_algorithm = ES256
}

// Open reads an incident and puts the clock where it begins: on the first query or event. It takes all of the file into
// an engine in memory once, to know what its labels become; a line that is refused is an error. name is what messages
// call the file.
func Open(ctx context.Context, name string, events []byte) (*Replay, error) {
	digest := record.Sum(events)
	r := &Replay{name: name, events: slices.Clone(events)}
	copy(r.journal[:], digest[:])
	if err := r.read(ctx); err != nil {
		return nil, fmt.Errorf("replay %s: %w", name, err)
	}
	if err := r.Set(ctx, r.first); err != nil {
		return nil, err
	}
	return r, nil
}

// read takes all lines in, notes what they are and when they arrive, and forgets the engine.
func (r *Replay) read(ctx context.Context) error {
	whole, err := r.begin(ctx)
	if err != nil {
		return err
	}
	defer whole.Close()
	whole.lines.left, whole.lines.took = -1, &r.entries
	if err := whole.take(ctx); err != nil {
		return err
	}
	if len(r.entries) == 0 {
		return errors.New("found no records")
	}
	told, err := whole.Audits(ctx, ask.AuditFilter{})
	if err != nil {
		return err
	}
	for _, a := range told.Queries {
		for i := range r.entries {
			if e := &r.entries[i]; e.ID == a.ID {
				e.Words = a.Agent + " asked " + a.Subject + " " + a.Predicate + ", told " + a.Result.Value.String()
			}
		}
	}
	r.arrivals()
	return nil
}

// arrivals works out when each line arrives.
func (r *Replay) arrivals() {
	newest := slices.MaxFunc(r.entries, func(a, b Entry) int { return int(min(max(a.At-b.At, -1), 1)) }).At
	onTime := make([]bool, len(r.entries))
	for i, latest := 0, record.Time(0); i < len(r.entries); i++ {
		onTime[i] = r.entries[i].At >= latest
		latest = max(latest, r.entries[i].At)
	}
	r.first = newest
	for i, next := len(r.entries)-1, newest; i >= 0; i-- {
		e := &r.entries[i]
		if onTime[i] {
			next = e.At
		}
		e.Arrives = next
		if e.ID.Kind == record.KindAudit || e.ID.Kind == record.KindEvent {
			r.first = e.Arrives
		}
	}
	for _, e := range r.entries {
		r.moments = append(r.moments, e.Arrives)
		if e.ID.Kind == record.KindEvent {
			r.marks = append(r.marks, e.Arrives)
		}
	}
	r.moments, r.marks = slices.Compact(r.moments), slices.Compact(r.marks)
}

// begin is an engine before the first line.
func (r *Replay) begin(ctx context.Context) (*moment, error) {
	m := &moment{}
	e, err := engine.Open(ctx, engine.Options{Journal: r.journal, Now: func() time.Time { return time.Unix(0, m.at.Load()).UTC() }})
	if err != nil {
		return nil, err
	}
	m.Engine = e
	m.lines = &lines{Reader: record.NewReader(bytes.NewReader(r.events), r.name, e)}
	return m, nil
}

// take appends the lines that are left of m.lines.
func (m *moment) take(ctx context.Context) error {
	var refused *record.Reject
	_, err := m.Ingest(ctx, m.lines, ask.IngestOptions{Reject: func(why *record.Reject) {
		if refused == nil {
			refused = why
		}
	}})
	if err == nil && refused != nil {
		err = fmt.Errorf("a line was refused: %w", refused)
	}
	return err
}

// lines hands out as many lines of a file as it is told, and goes on from there the next time.
type lines struct {
	*record.Reader
	left  int      // to be handed out before it says that this is all; below 0: without end
	given int      // handed out so far
	took  *[]Entry // what they became is noted here; nil: nowhere
}

func (l *lines) Next() (record.Line, error) {
	if l.left == 0 {
		return record.Line{}, io.EOF
	}
	line, err := l.Reader.Next()
	if err != nil {
		return line, err
	}
	l.left--
	l.given++
	if l.took == nil {
		return line, nil
	}
	e, err := entryOf(line)
	*l.took = append(*l.took, e)
	return line, err
}

// Bind notes what a query became: it is always the line that was handed out last.
func (l *lines) Bind(label string, id record.ID) {
	l.Reader.Bind(label, id)
	if l.took != nil {
		(*l.took)[len(*l.took)-1].ID = id
	}
}

// entryOf is what a line says; the id of a query comes when it has been asked.
func entryOf(line record.Line) (Entry, error) {
	var e Entry
	if line.Label != "" {
		e.Label = "@" + line.Label
	}
	if line.Query != nil {
		e.At = line.Query.Timestamp
		return e, nil
	}
	r := line.Records[len(line.Records)-1]
	var err error
	if e.ID, err = record.IDOf(r); err != nil {
		return e, err
	}
	switch r := r.(type) {
	case *record.Source:
		e.At, e.Words = r.Timestamp, r.Name
	case *record.Assertion:
		e.At, e.Words = r.Timestamp, r.Subject+" "+r.Predicate+" = "+r.Object.String()
	case *record.Vote:
		e.At, e.Words = r.Timestamp, "a vote of "+r.Agent
	case *record.Epoch:
		e.At, e.Words = r.Timestamp, "epoch "+r.Name
	case *record.Transition:
		e.At, e.Words = r.Timestamp, "to "+r.To.String()+" by "+r.Agent
	case *record.Event:
		e.At, e.Words = r.Timestamp, r.Type.String()+" "+r.Title
	case *record.Audit:
		e.At = r.Timestamp
	default:
		return e, fmt.Errorf("line %d: found %s, expected a record that has a time", line.Number, r.Kind())
	}
	return e, nil
}

// Entries are all lines of the file, in its order, also those that the clock has not come to: for what is said when the
// incident is over. The caller must not change them.
func (r *Replay) Entries() []Entry { return r.entries }

// Span is where the incident begins, with its first query or event, and ends, with the last record.
func (r *Replay) Span() (first, last record.Time) { return r.first, r.moments[len(r.moments)-1] }

// At is the clock. It never waits: while Set is under way it is where the clock was.
func (r *Replay) At() record.Time { return record.Time(r.clock.Load()) }

// Set puts the clock: forwards by appending what arrives on the way, backwards by a new engine. Times before the oldest
// record and after the last count as those. An error is ctx.Err(), with the clock where it was, or a line that was taken
// by Open and is not any more, which does not happen: then the evidence is not to be trusted.
func (r *Replay) Set(ctx context.Context, at record.Time) error {
	r.turning.Lock()
	defer r.turning.Unlock()
	at = min(max(at, r.moments[0]), r.moments[len(r.moments)-1])
	due := 0
	for due < len(r.entries) && r.entries[due].Arrives <= at {
		due++
	}
	if r.now == nil || due < r.now.lines.given {
		return r.rewind(ctx, at, due)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.now.to(context.WithoutCancel(ctx), at, due); err != nil { // half a step would be no moment at all
		return fmt.Errorf("replay %s to %s: %w", r.name, at, err)
	}
	r.clock.Store(int64(at))
	return nil
}

// to moves an engine forwards. Nobody may ask it anything meanwhile.
func (m *moment) to(ctx context.Context, at record.Time, due int) error {
	m.at.Store(int64(at))
	m.lines.left = due - m.lines.given
	if m.lines.left == 0 {
		return nil
	}
	return m.take(ctx)
}

// rewind makes an engine that has taken the first lines, and puts it in place of the one that has taken more.
func (r *Replay) rewind(ctx context.Context, at record.Time, due int) error {
	earlier, err := r.begin(ctx)
	if err == nil {
		err = earlier.to(ctx, at, due)
	}
	if err != nil {
		if earlier != nil {
			err = errors.Join(err, earlier.Close())
		}
		return fmt.Errorf("replay %s back to %s: %w", r.name, at, err)
	}
	r.mu.Lock()
	later := r.now
	r.now = earlier
	r.clock.Store(int64(at))
	r.mu.Unlock()
	if later == nil {
		return nil
	}
	return later.Close() // nobody asks it any more: whoever did held mu
}

// Next is when something arrives next after at, or with marks when an event does; false: nothing does.
func (r *Replay) Next(at record.Time, marks bool) (record.Time, bool) {
	list := r.list(marks)
	i, found := slices.BinarySearch(list, at)
	if found {
		i++
	}
	if i >= len(list) {
		return 0, false
	}
	return list[i], true
}

// Before is when something arrived last before at, or with marks when an event did; false: nothing within Span did.
func (r *Replay) Before(at record.Time, marks bool) (record.Time, bool) {
	list := r.list(marks)
	i, _ := slices.BinarySearch(list, at)
	if i == 0 || list[i-1] < r.first {
		return 0, false
	}
	return list[i-1], true
}

func (r *Replay) list(marks bool) []record.Time {
	if marks {
		return r.marks
	}
	return r.moments
}

// Close gives the memory back. Nothing may be asked afterwards.
func (r *Replay) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now.Close()
}
