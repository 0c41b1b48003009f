package wal

import (
	"context"
	"encoding/binary"
	"errors"

	"episteme/engine/vfs"
)

// survey is what can be told of one segment on its own, damaged or not: the runs of frames that hold together, and what
// is wrong between them.
type survey struct {
	seg    *segment // its header as stored; where that is damaged, only log id and first LSN, from elsewhere
	header *flaw    // why the header is not to be trusted; nil when it is
	raw    []byte   // the header's bytes, as many as there are
	last   bool     // no segment follows: what lies behind its end may be zeros

	runs  []*run  // ascending, none empty
	flaws []*flaw // why a run ended where it should not, ascending
	size  int64   // that was read

	clean     *Clean // what CLEAN says, nil: nothing
	witness   Witness
	cleanSeen bool  // the record that CLEAN names is here, with that chain
	witnessed *Hash // chain of the record that the store has applied last, when it is here

	ctx    context.Context
	moved  func(bytes int64) // told how far it has come; may be nil
	told   int64
	budget int64 // bytes of payload that may still be hashed for candidates that turn out to be none
	first  LSN   // of the next segment, 0: not known. No record here has it
}

// run is a stretch of frames that follow each other, link by link. Payloads that differ from their hashes are in it:
// only when all marks are known can it be said whether they were erased.
type run struct {
	from, to place
	linked   bool // it begins where the segment does
	tally
}

// tally counts what is in a run.
type tally struct {
	records, marks int
	holes          []foundHole
	erasures       []Mark
	differing      []differing
	last           frame    // the last record, without its bytes; LSN 0: none
	endsIn         MarkType // what stands last, 0: a record
	proven         LSN      // the greatest LSN that a header says was durable
	whole          LSN      // the last record that ends its batch
}

type foundHole struct {
	Hole
	before place // in front of the mark
}

// differing is a record whose payload is not what its header says.
type differing struct {
	LSN           LSN
	Hash          Hash
	before, after place
	whole         LSN  // the last record in front of it that ends its batch
	zeros         bool // nothing but zeros is there
	why           *flaw
}

// pendingErasure is what a survey's cursor takes for the order of an erasure until the marks are known.
const pendingErasure = ^LSN(0)

func (t *tally) add(f *frame, before place, path string) {
	t.proven = max(t.proven, f.Durable)
	if !f.Mark() {
		t.records++
		if f.Last() {
			t.whole = f.LSN
		}
		t.last = *f
		t.last.raw, t.last.payload, t.endsIn = nil, nil, 0
		return
	}
	t.marks++
	t.endsIn = f.mark.Type
	switch m := &f.mark; m.Type {
	case MarkErasure:
		t.erasures = append(t.erasures, *m)
	case MarkHole:
		t.holes = append(t.holes, foundHole{Hole{File: path, Offset: f.off, From: m.From, To: m.To, Before: m.Before, After: m.After}, before})
	}
}

// surveySegment reads all of a segment up to limit, the end of the file when that is negative.
func surveySegment(fsys vfs.FS, s *survey, limit int64) error {
	s.runs, s.flaws, s.told = nil, nil, 0
	f, err := fsys.Open(s.seg.path)
	if err != nil {
		return &ReadError{File: s.seg.path, LSN: s.seg.header.FirstLSN, Err: err}
	}
	defer f.Close()
	if s.size, err = f.Size(); err != nil {
		return &ReadError{File: s.seg.path, LSN: s.seg.header.FirstLSN, Err: err}
	}
	if limit >= 0 {
		s.size = min(s.size, limit)
	}
	var c cursor
	c.start(f, s.seg.path, &s.seg.header, s.size)
	s.budget = 4 * max(s.size, readAheadBytes) // guess: linear in the file, whatever is in it
	return s.read(&c)
}

