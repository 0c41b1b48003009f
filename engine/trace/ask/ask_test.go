package ask_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

func TestDecimal(t *testing.T) {
	tests := []struct {
		name string
		f    float32
		want string
	}{
		{"two digits, no leading zero", 0.87, ".87"},
		{"a tenth keeps its zero", 0.6, ".60"},
		{"hundredths keep theirs", 0.05, ".05"},
		{"rounded to the nearest", 0.876, ".88"},
		{"only 1 is 1", 1, "1.0"},
		{"just under 1 is not 1", 0.9999, ".99"},
		{"nothing is nothing", 0, ".00"},
		{"hardly anything is not nothing", 0.0001, "<.01"},
		{"the smallest is not nothing", math.SmallestNonzeroFloat32, "<.01"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := ask.Decimal(tt.f); got != tt.want {
				t.Errorf("Decimal(%v) = %s, want %s", tt.f, got, tt.want)
			}
		})
	}
}

func text(lines []ask.Line) string {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(l.Label + "|" + l.String() + "\n")
	}
	return b.String()
}

// TestLinesSayWhatIsNotKnown: each state of an audit has words of its own, and none claims more than was computed.
func TestLinesSayWhatIsNotKnown(t *testing.T) {
	told := ask.Result{Value: record.TextObject("A"), Confidence: 0.5, Share: 0.5}
	id := func(b byte) record.ID {
		return record.ID{Kind: record.KindAssertion, Hash: record.Hash{b}}
	}
	because := []ask.Weighed{{Assertion: id(1), Value: record.TextObject("A"), Weight: 0.5, Lifecycle: record.Approved, Held: true, Source: ask.SourceOf{Name: "a.md"}}}
	tests := []struct {
		name    string
		verdict ask.Verdict
		want    string
	}{
		{"no value", ask.Verdict{Audit: ask.Audit{State: ask.Pinned, Lens: "authority"}, Recomputed: ask.Same, LensSentence: "s", Now: &ask.Present{}},
			"TOLD|— no value: nothing was known\nBECAUSE|nothing: no assertion contributed\nAGAINST|nothing competed\n" +
				"LENS|authority: s · approval not required\nWITHOUT|—\nNOW|no answer the same\n"},
		{"imported: nothing is computed", ask.Verdict{Audit: ask.Audit{State: ask.Imported, Lens: "external", Result: told}, Recomputed: ask.NotPossible, Because: because},
			"TOLD|A confidence .50   held 50 % of the weight   imported: as told, cannot be recomputed here\nBECAUSE|A .50 Approved a_01000000 a.md\nLENS|external\n"},
		{"foreign", ask.Verdict{Audit: ask.Audit{State: ask.Foreign, Lens: "authority", Result: told}, Recomputed: ask.NotPossible, Because: because},
			"TOLD|A confidence .50   held 50 % of the weight   recorded in another journal: as told, cannot be recomputed here\nBECAUSE|A .50 Approved a_01000000 a.md\nLENS|authority\n"},
		{"unreproducible: nothing below it counts", ask.Verdict{Audit: ask.Audit{State: ask.Pinned, Lens: "authority", Result: told}, Recomputed: ask.Differs, Because: because},
			"TOLD|A confidence .50   held 50 % of the weight   recomputed: DIFFERS. Trust nothing below; run `episteme verify`\nBECAUSE|A .50 Approved a_01000000 a.md\nLENS|authority · approval not required\n"},
		{"a contribution that is not held", ask.Verdict{Audit: ask.Audit{State: ask.Imported, Lens: "external", Result: told}, Recomputed: ask.NotPossible, Because: []ask.Weighed{{Assertion: id(2), Weight: 1}}},
			"TOLD|A confidence .50   held 50 % of the weight   imported: as told, cannot be recomputed here\nBECAUSE|not held here 1.0 a_02000000\nLENS|external\n"},
		{"more than two are counted", ask.Verdict{Audit: ask.Audit{State: ask.Imported, Lens: "external", Result: told}, Recomputed: ask.NotPossible, Because: append(append(because[:1:1], because...), because...)},
			"TOLD|A confidence .50   held 50 % of the weight   imported: as told, cannot be recomputed here\nBECAUSE|A .50 Approved a_01000000 a.md\n|A .50 Approved a_01000000 a.md\n|and 1 more (Enter)\nLENS|external\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, text(tt.verdict.Lines())); diff != "" {
				t.Errorf("Lines (-want +got):\n%s", diff)
			}
		})
	}
}

