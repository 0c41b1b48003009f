package vfs

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
)

// OpKind names an operation that a plan may fail.
type OpKind uint8

const (
	OpOpen OpKind = iota + 1
	OpCreate
	OpRead
	OpWrite
	OpTruncate
	OpSync    // Sync and SyncAll
	OpSyncDir // a directory
	OpRename
	OpRemove
	OpReadDir
	OpStat
	OpMkdir
	OpLock
	OpFree
)

var opNames = [...]string{OpOpen: "open", OpCreate: "create", OpRead: "read", OpWrite: "write", OpTruncate: "truncate",
	OpSync: "sync", OpSyncDir: "sync directory", OpRename: "rename", OpRemove: "remove", OpReadDir: "readdir",
	OpStat: "stat", OpMkdir: "mkdir", OpLock: "lock", OpFree: "free bytes"}

func (k OpKind) String() string {
	if int(k) < len(opNames) && opNames[k] != "" {
		return opNames[k]
	}
	return fmt.Sprintf("operation %d", uint8(k))
}

// Changes reports whether an operation can change what a crash leaves behind.
func (k OpKind) Changes() bool {
	switch k {
	case OpCreate, OpWrite, OpTruncate, OpSync, OpSyncDir, OpRename, OpRemove, OpMkdir:
		return true
	}
	return false
}

// Op is one operation about to happen.
type Op struct {
	N      int // its number, from 1, since the plan was set
	Kind   OpKind
	Path   string
	Offset int64 // reads, writes, truncates
	Bytes  int   // reads and writes
}

// Plan decides what becomes of an operation: nil lets it through, an error is returned in its place and nothing
// happens, except that a *ShortError lets the first bytes of a write through and that a failed sync of a Mem leaves
// its pages clean and unwritten, as kernels do.
type Plan func(Op) error

// ErrStopped is what every operation gets after the point where a plan stopped the machine.
var ErrStopped = errors.New("stopped by plan")

// ShortError fails a write after its first Bytes bytes.
type ShortError struct {
	Bytes int
	Err   error
}

func (e *ShortError) Error() string { return fmt.Sprintf("after %d bytes: %v", e.Bytes, e.Err) }

// Unwrap is the error that ended the write.
func (e *ShortError) Unwrap() error { return e.Err }

// FailNth fails the n-th operation (from 1) of a kind with err, and no other.
func FailNth(kind OpKind, n int, err error) Plan {
	var seen atomic.Int64
	return func(op Op) error {
		if op.Kind == kind && seen.Add(1) == int64(n) {
			return err
		}
		return nil
	}
}

// StopAt lets n-1 operations that change something happen and none after them, as if the machine had stopped before
// the n-th. Reading goes on.
func StopAt(n int) Plan {
	var seen atomic.Int64
	return func(op Op) error {
		if op.Kind.Changes() && seen.Add(1) >= int64(n) {
			return ErrStopped
		}
		return nil
	}
}

// Faulty is a file system that does what a plan says. The plan is called by whoever does the operation, so it may
// block that one alone, and has to be safe for use by several goroutines where there are several.
type Faulty struct {
	fs   FS
	mu   sync.Mutex
	n    int
	plan Plan
}

// NewFaulty wraps fs; without a plan it lets everything through.
func NewFaulty(fs FS) *Faulty { return &Faulty{fs: fs} }

// SetPlan replaces the plan and counts operations from 1 again. Nil lets everything through.
func (f *Faulty) SetPlan(plan Plan) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.n, f.plan = 0, plan
}

// Ops is how many operations there were since the plan was set.
func (f *Faulty) Ops() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.n
}

func (f *Faulty) ask(op Op) error {
	f.mu.Lock()
	f.n++
	op.N = f.n
	plan := f.plan
	f.mu.Unlock()
	if plan == nil {
		return nil
	}
	if err := plan(op); err != nil {
		return fmt.Errorf("%s %s: %w", op.Kind, op.Path, err)
	}
	return nil
}

func (f *Faulty) file(file File, path string, err error) (File, error) {
	if err != nil {
		return nil, err
	}
	return &faultyFile{fs: f, file: file, path: path}, nil
}

// Open opens an existing file for reading.
func (f *Faulty) Open(path string) (File, error) {
	if err := f.ask(Op{Kind: OpOpen, Path: path}); err != nil {
		return nil, err
	}
	file, err := f.fs.Open(path)
	return f.file(file, path, err)
}

