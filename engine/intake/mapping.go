package intake

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/pelletier/go-toml/v2"

	"episteme/engine/record"
)

// Mapping says which attributes of foreign formats name what episteme wants to know, before those it looks at by
// itself, and which content is kept. Of several attributes the first that is there and not empty counts.
type Mapping struct {
	Agent     []string
	Subject   []string
	Predicate []string
	Question  []string
	Content   Content // where no rule matches
	rules     []contentRule
}

// contentRule is the policy for the subjects that match a glob.
type contentRule struct {
	glob string
	keep Content
}

// Limits of a mapping file: what a person writes by hand, many times over.
const (
	maxMappingBytes = 64 << 10
	maxMappingNames = 256 // attributes of one list, and content rules
)

// mappingFile is mapping.toml.
type mappingFile struct {
	Agent     []string `toml:"agent"`
	Subject   []string `toml:"subject"`
	Predicate []string `toml:"predicate"`
	Question  []string `toml:"question"`
	Content   []struct {
		Subject string `toml:"subject"`
		Keep    string `toml:"keep"`
	} `toml:"content"`
}

// mappingKeys are all keys of a mapping file, for the nearest name.
var mappingKeys = []string{"agent", "subject", "predicate", "question", "content", "keep"}

// ReadMapping reads a mapping file; docs/intake.md describes it. File is for messages only. An error names the line.
func ReadMapping(text []byte, file string) (*Mapping, error) {
	if len(text) > maxMappingBytes {
		return nil, fmt.Errorf("%s: found %d bytes, expected at most %d", file, len(text), maxMappingBytes)
	}
	var f mappingFile
	decoder := toml.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&f); err != nil {
		return nil, explainMapping(err, file)
	}
	m := &Mapping{Agent: f.Agent, Subject: f.Subject, Predicate: f.Predicate, Question: f.Question}
	for _, list := range [][]string{m.Agent, m.Subject, m.Predicate, m.Question} {
		if len(list) > maxMappingNames {
			return nil, fmt.Errorf("%s: found %d attributes in a list, expected at most %d", file, len(list), maxMappingNames)
		}
	}
	if len(f.Content) > maxMappingNames {
		return nil, fmt.Errorf("%s: found %d content rules, expected at most %d", file, len(f.Content), maxMappingNames)
	}
	for i, rule := range f.Content {
		keep, err := ParseContent(rule.Keep)
		if err != nil {
			return nil, fmt.Errorf("%s: content rule %d: keep: %w", file, i+1, err)
		}
		if rule.Subject == "" || !doublestar.ValidatePattern(rule.Subject) {
			return nil, fmt.Errorf("%s: content rule %d: subject: found %q, expected a glob over subjects such as customers/**", file, i+1, rule.Subject)
		}
		m.rules = append(m.rules, contentRule{rule.Subject, keep})
	}
	return m, nil
}

// explainMapping gives an error of the TOML decoder the file, the line, and for an unknown key the nearest one.
func explainMapping(err error, file string) error {
	var unknown *toml.StrictMissingError
	if errors.As(err, &unknown) && len(unknown.Errors) > 0 {
		first := unknown.Errors[0]
		line, column := first.Position()
		key := first.Key()
		name := key[len(key)-1]
		hint := ""
		if near := record.Nearest(name, mappingKeys); near != "" {
			hint = fmt.Sprintf("; did you mean %s?", near)
		}
		return fmt.Errorf("%s:%d:%d: found the key %q, expected one of %s%s", file, line, column, strings.Join(key, "."), strings.Join(mappingKeys, ", "), hint)
	}
	var wrong *toml.DecodeError
	if errors.As(err, &wrong) {
		line, column := wrong.Position()
		return fmt.Errorf("%s:%d:%d: %s", file, line, column, strings.TrimPrefix(wrong.Error(), "toml: "))
	}
	return fmt.Errorf("%s: %w", file, err)
}
