package api

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
)

// bodySpec is what a route takes.
type bodySpec struct {
	doc   string
	types []string // media types; none of them is one that a form of a page can send
	limit func(Limits) int64
	json  any // the type of one object, for OpenAPI; nil: see doc
}

// openBody checks the type of what is sent, and decompresses and bounds it while it is read.
func (c *call) openBody() error {
	spec, r := c.route.body, c.r
	given, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || !slices.Contains(spec.types, given) {
		return &RequestError{
			Failure{Name: "media-type", Status: http.StatusUnsupportedMediaType, Title: "Not a type that this route takes"},
			fmt.Sprintf("Content-Type: found %q, expected %s", clip(r.Header.Get("Content-Type")), strings.Join(spec.types, " or ")),
		}
	}
	limit := spec.limit(c.s.o.Limits)
	// What is not decompressed may not be greater than what it becomes.
	if r.ContentLength > limit {
		return &TooLargeError{LimitBytes: limit}
	}
	in := io.Reader(&stalling{r.Body, c})
	plain := &bounded{in: in, left: limit, limit: limit}
	switch encoding := r.Header.Get("Content-Encoding"); encoding {
	case "", "identity":
		c.body = io.NopCloser(plain)
		return nil
	case "gzip":
		unzip, err := gzip.NewReader(plain)
		if err != nil {
			return malformed("gzip", err)
		}
		c.body = closing{&bounded{in: decompressed{unzip, "gzip"}, left: limit, limit: limit, compressed: true}, unzip.Close}
	case "zstd":
		unzip, err := zstd.NewReader(plain, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(uint64(zstdWindow)), zstd.WithDecoderMaxWindow(zstdWindow))
		if err != nil {
			return malformed("zstd", err)
		}
		c.body = closing{&bounded{in: decompressed{unzip, "zstd"}, left: limit, limit: limit, compressed: true}, func() error { unzip.Close(); return nil }}
	default:
		return &RequestError{
			Failure{Name: "encoding", Status: http.StatusUnsupportedMediaType, Title: "Not a compression that this server knows"},
			fmt.Sprintf("Content-Encoding: found %q, expected gzip, zstd or none", clip(encoding)),
		}
	}
	return nil
}

// zstdWindow bounds the memory of a decoder: what level 19 of the command line tool takes.
const zstdWindow = 8 << 20

// malformed is a body that cannot be read as what it says it is.
func malformed(what string, err error) error {
	var large *TooLargeError
	var known *RequestError
	if errors.As(err, &large) || errors.As(err, &known) {
		return err
	}
	return &RequestError{
		Failure{Name: "malformed", Status: http.StatusBadRequest, Title: "The body cannot be read"},
		fmt.Sprintf("the body is not %s: %v", what, err),
	}
}

// decompressed tells bytes that cannot be decompressed from a connection that broke.
type decompressed struct {
	in   io.Reader
	what string
}

func (d decompressed) Read(p []byte) (int, error) {
	n, err := d.in.Read(p)
	switch {
	case errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		err = malformed(d.what, fmt.Errorf("found a window of more than %d MiB, expected at most that: compress it without --long and --ultra", zstdWindow>>20))
	case err != nil && err != io.EOF:
		err = malformed(d.what, err)
	}
	return n, err
}

type closing struct {
	io.Reader
	close func() error
}

func (c closing) Close() error { return c.close() }

// bounded ends with a *TooLargeError behind its limit.
type bounded struct {
	in          io.Reader
	left, limit int64
	compressed  bool
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 { // is there more?
		var one [1]byte
		n, err := io.ReadFull(b.in, one[:])
		if n > 0 {
			return 0, &TooLargeError{LimitBytes: b.limit, Compressed: b.compressed}
		}
		return 0, err
	}
	n, err := b.in.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// stalling gives a sender so long for each part of its body, however long the whole is.
type stalling struct {
	in io.Reader
	c  *call
}

func (s *stalling) Read(p []byte) (int, error) {
	_ = s.c.w.control.SetReadDeadline(time.Now().Add(s.c.w.stall)) // see answer.Write
	n, err := s.in.Read(p)
	if err == io.EOF { // it is all here: from now on net/http only reads to learn whether the sender is still there
		_ = s.c.w.control.SetReadDeadline(time.Time{})
	}
	if err != nil && isTimeout(err) {
		err = &RequestError{
			Failure{Name: "stalled", Status: http.StatusRequestTimeout, Title: "The body did not come"},
			fmt.Sprintf("nothing of the body came for %s; send it again", s.c.w.stall),
		}
	}
	return n, err
}

const (
	drainBytes = 256 << 10 // what net/http reads of a body that a handler left, for the same reason
	drainTime  = time.Second
)

// drain reads a little of what is left of a body that was refused. A connection that is closed with bytes unread is
// reset, and its sender would never see why.
func (c *call) drain() {
	_ = c.w.control.SetReadDeadline(time.Now().Add(drainTime)) // see answer.Write
	_, _ = io.CopyN(io.Discard, c.r.Body, drainBytes)          // whoever is there no more need not be told
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}
