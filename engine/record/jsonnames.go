package record

import (
	"fmt"
	"strconv"
	"strings"
)

// Known answers what a file can't: which bytes an older source spoke of.
type Known interface {
	// SourceDigest is the digest that the source with that hash describes; ok is false when there is no such
	// source. An error ends the reading of the file.
	SourceDigest(source Hash) (digest Hash, ok bool, err error)
}

// MaxFileLabels is how many labels a file can define. Each stays in memory, with some 100 bytes beside its text.
const MaxFileLabels = 1_000_000

// names holds what the lines above have defined.
type names struct {
	known   Known // may be nil
	labels  map[string]label
	refused map[string]int // lines of labels that were not defined, for messages; the first refusedMax
	sources map[Hash]Hash  // digests of the file's own sources, which the store need not have yet
	payload []byte
}

// refusedMax is how many labels of refused lines are remembered: nobody mends more by hand.
const refusedMax = 10_000

// label is what a label stands for. A query that has not been asked has no id yet.
type label struct {
	id    ID
	line  uint32
	query bool
}

// definition is a label that the line being read defines.
type definition struct {
	name   string // may be empty for a source, which can be named by its id too
	id     ID
	digest Hash // of a source
	query  bool
}

func newNames(known Known) *names {
	return &names{known: known, labels: map[string]label{}, refused: map[string]int{}, sources: map[Hash]Hash{}}
}

// define takes over what a good line has defined.
func (n *names) define(line int, list []definition) {
	for _, d := range list {
		if d.name != "" {
			n.labels[d.name] = label{d.id, uint32(line), d.query}
			delete(n.refused, d.name)
		}
		if d.id.Kind == KindSource && (d.name != "" || len(n.sources) < MaxFileLabels) {
			n.sources[d.id.Hash] = d.digest
		}
	}
}

// refuse remembers that the label's line was refused.
func (n *names) refuse(line int, name string) {
	if len(n.refused) < refusedMax {
		n.refused[name] = line
	}
}

// idOf checks r and computes its id.
func (n *names) idOf(r Record) (ID, error) {
	payload, err := Encode(n.payload[:0], r)
	n.payload = payload
	if err != nil {
		return ID{}, err
	}
	return ID{r.Kind(), Sum(payload)}, nil
}

// ownLabel reads the id of a line or of a source in place, "" when it has none.
func (d *lineDecoder) ownLabel(o *jsonObject) string {
	if !d.given(o, fieldID) {
		return ""
	}
	const expected = "a label: 1 to 512 bytes, without @ at its start"
	name := d.text(o, fieldID)
	old, there := d.names.labels[name]
	before := min(len(d.own), 1) // labels that this line has defined so far
	switch {
	case d.fault != nil:
	case name == "":
		d.fail(o, fieldID, "an empty text", expected, "leave id out when no line names this one")
	case name[0] == '@':
		d.fail(o, fieldID, strconv.Quote(clip(name)), expected, "@ stands where a label is used")
	case len(name) > MaxNameBytes:
		d.fail(o, fieldID, fmt.Sprintf("%d bytes", len(name)), expected, "")
	case there:
		d.fail(o, fieldID, fmt.Sprintf("%q, which line %d defines", clip(name), old.line), "a new label", "")
	case name == d.own:
		d.fail(o, fieldID, fmt.Sprintf("%q, which is the label of the line", clip(name)), "a new label", "")
	case len(d.names.labels)+before >= MaxFileLabels:
		d.fail(o, fieldID, "one label more", fmt.Sprintf("at most %d in a file", MaxFileLabels), "split the file, or name records by their ids")
	}
	return name
}

// id reads field i as a label or an id in full, of one of the kinds.
func (d *lineDecoder) id(o *jsonObject, i int, kinds ...Kind) ID {
	if !d.has(o, i) || d.line[o.slots[i].at] != '"' {
		d.starts(o, i, '"', expectedID(kinds))
		return ID{}
	}
	id := d.anyID(o, i, kinds)
	if d.fault != nil {
		return ID{}
	}
	for _, kind := range kinds {
		if id.Kind == kind {
			return id
		}
	}
	d.fail(o, i, "the id of "+one(id.Kind), expectedID(kinds), "")
	return ID{}
}

func (d *lineDecoder) anyID(o *jsonObject, i int, kinds []Kind) ID {
	text := d.unquote(o.slots[i].at, o.slots[i].end)
	if len(text) > 0 && text[0] == '@' {
		return d.lookUp(o, i, text)
	}
	return d.parseID(o, i, text, kinds)
}

// lookUp is what a label stands for; text begins with its @.
func (d *lineDecoder) lookUp(o *jsonObject, i int, text []byte) ID {
	l, there := d.names.labels[string(text[1:])]
	if !l.id.IsZero() {
		return l.id
	}
	hint := "a label is defined above its use"
	if there {
		hint = fmt.Sprintf("the query of line %d has no answer that could be named", l.line)
	} else if line, refused := d.names.refused[string(text[1:])]; refused {
		hint = fmt.Sprintf("line %d, which defines it, was refused", line)
	}
	d.fail(o, i, strconv.Quote(clip(string(text))), "a label that a line above defines", hint)
	return ID{}
}

func (d *lineDecoder) parseID(o *jsonObject, i int, text []byte, kinds []Kind) ID {
	id, err := ParseID(string(text))
	if err == nil && !id.Hash.IsZero() {
		return id
	}
	hint := ""
	if _, there := d.names.labels[string(text)]; there {
		hint = "to name the label write @ before it"
	} else if _, err := ParsePrefix(string(text)); err == nil {
		hint = "a file carries the letter, the underscore and all 64 digits in lower case"
	}
	d.fail(o, i, strconv.Quote(clip(string(text))), expectedID(kinds), hint)
	return ID{}
}

// expectedID says for messages which ids would do.
func expectedID(kinds []Kind) string {
	if len(kinds) == len(Kinds()) {
		return "an id in full or a label"
	}
	s := "the id in full or the label of "
	for i, kind := range kinds {
		if i > 0 {
			s += " or "
		}
		s += one(kind) + " (" + string(kind.Letter()) + "_)"
	}
	return s
}

// one is the kind's name as a sentence has it.
func one(kind Kind) string {
	if kind == KindEvidence {
		return "evidence"
	}
	return withArticle(kind.String())
}

func withArticle(noun string) string {
	if strings.IndexByte("aeiou", noun[0]) >= 0 {
		return "an " + noun
	}
	return "a " + noun
}
