package intake

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// benchFormat decodes a file of some MiB into nothing.
func benchFormat(b *testing.B, format string, file []byte) {
	b.Helper()
	b.Run(fmt.Sprintf("bytes=%d", len(file)), func(b *testing.B) {
		b.SetBytes(int64(len(file)))
		b.ReportAllocs()
		for b.Loop() {
			if n := drain(b, format, file); n == 0 {
				b.Fatal("no items")
			}
		}
	})
}

// drain reads file to its end and keeps nothing.
func drain(b *testing.B, name string, file []byte) int {
	format, _ := ByName(name)
	dec, err := format.Open(bytes.NewReader(file), Options{File: "gpt-4o-airline.json"})
	if err != nil {
		b.Fatal(err)
	}
	for n := 0; ; n++ {
		if _, err := dec.Next(); err != nil {
			return n
		}
	}
}

func BenchmarkOTLPProtobuf(b *testing.B) {
	body, err := os.ReadFile(sample)
	if err != nil {
		b.Fatal(err)
	}
	benchFormat(b, "otlp", bytes.Repeat(framed(protobufs(b, body)), 64))
}

func BenchmarkChat(b *testing.B) {
	body, err := os.ReadFile(chatSample)
	if err != nil {
		b.Fatal(err)
	}
	benchFormat(b, "chat", bytes.Repeat(body, 64))
}

// BenchmarkLangfuse decodes one trace of each of ten frameworks, over and over.
func BenchmarkLangfuse(b *testing.B) {
	files, err := filepath.Glob("testdata/langfuse/*.trace.json")
	if err != nil {
		b.Fatal(err)
	}
	var all []byte
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, body...)
	}
	benchFormat(b, "langfuse", bytes.Repeat(all, 16))
}

// BenchmarkJSONL decodes our own lines: a source with its text, an assertion and a vote, again and again.
func BenchmarkJSONL(b *testing.B) {
	const lines = `{"kind":"source","name":"security-rfc-2024.md","authority":0.9,"agent":"docs-sync","timestamp":"2024-01-15T18:00:00Z","content":"All services sign with ES256 from March on. Tokens that were signed with RS256 are accepted until June."}
{"kind":"assertion","subject":"auth/jwt","predicate":"signing_algorithm","object":"ES256","confidence":0.9666667,"lifecycle":"Proposed","agent":"rfc-bot","timestamp":"2024-01-15T18:02:00Z","source":{"name":"rfc.md","agent":"docs-sync","timestamp":"2024-01-15T18:00:00Z"}}
{"kind":"event","type":"deploy","timestamp":"2024-01-15T21:04:10Z","agent":"deployment-agent","title":"auth-service config 41"}
`
	benchFormat(b, "jsonl", bytes.Repeat([]byte(lines), 4096))
}

func BenchmarkScrub(b *testing.B) {
	body, err := os.ReadFile(chatSample)
	if err != nil {
		b.Fatal(err)
	}
	d, text := newDoor(Options{}), string(body)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		d.scrub(text)
	}
}
