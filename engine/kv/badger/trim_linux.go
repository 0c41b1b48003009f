package badger

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"unsafe"

	"github.com/dgraph-io/badger/v4/table"
)

// figure says how much memory the process has, and how much of that belongs to files.
type figure struct{ statm *os.File }

func openFigure() (figure, error) {
	f, err := os.Open("/proc/self/statm")
	return figure{f}, err
}

func (f figure) close() { f.statm.Close() }

// read gives the second and the third number of statm, which count pages, in bytes. proc(5) calls them inexact: they may
// lag by some pages for each processor.
func (f figure) read() (all, files int64, err error) {
	var buf [128]byte
	n, err := f.statm.ReadAt(buf[:], 0)
	if n == 0 {
		return 0, 0, err
	}
	var size, resident, shared int64
	if _, err := fmt.Sscan(string(buf[:n]), &size, &resident, &shared); err != nil {
		return 0, 0, fmt.Errorf("read %s: %w", f.statm.Name(), err)
	}
	page := int64(os.Getpagesize())
	return resident * page, shared * page, nil
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
	maps, err := readMaps()
	if err != nil {
		return
	}
	prefix := []byte(dir + "/")
	for line := range bytes.Lines(maps) {
		from, to, name, ok := parseMapping(line)
		if !ok || !bytes.HasPrefix(name, prefix) {
			continue
		}
		advice := uintptr(pageOut)
		if id, ok := table.ParseFileID(string(name)); ok && held(id) {
			advice = syscall.MADV_DONTNEED
		}
		syscall.RawSyscall(syscall.SYS_MADVISE, from, to-from, advice)
	}
}

// readMaps reads /proc/self/maps. Like giveBack it makes raw system calls, a dozen of some 50 µs where a thousand tables are
// mapped: after any other that takes 20 µs the scheduler may let somebody else go on first, for 10 ms each time, and a
// compaction maps 75 MiB in 50.
func readMaps() (text []byte, err error) {
	f, err := os.Open("/proc/self/maps")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	fd := f.Fd()
	text = make([]byte, 0, 256<<10)
	for {
		text = slices.Grow(text, 4<<10)
		free := text[len(text):cap(text)]
		n, _, errno := syscall.RawSyscall(syscall.SYS_READ, fd, uintptr(unsafe.Pointer(&free[0])), uintptr(len(free)))
		switch {
		case errno == syscall.EINTR:
			continue
		case errno != 0:
			return nil, errno
		case n == 0:
			return text, nil
		}
		text = text[:len(text)+int(n)]
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
	from, rest := hex(line)
	if len(rest) == 0 || rest[0] != '-' {
		return 0, 0, nil, false
	}
	if to, _ = hex(rest[1:]); from >= to {
		return 0, 0, nil, false
	}
	return from, to, bytes.TrimSuffix(line[at:], []byte("\n")), true
}

// hex reads the number that text begins with. fmt would take most of a trim.
func hex(text []byte) (n uintptr, rest []byte) {
	for i, c := range text {
		switch {
		case '0' <= c && c <= '9':
			n = n<<4 | uintptr(c-'0')
		case 'a' <= c && c <= 'f':
			n = n<<4 | uintptr(c-'a'+10)
		default:
			return n, text[i:]
		}
	}
	return n, nil
}
