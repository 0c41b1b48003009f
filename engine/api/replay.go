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
	body  record.Hash
	at    time.Time
	asked record.Time // when the question was asked: asked again with it, it is the same audit
	busy  bool        // it is being asked
	done  bool        // it was answered
	id    record.ID
}

const (
	replayMax     = 10_000         // keys remembered: some megabytes
	replayTime    = 24 * time.Hour // how long: that of the services that made such keys known
	replayKeySize = 255            // bytes of a key
)

func newReplays(now func() time.Time) *replays {
	return &replays{now: now, held: map[replayKey]*replay{}}
}

// begin takes a key for a request. It returns the audit that the request became, if it was answered before; else the time
// to ask at, which is that of the first try, and end must be called.
func (r *replays) begin(k replayKey, body record.Hash, now record.Time) (held replay, err error) {
	if len(k.key) > replayKeySize {
		return held, conflict("idempotency-key", http.StatusBadRequest, "The Idempotency-Key is too long", fmt.Sprintf("Idempotency-Key: found %d bytes, expected at most %d", len(k.key), replayKeySize))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forget()
	known, ok := r.held[k]
	switch {
	case !ok:
		at := r.now()
		known = &replay{body: body, at: at, asked: now}
		r.held[k] = known
		r.order = append(r.order, replayAge{k, at})
	case known.body != body:
		return held, conflict("idempotency-key-reused", http.StatusUnprocessableEntity, "The Idempotency-Key was sent with another question", "Idempotency-Key: found a key that came with another body before, expected a new key for a new question")
	case known.busy:
		return held, conflict("idempotency-key-busy", http.StatusConflict, "The same request is being answered", "Idempotency-Key: the request that first came with this key is not answered yet; send it again in a moment")
	}
	known.busy = !known.done
	return *known, nil
}

// end says what the request became: its audit; or the zero id, when that is not known, or when it is known that nothing
// was written. Only then is the key free for another question.
func (r *replays) end(k replayKey, id record.ID, nothing bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	held := r.held[k]
	switch {
	case held == nil:
	case nothing:
		delete(r.held, k)
	default:
		held.busy, held.done, held.id = false, !id.IsZero(), id
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
