package trace

import (
	"context"
	"errors"
	"iter"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"episteme/engine/trace/ask"
)

// fetchedAtOnce bounds how many records of a level are read at once, of up to 1 MiB each; as many more are being visited.
const fetchedAtOnce = 32

// fetching reads the records of some steps.
type fetching struct {
	steps   []step
	records []ask.Record // of each step; whole after wait
	errs    []error
	readers sync.WaitGroup
}

// fetched yields the steps of a level with their records, some at a time, and reads the next ones meanwhile.
func (w *walk) fetched(level []step) iter.Seq2[*fetching, error] {
	return func(yield func(*fetching, error) bool) {
		var now, next *fetching
		for part := range slices.Chunk(level, fetchedAtOnce) {
			now, next = next, w.fetch(part)
			if now == nil {
				continue
			}
			if err := now.wait(); !yield(now, err) || err != nil {
				next.wait() // it reads from a View that will be closed
				return
			}
		}
		if next != nil {
			yield(next, next.wait())
		}
	}
}

// fetch begins to read the records of some steps, as many at a time as there are processors.
func (w *walk) fetch(steps []step) *fetching {
	f := &fetching{steps: steps, records: make([]ask.Record, len(steps)), errs: make([]error, len(steps))}
	var taken atomic.Int64
	for range min(runtime.NumCPU(), len(steps)) {
		f.readers.Go(func() {
			for i := int(taken.Add(1)) - 1; i < len(steps); i = int(taken.Add(1)) - 1 {
				if f.errs[i] = context.Cause(w.ctx); f.errs[i] == nil {
					f.records[i], f.errs[i] = w.t.fetch(w.ctx, w.view, steps[i].id)
				}
			}
		})
	}
	return f
}

func (f *fetching) wait() error {
	f.readers.Wait()
	return errors.Join(f.errs...)
}
