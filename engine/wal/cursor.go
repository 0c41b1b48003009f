package wal

import (
	"errors"
	"fmt"
	"io"

	"episteme/engine/vfs"
)

// cursor walks the headers of one segment in order and checks everything that can be checked: each header's checksum,
// LSN and link in the chain, each payload's hash and padding. It knows nothing of durability: limit is where it stops.
type cursor struct {
	window window
	log    LogID
	number uint64

	place
	limit int64 // no byte from here on is read

	// headersOnly leaves payloads unread: for finding a place, not for handing anything out.
	headersOnly bool
	// erased says which record, if any, ordered that the payload of a record be zeroed: 0 when it changed without order.
	// why is what to say then. Nil: none was erased.
	erased func(c *cursor, f *frame, why *flaw) (LSN, error)

	hash hasher
}

// place is where a cursor stands: what it has to know of all that lies before.
type place struct {
	off     int64 // of the next header
	lsn     LSN   // of the last record before off
	chain   Hash  // before off
	gap     bool  // behind a hole, where the chain before off is unknown: chain is what the next stored chain must be
	inBatch bool  // the last record before off does not end its batch
	sealed  bool  // the last thing before off may end a segment: a seal, or a hole in its place
}

// frame is one header with its payload. The slices are valid until the cursor's next step.
type frame struct {
	Header
	raw     []byte // the header as stored
	payload []byte // nil when erased, or when only headers are read
	off     int64
	end     int64
	mark    Mark // when Header.Mark()
	erased  LSN  // record that ordered the payload's erasure, 0: it is all there
}

// flaw is why there is no valid record at an offset. Whether that means torn, damaged or simply the end is for whoever
// knows what was durable.
type flaw struct {
	path     string
	off      int64
	lsn      LSN // that should be there
	found    string
	expected string
	tooNew   bool
}

func (f *flaw) Error() string {
	return fmt.Sprintf("%s at byte %d: found %s, expected %s", f.path, f.off, f.found, f.expected)
}

// damaged is f as a verdict.
func (f *flaw) damaged(intact LSN) error {
	if f.tooNew {
		return &TooNewError{File: f.path, Offset: f.off, LSN: f.lsn, Found: f.found}
	}
	return &DamagedError{File: f.path, Offset: f.off, LSN: f.lsn, Found: f.found, Expected: f.expected, Intact: intact}
}

// errEnd says that a cursor stands at its limit.
var errEnd = errors.New("end")

func (c *cursor) flaw(found, expected string) *flaw {
	return &flaw{path: c.window.path, off: c.off, lsn: c.lsn + 1, found: found, expected: expected}
}

// start places the cursor behind a segment's header.
func (c *cursor) start(file vfs.File, path string, h *SegmentHeader, limit int64) {
	c.window.reset(file, path)
	c.log, c.number = h.Log, h.Number
	c.place = place{off: SegmentHeaderBytes, lsn: h.FirstLSN - 1, chain: h.Chain}
	c.limit = limit
}

// next is the next record or mark. The error is errEnd, a *flaw, a *ReadError, or one of erased's; the cursor has
// then not moved and can be asked again.
func (c *cursor) next(f *frame) error {
	if c.off == c.limit {
		return errEnd
	}
	if c.limit-c.off < HeaderBytes {
		return c.flaw(fmt.Sprintf("%d bytes", c.limit-c.off), fmt.Sprintf("a header of %d bytes", HeaderBytes))
	}
	raw, err := c.window.at(c.off, HeaderBytes, c.limit)
	if err != nil {
		return err
	}
	h, err := DecodeHeader(raw, &c.log)
	if err != nil {
		return c.headerFlaw(err)
	}
	*f = frame{Header: h, raw: raw, off: c.off, end: c.off + frameBytes(int64(h.Length))}
	if err := c.checkPlace(f); err != nil {
		return err
	}
	if err := c.readPayload(f); err != nil {
		return err
	}
	return c.step(f)
}

func (c *cursor) headerFlaw(err error) error {
	var fault Fault
	errors.As(err, &fault)
	fl := c.flaw(fault.Error(), "a record header")
	fl.tooNew = fault.TooNew()
	return fl
}

