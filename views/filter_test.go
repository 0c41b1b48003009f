package views

import (
	"strings"
	"testing"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

func TestFilterMatches(t *testing.T) {
	question := "How long?"
	query := entry{audit: &ask.Audit{Agent: "deployment-agent", Subject: "auth/jwt", Predicate: "token_ttl", Lens: "recency", Question: &question,
		Result: ask.Result{Value: record.NumberObject(900)}, Labels: map[string]string{"env": "prod"},
		Findings: []ask.Finding{{Code: ask.RetractedSince}}}}
	happened := entry{event: &ask.Event{Event: record.Event{Type: record.Deploy, Agent: "bob", Title: "edge-proxy 2.19.3", Subject: "edge/proxy"}}}
	tests := []struct {
		name  string // says the rule
		typed string
		e     entry
		want  bool
	}{
		{"nothing typed lets everything through", "", query, true},
		{"a word is looked for in every field", "jwt", query, true},
		{"a word is looked for in the question", "LONG", query, true},
		{"a word is looked for in the labels", "env=prod", query, true},
		{"a word is looked for in the answer", "900", query, true},
		{"all words must be there", "jwt nowhere", query, false},
		{"a field without a glob is looked for within", "predicate:ttl", query, true},
		{"a glob is the whole value", "predicate:tok*", query, true},
		{"a glob is not part of a value", "predicate:ttl*", query, false},
		{"a subject's * stays within its level", "subject:a*", query, false},
		{"a subject's ** crosses levels", "subject:auth/**", query, true},
		{"alternatives", "subject:{auth,edge}/*", query, true},
		{"outside of subjects * crosses slashes", "told:9*", query, true},
		{"a finding goes by its code", "finding:retracted-since", query, true},
		{"a finding's code takes a glob", "finding:retr*", query, true},
		{"! negates", "!agent:bob", query, true},
		{"- negates", "-agent:deploy*", query, false},
		{"an event has an agent and a subject", "agent:bob subject:edge/*", happened, true},
		{"an event has a title", "2.19.3", happened, true},
		{"an event has no lens", "lens:recency", happened, false},
		{"an event passes where its lens is excluded", "-lens:recency", happened, true},
		{"a field that is still being typed lets everything through", "agent:", query, true},
		{"a negation that is still being typed lets everything through", "!", query, true},
		{"a pattern that is not complete is text", "subject:{auth", query, false},
		{"the slash of a word is text", "auth/jwt", query, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, all := range []string{"", tt.e.haystack()} {
				if got := parseFilter(tt.typed).match(tt.e, all); got != tt.want {
					t.Errorf("%q matches %v, want %v (haystack %q)", tt.typed, got, tt.want, all)
				}
			}
		})
	}
	if p := parseFilter("agnet:x").problem; !strings.Contains(p, "agnet:") {
		t.Errorf("an unknown field is not said: %q", p)
	}
}

func FuzzFilter(f *testing.F) {
	for _, s := range []string{"", "a b", "agent:deploy* -told:1 !x", "subject:{a,b", "finding:[", "::::", "-!-a", "lens:\xff"} {
		f.Add(s)
	}
	e := entry{audit: &ask.Audit{Agent: "a", Subject: "b/c", Predicate: "d", Lens: "e"}}
	f.Fuzz(func(t *testing.T, s string) {
		parsed := parseFilter(s)
		for _, one := range parsed.terms {
			yes := one
			yes.negated = !yes.negated
			if (filter{terms: []term{one}}).match(e, "") == (filter{terms: []term{yes}}).match(e, "") {
				t.Errorf("%q and its negation agree", s)
			}
		}
	})
}
