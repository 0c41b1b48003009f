package when

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The tests live on Tuesday, 2024-01-16, 02:30 UTC, unless they say otherwise.
const testNow = "2024-01-16T02:30:00Z"

func at(t testing.TB, text string) time.Time {
	t.Helper()
	parsed, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Skipf("no time zones on this system: %v", err)
	}
	return z
}

func utc(t testing.TB) Clock { return Clock{Now: at(t, testNow)} }

// show is a result as the tables write it: the moment in UTC, or the error.
func show(got time.Time, err error) string {
	if err != nil {
		return err.Error()
	}
	return got.UTC().Format(time.RFC3339Nano)
}

func TestInstant(t *testing.T) {
	tests := []struct{ text, want string }{
		// RFC 3339
		{"2024-01-15T21:03:47Z", "2024-01-15T21:03:47Z"},
		{"2024-01-15t21:03:47z", "2024-01-15T21:03:47Z"},
		{"2024-01-15T21:03:47.123456789Z", "2024-01-15T21:03:47.123456789Z"},
		{"2024-01-15T21:03:47.5+02:00", "2024-01-15T19:03:47.5Z"},
		{"2024-01-15T21:03:47-08:30", "2024-01-16T05:33:47Z"},
		{"2024-01-15 21:03:47Z", "2024-01-15T21:03:47Z"},
		{"2024-01-15T21:03Z", "2024-01-15T21:03:00Z"},
		// dates
		{"2024-01-15", "2024-01-15T00:00:00Z"},
		{"2024-02-29", "2024-02-29T00:00:00Z"},
		{"2024-01-15 21:03", "2024-01-15T21:03:00Z"},
		{"2024-01-15 21:03:47", "2024-01-15T21:03:47Z"},
		{"2024-01-15T21:03:47", "2024-01-15T21:03:47Z"},
		{"2024-01-15 at 9pm", "2024-01-15T21:00:00Z"},
		{"2030-01-01", "2030-01-01T00:00:00Z"}, // the future is a time too
		// Unix
		{"1705352627", "2024-01-15T21:03:47Z"},
		{"1705352627123", "2024-01-15T21:03:47.123Z"},
		{"100000000", "1973-03-03T09:46:40Z"},
		{"10000000000", "1970-04-26T17:46:40Z"}, // eleven digits are milliseconds
		// relative to now
		{"now", testNow},
		{"NOW", testNow},
		{"now-6h", "2024-01-15T20:30:00Z"},
		{"now - 90 seconds", "2024-01-16T02:28:30Z"},
		{"now+1h", "2024-01-16T03:30:00Z"},
		{"now/d", "2024-01-16T00:00:00Z"},
		{"now-1d/d", "2024-01-15T00:00:00Z"},
		{"6 hours ago", "2024-01-15T20:30:00Z"},
		{"6h ago", "2024-01-15T20:30:00Z"},
		{"6h", "2024-01-15T20:30:00Z"},
		{"  6   H  ", "2024-01-15T20:30:00Z"},
		{"30m", "2024-01-16T02:00:00Z"},
		{"1 minute ago", "2024-01-16T02:29:00Z"},
		{"90 secs", "2024-01-16T02:28:30Z"},
		{"0s", testNow},
		{"2d", "2024-01-14T02:30:00Z"},
		{"1 week ago", "2024-01-09T02:30:00Z"},
		// days
		{"today", "2024-01-16T00:00:00Z"},
		{"yesterday", "2024-01-15T00:00:00Z"},
		{"Yesterday at 21:00", "2024-01-15T21:00:00Z"},
		{"yesterday 21:00:30", "2024-01-15T21:00:30Z"},
		{"yesterday 9pm", "2024-01-15T21:00:00Z"},
		{"yesterday at 9:15 PM", "2024-01-15T21:15:00Z"},
		{"yesterday 12am", "2024-01-15T00:00:00Z"},
		{"yesterday 12pm", "2024-01-15T12:00:00Z"},
		{"today at 21:00", "2024-01-16T21:00:00Z"}, // ahead, as it says
		{"tuesday", "2024-01-16T00:00:00Z"},        // today counts: its 00:00 is past
		{"tuesday 02:30", testNow},                 // now counts as past
		{"tuesday 02:31", "2024-01-09T02:31:00Z"},
		{"Monday", "2024-01-15T00:00:00Z"},
		{"mon at 9pm", "2024-01-15T21:00:00Z"},
		{"wednesday", "2024-01-10T00:00:00Z"},
		// the latest that is past
		{"21:00", "2024-01-15T21:00:00Z"},
		{"02:30", testNow},
		{"2:29", "2024-01-16T02:29:00Z"},
		{"02:31", "2024-01-15T02:31:00Z"},
		{"9pm", "2024-01-15T21:00:00Z"},
		{"1 am", "2024-01-16T01:00:00Z"},
		// the ends of what records carry
		{"1970-01-01", "1970-01-01T00:00:00Z"},
		{"2262-04-11T23:47:16.854775807Z", "2262-04-11T23:47:16.854775807Z"},
		{"9223372036", "2262-04-11T23:47:16Z"},
		{"9223372036854", "2262-04-11T23:47:16.854Z"},
	}
	for _, tt := range tests {
		if got := show(utc(t).Instant(tt.text)); got != tt.want {
			t.Errorf("Instant(%q) = %s, want %s", tt.text, got, tt.want)
		}
	}
}

