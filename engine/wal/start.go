package wal

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
)

// init sets what does not depend on what is found.
func (l *Log) init() {
	l.queue.freed.L = &l.queue.mu
	l.out.log = l
	l.idle.after, l.idle.fire = l.opts.IdleMark, l.onIdle
	l.files.log = l
	l.erasures.log = l
}

// create starts a journal in a directory that holds no segment, unless something says that it once did.
func (l *Log) create(found *listing) (Recovery, error) {
	if l.opts.ReadOnly {
		return Recovery{}, fmt.Errorf("wal: open %s: no segment in it: %w", l.dir, fs.ErrNotExist)
	}
	if w := &l.opts.Witness; w.Log != (LogID{}) && w.Applied > 0 {
		return Recovery{}, &LostTailError{File: l.dir, Applied: w.Applied, Expected: w.Chain}
	}
	if c := found.clean; c != nil && c.LSN > 0 {
		return Recovery{}, &DamagedError{File: filepath.Join(l.dir, segmentName(1)), LSN: 1, Found: "no segment",
			Expected: fmt.Sprintf("a journal that was closed with lsn %d", c.LSN)}
	}
	if err := removeIfThere(l.fsys, filepath.Join(l.dir, cleanName)); err != nil {
		return Recovery{}, fmt.Errorf("wal: create in %s: %w", l.dir, err)
	}
	l.id = l.opts.NewLogID()
	if l.id == (LogID{}) {
		return Recovery{}, errors.New("wal: create: found log id zero, expected 16 random bytes")
	}
	err := syncAbove(l.fsys, l.dir)
	if err == nil {
		err = l.out.prepareNext()
	}
	if err == nil {
		err = l.out.startSegment(1, l.opts.Now().UnixNano())
	}
	if err != nil {
		return Recovery{}, fmt.Errorf("wal: create in %s: %w", l.dir, err)
	}
	l.view.segments = []*segment{{header: l.out.header, path: l.out.path, end: SegmentHeaderBytes}}
	l.view.end = firstPoint(&l.out.header)
	return Recovery{Created: true, Segments: 1}, nil
}

// startReading shows a journal opened read-only up to its last complete batch.
func (l *Log) startReading(found *listing, s *scan, clean bool, damage error) error {
	l.view.damage = damage
	if err := l.show(found, s, clean); err != nil {
		return err
	}
	l.view.proven = min(s.proven, s.good.lsn)
	return nil
}

// startWriting goes on behind the last complete batch, whatever the file's size is.
func (l *Log) startWriting(found *listing, s *scan, clean bool) error {
	if err := l.removeLeftovers(); err != nil {
		return err
	}
	if err := l.show(found, s, clean); err != nil {
		return err
	}
	if s.erasing != nil && !clean {
		if err := l.finishErasure(s.erasing); err != nil {
			return err
		}
	}
	last := found.segments[len(found.segments)-1]
	f, err := l.fsys.OpenReadWrite(last.path)
	if err != nil {
		return fmt.Errorf("wal: open %s for appending: %w", last.path, err)
	}
	w := &l.out
	w.file, w.path, w.header, w.place, w.filled = f, last.path, last.header, s.good, s.size
	w.lastOff, w.head, w.lastIsMark, w.hasClean = s.lastOff, l.view.told.Chain, s.lastIsMark, found.hasClean
	w.lastLSN = l.view.last
	return nil
}

// removeLeftovers removes what an earlier life was making when it ended. None of it is the journal.
func (l *Log) removeLeftovers() error {
	for _, name := range []string{nextTmpName, cleanTmpName, rebuildTmpName} {
		if err := removeIfThere(l.fsys, filepath.Join(l.dir, name)); err != nil {
			return fmt.Errorf("wal: open %s: %w", l.dir, err)
		}
	}
	return nil
}

