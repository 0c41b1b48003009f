package api

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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
				b, err := encodeWire(want.Elem().Interface())
				if err != nil {
					t.Fatal(err)
				}
				got := reflect.New(reflect.TypeOf(v).Elem())
				if err := decodeWire(b, got.Interface()); err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				if diff := cmp.Diff(want.Interface(), got.Interface()); diff != "" {
					t.Fatalf("seed %d: what was read is not what was written (-written +read):\n%s", seed, diff)
				}
			}
		})
	}
}

// TestWireIsExact says in bytes what zero and absent are.
func TestWireIsExact(t *testing.T) {
	zero, no := float32(0), false
	tests := []struct {
		name string // says the rule
		in   any
		want string
	}{
		{"zero fields are left out", ask.UsageError{Field: "lens"}, `{"Field":"lens"}`},
		{"a pointer to zero is not nil", ask.Impacted{Weight: &zero, Flips: &no}, `{"Weight":[0],"Flips":[false]}`},
		{"an empty list is not none", ask.Near{Subjects: []string{}}, `{"Subjects":[]}`},
		{"what JSON for people leaves out is there", ask.Contribution{Value: record.BoolObject(false)}, `{"Value":{"Type":3}}`},
		{"a hash is hex", ask.AmbiguousError{Matches: []record.ID{{Kind: 3, Hash: record.Hash{0xab}}}}, `{"Matches":[{"Kind":3,"Hash":"ab00000000000000000000000000000000000000000000000000000000000000"}]}`},
		{"a function does not cross", ask.ProvenanceOptions{Depth: 1, Level: func([]ask.Node, []ask.Edge) {}}, `{"Depth":1}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := encodeWire(tt.in)
			if err != nil || string(got) != tt.want {
				t.Errorf("encodeWire(%+v) = %s, %v, want %s", tt.in, got, err, tt.want)
			}
		})
	}
}

func FuzzDecodeWire(f *testing.F) {
	f.Add([]byte(`{"Queries":[{"Labels":{"a":"b"},"Pin":[7],"Contributions":null}],"Span":[1,2]}`))
	f.Add([]byte(`{"Queries":{}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var got ask.Trace
		if decodeWire(data, &got) != nil {
			return
		}
		b, err := encodeWire(got)
		if err != nil {
			t.Fatal(err)
		}
		var again ask.Trace
		if err := decodeWire(b, &again); err != nil || !cmp.Equal(got, again) {
			t.Errorf("%s: reads as another value once written again: %v", b, err)
		}
	})
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
