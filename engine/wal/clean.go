package wal

import (
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"path/filepath"

	"episteme/engine/vfs"
	"lukechampine.com/blake3"
)

const (
	cleanMagic   = "EPISCLN1"
	cleanName    = "CLEAN"
	cleanTmpName = "CLEAN.tmp"
)

// Clean is what the file CLEAN says: where the journal ended when it was closed.
//
//	0:8 magic "EPISCLN1" · 8:4 version = 1 · 12:4 length = 128 · 16:16 log id · 32:8 LSN of the last record ·
//	40:8 number of the last segment · 48:8 offset of the last record's header in it, 0 when it holds no record ·
//	56:8 zero · 64:32 chain of that record, of the segment's header when there is none · 96:32 BLAKE3-256 of bytes 0-95
type Clean struct {
	Log     LogID
	LSN     LSN
	Segment uint64
	Offset  int64
	Chain   Hash
}

// EncodeClean is the contents of CLEAN.
func EncodeClean(c *Clean) [SegmentHeaderBytes]byte {
	var dst [SegmentHeaderBytes]byte
	copy(dst[:], cleanMagic)
	binary.LittleEndian.PutUint32(dst[8:], formatVersion)
	binary.LittleEndian.PutUint32(dst[12:], SegmentHeaderBytes)
	copy(dst[16:32], c.Log[:])
	binary.LittleEndian.PutUint64(dst[32:], uint64(c.LSN))
	binary.LittleEndian.PutUint64(dst[40:], c.Segment)
	binary.LittleEndian.PutUint64(dst[48:], uint64(c.Offset))
	copy(dst[64:96], c.Chain[:])
	digest := blake3.Sum256(dst[:96])
	copy(dst[96:], digest[:])
	return dst
}

// DecodeClean reads the contents of CLEAN. The error is a Fault.
func DecodeClean(src []byte) (Clean, error) {
	if err := checkFixed(src, cleanMagic); err != nil {
		return Clean{}, err
	}
	c := Clean{
		Log:     LogID(src[16:32]),
		LSN:     LSN(binary.LittleEndian.Uint64(src[32:])),
		Segment: binary.LittleEndian.Uint64(src[40:]),
		Offset:  int64(binary.LittleEndian.Uint64(src[48:])),
		Chain:   Hash(src[64:96]),
	}
	switch {
	case len(src) != SegmentHeaderBytes:
		return Clean{}, FaultLength
	case binary.LittleEndian.Uint64(src[56:]) != 0:
		return Clean{}, FaultFlags
	case c.Offset < 0 || c.Offset > MaxSegmentBytes || c.Offset%alignBytes != 0:
		return Clean{}, FaultOrder
	}
	return c, nil
}

// readClean reads CLEAN. Nil and no error: it is not there, or it does not check. It is written under another name and
// renamed, so it is never torn; but it is only a hint of how much of the journal needs reading, and the journal proves
// itself, so a bad one costs a scan and nothing else.
func readClean(fsys vfs.FS, dir string) (clean *Clean, present bool, err error) {
	path := filepath.Join(dir, cleanName)
	f, err := fsys.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, &ReadError{File: path, Err: err}
	}
	defer f.Close()
	var buf [SegmentHeaderBytes + 1]byte
	n, err := f.ReadAt(buf[:], 0)
	if err != nil && err != io.EOF {
		return nil, true, &ReadError{File: path, Err: err}
	}
	c, err := DecodeClean(buf[:n])
	var fault Fault
	if errors.As(err, &fault) {
		if fault.TooNew() {
			return nil, true, &TooNewError{File: path, Found: fault.Error()}
		}
		return nil, true, nil
	}
	return &c, true, nil
}

// writeClean makes CLEAN say c, durably.
func writeClean(fsys vfs.FS, dir string, c *Clean) error {
	tmp := filepath.Join(dir, cleanTmpName)
	if err := removeIfThere(fsys, tmp); err != nil {
		return err
	}
	contents := EncodeClean(c)
	if err := writeFile(fsys, tmp, contents[:]); err != nil {
		return err
	}
	if err := fsys.Rename(tmp, filepath.Join(dir, cleanName)); err != nil {
		return err
	}
	return fsys.SyncDir(dir)
}

// writeFile makes a new file with contents and syncs it, its name excepted.
func writeFile(fsys vfs.FS, path string, contents []byte) error {
	f, err := fsys.Create(path)
	if err != nil {
		return err
	}
	if _, err := f.WriteAt(contents, 0); err != nil {
		f.Close()
		return err
	}
	if err := f.SyncAll(); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

func removeIfThere(fsys vfs.FS, path string) error {
	if err := fsys.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
