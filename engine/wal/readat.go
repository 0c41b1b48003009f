package wal

import (
	"errors"
	"fmt"
	"sync"

	"episteme/engine/vfs"
)

// ReadAt reads the record at a position, into buffers of its own. Everything that a record can be checked by on its
// own is checked: checksum of the log and header, length, LSN within its segment, payload hash, padding; its link to
// the record before it is what a Reader checks. A *PositionError says that no record begins there, or none that is
// durable yet; a *DamagedError that one does and has changed.
func (l *Log) ReadAt(pos Position) (Record, error) {
	l.life.RLock()
	defer l.life.RUnlock()
	if l.closed.Load() {
		return Record{}, ErrClosed
	}
	seg, limit, _ := l.view.segment(pos.Segment)
	if err := checkPosition(pos, seg, limit); err != nil {
		return Record{}, err
	}
	f, err := l.files.take(seg)
	if err != nil {
		return Record{}, err
	}
	defer l.files.give(f)
	buf := make([]byte, frameBytes(int64(pos.Length)))
	if _, err := f.file.ReadAt(buf, pos.Offset); err != nil {
		return Record{}, &ReadError{File: seg.path, Offset: pos.Offset, Err: err}
	}
	return l.checkAt(pos, seg, f.file, limit, buf)
}

func checkPosition(pos Position, seg *segment, limit int64) error {
	bad := func(found, expected string) error { return &PositionError{Pos: pos, Found: found, Expected: expected} }
	switch {
	case seg == nil:
		return bad("no such segment", "a segment of this journal")
	case pos.Offset < SegmentHeaderBytes || pos.Offset%alignBytes != 0:
		return bad(fmt.Sprintf("byte %d", pos.Offset), fmt.Sprintf("a multiple of %d behind the segment's header", alignBytes))
	case pos.Length > MaxPayloadBytes:
		return bad(fmt.Sprintf("%d bytes", pos.Length), fmt.Sprintf("%d at most", MaxPayloadBytes))
	case pos.Offset > limit || frameBytes(int64(pos.Length)) > limit-pos.Offset:
		return bad(fmt.Sprintf("%d durable bytes", limit), "the record in front of there")
	}
	return nil
}

// checkAt makes a record of the frame in buf.
func (l *Log) checkAt(pos Position, seg *segment, file vfs.File, limit int64, buf []byte) (Record, error) {
	h, err := DecodeHeader(buf, &l.id)
	if err != nil {
		return Record{}, l.notThere(pos, seg, file, limit, err)
	}
	if h.Mark() || h.Length != pos.Length || h.LSN < seg.header.FirstLSN {
		return Record{}, &PositionError{Pos: pos, Found: fmt.Sprintf("kind %d, %d bytes, lsn %d", h.Kind, h.Length, h.LSN),
			Expected: fmt.Sprintf("a record of %d bytes with an lsn from %d on", pos.Length, seg.header.FirstLSN)}
	}
	var c cursor
	c.start(file, seg.path, &seg.header, limit)
	c.place, c.erased = place{off: pos.Offset, lsn: h.LSN - 1}, l.erasures.find
	f := frame{Header: h, raw: buf[:HeaderBytes], off: pos.Offset, end: pos.Offset + int64(len(buf))}
	c.window.start, c.window.buf = pos.Offset, buf
	if err := c.readPayload(&f); err != nil {
		return Record{}, verdict(err, h.LSN-1)
	}
	return f.record(pos.Segment), nil
}

// notThere tells a record whose header changed from a position that names none, by going over the headers in front.
func (l *Log) notThere(pos Position, seg *segment, file vfs.File, limit int64, why error) error {
	var c cursor
	c.start(file, seg.path, &seg.header, limit)
	c.headersOnly = true
	var f frame
	for c.off < pos.Offset {
		if err := c.next(&f); err != nil {
			return verdict(err, c.lsn)
		}
	}
	if c.off == pos.Offset {
		return verdict(c.headerFlaw(why), c.lsn)
	}
	return &PositionError{Pos: pos, Found: fmt.Sprintf("the middle of lsn %d", f.LSN), Expected: "the beginning of a record"}
}

// ChainAt is the chain of a record, for comparing with what a store has seen. ErrNoRecord: there is no such record,
// because lsn is 0, behind the end, or in a hole.
func (l *Log) ChainAt(lsn LSN) (Hash, error) {
	l.life.RLock()
	defer l.life.RUnlock()
	if l.closed.Load() {
		return Hash{}, ErrClosed
	}
	return l.chainAt(lsn)
}

func (l *Log) chainAt(lsn LSN) (Hash, error) {
	_, f, err := l.find(lsn)
	return f.Chain, err
}

