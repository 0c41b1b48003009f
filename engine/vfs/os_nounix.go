//go:build !linux && !darwin && !freebsd

package vfs

import (
	"errors"
	"fmt"
	"os"
	"runtime"
)

// errNoLock refuses rather than pretends: two writers would destroy a journal.
var errNoLock = fmt.Errorf("no file locks known on %s: %w", runtime.GOOS, errors.ErrUnsupported)

func lockFile(*os.File) (held bool, err error) { return false, errNoLock }

func (osFS) FreeBytes(path string) (uint64, error) {
	return 0, &os.PathError{Op: "statfs", Path: path, Err: errors.ErrUnsupported}
}
