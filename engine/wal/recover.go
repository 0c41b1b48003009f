package wal

import (
	"errors"
	"fmt"
	"path/filepath"

	"episteme/engine/vfs"
)

// scan is what reading the last segment found.
type scan struct {
	good    place // after the last complete batch, or mark behind it
	stop    *flaw // why it ends there; nil when the file does
	size    int64 // of the file
	nonzero int64 // end of the last byte behind good.off that is not 0; good.off when there is none

	records    int
	holes      int
	lastOff    int64 // of the last good record's header; 0 when the segment holds none
	lastLSN    LSN   // of that record
	lastChain  Hash
	lastIsMark bool

	proven     LSN   // the greatest LSN that something read later says was durable
	unprovenAt int64 // what lies behind this offset is whole, and not provably durable

	witnessed *Hash // chain of the record that the store has applied last, when it is in this segment
	cleanSeen bool  // the record that CLEAN names is here, with that chain

	erasing *Mark // the last thing there is: whether it was carried out is not known
}

// recover brings an existing journal up, by the rules of the package comment.
func (l *Log) recover(found *listing) (Recovery, error) {
	rec := Recovery{Segments: len(found.segments)}
	if len(found.segments) == 0 {
		return rec, found.damage
	}
	last := found.segments[len(found.segments)-1]
	l.id = last.header.Log
	s, clean, err := l.readEnd(last, found)
	if err != nil {
		return rec, err
	}
	rec.Clean, rec.Records, rec.Checked, rec.Holes = clean, s.good.lsn, s.records, s.holes
	rec.TornBytes = s.nonzero - s.good.off
	verdict := l.judge(last, s, found)
	if l.opts.ReadOnly {
		rec.Damage, rec.Unproven = verdict, s.good.lsn-min(s.proven, s.good.lsn)
		return rec, l.startReading(found, s, clean, verdict)
	}
	if verdict != nil {
		return rec, verdict
	}
	if err := l.repair(last, s, clean, &rec); err != nil {
		return rec, err
	}
	return rec, l.startWriting(found, s, clean)
}

// readEnd reads the end of the last segment: the last record when CLEAN names it, everything otherwise.
func (l *Log) readEnd(last *segment, found *listing) (*scan, bool, error) {
	f, err := l.fsys.Open(last.path)
	if err != nil {
		return nil, false, &ReadError{File: last.path, Err: err}
	}
	defer f.Close()
	if found.damage == nil && found.clean != nil && found.clean.Log == l.id {
		s, err := l.scanClean(f, last, found.clean)
		if s != nil || err != nil {
			return s, true, err
		}
	}
	if l.opts.ReadOnly {
		s, err := l.scanTwice(f, last, found.clean)
		return s, false, err
	}
	s, err := l.scanSegment(f, last, found.clean)
	return s, false, err
}

// scanTwice reads a last segment that somebody may be writing to.
func (l *Log) scanTwice(f vfs.File, last *segment, clean *Clean) (*scan, error) {
	s, err := l.scanSegment(f, last, clean)
	if err == nil && s.nonzero == s.good.off {
		return s, nil
	}
	// Beside a writer we may have seen the bytes of a batch in the order in which they arrived, or the file cut while
	// we read it. Only what is the same when we look again is judged; where there is more by then, somebody is writing,
	// and what lies behind it is on its way.
	again, err := l.scanSegment(f, last, clean)
	if err == nil && s != nil && again.good.off != s.good.off {
		again.nonzero = again.good.off
	}
	return again, err
}

// scanClean reads what CLEAN names and the marks behind it. Nil and no error: it is not as CLEAN says, and everything
// has to be read.
func (l *Log) scanClean(f vfs.File, seg *segment, clean *Clean) (*scan, error) {
	size, err := f.Size()
	if err != nil {
		return nil, &ReadError{File: seg.path, Err: err}
	}
	if clean.Segment != seg.header.Number || clean.Offset > size {
		return nil, nil
	}
	var c cursor
	c.start(f, seg.path, &seg.header, size)
	if clean.Offset == 0 {
		if clean.Chain != seg.header.Chain || clean.LSN != c.lsn {
			return nil, nil
		}
	} else {
		// Taken up as behind a hole: the stored chain has to be the one CLEAN names.
		c.place = place{off: clean.Offset, lsn: clean.LSN - 1, chain: clean.Chain, gap: true}
	}
	s, err := l.walk(&c, nil)
	if err != nil {
		return nil, err
	}
	atOnce := s.records == 1 || clean.Offset == 0 && s.records == 0
	if !atOnce || s.good.lsn != clean.LSN || s.nonzero > s.good.off {
		return nil, nil
	}
	s.proven, s.unprovenAt, s.cleanSeen = clean.LSN, s.good.off, true
	return s, nil
}

