package vfs

import (
	"bytes"
	"io"
	"io/fs"
	"sync"
	"sync/atomic"
)

// SectorBytes is what a disk writes whole or not at all.
const SectorBytes = 512

// pageBytes is the unit of memory: eight sectors, so that one byte says which of them are dirty.
const pageBytes = 8 * SectorBytes

type page [pageBytes]byte

var zeroPage page

// inode is a file's contents, twice: as the process sees them and as a crash would leave them.
type inode struct {
	mu         sync.RWMutex
	size       int64
	pages      []*page // nil: zeros
	diskSize   int64
	disk       []*page
	dirty      []byte // per page, a bit for each sector written since the last sync
	dirtyPages []int  // pages whose byte in dirty is not 0
}

// pageAt is a page of a list, nil when the list is shorter.
func pageAt(list []*page, i int) *page {
	if i < len(list) {
		return list[i]
	}
	return nil
}

// put sets a page of a list, making the list longer when it has to.
func put(list []*page, i int, p *page) []*page {
	for len(list) <= i {
		list = append(list, nil)
	}
	list[i] = p
	return list
}

func (f *inode) length() int64 {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.size
}

func (f *inode) readAt(p []byte, off int64) (int, error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if off >= f.size {
		if len(p) == 0 {
			return 0, nil
		}
		return 0, io.EOF
	}
	want := min(int64(len(p)), f.size-off)
	for done := int64(0); done < want; {
		at := off + done
		in := at % pageBytes
		n := min(want-done, pageBytes-in)
		if pg := pageAt(f.pages, int(at/pageBytes)); pg != nil {
			copy(p[done:done+n], pg[in:])
		} else {
			clear(p[done : done+n])
		}
		done += n
	}
	if want < int64(len(p)) {
		return int(want), io.EOF
	}
	return int(want), nil
}

func (f *inode) writeAt(p []byte, off int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.size = max(f.size, off+int64(len(p)))
	for len(p) > 0 {
		in := int(off % pageBytes)
		n := min(len(p), pageBytes-in)
		f.writePage(int(off/pageBytes), in, p[:n])
		p, off = p[n:], off+int64(n)
	}
}

// writePage writes within one page. Zeros over nothing stay nothing.
func (f *inode) writePage(i, in int, p []byte) {
	pg := pageAt(f.pages, i)
	if pg == nil && bytes.Equal(p, zeroPage[:len(p)]) {
		if pageAt(f.disk, i) != nil {
			f.markDirty(i, in, len(p))
		}
		return
	}
	if pg == nil {
		pg = new(page)
		f.pages = put(f.pages, i, pg)
	}
	copy(pg[in:], p)
	f.markDirty(i, in, len(p))
}

func (f *inode) markDirty(i, in, n int) {
	for len(f.dirty) <= i {
		f.dirty = append(f.dirty, 0)
	}
	if f.dirty[i] == 0 {
		f.dirtyPages = append(f.dirtyPages, i)
	}
	for s := in / SectorBytes; s <= (in+n-1)/SectorBytes; s++ {
		f.dirty[i] |= 1 << s
	}
}

func (f *inode) truncate(size int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for at := size; at < f.size; {
		in := at % pageBytes
		n := min(f.size-at, pageBytes-in)
		if i := int(at / pageBytes); pageAt(f.pages, i) != nil || pageAt(f.disk, i) != nil {
			f.writePage(i, int(in), zeroPage[:n])
		}
		at += n
	}
	f.size = size
}

// sync copies the dirty sectors to the disk.
func (f *inode) sync() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, i := range f.dirtyPages {
		for s := range pageBytes / SectorBytes {
			if f.dirty[i]&(1<<s) != 0 {
				f.disk = copySector(f.disk, i, s, pageAt(f.pages, i))
			}
		}
		f.dirty[i] = 0
	}
	f.dirtyPages = f.dirtyPages[:0]
	f.diskSize = f.size
}

// copySector copies a sector of from (nil: zeros) into a page of a list.
func copySector(list []*page, i, sector int, from *page) []*page {
	to := pageAt(list, i)
	if from == nil {
		from = &zeroPage
	}
	if to == nil {
		to = new(page)
		list = put(list, i, to)
	}
	at := sector * SectorBytes
	copy(to[at:at+SectorBytes], from[at:])
	return list
}

// failSync forgets what was dirty without writing it, as kernels do after an error on writeback: the pages are clean,
// read as written, and no later sync writes them.
func (f *inode) failSync() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, i := range f.dirtyPages {
		f.dirty[i] = 0
	}
	f.dirtyPages = f.dirtyPages[:0]
}

// memFile is an open file of a Mem.
type memFile struct {
	mem      *Mem
	path     string
	inode    *inode
	writable bool
	closed   atomic.Bool
}

func (f *memFile) check(op string, write bool) error {
	if f.closed.Load() {
		return &fs.PathError{Op: op, Path: f.path, Err: fs.ErrClosed}
	}
	if write && !f.writable {
		return &fs.PathError{Op: op, Path: f.path, Err: fs.ErrPermission}
	}
	return nil
}

func (f *memFile) ReadAt(p []byte, off int64) (int, error) {
	if err := f.check("read", false); err != nil {
		return 0, err
	}
	if off < 0 {
		return 0, &fs.PathError{Op: "read", Path: f.path, Err: fs.ErrInvalid}
	}
	return f.inode.readAt(p, off)
}

func (f *memFile) WriteAt(p []byte, off int64) (int, error) {
	if err := f.check("write", true); err != nil {
		return 0, err
	}
	if off < 0 {
		return 0, &fs.PathError{Op: "write", Path: f.path, Err: fs.ErrInvalid}
	}
	f.inode.writeAt(p, off)
	return len(p), nil
}

func (f *memFile) Truncate(size int64) error {
	if err := f.check("truncate", true); err != nil {
		return err
	}
	if size < 0 {
		return &fs.PathError{Op: "truncate", Path: f.path, Err: fs.ErrInvalid}
	}
	f.inode.truncate(size)
	return nil
}

func (f *memFile) Sync() error {
	if err := f.check("sync", false); err != nil {
		return err
	}
	f.inode.sync()
	return nil
}

func (f *memFile) SyncAll() error { return f.Sync() }

func (f *memFile) failSync() { f.inode.failSync() }

func (f *memFile) Size() (int64, error) {
	if err := f.check("stat", false); err != nil {
		return 0, err
	}
	return f.inode.length(), nil
}

func (f *memFile) Close() error {
	if f.closed.Swap(true) {
		return &fs.PathError{Op: "close", Path: f.path, Err: fs.ErrClosed}
	}
	f.mem.opened.Add(-1)
	return nil
}
