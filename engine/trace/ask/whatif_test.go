package ask_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

func idOf(kind record.Kind, b byte) record.ID { return record.ID{Kind: kind, Hash: record.Hash{b}} }

// TestTargetText: what is written is read back, and nothing else is read.
func TestTargetText(t *testing.T) {
	for _, want := range []ask.Target{{ID: idOf(record.KindVote, 7)}, {Agent: "bob"}, {Agent: "a:b c"}} {
		text, _ := want.MarshalText()
		var got ask.Target
		if err := got.UnmarshalText(text); err != nil || got != want {
			t.Errorf("UnmarshalText(%s) = %+v, %v, want %+v", text, got, err, want)
		}
	}
	for _, bad := range []string{"", "bob", "a_12"} {
		if err := new(ask.Target).UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("UnmarshalText(%q) = nil, want an error", bad)
		}
	}
}

// TestWhatIfChangeWords: each thing that can be different has words, and several stand in one sentence.
func TestWhatIfChangeWords(t *testing.T) {
	approved, at := record.Approved, record.Time(1e18)
	tests := []struct {
		c    ask.WhatIfChange
		want string
	}{
		{ask.WhatIfChange{}, "with nothing changed"},
		{ask.WhatIfChange{Without: []ask.Target{{ID: idOf(record.KindAssertion, 1)}, {Agent: "bob"}}}, "without a_01000000, without agent:bob"},
		{ask.WhatIfChange{Lens: "recency", HalfLife: time.Hour}, "under recency, with a half-life of 1h"},
		{ask.WhatIfChange{Filter: &approved, AsOf: &at}, "if only Approved counted, as it was at 2001-09-09T01:46:40Z"},
		{ask.WhatIfChange{Filter: new(record.Stage)}, "if any stage counted"},
	}
	for _, tt := range tests {
		if got := tt.c.Words(); got != tt.want {
			t.Errorf("Words(%+v) = %q, want %q", tt.c, got, tt.want)
		}
	}
}

// TestWhatIfLines: what was told never leaves the lines, and each of them says no more than is known.
func TestWhatIfLines(t *testing.T) {
	told := ask.Result{Value: record.TextObject("A"), Confidence: 0.5, Share: 0.75}
	yes, no, ahead, behind := true, false, float32(0.25), float32(-0.5)
	c := func(b byte) ask.Contribution {
		return ask.Contribution{Assertion: idOf(record.KindAssertion, b), Lifecycle: record.Approved, Weight: 0.5, Value: record.TextObject("B")}
	}
	tests := []struct {
		name   string
		w      ask.WhatIf
		change ask.WhatIfChange
		lens   string
		want   string
	}{
		{"nothing is ranked that does not reproduce", ask.WhatIf{Recorded: told}, ask.WhatIfChange{}, "consensus",
			"TOLD|A confidence .50   held 75 % of the weight\nWHAT IF|recomputed: DIFFERS. Trust nothing that follows from it; run `episteme verify`\n"},
		{"another answer, by many, of which two are named",
			ask.WhatIf{Recorded: told, Reproduced: true, Recomputed: &ask.Result{Value: record.TextObject("B"), Confidence: 1, Share: 1}, Flips: &yes, Margin: &ahead,
				Contributions: []ask.Contribution{c(1), c(2), c(3)}, Searched: "S", SmallestFlip: []record.ID{idOf(record.KindAssertion, 8), idOf(record.KindAssertion, 9)},
				LeftOut: []record.ID{idOf(record.KindSource, 1), idOf(record.KindAssertion, 1), idOf(record.KindAssertion, 2)}},
			ask.WhatIfChange{Without: []ask.Target{{Agent: "bob"}}}, "consensus",
			"TOLD|A confidence .50   held 75 % of the weight\nWHAT IF|without agent:bob it would have said B confidence 1.0   held 100 % of the weight\n" +
				"MARGIN|+0.25 against the heaviest other value\nBECAUSE|B .50 Approved a_01000000 no source held\n|B .50 Approved a_02000000 no source held\n|and 1 more\n" +
				"LEFT OUT|1 source, 2 assertions that would have counted for this question\nFLIP|the recorded answer rests on a_08000000 and a_09000000 (searched S)\n"},
		{"the same answer, and silence",
			ask.WhatIf{Recorded: ask.Result{}, Reproduced: true, Recomputed: &ask.Result{}, Flips: &no, Margin: &behind, Searched: "nothing: no assertion contributed"},
			ask.WhatIfChange{Lens: "recency"}, "recency",
			"TOLD|no answer\nWHAT IF|under recency it would have said the same: no answer\nMARGIN|-0.50 against the heaviest other value (predicts nothing under recency)\n" +
				"BECAUSE|nothing: no assertion would have contributed\nFLIP|none found (searched nothing: no assertion contributed)\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, text(tt.w.Lines(tt.change, tt.lens))); diff != "" {
				t.Errorf("Lines (-want +got):\n%s", diff)
			}
		})
	}
}

// TestImpactedWords: the words of a query are those of its place in the list, and what is not known is not claimed.
func TestImpactedWords(t *testing.T) {
	yes, no := true, false
	tests := []struct {
		i     ask.Impacted
		want  string
		stand int
	}{
		{ask.Impacted{Recomputed: ask.Same, Flips: &yes, StillTold: &yes}, "still told, would have flipped", 0},
		{ask.Impacted{Recomputed: ask.Same, Flips: &no, StillTold: &yes}, "still told, answer would not change", 0},
		{ask.Impacted{Recomputed: ask.Same, Flips: &yes, StillTold: &no}, "would have flipped", 1},
		{ask.Impacted{Recomputed: ask.Same, Flips: &no, StillTold: &no}, "told, answer would not change", 2},
		{ask.Impacted{Recomputed: ask.NotPossible}, "told, cannot be recomputed here", 3},
		{ask.Impacted{Recomputed: ask.Differs}, "told, recomputed: DIFFERS; run `episteme verify`", 3},
	}
	for _, tt := range tests {
		if tt.i.Words() != tt.want || tt.i.Standing() != tt.stand {
			t.Errorf("%+v: %q at %d, want %q at %d", tt.i, tt.i.Words(), tt.i.Standing(), tt.want, tt.stand)
		}
	}
}

// TestWhatIfThatIsIncomplete: an answer from another server may lack what ours always have.
func TestWhatIfThatIsIncomplete(t *testing.T) {
	flips, margin := true, float32(0.1)
	for _, w := range []ask.WhatIf{
		{Reproduced: true, Recomputed: &ask.Result{}},
		{Reproduced: true, Recomputed: &ask.Result{}, Flips: &flips},
		{Reproduced: true, Recomputed: &ask.Result{}, Margin: &margin},
	} {
		lines := w.Lines(ask.WhatIfChange{}, "authority")
		if last := lines[len(lines)-1]; last.Label != "WHAT IF" || len(last.Parts) != 1 || last.Parts[0].Role != ask.Bad {
			t.Errorf("an incomplete answer says %v", lines)
		}
	}
}
