package api

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"
	"reflect"
	"strconv"

	"episteme/engine/record"
)

// wireType is the media type in which a Client asks for values whole. The JSON for people leaves out what a screen
// needs and a script does not (json:"-"), and writes enumerations as words; this form keeps every exported field under
// its Go name, so a value that crossed is equal to the one that was sent. A Client and a server of different versions
// understand each other as far as they share fields: unknown ones are skipped, missing ones are zero.
const wireType = "application/vnd.episteme.v1+json"

// The form of a value, by its kind:
//
//	struct     {"Field":…}, zero fields left out, functions always
//	pointer    null, or [value]: so that a pointer to zero is not nil
//	slice      null, or […]; bytes: "base64"
//	array      of bytes: "hex"; of others […]
//	map        null, or {"key":…}; keys are strings
//	Record     null, or {"Kind":N,"Payload":"base64"}: the canonical bytes, from which the id can be computed again
//	the rest   as JSON has it; floats in their shortest form that reads back the same

var recordType = reflect.TypeFor[record.Record]()

// encodeWire writes v in the form of wireType, on one line.
func encodeWire(v any) ([]byte, error) {
	return appendWire(nil, reflect.ValueOf(v))
}

func appendWire(dst []byte, v reflect.Value) ([]byte, error) {
	if v.Type() == recordType {
		return appendRecord(dst, v)
	}
	switch v.Kind() {
	case reflect.Struct:
		return appendStruct(dst, v)
	case reflect.Pointer:
		if v.IsNil() {
			return append(dst, "null"...), nil
		}
		dst, err := appendWire(append(dst, '['), v.Elem())
		return append(dst, ']'), err
	case reflect.Slice:
		return appendSlice(dst, v)
	case reflect.Array:
		return appendArray(dst, v)
	case reflect.Map:
		return appendMap(dst, v)
	case reflect.String:
		return record.AppendText(dst, v.String()), nil
	case reflect.Bool:
		return strconv.AppendBool(dst, v.Bool()), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.AppendInt(dst, v.Int(), 10), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return strconv.AppendUint(dst, v.Uint(), 10), nil
	case reflect.Float32:
		return strconv.AppendFloat(dst, v.Float(), 'g', -1, 32), nil
	case reflect.Float64:
		return strconv.AppendFloat(dst, v.Float(), 'g', -1, 64), nil
	}
	return nil, fmt.Errorf("no form for a %s on the wire", v.Type())
}

func appendStruct(dst []byte, v reflect.Value) (_ []byte, err error) {
	dst = append(dst, '{')
	for f := range fieldsOf(v.Type()) {
		field := v.Field(f.index)
		if field.IsZero() {
			continue
		}
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, '"'), f.name...), '"', ':')
		if dst, err = appendWire(dst, field); err != nil {
			return nil, err
		}
	}
	return append(dst, '}'), nil
}

func appendSlice(dst []byte, v reflect.Value) (_ []byte, err error) {
	if v.IsNil() {
		return append(dst, "null"...), nil
	}
	if v.Type().Elem().Kind() == reflect.Uint8 {
		dst = base64.StdEncoding.AppendEncode(append(dst, '"'), v.Bytes())
		return append(dst, '"'), nil
	}
	return appendItems(dst, v)
}

// appendArray writes bytes as hex; other arrays, of which there is the span of a histogram, as a list.
func appendArray(dst []byte, v reflect.Value) ([]byte, error) {
	if v.Type().Elem().Kind() != reflect.Uint8 {
		return appendItems(dst, v)
	}
	b := make([]byte, v.Len())
	reflect.Copy(reflect.ValueOf(b), v)
	return append(hex.AppendEncode(append(dst, '"'), b), '"'), nil
}

func appendItems(dst []byte, v reflect.Value) (_ []byte, err error) {
	dst = append(dst, '[')
	for i := range v.Len() {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = appendWire(dst, v.Index(i)); err != nil {
			return nil, err
		}
	}
	return append(dst, ']'), nil
}

func appendMap(dst []byte, v reflect.Value) (_ []byte, err error) {
	if v.IsNil() {
		return append(dst, "null"...), nil
	}
	dst = append(dst, '{')
	for it := v.MapRange(); it.Next(); {
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		dst = append(record.AppendText(dst, it.Key().String()), ':')
		if dst, err = appendWire(dst, it.Value()); err != nil {
			return nil, err
		}
	}
	return append(dst, '}'), nil
}

func appendRecord(dst []byte, v reflect.Value) ([]byte, error) {
	if v.IsNil() {
		return append(dst, "null"...), nil
	}
	r := v.Interface().(record.Record)
	payload, err := record.Encode(nil, r)
	if err != nil {
		return nil, err
	}
	dst = strconv.AppendUint(append(dst, `{"Kind":`...), uint64(r.Kind()), 10)
	dst = base64.StdEncoding.AppendEncode(append(dst, `,"Payload":"`...), payload)
	return append(dst, `"}`...), nil
}

