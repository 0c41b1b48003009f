package record

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"
)

// lineDecoder reads the values of one line. It keeps the first fault; after it, every value reads as zero.
type lineDecoder struct {
	line    []byte
	start   int // of the object in the line
	names   *names
	top     jsonObject // the line's
	result  jsonObject // an audit's
	fault   *fault
	err     error // what Known gave: it ends the file, not the line
	scratch []byte
	records []Record
	own     string       // label of the line
	defined []definition // labels of this line, kept only when all of it is good
}

// begin turns to another line. The records of the line before are the caller's by now.
func (d *lineDecoder) begin(line []byte, start int) {
	d.line, d.start, d.fault, d.err = line, start, nil, nil
	d.records, d.own, d.defined = nil, "", d.defined[:0]
	d.top.shape, d.result.shape = nil, nil
}

// fail keeps the first fault: at the value of field i, or where the object ends when the field is not there.
func (d *lineDecoder) fail(o *jsonObject, i int, found, expected, hint string) {
	if d.fault != nil {
		return
	}
	at := o.slots[i].at
	if o.slots[i].end == 0 {
		at = o.close
	}
	d.fault = &fault{at: at, field: o.path(o.shape.names[i]), found: found, expected: expected, hint: hint}
}

// has reports whether field i is there to be read.
func (d *lineDecoder) has(o *jsonObject, i int) bool { return d.fault == nil && o.slots[i].end != 0 }

// given is has for a field that may be left out: null is as good as nothing.
func (d *lineDecoder) given(o *jsonObject, i int) bool {
	return d.has(o, i) && d.line[o.slots[i].at] != 'n'
}

// starts reports whether field i is there and its first byte is c, and fails when not.
func (d *lineDecoder) starts(o *jsonObject, i int, c byte, expected string) bool {
	if d.fault != nil {
		return false
	}
	if o.slots[i].end == 0 {
		d.fail(o, i, "nothing", expected, "")
		return false
	}
	if d.line[o.slots[i].at] != c {
		d.fail(o, i, describe(d.line[o.slots[i].at:o.slots[i].end]), expected, "")
		return false
	}
	return true
}

// describe names a value of the line for a message.
func describe(value []byte) string {
	switch value[0] {
	case '{':
		return "an object"
	case '[':
		return "a list"
	}
	return clip(string(value))
}

// content is the text of field i, valid until the next call. ok is false after a fault.
func (d *lineDecoder) content(o *jsonObject, i int, expected string) (text []byte, ok bool) {
	if !d.starts(o, i, '"', expected) {
		return nil, false
	}
	return d.unquote(o.slots[i].at, o.slots[i].end), true
}

// unquote is the text of the string at line[at:end], valid until the next call.
func (d *lineDecoder) unquote(at, end int) []byte {
	text := d.line[at+1 : end-1]
	if bytes.IndexByte(text, '\\') < 0 {
		return text
	}
	d.scratch = appendUnescaped(d.scratch[:0], text)
	return d.scratch
}

func (d *lineDecoder) text(o *jsonObject, i int) string {
	text, _ := d.content(o, i, "a text")
	return string(text)
}

func (d *lineDecoder) optionalText(o *jsonObject, i int) string {
	if !d.given(o, i) {
		return ""
	}
	return d.text(o, i)
}

func (d *lineDecoder) time(o *jsonObject, i int) Time {
	const expected = "a time such as 2024-01-15T21:03:47Z"
	text, ok := d.content(o, i, expected)
	if !ok {
		return 0
	}
	t, bad := parseTime(text)
	if bad != "" {
		d.fail(o, i, strconv.Quote(clip(string(text))), bad, "")
	}
	return t
}

func (d *lineDecoder) timeOr(o *jsonObject, i int, absent Time) Time {
	if !d.has(o, i) {
		return absent
	}
	return d.time(o, i)
}

// float reads a binary32 from low to 1. What is out of range in the line's own digits is refused, even where
// rounding would bring it in.
func (d *lineDecoder) float(o *jsonObject, i int, low float32) float32 {
	if d.fault != nil {
		return 0
	}
	expected := "a number from 0 to 1"
	if low < 0 {
		expected = "a number from -1 to 1"
	}
	literal, ok := d.number(o, i, expected)
	if !ok {
		return 0
	}
	exact, err := strconv.ParseFloat(literal, 64)
	if err != nil || exact < float64(low) || exact > 1 {
		d.fail(o, i, clip(literal), expected, "")
		return 0
	}
	v, _ := strconv.ParseFloat(literal, 32)
	if v == 0 && literal[0] == '-' {
		d.fail(o, i, clip(literal)+", which is -0", expected, "write 0")
	}
	return float32(v)
}

