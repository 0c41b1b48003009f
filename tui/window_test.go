package tui

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// One wrong clock does not hide the incident: the window ends now, and the record is counted.
func TestFutureRecordsDoNotMoveTheWindow(t *testing.T) {
	late := func(f *fake, d time.Duration) {
		f.audits = append([]ask.Audit{{ID: idOf(record.KindAudit, fmt.Sprint(d)), Agent: "clock", Subject: "s", Predicate: "p",
			Timestamp: record.Time(ending.Add(d).UnixNano())}}, f.audits...)
	}
	f := incident()
	late(f, 10*365*24*time.Hour)
	inSession(t, f, 120, 40, func(s *session) {
		s.shows("! 1 record claims to be later than now", "61 of 61 queries", "20:30Z … 22:32Z", "login 5xx")
	})
	late(f, 11*365*24*time.Hour)
	inSessionOf(t, Options{Ask: f, Now: func() time.Time { return ending.Add(30 * 24 * time.Hour) }}, 120, 40, func(s *session) {
		s.shows("! 2 records claim to be later than now", "61 of 61 queries") // the window ends where the others do
	})
	near := incident()
	late(near, 2*time.Second) // two clocks are never equal
	inSession(t, near, 120, 40, func(s *session) {
		s.shows("62 of 62 queries")
		s.hides("later than now")
	})
	only := &fake{}
	late(only, 24*time.Hour)
	inSession(t, only, 120, 40, func(s *session) { s.shows("1 of 1 queries") })
}

// g goes to the first row there is, also when the pages before have to be read first.
func TestFirstRowIsTheFirstOfAllPages(t *testing.T) {
	f := incident()
	f.audits, f.events = nil, nil
	for i := range 3000 {
		f.audits = append(f.audits, ask.Audit{ID: idOf(record.KindAudit, fmt.Sprint("page", i)), Agent: "a", Subject: "s", Predicate: fmt.Sprint("p", i),
			Timestamp: record.Time(ending.Add(-time.Duration(i) * time.Second).UnixNano())})
	}
	inSession(t, f, 120, 40, func(s *session) {
		s.keys("g")
		s.wait(time.Second)
		if at := s.cursor(); !strings.Contains(at, "p2999") {
			t.Errorf("g stands on %q, want the oldest", at)
		}
		s.keys("j")
		if at := s.cursor(); !strings.Contains(at, "p2998") {
			t.Errorf("j after it stands on %q", at)
		}
	})
	inSession(t, f, 120, 40, func(s *session) {
		s.runes("gGk") // who has gone on meanwhile stays where they went
		s.wait(time.Second)
		if at := s.cursor(); !strings.Contains(at, "p1 ") {
			t.Errorf("the pages moved the cursor to %q", at)
		}
	})
}

// Where nothing can arrive while it is open, nothing claims to be live, and nobody looks for news.
func TestDirectoryIsShownAsOfItsOpening(t *testing.T) {
	f, asked := incident(), 0
	f.before = func(_ context.Context, method string) error {
		if method == "Status" {
			asked++
		}
		return nil
	}
	inSessionOf(t, Options{Ask: f, Title: "prod"}, 120, 40, func(s *session) {
		s.wait(10 * time.Second)
		s.shows("as of opening · newest")
		s.hides("LIVE", "not live")
		if asked != 1 {
			t.Errorf("the status was asked for %d times, want once", asked)
		}
	})
}

// What failed half way is tried again by one key, which the key line names while there is something to try again.
func TestTryAgain(t *testing.T) {
	tests := []struct {
		name, method string
		to           func(*session)
		missing, now string
	}{
		{"the chain", "level 1", func(s *session) { s.toRoot(); s.keys("p") }, "not the whole chain", "5 verified"},
		{"the verdict of the drill-down", "Verdict", func(s *session) { s.toRoot(); s.keys("enter") }, "not known", "auth-runbook.md"},
		{"the verdict of the timeline", "Verdict", func(s *session) { s.toRoot() }, "could not be read", "AGAINST"},
		{"the events", "Events", func(s *session) {}, "events could not be read", "rollback auth-service"},
		{"a record", "Record", func(s *session) { s.toRoot(); s.keys("p", "enter") }, "disk is gone", "asked"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, gone := incident(), true
			f.before = func(_ context.Context, method string) error {
				if gone && method == tt.method {
					return errors.New("disk is gone")
				}
				return nil
			}
			inSession(t, f, 80, 24, func(s *session) {
				tt.to(s)
				s.wait(time.Second)
				s.shows(tt.missing, "r try again")
				gone = false
				s.keys("r")
				s.wait(time.Second)
				s.shows(tt.now)
				s.hides(tt.missing, "r try again")
				s.keys("r")
				s.shows("Nothing here has failed.")
			})
		})
	}
}
