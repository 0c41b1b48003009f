// Package text is what views draw with: lines of spans, measured in terminal cells.
//
// Promises: whatever text went in, a Line holds nothing that could move a cursor, change a colour or reorder its
// neighbours, because Text, the only way to make a Span, cleans what it is given. Cutting and padding count cells,
// not bytes or runes, and never split a character from its combining marks.
//
// A span has a tone, which says what the text means and not how it looks: the colours, and whether there are any,
// are the terminal side's business. So views need no theme, and a line can be written as plain text.
package text

import (
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"episteme/engine/record"
)

// Tone says what a span means.
type Tone uint8

const (
	Plain   Tone = iota
	Strong       // what the eye should find first
	Dim          // may be passed over
	OK           // ✓
	Warn         // ! ≠ ?
	Bad          // ✗
	Key          // something to press, or a place to go
	Title        // the program's and a section's name
	Reverse      // what must not be overlooked: TRAINING, a message
	Tones        // how many there are
)

// Span is a piece of a line in one tone. Its text is clean.
type Span struct {
	text string
	tone Tone
}

// clipBytes bounds what one span takes in. No line shows more: 200 cells of the widest UTF-8 with a combining mark
// each are 1,400 bytes. An object of 64 KiB must not be measured on each frame.
const clipBytes = 2048

// Text makes a span. It cleans s, and clips what no line could show.
func Text(tone Tone, s string) Span {
	if len(s) > clipBytes {
		cut := clipBytes
		for cut > clipBytes-utf8.UTFMax && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "…"
	}
	return Span{record.Clean(s), tone}
}

// Space is n cells of nothing.
func Space(n int) Span {
	const blanks = "                                                                                "
	if n <= 0 {
		return Span{}
	}
	if n <= len(blanks) {
		return Span{text: blanks[:n]}
	}
	return Span{text: strings.Repeat(" ", n)}
}

// Repeat is s, n times: for rules and bars.
func Repeat(tone Tone, s string, n int) Span {
	if n <= 0 {
		return Span{}
	}
	return Span{strings.Repeat(record.Clean(s), n), tone}
}

// Tone is what the span means.
func (s Span) Tone() Tone { return s.tone }

// String is the span's text, clean.
func (s Span) String() string { return s.text }

// Width is the span's width in cells.
func (s Span) Width() int { return Width(s.text) }

// In is the same text in another tone.
func (s Span) In(tone Tone) Span { return Span{s.text, tone} }

// Width is the width of s in cells. All widths are measured here.
func Width(s string) int {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf || s[i] < ' ' {
			return ansi.StringWidth(s)
		}
	}
	return len(s)
}

// Line is a line of spans from left to right.
type Line []Span

// Of makes a line.
func Of(spans ...Span) Line { return Line(spans) }

// Width is the line's width in cells.
func (l Line) Width() int {
	w := 0
	for _, s := range l {
		w += s.Width()
	}
	return w
}

// String is the line without its tones and without blanks at its end.
func (l Line) String() string {
	var b strings.Builder
	for _, s := range l {
		b.WriteString(s.text)
	}
	return strings.TrimRight(b.String(), " ")
}

// In is the line with every span in one tone.
func (l Line) In(tone Tone) Line {
	out := make(Line, len(l))
	for i, s := range l {
		out[i] = s.In(tone)
	}
	return out
}

// Cut is the line in at most w cells; what did not fit is marked with an ellipsis.
func (l Line) Cut(w int) Line {
	if w <= 0 {
		return nil
	}
	used := 0
	for i, s := range l {
		n := s.Width()
		if used+n <= w {
			used += n
			continue
		}
		if strings.TrimSpace(l[i:].String()) == "" { // only blanks stick out
			return append(append(Line{}, l[:i]...), Space(w-used))
		}
		return append(append(Line{}, l[:i]...), cutSpan(s, w-used)).mark(w)
	}
	return l
}

// cutSpan is s in at most w cells.
func cutSpan(s Span, w int) Span {
	return Span{ansi.Truncate(s.text, w, ""), s.tone}
}

// mark puts an ellipsis at the end of a line that was cut to w cells, in place of its last cell if need be.
func (l Line) mark(w int) Line {
	last := len(l) - 1
	for last > 0 && l[last].text == "" {
		last--
	}
	rest := w
	for _, s := range l[:last] {
		rest -= s.Width()
	}
	l[last].text = ansi.Truncate(l[last].text, rest-1, "")
	if rest <= 0 { // the spans before fill the line: its last cell is theirs
		return append(l[:last].Cut(w-1), Span{"…", l[last].tone})
	}
	return append(l[:last+1], Span{"…", l[last].tone})
}

// Fit is the line in exactly w cells: cut, or padded at its right.
func (l Line) Fit(w int) Line {
	l = l.Cut(w)
	if gap := w - l.Width(); gap > 0 {
		return append(l[:len(l):len(l)], Space(gap))
	}
	return l
}

// Ends is a line of exactly w cells with left at its left end and right at its right one. When both do not fit, left
// is cut, and right goes when less than half the line would be left.
func Ends(left, right Line, w int) Line {
	n := right.Width()
	if n == 0 || n+2 > w/2 && left.Width()+n+2 > w {
		return left.Fit(w)
	}
	out := left.Fit(w - n - 1)
	return append(append(out, Space(1)), right...)
}

// Col is a column's width and what stands in it.
type Col struct {
	Cells int
	Line  Line
	Right bool // flush right
}

// Row puts columns side by side, gap cells between them. Columns of no width are left out with their gap.
func Row(gap int, cols ...Col) Line {
	var out Line
	for _, c := range cols {
		if c.Cells <= 0 {
			continue
		}
		if len(out) > 0 {
			out = append(out, Space(gap))
		}
		cell := c.Line.Cut(c.Cells)
		blank := Space(c.Cells - cell.Width())
		if c.Right {
			out = append(append(out, blank), cell...)
		} else {
			out = append(append(out, cell...), blank)
		}
	}
	return out
}

// Block makes exactly rows lines of at most cols cells of what is given: cut at the bottom, or filled with blanks.
func Block(lines []Line, cols, rows int) []Line {
	out := make([]Line, max(rows, 0))
	for i := range out {
		if i < len(lines) {
			out[i] = lines[i].Cut(cols)
		}
	}
	return out
}

// Wrap breaks text into lines of at most w cells, at blanks where it can, at most rows lines; the last line ends with
// an ellipsis when there was more. Newlines in s start a new line.
func Wrap(tone Tone, s string, w, rows int) []Line {
	if w <= 0 || rows <= 0 {
		return nil
	}
	if limit := (rows + 1) * (w + 1) * utf8.UTFMax * 2; len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "")
	}
	var out []Line
	for paragraph := range strings.SplitSeq(s, "\n") {
		wrapped := ansi.Wrap(record.Clean(strings.TrimSuffix(paragraph, "\r")), w, " ")
		for piece := range strings.SplitSeq(wrapped, "\n") {
			if len(out) == rows {
				last := append(out[rows-1], Span{" …", tone})
				out[rows-1] = last.Cut(w)
				return out
			}
			out = append(out, Line{Span{piece, tone}}.Cut(w))
		}
	}
	return out
}
