package api

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

func (c *Client) Write(ctx context.Context, records ...record.Record) (w []ask.Written, err error) {
	return w, c.post(ctx, &w, "/records", "application/x-ndjson", linesOf(records), url.Values{"at_once": {"true"}}, sameAgain, newKey())
}

func (c *Client) Preview(ctx context.Context, records []record.Record) (p ask.Preview, err error) {
	return p, c.post(ctx, &p, "/preview", "application/x-ndjson", linesOf(records), nil, sameAgain, newKey())
}

// sameAgain is the header by which net/http knows that it may send a request again when a connection that it kept turns
// out to be closed. Records are named by their content, so the same again writes nothing.
const sameAgain = "Idempotency-Key"

// linesOf writes records as JSON lines, ids in full: what a Reader reads back as the same records.
func linesOf(records []record.Record) []byte {
	var b []byte
	for _, r := range records {
		b = append(record.AppendJSON(b, r), '\n')
	}
	return b
}

// Bounds of what is sent at once: what the server makes durable at once.
const (
	sendLines      = 1024
	sendBytes      = 2 << 20
	strictBytesMax = 64 << 20 // of a strict file as JSON lines; the server's own limit counts records
)

// Ingest reads lines here and sends their records in batches; questions are asked one by one, once all before them is
// kept. What Ingested and Reject say of lines is of those that were read here.
func (c *Client) Ingest(ctx context.Context, lines ask.Lines, o ask.IngestOptions) (ask.Ingested, error) {
	in := &sending{c: c, ctx: ctx, o: o, lines: lines, next: make(chan nextLine), more: make(chan struct{})}
	defer close(in.more)
	go in.read()
	err := in.run()
	if err == nil && !o.DryRun {
		err = c.CatchUp(ctx)
	}
	return in.done, err
}

// sending is one file on its way to a server.
type sending struct {
	c     *Client
	ctx   context.Context
	o     ask.IngestOptions
	lines ask.Lines
	done  ask.Ingested

	next chan nextLine // what was read, one at a time
	more chan struct{} // asks for it; closed when nobody will

	body  []byte
	from  []int      // the line that each line of body came from
	whole []sentLine // the lines that body came from
}

// sentLine is a line that was read here, and whether the server refused a record of it.
type sentLine struct {
	number  int
	refused bool
}

// nextLine is what Next gave.
type nextLine struct {
	line record.Line
	err  error
}

// read reads on a goroutine of its own, one line at a time and only when asked, so that what waits can be sent while a
// file that grows is quiet. A Next that never returns keeps the goroutine: the caller closes what is read from.
func (in *sending) read() {
	for range in.more {
		line, err := in.lines.Next()
		select {
		case in.next <- nextLine{line, err}:
		case <-in.ctx.Done():
			return
		}
	}
}

// idleAfter is how long a file may be quiet before what has come of it is sent.
const idleAfter = time.Second

// line waits for the next line. What waits is sent when none comes for a while.
func (in *sending) line() (record.Line, error) {
	select {
	case in.more <- struct{}{}:
	case <-in.ctx.Done():
		return record.Line{}, context.Cause(in.ctx)
	}
	idle := time.NewTimer(idleAfter)
	defer idle.Stop()
	for {
		select {
		case got := <-in.next:
			return got.line, got.err
		case <-in.ctx.Done():
			return record.Line{}, context.Cause(in.ctx)
		case <-idle.C:
			if in.o.Strict {
				continue
			}
			if err := in.flush(); err != nil {
				return record.Line{}, &sendError{err}
			}
		}
	}
}

// sendError is a failure to send, told from one to read.
type sendError struct{ error }

func (e *sendError) Unwrap() error { return e.error }

func (in *sending) run() error {
	for {
		line, err := in.line()
		var failed *sendError
		var reject *record.Reject
		switch {
		case errors.As(err, &failed):
			return failed.error
		case errors.Is(err, io.EOF):
			return in.finish()
		case errors.As(err, &reject):
			in.refuse(reject)
			continue
		case err != nil && in.ctx.Err() != nil:
			return in.interrupted(err)
		case err != nil:
			return err
		}
		if err := in.take(line); err != nil {
			return err
		}
	}
}

// interrupted keeps what was read so far; of a strict file nothing.
func (in *sending) interrupted(cause error) error {
	if in.o.Strict {
		return errors.Join(fmt.Errorf("%w: interrupted, and a strict file is taken whole or not", ask.ErrStrict), cause)
	}
	in.ctx = context.WithoutCancel(in.ctx)
	return errors.Join(cause, in.flush())
}

func (in *sending) finish() error {
	if in.o.Strict && in.done.Refused > 0 {
		return fmt.Errorf("%w: %d lines were refused and a strict file is taken whole or not", ask.ErrStrict, in.done.Refused)
	}
	return in.flush()
}