func (s *survey) read(c *cursor) error {
	r := &run{from: c.place, linked: true}
	c.erased = func(c *cursor, f *frame, why *flaw) (LSN, error) {
		after := place{off: f.end, lsn: f.LSN, chain: f.Chain, inBatch: !f.Last()}
		r.differing = append(r.differing, differing{LSN: f.LSN, Hash: f.Hash, before: c.place, after: after, whole: r.whole,
			zeros: allZero(f.payload), why: why})
		return pendingErasure, nil
	}
	if s.header != nil {
		// What its first frame follows is not known, only which record it should be.
		if ok, err := s.search(c, c.place, c.off); err != nil || !ok {
			return err
		}
		r = &run{from: c.place, linked: c.off == SegmentHeaderBytes}
	}
	base := c.place
	var f frame
	for {
		before := c.place
		err := c.next(&f)
		if err == nil {
			r.add(&f, before, s.seg.path)
			s.recognise(&f)
			if err := s.progress(c.off); err != nil {
				return err
			}
			continue
		}
		r.to = c.place
		s.keep(r)
		if r.linked {
			base = r.to
		}
		var fl *flaw
		if err == errEnd {
			return nil
		}
		if !errors.As(err, &fl) {
			return err
		}
		if end, err := s.endsAt(c); end || err != nil {
			return err
		}
		s.flaws = append(s.flaws, fl)
		if ok, err := s.resume(c, base); err != nil || !ok {
			return err
		}
		r = &run{from: c.place}
	}
}

// recognise notes the records that somebody else knows of.
func (s *survey) recognise(f *frame) {
	if f.Mark() {
		return
	}
	if f.LSN == s.witness.Applied {
		chain := f.Chain
		s.witnessed = &chain
	}
	if s.clean != nil && f.LSN == s.clean.LSN && f.off == s.clean.Offset && f.Chain == s.clean.Chain {
		s.cleanSeen = true
	}
}

// progress is told every MiB, and looks whether to go on.
func (s *survey) progress(off int64) error {
	if off-s.told < indexBytes {
		return nil
	}
	if s.moved != nil {
		s.moved(off - s.told)
	}
	s.told = off
	return s.ctx.Err()
}

// endsAt reports whether the cursor stands at the end of what was ever written: of a last segment zeros follow.
func (s *survey) endsAt(c *cursor) (bool, error) {
	if !s.last {
		return false, nil
	}
	end, err := lastNonzero(c, c.off)
	return end == c.off, err
}

// keep adds a run, unless it and the one before cannot both be true: records inside a payload look like runs when the
// header in front of them is damaged. Then the longer one is believed, but nothing against the one that links to the
// segment's beginning.
func (s *survey) keep(r *run) {
	if r.from.off == r.to.off {
		return
	}
	for len(s.runs) > 0 {
		before := s.runs[len(s.runs)-1]
		if before.linked || !before.contradicts(r) {
			break
		}
		if before.to.off-before.from.off > r.to.off-r.from.off {
			return
		}
		s.runs = s.runs[:len(s.runs)-1]
	}
	s.runs = append(s.runs, r)
}

// contradicts reports whether next, which lies behind r, cannot: it counts on from less, or nothing that could be
// missing fits in between and it does not link.
func (r *run) contradicts(next *run) bool {
	return next.from.lsn < r.to.lsn || next.from.lsn == r.to.lsn && next.from.off-r.to.off < sealFrameBytes
}

// resume moves the cursor behind the damage in front of which it stands, to the next frame that can be believed; not
// ok: there is none. base is the last place that links to the beginning.
func (s *survey) resume(c *cursor, base place) (ok bool, err error) {
	from := c.off
	// Where what stands in front was exchanged, the frame does not link to it, and all behind it links to the frame.
	if ok, err := s.believe(c, base, from, true); ok || err != nil {
		return ok, err
	}
	if c.limit-from < HeaderBytes {
		return false, nil
	}
	raw, err := c.window.at(from, HeaderBytes, c.limit)
	if err != nil {
		return false, err
	}
	// The length in the damaged header may be right, and if its checksum holds it is: what lies in the payload is not
	// looked at then.
	header := [HeaderBytes]byte(raw)
	_, fault := DecodeHeader(header[:], &c.log)
	length := binary.LittleEndian.Uint32(header[8:])
	if next := from + frameBytes(int64(length)); length <= MaxPayloadBytes && next <= c.limit {
		if ok, err := s.believe(c, base, next, false); ok || err != nil {
			return ok, err
		}
		if fault == nil {
			return s.search(c, base, next)
		}
	}
	next := from + alignBytes
	if string(header[:4]) == recordMagic && s.budget > 0 { // else more than the length is damaged
		if next, err = s.mendLength(c, &header); err != nil {
			return false, err
		}
		s.budget -= min(frameBytes(MaxPayloadBytes), c.limit-from)
	}
	return s.search(c, base, next)
}

