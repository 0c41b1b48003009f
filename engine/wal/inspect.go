package wal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"episteme/engine/vfs"
)

// inspection is a journal looked at as a whole, in whatever state it is. Nothing is written.
type inspection struct {
	log   *Log // never opened: file system, directory, options and log id
	clean *Clean
	hint  error // why CLEAN is of no use, nil when it is or is not there
	segs  []*survey
	errs  []error // by segment: what kept it from being read
	marks map[LSN]Mark

	end     *scan // how the last segment ends
	verdict error // why it should not end there: rules 1 to 4; nil also when it is torn
	torn    int64 // bytes behind the end that were never acknowledged
}

// inspect reads everything in dir. An error means that nothing can be said; what is wrong with the journal is not one.
func inspect(ctx context.Context, fsys vfs.FS, dir string, o VerifyOptions) (*inspection, error) {
	opts, err := Options{ReadOnly: true, Witness: o.Witness}.withDefaults()
	if err != nil {
		return nil, err
	}
	in := &inspection{log: &Log{fsys: fsys, dir: dir, opts: opts}}
	present := false
	if in.clean, present, in.hint = readClean(fsys, dir); present && in.clean == nil && in.hint == nil {
		in.hint = &DamagedError{File: filepath.Join(dir, cleanName), Found: "bytes that do not check", Expected: "where the journal was closed"}
	}
	if err := in.list(); err != nil {
		return nil, err
	}
	for _, s := range in.segs {
		s.ctx, s.clean, s.witness = ctx, in.clean, o.Witness
	}
	if err := in.surveyAll(ctx, o); err != nil {
		return nil, err
	}
	if err := in.gatherMarks(); err != nil {
		return nil, err
	}
	return in, in.judgeEnd()
}

// list finds the segments and reads their headers, whatever they are like.
func (in *inspection) list() error {
	l := in.log
	names, err := l.fsys.ReadDir(l.dir)
	if err != nil {
		return fmt.Errorf("wal: read %s: %w", l.dir, err)
	}
	for _, name := range names { // ascending by bytes, and so by first LSN
		if first, ok := parseSegmentName(name); ok {
			seg := &segment{path: filepath.Join(l.dir, name), header: SegmentHeader{FirstLSN: first}}
			in.segs = append(in.segs, &survey{seg: seg})
		}
	}
	if len(in.segs) == 0 {
		return fmt.Errorf("wal: read %s: no segment in it, so nothing can be checked: %w", l.dir, fs.ErrNotExist)
	}
	in.errs = make([]error, len(in.segs))
	for i, s := range in.segs {
		in.errs[i] = s.readHeader(l.fsys)
		if i > 0 {
			in.segs[i-1].first = s.seg.header.FirstLSN
		}
	}
	in.segs[len(in.segs)-1].last = true
	in.findLogID()
	return nil
}

func (s *survey) readHeader(fsys vfs.FS) error {
	named := s.seg.header.FirstLSN
	f, err := fsys.Open(s.seg.path)
	if err != nil {
		return &ReadError{File: s.seg.path, LSN: named, Err: err}
	}
	defer f.Close()
	if s.seg.end, err = f.Size(); err != nil {
		return &ReadError{File: s.seg.path, LSN: named, Err: err}
	}
	h, err := readSegmentHeader(f, s.seg.path, named)
	if errors.As(err, &s.header) {
		s.raw = make([]byte, min(SegmentHeaderBytes, s.seg.end))
		if _, err := f.ReadAt(s.raw, 0); err != nil {
			return &ReadError{File: s.seg.path, LSN: named, Err: err}
		}
		return nil
	}
	s.seg.header = h
	s.seg.header.FirstLSN = named
	return err
}

// findLogID takes it from the first header that checks, and lends it to those that do not.
func (in *inspection) findLogID() {
	l := in.log
	for _, s := range in.segs {
		if s.header == nil && s.seg.header.Log != (LogID{}) {
			l.id = s.seg.header.Log
			break
		}
	}
	if l.id == (LogID{}) && in.clean != nil {
		l.id = in.clean.Log
	}
	if raw := in.segs[0].raw; l.id == (LogID{}) && len(raw) == SegmentHeaderBytes {
		l.id = mendedLogID(raw)
	}
	for _, s := range in.segs {
		if s.header != nil {
			s.seg.header.Log = l.id
		}
	}
}

// mendedLogID is the log id in a header that does not check: as it was where one flipped bit is all that is wrong, which
// the digest tells, and else as it stands there. If that is not it, no frame's checksum will hold.
func mendedLogID(raw []byte) LogID {
	header := [SegmentHeaderBytes]byte(raw)
	for bit := range 8 * len(header) {
		header[bit/8] ^= 1 << (bit % 8)
		if h, err := DecodeSegmentHeader(header[:]); err == nil {
			return h.Log
		}
		header[bit/8] ^= 1 << (bit % 8)
	}
	return LogID(raw[40:56])
}

