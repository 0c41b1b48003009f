package views

import (
	"math"
	"strings"
	"testing"
	"time"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

func TestLongerNeverWrapsAround(t *testing.T) {
	span := firstSpan
	for range 60 {
		next := longer(span)
		if next < span || next > span*4 && span <= math.MaxInt64/4 {
			t.Fatalf("four times %d is %d", span, next)
		}
		span = next
	}
	if r := windowOf(ask.Status{}, record.MaxTime, span); *r.From < 0 || *r.To < *r.From {
		t.Errorf("a window of %s is %s … %s", span, *r.From, *r.To)
	}
}

// That an answer could not be reproduced stands in front, in every width.
func TestDiffersIsNeverCut(t *testing.T) {
	v := ask.Verdict{Audit: ask.Audit{Agent: "deployment-agent-of-a-long-name", Subject: "auth/jwt", Predicate: "signing_algorithm",
		Timestamp: at("2024-01-15T21:03:47Z"), ID: record.ID{Kind: record.KindAudit, Hash: record.Sum([]byte("q"))}}, Recomputed: ask.Differs}
	for cols := 40; cols <= 200; cols++ {
		for _, mode := range []TimeMode{UTC, Local} {
			line := verdictHead(v, Look{Cols: cols, Times: Times{Mode: mode, Zone: time.FixedZone("", 3600)}})
			if !strings.HasPrefix(line.String(), " ✗ recomputed: DIFFERS") || line.Width() > cols {
				t.Errorf("%d columns, %d cells: %q", cols, line.Width(), line)
			}
		}
	}
}

func TestAskedInWords(t *testing.T) {
	tests := []struct {
		name, question, want string
	}{
		{"the asker's own words", "How long?", "“How long?”"},
		{"no words", "", "auth/jwt · issuer"},
		{"the arguments of a tool call are no words", ` {"subject":"auth/jwt","predicate":"issuer"}`, "auth/jwt · issuer"},
		{"words in braces are words", "{what} is it?", "“{what} is it?”"},
	}
	for _, tt := range tests {
		a := ask.Audit{Subject: "auth/jwt", Predicate: "issuer", Question: &tt.question}
		if got := asked(&a).String(); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// When a record was taken in is a date and a time, also where times count from an incident.
func TestTakenInIsADateAndATime(t *testing.T) {
	zero := at("2024-01-15T21:09:12Z")
	r := ask.Record{ID: record.ID{Kind: record.KindSource}, LSN: 204, RecordedAt: at("2024-01-16T08:15:30Z"), Check: ask.Verified}
	for _, cols := range []int{80, 120} {
		lines := recordHead(r, Look{Cols: cols, Times: Times{Mode: Relative, Zero: &zero}}, true)
		if got := lines[1].String(); !strings.Contains(got, "taken") || !strings.HasSuffix(got, "2024-01-16 08:15:30Z") {
			t.Errorf("%d columns: %q", cols, got)
		}
	}
}

// A chain behind an audit is read on the audit's day; behind anything else, today: what is older has its date.
func TestProvenanceDatesOtherDays(t *testing.T) {
	claimed := at("2024-01-10T18:02:00Z")
	for kind, want := range map[record.Kind]string{record.KindAssertion: "2024-01-10 18:02:00Z", record.KindAudit: " 18:02:00Z"} {
		p := NewProvenance(record.ID{Kind: kind})
		p.SetLook(Look{Cols: 120, Rows: 30, Now: at("2024-01-15T22:32:00Z")})
		p.grow([]ask.Node{{ID: p.root, Check: ask.Verified, Agent: "rfc-bot", Timestamp: &claimed}}, nil)
		got := p.row(0).String()
		if dated := strings.Contains(got, "2024-01-10"); !strings.Contains(got, want) || dated != (kind == record.KindAssertion) {
			t.Errorf("behind %s: %q, want %q", kind, got, want)
		}
	}
}
