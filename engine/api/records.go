package api

import (
	"errors"
	"fmt"
	"io"
	"net/http"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// lineResult is what became of a line. Result is kept, refused, or in a dry run would-keep.
type lineResult struct {
	Line   int         `json:"line"`
	Result string      `json:"result"`
	IDs    []record.ID `json:"ids,omitempty"` // of its records, in the order of the journal; of a question its audit

	Column   int    `json:"column,omitempty"` // of a line that was refused: where, what was found there, and what now
	Field    string `json:"field,omitempty"`
	Found    string `json:"found,omitempty"`
	Expected string `json:"expected,omitempty"`
	Hint     string `json:"hint,omitempty"`
}

// countResult is the last line: an answer without it broke off.
type countResult struct {
	Kept    int      `json:"kept"`
	Refused int      `json:"refused"`
	Records int      `json:"records"`
	Asked   int      `json:"asked"`
	Problem *Problem `json:"problem,omitempty"` // what ended it early; what is counted as kept is kept
}

func (c *call) records() error {
	o := ask.IngestOptions{DryRun: c.v.fact("dry_run"), Strict: c.v.fact("strict")}
	atOnce := c.v.fact("at_once")
	if c.v.err != nil {
		return c.v.err
	}
	lines := record.NewReader(c.body, "body", c.evidence)
	if atOnce {
		return c.writeAtOnce(lines)
	}
	if err := c.w.control.EnableFullDuplex(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	t := &telling{c: c, lines: lines, dry: o.DryRun}
	o.Reject, o.Progress = t.refused, t.progress
	done, err := c.evidence.Ingest(c.ctx, t, o)
	return t.end(done, err)
}

// telling is a file on its way in whose sender is told of each line what became of it: of a line that is kept once it
// is durable, of one that was refused at once. Results are in the order of the lines.
type telling struct {
	c     *call
	lines ask.Lines
	dry   bool
	held  []lineResult // of lines whose fate is not told yet
	known int          // lines counted as kept that were told
	asked int          // place in held of the question being asked, plus one; 0: none
	foul  bool         // a line was refused because its sender may not write it
	err   error        // why nothing more can be told: nobody reads
}

func (t *telling) Next() (record.Line, error) {
	line, err := t.lines.Next()
	if err != nil {
		return line, err
	}
	r := lineResult{Line: line.Number, Result: "kept"}
	if t.dry {
		r.Result = "would-keep"
	}
	for _, rec := range line.Records {
		id, err := record.IDOf(rec)
		if err != nil {
			return line, err
		}
		r.IDs = append(r.IDs, id)
	}
	t.held = append(t.held, r)
	if line.Query != nil {
		t.asked = len(t.held)
	}
	return line, nil
}

func (t *telling) Bind(label string, id record.ID) {
	if t.asked > 0 && t.asked <= len(t.held) && !t.dry {
		t.held[t.asked-1].IDs = []record.ID{id}
	}
	t.lines.Bind(label, id)
}

func (t *telling) refused(r *record.Reject) {
	t.foul = t.foul || r.Field == notPermitted
	told := lineResult{Line: r.Line, Result: "refused", Column: r.Column, Field: r.Field, Found: r.Found, Expected: r.Expected, Hint: r.Hint}
	// The engine may refuse a line that was read: its place is taken.
	if n := len(t.held); n > 0 && t.held[n-1].Line == r.Line && t.held[n-1].Result != "refused" {
		t.held[n-1] = told
		return
	}
	t.held = append(t.held, told)
}

// heldMax is how many refused lines wait for the first that is kept. A guess: far more than anybody reads.
const heldMax = 10_000

// progress tells what is certain by now. A question's own line is counted before its audit is known, so what was read
// last stays until more is known.
func (t *telling) progress(done ask.Ingested) {
	if done.Kept == 0 && len(t.held) < heldMax { // perhaps nothing will be kept, which the status would say
		return
	}
	kept := 0
	for n, r := range t.held {
		if r.Result != "refused" {
			if t.known+kept == done.Kept {
				t.tell(n)
				t.known += kept
				return
			}
			kept++
		}
	}
	t.tell(len(t.held))
	t.known += kept
}

// tell sends the first n results.
func (t *telling) tell(n int) {
	for _, r := range t.held[:n] {
		if t.err == nil {
			t.start(http.StatusOK)
			t.err = t.c.writeValue(r)
		}
	}
	t.held = append(t.held[:0], t.held[n:]...)
	t.asked = max(t.asked-n, 0)
	if t.err == nil && n > 0 {
		t.err = t.c.w.flush()
	}
}

func (t *telling) start(status int) {
	if t.c.w.status == 0 {
		t.c.w.Header().Set("Content-Type", "application/x-ndjson")
		t.c.w.WriteHeader(status)
	}
}

// end tells the rest. An answer that has not begun can still say by its status that nothing was kept.
func (t *telling) end(done ask.Ingested, err error) error {
	if err != nil && (t.c.w.status == 0 && done.Kept == 0) {
		return t.undone(err)
	}
	if done.Kept == 0 && done.Refused > 0 {
		if t.foul {
			t.start(http.StatusForbidden)
			t.c.s.metrics.refused("forbidden")
			t.c.s.note(t.c, noteRefused, "forbidden", http.StatusForbidden)
		} else {
			t.start(http.StatusUnprocessableEntity)
		}
	}
	count := countResult{Kept: done.Kept, Refused: done.Refused, Records: done.Records, Asked: done.Asked}
	if err != nil {
		f, facts := failureOf(err, t.c.s.o.Classify)
		told := problemOf(err, f, facts, t.c.grant.Machine)
		count.Problem = &told
		t.held = t.certain(done.Kept)
	}
	t.tell(len(t.held))
	t.start(http.StatusOK)
	if t.err == nil {
		t.err = t.c.writeValue(count)
	}
	return t.err
}

// undone is the error of a file of which nothing was kept. A strict one says which lines were refused.
func (t *telling) undone(err error) error {
	if !errors.Is(err, ask.ErrStrict) || len(t.held) == 0 {
		return err
	}
	for _, r := range t.held {
		if r.Result == "refused" {
			return fmt.Errorf("%w; line %d, column %d: %s: found %s, expected %s", err, r.Line, r.Column, r.Field, clip(r.Found), r.Expected)
		}
	}
	return err
}

// certain are the results of those that are kept or refused, where the file did not come to its end.
func (t *telling) certain(kept int) (list []lineResult) {
	for _, r := range t.held {
		if r.Result != "refused" {
			if t.known == kept {
				continue
			}
			t.known++
		}
		list = append(list, r)
	}
	return list
}

// atOnceMax is how many lines are taken as one.
const atOnceMax = 1_000

// readAll reads the records of a few lines, and refuses them all when one is refused.
func readAll(lines ask.Lines) (list []record.Record, err error) {
	for n := 0; ; n++ {
		line, err := lines.Next()
		switch {
		case errors.Is(err, io.EOF):
			return list, nil
		case err != nil:
			return nil, err
		case line.Query != nil:
			return nil, &record.Reject{File: "body", Line: line.Number, Column: 1, Field: "kind", Found: "a query", Expected: "records only", Hint: "POST /query asks"}
		case n == atOnceMax:
			return nil, &ask.UsageError{Field: "body", Found: fmt.Sprintf("more than %d lines", atOnceMax), Expected: fmt.Sprintf("at most %d lines, which are taken as one", atOnceMax)}
		}
		list = append(list, line.Records...)
	}
}

// writtenResult is a line of what was written at once.
type writtenResult struct {
	Record ask.Record `json:"record"`
	Known  bool       `json:"known"` // it was recorded before: nothing was written
}

func (c *call) writeAtOnce(lines ask.Lines) error {
	list, err := readAll(lines)
	if err != nil {
		return err
	}
	written, err := c.evidence.Write(c.ctx, list...)
	if err != nil {
		return err
	}
	if c.whole {
		return c.reply(written, nil)
	}
	c.w.Header().Set("Content-Type", "application/x-ndjson")
	for _, w := range written {
		if err := c.writeValue(writtenResult{w.Record, w.Known}); err != nil {
			return err
		}
	}
	return nil
}

func (c *call) preview() error {
	list, err := readAll(record.NewReader(c.body, "body", c.evidence))
	if err != nil {
		return err
	}
	p, err := c.evidence.Preview(c.ctx, list)
	if err != nil {
		return err
	}
	return c.reply(p, p)
}
