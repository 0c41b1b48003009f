package wal

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sort"
	"syscall"

	"episteme/engine/vfs"
)

// Recovery is what opening a journal found and did. It is news, not an error: TornBytes > 0 means that a last write
// was never acknowledged and was set aside.
type Recovery struct {
	Created   bool   // there was no journal, now there is
	Clean     bool   // it had been closed properly, so only headers and the last record were read
	Segments  int    // files that hold it
	Records   LSN    // LSN of the last record, also where a hole stands in its place: the next one gets one more
	Checked   int    // records that were read and checked
	TornBytes int64  // of an unfinished last write
	TornFile  string // where they were copied before they were zeroed; "" when there were none, or read-only
	Rewritten int64  // bytes that were whole but not provably durable, and were written and synced again
	Unproven  LSN    // read-only: that many of the last records are whole but not provably durable
	Holes     int    // holes met, left by a rebuild

	// Damage is why a journal opened read-only ends at Records though there was more: a *DamagedError, *LostTailError,
	// *TooNewError or *ReadError. Opened for writing, the same error is returned in place of a Log.
	Damage error
}

const (
	lockName    = "LOCK"
	segmentExt  = ".wal"
	nextTmpName = "next.tmp" // the next segment while it is made; never a segment, whatever it holds
)

// Open opens the journal in dir, making both when there is none and ReadOnly is not set. The numbered rules of recovery
// are in the package comment.
func Open(fsys vfs.FS, dir string, opts Options) (*Log, Recovery, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, Recovery{}, err
	}
	l := &Log{fsys: fsys, dir: dir, opts: opts}
	l.init()
	rec, err := l.open()
	if err != nil {
		l.release()
		return nil, rec, err
	}
	return l, rec, nil
}

func (l *Log) open() (Recovery, error) {
	if !l.opts.ReadOnly {
		if err := l.claim(); err != nil {
			return Recovery{}, err
		}
	}
	found, err := l.list()
	if err != nil {
		return Recovery{}, err
	}
	if len(found.segments) == 0 && found.damage == nil {
		return l.create(found)
	}
	return l.recover(found)
}

// claim makes the directory and locks it.
func (l *Log) claim() error {
	if err := l.fsys.MkdirAll(l.dir); err != nil {
		return fmt.Errorf("wal: make %s: %w", l.dir, err)
	}
	lock, err := l.fsys.Lock(filepath.Join(l.dir, lockName))
	if err != nil {
		return fmt.Errorf("wal: open %s: %w", l.dir, err)
	}
	l.lock = lock
	return nil
}

// syncAbove makes the names of dir and of all directories above it durable. Those that exist are no better off: an
// earlier life may have made them and failed before it had synced them. A directory that we may not read, or on a file
// system that syncs no directories, we did not make either, except for the nearest.
func syncAbove(fsys vfs.FS, dir string) error {
	for nearest := true; ; nearest = false {
		parent := filepath.Dir(dir)
		if parent == dir {
			return nil
		}
		if err := fsys.SyncDir(parent); err != nil && (nearest || !cannotSync(err)) {
			return err
		}
		dir = parent
	}
}

func cannotSync(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EINVAL)
}

// listing is what the directory holds.
type listing struct {
	segments []*segment // those that follow each other without a gap, from the first
	later    string     // the first file that does not follow; "" when all do
	damage   error      // what is wrong with it
	clean    *Clean     // nil: not there, or not to be used
	hasClean bool       // something named CLEAN is there
}

// list reads the directory and the header of every segment.
func (l *Log) list() (*listing, error) {
	names, err := l.fsys.ReadDir(l.dir)
	if err != nil {
		return nil, fmt.Errorf("wal: open %s: %w", l.dir, err)
	}
	var firsts []LSN
	for _, name := range names {
		if first, ok := parseSegmentName(name); ok {
			firsts = append(firsts, first)
		}
	}
	sort.Slice(firsts, func(i, j int) bool { return firsts[i] < firsts[j] })
	found := &listing{}
	if found.clean, found.hasClean, err = readClean(l.fsys, l.dir); err != nil {
		return nil, err
	}
	for _, first := range firsts {
		path := filepath.Join(l.dir, segmentName(first))
		seg, err := l.inspect(path, first, found.segments)
		var fl *flaw
		if errors.As(err, &fl) {
			found.later, found.damage = path, fl.damaged(first-1)
			return found, nil
		}
		if err != nil {
			return nil, err
		}
		found.segments = append(found.segments, seg)
	}
	return found, nil
}

