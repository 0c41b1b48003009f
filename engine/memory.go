package engine

import (
	"math"
	"runtime/debug"
)

// memoryLimitBytes is how large the process may become, mapped files apart, before the garbage collector works harder:
// with the pages of the store's files on top, filling a store stays near 256 MiB (decision 4).
const memoryLimitBytes = 120 << 20

// boundMemory sets the soft limit of a process that holds a directory, unless GOMEMLIMIT or somebody else has. Nothing
// fails at it: who needs more gets it, at more work for the collector. Without one the heap may double.
func boundMemory() {
	if debug.SetMemoryLimit(-1) == math.MaxInt64 {
		debug.SetMemoryLimit(memoryLimitBytes)
	}
}
