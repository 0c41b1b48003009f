package badger

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/dgraph-io/badger/v4/table"
)

// closedName is the file that a store leaves behind when it is closed: which tables it had, each with its size and the
// time of its last change. A table that still has both is not read again when the store is opened, so opening takes as
// long as there are tables and not as there is data. Opening removes the file first: after a crash there is none, and
// all is read.
//
// A disk that changes bits by itself does not say so in either. So what was read longest ago is not trusted for more
// than trustFor, and a store that met damage while it was open leaves no file.
const closedName = "CLOSED"

// trustFor is a guess: short enough that rot does not grow old, long enough that nobody waits for it every day.
const trustFor = 7 * 24 * time.Hour

// closedStamp is the content of the file, as JSON.
type closedStamp struct {
	Checked time.Time              `json:"checked"` // when all tables were last read, or younger ones written
	Tables  map[string]closedTable `json:"tables"`  // by the name of the file
}

type closedTable struct {
	Bytes   int64     `json:"bytes"`
	Changed time.Time `json:"changed"`
}

// takeStamp reads the stamp of the last close and removes it, durably. Without a readable one it returns the zero stamp,
// which trusts nothing.
func takeStamp(dir string, now time.Time) (closedStamp, error) {
	path := filepath.Join(dir, closedName)
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return closedStamp{}, nil
	}
	if err == nil {
		err = errors.Join(os.Remove(path), syncDir(dir))
	}
	if err != nil {
		return closedStamp{}, fmt.Errorf("badger: take %s: %w", path, err)
	}
	var s closedStamp
	if json.Unmarshal(content, &s) != nil || now.Sub(s.Checked) > trustFor || s.Checked.After(now) {
		return closedStamp{}, nil
	}
	return s, nil
}

// trusts reports whether a table is as it was when the store was closed.
func (s closedStamp) trusts(path string) bool {
	was, ok := s.Tables[filepath.Base(path)]
	if !ok {
		return false
	}
	info, err := os.Stat(path)
	return err == nil && info.Size() == was.Bytes && info.ModTime().Equal(was.Changed)
}

// leaveStamp writes the stamp of a store that was closed in order.
func leaveStamp(dir string, checked time.Time) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	s := closedStamp{Checked: checked, Tables: map[string]closedTable{}}
	for _, e := range entries {
		if _, ok := table.ParseFileID(e.Name()); !ok {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		s.Tables[e.Name()] = closedTable{info.Size(), info.ModTime()}
	}
	content, err := json.Marshal(s)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, "closed-*.tmp")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return errors.Join(os.Rename(f.Name(), filepath.Join(dir, closedName)), syncDir(dir))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
