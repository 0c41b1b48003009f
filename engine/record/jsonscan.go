package record

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner checks the syntax of one line of JSON, which is valid UTF-8. Its functions take the offset of a value's
// first byte and return the offset behind its last; a fault says at which byte the line stops being JSON.
type scanner struct{ line []byte }

// depthMax bounds the nesting of what is skipped. The deepest line of ours has 4 levels (a query's findings);
// rounded up.
const depthMax = 16

func (s scanner) space(i int) int {
	for i < len(s.line) && isSpace(s.line[i]) {
		i++
	}
	return i
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// peek is the byte at i, 0 at the end. A zero byte in the line is no start of anything either.
func (s scanner) peek(i int) byte {
	if i < len(s.line) {
		return s.line[i]
	}
	return 0
}

func (s scanner) unexpected(i int, expected string) *fault {
	if i >= len(s.line) {
		return &fault{at: len(s.line), found: "the end of the line", expected: expected}
	}
	r, _ := utf8.DecodeRune(s.line[i:])
	return &fault{at: i, found: strconv.QuoteRune(r), expected: expected}
}

func (s scanner) value(i, depth int) (int, *fault) {
	switch c := s.peek(i); {
	case c == '"':
		return s.text(i)
	case c == '{' || c == '[':
		if depth == depthMax {
			return i, &fault{at: i, found: "deeper nesting", expected: "at most " + strconv.Itoa(depthMax) + " levels"}
		}
		if c == '{' {
			return s.object(i, depth+1)
		}
		return s.list(i, depth+1)
	case c == '-' || '0' <= c && c <= '9':
		return s.number(i)
	case c == 't':
		return s.word(i, "true")
	case c == 'f':
		return s.word(i, "false")
	case c == 'n':
		return s.word(i, "null")
	}
	return i, s.unexpected(i, "a value")
}

func (s scanner) word(i int, w string) (int, *fault) {
	for j := range len(w) {
		if s.peek(i+j) != w[j] {
			return i, s.unexpected(i+j, w)
		}
	}
	return i + len(w), nil
}

// number follows the grammar of RFC 8259: no leading zeros, no leading plus, digits on both sides of a point.
func (s scanner) number(i int) (int, *fault) {
	if s.peek(i) == '-' {
		i++
	}
	if s.peek(i) == '0' && isDigit(s.peek(i+1)) {
		return i, s.unexpected(i+1, "no digit behind a leading zero")
	}
	i, f := s.digits(i)
	if f != nil {
		return i, f
	}
	if s.peek(i) == '.' {
		if i, f = s.digits(i + 1); f != nil {
			return i, f
		}
	}
	if c := s.peek(i); c == 'e' || c == 'E' {
		i++
		if c := s.peek(i); c == '+' || c == '-' {
			i++
		}
		return s.digits(i)
	}
	return i, nil
}

func (s scanner) digits(i int) (int, *fault) {
	if !isDigit(s.peek(i)) {
		return i, s.unexpected(i, "a digit")
	}
	for isDigit(s.peek(i)) {
		i++
	}
	return i, nil
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// plain[c] says that c stands for itself within a string.
var plain = func() (t [256]bool) {
	for c := range t {
		t[c] = c >= ' ' && c != '"' && c != '\\'
	}
	return t
}()

func (s scanner) text(i int) (int, *fault) {
	line := s.line
	for i++; i < len(line); {
		c := line[i]
		switch {
		case plain[c]:
			i++
		case c == '"':
			return i + 1, nil
		case c == '\\':
			n, f := s.escape(i)
			if f != nil {
				return i, f
			}
			i += n
		default:
			return i, &fault{
				at: i, found: "a control character " + strconv.QuoteRune(rune(c)), expected: "text",
				hint: "write it as an escape",
			}
		}
	}
	return i, s.unexpected(i, `a closing "`)
}

// escape is the length of the escape at i. Half a surrogate pair is no character.
func (s scanner) escape(i int) (int, *fault) {
	switch s.peek(i + 1) {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2, nil
	case 'u':
	default:
		return 0, s.unexpected(min(i+1, len(s.line)), `one of "\/bfnrtu behind a backslash`)
	}
	r, f := s.hex4(i + 2)
	if f != nil {
		return 0, f
	}
	if !utf16.IsSurrogate(r) {
		return 6, nil
	}
	lone := &fault{
		at: i, found: "half of a surrogate pair, " + string(s.line[i:i+6]), expected: "a character",
		hint: "the text was cut in the middle of a character before it was written",
	}
	if s.peek(i+6) != '\\' || s.peek(i+7) != 'u' {
		return 0, lone
	}
	low, f := s.hex4(i + 8)
	if f != nil {
		return 0, f
	}
	if utf16.DecodeRune(r, low) == utf8.RuneError {
		return 0, lone
	}
	return 12, nil
}

func (s scanner) hex4(i int) (rune, *fault) {
	var r rune
	for j := i; j < i+4; j++ {
		v, ok := hexValue(s.peek(j))
		if !ok {
			return 0, s.unexpected(min(j, len(s.line)), "4 hex digits behind \\u")
		}
		r = r<<4 | rune(v)
	}
	return r, nil
}

func hexValue(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// key reads the key at i and the colon behind it; content is the key between its quotes.
func (s scanner) key(i int) (content []byte, next int, f *fault) {
	if s.peek(i) != '"' {
		return nil, i, s.unexpected(i, `a field's name in "quotes"`)
	}
	end, f := s.text(i)
	if f != nil {
		return nil, end, f
	}
	next = s.space(end)
	if s.peek(next) != ':' {
		return nil, next, s.unexpected(next, `":"`)
	}
	return s.line[i+1 : end-1], s.space(next + 1), nil
}

// comma steps over what stands between two items. next is the offset of the next one; done says that close was
// there instead, and next is behind it.
func (s scanner) comma(i int, close byte) (next int, done bool, f *fault) {
	i = s.space(i)
	switch s.peek(i) {
	case close:
		return i + 1, true, nil
	case ',':
		return s.space(i + 1), false, nil
	}
	return i, false, s.unexpected(i, `"," or "`+string(close)+`"`)
}

func (s scanner) object(i, depth int) (int, *fault) {
	i = s.space(i + 1)
	if s.peek(i) == '}' {
		return i + 1, nil
	}
	for {
		_, at, f := s.key(i)
		if f != nil {
			return at, f
		}
		end, f := s.value(at, depth)
		if f != nil {
			return end, f
		}
		next, done, f := s.comma(end, '}')
		if f != nil || done {
			return next, f
		}
		i = next
	}
}

func (s scanner) list(i, depth int) (int, *fault) {
	i = s.space(i + 1)
	if s.peek(i) == ']' {
		return i + 1, nil
	}
	for {
		end, f := s.value(i, depth)
		if f != nil {
			return end, f
		}
		next, done, f := s.comma(end, ']')
		if f != nil || done {
			return next, f
		}
		i = next
	}
}

// appendUnescaped appends the text that content, checked by scanner.text, stands for.
func appendUnescaped(dst, content []byte) []byte {
	for i := 0; i < len(content); i++ {
		c := content[i]
		if c != '\\' {
			dst = append(dst, c)
			continue
		}
		i++
		switch c := content[i]; c {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			s := scanner{content}
			r, _ := s.hex4(i + 1)
			i += 4
			if utf16.IsSurrogate(r) {
				low, _ := s.hex4(i + 3)
				r = utf16.DecodeRune(r, low)
				i += 6
			}
			dst = utf8.AppendRune(dst, r)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}
