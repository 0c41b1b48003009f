package intake

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"episteme/engine/record"
)

// otlpProto yields the audits of OTLP in protobuf: one ExportTraceServiceRequest (or TracesData) as it is posted, or
// several with their lengths before them, as the collector's file exporter writes them.
//
//	request        1 resource_spans (repeated)
//	resource_spans 1 resource, 2 scope_spans (repeated)
//	scope_spans    2 spans (repeated)
//
// One resource_spans is held at a time. There are no lines: a reject has line 1, its column is the byte, from 1.
type otlpProto struct {
	*otlp
	in      *bufio.Reader
	framed  bool
	left    int64 // bytes of the frame; only where framed
	offset  int64 // of what is read next
	buf     []byte
	start   int64    // of buf in the file
	spansAt []extent // of buf, not read yet
	failed  error    // nothing is read behind it
}

// newOTLP opens OTLP in JSON or protobuf, by its first bytes. It is the way in for files and for requests alike: r is
// read to its end, and holds what Unpack has unpacked.
func newOTLP(r io.Reader, o Options) (Decoder, error) {
	d := &otlp{door: newDoor(o), file: o.File, resource: noResource, dropped: Dropped{}}
	in := bufio.NewReaderSize(r, readBytes)
	head, err := peekSome(in)
	if err != nil {
		d.requests = newRequestReader(failing{err}, exportShape) // Next will say so, as it does for what fails later
		return d, nil
	}
	if isProtobuf(head) {
		return &otlpProto{otlp: d, in: in, framed: head[0] != tagResourceSpans}, nil
	}
	d.requests = newRequestReader(in, exportShape)
	d.requests.offset, d.requests.at.line = o.Skipped.Bytes, o.Skipped.Lines+1
	return d, nil
}

// OTLP reads OTLP from a request's body or a file, in JSON or protobuf.
func OTLP(r io.Reader, o Options) (Decoder, error) { return newOTLP(r, o) }

// failing is a reader that cannot be read.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// peekSome is the start of in, as much as one read gives and at most DetectBytes; nothing at its end.
func peekSome(in *bufio.Reader) ([]byte, error) {
	if _, err := in.Peek(1); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return in.Peek(min(in.Buffered(), DetectBytes))
}

// tagResourceSpans is field 1, with a length.
const tagResourceSpans = 1<<3 | wireBytes

// isProtobuf reports whether head starts a request in protobuf, with or without its length before it. A line feed has
// the same value as the tag, so text is ruled out first.
func isProtobuf(head []byte) bool {
	const frameBytes = 4
	if isText(head) {
		return false
	}
	if len(head) > frameBytes && binary.BigEndian.Uint32(head) <= maxRequestBytes && startsResourceSpans(head[frameBytes:]) {
		return true
	}
	return startsResourceSpans(head)
}

func startsResourceSpans(b []byte) bool {
	if len(b) < 3 || b[0] != tagResourceSpans {
		return false
	}
	size, n := binary.Uvarint(b[1:])
	if n <= 0 || size < 2 || size > maxRequestBytes || 1+n >= len(b) {
		return false
	}
	tag := b[1+n]
	return tag == 1<<3|wireBytes || tag == 2<<3|wireBytes // resource, or scope_spans
}

// malformed is what was found that is no protobuf; all other errors are the reader's.
type malformed string

func (m malformed) Error() string { return string(m) }

func (d *otlpProto) Offset() int64 { return d.offset }

func (d *otlpProto) Next() (Item, error) {
	for {
		if d.failed != nil {
			return Item{}, d.failed
		}
		if len(d.spansAt) == 0 {
			if err := d.advance(); err != nil {
				return Item{}, err
			}
			continue
		}
		at := d.spansAt[0]
		d.spansAt = d.spansAt[1:]
		d.spans++
		records, f := d.protoSpan(d.buf[at.start:at.end])
		if f != nil {
			f.at = at.start
			return Item{}, d.reject(f)
		}
		if records != nil {
			return Item{record.Line{Number: 1, Kind: record.KindAudit, Records: records}}, nil
		}
	}
}

// protoSpan makes records of a span. Neither records nor a fault: it was dropped and counted.
func (d *otlpProto) protoSpan(b []byte) ([]record.Record, *fault) {
	span, f := d.pdata.protoSpan(b)
	if f != nil {
		return nil, f
	}
	return d.taskSpan(span, func() {})
}

// reject gives a fault of the current resource_spans its place in the file.
func (d *otlpProto) reject(f *fault) error {
	at := d.start + int64(f.at)
	hint := fmt.Sprintf("at byte %d", at)
	if f.hint != "" {
		hint = f.hint + "; " + hint
	}
	return &record.Reject{File: d.file, Line: 1, Column: int(at) + 1, Agent: f.agent, Field: f.field, Found: f.found, Expected: f.expected, Hint: hint}
}

