package api

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"

	"episteme/engine/record"
)

// wireReader reads what a wireWriter wrote, value by value. For one goroutine. Values keep in as long as they are kept:
// their texts are parts of it.
type wireReader struct {
	in     string // what is left
	shapes []*shape
	depth  int // of structs that are being read; an error ends the reading, so it leaves it as it is
}

// Bounds of what is read, against a peer that is none of ours; texts and lists are bounded by the bytes that came.
const (
	wireDepth  = 64  // structs in structs; ours have 6
	wireFields = 256 // of a struct; ours have 25
	wireLetter = 16  // letters of a form; ours have 3
	wireShapes = 256 // of a message; ours have 10
)

// shape is what the writer's struct has, and where its fields are in the reader's.
type shape struct {
	names, letters []string
	into           *form // the reader's struct that targets is of; nil: none yet
	targets        []int // place in into.fields of each field; -1: it has no such field
}

// read reads the next value into the one that into points to.
func (r *wireReader) read(into any) error {
	v := reflect.ValueOf(into).Elem()
	f, err := formOfType(v.Type())
	if err == nil {
		err = r.value(f, v)
	}
	if err != nil {
		return fmt.Errorf("read a %s from the wire: %w", v.Type(), err)
	}
	return nil
}

// decodeWire reads a message of one value.
func decodeWire(in string, into any) error {
	r := wireReader{in: in}
	err := r.read(into)
	if err == nil && r.in != "" {
		err = fmt.Errorf("read a %T from the wire: found %d bytes more behind it", into, len(r.in))
	}
	return err
}

func (r *wireReader) uint() (uint64, error) {
	var n uint64
	for i := 0; i < len(r.in) && i < binary.MaxVarintLen64; i++ {
		b := r.in[i]
		if i == binary.MaxVarintLen64-1 && b > 1 {
			break
		}
		n |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			r.in = r.in[i+1:]
			return n, nil
		}
	}
	if len(r.in) < binary.MaxVarintLen64 {
		return 0, io.ErrUnexpectedEOF
	}
	return 0, errors.New("found a number of more than 64 bits")
}

// take is the next n bytes.
func (r *wireReader) take(n uint64) (string, error) {
	if n > uint64(len(r.in)) {
		return "", io.ErrUnexpectedEOF
	}
	s := r.in[:n]
	r.in = r.in[n:]
	return s, nil
}

func (r *wireReader) text() (string, error) {
	n, err := r.uint()
	if err != nil {
		return "", err
	}
	return r.take(n)
}

// count is how many items follow: each takes a byte at least. ok is false for nil.
func (r *wireReader) count() (n int, ok bool, err error) {
	got, err := r.uint()
	switch {
	case err != nil || got == 0:
		return 0, false, err
	case got-1 > uint64(len(r.in)):
		return 0, false, io.ErrUnexpectedEOF
	}
	return int(got - 1), true, nil
}

func (r *wireReader) value(f *form, v reflect.Value) error {
	switch f.kind {
	case 's':
		s, err := r.text()
		v.SetString(s)
		return err
	case 'S':
		return r.structInto(f, v)
	case 'd':
		b, err := r.take(uint64(idBytes))
		if err == nil {
			at := v.Addr().Interface().(*record.ID)
			at.Kind = record.Kind(b[0])
			copy(at.Hash[:], b[1:])
		}
		return err
	case 'h':
		return r.bytesInto(v)
	case 't', 'i', 'u':
		n, err := r.uint()
		if err != nil {
			return err
		}
		return setNumber(f.kind, n, v)
	case 'f', 'g':
		return r.float(f.kind, v)
	case 'a':
		return r.array(f, v)
	case 'r':
		return r.record(v)
	case 'p':
		some, err := r.some()
		if err != nil || !some {
			return err
		}
		v.Set(reflect.New(v.Type().Elem()))
		return r.value(f.elem, v.Elem())
	}
	return r.nilable(f, v)
}

// some reports whether a pointer is one.
func (r *wireReader) some() (bool, error) {
	n, err := r.uint()
	if err == nil && n > 1 {
		err = fmt.Errorf("found %d, expected 0 or 1 before what a pointer points to", n)
	}
	return n == 1, err
}

func setNumber(kind byte, n uint64, v reflect.Value) error {
	signed := int64(n>>1) ^ -int64(n&1)
	switch {
	case kind == 't' && n <= 1:
		v.SetBool(n == 1)
	case kind == 'i' && !v.OverflowInt(signed):
		v.SetInt(signed)
	case kind == 'u' && !v.OverflowUint(n):
		v.SetUint(n)
	default:
		return fmt.Errorf("found %d, which is no %s", n, v.Type())
	}
	return nil
}