// TestAuditJSON spells the JSON of an audit out: names, order, nulls where there is nothing, no HTML escapes in values.
func TestAuditJSON(t *testing.T) {
	a := ask.Audit{
		ID: record.ID{Kind: record.KindAudit}, Agent: "ann", Timestamp: 1e18, Subject: "s", Predicate: "p", Lens: "authority",
		AsOf: 1e18, State: ask.Imported, Contributions: []ask.Contribution{}, Labels: map[string]string{}, Findings: []ask.Finding{},
	}
	got, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	zeros := strings.Repeat("0", 64)
	want := `{"query_id":"q_` + zeros + `","agent_id":"ann","timestamp":"2001-09-09T01:46:40Z","subject":"s","predicate":"p","question":null,` +
		`"lens":"authority","lens_params":{},"lifecycle_filter":null,"as_of":"2001-09-09T01:46:40Z","pin":null,"journal":null,"state":"imported",` +
		`"result":{"value":null,"confidence":0,"share":0},"result_hash":"` + zeros + `","considered":0,"contributing_assertions":[],` +
		`"labels":{},"trace_id":null,"findings":[]}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
}

// TestEveryFindingHasWords: a code on a screen is a word and a sentence, and the order of the list is its severity.
func TestEveryFindingHasWords(t *testing.T) {
	for i, code := range ask.Codes() {
		if code.Severity() != i || code.Word() == "" || !strings.HasSuffix(code.Sentence(), ".") {
			t.Errorf("%s: severity %d, word %q, sentence %q; want %d and words", code, code.Severity(), code.Word(), code.Sentence(), i)
		}
	}
}

// TestCompletenessOfSearches: a search that stopped says how far it came; one that is done does not bother the reader
// of a list, and always says so of a search for records.
func TestCompletenessOfSearches(t *testing.T) {
	tests := []struct {
		name string
		said string
		want string
	}{
		{"nothing had to be computed", ask.Trace{Total: 3, AllReceivedShown: true}.Completeness(), "0 of 3 · all received shown"},
		{"all was searched", ask.Trace{Searched: &ask.Searched{Done: 9, Of: 9}}.Completeness(), "0 of 0"},
		{"the search stopped", ask.Trace{Total: 2, Searched: &ask.Searched{Done: 8, Of: 9}, Behind: 4}.Completeness(), "0 of 2 · searched 8 of 9 · 4 records received and not shown yet"},
		{"all was searched, and some could not be read", ask.Trace{Searched: &ask.Searched{Done: 9, Of: 9, Unreadable: 1}}.Completeness(),
			"0 of 0 · searched 9 of 9 · 1 could not be read: `episteme verify` says why"},
		{"records", ask.Found{Searched: ask.Searched{Done: 9, Of: 9}, AllReceivedShown: true}.Completeness(), "0 found · searched 9 of 9 · all received shown"},
		{"records that cannot be read", ask.Found{Searched: ask.Searched{Done: 8, Of: 9, Unreadable: 2}, Notes: []string{"why"}}.Completeness(),
			"0 found · searched 8 of 9 · 2 could not be read: `episteme verify` says why · why"},
	}
	for _, tt := range tests {
		if tt.said != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, tt.said, tt.want)
		}
	}
}

// TestComputedFindings: a code is either fixed when a question is asked or computed when somebody looks.
func TestComputedFindings(t *testing.T) {
	var computed []string
	for _, code := range ask.Codes() {
		if code.Computed() {
			computed = append(computed, string(code))
		}
	}
	if got := strings.Join(computed, " "); got != "unreproducible missing-evidence retracted-since late-evidence changed-since" {
		t.Errorf("computed: %s", got)
	}
}
