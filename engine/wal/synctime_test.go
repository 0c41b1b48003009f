package wal

import (
	"testing"
	"time"
)

// TestSyncTimes says which bound a sync counts for: each that is not less than it took.
func TestSyncTimes(t *testing.T) {
	var s syncTimes
	for _, took := range []time.Duration{0, time.Millisecond, time.Millisecond + 1, time.Hour} {
		s.add(took)
	}
	got := s.snapshot()
	if got.Count != 4 || got.Total != time.Hour+2*time.Millisecond+1 {
		t.Errorf("counted %d syncs of %s, want 4 of 1h0m0.002000001s", got.Count, got.Total)
	}
	for i, want := range map[int]uint64{0: 1, 3: 2, 4: 3, len(got.Bounds) - 1: 3} {
		if got.Within[i] != want {
			t.Errorf("%d syncs took at most %s, want %d", got.Within[i], got.Bounds[i], want)
		}
	}
}
