package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestFixturesAreWhatIsTold holds the files that come with the program to what this program writes.
func TestFixturesAreWhatIsTold(t *testing.T) {
	for _, s := range scenes() {
		path := filepath.Join("..", "..", "fixtures", s.name, "events.jsonl")
		held, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		told := s.tell().lines()
		if !bytes.Equal(held, told) {
			line := 1 + bytes.Count(told[:commonPrefix(held, told)], []byte("\n"))
			t.Errorf("%s differs from line %d on; write it anew: go -C tools run ./makefixtures -write ../fixtures", path, line)
		}
		if again := s.tell().lines(); !bytes.Equal(again, told) {
			t.Errorf("%s is told in other words the second time", s.name)
		}
	}
}

func commonPrefix(a, b []byte) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

func TestRun(t *testing.T) {
	dir := t.TempDir()
	for _, s := range scenes() {
		if err := os.Mkdir(filepath.Join(dir, s.name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name  string // says the rule
		dir   string
		names []string
		fails bool
	}{
		{"all into a directory", dir, nil, false},
		{"neither a name nor a directory", "", nil, true},
		{"a name and a directory", dir, []string{"backup-retention"}, true},
		{"a name that is none", "", []string{"auth-jwt"}, true},
		{"a directory that is not there", filepath.Join(dir, "none"), nil, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := run(tt.dir, tt.names); (err != nil) != tt.fails {
				t.Errorf("run(%q, %q) = %v, want an error %t", tt.dir, tt.names, err, tt.fails)
			}
		})
	}
	if text, err := os.ReadFile(filepath.Join(dir, "ledger-failover", "events.jsonl")); err != nil || len(text) == 0 {
		t.Errorf("ledger-failover/events.jsonl has %d bytes, %v", len(text), err)
	}
}
