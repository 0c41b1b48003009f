package record

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"
)

// ErrTooNew is what a payload gets that a later version wrote: its bytes may be sound, this program can't say.
var ErrTooNew = errors.New("written by a newer version of episteme; upgrade to read it")

// LayoutError says where a payload departs from the canonical encoding.
type LayoutError struct {
	Kind     Kind
	Field    string // empty: the payload as a whole
	Offset   int    // bytes from the start of the payload
	Found    string
	Expected string
}

func (e *LayoutError) Error() string {
	what := e.Kind.String()
	if e.Field != "" {
		what += ": " + e.Field
	}
	return fmt.Sprintf("%s at byte %d: found %s, expected %s", what, e.Offset, e.Found, e.Expected)
}

// Raw is a payload whose layout has been checked: accessors read from its bytes without copying. What Raw returns
// as []byte aliases the payload and is valid as long as it is. Evidence has no Raw.
type Raw struct {
	kind Kind
	buf  []byte
	at   [maxFields]uint32 // offset of field i's bytes; 0: absent
}

// Parse checks the layout of payload: version, bitmap, bounds, padding, UTF-8, the form of lists. It allocates
// nothing. Ranges of values are checked by Decode. Errors are ErrTooNew and *LayoutError.
func Parse(kind Kind, payload []byte) (Raw, error) {
	p := parser{Raw: Raw{kind: kind, buf: payload}}
	if err := p.header(); err != nil {
		return Raw{}, err
	}
	table := tables[kind]
	for i, f := range table {
		if f.typ.size() == 0 {
			continue
		}
		if err := p.fixed(i, f); err != nil {
			return Raw{}, err
		}
	}
	for i, f := range table {
		if f.typ.size() != 0 {
			continue
		}
		if err := p.variable(i, f); err != nil {
			return Raw{}, err
		}
	}
	if p.pos != len(payload) {
		return Raw{}, p.wrong("", p.pos, fmt.Sprintf("%d bytes behind the last field", len(payload)-p.pos), "the end")
	}
	return p.Raw, nil
}

type parser struct {
	Raw
	pos int
}

func (p *parser) wrong(field string, offset int, found, expected string) error {
	return &LayoutError{p.kind, field, offset, found, expected}
}

func (p *parser) header() error {
	if !p.kind.Valid() {
		return fmt.Errorf("record of %s: %w", p.kind, ErrTooNew)
	}
	if p.kind == KindEvidence {
		return p.wrong("", 0, "evidence", "a record with fields; evidence is its bytes")
	}
	if len(p.buf) > MaxPayloadBytes {
		return p.wrong("", 0, fmt.Sprintf("%d bytes", len(p.buf)), fmt.Sprintf("at most %d", MaxPayloadBytes))
	}
	if len(p.buf) < headerBytes {
		return p.wrong("", 0, fmt.Sprintf("%d bytes", len(p.buf)), "a header of 8")
	}
	if p.buf[0] != byte(p.kind) {
		return p.wrong("", 0, fmt.Sprintf("kind %d", p.buf[0]), fmt.Sprintf("kind %d", byte(p.kind)))
	}
	if p.buf[1] > version {
		return fmt.Errorf("%s of version %d: %w", p.kind, p.buf[1], ErrTooNew)
	}
	if p.buf[1] != version {
		return p.wrong("", 1, fmt.Sprintf("version %d", p.buf[1]), "version 1")
	}
	table := tables[p.kind]
	if present := p.presence(); present>>len(table) != 0 {
		return fmt.Errorf("%s with a field that this version does not know: %w", p.kind, ErrTooNew)
	}
	for i, f := range table {
		if !f.optional && !p.present(i) {
			return p.wrong(f.name, 2+i/8, "nothing", "a field that every "+p.kind.String()+" has")
		}
	}
	p.pos = headerBytes
	return nil
}

func (p *parser) presence() uint64 { return binary.LittleEndian.Uint64(p.buf) >> 16 }