func (r *wireReader) float(kind byte, v reflect.Value) error {
	bytes := uint64(8)
	if kind == 'g' {
		bytes = 4
	}
	s, err := r.take(bytes)
	if err != nil {
		return err
	}
	var bits uint64
	for i := range len(s) {
		bits |= uint64(s[i]) << (8 * i)
	}
	if kind == 'g' {
		v.SetFloat(float64(math.Float32frombits(uint32(bits))))
	} else {
		v.SetFloat(math.Float64frombits(bits))
	}
	return nil
}

func (r *wireReader) bytesInto(v reflect.Value) error {
	s, err := r.text()
	if err != nil {
		return err
	}
	if len(s) != v.Len() {
		return fmt.Errorf("found %d bytes, expected the %d of a %s", len(s), v.Len(), v.Type())
	}
	copy(v.Bytes(), s)
	return nil
}

func (r *wireReader) array(f *form, v reflect.Value) error {
	n, err := r.uint()
	if err != nil {
		return err
	}
	if n != uint64(v.Len()) {
		return fmt.Errorf("found %d items, expected the %d of a %s", n, v.Len(), v.Type())
	}
	for i := range v.Len() {
		if err := r.value(f.elem, v.Index(i)); err != nil {
			return err
		}
	}
	return nil
}

func (r *wireReader) nilable(f *form, v reflect.Value) error {
	n, ok, err := r.count()
	if err != nil || !ok {
		return err
	}
	switch f.kind {
	case 'b':
		s, err := r.take(uint64(n))
		v.SetBytes([]byte(s))
		return err
	case 'l':
		return r.list(f, n, v)
	}
	return r.mapInto(f, n, v)
}

// listAhead is for how many items room is made before they came.
const listAhead = 1024

func (r *wireReader) list(f *form, n int, v reflect.Value) error {
	v.Set(reflect.MakeSlice(v.Type(), 0, min(n, listAhead)))
	for i := range n {
		if i == v.Cap() {
			v.Grow(min(n-i, i))
		}
		v.SetLen(i + 1)
		if err := r.value(f.elem, v.Index(i)); err != nil {
			return err
		}
	}
	return nil
}

func (r *wireReader) mapInto(f *form, n int, v reflect.Value) error {
	if at, ok := v.Addr().Interface().(*map[string]string); ok {
		return r.texts(n, at)
	}
	t := v.Type()
	m := reflect.MakeMapWithSize(t, min(n, listAhead))
	v.Set(m)
	key, item := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
	for range n {
		name, err := r.text()
		if err != nil {
			return err
		}
		key.SetString(name)
		item.SetZero()
		if err := r.value(f.elem, item); err != nil {
			return fmt.Errorf("%s: %w", clip(name), err)
		}
		m.SetMapIndex(key, item)
	}
	return nil
}

// texts reads what nearly every map is, without reflection.
func (r *wireReader) texts(n int, into *map[string]string) error {
	m := make(map[string]string, min(n, listAhead))
	*into = m
	for range n {
		key, err := r.text()
		if err != nil {
			return err
		}
		if m[key], err = r.text(); err != nil {
			return err
		}
	}
	return nil
}

func (r *wireReader) record(v reflect.Value) error {
	kind, payload, err := r.recordBytes()
	if err != nil || kind == 0 {
		return err
	}
	held, err := record.Decode(record.Kind(kind), []byte(payload))
	if err != nil {
		return err
	}
	v.Set(reflect.ValueOf(held))
	return nil
}

func (r *wireReader) recordBytes() (kind uint64, payload string, err error) {
	if kind, err = r.uint(); err != nil || kind == 0 {
		return 0, "", err
	}
	if kind > math.MaxUint8 {
		return 0, "", fmt.Errorf("found the kind %d, expected one of a record", kind)
	}
	n, _, err := r.count()
	if err != nil {
		return 0, "", err
	}
	payload, err = r.take(uint64(n))
	return kind, payload, err
}

