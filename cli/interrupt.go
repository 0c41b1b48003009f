package cli

import (
	"context"
	"io"
)

// interruptible reads from in so that the end of ctx ends a Read that waits: a pipe that says nothing cannot be
// interrupted otherwise. What is read after that is lost. Close it when done.
func interruptible(ctx context.Context, in io.Reader) io.ReadCloser {
	pr, pw := io.Pipe()
	go func() {
		_, err := io.CopyBuffer(struct{ io.Writer }{pw}, struct{ io.Reader }{in}, make([]byte, 256<<10))
		pw.CloseWithError(err)
	}()
	stop := context.AfterFunc(ctx, func() { pw.CloseWithError(context.Cause(ctx)) })
	return &stream{pr, stop}
}

type stream struct {
	*io.PipeReader
	stop func() bool
}

func (s *stream) Close() error {
	s.stop()
	return s.PipeReader.Close()
}
