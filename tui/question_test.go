package tui

import (
	"context"
	"strings"
	"testing"
	"time"
)

// slowVerdicts is an incident whose verdicts take a time, unless nobody asks any more. It counts them.
type slowVerdicts struct {
	*fake
	asked, cancelled int
}

func verdictsTaking(d time.Duration) *slowVerdicts {
	v := &slowVerdicts{fake: incident()}
	v.before = func(ctx context.Context, method string) error {
		if method != "Verdict" {
			return nil
		}
		v.asked++
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			v.cancelled++
			return ctx.Err()
		}
	}
	return v
}

// What was told stands below the list from memory, at once and without a question; the whole verdict comes when the
// cursor has rested for 250 ms, and takes the place of what memory gave.
func TestVerdictFromMemoryThenInFull(t *testing.T) {
	in := verdictsTaking(300 * time.Millisecond)
	inSession(t, in, 120, 40, func(s *session) {
		s.keys("[", "k")
		s.wait(240 * time.Millisecond)
		if in.asked != 0 {
			t.Fatalf("after 240 ms %d verdicts were asked, want none", in.asked)
		}
		s.shows("deployment-agent asked auth/jwt signing_algorithm") // which row it is
		s.wait(20 * time.Millisecond)
		if in.asked != 1 {
			t.Fatalf("after 260 ms %d verdicts were asked, want one", in.asked)
		}
		s.shows("TOLD", "BECAUSE", "security-rfc-2024.md", "what competed, and what holds now: …")
		s.hides("AGAINST", "auth-runbook.md")
		s.wait(320 * time.Millisecond)
		s.shows("TOLD", "AGAINST", "auth-runbook.md", "NOW")
		s.hides("what holds now: …")
		s.keys("k", "j") // away and back: nothing is asked, and memory has all of it
		s.wait(110 * time.Millisecond)
		s.shows("AGAINST", "auth-runbook.md")
		if in.asked != 1 {
			t.Errorf("%d verdicts were asked, want one", in.asked)
		}
	})
}

// The question of another row cancels that of the row before; a move alone does not: its row may be come back to.
func TestNewerQuestionCancelsTheOlder(t *testing.T) {
	in := verdictsTaking(time.Hour)
	inSession(t, in, 120, 40, func(s *session) {
		s.toRoot()
		s.keys("k")
		s.wait(100 * time.Millisecond)
		if in.asked != 1 || in.cancelled != 0 {
			t.Fatalf("%d asked, %d cancelled; want 1 and 0", in.asked, in.cancelled)
		}
		s.wait(300 * time.Millisecond)
		if in.asked != 2 || in.cancelled != 1 {
			t.Errorf("%d asked, %d cancelled; want 2 and 1", in.asked, in.cancelled)
		}
		if n := len(s.m.slots); n != 1 {
			t.Errorf("%d questions are under way, want one", n)
		}
	})
}

// A verdict past its budget says so in its row, with how to stop it, and goes on; Esc stops it, the question with it,
// and leaves what memory gave.
func TestVerdictPastItsBudget(t *testing.T) {
	in := verdictsTaking(time.Hour)
	inSession(t, in, 120, 40, func(s *session) {
		s.toRoot()
		s.wait(400 * time.Millisecond)
		s.shows("weighing again")
		s.hides("slow:")
		s.wait(400 * time.Millisecond) // 500 ms are its budget
		s.shows("weighing again", "! slow:", "esc stops it", "TOLD", "BECAUSE")
		s.keys("esc")
		s.settle()
		if in.cancelled != 1 || len(s.m.slots) != 0 {
			t.Errorf("%d cancelled, %d under way; want 1 and 0", in.cancelled, len(s.m.slots))
		}
		s.hides("slow:", "weighing again")
		s.shows("TOLD", "BECAUSE", "! stopped", "r try again")
		s.wait(time.Minute)
		if in.asked != 1 {
			t.Errorf("%d verdicts were asked, want one: nobody asked again", in.asked)
		}
	})
}

// Every question of every screen that is past its budget says how long it has taken, and that Esc stops it; Esc ends
// the question itself and not only its line.
func TestEveryScreenIsSlowAloudAndStops(t *testing.T) {
	tests := []struct {
		name, method string
		to           func(*session)
		after        time.Duration // its budget, and a tick
		slow         string
	}{
		{"the timeline", "Audits", func(*session) {}, 2300 * time.Millisecond, "longer than usual"},
		{"the drill-down", "Verdict", func(s *session) { s.toRoot(); s.keys("enter") }, 800 * time.Millisecond, "slow:"},
		{"provenance", "Provenance", func(s *session) { s.toRoot(); s.keys("p") }, 5300 * time.Millisecond, "longer than usual"},
		{"a record", "Record", func(s *session) { s.toRoot(); s.keys("p", "enter") }, 500 * time.Millisecond, "slow: under 1 s so far"},
		{"impact", "Impact", func(s *session) { s.toRoot(); s.keys("i") }, 5300 * time.Millisecond, "longer than usual"},
		{"what if", "WhatIf", func(s *session) { s.toRoot(); s.keys("x", "enter") }, 5300 * time.Millisecond, "slow:"},
		{"findings", "Findings", func(s *session) { s.keys("f") }, 8300 * time.Millisecond, "longer than usual"},
		{"diff", "Diff", func(s *session) { s.toRoot(); s.keys("v", "g", "d") }, 5300 * time.Millisecond, "longer than usual"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in, ended := investigated(), 0
			in.before = func(ctx context.Context, method string) error {
				if method == tt.method {
					<-ctx.Done()
					ended++
					return ctx.Err()
				}
				return nil
			}
			inSession(t, in, 120, 40, func(s *session) {
				tt.to(s)
				ended = 0 // a row that was passed
				s.wait(tt.after)
				if screen := s.screen(); !strings.Contains(screen, tt.slow) || !strings.Contains(screen, "esc stops it") {
					t.Errorf("after %s it does not say that it is slow:\n%s", tt.after, screen)
				}
				s.keys("esc")
				s.settle()
				if ended != 1 {
					t.Errorf("Esc ended %d questions, want one:\n%s", ended, s.screen())
				}
				s.keys("j")
				s.hides("slow:", "longer than usual")
			})
		})
	}
}

// While the cursor moves the key line speaks of the row it left, and where it rests of that one.
func TestKeyLineFollowsAtRest(t *testing.T) {
	inSession(t, incident(), 120, 40, func(s *session) {
		s.toRoot()
		s.shows("↵ why")
		s.keys("j") // the deploy
		s.shows("↵ why")
		s.wait(restKnownAtMost)
		s.shows("↵ what it was based on")
		s.keys("k", "k")
		s.shows("↵ what it was based on")
		s.wait(300 * time.Millisecond)
		s.shows("↵ why")
	})
}

// restKnownAtMost is after which a cursor rests on a row of which nothing has to be asked.
const restKnownAtMost = 120 * time.Millisecond
