package intake

import (
	"bytes"
	"fmt"
	"os"
	"testing"
)

// BenchmarkOTLP decodes requests of 35 spans and 57 KB, one a line: a third of the spans are retrievals and tool calls,
// the others are models, prompts and chains, which have most of the bytes.
func BenchmarkOTLP(b *testing.B) {
	body, err := os.ReadFile(sample)
	if err != nil {
		b.Fatal(err)
	}
	for _, copies := range []int{1, 64} {
		file := bytes.Repeat(body, copies)
		b.Run(fmt.Sprintf("bytes=%d", len(file)), func(b *testing.B) {
			b.SetBytes(int64(len(file)))
			b.ReportAllocs()
			for b.Loop() {
				if d := decode(b, bytes.NewReader(file)); len(d.items) != 11*copies {
					b.Fatalf("%d items, want %d", len(d.items), 11*copies)
				}
			}
		})
	}
}

// BenchmarkOTLPOutline is the part that finds the spans, without pdata and without records.
func BenchmarkOTLPOutline(b *testing.B) {
	body, err := os.ReadFile(sample)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		requests := newRequestReader(bytes.NewReader(body), exportShape)
		for {
			q, err := requests.next()
			if err != nil {
				break
			}
			if _, f := outlineOf(q.bytes); f != nil {
				b.Fatal(f)
			}
		}
	}
}
