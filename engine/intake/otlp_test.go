package intake

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"episteme/engine/record"
)

var update = flag.Bool("update", false, "rewrite the goldens; read the diff before you commit it")

const sample = "testdata/langchain-vercel.otlp.jsonl"

// decoded is all that came out of a file.
type decoded struct {
	items   []Item
	rejects []*record.Reject
	dropped Dropped
	removed Removed
	spans   int
}

// decode reads r to its end. An error that is no reject fails the test.
func decode(t testing.TB, r io.Reader) decoded {
	t.Helper()
	return decodeAs(t, "otlp", r, Options{File: "spans.jsonl"})
}

func decodeAs(t testing.TB, name string, r io.Reader, o Options) decoded {
	t.Helper()
	format, ok := ByName(name)
	if !ok {
		t.Fatalf("no format %s", name)
	}
	dec, err := format.Open(r, o)
	if err != nil {
		t.Fatal(err)
	}
	var d decoded
	for {
		item, err := dec.Next()
		var reject *record.Reject
		switch {
		case errors.Is(err, io.EOF):
			d.dropped, d.removed = dec.Dropped(), dec.Removed()
			_, d.spans = dec.Units()
			return d
		case errors.As(err, &reject):
			d.rejects = append(d.rejects, reject)
		case err != nil:
			t.Fatalf("Next: %v", err)
		default:
			d.items = append(d.items, item)
		}
	}
}

// audit is the audit of an item: always its last record.
func audit(t testing.TB, item Item) *record.Audit {
	t.Helper()
	a, ok := item.Records[len(item.Records)-1].(*record.Audit)
	if !ok {
		t.Fatalf("last record is %T, want the audit", item.Records[len(item.Records)-1])
	}
	return a
}

func TestGoldenOfRealSpans(t *testing.T) {
	body, err := os.ReadFile(sample)
	if err != nil {
		t.Fatal(err)
	}
	d := decode(t, bytes.NewReader(body))
	if len(d.rejects) > 0 {
		t.Fatalf("rejects of real spans: %v", d.rejects[0])
	}
	compareGolden(t, "langchain-vercel.golden", dump(t, d.items))
	if want := (Dropped{dropOther: 24}); !cmp.Equal(d.dropped, want) {
		t.Errorf("dropped %v, want %v", d.dropped, want)
	}
	if d.spans != 35 || len(d.items) != 11 {
		t.Errorf("%d spans, %d items; want 35, 11 (3 retrievals, 6 and 2 tool calls)", d.spans, len(d.items))
	}
}

func compareGolden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; -update writes it", err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}
