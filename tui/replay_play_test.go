package tui

import (
	"errors"
	"strings"
	"testing"
	"time"

	"episteme/engine/record"
	"episteme/fixtures"
	"episteme/fixtures/training"
)

// told keeps what a training hands over at its end.
type told struct {
	debrief *training.Debrief
	err     error
}

func (o *told) over(d training.Debrief) (string, error) {
	o.debrief = &d
	return "debrief.md", o.err
}

// TestPlayAuthJWT is a training from the first page to the last, with the keys of somebody who is good at it.
func TestPlayAuthJWT(t *testing.T) {
	var end told
	inReplay(t, played{fixture: "auth-jwt", at: "2024-01-15T22:31:20Z", blind: true, over: end.over}, func(s *rehearsal) {
		fixture, _ := fixtures.ByName("auth-jwt")
		seal := record.Sum(fixture.Ending()).String()

		// The brief: the scene, three tasks, the seal, and nothing of the ending. The stopwatch stands.
		s.shows("Nobody can log in on the phone", "YOUR TASKS", " 3  The claim is withdrawn", seal, "00:00 of 10:00")
		s.hides("Root assertion", "rfc-bot")
		s.wait(30 * time.Second)
		s.shows("00:00 of 10:00")
		s.keys("enter")

		// Three deploys: of the queries of the agent that deployed, one rests on what nobody had approved.
		s.shows("› timeline", "00:00 of 10:00")
		s.runes("/agent:deploy* finding:unapproved")
		s.keys("enter")
		s.wait(10 * time.Second)
		s.shows("00:10 of 10:00", "21:03:47", "ES256")
		s.toQuery("21:03:47")
		s.shows("BECAUSE", "Proposed, never approved", "AGAINST", "RS256", "NOW")
		s.keys("a")
		s.shows("is named as flipped.")

		// Back to the bytes of the document.
		s.keys("p")
		s.wait(2 * time.Second)
		s.keys("j")
		s.wait(2 * time.Second)
		s.keys("a")
		s.shows("a_1f1c4f02 is named as the root.")
		s.keys("j")
		s.wait(2 * time.Second)
		s.keys("j")
		s.wait(2 * time.Second)
		s.keys("enter")
		s.wait(time.Second)
		s.shows("› evidence")
		s.keys("q")
		s.keys("q")

		// Left out, the answer is another.
		s.wait(time.Second)
		s.keys("x")
		s.wait(2 * time.Second)
		s.shows("› what if", "RS256")
		s.wait(time.Second)
		s.keys("q")
		s.wait(time.Second)

		// Who else was told: the chain ahead has them all. Each is named with the cursor on it.
		s.keys("i")
		s.wait(2 * time.Second)
		s.shows("› impact", "WOULD HAVE FLIPPED")
		s.keys("g")
		for range 8 {
			if id := s.m.top().view.Selected().ID; id.Kind == record.KindAudit && id.Short() != "q_b70b9706" {
				s.keys("a")
			}
			s.keys("j")
		}

		// A wrong one goes in and out again; the sheet has the answer; it is handed in with two Enters.
		s.keys("q", "esc")
		s.wait(time.Second)
		s.toQuery("21:36:05")
		s.keys("a")
		s.keys("a")
		s.shows("is no longer among the flipped.")
		s.keys("A")
		s.shows("› answer", "a root and 8 queries named")
		s.keys("G", "enter")
		s.shows("Enter again hands in")
		s.wait(3 * time.Minute)
		s.keys("enter")
		s.wait(100 * time.Millisecond)
		s.shows("› debrief", "✓ the root was found", "✓ 8 of 8 flipped queries found", "no hint taken", "within the goal of 10:00",
			"handed in at", "✓ written for the team: debrief.md")
		s.wait(time.Minute)
		took := end.debrief.Session.Took
		s.shows("handed in at " + training.Clock(took)) // it stands
		s.keys("G")
		s.shows(seal)

		// Afterwards one may look around, and come back.
		s.keys("q")
		s.shows("› timeline")
		s.keys("a")
		s.shows("› debrief")
	})
	d := end.debrief
	if d == nil {
		t.Fatal("nobody was told the debrief")
	}
	for i, stage := range d.Way {
		if stage.Seen == nil && i != 3 && i != 4 { // what steps 4 and 5 find stands on the screens of what was looked at: the cursor need not go there
			t.Errorf("step %d, %q: the way led past %s, and the session does not know it", i+1, stage.Do, stage.Finds.Words)
		}
	}
	page := d.Markdown()
	for _, want := range []string{"The root was found · 8 of 8 flipped queries found · no hint taken.", "- found: a_1f1c4f02", "## Your way\n\n- 00:00 ", "## Solution\n\n**Root assertion.**"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page for the team lacks %q:\n%s", want, page)
		}
	}
}

