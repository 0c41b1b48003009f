package wal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"time"

	"episteme/engine/vfs"
)

func segmentPathIn(dir string, first LSN) string { return filepath.Join(dir, segmentName(first)) }

// carryOut writes what was planned, one file after the other, and sets CLEAN aside last: until then it may be the only
// witness of what is lost at the end.
func (p *planner) carryOut(ctx context.Context) (Loss, error) {
	loss := Loss{Left: p.left}
	l := p.in.log
	if err := removeIfThere(l.fsys, filepath.Join(l.dir, rebuildTmpName)); err != nil {
		return Loss{}, fmt.Errorf("wal: rebuild %s: %w", l.dir, err)
	}
	changed := false
	for _, n := range p.made {
		if !n.change {
			continue
		}
		if err := ctx.Err(); err != nil {
			return loss, fmt.Errorf("wal: rebuild %s: %w; it is damaged in fewer places than before, run it again", l.dir, err)
		}
		changed = true
		if err := p.replace(n, &loss); err != nil {
			return loss, fmt.Errorf("wal: rebuild %s: %w; run it again when that is mended", n.path, err)
		}
	}
	var damaged *DamagedError
	if changed || errors.As(p.in.hint, &damaged) || errors.As(p.in.verdict, &damaged) {
		if err := p.setCleanAside(&loss); err != nil {
			return loss, fmt.Errorf("wal: rebuild %s: set CLEAN aside: %w; run it again when that is mended", l.dir, err)
		}
	}
	return loss, nil
}

// replace puts one segment in place of the old one, a copy of which is durable by then.
func (p *planner) replace(n *newSegment, loss *Loss) error {
	l := p.in.log
	if n.old != nil {
		kept, err := p.keepCopy(n.path)
		if err != nil {
			return err
		}
		loss.Kept = append(loss.Kept, kept)
	}
	tmp := filepath.Join(l.dir, rebuildTmpName)
	holes, err := p.write(n, tmp)
	if err != nil {
		return err
	}
	if err := n.check(l.fsys, tmp); err != nil {
		return err
	}
	if err := l.fsys.Rename(tmp, n.path); err != nil {
		return err
	}
	if err := l.fsys.SyncDir(l.dir); err != nil {
		return err
	}
	for _, h := range holes {
		loss.Holes, loss.Records = append(loss.Holes, h), loss.Records+h.Records()
	}
	return nil
}

// keepCopy copies a file beside itself, durably: under a name that is not taken, and under that name only when it is
// complete.
func (p *planner) keepCopy(path string) (string, error) {
	l := p.in.log
	tmp := filepath.Join(l.dir, rebuildTmpName)
	old, err := l.fsys.Open(path)
	if err != nil {
		return "", err
	}
	defer old.Close() // was only read
	size, err := old.Size()
	if err != nil {
		return "", err
	}
	f, err := l.fsys.Create(tmp)
	if err != nil {
		return "", err
	}
	err = copyRange(f, 0, old, 0, size)
	if err == nil {
		err = f.SyncAll()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return "", err
	}
	kept, err := freeName(l.fsys, path+".damaged-", p.now())
	if err == nil {
		err = l.fsys.Rename(tmp, kept)
	}
	if err == nil {
		err = l.fsys.SyncDir(l.dir)
	}
	return kept, err
}

// freeName is a name that begins with prefix, ends with the time, and is not taken.
func freeName(fsys vfs.FS, prefix string, at time.Time) (string, error) {
	for ns := at.UnixNano(); ; ns++ {
		path := fmt.Sprintf("%s%d", prefix, ns)
		_, err := fsys.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			return path, nil
		}
		if err != nil {
			return "", err
		}
	}
}

// copyRange copies [from, to) of one file to an offset of another.
func copyRange(dst vfs.File, at int64, src io.ReaderAt, from, to int64) error {
	buf := make([]byte, min(copyBytes, to-from))
	for from < to {
		n := min(int64(len(buf)), to-from)
		if _, err := src.ReadAt(buf[:n], from); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if _, err := dst.WriteAt(buf[:n], at); err != nil {
			return err
		}
		from, at = from+n, at+n
	}
	return nil
}

// write makes the new segment under a name that means nothing, and says where its new holes lie.
func (p *planner) write(n *newSegment, tmp string) (holes []Hole, err error) {
	fsys := p.in.log.fsys
	f, err := fsys.Create(tmp)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	var old vfs.File
	if n.old != nil {
		if old, err = fsys.Open(n.path); err != nil {
			return nil, err
		}
		defer old.Close() // was only read
	}
	var header [SegmentHeaderBytes]byte
	EncodeSegmentHeader(header[:], &n.header)
	if _, err := f.WriteAt(header[:], 0); err != nil {
		return nil, err
	}
	at := int64(SegmentHeaderBytes)
	for _, part := range n.parts {
		if part.hole == nil {
			if err := copyRange(f, at, old, part.from, part.to); err != nil {
				return nil, err
			}
			for _, z := range n.zeros {
				if z.from < part.from || z.to > part.to {
					continue
				}
				if err := zero(f, at+z.from-part.from, at+z.to-part.from); err != nil {
					return nil, err
				}
			}
			at += part.to - part.from
			continue
		}
		frame := p.holeFrame(part.hole)
		if _, err := f.WriteAt(frame, at); err != nil {
			return nil, err
		}
		m := part.hole
		holes = append(holes, Hole{File: n.path, Offset: at, From: m.From, To: m.To, Before: m.Before, After: m.After})
		at += int64(len(frame))
	}
	return holes, f.SyncAll()
}

// holeFrame is a hole mark as it lies in the file. All in front of it is durable: it was once, and is synced with it.
func (p *planner) holeFrame(m *Mark) []byte {
	payload := AppendMark(nil, m)
	frame := make([]byte, frameBytes(int64(len(payload))))
	var hash hasher
	EncodeHeader(frame, &p.in.log.id, &m.Before, &Header{Kind: KindMark, Flags: FlagLast, Length: uint32(len(payload)),
		LSN: m.From - 1, Durable: m.From - 1, RecordedAt: p.now().UnixNano(), Hash: hash.sum(payload)})
	copy(frame[HeaderBytes:], payload)
	return frame
}

// check reads what was written before it takes the place of evidence: all of it has to hold together.
func (n *newSegment) check(fsys vfs.FS, tmp string) error {
	s := &survey{seg: &segment{path: tmp, header: n.header}, ctx: context.Background()}
	if err := surveySegment(fsys, s, -1); err != nil {
		return err
	}
	end, whole := s.end()
	if len(s.flaws) > 0 || !whole || end.lsn != n.end.lsn || end.chain != n.end.chain {
		return &DamagedError{File: tmp, Offset: end.off, LSN: end.lsn + 1, Found: "a segment that does not hold together as rebuilt",
			Expected: fmt.Sprintf("one that ends with lsn %d", n.end.lsn), Intact: end.lsn}
	}
	return nil
}

// setCleanAside takes CLEAN away, durably, and keeps it.
func (p *planner) setCleanAside(loss *Loss) error {
	l := p.in.log
	path := filepath.Join(l.dir, cleanName)
	if _, err := l.fsys.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	kept, err := freeName(l.fsys, path+".damaged-", p.now())
	if err != nil {
		return err
	}
	if err := l.fsys.Rename(path, kept); err != nil {
		return err
	}
	loss.Kept = append(loss.Kept, kept)
	return l.fsys.SyncDir(l.dir)
}
