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

func TestFirstScreenStandsOnTheNewestDeployOrAlert(t *testing.T) {
	inSession(t, incident(), 120, 40, func(s *session) {
		if at := s.cursor(); !strings.Contains(at, "login 5xx") {
			t.Errorf("the cursor stands on %q, want the alert", at)
		}
		s.shows("61 of 61 queries", "all received shown", "20:30Z … 22:32Z", "TRAINING auth-jwt", "read-only")
		s.hides("LIVE")
	})
}

func TestFilter(t *testing.T) {
	tests := []struct {
		name   string // says the rule
		typed  string
		want   string
		absent string
	}{
		{"words are looked for everywhere, in any case", "signing ES256", "1 of 65 shown", "drain_seconds ·"},
		{"a field takes a glob", "agent:deploy*", "signing_algorithm", "support-agent  "},
		{"! excludes", "agent:deploy* !told:ES256", "deploy auth-service", "signing_algorithm  ES256"},
		{"- excludes", "subject:auth/** -predicate:signing_algorithm", "issuer", "auth/jwt · signing_algorithm"},
		{"a finding goes by its code and its word", "finding:retracted", "1 of 65 shown", "issuer"},
		{"an unknown field is said", "agnet:x", "agnet: is no field", ""},
		{"nothing left is said", "zzz", "Nothing matches", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inSession(t, incident(), 120, 40, func(s *session) {
				s.runes("/" + tt.typed)
				s.shows(tt.want)
				if tt.absent != "" {
					s.hides(tt.absent)
				}
			})
		})
	}
}

// Older records than the window's are one key away, and said to be there.
func TestWindowReachesBackFurther(t *testing.T) {
	f := incident()
	f.audits, f.events = nil, nil
	for i := range 40 {
		f.audits = append(f.audits, ask.Audit{ID: idOf(record.KindAudit, fmt.Sprint("hour", i)), Agent: "a", Subject: "s", Predicate: fmt.Sprint("hour", i),
			Timestamp: record.Time(ending.Add(-time.Duration(i) * time.Hour).UnixNano())})
	}
	inSession(t, f, 120, 40, func(s *session) {
		s.shows("7 of 7 queries", "16:32Z … 22:32Z")
		s.keys("g", "k")
		s.shows("Older records lie before 2024-01-15 16:32:00Z: g reads 24 h")
		at := s.cursor()
		s.keys("g")
		s.shows("25 of 25 queries", "2024-01-14 22:32Z … 2024-01-15 22:32Z")
		if got := s.cursor(); !strings.Contains(got, "hour6") {
			t.Errorf("the cursor moved from %q to %q", at, got)
		}
		s.keys("g", "g")
		s.shows("40 of 40 queries")
		s.keys("g", "k")
		s.hides("Older records")
	})
}

// What is stopped half way says so, keeps what it has, and goes on by a key.
func TestStoppedPages(t *testing.T) {
	f := incident()
	f.audits, f.events = nil, nil
	for i := range 1500 {
		f.audits = append(f.audits, ask.Audit{ID: idOf(record.KindAudit, fmt.Sprint("page", i)), Agent: "a", Subject: "s", Predicate: fmt.Sprint("p", i),
			Timestamp: record.Time(ending.Add(-time.Duration(i) * time.Second).UnixNano())})
	}
	pages := 0
	f.before = func(ctx context.Context, method string) error {
		if method == "Audits" {
			if pages++; pages == 3 {
				<-ctx.Done()
			}
		}
		return nil
	}
	inSession(t, f, 120, 40, func(s *session) {
		s.keys("g")
		s.wait(time.Second)
		s.shows("1,000 of 1,500 queries", "reading older queries")
		s.keys("esc")
		s.shows("Stopped.", "older queries are missing")
		s.keys("g")
		s.wait(time.Second)
		s.shows("1,500 of 1,500 queries", "all received shown")
		s.hides("missing")
	})
}

