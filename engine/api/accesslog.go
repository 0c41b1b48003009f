package api

import (
	"encoding/json"
	"errors"
	"os"
	"sync"
	"time"
)

// accessLine is a line of the access log: what was refused, and what left in bulk. No secret is in it.
type accessLine struct {
	At      time.Time `json:"at"`
	What    string    `json:"what"` // refused or export
	Problem string    `json:"problem,omitempty"`
	Status  int       `json:"status,omitempty"`
	Who     string    `json:"who,omitempty"`
	Remote  string    `json:"remote"`
	Method  string    `json:"method"`
	Path    string    `json:"path"`
	Query   string    `json:"query,omitempty"`
}

// accessMaxBytes is where the log is put aside as access.log.1, replacing the one before.
const accessMaxBytes = 16 << 20

// accessLog appends lines to a file of mode 0600, made with the first line. Without a path it keeps none.
type accessLog struct {
	path string

	mu    sync.Mutex
	file  *os.File // guarded by mu; nil until the first line
	bytes int64    // guarded by mu; of file
}

func openAccessLog(path string) (*accessLog, error) { return &accessLog{path: path}, nil }

func (l *accessLog) add(line accessLine) error {
	if l.path == "" {
		return nil
	}
	b, err := json.Marshal(line)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.ready(int64(len(b)) + 1); err != nil {
		return err
	}
	n, err := l.file.Write(append(b, '\n'))
	l.bytes += int64(n)
	return err
}

// ready opens the file, and puts a full one aside.
func (l *accessLog) ready(more int64) error {
	if l.file != nil && l.bytes+more <= accessMaxBytes {
		return nil
	}
	if l.file != nil {
		err := errors.Join(l.file.Close(), os.Rename(l.path, l.path+".1"))
		l.file = nil
		if err != nil {
			return err
		}
	}
	f, err := os.OpenFile(l.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return errors.Join(err, f.Close())
	}
	l.file, l.bytes = f, info.Size()
	return nil
}

func (l *accessLog) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return nil
	}
	err := l.file.Close()
	l.file = nil
	return err
}
