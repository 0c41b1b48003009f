package engine_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"episteme/engine"
	"episteme/engine/ingest"
	"episteme/engine/kv"
	"episteme/engine/kv/badger"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// filled is a closed data directory and what its one question was told.
func filled(t *testing.T) (dir string, question record.ID, verdict ask.Verdict) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "data")
	e := open(t, dir)
	ids, _, _ := take(t, e, engine.IngestOptions{}, docA, docB, claimA, claimB, query("q", "00:00:00", ""))
	verdict, err := e.Verdict(t.Context(), ids["@q"])
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	return dir, ids["@q"], verdict
}

// checkVerdict opens dir again, asks for the verdict, and returns the news of opening.
func checkVerdict(t *testing.T, dir string, question record.ID, want ask.Verdict) []string {
	t.Helper()
	e := open(t, dir)
	defer e.Close()
	if err := e.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, err := e.Verdict(t.Context(), question)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("verdict (-want +got):\n%s", diff)
	}
	return e.News()
}

// TestADamagedStoreIsMadeAnew: whatever happens to its files, the journal has everything, and a line says so.
func TestADamagedStoreIsMadeAnew(t *testing.T) {
	tests := []struct {
		name   string
		damage func(t *testing.T, kv string)
	}{
		{"an empty MANIFEST", func(t *testing.T, kv string) { truncate(t, filepath.Join(kv, "MANIFEST"), 0) }},
		{"a MANIFEST cut short", func(t *testing.T, kv string) { truncate(t, filepath.Join(kv, "MANIFEST"), 20) }},
		{"no MANIFEST", func(t *testing.T, kv string) { remove(t, filepath.Join(kv, "MANIFEST")) }},
		{"a flipped byte in each table", func(t *testing.T, kv string) { flip(t, kv, "*.sst") }},
		{"no tables", func(t *testing.T, kv string) {
			tables, _ := filepath.Glob(filepath.Join(kv, "*.sst"))
			for _, path := range tables {
				remove(t, path)
			}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir, question, want := filled(t)
			tt.damage(t, filepath.Join(dir, "kv"))
			news := checkVerdict(t, dir, question, want)
			if len(news) != 1 || !strings.Contains(news[0], "made anew from the journal") {
				t.Errorf("news %q, want one line that says that the store was made anew", news)
			}
			if news := checkVerdict(t, dir, question, want); len(news) != 0 {
				t.Errorf("news of the next opening %q, want none", news)
			}
		})
	}
}

