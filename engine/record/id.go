package record

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// ID names a record: its kind and its hash. The zero ID names nothing.
type ID struct {
	Kind Kind
	Hash Hash
}

// String is the id in full: a letter, an underscore, 64 lower-case hex digits. The zero ID is "".
func (id ID) String() string {
	if id.Kind == 0 {
		return ""
	}
	return string(id.Kind.Letter()) + "_" + id.Hash.String()
}

// shortDigits is how many digits a screen shows. At a million records two share their first 8 with probability
// 1-e^(-10^12/2^33), so screens also accept more; links, copies and exports always carry all 64.
const shortDigits = 8

// Short is the id as screens show it: the letter and 8 digits.
func (id ID) Short() string {
	full := id.String()
	return full[:min(len(full), 2+shortDigits)]
}

// IsZero reports whether id names nothing.
func (id ID) IsZero() bool { return id.Kind == 0 }

// ParseID reads an id in full. For what people type, see Prefix.
func ParseID(s string) (ID, error) {
	letter, digits, found := strings.Cut(s, "_")
	if !found || len(letter) != 1 {
		return ID{}, fmt.Errorf("found %q, expected an id such as q_ and 64 hex digits", clip(s))
	}
	kind, ok := KindByLetter(letter[0])
	if !ok {
		return ID{}, fmt.Errorf("found %q, expected an id that starts with one of %s", clip(s), idLetters())
	}
	hash, err := ParseHash(digits)
	if err != nil {
		return ID{}, fmt.Errorf("id %q: %w", clip(s), err)
	}
	return ID{kind, hash}, nil
}

// MarshalText writes the id in full.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads an id in full; the empty text is the zero ID.
func (id *ID) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*id = ID{}
		return nil
	}
	parsed, err := ParseID(string(text))
	if err == nil {
		*id = parsed
	}
	return err
}

// prefixMin is how many digits a typed prefix needs (rule 3).
const prefixMin = 4

// Prefix is what a person types for an id: any unique prefix of 4 or more digits, with or without the letter.
type Prefix struct {
	Kind   Kind   // 0: any kind
	Digits string // 4 to 64 lower-case hex digits
}

// ParsePrefix reads a typed id. Upper-case digits are accepted and lowered.
func ParsePrefix(s string) (Prefix, error) {
	p := Prefix{Digits: strings.ToLower(s)}
	if letter, digits, found := strings.Cut(p.Digits, "_"); found {
		if len(letter) != 1 {
			return Prefix{}, fmt.Errorf("%q is not an id: expected one letter before the underscore, one of %s", clip(s), idLetters())
		}
		kind, ok := KindByLetter(letter[0])
		if !ok {
			return Prefix{}, fmt.Errorf("%q is not an id: no kind of record has the letter %s; expected one of %s", clip(s), letter, idLetters())
		}
		p.Kind, p.Digits = kind, digits
	}
	if len(p.Digits) < prefixMin || len(p.Digits) > 64 {
		return Prefix{}, fmt.Errorf("%q is not an id: expected %d to 64 hex digits, found %d", clip(s), prefixMin, len(p.Digits))
	}
	for i := 0; i < len(p.Digits); i++ {
		if !isLowerHex(p.Digits[i]) {
			return Prefix{}, fmt.Errorf("%q is not an id: %q is not a hex digit", clip(s), p.Digits[i])
		}
	}
	return p, nil
}

// Match reports whether id begins with the prefix.
func (p Prefix) Match(id ID) bool {
	return (p.Kind == 0 || p.Kind == id.Kind) && strings.HasPrefix(id.Hash.String(), p.Digits)
}

func idLetters() string {
	var b strings.Builder
	for _, k := range Kinds() {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteByte(k.Letter())
		b.WriteByte('_')
	}
	return b.String()
}

// clip shortens hostile text for an error message.
func clip(s string) string {
	const clipBytes = 80 // a line of a terminal
	if len(s) <= clipBytes {
		return s
	}
	n := clipBytes
	for n > clipBytes-utf8.UTFMax && !utf8.RuneStart(s[n]) {
		n-- // not through the middle of a character
	}
	return s[:n] + "…"
}
