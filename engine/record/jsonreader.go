package record

import (
	"bytes"
	"fmt"
	"io"
	"unicode/utf8"
)

// MaxLineBytes bounds a line. The longest that makes sense carries a document of 1 MiB as text: written as \u0000
// throughout it is 6 MiB, and the other fields at their limits stay below 2 MiB. A longer line is read over without
// being held in memory.
const MaxLineBytes = 8 << 20

// Line is what one line of a file says.
type Line struct {
	Number  int      // from 1
	Kind    Kind     // 0 for a query line
	Label   string   // the line's own id
	Records []Record // in journal order: evidence, then source, then the record itself
	Query   *Query   // a question to ask; then Records is empty
}

// Reader reads records from JSON lines, strictly: what it takes, it takes exactly as written, and what it doesn't
// take it names. Memory is bounded by MaxLineBytes and MaxFileLabels. A Reader is for one goroutine.
type Reader struct {
	src    io.Reader
	file   string
	names  *names
	d      lineDecoder
	buf    []byte // buf[from:] is read and not yet taken apart
	from   int
	number int   // of the last line
	offset int64 // of buf[from] in the file
	end    error // what src said last: io.EOF or worse
	failed error // of Known: nothing is read behind it
}

// NewReader reads lines from r. file is what messages call it. known resolves sources that are not in the file; nil
// knows none.
func NewReader(r io.Reader, file string, known Known) *Reader {
	n := newNames(known)
	return &Reader{src: r, file: file, names: n, d: lineDecoder{names: n}, buf: make([]byte, 0, 64<<10)}
}

// Offset is how many bytes of the file have been taken apart.
func (r *Reader) Offset() int64 { return r.offset }

// Bind says what a query line became once it was asked, so that later lines can name it by its label. Call it
// before the next Next. A label that no query line has is ignored.
func (r *Reader) Bind(label string, id ID) {
	if l, there := r.names.labels[label]; there && l.query {
		l.id = id
		r.names.labels[label] = l
	}
}

// Next is the next line that holds something; blank lines are skipped. A *Reject is a line that was not taken: call
// Next again for the one behind it. io.EOF is the end of the file. Any other error, of the reader or of Known,
// stays: the file can't be read on. The Line's memory is the caller's.
func (r *Reader) Next() (Line, error) {
	for {
		if r.failed != nil {
			return Line{}, r.failed
		}
		line, size, err := r.nextLine()
		if err != nil {
			return Line{}, err
		}
		r.number++
		if size > MaxLineBytes {
			return Line{}, &Reject{
				File: r.file, Line: r.number, Column: 1, Found: fmt.Sprintf("a line of %d bytes", size),
				Expected: fmt.Sprintf("at most %d", MaxLineBytes), Hint: "a document is at most 1 MiB, and each record has a line of its own",
			}
		}
		if r.number == 1 {
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		start := scanner{line}.space(0)
		if start == len(line) {
			continue
		}
		return r.decode(line, start)
	}
}

func (r *Reader) decode(text []byte, start int) (Line, error) {
	d := &r.d
	d.begin(text, start)
	line := Line{Number: r.number}
	if !utf8.Valid(text) {
		return Line{}, r.reject(notUTF8(text), "")
	}
	d.read(&line)
	if d.err != nil {
		r.failed = fmt.Errorf("read %s, line %d: %w", r.file, r.number, d.err)
		return Line{}, r.failed
	}
	if d.fault != nil {
		if label := d.readable("id"); label != "" {
			r.names.refuse(r.number, label)
		}
		return Line{}, r.reject(d.fault, d.readable("agent", "agent_id"))
	}
	r.names.define(r.number, d.defined)
	return line, nil
}

func (r *Reader) reject(f *fault, agent string) *Reject {
	return &Reject{
		File: r.file, Line: r.number, Column: utf8.RuneCount(r.d.line[:f.at]) + 1, Agent: agent,
		Field: f.field, Found: f.found, Expected: f.expected, Hint: f.hint,
	}
}

// notUTF8 finds the first byte that is not UTF-8.
func notUTF8(text []byte) *fault {
	for i := 0; i < len(text); {
		c, size := utf8.DecodeRune(text[i:])
		if c == utf8.RuneError && size == 1 {
			f := &fault{at: i, found: fmt.Sprintf("the byte %#02x", text[i]), expected: "UTF-8 text", hint: "bytes that are no text travel as content_base64"}
			if bytes.IndexByte(text, 0) >= 0 {
				f.hint = "this looks like UTF-16; save the file as UTF-8"
			}
			return f
		}
		i += size
	}
	return &fault{found: "nothing", expected: "UTF-8 text"}
}

// nextLine is the next line without its line end, valid until the next call, and its size. Of a line longer than
// MaxLineBytes only the size is returned.
func (r *Reader) nextLine() (line []byte, size int64, err error) {
	scanned := 0 // bytes of buf[from:] that hold no line end
	for {
		if n := bytes.IndexByte(r.buf[r.from+scanned:], '\n'); n >= 0 {
			n += scanned
			line = r.buf[r.from : r.from+n]
			r.take(n + 1)
			return line, size + int64(n), nil
		}
		scanned = len(r.buf) - r.from
		if size+int64(scanned) > MaxLineBytes { // too long: let go of what was read of it
			size += int64(scanned)
			r.take(scanned)
			scanned = 0
		}
		if r.end != nil {
			return r.lastLine(size)
		}
		r.fill()
	}
}

// lastLine is what stands behind the last line end.
func (r *Reader) lastLine(size int64) ([]byte, int64, error) {
	line := r.buf[r.from:]
	r.take(len(line))
	if size += int64(len(line)); size == 0 || r.end != io.EOF {
		return nil, 0, r.end
	}
	return line, size, nil
}

func (r *Reader) take(n int) {
	r.from += n
	r.offset += int64(n)
}

// fill reads on, after making room: the rest of a line moves to the front, and the buffer grows when it is full.
func (r *Reader) fill() {
	if r.from > 0 {
		r.buf = r.buf[:copy(r.buf, r.buf[r.from:])]
		r.from = 0
	}
	if len(r.buf) == cap(r.buf) {
		r.buf = append(make([]byte, 0, 2*cap(r.buf)), r.buf...)
	}
	const emptyMax = 100 // as bufio: readers that keep returning nothing are broken
	for range emptyMax {
		n, err := r.src.Read(r.buf[len(r.buf):cap(r.buf)])
		r.buf = r.buf[:len(r.buf)+n]
		if err != nil && err != io.EOF {
			err = fmt.Errorf("read %s at byte %d: %w", r.file, r.offset+int64(len(r.buf)), err)
		}
		if r.end = err; n > 0 || err != nil {
			return
		}
	}
	r.end = fmt.Errorf("read %s at byte %d: %w", r.file, r.offset+int64(len(r.buf)), io.ErrNoProgress)
}
