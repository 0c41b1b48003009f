package engine

import (
	"context"
	"sync"

	"episteme/engine/record"
)

// asking holds the questions that are being answered. The zero value holds none.
type asking struct {
	mu   sync.Mutex
	held map[record.Hash]chan struct{} // guarded by mu; closed when the question is given back
}

// take waits until nobody else asks the question. Give it back with give.
func (a *asking) take(ctx context.Context, question record.Hash) error {
	for {
		a.mu.Lock()
		other, held := a.held[question]
		if !held {
			if a.held == nil {
				a.held = map[record.Hash]chan struct{}{}
			}
			a.held[question] = make(chan struct{})
			a.mu.Unlock()
			return nil
		}
		a.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (a *asking) give(question record.Hash) {
	a.mu.Lock()
	defer a.mu.Unlock()
	close(a.held[question])
	delete(a.held, question)
}
