package record

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
)

// ObjectType says which of an Object's fields counts. The values are byte 0 of an object's canonical encoding.
type ObjectType uint8

const (
	NoValue ObjectType = 0 // an answer without a value; never the object of an assertion
	Text    ObjectType = 1
	Number  ObjectType = 2
	Bool    ObjectType = 3
	Refers  ObjectType = 4
)

// Object is what an assertion claims and an answer holds: a text, a number, a boolean, a reference, or no value.
// Objects are comparable: two are the same value exactly when they are ==.
//
//	no value   00
//	text       01 | UTF-8 bytes
//	number     02 | binary64
//	boolean    03 | 00 or 01
//	reference  04 | kind | 32-byte hash
type Object struct {
	Type   ObjectType
	Text   string  // Text
	Number float64 // Number: finite, never -0
	Bool   bool    // Bool
	Ref    ID      // Refers
}

// TextObject, NumberObject, BoolObject and RefObject build an Object of each type.
func TextObject(s string) Object    { return Object{Type: Text, Text: s} }
func NumberObject(f float64) Object { return Object{Type: Number, Number: f} }
func BoolObject(b bool) Object      { return Object{Type: Bool, Bool: b} }
func RefObject(id ID) Object        { return Object{Type: Refers, Ref: id} }

// ReadObject reads what AppendBinary wrote of a value, all of b. The error is a *LayoutError.
func ReadObject(b []byte) (Object, error) {
	bad := func(found, expected string) (Object, error) {
		return Object{}, &LayoutError{Kind: KindAssertion, Field: "object", Found: found, Expected: expected}
	}
	if len(b) == 0 {
		return bad("no bytes", "a type byte and a value")
	}
	var size int
	switch ObjectType(b[0]) {
	case Text:
		return readObject(b), nil
	case Number:
		size = 8
	case Bool:
		size = 1
	case Refers:
		size = idBytes
	default:
		return bad(fmt.Sprintf("type %d", b[0]), "a type from 1 to 4")
	}
	if len(b) != 1+size {
		return bad(fmt.Sprintf("%d bytes of type %d", len(b), b[0]), fmt.Sprintf("%d", 1+size))
	}
	return readObject(b), nil
}

// AppendBinary appends the canonical encoding to dst.
func (o Object) AppendBinary(dst []byte) []byte {
	dst = append(dst, byte(o.Type))
	switch o.Type {
	case Text:
		return append(dst, o.Text...)
	case Number:
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(o.Number))
	case Bool:
		if o.Bool {
			return append(dst, 1)
		}
		return append(dst, 0)
	case Refers:
		return append(append(dst, byte(o.Ref.Kind)), o.Ref.Hash[:]...)
	}
	return dst
}

// Hash is BLAKE3-256 of the canonical encoding; no value has one too.
func (o Object) Hash() Hash { return Sum(o.AppendBinary(nil)) }

// String is the object as a person reads it: text bare, a number in its shortest form, true or false, an id in
// full, "—" for no value.
func (o Object) String() string {
	switch o.Type {
	case Text:
		return o.Text
	case Number:
		return formatNumber(o.Number)
	case Bool:
		return strconv.FormatBool(o.Bool)
	case Refers:
		return o.Ref.String()
	}
	return "—"
}

// MarshalJSON writes a string, number, boolean, {"ref":ID}, or null for no value.
func (o Object) MarshalJSON() ([]byte, error) { return o.appendJSON(nil), nil }

func (o Object) appendJSON(dst []byte) []byte {
	switch o.Type {
	case Text:
		return AppendText(dst, o.Text)
	case Number:
		return append(dst, formatNumber(o.Number)...)
	case Bool:
		return strconv.AppendBool(dst, o.Bool)
	case Refers:
		return append(append(append(dst, `{"ref":"`...), o.Ref.String()...), `"}`...)
	}
	return append(dst, "null"...)
}

// formatNumber writes the shortest decimal that reads back as f. From 2^53 on it always has an exponent, because a
// bare integer beyond ±2^53 is refused on input.
func formatNumber(f float64) string {
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a > maxInteger) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

// maxInteger is the greatest integer up to which every integer is a binary64.
const maxInteger = 1 << 53
