package tui

import (
	"bytes"
	"io"
	"os"
	"sync"
	"time"
	"unicode/utf8"
)

// escapeWait is how long the rest of an escape sequence may be on its way. A slow link cuts an arrow key into ESC
// and "[A"; without the wait that would be the Esc key and two letters. 50 ms is below what one notices after Esc.
const escapeWait = 50 * time.Millisecond

// A pasted text stands between two marks. Without the second one, every key would be taken for more of the text, so a
// paste ends after pasteWait of silence, too, and after pasteMax bytes.
const (
	pasteBegin = "\x1b[200~"
	pasteEnd   = "\x1b[201~"
	pasteWait  = time.Second
	pasteMax   = 64 << 10
)

// patient makes reads of r end at the end of an escape sequence or a character, where the rest comes within
// escapeWait. Call stop when nobody reads any more.
func patient(r io.Reader) (reader io.Reader, stop func()) {
	p := &patientReader{from: r, pieces: make(chan piece), done: make(chan struct{})}
	stop = sync.OnceFunc(func() { close(p.done) })
	go p.pump()
	if f, ok := r.(*os.File); ok {
		return patientTerminal{p, f}, stop
	}
	return p, stop
}

// patientTerminal still shows bubbletea the terminal below, which it puts into raw mode. It has no Name, and so is
// not taken for a plain file: bubbletea would wait on the file for what the reader already has.
type patientTerminal struct {
	*patientReader
	file *os.File
}

func (t patientTerminal) Write(p []byte) (int, error) { return t.file.Write(p) }
func (t patientTerminal) Close() error                { return nil } // its owner closes the file
func (t patientTerminal) Fd() uintptr                 { return t.file.Fd() }

// unfinished reports whether b ends within an escape sequence or a character.
func unfinished(b []byte) bool {
	esc := -1
	for i := len(b) - 1; i >= 0 && esc < 0; i-- {
		if b[i] == 0x1b {
			esc = i
		}
	}
	if esc >= 0 && openEscape(b[esc+1:]) {
		return true
	}
	return cutRune(b)
}

// openEscape reports whether what follows an ESC needs more.
func openEscape(b []byte) bool {
	if len(b) == 0 {
		return true
	}
	switch b[0] {
	case '[': // CSI: parameters, then a byte from @ to ~; "[[" begins the function keys of a Linux console
		if len(b) > 1 && b[1] == '[' {
			return len(b) < 3
		}
		for _, c := range b[1:] {
			if '@' <= c && c <= '~' {
				return false
			}
		}
		return true
	case 'O': // SS3: one more byte
		return len(b) < 2
	case ']', 'P', '_', '^': // strings up to BEL; one that ends with ESC \ shows as the later ESC
		for _, c := range b[1:] {
			if c == 0x07 {
				return false
			}
		}
		return true
	}
	return false
}

// cutRune reports whether b ends within a UTF-8 character.
func cutRune(b []byte) bool {
	for i := 1; i <= min(len(b), utf8.UTFMax-1); i++ {
		if c := b[len(b)-i]; utf8.RuneStart(c) {
			return c >= utf8.RuneSelf && !utf8.FullRune(b[len(b)-i:])
		}
	}
	return false
}

// patientReader reads ahead on a goroutine, one read at a time, since a read itself cannot be given up. The goroutine
// ends with the first read that returns after stop: of a terminal, with the next key or the process.
type patientReader struct {
	from   io.Reader
	pieces chan piece
	done   chan struct{}
	left   []byte // read and not handed out
	err    error

	pasting bool                  // a paste has begun and not ended
	pasted  int                   // its bytes so far
	cut     bool                  // it was ended at pasteMax: the rest of it is dropped
	last    [len(pasteBegin)]byte // the last bytes that came, to see the marks
}

type piece struct {
	bytes []byte
	err   error
}

func (r *patientReader) pump() {
	for {
		buf := make([]byte, 256)
		n, err := r.from.Read(buf)
		select {
		case r.pieces <- piece{buf[:n], err}:
		case <-r.done:
			return
		}
		if err != nil {
			return
		}
	}
}

// Read hands out what is there, waiting for the rest of what is unfinished.
func (r *patientReader) Read(p []byte) (int, error) {
	for ready := false; !ready; ready = len(r.left) > 0 || r.err != nil {
		for len(r.left) == 0 && r.err == nil {
			r.await()
		}
		r.finish(len(p))
		r.left = withoutReplies(r.left)
	}
	n := copy(p, r.left)
	r.left = r.left[n:]
	if n == 0 {
		return 0, r.err
	}
	return n, nil
}

// finish waits for the rest of what is unfinished, up to most bytes in all.
func (r *patientReader) finish(most int) {
	for unfinished(r.left) && r.err == nil && len(r.left) < most {
		timer := time.NewTimer(escapeWait)
		select {
		case more := <-r.pieces:
			timer.Stop()
			r.take(more)
			continue
		case <-timer.C:
		}
		return
	}
}

// withoutReplies takes out what a terminal answers: strings from ESC ] or the like up to their end, which is BEL or
// ESC \. A program before this one may have asked, on a slow link; taken for keys, a colour opens the command line. What
// has no end was typed. b is overwritten.
func withoutReplies(b []byte) []byte {
	out := b[:0]
	for i := 0; i < len(b); {
		n := replyLen(b[i:])
		if n == 0 {
			out = append(out, b[i])
			n = 1
		}
		i += n
	}
	return out
}

// replyLen is how many bytes of b are such a string, from its first byte on; 0: it begins with none.
func replyLen(b []byte) int {
	if len(b) < 3 || b[0] != 0x1b || !bytes.Contains([]byte("]P_^"), b[1:2]) {
		return 0
	}
	end := bytes.IndexAny(b[2:], "\x07\x1b")
	if end < 0 {
		return 0
	}
	switch end += 2; {
	case b[end] == 0x07:
		return end + 1
	case end+1 < len(b) && b[end+1] == '\\':
		return end + 2
	}
	return 0
}

// await waits for a piece, within a paste no longer than pasteWait.
func (r *patientReader) await() {
	var silence <-chan time.Time
	if r.pasting {
		timer := time.NewTimer(pasteWait)
		defer timer.Stop()
		silence = timer.C
	}
	select {
	case first := <-r.pieces:
		r.take(first)
	case <-silence:
		r.endPaste()
		r.pasting, r.cut = false, false
	case <-r.done:
		r.err = io.EOF
	}
}

// take takes in a piece, all but what is left of a paste that was too long.
func (r *patientReader) take(p piece) {
	for _, c := range p.bytes {
		copy(r.last[:], r.last[1:])
		r.last[len(r.last)-1] = c
		if !r.cut {
			r.left = append(r.left, c)
		}
		switch {
		case !r.pasting:
			r.pasting, r.pasted = string(r.last[:]) == pasteBegin, 0
		case string(r.last[:]) == pasteEnd:
			r.pasting, r.cut = false, false
		default:
			if r.pasted++; r.pasted == pasteMax {
				r.endPaste()
				r.cut = true
			}
		}
	}
	r.err = p.err
}

// endPaste puts the end of a paste in place of the one that did not come.
func (r *patientReader) endPaste() {
	if !r.cut {
		r.left = append(r.left, pasteEnd...)
	}
}
