package record

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"
)

// goldenRecord is a fresh copy of a golden's record.
func goldenRecord[R Record](t testing.TB, name string) R {
	t.Helper()
	for _, g := range goldens() {
		if g.name == name {
			return g.r.(R)
		}
	}
	t.Fatalf("no golden %s", name)
	panic("unreachable")
}

// TestLimits takes each limit at its last good value and one beyond.
func TestLimits(t *testing.T) {
	text := func(n int) string { return strings.Repeat("é", n/2) + strings.Repeat("x", n%2) }
	ids := func(n int) (list []ID) {
		for range n {
			list = append(list, ID{KindAssertion, repeat(1)})
		}
		return list
	}
	labels := func(n int) (list []Label) {
		for i := range n {
			list = append(list, Label{Name: string(rune('a' + i))})
		}
		return list
	}
	contributions := func(n int) []Contribution {
		list := make([]Contribution, n)
		for i := range list {
			list[i] = Contribution{repeat(1), repeat(2), 1, Approved}
		}
		return list
	}
	assertion := func(change func(*Assertion)) Record {
		a := goldenRecord[*Assertion](t, "assertion-text")
		change(a)
		return a
	}
	audit := func(change func(*Audit)) Record {
		a := goldenRecord[*Audit](t, "audit")
		change(a)
		a.ResultHash = a.Value.Hash()
		return a
	}
	event := func(change func(*Event)) Record {
		e := goldenRecord[*Event](t, "event")
		change(e)
		return e
	}
	source := func(change func(*Source)) Record {
		s := goldenRecord[*Source](t, "source")
		change(s)
		return s
	}
	tests := []struct {
		field string
		most  int
		make  func(n int) Record
	}{
		{"content", MaxEvidenceBytes, func(n int) Record { return make(Evidence, n) }},
		{"subject", MaxNameBytes, func(n int) Record { return assertion(func(a *Assertion) { a.Subject = text(n) }) }},
		{"predicate", MaxNameBytes, func(n int) Record { return assertion(func(a *Assertion) { a.Predicate = text(n) }) }},
		{"agent", MaxNameBytes, func(n int) Record { return assertion(func(a *Assertion) { a.Agent = text(n) }) }},
		{"object", MaxObjectBytes, func(n int) Record { return assertion(func(a *Assertion) { a.Object.Text = text(n) }) }},
		{"note", MaxStringBytes, func(n int) Record { return assertion(func(a *Assertion) { a.Note = text(n) }) }},
		{"parents", MaxParents, func(n int) Record { return assertion(func(a *Assertion) { a.Parents = ids(n) }) }},
		{"name", MaxStringBytes, func(n int) Record { return source(func(s *Source) { s.Name = text(n) }) }},
		{"uri", MaxStringBytes, func(n int) Record { return source(func(s *Source) { s.URI = text(n) }) }},
		{"media_type", MaxStringBytes, func(n int) Record { return source(func(s *Source) { s.MediaType = text(n) }) }},
		{"title", MaxStringBytes, func(n int) Record { return event(func(e *Event) { e.Title = text(n) }) }},
		{"subject", MaxNameBytes, func(n int) Record { return event(func(e *Event) { e.Subject = text(n) }) }},
		{"based_on", MaxParents, func(n int) Record { return event(func(e *Event) { e.BasedOn = ids(n) }) }},
		{"labels", MaxLabels, func(n int) Record { return event(func(e *Event) { e.Labels = labels(n) }) }},
		{"labels", MaxStringBytes, func(n int) Record { return event(func(e *Event) { e.Labels = []Label{{text(n), ""}} }) }},
		{"labels", MaxStringBytes, func(n int) Record { return event(func(e *Event) { e.Labels = []Label{{"a", text(n)}} }) }},
		{"trace_id", MaxStringBytes, func(n int) Record { return event(func(e *Event) { e.TraceID = text(n) }) }},
		{"span_id", MaxStringBytes, func(n int) Record { return event(func(e *Event) { e.SpanID = text(n) }) }},
		{"conversation_id", MaxStringBytes, func(n int) Record { return event(func(e *Event) { e.ConversationID = text(n) }) }},
		{"agent_id", MaxNameBytes, func(n int) Record { return audit(func(a *Audit) { a.Agent = text(n) }) }},
		{"question", MaxStringBytes, func(n int) Record { return audit(func(a *Audit) { a.Question = text(n) }) }},
		{"value", MaxObjectBytes, func(n int) Record { return audit(func(a *Audit) { a.Value.Text = text(n) }) }},
		{"tool_call_id", MaxStringBytes, func(n int) Record { return audit(func(a *Audit) { a.ToolCallID = text(n) }) }},
		{"lens_params", int(MaxHalfLife), func(n int) Record { return audit(func(a *Audit) { a.HalfLife = time.Duration(n) }) }},
		{"considered", maxInteger, func(n int) Record { return audit(func(a *Audit) { a.Considered = uint64(n) }) }},
		{"contributing_assertions", MaxContributions, func(n int) Record {
			return audit(func(a *Audit) { a.Contributions, a.Considered = contributions(n), uint64(n) })
		}},
		{"reason", MaxStringBytes, func(n int) Record {
			e := goldenRecord[*Erasure](t, "erasure")
			e.Reason = text(n)
			return e
		}},
	}
	for _, tt := range tests {
		r := tt.make(tt.most)
		payload, err := Encode(nil, r)
		if err != nil {
			t.Errorf("%s of %d: %v", tt.field, tt.most, err)
		}
		if len(payload) > MaxPayloadBytes {
			t.Errorf("%s of %d: a payload of %d bytes", tt.field, tt.most, len(payload))
		}
		r = tt.make(tt.most + 1)
		var broken *FieldError
		if _, err := Encode(nil, r); !errors.As(err, &broken) || broken.Field != tt.field || broken.Kind != r.Kind() {
			t.Errorf("%s of %d: %v, want a FieldError of that field", tt.field, tt.most+1, err)
		}
	}
}

