package api

import (
	"encoding/json"
	"errors"
	"os"
	"regexp"
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
	Omitted uint64    `json:"omitted,omitempty"` // lines that were left out before this one, of the same token, or of strangers
}

// How many lines somebody may cause: a flood of refusals is counted, and does not wash away what the log had. Guesses:
// at 100 a second a log of 16 MiB takes ten minutes to fill.
const (
	notesPerSecond = 100
	notesAtOnce    = 1_000
)

// note writes a line of the access log.
func (s *Server) note(c *call, what, name string, status int) {
	s.write(c.grant.Name, accessLine{
		What: what, Problem: name, Status: status, Who: c.grant.Name, Remote: c.r.RemoteAddr,
		Method: c.r.Method, Path: withoutSecrets(clip(c.r.URL.Path)), Query: withoutSecrets(clip(c.r.URL.RawQuery)),
	})
}

// write adds a line, unless whoever causes it causes too many: a token, or all strangers together. causer is one of few,
// and nothing that a stranger chose. What leaves in bulk is never left out.
func (s *Server) write(causer string, line accessLine) {
	line.At = time.Now().UTC()
	if line.What == noteRefused {
		if !s.noting.allow(causer) {
			s.unnoted.more(causer)
			return
		}
		line.Omitted = s.unnoted.take(causer)
	}
	if err := s.access.add(line); err != nil {
		s.log.Error("the access log cannot be written", "error", err)
	}
}

// What a line is about.
const (
	noteRefused = "refused"
	noteExport  = "export"
)

// withoutSecrets keeps a token out of logs that was sent where it does not belong, as in an address.
func withoutSecrets(s string) string { return secretLike.ReplaceAllString(s, secretPrefix+"…") }

var secretLike = regexp.MustCompile(secretPrefix + `[A-Za-z0-9_-]+`)

// tally counts by name.
type tally struct {
	mu   sync.Mutex
	held map[string]uint64 // guarded by mu
}

func (t *tally) more(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.held == nil {
		t.held = map[string]uint64{}
	}
	t.held[name]++
}

// take is what was counted, and forgets it.
func (t *tally) take(name string) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.held[name]
	delete(t.held, name)
	return n
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
