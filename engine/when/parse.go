package when

import "time"

// textBytesMax is more than twice the longest time, RFC 3339 with all its digits and some spaces.
const textBytesMax = 80

// expr is a time as it was written, before it is held against a clock.
type expr struct {
	text string
	pos  int // byte where the time begins

	kind  kind
	at    time.Time // absolute
	n     int64     // ago: how many units; negative is ahead
	unit  unit
	toDay bool // ago: the day it falls on, "/d"
	day   day  // onDay
	clock clock
	timed bool // onDay: with a clock
}

type kind int

const (
	absolute kind = iota
	ago           // n units before now; n is 0 for now itself
	last          // the n units up to now
	onDay         // a day, maybe with a clock
	atClock       // a clock on the latest day where it is past
)

// refuse is the Error for a time that is well formed and cannot be used.
func (e expr) refuse(found, expected string) *Error {
	err := refusal(e.text, e.pos, expected)
	err.Found = found
	return err
}

type unit struct {
	seconds int64 // s, m, h
	days    int64 // d, w
}

var unitNames = []struct {
	names []string
	unit  unit
}{
	{[]string{"s", "sec", "secs", "second", "seconds"}, unit{seconds: 1}},
	{[]string{"m", "min", "mins", "minute", "minutes"}, unit{seconds: 60}},
	{[]string{"h", "hr", "hrs", "hour", "hours"}, unit{seconds: 3600}},
	{[]string{"d", "day", "days"}, unit{days: 1}},
	{[]string{"w", "week", "weeks"}, unit{days: 7}},
}

// day is a date, or one that depends on now.
type day struct {
	kind    dayKind
	y, m, d int
	weekday time.Weekday
}

type dayKind int

const (
	onDate dayKind = iota
	today
	yesterday
	onWeekday
)

type clock struct {
	h, m, s int
	half    bool // written with am or pm
	seconds bool // written with seconds
}

// parsePoint is parse for where a range cannot stand.
func parsePoint(text string) (expr, error) {
	e, err := parse(text)
	if err == nil && e.kind == last {
		return expr{}, e.refuse("a range", "a point in time: leave out \"last\"")
	}
	return e, err
}

func parse(text string) (expr, error) {
	if len(text) > textBytesMax {
		e := expr{text: text}
		return expr{}, e.refuse("more text than any time has", "a time")
	}
	s := &scanner{text: text, low: lower(text)}
	s.spaces()
	e := expr{text: text, pos: s.pos}
	if err := s.time(&e); err != nil {
		return expr{}, err
	}
	s.spaces()
	if s.pos < len(text) {
		return expr{}, s.refuse(s.pos, "the end")
	}
	return e, nil
}

// lower touches ASCII only, byte for byte, so that positions stay.
func lower(s string) string {
	low := []byte(s)
	for i, c := range low {
		if 'A' <= c && c <= 'Z' {
			low[i] = c + 'a' - 'A'
		}
	}
	return string(low)
}

// time reads any time. Which one it is shows in its first word or number.
func (s *scanner) time(e *expr) error {
	begin := s.pos
	if isDigit(s.peek()) {
		return s.number(e)
	}
	word := s.word()
	switch word {
	case "now":
		return s.now(e)
	case "last":
		e.kind = last
		if err := s.gap(`a space and an amount, as in "last 30 minutes"`); err != nil {
			return err
		}
		return s.amount(e)
	case "today":
		return s.onDay(e, day{kind: today})
	case "yesterday":
		return s.onDay(e, day{kind: yesterday})
	}
	for d := time.Sunday; d <= time.Saturday; d++ {
		if name := lower(d.String()); word == name || word == name[:3] {
			return s.onDay(e, day{kind: onWeekday, weekday: d})
		}
	}
	return s.refuse(begin, "a time")
}

