package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"time"
)

// growing reads a file that somebody else appends to: at its end it waits for more. It ends when the file was replaced
// by another under its name, as rotation does, or was cut, or when ctx does.
type growing struct {
	ctx      context.Context
	file     *os.File
	name     string
	replaced bool // there is another file, or the same from its start
	ending   bool // it was replaced, and what was written to it before that may still be there
}

// lookEvery is how often a file that does not grow is looked at. A person who watches should not notice it, and a
// laptop neither.
const lookEvery = 250 * time.Millisecond

func (g *growing) Read(b []byte) (int, error) {
	for {
		n, err := g.file.Read(b)
		if n > 0 || err != nil && !errors.Is(err, io.EOF) {
			return n, err
		}
		if g.ending {
			g.replaced = true
			return 0, io.EOF
		}
		if err := g.wait(); err != nil {
			return 0, err
		}
	}
}

// wait returns when it is time to look again.
func (g *growing) wait() error {
	here, err := g.file.Stat()
	if err != nil {
		return err
	}
	at, err := g.file.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	there, err := os.Stat(g.name)
	switch {
	case err == nil && (!os.SameFile(here, there) || there.Size() < at):
		g.ending = true // one more look, for what was written between the last read and the rename
		return nil
	case err != nil && !errors.Is(err, os.ErrNotExist): // between a rename and a new file there is none
		return err
	}
	timer := time.NewTimer(lookEvery)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-g.ctx.Done():
		return context.Cause(g.ctx)
	}
}
