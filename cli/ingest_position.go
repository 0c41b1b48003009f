package cli

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"time"

	"episteme/engine"
	"episteme/engine/intake"
)

// position is how far a file that can be read again is taken in, and what of it was hashed so far. It is remembered in
// positions.json beside the journal while the file is being taken in, and for a file that is followed also after that:
// path, bytes, and SHA-256 of those bytes. A nil position remembers nothing.
type position struct {
	e         positionKeeper
	file      *os.File // of its own, so that nobody else's offset moves
	now       engine.Position
	sum       hash.Hash
	resumable bool // the format can be read from the middle
	began     int64
	line      int
	saved     time.Time
}

// positionKeeper is evidence that remembers how far files were taken in: that of a directory this process holds. Another
// process does not know the files of this one, so what is sent there begins at the start; nothing comes twice.
type positionKeeper interface {
	Position(file string) (engine.Position, bool, error)
	SetPosition(engine.Position) error
}

// saveEvery is how often a position is written: a crash costs reading again what came in since.
const saveEvery = time.Second

// resume finds where to go on in a file, and moves in there. It is nil for what cannot be read twice.
func (r *intakeRun) resume(in io.Reader, name string, size int64) (*position, error) {
	f, ok := in.(*os.File)
	keeper, here := r.e.(positionKeeper)
	if !ok || !here || r.flags.dryRun || r.flags.strict {
		return nil, nil
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, err
	}
	path, err := filepath.Abs(name)
	if err != nil {
		return nil, err
	}
	p := &position{e: keeper, file: f, now: engine.Position{File: path, Options: r.stamp}, sum: sha256.New()}
	before, known, err := keeper.Position(path)
	if err != nil || !known || before.Options != r.stamp || before.Bytes > size {
		return p, err
	}
	if err := p.advance(before.Bytes); err != nil {
		return nil, err
	}
	if p.digest() != before.SHA256 || !p.behindLine() {
		p.now, p.sum = engine.Position{File: path, Options: r.stamp}, sha256.New()
		return p, nil
	}
	if _, err := f.Seek(before.Bytes, io.SeekStart); err != nil {
		return nil, err
	}
	p.began, p.line = p.now.Bytes, p.now.Lines
	fmt.Fprintf(r.err, "%s: %s were taken in before; going on behind them\n", name, mebibytes(p.began))
	return p, nil
}

// advance hashes the file up to offset to, and counts its lines.
func (p *position) advance(to int64) error {
	buf := make([]byte, 256<<10)
	for p.now.Bytes < to {
		n, err := p.file.ReadAt(buf[:min(int64(len(buf)), to-p.now.Bytes)], p.now.Bytes)
		p.sum.Write(buf[:n])
		p.now.Lines += bytes.Count(buf[:n], []byte{'\n'})
		p.now.Bytes += int64(n)
		if err != nil && (err != io.EOF || n == 0) {
			return fmt.Errorf("read %s again at byte %d: %w", p.now.File, p.now.Bytes, err)
		}
	}
	return nil
}

func (p *position) digest() string { return hex.EncodeToString(p.sum.Sum(nil)) }

// behindLine reports whether a line ends where we are.
func (p *position) behindLine() bool {
	var last [1]byte
	_, err := p.file.ReadAt(last[:], p.now.Bytes-1)
	return p.now.Bytes > 0 && err == nil && last[0] == '\n'
}

// skipped is what stands before the bytes that are read.
func (p *position) skipped() intake.Skipped { return intake.Skipped{Bytes: p.began, Lines: p.line} }

// reached says that everything up to byte at of the file is durable, and remembers it now and then.
func (p *position) reached(at int64) error {
	if p == nil || !p.resumable || at <= p.now.Bytes || time.Since(p.saved) < saveEvery {
		return nil
	}
	return p.save(at)
}

func (p *position) save(at int64) error {
	p.saved = time.Now()
	if err := p.advance(at); err != nil {
		return err
	}
	if !p.behindLine() {
		return nil
	}
	p.now.SHA256 = p.digest()
	return p.e.SetPosition(p.now)
}

// end forgets a file that is taken in as a whole: the next time it is read from its start, and nothing comes twice.
func (p *position) end(follow bool) error {
	if p == nil || follow || !p.resumable {
		return nil
	}
	return p.e.SetPosition(engine.Position{File: p.now.File})
}
