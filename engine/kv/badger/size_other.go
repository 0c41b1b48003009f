//go:build !unix

package badger

import "io/fs"

// AllocatedBytes is the apparent size, too high for sparse files, where the system does not tell the other.
func AllocatedBytes(info fs.FileInfo) int64 { return info.Size() }
