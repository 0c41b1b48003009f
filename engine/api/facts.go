package api

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"

	"episteme/engine/record"
)

// The facts of a problem are the fields of an error as JSON, by their Go names; zero ones are left out. They are for
// programs, of which Client is one: what it reads is the error that was sent. By kind:
//
//	struct     {"Field":…}
//	slice      null, or […]
//	array      of bytes: "hex"
//	the rest   text, number or truth, whatever a type writes itself as elsewhere

// encodeFacts writes the struct v, on one line.
func encodeFacts(v any) ([]byte, error) { return appendFact(nil, reflect.ValueOf(v)) }

func appendFact(dst []byte, v reflect.Value) (_ []byte, err error) {
	switch {
	case v.Kind() == reflect.Struct:
		return appendFields(dst, v)
	case v.Kind() == reflect.Slice && v.IsNil():
		return append(dst, "null"...), nil
	case v.Kind() == reflect.Slice:
		dst = append(dst, '[')
		for i := range v.Len() {
			if i > 0 {
				dst = append(dst, ',')
			}
			if dst, err = appendFact(dst, v.Index(i)); err != nil {
				return nil, err
			}
		}
		return append(dst, ']'), nil
	case v.Kind() == reflect.Array && v.Type().Elem().Kind() == reflect.Uint8:
		return append(hex.AppendEncode(append(dst, '"'), bytesOf(v)), '"'), nil
	case v.Kind() == reflect.String:
		return record.AppendText(dst, v.String()), nil
	case v.Kind() == reflect.Bool:
		return strconv.AppendBool(dst, v.Bool()), nil
	case v.CanInt():
		return strconv.AppendInt(dst, v.Int(), 10), nil
	case v.CanUint():
		return strconv.AppendUint(dst, v.Uint(), 10), nil
	}
	return nil, fmt.Errorf("no form for a %s among the facts of a problem", v.Type())
}

func appendFields(dst []byte, v reflect.Value) (_ []byte, err error) {
	dst = append(dst, '{')
	for i := range v.NumField() {
		if !v.Type().Field(i).IsExported() || v.Field(i).IsZero() {
			continue
		}
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, '"'), v.Type().Field(i).Name...), '"', ':')
		if dst, err = appendFact(dst, v.Field(i)); err != nil {
			return nil, err
		}
	}
	return append(dst, '}'), nil
}

// decodeFacts reads what encodeFacts wrote into the struct that into points to. What it does not know is passed over.
func decodeFacts(facts []byte, into any) error {
	v := reflect.ValueOf(into).Elem()
	if err := readFact(facts, v); err != nil {
		return fmt.Errorf("read a %s: %w", v.Type(), err)
	}
	return nil
}

func readFact(fact json.RawMessage, v reflect.Value) error {
	switch {
	case v.Kind() == reflect.Struct:
		var object map[string]json.RawMessage
		if err := json.Unmarshal(fact, &object); err != nil {
			return err
		}
		for i := range v.NumField() {
			field, ok := object[v.Type().Field(i).Name]
			if !ok || !v.Type().Field(i).IsExported() {
				continue
			}
			if err := readFact(field, v.Field(i)); err != nil {
				return fmt.Errorf("%s: %w", v.Type().Field(i).Name, err)
			}
		}
		return nil
	case v.Kind() == reflect.Slice:
		var list []json.RawMessage
		if err := json.Unmarshal(fact, &list); err != nil || list == nil {
			return err
		}
		v.Set(reflect.MakeSlice(v.Type(), len(list), len(list)))
		for i, item := range list {
			if err := readFact(item, v.Index(i)); err != nil {
				return err
			}
		}
		return nil
	}
	return readPlain(fact, v)
}

// readPlain goes by kind, so that types which write themselves as words are read as the numbers they are.
func readPlain(fact json.RawMessage, v reflect.Value) error {
	var err error
	switch {
	case v.Kind() == reflect.Array && v.Type().Elem().Kind() == reflect.Uint8:
		var text string
		if err = json.Unmarshal(fact, &text); err != nil {
			return err
		}
		b, err := hex.DecodeString(text)
		if err != nil || len(b) != v.Len() {
			return fmt.Errorf("found %q, expected a %s", clip(text), v.Type())
		}
		copy(v.Bytes(), b)
	case v.Kind() == reflect.String:
		var text string
		err = json.Unmarshal(fact, &text)
		v.SetString(text)
	case v.Kind() == reflect.Bool:
		var b bool
		err = json.Unmarshal(fact, &b)
		v.SetBool(b)
	case v.CanInt():
		var n int64
		n, err = strconv.ParseInt(string(bytes.TrimSpace(fact)), 10, v.Type().Bits())
		v.SetInt(n)
	case v.CanUint():
		var n uint64
		n, err = strconv.ParseUint(string(bytes.TrimSpace(fact)), 10, v.Type().Bits())
		v.SetUint(n)
	default:
		err = fmt.Errorf("no form for a %s", v.Type())
	}
	return err
}
