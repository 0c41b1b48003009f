package views

import (
	"fmt"
	"strconv"
	"time"

	"episteme/engine/record"
)

// TimeMode is a way of showing a time.
type TimeMode uint8

const (
	UTC      TimeMode = iota
	Local             // with its offset
	Relative          // T+ of the incident
	Aged              // how long ago
)

// Times shows times. The zero Times shows UTC.
type Times struct {
	Mode TimeMode
	Zone *time.Location // of Local; nil: there is none
	Zero *record.Time   // of Relative; nil: there is none
	Now  *record.Time   // of Aged; nil: it is not known
}

// Next is the next way that can be shown.
func (t Times) Next() Times {
	for range 4 {
		t.Mode = (t.Mode + 1) % 4
		switch {
		case t.Mode == Aged && t.Now == nil:
		case t.Mode == Local && (t.Zone == nil || t.Zone == time.UTC):
		case t.Mode == Relative && t.Zero == nil:
		default:
			return t
		}
	}
	t.Mode = UTC
	return t
}

// Name says which way it is, for the head of a column; it is no wider than ColumnCells.
func (t Times) Name() string {
	switch t.Mode {
	case Local:
		return "TIME LOCAL"
	case Relative:
		return "TIME T+"
	case Aged:
		return "TIME AGO"
	}
	return "TIME UTC"
}

// Clock is the time of day: 21:03:47Z, 22:03:47+01:00, T+00:12:07. It is exact to the second, earlier rather than
// later.
func (t Times) Clock(at record.Time) string {
	switch t.Mode {
	case Local:
		return at.Std().In(t.zone()).Format("15:04:05-07:00")
	case Relative:
		if t.Zero != nil {
			return Since(*t.Zero, at)
		}
	case Aged:
		if t.Now != nil {
			return aged(*t.Now, at, true)
		}
	}
	return at.Std().Format("15:04:05Z")
}

// Column is the time of day in a column whose head says the rest, with the day where the column spans several.
func (t Times) Column(at record.Time, days bool) string {
	layout := "15:04:05"
	if t.Mode == Local {
		layout = "15:04:05-0700" // the offset stays: the hour before a change of clocks comes twice
	}
	if days {
		layout = "01-02 " + layout
	}
	switch t.Mode {
	case Relative:
		if t.Zero != nil {
			return Since(*t.Zero, at)[1:]
		}
		return at.Std().Format(layout)
	case Aged:
		if t.Now != nil {
			return aged(*t.Now, at, false)
		}
		return at.Std().Format(layout)
	case UTC:
		return at.Std().Format(layout)
	}
	return at.Std().In(t.zone()).Format(layout)
}

// ColumnCells is how wide Column may be.
func (t Times) ColumnCells(days bool) int {
	n := len("15:04:05")
	switch {
	case t.Mode == Relative:
		return n + 3
	case t.Mode == Aged && t.Now != nil:
		return n
	case t.Mode == Local:
		n += len("-0700")
	}
	if days {
		n += len("01-02 ")
	}
	return n
}

// Minute is the time of day without its seconds: 21:03Z.
func (t Times) Minute(at record.Time) string {
	switch t.Mode {
	case Local:
		return at.Std().In(t.zone()).Format("15:04-07:00")
	case Relative:
		if t.Zero != nil {
			s := Since(*t.Zero, at)
			return s[:len(s)-3]
		}
	case Aged:
		if t.Now != nil {
			return aged(*t.Now, at, true)
		}
	}
	return at.Std().Format("15:04Z")
}

// aged is how long ago a time was, in 8 cells at most without its word: 12s, 4m10s, 3h05m, 12d04h, 9999d; what is
// ahead begins with a plus.
func aged(now, at record.Time, word bool) string {
	sign, behind := "", " ago"
	from, to := at, now
	if at > now {
		sign, behind, from, to = "+", " ahead", now, at
	}
	s := uint64(to-from) / uint64(time.Second)
	var out string
	switch {
	case s < 60:
		out = fmt.Sprintf("%ds", s)
	case s < 3600:
		out = fmt.Sprintf("%dm%02ds", s/60, s%60)
	case s < 86400:
		out = fmt.Sprintf("%dh%02dm", s/3600, s/60%60)
	case s < 1000*86400:
		out = fmt.Sprintf("%dd%02dh", s/86400, s/3600%24)
	default:
		out = fmt.Sprintf("%dd", s/86400)
	}
	if word {
		return out + behind
	}
	return sign + out
}

// Full is date and time: 2024-01-15 21:03:47Z. T+ has no dates, so it is UTC there.
func (t Times) Full(at record.Time) string {
	if t.Mode == Local {
		return at.Std().In(t.zone()).Format("2006-01-02 15:04:05-07:00")
	}
	return at.Std().Format("2006-01-02 15:04:05Z")
}

// Day is the date.
func (t Times) Day(at record.Time) string {
	return at.Std().In(t.dayZone()).Format("2006-01-02")
}

func (t Times) zone() *time.Location {
	if t.Zone == nil {
		return time.UTC
	}
	return t.Zone
}

func (t Times) dayZone() *time.Location {
	if t.Mode == Local {
		return t.zone()
	}
	return time.UTC
}

// Since is at, counted from zero: T+00:12:07, T-01:00:00, T+100:00:00.
func Since(zero, at record.Time) string {
	sign, from, to := "T+", zero, at
	if at < zero {
		sign, from, to = "T-", at, zero
	}
	s := uint64(to-from) / uint64(time.Second)
	return fmt.Sprintf("%s%02d:%02d:%02d", sign, s/3600, s/60%60, s%60)
}

// Ago is a duration in its two largest units: 12 s, 4 min 10 s, 3 h 5 min, 2 d 4 h.
func Ago(d time.Duration) string {
	s := int(d / time.Second)
	switch {
	case s < 60:
		return strconv.Itoa(max(s, 0)) + " s"
	case s < 3600:
		return two(s/60, "min", s%60, "s")
	case s < 48*3600:
		return two(s/3600, "h", s/60%60, "min")
	}
	return two(s/86400, "d", s/3600%24, "h")
}

func two(a int, unitA string, b int, unitB string) string {
	if b == 0 {
		return fmt.Sprintf("%d %s", a, unitA)
	}
	return fmt.Sprintf("%d %s %d %s", a, unitA, b, unitB)
}

// Count is n with its thousands apart: 1,240.
func Count[N int | uint64](n N) string {
	s := strconv.FormatUint(uint64(n), 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// OnDay is the time of day, with its date in front where that is not day.
func (t Times) OnDay(at record.Time, day string) string {
	if d := t.Day(at); d != day && t.Mode != Relative && t.Mode != Aged {
		return d + " " + t.Clock(at)
	}
	return t.Clock(at)
}
