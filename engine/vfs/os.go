package vfs

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// OS is the machine's file system.
func OS() FS { return osFS{} }

type osFS struct{}

type osFile struct{ *os.File }

// newMode is the mode of files we make: a journal holds what agents were told, so others on the machine do not read
// it. Directories add the right to enter.
const (
	newMode    = 0o600
	newDirMode = 0o700
)

func (osFS) Open(path string) (File, error) { return openFile(path, os.O_RDONLY) }

func (osFS) OpenReadWrite(path string) (File, error) { return openFile(path, os.O_RDWR) }

func (osFS) Create(path string) (File, error) {
	return openFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL)
}

func openFile(path string, flag int) (File, error) {
	f, err := os.OpenFile(path, flag, newMode)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

func (osFS) Rename(from, to string) error { return os.Rename(from, to) }

func (osFS) Remove(path string) error { return os.Remove(path) }

func (osFS) ReadDir(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(entries))
	for i, entry := range entries {
		names[i] = entry.Name()
	}
	return names, nil
}

func (osFS) Stat(path string) (Info, error) {
	fi, err := os.Stat(path)
	if err != nil {
		return Info{}, err
	}
	if fi.IsDir() {
		return Info{IsDir: true}, nil
	}
	return Info{Size: fi.Size()}, nil
}

func (osFS) MkdirAll(dir string) error { return os.MkdirAll(dir, newDirMode) }

func (osFS) SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	if err := d.Sync(); err != nil {
		d.Close()
		return err
	}
	return d.Close()
}

func (osFS) Lock(path string) (io.Closer, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, newMode)
	if err != nil {
		return nil, err
	}
	switch held, err := lockFile(f); {
	case err != nil:
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	case held:
		pid := readPID(f)
		f.Close()
		return nil, &LockedError{Path: path, PID: pid}
	}
	if err := writePID(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("write process id to %s: %w", path, err)
	}
	// The kernel gives the lock back with the last descriptor, also when the process is killed. The file stays:
	// removing it would let two processes hold locks on two files of one name.
	return f, nil
}

func writePID(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt(pidText(), 0)
	return err
}

func pidText() []byte { return strconv.AppendInt(nil, int64(os.Getpid()), 10) }

// readPID is the process id in a lock file, 0 when there is none to be read: the holder may be about to write it.
func readPID(f io.ReaderAt) int {
	var buf [20]byte
	n, err := f.ReadAt(buf[:], 0)
	if err != nil && err != io.EOF {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(buf[:n])))
	if err != nil {
		return 0
	}
	return pid
}

func (f osFile) SyncAll() error { return f.File.Sync() }

func (f osFile) Size() (int64, error) {
	fi, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return fi.Size(), nil
}
