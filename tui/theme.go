package tui

import (
	"io"
	"strings"

	"github.com/charmbracelet/lipgloss"

	"episteme/views/text"
)

// theme turns lines into what a terminal reads: it gives each tone its look. One per session.
type theme struct {
	codes [text.Tones]string // SGR parameters: 1;38;2;53;208;165
	ascii bool
}

// shade is a tone's colour by what the terminal has. The 16 colours of a terminal are its owner's choice; empty
// leaves the text in the terminal's own.
type shade struct{ trueColor, of256, of16 string }

// The colours have a contrast of at least 5.9:1 on white and on #0d1117.
var (
	lightShades = shades{
		ok: shade{"#006C4F", "23", "2"}, warn: shade{"#8A5A00", "94", ""}, bad: shade{"#A33D00", "130", "1"},
		key: shade{"#005A91", "24", "4"}, dim: shade{"#5A5F66", "241", ""},
	}
	darkShades = shades{
		ok: shade{"#35D0A5", "79", "10"}, warn: shade{"#F0B429", "214", "11"}, bad: shade{"#FF8A4C", "209", "9"},
		key: shade{"#6CC4FF", "81", "14"}, dim: shade{"#9AA3AD", "247", "7"},
	}
)

// The colours of high contrast have at least 10:1 on white and on #0d1117.
var (
	lightContrast = shades{
		ok: shade{"#003D2C", "22", "2"}, warn: shade{"#4A3000", "52", ""}, bad: shade{"#6E1F00", "88", "1"},
		key: shade{"#00355C", "17", "4"}, dim: shade{"#33383E", "236", ""},
	}
	darkContrast = shades{
		ok: shade{"#7CFFD6", "122", "10"}, warn: shade{"#FFDC73", "222", "11"}, bad: shade{"#FFB694", "216", "9"},
		key: shade{"#AEE0FF", "153", "14"}, dim: shade{"#D3D9E0", "253", "15"},
	}
)

// Themes are the names of the themes, as they are told.
func Themes() []string { return []string{"auto", "dark", "light", "contrast", "terminal"} }

// palette is the shades of a theme, and whether they are only those of the terminal's owner.
type palette struct {
	shades  shades
	sixteen bool
}

// paletteOf is the palette of a theme, on a background as the terminal says in COLORFGBG.
func paletteOf(name, colorFGBG string) palette {
	dark := isDark(name, colorFGBG)
	p := palette{shades: lightShades, sixteen: name == "terminal"}
	switch {
	case name == "contrast" && dark:
		p.shades = darkContrast
	case name == "contrast":
		p.shades = lightContrast
	case dark:
		p.shades = darkShades
	}
	return p
}

type shades struct{ ok, warn, bad, key, dim shade }

// Attributes are shapes: they remain where there are no colours.
const (
	bold    = "1"
	reverse = "1;7"
)

// newTheme makes the theme for what is written to out, in as many colours as it has.
func newTheme(out io.Writer, p palette, noColor, ascii bool) *theme {
	r := rendererOf(out)
	s := p.shades
	if noColor {
		s = shades{}
	}
	t := &theme{ascii: ascii}
	for tone, look := range map[text.Tone]struct {
		attributes string
		shade      shade
	}{
		text.Strong:  {bold, shade{}},
		text.Dim:     {"", s.dim},
		text.OK:      {"", s.ok},
		text.Warn:    {"", s.warn},
		text.Bad:     {"", s.bad},
		text.Key:     {"", s.key},
		text.Title:   {bold, s.key},
		text.Reverse: {reverse, shade{}},
	} {
		t.codes[tone] = strings.Trim(look.attributes+";"+look.shade.code(r, p.sixteen), ";")
	}
	return t
}

