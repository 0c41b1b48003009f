package views

import (
	"testing"
	"time"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

func TestZeroOfTheIncident(t *testing.T) {
	event := func(kind record.EventType, minute int, labels ...record.Label) ask.Event {
		return ask.Event{Event: record.Event{Type: kind, Timestamp: at("2024-01-15T21:00:00Z") + record.Time(time.Duration(minute)*time.Minute), Labels: labels}}
	}
	named := record.Label{Name: "incident", Value: "INC-2291"}
	tests := []struct {
		name   string // says the rule
		events []ask.Event
		minute int // -1: none
	}{
		{"an incident's label comes before an older alert", []ask.Event{event(record.Note, 9, named), event(record.Alert, 8, named), event(record.Alert, 2)}, 8},
		{"an alert comes before an older deploy", []ask.Event{event(record.Alert, 9), event(record.Alert, 8), event(record.Deploy, 2)}, 8},
		{"the oldest deploy", []ask.Event{event(record.Deploy, 9), event(record.Deploy, 8), event(record.Note, 2)}, 8},
		{"notes begin no incident", []ask.Event{event(record.Note, 2)}, -1},
	}
	for _, tt := range tests {
		tl := NewTimeline(false)
		tl.events.list = tt.events
		zero, ok := tl.zero()
		if want := event(0, tt.minute).Timestamp; ok != (tt.minute >= 0) || ok && zero != want {
			t.Errorf("%s: %s, %v, want %s", tt.name, zero, ok, want)
		}
	}
}

func TestRelated(t *testing.T) {
	moment := at("2024-01-15T21:04:10Z")
	id := func(s string) record.ID { return record.ID{Kind: record.KindAudit, Hash: record.Sum([]byte(s))} }
	trace, other := "9246b17f", "00000000"
	ask1 := func(name, agent string, before time.Duration, traceID *string) ask.Audit {
		return ask.Audit{ID: id(name), Agent: agent, Timestamp: moment - record.Time(before), TraceID: traceID}
	}
	tl := NewTimeline(false)
	tl.audits = []ask.Audit{ // newest first
		ask1("later", "bot", -time.Second, nil),
		ask1("based on, near and of the trace", "bot", 20*time.Second, &trace),
		ask1("near", "bot", 9*time.Minute, &other),
		ask1("somebody else", "bob", 9*time.Minute, nil),
		ask1("of the trace", "bob", 9*time.Minute, &trace),
		ask1("too early", "bot", 10*time.Minute, nil),
	}
	event := ask.Event{ID: id("event"), Event: record.Event{Agent: "bot", Timestamp: moment, TraceID: trace,
		BasedOn: []record.ID{id("based on, near and of the trace"), id("not here"), id("not here")}}}
	r := tl.related(event)
	tests := []struct {
		name string // says the rule
		got  []linked
		want string
	}{
		{"what is recorded, once, also when it is not here", r.basedOn, id("based on, near and of the trace").Short() + " " + id("not here").Short()},
		{"then what shares the trace id", r.sameTrace, id("of the trace").Short()},
		{"then what the same agent asked in the ten minutes before, and not after", r.near, id("near").Short()},
	}
	for _, tt := range tests {
		got := ""
		for i, l := range tt.got {
			if i > 0 {
				got += " "
			}
			got += l.id.Short()
		}
		if got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
	event.ID, event.Type, event.Agent = id("alert"), record.Alert, "pager"
	near := ""
	for _, l := range tl.related(event).near {
		near += l.audit.Agent + " "
	}
	if near != "bob bot " {
		t.Errorf("before an alert, queries of %qare near, want those of any agent", near)
	}
	event.ID, event.Type, event.Agent = id("event"), 0, "bot"
	if r.basedOn[0].audit == nil || r.basedOn[1].audit != nil {
		t.Error("what is here and what is not are mixed up")
	}
	if r.partial {
		t.Error("all was read, and it says that it was not")
	}

	from, to, oldest := moment-record.Time(time.Minute), moment, at("2024-01-01T00:00:00Z")
	tl.head = windowHead{status: ask.Status{Oldest: &oldest}, rng: ask.Range{From: &from, To: &to}}
	tl.sift()
	if !tl.related(event).partial {
		t.Error("the window begins a minute before the event, and it claims to know of ten")
	}
}
