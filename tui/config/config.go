// Package config reads the settings of the terminal UI: a TOML file that a person wrote.
//
// Promises: what the file says is what happens, or an error names the file and the line. A setting that does not exist
// is an error with the nearest that does, and so is a key that would mean two things.
//
// Not promised: where the file is. Callers hand in its bytes; this package touches no disk and no environment.
//
//	theme     = "dark"           # auto, dark, light, contrast or terminal
//	time_zone = "Europe/Berlin"  # what T shows beside UTC
//	ascii     = false            # no character beyond ASCII
//	motion    = true             # false: no spinner moves
//	share     = false            # begin in screen-share mode
//
//	[keys]
//	provenance = ["p", "P"]
package config

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"episteme/views"
)

// MaxBytes is the largest file that is read: a hundred times what naming every setting takes.
const MaxBytes = 1 << 20

// Config is what the file says. The zero Config is no file.
type Config struct {
	Theme  string         // empty: not said
	Zone   *time.Location // nil: not said
	Keys   views.Keymap   // nil: as they come
	ASCII  bool
	Still  bool // nothing moves by itself
	Shared bool // begins in screen-share mode
}

// Error is a mistake in the file.
type Error struct {
	File         string
	Line, Column int // from 1; 0: not known
	Err          string
}

func (e *Error) Error() string {
	at := e.File
	if e.Line > 0 {
		at = fmt.Sprintf("%s:%d:%d", e.File, e.Line, e.Column)
	}
	return at + ": " + e.Err
}

// file is the settings by their names in the file.
type file struct {
	Theme    string              `toml:"theme"`
	TimeZone string              `toml:"time_zone"`
	ASCII    bool                `toml:"ascii"`
	Motion   *bool               `toml:"motion"`
	Share    bool                `toml:"share"`
	Keys     map[string][]string `toml:"keys"`
}

// settings are the names in the file, as docs/config.md has them.
func settings() []string { return []string{"theme", "time_zone", "ascii", "motion", "share", "keys"} }

// Parse reads the settings in data; name is the file's, for errors, each of which is an *Error. themes are the names
// that theme may have, keys those of a keyboard as it comes.
func Parse(name string, data []byte, themes []string, keys views.Keymap) (Config, error) {
	if len(data) > MaxBytes {
		return Config{}, &Error{File: name, Err: fmt.Sprintf("found more than %d bytes, expected settings; see docs/config.md", MaxBytes)}
	}
	var f file
	d := toml.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return Config{}, mistake(name, err)
	}
	p := parser{name, data}
	c := Config{Theme: f.Theme, ASCII: f.ASCII, Still: f.Motion != nil && !*f.Motion, Shared: f.Share}
	if f.Theme != "" && !slices.Contains(themes, f.Theme) {
		return Config{}, p.wrong("theme", fmt.Sprintf("found %.40q, expected %s", f.Theme, oneOf(themes, f.Theme)))
	}
	if f.TimeZone != "" {
		zone, err := time.LoadLocation(f.TimeZone)
		if err != nil {
			return Config{}, p.wrong("time_zone", fmt.Sprintf("found %.40q, expected a zone such as UTC, Local or Europe/Berlin", f.TimeZone))
		}
		c.Zone = zone
	}
	if len(f.Keys) > 0 {
		changed, err := p.keys(f.Keys, keys)
		if err != nil {
			return Config{}, err
		}
		c.Keys = changed
	}
	return c, nil
}

// oneOf lists names, and says which was probably meant.
func oneOf(names []string, found string) string {
	s := "one of " + strings.Join(names, ", ")
	if near := views.Nearest(found, names); near != "" {
		s = near + "? (" + s + ")"
	}
	return s
}

// mistake is an error of the TOML itself, or of a name that is none.
func mistake(name string, err error) error {
	var unknown *toml.StrictMissingError
	if errors.As(err, &unknown) && len(unknown.Errors) > 0 {
		first := unknown.Errors[0]
		line, column := first.Position()
		key := first.Key()
		return &Error{name, line, column, fmt.Sprintf("no setting is called %q: expected %s", strings.Join(key, "."), oneOf(settings(), key[0]))}
	}
	var wrong *toml.DecodeError
	if errors.As(err, &wrong) {
		line, column := wrong.Position()
		what := strings.TrimPrefix(wrong.Error(), "toml: ")
		if kind, ok := wrongKind(what); ok && len(wrong.Key()) > 0 {
			setting := wrong.Key()[0]
			what = fmt.Sprintf("%s: found a TOML %s, expected %s", strings.Join(wrong.Key(), "."), kind, kindOf(setting))
		}
		return &Error{name, line, column, what}
	}
	return &Error{File: name, Err: strings.TrimPrefix(err.Error(), "toml: ")}
}

// wrongKind is the kind of value that the library found in place of another one; its own words go on to name our types.
func wrongKind(what string) (kind string, ok bool) {
	rest, ok := strings.CutPrefix(what, "cannot decode TOML ")
	if !ok {
		return "", false
	}
	kind, _, ok = strings.Cut(rest, " into ")
	return kind, ok
}

// kindOf is what a setting's value looks like.
func kindOf(setting string) string {
	switch setting {
	case "theme":
		return `text in quotes, such as "dark"`
	case "time_zone":
		return `text in quotes, such as "Europe/Berlin"`
	case "keys":
		return `a table of lists, such as provenance = ["o"]`
	}
	return "true or false"
}

// parser finds the lines of settings that could be read, but say what cannot be.
type parser struct {
	name string
	data []byte
}

// wrong is an error at the line of a setting.
func (p parser) wrong(setting, what string) error {
	line, column := p.find(setting)
	return &Error{p.name, line, column, setting + ": " + what}
}

// find is where a line begins with a setting's name; zero when none does, as with dotted or quoted names. What is
// wrong is named in the error anyway.
func (p parser) find(setting string) (line, column int) {
	line = 1
	for text := range bytes.Lines(p.data) {
		trimmed := bytes.TrimLeft(text, " \t")
		if rest, ok := bytes.CutPrefix(trimmed, []byte(setting)); ok {
			if rest = bytes.TrimLeft(rest, " \t"); len(rest) > 0 && rest[0] == '=' {
				return line, len(text) - len(trimmed) + 1
			}
		}
		line++
	}
	return 0, 0
}

// keys is the keymap with the file's keys.
func (p parser) keys(found map[string][]string, base views.Keymap) (views.Keymap, error) {
	var names []string
	for _, k := range base {
		names = append(names, k.Name())
	}
	given := make([]string, 0, len(found))
	for name := range found {
		given = append(given, name)
	}
	slices.Sort(given) // the same mistake is told each time
	for _, name := range given {
		if !slices.Contains(names, name) {
			return nil, p.wrong(name, "no key does this: expected "+oneOf(names, name))
		}
	}
	changed, err := base.With(found)
	var wrong *views.KeyError
	if errors.As(err, &wrong) {
		return nil, p.wrong(wrong.Action, wrong.Err)
	}
	return changed, err
}