// number is the digits of field i as the line has them.
func (d *lineDecoder) number(o *jsonObject, i int, expected string) (literal string, ok bool) {
	if o.slots[i].end == 0 {
		d.fail(o, i, "nothing", expected, "")
		return "", false
	}
	value := d.line[o.slots[i].at:o.slots[i].end]
	if value[0] != '-' && !isDigit(value[0]) {
		d.fail(o, i, describe(value), expected, "")
		return "", false
	}
	return string(value), true
}

// count reads a whole number from 0 to 2^53.
func (d *lineDecoder) count(o *jsonObject, i int) uint64 {
	if d.fault != nil {
		return 0
	}
	const expected = "a whole number from 0 to 2^53"
	literal, ok := d.number(o, i, expected)
	if !ok {
		return 0
	}
	n, err := strconv.ParseUint(literal, 10, 64)
	if err != nil || n > maxInteger {
		d.fail(o, i, clip(literal), expected, "")
	}
	return n
}

// object reads an assertion's object or an answer's value; null is no value.
func (d *lineDecoder) object(o *jsonObject, i int) Object {
	if d.fault != nil {
		return Object{}
	}
	const expected = `a text, a number, true, false, or {"ref":ID}`
	if !d.has(o, i) {
		d.fail(o, i, "nothing", expected, "")
		return Object{}
	}
	value := d.line[o.slots[i].at:o.slots[i].end]
	switch value[0] {
	case '"':
		return TextObject(d.text(o, i))
	case 't', 'f':
		return BoolObject(value[0] == 't')
	case 'n':
		return Object{}
	case '{':
		var ref jsonObject
		if d.within(&ref, o, i, refShape) {
			return RefObject(d.id(&ref, 0, Kinds()...))
		}
	case '[':
		d.fail(o, i, "a list", expected, "write one assertion for each item")
	default:
		return NumberObject(d.numberObject(o, i, string(value)))
	}
	return Object{}
}

// numberObject is a binary64. A whole number that a binary64 can't hold exactly would be kept as another number.
func (d *lineDecoder) numberObject(o *jsonObject, i int, literal string) float64 {
	if !strings.ContainsAny(literal, ".eE") {
		if n, err := strconv.ParseInt(literal, 10, 64); err != nil || n < -maxInteger || n > maxInteger {
			d.fail(o, i, clip(literal), "a whole number from -2^53 to 2^53", "write it as a text")
			return 0
		}
	}
	v, err := strconv.ParseFloat(literal, 64)
	if err != nil {
		d.fail(o, i, clip(literal), "a number that a binary64 can hold", "write it as a text")
	}
	if v == 0 && literal[0] == '-' {
		d.fail(o, i, clip(literal)+", which is -0", "a number", "write 0")
	}
	return v
}

// enum reads a name in any case.
func (d *lineDecoder) enum(o *jsonObject, i int, e enum) uint8 {
	if !d.has(o, i) || d.line[o.slots[i].at] != '"' {
		d.starts(o, i, '"', e.expected())
		return 0
	}
	text := d.unquote(o.slots[i].at, o.slots[i].end)
	v := e.find(text)
	if v == 0 {
		d.fail(o, i, strconv.Quote(clip(string(text))), e.expected(), "")
	}
	return v
}

// within opens the object that field i holds.
func (d *lineDecoder) within(child, o *jsonObject, i int, sh *shape) bool {
	if !d.starts(o, i, '{', "an object") {
		return false
	}
	*child = jsonObject{shape: sh, parent: o, name: o.shape.names[i], index: -1, start: o.slots[i].at}
	_, d.fault = d.scanFields(child)
	return d.fault == nil
}

// items calls read with each item's place in the list of field i and its span in the line, until a fault.
func (d *lineDecoder) items(o *jsonObject, i, most int, expected string, read func(index, at, end int)) {
	if !d.starts(o, i, '[', expected) {
		return
	}
	s := scanner{d.line}
	at := s.space(o.slots[i].at + 1)
	if s.peek(at) == ']' {
		return
	}
	for index := 0; d.fault == nil; index++ {
		if index == most {
			d.fault = &fault{at: at, field: o.path(o.shape.names[i]), found: "more items", expected: fmt.Sprintf("at most %d", most)}
			return
		}
		end, _ := s.value(at, 1)
		read(index, at, end)
		next, done, _ := s.comma(end, ']')
		if done {
			return
		}
		at = next
	}
}

func (d *lineDecoder) ids(o *jsonObject, i int) []ID {
	if !d.given(o, i) {
		return nil
	}
	var list []ID
	d.items(o, i, MaxParents, "a list of ids", func(index, at, end int) {
		item := jsonObject{shape: itemShape, parent: o, name: o.shape.names[i], index: index}
		item.slots[0] = slot{at, at, end}
		list = append(list, d.id(&item, 0, KindAssertion, KindAudit))
	})
	return list
}

