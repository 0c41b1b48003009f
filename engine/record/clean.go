package record

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean makes text that came from data safe to show on one line of a terminal: it can't move the cursor, change
// colours, reorder its neighbours, or hide characters in itself.
//
//	newline, CR LF                 ⏎
//	tab                            a space
//	U+FE0E, U+FE0F behind a symbol nothing: they choose how the symbol is drawn, and terminals disagree on its width
//	other unsafe characters        a visible escape: \u001b, \u202e, \U000e0001
//	invalid UTF-8                  U+FFFD, one for each byte
//
// Escapes are for the eye and can't be turned back (a text may hold a backslash of its own); the JSON form is
// exact. Text without any of this is returned as it is, without a copy. Clean(Clean(s)) is Clean(s).
func Clean(s string) string {
	at := firstUnsafe(s)
	if at == len(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	b.WriteString(s[:at])
	before, _ := utf8.DecodeLastRuneInString(s[:at])
	for at < len(s) {
		r, size := utf8.DecodeRuneInString(s[at:])
		at += size
		switch {
		case r == '\r' && at < len(s) && s[at] == '\n':
			// The newline behind it speaks for both.
		case r == '\n':
			b.WriteRune('⏎')
		case r == '\t':
			b.WriteByte(' ')
		case isPresentation(r) && isSymbol(before):
		case Unsafe(r):
			writeEscape(&b, r)
		default:
			b.WriteRune(r) // U+FFFD for a byte that is not UTF-8
		}
		before = r
	}
	return b.String()
}

// firstUnsafe is the index of the first character that Clean changes, len(s) when there is none.
func firstUnsafe(s string) int {
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			if c < ' ' || c == del {
				return i
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 || Unsafe(r) {
			return i
		}
		i += size
	}
	return len(s)
}

// Unsafe reports whether r must not reach a terminal as it is: control characters (C0, DEL, C1), the characters
// that change the direction of text, and those that take no room, so that two texts that differ would look alike.
func Unsafe(r rune) bool {
	if r < 0x300 {
		return isControl(r) || r == 0xad // soft hyphen
	}
	return isBidi(r) || isInvisible(r)
}

const del = 0x7f

func isControl(r rune) bool { return r < ' ' || del <= r && r <= 0x9f }

// isBidi reports the marks, embeddings, overrides and isolates of Unicode's bidirectional algorithm.
func isBidi(r rune) bool {
	switch {
	case r == 0x61c, r == 0x200e, r == 0x200f:
		return true
	case 0x202a <= r && r <= 0x202e, 0x2066 <= r && r <= 0x2069:
		return true
	}
	return false
}

// isBreak reports the line and paragraph separators: line ends to some programs and not to others.
func isBreak(r rune) bool { return r == 0x2028 || r == 0x2029 }

// isPresentation reports the two selectors that ask for a symbol as text or as a picture.
func isPresentation(r rune) bool { return r == 0xfe0e || r == 0xfe0f }

// isSymbol reports what a presentation selector can speak of. U+FFFD is one by its class, but stands for no symbol.
func isSymbol(r rune) bool { return r != utf8.RuneError && unicode.Is(unicode.So, r) }

// isInvisible reports characters from U+0300 on that show nothing: joiners, zero-width spaces, fillers, selectors,
// tags, and the separators that are line ends to some.
func isInvisible(r rune) bool {
	switch {
	case r == 0x34f, // combining grapheme joiner
		r == 0x115f, r == 0x1160, r == 0x3164, r == 0xffa0, // Hangul fillers
		r == 0x17b4, r == 0x17b5, // Khmer inherent vowels
		0x180b <= r && r <= 0x180f, // Mongolian selectors
		0x200b <= r && r <= 0x200d, // zero-width space, non-joiner, joiner
		0x2028 <= r && r <= 0x2029, // line and paragraph separator
		0x2060 <= r && r <= 0x206f, // word joiner, invisible operators, deprecated format characters
		0xfe00 <= r && r <= 0xfe0f, // variation selectors
		r == 0xfeff,                // zero-width no-break space
		0xfff0 <= r && r <= 0xfffb, // unassigned ignorables, interlinear annotation
		0x1bca0 <= r && r <= 0x1bca3,
		0x1d173 <= r && r <= 0x1d17a,
		0xe0000 <= r && r <= 0xe0fff: // tags, variation selectors supplement
		return true
	}
	return false
}

const hexDigits = "0123456789abcdef"

// writeEscape writes \u and 4 hex digits, or \U and 8.
func writeEscape(b *strings.Builder, r rune) {
	letter, digits := byte('u'), 4
	if r > 0xffff {
		letter, digits = 'U', 8
	}
	b.WriteByte('\\')
	b.WriteByte(letter)
	for i := digits - 1; i >= 0; i-- {
		b.WriteByte(hexDigits[r>>(4*i)&15])
	}
}
