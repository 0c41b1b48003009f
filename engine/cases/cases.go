// Package cases keeps what people note while they investigate: bookmarks, notes, the moment an incident began, and
// views worth coming back to. A case is one file, NAME.jsonl, of JSON lines in a directory of cases.
//
// Promises: lines are only ever added, each with its author and time, and an Add that returned nil is durable. Several
// processes may add at once; each line is one write at the end of the file. A line that is torn, or that this version
// does not know, is skipped and counted, and never rewritten. Files have mode 0600, directories 0700. A name leads to no
// other directory, and neither does a link.
//
// Not promised: that a note is true, or who wrote it. A case is no evidence: whoever may write the file may write any name.
//
//	{"v":1,"at":"2024-01-15T22:31:07Z","by":"alice","kind":"bookmark","id":"q_…64 hex","note":"why ES256?","asked":{"agent":"deployment-agent","subject":"auth/jwt","predicate":"issuer","timestamp":"2024-01-15T21:03:47Z"}}
//	{"v":1,"at":"2024-01-15T22:32:00Z","by":"alice","kind":"t0","t0":"2024-01-15T21:09:12Z"}
//	{"v":1,"at":"2024-01-15T22:33:41Z","by":"bob","kind":"note","note":"keys rotated by hand"}
//	{"v":1,"at":"2024-01-15T22:34:02Z","by":"bob","kind":"view","name":"jwt","filter":"subject:auth/**"}
package cases

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"unicode/utf8"

	"episteme/engine/record"
)

// Kind is what a line is.
type Kind string

// The kinds of lines.
const (
	Bookmark Kind = "bookmark" // ID, and maybe Note
	Note     Kind = "note"     // Note
	Zero     Kind = "t0"       // Zero; the last one counts
	View     Kind = "view"     // Name and Filter; the last of a name counts
)

// version is what lines are written with. A line of another version is skipped and counted.
const version = 1

// Limits of a case.
const (
	MaxLineBytes = 16 << 10 // a screen of notes
	MaxFileBytes = 32 << 20 // a guess: years of notes
)

// Line is one thing that somebody kept.
type Line struct {
	At     record.Time
	By     string
	Kind   Kind
	ID     record.ID   // of a bookmark
	Asked  *Asked      // of a bookmark of a query: how to find it where it has another id; nil: not known
	Note   string      // of a bookmark or a note
	Zero   record.Time // of a t0
	Name   string      // of a view
	Filter string      // of a view
}

// Asked is a query by what was asked. The id of a query depends on the journal it was asked in; a fixture has another
// journal each time it is opened.
type Asked struct {
	Agent     string      `json:"agent"`
	Subject   string      `json:"subject"`
	Predicate string      `json:"predicate"`
	Timestamp record.Time `json:"timestamp"`
}

// line is a Line as it stands in the file.
type line struct {
	V      int          `json:"v"`
	At     record.Time  `json:"at"`
	By     string       `json:"by"`
	Kind   Kind         `json:"kind"`
	ID     *record.ID   `json:"id,omitempty"`
	Asked  *Asked       `json:"asked,omitempty"`
	Note   string       `json:"note,omitempty"`
	Zero   *record.Time `json:"t0,omitempty"`
	Name   string       `json:"name,omitempty"`
	Filter string       `json:"filter,omitempty"`
}

// Case is what a file holds, in the order in which it was written.
type Case struct {
	Name    string
	Lines   []Line
	Skipped int // lines that are torn, or that this version does not know
}

// Zero is the moment from which T+ counts; nil when nobody has said one.
func (c Case) Zero() *record.Time {
	for i := len(c.Lines) - 1; i >= 0; i-- {
		if c.Lines[i].Kind == Zero {
			return &c.Lines[i].Zero
		}
	}
	return nil
}

// Of are the lines of a kind.
func (c Case) Of(k Kind) []Line {
	var out []Line
	for _, l := range c.Lines {
		if l.Kind == k {
			out = append(out, l)
		}
	}
	return out
}

// Views are the saved views, each name's last, in the order of their names' first lines.
func (c Case) Views() []Line {
	at := map[string]int{}
	var out []Line
	for _, l := range c.Of(View) {
		if i, known := at[l.Name]; known {
			out[i] = l
			continue
		}
		at[l.Name] = len(out)
		out = append(out, l)
	}
	return out
}

var name = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// NameError says that a name can be no case's.
type NameError struct{ Name string }

func (e *NameError) Error() string {
	return fmt.Sprintf("case: found the name %.80q, expected 1 to 64 letters, digits, dots, dashes and underscores, a letter or digit first", e.Name)
}

// CheckName returns a *NameError for what can be no case's name.
func CheckName(s string) error {
	if !name.MatchString(s) {
		return &NameError{s}
	}
	return nil
}

// encode is l as a line of a file, its newline with it.
func encode(l Line) ([]byte, error) {
	out := line{V: version, At: l.At, By: l.By, Kind: l.Kind, Note: l.Note, Name: l.Name, Filter: l.Filter}
	if l.Kind == Bookmark {
		out.ID, out.Asked = &l.ID, l.Asked
	}
	if l.Kind == Zero {
		out.Zero = &l.Zero
	}
	if err := out.check(); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(out); err != nil {
		return nil, err
	}
	if b.Len() > MaxLineBytes {
		return nil, fmt.Errorf("found a line of %d bytes, expected at most %d: shorten the note", b.Len(), MaxLineBytes)
	}
	return b.Bytes(), nil
}

// decode reads one line. ok is false for one that is torn, or that this version does not know.
func decode(text []byte) (Line, bool) {
	if len(text) > MaxLineBytes || !utf8.Valid(text) {
		return Line{}, false
	}
	var in line
	if err := json.Unmarshal(text, &in); err != nil || in.check() != nil {
		return Line{}, false
	}
	l := Line{At: in.At, By: in.By, Kind: in.Kind, Note: in.Note, Name: in.Name, Filter: in.Filter}
	if in.ID != nil {
		l.ID, l.Asked = *in.ID, in.Asked
	}
	if in.Zero != nil {
		l.Zero = *in.Zero
	}
	return l, true
}

// check holds a line to what its kind needs.
func (l *line) check() error {
	if l.V != version {
		return fmt.Errorf("found version %d, expected %d", l.V, version)
	}
	missing := ""
	switch l.Kind {
	case Bookmark:
		if l.ID == nil || l.ID.IsZero() {
			missing = "id"
		}
	case Note:
		if l.Note == "" {
			missing = "note"
		}
	case Zero:
		if l.Zero == nil {
			missing = "t0"
		}
	case View:
		if l.Name == "" {
			missing = "name"
		}
	default:
		return fmt.Errorf("found the kind %.20q, expected bookmark, note, t0 or view", l.Kind)
	}
	if missing != "" {
		return fmt.Errorf("a %s has no %s", l.Kind, missing)
	}
	return nil
}