func TestRefused(t *testing.T) {
	tests := []struct {
		text     string
		column   int
		found    string
		expected string // a part of it
	}{
		{"01/02/2024", 3, `"/"`, "a date such as 2024-01-15"},
		{"", 1, "the end", "a time"},
		{"   ", 4, "the end", "a time"},
		{"soon", 1, `"soon"`, "a time"},
		{"  soon", 3, `"soon"`, "a time"},
		{"-6h", 1, `"-"`, "a time"},
		{"tomorrow", 1, `"tomorrow"`, "a time"},
		{"mondays", 1, `"mondays"`, "a time"},
		{"2024-13-01", 6, `"13"`, "a month"},
		{"2024-00-01", 6, `"00"`, "a month"},
		{"2024-1-15", 6, `"1"`, "a month"},
		{"2023-02-29", 9, `"29"`, "a day of that month"},
		{"2024-02-30", 9, `"30"`, "a day of that month"},
		{"2024-01", 8, "the end", "a day of that month"},
		{"24-01-15", 1, `"24"`, "four digits"},
		{"20240115", 9, "the end", "Unix time of 9 to 13 digits"},
		{"2024", 5, "the end", "a unit as in 6h"},
		{"1705352627123456789", 1, `"1705352627123456789"`, "Unix seconds"},
		{"2024-01-15T", 12, "the end", "a clock"},
		{"2024-01-15T24:00:00Z", 12, `"24"`, "0 to 23"},
		{"2024-01-15T21:60Z", 15, `"60Z"`, "minutes"},
		{"2024-01-15T23:59:60Z", 18, `"60Z"`, "seconds"},
		{"2024-01-15T21:03:47.", 21, "the end", "digits of a second"},
		{"2024-01-15T21:03:47.1234567890Z", 21, `"1234567890Z"`, "1 to 9 digits"},
		{"2024-01-15T21:03:47.5", 22, "the end", "a zone"},
		{"2024-01-15T21:03:47+0100", 21, `"0100"`, "as in +01:00"},
		{"2024-01-15T21:03:47+24:00", 21, `"24"`, "00 to 23"},
		{"2024-01-15 21:03 UTC", 18, `"UTC"`, "the end"},
		{"2024-01-15 noon", 12, `"noon"`, `"at"`},
		{"6x", 2, `"x"`, "a unit"},
		{"6M ago ago", 8, `"ago"`, "the end"},
		{"6h from now", 4, `"from"`, `"ago"`},
		{"6 months ago", 3, `"months"`, "a unit"},
		{"1.5h", 2, `"."`, "a unit"},
		{"1h30m", 3, `"30m"`, `"ago" or the end`},
		{"1234567890s", 1, `"1234567890s"`, "9 digits"},
		{"now-", 5, "the end", "a number and a unit"},
		{"now-6", 6, "the end", "a unit"},
		{"now/h", 5, `"h"`, `"d"`},
		{"now 6h", 5, `"6h"`, "the end"},
		{"last", 5, "the end", "last 30 minutes"},
		{"last hour", 6, `"hour"`, "a number"},
		{"yesterday at", 13, "the end", "a clock"},
		{"yesterday at noon", 14, `"noon"`, "a clock"},
		{"yesterday21:00", 10, `"21"`, "a space"},
		{"yesterday 9", 12, "the end", "minutes, am or pm"},
		{"yesterday 13pm", 11, `"13pm"`, "1 to 12"},
		{"0am", 1, `"0am"`, "1 to 12"},
		{"25:00", 1, `"25"`, "0 to 23"},
		{"021:00", 1, `"021"`, "one or two digits"},
		{"21:0", 4, `"0"`, "minutes"},
		{"21:00 yesterday", 7, `"yesterday"`, "the end"},
		{"gestern", 1, `"gestern"`, "a time"},
		{"６h", 1, `"６h"`, "a time"}, // a digit, but not one of ours
		{"6h\u202eago", 3, `"\u202e"`, "the end"},
		{"\xff\xfe", 1, `"\xff"`, "a time"},
		{"é 6h", 1, `"é"`, "a time"},
		{strings.Repeat("9", 81), 1, "more text", "a time"},
		// well formed, but not to be had
		{"1969-12-31", 1, "1969-12-31T00:00:00Z", "from 1970-01-01"},
		{"2262-04-12", 1, "2262-04-12T00:00:00Z", "to 2262-04-11"},
		{"9223372037", 1, "2262-04-11T23:47:17Z", "to 2262-04-11"},
		{" 55 years", 5, `"years"`, "a unit"},
		{" 20000d", 2, "1969-04-14T02:30:00Z", "from 1970-01-01"},
		{"now+999999999w", 1, "a time more than 290 years away", "from 1970 to 2262"},
		{"999999999h", 1, "a time more than 290 years away", "from 1970 to 2262"},
		{"last 30 minutes", 1, "a range", "a point"},
	}
	for _, tt := range tests {
		_, err := utc(t).Instant(tt.text)
		var got *Error
		if !errors.As(err, &got) {
			t.Errorf("Instant(%q) = %v, want an *Error", tt.text, err)
			continue
		}
		if got.Text != tt.text || got.Column != tt.column || !strings.HasPrefix(got.Found, tt.found) ||
			!strings.Contains(got.Expected, tt.expected) {
			t.Errorf("Instant(%q) = %#v, want column %d, found %s, expected %s",
				tt.text, got, tt.column, tt.found, tt.expected)
		}
	}
}

