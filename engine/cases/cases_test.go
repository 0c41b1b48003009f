package cases

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"episteme/engine/record"
)

func at(s string) record.Time {
	t, err := record.ParseTime(s)
	if err != nil {
		panic(err)
	}
	return t
}

var query = record.ID{Kind: record.KindAudit, Hash: record.Sum([]byte("query"))}

// every is a line of each kind.
func every() []Line {
	now := at("2024-01-15T22:31:07Z")
	return []Line{
		{At: now, By: "alice", Kind: Bookmark, ID: query, Note: "why ES256? <&>\nsecond line",
			Asked: &Asked{"deployment-agent", "auth/jwt", "issuer", at("2024-01-15T21:03:47Z")}},
		{At: now, By: "alice", Kind: Zero, Zero: at("2024-01-15T21:09:12Z")},
		{At: now, By: "bob", Kind: Note, Note: "keys rotated by hand"},
		{At: now, By: "bob", Kind: View, Name: "jwt", Filter: "subject:auth/**"},
		{At: now, By: "bob", Kind: View, Name: "jwt", Filter: "agent:deploy*"},
		{At: now, By: "bob", Kind: Zero, Zero: at("2024-01-15T21:04:10Z")},
	}
}

func TestWhatWasAddedIsRead(t *testing.T) {
	f := Folder{filepath.Join(t.TempDir(), "data", "cases")}
	if list, err := f.List(); err != nil || len(list) != 0 {
		t.Errorf("before the first line: %v, %v", list, err)
	}
	for _, l := range every() {
		if err := f.Add("inc-1", l); err != nil {
			t.Fatal(err)
		}
	}
	c, err := f.Read("inc-1")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(every(), c.Lines); diff != "" || c.Skipped != 0 {
		t.Errorf("skipped %d; -added +read:\n%s", c.Skipped, diff)
	}
	if z := c.Zero(); z == nil || *z != at("2024-01-15T21:04:10Z") {
		t.Errorf("t0 is %v, want the last one", z)
	}
	if v := c.Views(); len(v) != 1 || v[0].Filter != "agent:deploy*" {
		t.Errorf("views %v, want the last jwt", v)
	}
	for path, want := range map[string]fs.FileMode{filepath.Join(f.Dir, "inc-1.jsonl"): 0o600, f.Dir: 0o700 | fs.ModeDir} {
		if info, err := os.Stat(path); err != nil || info.Mode() != want {
			t.Errorf("%s has mode %v, want %v (%v)", path, info.Mode(), want, err)
		}
	}
	list, err := f.List()
	want := []Summary{{Name: "inc-1", Bookmarks: 1, Notes: 1, Lines: 6, Newest: at("2024-01-15T22:31:07Z"), People: []string{"alice", "bob"}}}
	if diff := cmp.Diff(want, list); err != nil || diff != "" {
		t.Errorf("%v, -want +got:\n%s", err, diff)
	}
}

// A file written by hand: this is how version 1 looks, for ever.
func TestFormat(t *testing.T) {
	id := query.String()
	text := `{"v":1,"at":"2024-01-15T22:31:07Z","by":"alice","kind":"bookmark","id":"` + id + `","note":"why?"}
{"v":1,"at":"2024-01-15T22:32:00Z","by":"alice","kind":"t0","t0":"2024-01-15T21:09:12Z"}
{"v":1,"at":"2024-01-15T22:33:41Z","by":"bob","kind":"view","name":"jwt","filter":"x"}
`
	var c Case
	c.take([]byte(text))
	want := []Line{
		{At: at("2024-01-15T22:31:07Z"), By: "alice", Kind: Bookmark, ID: query, Note: "why?"},
		{At: at("2024-01-15T22:32:00Z"), By: "alice", Kind: Zero, Zero: at("2024-01-15T21:09:12Z")},
		{At: at("2024-01-15T22:33:41Z"), By: "bob", Kind: View, Name: "jwt", Filter: "x"},
	}
	if diff := cmp.Diff(want, c.Lines); diff != "" || c.Skipped != 0 {
		t.Errorf("skipped %d, -want +got:\n%s", c.Skipped, diff)
	}
	var again []byte
	for _, l := range want {
		b, err := encode(l)
		if err != nil {
			t.Fatal(err)
		}
		again = append(again, b...)
	}
	if diff := cmp.Diff(text, string(again)); diff != "" {
		t.Errorf("-by hand +written:\n%s", diff)
	}
}

// What is torn or foreign is skipped, counted, and still there after the next line.
func TestStrangeLinesStay(t *testing.T) {
	f := Folder{t.TempDir()}
	good, err := encode(Line{At: 1, By: "a", Kind: Note, Note: "first"})
	if err != nil {
		t.Fatal(err)
	}
	strange := string(good) +
		"not JSON\n" +
		`{"v":2,"at":"2024-01-15T22:31:07Z","by":"a","kind":"note","note":"of the future"}` + "\n" +
		`{"v":1,"at":"2024-01-15T22:31:07Z","by":"a","kind":"verdict"}` + "\n" +
		`{"v":1,"at":"2024-01-15T22:31:07Z","by":"a","kind":"bookmark"}` + "\n" +
		strings.Repeat("x", MaxLineBytes+1) + "\n" +
		"\xff\xfe\n" +
		string(good[:len(good)/2])
	path := filepath.Join(f.Dir, "c.jsonl")
	if err := os.WriteFile(path, []byte(strange), 0o600); err != nil {
		t.Fatal(err)
	}
	check := func(lines, skipped int) {
		t.Helper()
		c, err := f.Read("c")
		if err != nil || len(c.Lines) != lines || c.Skipped != skipped {
			t.Errorf("read %d lines, skipped %d (%v), want %d and %d", len(c.Lines), c.Skipped, err, lines, skipped)
		}
	}
	check(1, 7)
	if err := f.Add("c", Line{At: 2, By: "b", Kind: Note, Note: "second"}); err != nil {
		t.Fatal(err)
	}
	check(2, 7)
	now, err := os.ReadFile(path)
	if err != nil || !strings.HasPrefix(string(now), strange) {
		t.Errorf("what was there has changed: %v", err)
	}
}

