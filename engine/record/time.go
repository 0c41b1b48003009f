package record

import (
	"fmt"
	"math"
	"time"
)

// Time is nanoseconds since 1970-01-01T00:00:00Z, UTC. Valid times run from 1970 to 2262-04-11 (rule 2).
type Time int64

// MaxTime is the last instant a record can carry.
const MaxTime = Time(math.MaxInt64)

// timeRange says for messages what a record can carry.
const timeRange = "a time from 1970-01-01T00:00:00Z to 2262-04-11T23:47:16.854775807Z"

// TimeOf converts t, refusing what a record cannot carry.
func TimeOf(t time.Time) (Time, error) {
	const lastSecond = math.MaxInt64 / int64(time.Second)
	s := t.Unix()
	if s < 0 || s > lastSecond || s == lastSecond && int64(t.Nanosecond()) > math.MaxInt64%int64(time.Second) {
		return 0, fmt.Errorf("found %s, expected %s", t.UTC().Format(time.RFC3339), timeRange)
	}
	return Time(t.UnixNano()), nil
}

// Std is the same instant as a time.Time in UTC.
func (t Time) Std() time.Time { return time.Unix(0, int64(t)).UTC() }

// String is RFC 3339 with Z and no trailing zeros: 2024-01-15T21:03:47Z.
func (t Time) String() string { return t.Std().Format(time.RFC3339Nano) }

// MarshalText writes the form of String.
func (t Time) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads RFC 3339 with any offset.
func (t *Time) UnmarshalText(text []byte) error {
	parsed, err := ParseTime(string(text))
	if err == nil {
		*t = parsed
	}
	return err
}

// ParseTime reads RFC 3339 with a zone. It is the form of files and of the API; what people type is read by
// package when.
func ParseTime(s string) (Time, error) {
	t, bad := parseTime([]byte(s))
	if bad != "" {
		return 0, fmt.Errorf("found %q, expected %s", clip(s), bad)
	}
	return t, nil
}

// parseTime says in bad what was expected instead; "" when t is good. It is stricter than time.Parse, which takes
// an hour of one digit, a comma for the point, an offset of any size, and drops digits behind the ninth.
func parseTime(s []byte) (t Time, bad string) {
	const shape = "a time such as 2024-01-15T21:03:47Z"
	if len(s) < len("2024-01-15T21:03:47Z") || s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' || s[16] != ':' {
		return 0, shape
	}
	century, year, month, day := pair(s[0:]), pair(s[2:]), pair(s[5:]), pair(s[8:])
	hour, minute, second := pair(s[11:]), pair(s[14:]), pair(s[17:])
	if min(century, year, month, day, hour, minute, second) < 0 {
		return 0, shape
	}
	nanos, rest, ok := fraction(s[19:])
	if !ok {
		return 0, "a time with 1 to 9 digits behind the point"
	}
	offset, ok := zone(rest)
	if !ok {
		return 0, shape + " (Z, or an offset such as +02:00, at its end)"
	}
	year += 100 * century
	std := time.Date(year, time.Month(month), day, hour, minute, second, nanos, time.UTC)
	if std.Month() != time.Month(month) || std.Day() != day || hour > 23 || minute > 59 || second > 59 {
		return 0, "a day and a time that exist"
	}
	t, err := TimeOf(std.Add(-offset))
	if err != nil {
		return 0, timeRange
	}
	return t, ""
}

// pair is the number of two digits at the start of s, -100 when they are none.
func pair(s []byte) int {
	if !isDigit(s[0]) || !isDigit(s[1]) {
		return -100
	}
	return int(s[0]-'0')*10 + int(s[1]-'0')
}

// fraction reads a point and up to 9 digits, if there is a point.
func fraction(s []byte) (nanos int, rest []byte, ok bool) {
	if s[0] != '.' {
		return 0, s, true
	}
	i := 1
	for ; i < len(s) && isDigit(s[i]); i++ {
		if i > 9 {
			return 0, nil, false
		}
		nanos = nanos*10 + int(s[i]-'0')
	}
	for digits := i - 1; digits < 9; digits++ {
		nanos *= 10
	}
	return nanos, s[i:], i > 1
}

// zone reads Z or an offset of hours and minutes.
func zone(s []byte) (offset time.Duration, ok bool) {
	if len(s) == 1 {
		return 0, s[0] == 'Z'
	}
	if len(s) != len("+02:00") || s[0] != '+' && s[0] != '-' || s[3] != ':' {
		return 0, false
	}
	hours, minutes := pair(s[1:]), pair(s[4:])
	if hours < 0 || hours > 23 || minutes < 0 || minutes > 59 {
		return 0, false
	}
	offset = time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
	if s[0] == '-' {
		offset = -offset
	}
	return offset, true
}