// TestAttachedInContext says that the context line tells while another process holds the evidence, and does not once this
// one does.
func TestAttachedInContext(t *testing.T) {
	attached := true
	inSessionOf(t, Options{Ask: incident(), Title: "prod", Live: true, Attached: func() bool { return attached }}, 120, 40, func(s *session) {
		s.shows("attached   read-only")
		attached = false
		s.wait(2 * time.Second)
		s.hides("attached")
	})
}

// TestNewsWithinTwoSeconds says that what another process records is on the screen within two seconds: somebody who has
// just recorded it looks for it.
func TestNewsWithinTwoSeconds(t *testing.T) {
	f := incident()
	inSessionOf(t, Options{Ask: f, Title: "prod", Live: true}, 120, 40, func(s *session) {
		s.wait(10*time.Second + 100*time.Millisecond)
		f.lsn = f.applied() + 1
		f.audits = append([]ask.Audit{{ID: idOf(record.KindAudit, "new"), Agent: "carol", Subject: "fresh", Predicate: "news",
			Timestamp: record.Time(ending.UnixNano()), Lens: "consensus"}}, f.audits...)
		s.wait(1500 * time.Millisecond)
		s.shows("62 of 62")
	})
}

// What is recorded while the interface is open appears by itself; the cursor stays where it is, unless it stood at
// the end.
func TestFollowing(t *testing.T) {
	f := incident()
	now := ending
	arrive := func() {
		now = now.Add(time.Second)
		f.lsn = f.applied() + 1
		f.audits = append([]ask.Audit{{ID: idOf(record.KindAudit, fmt.Sprint("new", f.lsn)), Agent: "carol", Subject: "fresh", Predicate: fmt.Sprint("news", f.lsn),
			Timestamp: record.Time(now.UnixNano()), Lens: "consensus"}}, f.audits...)
	}
	inSessionOf(t, Options{Ask: f, Title: "prod", Live: true, Now: func() time.Time { return now }}, 120, 40, func(s *session) {
		s.shows("LIVE", "61 of 61", "login 5xx")
		s.hides("TRAINING")
		before := s.cursor()
		arrive()
		s.wait(3 * time.Second)
		s.shows("62 of 62")
		if at := s.cursor(); at != before {
			t.Errorf("news moved the cursor to %q", at)
		}
		s.keys("G")
		arrive()
		s.wait(3 * time.Second)
		if at := s.cursor(); !strings.Contains(at, "news302") {
			t.Errorf("the cursor at the end did not follow: %q", at)
		}
		f.before = func(ctx context.Context, method string) error { // a verdict that never comes holds nothing up
			if method == "Verdict" {
				<-ctx.Done()
			}
			return nil
		}
		arrive()
		s.wait(5 * time.Second)
		s.shows("64 of 64")
		s.keys("k") // a verdict is under way from now on
		s.wait(time.Second)
		arrive()
		s.wait(5 * time.Second)
		s.shows("65 of 65")
		f.before = func(ctx context.Context, method string) error {
			<-ctx.Done()
			return nil
		}
		s.keys("esc")
		s.wait(5 * time.Second) // a look for news is under way, which nobody sees
		s.keys("esc")
		s.shows("q twice quits", "not live")
		f.before = nil
		s.keys("G")
		s.wait(15 * time.Second)
		s.shows("LIVE")
		frame := s.m.View()
		s.wait(20 * time.Second)
		if s.m.View() != frame {
			t.Error("without news the frame changed")
		}
		f.before = func(context.Context, string) error { return errors.New("the server is gone") }
		s.wait(3 * time.Second)
		s.shows("not live")
		s.hides("LIVE")
		f.before = nil
		s.wait(3 * time.Second)
		s.shows("LIVE")
	})
}

