package engine

import (
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"
)

const (
	// memoryLimitBytes is how large the process may become, mapped files apart, before the garbage collector works harder:
	// with the pages of the store's files on top, filling a store stays near 256 MiB (decision 4).
	memoryLimitBytes = 104 << 20

	// memoryLasts is how long something has to live to raise the limit: longer than the memory of a compaction, which is
	// what the limit is for. It is a choice; compactions of a filled store take tenths of a second.
	memoryLasts = 3 * time.Second
)

// boundMemory sets the soft limit of a process that holds a directory, unless GOMEMLIMIT or somebody else has. Nothing
// fails at it: who needs more gets it, at more work for the collector. Without one the heap may double.
//
// A limit below what lives would have the collector run without end: 100 askers over 100,000 audits spent 42 % of two
// processors in it. So it follows what has lived for memoryLasts.
var boundMemory = sync.OnceFunc(func() {
	if debug.SetMemoryLimit(-1) != math.MaxInt64 {
		return
	}
	debug.SetMemoryLimit(memoryLimitBytes)
	set := int64(memoryLimitBytes)
	var l lasting
	afterEachGC(func() bool {
		if debug.SetMemoryLimit(-1) != set { // somebody else's now
			return false
		}
		live, beside := goMemory()
		if limit := limitFor(l.least(time.Now(), live), beside); limit != set { // setting it stops the world
			set = limit
			debug.SetMemoryLimit(set)
		}
		return true
	})
})

// limitFor is the limit for so many bytes that live and what the runtime needs beside: a third more, so that the next
// collection comes after so much was allocated, and never less than memoryLimitBytes. The runtime aims three in a
// hundred below a limit, hence 33. It goes in steps of 4 MiB.
func limitFor(live, beside int64) int64 {
	const step = 4 << 20
	return max(memoryLimitBytes, ((live+live/3+beside)/32*33+step-1)/step*step)
}

// goMemory is what lived on the heap at the last collection, and what a limit counts beside what is on the heap, in bytes.
func goMemory() (live, beside int64) {
	s := []metrics.Sample{
		{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"},
		{Name: "/memory/classes/heap/free:bytes"}, {Name: "/memory/classes/heap/objects:bytes"},
	}
	metrics.Read(s)
	at := func(i int) int64 { return int64(s[i].Value.Uint64()) }
	return at(0), at(1) - at(2) - at(3) - at(4)
}

// afterEachGC calls f after each collection of garbage until it returns false, one call at a time. An idle process
// collects none, so it costs nothing then.
func afterEachGC(f func() bool) {
	type sentinel struct{ _ *sentinel } // holds a pointer, or it could share its memory with what lives on
	var arm func()
	arm = func() {
		runtime.SetFinalizer(new(sentinel), func(*sentinel) {
			if f() {
				arm()
			}
		})
	}
	arm()
}

// lasting is the least of the values of the last memoryLasts, give or take a half.
type lasting struct {
	since      time.Time // when young began
	old, young int64     // the least of the time before since, and of the time after it
}

// least takes a value in and returns the least of the last ones.
func (l *lasting) least(now time.Time, value int64) int64 {
	if l.since.IsZero() || now.Sub(l.since) >= memoryLasts {
		l.since, l.old, l.young = now, l.young, value
	}
	l.young = min(l.young, value)
	return min(l.old, l.young)
}
