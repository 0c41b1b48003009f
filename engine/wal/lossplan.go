package wal

import (
	"fmt"
	"time"
)

// planner decides what a rebuilt journal looks like. It reads; lossmake.go writes.
type planner struct {
	in   *inspection
	now  func() time.Time
	made []*newSegment
	left LSN // the last record that remains
}

// newSegment is what becomes of one segment, or stands in for one that is missing.
type newSegment struct {
	header SegmentHeader
	path   string
	old    *survey // nil: it was missing
	parts  []part
	zeros  []extent // of the old file: erased by order, and not zero
	whole  LSN      // what is left when the batch that it ends in does not count
	end    place    // behind the last part; off counts in the old file
	change bool     // it is not as it was
}

// part is a stretch of an old segment that is kept as it is, or a hole.
type part struct {
	from, to int64      // of the old file
	hole     *Mark      // nil: bytes
	endsIn   *foundHole // the hole that the bytes end in: one more hole behind it has to swallow it
}

// extent is a stretch of a file.
type extent struct{ from, to int64 }

// refuse names what no rebuild may pass over.
func (p *planner) refuse() error {
	in := p.in
	if first := in.segs[0]; in.log.id == (LogID{}) || in.empty() && first.header != nil {
		// Under another log id nothing checks, and everything would be given up.
		return first.flaw(40, "no log id that a record confirms", "that of the journal: bring back one of its segments from a copy")
	}
	for i, s := range in.segs {
		if in.errs[i] != nil {
			return in.errs[i]
		}
		if s.seg.header.Log != in.log.id {
			return s.flaw(40, fmt.Sprintf("log id %x", s.seg.header.Log[:4]), fmt.Sprintf("log id %x: move it elsewhere", in.log.id[:4]))
		}
		for _, fl := range append([]*flaw{s.header}, s.flaws...) {
			if fl != nil && fl.tooNew {
				return fl.damaged(0)
			}
		}
	}
	for _, err := range []error{in.hint, in.verdict} {
		switch err.(type) {
		case *TooNewError, *ReadError, *LostTailError:
			return err
		}
	}
	return in.judgeWitness()
}

// empty reports whether not one frame was found.
func (in *inspection) empty() bool {
	for _, s := range in.segs {
		if len(s.runs) > 0 {
			return false
		}
	}
	return true
}

// flaw is a verdict on a segment's header.
func (s *survey) flaw(off int64, found, expected string) error {
	return &DamagedError{File: s.seg.path, Offset: off, LSN: s.seg.header.FirstLSN, Found: found, Expected: expected}
}

// judge keeps holes from swallowing the last of what the store remembers: nothing in the journal would tell of it.
func (p *planner) judge(w *Witness) error {
	if w.Log != p.in.log.id || w.Applied <= p.left {
		return nil
	}
	last := p.in.segs[len(p.in.segs)-1]
	return &LostTailError{File: last.seg.path, Offset: p.made[len(p.made)-1].end.off, Last: p.left, Applied: w.Applied, Expected: w.Chain}
}

// plan lays out every segment, so that each ends where the next begins.
func (p *planner) plan() error {
	in, end, number := p.in, place{sealed: true}, uint64(0) // as if a segment 0 had ended well
	var last *newSegment
	for i, s := range in.segs {
		first, chain, missing := p.target(i, end, number)
		if last != nil {
			last.endAt(first, chain)
			end = last.end
		}
		for ; missing > 0; missing-- {
			number++
			stand, err := p.standIn(s, end, number, missing)
			if err != nil {
				return err
			}
			p.made, end = append(p.made, stand), stand.end
		}
		number++
		n, err := p.layOut(s, end, number, chain)
		if err != nil {
			return err
		}
		p.made, last, end = append(p.made, n), n, n.end
	}
	return p.layTail(last)
}

