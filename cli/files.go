package cli

import (
	"context"
	"fmt"
	"io/fs"
	"os"
)

// fileKind is what a file that is not a regular one is, in words.
func fileKind(m fs.FileMode) string {
	switch {
	case m.IsRegular():
		return "a file"
	case m.IsDir():
		return "a directory"
	case m&fs.ModeSymlink != 0:
		return "a symbolic link"
	case m&fs.ModeNamedPipe != 0:
		return "a pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	case m&fs.ModeDevice != 0:
		return "a device"
	}
	return "no regular file"
}

// openRegular opens a file to be read whole, and refuses what may never end or never begin: a pipe that nobody writes
// to would wait where no signal reaches. Links are followed. what names the flag or the argument.
func openRegular(what, path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, usage(fmt.Errorf("%s: found %s, which is %s, expected a regular file", what, path, fileKind(info.Mode())))
	}
	return os.Open(path)
}

// openWaiting opens a file that may be a pipe, whose opening waits for somebody to write to it: the end of ctx ends
// that. Then a goroutine goes on to wait for as long as the program lives, and closes what it is given.
func openWaiting(ctx context.Context, path string) (*os.File, error) {
	type opened struct {
		f   *os.File
		err error
	}
	done := make(chan opened)
	go func() {
		f, err := os.Open(path)
		select {
		case done <- opened{f, err}:
		case <-ctx.Done():
			if err == nil {
				f.Close() // nothing was read or written
			}
		}
	}()
	select {
	case o := <-done:
		return o.f, o.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
