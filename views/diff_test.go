package views

import (
	"testing"

	"github.com/bmatcuk/doublestar/v4"
)

// The answers before a query are looked for by a pattern that must mean its subject and nothing else.
func TestExactGlobMatchesItselfAlone(t *testing.T) {
	for _, s := range []string{"auth/jwt", "a*", "a?b", "[x]", "{a,b}", `back\slash`, "**", "", `a\*`} {
		glob := ExactGlob(s)
		if ok, err := doublestar.Match(glob, s); !ok || err != nil {
			t.Errorf("%q does not match itself as %q: %v", s, glob, err)
		}
		for _, other := range []string{"auth/jwt2", "ab", "axb", "x", "a", "b", "backslash", "any/thing"} {
			if ok, _ := doublestar.Match(glob, other); ok {
				t.Errorf("%q as %q matches %q", s, glob, other)
			}
		}
	}
}
