package api

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// crossing lists every type that crosses to a Client whole.
func crossing() []any {
	return []any{
		&ask.Audit{}, &ask.Trace{}, &ask.Found{}, &ask.Hit{}, &[]ask.Event{}, &[]ask.Agent{}, &record.ID{}, &ask.Verdict{}, &ask.Provenance{}, &level{},
		&ask.WhatIf{}, &ask.Impact{}, &ask.Difference{}, &ask.BeliefChanges{}, &ask.Bisection{}, &ask.Status{}, &ask.Recomputation{}, &ask.Near{}, &ask.SourceOf{},
		&ask.Preview{}, &ask.NotFoundError{}, &ask.AmbiguousError{}, &ask.UsageError{}, &ask.NotRecomputableError{}, &record.FieldError{}, &record.Reject{},
	}
}

// TestWire fills every type that crosses with values of all kinds, zero ones behind pointers included, and asks that
// what is read is what was written: a field that is added to one of them cannot be forgotten.
func TestWire(t *testing.T) {
	for _, v := range crossing() {
		t.Run(reflect.TypeOf(v).Elem().String(), func(t *testing.T) {
			for seed := range uint64(50) {
				want := reflect.New(reflect.TypeOf(v).Elem())
				(&filler{rand.New(rand.NewPCG(seed, 1))}).fill(want.Elem(), 0)
				got := reflect.New(reflect.TypeOf(v).Elem())
				if err := decodeWire(wire(t, want.Elem().Interface()), got.Interface()); err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				if diff := cmp.Diff(want.Interface(), got.Interface()); diff != "" {
					t.Fatalf("seed %d: what was read is not what was written (-written +read):\n%s", seed, diff)
				}
			}
		})
	}
}

// wire is a value as it crosses.
func wire(t testing.TB, v any) string {
	t.Helper()
	var w wireWriter
	if err := w.write(v); err != nil {
		t.Fatal(err)
	}
	return string(w.out)
}

