package intake

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"episteme/engine/record"
)

// Limits of an object: an export request, a run of an agent, a trace. They are what keeps a hostile file from taking
// more memory than it has bytes, many times over: a span in memory is about 300 bytes, and "{}," is three.
const (
	maxRequestBytes = 64 << 20 // guess: gRPC receivers take 4 MiB by default, files put together by hand may be larger
	maxRequestDepth = 256      // brackets; an attribute nested n deep takes 12 + 5n, exporters stop below n = 10
	readBytes       = 64 << 10 // first size of the buffer; it doubles as needed
)

// shape is what a format's objects are called, how they may stand in a file, and how one is known to begin.
type shape struct {
	noun     string // a request, a run, a trace
	expected string // what an object of this format looks like, for a reject
	hint     string // what to do about one that is too long
	opening  string // how a line begins that is surely an object; empty: as the object before it begins, with the same key
	listed   bool   // objects may also be elements of lists
}

// request is one object's bytes and where they stand: an export request, a run, a trace.
type request struct {
	bytes []byte // valid until the next object is read
	start place  // of its first byte

	// Where the last questions about lines and places were answered: asking in rising order costs one pass over
	// the bytes, not one for each question. Lines are asked for often, columns only for rejects.
	lines, last place
}

// place is a byte of a request and where that is in the file.
type place struct {
	at     int // bytes from the start of the request
	line   int // from 1
	column int // in characters, from 1
}

func newRequest(b []byte, line, column int) request {
	start := place{line: line, column: column}
	return request{b, start, start, start}
}

// line is the line of the byte at offset at of the request.
func (q *request) line(at int) int {
	if at < q.lines.at {
		q.lines = q.start
	}
	q.lines.line += bytes.Count(q.bytes[q.lines.at:at], newline)
	q.lines.at = at
	return q.lines.line
}

// place finds the byte at offset at of the request in the file.
func (q *request) place(at int) place {
	at = min(at, len(q.bytes))
	if at < q.last.at {
		q.last = q.start
	}
	q.last = q.last.behind(q.bytes[q.last.at:at])
	return q.last
}

// behind is the place after passed.
func (p place) behind(passed []byte) place {
	p.at += len(passed)
	if i := bytes.LastIndexByte(passed, '\n'); i >= 0 {
		p.line += bytes.Count(passed, newline)
		p.column, passed = 1, passed[i+1:]
	}
	p.column += utf8.RuneCount(passed)
	return p
}

var newline = []byte{'\n'}

// requestReader cuts a file into JSON objects, one a line, or spread over lines, or one behind the other, or the
// elements of a list. It checks strings and brackets and no more; what is in them is for those who read an object.
//
// After something that is no object it goes on at the next line that begins with "{": inside an object that is
// spread over lines no such line is expected, so one broken object is one reject.
type requestReader struct {
	shape  shape
	inList bool
	r      io.Reader
	buf    []byte // buf[start:end] is read and not consumed
	start  int
	end    int
	err    error // what r gave last
	offset int64 // of buf[start] in the file
	at     place // of buf[start] in the file; its own at is not used
	stack  []byte
}

func newRequestReader(r io.Reader, s shape) *requestReader {
	return &requestReader{shape: s, r: r, buf: make([]byte, readBytes), at: place{line: 1, column: 1}, stack: make([]byte, 0, maxRequestDepth)}
}

// fault is a record.Reject in the making: it knows a byte of what is being read, not yet the file and the line.
type fault struct {
	at       int // bytes from the start of the request, or of the span until otlp.span has added where that is
	agent    string
	field    string
	found    string
	expected string
	hint     string
}

// next is the next request. Its errors are io.EOF, a *record.Reject without a file, and what the reader gave.
func (r *requestReader) next() (request, error) {
	if err := r.skipSpace(); err != nil {
		return request{}, err
	}
	n, f := r.scan(r.begins())
	if f == nil && r.err != nil && n == 0 {
		return request{}, r.err
	}
	q := newRequest(r.window()[:n], r.at.line, r.at.column)
	if f != nil {
		where := q.place(f.at)
		r.consume(n)
		if err := r.resume(); err != nil {
			return request{}, err
		}
		return request{}, &record.Reject{Line: where.line, Column: where.column, Field: f.field, Found: f.found, Expected: f.expected, Hint: f.hint}
	}
	if rest := r.window()[n:]; len(rest) > 0 && rest[0] == '\n' {
		n++ // the line ends here, so nobody will ask how many characters it had
	}
	r.consume(n)
	return q, nil
}

