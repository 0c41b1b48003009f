package badger

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/dgraph-io/badger/v4/table"
)

// figure says how much memory of the process belongs to files.
type figure struct{ statm *os.File }

func openFigure() (figure, error) {
	f, err := os.Open("/proc/self/statm")
	return figure{f}, err
}

func (f figure) close() { f.statm.Close() }

// fileBytes is the third number of statm, which counts pages. proc(5) calls it inexact: it may lag by some pages for
// each processor.
func (f figure) fileBytes() (int64, error) {
	var buf [128]byte
	n, err := f.statm.ReadAt(buf[:], 0)
	if n == 0 {
		return 0, err
	}
	var size, resident, shared int64
	if _, err := fmt.Sscan(string(buf[:n]), &size, &resident, &shared); err != nil {
		return 0, fmt.Errorf("read %s: %w", f.statm.Name(), err)
	}
	return shared * int64(os.Getpagesize()), nil
}

// pageOut is MADV_PAGEOUT, which package syscall does not have: take pages out of the process, whatever they are, and lose
// none. Those that were written stay in the kernel's cache of files until they are on the disk; those that were only read
// leave it. Linux has it since 5.4.
const pageOut = 21

// giveBack takes the pages of the store's files out of the process. Those of tables that are held, by whoever calls it, stay
// in the kernel's cache: their mappings must not change meanwhile, because that would take the content of whatever else
// came to lie there. Of the others, above all the tables that a compaction is writing, nobody knows how long they are
// mapped: their pages are given up in a way that does no harm elsewhere. It tells nobody when /proc or the kernel refuse:
// nothing but a figure depends on it.
func giveBack(dir string, held func(id uint64) bool) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return
	}
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return
	}
	defer maps.Close()
	prefix := []byte(dir + "/")
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		from, to, name, ok := parseMapping(lines.Bytes())
		if !ok || !bytes.HasPrefix(name, prefix) {
			continue
		}
		advice := uintptr(pageOut)
		if id, ok := table.ParseFileID(string(name)); ok && held(id) {
			advice = syscall.MADV_DONTNEED
		}
		syscall.Syscall(syscall.SYS_MADVISE, from, to-from, advice)
	}
}

// parseMapping reads a line of /proc/self/maps that belongs to a file, and says no to others.
//
//	7f2c8a400000-7f2c8a800000 rw-s 00000000 fe:00 1311 /var/lib/episteme/kv/000042.sst
func parseMapping(line []byte) (from, to uintptr, name []byte, ok bool) {
	at := bytes.IndexByte(line, '/')
	if at < 0 {
		return 0, 0, nil, false
	}
	if _, err := fmt.Sscanf(string(line[:at]), "%x-%x ", &from, &to); err != nil || from >= to {
		return 0, 0, nil, false
	}
	return from, to, line[at:], true
}
