package store

import (
	"bufio"
	"context"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"time"
)

// ChildArg makes this program do one task with one store: every measurement has a process of its own, so that nobody
// pays for another's memory.
const ChildArg = "store-child"

// task is what a child is to do; it comes as its argument. Steps and questions come on its input, so that a child's
// memory is that of the store and of the batch in hand.
type task struct {
	Do       work
	Peer     string
	Dir      string
	Batch    int           // steps a sync
	Expect   uint64        // audits there must be at the end
	Idle     time.Duration // fill: before memory is looked at again
	CacheKiB int           // SQLite's page cache
}

type work string

const (
	doFill   work = "fill"   // append what comes, answer the questions, tell the memory
	doIngest work = "ingest" // append what comes, by the clock
	doOpen   work = "open"   // open and count, by the clock
	doAsk    work = "ask"    // answer the questions, by the clock
)

// message is one step, or the questions, which come last and end the input.
type message struct {
	Step      *Step
	Questions []Question
	Last      bool
}

// outcome is what a child tells.
type outcome struct {
	Durable time.Duration // ingest: until the last batch was durable
	Held    time.Duration // ingest: until a question sees all
	Opened  time.Duration // open: until the number of audits was told
	Busy    memory        // fill: after everything was written and asked
	Idle    memory        // fill: some time after that
	Answers []answered    // fill and ask: one for each question
}

// answered is what came of a question.
type answered struct {
	Took      time.Duration
	Rows      int
	Digest    uint64
	CannotAsk bool
}

// Child does one task and writes its outcome.
func Child(args []string, in io.Reader, out io.Writer) error {
	var t task
	if len(args) != 1 {
		return fmt.Errorf("found %d arguments, expected a task", len(args))
	}
	if err := json.Unmarshal([]byte(args[0]), &t); err != nil {
		return fmt.Errorf("read the task: %w", err)
	}
	ctx := context.Background()
	incoming := &input{gob: gob.NewDecoder(bufio.NewReader(in))}
	result, err := t.run(ctx, incoming)
	if err != nil {
		return fmt.Errorf("%s, %s in %s: %w", t.Peer, t.Do, t.Dir, err)
	}
	return json.NewEncoder(out).Encode(result)
}

func (t task) run(ctx context.Context, in *input) (o outcome, err error) {
	var waiting [][]Step
	if t.Do == doIngest {
		if waiting, err = in.batches(t.Batch); err != nil {
			return o, err
		}
	}
	start := time.Now()
	p, err := openPeer(ctx, t.Peer, t.Dir, t.CacheKiB)
	if err != nil {
		return o, err
	}
	switch t.Do {
	case doFill:
		err = t.fill(ctx, p, in, &o)
	case doIngest:
		err = ingest(ctx, p, waiting, &o)
	case doAsk:
		err = t.answer(ctx, p, in, &o)
	}
	if err == nil {
		err = t.check(ctx, p)
		o.Opened = time.Since(start) // means something for doOpen only
	}
	return o, errors.Join(err, p.close())
}

// check asks for the number of audits: nobody is measured who has lost some.
func (t task) check(ctx context.Context, p peer) error {
	n, err := p.count(ctx)
	if err == nil && n != t.Expect {
		err = fmt.Errorf("found %d audits, expected %d", n, t.Expect)
	}
	return err
}

// fillAhead is how many batches may be durable and not yet seen by questions: the engine lets files run as far ahead.
const fillAhead = 16

func (t task) fill(ctx context.Context, p peer, in *input, o *outcome) error {
	for n := 0; ; n++ {
		batch, err := in.batch(t.Batch)
		if err != nil {
			return err
		}
		if len(batch) == 0 {
			break
		}
		if err := p.append(ctx, batch); err != nil {
			return err
		}
		if n%fillAhead == fillAhead-1 {
			if err := p.catchUp(ctx); err != nil {
				return err
			}
		}
	}
	if err := p.catchUp(ctx); err != nil {
		return err
	}
	if err := t.answer(ctx, p, in, o); err != nil {
		return err
	}
	o.Busy = ownMemory()
	time.Sleep(t.Idle)
	o.Idle = ownMemory()
	return nil
}