// inspect reads one segment's header and checks that it follows the segments before it. A *flaw says that it does not.
func (l *Log) inspect(path string, first LSN, before []*segment) (*segment, error) {
	f, err := l.fsys.Open(path)
	if err != nil {
		return nil, &ReadError{File: path, LSN: first, Err: err}
	}
	defer f.Close()
	h, err := readSegmentHeader(f, path, first)
	if err != nil {
		return nil, err
	}
	size, err := f.Size()
	if err != nil {
		return nil, &ReadError{File: path, LSN: first, Err: err}
	}
	seg := &segment{header: h, path: path, end: size}
	if len(before) == 0 {
		return seg, follows(seg, nil, place{})
	}
	last := before[len(before)-1]
	sealed, err := l.sealedEnd(last, first)
	if err != nil {
		return nil, err
	}
	return seg, follows(seg, last, sealed)
}

// follows checks a segment's header against the sealed end of the one before, nil for the first. The result is a *flaw
// or a plain nil.
func follows(seg, last *segment, sealed place) error {
	h := &seg.header
	bad := func(found, expected string) error {
		return &flaw{path: seg.path, lsn: h.FirstLSN, found: found, expected: expected}
	}
	number, first, log := uint64(1), LSN(1), h.Log
	if last != nil {
		number, first, log = last.header.Number+1, sealed.lsn+1, last.header.Log
	}
	switch {
	case h.Log != log:
		return bad(fmt.Sprintf("log id %x", h.Log[:4]), fmt.Sprintf("log id %x as in the segment before", log[:4]))
	case h.Number != number:
		return bad(fmt.Sprintf("segment number %d", h.Number), fmt.Sprintf("number %d: a segment is missing", number))
	case h.FirstLSN != first:
		return bad(fmt.Sprintf("first lsn %d", h.FirstLSN), fmt.Sprintf("lsn %d, which follows the segment before", first))
	case h.Chain != sealed.chain:
		return bad(fmt.Sprintf("chain %s", h.Chain.short()), fmt.Sprintf("chain %s as the segment before ends", sealed.chain.short()))
	}
	return nil
}

// sealedEnd checks that a segment that has a successor ends in a seal, or in a hole in its place, by reading its last
// bytes alone. What it cannot prove from there (no seal, or one that does not fit) is left to the scan of that segment:
// the result is then a *flaw about it.
func (l *Log) sealedEnd(seg *segment, nextFirst LSN) (place, error) {
	f, err := l.fsys.Open(seg.path)
	if err != nil {
		return place{}, &ReadError{File: seg.path, LSN: nextFirst, Err: err}
	}
	defer f.Close()
	for _, n := range []int64{sealFrameBytes, frameBytes(holeMarkBytes)} {
		var c cursor
		c.start(f, seg.path, &seg.header, seg.end)
		c.off = seg.end - n
		if c.off < SegmentHeaderBytes {
			continue
		}
		if end, ok, err := c.lastMark(); err != nil || ok {
			return end, err
		}
	}
	return place{}, &flaw{path: seg.path, off: seg.end, lsn: nextFirst, found: "no seal at its end",
		expected: "one, since a later segment exists"}
}

// lastMark reads the mark at c.off, trusting what it says about the chain before, and says where it leads. A read
// failure is an error, anything else that is not a seal or hole up to the limit is not ok.
func (c *cursor) lastMark() (end place, ok bool, err error) {
	raw, err := c.window.at(c.off, int(c.limit-c.off), c.limit)
	if err != nil {
		return place{}, false, err
	}
	h, err := DecodeHeader(raw, &c.log)
	if err != nil || !h.Mark() || c.off+frameBytes(int64(h.Length)) != c.limit {
		return place{}, false, nil
	}
	payload := raw[HeaderBytes : HeaderBytes+int(h.Length)]
	m, err := DecodeMark(payload)
	if err != nil || c.hash.sum(payload) != h.Hash {
		return place{}, false, nil
	}
	switch m.Type {
	case MarkSeal:
		return place{lsn: h.LSN, chain: h.Chain}, true, nil
	case MarkHole:
		return place{lsn: m.To, chain: m.After}, true, nil
	}
	return place{}, false, nil
}

func segmentName(first LSN) string { return fmt.Sprintf("%020d%s", uint64(first), segmentExt) }

// parseSegmentName reads a segment's name; anything else in the directory is not ours to judge.
func parseSegmentName(name string) (LSN, bool) {
	const digits = 20
	if len(name) != digits+len(segmentExt) || name[digits:] != segmentExt {
		return 0, false
	}
	var first uint64
	for _, c := range []byte(name[:digits]) {
		if c < '0' || c > '9' {
			return 0, false
		}
		next := first*10 + uint64(c-'0')
		if next < first || first > (1<<64-1)/10 {
			return 0, false
		}
		first = next
	}
	return LSN(first), first > 0
}
