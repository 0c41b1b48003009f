package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Position is how far a file was taken in, so that whoever takes it in again after a crash need not begin at its start.
// It is a saving and no evidence: records are named by their content, so beginning at the start gives no doubles.
type Position struct {
	File    string `json:"file"`    // absolute path
	Bytes   int64  `json:"bytes"`   // from the file's start; all records in them are durable
	Lines   int    `json:"lines"`   // in those bytes
	SHA256  string `json:"sha256"`  // of those bytes, in hex: a file that was replaced does not go on where another was
	Options string `json:"options"` // what else decides on the records, as whoever takes the file in writes it
}

// positionsMax is how many files are remembered; the ones longest untouched are forgotten. Guess: a directory of a few
// years' daily files.
const positionsMax = 4096

// positionsFile is beside the journal.
func (e *Engine) positionsFile() string { return filepath.Join(e.dir, "positions.json") }

// Position is how far file was taken in; false where nothing is known of it. An engine in memory knows of none.
func (e *Engine) Position(file string) (Position, bool, error) {
	all, err := e.positions()
	for _, p := range all {
		if p.File == file {
			return p, true, nil
		}
	}
	return Position{}, false, err
}

// SetPosition remembers p in the place of what was known of its file. It is durable when this returns. Nothing taken in
// up to 0 bytes is nothing to remember. One goroutine at a time.
func (e *Engine) SetPosition(p Position) error {
	if e.dir == "" {
		return nil
	}
	all, err := e.positions()
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(q Position) bool { return q.File == p.File })
	if p.Bytes > 0 {
		all = append(all, p)
	}
	all = all[max(0, len(all)-positionsMax):]
	text, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		return err
	}
	return replaceFile(e.positionsFile(), append(text, '\n'))
}

func (e *Engine) positions() ([]Position, error) {
	if e.dir == "" {
		return nil, nil
	}
	text, err := os.ReadFile(e.positionsFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var all []Position
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w; it only saves time and may be removed", e.positionsFile(), err)
	}
	return all, nil
}

// replaceFile writes text so that a crash leaves either the old file or the new one.
func replaceFile(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
