package wal

import (
	"context"
	"errors"
	"iter"

	"episteme/engine/vfs"
)

// DumpLine is one record or mark as it lies there.
type DumpLine struct {
	File   string
	Record Record // a mark's fields too; Header and Payload are valid until the next step
	Mark   *Mark  // nil for a record
}

// Dump yields every record with an LSN of at least from, and the marks among them, in order, from the files as they are:
// no lock is taken and nothing is written, so it works beside a writer and on a damaged journal. Damage is yielded as an
// error with an empty line, and the dump goes on behind it; any other error ends it. What an unfinished last write left
// is not shown. Everything is verified first, so the first line takes as long as Verify does.
func Dump(ctx context.Context, fsys vfs.FS, dir string, from LSN) iter.Seq2[DumpLine, error] {
	return func(yield func(DumpLine, error) bool) {
		in, err := inspect(ctx, fsys, dir, VerifyOptions{})
		if err != nil {
			yield(DumpLine{}, err)
			return
		}
		for i, s := range in.segs {
			if s.first != 0 && s.first <= from {
				continue
			}
			if in.errs[i] != nil {
				yield(DumpLine{}, in.errs[i])
				return
			}
			if s.header != nil && !yield(DumpLine{}, s.header.damaged(s.seg.header.FirstLSN-1)) {
				return
			}
			if !in.dumpSegment(s, from, yield) {
				return
			}
		}
		if in.verdict != nil {
			yield(DumpLine{}, in.verdict)
		}
	}
}

// dumpSegment yields the runs of a segment with what is wrong between them.
func (in *inspection) dumpSegment(s *survey, from LSN, yield func(DumpLine, error) bool) bool {
	f, err := in.log.fsys.Open(s.seg.path)
	if err != nil {
		yield(DumpLine{}, &ReadError{File: s.seg.path, Err: err})
		return false
	}
	defer f.Close()
	flaws := s.flaws
	for _, r := range s.runs {
		for len(flaws) > 0 && flaws[0].off < r.from.off {
			if !yield(DumpLine{}, flaws[0].damaged(in.intact())) {
				return false
			}
			flaws = flaws[1:]
		}
		var c cursor
		c.start(f, s.seg.path, &s.seg.header, r.to.off)
		c.place, c.erased = r.from, in.orderOf
		if !in.dumpRun(&c, from, yield) {
			return false
		}
	}
	for _, fl := range flaws {
		if fl.off < s.size && !yield(DumpLine{}, fl.damaged(in.intact())) {
			return false
		}
	}
	return true
}

func (in *inspection) dumpRun(c *cursor, from LSN, yield func(DumpLine, error) bool) bool {
	var f frame
	for {
		c.headersOnly = c.lsn+1 < from
		err := c.next(&f)
		var fl *flaw
		switch {
		case err == errEnd:
			return true
		case errors.As(err, &fl):
			// It held together when it was surveyed, but for payloads that nobody ordered to be erased.
			if !yield(DumpLine{}, fl.damaged(in.intact())) || !c.skip(&f) {
				return false
			}
		case err != nil:
			yield(DumpLine{}, err)
			return false
		case f.LSN >= from:
			line := DumpLine{File: c.window.path, Record: f.record(c.number)}
			if f.Mark() {
				m := f.mark
				line.Mark = &m
			}
			if !yield(line, nil) {
				return false
			}
		}
	}
}

// skip moves over a record whose payload does not check, trusting its header, which the chain holds.
func (c *cursor) skip(f *frame) bool {
	if f.off != c.off {
		return false
	}
	c.place = place{off: f.end, lsn: f.LSN, chain: f.Chain, inBatch: !f.Last()}
	return true
}

// orderOf is a cursor's erased for a journal whose marks are known.
func (in *inspection) orderOf(_ *cursor, f *frame, _ *flaw) (LSN, error) {
	if m := in.marks[f.LSN]; m.Hash == f.Hash {
		return m.By, nil
	}
	return 0, nil
}
