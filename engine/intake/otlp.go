package intake

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"episteme/engine/record"
)

// otlpFormat is OTLP: bodies of ExportTraceServiceRequest as exporters post them and collectors write them to files. In
// JSON: one a line, or one in a file, indented or not, or a list. In protobuf: one, or several with their lengths.
func otlpFormat() Format {
	return Format{
		Name:    "otlp",
		Summary: "OpenTelemetry traces as OTLP, JSON or protobuf: retrievals and tool calls of agents (OpenInference, Vercel AI SDK, gen_ai)",
		Open:    newOTLP,
		Detect:  func(head []byte) bool { return isExport(head) || isProtobuf(head) },
	}
}

// exportShape is how export requests stand in a file.
var exportShape = shape{
	noun: "a request", expected: `an export request: {"resourceSpans":[…]}`, opening: `{"resource`, listed: true,
	hint: "export in smaller batches: a collector's batch processor has send_batch_max_size",
}

// exportHead is the start of an export request. Collectors write traces, metrics and logs to one file if told so.
var exportHead = regexp.MustCompile(`^(?:\[\s*)?\{\s*"resource_?([sS]pans|[lL]ogs|[mM]etrics|[pP]rofiles)"`)

func isExport(head []byte) bool { return exportHead.Match(trimStart(head)) }

func startsObject(head []byte) bool { return bytes.HasPrefix(trimStart(head), []byte{'{'}) }

// startsObjects also takes a list of objects.
func startsObjects(head []byte) bool {
	head = trimStart(head)
	return startsObject(head) || bytes.HasPrefix(head, []byte{'['}) && startsObject(head[1:])
}

func trimStart(head []byte) []byte {
	return bytes.TrimLeft(bytes.TrimPrefix(head, byteOrderMark), " \t\r\n")
}

// otlp yields the audits of one file, span by span.
type otlp struct {
	door     *door
	file     string
	requests *requestReader
	pdata    pdata

	request  request // being read
	outline  outline
	next     int    // number of the next span in it
	rest     *fault // what ended the outline early; reported behind its spans
	resource int    // number of the resource decoded last
	origin   origin // what it says
	bad      *fault // why it could not be read; its spans are refused

	dropped Dropped
	spans   int
}

const noResource = -1

func (d *otlp) Removed() Removed       { return d.door.removed }
func (d *otlp) Bind(string, record.ID) {}
func (d *otlp) Offset() int64          { return d.requests.offset }
func (d *otlp) Dropped() Dropped       { return d.dropped }
func (d *otlp) Units() (string, int)   { return "spans", d.spans }

// Reasons for which something is left out. Those for content that was not recorded are made in untold.
const (
	dropOther     = "not a retrieval or a tool call"
	dropMemory    = "a change of an agent's memory"
	dropSignal    = "a request of logs, metrics or profiles, not traces"
	dropDocuments = "a document beyond the 4096 one retrieval can hold"
)

func (d *otlp) Next() (Item, error) {
	for {
		if d.next < len(d.outline.spans) {
			at := d.outline.spans[d.next]
			d.next++
			d.spans++
			records, f := d.span(at)
			if f != nil {
				f.at += at.start
				return Item{}, d.reject(f)
			}
			if records != nil {
				return Item{record.Line{Number: d.request.line(at.start), Kind: record.KindAudit, Records: records}}, nil
			}
			continue
		}
		if f := d.rest; f != nil {
			d.rest = nil
			return Item{}, d.reject(f)
		}
		if err := d.advance(); err != nil {
			return Item{}, err
		}
	}
}

// advance reads the next request.
func (d *otlp) advance() error {
	d.outline, d.next, d.resource = outline{}, 0, noResource
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
	d.outline, d.rest = outlineOf(q.bytes)
	if d.rest == nil && !d.outline.export {
		if d.outline.other == "" && len(bytes.TrimSpace(q.bytes[1:len(q.bytes)-1])) > 0 { // "{}" is an empty request
			f := exportShape.notOne(q.bytes)
			f.hint = "for episteme's own lines use --format jsonl"
			return d.reject(f)
		}
		if d.outline.other != "" {
			d.dropped[dropSignal]++
		}
	}
	return nil
}

// span makes records of the span at at. Neither records nor a fault: it was dropped and counted.
func (d *otlp) span(at spanAt) ([]record.Record, *fault) {
	span, f := d.pdata.span(d.request.bytes[at.start:at.end])
	if f != nil {
		return nil, f
	}
	return d.taskSpan(span, func() {
		if at.resource != d.resource {
			d.readResource(at.resource)
		}
	})
}

// taskSpan makes records of a decoded span; readResource sees to it that its resource is read.
func (d *otlp) taskSpan(span ptrace.Span, readResource func()) ([]record.Record, *fault) {
	task := taskOf(span)
	if reason := otherReason(span, task); reason != "" {
		d.dropped[reason]++
		return nil, nil
	}
	readResource()
	if d.bad != nil {
		return nil, &fault{field: "resource", found: d.bad.found, expected: d.bad.expected, hint: "the resource this span belongs to cannot be read"}
	}
	records, dropped, f := readSpan(d.door, span, task, d.origin)
	for reason, n := range dropped {
		d.dropped[reason] += n
	}
	return records, f
}

// readResource decodes a resource once for all its spans, and only when one of them needs it.
func (d *otlp) readResource(number int) {
	d.resource, d.bad = number, nil
	at := d.outline.resources[number]
	attrs, f := d.pdata.resource(d.request.bytes[at.start:at.end])
	d.origin, d.bad = originOf(attrs), f
}

// reject gives a fault of the current request its place in the file.
func (d *otlp) reject(f *fault) error {
	where := d.request.place(f.at)
	return &record.Reject{File: d.file, Line: where.line, Column: where.column, Agent: f.agent, Field: f.field, Found: f.found, Expected: f.expected, Hint: f.hint}
}
