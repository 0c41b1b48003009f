package badger

import (
	"bufio"
	"bytes"
	"fmt"
	"iter"
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
// mappings must not change meanwhile. The pages stay in the kernel's cache of files.
func giveBack(dir string, held func(id uint64) bool) {
	for t := range mappedTables(dir) {
		if held(t.id) {
			advise(t, syscall.MADV_DONTNEED)
		}
	}
}

// evict takes the written pages of all tables of dir out of the process and out of the kernel's cache of files. It
// changes no memory, so it does not matter when a mapping goes away under it.
func evict(dir string) {
	const pageOut = 21 // MADV_PAGEOUT, since Linux 5.4; older ones refuse it
	for t := range mappedTables(dir) {
		advise(t, pageOut)
	}
}

// advise tells nobody when the kernel refuses: nothing but a figure depends on it.
func advise(t mappedTable, advice uintptr) {
	syscall.Syscall(syscall.SYS_MADVISE, t.from, t.to-t.from, advice)
}

// mappedTable is a table and where it lies in memory.
type mappedTable struct {
	id       uint64
	from, to uintptr
}

// mappedTables yields the tables of dir that the process maps at the moment, none where /proc cannot be read.
func mappedTables(dir string) iter.Seq[mappedTable] {
	return func(yield func(mappedTable) bool) {
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
			if id, ok := table.ParseFileID(string(name)); ok && !yield(mappedTable{id, from, to}) {
				return
			}
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
