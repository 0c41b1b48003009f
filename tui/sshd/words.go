package sshd

import (
	"strings"
	"unicode/utf8"
)

// wordsOf takes a command apart as a POSIX shell does, and does nothing else that one would: no variables, no patterns,
// no pipes. It is nil where a quote stays open or the text is no UTF-8. The library's own would go on without the rest.
func wordsOf(command string) []string {
	if !utf8.ValidString(command) {
		return nil
	}
	var words []string
	var word strings.Builder
	begun := false // a word may be empty: ''
	for i := 0; i < len(command); i++ {
		switch c := command[i]; c {
		case ' ', '\t', '\n', '\r':
			if begun {
				words = append(words, word.String())
				word.Reset()
				begun = false
			}
			continue
		case '\\':
			if i++; i == len(command) {
				return nil
			}
			word.WriteByte(command[i])
		case '\'', '"':
			n, ok := quoted(&word, command[i+1:], c)
			if !ok {
				return nil
			}
			i += n
		default:
			word.WriteByte(c)
		}
		begun = true
	}
	if begun {
		words = append(words, word.String())
	}
	return words
}

// quoted writes what stands up to the closing quote, and returns how many bytes that took with it.
func quoted(word *strings.Builder, s string, quote byte) (n int, ok bool) {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == quote {
			return i + 1, true
		}
		if c == '\\' && quote == '"' && i+1 < len(s) && strings.IndexByte("\\\"$`", s[i+1]) >= 0 {
			i++
			c = s[i]
		}
		word.WriteByte(c)
	}
	return 0, false
}