func (p *parser) present(i int) bool { return p.presence()>>i&1 == 1 }

func (p *parser) fixed(i int, f field) error {
	if !p.present(i) {
		return nil
	}
	n := f.typ.size()
	if len(p.buf)-p.pos < n {
		return p.wrong(f.name, p.pos, fmt.Sprintf("%d bytes left", len(p.buf)-p.pos), fmt.Sprintf("%d", n))
	}
	slot := p.buf[p.pos : p.pos+n]
	used := n
	switch f.typ {
	case fixedU8:
		used = 1
	case fixedF32:
		used = 4
	}
	for j := used; j < n; j++ {
		if slot[j] != 0 {
			return p.wrong(f.name, p.pos+j, fmt.Sprintf("padding %#02x", slot[j]), "zero")
		}
	}
	if f.optional && !f.zero && isZero(slot) {
		return p.wrong(f.name, p.pos, "a zero", "an absent field")
	}
	p.at[i] = uint32(p.pos)
	p.pos += n
	return nil
}

func isZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

func (p *parser) variable(i int, f field) error {
	if !p.present(i) {
		return nil
	}
	if len(p.buf)-p.pos < 4 {
		return p.wrong(f.name, p.pos, fmt.Sprintf("%d bytes left", len(p.buf)-p.pos), "a length of 4")
	}
	n := uint64(binary.LittleEndian.Uint32(p.buf[p.pos:]))
	if n > uint64(len(p.buf)-p.pos-4) {
		return p.wrong(f.name, p.pos, fmt.Sprintf("length %d with %d bytes left", n, len(p.buf)-p.pos-4), "a length within the payload")
	}
	if n == 0 {
		return p.wrong(f.name, p.pos, "an empty field", "an absent one")
	}
	p.at[i] = uint32(p.pos)
	start := p.pos + 4
	p.pos = start + int(n)
	return p.content(f, start, p.buf[start:p.pos])
}

func (p *parser) content(f field, start int, b []byte) error {
	switch f.typ {
	case text:
		return p.utf8(f.name, start, b)
	case object:
		return p.object(f.name, start, b)
	case ids:
		return p.items(f.name, start, b, idBytes, MaxParents)
	case labels:
		return p.labelList(f.name, start, b)
	default:
		if err := p.items(f.name, start, b, shareBytes, MaxContributions); err != nil {
			return err
		}
		for at := 0; at < len(b); at += shareBytes {
			if b[at+69]|b[at+70]|b[at+71] != 0 {
				return p.wrong(f.name, start+at+69, "padding that is not zero", "zero")
			}
		}
		return nil
	}
}

func (p *parser) utf8(name string, start int, b []byte) error {
	if !utf8.Valid(b) {
		return p.wrong(name, start, "bytes that are not UTF-8", "UTF-8 text")
	}
	return nil
}

func (p *parser) items(name string, start int, b []byte, itemBytes, most int) error {
	if len(b)%itemBytes != 0 || len(b)/itemBytes > most {
		return p.wrong(name, start, fmt.Sprintf("%d bytes", len(b)), fmt.Sprintf("1 to %d items of %d", most, itemBytes))
	}
	return nil
}

func (p *parser) object(name string, start int, b []byte) error {
	rest := len(b) - 1
	ok := false
	switch ObjectType(b[0]) {
	case Text:
		return p.utf8(name, start+1, b[1:])
	case Number:
		ok = rest == 8
	case Bool:
		ok = rest == 1 && b[1] <= 1
	case Refers:
		ok = rest == idBytes
	}
	if !ok {
		return p.wrong(name, start, fmt.Sprintf("type %d with %d bytes", b[0], rest), "a text, number, boolean or reference in its length")
	}
	return nil
}

