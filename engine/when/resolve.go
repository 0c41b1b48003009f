package when

import "time"

// wall is a reading of a clock on a wall: a date and a time of day without a zone, as the UTC time that reads the same.
type wall time.Time

func wallOf(y int, m time.Month, d, h, min, s, ns int) wall {
	return wall(time.Date(y, m, d, h, min, s, ns, time.UTC))
}

// reading is what a clock in t's own zone shows at t.
func reading(t time.Time) wall {
	y, m, d := t.Date()
	return wallOf(y, m, d, t.Hour(), t.Minute(), t.Second(), t.Nanosecond())
}

func (w wall) addDays(n int) wall { return wall(time.Time(w).AddDate(0, 0, n)) }

// midnight is 00:00 of w's day.
func (w wall) midnight() wall { return w.at(clock{}) }

// at is c on w's day.
func (w wall) at(c clock) wall {
	y, m, d := time.Time(w).Date()
	return wallOf(y, m, d, c.h, c.m, c.s, 0)
}

// times are the moments at which a clock in zone shows w: one, two in the hour that autumn repeats, or, in the hour
// that spring skips, the moment of the jump. They ascend. (time.Date picks one, and does not say which.)
func (w wall) times(zone *time.Location) []time.Time {
	// Zones lie within 14 hours of UTC today and did within 16 since 1970; a day covers them.
	const reach = 24 * time.Hour
	at, stop := time.Time(w).Add(-reach), time.Time(w).Add(reach)
	var shown []time.Time
	var jump time.Time
	for {
		local := at.In(zone)
		_, offset := local.Zone()
		begin, end := local.ZoneBounds()
		t := time.Time(w).Add(-time.Duration(offset) * time.Second)
		if (begin.IsZero() || !t.Before(begin)) && (end.IsZero() || t.Before(end)) {
			shown = append(shown, t.In(zone))
		}
		if end.IsZero() || end.After(stop) {
			break
		}
		// The clock shows end plus the old offset up to the jump, and end plus the new one after it.
		_, next := end.In(zone).Zone()
		if !t.Before(end) && time.Time(w).Before(end.Add(time.Duration(next)*time.Second)) {
			jump = end.In(zone)
		}
		at = end
	}
	if len(shown) == 0 {
		return []time.Time{jump}
	}
	return shown
}

// resolve finds the moment that e means for c, as edge.
func (c Clock) resolve(e expr, as edge) (time.Time, error) {
	switch e.kind {
	case absolute:
		return c.held(e, e.at)
	case ago, last:
		return c.ago(e, as)
	case atClock:
		return c.held(e, c.latest(reading(c.now()).at(e.clock), 1))
	default:
		return c.onDay(e, as)
	}
}

// ago goes back from now.
func (c Clock) ago(e expr, as edge) (time.Time, error) {
	const daysMax = 290 * 365 // what a time.Duration holds; records carry 292 years
	if away := max(e.n, -e.n); away*e.unit.seconds > daysMax*86400 || away*e.unit.days > daysMax {
		return time.Time{}, e.refuse("a time more than 290 years away", "a time from 1970 to 2262")
	}
	t := c.now().Add(-time.Duration(e.n*e.unit.seconds) * time.Second)
	if days := e.n * e.unit.days; days != 0 {
		t = pick(reading(t).addDays(-int(days)).times(c.zone()), as)
	}
	if e.toDay {
		return c.held(e, c.edgeOf(reading(t), as))
	}
	return c.held(e, t)
}

// onDay finds a day, or its clock.
func (c Clock) onDay(e expr, as edge) (time.Time, error) {
	w := reading(c.now()).midnight()
	switch e.day.kind {
	case onDate:
		w = wallOf(e.day.y, time.Month(e.day.m), e.day.d, 0, 0, 0, 0)
	case yesterday:
		w = w.addDays(-1)
	case onWeekday:
		back := int(time.Time(w).Weekday()-e.day.weekday+7) % 7
		w = w.addDays(-back)
		if e.timed {
			return c.held(e, c.latest(w.at(e.clock), 7))
		}
	}
	if !e.timed {
		return c.held(e, c.edgeOf(w, as))
	}
	return c.held(e, pick(w.at(e.clock).times(c.zone()), as))
}

// latest is the last moment, not after now, at which the clock shows w or w some times days earlier.
func (c Clock) latest(w wall, days int) time.Time {
	for {
		times := w.times(c.zone())
		for i := len(times) - 1; i >= 0; i-- {
			if !times[i].After(c.Now) {
				return times[i]
			}
		}
		w = w.addDays(-days)
	}
}

// edgeOf is where w's day starts, or ends.
func (c Clock) edgeOf(w wall, as edge) time.Time {
	if as == end {
		w = w.addDays(1)
	}
	return w.midnight().times(c.zone())[0]
}

// pick chooses between the two moments of an hour that is shown twice, so that a range has all of it.
func pick(times []time.Time, as edge) time.Time {
	if as == end {
		return times[len(times)-1]
	}
	return times[0]
}