// checkPlace checks what a header says against where it stands.
func (c *cursor) checkPlace(f *frame) error {
	want := c.lsn + 1
	if f.Mark() {
		want = c.lsn
	}
	switch {
	case f.end > c.limit:
		return c.flaw(fmt.Sprintf("a payload that ends at byte %d", f.end), fmt.Sprintf("no byte from %d on", c.limit))
	case f.LSN != want:
		return c.flaw(fmt.Sprintf("lsn %d", f.LSN), fmt.Sprintf("lsn %d", want))
	}
	chain := c.chain
	if !c.gap {
		chain = c.hash.chain(&c.chain, f.raw)
	}
	if chain != f.Chain {
		return c.flaw(fmt.Sprintf("chain %s", f.Chain.short()), fmt.Sprintf("chain %s", chain.short()))
	}
	return nil
}

// readPayload reads the rest of the frame and checks it. The length is within the limit and the file by now.
func (c *cursor) readPayload(f *frame) error {
	if c.headersOnly && !f.Mark() {
		return nil
	}
	all, err := c.window.at(f.off, int(f.end-f.off), c.limit)
	if err != nil {
		return err
	}
	end := HeaderBytes + int(f.Length)
	f.raw, f.payload = all[:HeaderBytes:HeaderBytes], all[HeaderBytes:end:end]
	if !allZero(all[end:]) {
		return c.flaw(fmt.Sprintf("padding %x", all[end:]), "zeros")
	}
	if sum := c.hash.sum(f.payload); sum != f.Hash {
		return c.payloadDiffers(f, sum)
	}
	return nil
}

// payloadDiffers decides between a payload that was erased by order and one that changed.
func (c *cursor) payloadDiffers(f *frame, sum Hash) error {
	fl := c.flaw(fmt.Sprintf("payload hash %s", sum.short()), fmt.Sprintf("payload hash %s", f.Hash.short()))
	if allZero(f.payload) {
		fl.found = fmt.Sprintf("a payload of %d zeros and no record of its erasure", f.Length)
	}
	if c.erased == nil || f.Mark() {
		return fl
	}
	by, err := c.erased(c, f, fl)
	if err != nil {
		return err
	}
	if by == 0 {
		return fl
	}
	f.erased, f.payload = by, nil
	return nil
}

// step moves behind f.
func (c *cursor) step(f *frame) error {
	next := place{off: f.end, lsn: f.LSN, chain: f.Chain, inBatch: !f.Last()}
	if f.Mark() {
		m, err := DecodeMark(f.payload)
		if err != nil {
			return c.headerFlaw(err)
		}
		if err := c.checkMark(&m); err != nil {
			return err
		}
		f.mark = m
		next.sealed = m.Type == MarkSeal || m.Type == MarkHole
		if m.Type == MarkHole {
			next.lsn, next.chain, next.gap = m.To, m.After, true
		}
	}
	c.place = next
	return nil
}

// checkMark checks what a mark says against where it stands. Only a hole may swallow the end of a batch.
func (c *cursor) checkMark(m *Mark) error {
	switch {
	case c.inBatch && m.Type != MarkHole:
		return c.flaw("a mark ("+m.Type.String()+") inside a batch", "the rest of the batch")
	case m.Type == MarkHole && (m.From != c.lsn+1 || m.Before != c.chain):
		return c.flaw(fmt.Sprintf("a hole from lsn %d behind chain %s", m.From, m.Before.short()),
			fmt.Sprintf("one from lsn %d behind chain %s", c.lsn+1, c.chain.short()))
	case m.Type == MarkErasure && m.By > c.lsn:
		return c.flaw(fmt.Sprintf("an erasure by lsn %d", m.By), fmt.Sprintf("an lsn up to %d", c.lsn))
	}
	return nil
}

// readSegmentHeader reads and checks a segment's header against its name.
func readSegmentHeader(file vfs.File, path string, named LSN) (SegmentHeader, error) {
	var buf [SegmentHeaderBytes]byte
	n, err := file.ReadAt(buf[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return SegmentHeader{}, &ReadError{File: path, LSN: named, Err: err}
	}
	h, err := DecodeSegmentHeader(buf[:n])
	var fault Fault
	if errors.As(err, &fault) {
		return h, &flaw{path: path, lsn: named, found: fault.Error(), expected: "a segment header", tooNew: fault.TooNew()}
	}
	if h.FirstLSN != named {
		return h, &flaw{path: path, lsn: named, found: fmt.Sprintf("first lsn %d", h.FirstLSN),
			expected: fmt.Sprintf("lsn %d as in its name", named)}
	}
	return h, nil
}
