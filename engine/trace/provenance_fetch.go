package trace

import (
	"context"
	"runtime"
	"slices"
	"sync"

	"episteme/engine/trace/ask"
)

// Records are read in parts, some parts ahead of the one that is visited. That bounds how many are held at once:
// partSteps × (partsAhead + 1), each of up to 1 MiB.
const (
	partSteps  = 16
	partsAhead = 4
)

// part is some steps and, once read, their records.
type part struct {
	steps   []step
	records []ask.Record // of each step
	err     error
	read    bool // guarded by the mutex of the reading
}

// reading gives a walk the records of its steps, in the order in which the steps were found. As many goroutines as there are
// processors read ahead of the walk, which is one of them.
type reading struct {
	fetch func(step) (ask.Record, error)

	mu      sync.Mutex
	toRead  sync.Cond // a part can be taken, or it is over
	toVisit sync.Cond // a part was read
	steps   []step    // guarded by mu; found, not taken yet
	parts   []*part   // guarded by mu; taken, not visited yet, in order
	over    bool      // guarded by mu
	readers sync.WaitGroup
}

// newReading starts to read. Call end before what fetch reads from is closed.
func newReading(fetch func(step) (ask.Record, error)) *reading {
	r := &reading{fetch: fetch}
	r.toRead.L, r.toVisit.L = &r.mu, &r.mu
	for range runtime.NumCPU() - 1 {
		r.readers.Go(r.ahead)
	}
	return r
}

func (r *reading) end() {
	r.mu.Lock()
	r.over = true
	r.mu.Unlock()
	r.toRead.Broadcast()
	r.readers.Wait()
}

// found adds steps behind those that were found before.
func (r *reading) found(steps []step) {
	if len(steps) == 0 {
		return
	}
	r.mu.Lock()
	r.steps = append(r.steps, steps...)
	r.mu.Unlock()
	r.toRead.Broadcast()
}

// next waits for the next part, or reads it. Nil: there is none, and none is being read.
func (r *reading) next() *part {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		switch {
		case len(r.parts) > 0 && r.parts[0].read:
			p := r.parts[0]
			r.parts = slices.Delete(r.parts, 0, 1)
			r.toRead.Signal()
			return p
		case r.readOne():
		case len(r.parts) == 0:
			return nil
		default:
			r.toVisit.Wait()
		}
	}
}

// ahead reads parts until it is over.
func (r *reading) ahead() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for !r.over {
		if r.readOne() {
			r.toVisit.Signal()
		} else {
			r.toRead.Wait()
		}
	}
}

// readOne reads a part, when there is one to read and room for it. The caller holds mu, which it gives up meanwhile.
func (r *reading) readOne() bool {
	if len(r.steps) == 0 || len(r.parts) >= partsAhead {
		return false
	}
	n := min(partSteps, len(r.steps)/runtime.NumCPU()+1)
	p := &part{steps: r.steps[:n:n], records: make([]ask.Record, n)}
	r.steps = r.steps[n:]
	r.parts = append(r.parts, p)
	r.mu.Unlock()
	for i, s := range p.steps {
		if p.records[i], p.err = r.fetch(s); p.err != nil {
			break
		}
	}
	r.mu.Lock()
	p.read = true
	return true
}

// fetch reads the record of a step.
func (w *walk) fetch(s step) (ask.Record, error) {
	if err := context.Cause(w.ctx); err != nil {
		return ask.Record{}, err
	}
	return w.t.fetch(w.ctx, w.view, s.id)
}