func TestErrorShowsColumnAndThreeExamples(t *testing.T) {
	_, err := utc(t).Instant("01/02/2024")
	want := `time "01/02/2024": column 3: found "/", expected a date such as 2024-01-15, a clock such as 21:03, ` +
		`or a unit as in 6h; for example 2024-01-15 21:03, 6h ago, yesterday at 9pm`
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("Error (-want +got):\n%s", diff)
	}
	for _, text := range strings.Split(examples, ", ") {
		if _, err := utc(t).Instant(text); err != nil {
			t.Errorf("an example is refused: %v", err)
		}
	}
	_, err = utc(t).Instant(strings.Repeat("é\x1b", 100))
	if text := err.Error(); len(text) > 900 || strings.ContainsRune(text, '\x1b') {
		t.Errorf("a hostile text is shown in full or raw: %q", text)
	}
}

func TestDaysAsEdgesOfARange(t *testing.T) {
	tests := []struct{ text, start, end string }{
		{"2024-01-15", "2024-01-15T00:00:00Z", "2024-01-16T00:00:00Z"},
		{"2023-12-31", "2023-12-31T00:00:00Z", "2024-01-01T00:00:00Z"},
		{"today", "2024-01-16T00:00:00Z", "2024-01-17T00:00:00Z"},
		{"now/d", "2024-01-16T00:00:00Z", "2024-01-17T00:00:00Z"},
		{"yesterday", "2024-01-15T00:00:00Z", "2024-01-16T00:00:00Z"},
		{"monday", "2024-01-15T00:00:00Z", "2024-01-16T00:00:00Z"},
		{"yesterday 21:00", "2024-01-15T21:00:00Z", "2024-01-15T21:00:00Z"},
		{"6h", "2024-01-15T20:30:00Z", "2024-01-15T20:30:00Z"},
		{"now", testNow, testNow},
	}
	for _, tt := range tests {
		if got := show(utc(t).Start(tt.text)); got != tt.start {
			t.Errorf("Start(%q) = %s, want %s", tt.text, got, tt.start)
		}
		if got := show(utc(t).End(tt.text)); got != tt.end {
			t.Errorf("End(%q) = %s, want %s", tt.text, got, tt.end)
		}
	}
	if got := show(utc(t).Start("last 2 hours")); got != "2024-01-16T00:30:00Z" {
		t.Errorf("Start of a range = %s, want its start", got)
	}
	if _, err := utc(t).End("last 2 hours"); err == nil || !strings.Contains(err.Error(), "found a range") {
		t.Errorf("End of a range = %v, want a refusal", err)
	}
	if _, err := utc(t).End("2262-04-11"); err == nil {
		t.Error("End of the last day lies behind what records carry, and is accepted")
	}
}

