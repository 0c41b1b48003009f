package export

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"lukechampine.com/blake3"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// Field names what can be redacted.
type Field string

// The fields. The empty one is text that cannot be chosen, and is searched for what was.
const (
	Agent     Field = "agent"
	Subject   Field = "subject"
	Predicate Field = "predicate"
	Value     Field = "value" // objects of assertions and answers
	Question  Field = "question"
	Note      Field = "note"
	Title     Field = "title"  // of events
	Reason    Field = "reason" // of transitions
	Labels    Field = "labels" // their names too
	URI       Field = "uri"
	Name      Field = "name"    // of sources and epochs
	Content   Field = "content" // of evidence
	TraceIDs  Field = "trace"   // trace, span, conversation and tool call ids

	freeText Field = ""
)

// Fields lists what can be redacted, in the order in which it is told.
func Fields() []Field {
	return []Field{Agent, Subject, Predicate, Value, Question, Note, Title, Reason, Labels, URI, Name, Content, TraceIDs}
}

// ParseFields reads names of fields, each once.
func ParseFields(names []string) ([]Field, error) {
	var fields []Field
	for _, n := range names {
		f := Field(strings.TrimSpace(n))
		if !slices.Contains(Fields(), f) {
			var all []string
			for _, f := range Fields() {
				all = append(all, string(f))
			}
			return nil, &ask.UsageError{Field: "redact", Found: n, Expected: "one of " + strings.Join(all, ", ")}
		}
		if !slices.Contains(fields, f) {
			fields = append(fields, f)
		}
	}
	return fields, nil
}

// Redact is c without the values of these fields: each is replaced by a token such as [agent 4f2a91c03be2]. Within
// one export equal values have equal tokens; the key behind them is read from random (32 bytes) and not kept, so two
// exports have nothing in common.
//
//  1. The values of the fields are gathered from all records, and from what else the store holds: every agent, and the
//     values of records that touch what leaves (see gatherElsewhere). Where one is quoted in other text (a title that
//     names an agent), it is replaced there too: in any case of letters, as part of longer words from 3 characters on,
//     else, and for numbers, as a word of its own.
//  2. A record that changed by that is withheld: its bytes do not leave, and its id becomes a token, since a value
//     that can be guessed (ES256) can be confirmed by the hash of the record that holds it.
//  3. So is a record that names one of those, for its own bytes hold that hash; and so on up the chain. What is not in
//     the export and might hold such a value is named by a token too.
//  4. The head of the journal's chain covers all of them, and is withheld with them.
//
// from is the evidence that c was collected from. Errors are its own, and those of random.
func Redact(ctx context.Context, from Evidence, c *Contents, fields []Field, random io.Reader) (*Contents, error) {
	if len(fields) == 0 {
		return c, nil
	}
	r := &redaction{fields: map[Field]bool{}, known: map[record.ID]bool{}, hidden: map[record.ID]bool{}, tokens: map[record.Hash]string{}, quoted: map[string][]record.ID{}}
	if _, err := io.ReadFull(random, r.key[:]); err != nil {
		return nil, fmt.Errorf("make a key for redaction: %w", err)
	}
	for _, f := range fields {
		r.fields[f] = true
	}
	if err := r.gather(ctx, from, c); err != nil {
		return nil, err
	}
	r.spread(c)
	return r.apply(c), nil
}

// redaction is what one Redact knows.
type redaction struct {
	key    [32]byte
	fields map[Field]bool
	words  scrubber // for text from data
	ours   scrubber // for our own sentences that quote data

	known  map[record.ID]bool     // clear unless hidden: in the export, or bytes that nobody holds
	hidden map[record.ID]bool     // records that are withheld
	quoted map[string][]record.ID // hidden ids by the first digits of their hash, to find them in text
	tokens map[record.Hash]string // what stands for a stand-in hash

	elsewhere elsewhere // what was searched for beyond the records that leave
	changed   bool      // set when anything was replaced
}

// tokenDigits is how many hex digits a token has: 48 bits, so that 100,000 values are all different but once in
// 50,000 exports.
const tokenDigits = 12

// sum is the keyed hash of a value of some kind.
func (r *redaction) sum(what string, value []byte) record.Hash {
	h := blake3.New(32, r.key[:])
	h.Write(append([]byte(what), 0))
	for part := range slices.Chunk(value, 1024) { // more at once starts goroutines
		h.Write(part)
	}
	var out record.Hash
	h.Sum(out[:0])
	return out
}

func (r *redaction) token(what string, value []byte) string {
	return tokenOf(what, r.sum(what, value))
}

func tokenOf(what string, h record.Hash) string {
	return "[" + what + " " + hex.EncodeToString(h[:])[:tokenDigits] + "]"
}

// isToken reports whether s has the form of a token of one of our own kinds.
func isToken(s string) bool { return tokenForm.MatchString(s) }

