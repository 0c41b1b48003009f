package api

import (
	"encoding/binary"
	"fmt"
	"math"
	"reflect"
	"sync"

	"episteme/engine/record"
)

// wireType is the media type in which a Client asks for values whole. The JSON for people leaves out what a screen
// needs and a script does not (json:"-"), and writes enumerations as words; this form keeps every exported field that is
// no function under its Go name, so a value that crossed is equal to the one that was sent. A Client and a server of
// different versions understand each other as far as they share fields: unknown ones are skipped, missing ones are zero,
// and a field that became something else is an error that names it. The number in it changes with the form.
const wireType = "application/vnd.episteme.v2"

// The form of a value, by its kind. n is a uvarint, as encoding/binary has it; form letters are in brackets.
//
//	bool [t]           n: 0 or 1
//	signed [i]         n, zigzag                 unsigned [u]   n
//	float64 [f]        8 bytes, little endian    float32 [g]    4 bytes, little endian
//	string [s]         n bytes of text           bytes [b]      0 for nil, or n+1 and n bytes
//	array of bytes [h] n and its bytes           other array [a…] n and its items
//	slice [l…]         0 for nil, or n+1 and n items
//	map [m…]           0 for nil, or n+1 and n times: a string, an item; keys are strings
//	pointer [p…]       0 for nil, or 1 and what it points to
//	ID [d]             its kind, a byte, and the 32 bytes of its hash
//	Record [r]         0 for nil, or its kind and bytes as under b: the canonical ones, from which the id can be
//	                   computed again
//	struct [S]         shape, a bit a field (least first, a byte for each eight), the fields whose bit is set
//
// A shape says what fields a struct has. It is a number: that of a shape which came before, or the next one, and then
// the shape follows: n, and n times a name and a form, both as under s. … is the form of the items.
//
// JSON of the same fields, read into any and from there into structs, was tried first: a page of 100 queries took 9.8 ms
// over a socket, of which names and escapes were most, where the engine takes 1.3 ms and this 2.0 (BenchmarkTrace, AMD
// EPYC, 2026-11). encoding/gob would do as well, but to it a pointer to false is none, and an empty list is nil.

// form is how the values of a type are written. It is made once, and not changed then.
type form struct {
	kind   byte // the first letter of form letters
	letter string
	elem   *form       // of pointers, lists, arrays and maps
	fields []formField // of structs
}

type formField struct {
	name  string
	index int // in the struct
	form  *form
}

// forms are the forms of the types that were asked for: a cache, and the same for everybody, since a form follows from
// its type alone.
var forms struct {
	sync.RWMutex
	of map[reflect.Type]*form
}

var (
	recordType = reflect.TypeFor[record.Record]()
	idType     = reflect.TypeFor[record.ID]()
)

// idBytes is the form of an ID: half of what a page holds are ids.
const idBytes = 1 + len(record.Hash{})

// formOfType is the form of a type. Errors: a type that has none, which is our own mistake.
func formOfType(t reflect.Type) (*form, error) {
	forms.RLock()
	f := forms.of[t]
	forms.RUnlock()
	if f != nil {
		return f, nil
	}
	forms.Lock()
	defer forms.Unlock()
	made := map[reflect.Type]*form{} // kept only once they are whole
	f, err := makeForm(t, made)
	if err != nil {
		return nil, err
	}
	if forms.of == nil {
		forms.of = map[reflect.Type]*form{}
	}
	for t, f := range made {
		forms.of[t] = f
	}
	return f, nil
}

// makeForm makes the form of a type and of all that is in it. A struct may hold itself, by a list or a pointer.
func makeForm(t reflect.Type, made map[reflect.Type]*form) (*form, error) {
	if f := made[t]; f != nil {
		return f, nil
	}
	f := &form{kind: kindOf(t)}
	f.letter = string(f.kind)
	made[t] = f
	var err error
	switch f.kind {
	case 0:
		return nil, fmt.Errorf("no form for a %s on the wire", t)
	case 'S':
		for i := range t.NumField() {
			field := t.Field(i)
			if !field.IsExported() || field.Type.Kind() == reflect.Func {
				continue
			}
			sub, err := makeForm(field.Type, made)
			if err != nil {
				return nil, err
			}
			f.fields = append(f.fields, formField{field.Name, i, sub})
		}
	case 'p', 'l', 'a', 'm':
		if f.elem, err = makeForm(t.Elem(), made); err != nil {
			return nil, err
		}
		f.letter += f.elem.letter
	}
	return f, nil
}

// kindOf is the letter of a type; 0 for one that has none.
func kindOf(t reflect.Type) byte {
	bytes := func(yes, no byte) byte {
		if t.Elem().Kind() == reflect.Uint8 {
			return yes
		}
		return no
	}
	switch t.Kind() {
	case reflect.Bool:
		return 't'
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return 'i'
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return 'u'
	case reflect.Float64:
		return 'f'
	case reflect.Float32:
		return 'g'
	case reflect.String:
		return 's'
	case reflect.Slice:
		return bytes('b', 'l')
	case reflect.Array:
		return bytes('h', 'a')
	case reflect.Struct:
		if t == idType {
			return 'd'
		}
		return 'S'
	case reflect.Pointer:
		return 'p'
	case reflect.Map:
		if t.Key().Kind() == reflect.String {
			return 'm'
		}
	case reflect.Interface:
		if t == recordType {
			return 'r'
		}
	}
	return 0
}