func (in *sending) refuse(r *record.Reject) {
	in.done.Refused++
	if in.o.Reject != nil {
		in.o.Reject(r)
	}
}

func (in *sending) take(line record.Line) error {
	if line.Query != nil {
		return in.ask(line)
	}
	for _, r := range line.Records {
		in.body = append(record.AppendJSON(in.body, r), '\n')
		in.from = append(in.from, len(in.whole))
	}
	in.whole = append(in.whole, sentLine{number: line.Number})
	switch {
	case in.o.Strict && len(in.body) > strictBytesMax:
		return fmt.Errorf("%w: a strict file may bring %d MiB, this one brings more; split it or leave --strict out", ask.ErrStrict, strictBytesMax>>20)
	case !in.o.Strict && (len(in.whole) >= sendLines || len(in.body) >= sendBytes):
		return in.flush()
	}
	return nil
}

// ask puts a question once everything before it is kept.
func (in *sending) ask(line record.Line) error {
	if in.o.Strict {
		in.refuse(&record.Reject{
			Line: line.Number, Column: 1, Agent: line.Query.Agent, Field: "kind", Found: "a query", Expected: "records only",
			Hint: "a question is asked of what is recorded, so it cannot share a batch with records: leave --strict out",
		})
		return nil
	}
	if err := in.flush(); err != nil {
		return err
	}
	if in.o.DryRun {
		in.done.Asked++
		in.done.Kept++
		in.lines.Bind(line.Label, record.ID{Kind: record.KindAudit, Hash: record.Sum([]byte(line.Label))})
		return nil
	}
	a, err := in.c.Ask(in.ctx, *line.Query)
	var forbidden *ForbiddenError
	if errors.As(err, &forbidden) {
		in.refuse(&record.Reject{
			Line: line.Number, Column: 1, Agent: line.Query.Agent, Field: notPermitted, Found: forbidden.What, Expected: forbidden.Expected,
			Hint: forbidden.Who + " may not do this",
		})
		return nil
	}
	if err != nil {
		return err
	}
	in.done.Asked++
	in.done.Kept++
	in.lines.Bind(line.Label, a.ID)
	return nil
}

// flush sends what waits and counts what became of it.
func (in *sending) flush() error {
	if len(in.whole) == 0 {
		return nil
	}
	q := url.Values{}
	if in.o.DryRun {
		q.Set("dry_run", "true")
	}
	if in.o.Strict {
		q.Set("strict", "true")
	}
	req, err := http.NewRequestWithContext(in.ctx, http.MethodPost, in.c.at("/records", q), bytes.NewReader(in.body))
	if err != nil {
		return err
	}
	// The same lines again are the same records, so a request whose connection broke may be sent again.
	req.Header.Set("Idempotency-Key", newKey())
	req.Header.Set("Content-Type", "application/x-ndjson")
	res, err := in.c.send(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	count, err := in.results(bufio.NewReader(res.Body))
	if err != nil {
		return err
	}
	in.done.Records += count.Records
	refused, told := 0, count.Kept+count.Refused
	for _, l := range in.whole {
		if l.refused {
			refused++
		}
	}
	if count.Problem != nil { // lines behind its end were not told of; the last that was begun counts as not kept
		in.done.Kept += min(in.linesOf(told), len(in.whole)-refused)
		return errorOf(*count.Problem, 0)
	}
	in.done.Kept += len(in.whole) - refused
	in.body, in.from, in.whole = in.body[:0], in.from[:0], in.whole[:0]
	if in.o.Progress != nil {
		in.o.Progress(in.done)
	}
	return nil
}

// linesOf is how many lines read here lie wholly within the first n lines that were sent.
func (in *sending) linesOf(n int) int {
	if n >= len(in.from) {
		return len(in.whole)
	}
	return in.from[n]
}

// results reads what became of each line that was sent, up to the line that counts them.
func (in *sending) results(r *bufio.Reader) (count countResult, err error) {
	for {
		line, err := r.ReadBytes('\n')
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return count, in.c.broken(in.ctx, err)
		}
		var one lineResult
		if err := json.Unmarshal(line, &one); err != nil {
			return count, fmt.Errorf("read a result of %s: %w", in.c.server(), err)
		}
		if one.Result == "" {
			return count, json.Unmarshal(line, &count)
		}
		if one.Result == "refused" {
			in.refusedThere(one)
		}
	}
}

// refusedThere is told once of a line of which the server refused a record.
func (in *sending) refusedThere(one lineResult) {
	if one.Line < 1 || one.Line > len(in.from) {
		return
	}
	l := &in.whole[in.from[one.Line-1]]
	if l.refused {
		return
	}
	l.refused = true
	in.refuse(&record.Reject{Line: l.number, Column: one.Column, Field: one.Field, Found: one.Found, Expected: one.Expected, Hint: one.Hint})
}
