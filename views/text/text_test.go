package text

import (
	"strings"
	"testing"

	"episteme/engine/record"
)

func TestCut(t *testing.T) {
	tests := []struct {
		name  string // says the rule
		line  Line
		cells int
		want  string
	}{
		{"what fits stays", Of(Text(Plain, "abc")), 3, "abc"},
		{"what does not fit ends with an ellipsis", Of(Text(Plain, "abcd")), 3, "ab…"},
		{"across spans", Of(Text(Plain, "ab"), Text(Bad, "cd")), 3, "ab…"},
		{"the ellipsis takes the place of a wide character", Of(Text(Plain, "a界b")), 3, "a…"},
		{"a character keeps its combining marks", Of(Text(Plain, "e\u0301e\u0301e\u0301")), 2, "e\u0301…"},
		{"blanks that stick out are no loss", Of(Text(Plain, "ab"), Space(5)), 3, "ab"},
		{"no room", Of(Text(Plain, "ab")), 0, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.line.Cut(tt.cells).String(); got != tt.want {
				t.Errorf("Cut(%d) = %q, want %q", tt.cells, got, tt.want)
			}
		})
	}
}

func TestEnds(t *testing.T) {
	tests := []struct {
		name        string
		left, right string
		cells       int
		want        string
	}{
		{"both at their ends", "left", "right", 14, "left     right"},
		{"the left one is cut first", "a long left side", "end", 12, "a long … end"},
		{"a right one of more than half goes", "a long left side", "right side", 12, "a long left…"},
		{"without a right one", "left", "", 6, "left"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := Ends(Of(Text(Plain, tt.left)), Of(Text(Plain, tt.right)), tt.cells)
			if got := l.String(); got != tt.want || l.Width() != tt.cells {
				t.Errorf("Ends = %q of %d cells, want %q of %d", got, l.Width(), tt.want, tt.cells)
			}
		})
	}
}

func TestBar(t *testing.T) {
	for weight, want := range map[float32]string{0: "─────", .01: "━────", .5: "━━━──", .99: "━━━━─", 1: "━━━━━", -1: "─────", 2: "━━━━━"} {
		if got := Bar(weight, 5).String(); got != want {
			t.Errorf("Bar(%v) = %s, want %s", weight, got, want)
		}
	}
	if got := Sparks(Dim, []uint64{0, 1, 50, 100}).String(); got != " ▁▄▇" {
		t.Errorf("Sparks = %q", got)
	}
}

func TestRow(t *testing.T) {
	got := Row(1, Col{Cells: 4, Line: Of(Text(Plain, "ab"))}, Col{Cells: 0, Line: Of(Text(Plain, "gone"))}, Col{Cells: 3, Line: Of(Text(Plain, "7")), Right: true})
	if got.String() != "ab     7" {
		t.Errorf("Row = %q", got.String())
	}
}

// Whatever the text: a line that was cut, fitted or wrapped is as wide as it was asked to be, and clean.
func FuzzLine(f *testing.F) {
	for _, s := range []string{"", "plain", "\x1b[31mred", "界界界", "e\u0301\u0301x", "👩‍👩‍👧‍👦 a", "🇩🇪🇩🇪", "\xff\xfe\t\r\n", "a\u202eb", strings.Repeat("界", 3000), "1️⃣⃣"} {
		f.Add(s, "tail", 7)
	}
	f.Fuzz(func(t *testing.T, a, b string, cells int) {
		cells = ((cells % 40) + 40) % 40
		line := Of(Text(Plain, a), Text(Bad, b))
		if got := line.Cut(cells); got.Width() > cells {
			t.Errorf("Cut(%d) of %q is %d wide: %q", cells, a+b, got.Width(), got.String())
		}
		if got := line.Fit(cells); got.Width() != cells {
			t.Errorf("Fit(%d) of %q is %d wide", cells, a+b, got.Width())
		}
		if got := Ends(line, Of(Text(Plain, b)), cells+1); got.Width() != cells+1 {
			t.Errorf("Ends of %q, %q in %d is %d wide", a, b, cells+1, got.Width())
		}
		wrapped := Wrap(Plain, a+b, cells, 5)
		if len(wrapped) > 5 {
			t.Errorf("Wrap gave %d lines, want at most 5", len(wrapped))
		}
		for _, l := range append(wrapped, line) {
			if l.Width() > cells && len(wrapped) > 0 && l[0] != line[0] {
				t.Errorf("a wrapped line is %d wide, want %d: %q", l.Width(), cells, l.String())
			}
			for _, r := range l.String() {
				if record.Unsafe(r) {
					t.Errorf("%U is left in %q", r, l.String())
				}
			}
		}
	})
}

func BenchmarkText64KiB(b *testing.B) {
	s := strings.Repeat("界\u0301x", record.MaxObjectBytes/6)
	b.SetBytes(int64(len(s)))
	b.ReportAllocs()
	for b.Loop() {
		Of(Text(Plain, s)).Cut(80)
	}
}