// TestWireIsExact says in bytes what zero and absent are.
func TestWireIsExact(t *testing.T) {
	type inner struct{ N int16 }
	type outer struct {
		Text  string
		Truth *bool
		Bytes []byte
		Sum   [2]byte
		List  []inner
		Words map[string]float32
		Big   uint64
		Func  func()
		hid   int
	}
	no := false
	const shape = "\x00\x07" + "\x04Text\x01s" + "\x05Truth\x02pt" + "\x05Bytes\x01b" + "\x03Sum\x01h" + "\x04List\x02lS" + "\x05Words\x02mg" + "\x03Big\x01u"
	tests := []struct {
		name string // says the rule
		in   any
		want string
	}{
		{"zero fields are left out, and functions and what is not exported", outer{Func: func() {}, hid: 7}, shape + "\x00"},
		{"a text has its length before it", outer{Text: "é"}, shape + "\x01\x02é"},
		{"a pointer to zero is not nil", outer{Truth: &no}, shape + "\x02\x01\x00"},
		{"empty bytes are not none", outer{Bytes: []byte{}}, shape + "\x04\x01"},
		{"a sum has its length before it", outer{Sum: [2]byte{0, 9}}, shape + "\x08\x02\x00\x09"},
		{"a shape is told once", outer{List: []inner{{1}, {-1}, {}}}, shape + "\x10\x04" + "\x01\x01\x01N\x01i" + "\x01\x02" + "\x01\x01\x01" + "\x01\x00"},
		{"an empty list is not none", outer{List: []inner{}}, shape + "\x10\x01"},
		{"a map has its keys before its items", outer{Words: map[string]float32{"a": 1}}, shape + "\x20\x02\x01a\x00\x00\x80\x3f"},
		{"numbers are as long as they need", outer{Big: 300}, shape + "\x40\xac\x02"},
		{"an id is its kind and its hash", []record.ID{{Kind: record.KindVote, Hash: record.Hash{0xab}}}, "\x02" + string(rune(record.KindVote)) + "\xab" + strings.Repeat("\x00", 31)},
		{"a list that is all there is", []uint8(nil), "\x00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := wire(t, tt.in); got != tt.want {
				t.Errorf("%+v is written as %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

// TestWireAcrossVersions says what a reader makes of a writer whose structs are others than its own.
func TestWireAcrossVersions(t *testing.T) {
	type leaf struct {
		A, Gone string
		Ahead   []leaf // a shape told where it is passed over counts all the same
	}
	type newer struct {
		Same    string
		Texts   []string
		Floats  [2]float64
		Weight  float32
		Maps    map[string][]leaf
		Ptr     **int
		Record  record.Record
		Sum     [3]byte
		Bytes   []byte
		Yes     bool
		Leaf    leaf
		After   uint8
		Renamed int
	}
	type leafOld struct{ A string }
	type older struct {
		After   uint8
		Same    string
		Leaf    leafOld
		Missing []string
	}
	n := 7
	at := &n
	held := newer{
		Same: "s", Texts: []string{"x", ""}, Floats: [2]float64{1, 2}, Weight: 3, Maps: map[string][]leaf{"k": {{A: "no", Ahead: []leaf{{}}}}, "z": nil}, Ptr: &at,
		Record: &record.Vote{Agent: "ann", Timestamp: 7, Weight: -0.5, Assertion: record.Hash{1}}, Sum: [3]byte{1}, Bytes: []byte("b"), Yes: true,
		Leaf: leaf{A: "leaf", Gone: "g", Ahead: []leaf{{A: "x"}}}, After: 200, Renamed: 1,
	}
	var old older
	if err := decodeWire(wire(t, held), &old); err != nil {
		t.Fatal(err)
	}
	if want := (older{After: 200, Same: "s", Leaf: leafOld{A: "leaf"}}); !cmp.Equal(old, want) {
		t.Errorf("an older reader reads %+v, want %+v", old, want)
	}
	var back newer
	if err := decodeWire(wire(t, old), &back); err != nil {
		t.Fatal(err)
	}
	if want := (newer{After: 200, Same: "s", Leaf: leaf{A: "leaf"}}); !cmp.Equal(back, want) {
		t.Errorf("a newer reader reads %+v, want %+v", back, want)
	}
	var other struct{ After string }
	if err := decodeWire(wire(t, held), &other); err == nil || !strings.Contains(err.Error(), "same version on both sides") {
		t.Errorf("a field of another form is read with %v, want an error that says what to do", err)
	}
}

// TestWireRefuses says what is no message, and that reading it takes no more room than what came.
func TestWireRefuses(t *testing.T) {
	type nest struct{ In []nest }
	deep := nest{}
	for range wireDepth {
		deep = nest{In: []nest{deep}}
	}
	whole := wire(t, ask.Near{Asserted: true, Subjects: []string{"auth/jwt"}})
	tests := []struct {
		name string // says the rule
		in   string
		into any
	}{
		{"more behind a value", whole + "\x00", &ask.Near{}},
		{"a list longer than its message", "\xff\xff\xff\xff\x0f", &[]string{}},
		{"a text longer than its message", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", new(string)},
		{"a number of more than 64 bits", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", new(uint64)},
		{"a number that does not fit", "\x80\x02", new(uint8)},
		{"a truth that is neither", "\x02", new(bool)},
		{"a shape that was not told", "\x01", &ask.Near{}},
		{"a shape of too many fields", "\x00\xff\x7f", &ask.Near{}},
		{"a sum of another length", "\x02ab", &record.Hash{}},
		{"structs too deep in one another", wire(t, deep), &nest{}},
		{"structs too deep in one another, passed over", wire(t, struct{ Gone nest }{deep}), &struct{ Here int }{}},
		{"a form that nobody knows, passed over", "\x00\x01\x01X\x01?\x01\x00", &ask.Near{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := decodeWire(tt.in, tt.into); err == nil {
				t.Errorf("%q is read as %+v, want an error", clip(tt.in), tt.into)
			}
		})
	}
	for n := range len(whole) {
		if err := decodeWire(whole[:n], &ask.Near{}); err == nil {
			t.Errorf("the first %d of %d bytes are read as a whole", n, len(whole))
		}
	}
}

func FuzzDecodeWire(f *testing.F) {
	text, pin := "x", record.LSN(7)
	for _, seed := range []ask.Trace{
		{}, {Queries: []ask.Audit{{Labels: map[string]string{"a": "b"}, Pin: &pin, Question: &text, Result: ask.Result{Share: 0.5}}}, Span: [2]record.Time{1, 2}},
	} {
		f.Add([]byte(wire(f, seed)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var got, again ask.Trace
		if decodeWire(string(data), &got) != nil {
			return
		}
		b := wire(t, got)
		if err := decodeWire(b, &again); err != nil || !cmp.Equal(got, again, cmpopts.EquateNaNs()) {
			t.Errorf("%q: reads as another value once written again: %v", b, err)
		}
	})
}

// FuzzSkipWire passes over what any writer may send.
func FuzzSkipWire(f *testing.F) {
	f.Add([]byte(wire(f, ask.Trace{Queries: []ask.Audit{{Labels: map[string]string{"a": "b"}}}})))
	f.Fuzz(func(t *testing.T, data []byte) {
		_ = decodeWire(string(data), &struct{}{}) // it must end, and in an error or not
	})
}

// TestFacts says in bytes how an error's fields cross, which is part of what people's programs read.
func TestFacts(t *testing.T) {
	tests := []struct {
		name string // says the rule
		in   any
		want string
	}{
		{"zero fields are left out", ask.UsageError{Field: "lens"}, `{"Field":"lens"}`},
		{"a hash is hex", ask.AmbiguousError{Matches: []record.ID{{Kind: 3, Hash: record.Hash{0xab}}}}, `{"Matches":[{"Kind":3,"Hash":"ab00000000000000000000000000000000000000000000000000000000000000"}]}`},
		{"an empty list is not none", ask.NotFoundError{What: "a\"b", Near: []string{}}, `{"What":"a\"b","Near":[]}`},
		{"a time is a number", RateError{Who: "ci", Retry: time.Second}, `{"Who":"ci","Retry":1000000000}`},
		{"nothing to tell", struct{}{}, `{}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := encodeFacts(tt.in)
			if err != nil || string(got) != tt.want {
				t.Errorf("encodeFacts(%+v) = %s, %v, want %s", tt.in, got, err, tt.want)
			}
			again := reflect.New(reflect.TypeOf(tt.in))
			if err := decodeFacts(got, again.Interface()); err != nil || !cmp.Equal(again.Elem().Interface(), tt.in) {
				t.Errorf("decodeFacts(%s) = %+v, %v, want %+v", got, again.Elem(), err, tt.in)
			}
		})
	}
}

// filler makes values of every kind.
type filler struct{ *rand.Rand }

func (f *filler) fill(v reflect.Value, depth int) {
	if v.Type() == recordType {
		v.Set(reflect.ValueOf(record.Record(&record.Vote{Agent: "ann", Timestamp: 7, Weight: -0.5, Assertion: record.Hash{1}})))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() && v.Field(i).Kind() != reflect.Func {
				f.fill(v.Field(i), depth+1)
			}
		}
	case reflect.Pointer:
		if f.IntN(3) > 0 && depth < 8 {
			v.Set(reflect.New(v.Type().Elem()))
			if f.IntN(2) > 0 {
				f.fill(v.Elem(), depth+1)
			}
		}
	case reflect.Slice:
		if f.IntN(3) > 0 && depth < 8 {
			n := f.IntN(3)
			v.Set(reflect.MakeSlice(v.Type(), n, n))
			f.items(v, depth)
		}
	case reflect.Array:
		f.items(v, depth)
	case reflect.Map:
		if f.IntN(3) > 0 {
			v.Set(reflect.MakeMap(v.Type()))
			for range f.IntN(3) {
				key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
				f.fill(key, depth+1)
				f.fill(value, depth+1)
				v.SetMapIndex(key, value)
			}
		}
	default:
		f.scalar(v)
	}
}

func (f *filler) items(v reflect.Value, depth int) {
	for i := range v.Len() {
		f.fill(v.Index(i), depth+1)
	}
}

func (f *filler) scalar(v reflect.Value) {
	switch {
	case v.Kind() == reflect.String:
		v.SetString([]string{"", "ES256", "a \"b\" <c> & \u202e \x00 \u2028 é 🙂", "null"}[f.IntN(4)])
	case v.Kind() == reflect.Bool:
		v.SetBool(f.IntN(2) > 0)
	case v.CanInt():
		v.SetInt([]int64{0, 1, -1, 1 << 6}[f.IntN(4)])
	case v.CanUint():
		v.SetUint([]uint64{0, 1, 1 << 7}[f.IntN(3)])
	case v.CanFloat():
		v.SetFloat([]float64{0, 1, float64(float32(0.1)), 1e-9, -2.5}[f.IntN(5)])
	}
}

// TestErrorsCross says that each error arrives as the type it left as, and that no two failures share a name.
func TestErrorsCross(t *testing.T) {
	id := record.ID{Kind: record.KindAudit, Hash: record.Hash{1, 2}}
	errs := []error{
		&ask.NotFoundError{What: "q_1", Near: []string{"a", "b"}},
		&ask.AmbiguousError{Typed: "7f3a", Matches: []record.ID{id}, More: true},
		&ask.UsageError{Field: "lens", Found: "x", Expected: "one"},
		&ask.NotRecomputableError{ID: id, State: ask.Foreign, Lens: "external"},
		&record.FieldError{Kind: record.KindVote, Field: "weight", Found: "2", Expected: "-1 to 1"},
		&record.Reject{File: "f", Line: 3, Column: 4, Agent: "a", Field: "x", Found: "y", Expected: "z", Hint: "h"},
		&UnauthorizedError{Why: "no token"},
		&ForbiddenError{Who: "ci", What: "ask", Expected: "write"},
		&RateError{Who: "ci", Retry: time.Second},
		&TooLargeError{LimitBytes: 9, Compressed: true},
		ask.ErrStrict,
	}
	if len(errs) != len(errorForms()) {
		t.Errorf("%d errors are tried, and %d cross", len(errs), len(errorForms()))
	}
	names := map[string]bool{}
	for _, want := range errs {
		for _, sent := range []error{want, fmt.Errorf("while asking: %w", want)} {
			f, facts := failureOf(sent, nil)
			got := errorOf(problemOf(sent, f, facts, false), 0)
			if got.Error() != sent.Error() {
				t.Errorf("%T says %q once it crossed, want %q", want, got, sent)
			}
			at := reflect.New(reflect.TypeOf(want))
			switch {
			case want == ask.ErrStrict:
				if !errors.Is(got, want) {
					t.Errorf("%v is not %v once it crossed", got, want)
				}
			case !errors.As(got, at.Interface()) || !cmp.Equal(at.Elem().Interface(), want):
				t.Errorf("%#v is %#v once it crossed", want, got)
			}
			names[f.Name] = true
		}
	}
	if len(names) != len(errs) {
		t.Errorf("%d failures share %d names: %v", len(errs), len(names), names)
	}
}

// TestFailureWithoutType says what becomes of an error that only the server knows.
func TestFailureWithoutType(t *testing.T) {
	secret := errors.New("open /var/lib/episteme/kv: too many open files")
	f, facts := failureOf(secret, nil)
	if p := problemOf(secret, f, facts, false); p.Status != 500 || p.Detail == secret.Error() {
		t.Errorf("a stranger is told %+v, want nothing of the machine", p)
	}
	if p := problemOf(secret, f, facts, true); p.Detail != secret.Error() {
		t.Errorf("who holds the machine is told %q, want %q", p.Detail, secret)
	}
	full := errors.New("the disk is full")
	f, facts = failureOf(full, func(err error) (Failure, bool) {
		return Failure{Name: "no-space", Status: 503, Retry: time.Minute}, err == full
	})
	var got *ServerError
	if err := errorOf(problemOf(full, f, facts, false), f.Retry); !errors.As(err, &got) || got.Name != "no-space" || got.Status != 503 || got.Retry != time.Minute || got.Error() != "the disk is full" {
		t.Errorf("a failure of the journal arrives as %#v", err)
	}
}
