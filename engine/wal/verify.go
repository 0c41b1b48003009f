package wal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"episteme/engine/vfs"
)

// VerifyOptions are how a journal is verified. The zero value is right.
type VerifyOptions struct {
	Workers  int                  // segments that are read at once; 0: as many as there are processors
	Progress func(VerifyProgress) // told now and then, by one goroutine at a time; may be nil
	Witness  Witness              // what the store has seen, for recovery rule 4; the zero value is not compared
}

// VerifyProgress is how far a verification has come.
type VerifyProgress struct {
	Done, Total int64 // bytes of segments
}

// Report is what Verify found. A journal is whole when Problems is empty; holes and erasures were ordered by somebody
// and are told, not held against it.
type Report struct {
	Log      LogID
	Segments int
	Records  int    // that can be read, erased ones included
	Marks    int    // the journal's own
	Bytes    int64  // of all segments, up to their last frame
	Lost     uint64 // records in holes

	Erasures []Erasure // payloads zeroed by order, ascending by LSN
	Holes    []Hole    // what earlier rebuilds gave up, ascending by LSN
	Problems []Problem // ascending by file and offset

	Head      Head  // LSN and chain to compare with a copy of them elsewhere
	TornBytes int64 // of an unfinished last write, which opening sets aside: no problem
}

// Whole reports whether nothing is wrong.
func (r *Report) Whole() bool { return len(r.Problems) == 0 }

// Erasure says that the payload of a record was zeroed because a later record says so.
type Erasure struct {
	LSN, By LSN
	Hash    Hash // of the payload that is gone
}

// Hole stands in place of what could not be read when the journal was rebuilt.
type Hole struct {
	File          string
	Offset        int64 // of its mark
	From, To      LSN   // records that are lost; To = From-1 when only marks are
	Before, After Hash  // chain in front of it, and the first chain stored behind it
}

// Records is how many records a hole swallowed.
func (h *Hole) Records() uint64 { return uint64(h.To + 1 - h.From) }

// Problem is one thing that is not as it was written.
type Problem struct {
	File     string
	Offset   int64
	LSN      LSN // of the record that should be there; 0 when it is not known
	Found    string
	Expected string
	Advice   string // what to do
	Err      error  // matches ErrDamaged, ErrTooNew, ErrRead or ErrLostTail
}

// String is one line for people.
func (p *Problem) String() string {
	return fmt.Sprintf("%s at byte %d (lsn %d): found %s, expected %s - %s", p.File, p.Offset, p.LSN, p.Found, p.Expected, p.Advice)
}

// Verify reads everything and checks all that can be checked, segments side by side: each knows from its header which
// chain it goes on from. It writes nothing, takes no lock, works beside a writer, and goes on behind damage to find more.
//
// An error means that nothing could be checked: there is no journal (fs.ErrNotExist), the directory does not answer, or
// ctx ended. What is wrong with the journal is in the report.
func Verify(ctx context.Context, fsys vfs.FS, dir string, opts VerifyOptions) (Report, error) {
	in, err := inspect(ctx, fsys, dir, opts)
	if err != nil {
		return Report{}, err
	}
	r := Report{Log: in.log.id, Segments: len(in.segs), TornBytes: in.torn}
	for i, s := range in.segs {
		r.count(in, i)
		if s.header != nil {
			r.add(s.header.damaged(s.seg.header.FirstLSN - 1))
		} else if err := in.joins(i); err != nil {
			r.add(err)
		}
		for _, fl := range s.flaws {
			r.add(fl.damaged(in.intact()))
		}
		r.add(in.errs[i])
	}
	r.add(in.hint)
	r.add(in.verdict)
	r.add(in.judgeWitness())
	r.tidy()
	in.head(&r)
	return r, nil
}

// count adds what a segment holds, and the payloads in it that nobody ordered to be erased.
func (r *Report) count(in *inspection, i int) {
	s := in.segs[i]
	r.Bytes += SegmentHeaderBytes
	for _, run := range s.runs {
		r.Records, r.Marks = r.Records+run.records, r.Marks+run.marks
		r.Bytes += run.to.off - run.from.off
		for _, h := range run.holes {
			r.Holes, r.Lost = append(r.Holes, h.Hole), r.Lost+h.Records()
		}
		for _, d := range run.differing {
			m := in.marks[d.LSN]
			if !in.erased(&d) {
				r.Records--
				r.add(d.why.damaged(in.intact()))
				continue
			}
			r.Erasures = append(r.Erasures, Erasure{LSN: d.LSN, By: m.By, Hash: m.Hash})
			if !d.zeros && !in.unfinished(&m) {
				r.add(&DamagedError{File: s.seg.path, Offset: d.before.off, LSN: d.LSN, Found: "bytes in a payload that was erased",
					Expected: fmt.Sprintf("zeros, as lsn %d ordered", m.By), Intact: in.intact()})
			}
		}
	}
}

// unfinished reports whether an erasure is the last thing there is, and nothing says that it was done: opening for
// writing carries it out again.
func (in *inspection) unfinished(m *Mark) bool {
	s := in.segs[len(in.segs)-1]
	if len(s.runs) == 0 || in.clean != nil {
		return false
	}
	last := s.runs[len(s.runs)-1]
	return last.endsIn == MarkErasure && last.erasures[len(last.erasures)-1] == *m
}