// find is the header of a durable record, and the segment it is in. The frame has no payload. ErrNoRecord: see ChainAt.
func (l *Log) find(lsn LSN) (*segment, frame, error) {
	seg, at, limit := l.view.locate(lsn)
	none := &PositionError{Pos: Position{Segment: seg.header.Number}, Found: fmt.Sprintf("no lsn %d", lsn), Expected: "a durable record"}
	if lsn == 0 || lsn > LSN(l.view.durable.Load()) {
		return nil, frame{}, none
	}
	file, err := l.fsys.Open(seg.path)
	if err != nil {
		return nil, frame{}, &ReadError{File: seg.path, LSN: lsn, Err: err}
	}
	defer file.Close()
	var c cursor
	c.start(file, seg.path, &seg.header, limit)
	c.place, c.headersOnly = at.place, true
	var f frame
	for {
		if err := c.next(&f); err == errEnd {
			return nil, frame{}, none
		} else if err != nil {
			return nil, frame{}, verdict(err, c.lsn)
		}
		if !f.Mark() && f.LSN == lsn {
			f.raw = nil // of the cursor's window
			return seg, f, nil
		}
	}
}

// fileCache keeps the files that ReadAt reads open.
type fileCache struct {
	log  *Log
	mu   sync.Mutex
	open map[uint64]*cachedFile // by segment number
}

type cachedFile struct {
	file  vfs.File
	users int
}

// cachedFilesMax is how many segments stay open when nobody reads them: 2 GiB of journal; guess.
const cachedFilesMax = 32

// take opens a segment, or finds it open. Give it back.
func (c *fileCache) take(seg *segment) (*cachedFile, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	number := seg.header.Number
	if f := c.open[number]; f != nil {
		f.users++
		return f, nil
	}
	file, err := c.log.fsys.Open(seg.path)
	if err != nil {
		return nil, &ReadError{File: seg.path, Err: err}
	}
	c.shrink()
	if c.open == nil {
		c.open = map[uint64]*cachedFile{}
	}
	f := &cachedFile{file: file, users: 1}
	c.open[number] = f
	return f, nil
}

func (c *fileCache) give(f *cachedFile) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f.users--
}

// shrink closes a file that nobody reads when there are many. Which one does not matter.
func (c *fileCache) shrink() {
	for number, f := range c.open {
		if len(c.open) < cachedFilesMax {
			return
		}
		if f.users == 0 {
			f.file.Close() // was only read
			delete(c.open, number)
		}
	}
}

func (c *fileCache) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var errs []error
	for _, f := range c.open {
		errs = append(errs, f.file.Close())
	}
	c.open = nil
	return errors.Join(errs...)
}

// erasures knows which payloads were zeroed by order. The marks that say so lie behind the records they are about, so
// they are gathered when the first payload differs from its hash: a journal without erasures never pays for them.
type erasures struct {
	log   *Log
	mu    sync.Mutex
	marks map[LSN]Mark
	upTo  point // gathered so far
}

// find is a cursor's erased for readers. The caller holds life.
func (e *erasures) find(_ *cursor, f *frame, _ *flaw) (LSN, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if m, ok := e.marks[f.LSN]; ok && m.Hash == f.Hash {
		return m.By, nil
	}
	if err := e.gather(); err != nil {
		return 0, err
	}
	if e.log.opts.ReadOnly {
		// Whoever writes beside us may have erased it since we looked for the end.
		if err := addErasures(e.log.fsys, e.log.dir, e.log.id, e.marks); err != nil {
			return 0, err
		}
	}
	if m, ok := e.marks[f.LSN]; ok && m.Hash == f.Hash {
		return m.By, nil
	}
	return 0, nil
}

// gather reads all headers since the last time. Where they stop being valid it stops: what is erased behind there is
// then damage to whoever asks, and so it is.
func (e *erasures) gather() error {
	if e.marks == nil {
		e.marks = map[LSN]Mark{}
		e.upTo.number = 1
	}
	for {
		seg, limit, more := e.log.view.segment(e.upTo.number)
		if e.upTo.off == 0 {
			e.upTo = firstPoint(&seg.header)
		}
		stopped, err := e.gatherSegment(seg, limit)
		if err != nil || stopped || !more {
			return err
		}
		e.upTo = point{number: e.upTo.number + 1}
	}
}

func (e *erasures) gatherSegment(seg *segment, limit int64) (stopped bool, err error) {
	file, err := e.log.fsys.Open(seg.path)
	if err != nil {
		return true, &ReadError{File: seg.path, Err: err}
	}
	defer file.Close()
	var c cursor
	c.start(file, seg.path, &seg.header, limit)
	c.place, c.headersOnly = e.upTo.place, true
	var f frame
	for {
		err := c.next(&f)
		e.upTo.place = c.place
		var fl *flaw
		switch {
		case err == errEnd:
			return false, nil
		case errors.As(err, &fl):
			return true, nil
		case err != nil:
			return true, err
		}
		if f.Mark() && f.mark.Type == MarkErasure {
			e.marks[f.mark.Erased] = f.mark
		}
	}
}
