package export

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// scrubber replaces words in text, in any case of letters, the longest that fits first. The zero scrubber replaces
// nothing.
type scrubber struct {
	byStart map[string][]word // by the first 1 to startRunes letters, folded; longest first
}

type word struct {
	folded []rune
	token  string
	alone  bool // only where no letter or digit is beside it
}

// startRunes is how many letters words are looked up by, and the length from which on a word is replaced inside of
// longer ones: shorter, and it is in everything.
const startRunes = 3

// newScrubber replaces each key of words by its value. Those of exact are replaced only as words of their own.
func newScrubber(words map[string]string, exact []string) scrubber {
	s := scrubber{byStart: map[string][]word{}}
	alone := map[string]bool{}
	for _, e := range exact {
		alone[e] = true
	}
	for text, token := range words {
		folded := fold(text)
		w := word{folded, token, alone[text] || len(folded) < startRunes}
		start := string(folded[:min(len(folded), startRunes)])
		s.byStart[start] = append(s.byStart[start], w)
	}
	for _, list := range s.byStart {
		slices.SortFunc(list, func(a, b word) int {
			return cmp.Or(cmp.Compare(len(b.folded), len(a.folded)), slices.Compare(a.folded, b.folded), cmp.Compare(a.token, b.token))
		})
	}
	return s
}

// inside is s without the words that are replaced only as words of their own.
func (s scrubber) inside() scrubber {
	only := scrubber{byStart: map[string][]word{}}
	for start, list := range s.byStart {
		for _, w := range list {
			if !w.alone {
				only.byStart[start] = append(only.byStart[start], w)
			}
		}
	}
	return only
}

func fold(s string) []rune {
	runes := []rune(s)
	for i, r := range runes {
		runes[i] = unicode.ToLower(r)
	}
	return runes
}

// replace is text with every word replaced. Bytes that are not UTF-8 stay as they are.
func (s scrubber) replace(text string) string {
	if len(s.byStart) == 0 {
		return text
	}
	var b strings.Builder
	done, before := 0, ' '
	for i := 0; i < len(text); {
		if w, n := s.match(text[i:], before); n > 0 {
			b.WriteString(text[done:i])
			b.WriteString(w.token)
			before, _ = utf8.DecodeLastRuneInString(text[i : i+n])
			i += n
			done = i
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		before = r
		i += size
	}
	if done == 0 {
		return text
	}
	b.WriteString(text[done:])
	return b.String()
}

// match is the longest word that text begins with, and how many bytes of text it takes.
func (s scrubber) match(text string, before rune) (word, int) {
	var start [startRunes]rune
	n := 0
	for rest := text; n < startRunes && rest != ""; n++ {
		r, size := utf8.DecodeRuneInString(rest)
		start[n], rest = unicode.ToLower(r), rest[size:]
	}
	for ; n > 0; n-- {
		for _, w := range s.byStart[string(start[:n])] {
			if size := w.fits(text, before); size > 0 {
				return w, size
			}
		}
	}
	return word{}, 0
}

// fits is how many bytes of text the word takes, 0 when text does not begin with it.
func (w word) fits(text string, before rune) int {
	at := 0
	for _, want := range w.folded {
		r, size := utf8.DecodeRuneInString(text[at:])
		if size == 0 || unicode.ToLower(r) != want {
			return 0
		}
		at += size
	}
	if w.alone {
		after, _ := utf8.DecodeRuneInString(text[at:])
		if at < len(text) && inWord(after) || inWord(before) {
			return 0
		}
	}
	return at
}

func inWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
