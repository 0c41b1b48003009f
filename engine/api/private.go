package api

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// OpenPrivate opens a file that lets people in, to read at most maxBytes of it. It is refused when it is no regular file (a
// pipe that nobody writes to would be waited for), or when others than its owner may open it: who can read it may get in,
// and who can write to it can let themselves in.
func OpenPrivate(path string, maxBytes int64) (io.ReadCloser, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: expected a regular file", path)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("%s: found mode %#o, expected one that only its owner may open; `chmod 600 %s`", path, mode, filepath.Base(path))
	}
	if info.Size() > maxBytes {
		return nil, fmt.Errorf("%s: found %d bytes, expected at most %d", path, info.Size(), maxBytes)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{io.LimitReader(f, maxBytes), f}, nil
}
