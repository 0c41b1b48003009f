// Package vfs is the disk as a small interface, so that what must survive a crash can be tested against one.
//
// Promises: OS is the machine's file system with nothing added; Mem behaves like one in memory, knows exactly which
// 512-byte sectors, file sizes and directory entries were synced, and can be crashed into any state a power cut could
// leave; Faulty lets any operation of either fail.
//
// Not promised: permissions, links, times, or anything else the journal does not need.
//
// # What is durable when
//
//	WriteAt, Truncate     nothing, until Sync or SyncAll of that file has returned nil
//	Sync                  contents, and as much metadata as reading them back takes (fdatasync on Linux)
//	SyncAll               contents and all metadata (fsync)
//	Create, Rename,       nothing, until SyncDir of the directory that holds the name has returned nil;
//	Remove, MkdirAll      syncing a file does not make its name durable
//
// After a failed Sync the pages concerned may be clean and not on disk: reads show them, a second Sync returns nil
// and writes nothing. Only writing them again helps. Mem behaves like that too.
package vfs

import (
	"errors"
	"fmt"
	"io"
	"syscall"
)

// FS is a file system. Paths are those of path/filepath. Errors wrap fs.ErrNotExist and fs.ErrExist where those are
// meant. Every implementation is safe for use by several goroutines.
type FS interface {
	// Open opens an existing file for reading.
	Open(path string) (File, error)
	// OpenReadWrite opens an existing file for reading and writing.
	OpenReadWrite(path string) (File, error)
	// Create makes a file that must not exist yet and opens it for reading and writing.
	Create(path string) (File, error)
	// Rename gives a file another name, atomically, replacing what had it.
	Rename(from, to string) error
	// Remove removes a file or an empty directory.
	Remove(path string) error
	// ReadDir lists the names in a directory, ascending by bytes.
	ReadDir(dir string) ([]string, error)
	// Stat describes a file or directory.
	Stat(path string) (Info, error)
	// MkdirAll makes a directory and those above it that are missing; it is fine if it exists.
	MkdirAll(dir string) error
	// SyncDir makes the names in a directory durable.
	SyncDir(dir string) error
	// Lock takes the exclusive lock of a file, which it makes when absent, and writes this process's id into it. When
	// somebody else has it, the error is a *LockedError; it never waits. Closing the result gives the lock back.
	Lock(path string) (io.Closer, error)
	// FreeBytes is how much an unprivileged user can still write to the file system that holds path.
	FreeBytes(path string) (uint64, error)
}

// File is an open file. ReadAt and WriteAt may be called by several goroutines at once.
type File interface {
	io.ReaderAt
	io.WriterAt
	// Truncate sets the size; what is added reads as zeros.
	Truncate(size int64) error
	// Sync makes contents and size durable.
	Sync() error
	// SyncAll makes contents, size and all other metadata durable.
	SyncAll() error
	// Size is the file's length in bytes.
	Size() (int64, error)
	io.Closer
}

// Info describes a file or directory.
type Info struct {
	Size  int64 // bytes; 0 for a directory
	IsDir bool
}

// LockedError says that another holder has a lock.
type LockedError struct {
	Path string
	PID  int // the holder's process id; 0 when it had not written it yet
}

func (e *LockedError) Error() string {
	holder := "another process"
	if e.PID > 0 {
		holder = fmt.Sprintf("process %d", e.PID)
	}
	return fmt.Sprintf("lock %s: held by %s; wait until it ends, or end it", e.Path, holder)
}

// IsNoSpace reports whether err says that the file system, or a quota on it, is full.
func IsNoSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
