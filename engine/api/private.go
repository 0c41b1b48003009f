package api

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// OpenPrivate opens a file that lets people in, to read at most maxBytes of it. It is refused when it is no regular file (a
// pipe that nobody writes to would be waited for), or when others than its owner may open it: who can read it may get in,
// and who can write to it can let themselves in. The error is the system's, or says what to change.
func OpenPrivate(path string, maxBytes int64) (io.ReadCloser, error) {
	info, err := os.Stat(path) // before it is opened, because of pipes
	if err == nil {
		err = checkPrivate(path, info, maxBytes)
	}
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if info, err = f.Stat(); err == nil { // and again: another may have taken its place
		err = checkPrivate(path, info, maxBytes)
	}
	if err != nil {
		f.Close() // nothing was written
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{io.LimitReader(f, maxBytes), f}, nil
}

func checkPrivate(path string, info fs.FileInfo, maxBytes int64) error {
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s: expected a regular file", path)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Errorf("%s: found mode %#o, expected one that only its owner may open; `chmod 600 %s`", path, mode, filepath.Base(path))
	}
	if info.Size() > maxBytes {
		return fmt.Errorf("%s: found %d bytes, expected at most %d", path, info.Size(), maxBytes)
	}
	return nil
}