// show makes all up to the last complete batch readable.
func (l *Log) show(found *listing, s *scan, clean bool) error {
	v := &l.view
	v.segments = found.segments
	last := found.segments[len(found.segments)-1]
	last.end = s.good.off
	v.end = point{last.header.Number, s.good}
	v.proven = s.good.lsn
	v.told.Clean, v.told.Chain, v.last = clean, s.lastChain, s.lastLSN
	if s.lastOff == 0 && s.good.lsn > 0 {
		// The last segment holds no record yet, so the last record is in one before.
		var err error
		if v.last, v.told.Chain, err = l.lastRecord(); err != nil && !l.opts.ReadOnly {
			return err
		}
	}
	v.durable.Store(uint64(v.last))
	return nil
}

// lastRecord finds the last record from the headers, backward by segments: where the journal ends in a hole it is not
// the one before the next LSN. 0: there is none.
func (l *Log) lastRecord() (LSN, Hash, error) {
	v := &l.view
	for i := len(v.segments) - 1; i >= 0; i-- {
		seg, limit, _ := v.segment(v.segments[i].header.Number)
		last, chain, err := l.lastRecordOf(seg, limit)
		if last != 0 || err != nil {
			return last, chain, err
		}
	}
	return 0, Hash{}, nil
}

func (l *Log) lastRecordOf(seg *segment, limit int64) (last LSN, chain Hash, err error) {
	f, err := l.fsys.Open(seg.path)
	if err != nil {
		return 0, Hash{}, &ReadError{File: seg.path, Err: err}
	}
	defer f.Close()
	var c cursor
	c.start(f, seg.path, &seg.header, limit)
	c.headersOnly = true
	var fr frame
	for {
		if err := c.next(&fr); err == errEnd {
			return last, chain, nil
		} else if err != nil {
			return last, chain, verdict(err, c.lsn)
		}
		if !fr.Mark() {
			last, chain = fr.LSN, fr.Chain
		}
	}
}

// Close ends the journal: a mark, CLEAN, and everything it held is released. Waiting readers get ErrClosed, as do
// appends that were not yet being written. A journal that has latched is not marked clean, and Close says so with the
// *LatchedError. Closing a second time is ErrClosed.
func (l *Log) Close() error {
	if !l.queue.close() {
		return ErrClosed
	}
	l.queue.mu.Lock()
	l.idle.stop()
	l.queue.mu.Unlock()
	err := l.queue.latched()
	if err == nil && !l.opts.ReadOnly {
		err = l.markClean()
	}
	return errors.Join(err, l.release())
}

// markClean writes the mark and CLEAN. A full disk is met here at the latest; the journal is then only not clean.
func (l *Log) markClean() error {
	w := &l.out
	if l.view.head().Clean {
		return nil // nothing was appended since
	}
	if w.lastLSN != w.lsn {
		return nil // CLEAN names the last record, and that is in a hole
	}
	if err := w.markEnd(); err != nil {
		return err
	}
	c := Clean{Log: l.id, LSN: w.lsn, Segment: w.header.Number, Offset: w.lastOff, Chain: w.head}
	if w.lastOff == 0 {
		c.Chain = w.header.Chain
	}
	if err := writeClean(l.fsys, l.dir, &c); err != nil {
		return fmt.Errorf("wal: close %s: write CLEAN: %w; all records are durable, the next start only reads more", l.dir, err)
	}
	return nil
}

// release gives back everything, in any state. It waits for readers to be out of their files.
func (l *Log) release() error {
	l.closed.Store(true)
	l.life.Lock()
	defer l.life.Unlock()
	l.view.close()
	errs := []error{l.files.close()}
	if l.out.file != nil {
		errs = append(errs, l.out.file.Close())
		l.out.file = nil
	}
	if l.out.next != nil {
		errs = append(errs, l.out.next.Close(), removeIfThere(l.fsys, filepath.Join(l.dir, nextTmpName)))
		l.out.next = nil
	}
	if l.lock != nil {
		errs = append(errs, l.lock.Close())
		l.lock = nil
	}
	return errors.Join(errs...)
}
