package wal

import (
	"fmt"
	"path/filepath"
	"time"

	"episteme/engine/vfs"
)

// writer is the end of the journal that grows. It belongs to whoever leads the queue.
type writer struct {
	log    *Log
	file   vfs.File
	path   string
	header SegmentHeader
	place        // after the last durable header; sealed or gap: the segment takes nothing more
	filled int64 // the file is zero-filled up to here: its size
	limit  int64 // what makeReady prepared: no record goes past it

	lastOff    int64 // of the last record's header in this segment; 0 when it holds none
	head       Hash  // chain of the last record, whatever segment it is in
	lastLSN    LSN   // of that record: lsn, or less behind a hole
	lastIsMark bool  // what stands last in this segment is a mark
	hasClean   bool  // CLEAN is there and has to go before anything is appended

	buf   []byte // the group being written
	after place  // where we are once it is durable
	last  int64  // offset in buf of its last record's header, -1 when it holds none

	next       vfs.File // the prepared next segment, zeros only; nil when there is none yet
	nextFilled int64
}

// fillStepBytes is how far ahead a segment is zero-filled, so that a sync of records changes no metadata: 1.4 times
// the single appends, 3.6 times at 1 MiB. Filling in steps, each together with the records that reach it, keeps small
// journals small and no append waits for 64 MiB.
const fillStepBytes = 1 << 20

// keepBytes is how large a buffer may be and still be kept for the next group.
const keepBytes = maxGroupBytes

func (w *writer) latch(op, path string, off int64, err error) error {
	return &LatchedError{Op: op, File: path, Offset: off, Durable: w.lsn, Err: err}
}

// makeReady prepares for a batch of first bytes, and for all bytes if that is easy. A *NoSpaceError leaves the journal
// as it was.
func (w *writer) makeReady(first, all int64) error {
	if err := w.checkReserve(); err != nil {
		return err
	}
	if err := w.removeClean(); err != nil {
		return err
	}
	if w.full(first) {
		if err := w.roll(); err != nil {
			return err
		}
	}
	end := max(w.log.opts.SegmentBytes-sealFrameBytes, w.off+first)
	if err := w.fill(min(w.off+max(first, min(all, maxGroupBytes)), end)); err != nil {
		return err
	}
	w.limit = min(end, w.filled)
	return nil
}

// room is how much can be written now.
func (w *writer) room() int64 { return w.limit - w.off }

// full reports whether a batch of n bytes has to go to a new segment. A segment without a record takes any batch: a
// new one would have the same name.
func (w *writer) full(n int64) bool {
	if w.sealed || w.gap {
		return true
	}
	return w.lastOff != 0 && w.off+n+sealFrameBytes > w.log.opts.SegmentBytes
}

func (w *writer) checkReserve() error {
	reserve := w.log.opts.ReserveBytes
	if reserve < 0 {
		return nil
	}
	free, err := w.log.fsys.FreeBytes(w.log.dir)
	switch {
	case err != nil: // of a directory that was removed, for example
		return fmt.Errorf("wal: append in %s: find out how much room there is: %w; nothing was written", w.log.dir, err)
	case free < uint64(reserve):
		return &NoSpaceError{Dir: w.log.dir, Free: free, Reserve: uint64(reserve)}
	}
	return nil
}

// removeClean makes sure that CLEAN never names less than there is.
func (w *writer) removeClean() error {
	if !w.hasClean {
		return nil
	}
	path := filepath.Join(w.log.dir, cleanName)
	if err := removeIfThere(w.log.fsys, path); err != nil {
		return w.latch("remove", path, 0, err)
	}
	if err := w.log.fsys.SyncDir(w.log.dir); err != nil {
		return w.latch("sync directory", w.log.dir, 0, err)
	}
	w.hasClean = false
	return nil
}

// fill zero-fills at least up to to. It is not synced: the sync of the records that need it does that. Running out of
// space here is no harm, since no record was touched; it is tried again from the same place.
func (w *writer) fill(to int64) error {
	if to <= w.filled {
		return nil
	}
	target := max(to, min((to+fillStepBytes-1)/fillStepBytes*fillStepBytes, w.log.opts.SegmentBytes))
	filled, err := zeroFill(w.file, w.filled, target)
	w.filled = filled
	if vfs.IsNoSpace(err) {
		return w.noSpace(err)
	}
	if err != nil {
		return w.latch("zero-fill", w.path, filled, err)
	}
	return nil
}

