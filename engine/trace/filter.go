package trace

import (
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"episteme/engine/ingest"
	"episteme/engine/lens"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// matcher is an AuditFilter made ready: patterns checked, words lowered.
type matcher struct {
	ask.AuditFilter
	subject glob
	within  []glob // one of them must match too; none: everything may be seen
	words   []string
	wide    bool     // needs columns that only the full row has
	fixed   ask.Code // the finding, when the index has it
	later   ask.Code // the finding, when it has to be computed
}

func newMatcher(f ask.AuditFilter) (*matcher, error) {
	m := &matcher{AuditFilter: f, words: strings.Fields(strings.ToLower(f.Text))}
	var err error
	if m.subject, err = newGlob(f.Subject); err != nil {
		return nil, err
	}
	for _, pattern := range f.Within {
		g, err := newGlob(pattern)
		if err != nil {
			return nil, err
		}
		m.within = append(m.within, g)
	}
	if f.Range.From != nil && f.Range.To != nil && *f.Range.From > *f.Range.To {
		return nil, &ask.UsageError{Field: "time", Found: f.Range.From.String() + " to " + f.Range.To.String(), Expected: "a start that is not behind the end"}
	}
	switch code := ask.Code(f.Finding); {
	case code == "":
	case code.Computed():
		m.later = code
	case code.Severity() < len(ask.Codes()):
		m.fixed = code
	default:
		return nil, &ask.UsageError{Field: "finding", Found: f.Finding, Expected: oneOf(f.Finding, codeNames())}
	}
	if _, ours := lens.ByName(f.Lens); f.Lens != "" && f.Lens != record.LensExternal && !ours {
		return nil, &ask.UsageError{Field: "lens", Found: f.Lens, Expected: oneOf(f.Lens, append(LensNames(), record.LensExternal))}
	}
	m.wide = len(f.Labels) > 0 || f.TraceID != "" || f.Conversation != "" || len(m.words) > 0
	return m, nil
}

func codeNames() []string {
	var names []string
	for _, code := range ask.Codes() {
		names = append(names, string(code))
	}
	return names
}

// brief reports whether an index entry passes what it has columns for.
func (m *matcher) brief(b ingest.Brief) bool {
	return (m.Agent == "" || m.Agent == b.Agent) && (m.Predicate == "" || m.Predicate == b.Predicate) &&
		(m.Lens == "" || m.Lens == b.Lens) && (m.fixed == "" || hasFinding(b.Annotation, m.fixed)) &&
		m.subject.match(b.Subject) && m.mayBeSeen(b.Subject)
}

func (m *matcher) mayBeSeen(subject string) bool {
	return len(m.within) == 0 || slices.ContainsFunc(m.within, func(g glob) bool { return g.match(subject) })
}

// row reports whether a full row, whose columns pass, passes the rest.
func (m *matcher) row(r *ingest.Row) bool {
	a := r.Audit
	if m.TraceID != "" && m.TraceID != a.TraceID || m.Conversation != "" && m.Conversation != a.ConversationID {
		return false
	}
	for name, value := range m.Labels {
		if !hasLabel(a.Labels, name, value) {
			return false
		}
	}
	return hasWords(a, m.words)
}

func hasLabel(labels []record.Label, name, value string) bool {
	for _, l := range labels {
		if l.Name == name && l.Value == value {
			return true
		}
	}
	return false
}

func hasWords(a *record.Audit, words []string) bool {
	if len(words) == 0 {
		return true
	}
	var b strings.Builder
	for _, s := range []string{a.Agent, a.Subject, a.Predicate, a.Question, a.Value.String()} {
		b.WriteString(s)
		b.WriteByte('\n')
	}
	for _, l := range a.Labels {
		b.WriteString(l.Name + "=" + l.Value + "\n")
	}
	text := strings.ToLower(b.String())
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}

// glob is a pattern over path-like subjects. The empty one matches all.
type glob struct {
	pattern string
	literal bool // no meta characters: one subject
}

func newGlob(pattern string) (glob, error) {
	if pattern != "" && !doublestar.ValidatePattern(pattern) {
		return glob{}, &ask.UsageError{Field: "subject", Found: pattern, Expected: "a pattern such as auth/* (one level), auth/** (any depth) or {auth,billing}/jwt; a \\ before a bracket means the bracket itself"}
	}
	if err := ask.CheckBraces(pattern); err != nil {
		return glob{}, err
	}
	return glob{pattern, pattern != "" && !strings.ContainsAny(pattern, `*?[{\`)}, nil
}

func (g glob) match(subject string) bool {
	if g.pattern == "" || g.literal {
		return g.pattern == "" || g.pattern == subject
	}
	ok, _ := doublestar.Match(g.pattern, subject) // the pattern was validated
	return ok
}

// cursor is where a page ended, and the newest record that the first page could see: audits that arrive while
// somebody pages do not move what is left. A search for a computed finding does not look again at what earlier pages
// looked at, so its cursor says how many matches these had.
type cursor struct {
	time   record.Time
	lsn    record.LSN
	bound  record.LSN
	before uint64
}

func (c cursor) String() string {
	b := binary.BigEndian.AppendUint64(nil, uint64(c.time))
	b = binary.BigEndian.AppendUint64(b, uint64(c.lsn))
	b = binary.BigEndian.AppendUint64(b, uint64(c.bound))
	b = binary.BigEndian.AppendUint64(b, c.before)
	return base64.RawURLEncoding.EncodeToString(b)
}

func parseCursor(s string) (cursor, error) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b) != 32 {
		return cursor{}, &ask.UsageError{Field: "cursor", Found: s, Expected: "the next_cursor of an earlier page, or none"}
	}
	return cursor{
		time:   record.Time(binary.BigEndian.Uint64(b)),
		lsn:    record.LSN(binary.BigEndian.Uint64(b[8:])),
		bound:  record.LSN(binary.BigEndian.Uint64(b[16:])),
		before: binary.BigEndian.Uint64(b[24:]),
	}, nil
}

// behind reports whether an audit comes after the end of the page, in the order newest first.
func (c cursor) behind(t record.Time, lsn record.LSN) bool {
	return t < c.time || t == c.time && lsn < c.lsn
}