// surveyAll reads the segments, several at once: each knows from its header which chain it goes on from.
func (in *inspection) surveyAll(ctx context.Context, o VerifyOptions) error {
	workers := o.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	var total int64
	for _, s := range in.segs {
		total += s.seg.end
	}
	var telling sync.Mutex
	var done int64
	moved := func(bytes int64) {
		telling.Lock()
		defer telling.Unlock()
		if done += bytes; o.Progress != nil {
			o.Progress(VerifyProgress{Done: min(done, total), Total: total})
		}
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(workers, len(in.segs)) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(in.segs); i = int(next.Add(1)) - 1 {
				s := in.segs[i]
				if in.errs[i] != nil || ctx.Err() != nil {
					continue
				}
				s.moved = moved
				in.errs[i] = surveySegment(in.log.fsys, s, -1)
				moved(s.size - s.told)
				s.moved = nil
			}
		})
	}
	wg.Wait()
	return ctx.Err()
}

// judgeEnd applies the rules of recovery to the last segment, as opening would.
func (in *inspection) judgeEnd() error {
	i := len(in.segs) - 1
	s := in.segs[i]
	if in.errs[i] != nil || s.header != nil {
		return nil
	}
	end := firstPoint(&s.seg.header).place
	if len(s.runs) > 0 {
		end = s.runs[len(s.runs)-1].to
	}
	if len(s.flaws) == 0 && !end.inBatch && !in.unexplained(s) {
		in.end = &scan{good: end, size: s.size, nonzero: end.off, witnessed: s.witnessed, cleanSeen: s.cleanSeen}
		in.verdict = in.log.judge(s.seg, in.end, &listing{clean: in.clean})
		return nil
	}
	return in.judgeTail(i)
}

// judgeTail looks again at a last segment that does not end as it should: somebody may be writing.
func (in *inspection) judgeTail(i int) error {
	s := in.segs[i]
	f, err := in.log.fsys.Open(s.seg.path)
	if err != nil {
		return &ReadError{File: s.seg.path, Err: err}
	}
	defer f.Close()
	if in.end, err = in.log.scanTwice(f, s.seg, in.clean); err != nil {
		in.errs[i] = err
		return nil
	}
	if in.verdict = in.log.judge(s.seg, in.end, &listing{clean: in.clean}); in.verdict != nil {
		return nil
	}
	in.torn = in.end.nonzero - in.end.good.off
	in.errs[i] = surveySegment(in.log.fsys, s, in.end.good.off)
	return nil
}

// gatherMarks collects who ordered which erasure, and once more from the files when a payload is gone without: the
// journal may have been written to since its end was read.
func (in *inspection) gatherMarks() error {
	in.marks = map[LSN]Mark{}
	for _, s := range in.segs {
		for _, r := range s.runs {
			for _, m := range r.erasures {
				in.marks[m.Erased] = m
			}
		}
	}
	if !slices.ContainsFunc(in.segs, in.unexplained) {
		return nil
	}
	return addErasures(in.log.fsys, in.log.dir, in.log.id, in.marks)
}

// unexplained reports whether a payload of a segment differs from its hash and nobody ordered it.
func (in *inspection) unexplained(s *survey) bool {
	return slices.ContainsFunc(s.runs, func(r *run) bool {
		return slices.ContainsFunc(r.differing, func(d differing) bool { return !in.erased(&d) })
	})
}

// erased reports whether d was erased by order.
func (in *inspection) erased(d *differing) bool { return in.marks[d.LSN].Hash == d.Hash }

// addErasures adds the marks in all headers that can be read now, as far as each segment's are valid.
func addErasures(fsys vfs.FS, dir string, log LogID, marks map[LSN]Mark) error {
	names, err := fsys.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("wal: read %s: %w", dir, err)
	}
	for _, name := range names {
		first, ok := parseSegmentName(name)
		if !ok {
			continue
		}
		s := survey{seg: &segment{path: filepath.Join(dir, name), header: SegmentHeader{FirstLSN: first}}}
		if err := s.readHeader(fsys); err != nil || s.header != nil || s.seg.header.Log != log {
			continue // told by whoever wants to read it
		}
		if err := s.addErasures(fsys, marks); err != nil {
			return err
		}
	}
	return nil
}

func (s *survey) addErasures(fsys vfs.FS, marks map[LSN]Mark) error {
	f, err := fsys.Open(s.seg.path)
	if err != nil {
		return &ReadError{File: s.seg.path, Err: err}
	}
	defer f.Close()
	var c cursor
	c.start(f, s.seg.path, &s.seg.header, s.seg.end)
	c.headersOnly = true
	var fr frame
	for c.next(&fr) == nil {
		if fr.Mark() && fr.mark.Type == MarkErasure {
			marks[fr.mark.Erased] = fr.mark
		}
	}
	return nil
}
