//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package badger

import (
	"errors"
	"fmt"
	"os"
	"runtime"
)

// tryLock refuses: without the lock, two processes would ruin the store.
func tryLock(*os.File) (held bool, err error) {
	return false, fmt.Errorf("%w: locking a directory on %s", errors.ErrUnsupported, runtime.GOOS)
}
