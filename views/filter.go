package views

import (
	"fmt"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"episteme/engine/trace/ask"
)

// filterFields are what a field:glob can name.
var filterFields = []string{"agent", "subject", "predicate", "lens", "finding", "told"}

// filter is what somebody typed behind the slash. All terms must hold. The zero filter lets everything through.
type filter struct {
	terms   []term
	problem string // what of it could not be understood, for the end of the line
}

// term is a word, or field:glob; either may be negated. Case does not count.
type term struct {
	field   string // empty: a word, anywhere
	pattern string // lower case
	glob    bool   // pattern has a *, ? or {; otherwise it is looked for anywhere in the field
	negated bool
}

// parseFilter reads what was typed so far. It never fails: what is not understood is a word, and problem says so.
func parseFilter(typed string) filter {
	var f filter
	for word := range strings.FieldsSeq(strings.ToLower(typed)) {
		t := term{}
		if rest := strings.TrimLeft(word, "!-"); rest != word {
			t.negated, word = true, rest
		}
		t.pattern = word
		if field, pattern, found := strings.Cut(word, ":"); found {
			if isField(field) {
				t.field, t.pattern = field, pattern
			} else {
				f.problem = fmt.Sprintf("%s: is no field (%s)", field, strings.Join(filterFields, " "))
			}
		}
		if t.pattern == "" {
			continue // still being typed
		}
		t.glob = strings.ContainsAny(t.pattern, "*?{[")
		if t.glob && !doublestar.ValidatePattern(t.pattern) {
			t.glob = false
			f.problem = fmt.Sprintf("%s is not a complete pattern yet", t.pattern)
		}
		f.terms = append(f.terms, t)
	}
	return f
}

func isField(name string) bool {
	for _, f := range filterFields {
		if f == name {
			return true
		}
	}
	return false
}

func (f filter) empty() bool { return len(f.terms) == 0 }

// match reports whether a row is shown. all is the row's haystack, or empty when none was made.
func (f filter) match(e entry, all string) bool {
	for _, t := range f.terms {
		if t.holds(e, all) == t.negated {
			return false
		}
	}
	return true
}

// needsHaystack reports whether some term looks everywhere.
func (f filter) needsHaystack() bool {
	for _, t := range f.terms {
		if t.field == "" && !t.glob {
			return true
		}
	}
	return false
}

// holds says whether the term, without its negation, is true of e. What an event does not have (a lens, an answer)
// matches nothing.
func (t term) holds(e entry, all string) bool {
	if t.field != "" {
		return t.inAny(e.field(t.field))
	}
	if !t.glob && all != "" {
		return strings.Contains(all, t.pattern)
	}
	for _, name := range filterFields {
		if t.inAny(e.field(name)) {
			return true
		}
	}
	return t.in(e.words())
}

func (t term) inAny(values []string) bool {
	for _, value := range values {
		if t.in(value) {
			return true
		}
	}
	return false
}

// haystack is everything that a word is looked for in, in lower case, a line each. Making it costs about 1 µs, looking
// through it a twentieth of that: with 100,000 rows that is whether one can type.
func (e entry) haystack() string {
	var b strings.Builder
	for _, name := range filterFields {
		for _, value := range e.field(name) {
			b.WriteString(value)
			b.WriteByte('\n')
		}
	}
	b.WriteString(e.words())
	return strings.ToLower(b.String())
}

// in matches one value. Subjects are paths, so a * stays within a level there and ** crosses levels; other values
// have no levels, and neither has a word.
func (t term) in(value string) bool {
	value = strings.ToLower(value)
	if !t.glob {
		return strings.Contains(value, t.pattern)
	}
	pattern := t.pattern
	if t.field != "subject" {
		value, pattern = strings.ReplaceAll(value, "/", "\x00"), strings.ReplaceAll(pattern, "/", "\x00")
	}
	ok, err := doublestar.Match(pattern, value)
	return err == nil && ok
}

// entry is a row of the timeline: a query or an event of the world.
type entry struct {
	audit *ask.Audit
	event *ask.Event
}

// field is what a field of the filter sees of the row.
func (e entry) field(name string) []string {
	if e.event != nil {
		switch name {
		case "agent":
			return []string{e.event.Agent}
		case "subject":
			if e.event.Subject != "" {
				return []string{e.event.Subject}
			}
		}
		return nil
	}
	a := e.audit
	switch name {
	case "agent":
		return []string{a.Agent}
	case "subject":
		return []string{a.Subject}
	case "predicate":
		return []string{a.Predicate}
	case "lens":
		return []string{a.Lens}
	case "told":
		return []string{a.Result.Value.String()}
	case "finding":
		out := make([]string, 0, 2*len(a.Findings))
		for _, f := range a.Findings {
			out = append(out, string(f.Code), f.Code.Word())
		}
		return out
	}
	return nil
}

// words is what a bare word is looked for in, besides the fields.
func (e entry) words() string {
	if e.event != nil {
		return e.event.Type.String() + " " + e.event.Title + " " + e.event.ID.String()
	}
	question := ""
	if e.audit.Question != nil {
		question = *e.audit.Question
	}
	var labels strings.Builder
	for name, value := range e.audit.Labels {
		labels.WriteString(" " + name + "=" + value)
	}
	return e.audit.ID.String() + " " + question + labels.String()
}
