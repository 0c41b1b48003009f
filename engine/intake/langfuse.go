package intake

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"

	"episteme/engine/record"
)

// langfuseFormat is traces as Langfuse exports them: {"trace":…,"observations":[…]}, a trace with its observations as
// the API gives it, or single observations; one in a file, one a line, or a list.
func langfuseFormat() Format {
	return Format{
		Name:    "langfuse",
		Summary: "traces exported from Langfuse: the retrievals and tool calls among their observations",
		Open:    newLangfuse,
		Detect:  isTrace,
	}
}

var traceShape = shape{
	noun: "a trace", expected: `a trace {"trace":{…},"observations":[…]} or an observation`, listed: true,
	hint: "export fewer observations at a time",
}

// traceHead is how an export begins; traceField is what traces and observations of Langfuse have and others do not.
var (
	traceHead  = regexp.MustCompile(`^(?:\[\s*)?\{\s*"trace"\s*:\s*\{`)
	traceField = regexp.MustCompile(`"(parentObservationId|bookmarked|traceId)"\s*:`)
	projectID  = regexp.MustCompile(`"projectId"\s*:\s*"`)
)

func isTrace(head []byte) bool {
	head = trimStart(head)
	if !startsObjects(head) || ownKindFirst.Match(head) || isExport(head) {
		return false
	}
	return traceHead.Match(head) || traceField.Match(head) && projectID.Match(head)
}

// maxObservations bounds a trace: of 64 MiB, the least of an observation with an id and a time being 80 bytes.
const maxObservations = 1 << 18

// langfuse yields the retrievals and tool calls of one file, trace by trace, each trace in the order of time.
type langfuse struct {
	door     *door
	file     string
	requests *requestReader
	request  request

	trace trace
	rest  []int  // observations of the trace that are not read yet
	bad   *fault // what ended the list of observations early
	ends  bool   // the trace's own event is still to come
	audit []record.ID

	observations int
	dropped      Dropped
}

func newLangfuse(r io.Reader, o Options) (Decoder, error) {
	return &langfuse{door: newDoor(o), file: o.File, requests: newRequestReader(r, traceShape), dropped: Dropped{}}, nil
}

func (d *langfuse) Bind(string, record.ID) {}
func (d *langfuse) Offset() int64          { return d.requests.offset }
func (d *langfuse) Dropped() Dropped       { return d.dropped }
func (d *langfuse) Removed() Removed       { return d.door.removed }
func (d *langfuse) Units() (string, int)   { return "observations", d.observations }

// Reasons for which an observation is left out.
const (
	dropObservation = "an observation that is no retrieval and no tool call"
	dropUntold      = "a tool call or a retrieval whose output was not recorded"
	dropTwice       = "a step that repeats what a tool call of its trace was told"
)

func (d *langfuse) Next() (Item, error) {
	for {
		switch {
		case len(d.rest) > 0:
			o := &d.trace.observations[d.rest[0]]
			d.rest = d.rest[1:]
			d.observations++
			records, f := d.observation(o)
			if f != nil {
				return Item{}, d.rejectAt(o.place.behind(d.request.bytes[o.at.start:o.at.start+f.at]), f)
			}
			if records != nil {
				return itemAt(o.place.line, record.KindAudit, records), nil
			}
		case d.bad != nil:
			f := d.bad
			d.bad = nil
			return Item{}, d.reject(f)
		case d.ends:
			d.ends = false
			if e := d.answer(); e != nil {
				return itemAt(d.request.start.line, record.KindEvent, []record.Record{e}), nil
			}
		default:
			if err := d.advance(); err != nil {
				return Item{}, err
			}
		}
	}
}

func itemAt(line int, kind record.Kind, records []record.Record) Item {
	return Item{record.Line{Number: line, Kind: kind, Records: records}}
}