// decodeWire reads what encodeWire wrote into the value that into points to.
func decodeWire(data []byte, into any) error {
	v := reflect.ValueOf(into).Elem()
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber() // an LSN has more digits than a float
	var held any
	err := d.Decode(&held)
	if err == nil && d.More() {
		err = fmt.Errorf("found more behind byte %d", d.InputOffset())
	}
	if err == nil {
		err = readWire(held, v)
	}
	if err != nil {
		return fmt.Errorf("read a %s from the wire: %w", v.Type(), err)
	}
	return nil
}

// readWire puts what JSON said into v: text, number, truth, list, object or nil.
func readWire(held any, v reflect.Value) error {
	if v.Type() == recordType {
		return readRecord(held, v)
	}
	switch v.Kind() {
	case reflect.Struct:
		return readStruct(held, v)
	case reflect.Pointer:
		if held == nil {
			return nil
		}
		list, ok := held.([]any)
		if !ok || len(list) != 1 {
			return mismatch(held, v)
		}
		v.Set(reflect.New(v.Type().Elem()))
		return readWire(list[0], v.Elem())
	case reflect.Slice:
		return readSlice(held, v)
	case reflect.Array:
		return readArray(held, v)
	case reflect.Map:
		return readMap(held, v)
	}
	return readScalar(held, v)
}

func mismatch(held any, v reflect.Value) error {
	return fmt.Errorf("found %.80q, expected a %s", fmt.Sprint(held), v.Type())
}

// readScalar goes by kind, so that types which write themselves as words are read as the numbers they are.
func readScalar(held any, v reflect.Value) error {
	switch x := held.(type) {
	case string:
		if v.Kind() == reflect.String {
			v.SetString(x)
			return nil
		}
	case bool:
		if v.Kind() == reflect.Bool {
			v.SetBool(x)
			return nil
		}
	case json.Number:
		return readNumber(string(x), v)
	}
	return mismatch(held, v)
}

func readNumber(text string, v reflect.Value) error {
	switch {
	case v.CanInt():
		n, err := strconv.ParseInt(text, 10, v.Type().Bits())
		v.SetInt(n)
		return err
	case v.CanUint():
		n, err := strconv.ParseUint(text, 10, v.Type().Bits())
		v.SetUint(n)
		return err
	case v.CanFloat():
		f, err := strconv.ParseFloat(text, v.Type().Bits())
		v.SetFloat(f)
		return err
	}
	return mismatch(text, v)
}

func readStruct(held any, v reflect.Value) error {
	object, ok := held.(map[string]any)
	if !ok {
		return mismatch(held, v)
	}
	for f := range fieldsOf(v.Type()) {
		if field, ok := object[f.name]; ok {
			if err := readWire(field, v.Field(f.index)); err != nil {
				return fmt.Errorf("%s: %w", f.name, err)
			}
		}
	}
	return nil
}

func readSlice(held any, v reflect.Value) error {
	if held == nil {
		return nil
	}
	if v.Type().Elem().Kind() == reflect.Uint8 {
		text, _ := held.(string)
		b, err := base64.StdEncoding.DecodeString(text)
		v.SetBytes(b)
		return err
	}
	list, ok := held.([]any)
	if !ok {
		return mismatch(held, v)
	}
	v.Set(reflect.MakeSlice(v.Type(), len(list), len(list)))
	return readItems(list, v)
}

func readItems(list []any, v reflect.Value) error {
	for i, item := range list {
		if err := readWire(item, v.Index(i)); err != nil {
			return err
		}
	}
	return nil
}

func readArray(held any, v reflect.Value) error {
	if v.Type().Elem().Kind() != reflect.Uint8 {
		list, ok := held.([]any)
		if !ok || len(list) != v.Len() {
			return mismatch(held, v)
		}
		return readItems(list, v)
	}
	text, ok := held.(string)
	b, err := hex.DecodeString(text)
	if !ok || err != nil || len(b) != v.Len() {
		return mismatch(held, v)
	}
	reflect.Copy(v, reflect.ValueOf(b))
	return nil
}

func readMap(held any, v reflect.Value) error {
	if held == nil {
		return nil
	}
	object, ok := held.(map[string]any)
	if !ok {
		return mismatch(held, v)
	}
	v.Set(reflect.MakeMapWithSize(v.Type(), len(object)))
	for key, field := range object {
		item := reflect.New(v.Type().Elem()).Elem()
		if err := readWire(field, item); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		v.SetMapIndex(reflect.ValueOf(key).Convert(v.Type().Key()), item)
	}
	return nil
}

func readRecord(held any, v reflect.Value) error {
	if held == nil {
		return nil
	}
	var w struct {
		Kind    uint8
		Payload []byte
	}
	if err := readStruct(held, reflect.ValueOf(&w).Elem()); err != nil {
		return err
	}
	r, err := record.Decode(record.Kind(w.Kind), w.Payload)
	if err != nil {
		return err
	}
	v.Set(reflect.ValueOf(r))
	return nil
}

// wireField is a field and its place in the struct.
type wireField struct {
	name  string
	index int
}

// fieldsOf yields the exported fields of a struct that are no functions.
func fieldsOf(t reflect.Type) iter.Seq[wireField] {
	return func(yield func(wireField) bool) {
		for i := range t.NumField() {
			f := t.Field(i)
			if f.IsExported() && f.Type.Kind() != reflect.Func && !yield(wireField{f.Name, i}) {
				return
			}
		}
	}
}