func (r *requestReader) window() []byte { return r.buf[r.start:r.end] }

// consume moves behind n bytes of the window. The bytes stay where they are until the next read.
func (r *requestReader) consume(n int) {
	r.at = r.at.behind(r.window()[:n])
	r.start += n
	r.offset += int64(n)
}

// more reads on, and reports whether the window has grown. When it has not, r.err says why.
func (r *requestReader) more() bool {
	if r.start > 0 {
		r.end = copy(r.buf, r.window())
		r.start = 0
	}
	if r.end == len(r.buf) {
		grown := min(2*len(r.buf), maxRequestBytes+readBytes) // scan gives up before this is full
		r.buf = append(make([]byte, 0, grown), r.buf...)[:grown]
	}
	for empty := 0; r.err == nil && empty < 100; empty++ { // 100 as in package bufio: a reader that never reads
		var n int
		n, r.err = r.r.Read(r.buf[r.end:])
		if r.end += n; n > 0 {
			return true
		}
	}
	if r.err == nil {
		r.err = io.ErrNoProgress
	}
	return false
}

var byteOrderMark = []byte("\ufeff")

// skipSpace consumes what stands between objects: white space, and the byte order mark some systems put at the start
// of a file; where objects may be listed, the brackets and commas of lists.
func (r *requestReader) skipSpace() error {
	for {
		w := r.window()
		if r.offset == 0 && len(w) < len(byteOrderMark) && r.more() {
			continue
		}
		if r.offset == 0 && bytes.HasPrefix(w, byteOrderMark) {
			r.start += len(byteOrderMark)
			r.offset += int64(len(byteOrderMark))
			continue
		}
		n := 0
		for n < len(w) && (isSpace(w[n]) || r.shape.listed && r.listing(w[n])) {
			n++
		}
		r.consume(n)
		if n < len(w) {
			return nil
		}
		if !r.more() {
			return r.err
		}
	}
}

// listing reports whether c is punctuation of a list at this place, and keeps in mind whether a list is open.
func (r *requestReader) listing(c byte) bool {
	switch {
	case c == '[' && !r.inList:
		r.inList = true
	case c == ']' && r.inList:
		r.inList = false
	case c == ',' && r.inList:
	default:
		return false
	}
	return true
}

