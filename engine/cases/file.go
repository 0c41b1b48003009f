package cases

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"episteme/engine/record"
)

const suffix = ".jsonl"

// Folder is a directory of cases. It need not exist: the first Add makes it. Its methods may be called at once, also
// by other processes.
type Folder struct{ Dir string }

// Summary is a case in a list.
type Summary struct {
	Name                    string
	Bookmarks, Notes, Lines int
	Skipped                 int
	Newest                  record.Time // of its lines; 0: it has none
	People                  []string    // who wrote lines, by name
	Err                     error       // it could not be read, and nothing above but Name is known
}

// Read reads a case. One that does not exist is fs.ErrNotExist.
func (f Folder) Read(name string) (Case, error) {
	c := Case{Name: name}
	if err := CheckName(name); err != nil {
		return c, err
	}
	root, err := os.OpenRoot(f.Dir)
	if err != nil {
		return c, fmt.Errorf("read case %s: %w", name, err)
	}
	defer root.Close()
	file, err := openRegular(root, name+suffix, os.O_RDONLY)
	if err != nil {
		return c, fmt.Errorf("read case %s in %s: %w", name, f.Dir, err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, MaxFileBytes+1))
	if err != nil {
		return c, fmt.Errorf("read case %s in %s: %w", name, f.Dir, err)
	}
	if len(data) > MaxFileBytes {
		return c, fmt.Errorf("read case %s in %s: found more than %d bytes; move the file away to begin another one", name, f.Dir, MaxFileBytes)
	}
	c.take(data)
	return c, nil
}

// take takes in the lines of a file. What stands behind the last newline is torn, or still being written.
func (c *Case) take(data []byte) {
	for text := range bytes.Lines(data) {
		whole := bytes.HasSuffix(text, []byte("\n"))
		text = bytes.TrimSpace(text)
		if len(text) == 0 {
			continue // put there by Add, between a torn line and its own
		}
		if l, ok := decode(text); ok && whole {
			c.Lines = append(c.Lines, l)
		} else {
			c.Skipped++
		}
	}
}

// Add writes lines at the end of a case's file, which it makes where there is none, and waits until they are durable.
func (f Folder) Add(name string, lines ...Line) error {
	if err := CheckName(name); err != nil {
		return err
	}
	texts := make([][]byte, len(lines))
	for i, l := range lines {
		text, err := encode(l)
		if err != nil {
			return fmt.Errorf("case %s: %w", name, err)
		}
		texts[i] = text
	}
	if err := f.add(name, texts); err != nil {
		return fmt.Errorf("write case %s in %s: %w", name, f.Dir, err)
	}
	return nil
}

func (f Folder) add(name string, texts [][]byte) (err error) {
	if err := os.MkdirAll(f.Dir, 0o700); err != nil {
		return err
	}
	root, err := os.OpenRoot(f.Dir)
	if err != nil {
		return err
	}
	defer root.Close()
	_, absent := root.Lstat(name + suffix)
	file, err := openRegular(root, name+suffix, os.O_RDWR|os.O_APPEND|os.O_CREATE)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	for _, text := range texts {
		if err := appendLine(file, text); err != nil {
			return err
		}
	}
	if err := file.Sync(); err != nil {
		return err
	}
	if absent != nil {
		return syncDir(root) // the file's name is durable, too
	}
	return nil
}

// openRegular opens a regular file and nothing else: a pipe would wait for ever, and a link may lead anywhere.
func openRegular(root *os.Root, name string, flag int) (*os.File, error) {
	switch info, err := root.Lstat(name); {
	case err == nil && !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no regular file", name)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	return root.OpenFile(name, flag, 0o600)
}

// appendLine writes a line in one write. Behind a torn line it begins a new one: two writers that see the same torn
// line leave an empty line, which nobody counts.
func appendLine(file *os.File, text []byte) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if size := info.Size(); size > 0 {
		last := make([]byte, 1)
		if _, err := file.ReadAt(last, size-1); err != nil {
			return err
		}
		if last[0] != '\n' {
			text = append([]byte("\n"), text...)
		}
	}
	_, err = file.Write(text)
	return err
}

func syncDir(root *os.Root) error {
	d, err := root.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// List lists the cases, by name. A directory that does not exist holds none.
func (f Folder) List() ([]Summary, error) {
	entries, err := os.ReadDir(f.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list the cases: %w", err)
	}
	var out []Summary
	for _, e := range entries {
		name, ok := strings.CutSuffix(filepath.Base(e.Name()), suffix)
		if !ok || CheckName(name) != nil {
			continue
		}
		c, err := f.Read(name)
		out = append(out, summaryOf(c, err))
	}
	return out, nil
}

func summaryOf(c Case, err error) Summary {
	s := Summary{Name: c.Name, Lines: len(c.Lines), Skipped: c.Skipped, Err: err}
	for _, l := range c.Lines {
		s.Newest = max(s.Newest, l.At)
		if !slices.Contains(s.People, l.By) {
			s.People = append(s.People, l.By)
		}
		switch l.Kind {
		case Bookmark:
			s.Bookmarks++
		case Note:
			s.Notes++
		}
	}
	slices.Sort(s.People)
	return s
}

// ReadOrNew is Read; a case that does not exist yet is an empty one.
func (f Folder) ReadOrNew(name string) (Case, error) {
	c, err := f.Read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return Case{Name: name}, nil
	}
	return c, err
}
