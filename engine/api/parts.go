package api

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// An answer that comes in parts, to a Client that asks for them with stream=true, is a row of
//
//	what it is, a byte | uvarint: how many bytes | a value (wire.go), or a problem as JSON
//
// The last one is the whole, or the problem that ended it; an answer without either broke off. Shapes are told once.
const (
	partOf    = 'p'
	partWhole = 'w'
	partFail  = 'e'
)

// partMaxBytes bounds one part: a record at its limit is far less.
const partMaxBytes = 1 << 30

// partWriter sends parts. The first failure to send one is kept: nobody reads the others.
type partWriter struct {
	c     *call
	w     wireWriter
	quick bool // somebody waits for each part: it leaves as it is written
	err   error
}

// parts begins an answer in parts.
func (c *call) parts(quick bool) *partWriter {
	c.w.Header().Set("Content-Type", wireType)
	return &partWriter{c: c, quick: quick}
}

func (p *partWriter) send(what byte, body []byte) error {
	if p.err != nil {
		return p.err
	}
	head := binary.AppendUvarint([]byte{what}, uint64(len(body)))
	if _, p.err = p.c.w.Write(head); p.err == nil {
		_, p.err = p.c.w.Write(body)
	}
	if p.err == nil && (p.quick || what != partOf) {
		p.err = p.c.w.flush()
	}
	return p.err
}

func (p *partWriter) value(what byte, v any) error {
	p.w.out = p.w.out[:0]
	if err := p.w.write(v); err != nil {
		return err
	}
	return p.send(what, p.w.out)
}

func (p *partWriter) part(v any) error { return p.value(partOf, v) }

// end sends the whole, or why there is none.
func (p *partWriter) end(v any, err error) error {
	if p.err != nil {
		return p.err
	}
	if err == nil {
		if err = p.value(partWhole, v); err == nil || p.err != nil {
			return err
		}
	}
	f, facts := failureOf(err, p.c.s.o.Classify)
	body, err := jsonLine(problemOf(err, f, facts, p.c.grant.Machine))
	if err != nil {
		return err
	}
	return p.send(partFail, body)
}

// buffers are those of answers that were written. Their shapes are forgotten.
type buffers struct{ pool sync.Pool }

// bufferKeptBytes is what a buffer may have grown to and still be kept. A guess: a page of 1000 queries fits.
const bufferKeptBytes = 1 << 20

func (b *buffers) take() *wireWriter {
	w, ok := b.pool.Get().(*wireWriter)
	if !ok {
		return &wireWriter{}
	}
	return w
}

func (b *buffers) give(w *wireWriter) {
	if cap(w.out) > bufferKeptBytes {
		return
	}
	w.out = w.out[:0]
	clear(w.shapes)
	b.pool.Put(w)
}

// eachPart reads an answer that comes in parts: f is told of each, and reads it into what it likes.
func (c *Client) eachPart(ctx context.Context, whole any, f func(read func(into any) error) error, route string, q url.Values, parts ...string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // of an answer that f ended early
	q.Set("stream", "true")
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.at(route, q, parts...), nil)
	if err != nil {
		return err
	}
	res, err := c.send(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if err := c.speaks(res); err != nil {
		return err
	}
	in, values := bufio.NewReaderSize(res.Body, 32<<10), &wireReader{}
	for {
		what, body, err := readPart(in)
		if err != nil {
			return c.broken(ctx, err)
		}
		values.in = body
		switch what {
		case partOf:
			err = f(values.read)
		case partWhole:
			return values.read(whole)
		case partFail:
			var p Problem
			if err := json.Unmarshal([]byte(body), &p); err != nil {
				return fmt.Errorf("read a problem of %s: %w", c.server(), err)
			}
			return errorOf(p, 0)
		default:
			err = fmt.Errorf("found a part %q in the answer of %s, which this version does not know: use the same version on both sides", what, c.server())
		}
		if err != nil {
			return err
		}
	}
}

// readPart reads one part. An answer that ends here broke off: its last part would have said that it is the last.
func readPart(in *bufio.Reader) (what byte, body string, err error) {
	defer func() {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
	}()
	if what, err = in.ReadByte(); err != nil {
		return 0, "", err
	}
	n, err := binary.ReadUvarint(in)
	if err != nil {
		return 0, "", err
	}
	if n > partMaxBytes {
		return 0, "", fmt.Errorf("found a part of %d bytes, expected at most %d", n, partMaxBytes)
	}
	var b strings.Builder
	b.Grow(int(min(n, 64<<10))) // more when it comes
	_, err = io.CopyN(&b, in, int64(n))
	return what, b.String(), err
}