// wireWriter writes values one behind the other: a shape is told with the first that has it. For one goroutine.
type wireWriter struct {
	out    []byte
	shapes map[*form]uint64
}

// write appends v, which is not a pointer, to out.
func (w *wireWriter) write(v any) error {
	// What is behind a pointer has an address, so that arrays in it can be read without copies.
	held := reflect.New(reflect.TypeOf(v)).Elem()
	held.Set(reflect.ValueOf(v))
	f, err := formOfType(held.Type())
	if err != nil {
		return err
	}
	return w.value(f, held)
}

func (w *wireWriter) uint(n uint64) { w.out = binary.AppendUvarint(w.out, n) }

func (w *wireWriter) text(s string) {
	w.uint(uint64(len(s)))
	w.out = append(w.out, s...)
}

func (w *wireWriter) value(f *form, v reflect.Value) error {
	switch f.kind {
	case 't':
		if v.Bool() {
			w.out = append(w.out, 1)
		} else {
			w.out = append(w.out, 0)
		}
	case 'i':
		w.out = binary.AppendVarint(w.out, v.Int())
	case 'u':
		w.uint(v.Uint())
	case 'f':
		w.out = binary.LittleEndian.AppendUint64(w.out, math.Float64bits(v.Float()))
	case 'g':
		w.out = binary.LittleEndian.AppendUint32(w.out, math.Float32bits(float32(v.Float())))
	case 's':
		w.text(v.String())
	case 'h':
		b := bytesOf(v)
		w.uint(uint64(len(b)))
		w.out = append(w.out, b...)
	case 'd':
		id := idOf(v)
		w.out = append(append(w.out, byte(id.Kind)), id.Hash[:]...)
	case 'S':
		return w.structOf(f, v)
	case 'a':
		w.uint(uint64(v.Len()))
		return w.items(f.elem, v)
	case 'r':
		return w.record(v)
	default:
		return w.nilable(f, v)
	}
	return nil
}

// idOf is the id in v, without a copy where it has an address.
func idOf(v reflect.Value) *record.ID {
	if v.CanAddr() {
		return v.Addr().Interface().(*record.ID)
	}
	id := v.Interface().(record.ID)
	return &id
}

// bytesOf are the bytes of an array. What a map holds has no address, so it is copied.
func bytesOf(v reflect.Value) []byte {
	if v.CanAddr() {
		return v.Bytes()
	}
	b := make([]byte, v.Len())
	reflect.Copy(reflect.ValueOf(b), v)
	return b
}

func (w *wireWriter) structOf(f *form, v reflect.Value) error {
	w.shape(f)
	at := len(w.out)
	for range (len(f.fields) + 7) / 8 {
		w.out = append(w.out, 0)
	}
	for i := range f.fields {
		field := &f.fields[i]
		sub := v.Field(field.index)
		if sub.IsZero() {
			continue
		}
		w.out[at+i/8] |= 1 << (i % 8)
		if err := w.value(field.form, sub); err != nil {
			return err
		}
	}
	return nil
}

// shape writes the number of a struct's shape, and the shape with the first that has it.
func (w *wireWriter) shape(f *form) {
	n, told := w.shapes[f]
	if told {
		w.uint(n)
		return
	}
	if w.shapes == nil {
		w.shapes = map[*form]uint64{}
	}
	n = uint64(len(w.shapes))
	w.shapes[f] = n
	w.uint(n)
	w.uint(uint64(len(f.fields)))
	for _, field := range f.fields {
		w.text(field.name)
		w.text(field.form.letter)
	}
}

func (w *wireWriter) items(elem *form, v reflect.Value) error {
	for i := range v.Len() {
		if err := w.value(elem, v.Index(i)); err != nil {
			return err
		}
	}
	return nil
}

// nilable writes what may be nil: nothing more than that, then.
func (w *wireWriter) nilable(f *form, v reflect.Value) error {
	if v.IsNil() {
		w.out = append(w.out, 0)
		return nil
	}
	switch f.kind {
	case 'p':
		w.out = append(w.out, 1)
		return w.value(f.elem, v.Elem())
	case 'b':
		w.uint(uint64(v.Len()) + 1)
		w.out = append(w.out, v.Bytes()...)
	case 'l':
		w.uint(uint64(v.Len()) + 1)
		return w.items(f.elem, v)
	case 'm':
		w.uint(uint64(v.Len()) + 1)
		if texts, ok := v.Interface().(map[string]string); ok { // labels, which each query has: a loop without reflection
			for key, text := range texts {
				w.text(key)
				w.text(text)
			}
			return nil
		}
		for it := v.MapRange(); it.Next(); {
			w.text(it.Key().String())
			if err := w.value(f.elem, it.Value()); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *wireWriter) record(v reflect.Value) error {
	if v.IsNil() {
		w.out = append(w.out, 0)
		return nil
	}
	r := v.Interface().(record.Record)
	payload, err := record.Encode(nil, r)
	if err != nil {
		return err
	}
	w.uint(uint64(r.Kind()))
	w.uint(uint64(len(payload)) + 1)
	w.out = append(w.out, payload...)
	return nil
}