// target is the first LSN and chain that what stands in front of segment i has to lead to, and how many segments are
// missing there. end is where that stands now, number its number.
func (p *planner) target(i int, end place, number uint64) (first LSN, chain Hash, missing uint64) {
	s := p.in.segs[i]
	first, chain = s.seg.header.FirstLSN, s.seg.header.Chain
	if s.header == nil {
		if s.seg.header.Number > number+1 {
			return end.lsn + 1, end.chain, s.seg.header.Number - number - 1
		}
		return first, chain, 0
	}
	// The header has to be made anew: with what stands in front if that is whole, else with what it said, or anything.
	chain = end.chain
	if whole := end.sealed && end.lsn+1 == first; !whole && len(s.raw) == SegmentHeaderBytes {
		chain = Hash(s.raw[64:96])
	}
	return first, chain, 0
}

// standIn is a segment in place of a missing one, of which missing more follow, itself included, in front of s.
func (p *planner) standIn(s *survey, end place, number, missing uint64) (*newSegment, error) {
	lost := s.seg.header.FirstLSN - end.lsn - 1
	if s.seg.header.FirstLSN <= end.lsn || uint64(lost) < missing {
		return nil, s.flaw(16, fmt.Sprintf("segment number %d", s.seg.header.Number),
			fmt.Sprintf("number %d or less, since no more than %d records are missing", number+uint64(lost), lost))
	}
	n := &newSegment{header: SegmentHeader{Number: number, FirstLSN: end.lsn + 1, Created: p.now().UnixNano(), Log: p.in.log.id, Chain: end.chain},
		path: segmentPathIn(p.in.log.dir, end.lsn+1), change: true}
	n.end = firstPoint(&n.header).place
	to, after := n.header.FirstLSN, end.chain // every segment but the last holds one record, for its name's sake
	if missing == 1 {
		to, after = s.seg.header.FirstLSN-1, s.seg.header.Chain
	}
	n.addHole(to, after)
	return n, nil
}

// layOut keeps of a segment what holds together. end is where what stands in front of it leads to, chain what its
// header has to say or says.
func (p *planner) layOut(s *survey, end place, number uint64, chain Hash) (*newSegment, error) {
	n := &newSegment{header: s.seg.header, path: s.seg.path, old: s}
	if s.header != nil {
		n.header.Number, n.header.Chain, n.header.Created, n.change = number, chain, s.created(p.now), true
	}
	switch {
	case n.header.Number != number:
		return nil, s.flaw(16, fmt.Sprintf("segment number %d", n.header.Number), fmt.Sprintf("number %d", number))
	case end.lsn+1 != n.header.FirstLSN || end.chain != n.header.Chain:
		return nil, s.flaw(24, fmt.Sprintf("first lsn %d", n.header.FirstLSN), fmt.Sprintf("lsn %d", end.lsn+1))
	}
	n.end = firstPoint(&n.header).place
	n.zeros = p.toZero(s)
	n.change = n.change || len(n.zeros) > 0
	for _, r := range p.pieces(s) {
		links, stored, err := p.links(s, &r, &n.header)
		if err != nil {
			return nil, err
		}
		if !links || n.end.off != r.from.off {
			n.addHole(r.from.lsn, stored)
		}
		n.parts = append(n.parts, part{from: r.from.off, to: r.to.off, endsIn: r.lastHole()})
		n.end = r.to
		left := r.to.lsn
		if h := r.lastHole(); h != nil {
			left = h.before.lsn
		}
		if left > r.from.lsn { // it is not marks alone
			n.whole = p.left
			if r.whole > r.from.lsn {
				n.whole = r.whole
			}
			p.left = max(p.left, left)
		}
	}
	return n, nil
}

// toZero are the payloads that were erased by order and hold something else now.
func (p *planner) toZero(s *survey) (all []extent) {
	for _, r := range s.runs {
		for _, d := range r.differing {
			if m := p.in.marks[d.LSN]; p.in.erased(&d) && !d.zeros && !p.in.unfinished(&m) {
				all = append(all, extent{d.before.off + HeaderBytes, d.after.off})
			}
		}
	}
	return all
}