// joins checks that a segment follows the one before it.
func (in *inspection) joins(i int) error {
	s := in.segs[i]
	var err error
	switch {
	case i == 0:
		err = follows(s.seg, nil, place{})
	case in.segs[i-1].header != nil:
		return nil
	default:
		before := in.segs[i-1]
		end, whole := before.end()
		if !whole || in.errs[i-1] != nil {
			end = place{lsn: s.seg.header.FirstLSN - 1, chain: s.seg.header.Chain} // told already
		} else if !end.sealed {
			return &DamagedError{File: before.seg.path, Offset: end.off, LSN: end.lsn + 1, Found: "no seal at its end",
				Expected: "one, since a later segment exists", Intact: end.lsn}
		}
		err = follows(s.seg, before.seg, end)
	}
	return verdict(err, in.intact())
}

// end is where a segment's last run ends, and whether that is its end.
func (s *survey) end() (end place, whole bool) {
	end = firstPoint(&s.seg.header).place
	if len(s.runs) > 0 {
		end = s.runs[len(s.runs)-1].to
	}
	return end, end.off == s.size
}

// intact is the last record that opening read-only would show.
func (in *inspection) intact() LSN {
	for i, s := range in.segs {
		if s.header != nil || in.errs[i] != nil || len(s.flaws) == 0 {
			continue
		}
		if len(s.runs) > 0 && s.runs[0].linked {
			return s.runs[0].to.lsn
		}
		return s.seg.header.FirstLSN - 1
	}
	if end, _ := in.segs[len(in.segs)-1].end(); end.lsn > 0 {
		return end.lsn
	}
	return 0
}

// judgeWitness compares the chain that the store has seen where opening, which reads the last segment only, cannot.
func (in *inspection) judgeWitness() error {
	w := &in.log.opts.Witness
	if w.Log != in.log.id || w.Chain == (Hash{}) {
		return nil
	}
	for _, s := range in.segs[:len(in.segs)-1] {
		if s.witnessed != nil && *s.witnessed != w.Chain {
			end, _ := in.segs[len(in.segs)-1].end()
			return &LostTailError{File: s.seg.path, Last: end.lsn, Applied: w.Applied, Found: *s.witnessed, Expected: w.Chain}
		}
	}
	return nil
}

// head tells where the journal ends.
func (in *inspection) head(r *Report) {
	last := in.segs[len(in.segs)-1]
	end, _ := last.end()
	r.Head = Head{Log: in.log.id, Segment: last.seg.header.Number, Offset: end.off, ReadOnly: true}
	if in.end != nil {
		r.Head.Durable = max(in.end.proven, last.seg.header.FirstLSN-1)
		r.Head.Clean = in.clean != nil && in.clean.LSN == end.lsn && in.verdict == nil
	}
	for _, s := range in.segs {
		for _, run := range s.runs {
			if run.last.LSN != 0 {
				r.Head.Last, r.Head.Chain = run.last.LSN, run.last.Chain
			}
			r.Head.Durable = max(r.Head.Durable, run.proven)
		}
	}
	if r.Head.Durable = min(r.Head.Durable, r.Head.Last); r.Head.Clean {
		r.Head.Durable = r.Head.Last
	}
	if len(r.Problems) > 0 {
		r.Head.Damage = r.Problems[0].Err
	}
}

// add notes a problem; nil is none.
func (r *Report) add(err error) {
	if err != nil {
		r.Problems = append(r.Problems, problemOf(err))
	}
}

// tidy puts problems in order and leaves out what two rules say of the same place.
func (r *Report) tidy() {
	slices.SortStableFunc(r.Problems, func(a, b Problem) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Offset, b.Offset))
	})
	r.Problems = slices.CompactFunc(r.Problems, func(a, b Problem) bool { return a.File == b.File && a.Offset == b.Offset })
}

// problemOf is an error as a problem.
func problemOf(err error) Problem {
	p := Problem{Err: err, Found: err.Error(), Expected: "to read it"}
	var damaged *DamagedError
	var lost *LostTailError
	var tooNew *TooNewError
	var read *ReadError
	switch {
	case errors.As(err, &damaged):
		p.File, p.Offset, p.LSN, p.Found, p.Expected = damaged.File, damaged.Offset, damaged.LSN, damaged.Found, damaged.Expected
		p.Advice = "bring back the file from a copy, or give up what is lost with \"episteme rebuild --accept-loss\""
	case errors.As(err, &lost):
		p.File, p.Offset, p.LSN = lost.File, lost.Offset, lost.Applied
		p.Found, p.Expected = lost.found(), fmt.Sprintf("lsn %d with chain %s, which the store has applied", lost.Applied, lost.Expected.short())
		p.Advice = "bring back the journal from a copy; the store is the last witness, so do not rebuild it from this journal"
	case errors.As(err, &tooNew):
		p.File, p.Offset, p.LSN, p.Found = tooNew.File, tooNew.Offset, tooNew.LSN, tooNew.Found
		p.Expected = fmt.Sprintf("format version %d", formatVersion)
		p.Advice = "use the version of episteme that wrote it, or a later one"
	case errors.As(err, &read):
		p.File, p.Offset, p.LSN, p.Found = read.File, read.Offset, read.LSN, read.Err.Error()
		p.Expected = "the bytes there"
		p.Advice = "check the disk and the kernel's log, and copy the directory away"
	}
	return p
}