func truncate(t *testing.T, path string, size int64) {
	t.Helper()
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// flip changes a byte in the middle of each file of a pattern.
func flip(t *testing.T, dir, pattern string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files %s in %s: %v", pattern, dir, err)
	}
	for _, path := range files {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		b[len(b)/2] ^= 1
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAStoreThatWasNotClosedIsChecked: badger opens after a crash without a word, also when a log of its own had lost
// what was in it. Whatever is left, answers are those from before; when all is there, nothing is made anew.
func TestAStoreThatWasNotClosedIsChecked(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	e := open(t, dir)
	ids, _, _ := take(t, e, engine.IngestOptions{}, docA, docB, claimA, claimB, query("q", "00:00:00", ""))
	want, err := e.Verdict(t.Context(), ids["@q"])
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range []int{-1, 0, 512, 1024, 2048} { // of the memtables: one that never reached the disk; -1: none
		crashed := filepath.Join(t.TempDir(), "crashed")
		if err := os.CopyFS(crashed, os.DirFS(dir)); err != nil { // what a process that ends now leaves behind
			t.Fatal(err)
		}
		memtables, err := filepath.Glob(filepath.Join(crashed, "kv", "*.mem"))
		if err != nil || len(memtables) == 0 {
			t.Fatalf("no memtables in the copy: %v", err)
		}
		for _, path := range memtables {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if page >= 0 {
				clear(b[page : page+512])
			}
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		news := strings.Join(checkVerdict(t, crashed, ids["@q"], want), "\n")
		if page == -1 && !strings.Contains(news, "transactions are all there, up to lsn 7") || strings.Contains(news, "made anew") {
			t.Errorf("news %q, want a line that says that all is there and none that the store was made anew", news)
		}
	}
}

// TestHoleInTheStoreIsFoundAndRebuilt: a store that was not closed and lacks something in the middle is made anew.
func TestHoleInTheStoreIsFoundAndRebuilt(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	e := open(t, dir)
	ids, _, _ := take(t, e, engine.IngestOptions{}, docA, docB, claimA, claimB, query("q", "00:00:00", ""))
	want, err := e.Verdict(t.Context(), ids["@q"])
	if err != nil {
		t.Fatal(err)
	}
	crashed := filepath.Join(t.TempDir(), "crashed")
	if err := os.CopyFS(crashed, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	store, err := badger.Open(filepath.Join(crashed, "kv"), badger.ServerOptions())
	if err != nil {
		t.Fatal(err)
	}
	var hole kv.Batch
	hole.Delete([]byte("b:\x00\x01")) // the first transaction's mark
	if err := errors.Join(store.Apply(&hole), store.Close()); err != nil {
		t.Fatal(err)
	}
	news := strings.Join(checkVerdict(t, crashed, ids["@q"], want), "\n")
	if !strings.Contains(news, "lacks something (transaction 1 is missing below lsn 7), so it is made anew from the journal") {
		t.Errorf("news %q, want a line that says what is missing and that the store was made anew", news)
	}
}

// TestAnotherFormatOfTheStore: an older one is made anew by itself, a newer one is refused with a way out.
func TestAnotherFormatOfTheStore(t *testing.T) {
	setFormat := func(dir string, format byte) {
		store, err := badger.Open(filepath.Join(dir, "kv"), badger.ServerOptions())
		if err != nil {
			t.Fatal(err)
		}
		var b kv.Batch
		b.Put([]byte("m:format"), []byte{0, 0, 0, format})
		if err := errors.Join(store.Apply(&b), store.Close()); err != nil {
			t.Fatal(err)
		}
	}
	dir, question, want := filled(t)
	setFormat(dir, 1)
	if news := strings.Join(checkVerdict(t, dir, question, want), "\n"); !strings.Contains(news, "the store was written by an older program and is made anew") {
		t.Errorf("news %q, want a line about the older format", news)
	}
	setFormat(dir, 200)
	_, err := engine.Open(t.Context(), engine.Options{Dir: dir})
	if !errors.Is(err, ingest.ErrNewerFormat) || !strings.Contains(fmt.Sprint(err), "found 200") || !strings.Contains(fmt.Sprint(err), "episteme rebuild") {
		t.Errorf("Open of a store of format 200 = %v, want ErrNewerFormat, what was found and what to do", err)
	}
	if _, err := engine.Rebuild(t.Context(), engine.Options{Dir: dir}, false, nil); err != nil {
		t.Fatal(err)
	}
	checkVerdict(t, dir, question, want)
}

// TestReadingLeavesACleanStoreClean: opening and closing without a change writes no mark, and is no reason for doubt.
func TestReadingLeavesACleanStoreClean(t *testing.T) {
	dir, question, want := filled(t)
	for range 3 {
		if news := checkVerdict(t, dir, question, want); len(news) != 0 {
			t.Fatalf("news %q, want none", news)
		}
	}
}

// TestBrokenEvidenceIsShownAsBroken: one damaged payload costs itself and not the chain.
func TestBrokenEvidenceIsShownAsBroken(t *testing.T) {
	dir, question, _ := filled(t)
	segments, _ := filepath.Glob(filepath.Join(dir, "wal", "*.wal"))
	b, err := os.ReadFile(segments[0])
	if err != nil {
		t.Fatal(err)
	}
	// The first record is the evidence of docA: one byte, behind the segment's header and its own.
	const at = 128 + 104
	if b[at] != 'A' {
		t.Fatalf("byte %d is %q, want the evidence", at, b[at])
	}
	b[at] = 'Z'
	if err := os.WriteFile(segments[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
	e := open(t, dir)
	p, err := e.Provenance(t.Context(), question, ask.ProvenanceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if c := ask.Count(p.Nodes); c.Broken != 1 || c.Verified < 3 {
		t.Errorf("checks %+v, want one broken and the rest verified", c)
	}
}

// TestAnImportedAuditIsNoAnswer: what somebody else was told never answers a question that is asked here (rule 6).
func TestAnImportedAuditIsNoAnswer(t *testing.T) {
	imported := `{"kind":"audit","id":"i","agent_id":"ann","timestamp":"2024-01-02T00:00:00Z","subject":"s/x","predicate":"p","lens":"authority","result":{"value":"poison","confidence":1,"share":1}}`
	for name, lines := range map[string][]string{
		"imported after it was asked":  {docA, claimA, query("q0", "00:00:00", ""), imported, query("q", "00:00:00", "")},
		"imported before it was asked": {docA, claimA, imported, query("q", "00:00:00", "")},
	} {
		t.Run(name, func(t *testing.T) {
			e, ids := world(t, lines...)
			v, err := e.Verdict(t.Context(), ids["@q"])
			if err != nil {
				t.Fatal(err)
			}
			if v.Audit.State != ask.Pinned || v.Audit.Result.Value != record.TextObject("A") {
				t.Errorf("told %v, %s; want A, asked here", v.Audit.Result.Value, v.Audit.State)
			}
		})
	}
}

// TestAForeignAuditFlipsNothing: it was told in another journal.
func TestAForeignAuditFlipsNothing(t *testing.T) {
	foreign := `{"kind":"audit","agent_id":"ann","timestamp":"2024-01-01T23:00:00Z","subject":"s/x","predicate":"p","lens":"authority","result":{"value":"Z","confidence":1,"share":1},"pin":3,"journal":"` + strings.Repeat("ab", 16) + `"}`
	e, ids := world(t, docA, docB, claimA, claimA2, foreign, query("q", "00:00:00", ""))
	v, err := e.Verdict(t.Context(), ids["@q"])
	if err != nil {
		t.Fatal(err)
	}
	if got := codes(v.Audit); got != "" {
		t.Errorf("findings %q, want none", got)
	}
}

// TestStageNowIsRuleNine: a transition that claims to be older than its assertion still moves it.
func TestStageNowIsRuleNine(t *testing.T) {
	e, ids := world(t, docA, docB, claimA, claimB,
		`{"kind":"transition","assertion":"@a","to":"Deprecated","agent":"bob","timestamp":"2023-12-31T00:00:00Z"}`, query("q", "00:00:00", ""))
	v, err := e.Verdict(t.Context(), ids["@q"])
	if err != nil {
		t.Fatal(err)
	}
	if len(v.NotAdmitted) != 1 || v.NotAdmitted[0].Lifecycle != record.Deprecated || v.NotAdmitted[0].LifecycleNow != record.Deprecated {
		t.Errorf("not admitted %+v, want a, Deprecated then and now", v.NotAdmitted)
	}
}

// TestAVerdictShowsTheSourceThatWasSeen: what a source has been called since is not what decided.
func TestAVerdictShowsTheSourceThatWasSeen(t *testing.T) {
	e, ids := world(t, docA, claimA, query("q", "00:00:00", ""),
		strings.NewReplacer("a.md", "renamed.md", `"id":"doc"`, `"id":"doc2"`, "0.9", "0.1", "2024-01-01", "2024-02-01").Replace(docA))
	v, err := e.Verdict(t.Context(), ids["@q"])
	if err != nil {
		t.Fatal(err)
	}
	if s := v.Because[0].Source; s.Name != "a.md" || s.Authority != 0.9 {
		t.Errorf("source %s with authority %v, want a.md with 0.9, as the answer saw it", s.Name, s.Authority)
	}
}

// TestNineteenSeventyIsATime: a question about 1970 is not a question about now.
func TestNineteenSeventyIsATime(t *testing.T) {
	e, _ := world(t, docA, claimA)
	a, err := e.Ask(t.Context(), record.Query{Agent: "ann", Subject: "s/x", Predicate: "p", Timestamp: record.Unset, AsOf: 0})
	if err != nil {
		t.Fatal(err)
	}
	if a.AsOf != 0 || a.Result.Value.Type != record.NoValue {
		t.Errorf("as of %s told %v, want 1970 and nothing", a.AsOf, a.Result.Value)
	}
}

// interrupting is a file whose reader is interrupted before its last line.
type interrupting struct {
	*record.Reader
	lines  int
	cancel context.CancelFunc
	block  chan struct{}
}

func (i *interrupting) Next() (record.Line, error) {
	if i.lines == 0 {
		i.cancel()
		<-i.block // a pipe that says nothing more
		return record.Line{}, io.EOF
	}
	i.lines--
	return i.Reader.Next()
}

// TestInterruptedIngest keeps what it has read, and of a strict file nothing; a reader that hangs does not hold it up.
func TestInterruptedIngest(t *testing.T) {
	for _, strict := range []bool{false, true} {
		e := open(t, "")
		ctx, cancel := context.WithCancel(t.Context())
		in := &interrupting{record.NewReader(strings.NewReader(docA+"\n"+claimA+"\n"), "in", e), 2, cancel, make(chan struct{})}
		done, err := e.Ingest(ctx, in, engine.IngestOptions{Strict: strict})
		close(in.block)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("strict %t: Ingest = %v, want context.Canceled", strict, err)
		}
		kept, head := 2, 3
		if strict {
			kept, head = 0, 0
		}
		if done.Kept != kept || int(e.Head().Last) != head {
			t.Errorf("strict %t: kept %d, journal at %d; want %d, %d", strict, done.Kept, e.Head().Last, kept, head)
		}
	}
}

// TestARepeatedFileDependsOnNoTiming: records that come twice in one file are written once, however fast the store is.
func TestARepeatedFileDependsOnNoTiming(t *testing.T) {
	const n = 3000
	var lines []string
	for range 2 {
		for i := range n {
			lines = append(lines, `{"kind":"event","type":"note","timestamp":"2024-01-01T00:00:00Z","agent":"ann","title":"note `+strings.Repeat("i", i%50)+string(rune('a'+i/50%26))+string(rune('a'+i/1300))+`"}`)
		}
	}
	e := open(t, "")
	_, done, _ := take(t, e, engine.IngestOptions{}, lines...)
	if int(e.Head().Last) != done.Records || done.Records != n {
		t.Errorf("%d records, journal at %d; want %d", done.Records, e.Head().Last, n)
	}
}

// TestAQuietStreamIsMadeDurable: what has come of a pipe does not wait for a batch to fill.
func TestAQuietStreamIsMadeDurable(t *testing.T) {
	e := open(t, "")
	r, w := io.Pipe()
	done := make(chan error)
	go func() {
		_, err := e.Ingest(t.Context(), record.NewReader(r, "pipe", e), engine.IngestOptions{})
		done <- err
	}()
	if _, err := io.WriteString(w, docA+"\n"); err != nil {
		t.Fatal(err)
	}
	if err := e.Wait(t.Context(), 2); err != nil { // the stream is still open
		t.Fatal(err)
	}
	w.Close()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
