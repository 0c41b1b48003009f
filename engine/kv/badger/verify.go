package badger

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"

	badgerdb "github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/fb"
	"github.com/dgraph-io/badger/v4/options"
	"github.com/dgraph-io/badger/v4/pb"
	"github.com/dgraph-io/badger/v4/table"
	"github.com/dgraph-io/badger/v4/y"
	"github.com/klauspost/compress/snappy"
	"google.golang.org/protobuf/proto"
)

// verifyTables reads the tables that the MANIFEST of dir lists and checks them against their checksums, except those
// that the stamp of the last close trusts.
//
// Badger has a mode that does so, but v4.9.6 dereferences nil over a block that fails (Table.VerifyChecksum), in a
// goroutine of its own, which ends the process. So we look first, and badger sees only tables that are whole.
//
// # Table, as badger writes it (big endian)
//
//	+-------+-------+-//-+-------+-----------+-----+-----------+
//	| block | block |    | index | index len | sum | sum len   |
//	+-------+-------+-//-+-------+-----------+-----+-----------+
//	                             4 bytes           4 bytes
//
//	index   offset and length of each block; a flatbuffer
//	sum     checksum of the index; a protobuf of algorithm and CRC-32C
//	block   as on disk, maybe compressed; inside: data, sum of the data, sum len
func verifyTables(dir string, o badgerdb.Options, stamp closedStamp) error {
	f, err := os.Open(filepath.Join(dir, badgerdb.ManifestFilename))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // a new store
	}
	if err != nil {
		return err
	}
	manifest, _, err := badgerdb.ReplayManifestFile(f, o.ExternalMagicVersion, o)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	var (
		wg      sync.WaitGroup
		mu      sync.Mutex
		errs    []error // guarded by mu
		working = make(chan struct{}, min(len(manifest.Tables), runtime.GOMAXPROCS(0)))
	)
	for id, info := range manifest.Tables {
		name := table.NewFilename(id, dir)
		if stamp.trusts(name) {
			continue
		}
		working <- struct{}{}
		wg.Go(func() {
			defer func() { <-working }()
			if err := verifyTable(name, info.Compression); err != nil {
				mu.Lock()
				errs = append(errs, fmt.Errorf("table %s: %w", filepath.Base(name), err))
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(errs) > 1 {
		return fmt.Errorf("%w; and %d more tables", errs[0], len(errs)-1)
	}
	return errors.Join(errs...)
}

const lenBytes = 4 // of each length field

func verifyTable(name string, compression options.CompressionType) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	indexAt, index, err := readIndex(f, info.Size())
	if err != nil {
		return fmt.Errorf("index: %w", err)
	}
	return verifyBlocks(f, indexAt, fb.GetRootAsTableIndex(index, 0), compression)
}

// readIndex reads the end of a table, backwards, and checks the index.
func readIndex(f io.ReaderAt, sizeBytes int64) (indexAt int64, index []byte, err error) {
	at := sizeBytes
	// back returns the n bytes before those that were read last.
	back := func(n int64) ([]byte, error) {
		if n < 0 || n > at {
			return nil, fmt.Errorf("at byte %d found a length of %d, at most %d", at, n, at)
		}
		at -= n
		buf := make([]byte, n)
		_, err := f.ReadAt(buf, at)
		return buf, err
	}
	backField := func() ([]byte, error) {
		n, err := back(lenBytes)
		if err != nil {
			return nil, err
		}
		return back(int64(binary.BigEndian.Uint32(n)))
	}
	sum, err := backField()
	if err != nil {
		return 0, nil, err
	}
	if index, err = backField(); err != nil {
		return 0, nil, err
	}
	return at, index, verifySum(index, sum)
}

// verifyBlocks reads the blocks, which fill the table up to its index without gaps.
func verifyBlocks(f io.ReaderAt, indexAt int64, index *fb.TableIndex, compression options.CompressionType) error {
	const readAheadBytes = 128 << 10
	var (
		ahead = bufio.NewReaderSize(io.NewSectionReader(f, 0, indexAt), readAheadBytes)
		at    int64
		raw   []byte // reused from block to block, as is plain
		plain []byte
		block fb.BlockOffset
	)
	for i := range index.OffsetsLength() {
		if !index.Offsets(&block, i) || int64(block.Offset()) != at {
			return fmt.Errorf("block %d: at byte %d, expected %d", i, block.Offset(), at)
		}
		raw = slices.Grow(raw[:0], int(block.Len()))[:block.Len()]
		if _, err := io.ReadFull(ahead, raw); err != nil {
			return fmt.Errorf("block %d at byte %d: %w", i, at, err)
		}
		var err error
		if plain, err = decompress(plain, raw, compression); err == nil {
			err = verifyBlock(plain)
		}
		if err != nil {
			return fmt.Errorf("block %d at byte %d: %w", i, at, err)
		}
		at += int64(block.Len())
	}
	if at != indexAt {
		return fmt.Errorf("blocks end at byte %d, expected %d", at, indexAt)
	}
	return nil
}

// decompress returns the content of a block, in dst's memory where that is large enough.
func decompress(dst, raw []byte, compression options.CompressionType) ([]byte, error) {
	switch compression {
	case options.None:
		return append(dst[:0], raw...), nil
	case options.Snappy:
		return snappy.Decode(dst[:cap(dst)], raw)
	default:
		return nil, fmt.Errorf("found compression %d, expected none or Snappy", compression)
	}
}

// verifyBlock checks a block against the sum at its end.
func verifyBlock(plain []byte) error {
	end := len(plain) - lenBytes
	if end < 0 {
		return fmt.Errorf("found %d bytes, expected %d at least", len(plain), lenBytes)
	}
	sumBytes := int64(binary.BigEndian.Uint32(plain[end:]))
	if sumBytes > int64(end) {
		return fmt.Errorf("found a checksum of %d bytes, at most %d", sumBytes, end)
	}
	sumAt := end - int(sumBytes)
	return verifySum(plain[:sumAt], plain[sumAt:end])
}

func verifySum(data, sum []byte) error {
	var want pb.Checksum
	if err := proto.Unmarshal(sum, &want); err != nil {
		return fmt.Errorf("unreadable checksum: %w", err)
	}
	if want.Algo != pb.Checksum_CRC32C {
		return fmt.Errorf("found checksum algorithm %d, expected %d", want.Algo, pb.Checksum_CRC32C)
	}
	return y.VerifyChecksum(data, &want)
}