func TestLargestRecordFits(t *testing.T) {
	long := strings.Repeat("x", MaxStringBytes)
	a := goldenRecord[*Audit](t, "audit")
	a.Value = TextObject(strings.Repeat("x", MaxObjectBytes))
	a.ResultHash = a.Value.Hash()
	a.Question, a.TraceID, a.SpanID, a.ConversationID, a.ToolCallID = long, long, long, long, long
	a.Labels = nil
	for i := range MaxLabels {
		a.Labels = append(a.Labels, Label{string(rune('a'+i)) + long[1:], long})
	}
	a.Contributions = make([]Contribution, MaxContributions)
	for i := range a.Contributions {
		a.Contributions[i] = Contribution{repeat(1), repeat(2), 1, Approved}
	}
	a.Considered = MaxContributions
	payload, err := Encode(nil, a)
	if err != nil || len(payload) > MaxPayloadBytes {
		t.Errorf("the largest audit has %d bytes, %v; want at most %d", len(payload), err, MaxPayloadBytes)
	}
	if _, err := Decode(KindAudit, payload); err != nil {
		t.Errorf("Decode of the largest audit: %v", err)
	}
}

// TestCheckRefuses holds what no payload and no line can say, but a caller can.
func TestCheckRefuses(t *testing.T) {
	assertion := func(o Object) Record {
		a := goldenRecord[*Assertion](t, "assertion-text")
		a.Object = o
		return a
	}
	tests := []struct {
		name  string
		r     Record
		field string
	}{
		{"an assertion claims something", assertion(Object{}), "object"},
		{"a text and a number", assertion(Object{Type: Text, Text: "x", Number: 1}), "object"},
		{"a text and a number that is none", assertion(Object{Type: Text, Text: "x", Number: math.NaN()}), "object"},
		{"a number and true", assertion(Object{Type: Number, Number: 1, Bool: true}), "object"},
		{"a boolean and a text", assertion(Object{Type: Bool, Text: "x"}), "object"},
		{"a reference and a text", assertion(Object{Type: Refers, Text: "x", Ref: ID{KindVote, repeat(1)}}), "object"},
		{"a reference and an id in another type", assertion(Object{Type: Bool, Ref: ID{KindVote, repeat(1)}}), "object"},
		{"a type of its own", assertion(Object{Type: 9}), "object"},
		{"a text that is not UTF-8", assertion(TextObject("\xff")), "object"},
		{"a vote by nobody", &Vote{Assertion: repeat(1)}, "agent"},
		{"a vote on nothing", &Vote{Agent: "a"}, "assertion"},
		{"a vote that is no number", &Vote{Assertion: repeat(1), Agent: "a", Weight: float32(math.NaN())}, "weight"},
		{"a vote without end", &Vote{Assertion: repeat(1), Agent: "a", Weight: float32(math.Inf(1))}, "weight"},
		{"a vote before 1970", &Vote{Assertion: repeat(1), Agent: "a", Timestamp: -1}, "timestamp"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var broken *FieldError
			if err := Check(tt.r); !errors.As(err, &broken) || broken.Field != tt.field {
				t.Errorf("Check = %v, want a FieldError of %s", err, tt.field)
			}
			if got, err := Encode([]byte("before"), tt.r); err == nil || string(got) != "before" {
				t.Errorf("Encode = %q, %v; want dst as it was, and an error", got, err)
			}
			if _, err := IDOf(tt.r); err == nil {
				t.Error("IDOf gave an id to it")
			}
		})
	}
}
