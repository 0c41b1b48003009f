package intake

import (
	"encoding/json"
	"testing"
)

// FuzzUnquote holds unquote to encoding/json.
func FuzzUnquote(f *testing.F) {
	for _, seed := range []string{
		`""`, `"a"`, `"a\n\"b\\"`, `"\u00e4\ud83d\ude00"`, `"\ud83d"`, `"\ud83d\u0041"`, `"\ud83dx"`, `"a`, `"a"b"`, `"\x"`, `"\u12"`, `"\"`, "\"\x01\"", "\"\xff\"", `null`, `7`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, ok := unquote(raw)
		var want string
		err := json.Unmarshal(raw, &want)
		if isString := len(raw) > 1 && raw[0] == '"' && raw[len(raw)-1] == '"'; isString && (ok != (err == nil) || ok && got != want) {
			t.Errorf("unquote(%q) = %q, %t; encoding/json says %q, %v", raw, got, ok, want, err)
		} else if !isString && ok {
			t.Errorf("unquote(%q) = %q, want that it is no string", raw, got)
		}
	})
}

// FuzzWalker: text from inside an attribute is anything, and no step of a walker leaves it.
func FuzzWalker(f *testing.F) {
	for _, seed := range []string{`{"a":1,"b":{"c":[null,"x"]}}`, `{"`, `{"a`, `{"a":"`, `[{"role":"`, `{"a":}`, `[,]`, `{{`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		w := walker{b}
		w.fields(w.space(0))
		if _, f := w.elements(0, func(at int) (int, *fault) { return w.skip(at), nil }); f != nil && (f.at < 0 || f.at > len(b)) {
			t.Errorf("a fault at %d of %d", f.at, len(b))
		}
		for range topFields(b) {
		}
		runOutlineOf(b)
		traceOf(b)
		argumentsOf(string(b))
	})
}
