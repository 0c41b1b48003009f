package engine

import (
	"runtime/debug"
	"sync"
	"time"
)

// restAfter is how long nothing has to happen before memory is given back: the collector keeps what it may need again,
// and an investigation that waits for its person should not.
const restAfter = time.Second

// rester gives memory back to the system whenever the engine has come to rest. It costs one collection each time, and
// a look at a number a second.
type rester struct {
	stop func()
	done chan struct{}
}

// startResting watches activity, a number that changes whenever something happens, and calls forget at each rest.
func startResting(activity func() uint64, forget func()) *rester {
	stop := make(chan struct{})
	r := &rester{sync.OnceFunc(func() { close(stop) }), make(chan struct{})}
	go func() {
		defer close(r.done)
		ticker := time.NewTicker(restAfter)
		defer ticker.Stop()
		last, freed := activity(), false
		for {
			select {
			case <-stop:
				return
			case <-ticker.C:
			}
			switch now := activity(); {
			case now != last:
				last, freed = now, false
			case !freed:
				forget()
				debug.FreeOSMemory()
				freed = true
			}
		}
	}()
	return r
}

// end may be called again.
func (r *rester) end() {
	r.stop()
	<-r.done
}
