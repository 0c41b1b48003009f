//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package badger

import (
	"errors"
	"os"
	"syscall"
)

// tryLock takes the exclusive lock on an open directory; it ends with the handle. held means that somebody else has it.
func tryLock(dir *os.File) (held bool, err error) {
	err = syscall.Flock(int(dir.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return true, nil
	}
	return false, err
}
