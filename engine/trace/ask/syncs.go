package ask

import "time"

// Syncs says how long the journal's syncs took since it was opened, for those who watch over it: a disk that begins to
// fail is seen here first.
type Syncs struct {
	Count  uint64
	Total  time.Duration
	Bounds []time.Duration // rising
	Within []uint64        // for each of Bounds, the syncs that took at most so long
}
