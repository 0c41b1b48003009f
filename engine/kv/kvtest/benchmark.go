package kvtest

import (
	"context"
	"encoding/binary"
	"fmt"
	"testing"

	"episteme/engine/kv"
)

// Benchmark measures applies, scans and gets of the stores that open returns, with the sizes in the names: keys of 16
// bytes, values of 100 bytes or 4 KiB that do not compress.
func Benchmark(b *testing.B, open Opener) { benchmark(b, bench{open, false}) }

// BenchmarkPersistent is Benchmark for a store that outlives Close. It is reopened before it is read, so that what is
// measured is how it keeps things, not what it still had in memory.
func BenchmarkPersistent(b *testing.B, open Opener) { benchmark(b, bench{open, true}) }

type bench struct {
	open    Opener
	reopens bool
}

func benchmark(b *testing.B, n bench) {
	b.Run("apply/1000x100B", func(b *testing.B) { n.apply(b, 1000, 100) })
	b.Run("apply/100x4KiB", func(b *testing.B) { n.apply(b, 100, 4<<10) })
	b.Run("apply/1x100B/among10000", n.applyOne)
	b.Run("scan/100000x100B", func(b *testing.B) { n.scan(b, 100_000, 100) })
	b.Run("scan/4000x4KiB", func(b *testing.B) { n.scan(b, 4000, 4<<10) })
	b.Run("scan/first10of100000", n.scanFirst)
	b.Run("get/100000x100B", n.get)
}

const benchKeyBytes = 16

func benchKey(i int) []byte {
	key := append(make([]byte, 0, benchKeyBytes), "bench:\x00\x00"...)
	return binary.BigEndian.AppendUint64(key, uint64(i))
}

// filled returns a store that holds keys keys.
func (n bench) filled(b *testing.B, keys, valueBytes int) kv.Store {
	b.Helper()
	dir := b.TempDir()
	s := n.opened(b, dir)
	var batch kv.Batch
	for i := range keys {
		batch.Put(benchKey(i), []byte(noise(valueBytes, uint64(i))))
		if batch.Bytes() > 256<<10 || i == keys-1 {
			must(b, s.Apply(&batch))
			batch.Reset()
		}
	}
	if n.reopens {
		must(b, s.Close())
		s = n.opened(b, dir)
	}
	must(b, wantCount(s, keys))
	return s
}

func (n bench) opened(b *testing.B, dir string) kv.Store {
	b.Helper()
	s, err := n.open(dir)
	must(b, err)
	b.Cleanup(func() { must(b, s.Close()) })
	return s
}

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func wantCount(s kv.Store, want int) error {
	return seen(s, func(snap kv.Snapshot) error {
		got := 0
		for _, err := range snap.Scan(context.Background(), nil, nil) {
			if err != nil {
				return err
			}
			got++
		}
		if got != want {
			return fmt.Errorf("a scan yields %d entries, want %d", got, want)
		}
		return nil
	})
}

// apply writes the same number of new keys each time, as an ingest does.
func (n bench) apply(b *testing.B, puts, valueBytes int) {
	s := n.opened(b, b.TempDir())
	value := []byte(noise(valueBytes, 1))
	var batch kv.Batch
	next := 0
	b.SetBytes(int64(puts * (benchKeyBytes + valueBytes)))
	b.ReportAllocs()
	for b.Loop() {
		batch.Reset()
		for range puts {
			batch.Put(benchKey(next%200_000), value) // bounded, so that a store in memory is
			next++
		}
		must(b, s.Apply(&batch))
	}
}

// applyOne is one small record into a store of a fixture's size.
func (n bench) applyOne(b *testing.B) {
	s := n.filled(b, 10_000, 100)
	value := []byte(noise(100, 1))
	var batch kv.Batch
	next := 0
	b.ReportAllocs()
	for b.Loop() {
		batch.Reset()
		batch.Put(benchKey(next*769%10_000), value)
		next++
		must(b, s.Apply(&batch))
	}
}

func (n bench) scan(b *testing.B, keys, valueBytes int) {
	s := n.filled(b, keys, valueBytes)
	b.SetBytes(int64(keys * (benchKeyBytes + valueBytes)))
	b.ReportAllocs()
	for b.Loop() {
		must(b, wantCount(s, keys))
	}
}

// scanFirst is a page of a list: what opening an iterator costs.
func (n bench) scanFirst(b *testing.B) {
	s := n.filled(b, 100_000, 100)
	snap, err := s.Snapshot()
	must(b, err)
	defer snap.Close()
	next := 0
	b.ReportAllocs()
	for b.Loop() {
		lower := benchKey(next * 7919 % 99_000)
		next++
		rows := 0
		for _, err := range snap.Scan(context.Background(), lower, nil) {
			must(b, err)
			if rows++; rows == 10 {
				break
			}
		}
	}
}

func (n bench) get(b *testing.B) {
	const keys = 100_000
	s := n.filled(b, keys, 100)
	snap, err := s.Snapshot()
	must(b, err)
	defer snap.Close()
	next := 0
	b.ReportAllocs()
	for b.Loop() {
		_, err := snap.Get(benchKey(next * 7919 % keys))
		must(b, err)
		next++
	}
}
