package engine

import (
	"os"
	"runtime"
	"sync"
)

// oneThreadMore lets a process that holds a directory run Go on one thread more than it has processors, unless GOMAXPROCS
// says how many. A compaction keeps each thread it runs on for 10 ms at a time, and on two processors it has them all: who
// asks waits, and so does the keeper of memory. With a third thread the kernel divides the time. At 2,000 questions a
// second over HTTP, 99 of 100 waited 12 to 14 ms instead of 15 to 39 (bench/RESULTS.md); a fourth made it 12 to 24.
//
// Where the runtime would follow a limit of processors that changes while it runs, it no longer does.
var oneThreadMore = sync.OnceFunc(func() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 1)
	}
})
