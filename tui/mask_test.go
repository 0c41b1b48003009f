package tui

import (
	"strings"
	"testing"
	"time"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

func TestMaskedText(t *testing.T) {
	m := newMasker()
	m.author("alice")
	m.author("Anna Berg")
	tests := []struct {
		name, in, want string
	}{
		{"a name as a word", "rolled back by alice, again", "rolled back by person-1, again"},
		{"a name in another case, and a possessive", "ALICE's and Anna Berg's", "person-1's and person-2's"},
		{"no part of a word", "malice and alicea", "malice and alicea"},
		{"a host", "db-1.prod.example.com is slow", "host-1 is slow"},
		{"the same host is the same word", "DB-1.prod.example.com", "host-1"},
		{"an address", "from 10.2.33.4 to fe80:0:0:0:1:2:3:4", "from host-2 to host-3"},
		{"a file is no host", "security-rfc-2024.md values.yaml login.svc", "security-rfc-2024.md values.yaml login.svc"},
		{"a mail address", "ask erin@example.org", "ask person-3"},
		{"a version is no mail address", "values.yaml@5.14.0", "values.yaml@5.14.0"},
		{"a cloud's key", "AKIAIOSFODNN7EXAMPLE", "[secret]"},
		{"a token of a forge", "ghp_0123456789abcdefABCDEF0123", "[secret]"},
		{"a JSON web token", "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.sig-part", "[secret]"},
		{"what is assigned to a password", `password: hunter2xyz, api_key=abcdefgh`, "password: [secret], api_key=[secret]"},
		{"a long run as keys are", "AbCd0123EfGh4567IjKl8901MnOp2345QrSt", "[secret]"},
		{"ids of ours stay", "a_19c0e4d2a0b1c2d3e4f5a6b7c8d9e0f1a0b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5", "a_19c0e4d2a0b1c2d3e4f5a6b7c8d9e0f1a0b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5"},
		{"plain words stay", "signing_algorithm ES256 access_token lifetime", "signing_algorithm ES256 access_token lifetime"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := m.text(tt.in); got != tt.want {
				t.Errorf("text(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestWhoIsAMachine(t *testing.T) {
	for name, want := range map[string]bool{"deployment-agent": true, "secret-rotator": true, "tool/refund": true, "pager": true, "gpt-4o-airline": true,
		"alice": false, "jean-luc": false, "Anna Berg": false, "a.berg": false} {
		if got := isMachine(name); got != want {
			t.Errorf("isMachine(%q) = %v", name, got)
		}
	}
}

// Every text of every value is masked; what the program itself says by name stays.
func TestMaskedValues(t *testing.T) {
	m := newMasker()
	v := rootVerdict()
	v.Then[0].Title = "config 41 by alice from ci.example.com"
	was := rootVerdict().Audit.ID
	got := maskAll(m, v)
	got = maskAll(m, v)
	if got.Then[0].Title != "config 41 by person-1 from host-1" && !strings.Contains(got.Then[0].Title, "person-") {
		t.Errorf("the title is %q", got.Then[0].Title)
	}
	for _, s := range got.Because[0].Life {
		if s.Agent == "alice" || s.Agent == "bob" {
			t.Errorf("%s is not masked", s.Agent)
		}
	}
	if got.Audit.ID != was || got.Recomputed != ask.Same || got.Audit.State != ask.Pinned || got.Audit.Agent != "deployment-agent" {
		t.Errorf("more was changed than texts: %+v", got.Audit)
	}
	if v.Then[0].Title != "config 41 by alice from ci.example.com" || v.Because[0].Life[1].Agent != "alice" {
		t.Error("the original was changed")
	}
	doc := maskAll(m, ask.Record{Record: record.Evidence("written by alice")})
	if text := string(doc.Record.(record.Evidence)); strings.Contains(text, "alice") {
		t.Errorf("a document says %q", text)
	}
}

// On a shared screen no name of a person is left, in any view.
func TestSharedScreen(t *testing.T) {
	for _, keys := range [][]string{{}, {"enter"}, {"p"}, {"p", "j", "enter"}, {"[", "enter"}, {"y"}, {"f"}, {"i"}, {"x"}} {
		t.Run(strings.Join(keys, " "), func(t *testing.T) {
			inSessionOf(t, Options{Ask: incident(), Share: true}, 120, 40, func(s *session) {
				s.toRoot()
				s.shows("masked")
				s.keys(keys...)
				s.wait(time.Second)
				for _, name := range []string{"alice", "bob"} {
					s.hides(name)
				}
			})
		})
	}
	inSessionOf(t, Options{Ask: incident(), Title: "prod.example.com", Live: false}, 120, 40, func(s *session) {
		s.toRoot()
		s.shows("alice", "prod.example.com")
		s.keys("S")
		s.wait(time.Second)
		s.hides("alice", "prod.example.com", "LENS       LOOK")
		s.shows("masked", "person-", "  S\n")
		s.keys("j")
		s.shows("  j\n")
		s.keys("S")
		s.wait(time.Second)
		s.hides("masked")
	})
}