// advance reads the next trace.
func (d *langfuse) advance() error {
	q, err := d.requests.next()
	var reject *record.Reject
	switch {
	case errors.As(err, &reject):
		reject.File = d.file
		return reject
	case errors.Is(err, io.EOF):
		return io.EOF
	case err != nil:
		return fmt.Errorf("read %s at byte %d: %w", d.file, d.requests.offset, err)
	}
	d.request = q
	if at := firstInvalid(q.bytes); at < len(q.bytes) {
		return d.reject(&fault{at: at, found: fmt.Sprintf("the byte %#x", q.bytes[at]), expected: "UTF-8 text"})
	}
	t, f := traceOf(q.bytes)
	if f == nil && !t.isTrace {
		return d.reject(traceShape.notOne(q.bytes))
	}
	t.connect()
	for i := range t.observations { // in the order of the file, which costs one pass; they are read in that of time
		t.observations[i].place = d.request.place(t.observations[i].at.start)
	}
	d.trace, d.bad, d.ends, d.audit = t, f, true, nil
	d.rest = make([]int, len(t.observations))
	for i := range d.rest {
		d.rest[i] = i
	}
	slices.SortStableFunc(d.rest, func(a, b int) int { return bytes.Compare(t.observations[a].started, t.observations[b].started) })
	return nil
}

// observation makes records of a retrieval or a tool call. Neither records nor a fault: it was dropped and counted.
func (d *langfuse) observation(o *observation) ([]record.Record, *fault) {
	task := o.task
	if task.kind == otherTask {
		d.dropped[dropObservation]++
		return nil, nil
	}
	t, f := d.trace.telling(d.door, o, task)
	if f != nil {
		f.hint = fmt.Sprintf("in observation %s of trace %s", o.id, cmp.Or(o.traceID, d.trace.id))
		return nil, f
	}
	told, f := d.answered(t, o, task)
	if f == nil && told {
		f = t.end()
	}
	if f != nil {
		f.agent, f.hint = t.audit.Agent, fmt.Sprintf("in observation %s of trace %s", o.id, t.audit.TraceID)
		return nil, f
	}
	if !told {
		return nil, nil
	}
	id, err := record.IDOf(t.audit)
	if err != nil {
		return nil, &fault{found: err.Error(), expected: "a record that can be kept"}
	}
	d.audit = newest(d.audit, id)
	d.trace.subject = t.audit.Subject
	d.trace.keeps = max(d.trace.keeps, d.door.keeps(t.audit.Subject))
	return t.records, nil
}

// answered records what an observation was told. Not told: it says nothing, and is counted.
func (d *langfuse) answered(t *telling, o *observation, task task) (told bool, f *fault) {
	output := d.door.scrub(o.outputText())
	if task.kind == retrievalTask {
		if list, ok := o.documents(output); ok {
			return true, t.documents(list, "observation "+o.id, d.dropped)
		}
		output = ""
	}
	if output == "" && o.failed() {
		t.failed(d.door.scrub(o.message))
		return true, nil
	}
	if output == "" {
		d.dropped[dropUntold]++
		return false, nil
	}
	if task.step && !d.trace.first(output) {
		d.dropped[dropTwice]++
		return false, nil
	}
	if o.failed() {
		t.failed(d.door.scrub(o.message))
	}
	return true, t.output(task.name, output, "")
}

// answer is what the agent said in the end, as a decision based on what it was told; nil where it said or was told
// nothing, or where it cannot be kept.
func (d *langfuse) answer() *record.Event {
	t := &d.trace
	output := d.door.scrub(lastWords(t.outputText()))
	if output == "" || len(d.audit) == 0 || t.ended() == 0 {
		return nil
	}
	if t.keeps != KeepContent {
		output = notKept
	}
	e := &record.Event{
		Type: record.Decision, Timestamp: t.ended(), Agent: t.mainAgent(), Title: shorten(output, record.MaxStringBytes),
		Subject: t.subject, BasedOn: d.audit, Labels: t.labels(nil), TraceID: t.id, ConversationID: t.session,
	}
	if record.Check(e) != nil {
		return nil // its observations were checked with the same ids and labels; only an agent can be at fault, and told so
	}
	return e
}

// reject gives a fault of the current trace its place in the file.
func (d *langfuse) reject(f *fault) error { return d.rejectAt(d.request.place(f.at), f) }

func (d *langfuse) rejectAt(where place, f *fault) error {
	return &record.Reject{File: d.file, Line: where.line, Column: where.column, Agent: f.agent, Field: f.field, Found: f.found, Expected: f.expected, Hint: f.hint}
}