// pieces are a segment's runs without the records whose payload changed.
func (p *planner) pieces(s *survey) []run {
	var all []run
	for _, r := range s.runs {
		rest := *r
		for _, d := range r.differing {
			if p.in.erased(&d) {
				continue
			}
			front := rest
			front.to, front.whole, front.holes = d.before, d.whole, nil
			for _, h := range rest.holes {
				if h.before.off < d.before.off {
					front.holes = append(front.holes, h)
				}
			}
			if front.from.off < front.to.off {
				all = append(all, front)
			}
			rest.from, rest.linked = d.after, false
		}
		if rest.from.off < rest.to.off {
			all = append(all, rest)
		}
	}
	return all
}

// lastHole is the hole that a run ends in, nil when it ends otherwise.
func (r *run) lastHole() *foundHole {
	if !r.to.gap || len(r.holes) == 0 {
		return nil
	}
	return &r.holes[len(r.holes)-1]
}

// links reports whether a run goes on from the segment's header, and the chain stored in its first frame.
func (p *planner) links(s *survey, r *run, h *SegmentHeader) (links bool, stored Hash, err error) {
	f, err := p.in.log.fsys.Open(s.seg.path)
	if err != nil {
		return false, stored, &ReadError{File: s.seg.path, Err: err}
	}
	defer f.Close()
	var raw [HeaderBytes]byte
	if _, err := f.ReadAt(raw[:], r.from.off); err != nil {
		return false, stored, &ReadError{File: s.seg.path, Offset: r.from.off, Err: err}
	}
	copy(stored[:], raw[chainedBytes:])
	var hash hasher
	return r.from.off == SegmentHeaderBytes && hash.chain(&h.Chain, raw[:]) == stored, stored, nil
}

// created is a time for a header that has to be made anew.
func (s *survey) created(now func() time.Time) int64 {
	for _, r := range s.runs {
		if r.last.LSN != 0 {
			return r.last.RecordedAt
		}
	}
	return now().UnixNano()
}

// endAt makes a segment lead to a successor that begins with first behind chain.
func (n *newSegment) endAt(first LSN, chain Hash) {
	if n.end.sealed && n.end.lsn+1 == first && n.end.chain == chain {
		n.change = n.change || n.old != nil && n.end.off != n.old.size
		return
	}
	n.addHole(first-1, chain)
}

// layTail ends the journal. What was torn is left for opening to set aside; what is known to have been there and is
// gone leaves a hole.
func (p *planner) layTail(n *newSegment) error {
	in, s := p.in, n.old
	defer func() {
		if n.end.inBatch {
			p.left = n.whole // opening takes a batch without an end for torn
		}
	}()
	if in.verdict == nil && s.header == nil {
		return nil
	}
	known, after := n.end.lsn, n.end.chain
	for _, r := range s.runs {
		known = max(known, r.proven, r.last.LSN)
	}
	if in.end != nil && in.end.nonzero > in.end.good.off {
		proof, err := in.log.findProof(s.seg, in.end)
		if err != nil {
			return err
		}
		if proof != nil {
			known = max(known, proof.Durable)
		}
	}
	if c := in.clean; c != nil && c.Log == in.log.id && c.LSN >= known && c.LSN > n.end.lsn {
		known, after = c.LSN, c.Chain
	}
	if known > n.end.lsn {
		n.addHole(known, after)
	}
	if len(s.flaws) > 0 {
		n.change = true
	}
	return nil
}

// addHole ends what is laid out so far in a hole up to record to, behind which the chain after is stored. Two holes
// cannot follow each other, since a hole's own chain goes on from the one before, which behind a hole is not known: the
// new one swallows the old.
func (n *newSegment) addHole(to LSN, after Hash) {
	n.change = true
	if i := len(n.parts) - 1; i >= 0 {
		switch last := &n.parts[i]; {
		case last.hole != nil:
			n.end.lsn, n.end.chain = last.hole.From-1, last.hole.Before
			n.parts = n.parts[:i]
		case last.endsIn != nil:
			n.end.lsn, n.end.chain = last.endsIn.before.lsn, last.endsIn.before.chain
			last.to, last.endsIn = last.endsIn.before.off, nil
		}
	}
	m := &Mark{Type: MarkHole, From: n.end.lsn + 1, To: to, Before: n.end.chain, After: after}
	n.parts = append(n.parts, part{hole: m})
	n.end = place{off: n.end.off, lsn: to, chain: after, gap: true, sealed: true}
}