// itemShape is the shape of an item that is no object: one field without a name.
var itemShape = &shape{what: "an item", names: []string{""}}

// labels reads {"env":"prod"} and sorts by name.
func (d *lineDecoder) labels(o *jsonObject, i int) []Label {
	if !d.given(o, i) || !d.starts(o, i, '{', "an object of texts") {
		return nil
	}
	s := scanner{d.line}
	at := s.space(o.slots[i].at + 1)
	if s.peek(at) == '}' {
		return nil
	}
	var list []Label
	for {
		key, value, _ := s.key(at)
		end, _ := s.value(value, 1)
		list = append(list, d.label(o, i, list, slot{at, value, end}, key))
		next, done, _ := s.comma(end, '}')
		if d.fault != nil || done {
			break
		}
		at = next
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Name < list[j].Name })
	return list
}

func (d *lineDecoder) label(o *jsonObject, i int, before []Label, at slot, key []byte) Label {
	name := string(appendUnescaped(nil, key))
	item := jsonObject{shape: itemShape, parent: o, name: o.shape.names[i] + "." + clip(name), index: -1}
	item.slots[0] = at
	fail := func(at int, found, expected string) {
		d.fault = &fault{at: at, field: item.path(""), found: found, expected: expected}
	}
	switch {
	case len(before) == MaxLabels:
		fail(at.key, "one label more", fmt.Sprintf("at most %d", MaxLabels))
	case name == "":
		fail(at.key, "a label without a name", "a name")
	case len(name) > MaxStringBytes:
		fail(at.key, fmt.Sprintf("a name of %d bytes", len(name)), fmt.Sprintf("at most %d", MaxStringBytes))
	}
	for _, l := range before {
		if l.Name == name {
			fail(at.key, "the label a second time", "each label once")
		}
	}
	value := d.text(&item, 0)
	if d.fault == nil && len(value) > MaxStringBytes {
		fail(at.at, fmt.Sprintf("%d bytes", len(value)), fmt.Sprintf("at most %d", MaxStringBytes))
	}
	return Label{name, value}
}

// document reads the bytes that come along as content or content_base64; ok is false when there are none.
func (d *lineDecoder) document(o *jsonObject, asText, asBase64 int) (document Evidence, ok bool) {
	field := asText
	switch text, base := d.given(o, asText), d.given(o, asBase64); {
	case text && base:
		d.fail(o, asBase64, "content as well", "content or content_base64, not both", "")
	case text:
		content, _ := d.content(o, asText, "a text")
		document = append(Evidence{}, content...)
	case base:
		document, field = d.base64(o, asBase64), asBase64
	default:
		return nil, false
	}
	if len(document) > MaxEvidenceBytes {
		d.fail(o, field, fmt.Sprintf("a document of %d bytes", len(document)), fmt.Sprintf("at most %d", MaxEvidenceBytes),
			"keep the part that matters, or its digest and a uri")
	}
	return document, d.fault == nil
}

func (d *lineDecoder) base64(o *jsonObject, i int) Evidence {
	const expected = "base64 of RFC 4648 with padding, without line breaks"
	text, ok := d.content(o, i, expected)
	if !ok {
		return nil
	}
	if bytes.ContainsAny(text, "\r\n") { // the decoder reads over them
		d.fail(o, i, "a line break", expected, "")
		return nil
	}
	document := make(Evidence, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Strict().Decode(document, text)
	if err != nil {
		d.fail(o, i, err.Error(), expected, "")
	}
	return document[:n:n]
}

// halfLife reads lens_params. The default and its absence are the same question.
func (d *lineDecoder) halfLife(o *jsonObject, i int, lens string) time.Duration {
	var params jsonObject
	if !d.given(o, i) || !d.within(&params, o, i, lensParamsShape) || !d.given(&params, 0) {
		return 0
	}
	const expected = "a half-life such as 36h, from 1s to 87600h"
	text, ok := d.content(&params, 0, expected)
	if !ok {
		return 0
	}
	half, err := ParseHalfLife(string(text))
	if err != nil {
		d.fail(&params, 0, strconv.Quote(clip(string(text))), expected, "")
	}
	if lens != lensRecency {
		d.fail(&params, 0, "a half-life", "none: only the lens recency has one", `write "lens":"recency" or leave lens_params out`)
	}
	if half == DefaultHalfLife {
		return 0
	}
	return half
}

// filter reads lifecycle_filter; null is no filter.
func (d *lineDecoder) filter(o *jsonObject, i int) Stage {
	if !d.given(o, i) {
		return 0
	}
	return Stage(d.enum(o, i, stageNames))
}
