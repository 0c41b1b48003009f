package lens

import (
	"fmt"
	"strings"
	"testing"

	"episteme/engine/record"

	"github.com/google/go-cmp/cmp"
)

const (
	kindA, kindV, kindT = record.KindAssertion, record.KindVote, record.KindTransition
	kindE, kindS, kindB = record.KindEpoch, record.KindSource, record.KindEvidence
)

// asOf, pinned and filtered are cuts with one thing said.
func asOf(t record.Time) Cut          { c := everything(); c.AsOf = t; return c }
func pinned(lsn record.LSN) Cut       { c := everything(); c.Pin = lsn; return c }
func filtered(stage record.Stage) Cut { c := everything(); c.Filter = stage; return c }

func TestAdmit(t *testing.T) {
	tests := []struct {
		name       string
		entries    []entry
		cut        Cut
		candidates string // "number:Stage …"
		dropped    string // "number:Stage:reason:by …"
	}{
		{"no history, no candidates", nil, everything(), "", ""},
		{"the zero cut lets nothing count", []entry{claims(1)}, Cut{}, "", ""},

		// What counts.
		{"as of is inclusive", []entry{claims(1).at(5), claims(2).at(6)}, asOf(5), "1:Proposed", ""},
		{"a pin is inclusive", []entry{claims(1), claims(2)}, pinned(1), "1:Proposed", ""},
		{"a pin holds for what is older but came later", []entry{claims(2).at(0)}, pinned(1), "", ""},
		{"an assertion listed twice is one", []entry{claims(1), claims(1)}, everything(), "1:Proposed", ""},
		{"an assertion listed twice keeps its first lsn", []entry{claims(1).lsnIs(9), claims(1)}, pinned(1), "1:Proposed", ""},
		{"candidates come by rising hash", []entry{claims(3), claims(1), claims(2)}, everything(), "1:Proposed 2:Proposed 3:Proposed", ""},

		// Rule 8: repetitions.
		{"of one agent's same claim on one source the newest counts",
			[]entry{claims(1).by("a").from(7), claims(2).by("a").from(7), claims(3).by("a").from(7)}, everything(),
			"3:Proposed", "1:Proposed:repeated:a_03 2:Proposed:repeated:a_03"},
		{"newest is by timestamp before lsn",
			[]entry{claims(1).by("a").from(7).at(9), claims(2).by("a").from(7)}, everything(), "1:Proposed", "2:Proposed:repeated:a_01"},
		{"newest is by lsn at equal times",
			[]entry{claims(1).by("a").from(7).at(5), claims(2).by("a").from(7).at(5)}, everything(), "2:Proposed", "1:Proposed:repeated:a_02"},
		{"another agent's same claim counts too", []entry{claims(1).from(7), claims(2).from(7)}, everything(), "1:Proposed 2:Proposed", ""},
		{"the same claim on another source counts too", []entry{claims(1).by("a"), claims(2).by("a")}, everything(), "1:Proposed 2:Proposed", ""},
		{"another claim on the same source counts too",
			[]entry{claims(1).by("a").from(7), claims(2).by("a").from(7).says(y)}, everything(), "1:Proposed 2:Proposed", ""},
		{"a text and a number that look alike are two claims",
			[]entry{claims(1).by("a").from(7).says(record.TextObject("1")), claims(2).by("a").from(7).says(record.NumberObject(1))},
			everything(), "1:Proposed 2:Proposed", ""},
		{"a repetition that is not admitted does not hide the one before",
			[]entry{claims(1).by("a").from(7), claims(2).by("a").from(7).born(record.Rejected)}, everything(), "1:Proposed", "2:Rejected:stage:"},
		{"a repetition whose epoch is over does not hide the one before",
			[]entry{claims(1).by("a").from(7), claims(2).by("a").from(7).in(8), supersedes(9, 8, record.Temporal)}, everything(),
			"1:Proposed", "2:Proposed:epoch:e_09"},
		{"a repetition that does not count hides nothing", []entry{claims(1).by("a").from(7), claims(2).by("a").from(7)}, pinned(1), "1:Proposed", ""},

		// Rule 9: stages.
		{"without a filter Deprecated and Rejected are left out",
			[]entry{claims(1), claims(2).born(record.UnderReview), claims(3).born(record.Approved), claims(4).born(record.Deprecated),
				claims(5).born(record.Rejected), claims(6).born(record.Unstated)},
			everything(), "1:Proposed 2:UnderReview 3:Approved 6:Unstated", "4:Deprecated:stage: 5:Rejected:stage:"},
		{"a filter admits exactly its stage",
			[]entry{claims(1), claims(2).born(record.Approved), claims(3).born(record.Unstated)}, filtered(record.Approved),
			"2:Approved", "1:Proposed:stage: 3:Unstated:stage:"},
		{"a filter may ask for what was rejected", []entry{claims(1), claims(2).born(record.Rejected)}, filtered(record.Rejected), "2:Rejected", "1:Proposed:stage:"},
		{"the newest transition decides", []entry{claims(1), moves(2, 1, record.Rejected), moves(3, 1, record.Approved)}, everything(), "1:Approved", ""},
		{"the newest transition is by timestamp, not by arrival",
			[]entry{claims(1), moves(2, 1, record.Rejected).at(9), moves(3, 1, record.Approved)}, everything(), "", "1:Rejected:stage:t_02"},
		{"at equal times the transition with the greater lsn decides",
			[]entry{claims(1), moves(3, 1, record.Approved).at(5), moves(2, 1, record.Rejected).at(5)}, everything(), "1:Approved", ""},
		{"a transition after as of has not happened", []entry{claims(1), moves(2, 1, record.Rejected).at(6)}, asOf(5), "1:Proposed", ""},
		{"a transition at as of has happened", []entry{claims(1), moves(2, 1, record.Rejected).at(5)}, asOf(5), "", "1:Rejected:stage:t_02"},
		{"a transition above the pin is not known", []entry{claims(1), moves(2, 1, record.Rejected)}, pinned(1), "1:Proposed", ""},
		{"a transition older than its assertion still is the newest", []entry{claims(2).at(9), moves(3, 2, record.Approved).at(1)}, everything(), "2:Approved", ""},
		{"another assertion's transition is not ours", []entry{claims(1), moves(3, 2, record.Rejected)}, everything(), "1:Proposed", ""},

		// Rule 10: epochs.
		{"Temporal supersession drops", []entry{claims(1).in(8), supersedes(9, 8, record.Temporal)}, everything(), "", "1:Proposed:epoch:e_09"},
		{"Invalidated supersession drops", []entry{claims(1).in(8), supersedes(9, 8, record.Invalidated)}, everything(), "", "1:Proposed:epoch:e_09"},
		{"Additive supersession drops nothing", []entry{claims(1).in(8), supersedes(9, 8, record.Additive)}, everything(), "1:Proposed", ""},
		{"one of several is enough",
			[]entry{claims(1).in(8), supersedes(5, 8, record.Additive), supersedes(9, 8, record.Invalidated)}, everything(), "", "1:Proposed:epoch:e_09"},
		{"of several the first is named",
			[]entry{claims(1).in(8), supersedes(9, 8, record.Invalidated), supersedes(5, 8, record.Temporal)}, everything(), "", "1:Proposed:epoch:e_05"},
		{"supersession is not transitive: 10 drops 9 and has nothing to say of 8",
			[]entry{claims(1).in(8), claims(2).in(9), supersedes(9, 8, record.Additive), supersedes(10, 9, record.Temporal)}, everything(),
			"1:Proposed", "2:Proposed:epoch:e_0a"},
		{"an epoch that starts after as of supersedes nothing yet", []entry{claims(1).in(8), supersedes(9, 8, record.Temporal)}, asOf(8), "1:Proposed", ""},
		{"an epoch above the pin supersedes nothing yet", []entry{claims(1).in(8), supersedes(9, 8, record.Temporal)}, pinned(8), "1:Proposed", ""},
		{"an assertion without an epoch is never superseded",
			[]entry{claims(1), supersedes(9, 0, record.Temporal)}, everything(), "1:Proposed", ""},
		{"stage is the reason when epoch would be one too",
			[]entry{claims(1).in(8).born(record.Rejected), supersedes(9, 8, record.Temporal)}, everything(), "", "1:Rejected:stage:"},

		// Exclusions.
		{"an excluded assertion is absent", []entry{claims(1), claims(2)}, without1(kindA, 1), "2:Proposed", ""},
		{"an excluded assertion no longer hides its repetition",
			[]entry{claims(1).by("a").from(7), claims(2).by("a").from(7)}, without1(kindA, 2), "1:Proposed", ""},
		{"an id of another kind with the same hash excludes nothing", []entry{claims(1)}, without1(kindV, 1), "1:Proposed", ""},
		{"an excluded transition did not happen",
			[]entry{claims(1), moves(2, 1, record.Approved), moves(3, 1, record.Rejected)}, without1(kindT, 3), "1:Approved", ""},
		{"an excluded epoch supersedes nothing and takes its assertions along",
			[]entry{claims(1).in(8), claims(2).in(9), supersedes(9, 8, record.Temporal)}, without1(kindE, 9), "1:Proposed", ""},
		{"an excluded agent takes assertions along", []entry{claims(1).by("a"), claims(2).by("b")}, withoutAgent("a"), "2:Proposed", ""},
		{"an excluded agent takes transitions along", []entry{claims(1), moves(2, 1, record.Rejected).by("a")}, withoutAgent("a"), "1:Proposed", ""},
		{"an excluded agent takes the effect of epochs along",
			[]entry{claims(1).in(8), supersedes(9, 8, record.Temporal).by("a")}, withoutAgent("a"), "1:Proposed", ""},
		{"an excluded agent takes the digests it described along, whoever claims on them",
			[]entry{claims(1).from(7), claims(2), describes(3, 7, 0.9).by("a"), describes(4, 7, 0.2)}, withoutAgent("a"), "2:Proposed", ""},
		{"an excluded source takes the assertions of its digest along",
			[]entry{claims(1).from(7), claims(2), describes(3, 7, 0.9)}, without1(kindS, 3), "2:Proposed", ""},
		{"an excluded source names its digest even when it is too new to count",
			[]entry{claims(1).from(7), claims(2), describes(99, 7, 0.9)},
			func() Cut { c := without1(kindS, 99); c.AsOf = 50; return c }(), "2:Proposed", ""},
		{"excluded evidence is all descriptors of its digest", []entry{claims(1).from(7), claims(2), describes(3, 7, 0.9)}, without1(kindB, 7), "2:Proposed", ""},
		{"excluded evidence needs no descriptor", []entry{claims(1).from(7), claims(2)}, without1(kindB, 7), "2:Proposed", ""},
		{"an excluded digest takes its assertions along", []entry{claims(1).from(7), claims(2)}, withoutDigest(7), "2:Proposed", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			candidates, dropped := Admit(historyOf(tt.entries), tt.cut)
			var gotCandidates, gotDropped []string
			for _, c := range candidates {
				gotCandidates = append(gotCandidates, fmt.Sprintf("%d:%v", c.Hash[0], c.Stage))
			}
			for _, d := range dropped {
				by := d.By.String()
				gotDropped = append(gotDropped, fmt.Sprintf("%d:%v:%v:%s", d.Hash[0], d.Stage, d.Reason, by[:min(4, len(by))]))
			}
			if got := strings.Join(gotCandidates, " "); got != tt.candidates {
				t.Errorf("candidates %q, want %q", got, tt.candidates)
			}
			if got := strings.Join(gotDropped, " "); got != tt.dropped {
				t.Errorf("dropped %q, want %q", got, tt.dropped)
			}
		})
	}
}

