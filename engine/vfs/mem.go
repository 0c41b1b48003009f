package vfs

import (
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
)

// Mem is a file system in memory that can be crashed. It is sparse: zeros that were never anything else take no
// memory, so a segment that is zero-filled ahead costs nothing. What was synced is kept a second time; see Crash.
type Mem struct {
	mu     sync.Mutex // guards the tree, ids and locks; never held while a file's own lock is waited for, Crash excepted
	root   *node
	ids    uint64
	locks  map[string]bool
	free   atomic.Uint64
	opened atomic.Int64
}

// node is a file or a directory, whatever its names are.
type node struct {
	id      uint64           // in order of creation: the order in which Pending lists files
	file    *inode           // nil for a directory
	entries map[string]*node // a directory as the process sees it
	disk    map[string]*node // a directory as it would be after a crash
	pending []*dirOp         // what leads from disk to entries, in order
}

// dirOp is one change of names, atomic on its own. Several that were not synced may survive in any combination.
type dirOp struct {
	what string
	sets []dirSet
}

type dirSet struct {
	dir  *node
	name string
	to   *node // nil: the name goes
}

// NewMem returns an empty file system that holds a root directory, under "/" and under ".".
func NewMem() *Mem {
	m := &Mem{locks: map[string]bool{}}
	m.root = m.newDir()
	m.free.Store(math.MaxInt64)
	return m
}

// SetFreeBytes sets what FreeBytes says. Writes are not held to it.
func (m *Mem) SetFreeBytes(bytes uint64) { m.free.Store(bytes) }

// OpenHandles is the number of files and locks that were opened and not closed.
func (m *Mem) OpenHandles() int { return int(m.opened.Load()) }

func (m *Mem) newDir() *node {
	m.ids++
	return &node{id: m.ids, entries: map[string]*node{}, disk: map[string]*node{}}
}

func (m *Mem) newFile() *node {
	m.ids++
	return &node{id: m.ids, file: &inode{}}
}

// parts splits a path below the root.
func parts(path string) []string {
	path = strings.Trim(filepath.ToSlash(filepath.Clean(path)), "/")
	if path == "" || path == "." {
		return nil
	}
	return strings.Split(path, "/")
}

// find is the node at path, or nil.
func (m *Mem) find(path string) *node {
	n := m.root
	for _, name := range parts(path) {
		if n == nil || n.file != nil {
			return nil
		}
		n = n.entries[name]
	}
	return n
}

// place is the directory that holds path's last name, and that name.
func (m *Mem) place(op, path string) (*node, string, error) {
	all := parts(path)
	if len(all) == 0 {
		return nil, "", &fs.PathError{Op: op, Path: path, Err: fs.ErrInvalid}
	}
	dir := m.find(strings.Join(all[:len(all)-1], "/"))
	if dir == nil || dir.file != nil {
		return nil, "", &fs.PathError{Op: op, Path: path, Err: fs.ErrNotExist}
	}
	return dir, all[len(all)-1], nil
}

// change applies names now and remembers them for the disk.
func (m *Mem) change(what string, sets ...dirSet) {
	op := &dirOp{what: what, sets: sets}
	for i, s := range sets {
		s.apply(s.dir.entries)
		if i == 0 || s.dir != sets[0].dir {
			s.dir.pending = append(s.dir.pending, op)
		}
	}
}

func (s dirSet) apply(names map[string]*node) {
	if s.to == nil {
		delete(names, s.name)
		return
	}
	names[s.name] = s.to
}

// Open opens an existing file for reading.
func (m *Mem) Open(path string) (File, error) { return m.open(path, false) }

// OpenReadWrite opens an existing file for reading and writing.
func (m *Mem) OpenReadWrite(path string) (File, error) { return m.open(path, true) }

func (m *Mem) open(path string, writable bool) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.find(path)
	if n == nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	if n.file == nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: syscall.EISDIR}
	}
	return m.handle(path, n.file, writable), nil
}

func (m *Mem) handle(path string, file *inode, writable bool) File {
	m.opened.Add(1)
	return &memFile{mem: m, path: path, inode: file, writable: writable}
}

// Create makes a file that must not exist yet.
func (m *Mem) Create(path string) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir, name, err := m.place("create", path)
	if err != nil {
		return nil, err
	}
	if dir.entries[name] != nil {
		return nil, &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
	}
	n := m.newFile()
	m.change("create "+path, dirSet{dir, name, n})
	return m.handle(path, n.file, true), nil
}