// mendLength is where a header's frame ends if nothing but its length is damaged: there is a header behind it, and with
// the length that leads there its checksum holds. Otherwise it is 8 bytes on.
func (s *survey) mendLength(c *cursor, header *[HeaderBytes]byte) (int64, error) {
	from, found := c.off, c.off+alignBytes
	stored := binary.LittleEndian.Uint32(header[12:])
	err := s.candidates(c, c.off+HeaderBytes, func(at int64) (bool, error) {
		for n := at - from - HeaderBytes; n > at-from-HeaderBytes-alignBytes && n >= 0 && n <= MaxPayloadBytes; n-- {
			binary.LittleEndian.PutUint32(header[8:], uint32(n))
			if headerChecksum(header[:], &c.log) == stored {
				found = at
				return true, nil
			}
		}
		return at-from > frameBytes(MaxPayloadBytes), nil
	})
	return found, err
}

// candidates offers all places from from on at which a header may begin, until one is taken.
func (s *survey) candidates(c *cursor, from int64, take func(at int64) (bool, error)) error {
	var w window
	w.reset(c.window.file, c.window.path)
	for at := from; at+HeaderBytes <= c.limit; {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		n := int(min(readAheadBytes, c.limit-at))
		buf, err := w.at(at, n, c.limit)
		if err != nil {
			return err
		}
		for in := nextMagic(buf, 0); in >= 0 && in+HeaderBytes <= n; in = nextMagic(buf, in+alignBytes) {
			if done, err := take(at + int64(in)); done || err != nil {
				return err
			}
		}
		at += int64(n - HeaderBytes + alignBytes)
	}
	return nil
}

// search looks for a frame to go on with.
func (s *survey) search(c *cursor, base place, from int64) (ok bool, err error) {
	err = s.candidates(c, from, func(at int64) (bool, error) {
		if s.budget < 0 {
			return true, nil
		}
		ok, err = s.believe(c, base, at, false)
		return ok, err
	})
	return ok, err
}

// believe places the cursor in front of the frame at an offset if one is there whose checks all hold, or whose payload
// alone does not and the next frame links to it; with linked, the next frame has to link to it in any case. Its LSN must
// not be one that stands elsewhere.
func (s *survey) believe(c *cursor, base place, at int64, linked bool) (bool, error) {
	if c.limit-at < HeaderBytes {
		return false, nil
	}
	raw, err := c.window.at(at, HeaderBytes, c.limit)
	if err != nil {
		return false, err
	}
	h, err := DecodeHeader(raw, &c.log)
	if err != nil {
		return false, nil
	}
	front := h.LSN - 1 // the record in front of it
	if h.Mark() {
		front = h.LSN
	}
	if front < base.lsn || s.first != 0 && front >= s.first {
		return false, nil
	}
	was, erased := c.place, c.erased
	defer func() { c.erased = erased }()
	c.erased = func(*cursor, *frame, *flaw) (LSN, error) { return pendingErasure, nil }
	start := place{off: at, lsn: front, chain: h.Chain, gap: true}
	c.place = start
	var f frame
	err = c.next(&f)
	if err == nil && (linked || f.erased != 0) {
		err = c.next(&f)
	}
	if err == nil {
		c.place = start
		return true, nil
	}
	c.place = was
	s.budget -= frameBytes(int64(h.Length))
	var fl *flaw
	if err == errEnd || errors.As(err, &fl) {
		return false, nil
	}
	return false, err
}
