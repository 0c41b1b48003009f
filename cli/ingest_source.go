package cli

import (
	"errors"
	"io"
	"sync"

	"episteme/engine/intake"
	"episteme/engine/record"
)

// source is a decoder as the engine reads it. It knows up to which byte of the file all that came out is counted: the
// engine says how many lines are durable, and a request may hold many. Next is called on one goroutine while another
// asks how far it is.
type source struct {
	intake.Decoder
	tally *tally

	mu     sync.Mutex
	lines  int   // that came out, rejects included
	offset int64 // behind the last of them
	marks  []mark
	passed int64 // behind which byte all marks that were reached lie
}

// mark says that behind so many lines everything up to offset has come out.
type mark struct {
	lines  int
	offset int64
}

// Next is the next line, counted.
func (s *source) Next() (record.Line, error) {
	item, err := s.Decoder.Next()
	var reject *record.Reject
	counts := err == nil || errors.As(err, &reject)
	at := s.Offset()
	s.mu.Lock()
	defer s.mu.Unlock()
	if at != s.offset || errors.Is(err, io.EOF) {
		if errors.Is(err, io.EOF) {
			s.marks = append(s.marks, mark{s.lines, at})
		} else {
			s.marks = append(s.marks, mark{s.lines, s.offset})
		}
		s.offset = at
	}
	if counts {
		s.lines++
	}
	if err == nil {
		s.tally.add(item.Line)
	}
	return item.Line, err
}

// read is how many bytes have been read.
func (s *source) read() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.offset
}

// safe is behind which byte of the file nothing is lost when so many lines are kept.
func (s *source) safe(lines int) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for n < len(s.marks) && s.marks[n].lines <= lines {
		s.passed = s.marks[n].offset
		n++
	}
	s.marks = s.marks[n:]
	return s.passed
}

// lines is a decoder as the engine reads it, of which nobody needs to know how far it is.
type lines struct{ intake.Decoder }

// Next is the next line.
func (l lines) Next() (record.Line, error) {
	item, err := l.Decoder.Next()
	return item.Line, err
}
