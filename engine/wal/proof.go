package wal

import (
	"bytes"
	"errors"
)

// findProof looks behind the last complete batch for a header that says the records there were durable once: rule 3.
// Nil and no error: there is none. An error is a read failure.
func (l *Log) findProof(seg *segment, s *scan) (*frame, error) {
	f, err := l.fsys.Open(seg.path)
	if err != nil {
		return nil, &ReadError{File: seg.path, Err: err}
	}
	defer f.Close()
	p := prover{from: s.good.off, limit: s.size, first: s.good.lsn + 1, log: l.id}
	p.window.reset(f, seg.path)
	return p.find()
}

// prover is one search. What it accepts as proof is a header whose checksum holds for this journal, that says records
// from first on were durable when it was written, and that has the LSN of a record that could stand there. Its payload
// may be damaged as well: two damages are no reason to believe in none.
type prover struct {
	window window
	from   int64 // end of the last complete batch
	limit  int64 // size of the file
	first  LSN   // that is missing
	log    LogID
}

func (p *prover) find() (*frame, error) {
	proof, at, err := p.skipExtents()
	if proof != nil || err != nil {
		return proof, err
	}
	for at+HeaderBytes <= p.limit {
		n := int(min(readAheadBytes, p.limit-at))
		buf, err := p.window.at(at, n, p.limit)
		if err != nil {
			return nil, err
		}
		for in := nextMagic(buf, 0); in >= 0; in = nextMagic(buf, in+alignBytes) {
			if in+HeaderBytes > n {
				break
			}
			if proof := p.proves(buf[in:], at+int64(in)); proof != nil {
				return proof, nil
			}
		}
		// A header may begin in this buffer's last bytes and end in the next.
		at += int64(n - HeaderBytes + alignBytes)
	}
	return nil, nil
}

// nextMagic is the first offset from i on, a multiple of 8, at which a record header may begin; -1 when there is none.
func nextMagic(buf []byte, i int) int {
	for i < len(buf) {
		in := bytes.Index(buf[i:], []byte(recordMagic))
		if in < 0 {
			return -1
		}
		if i += in; i%alignBytes == 0 {
			return i
		}
		i++
	}
	return -1
}

// skipExtents goes over the headers that stand where headers have to stand, payload by payload, as long as they hold:
// a payload may contain records of this very journal, and those prove nothing. It returns where the search goes on.
func (p *prover) skipExtents() (*frame, int64, error) {
	at, lsn := p.from, p.first-1
	for at+HeaderBytes <= p.limit {
		raw, err := p.window.at(at, HeaderBytes, p.limit)
		if err != nil {
			return nil, 0, err
		}
		h, err := DecodeHeader(raw, &p.log)
		if err != nil || h.LSN != lsn && h.Mark() || h.LSN != lsn+1 && !h.Mark() {
			break
		}
		if proof := p.proves(raw, at); proof != nil {
			return proof, 0, nil
		}
		at, lsn = at+frameBytes(int64(h.Length)), h.LSN
	}
	return nil, at, nil
}

// proves is the header at the start of raw when it proves that first was durable.
func (p *prover) proves(raw []byte, off int64) *frame {
	h, err := DecodeHeader(raw, &p.log)
	if err != nil || h.Durable < p.first {
		return nil
	}
	between := LSN((off - p.from) / HeaderBytes) // no more records than this fit in between
	if h.LSN > p.first+between {
		return nil
	}
	return &frame{Header: h, off: off}
}

// lastNonzero is the end of the last byte from from on that is not 0, from when there is none.
func lastNonzero(c *cursor, from int64) (int64, error) {
	var w window
	w.reset(c.window.file, c.window.path)
	end := from
	for at := from; at < c.limit; {
		n := int(min(readAheadBytes, c.limit-at))
		buf, err := w.at(at, n, c.limit)
		if err != nil {
			return 0, err
		}
		if !bytes.Equal(buf, zeros[:n]) {
			end = at + int64(n)
			for buf[end-at-1] == 0 {
				end--
			}
		}
		at += int64(n)
	}
	return end, nil
}

// zeros is never written to.
var zeros [readAheadBytes]byte

// erasedAhead is a cursor's erased for one segment read on its own: the marks that say what was erased lie behind the
// records they are about. They are gathered once, when the first payload differs.
func erasedAhead() func(*cursor, *frame, *flaw) (LSN, error) {
	var marks map[LSN]Mark
	return func(c *cursor, f *frame, _ *flaw) (LSN, error) {
		if marks == nil {
			var err error
			if marks, err = gatherErasures(c, f); err != nil {
				return 0, err
			}
		}
		m := marks[f.LSN]
		if m.Hash != f.Hash {
			return 0, nil
		}
		return m.By, nil
	}
}

// gatherErasures reads the headers behind f for erasure marks, as far as they are valid.
func gatherErasures(c *cursor, f *frame) (map[LSN]Mark, error) {
	ahead := cursor{log: c.log, number: c.number, limit: c.limit, headersOnly: true}
	ahead.window.reset(c.window.file, c.window.path)
	ahead.place = place{off: f.end, lsn: f.LSN, chain: f.Chain, inBatch: !f.Last()}
	marks := map[LSN]Mark{}
	var g frame
	for {
		err := ahead.next(&g)
		var fl *flaw
		if err == errEnd || errors.As(err, &fl) {
			return marks, nil
		}
		if err != nil {
			return nil, err
		}
		if g.Mark() && g.mark.Type == MarkErasure {
			marks[g.mark.Erased] = g.mark
		}
	}
}