// Cut anywhere, a file loses no whole line, and takes the next.
func TestTornAnywhere(t *testing.T) {
	var whole []byte
	ends := []int{0}
	for i := range 3 {
		b, err := encode(Line{At: record.Time(i), By: "a", Kind: Note, Note: fmt.Sprint("note ", i)})
		if err != nil {
			t.Fatal(err)
		}
		whole = append(whole, b...)
		ends = append(ends, len(whole))
	}
	f := Folder{t.TempDir()}
	for cut := range len(whole) + 1 {
		want := 0
		for _, end := range ends[1:] {
			if end <= cut {
				want++
			}
		}
		name := fmt.Sprint("cut", cut)
		if err := os.WriteFile(filepath.Join(f.Dir, name+".jsonl"), whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		if err := f.Add(name, Line{At: 9, By: "b", Kind: Note, Note: "after"}); err != nil {
			t.Fatal(err)
		}
		c, err := f.Read(name)
		if err != nil {
			t.Fatal(err)
		}
		// Only its newline may be missing: then the line is whole as soon as the next one has begun.
		if got := len(c.Lines) - 1; got != want && !(got == want+1 && c.Skipped == 0) || c.Lines[len(c.Lines)-1].Note != "after" {
			t.Errorf("cut at %d: %d lines before the new one, want %d", cut, got, want)
		}
	}
}

func TestSeveralWritersAtOnce(t *testing.T) {
	f := Folder{filepath.Join(t.TempDir(), "cases")}
	const writers, each = 8, 20
	var wg sync.WaitGroup
	errs := make([]error, writers)
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				note := fmt.Sprintf("%d-%d %s", w, i, strings.Repeat("x", 3000))
				errs[w] = errors.Join(errs[w], f.Add("shared", Line{At: record.Time(i), By: fmt.Sprint(w), Kind: Note, Note: note}))
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	c, err := f.Read("shared")
	if err != nil || len(c.Lines) != writers*each || c.Skipped != 0 {
		t.Fatalf("%d lines, %d skipped, %v; want %d", len(c.Lines), c.Skipped, err, writers*each)
	}
	next := map[string]record.Time{}
	for _, l := range c.Lines {
		if l.At != next[l.By] {
			t.Errorf("writer %s: line %d where %d was expected", l.By, l.At, next[l.By])
		}
		next[l.By]++
	}
}

func TestNames(t *testing.T) {
	f := Folder{t.TempDir()}
	for _, name := range []string{"", ".", "..", "../x", "a/b", `a\b`, "/etc/passwd", ".hidden", "-rf", "a b", "a\x00b", "a\nb", "é", strings.Repeat("a", 65)} {
		var wrong *NameError
		if err := f.Add(name, every()[0]); !errors.As(err, &wrong) {
			t.Errorf("Add(%q) gave %v", name, err)
		}
		if _, err := f.Read(name); !errors.As(err, &wrong) {
			t.Errorf("Read(%q) gave %v", name, err)
		}
	}
	for _, name := range []string{"a", "INC-4711", "2024-01-15_jwt.v2", strings.Repeat("a", 64)} {
		if err := f.Add(name, every()[0]); err != nil {
			t.Errorf("Add(%q): %v", name, err)
		}
	}
}

// Links, directories and what else bears a case's name are neither read nor written.
func TestOnlyRegularFiles(t *testing.T) {
	f := Folder{t.TempDir()}
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, []byte("mine\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(f.Dir, "link.jsonl")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(f.Dir, "dir.jsonl"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"link", "dir"} {
		if err := f.Add(name, every()[0]); err == nil {
			t.Errorf("Add(%s) did not fail", name)
		}
		if _, err := f.Read(name); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Read(%s) gave %v", name, err)
		}
	}
	if text, err := os.ReadFile(outside); string(text) != "mine\n" {
		t.Errorf("what the link leads to was written: %q, %v", text, err)
	}
	if _, err := f.Read("none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a case that is not there gave %v", err)
	}
	list, err := f.List()
	if err != nil || len(list) != 2 || list[0].Err == nil || list[1].Err == nil {
		t.Errorf("listed %v, %v; want both with their errors", list, err)
	}
}

func TestNoteTooLong(t *testing.T) {
	f := Folder{t.TempDir()}
	err := f.Add("c", Line{At: 1, By: "a", Kind: Note, Note: strings.Repeat("x", MaxLineBytes)})
	if err == nil || !strings.Contains(err.Error(), "shorten the note") {
		t.Errorf("gave %v", err)
	}
	if _, err := f.Read("c"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file was made for nothing: %v", err)
	}
}

func FuzzTake(f *testing.F) {
	for _, l := range every() {
		b, err := encode(l)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte("{\"v\":1}\n\n{"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var c Case
		c.take(data)
		for _, l := range c.Lines {
			again, err := encode(l)
			if err != nil {
				continue // read from a line that escapes less than we do
			}
			back, ok := decode(again[:len(again)-1])
			if !ok || !cmp.Equal(l, back) {
				t.Errorf("%+v became %+v", l, back)
			}
		}
	})
}
