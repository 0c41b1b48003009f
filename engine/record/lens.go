package record

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The names of the lenses that audits and queries can carry. What they do is for package lens.
const (
	lensConsensus = "consensus"
	lensAuthority = "authority"
	lensRecency   = "recency"
	lensSkeptic   = "skeptic"

	// LensExternal is the lens of an imported audit that was answered by a rule which is none of ours.
	LensExternal = "external"
)

// isLens reports whether name is a rule of ours.
func isLens(name string) bool {
	switch name {
	case lensConsensus, lensAuthority, lensRecency, lensSkeptic:
		return true
	}
	return false
}

// HalfLife bounds of rule 11.
const (
	DefaultHalfLife = 24 * time.Hour
	MinHalfLife     = time.Second
	MaxHalfLife     = 10 * 365 * 24 * time.Hour
)

// ParseHalfLife reads a half-life as people and files write it: Go's units (90s, 1h30m, 36h), or whole days (7d).
// It refuses what is out of bounds.
func ParseHalfLife(s string) (time.Duration, error) {
	half, err := time.ParseDuration(s)
	if days, ok := strings.CutSuffix(s, "d"); ok {
		var n uint64
		n, err = strconv.ParseUint(days, 10, 16)
		half = time.Duration(n) * 24 * time.Hour
	}
	if err != nil || half < MinHalfLife || half > MaxHalfLife {
		return 0, fmt.Errorf("found %q, expected a half-life such as 36h, from 1s to 87600h", clip(s))
	}
	return half, nil
}

// FormatHalfLife writes a half-life so that ParseHalfLife reads it back: 24h, 1h30m, 90s as 1m30s.
func FormatHalfLife(half time.Duration) string {
	s := half.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
