package record

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestClean(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"plain text is itself", "auth/jwt = ES256 (0.87)", "auth/jwt = ES256 (0.87)"},
		{"empty", "", ""},
		{"letters of any script are themselves", "größer 日本語 العربية ру́сский 👍", "größer 日本語 العربية ру́сский 👍"},
		{"a colour sequence", "\x1b[31mred\x1b[0m", `\u001b[31mred\u001b[0m`},
		{"a window title", "\x1b]0;gone\a", `\u001b]0;gone\u0007`},
		{"C1 begins sequences too", "\u009b31m", `\u009b31m`},
		{"DEL and NUL", "a\x7fb\x00c", `a\u007fb\u0000c`},
		{"a backspace", "ok\b\bno", `ok\u0008\u0008no`},
		{"a newline", "two\nlines", "two⏎lines"},
		{"CR LF is one newline", "two\r\nlines", "two⏎lines"},
		{"CR alone goes back over the line", "shown\rhidden", `shown\u000dhidden`},
		{"CR at the end", "x\r", `x\u000d`},
		{"two CR and LF", "x\r\r\ny", `x\u000d⏎y`},
		{"a tab", "a\tb", "a b"},
		{"an override reverses what follows", "x\u202egnp.exe", `x\u202egnp.exe`},
		{"isolates", "\u2066a\u2069", `\u2066a\u2069`},
		{"direction marks", "a\u200eb\u200fc\u061cd", `a\u200eb\u200fc\u061cd`},
		{"a zero-width space splits a word unseen", "ad\u200bmin", `ad\u200bmin`},
		{"a joiner", "👩\u200d🚒", `👩\u200d🚒`},
		{"a byte order mark", "\ufeffx", `\ufeffx`},
		{"a soft hyphen", "ad\u00admin", `ad\u00admin`},
		{"a selector behind a symbol is dropped", "⚠\ufe0f disk full", "⚠ disk full"},
		{"a selector behind a letter makes another text", "jwt\ufe0f", `jwt\ufe0f`},
		{"a second selector behind a symbol", "⚠\ufe0f\ufe0f", `⚠\ufe0f`},
		{"a selector at the start", "\ufe0fx", `\ufe0fx`},
		{"line and paragraph separators", "a\u2028b\u2029c", `a\u2028b\u2029c`},
		{"tags spell a text that nobody sees", "x\U000e0041", `x\U000e0041`},
		{"Hangul fillers are blanks that are letters", "\u3164\u115f\uffa0", `\u3164\u115f\uffa0`},
		{"bytes that are not UTF-8", "a\xff\xfeb", "a\ufffd\ufffdb"},
		{"a cut character", "a\xe2\x82", "a\ufffd\ufffd"},
		{"a surrogate in UTF-8", "\xed\xa0\x80", "\ufffd\ufffd\ufffd"},
		{"the replacement character itself", "a\ufffdb", "a\ufffdb"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Clean(tt.in); got != tt.want {
				t.Errorf("Clean(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

// TestUnsafeCoversUnicode: whatever Unicode calls a control, a direction control, a default-ignorable variation
// selector or a join control is unsafe, and no letter, digit, mark or symbol that shows something is.
func TestUnsafeCoversUnicode(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		must := unicode.In(r, unicode.Cc, unicode.Bidi_Control, unicode.Variation_Selector, unicode.Join_Control,
			unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point)
		if must && !Unsafe(r) {
			t.Errorf("U+%04X is safe", r)
		}
		blank := unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
		if !blank && Unsafe(r) && unicode.In(r, unicode.L, unicode.N, unicode.M, unicode.P, unicode.S) && !inMongolianSelectors(r) {
			t.Errorf("U+%04X shows something and is unsafe", r)
		}
	}
}

func inMongolianSelectors(r rune) bool { return 0x180b <= r && r <= 0x180f }

func TestCleanCopiesNothing(t *testing.T) {
	s := strings.Repeat("größer ", 20)
	if n := testing.AllocsPerRun(100, func() { Clean(s) }); n != 0 {
		t.Errorf("Clean of text that is clean allocates %g times", n)
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{"plain", "\x1b[31m", "a\r\nb", "⚠\ufe0f\ufe0f", "\xff\u202e", "\U000e0041"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Clean(s)
		for _, r := range got {
			if Unsafe(r) {
				t.Fatalf("Clean(%q) = %q, which holds U+%04X", s, got, r)
			}
		}
		if !utf8.ValidString(got) {
			t.Fatalf("Clean(%q) = %q, which is not UTF-8", s, got)
		}
		if again := Clean(got); again != got {
			t.Fatalf("Clean(Clean(%q)) = %q, want %q", s, again, got)
		}
	})
}

func TestAppendText(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"plain", "auth/jwt", `"auth/jwt"`},
		{"empty", "", `""`},
		{"no HTML escapes", "<a href='x'>&", `"<a href='x'>&"`},
		{"quotes and backslashes", `say "\"`, `"say \"\\\""`},
		{"control characters have one form", "\x00\b\t\n\f\r\x1b\x7f", `"\u0000\u0008\u0009\u000a\u000c\u000d\u001b\u007f"`},
		{"C1", "\u0085\u009b", `"\u0085\u009b"`},
		{"direction controls", "\u202ex\u2066\u200f\u061c", `"\u202ex\u2066\u200f\u061c"`},
		{"line separators", "\u2028\u2029", `"\u2028\u2029"`},
		{"joiners and emoji stay", "👩\u200d🚒⚠\ufe0f", "\"👩\u200d🚒⚠\ufe0f\""},
		{"letters stay", "größer 日本", `"größer 日本"`},
		{"bytes that are not UTF-8", "a\xffb", "\"a\ufffdb\""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(AppendText([]byte("x"), tt.in)); got != "x"+tt.want {
				t.Errorf("AppendText(%q) = %s, want %s", tt.in, got, tt.want)
			}
		})
	}
}

// FuzzAppendText: the standard library reads back what we write, and what we write moves no cursor.
func FuzzAppendText(f *testing.F) {
	for _, s := range []string{"plain", "\x00\x7f\u009b\u202e", `"\`, "\xff", "\U0001f600"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		out := AppendText(nil, s)
		for _, r := range string(out) {
			if isControl(r) || isBidi(r) || isBreak(r) {
				t.Fatalf("AppendText(%q) = %q, which holds U+%04X", s, out, r)
			}
		}
		var back string
		if err := json.Unmarshal(out, &back); err != nil {
			t.Fatalf("AppendText(%q) = %s: %v", s, out, err)
		}
		want := s
		if !utf8.ValidString(s) {
			want = string([]rune(s))
		}
		if back != want {
			t.Fatalf("AppendText(%q) reads back as %q", s, back)
		}
	})
}
