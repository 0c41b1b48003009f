// Package when reads the times that people type.
//
// Promises: what is accepted has one meaning, given a Clock; everything else is refused with an *Error that points at
// a column and shows three examples. Nothing reads the system's clock or zone.
//
// Not promised: other languages, months as units, days like 01/02/2024 that mean two things.
//
// # Grammar
//
// Case and the number of spaces do not matter.
//
//	time    = point | range
//	range   = "last" n unit                                     last 30 minutes
//	point   = "now" [("+" | "-") n unit] ["/d"]                 now  now-6h  now/d
//	        | n unit ["ago"]                                    6 hours ago  6h ago  6h  30m
//	        | day [["at"] clock]                                yesterday at 21:00  monday 9pm  today
//	        | date [("T" | ["at"]) clock]                       2024-01-15  2024-01-15 21:03
//	        | date ("T" | " ") hh:mm[:ss[.fraction]] zone       2024-01-15T21:03:47.25Z  RFC 3339
//	        | clock                                             21:00
//	        | unix                                              1705352627  1705352627000
//	day     = "today" | "yesterday" | weekday                   monday or mon
//	date    = yyyy-mm-dd
//	clock   = h:mm[:ss] | h[:mm]("am" | "pm")
//	zone    = "Z" | ("+" | "-") hh:mm
//	unit    = "s" | "m" | "h" | "d" | "w", or spelled: sec min hr second minute hour day week, also with s
//	unix    = 9 or 10 digits: seconds; 11 to 13: milliseconds. Fewer are refused: 2024 is more likely a year
//
// # Meaning
//
//   - Without a zone a time is on the clock of Clock.Zone.
//   - A day (a date, today, now/d, a weekday without a clock) is its 00:00, or its 24:00 as the end of a range.
//   - A clock without a day, and a weekday, are the latest that is not after now. today and yesterday stay where they
//     are: "today at 21:00" may lie ahead.
//   - s, m and h are lengths of time. d and w are days of the calendar: the same time on the clock, that many days
//     earlier, also where a day has 23 or 25 hours.
//   - A time that the clock skips (spring) is the moment of the jump. One that it shows twice (autumn) is the first, or
//     the second as the end of a range, or the later one that is past, where it is the past that counts.
package when

import (
	"time"

	"episteme/engine/record"
)

// Range is [From, To).
type Range struct{ From, To time.Time }

// Clock is what a time is relative to. A nil Zone is UTC. Results are in Zone. A Clock does not change and may be used
// by several goroutines.
type Clock struct {
	Now  time.Time
	Zone *time.Location
}

// edge says what a time is used for, where that makes a difference.
type edge int

const (
	point edge = iota
	start
	end
)

// Instant reads a point in time. A day is its 00:00. A range is refused. All errors are *Error.
func (c Clock) Instant(text string) (time.Time, error) {
	e, err := parsePoint(text)
	if err != nil {
		return time.Time{}, err
	}
	return c.resolve(e, point)
}

// Start reads the start of a range. A day is its 00:00, a range is its own start. All errors are *Error.
func (c Clock) Start(text string) (time.Time, error) {
	e, err := parse(text)
	if err != nil {
		return time.Time{}, err
	}
	return c.resolve(e, start)
}

// End reads the end of a range, which is exclusive. A day is its 24:00. A range is refused. All errors are *Error.
func (c Clock) End(text string) (time.Time, error) {
	e, err := parsePoint(text)
	if err != nil {
		return time.Time{}, err
	}
	return c.resolve(e, end)
}

// Since reads the start of a range that ends now, now included: To is one nanosecond later. A start after now is
// refused. All errors are *Error.
func (c Clock) Since(text string) (Range, error) {
	e, err := parse(text)
	if err != nil {
		return Range{}, err
	}
	from, err := c.resolve(e, start)
	if err != nil {
		return Range{}, err
	}
	if from.After(c.Now) {
		return Range{}, e.refuse(from.Format(time.RFC3339Nano), "a time up to now, "+c.now().Format(time.RFC3339Nano))
	}
	to, err := c.held(e, c.now().Add(time.Nanosecond))
	if err != nil {
		return Range{}, err
	}
	return Range{from, to}, nil
}

func (c Clock) zone() *time.Location {
	if c.Zone == nil {
		return time.UTC
	}
	return c.Zone
}

func (c Clock) now() time.Time { return c.Now.In(c.zone()) }

// held returns t in the zone of c, or refuses what no record can carry.
func (c Clock) held(e expr, t time.Time) (time.Time, error) {
	if _, err := record.TimeOf(t); err != nil {
		return time.Time{}, e.refuse(t.UTC().Format(time.RFC3339), "a time from 1970-01-01T00:00:00Z to "+record.MaxTime.String())
	}
	return t.In(c.zone()), nil
}
