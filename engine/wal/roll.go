package wal

import (
	"path/filepath"

	"episteme/engine/vfs"
)

// wantsNext reports whether it is time to prepare the next segment: the last quarter of this one has begun.
func (w *writer) wantsNext() bool {
	return w.next == nil && w.off > w.log.opts.SegmentBytes/4*3
}

// prepareNext makes the file that will be the next segment, zero-filled, with no header: until it has one and its name,
// it is nothing. The sync of its header is its first.
func (w *writer) prepareNext() error {
	if w.next != nil {
		return nil
	}
	path := filepath.Join(w.log.dir, nextTmpName)
	if err := removeIfThere(w.log.fsys, path); err != nil {
		return w.latch("remove", path, 0, err)
	}
	f, err := w.log.fsys.Create(path)
	if err != nil {
		return w.notPrepared(nil, "create", path, err)
	}
	filled, err := zeroFill(f, 0, min(fillStepBytes, max(w.log.opts.SegmentBytes, SegmentHeaderBytes)))
	if err != nil {
		return w.notPrepared(f, "zero-fill", path, err)
	}
	w.next, w.nextFilled = f, filled
	return nil
}

// notPrepared tells a full disk, which is no harm here, from one that fails.
func (w *writer) notPrepared(f vfs.File, op, path string, err error) error {
	if f != nil {
		f.Close()
	}
	if vfs.IsNoSpace(err) {
		return w.noSpace(err)
	}
	return w.latch(op, path, 0, err)
}

// roll ends this segment and begins the next. The next one is prepared first, so that a full disk is met before
// anything is sealed. After a crash anywhere in here, either the old segment is the last and goes on being written, or
// rolled once more, or the new one is complete.
func (w *writer) roll() error {
	if err := w.prepareNext(); err != nil {
		return err
	}
	if !w.sealed && !w.gap {
		w.layMark(&Mark{Type: MarkSeal})
		if err := w.write(); err != nil {
			return err
		}
	}
	if err := w.file.Truncate(w.off); err != nil {
		return w.latch("truncate", w.path, w.off, err)
	}
	if err := w.file.SyncAll(); err != nil {
		return w.latch("sync", w.path, w.off, err)
	}
	sealedEnd := w.off
	if err := w.file.Close(); err != nil {
		return w.latch("close", w.path, w.off, err)
	}
	w.file = nil
	if err := w.startSegment(w.header.Number+1, w.log.opts.Now().UnixNano()); err != nil {
		return err
	}
	w.log.view.roll(sealedEnd, &segment{header: w.header, path: w.path, end: SegmentHeaderBytes})
	return nil
}

// startSegment gives the prepared file its header and its name, both durable, and goes on in it.
func (w *writer) startSegment(number uint64, created int64) error {
	h := SegmentHeader{Number: number, FirstLSN: w.lsn + 1, Created: created, Log: w.log.id, Chain: w.chain}
	tmp := filepath.Join(w.log.dir, nextTmpName)
	path := filepath.Join(w.log.dir, segmentName(h.FirstLSN))
	var raw [SegmentHeaderBytes]byte
	EncodeSegmentHeader(raw[:], &h)
	if _, err := w.next.WriteAt(raw[:], 0); err != nil {
		return w.latch("write header", tmp, 0, err)
	}
	if err := w.next.SyncAll(); err != nil {
		return w.latch("sync", tmp, 0, err)
	}
	if err := w.log.fsys.Rename(tmp, path); err != nil {
		return w.latch("rename", path, 0, err)
	}
	if err := w.log.fsys.SyncDir(w.log.dir); err != nil {
		return w.latch("sync directory", w.log.dir, 0, err)
	}
	w.file, w.next = w.next, nil
	w.path, w.header, w.filled = path, h, max(w.nextFilled, SegmentHeaderBytes)
	w.place = place{off: SegmentHeaderBytes, lsn: w.lsn, chain: w.chain}
	w.lastOff, w.lastIsMark = 0, false
	return nil
}
