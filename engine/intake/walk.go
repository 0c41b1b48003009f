package intake

import (
	"bytes"
	"fmt"
)

// walker steps through JSON. Of an object of a file strings and brackets are in order; everything else may be wrong, and
// in text from inside an attribute that too: then a step ends with a fault, or early.
type walker struct{ b []byte }

// members calls visit for every member of the object at i, with its key as it is written and where its value
// begins; visit returns where the value ends. A null is an object without members, as in all of OTLP/JSON.
func (w walker) members(i int, visit func(key string, at int) (end int, f *fault)) (end int, f *fault) {
	if w.null(i) {
		return i + len("null"), nil
	}
	if w.peek(i) != '{' {
		return i, w.wrong(i, "an object")
	}
	for i = w.space(i + 1); w.peek(i) != '}'; {
		if w.peek(i) != '"' {
			return i, w.wrong(i, `a field's name or "}"`)
		}
		keyEnd := w.skip(i)
		if keyEnd < i+2 || w.b[keyEnd-1] != '"' {
			return i, w.wrong(i, "a field's name that ends")
		}
		key := string(w.b[i+1 : keyEnd-1])
		if i = w.space(keyEnd); w.peek(i) != ':' {
			return i, w.wrong(i, `":"`)
		}
		at := w.space(i + 1)
		if i, f = visit(key, at); f == nil {
			i, f = w.separator(at, i, '}')
		}
		if f != nil {
			return i, f
		}
	}
	return i + 1, nil
}

// elements calls visit with where each element of the list at i begins; visit returns where it ends. A null is an
// empty list.
func (w walker) elements(i int, visit func(at int) (end int, f *fault)) (end int, f *fault) {
	if w.null(i) {
		return i + len("null"), nil
	}
	if w.peek(i) != '[' {
		return i, w.wrong(i, "a list")
	}
	for i = w.space(i + 1); w.peek(i) != ']'; {
		at := i
		if i, f = visit(at); f == nil {
			i, f = w.separator(at, i, ']')
		}
		if f != nil {
			return i, f
		}
	}
	return i + 1, nil
}

// separator moves from the end of the value that began at at, over a comma to what follows, or to the closing bracket.
func (w walker) separator(at, end int, closing byte) (int, *fault) {
	if end == at {
		return at, w.wrong(at, "a value")
	}
	i := w.space(end)
	if w.peek(i) == closing {
		return i, nil
	}
	if w.peek(i) != ',' {
		return i, w.wrong(i, fmt.Sprintf(`"," or "%c"`, closing))
	}
	i = w.space(i + 1)
	if w.peek(i) == closing {
		return i, w.wrong(i, "what the comma promises")
	}
	return i, nil
}

// objects counts the objects in b: every "{" that is not in a string.
func (w walker) objects() int {
	if n := bytes.Count(w.b, []byte{'{'}); n <= maxSpanObjects {
		return n // strings included: the quick answer is good enough
	}
	n := 0
	for i := 0; i < len(w.b); i++ {
		switch w.b[i] {
		case '"':
			i = w.skipString(i) - 1
		case '{':
			n++
		}
	}
	return n
}

// skip is the end of the value at i; i itself where no value is.
func (w walker) skip(i int) int {
	depth := 0
	for i < len(w.b) {
		switch w.b[i] {
		case '"':
			i = w.skipString(i)
		case '{', '[':
			depth++
			i++
		case '}', ']':
			if depth == 0 {
				return i
			}
			depth--
			i++
		case ',', ':', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return i
			}
			i++
			continue
		default:
			i = w.skipScalar(i)
		}
		if depth == 0 {
			return i
		}
	}
	return i
}

// skipString is the end of the string at i.
func (w walker) skipString(i int) int {
	end, _ := skipText(w.b, i+1)
	return min(end, len(w.b))
}

func (w walker) skipScalar(i int) int {
	for i < len(w.b) && !isSpace(w.b[i]) && bytes.IndexByte([]byte(`,:{}[]"`), w.b[i]) < 0 {
		i++
	}
	return i
}

func (w walker) space(i int) int {
	for i < len(w.b) && isSpace(w.b[i]) {
		i++
	}
	return i
}

// peek is the byte at i, 0 at the end.
func (w walker) peek(i int) byte {
	if i < len(w.b) {
		return w.b[i]
	}
	return 0
}

func (w walker) null(i int) bool {
	return bytes.HasPrefix(w.b[min(i, len(w.b)):], []byte("null")) && w.skip(i) == i+len("null")
}

func (w walker) wrong(i int, expected string) *fault {
	if i >= len(w.b) {
		return &fault{at: len(w.b), found: "the end", expected: expected}
	}
	return &fault{at: i, found: snippet(w.b[i:]), expected: expected}
}