func TestSince(t *testing.T) {
	const to = "2024-01-16T02:30:00.000000001Z" // now is in
	tests := []struct{ text, from string }{
		{"last 30 minutes", "2024-01-16T02:00:00Z"},
		{"last 6h", "2024-01-15T20:30:00Z"},
		{"LAST 2 days", "2024-01-14T02:30:00Z"},
		{"30m", "2024-01-16T02:00:00Z"},
		{"6 hours ago", "2024-01-15T20:30:00Z"},
		{"yesterday", "2024-01-15T00:00:00Z"},
		{"2024-01-15", "2024-01-15T00:00:00Z"},
		{"monday", "2024-01-15T00:00:00Z"},
		{"21:00", "2024-01-15T21:00:00Z"},
		{"now", testNow},
	}
	for _, tt := range tests {
		got, err := utc(t).Since(tt.text)
		if show(got.From, err) != tt.from || show(got.To, err) != to {
			t.Errorf("Since(%q) = %v, %v, want from %s to %s", tt.text, got, err, tt.from, to)
		}
	}
	for _, text := range []string{"now+1s", "today at 21:00", "2024-01-17", "never"} {
		if got, err := utc(t).Since(text); err == nil {
			t.Errorf("Since(%q) = %v, want a refusal", text, got)
		}
	}
	last := Clock{Now: at(t, "2262-04-11T23:47:16.854775807Z")}
	if got, err := last.Since("6h"); err == nil {
		t.Errorf("Since at the last moment = %v, want a refusal: there is none after it", got)
	}
}

