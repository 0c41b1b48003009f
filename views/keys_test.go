package views

import (
	"regexp"
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

// deadKey finds keys in parentheses that come as they are and do nothing.
var deadKey = func() *regexp.Regexp {
	var bound strings.Builder
	for _, k := range Keys() {
		for _, name := range k.Binding.Keys() {
			if len(name) == 1 {
				bound.WriteString(regexp.QuoteMeta(name))
			}
		}
	}
	return regexp.MustCompile(`\([^` + strings.ReplaceAll(bound.String(), "^", "") + `]\)`)
}()

// Sentences name the keys as they are bound now.
func TestSentenceOfARemappedKey(t *testing.T) {
	m, err := Keys().With(map[string][]string{"provenance": {"o", "P"}})
	if err != nil {
		t.Fatal(err)
	}
	for in, want := range map[string]string{"from one document (p).": "from one document (o).", "(p)(p)": "(o)(o)", "dead (%) and (p)": "dead and (o)", "(Enter)": "(Enter)"} {
		if got := m.Sentence(in); got != want {
			t.Errorf("Sentence(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestNearest(t *testing.T) {
	names := []string{"theme", "zone", "trace", "t0", "as-of", "quit"}
	for word, want := range map[string]string{"theem": "theme", "tarce": "trace", "asof": "as-of", "t1": "t0", "xyzzy": "", "": "", "quti": "quit"} {
		if got := Nearest(word, names); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
}

func TestDropDeadKeys(t *testing.T) {
	tests := []struct{ in, want string }{
		{"see who is still told it (%).", "see who is still told it."},
		{"All of it comes from one document (p).", "All of it comes from one document (p)."},
		{"See how it was weighed (Enter).", "See how it was weighed (Enter)."},
		{"one (%) and two (&)", "one and two"},
		{"(%)", ""},
		{"(", "("},
	}
	for _, tt := range tests {
		if got := DropDeadKeys(tt.in); got != tt.want {
			t.Errorf("DropDeadKeys(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
	for _, c := range ask.Codes() {
		if s := DropDeadKeys(c.Sentence()); deadKey.MatchString(s) || s == "" {
			t.Errorf("the sentence of %s sends the reader to a key that does nothing: %q", c, s)
		}
	}
}