// now reads what may follow the word.
func (s *scanner) now(e *expr) error {
	e.kind = ago
	s.spaces()
	if sign := s.peek(); sign == '+' || sign == '-' {
		s.pos++
		s.spaces()
		if err := s.amount(e); err != nil {
			return err
		}
		if sign == '+' {
			e.n = -e.n
		}
		s.spaces()
	}
	if s.take('/') {
		begin := s.pos
		if s.word() != "d" {
			return s.refuse(begin, `"d", for the day`)
		}
		e.toDay = true
	}
	return nil
}

// amount reads a number and a unit.
func (s *scanner) amount(e *expr) error {
	begin := s.pos
	digits := s.digits()
	if digits == "" {
		return s.refuse(begin, "a number and a unit, such as 30 minutes or 6h")
	}
	s.spaces()
	return s.unit(e, digits, begin)
}

// unit reads the unit of a number that was read.
func (s *scanner) unit(e *expr, digits string, begin int) error {
	const digitsMax = 9 // a billion seconds are 31 years
	if len(digits) > digitsMax {
		return s.refuse(begin, "a number of at most 9 digits")
	}
	e.n = int64(atoi(digits))
	begin = s.pos
	word := s.word()
	for _, u := range unitNames {
		for _, name := range u.names {
			if word == name {
				e.unit = u.unit
				return nil
			}
		}
	}
	return s.refuse(begin, "a unit: s, m, h, d or w, or spelled out")
}

// number reads a time that begins with a digit. What follows the digits tells which.
func (s *scanner) number(e *expr) error {
	begin := s.pos
	digits := s.digits()
	switch {
	case s.peek() == '-':
		return s.dated(e, digits, begin)
	case s.peek() == ':':
		e.kind = atClock
		return s.clock(&e.clock, digits, begin)
	}
	after := s.pos
	s.spaces()
	switch c := s.peek(); {
	case s.pos == len(s.low):
		return s.unix(e, digits, after)
	case s.isHalf():
		e.kind = atClock
		return s.clock(&e.clock, digits, begin)
	case isLetter(c):
		return s.since(e, digits, begin)
	default:
		return s.refuse(s.pos, "a date such as 2024-01-15, a clock such as 21:03, or a unit as in 6h")
	}
}

// since reads a unit and maybe "ago".
func (s *scanner) since(e *expr, digits string, begin int) error {
	e.kind = ago
	if err := s.unit(e, digits, begin); err != nil {
		return err
	}
	s.spaces()
	if begin := s.pos; s.pos < len(s.low) && s.word() != "ago" {
		return s.refuse(begin, `"ago" or the end`)
	}
	return nil
}

// unix tells seconds from milliseconds by their length. Eleven digits of seconds would lie after 2262, ten digits of
// milliseconds before May 1970.
func (s *scanner) unix(e *expr, digits string, after int) error {
	e.kind = absolute
	n := int64(0)
	if len(digits) <= 13 {
		n = int64(atoi(digits))
	}
	switch {
	case len(digits) < 9:
		return s.refuse(after, "a unit as in 6h, or Unix time of 9 to 13 digits")
	case len(digits) <= 10:
		e.at = time.Unix(n, 0)
	case len(digits) <= 13:
		e.at = time.UnixMilli(n)
	default:
		return s.refuse(e.pos, "Unix seconds (10 digits) or milliseconds (13)")
	}
	return nil
}

// onDay reads what may follow a day.
func (s *scanner) onDay(e *expr, d day) error {
	const expected = `"at", a clock such as 21:00 or 9pm, or the end`
	e.kind, e.day = onDay, d
	if s.pos == len(s.low) {
		return nil
	}
	if err := s.gap("a space, then " + expected); err != nil {
		return err
	}
	begin := s.pos
	if s.pos == len(s.low) {
		return nil
	}
	if isLetter(s.peek()) {
		if s.word() != "at" {
			return s.refuse(begin, expected)
		}
		if err := s.gap("a space and a clock such as 21:00 or 9pm"); err != nil {
			return err
		}
	}
	e.timed = true
	begin = s.pos
	digits := s.digits()
	if digits == "" {
		return s.refuse(begin, "a clock such as 21:00 or 9pm")
	}
	return s.clock(&e.clock, digits, begin)
}