// TestZones: a time without a zone is on the clock of Clock.Zone, also where that turns with the season.
func TestZones(t *testing.T) {
	tests := []struct {
		name, zone, now, text string
		start, end            string // end is empty where it is as start
	}{
		{"a clock is local", "Europe/Berlin", testNow, "2024-01-15 21:03", "2024-01-15T20:03:00Z", ""},
		{"a day is local", "America/New_York", testNow, "today", "2024-01-15T05:00:00Z", "2024-01-16T05:00:00Z"},
		{"a zone that is written wins", "Europe/Berlin", testNow, "2024-01-15T21:03:00Z", "2024-01-15T21:03:00Z", ""},
		{"half hours", "Asia/Kolkata", testNow, "8:00", "2024-01-16T02:30:00Z", ""},

		{"the day the clock jumps forward has 23 hours", "Europe/Berlin", testNow, "2024-03-31",
			"2024-03-30T23:00:00Z", "2024-03-31T22:00:00Z"},
		{"the day it falls back has 25", "Europe/Berlin", testNow, "2024-10-27",
			"2024-10-26T22:00:00Z", "2024-10-27T23:00:00Z"},
		{"a skipped time is the moment of the jump", "Europe/Berlin", testNow, "2024-03-31 02:30",
			"2024-03-31T01:00:00Z", ""},
		{"the jump itself is 03:00", "Europe/Berlin", testNow, "2024-03-31 03:00", "2024-03-31T01:00:00Z", ""},
		{"and what comes before is as ever", "Europe/Berlin", testNow, "2024-03-31 01:59:59", "2024-03-31T00:59:59Z", ""},
		{"a repeated time starts with its first and ends with its second", "Europe/Berlin", testNow, "2024-10-27 02:30",
			"2024-10-27T00:30:00Z", "2024-10-27T01:30:00Z"},
		{"the hour after is not repeated", "Europe/Berlin", testNow, "2024-10-27 03:00", "2024-10-27T02:00:00Z", ""},
		{"a day that starts with a jump starts at 01:00", "America/Sao_Paulo", testNow, "2018-11-04",
			"2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"},
		{"a day whose midnight comes twice starts with the first", "America/Havana", testNow, "2023-11-05",
			"2023-11-05T04:00:00Z", "2023-11-06T05:00:00Z"},
		{"a day that a country left out is empty", "Pacific/Apia", testNow, "2011-12-30",
			"2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z"},
		{"half an hour of summer time", "Australia/Lord_Howe", testNow, "2024-10-06 02:15", "2024-10-05T15:30:00Z", ""},

		{"hours are lengths across the jump", "Europe/Berlin", "2024-03-31T04:00:00Z", "24h", "2024-03-30T04:00:00Z", ""},
		{"days are the clock's", "Europe/Berlin", "2024-03-31T04:00:00Z", "1d", "2024-03-30T05:00:00Z", ""},
		{"also back into a skipped time", "Europe/Berlin", "2024-04-01T00:30:00Z", "1d", "2024-03-31T01:00:00Z", ""},
		{"the latest past time is found in both of its hours", "Europe/Berlin", "2024-10-27T01:45:00Z", "02:30",
			"2024-10-27T01:30:00Z", ""},
		{"and in the first while the second is ahead", "Europe/Berlin", "2024-10-27T01:15:00Z", "02:30",
			"2024-10-27T00:30:00Z", ""},
		{"today is the zone's", "Pacific/Kiritimati", "2024-01-15T12:00:00Z", "today",
			"2024-01-15T10:00:00Z", "2024-01-16T10:00:00Z"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := Clock{Now: at(t, tt.now), Zone: zone(t, tt.zone)}
			if tt.end == "" {
				tt.end = tt.start
			}
			if got := show(c.Start(tt.text)); got != tt.start {
				t.Errorf("Start(%q) = %s, want %s", tt.text, got, tt.start)
			}
			if got := show(c.End(tt.text)); got != tt.end {
				t.Errorf("End(%q) = %s, want %s", tt.text, got, tt.end)
			}
			if got := show(c.Instant(tt.text)); got != tt.start {
				t.Errorf("Instant(%q) = %s, want %s", tt.text, got, tt.start)
			}
			if got, err := c.Start(tt.text); err == nil && got.Location() != c.Zone {
				t.Errorf("Start(%q) is in zone %s, want %s", tt.text, got.Location(), c.Zone)
			}
		})
	}
}

