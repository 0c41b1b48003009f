package views

import (
	"strings"
	"testing"

	"episteme/engine/trace/ask"
)

func TestNoKeyMeansTwoThings(t *testing.T) {
	bound := map[string]Action{}
	for _, k := range Keys() {
		if k.Sentence == "" || k.Binding.Help().Key == "" || k.Binding.Help().Desc == "" {
			t.Errorf("%s is not explained", k.Action)
		}
		for _, name := range k.Binding.Keys() {
			if other, taken := bound[name]; taken {
				t.Errorf("%s is bound to %s and to %s", name, other, k.Action)
			}
			bound[name] = k.Action
			if strings.HasPrefix(name, "alt+") || name == "ctrl+s" || name == "ctrl+q" || name == "ctrl+a" || name == "ctrl+b" || len(name) == 2 && name[0] == 'f' {
				t.Errorf("%s belongs to terminals and multiplexers", name)
			}
		}
	}
}

func TestDropDeadKeys(t *testing.T) {
	tests := []struct{ in, want string }{
		{"see who is still told it (i).", "see who is still told it."},
		{"All of it comes from one document (p).", "All of it comes from one document (p)."},
		{"See how it was weighed (Enter).", "See how it was weighed (Enter)."},
		{"one (i) and two (x)", "one and two"},
		{"(i)", ""},
		{"(", "("},
	}
	for _, tt := range tests {
		if got := DropDeadKeys(tt.in); got != tt.want {
			t.Errorf("DropDeadKeys(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
	for _, c := range ask.Codes() {
		if s := DropDeadKeys(c.Sentence()); deadKey(s) >= 0 || s == "" {
			t.Errorf("the sentence of %s sends the reader to a key that does nothing: %q", c, s)
		}
	}
}
