package wal

import (
	"errors"
	"io"
	"math/bits"

	"episteme/engine/vfs"
)

// readAheadBytes is how much is read at once when that much is there: large enough that the system call vanishes
// beside hashing the bytes (64 KiB of records take about 100 µs to check), small enough for a buffer per reader.
const readAheadBytes = 64 << 10

// window is a sliding buffer over a file that is read mostly forward.
type window struct {
	file  vfs.File
	path  string
	start int64 // offset of buf[0]
	buf   []byte
}

// at returns n bytes at off, valid until the next call. The caller has checked that off+n <= limit; nothing behind
// limit is read. It allocates only when n is more than any n before.
func (w *window) at(off int64, n int, limit int64) ([]byte, error) {
	if in := off - w.start; in >= 0 && in+int64(n) <= int64(len(w.buf)) {
		return w.buf[in : in+int64(n)], nil
	}
	want := int(min(max(int64(n), readAheadBytes), limit-off))
	kept := w.slide(off, want)
	got, err := w.file.ReadAt(w.buf[kept:want], off+int64(kept))
	if got < want-kept {
		w.buf = w.buf[:kept]
		if err == nil || errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF // the size we were told and the bytes there are disagree
		}
		return nil, &ReadError{File: w.path, Offset: off + int64(kept+got), Err: err}
	}
	return w.buf[:n], nil
}

// slide makes buf begin at off with room for want bytes, keeps what it already has of them, and says how much that is.
func (w *window) slide(off int64, want int) (kept int) {
	var old []byte
	if in := off - w.start; in >= 0 && in < int64(len(w.buf)) {
		old = w.buf[in:]
	}
	if cap(w.buf) >= want {
		w.buf = w.buf[:want]
	} else {
		w.buf = make([]byte, want, 1<<bits.Len(uint(want-1)))
	}
	w.start = off
	return copy(w.buf, old)
}

// reset forgets what was read, and keeps the memory.
func (w *window) reset(file vfs.File, path string) {
	w.file, w.path, w.start, w.buf = file, path, 0, w.buf[:0]
}

// allZero reports whether p holds nothing but zeros.
func allZero(p []byte) bool {
	for _, b := range p {
		if b != 0 {
			return false
		}
	}
	return true
}
