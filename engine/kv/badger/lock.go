package badger

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// lockName is the file that tells people, and the tools of badger, who holds the directory.
const lockName = "LOCK"

// dirLock is our hold on a directory. We lock where badger would, and tell badger not to, because the tables are
// verified before badger opens them and nobody may compact them meanwhile.
type dirLock struct {
	file *os.File // open on the directory, with the system's lock on it
	pid  string   // the path of the file with our process id, for people only: the lock is on file
}

func lockDir(dir string) (*dirLock, error) {
	file, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	l := &dirLock{file: file, pid: filepath.Join(dir, lockName)}
	if held, err := tryLock(file); err != nil || held {
		if held {
			err = fmt.Errorf("%w (%s)", ErrLocked, l.holder())
		}
		return nil, errors.Join(err, file.Close())
	}
	if err := os.WriteFile(l.pid, fmt.Appendf(nil, "%d\n", os.Getpid()), 0o600); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return l, nil
}

// holder names the process in the pid file, which may have been left by an earlier one.
func (l *dirLock) holder() string {
	text, err := os.ReadFile(l.pid)
	if pid := strings.TrimSpace(string(text)); err == nil && pid != "" && len(pid) < 20 {
		return "process " + pid
	}
	return "process unknown"
}

// gone says whether the directory that was locked has lost its place.
func (l *dirLock) gone() bool {
	locked, err := l.file.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(filepath.Dir(l.pid))
	return errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(locked, there)
}

// release removes the pid file first: afterwards it may be another's.
func (l *dirLock) release() error {
	return errors.Join(os.Remove(l.pid), l.file.Close())
}
