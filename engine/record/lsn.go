package record

import (
	"encoding/hex"
	"fmt"
)

// LSN is a record's ordinal in the journal: dense, from 1. 0 is "before every record".
type LSN uint64

// LogID names a journal: 16 random bytes, the same in all its segments. The zero LogID is no journal.
type LogID [16]byte

// IsZero reports whether l names no journal.
func (l LogID) IsZero() bool { return l == LogID{} }

// String is the log id as 32 lower-case hex digits.
func (l LogID) String() string {
	const digits = "0123456789abcdef"
	out := make([]byte, 0, 2*len(l))
	for _, b := range l {
		out = append(out, digits[b>>4], digits[b&15])
	}
	return string(out)
}

// ParseLogID reads exactly 32 lower-case hex digits.
func ParseLogID(s string) (LogID, error) {
	var l LogID
	if len(s) != 2*len(l) {
		return LogID{}, fmt.Errorf("found %d characters, expected a log id of 32 hex digits", len(s))
	}
	for i := range len(s) {
		if !isLowerHex(s[i]) {
			return LogID{}, fmt.Errorf("found %q at digit %d, expected a log id of 32 lower-case hex digits", s[i], i+1)
		}
	}
	_, err := hex.Decode(l[:], []byte(s))
	return l, err
}
