package ingest

import (
	"encoding/binary"

	"episteme/engine/record"
	"episteme/engine/wal"
)

// field reads numbers and bytes off the front of a value. bad is set, and stays, once something was not there.
type field struct {
	rest []byte
	bad  bool
}

func (f *field) uvarint() uint64 {
	v, n := binary.Uvarint(f.rest)
	if n <= 0 {
		f.bad, f.rest = true, nil
		return 0
	}
	f.rest = f.rest[n:]
	return v
}

func (f *field) varint() int64 {
	v, n := binary.Varint(f.rest)
	if n <= 0 {
		f.bad, f.rest = true, nil
		return 0
	}
	f.rest = f.rest[n:]
	return v
}

func (f *field) uint64() uint64 {
	b := f.bytes(8)
	if b == nil {
		return 0
	}
	return binary.BigEndian.Uint64(b)
}

// bytes are the next n, in place; nil when there are not so many, or n is 0.
func (f *field) bytes(n uint64) []byte {
	if n > uint64(len(f.rest)) {
		f.bad, f.rest = true, nil
		return nil
	}
	if n == 0 {
		return nil
	}
	out := f.rest[:n:n]
	f.rest = f.rest[n:]
	return out
}

func (f *field) place() wal.Position {
	return wal.Position{Segment: f.uvarint(), Offset: int64(f.uvarint()) * placeAlign, Length: uint32(f.uvarint())}
}

// placeAlign divides the offset of every record in the journal.
const placeAlign = 8

func appendPlace(dst []byte, p wal.Position) []byte {
	dst = binary.AppendUvarint(dst, p.Segment)
	dst = binary.AppendUvarint(dst, uint64(p.Offset)/placeAlign)
	return binary.AppendUvarint(dst, uint64(p.Length))
}

func (f *field) uint32() uint32 {
	b := f.bytes(4)
	if b == nil {
		return 0
	}
	return binary.BigEndian.Uint32(b)
}

func (f *field) byte() byte {
	b := f.bytes(1)
	if b == nil {
		return 0
	}
	return b[0]
}

func (f *field) hash() record.Hash {
	b := f.bytes(32)
	if b == nil {
		return record.Hash{}
	}
	return record.Hash(b)
}
