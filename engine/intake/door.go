package intake

import (
	"fmt"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// Content says how much of what an agent asked and was told is kept.
type Content uint8

// From all to nothing. With KeepDigest the digest of what was told is kept, which proves a document that somebody holds
// elsewhere and tells equal answers from others; of a text that can be guessed it is no secret. With KeepNothing it is
// only known that something was asked and told. Names, times and scores are kept in any case.
const (
	KeepContent Content = iota
	KeepDigest
	KeepNothing
)

// contentNames are in the order of the constants.
var contentNames = []string{"content", "digest", "none"}

func (c Content) String() string { return contentNames[c] }

// ParseContent reads a Content as flags and mapping files write it.
func ParseContent(s string) (Content, error) {
	for i, name := range contentNames {
		if s == name {
			return Content(i), nil
		}
	}
	return 0, fmt.Errorf("found %q, expected content, digest or none", s)
}

// Removed counts texts that looked like secrets and were replaced, by kind.
type Removed map[string]int

// door is what all content passes on its way in, before anything is hashed: secrets are replaced, and policy says how
// much is kept. It counts, so each decoder has its own.
type door struct {
	mapping *Mapping
	removed Removed
}

func newDoor(o Options) *door {
	m := o.Mapping
	if m == nil {
		m = &Mapping{}
	}
	return &door{mapping: m, removed: Removed{}}
}

// keeps is the policy for a subject: the first rule whose glob matches it, else what holds for all others.
func (d *door) keeps(subject string) Content {
	for _, rule := range d.mapping.rules {
		if matched, _ := doublestar.Match(rule.glob, subject); matched { // the glob was checked when it was read
			return rule.keep
		}
	}
	return d.mapping.Content
}

// argumentNamed is the first argument of a call that keys name, as arguments.NAME.
func argumentNamed(arguments string, keys []string) string {
	var object fields
	for _, key := range keys {
		name, ok := strings.CutPrefix(key, "arguments.")
		if !ok {
			continue
		}
		if object == nil {
			object = fieldsOf(arguments)
		}
		if s := scalarText(object[name]); s != "" {
			return s
		}
	}
	return ""
}