// begins is how a line must begin to be an object for sure.
func (r *requestReader) begins() string {
	if r.shape.opening != "" {
		return r.shape.opening
	}
	const keyBytes = 32 // no format's first key is longer
	w := r.window()[:min(r.end-r.start, keyBytes)]
	if !bytes.HasPrefix(w, []byte(`{"`)) {
		return "" // spread over lines: one that begins with "{" is not expected, nor would it tell
	}
	if i := bytes.IndexByte(w[2:], '"'); i > 0 {
		return string(w[:i+3])
	}
	return ""
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// scan finds the end of the request that begins the window. With a fault, n is how much of the window is lost.
// Without either, n is 0 and r.err is not io.EOF: the file cannot be read on.
func (r *requestReader) scan(opening string) (n int, f *fault) {
	if c := r.window()[0]; c != '{' {
		return 0, r.shape.notOne(r.window())
	}
	brackets, inString := r.stack[:0], false
	for i := 0; ; {
		for w := r.window(); i < len(w); {
			c := w[i]
			if inString {
				if w[i-1] == '\n' { // read behind the "\" that would escape it
					i--
				} else {
					i, inString = skipText(w, i)
				}
				if inString && i < len(w) { // at a line's end
					return i, &fault{at: i, found: "the end of the line inside a string", expected: `a closing "`, hint: r.shape.cutOff()}
				}
				continue
			}
			switch c {
			case '"':
				inString = true
			case '{', '[':
				if len(brackets) == maxRequestDepth {
					return i, &fault{at: i, found: fmt.Sprintf("more than %d nested brackets", maxRequestDepth), expected: fmt.Sprintf("at most %d", maxRequestDepth)}
				}
				brackets = append(brackets, c+2) // ASCII has "}" two behind "{", and "]" two behind "["
			case '}', ']':
				expected := brackets[len(brackets)-1]
				if c != expected {
					return i, &fault{at: i, found: quoteByte(c), expected: quoteByte(expected)}
				}
				if brackets = brackets[:len(brackets)-1]; len(brackets) == 0 {
					return i + 1, nil
				}
			case '\n':
				if opening != "" && r.startsRequest(i+1, opening) {
					return i + 1, r.shape.tornAt(i)
				}
				w = r.window() // it may have read on
			}
			i++
		}
		if i > maxRequestBytes {
			return min(i, r.end-r.start), &fault{found: fmt.Sprintf("more than %d bytes", maxRequestBytes), expected: r.shape.noun + " of at most 64 MiB", hint: r.shape.hint}
		}
		if !r.more() {
			if !errors.Is(r.err, io.EOF) {
				return 0, nil
			}
			return r.end - r.start, r.shape.tornAt(r.end - r.start)
		}
	}
}

// skipText goes on from i inside a string: to behind its closing quote, to a line's end, or to the end of w, or one
// further when that cuts an escape in two. Most strings of an agent's span hold JSON and are full of escaped quotes,
// so looking for the next quote is no faster than going byte by byte.
func skipText(w []byte, i int) (end int, inString bool) {
	for ; i < len(w); i++ {
		switch w[i] {
		case '"':
			return i + 1, false
		case '\\':
			if i++; i < len(w) && w[i] == '\n' {
				return i, true
			}
		case '\n':
			return i, true
		}
	}
	return i, true
}

// startsRequest reports whether an object begins at i as objects here begin. The object before it was cut off then. It
// reads on where the bytes are not there yet.
func (r *requestReader) startsRequest(i int, opening string) bool {
	if i > maxRequestBytes {
		return false // the buffer has no room to look further, and scan is about to give up
	}
	for r.end-r.start <= i+len(opening) && r.more() {
	}
	w := r.window()
	return len(w) > i+len(opening) && string(w[i:i+len(opening)]) == opening && w[i+len(opening)] != '"'
}

func (s shape) cutOff() string {
	return "the " + strings.TrimPrefix(s.noun, "a ") + " is cut off: was the file still being written? export it again"
}

func (s shape) tornAt(i int) *fault {
	return &fault{at: i, found: "the end in the middle of " + s.noun, expected: "its closing brackets", hint: s.cutOff()}
}

func (s shape) notOne(w []byte) *fault {
	f := &fault{found: snippet(w), expected: s.expected}
	if !isText(w[:min(len(w), readBytes)]) {
		f.found, f.hint = "bytes that are not text", "JSON is expected here; a file that is packed in another way than gzip or zstd has to be unpacked first"
	}
	return f
}

// isText reports whether w could be part of a text file: no control characters, but those of lines and tabs.
func isText(w []byte) bool {
	return !bytes.ContainsFunc(w, func(r rune) bool { return r < ' ' && !isSpace(byte(r)) })
}

// resume consumes up to the next line that begins with "{".
func (r *requestReader) resume() error {
	if r.at.column == 1 && r.at.line > 1 && r.start < r.end && r.buf[r.start] == '{' {
		return nil // the fault was the line before this one
	}
	for {
		w := r.window()
		i := bytes.IndexByte(w, '\n')
		switch {
		case i >= 0 && i+1 < len(w):
			r.consume(i + 1)
			if w[i+1] == '{' {
				return nil
			}
			continue
		case i < 0:
			r.consume(len(w))
		}
		if !r.more() {
			r.consume(r.end - r.start)
			return r.readError()
		}
	}
}

// readError is what went wrong with the reader, nil when it only came to its end.
func (r *requestReader) readError() error {
	if errors.Is(r.err, io.EOF) {
		return nil
	}
	return r.err
}

// snippet is the start of what was found, for a message.
func snippet(w []byte) string {
	const snippetBytes = 40 // half a terminal's line
	cut, was := cutText(string(w[:min(len(w), snippetBytes+utf8.UTFMax)]), snippetBytes)
	if i := bytes.IndexByte([]byte(cut), '\n'); i >= 0 {
		cut, was = cut[:i], false
	}
	if was {
		cut += "…"
	}
	return fmt.Sprintf("%q", cut)
}

func quoteByte(c byte) string { return fmt.Sprintf("%q", string(rune(c))) }