// code are the SGR parameters of the colour; empty where r writes no colours, as under NO_COLOR. sixteen takes the
// colour of the terminal's own sixteen, whatever else it has.
func (s shade) code(r *lipgloss.Renderer, sixteen bool) string {
	if sixteen {
		s = shade{s.of16, s.of16, s.of16}
	}
	color := lipgloss.CompleteColor{TrueColor: s.trueColor, ANSI256: s.of256, ANSI: s.of16}
	on, _, _ := strings.Cut(r.NewStyle().Foreground(color).Render("x"), "x")
	return strings.TrimSuffix(strings.TrimPrefix(on, "\x1b["), "m")
}

// write appends a line to b, in as few bytes as it takes: a change of tone is one sequence, and blanks take whatever
// tone they stand in.
func (t *theme) write(b *strings.Builder, l text.Line) {
	now := "" // the codes in effect
	last := len(l) - 1
	for last >= 0 && l[last].Tone() != text.Reverse && strings.TrimLeft(l[last].String(), " ") == "" {
		last-- // the renderer erases to the end of the line
	}
	for i, s := range l[:last+1] {
		str := s.String()
		if i == last && s.Tone() != text.Reverse {
			str = strings.TrimRight(str, " ")
		}
		if str == "" {
			continue
		}
		if t.ascii {
			str = toASCII(str)
		}
		want := t.codes[s.Tone()]
		// Blanks keep the tone they stand in, but not beside reverse: there a leftover colour would be a background.
		beside := now == t.codes[text.Reverse] || i < last && l[i+1].Tone() == text.Reverse
		if !beside && s.Tone() != text.Reverse && strings.TrimLeft(str, " ") == "" {
			want = now
		}
		switch {
		case want == now:
		case want == "":
			b.WriteString("\x1b[m")
		case now == "" || !strings.HasPrefix(now, bold) && want != bold && want != reverse: // a colour replaces a colour
			b.WriteString("\x1b[" + want + "m")
		default:
			b.WriteString("\x1b[0;" + want + "m")
		}
		now = want
		b.WriteString(str)
	}
	if now != "" {
		b.WriteString("\x1b[m")
	}
}

// asciiOf are the signs of the screens in ASCII, a cell each.
var asciiOf = strings.NewReplacer(
	"▶", ">", "▲", "^", "━", "=", "─", "-", "│", "|", "├", "+", "└", "+", "✓", "+", "✗", "x", "≠", "#", "−", "-",
	"·", "-", "›", ">", "→", ">", "↵", "<", "↑", "^", "↓", "v", "←", "<", "…", "~", "⋮", ":", "⋯", "~", "–", "-",
	"■", "#", "×", "x", "“", "\"", "”", "\"", "⏎", "$", "≤", "<", "—", "-",
	"▁", "_", "▂", ".", "▃", ":", "▄", "-", "▅", "=", "▆", "+", "▇", "*", "█", "#",
)

// toASCII is s in ASCII and in the same number of cells. What has no like there becomes a question mark for each
// cell.
func toASCII(s string) string {
	s = asciiOf.Replace(s)
	if isASCII(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range s {
		if r < 0x80 {
			b.WriteRune(r)
			continue
		}
		// Rune by rune is right up to clusters of several wide runes, which can only become wider than they were
		// drawn; pad below evens out.
		b.WriteString(strings.Repeat("?", text.Width(string(r))))
	}
	return fitASCII(b.String(), text.Width(s))
}

// fitASCII makes s exactly cells long.
func fitASCII(s string, cells int) string {
	if len(s) > cells {
		return s[:cells]
	}
	return s + strings.Repeat("?", cells-len(s))
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// isDark guesses the background: by the flag, else by what the terminal says in COLORFGBG (15;0), else dark. Asking
// the terminal would make everybody wait for those that do not answer.
func isDark(flag, colorFGBG string) bool {
	switch flag {
	case "light":
		return false
	case "dark":
		return true
	}
	fields := strings.Split(colorFGBG, ";")
	switch fields[len(fields)-1] {
	case "7", "9", "10", "11", "12", "13", "14", "15":
		return false
	}
	return true
}
