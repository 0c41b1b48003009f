package wal

import (
	"context"
	"errors"
	"fmt"
)

// Erase zeroes the payload of record target in place, for good, because the later record by says so. What by says is
// for the caller to have written; the journal only sees to it that it is durable. Header, hash and chain of the target
// stay, so everything else can still be checked, and readers get it with Record.Erased = by and no payload.
//
// Once Erase has returned nil the zeros are durable. After a crash either nothing has happened, or the next Open for
// writing finishes it. A record that is erased already keeps its order, and is zeroed again where something else than zeros is
// found; that is no error.
//
// What it does not reach: copies that a recovery or rebuild set aside, backups, the blocks that a file system or disk
// keeps behind a file's back. The hash stays too, so a payload that can be guessed can still be confirmed.
//
// Errors, beside those of Append: ErrNoRecord where target or by is no durable record, or by is not the later one;
// *DamagedError where the payload is not what was written: that is to be found out, not covered up.
func (l *Log) Erase(ctx context.Context, target, by LSN) error {
	if l.opts.ReadOnly {
		return ErrReadOnly
	}
	if err := ctx.Err(); err != nil {
		return cancelled(err)
	}
	e, err := l.erasable(target, by)
	if err != nil || e.announced && e.zeros {
		return err
	}
	w := l.queue.get()
	w.bytes = frameBytes(erasureMarkBytes)
	w.job = func() error { return l.out.erase(e) }
	_, err = l.enqueue(ctx, w)
	return err
}

// erasure is a payload to be erased.
type erasure struct {
	seg       *segment
	frame     frame
	mark      Mark
	announced bool // there is a mark for it
	zeros     bool // nothing but zeros is there
}

// erasable finds the target and checks that it can be erased.
func (l *Log) erasable(target, by LSN) (*erasure, error) {
	l.life.RLock()
	defer l.life.RUnlock()
	if l.closed.Load() {
		return nil, ErrClosed
	}
	if by <= target {
		return nil, fmt.Errorf("wal: erase lsn %d by order of lsn %d: expected the order behind it: %w", target, by, ErrNoRecord)
	}
	if _, _, err := l.find(by); err != nil {
		return nil, fmt.Errorf("wal: erase lsn %d: its order: %w", target, err)
	}
	seg, f, err := l.find(target)
	if err != nil {
		return nil, fmt.Errorf("wal: erase: %w", err)
	}
	file, err := l.files.take(seg)
	if err != nil {
		return nil, err
	}
	defer l.files.give(file)
	buf := make([]byte, f.end-f.off)
	if _, err := file.file.ReadAt(buf, f.off); err != nil {
		return nil, &ReadError{File: seg.path, Offset: f.off, LSN: target, Err: err}
	}
	pos := Position{Segment: seg.header.Number, Offset: f.off, Length: f.Length}
	rec, err := l.checkAt(pos, seg, file.file, f.end, buf)
	return &erasure{seg: seg, frame: f, mark: Mark{Type: MarkErasure, Erased: target, By: by, Hash: f.Hash},
		announced: rec.Erased != 0, zeros: allZero(buf[HeaderBytes:])}, err
}

// erase announces an erasure and carries it out, before anything else is written: so only the last mark of a journal
// can ever be one whose payload is still there.
func (w *writer) erase(e *erasure) error {
	if !e.announced {
		w.layMark(&e.mark)
		if err := w.commit(); err != nil {
			return err
		}
	}
	if op, err := w.log.zeroPayload(e.seg.path, &e.frame); err != nil {
		return w.latch(op, e.seg.path, e.frame.off, err)
	}
	return nil
}

// zeroPayload zeroes a payload and syncs that. On failure it says at what.
func (l *Log) zeroPayload(path string, f *frame) (op string, err error) {
	file, err := l.fsys.OpenReadWrite(path)
	if err != nil {
		return "open for erasure", err
	}
	defer file.Close() // synced below, or failed already
	from := f.off + HeaderBytes
	if err := zero(file, from, from+int64(f.Length)); err != nil {
		return "erase", err
	}
	return "sync of erasure", file.Sync()
}

// finishErasure carries out what an earlier life announced last. It is done again also where the zeros are there: that
// life may have left them in the page cache only. Damage in front of the record means that the journal is not fit to be
// written, and is the error.
func (l *Log) finishErasure(m *Mark) error {
	seg, f, err := l.find(m.Erased)
	if errors.Is(err, ErrNoRecord) {
		return nil // it was lost, and a hole is there in its place
	}
	if err != nil {
		return fmt.Errorf("wal: open %s: finish the erasure of lsn %d by order of lsn %d: %w", l.dir, m.Erased, m.By, err)
	}
	if f.Hash != m.Hash {
		return &DamagedError{File: seg.path, Offset: f.off, LSN: m.Erased, Found: "payload hash " + f.Hash.short(), Intact: m.Erased - 1,
			Expected: fmt.Sprintf("payload hash %s, which lsn %d ordered to be erased", m.Hash.short(), m.By)}
	}
	if op, err := l.zeroPayload(seg.path, &f); err != nil {
		return fmt.Errorf("wal: open %s: %s of lsn %d in %s: %w; open it again", l.dir, op, m.Erased, seg.path, err)
	}
	return nil
}