func (l *Log) scanSegment(f vfs.File, seg *segment, clean *Clean) (*scan, error) {
	size, err := f.Size()
	if err != nil {
		return nil, &ReadError{File: seg.path, Err: err}
	}
	var c cursor
	c.start(f, seg.path, &seg.header, size)
	return l.walk(&c, clean)
}

// walk reads from the cursor to the end of what is valid. An error is a read failure: rule 1.
func (l *Log) walk(c *cursor, clean *Clean) (*scan, error) {
	s := &scan{good: c.place, size: c.limit, proven: c.lsn} // unprovenAt 0: the header too, until something proves it
	c.erased = erasedAhead()
	batch := *s // s and what the batch under way adds to it, once that is complete
	var f frame
	for {
		before := c.lsn
		err := c.next(&f)
		if err == errEnd {
			break
		}
		if errors.As(err, &s.stop) {
			break
		}
		if err != nil {
			return nil, err
		}
		batch.add(&f, before, l.opts.Witness, clean)
		if !c.inBatch {
			batch.good = c.place
			*s = batch
		}
	}
	var err error
	s.nonzero, err = lastNonzero(c, s.good.off)
	return s, err
}

// add counts one frame. before is the LSN of the record in front of it.
func (s *scan) add(f *frame, before LSN, witness Witness, clean *Clean) {
	if f.Durable > s.proven {
		s.proven = f.Durable
		// Our writer's headers prove either all that lies in front of them or nothing new. Of any other we would
		// not know where the proven part ends, and only rewrite more than we have to.
		if f.Durable == before {
			s.unprovenAt = f.off
		}
	}
	s.erasing = nil
	if f.Mark() {
		s.lastIsMark = true
		switch f.mark.Type {
		case MarkHole:
			s.holes++
		case MarkErasure:
			mark := f.mark
			s.erasing = &mark
		}
		return
	}
	s.records++
	s.lastOff, s.lastLSN, s.lastChain, s.lastIsMark = f.off, f.LSN, f.Chain, false
	if f.LSN == witness.Applied {
		chain := f.Chain
		s.witnessed = &chain
	}
	if clean != nil && f.LSN == clean.LSN && f.off == clean.Offset && f.Chain == clean.Chain {
		s.cleanSeen = true
	}
}

// judge applies rules 2 to 4. Nil: what lies behind the last complete batch, if anything, was never acknowledged.
func (l *Log) judge(seg *segment, s *scan, found *listing) error {
	torn := s.nonzero > s.good.off
	if torn && s.stop != nil && s.stop.tooNew {
		return s.stop.damaged(s.good.lsn)
	}
	if err := l.judgeLater(seg, s, found); err != nil {
		return err
	}
	if err := l.judgeClean(seg, s, found.clean); err != nil {
		return err
	}
	if torn {
		proof, err := l.findProof(seg, s)
		if err != nil {
			return err
		}
		if proof != nil {
			return s.damaged(seg, fmt.Sprintf("the header of lsn %d at byte %d says that lsn %d was durable before it",
				proof.LSN, proof.off, proof.Durable))
		}
	}
	return l.judgeWitness(seg, s)
}

// damaged is the verdict on where s ends.
func (s *scan) damaged(seg *segment, because string) error {
	e := &DamagedError{File: seg.path, Offset: s.good.off, LSN: s.good.lsn + 1, Found: "nothing but zeros",
		Expected: "a record: " + because, Intact: s.good.lsn}
	if s.stop != nil && s.nonzero > s.good.off {
		e.Offset, e.LSN, e.Found, e.Expected = s.stop.off, s.stop.lsn, s.stop.found, s.stop.expected+": "+because
	}
	return e
}

// judgeLater is the second half of rule 2: in a segment that has a successor nothing can be torn.
func (l *Log) judgeLater(seg *segment, s *scan, found *listing) error {
	if found.damage == nil {
		return nil
	}
	if !s.good.sealed || s.nonzero > s.good.off {
		return s.damaged(seg, "a later segment exists, "+found.later)
	}
	var damaged *DamagedError
	if errors.As(found.damage, &damaged) {
		damaged.Intact = s.good.lsn
	}
	return found.damage
}

// judgeClean is the first half of rule 2: CLEAN is written when all it names is durable, and removed before anything
// is appended behind it.
func (l *Log) judgeClean(seg *segment, s *scan, clean *Clean) error {
	if clean == nil {
		return nil
	}
	bad := func(found, expected string) error {
		return &DamagedError{File: filepath.Join(l.dir, cleanName), LSN: clean.LSN, Found: found, Expected: expected, Intact: s.good.lsn}
	}
	switch {
	case clean.Log != l.id:
		return bad(fmt.Sprintf("log id %x", clean.Log[:4]), fmt.Sprintf("log id %x as in the segments", l.id[:4]))
	case clean.LSN > s.good.lsn:
		return s.damaged(seg, fmt.Sprintf("the journal was closed with lsn %d", clean.LSN))
	case clean.LSN >= seg.header.FirstLSN && !s.cleanSeen:
		return bad(fmt.Sprintf("chain %s at byte %d of segment %d", clean.Chain.short(), clean.Offset, clean.Segment),
			fmt.Sprintf("the place and chain of lsn %d in the journal: its history is another one", clean.LSN))
	}
	return nil
}

