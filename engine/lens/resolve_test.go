package lens

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"episteme/engine/record"

	"github.com/google/go-cmp/cmp"
)

const (
	hour = record.Time(time.Hour)
	day  = 24 * hour
)

// ask resolves a flat list of records with nothing left out.
func ask(t *testing.T, name string, p Params, entries []entry) Answer {
	t.Helper()
	l, ok := ByName(name)
	if !ok {
		t.Fatalf("no lens %q", name)
	}
	candidates, _ := Admit(historyOf(entries), everything())
	return Resolve(l, p, candidates)
}

// parts lists members as "number:weight …".
func parts(members []Contribution) string {
	var out []string
	for _, m := range members {
		out = append(out, fmt.Sprintf("%d:%v", m.Hash[0], m.Weight))
	}
	return strings.Join(out, " ")
}

func TestResolve(t *testing.T) {
	z := record.TextObject("z")
	tests := []struct {
		name    string
		lens    string
		params  Params
		entries []entry
		// "value confidence share considered margin | contributions"
		want string
	}{
		// Rule 14.
		{"no candidates: no value", "consensus", Params{}, nil, "— 0 0 0 0 | "},

		// Rule 11, consensus.
		{"no votes: one half", "consensus", Params{}, []entry{claims(1)}, "x 0.5 1 1 0.5 | 1:0.5"},
		{"votes of two agents add up", "consensus", Params{},
			[]entry{claims(1), votes(2, 1, "a", 1), votes(3, 1, "b", 1)}, "x 0.8807971 1 1 0.8807971 | 1:0.8807971"},
		{"two votes of one agent do not", "consensus", Params{},
			[]entry{claims(1), votes(2, 1, "a", 1), votes(3, 1, "a", 1)}, "x 0.7310586 1 1 0.7310586 | 1:0.7310586"},
		{"opposition lowers", "consensus", Params{}, []entry{claims(1), votes(2, 1, "a", -1)}, "x 0.26894143 1 1 0.26894143 | 1:0.26894143"},
		{"support and opposition cancel", "consensus", Params{},
			[]entry{claims(1), votes(2, 1, "a", -0.5), votes(3, 1, "b", 0.5)}, "x 0.5 1 1 0.5 | 1:0.5"},

		// Rule 11, recency.
		{"the newest weighs 1, a half-life older one half", "recency", Params{},
			[]entry{claims(1).at(day), claims(2).at(2 * day).says(y)}, "y 1 0.6666667 2 0.5 | 2:1"},
		{"the half-life is a parameter", "recency", Params{HalfLife: time.Hour},
			[]entry{claims(1).at(hour), claims(2).at(4 * hour)}, "x 1 1 2 1.125 | 2:1 1:0.125"},
		{"age counts from the newest candidate, not from as of", "recency", Params{}, []entry{claims(1).at(hour)}, "x 1 1 1 1 | 1:1"},
		{"what is too old to weigh anything does not contribute but is considered", "recency", Params{HalfLife: time.Second},
			[]entry{claims(1).at(hour), claims(2).at(4 * hour)}, "x 1 1 2 1 | 2:1"},
		{"equal times weigh alike", "recency", Params{}, []entry{claims(1).at(day), claims(2).at(day)}, "x 1 1 2 2 | 1:1 2:1"},

		// Rule 11, authority.
		{"an undescribed source weighs one half", "authority", Params{}, []entry{claims(1)}, "x 0.5 1 1 0.5 | 1:0.5"},
		{"authority is the weight", "authority", Params{}, []entry{claims(1), describes(2, 1, 0.9)}, "x 0.9 1 1 0.9 | 1:0.9"},

		// Rule 12.
		{"equal objects form a group, whose mass is a sum and whose support is not", "consensus", Params{},
			[]entry{claims(1), claims(2), claims(3).says(y)}, "x 0.75 0.6666667 3 0.5 | 1:0.5 2:0.5"},
		{"confidence scales the mass", "consensus", Params{},
			[]entry{claims(1).sure(0.5), claims(2).says(y)}, "y 0.5 0.6666667 2 0.25 | 2:0.5"},
		{"a text and a number that look alike are two groups", "consensus", Params{},
			[]entry{claims(1).says(record.TextObject("1")), claims(2).says(record.NumberObject(1)), claims(3).says(record.NumberObject(1))},
			"1 0.75 0.6666667 3 0.5 | 2:0.5 3:0.5"},
		{"total mass 0: no value and no contributions, for want of confidence", "consensus", Params{},
			[]entry{claims(1).sure(0), claims(2).sure(0).says(y)}, "— 0 0 2 0 | "},
		{"total mass 0: no value and no contributions, for want of authority", "authority", Params{},
			[]entry{claims(1), describes(2, 1, 0)}, "— 0 0 1 0 | "},
		{"a mass that rounds to 0 is 0", "authority", Params{},
			[]entry{claims(1).sure(math.SmallestNonzeroFloat32), describes(2, 1, 0.1)}, "— 0 0 1 0 | "},

		// Rule 13.
		{"recency: the newest wins however light", "recency", Params{},
			[]entry{claims(1).at(day), claims(2).at(day + 1).says(y).sure(0.25)}, "y 0.25 0.2 2 -0.75 | 2:1"},
		{"recency: at equal times the greater lsn is newer", "recency", Params{},
			[]entry{claims(1).at(day).lsnIs(9), claims(2).at(day).lsnIs(3).says(y)}, "x 1 0.5 2 0 | 1:1"},
		{"recency: the newest with confidence 0 still wins, with nothing to show for it", "recency", Params{},
			[]entry{claims(1).at(day), claims(2).at(2 * day).says(y).sure(0)}, "y 0 0 2 -0.5 | 2:1"},
		{"consensus: the greatest mass wins, not the greatest score", "consensus", Params{},
			[]entry{claims(1), claims(2), claims(3).says(y), votes(4, 3, "a", 1)}, "x 0.75 0.5776812 3 0.2689414 | 1:0.5 2:0.5"},
		{"consensus: of equal masses the one with the newest member wins", "consensus", Params{},
			[]entry{claims(1).at(9), claims(2).at(3), claims(3).at(8).says(y), claims(4).at(8).says(y)}, "x 0.75 0.5 4 0 | 1:0.5 2:0.5"},
		{"consensus: of equal masses and times the greater lsn wins", "consensus", Params{},
			[]entry{claims(1).at(5), claims(2).at(5).says(y)}, "y 0.5 0.5 2 0 | 2:0.5"},
		{"consensus: should even lsn be equal, the lowest hash of a member wins", "consensus", Params{},
			[]entry{claims(2).at(5).lsnIs(7), claims(1).at(4).lsnIs(6), claims(3).at(5).lsnIs(7).says(y), claims(4).at(3).says(y)},
			"x 0.75 0.5 4 0 | 1:0.5 2:0.5"},
		{"masses compare as float32: 0.5 + 2^-30 has no margin over 0.5", "authority", Params{},
			[]entry{claims(1), claims(2).sure(1.0 / (1 << 29)), claims(3).says(y)}, "y 0.5 0.5 3 0 | 3:0.5"},
		{"consensus: masses that tie as float32 leave it to the newest", "consensus", Params{},
			[]entry{claims(1), claims(2).sure(1.0 / (1 << 29)), claims(3).says(y)}, "y 0.5 0.5 3 0 | 3:0.5"},
		{"authority: the most trusted wins against any number", "authority", Params{},
			[]entry{claims(1), claims(2), claims(3).says(y), describes(4, 3, 0.6)}, "y 0.6 0.375 3 -0.39999998 | 3:0.6"},
		{"authority: at equal trust the more confident wins", "authority", Params{},
			[]entry{claims(1).sure(0.9), claims(2).sure(0.5).says(y)}, "x 0.45 0.64285713 2 0.19999999 | 1:0.5"},
		{"authority: at equal trust and confidence the newer wins", "authority", Params{},
			[]entry{claims(1).at(9), claims(2).says(y)}, "x 0.5 0.5 2 0 | 1:0.5"},
		{"authority: at equal times the greater lsn is newer", "authority", Params{},
			[]entry{claims(1).at(5), claims(2).at(5).says(y)}, "y 0.5 0.5 2 0 | 2:0.5"},
		{"authority: should even lsn be equal, the lower hash wins", "authority", Params{},
			[]entry{claims(1).at(5).lsnIs(7), claims(2).at(5).lsnIs(7).says(y)}, "x 0.5 0.5 2 0 | 1:0.5"},
		{"authority: the most trusted with confidence 0 still wins", "authority", Params{},
			[]entry{claims(1), claims(2).says(y).sure(0), describes(3, 2, 0.9)}, "y 0 0 2 -0.5 | 2:0.9"},
		{"skeptic: a share of two thirds is enough", "skeptic", Params{},
			[]entry{claims(1), claims(2), claims(3).says(y)}, "x 0.75 0.6666667 3 0.5 | 1:0.5 2:0.5"},
		{"skeptic: two of three voices are two thirds, whatever their sums round to", "skeptic", Params{},
			[]entry{claims(1).sure(0.7), claims(2).sure(0.7), claims(3).sure(0.7).says(y)}, "x 0.5775 0.6666667 3 0.35 | 1:0.5 2:0.5"},
		{"skeptic: under two thirds there is no value, but there are contributions and a margin", "skeptic", Params{},
			[]entry{claims(1), claims(2).sure(0.9), claims(3).says(y)}, "— 0 0.6551724 3 0.45 | 1:0.5 2:0.5"},
		{"skeptic: a lone group is sure of itself", "skeptic", Params{}, []entry{claims(1).sure(0.1)}, "x 0.05 1 1 0.05 | 1:0.5"},
		{"skeptic: ties go as under consensus", "skeptic", Params{}, []entry{claims(1).at(9), claims(2).says(y)}, "— 0 0.5 2 0 | 1:0.5"},

		// Rule 15.
		{"contributions come by weight falling, then hash rising", "authority", Params{},
			[]entry{claims(4), claims(3), claims(2), describes(9, 4, 0.8), claims(1).says(y), describes(8, 1, 0.1)},
			"x 0.95 0.94736844 4 1.6999999 | 4:0.8 2:0.5 3:0.5"},
		{"a weight of 0 is no contribution", "authority", Params{},
			[]entry{claims(1), claims(2), describes(9, 1, 0)}, "x 0.5 1 2 0.5 | 2:0.5"},
		{"a confidence of 0 does not keep a weight from contributing", "authority", Params{},
			[]entry{claims(1).sure(0), claims(2)}, "x 0.5 1 2 0.5 | 1:0.5 2:0.5"},

		// Rule 20, the margin.
		{"the margin is against the heaviest other", "consensus", Params{},
			[]entry{claims(1), claims(2), claims(3).says(y), claims(4).says(z).sure(0.25)}, "x 0.75 0.61538464 4 0.5 | 1:0.5 2:0.5"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := ask(t, tt.lens, tt.params, tt.entries)
			got := fmt.Sprintf("%v %v %v %d %v | %s", a.Value, a.Confidence, a.Share, a.Considered, a.Margin, parts(a.Contributions))
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestGroupsShowAllThatWasWeighed(t *testing.T) {
	z := record.TextObject("z")
	tests := []struct {
		name    string
		lens    string
		entries []entry
		want    []string // "value mass support share | members"
	}{
		{"the winner first though lighter, then mass falling", "authority",
			[]entry{claims(1), claims(2).says(z), claims(3).says(z), claims(4).says(y), describes(5, 4, 0.75)},
			[]string{"y 0.75 0.75 0.33333334 | 4:0.75", "z 1 0.75 0.44444445 | 2:0.5 3:0.5", "x 0.5 0.5 0.22222222 | 1:0.5"}},
		{"equal masses behind the winner go by lowest member hash", "authority",
			[]entry{claims(3).says(z), claims(2).says(y), claims(4), describes(5, 4, 0.75)},
			[]string{"x 0.75 0.75 0.42857143 | 4:0.75", "y 0.5 0.5 0.2857143 | 2:0.5", "z 0.5 0.5 0.2857143 | 3:0.5"}},
		{"members of weight 0 come last", "authority",
			[]entry{claims(1), claims(2), describes(5, 1, 0)}, []string{"x 0.5 0.5 1 | 2:0.5 1:0"}},
		{"skeptic's leading group comes first though it gives no value", "skeptic",
			[]entry{claims(1), claims(2).says(y)}, []string{"y 0.5 0.5 0.5 | 2:0.5", "x 0.5 0.5 0.5 | 1:0.5"}},
		{"without any mass the groups go by lowest member hash", "authority",
			[]entry{claims(2).sure(0), claims(1).sure(0).says(y)}, []string{"y 0 0 0 | 1:0.5", "x 0 0 0 | 2:0.5"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, g := range ask(t, tt.lens, Params{}, tt.entries).Groups {
				got = append(got, fmt.Sprintf("%v %v %v %v | %s", g.Value, g.Mass, g.Support, g.Share, parts(g.Members)))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("groups (-want +got):\n%s", diff)
			}
		})
	}
}

// The figures of the authority example to the bit; the examples show them as people read them.
func TestWorkedExampleToTheBit(t *testing.T) {
	entries := []entry{
		claims(1).says(record.TextObject("ES256")).sure(0.9666667), describes(3, 1, 0.9),
		claims(2).says(record.TextObject("RS256")).sure(0.9).born(record.Approved), describes(4, 2, 0.6),
	}
	a := ask(t, "authority", Params{}, entries)
	want := Answer{Value: record.TextObject("ES256"), Confidence: 0.87, Share: 0.61702126, Margin: 0.32999998, Considered: 2}
	if a.Value != want.Value || a.Confidence != want.Confidence || a.Share != want.Share || a.Margin != want.Margin || a.Considered != want.Considered {
		t.Errorf("got %v %v %v %v %d, want %v %v %v %v %d", a.Value, a.Confidence, a.Share, a.Margin, a.Considered,
			want.Value, want.Confidence, want.Share, want.Margin, want.Considered)
	}
}

// A score keeps to 0..1 under the hardest votes there can be, and 1/(1+Inf) is no NaN.
func TestConsensusUnderThousandsOfVotes(t *testing.T) {
	for _, weight := range []float32{-1, 1} {
		c := Candidate{Assertion: &Assertion{Hash: record.Hash{1}, Object: x, Confidence: 1}}
		for i := range 5000 {
			c.Votes = append(c.Votes, Vote{Agent: fmt.Sprint(i), Weight: weight})
		}
		l, _ := ByName("consensus")
		got := Resolve(l, Params{}, []Candidate{c}).Groups[0].Members[0].Weight
		if want := max(weight, 0); got != want {
			t.Errorf("5000 votes of %v: weight %v, want %v", weight, got, want)
		}
	}
}

func TestLensesAreListedInDisplayOrder(t *testing.T) {
	var got []string
	for _, l := range All() {
		got = append(got, l.Name)
		if found, ok := ByName(l.Name); !ok || found.Sentence != l.Sentence || l.Sentence == "" {
			t.Errorf("ByName(%q) = %q, %v; want %q", l.Name, found.Sentence, ok, l.Sentence)
		}
	}
	if diff := cmp.Diff([]string{"consensus", "authority", "recency", "skeptic"}, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	for _, name := range []string{"", "Consensus", "external"} {
		if _, ok := ByName(name); ok {
			t.Errorf("ByName(%q) found a lens, want none", name)
		}
	}
}

func TestCheckParams(t *testing.T) {
	tests := []struct {
		lens     string
		halfLife time.Duration
		want     string // part of the error; empty: none
	}{
		{"recency", 0, ""},
		{"recency", time.Second, ""},
		{"recency", 10 * 365 * 24 * time.Hour, ""},
		{"recency", time.Second - 1, "expected 1s to"},
		{"recency", 10*365*24*time.Hour + 1, "expected 1s to"},
		{"recency", -time.Hour, "found half_life -1h, expected 1s to 87600h"},
		{"consensus", 0, ""},
		{"consensus", time.Hour, "lens consensus: found half_life 1h, expected none"},
		{"authority", time.Hour, "expected none"},
		{"skeptic", time.Hour, "expected none"},
	}
	for _, tt := range tests {
		l, _ := ByName(tt.lens)
		err := l.Check(Params{HalfLife: tt.halfLife})
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%s.Check(%v) = %v, want nil", tt.lens, tt.halfLife, err)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%s.Check(%v) = %v, want an error with %q", tt.lens, tt.halfLife, err, tt.want)
		}
	}
}

func TestNegativeHalfLifePanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("Resolve with a negative half-life returned, want a panic")
		}
	}()
	ask(t, "recency", Params{HalfLife: -1}, []entry{claims(1)})
}
