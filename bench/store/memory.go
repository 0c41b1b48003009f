package store

import (
	"bufio"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// memory is what a process takes, in bytes; zeros where the system has no /proc.
type memory struct {
	Anonymous int64 // pages that are nobody's file: what the process takes for itself
	Peak      int64 // the most that was resident at once, pages of files included
}

func ownMemory() (m memory) {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return m
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), ":")
		kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		if err != nil {
			continue
		}
		switch name {
		case "RssAnon":
			m.Anonymous = kib << 10
		case "VmHWM":
			m.Peak = kib << 10
		}
	}
	return m
}

// bytesIn sums up the files of a directory.
func bytesIn(dir string) (n int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			n += info.Size()
		}
		return err
	})
	return n, err
}
