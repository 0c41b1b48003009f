package views

import (
	"fmt"
	"testing"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

func idFor(k record.Kind, label string) record.ID {
	return record.ID{Kind: k, Hash: record.Sum([]byte(label))}
}

func TestDecidedBy(t *testing.T) {
	heavy, light, gone := idFor(record.KindAssertion, "heavy"), idFor(record.KindAssertion, "light"), idFor(record.KindTransition, "gone")
	both := []ask.Contribution{{Assertion: heavy, Weight: .9}, {Assertion: light, Weight: .2}}
	retracted := func(cites ...record.ID) []ask.Finding { return []ask.Finding{{Code: ask.RetractedSince, Cites: cites}} }
	tests := []struct {
		name    string // says the rule
		audit   ask.Audit
		want    record.ID
		wantWhy string
	}{
		{"the only contribution", ask.Audit{Contributions: both[1:]}, light, "the only contribution to "},
		{"the heaviest of several", ask.Audit{Contributions: both}, heavy, "the heaviest of 2 contributions to "},
		{"what was withdrawn since comes before what weighs more", ask.Audit{Contributions: both, Findings: retracted(light, gone)}, light, "withdrawn since; it contributed to "},
		{"a withdrawal that names no contribution decides nothing", ask.Audit{Contributions: both, Findings: retracted(gone)}, heavy, "the heaviest of 2 contributions to "},
		{"without contributions there is none", ask.Audit{}, record.ID{}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, why := decidedBy(ask.Verdict{Audit: tt.audit}); got != tt.want || why != tt.wantWhy {
				t.Errorf("decidedBy = %s, %q, want %s, %q", got.Short(), why, tt.want.Short(), tt.wantWhy)
			}
		})
	}
}

// reached is an impact of n queries of an agent each.
func reached(n int) *Impact {
	yes := true
	found := ask.Impact{Total: n, Complete: true}
	for i := range n {
		found.Queries = append(found.Queries, ask.Impacted{Query: idFor(record.KindAudit, fmt.Sprint(i)), Agent: fmt.Sprint("agent-", i%1000), Timestamp: record.Time(i) * 1e9,
			Subject: "auth/jwt", Predicate: "signing_algorithm", Value: record.TextObject("ES256"), Without: record.TextObject("RS256"), Flips: &yes, StillTold: &yes, Recomputed: ask.Same})
	}
	v := NewImpact(ask.Target{Agent: "rfc-bot"})
	v.SetLook(Look{Cols: 120, Rows: 36})
	v.ask()
	v.Handle(Answer{Slot: impactSlot, Value: impactHead{scopes: []impactScope{{ask.Target{Agent: "rfc-bot"}, "everything rfc-bot wrote"}}}, Part: true})
	v.Handle(Answer{Slot: impactSlot, Value: impactDone{impact: found}})
	return v
}

// The most that an impact lists is drawn as quickly as a few.
func BenchmarkImpactKey(b *testing.B) {
	for _, n := range []int{100, ask.DefaultImpacted} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			v := reached(n)
			b.ReportAllocs()
			for b.Loop() {
				v.Handle(Press{Action: Down})
				if len(v.Lines()) != 36 {
					b.Fatal("no frame")
				}
			}
		})
	}
}

func TestImpactStandsOnItsLastRow(t *testing.T) {
	v := reached(ask.DefaultImpacted)
	v.Handle(Press{Action: Bottom})
	if q, _ := v.selected(); q == nil || q.Agent != "agent-999" {
		t.Errorf("the last row is %+v", q)
	}
	v.Handle(Press{Action: Top})
	if q, _ := v.selected(); q == nil || q.Timestamp != 0 {
		t.Errorf("the first row is %+v", q)
	}
}