// Each incident can be begun, answered and debriefed; the right answer is right.
func TestPlayEachFixture(t *testing.T) {
	for _, f := range fixtures.All() {
		t.Run(f.Name, func(t *testing.T) {
			var end told
			inReplay(t, played{fixture: f.Name, at: "2261-01-01T00:00:00Z", blind: true, over: end.over}, func(s *rehearsal) {
				s.shows(f.Title, "YOUR TASKS", record.Sum(f.Ending()).String())
				s.keys("enter")
				s.wait(2 * time.Second)
				for _, id := range append([]record.ID{s.labelled(f.Debrief().Root)}, s.allLabelled(f.Debrief().Flipped)...) {
					s.keys("A", "/")
					s.runes(id.String())
					s.keys("enter")
					s.wait(100 * time.Millisecond)
					s.shows(id.Short() + " is named")
					s.keys("A")
				}
				s.keys("A", "G", "enter", "enter")
				s.wait(100 * time.Millisecond)
				s.shows("› debrief", "✓ the root was found")
				s.hides("not found", "did not flip", "− missed")
				s.keys("G")
				s.shows(record.Sum(f.Ending()).String())
			})
			if d := end.debrief; d == nil || !d.RootFound || len(d.Missed)+len(d.Wrong) > 0 || len(d.Solution) == 0 {
				t.Errorf("the right answer is debriefed as %+v", d)
			}
		})
	}
}

// labelled is the id of a label of the fixture.
func (s *rehearsal) labelled(label string) record.ID {
	for _, e := range s.r.Entries() {
		if e.Label == label {
			return e.ID
		}
	}
	s.t.Fatalf("no record has the label %s", label)
	return record.ID{}
}

func (s *rehearsal) allLabelled(labels []string) []record.ID {
	var out []record.ID
	for _, label := range labels {
		out = append(out, s.labelled(label))
	}
	return out
}

func TestHintsAreCounted(t *testing.T) {
	var end told
	inReplay(t, played{fixture: "auth-jwt", at: "2024-01-15T22:31:20Z", blind: true, over: end.over}, func(s *rehearsal) {
		s.keys("enter", "u") // to the hints, and none taken
		s.shows("takes hint 1 of 5")
		s.hides("Three deploys. Each is based on answers")
		for range 7 {
			s.keys("u")
		}
		s.shows("There are no more hints.", "A claim was rejected at 22:10.")
		s.keys("enter", "A", "G", "enter", "enter")
		s.shows("5 of 5 hints taken", "− no root was named", "− 0 of 8 flipped queries found")
	})
	if end.debrief.Session.Hints != 5 {
		t.Errorf("%d hints, want 5", end.debrief.Session.Hints)
	}
}

// An incident that is to unfold begins when the brief has been read, and goes on while one looks at it again.
func TestTrainingUnfolds(t *testing.T) {
	inReplay(t, played{fixture: "auth-jwt", running: true, speed: 60, blind: true}, func(s *rehearsal) {
		s.wait(5 * time.Second)
		s.stands("20:30:06Z")
		s.shows("■ paused", "00:00 of 10:00")
		s.keys("enter")
		s.wait(5 * time.Second)
		s.stands("20:35:06Z")
		s.shows("▶ 60×", "00:05 of 10:00", "space pause")
		s.keys("b")
		s.wait(5 * time.Second)
		s.stands("20:40:06Z")
		s.keys("q", " ")
		s.wait(11 * time.Minute)
		s.stands("20:40:06Z")
		s.shows("11:10 of 10:00")
	})
}

func TestAnswerSheetRefuses(t *testing.T) {
	inReplay(t, played{fixture: "auth-jwt", at: "2024-01-15T21:00:00Z", blind: true}, func(s *rehearsal) {
		s.keys("enter", "A", "/")
		s.runes("q_b70b9706") // asked at 21:03:47: not there yet
		s.keys("enter")
		s.shows("✗ no record q_b70b9706 here")
		s.keys("/")
		s.runes("nonsense")
		s.keys("enter")
		s.shows("✗ ")
		s.keys("/")
		s.runes("b_9774e065")
		s.keys("enter")
		s.shows("! An answer names an assertion as the root")
		s.keys("G", "a")
		s.shows("This row names nothing.")
		s.keys("enter", "k", "j", "enter") // moving away takes back the first Enter
		s.shows("Enter again hands in")
		s.hides("› debrief")
	})
}

// A page for the team that cannot be written is not lost, and the screen says so.
func TestDebriefThatCannotBeWritten(t *testing.T) {
	end := told{err: errors.New("write debrief.md: no space left on device")}
	inReplay(t, played{fixture: "auth-jwt", at: "2024-01-15T22:31:20Z", blind: true, over: end.over}, func(s *rehearsal) {
		s.keys("enter", "A", "G", "enter", "enter")
		s.wait(100 * time.Millisecond)
		s.shows("✗ not written, and printed when you leave: write debrief.md: no space left on device")
	})
}
