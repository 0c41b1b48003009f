package export_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"episteme/engine"
	"episteme/engine/export"
	"episteme/engine/record"
	"episteme/fixtures"
)

var update = flag.Bool("update", false, "rewrite the goldens in testdata")

// made is when the exports of these tests say they were made.
var made, _ = record.ParseTime("2024-01-15T22:32:00Z")

// labelled takes lines in and remembers what their labels became.
type labelled struct {
	*record.Reader
	ids map[string]record.ID
}

func (l *labelled) Next() (record.Line, error) {
	line, err := l.Reader.Next()
	if err == nil && line.Label != "" && len(line.Records) > 0 {
		id, err := record.IDOf(line.Records[len(line.Records)-1])
		if err != nil {
			return line, err
		}
		l.Bind(line.Label, id)
	}
	return line, err
}

func (l *labelled) Bind(label string, id record.ID) {
	l.ids[label] = id
	l.Reader.Bind(label, id)
}

// take opens an engine in memory with these records, and says what their labels became.
func take(t testing.TB, events []byte) (*engine.Engine, map[string]record.ID) {
	t.Helper()
	e, err := engine.Open(context.Background(), engine.Options{Now: func() time.Time { return made.Std() }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	in := &labelled{record.NewReader(bytes.NewReader(events), "events.jsonl", e), map[string]record.ID{}}
	if _, err := e.Ingest(context.Background(), in, engine.IngestOptions{Reject: func(r *record.Reject) { t.Errorf("refused: %v", r) }}); err != nil {
		t.Fatal(err)
	}
	if err := e.CatchUp(context.Background()); err != nil {
		t.Fatal(err)
	}
	return e, in.ids
}

// incident is the fixture auth-jwt.
func incident(t testing.TB) (*engine.Engine, map[string]record.ID) {
	t.Helper()
	f, ok := fixtures.ByName("auth-jwt")
	if !ok {
		t.Fatal("no fixture auth-jwt")
	}
	return take(t, f.Events())
}

// deciding is the query of auth-jwt that config 41 was based on.
const deciding = "q210347"

func collect(t testing.TB, e export.Evidence, s export.Selection) *export.Contents {
	t.Helper()
	c, err := export.Collect(context.Background(), e, s, made)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func written(t testing.TB, f export.Format, c *export.Contents) string {
	t.Helper()
	var b bytes.Buffer
	if err := export.Write(&b, f, c); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// redact uses a key that n stands for.
func redact(t testing.TB, e export.Evidence, c *export.Contents, n byte, names ...string) *export.Contents {
	t.Helper()
	fields, err := export.ParseFields(names)
	if err != nil {
		t.Fatal(err)
	}
	c, err = export.Redact(context.Background(), e, c, fields, bytes.NewReader(bytes.Repeat([]byte{n}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// settled replaces what differs from run to run: the journal's id and chain, the times at which it took its records,
// and the ids of queries and of what names them, whose bytes hold the journal's id.
func settled(text string, journal record.LogID, chain record.Hash) string {
	text = strings.ReplaceAll(text, journal.String(), "JOURNAL")
	text = strings.ReplaceAll(text, chain.String(), "CHAIN")
	text = recordedForm.ReplaceAllString(text, "RECORDED")
	numbers := map[string]string{}
	return idForm.ReplaceAllStringFunc(text, func(id string) string {
		id = strings.Replace(id, `\_`, "_", 1)
		short := id[:10]
		if numbers[short] == "" {
			numbers[short] = fmt.Sprintf("%s#%d", id[:1], len(numbers)+1)
		}
		if len(id) > 10 {
			return numbers[short] + " in full"
		}
		return numbers[short]
	})
}

var (
	recordedForm = regexp.MustCompile(`20(?:2[5-9]|[3-9]\d)-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z`)
	idForm       = regexp.MustCompile(`\b[abqswvet]\\?_[0-9a-f]{8}(?:[0-9a-f]{56})?\b`)
)

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got), -update rewrites it:\n%s", path, diff)
	}
}

// tiny is the incident on the page of the bundle's format.
var tiny = []byte(`{"kind":"source","id":"doc","name":"pager.md","uri":"https://docs.example/pager","authority":0.8,"agent":"docs-sync","timestamp":"2024-01-15T18:00:00Z","content":"The pager is with alice."}
{"kind":"assertion","id":"claim","subject":"ops/pager","predicate":"holder","object":"alice","confidence":0.9,"lifecycle":"Approved","agent":"docs-sync","timestamp":"2024-01-15T18:01:00Z","source":"@doc"}
{"kind":"query","id":"q","agent":"incident-bot","subject":"ops/pager","predicate":"holder","lens":"authority","lifecycle_filter":null,"timestamp":"2024-01-15T21:00:00Z"}
`)
