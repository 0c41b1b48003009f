package trace

import (
	"context"
	"sync"

	"episteme/engine/ingest"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// Noted hands what an Annotator found about an audit to whoever asked the question, who would read it back otherwise. The
// zero Noted is ready; it is safe for use by several goroutines.
type Noted struct {
	mu     sync.Mutex
	wanted map[record.ID][]byte // guarded by mu; nil: not found yet
}

// Want says that somebody will Take what is found about an audit that is about to be appended.
func (n *Noted) Want(audit record.ID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.wanted == nil {
		n.wanted = map[record.ID][]byte{}
	}
	n.wanted[audit] = nil
}

// Take returns what was found and wants it no more; false when it was not found.
func (n *Noted) Take(audit record.ID) ([]byte, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	found := n.wanted[audit]
	delete(n.wanted, audit)
	return found, found != nil
}

func (n *Noted) note(audit record.ID, found []byte) {
	if n == nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, wanted := n.wanted[audit]; wanted {
		n.wanted[audit] = append([]byte{}, found...)
	}
}

// Told is the audit of a question that was asked, written down at an LSN and applied, with what was Noted about it: as
// Audit reads it from the store.
func (t *Tracer) Told(ctx context.Context, asked Asked, at ingest.Row) (ask.Audit, error) {
	return read(ctx, t, func(v *ingest.View) (ask.Audit, error) {
		n := t.newNames(v)
		n.told = asked.told.Contributions
		at.Audit = asked.Audit
		return t.audit(ctx, at, n)
	})
}
