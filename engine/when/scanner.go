package when

import "strings"

// scanner walks over a text. Its readers leave pos behind what they have read, and at the same place where that is
// nothing.
type scanner struct {
	text string // for errors
	low  string // text in lower case, byte for byte
	pos  int
}

func (s *scanner) refuse(pos int, expected string) *Error { return refusal(s.text, pos, expected) }

// peek is the byte ahead, or 0 at the end.
func (s *scanner) peek() byte {
	if s.pos < len(s.low) {
		return s.low[s.pos]
	}
	return 0
}

// take reads c if it is ahead.
func (s *scanner) take(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.pos++
	return true
}

func (s *scanner) spaces() {
	for s.peek() == ' ' || s.peek() == '\t' {
		s.pos++
	}
}

// gap reads spaces, of which there must be one.
func (s *scanner) gap(expected string) error {
	begin := s.pos
	if s.spaces(); s.pos == begin {
		return s.refuse(begin, expected)
	}
	return nil
}

func (s *scanner) digits() string {
	begin := s.pos
	for isDigit(s.peek()) {
		s.pos++
	}
	return s.low[begin:s.pos]
}

func (s *scanner) word() string {
	word := s.aheadWord()
	s.pos += len(word)
	return word
}

// aheadWord is the letters ahead, which stay ahead.
func (s *scanner) aheadWord() string {
	rest := s.low[s.pos:]
	return rest[:len(rest)-len(strings.TrimLeft(rest, "abcdefghijklmnopqrstuvwxyz"))]
}

// field reads a mark and exactly two digits between least and most.
func (s *scanner) field(mark byte, least, most int, expected string) (int, error) {
	if !s.take(mark) {
		return 0, s.refuse(s.pos, expected)
	}
	begin := s.pos
	digits := s.digits()
	if len(digits) != 2 || atoi(digits) < least || atoi(digits) > most {
		return 0, s.refuse(begin, expected)
	}
	return atoi(digits), nil
}

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLetter(c byte) bool { return 'a' <= c && c <= 'z' }

// atoi is for up to 13 digits.
func atoi(digits string) (n int) {
	for _, d := range []byte(digits) {
		n = n*10 + int(d-'0')
	}
	return n
}