// structInto reads a struct: what the reader's has not is passed over.
func (r *wireReader) structInto(f *form, v reflect.Value) error {
	s, bits, err := r.begin()
	if err != nil {
		return err
	}
	if err := s.meet(f, v.Type()); err != nil {
		return err
	}
	for i := range s.names {
		if bits[i/8]&(1<<(i%8)) == 0 {
			continue
		}
		target := s.targets[i]
		if target < 0 {
			err = r.skip(s.letters[i])
		} else {
			field := &f.fields[target]
			err = r.value(field.form, v.Field(field.index))
		}
		if err != nil {
			return fmt.Errorf("%s: %w", clip(s.names[i]), err)
		}
	}
	r.depth--
	return nil
}

// begin reads what a struct begins with: its shape, and which of its fields are there.
func (r *wireReader) begin() (*shape, string, error) {
	if r.depth++; r.depth > wireDepth {
		return nil, "", fmt.Errorf("found more than %d structs in one another", wireDepth)
	}
	n, err := r.uint()
	if err != nil {
		return nil, "", err
	}
	if n == uint64(len(r.shapes)) && n < wireShapes {
		s, err := r.shape()
		if err != nil {
			return nil, "", err
		}
		r.shapes = append(r.shapes, s)
	}
	if n >= uint64(len(r.shapes)) {
		return nil, "", fmt.Errorf("found the shape %d, and %d were told", n, len(r.shapes))
	}
	s := r.shapes[n]
	bits, err := r.take(uint64(len(s.names)+7) / 8)
	return s, bits, err
}

func (r *wireReader) shape() (*shape, error) {
	n, err := r.uint()
	if err != nil {
		return nil, err
	}
	if n > wireFields {
		return nil, fmt.Errorf("found a struct of %d fields, expected at most %d", n, wireFields)
	}
	s := &shape{}
	for range n {
		name, err := r.text()
		if err != nil {
			return nil, err
		}
		letter, err := r.text()
		if err != nil {
			return nil, err
		}
		if len(letter) > wireLetter {
			return nil, fmt.Errorf("%s: found a form of %d letters, expected at most %d", clip(name), len(letter), wireLetter)
		}
		s.names, s.letters = append(s.names, name), append(s.letters, letter)
	}
	return s, nil
}

// meet finds the fields of the reader's struct, once for all that have this shape.
func (s *shape) meet(f *form, t reflect.Type) error {
	if s.into == f {
		return nil
	}
	targets := make([]int, len(s.names))
	for i, name := range s.names {
		targets[i] = -1
		for j := range f.fields {
			if f.fields[j].name != name {
				continue
			}
			if want := f.fields[j].form.letter; s.letters[i] != want {
				return fmt.Errorf("%s.%s is of the form %q there and %q here: use the same version on both sides", t, name, clip(s.letters[i]), want)
			}
			targets[i] = j
		}
	}
	s.into, s.targets = f, targets
	return nil
}

// skip passes over a value of a form.
func (r *wireReader) skip(letter string) error {
	if letter == "" {
		return errors.New("found a form without letters")
	}
	var err error
	switch letter[0] {
	case 't', 'i', 'u':
		_, err = r.uint()
	case 'd':
		_, err = r.take(uint64(idBytes))
	case 'f':
		_, err = r.take(8)
	case 'g':
		_, err = r.take(4)
	case 's', 'h':
		_, err = r.text()
	case 'r':
		_, _, err = r.recordBytes()
	case 'S':
		return r.skipStruct()
	case 'a':
		var n uint64
		if n, err = r.uint(); err == nil {
			err = r.skipItems(n, letter[1:], false)
		}
	case 'b':
		var n int
		if n, _, err = r.count(); err == nil {
			_, err = r.take(uint64(n))
		}
	case 'p':
		var some bool
		if some, err = r.some(); err == nil && some {
			return r.skip(letter[1:])
		}
	case 'l', 'm':
		var n int
		if n, _, err = r.count(); err == nil {
			err = r.skipItems(uint64(n), letter[1:], letter[0] == 'm')
		}
	default:
		err = fmt.Errorf("found the form %q, which this version does not know", clip(letter))
	}
	return err
}

func (r *wireReader) skipItems(n uint64, letter string, keys bool) error {
	for range n {
		if keys {
			if _, err := r.text(); err != nil {
				return err
			}
		}
		if err := r.skip(letter); err != nil {
			return err
		}
	}
	return nil
}

func (r *wireReader) skipStruct() error {
	s, bits, err := r.begin()
	if err != nil {
		return err
	}
	for i, letter := range s.letters {
		if bits[i/8]&(1<<(i%8)) != 0 {
			if err := r.skip(letter); err != nil {
				return fmt.Errorf("%s: %w", clip(s.names[i]), err)
			}
		}
	}
	r.depth--
	return nil
}