// advance reads the next resource_spans. Behind a field that cannot be read nothing can be found again, but in the next
// frame.
func (d *otlpProto) advance() error {
	d.start = d.offset
	if d.framed && d.left == 0 {
		return d.frame()
	}
	number, wire, err := d.tag()
	if errors.Is(err, io.EOF) && !d.framed && d.offset == d.start {
		d.failed = io.EOF
		return io.EOF
	}
	if err != nil {
		return d.lost(err)
	}
	size, err := d.length(wire)
	if err == nil && size > maxRequestBytes {
		err = malformed(fmt.Sprintf("a field of %d bytes", size))
	}
	if err == nil && d.framed && size > d.left {
		err = malformed(fmt.Sprintf("a field of %d bytes with %d left of its request", size, d.left))
	}
	if err != nil {
		return d.lost(err)
	}
	d.start = d.offset
	if number != 1 || wire != wireBytes {
		return d.lostOr(d.skip(size))
	}
	if err := d.fill(size); err != nil {
		return d.lost(err)
	}
	return d.outline()
}

// outline finds the spans and the resource of what is in buf.
func (d *otlpProto) outline() error {
	var resource extent
	d.resource, d.bad, d.origin = noResource, nil, origin{}
	f := protoFields(d.buf, extent{0, len(d.buf)}, func(number int, at extent) *fault {
		switch number {
		case 1:
			resource = at
		case 2:
			return protoFields(d.buf, at, func(number int, at extent) *fault {
				if number != 2 {
					return nil
				}
				if len(d.spansAt) == maxRequestSpans {
					return tooMany("spans", at.start)
				}
				d.spansAt = append(d.spansAt, at)
				return nil
			})
		}
		return nil
	})
	attrs, bad := d.pdata.protoResource(d.buf[resource.start:resource.end])
	d.origin, d.bad = originOf(attrs), bad
	if f != nil {
		return d.reject(f)
	}
	return nil
}

// frame reads the length before a request.
func (d *otlpProto) frame() error {
	var size [4]byte
	n, err := io.ReadFull(d.in, size[:])
	d.offset += int64(n)
	if n == 0 && errors.Is(err, io.EOF) {
		d.failed = io.EOF
		return io.EOF
	}
	if err != nil {
		return d.lost(err)
	}
	d.left = int64(binary.BigEndian.Uint32(size[:]))
	if d.left > maxRequestBytes {
		err := malformed(fmt.Sprintf("a request of %d bytes", d.left))
		d.left = 0
		return d.lost(err)
	}
	return nil
}

// tag reads the number and the type of a field.
func (d *otlpProto) tag() (number int, wire int, err error) {
	v, err := d.uvarint()
	return int(v >> 3 & 0x1fffffff), int(v & 7), err
}

// length is how many bytes a field's value has.
func (d *otlpProto) length(wire int) (int64, error) {
	switch wire {
	case wireVarint:
		_, err := d.uvarint()
		return 0, err
	case wireFixed64:
		return 8, nil
	case wireFixed32:
		return 4, nil
	case wireBytes:
		n, err := d.uvarint()
		return int64(min(n, 1<<62)), err
	}
	return 0, malformed(fmt.Sprintf("a field of type %d", wire))
}

func (d *otlpProto) uvarint() (uint64, error) {
	var v uint64
	for shift := 0; shift < 64; shift += 7 {
		if d.framed && d.left == 0 {
			return 0, malformed("the end of a request in the middle of a field")
		}
		c, err := d.in.ReadByte()
		if err != nil {
			return 0, err
		}
		d.consumed(1)
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return v, nil
		}
	}
	return 0, malformed("a number of more than 64 bits")
}

func (d *otlpProto) consumed(n int64) {
	d.offset += n
	d.left -= n
}

func (d *otlpProto) skip(n int64) error {
	skipped, err := io.CopyN(io.Discard, d.in, n)
	d.consumed(skipped)
	return err
}

// fill reads a field into buf, as the bytes come: a length alone makes no memory.
func (d *otlpProto) fill(size int64) error {
	d.buf = d.buf[:0]
	for int64(len(d.buf)) < size {
		n := min(size-int64(len(d.buf)), max(readBytes, int64(len(d.buf)))) // it doubles
		from := len(d.buf)
		d.buf = append(d.buf, make([]byte, n)...)
		got, err := io.ReadFull(d.in, d.buf[from:])
		d.consumed(int64(got))
		if err != nil {
			d.buf = d.buf[:0]
			return err
		}
	}
	return nil
}

func (d *otlpProto) lostOr(err error) error {
	if err == nil {
		return nil
	}
	return d.lost(err)
}

// lost is the end of what can be read: of the file, or of one request where the next has its length before it.
func (d *otlpProto) lost(err error) error {
	f := &fault{found: err.Error(), expected: "OTLP in protobuf"}
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		f.found, f.hint = "the end in the middle of a request", exportShape.cutOff()
	case !errors.As(err, new(malformed)):
		d.failed = fmt.Errorf("read %s at byte %d: %w", d.file, d.offset, err)
		return d.failed
	}
	reject := d.reject(f)
	if d.framed && d.left > 0 && !errors.Is(err, io.EOF) {
		if d.skip(d.left) == nil {
			return reject
		}
	}
	d.failed = io.EOF
	n, err := io.Copy(io.Discard, d.in)
	if d.consumed(n); err != nil {
		d.failed = fmt.Errorf("read %s at byte %d: %w", d.file, d.offset, err)
	}
	return reject
}
