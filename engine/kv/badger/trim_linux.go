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

// giveBack takes the pages of those tables of dir out of the process that are held, by whoever calls it: their
// mappings must not change meanwhile. The pages stay in the kernel's cache of files. It tells nobody when /proc or the
// kernel refuse: nothing but a figure depends on it.
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
		if id, ok := table.ParseFileID(string(name)); ok && held(id) {
			syscall.Syscall(syscall.SYS_MADVISE, from, to-from, syscall.MADV_DONTNEED)
		}
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
