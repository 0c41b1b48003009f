package views

import (
	"testing"
	"time"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

func at(s string) record.Time {
	t, err := record.ParseTime(s)
	if err != nil {
		panic(err)
	}
	return t
}

func TestTimes(t *testing.T) {
	zero := at("2024-01-15T21:00:00Z")
	zone := time.FixedZone("", -9000) // half hours exist
	moment := at("2024-01-15T21:03:47.9Z")
	tests := []struct {
		name                      string
		times                     Times
		clock, column, minute, on string
	}{
		{"UTC", Times{}, "21:03:47Z", "21:03:47", "21:03Z", "2024-01-15 21:03:47Z"},
		{"local", Times{Mode: Local, Zone: zone}, "18:33:47-02:30", "18:33:47-0230", "18:33-02:30", "2024-01-15 18:33:47-02:30"},
		{"relative", Times{Mode: Relative, Zero: &zero}, "T+00:03:47", "+00:03:47", "T+00:03", "T+00:03:47"},
		{"relative without a zero is UTC", Times{Mode: Relative}, "21:03:47Z", "21:03:47", "21:03Z", "21:03:47Z"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.times.Clock(moment); got != tt.clock {
				t.Errorf("Clock = %q, want %q", got, tt.clock)
			}
			if got := tt.times.Column(moment, false); got != tt.column {
				t.Errorf("Column = %q, want %q", got, tt.column)
			}
			if got := tt.times.Minute(moment); got != tt.minute {
				t.Errorf("Minute = %q, want %q", got, tt.minute)
			}
			if got := tt.times.OnDay(moment, "2024-01-14"); got != tt.on {
				t.Errorf("OnDay of another day = %q, want %q", got, tt.on)
			}
		})
	}
	if got := Since(zero, at("2024-01-15T19:59:59Z")); got != "T-01:00:01" {
		t.Errorf("before zero: %q", got)
	}
	if got := Since(zero, at("2024-01-20T22:00:00Z")); got != "T+121:00:00" {
		t.Errorf("days later: %q", got)
	}
}

func TestAgoAndCount(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "0 s", 59 * time.Second: "59 s", 70 * time.Second: "1 min 10 s", time.Hour: "1 h", 185 * time.Minute: "3 h 5 min", 52 * time.Hour: "2 d 4 h", -time.Second: "0 s"} {
		if got := Ago(d); got != want {
			t.Errorf("Ago(%v) = %q, want %q", d, got, want)
		}
	}
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := Count(n); got != want {
			t.Errorf("Count(%d) = %q, want %q", n, got, want)
		}
	}
}

// Only the first time of a sentence is the engine's; what follows may be the words of the data.
func TestRetime(t *testing.T) {
	p := pane{look: Look{Times: Times{}}, day: "2024-01-15"}
	tests := []struct{ name, in, want string }{
		{"the audit's day is left out", "was Rejected 2024-01-15T22:10:00Z by alice)", "was Rejected 22:10:00Z by alice)"},
		{"another day is written out", "was Rejected 2024-02-01T22:10:00.5Z by alice)", "was Rejected 2024-02-01 22:10:00Z by alice)"},
		{"the second time stays", "D 2024-01-15T21:04:10Z ship 2024-01-15T21:04:10Z", "D 21:04:10Z ship 2024-01-15T21:04:10Z"},
		{"what is no time stays", "1999-99-99T99:99:99Z and 2024-01-15T", "1999-99-99T99:99:99Z and 2024-01-15T"},
		{"an unfinished time stays", "2024-01-15T21:04:10", "2024-01-15T21:04:10"},
	}
	for _, tt := range tests {
		if got := p.retime(tt.in); got != tt.want {
			t.Errorf("%s: retime(%q) = %q, want %q", tt.name, tt.in, got, tt.want)
		}
	}
}

func TestWindowOf(t *testing.T) {
	now := at("2024-01-15T22:31:20Z")
	p := func(s string) *record.Time { t := at(s); return &t }
	tests := []struct {
		name           string // says the rule
		newest, oldest *record.Time
		from, to       string
	}{
		{"the last six hours", p("2024-01-15T22:31:00Z"), p("2024-01-01T00:00:00Z"), "2024-01-15T16:31:00Z", "2024-01-15T22:31:20.000000001Z"},
		{"never before the oldest record", p("2024-01-15T22:31:00Z"), p("2024-01-15T20:30:06Z"), "2024-01-15T20:30:00Z", "2024-01-15T22:31:20.000000001Z"},
		{"up to the newest record when it is older than that", p("2023-05-01T12:00:00Z"), p("2023-01-01T00:00:00Z"), "2023-05-01T06:00:00Z", "2023-05-01T12:00:00.000000001Z"},
		{"up to the newest record when it claims to be newer than now", p("2024-01-15T23:00:00Z"), p("2023-01-01T00:00:00Z"), "2024-01-15T17:00:00Z", "2024-01-15T23:00:00.000000001Z"},
		{"an empty journal has a window all the same", nil, nil, "2024-01-15T16:31:00Z", "2024-01-15T22:31:20.000000001Z"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := windowOf(ask.Status{Newest: tt.newest, Oldest: tt.oldest}, now, firstSpan)
			if r.From.String() != tt.from || r.To.String() != tt.to {
				t.Errorf("%s … %s, want %s … %s", r.From, r.To, tt.from, tt.to)
			}
		})
	}
}