// noSpace is what a full disk says before any byte of a record was written.
func (w *writer) noSpace(err error) error {
	free, statErr := w.log.fsys.FreeBytes(w.log.dir)
	if statErr != nil {
		free = 0
	}
	return &NoSpaceError{Dir: w.log.dir, Free: free, Reserve: uint64(max(w.log.opts.ReserveBytes, 0)), Err: err}
}

// zeroFill writes zeros and says how far it came.
func zeroFill(f vfs.File, from, to int64) (int64, error) {
	for from < to {
		n := min(int64(len(zeros)), to-from)
		if _, err := f.WriteAt(zeros[:n], from); err != nil {
			return from, err
		}
		from += n
	}
	return from, nil
}

// encode lays a group out behind what is there. Nothing counts until commit.
func (w *writer) encode(group []*waiter) {
	w.begin()
	durable := w.lsn
	for _, b := range group {
		at := w.log.opts.Now().UnixNano()
		b.receipt = Receipt{First: w.after.lsn + 1, Last: w.after.lsn + LSN(len(b.entries)), RecordedAt: at}
		for i := range b.entries {
			h := Header{Kind: b.entries[i].Kind, Length: uint32(len(b.entries[i].Payload)), LSN: w.after.lsn + 1,
				Durable: durable, RecordedAt: at, Hash: b.hashes[i]}
			if i == len(b.entries)-1 {
				h.Flags = FlagLast
			}
			w.after.lsn++
			w.last = int64(len(w.buf))
			w.add(&h, b.entries[i].Payload)
		}
	}
}

func (w *writer) begin() {
	if cap(w.buf) > keepBytes {
		w.buf = nil
	}
	w.buf, w.after, w.last = w.buf[:0], w.place, -1
}

// add appends one frame to the group.
func (w *writer) add(h *Header, payload []byte) {
	at := len(w.buf)
	total := int(frameBytes(int64(len(payload))))
	w.grow(total)
	frame := w.buf[at : at+total]
	w.after.chain = EncodeHeader(frame, &w.log.id, &w.after.chain, h)
	n := copy(frame[HeaderBytes:], payload)
	clear(frame[HeaderBytes+n:])
	w.after.off += int64(total)
}

// grow makes buf n bytes longer, with whatever was there before.
func (w *writer) grow(n int) {
	need := len(w.buf) + n
	if need > cap(w.buf) {
		bigger := make([]byte, len(w.buf), max(need, 2*cap(w.buf), minBufBytes))
		copy(bigger, w.buf)
		w.buf = bigger
	}
	w.buf = w.buf[:need]
}

const minBufBytes = 4 << 10 // a few records; guess

// commit writes what encode laid out, syncs it and shows it to readers.
func (w *writer) commit() error {
	if err := w.write(); err != nil {
		return err
	}
	w.log.view.publish(point{w.header.Number, w.place}, w.lastLSN, w.head)
	return nil
}

// write writes and syncs the group, and moves behind it when both returned nil: only then is anything durable.
func (w *writer) write() error {
	if _, err := w.file.WriteAt(w.buf, w.off); err != nil {
		return w.latch("write", w.path, w.off, err)
	}
	began := time.Now() // not opts.Now, which says when records were taken: this is how long a disk takes
	err := w.file.Sync()
	w.log.syncs.add(time.Since(began))
	if err != nil {
		return w.latch("sync", w.path, w.off, err)
	}
	if w.last >= 0 {
		w.lastOff, w.lastLSN = w.off+w.last, w.after.lsn
		copy(w.head[:], w.buf[w.last+chainedBytes:w.last+HeaderBytes])
	}
	w.lastIsMark = w.last < 0
	w.place = w.after
	w.filled = max(w.filled, w.off)
	return nil
}

// layMark lays out one idle, seal or erasure mark as a group of its own.
func (w *writer) layMark(m *Mark) {
	w.begin()
	var payload [erasureMarkBytes]byte
	mark := AppendMark(payload[:0], m)
	var hash hasher
	w.add(&Header{Kind: KindMark, Flags: FlagLast, Length: uint32(len(mark)), LSN: w.lsn, Durable: w.lsn,
		RecordedAt: w.log.opts.Now().UnixNano(), Hash: hash.sum(mark)}, mark)
	w.after.sealed = m.Type == MarkSeal
}

// markEnd writes an idle mark where one says something new and there is room for it beside the seal.
func (w *writer) markEnd() error {
	if w.lastOff == 0 || w.lastIsMark || w.sealed || w.gap || w.off+2*sealFrameBytes > w.log.opts.SegmentBytes {
		return nil
	}
	if err := w.fill(w.off + sealFrameBytes); err != nil {
		return err
	}
	w.layMark(&Mark{Type: MarkIdle})
	return w.commit()
}