var tokenForm = regexp.MustCompile(`^\[[a-z]+ [0-9a-f]{12}\]$`)

// gather collects the values to be replaced, and which records are here.
func (r *redaction) gather(ctx context.Context, from Evidence, c *Contents) error {
	g := &gatherer{r: r, words: map[string]string{}}
	for _, rec := range c.Records {
		r.known[rec.ID] = true
		rewrite(rec.Record, g)
	}
	if len(r.fields) > 1 || !r.fields[Content] { // what a document holds is quoted by nobody
		var err error
		if r.elsewhere, err = g.gatherElsewhere(ctx, from, c); err != nil {
			return err
		}
	}
	r.words = newScrubber(g.words, g.exact)
	r.ours = r.words.inside()
	if !r.fields[Content] {
		r.knowDigests(c)
	}
	return nil
}

// knowDigests notes the digests that stay clear: of bytes that nobody holds, unless they are made of a redacted name.
func (r *redaction) knowDigests(c *Contents) {
	unknown := map[record.Hash]bool{} // digests made of a name that is redacted
	for _, rec := range c.Records {
		if s, ok := rec.Record.(*record.Source); ok && r.rewritten(Name, s.Name) {
			unknown[record.UnknownDigest(s.Name)] = true
		}
	}
	for _, a := range c.Absent {
		if a.ID.Kind == record.KindEvidence && a.Why == string(ask.NotHeld) && !unknown[a.ID.Hash] {
			r.known[a.ID] = true
		}
	}
}

func (r *redaction) rewritten(f Field, s string) bool { return r.text(f, s) != s }

// gatherer is a rewriter that changes nothing and notes what is to be replaced.
type gatherer struct {
	r     *redaction
	words map[string]string // value → token
	exact []string          // values that are replaced only as words of their own

	beyond     bool // for records that do not leave
	agentsOnly bool // for those of them that touch nothing that leaves
}

func (g *gatherer) text(f Field, s string) string {
	if s != "" && f != Content && g.r.fields[f] && (f == Agent || !g.agentsOnly) {
		g.note(s, func() string { return g.r.token(string(f), []byte(s)) })
	}
	return s
}

func (g *gatherer) value(o record.Object) record.Object {
	if !g.r.fields[Value] || g.agentsOnly || o.Type == record.NoValue || o.Type == record.Refers {
		return o
	}
	s := o.String()
	if s == "" {
		return o
	}
	if _, known := g.words[s]; o.Type != record.Text && !(known && g.beyond) { // a text that leaves stays one
		g.exact = append(g.exact, s)
	}
	g.note(s, func() string { return g.r.valueToken(o) })
	return o
}

// note keeps what a text was first, so that what is searched for elsewhere changes no token of what leaves.
func (g *gatherer) note(s string, token func() string) {
	if _, known := g.words[s]; !known {
		g.words[s] = token()
	}
}

func (g *gatherer) id(id record.ID) record.ID                         { return id }
func (g *gatherer) result(_ record.Object, h record.Hash) record.Hash { return h }
func (r *redaction) valueToken(o record.Object) string {
	return r.token(string(Value), o.AppendBinary(nil))
}

// spread finds the records that are withheld: those that change when they are rewritten, which those do that name one
// of them. Records mostly name older ones, so that one round in the order of the journal and one to see that nothing
// moves are enough.
func (r *redaction) spread(c *Contents) {
	for moved := true; moved; {
		moved = false
		for _, rec := range c.Records {
			if r.hidden[rec.ID] {
				continue
			}
			r.changed = false
			rewrite(rec.Record, r)
			if r.changed {
				r.hide(rec.ID)
				moved = true
			}
		}
	}
}

// quotedDigits is how many digits of a hash are enough to be taken for it in a text: as many as screens show.
const quotedDigits = 8

func (r *redaction) hide(id record.ID) {
	r.hidden[id] = true
	start := id.Hash.String()[:quotedDigits]
	r.quoted[start] = append(r.quoted[start], id)
}

// text is a rewriter's: the token of a redacted field, and other text without what is redacted.
func (r *redaction) text(f Field, s string) string {
	if s == "" {
		return s
	}
	out := s
	if f != freeText && r.fields[f] {
		out = r.token(string(f), []byte(s))
	} else {
		out = r.unquote(r.words.replace(s))
	}
	r.changed = r.changed || out != s
	return out
}

var hexRun = regexp.MustCompile(`(?i)(?:\b[a-z]_)?[0-9a-f]{8,}`)

// unquote replaces the ids of withheld records that a text quotes: in full anywhere, shortened as a word of its own.
func (r *redaction) unquote(s string) string {
	if len(r.quoted) == 0 {
		return s
	}
	return hexRun.ReplaceAllStringFunc(s, r.unquoteRun)
}

