package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestLinesAreWhatWasAskedFor(t *testing.T) {
	const size = 1 << 20
	var out bytes.Buffer
	lines, written, err := generate(&out, size, 7)
	if err != nil {
		t.Fatal(err)
	}
	text := out.String()
	if int64(len(text)) != written || int64(strings.Count(text, "\n")) != lines || !strings.HasSuffix(text, "\n") {
		t.Errorf("generate = %d lines, %d bytes; wrote %d lines, %d bytes", lines, written, strings.Count(text, "\n"), len(text))
	}
	beforeLast := strings.LastIndexByte(text[:len(text)-1], '\n') + 1
	if len(text) < size || beforeLast >= size {
		t.Errorf("wrote %d bytes, the last line from %d on; want it to be the line that reaches %d", len(text), beforeLast, size)
	}
}

// TestLabelsStandAboveTheirUse reads the lines as a reader of the format would: objects with a kind, labels defined
// once and before they are used.
func TestLabelsStandAboveTheirUse(t *testing.T) {
	var out bytes.Buffer
	if _, _, err := generate(&out, 4<<20, 7); err != nil {
		t.Fatal(err)
	}
	defined := map[string]bool{}
	kinds := map[string]int{}
	for number, line := range strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n") {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatalf("line %d: %v\n%s", number+1, err, line)
		}
		kinds[fields["kind"].(string)]++
		for _, name := range labelsIn(fields) {
			if !defined[name] {
				t.Fatalf("line %d uses %s, which no line above defines\n%s", number+1, name, line)
			}
		}
		if id, ok := fields["id"].(string); ok {
			if defined["@"+id] {
				t.Fatalf("line %d defines %s a second time", number+1, id)
			}
			defined["@"+id] = true
		}
	}
	for _, kind := range []string{"source", "assertion", "vote", "transition", "event", "audit", "query"} {
		if kinds[kind] == 0 {
			t.Errorf("found no %s in %v", kind, kinds)
		}
	}
}

// labelsIn finds what begins with @, however deep.
func labelsIn(value any) []string {
	var found []string
	switch value := value.(type) {
	case string:
		if strings.HasPrefix(value, "@") {
			found = append(found, value)
		}
	case []any:
		for _, v := range value {
			found = append(found, labelsIn(v)...)
		}
	case map[string]any:
		for _, v := range value {
			found = append(found, labelsIn(v)...)
		}
	}
	return found
}

func TestSeedDecidesTheLines(t *testing.T) {
	text := func(seed uint64) string {
		var out bytes.Buffer
		if _, _, err := generate(&out, 1<<16, seed); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	first := text(1)
	if again := text(1); again != first {
		t.Error("seed 1 gave other lines the second time")
	}
	if text(2) == first {
		t.Error("seeds 1 and 2 gave the same lines")
	}
}

func TestLabelsStopAtTheirLimit(t *testing.T) {
	g := newGenerator(1)
	g.next()
	g.sources = maxSourceLabels
	g.assertions = make([]int32, maxAssertionLabels)
	for range 10_000 {
		line := g.next()
		if bytes.Contains(line, []byte(`"id":`)) {
			t.Fatalf("a label above the limit of %d: %s", maxLabels, line)
		}
	}
}

func TestFailedWriteIsReported(t *testing.T) {
	broken := errors.New("broken pipe")
	if _, _, err := generate(failing{broken}, 1<<20, 1); !errors.Is(err, broken) {
		t.Errorf("generate = %v, want %v", err, broken)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