func (p *parser) labelList(name string, start int, b []byte) error {
	for at, count := 0, 0; at < len(b); count++ {
		if count == MaxLabels {
			return p.wrong(name, start+at, "more labels", fmt.Sprintf("at most %d", MaxLabels))
		}
		for range 2 {
			if len(b)-at < 4 || uint64(binary.LittleEndian.Uint32(b[at:])) > uint64(len(b)-at-4) {
				return p.wrong(name, start+at, "a length beyond the field", "a name and a value")
			}
			n := int(binary.LittleEndian.Uint32(b[at:]))
			if err := p.utf8(name, start+at+4, b[at+4:at+4+n]); err != nil {
				return err
			}
			at += 4 + n
		}
	}
	return nil
}

// The accessors below take a field's number; an absent field reads as the zero value.

func (r Raw) u8(i int) uint8 {
	if r.at[i] == 0 {
		return 0
	}
	return r.buf[r.at[i]]
}

func (r Raw) u64(i int) uint64 {
	if r.at[i] == 0 {
		return 0
	}
	return binary.LittleEndian.Uint64(r.buf[r.at[i]:])
}

func (r Raw) f32(i int) float32 { return math.Float32frombits(uint32(r.u64(i))) }

func (r Raw) time(i int) Time { return Time(r.u64(i)) }

func (r Raw) hash(i int) (h Hash) {
	if r.at[i] != 0 {
		copy(h[:], r.buf[r.at[i]:])
	}
	return h
}

func (r Raw) logID(i int) (l LogID) {
	if r.at[i] != 0 {
		copy(l[:], r.buf[r.at[i]:])
	}
	return l
}

func (r Raw) bytes(i int) []byte {
	if r.at[i] == 0 {
		return nil
	}
	start := int(r.at[i]) + 4
	end := start + int(binary.LittleEndian.Uint32(r.buf[r.at[i]:]))
	return r.buf[start:end:end]
}

func (r Raw) text(i int) string { return string(r.bytes(i)) }

// readObject reads what parser.object has checked; no bytes are no value.
func readObject(b []byte) Object {
	if len(b) == 0 {
		return Object{}
	}
	switch ObjectType(b[0]) {
	case Text:
		return TextObject(string(b[1:]))
	case Number:
		return NumberObject(math.Float64frombits(binary.LittleEndian.Uint64(b[1:])))
	case Bool:
		return BoolObject(b[1] == 1)
	default:
		return RefObject(readID(b[1:]))
	}
}

func readID(b []byte) ID { return ID{Kind(b[0]), Hash(b[1:idBytes])} }

func readIDs(b []byte) []ID {
	if len(b) == 0 {
		return nil
	}
	list := make([]ID, 0, len(b)/idBytes)
	for ; len(b) > 0; b = b[idBytes:] {
		list = append(list, readID(b))
	}
	return list
}

func readLabels(b []byte) []Label {
	var list []Label
	next := func() string {
		n := int(binary.LittleEndian.Uint32(b))
		s := string(b[4 : 4+n])
		b = b[4+n:]
		return s
	}
	for len(b) > 0 {
		name := next()
		list = append(list, Label{name, next()})
	}
	return list
}

func readContributions(b []byte) []Contribution {
	if len(b) == 0 {
		return nil
	}
	list := make([]Contribution, 0, len(b)/shareBytes)
	for ; len(b) > 0; b = b[shareBytes:] {
		list = append(list, Contribution{
			Assertion: Hash(b[0:32]),
			Source:    Hash(b[32:64]),
			Weight:    math.Float32frombits(binary.LittleEndian.Uint32(b[64:])),
			Lifecycle: Stage(b[68]),
		})
	}
	return list
}

// AuditColumns are the fields of an audit that lists are filtered by, in place.
type AuditColumns struct{ Agent, Subject, Predicate []byte }

// ReadAuditColumns reads them from an audit's payload without copying or decoding the rest.
func ReadAuditColumns(payload []byte) (AuditColumns, error) {
	r, err := Parse(KindAudit, payload)
	if err != nil {
		return AuditColumns{}, err
	}
	return AuditColumns{r.bytes(auditAgentID), r.bytes(auditSubject), r.bytes(auditPredicate)}, nil
}