func (r *redaction) unquoteRun(run string) string {
	digits := strings.ToLower(run[strings.IndexByte(run, '_')+1:])
	for _, id := range r.quoted[digits[:quotedDigits]] {
		if strings.HasPrefix(id.Hash.String(), digits) {
			return r.nameOf(id)
		}
	}
	for i := 0; i+hashDigits <= len(digits); i++ {
		for _, id := range r.quoted[digits[i:i+quotedDigits]] {
			if digits[i:i+hashDigits] == id.Hash.String() {
				return run[:len(run)-len(digits)+i] + r.nameOf(id) + r.unquoteRest(digits[i+hashDigits:])
			}
		}
	}
	return run
}

// hashDigits is a hash in hex.
const hashDigits = 64

func (r *redaction) unquoteRest(digits string) string {
	if len(digits) < quotedDigits {
		return digits
	}
	return r.unquoteRun(digits)
}

func (r *redaction) value(o record.Object) record.Object {
	switch {
	case o.Type == record.NoValue:
		return o
	case r.fields[Value]:
		r.changed = true
		return record.TextObject(r.valueToken(o))
	case o.Type == record.Refers:
		return record.RefObject(r.id(o.Ref))
	case o.Type == record.Text:
		return record.TextObject(r.text(freeText, o.Text))
	}
	return o
}

// id is the id itself when its record is clear, else a stand-in: an id of the same kind whose hash is keyed, and that
// is written as a token.
func (r *redaction) id(id record.ID) record.ID {
	if id.IsZero() || r.known[id] && !r.hidden[id] {
		return id
	}
	r.changed = true
	return record.ID{Kind: id.Kind, Hash: r.standIn(id.Kind.String(), id.Hash)}
}

func (r *redaction) nameOf(id record.ID) string {
	return r.tokens[r.standIn(id.Kind.String(), id.Hash)]
}

// standIn makes the hash that stands for a hash, and remembers how it is written.
func (r *redaction) standIn(what string, h record.Hash) record.Hash {
	out := r.sum("hash of "+what, h[:])
	r.tokens[out] = tokenOf(what, out)
	return out
}

// result is clear only with its value: it can be guessed from it.
func (r *redaction) result(before record.Object, h record.Hash) record.Hash {
	if r.value(before) == before {
		return h
	}
	return r.standIn("result", h)
}

// redacted reports whether id is the stand-in of a withheld record.
func (c *Contents) redacted(id record.ID) bool {
	if c.veil == nil {
		return false
	}
	_, stand := c.veil.tokens[id.Hash]
	return stand
}

// RedactedFields lists the fields that were redacted, in the order of Fields.
func (c *Contents) RedactedFields() []string {
	names := []string{}
	for _, f := range Fields() {
		if c.veil != nil && c.veil.fields[f] {
			names = append(names, string(f))
		}
	}
	return names
}

// full is an id as exports write it: all of it, or its token.
func (c *Contents) full(id record.ID) string {
	if c.redacted(id) {
		return c.veil.tokens[id.Hash]
	}
	return id.String()
}

// short is an id as a page shows it.
func (c *Contents) short(id record.ID) string {
	if c.redacted(id) {
		return c.veil.tokens[id.Hash]
	}
	return id.Short()
}

// said is a text that may quote ids, with tokens where those are stand-ins, and clean.
func (c *Contents) said(s string) string {
	if c.veil != nil {
		s = fullForm.ReplaceAllStringFunc(s, c.standInName)
	}
	return record.Clean(s)
}

// part is a part of a verdict's line, which shows ids shortened.
func (c *Contents) part(p ask.Part) string {
	if c.redacted(p.ID) {
		return record.Clean(strings.Replace(p.Text, p.ID.Short(), c.short(p.ID), 1))
	}
	return c.said(p.Text)
}

// line is a line of a verdict without its label.
func (c *Contents) line(l ask.Line) string {
	parts := make([]string, len(l.Parts))
	for i, p := range l.Parts {
		parts[i] = c.part(p)
	}
	return strings.Join(parts, " ")
}

// json is a record's JSON with tokens where ids and hashes are stand-ins.
func (c *Contents) json(r record.Record) []byte {
	text := record.AppendJSON(nil, r)
	if c.veil == nil {
		return text
	}
	return fullForm.ReplaceAllFunc(text, func(b []byte) []byte { return []byte(c.standInName(string(b))) })
}

var fullForm = regexp.MustCompile(`(?:[a-z]_)?[0-9a-f]{64}`)

func (c *Contents) standInName(s string) string {
	h, err := record.ParseHash(s[strings.IndexByte(s, '_')+1:])
	if token, ok := c.veil.tokens[h]; ok && err == nil {
		return token
	}
	return s
}

// hashText is a hash alone, such as a result's.
func (c *Contents) hashText(h record.Hash) string {
	if c.veil != nil {
		if token, ok := c.veil.tokens[h]; ok {
			return token
		}
	}
	return h.String()
}
