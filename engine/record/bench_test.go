package record

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"
)

// benchFile is JSON lines in the proportions of an incident: per source 8 assertions, 4 votes, a transition, an
// event and 2 queries.
func benchFile(sources int) []byte {
	var b bytes.Buffer
	for i := range sources {
		fmt.Fprintf(&b, `{"kind":"source","id":"s%d","name":"runbook-%d.md","authority":0.9,"agent":"docs-sync","timestamp":"2024-01-15T18:00:00Z","content":"ES256 is the algorithm of service %d since\nthe review of January."}`+"\n", i, i, i)
		for j := range 8 {
			fmt.Fprintf(&b, `{"kind":"assertion","id":"a%d-%d","subject":"auth/service-%d","predicate":"signing_algorithm","object":"ES256","confidence":0.9666667,"lifecycle":"Proposed","agent":"rfc-bot","timestamp":"2024-01-15T18:02:%02d.25Z","source":"@s%d","note":"read in §%d of the runbook"}`+"\n", i, j, i, j, i, j)
		}
		for j := range 4 {
			fmt.Fprintf(&b, `{"kind":"vote","assertion":"@a%d-%d","agent":"alice","weight":-0.5,"timestamp":"2024-01-15T19:00:00Z"}`+"\n", i, j)
		}
		fmt.Fprintf(&b, `{"kind":"transition","assertion":"@a%d-0","to":"Rejected","agent":"alice","reason":"clients cannot verify","timestamp":"2024-01-15T22:10:00Z"}`+"\n", i)
		fmt.Fprintf(&b, `{"kind":"query","id":"q%d","agent":"deployment-agent","subject":"auth/service-%d","predicate":"signing_algorithm","lens":"authority","lifecycle_filter":null,"timestamp":"2024-01-15T21:03:47Z","labels":{"service":"auth","env":"prod"}}`+"\n", i, i)
		fmt.Fprintf(&b, `{"kind":"event","type":"deploy","timestamp":"2024-01-15T21:04:10Z","agent":"deployment-agent","title":"auth-service config %d","based_on":["@a%d-1"]}`+"\n", i, i)
	}
	return b.Bytes()
}

func BenchmarkReader(b *testing.B) {
	file := benchFile(1000)
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		r := NewReader(bytes.NewReader(file), "bench.jsonl", nil)
		for {
			_, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	for _, name := range []string{"assertion", "vote", "audit"} {
		b.Run(name, func(b *testing.B) {
			var r Record
			for _, g := range goldens() {
				if g.name == name {
					r = g.r
				}
			}
			dst, err := Encode(nil, r)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(dst)))
			b.ReportAllocs()
			for b.Loop() {
				dst, _ = Encode(dst[:0], r)
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	for _, name := range []string{"assertion", "vote", "audit"} {
		b.Run(name, func(b *testing.B) {
			kind, payload := kindOfGolden(b, name), readGolden(b, name).payload
			b.SetBytes(int64(len(payload)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(kind, payload); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, name := range []string{"assertion", "vote", "audit"} {
		b.Run(name, func(b *testing.B) {
			kind, payload := kindOfGolden(b, name), readGolden(b, name).payload
			b.SetBytes(int64(len(payload)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Decode(kind, payload); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSum(b *testing.B) {
	for _, size := range []int{256, 4 << 10, 1 << 20} {
		b.Run(fmt.Sprintf("%dB", size), func(b *testing.B) {
			payload := make([]byte, size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				Sum(payload)
			}
		})
	}
}

func BenchmarkAppendJSON(b *testing.B) {
	for _, name := range []string{"assertion", "audit"} {
		b.Run(name, func(b *testing.B) {
			r, err := Decode(kindOfGolden(b, name), readGolden(b, name).payload)
			if err != nil {
				b.Fatal(err)
			}
			dst := AppendJSON(nil, r)
			b.SetBytes(int64(len(dst)))
			b.ReportAllocs()
			for b.Loop() {
				dst = AppendJSON(dst[:0], r)
			}
		})
	}
}

func BenchmarkClean(b *testing.B) {
	const s = "auth/jwt signing_algorithm ES256 — größer als zuvor"
	b.SetBytes(int64(len(s)))
	b.ReportAllocs()
	for b.Loop() {
		Clean(s)
	}
}
