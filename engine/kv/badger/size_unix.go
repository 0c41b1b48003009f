//go:build unix

package badger

import (
	"io/fs"
	"syscall"
)

// AllocatedBytes is what the file occupies: badger's log files are sparse and mostly holes.
func AllocatedBytes(info fs.FileInfo) int64 {
	const blockBytes = 512 // of st_blocks, whatever the file system's own block is
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return int64(st.Blocks) * blockBytes
	}
	return info.Size()
}
