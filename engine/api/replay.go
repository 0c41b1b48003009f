package api

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"episteme/engine/record"
)

// replays remembers what requests with an Idempotency-Key became, so that one that is sent again because its answer was
// lost asks nothing again. It lives in memory: behind a restart of the server such a request is a new one.
type replays struct {
	now func() time.Time

	mu    sync.Mutex
	held  map[replayKey]*replay // guarded by mu
	order []replayAge           // guarded by mu; oldest first
}

// replayAge is when a key was taken.
type replayAge struct {
	key replayKey
	at  time.Time
}

// replayKey is a key of somebody: two tokens do not share theirs.
type replayKey struct{ who, key string }

type replay struct {
	body record.Hash
	at   time.Time
	done bool // the question was asked
	id   record.ID
}

const (
	replayMax     = 10_000         // keys remembered: some megabytes
	replayTime    = 24 * time.Hour // how long: that of the services that made such keys known
	replayKeySize = 255            // bytes of a key
)

func newReplays(now func() time.Time) *replays {
	return &replays{now: now, held: map[replayKey]*replay{}}
}

// begin takes a key for a request. It returns the audit that the request became, if it was answered before. Otherwise
// end must be called.
func (r *replays) begin(k replayKey, body record.Hash) (id record.ID, again bool, err error) {
	if len(k.key) > replayKeySize {
		return id, false, conflict("idempotency-key", http.StatusBadRequest, "The Idempotency-Key is too long", fmt.Sprintf("Idempotency-Key: found %d bytes, expected at most %d", len(k.key), replayKeySize))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forget()
	held, ok := r.held[k]
	switch {
	case !ok:
		now := r.now()
		r.held[k] = &replay{body: body, at: now}
		r.order = append(r.order, replayAge{k, now})
		return id, false, nil
	case held.body != body:
		return id, false, conflict("idempotency-key-reused", http.StatusUnprocessableEntity, "The Idempotency-Key was sent with another question", "Idempotency-Key: found a key that came with another body before, expected a new key for a new question")
	case !held.done:
		return id, false, conflict("idempotency-key-busy", http.StatusConflict, "The same request is being answered", "Idempotency-Key: the request that first came with this key is not answered yet; send it again in a moment")
	}
	return held.id, true, nil
}

// end says what the request became; the zero id: nothing, so that it can be sent again.
func (r *replays) end(k replayKey, id record.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	held := r.held[k]
	switch {
	case held == nil:
	case id.IsZero():
		delete(r.held, k)
	default:
		held.done, held.id = true, id
	}
}

// forget drops what is old, and the oldest beyond replayMax. Call with mu held.
func (r *replays) forget() {
	for len(r.order) > 0 {
		oldest := r.order[0]
		held := r.held[oldest.key]
		current := held != nil && held.at.Equal(oldest.at) // else it was given up, and perhaps taken anew
		if current && r.now().Sub(held.at) < replayTime && len(r.order) < replayMax {
			return
		}
		if current {
			delete(r.held, oldest.key)
		}
		r.order = r.order[1:]
	}
}

func conflict(name string, status int, title, detail string) error {
	return &RequestError{Failure{Name: name, Status: status, Title: title}, detail}
}
