package intake

import (
	"path"
	"slices"
	"strings"
	"unicode"

	"episteme/engine/record"
)

// Bounds of what makes a subject out of a call's arguments: a path that a person still takes in at a glance.
const (
	maxLevelBytes = 64 // of one level; ids of 36 and hashes of 64 hex digits fit
	maxLevels     = 4  // of levels taken from arguments that are no ids
)

// subjectOf is what a tool call is about, as a path: domain/reservation/NO6JO3 where an argument is an id
// (reservation_id), else domain/tool/JFK/SEA for arguments that are all words, else domain/tool. Calls about one thing
// by different tools so meet in one subject, and the tool is the predicate.
func subjectOf(domain, tool, arguments string) string {
	tool = asLevel(tool)
	list, ok := argumentsOf(arguments)
	if !ok {
		return level(domain, tool)
	}
	for _, a := range list {
		kind, isID := idKind(a.name)
		if isID && isLevel(a.value) {
			if kind == "" {
				kind = tool
			}
			return level(domain, kind, a.value)
		}
	}
	levels := []string{domain, tool}
	for _, a := range list {
		words := hyphened(a.value)
		if words == "" || len(levels) == 2+maxLevels {
			return level(domain, tool)
		}
		levels = append(levels, words)
	}
	return level(levels...)
}

// maxWords is how many words a level takes: San-Francisco is a name, a sentence is not.
const maxWords = 4

// hyphened is a few words as one level, San-Francisco for San Francisco; empty for what cannot be one.
func hyphened(s string) string {
	words := strings.FieldsFunc(s[:min(len(s), 2*maxLevelBytes)], func(r rune) bool { return r == ' ' || r == ',' })
	joined := strings.Join(words, "-")
	if len(words) > maxWords || len(s) > 2*maxLevelBytes || !isLevel(joined) || strings.ContainsAny(joined, "+@") {
		return ""
	}
	return joined
}

// level joins levels into a subject that a record can carry.
func level(levels ...string) string {
	levels = slices.DeleteFunc(levels, func(s string) bool { return s == "" })
	return shorten(path.Join(levels...), record.MaxNameBytes)
}

// argument is a scalar argument; one that is no scalar has no value.
type argument struct{ name, value string }

// argumentsOf reads a JSON object in the order it is written. It reports false for anything else.
func argumentsOf(text string) ([]argument, bool) {
	if !strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), "{") || !jsonValid(text) {
		return nil, false
	}
	var list []argument
	w := walker{[]byte(text)}
	_, f := w.members(w.space(0), func(key string, at int) (int, *fault) {
		end := w.skip(at)
		list = append(list, argument{key, scalarText(w.b[at:end])})
		return end, nil
	})
	return list, f == nil
}

// scalarText is a string's text, or a number or a boolean as it is written; empty for all else.
func scalarText(raw []byte) string {
	switch {
	case len(raw) == 0 || raw[0] == '{' || raw[0] == '[' || raw[0] == 'n':
		return ""
	case raw[0] == '"':
		s, _ := unquote(raw)
		return s
	}
	return string(raw)
}

// idKind is what an argument's name says it identifies: reservation for reservation_id and reservationId, nothing for id.
func idKind(name string) (kind string, isID bool) {
	switch {
	case strings.EqualFold(name, "id"):
		return "", true
	case len(name) > 3 && strings.EqualFold(name[len(name)-3:], "_id"):
		name = name[:len(name)-3]
	case strings.HasSuffix(name, "Id"), strings.HasSuffix(name, "ID"):
		name = name[:len(name)-2]
	default:
		return "", false
	}
	return name, isLevel(name)
}

// isLevel reports whether s can be a level of a path that is read aloud: one word, nothing a glob or a path would take
// for its own.
func isLevel(s string) bool {
	if s == "" || s == "." || s == ".." || len(s) > maxLevelBytes {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_.:@+", r)
	})
}

// asLevel makes a level of a name that somebody else gave, so that it stays one: what cannot be in a level becomes a
// hyphen.
func asLevel(name string) string {
	if isLevel(name) {
		return name
	}
	cut, _ := cutText(name, maxLevelBytes)
	made := strings.Map(func(r rune) rune {
		if isLevel(string(r)) {
			return r
		}
		return '-'
	}, strings.Trim(cut, "./"))
	if made == "" {
		return "-"
	}
	return made
}