// dated reads the rest of a date, and its clock and zone if any.
func (s *scanner) dated(e *expr, year string, begin int) error {
	d, err := s.date(year, begin)
	if err != nil {
		return err
	}
	if s.take('t') {
		begin := s.pos
		digits := s.digits()
		e.kind, e.day, e.timed = onDay, d, true
		if digits == "" {
			return s.refuse(begin, "a clock such as 21:03")
		}
		err = s.clock(&e.clock, digits, begin)
	} else {
		err = s.onDay(e, d)
	}
	if err != nil || !e.timed || e.clock.half {
		return err
	}
	return s.zone(e)
}

// date reads -mm-dd after the year.
func (s *scanner) date(year string, begin int) (day, error) {
	if len(year) != 4 {
		return day{}, s.refuse(begin, "a year of four digits, as in 2024-01-15")
	}
	month, err := s.field('-', 1, 12, "a month from 01 to 12, as in 2024-01-15")
	if err != nil {
		return day{}, err
	}
	y := atoi(year)
	// The zeroth of the next month is the last of this one.
	days := time.Date(y, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
	d, err := s.field('-', 1, days, "a day of that month, as in 2024-01-15")
	return day{kind: onDate, y: y, m: month, d: d}, err
}

// clock reads the rest of a clock whose hour was read.
func (s *scanner) clock(c *clock, hour string, begin int) error {
	if len(hour) > 2 {
		return s.refuse(begin, "an hour of one or two digits, as in 21:00")
	}
	c.h = atoi(hour)
	minutes := s.peek() == ':'
	var err error
	if minutes {
		if c.m, err = s.field(':', 0, 59, "minutes from 00 to 59"); err != nil {
			return err
		}
		if s.peek() == ':' {
			c.seconds = true
			if c.s, err = s.field(':', 0, 59, "seconds from 00 to 59"); err != nil {
				return err
			}
		}
	}
	if !c.seconds {
		after := s.pos
		s.spaces()
		if s.isHalf() {
			return s.half(c, begin)
		}
		s.pos = after
	}
	if !minutes {
		return s.refuse(s.pos, "minutes, am or pm, as in 21:00 or 9pm")
	}
	if c.h > 23 {
		return s.refuse(begin, "an hour from 0 to 23")
	}
	return nil
}

func (s *scanner) isHalf() bool {
	word := s.aheadWord()
	return word == "am" || word == "pm"
}

// half reads am or pm. 12am is midnight, 12pm is noon.
func (s *scanner) half(c *clock, begin int) error {
	if c.h < 1 || c.h > 12 {
		return s.refuse(begin, "an hour from 1 to 12 before am or pm")
	}
	c.half = true
	c.h %= 12
	if s.word() == "pm" {
		c.h += 12
	}
	return nil
}

// zone reads the fraction and the zone of RFC 3339, if any, and makes e absolute by them.
func (s *scanner) zone(e *expr) error {
	ns := 0
	fraction := e.clock.seconds && s.take('.')
	if fraction {
		begin := s.pos
		digits := s.digits()
		if digits == "" || len(digits) > 9 {
			return s.refuse(begin, "1 to 9 digits of a second")
		}
		ns = atoi((digits + "000000000")[:9])
	}
	offset := 0
	switch sign := s.peek(); {
	case sign == 'z':
		s.pos++
	case sign == '+' || sign == '-':
		h, err := s.field(sign, 0, 23, "hours from 00 to 23, as in +01:00")
		if err != nil {
			return err
		}
		m, err := s.field(':', 0, 59, "minutes from 00 to 59, as in +01:00")
		if err != nil {
			return err
		}
		if offset = h*3600 + m*60; sign == '-' {
			offset = -offset
		}
	case fraction:
		return s.refuse(s.pos, "a zone after a fraction: Z or +01:00")
	default:
		return nil
	}
	d, c := e.day, e.clock
	e.kind = absolute
	e.at = time.Date(d.y, time.Month(d.m), d.d, c.h, c.m, c.s, ns, time.UTC).Add(-time.Duration(offset) * time.Second)
	return nil
}