func TestAdmitGathersWhatScoresNeed(t *testing.T) {
	tests := []struct {
		name    string
		entries []entry // about assertion 1, which is on digest 1
		cut     Cut
		want    string // "authority, descriptor, since, agent weight …"
	}{
		{"nobody described the source: the default", []entry{claims(1)}, everything(), "0.5 - -"},
		{"the newest descriptor's authority", []entry{claims(1), describes(2, 1, 0.9), describes(3, 1, 0.1)}, everything(), "0.1 s_03 -"},
		{"the newest descriptor is by timestamp", []entry{claims(1), describes(2, 1, 0.9).at(9), describes(3, 1, 0.1)}, everything(), "0.9 s_02 -"},
		{"authority 0 is not the default", []entry{claims(1), describes(2, 1, 0)}, everything(), "0 s_02 -"},
		{"a descriptor after as of does not count", []entry{claims(1), describes(2, 1, 0.9), describes(3, 1, 0.1)}, asOf(2), "0.9 s_02 -"},
		{"a descriptor above the pin does not count", []entry{claims(1), describes(2, 1, 0.9)}, pinned(1), "0.5 - -"},
		{"another digest's descriptor is not ours", []entry{claims(1), describes(2, 9, 0.9)}, everything(), "0.5 - -"},
		{"the transition that brought the stage about", []entry{claims(1), moves(2, 1, record.Approved), moves(3, 1, record.UnderReview)}, everything(), "0.5 - t_03"},
		{"votes come by rising agent bytes, capitals first",
			[]entry{claims(1), votes(2, 1, "b", 0.1), votes(3, 1, "a", 0.2), votes(4, 1, "B", 0.3), votes(5, 1, "é", 0.4)}, everything(),
			"0.5 - - B 0.3 a 0.2 b 0.1 é 0.4"},
		{"each agent's newest vote", []entry{claims(1), votes(2, 1, "a", 1), votes(3, 1, "a", -1), votes(4, 1, "b", 0.5)}, everything(), "0.5 - - a -1 b 0.5"},
		{"the newest vote is by timestamp", []entry{claims(1), votes(2, 1, "a", 1).at(9), votes(3, 1, "a", -1)}, everything(), "0.5 - - a 1"},
		{"a vote after as of was not cast", []entry{claims(1), votes(2, 1, "a", 1), votes(3, 1, "a", -1)}, asOf(2), "0.5 - - a 1"},
		{"a vote above the pin is not known", []entry{claims(1), votes(2, 1, "a", 1), votes(3, 1, "a", -1)}, pinned(2), "0.5 - - a 1"},
		{"an excluded vote was not cast", []entry{claims(1), votes(2, 1, "a", 1), votes(3, 1, "a", -1)}, without1(kindV, 3), "0.5 - - a 1"},
		{"an excluded agent did not vote", []entry{claims(1), votes(2, 1, "a", 1), votes(3, 1, "b", -1)}, withoutAgent("b"), "0.5 - - a 1"},
		{"another assertion's vote is not ours", []entry{claims(1), votes(2, 9, "a", 1)}, everything(), "0.5 - -"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			candidates, dropped := Admit(historyOf(tt.entries), tt.cut)
			if len(candidates) != 1 || len(dropped) != 0 {
				t.Fatalf("%d candidates, %d dropped; want 1, 0", len(candidates), len(dropped))
			}
			c := candidates[0]
			descriptor, since := "-", "-"
			if c.Descriptor != nil {
				descriptor = c.Descriptor.stamp().id.String()[:4]
			}
			if c.StageSince != nil {
				since = c.StageSince.stamp().id.String()[:4]
			}
			got := fmt.Sprintf("%v %s %s", c.Authority, descriptor, since)
			for _, v := range c.Votes {
				got += fmt.Sprintf(" %s %v", v.Agent, v.Weight)
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// Votes of all candidates sit in one array; what somebody appends to one candidate's must not land in the next's.
func TestVotesOfACandidateAreItsOwn(t *testing.T) {
	h := historyOf([]entry{claims(1), claims(2), votes(3, 1, "a", 1), votes(4, 2, "b", -1)})
	candidates, _ := Admit(h, everything())
	_ = append(candidates[0].Votes, Vote{Agent: "intruder"})
	if got := candidates[1].Votes[0].Agent; got != "b" {
		t.Errorf("the second candidate's first vote is by %q, want b", got)
	}
}

func TestAdmitLeavesItsInputAlone(t *testing.T) {
	entries := []entry{claims(3), claims(1).in(8), claims(2), votes(6, 1, "b", 1), votes(5, 1, "a", 1), votes(7, 1, "a", 0),
		moves(4, 2, record.Approved), supersedes(9, 8, record.Additive), describes(11, 1, 1), describes(10, 1, 0)}
	h := historyOf(entries)
	Admit(h, withoutAgent("agent-3"))
	if diff := cmp.Diff(historyOf(entries), h); diff != "" {
		t.Errorf("Admit changed the history (-before +after):\n%s", diff)
	}
}

func TestReasonString(t *testing.T) {
	for reason, want := range map[Reason]string{ReasonStage: "stage", ReasonEpoch: "epoch", ReasonRepeated: "repeated", 0: "unknown reason", 9: "unknown reason"} {
		if got := reason.String(); got != want {
			t.Errorf("Reason(%d).String() = %q, want %q", uint8(reason), got, want)
		}
	}
}
