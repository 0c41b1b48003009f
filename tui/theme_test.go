package tui

import (
	"strings"
	"testing"

	"episteme/views/text"
)

// The bytes of a line: one sequence for each change of tone, none for blanks, none left on at the end.
func TestPaintedLine(t *testing.T) {
	th := &theme{}
	th.codes[text.Strong], th.codes[text.Dim], th.codes[text.Reverse] = "1", "38;5;8", "1;7"
	th.codes[text.Key], th.codes[text.Title] = "38;5;9", "1;38;5;9"
	tests := []struct {
		name string // says the rule
		line text.Line
		want string
	}{
		{"plain text is itself", text.Of(text.Text(text.Plain, "a")), "a"},
		{"a tone is switched off at the end", text.Of(text.Text(text.Strong, "a")), "\x1b[1ma\x1b[m"},
		{"neighbours of one tone share a sequence", text.Of(text.Text(text.Dim, "a"), text.Text(text.Dim, "b")), "\x1b[38;5;8mab\x1b[m"},
		{"from tone to tone is one sequence", text.Of(text.Text(text.Strong, "a"), text.Text(text.Dim, "b")), "\x1b[1ma\x1b[0;38;5;8mb\x1b[m"},
		{"a colour replaces a colour", text.Of(text.Text(text.Key, "a"), text.Text(text.Dim, "b"), text.Text(text.Title, "c")), "\x1b[38;5;9ma\x1b[38;5;8mb\x1b[1;38;5;9mc\x1b[m"},
		{"bold alone takes a colour back", text.Of(text.Text(text.Dim, "a"), text.Text(text.Strong, "b")), "\x1b[38;5;8ma\x1b[0;1mb\x1b[m"},
		{"reverse takes a colour back", text.Of(text.Text(text.Dim, "a"), text.Text(text.Reverse, "b")), "\x1b[38;5;8ma\x1b[0;1;7mb\x1b[m"},
		{"a colour takes bold back", text.Of(text.Text(text.Title, "a"), text.Text(text.Key, "b")), "\x1b[1;38;5;9ma\x1b[0;38;5;9mb\x1b[m"},
		{"blanks between change nothing", text.Of(text.Text(text.Dim, "a"), text.Space(2), text.Text(text.Dim, "b")), "\x1b[38;5;8ma  b\x1b[m"},
		{"blanks beside reverse are plain", text.Of(text.Text(text.Strong, "a"), text.Space(1), text.Text(text.Reverse, " x "), text.Space(1), text.Text(text.Dim, "b")),
			"\x1b[1ma\x1b[m \x1b[1;7m x \x1b[m \x1b[38;5;8mb\x1b[m"},
		{"blanks at the end are not sent", text.Of(text.Text(text.Dim, "a "), text.Space(9)), "\x1b[38;5;8ma\x1b[m"},
		{"but for those in reverse", text.Of(text.Text(text.Reverse, " ")), "\x1b[1;7m \x1b[m"},
	}
	for _, tt := range tests {
		var b strings.Builder
		th.write(&b, tt.line)
		if got := b.String(); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// ASCII takes as many cells as what it stands for.
func TestToASCII(t *testing.T) {
	for in, want := range map[string]string{
		"plain": "plain", "▶ ✓ ━━─ a · b": "> + ==- a - b", "é": "?", "界": "??", "e\u0301x": "ex", "“q”…": "\"q\"~",
	} {
		if got := toASCII(in); got != want || len(got) != text.Width(in) {
			t.Errorf("toASCII(%q) = %q, want %q of %d cells", in, got, want, text.Width(in))
		}
	}
}
