package export

import "testing"

// A command that somebody copies is one word where one was meant, whatever a subject is called.
func TestQuoteShell(t *testing.T) {
	for in, want := range map[string]string{
		"auth/jwt": "auth/jwt", "": "''", "-rf": "'-rf'", "a b": "'a b'", "it's": `'it'\''s'`, "$(x)": "'$(x)'", "`x`": "'`x`'", "a;b": "'a;b'", "*": "'*'",
	} {
		if got := quoteShell(in); got != want {
			t.Errorf("quoteShell(%q) = %s, want %s", in, got, want)
		}
	}
}

func TestMarkdownCode(t *testing.T) {
	for in, want := range map[string]string{"x": "`x`", "a`b": "`` a`b ``", "``": "``` `` ```"} {
		if got := mdCode(in); got != want {
			t.Errorf("mdCode(%q) = %s, want %s", in, got, want)
		}
	}
}