// ingest appends batches that are in memory already.
func ingest(ctx context.Context, p peer, waiting [][]Step, o *outcome) error {
	start := time.Now()
	for _, batch := range waiting {
		if err := p.append(ctx, batch); err != nil {
			return err
		}
	}
	o.Durable = time.Since(start)
	err := p.catchUp(ctx)
	o.Held = time.Since(start)
	return err
}

// answer puts the questions kind by kind. By the clock, all of a kind are put once before, to warm up.
func (t task) answer(ctx context.Context, p peer, in *input, o *outcome) error {
	questions, err := in.questions()
	if err != nil {
		return err
	}
	for len(questions) > 0 {
		n := slices.IndexFunc(questions, func(q Question) bool { return q.Kind != questions[0].Kind })
		if n < 0 {
			n = len(questions)
		}
		if err := o.answer(ctx, p, questions[:n], t.Do == doAsk); err != nil {
			return err
		}
		questions = questions[n:]
	}
	return nil
}

func (o *outcome) answer(ctx context.Context, p peer, questions []Question, warmUp bool) error {
	for _, q := range questions {
		if !warmUp {
			break
		}
		if _, err := p.ask(ctx, q); err != nil && !errors.Is(err, errNotAsked) {
			return fmt.Errorf("ask for %s: %w", q.Kind, err)
		}
	}
	for _, q := range questions {
		start := time.Now()
		a, err := p.ask(ctx, q)
		took := time.Since(start)
		switch {
		case errors.Is(err, errNotAsked):
			o.Answers = append(o.Answers, answered{CannotAsk: true})
		case err != nil:
			return fmt.Errorf("ask for %s: %w", q.Kind, err)
		default:
			o.Answers = append(o.Answers, answered{Took: took, Rows: a.rows(), Digest: a.digest()})
		}
	}
	return nil
}

// input is what a child reads.
type input struct {
	gob  *gob.Decoder
	last *message
}

// batch is the next n steps, fewer at the end.
func (in *input) batch(n int) (steps []Step, err error) {
	for len(steps) < n && in.last == nil {
		var m message
		if err := in.gob.Decode(&m); err != nil {
			return nil, fmt.Errorf("read a step: %w", err)
		}
		if m.Last {
			in.last = &m
		} else {
			steps = append(steps, *m.Step)
		}
	}
	return steps, nil
}

func (in *input) batches(n int) (all [][]Step, err error) {
	for {
		steps, err := in.batch(n)
		if err != nil || len(steps) == 0 {
			return all, err
		}
		all = append(all, steps)
	}
}

func (in *input) questions() ([]Question, error) {
	if extra, err := in.batch(1); err != nil || len(extra) > 0 {
		return nil, errors.Join(err, fmt.Errorf("found %d steps, expected questions", len(extra)))
	}
	return in.last.Questions, nil
}

// runChild does a task in a process of its own; feed writes its input.
func runChild(ctx context.Context, t task, feed func(send func(message) error) error) (o outcome, err error) {
	arg, err := json.Marshal(t)
	if err != nil {
		return o, err
	}
	cmd := exec.CommandContext(ctx, os.Args[0], ChildArg, string(arg))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return o, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return o, err
	}
	if err := cmd.Start(); err != nil {
		return o, err
	}
	w := bufio.NewWriter(in)
	encoder := gob.NewEncoder(w)
	fed := feed(func(m message) error { return encoder.Encode(m) })
	fed = errors.Join(fed, w.Flush(), in.Close())
	told := json.NewDecoder(out).Decode(&o)
	if err := cmd.Wait(); err != nil {
		return o, fmt.Errorf("%s with %s: %w", t.Do, t.Peer, errors.Join(err, fed))
	}
	return o, errors.Join(fed, told)
}