// OpenReadWrite opens an existing file for reading and writing.
func (f *Faulty) OpenReadWrite(path string) (File, error) {
	if err := f.ask(Op{Kind: OpOpen, Path: path}); err != nil {
		return nil, err
	}
	file, err := f.fs.OpenReadWrite(path)
	return f.file(file, path, err)
}

// Create makes a file.
func (f *Faulty) Create(path string) (File, error) {
	if err := f.ask(Op{Kind: OpCreate, Path: path}); err != nil {
		return nil, err
	}
	file, err := f.fs.Create(path)
	return f.file(file, path, err)
}

// Rename gives a file another name.
func (f *Faulty) Rename(from, to string) error {
	if err := f.ask(Op{Kind: OpRename, Path: to}); err != nil {
		return err
	}
	return f.fs.Rename(from, to)
}

// Remove removes a file.
func (f *Faulty) Remove(path string) error {
	if err := f.ask(Op{Kind: OpRemove, Path: path}); err != nil {
		return err
	}
	return f.fs.Remove(path)
}

// ReadDir lists the names in a directory.
func (f *Faulty) ReadDir(dir string) ([]string, error) {
	if err := f.ask(Op{Kind: OpReadDir, Path: dir}); err != nil {
		return nil, err
	}
	return f.fs.ReadDir(dir)
}

// Stat describes a file.
func (f *Faulty) Stat(path string) (Info, error) {
	if err := f.ask(Op{Kind: OpStat, Path: path}); err != nil {
		return Info{}, err
	}
	return f.fs.Stat(path)
}

// MkdirAll makes a directory.
func (f *Faulty) MkdirAll(dir string) error {
	if err := f.ask(Op{Kind: OpMkdir, Path: dir}); err != nil {
		return err
	}
	return f.fs.MkdirAll(dir)
}

// SyncDir makes names durable.
func (f *Faulty) SyncDir(dir string) error {
	if err := f.ask(Op{Kind: OpSyncDir, Path: dir}); err != nil {
		return err
	}
	return f.fs.SyncDir(dir)
}

// Lock takes a lock.
func (f *Faulty) Lock(path string) (io.Closer, error) {
	if err := f.ask(Op{Kind: OpLock, Path: path}); err != nil {
		return nil, err
	}
	return f.fs.Lock(path)
}

// FreeBytes is the space left.
func (f *Faulty) FreeBytes(path string) (uint64, error) {
	if err := f.ask(Op{Kind: OpFree, Path: path}); err != nil {
		return 0, err
	}
	return f.fs.FreeBytes(path)
}

type faultyFile struct {
	fs   *Faulty
	file File
	path string
}

func (f *faultyFile) ReadAt(p []byte, off int64) (int, error) {
	if err := f.fs.ask(Op{Kind: OpRead, Path: f.path, Offset: off, Bytes: len(p)}); err != nil {
		return 0, err
	}
	return f.file.ReadAt(p, off)
}

func (f *faultyFile) WriteAt(p []byte, off int64) (int, error) {
	err := f.fs.ask(Op{Kind: OpWrite, Path: f.path, Offset: off, Bytes: len(p)})
	if err == nil {
		return f.file.WriteAt(p, off)
	}
	var short *ShortError
	if !errors.As(err, &short) {
		return 0, err
	}
	n, werr := f.file.WriteAt(p[:min(short.Bytes, len(p))], off)
	return n, errors.Join(err, werr)
}

func (f *faultyFile) Truncate(size int64) error {
	if err := f.fs.ask(Op{Kind: OpTruncate, Path: f.path, Offset: size}); err != nil {
		return err
	}
	return f.file.Truncate(size)
}

func (f *faultyFile) Sync() error { return f.sync(f.file.Sync) }

func (f *faultyFile) SyncAll() error { return f.sync(f.file.SyncAll) }

func (f *faultyFile) sync(real func() error) error {
	err := f.fs.ask(Op{Kind: OpSync, Path: f.path})
	if err == nil {
		return real()
	}
	// A machine that has stopped loses nothing it had in flight; only a disk that answered with an error does.
	if mem, ok := f.file.(interface{ failSync() }); ok && !errors.Is(err, ErrStopped) {
		mem.failSync()
	}
	return err
}

func (f *faultyFile) Size() (int64, error) { return f.file.Size() }

func (f *faultyFile) Close() error { return f.file.Close() }