// Rename gives a file or directory another name, replacing a file that had it.
func (m *Mem) Rename(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	fromDir, fromName, err := m.place("rename", from)
	if err != nil {
		return err
	}
	toDir, toName, err := m.place("rename", to)
	if err != nil {
		return err
	}
	n := fromDir.entries[fromName]
	if n == nil {
		return &fs.PathError{Op: "rename", Path: from, Err: fs.ErrNotExist}
	}
	if there := toDir.entries[toName]; there != nil && there.file == nil {
		return &fs.PathError{Op: "rename", Path: to, Err: fs.ErrExist}
	}
	if fromDir == toDir && fromName == toName {
		return nil
	}
	m.change("rename "+from+" to "+to, dirSet{fromDir, fromName, nil}, dirSet{toDir, toName, n})
	return nil
}

// Remove removes a file or an empty directory. Who has a removed file open keeps it.
func (m *Mem) Remove(path string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir, name, err := m.place("remove", path)
	if err != nil {
		return err
	}
	n := dir.entries[name]
	if n == nil {
		return &fs.PathError{Op: "remove", Path: path, Err: fs.ErrNotExist}
	}
	if len(n.entries) > 0 {
		return &fs.PathError{Op: "remove", Path: path, Err: syscall.ENOTEMPTY}
	}
	m.change("remove "+path, dirSet{dir, name, nil})
	return nil
}

// ReadDir lists the names in a directory, ascending.
func (m *Mem) ReadDir(dir string) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.find(dir)
	if n == nil {
		return nil, &fs.PathError{Op: "readdir", Path: dir, Err: fs.ErrNotExist}
	}
	if n.file != nil {
		return nil, &fs.PathError{Op: "readdir", Path: dir, Err: syscall.ENOTDIR}
	}
	return slices.Sorted(maps.Keys(n.entries)), nil
}

// Stat describes a file or directory.
func (m *Mem) Stat(path string) (Info, error) {
	m.mu.Lock()
	n := m.find(path)
	m.mu.Unlock()
	if n == nil {
		return Info{}, &fs.PathError{Op: "stat", Path: path, Err: fs.ErrNotExist}
	}
	if n.file == nil {
		return Info{IsDir: true}, nil
	}
	return Info{Size: n.file.length()}, nil
}

// MkdirAll makes a directory and those above it.
func (m *Mem) MkdirAll(dir string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.root
	for _, name := range parts(dir) {
		if n.file != nil {
			return &fs.PathError{Op: "mkdir", Path: dir, Err: syscall.ENOTDIR}
		}
		if n.entries[name] == nil {
			m.change("mkdir "+name, dirSet{n, name, m.newDir()})
		}
		n = n.entries[name]
	}
	if n.file != nil {
		return &fs.PathError{Op: "mkdir", Path: dir, Err: syscall.ENOTDIR}
	}
	return nil
}

// SyncDir makes the names in a directory durable.
func (m *Mem) SyncDir(dir string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.find(dir)
	if n == nil || n.file != nil {
		return &fs.PathError{Op: "sync directory", Path: dir, Err: fs.ErrNotExist}
	}
	for len(n.pending) > 0 {
		op := n.pending[0]
		for _, s := range op.sets {
			s.apply(s.dir.disk)
			s.dir.pending = slices.DeleteFunc(s.dir.pending, func(p *dirOp) bool { return p == op })
		}
	}
	return nil
}

// Lock takes the lock of path within this Mem.
func (m *Mem) Lock(path string) (io.Closer, error) {
	m.mu.Lock()
	key := strings.Join(parts(path), "/")
	if m.locks[key] {
		m.mu.Unlock()
		return nil, &LockedError{Path: path, PID: os.Getpid()}
	}
	dir, name, err := m.place("lock", path)
	if err != nil {
		m.mu.Unlock()
		return nil, err
	}
	if dir.entries[name] == nil {
		m.change("create "+path, dirSet{dir, name, m.newFile()})
	}
	file := dir.entries[name].file
	m.locks[key] = true
	m.mu.Unlock()
	file.truncate(0)
	file.writeAt(pidText(), 0)
	m.opened.Add(1)
	return &memLock{mem: m, key: key}, nil
}

type memLock struct {
	mem *Mem
	key string
}

func (l *memLock) Close() error {
	l.mem.mu.Lock()
	defer l.mem.mu.Unlock()
	if l.key == "" {
		return fs.ErrClosed
	}
	delete(l.mem.locks, l.key)
	l.key = ""
	l.mem.opened.Add(-1)
	return nil
}

// FreeBytes is what SetFreeBytes said, at first more than anybody needs.
func (m *Mem) FreeBytes(string) (uint64, error) { return m.free.Load(), nil }
