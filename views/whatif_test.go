package views

import (
	"fmt"
	"slices"
	"testing"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
	"episteme/views/text"
)

// What is offered: each assertion, then the documents and the authors behind them once each, and only moments that the
// answer could see, the newest first.
func TestLevers(t *testing.T) {
	a, b, doc := idFor(record.KindAssertion, "a"), idFor(record.KindAssertion, "b"), idFor(record.KindSource, "doc")
	vote, proposed := float32(-.5), record.Proposed
	life := func(id record.ID) []ask.LifeStep {
		return []ask.LifeStep{{At: 10, ID: id, Agent: "bot", To: &proposed}, {At: 20, ID: idFor(record.KindVote, "v"), Agent: "alice", Vote: &vote},
			{At: 90, ID: idFor(record.KindTransition, "t"), Agent: "bob", To: &proposed, After: true}}
	}
	v := ask.Verdict{Audit: ask.Audit{Lens: "authority", AsOf: 50},
		Because: []ask.Weighed{{Assertion: a, Agent: "bot", Source: ask.SourceOf{Descriptor: doc, Name: "doc.md"}, Life: life(a)}},
		Against: []ask.Weighed{{Assertion: b, Agent: "bot", Source: ask.SourceOf{Descriptor: doc, Name: "doc.md"}, Life: life(b)}}}
	levers := leversOf(v)
	var out []ask.Target
	for _, l := range levers[leaveOut] {
		out = append(out, l.target)
	}
	if want := []ask.Target{{ID: a}, {ID: b}, {ID: doc}, {Agent: "bot"}}; !slices.Equal(out, want) {
		t.Errorf("to leave out: %v, want %v", out, want)
	}
	var times []record.Time
	for _, l := range levers[otherTime][1:] {
		times = append(times, *l.asOf)
	}
	if want := []record.Time{19, 9}; !slices.Equal(times, want) || levers[otherTime][0].asOf != nil {
		t.Errorf("moments %v, want %v behind the recorded one", times, want)
	}
	if n := len(leversOf(ask.Verdict{Audit: ask.Audit{Lens: "external"}})[otherLens]); n != len(Lenses())+1 {
		t.Errorf("%d lenses for an answer by one that is not ours", n)
	}
}

// Where it is tight what is told stays, and the contributions go before it.
func TestPairLinesKeepWhatIsDear(t *testing.T) {
	look := Look{Cols: 80}
	var list []pair
	for i, dear := range []int{0, 1, 2, 6, 4, 8} {
		list = append(list, pair{label: fmt.Sprint("L", i), left: text.Of(text.Text(text.Plain, "x")), dear: dear})
	}
	for rows, want := range map[int][]string{6: {"L0", "L1", "L2", "L3", "L4", "L5"}, 5: {"L0", "L1", "L2", "L3", "L4"}, 3: {"L0", "L1", "L2"}, 1: {"L0"}} {
		var got []string
		for _, l := range pairLines(list, look, rows) {
			got = append(got, l.String()[3:5])
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d rows show %v, want %v", rows, got, want)
		}
	}
}

func TestLogCountsWhatIsRepeatedAndForgetsTheOldest(t *testing.T) {
	var l Log
	for i := range 3 {
		l.Add(Said{At: record.Time(i), Text: "same"})
	}
	l.Add(Said{Text: "other"})
	l.Add(Said{Text: "same"})
	if len(l.list) != 3 || l.list[0].Times != 3 || l.list[0].At != 2 || l.list[2].Times != 1 {
		t.Errorf("kept %+v", l.list)
	}
	for i := range 2 * logMax {
		l.Add(Said{Text: fmt.Sprint(i)})
	}
	if len(l.list) != logMax || l.list[logMax-1].Text != fmt.Sprint(2*logMax-1) || l.list[0].Text != fmt.Sprint(logMax) {
		t.Errorf("kept %d, from %q to %q", len(l.list), l.list[0].Text, l.list[len(l.list)-1].Text)
	}
}