// TestEveryHourOfAYearIsFoundAgain writes each moment as a clock in the zone shows it and reads it back: the first or
// the second of its hour must be the moment.
func TestEveryHourOfAYearIsFoundAgain(t *testing.T) {
	for _, name := range []string{"Europe/Berlin", "America/Havana", "Australia/Lord_Howe", "Africa/Casablanca"} {
		z := zone(t, name)
		c := Clock{Now: at(t, testNow), Zone: z}
		for m := at(t, "2024-01-01T00:15:00Z"); m.Year() == 2024; m = m.Add(30 * time.Minute) {
			text := m.In(z).Format("2006-01-02 15:04:05")
			first, err := c.Start(text)
			if err != nil {
				t.Fatal(err)
			}
			second, err := c.End(text)
			if err != nil {
				t.Fatal(err)
			}
			if !first.Equal(m) && !second.Equal(m) || first.After(second) || second.Sub(first) > time.Hour {
				t.Errorf("%s: %q is %s or %s, want %s", name, text, show(first, nil), show(second, nil), show(m, nil))
			}
		}
	}
}

func FuzzTimes(f *testing.F) {
	for _, text := range []string{
		"2024-01-15T21:03:47.5+02:00", "2024-01-15 21:03", "1705352627", "now-6h/d", "6 hours ago", "last 30 minutes",
		"yesterday at 9:30pm", "mon 21:00", "01/02/2024", "2024-10-27 02:30", "999999999w", "\xff",
	} {
		f.Add(text, int64(1705372200), uint8(0))
	}
	zones := []*time.Location{nil, time.FixedZone("odd", -14*3600+1)}
	for _, name := range []string{"Europe/Berlin", "America/Havana", "Pacific/Apia"} {
		zones = append(zones, zone(f, name))
	}
	f.Fuzz(func(t *testing.T, text string, nowSeconds int64, zoneIndex uint8) {
		const lastSecond = 1<<63/1_000_000_000 - 1
		c := Clock{Now: time.Unix(int64(uint64(nowSeconds)%lastSecond), 0), Zone: zones[int(zoneIndex)%len(zones)]}
		from, fromErr := c.Start(text)
		to, toErr := c.End(text)
		for read, result := range map[string]func() (time.Time, error){
			"Instant": func() (time.Time, error) { return c.Instant(text) },
			"Start":   func() (time.Time, error) { return from, fromErr },
			"End":     func() (time.Time, error) { return to, toErr },
			"Since":   func() (time.Time, error) { r, err := c.Since(text); return r.From, err },
		} {
			got, err := result()
			if err != nil {
				checkError(t, read, text, err)
				continue
			}
			written := got.UTC().Format(time.RFC3339Nano)
			if again, err := c.Instant(written); err != nil || !again.Equal(got) {
				t.Errorf("%s(%q) = %s, which reads as %v, %v", read, text, written, again, err)
			}
		}
		if fromErr == nil && toErr == nil && to.Before(from) {
			t.Errorf("%q as a range ends at %s, before it starts at %s", text, to, from)
		}
	})
}

func checkError(t *testing.T, read, text string, err error) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("%s(%q): %v is no *Error", read, text, err)
	}
	if e.Text != text || e.Column < 1 || e.Column > len([]rune(text))+1 || e.Found == "" || e.Expected == "" {
		t.Errorf("%s(%q) = %#v", read, text, e)
	}
	if !strings.HasSuffix(e.Error(), examples) {
		t.Errorf("%s(%q) = %v, without examples", read, text, err)
	}
}

func ExampleClock_Since() {
	c := Clock{Now: time.Date(2024, 1, 16, 2, 30, 0, 0, time.UTC)}
	r, err := c.Since("yesterday at 9pm")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.From.Format(time.RFC3339))
	_, err = c.Since("01/02/2024")
	fmt.Println(err)
	// Output:
	// 2024-01-15T21:00:00Z
	// time "01/02/2024": column 3: found "/", expected a date such as 2024-01-15, a clock such as 21:03, or a unit as in 6h; for example 2024-01-15 21:03, 6h ago, yesterday at 9pm
}
