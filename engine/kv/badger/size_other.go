//go:build !unix

package badger

import "io/fs"

// allocatedBytes is the apparent size, too high for sparse files, where the system does not tell the other.
func allocatedBytes(info fs.FileInfo) int64 { return info.Size() }
