package lens_test

import (
	"fmt"
	"math"
	"time"

	"episteme/engine/lens"
	"episteme/engine/record"
)

// claim is a row of the tables in the doc comments of the lenses.
func claim(n byte, object record.Object, confidence float32) lens.Assertion {
	return lens.Assertion{
		Hash: record.Hash{n}, LSN: record.LSN(n), Object: object, Confidence: confidence, Birth: record.Proposed,
		Agent: fmt.Sprintf("agent-%d", n), Timestamp: record.Time(n), Source: record.Hash{n},
	}
}

func show(name string, p lens.Params, h lens.History, filter record.Stage) {
	l, _ := lens.ByName(name)
	candidates, _ := lens.Admit(h, lens.Cut{AsOf: record.MaxTime, Pin: lens.Everything, Filter: filter})
	a := lens.Resolve(l, p, candidates)
	fmt.Printf("%s %v: confidence %v, share %.3f\n", l.Name, a.Value, a.Confidence, a.Share)
	for _, c := range a.Contributions {
		fmt.Printf("  %v weight %v\n", c.Object, c.Weight)
	}
}

// The most trusted source wins: a proposal from a security standard outweighs what was approved from a wiki, until
// the question asks for approved claims only.
func Example_authority() {
	es256, rs256 := claim(1, record.TextObject("ES256"), 0.9666667), claim(2, record.TextObject("RS256"), 0.9)
	rs256.Birth = record.Approved
	h := lens.History{
		Assertions: []lens.Assertion{es256, rs256},
		Descriptors: map[record.Hash][]lens.Descriptor{
			es256.Source: {{Authority: 0.9}},
			rs256.Source: {{Authority: 0.6}},
		},
	}
	show("authority", lens.Params{}, h, 0)
	show("authority", lens.Params{}, h, record.Approved)
	// Output:
	// authority ES256: confidence 0.87, share 0.617
	//   ES256 weight 0.9
	// authority RS256: confidence 0.54, share 1.000
	//   RS256 weight 0.6
}

// regions is the history that consensus and skeptic are explained with.
func regions() lens.History {
	eu, us, us2 := claim(1, record.TextObject("eu-west"), 0.9), claim(2, record.TextObject("us-east"), 0.8), claim(3, record.TextObject("us-east"), 0.8)
	return lens.History{
		Assertions: []lens.Assertion{eu, us, us2},
		Votes: map[record.Hash][]lens.Vote{
			eu.Hash:  {{LSN: 4, Agent: "alice", Weight: 1}, {LSN: 5, Agent: "bob", Weight: 1}},
			us2.Hash: {{LSN: 6, Agent: "alice", Weight: -1}},
		},
	}
}

// Votes move an assertion away from 1/2; the value with the most backing wins.
func Example_consensus() {
	h := regions()
	show("consensus", lens.Params{}, h, 0)
	l, _ := lens.ByName("consensus")
	candidates, _ := lens.Admit(h, lens.Cut{AsOf: record.MaxTime, Pin: lens.Everything})
	for _, g := range lens.Resolve(l, lens.Params{}, candidates).Groups {
		fmt.Printf("%v: mass %.6f\n", g.Value, g.Mass)
		for _, m := range g.Members {
			fmt.Printf("  s %v, s·c %.6f\n", m.Weight, m.Weight*m.Confidence)
		}
	}
	// Output:
	// consensus eu-west: confidence 0.79271734, share 0.563
	//   eu-west weight 0.8807971
	// eu-west: mass 0.792717
	//   s 0.8807971, s·c 0.792717
	// us-east: mass 0.615153
	//   s 0.5, s·c 0.400000
	//   s 0.26894143, s·c 0.215153
}

// The same history leaves skeptic silent: eu-west holds less than two thirds of the weight.
func Example_skeptic() {
	h := regions()
	show("skeptic", lens.Params{}, h, 0)
	all := h.Assertions
	h.Assertions = []lens.Assertion{all[0], all[1]}
	show("skeptic", lens.Params{}, h, 0)
	h.Assertions = []lens.Assertion{all[0], all[2]}
	show("skeptic", lens.Params{}, h, 0)
	// Output:
	// skeptic —: confidence 0, share 0.563
	//   eu-west weight 0.8807971
	// skeptic —: confidence 0, share 0.665
	//   eu-west weight 0.8807971
	// skeptic eu-west: confidence 0.79271734, share 0.787
	//   eu-west weight 0.8807971
}

// The newest claim wins; what is a half-life older weighs half.
func Example_recency() {
	thirty, twenty := claim(1, record.NumberObject(30), 0.8), claim(2, record.NumberObject(20), 0.9)
	thirty.Timestamp = twenty.Timestamp + record.Time(24*time.Hour)
	h := lens.History{Assertions: []lens.Assertion{thirty, twenty}}
	show("recency", lens.Params{}, h, 0)
	show("recency", lens.Params{HalfLife: 12 * time.Hour}, h, 0)
	// Output:
	// recency 30: confidence 0.8, share 0.640
	//   30 weight 1
	// recency 30: confidence 0.8, share 0.780
	//   30 weight 1
}

// What is not admitted says why, so that a screen can show what the answer left out.
func ExampleAdmit() {
	old, latest := claim(1, record.TextObject("RS256"), 0.9), claim(2, record.TextObject("RS256"), 0.9)
	latest.Agent, latest.Source = old.Agent, old.Source
	rejected := claim(3, record.TextObject("HS256"), 0.9)
	h := lens.History{
		Assertions: []lens.Assertion{old, latest, rejected},
		Transitions: map[record.Hash][]lens.Transition{
			rejected.Hash: {{Hash: record.Hash{4}, LSN: 4, To: record.Rejected, Agent: "alice", Timestamp: 9}},
		},
	}
	candidates, dropped := lens.Admit(h, lens.Cut{AsOf: record.MaxTime, Pin: math.MaxUint64})
	for _, c := range candidates {
		fmt.Println("candidate", c.ID().Short(), c.Object)
	}
	for _, d := range dropped {
		fmt.Println("dropped", d.ID().Short(), d.Object, d.Stage, d.Reason, d.By.Short())
	}
	// Output:
	// candidate a_02000000 RS256
	// dropped a_01000000 RS256 Proposed repeated a_02000000
	// dropped a_03000000 HS256 Rejected stage t_04000000
}
