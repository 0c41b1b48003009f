package wal_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"episteme/engine/vfs"
	"episteme/engine/wal"
)

func openBench(b *testing.B, fsys vfs.FS, dir string) *wal.Log {
	b.Helper()
	l, _, err := wal.Open(fsys, dir, wal.Options{ReserveBytes: -1})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := l.Close(); err != nil {
			b.Error(err)
		}
	})
	return l
}

func BenchmarkAppend(b *testing.B) {
	payload := make([]byte, 256)
	for _, on := range []string{"os", "mem"} {
		for _, writers := range []int{1, 4, 16, 64} {
			b.Run(fmt.Sprintf("fs=%s/bytes=256/writers=%d", on, writers), func(b *testing.B) {
				l := openBench(b, benchFS(on), filepath.Join(b.TempDir(), "wal"))
				b.SetBytes(int64(len(payload)))
				b.ReportAllocs()
				b.ResetTimer()
				var wg sync.WaitGroup
				var taken atomic.Int64
				for range writers {
					wg.Go(func() {
						for taken.Add(1) <= int64(b.N) {
							if _, err := l.Append(context.Background(), wal.Entry{Kind: 1, Payload: payload}); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				wg.Wait()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
			})
		}
	}
}

func benchFS(name string) vfs.FS {
	if name == "mem" {
		return vfs.NewMem()
	}
	return vfs.OS()
}

func BenchmarkAppendBatch(b *testing.B) {
	const batch = 64
	entries := make([]wal.Entry, batch)
	for i := range entries {
		entries[i] = wal.Entry{Kind: 1, Payload: make([]byte, 256)}
	}
	for _, on := range []string{"os", "mem"} {
		b.Run(fmt.Sprintf("fs=%s/bytes=256/batch=%d", on, batch), func(b *testing.B) {
			l := openBench(b, benchFS(on), filepath.Join(b.TempDir(), "wal"))
			b.SetBytes(batch * 256)
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				n++
				if _, err := l.Append(context.Background(), entries...); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n*batch)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

func BenchmarkRead(b *testing.B) {
	for _, size := range []int{256, 4096} {
		b.Run(fmt.Sprintf("fs=os/bytes=%d", size), func(b *testing.B) {
			l := openBench(b, vfs.OS(), filepath.Join(b.TempDir(), "wal"))
			entries := make([]wal.Entry, 64)
			for i := range entries {
				entries[i] = wal.Entry{Kind: 1, Payload: make([]byte, size)}
			}
			const batches = 100
			for range batches {
				if _, err := l.Append(context.Background(), entries...); err != nil {
					b.Fatal(err)
				}
			}
			var r *wal.Reader
			left := 0
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if left == 0 {
					if r != nil {
						r.Close()
					}
					r, left = l.Reader(1), batches*len(entries)
				}
				if _, err := r.Next(context.Background()); err != nil {
					b.Fatal(err)
				}
				left--
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	for _, records := range []int{0, 100_000} {
		b.Run(fmt.Sprintf("fs=os/clean/records=%d", records), func(b *testing.B) {
			dir := filepath.Join(b.TempDir(), "wal")
			l, _, err := wal.Open(vfs.OS(), dir, wal.Options{})
			if err != nil {
				b.Fatal(err)
			}
			entries := make([]wal.Entry, 1000)
			for i := range entries {
				entries[i] = wal.Entry{Kind: 1, Payload: make([]byte, 256)}
			}
			for range records / len(entries) {
				if _, err := l.Append(context.Background(), entries...); err != nil {
					b.Fatal(err)
				}
			}
			if err := l.Close(); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				l, rec, err := wal.Open(vfs.OS(), dir, wal.Options{})
				if err != nil || !rec.Clean {
					b.Fatal(rec, err)
				}
				if err := l.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