// judgeWitness is rule 4. The chain is compared where it is known; where it is not, whoever tails the journal into
// the store compares it (Log.ChainAt).
func (l *Log) judgeWitness(seg *segment, s *scan) error {
	w := &l.opts.Witness
	if w.Log != l.id || w.Applied == 0 {
		return nil
	}
	lost := &LostTailError{File: seg.path, Offset: s.good.off, Last: s.good.lsn, Applied: w.Applied, Expected: w.Chain}
	if w.Applied > s.good.lsn {
		return lost
	}
	if s.witnessed != nil && w.Chain != (Hash{}) && *s.witnessed != w.Chain {
		lost.Found = *s.witnessed
		return lost
	}
	return nil
}

// repair applies rule 5 and makes what is handed out durable. After a clean end there is nothing to do: CLEAN was
// written when all before it was durable.
func (l *Log) repair(seg *segment, s *scan, clean bool, rec *Recovery) error {
	if clean {
		return nil
	}
	f, err := l.fsys.OpenReadWrite(seg.path)
	if err != nil {
		return fmt.Errorf("wal: open %s for repair: %w", seg.path, err)
	}
	defer f.Close()
	if rec.TornBytes > 0 {
		if rec.TornFile, err = l.setAside(f, seg, s); err != nil {
			return err
		}
		if err := zero(f, s.good.off, s.nonzero); err != nil {
			return fmt.Errorf("wal: zero %s from byte %d: %w", seg.path, s.good.off, err)
		}
	}
	// An earlier life may have left this in the page cache only, and its sync may have failed: the pages would then be
	// clean, and a sync alone would write nothing.
	rec.Rewritten = s.good.off - s.unprovenAt
	if err := rewrite(f, seg.path, s.unprovenAt, s.good.off); err != nil {
		return err
	}
	if err := f.SyncAll(); err != nil {
		return fmt.Errorf("wal: sync %s after recovery: %w; the journal was not opened, open it again", seg.path, err)
	}
	if err := l.fsys.SyncDir(l.dir); err != nil {
		return fmt.Errorf("wal: sync %s after recovery: %w; the journal was not opened, open it again", l.dir, err)
	}
	return nil
}

// setAside copies the torn tail to a file of its own, durably, before it is zeroed.
func (l *Log) setAside(f vfs.File, seg *segment, s *scan) (string, error) {
	tail := make([]byte, s.nonzero-s.good.off)
	if _, err := f.ReadAt(tail, s.good.off); err != nil {
		return "", &ReadError{File: seg.path, Offset: s.good.off, LSN: s.good.lsn + 1, Err: err}
	}
	for ns := l.opts.Now().UnixNano(); ; ns++ {
		path := fmt.Sprintf("%s.torn-%d", seg.path, ns)
		if _, err := l.fsys.Stat(path); err == nil {
			continue // an earlier recovery at the same moment, or one that was cut short: keep both
		}
		if err := writeFile(l.fsys, path, tail); err != nil {
			return "", fmt.Errorf("wal: set aside %d torn bytes of %s as %s: %w; nothing was changed", len(tail), seg.path, path, err)
		}
		if err := l.fsys.SyncDir(l.dir); err != nil {
			return "", fmt.Errorf("wal: sync %s: %w; nothing was changed", l.dir, err)
		}
		return path, nil
	}
}

// copyBytes is how much is rewritten or zeroed at once.
const copyBytes = 1 << 20

func zero(f vfs.File, from, to int64) error {
	zeros := make([]byte, min(copyBytes, to-from))
	for from < to {
		n := min(int64(len(zeros)), to-from)
		if _, err := f.WriteAt(zeros[:n], from); err != nil {
			return err
		}
		from += n
	}
	return nil
}

// rewrite writes what is there over itself, so that the next sync writes it whatever became of the last one.
func rewrite(f vfs.File, path string, from, to int64) error {
	buf := make([]byte, min(copyBytes, to-from))
	for from < to {
		n := min(int64(len(buf)), to-from)
		if _, err := f.ReadAt(buf[:n], from); err != nil {
			return &ReadError{File: path, Offset: from, Err: err}
		}
		if _, err := f.WriteAt(buf[:n], from); err != nil {
			return fmt.Errorf("wal: rewrite %s at byte %d: %w; the journal was not opened, open it again", path, from, err)
		}
		from += n
	}
	return nil
}
