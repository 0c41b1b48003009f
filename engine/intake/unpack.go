package intake

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// maxWindowBytes bounds what a zstd frame may ask us to remember: zstd -19 --long=26 stays below.
const maxWindowBytes = 64 << 20

// Unpack is r, or what is packed in it with gzip or zstd, by its first bytes. Several packed one behind the other read
// as one. Memory is bounded however much comes out; how much may come out is for the caller to bound. Close it when
// done; that does not close r.
func Unpack(r io.Reader) (unpacked io.ReadCloser, packed bool, err error) {
	in := bufio.NewReaderSize(r, readBytes)
	head, err := in.Peek(1)
	if len(head) == 1 && (head[0] == gzipMagic[0] || head[0] == zstdMagic[0]) {
		head, err = in.Peek(len(zstdMagic)) // a pipe may have said one byte and wait: so no more than must be
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, false, err
	}
	switch {
	case bytes.HasPrefix(head, gzipMagic):
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, true, fmt.Errorf("unpack gzip: %w", err)
		}
		return z, true, nil
	case bytes.HasPrefix(head, zstdMagic):
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindowBytes), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, true, fmt.Errorf("unpack zstd: %w", err)
		}
		return z.IOReadCloser(), true, nil
	}
	return io.NopCloser(in), false, nil
}

var (
	gzipMagic = []byte{0x1f, 0x8b}
	zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}
)
