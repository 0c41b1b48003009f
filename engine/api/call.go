package api

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
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

func (a *answer) Write(p []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	// Not every ResponseWriter has deadlines (those of tests); one that has not is not a connection that can stall.
	_ = a.control.SetWriteDeadline(time.Now().Add(a.stall))
	return a.ResponseWriter.Write(p)
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
	b, err := encodeWire(v)
	if err != nil {
		return err
	}
	h.Set("Content-Type", wireType)
	_, err = c.w.Write(append(b, '\n'))
	return err
}

// part is a line of an answer that comes in parts: to a Client, which asks for them with stream=true.
type part struct {
	Part    json.RawMessage `json:"part,omitempty"`
	Whole   json.RawMessage `json:"whole,omitempty"`   // the last line of one that came to its end
	Problem *Problem        `json:"problem,omitempty"` // the last line of one that did not
}

// partWriter sends parts. The first failure to send one is kept: nobody reads the others.
type partWriter struct {
	c   *call
	err error
}

func (c *call) parts() *partWriter {
	c.w.Header().Set("Content-Type", wireType)
	return &partWriter{c: c}
}

func (p *partWriter) send(line part) error {
	if p.err == nil {
		p.err = p.c.writeValue(line)
	}
	if p.err == nil {
		p.err = p.c.w.flush()
	}
	return p.err
}

func (p *partWriter) part(v any) error {
	b, err := encodeWire(v)
	if err != nil {
		return err
	}
	return p.send(part{Part: b})
}

// end sends the whole, or why there is none.
func (p *partWriter) end(v any, err error) error {
	if p.err != nil {
		return p.err
	}
	if err == nil {
		b, bad := encodeWire(v)
		if bad == nil {
			return p.send(part{Whole: b})
		}
		err = bad
	}
	f, facts := failureOf(err, p.c.s.o.Classify)
	told := problemOf(err, f, facts, p.c.grant.Machine)
	return p.send(part{Problem: &told})
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
