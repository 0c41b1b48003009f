package engine

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"time"

	"episteme/engine/record"
)

// rejects remembers the lines that were refused, in rejects.jsonl of the data directory. They are no evidence, so
// they are not in the journal; but an agent whose records never arrive should not look like one that asks nothing.
type rejects struct {
	mu     sync.Mutex
	file   *os.File          // nil in memory
	bytes  int64             // of file
	counts map[string]uint64 // by agent; "" where the line did not say
}

// rejectsMaxBytes is where the file is put aside as rejects.jsonl.1, replacing the one before.
const rejectsMaxBytes = 16 << 20

// rejectLine is a line of the file.
type rejectLine struct {
	At     time.Time `json:"at"`
	Agent  string    `json:"agent,omitempty"`
	Reason string    `json:"reason"`
}

func openRejects(dir string) (*rejects, error) {
	r := &rejects{counts: map[string]uint64{}}
	if dir == "" {
		return r, nil
	}
	path := filepath.Join(dir, "rejects.jsonl")
	for _, p := range []string{path + ".1", path} {
		if err := r.load(p); err != nil {
			return nil, err
		}
	}
	var err error
	if r.file, err = os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600); err != nil {
		return nil, err
	}
	info, err := r.file.Stat()
	if err == nil {
		r.bytes = info.Size()
	}
	return r, err
}

// load counts the lines of one file. A line that cannot be read is one that a crash cut: it is skipped.
func (r *rejects) load(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	scan := bufio.NewScanner(f)
	for scan.Scan() {
		var line rejectLine
		if json.Unmarshal(scan.Bytes(), &line) == nil {
			r.counts[line.Agent]++
		}
	}
	if err := scan.Err(); err != nil {
		return fmt.Errorf("read %s: %w; it holds refused lines only and may be removed", path, err)
	}
	return nil
}

func (r *rejects) add(reject *record.Reject) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts[reject.Agent]++
	if r.file == nil {
		return nil
	}
	line, err := json.Marshal(rejectLine{time.Now().UTC(), reject.Agent, reject.Error()})
	if err != nil {
		return err
	}
	if r.bytes+int64(len(line)) > rejectsMaxBytes {
		if err := r.rotate(); err != nil {
			return err
		}
	}
	n, err := r.file.Write(append(line, '\n'))
	r.bytes += int64(n)
	return err
}

func (r *rejects) rotate() error {
	path := r.file.Name()
	if err := errors.Join(r.file.Close(), os.Rename(path, path+".1")); err != nil {
		return err
	}
	var err error
	r.bytes = 0
	r.file, err = os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	return err
}

// byAgent is how many lines were refused, by agent. The map is the caller's.
func (r *rejects) byAgent() map[string]uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.counts)
}

func (r *rejects) close() error {
	if r.file == nil {
		return nil
	}
	return r.file.Close()
}
