package wal

import (
	"slices"
	"sync"
	"time"
)

// syncBounds are the bounds by which syncs are counted: from a disk that has a battery to one that is about to fail,
// each twice the one before.
var syncBounds = [...]time.Duration{
	125 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond, time.Millisecond, 2 * time.Millisecond, 4 * time.Millisecond,
	8 * time.Millisecond, 16 * time.Millisecond, 32 * time.Millisecond, 64 * time.Millisecond, 128 * time.Millisecond, 256 * time.Millisecond,
	512 * time.Millisecond, 1024 * time.Millisecond, 2048 * time.Millisecond, 4096 * time.Millisecond,
}

// SyncTimes says how long the syncs of the journal took since it was opened, those that failed included. One sync makes
// all appends durable that waited for it.
type SyncTimes struct {
	Count  uint64
	Total  time.Duration
	Bounds []time.Duration // rising
	Within []uint64        // for each of Bounds, the syncs that took at most so long
}

// SyncTimes is a snapshot of how long syncs took. Safe for use by several goroutines.
func (l *Log) SyncTimes() SyncTimes { return l.syncs.snapshot() }

// syncTimes counts syncs as they are made. The zero value has counted none.
type syncTimes struct {
	mu    sync.Mutex
	took  [len(syncBounds) + 1]uint64 // guarded by mu; by the first bound that is not less, the last beyond all
	total time.Duration               // guarded by mu
}

func (s *syncTimes) add(took time.Duration) {
	at, _ := slices.BinarySearch(syncBounds[:], took)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.took[at]++
	s.total += took
}

func (s *syncTimes) snapshot() SyncTimes {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := SyncTimes{Total: s.total, Bounds: slices.Clone(syncBounds[:]), Within: make([]uint64, len(syncBounds))}
	for i, n := range s.took {
		out.Count += n
		if i < len(out.Within) {
			out.Within[i] = out.Count
		}
	}
	return out
}
