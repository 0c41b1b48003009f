package api

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"time"

	"episteme/engine/record"
)

// call is one request on its way to an answer.
type call struct {
	w        *answer
	r        *http.Request
	s        *Server
	ctx      context.Context
	route    *route
	trust    Trust
	grant    Grant
	evidence Evidence // as grant may see it
	v        *values
	body     io.ReadCloser // nil where the route takes none
	whole    bool          // a Client asks: values cross as they are
}

// answer is a response whose reader has so long to take each part of it.
type answer struct {
	http.ResponseWriter
	control *http.ResponseController
	stall   time.Duration
	status  int // 0: nothing was sent yet
}

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
	_ = a.control.SetWriteDeadline(time.Now().Add(a.stall)) // see Write
	a.ResponseWriter.WriteHeader(status)
}

// writeBytes is how much of an answer has to be taken within one wait. A reader of 2 KB a second keeps up with it.
const writeBytes = 64 << 10

// Write gives its reader the wait for each part: a long answer over a slow way is not one that stalls.
func (a *answer) Write(p []byte) (n int, err error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	for first := true; err == nil && (first || n < len(p)); first = false {
		// Not every ResponseWriter has deadlines (those of tests); one that has not is not a connection that can stall.
		_ = a.control.SetWriteDeadline(time.Now().Add(a.stall))
		var took int
		took, err = a.ResponseWriter.Write(p[n:min(n+writeBytes, len(p))])
		n += took
	}
	return n, err
}

// flush sends what was written so far.
func (a *answer) flush() error { return a.control.Flush() }

// writeValue writes v as one line: the JSON of the command line.
func (c *call) writeValue(v any) error {
	b, err := jsonLine(v)
	if err != nil {
		return err
	}
	_, err = c.w.Write(b)
	return err
}

// jsonLine is v as JSON on one line. Characters of HTML stay as they are.
func jsonLine(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return b.Bytes(), err
}

// reply answers with shown, or with all of v where a Client asks.
func (c *call) reply(v, shown any) error {
	h := c.w.Header()
	if !c.whole {
		h.Set("Content-Type", "application/json")
		return c.writeValue(shown)
	}
	w := c.s.buffers.take()
	defer c.s.buffers.give(w)
	if err := w.write(v); err != nil {
		return err
	}
	h.Set("Content-Type", wireType)
	h.Set("Content-Length", strconv.Itoa(len(w.out)))
	_, err := c.w.Write(w.out)
	return err
}

// id reads the id in the path. A full one is taken as it is, so that a digest whose bytes are not held can be named;
// anything else is looked up as people type it.
func (c *call) id() (record.ID, error) { return c.identify(c.r.PathValue("id")) }

func (c *call) identify(typed string) (record.ID, error) {
	if id, err := record.ParseID(typed); err == nil {
		return id, nil
	}
	return c.evidence.Identify(c.ctx, typed)
}