// A cursor that runs over many rows asks for one verdict: where it rests.
func TestVerdictIsAskedAtRest(t *testing.T) {
	f, asked := incident(), 0
	f.before = func(_ context.Context, method string) error {
		if method == "Verdict" {
			asked++
		}
		return nil
	}
	inSession(t, f, 80, 24, func(s *session) {
		s.keys("g")
		for range 10 {
			s.keys("j")
			s.wait(50 * time.Millisecond)
		}
		s.wait(time.Second)
		if asked != 1 {
			t.Errorf("%d verdicts were asked, want 1", asked)
		}
		s.keys("k")
		s.wait(time.Second)
		s.keys("j")
		s.wait(time.Second)
		if asked != 2 {
			t.Errorf("%d verdicts were asked, want 2: the first is remembered", asked)
		}
	})
}

func TestPagesAreReadAsTheyAreWanted(t *testing.T) {
	f := incident()
	f.audits, f.events = nil, nil
	for i := range 3000 {
		f.audits = append(f.audits, ask.Audit{ID: idOf(record.KindAudit, fmt.Sprint("page", i)), Agent: "a", Subject: "s", Predicate: fmt.Sprint("p", i),
			Timestamp: record.Time(ending.Add(-time.Duration(i) * time.Second).UnixNano())})
	}
	inSession(t, f, 120, 40, func(s *session) {
		s.shows("500 of 3,000 queries", "older ones not read yet")
		before := s.cursor()
		s.keys("g")
		s.wait(time.Second)
		s.shows("3,000 of 3,000 queries", "all received shown")
		s.keys("G")
		if at := s.cursor(); at != before {
			t.Errorf("the newest row is %q, was %q", at, before)
		}
		s.runes("/p2999")
		s.shows("1 of 3,000 shown")
	})
}

// News may not take from the screen what somebody reads: a query recorded months after the incident under the cursor
// does not move the window to itself, and a night that goes on does not push the row out of the last six hours. What is
// newer is told, and the last row is a key away.
func TestNewsLeaveWhatIsRead(t *testing.T) {
	f := incident()
	now := ending
	arrive := func(after time.Duration) {
		now = now.Add(after)
		f.lsn = f.applied() + 1
		f.audits = append([]ask.Audit{{ID: idOf(record.KindAudit, fmt.Sprint("new", f.lsn)), Agent: "carol", Subject: "fresh", Predicate: fmt.Sprint("news", f.lsn),
			Timestamp: record.Time(now.UnixNano()), Lens: "consensus"}}, f.audits...)
	}
	inSessionOf(t, Options{Ask: f, Title: "prod", Live: true, Now: func() time.Time { return now }}, 120, 40, func(s *session) {
		s.keys("[")
		stays := func(what string) {
			t.Helper()
			if at := s.cursor(); !strings.Contains(at, "21:04:10  deployment-agent  deploy auth-service config 41") {
				t.Errorf("%s: the cursor went to %q", what, at)
			}
		}
		stays("first of all")
		arrive(7 * time.Hour)
		s.wait(3 * time.Second)
		stays("a row that leaves the last six hours")
		s.shows("62 of 62")
		s.hides("newer ones")
		arrive(90 * 24 * time.Hour)
		s.wait(3 * time.Second)
		stays("a query of another season")
		s.shows("newer ones: G")
		s.hides("all received shown")
		arrive(time.Minute)
		s.wait(3 * time.Second)
		stays("and one more")
		s.keys("g", "g")
		s.wait(time.Second)
		if at := s.cursor(); strings.Contains(at, "news") {
			t.Errorf("the first row of a longer window went to what is newest: %q", at)
		}
		s.shows("newer ones: G")
		s.typed(":as-of 21:30")
		s.typed(":as-of")
		s.keys("k") // what was said goes
		s.shows("newer ones: G")
		s.hides("news303")
		s.typed("/deploy")
		s.shows("newer ones: G")
		s.keys("esc")
		s.keys("G")
		s.wait(time.Second)
		if at := s.cursor(); !strings.Contains(at, fmt.Sprint("news", f.lsn)) {
			t.Errorf("G went to %q", at)
		}
		s.hides("newer ones")
		arrive(13 * time.Hour)
		s.wait(3 * time.Second)
		if at := s.cursor(); !strings.Contains(at, fmt.Sprint("news", f.lsn)) {
			t.Errorf("the cursor at the end did not follow: %q", at)
		}
	})
}
