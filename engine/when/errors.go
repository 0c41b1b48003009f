package when

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// examples are three that between them show most of the grammar.
const examples = "2024-01-15 21:03, 6h ago, yesterday at 9pm"

// Error is a text that is no time, or not one that can be used where it was given.
type Error struct {
	Text     string // as it was given
	Column   int    // of what was found, in characters from 1; one past the end where something is missing
	Found    string // in words or quoted
	Expected string // in words
}

// Error shows the text up to 64 characters, quoted, and three examples of what is accepted.
func (e *Error) Error() string {
	return fmt.Sprintf("time %s: column %d: found %s, expected %s; for example %s",
		quoted(e.Text, 64), e.Column, e.Found, e.Expected, examples)
}

// quoted is s without control characters, cut after limit characters.
func quoted(s string, limit int) string {
	for i := range s {
		if limit--; limit < 0 {
			return fmt.Sprintf("%q…", s[:i])
		}
	}
	return fmt.Sprintf("%q", s)
}

// refusal is the Error for what stands at byte pos of text.
func refusal(text string, pos int, expected string) *Error {
	return &Error{
		Text:     text,
		Column:   utf8.RuneCountInString(text[:pos]) + 1,
		Found:    found(text[pos:]),
		Expected: expected,
	}
}

// found names the start of rest: a word, a number, or else one character.
func found(rest string) string {
	if rest == "" {
		return "the end"
	}
	inWord := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	n := strings.IndexFunc(rest, func(r rune) bool { return !inWord(r) })
	switch {
	case n < 0:
		n = len(rest)
	case n == 0:
		_, n = utf8.DecodeRuneInString(rest)
	}
	return quoted(rest[:n], 20)
}
