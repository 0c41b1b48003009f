package main

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// arrows is who may import whom among our own packages: A → B, C lets A import B and C. What is not drawn does not
// exist. A new package gets a line of its own; a new arrow is a decision about the house, not a way to make this pass.
const arrows = `
main             → cli
cli              → engine, engine/api, engine/replay, engine/export, engine/intake, engine/trace/ask, engine/cases, engine/record, engine/wal, engine/when, tui, tui/config, tui/sshd, views, fixtures, fixtures/gen, fixtures/training
tui              → views, views/text, tui/termfix, engine/trace/ask, engine/cases, engine/record, engine/when, fixtures/training
tui/config       → views
tui/sshd         → engine/api, engine/record
tui/termfix      → (nothing)
views            → views/text, engine/trace/ask, engine/record, fixtures/training
views/text       → engine/record
engine           → engine/wal, engine/kv, engine/kv/badger, engine/kv/mem, engine/ingest, engine/lens, engine/trace, engine/trace/ask, engine/record, engine/vfs
engine/api       → engine/trace/ask, engine/record, engine/when
engine/cases     → engine/record
engine/export    → engine/trace/ask, engine/cases, engine/record
engine/intake    → engine/record
engine/replay    → engine, engine/trace/ask, engine/record
engine/trace     → engine/trace/ask, engine/lens, engine/kv, engine/ingest, engine/record
engine/trace/ask → engine/record
engine/ingest    → engine/wal, engine/kv, engine/record
engine/lens      → engine/record
engine/when      → engine/record
engine/wal       → engine/vfs
engine/kv        → (nothing)
engine/kv/badger → engine/kv
engine/kv/mem    → engine/kv
engine/kv/kvtest → engine/kv
engine/vfs       → (nothing)
engine/record    → (nothing)
fixtures         → (nothing)
fixtures/gen     → engine/record
fixtures/training → fixtures, engine/record
`

// arrowsOfTests is what test files may import beyond the arrows of their package and the package itself. The first
// line holds for all tests; the others lead a test to a whole engine where only that proves something.
const arrowsOfTests = `
(every test)     → fixtures, engine/record, engine/vfs, engine/kv/mem, engine/kv/badger, engine/kv/kvtest
fixtures         → engine, engine/intake, engine/trace/ask
fixtures/gen     → engine, engine/trace/ask
tui              → engine, engine/replay
engine/api       → engine, engine/intake
engine/export    → engine
engine/trace     → engine/wal
`

// outside is who may import what is not ours: other people's modules, and the parts of the standard library that
// reach the machine (os, net, syscall) or give up its promises (unsafe, C). The rest of the standard library is free.
// A name covers what lies below it. A new module is a line here and a sentence in docs/decisions. The journal has
// syscall for an error number alone: it reaches the disk through engine/vfs.
const outside = `
main             → os
cli              → os, net, syscall, github.com/spf13/cobra, github.com/charmbracelet/x/ansi, github.com/charmbracelet/x/term
tui              → os, github.com/charmbracelet/bubbletea, github.com/charmbracelet/bubbles, github.com/charmbracelet/lipgloss, github.com/muesli/termenv, github.com/charmbracelet/x/ansi, github.com/charmbracelet/x/term
tui/config       → github.com/pelletier/go-toml/v2
tui/sshd         → os, net, github.com/charmbracelet/wish, github.com/charmbracelet/ssh, golang.org/x/crypto/ssh
tui/termfix      → github.com/charmbracelet/lipgloss
views            → github.com/charmbracelet/bubbletea, github.com/charmbracelet/bubbles, github.com/charmbracelet/lipgloss, github.com/charmbracelet/x/ansi, github.com/bmatcuk/doublestar/v4
views/text       → github.com/charmbracelet/lipgloss, github.com/charmbracelet/x/ansi
engine           → os
engine/api       → os, net, github.com/bmatcuk/doublestar/v4, github.com/danielgtaylor/huma/v2, github.com/klauspost/compress/zstd, github.com/prometheus/client_golang, golang.org/x/time/rate
engine/cases     → os
engine/export    → lukechampine.com/blake3
engine/intake    → go.opentelemetry.io/collector/pdata, github.com/bmatcuk/doublestar/v4, github.com/pelletier/go-toml/v2, github.com/klauspost/compress/zstd
engine/trace     → github.com/bmatcuk/doublestar/v4
engine/wal       → syscall, lukechampine.com/blake3
engine/kv/badger → os, syscall, unsafe, github.com/dgraph-io/badger/v4, github.com/dgraph-io/ristretto/v2, github.com/klauspost/compress/snappy, google.golang.org/protobuf/proto
engine/kv/kvtest → os, testing
engine/vfs       → os, syscall, golang.org/x/sys
engine/record    → lukechampine.com/blake3
`

// outsideOfTests is the same for test files, beyond what their package may.
const outsideOfTests = `
(every test)     → os, syscall, testing, github.com/google/go-cmp
cli              → github.com/creack/pty, github.com/hinshun/vt10x, github.com/rogpeppe/go-internal/testscript, golang.org/x/crypto/ssh
tui              → github.com/creack/pty, github.com/hinshun/vt10x, github.com/charmbracelet/x/exp/teatest, github.com/charmbracelet/x/exp/golden
`

const everyTest = "(every test)"

// TestArrows holds the imports of all files to the four tables. It reads the files and does not ask `go list`, which
// would show those of one operating system, and whose answer `go test` would keep in its cache after a file changed.
func TestArrows(t *testing.T) {
	files := readTree(t)
	allowed := parseRules(t)
	for _, stray := range strayImports(files, allowed) {
		t.Error(stray)
	}
}

func TestStrayImports(t *testing.T) {
	tests := []struct {
		name  string // says the rule
		file  sourceFile
		stray bool
	}{
		{"a drawn arrow", sourceFile{pkg: "engine/lens", imports: []string{"episteme/engine/record"}}, false},
		{"an arrow against the drawing", sourceFile{pkg: "engine/record", imports: []string{"episteme/engine/lens"}}, true},
		{"an arrow over a step", sourceFile{pkg: "views", imports: []string{"episteme/engine"}}, true},
		{"an arrow does not cover what lies below", sourceFile{pkg: "engine/lens", imports: []string{"episteme/engine/record/json"}}, true},
		{"a package that no line draws", sourceFile{pkg: "engine/util"}, true},
		{"the conformance kit in production", sourceFile{pkg: "engine", imports: []string{"episteme/engine/kv/kvtest"}}, true},
		{"the conformance kit in a test", sourceFile{pkg: "engine", test: true, imports: []string{"episteme/engine/kv/kvtest"}}, false},
		{"an external test imports its package", sourceFile{pkg: "views", test: true, imports: []string{"episteme/views"}}, false},
		{"a test reaches over a step", sourceFile{pkg: "views", test: true, imports: []string{"episteme/engine"}}, true},
		{"the engine in a test that may", sourceFile{pkg: "fixtures", test: true, imports: []string{"episteme/engine"}}, false},
		{"the engine beside a test that may", sourceFile{pkg: "fixtures", imports: []string{"episteme/engine"}}, true},
		{"a module where it is allowed", sourceFile{pkg: "views", imports: []string{"github.com/charmbracelet/bubbles/key"}}, false},
		{"a module where it is not", sourceFile{pkg: "engine/lens", imports: []string{"lukechampine.com/blake3"}}, true},
		{"a module that only begins alike", sourceFile{pkg: "engine/record", imports: []string{"lukechampine.com/blake3x"}}, true},
		{"the free part of the standard library", sourceFile{pkg: "engine/lens", imports: []string{"math/bits", "io/fs", "net/url"}}, false},
		{"the disk in a pure package", sourceFile{pkg: "views", imports: []string{"os"}}, true},
		{"the network in a pure package", sourceFile{pkg: "engine/record", imports: []string{"net/http"}}, true},
		{"unsafe", sourceFile{pkg: "engine/record", imports: []string{"unsafe"}}, true},
		{"cgo", sourceFile{pkg: "engine/record", imports: []string{"C"}}, true},
		{"the testing package in production", sourceFile{pkg: "engine/wal", imports: []string{"testing"}}, true},
		{"the testing package in a test", sourceFile{pkg: "engine/wal", test: true, imports: []string{"testing/iotest"}}, false},
	}
	allowed := parseRules(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := strayImports([]sourceFile{tt.file}, allowed); (len(got) > 0) != tt.stray {
				t.Errorf("strayImports(%+v) = %q, want stray %t", tt.file, got, tt.stray)
			}
		})
	}
}

// TestArrowsAreDrawn keeps the picture in ARCHITECTURE.md and the table above the same.
func TestArrowsAreDrawn(t *testing.T) {
	page := readIfThere(t, "ARCHITECTURE.md")
	if page == "" {
		t.Fatal("found no ARCHITECTURE.md, expected the picture of the arrows in it")
	}
	_, rest, _ := strings.Cut(page, "```arrows\n")
	drawn, _, _ := strings.Cut(rest, "```")
	lines := func(text string) []string { return strings.Split(strings.TrimSpace(text), "\n") }
	if diff := cmp.Diff(lines(arrows), lines(drawn)); diff != "" {
		t.Errorf("ARCHITECTURE.md: the block that begins with ```arrows is not the table in arrows_test.go (-table +page):\n%s", diff)
	}
}

// TestPackageComments asks of each package for exactly one comment that `go doc` prints: one that touches the package
// line. With a blank line between, it prints nothing.
func TestPackageComments(t *testing.T) {
	type found struct{ name, at, text string }
	comments := map[string][]found{}
	for _, f := range readTree(t) {
		if f.test {
			continue
		}
		list := comments[f.pkg]
		if f.doc != "" {
			list = append(list, found{f.name, f.path, f.doc})
		}
		comments[f.pkg] = list
	}
	for pkg, list := range comments {
		switch {
		case len(list) == 0:
			t.Errorf("%s: found no comment that touches a package line, expected one", pkg)
		case len(list) > 1:
			t.Errorf("%s: found package comments in %s and %s, expected one", pkg, list[0].at, list[1].at)
		case pkg != "main" && !strings.HasPrefix(list[0].text, "Package "+list[0].name+" "):
			t.Errorf("%s: %s: expected a comment that begins with \"Package %s\", found %.40q", pkg, list[0].at, list[0].name, list[0].text)
		}
	}
}

// rules are the four tables, taken apart.
type rules struct{ ours, oursOfTests, outside, outsideOfTests map[string][]string }

func parseRules(t *testing.T) rules {
	t.Helper()
	return rules{parseTable(t, arrows), parseTable(t, arrowsOfTests), parseTable(t, outside), parseTable(t, outsideOfTests)}
}

func parseTable(t *testing.T, text string) map[string][]string {
	t.Helper()
	table := map[string][]string{}
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		from, to, ok := strings.Cut(line, "→")
		from = strings.TrimSpace(from)
		if _, twice := table[from]; !ok || twice {
			t.Fatalf("a line of a table without an arrow, or a second one for the same package: %q", line)
		}
		table[from] = nil
		for _, name := range strings.Split(to, ",") {
			if name = strings.TrimSpace(name); name != "(nothing)" {
				table[from] = append(table[from], name)
			}
		}
	}
	return table
}

// strayImports says, a line each, which imports no table allows, and which packages no line draws.
func strayImports(files []sourceFile, allowed rules) []string {
	var stray []string
	for _, f := range files {
		if _, drawn := allowed.ours[f.pkg]; !drawn {
			stray = append(stray, fmt.Sprintf("%s: no line of the arrows draws %s; add one here and in ARCHITECTURE.md", f.path, f.pkg))
			continue
		}
		for _, name := range f.imports {
			if !mayImport(f, name, allowed) {
				stray = append(stray, fmt.Sprintf("%s: %s may not import %s", f.path, f.who(), name))
			}
		}
	}
	return stray
}

func mayImport(f sourceFile, name string, allowed rules) bool {
	if own, ok := strings.CutPrefix(name, "episteme/"); ok {
		return slices.Contains(allowed.ours[f.pkg], own) || f.test && (own == f.pkg ||
			slices.Contains(allowed.oursOfTests[f.pkg], own) || slices.Contains(allowed.oursOfTests[everyTest], own))
	}
	if !held(name) {
		return true
	}
	return covered(allowed.outside[f.pkg], name) || f.test &&
		(covered(allowed.outsideOfTests[f.pkg], name) || covered(allowed.outsideOfTests[everyTest], name))
}

// held reports whether a package that is not ours needs a line: all but the free part of the standard library.
func held(name string) bool {
	first, _, _ := strings.Cut(name, "/")
	switch {
	case name == "net/url", name == "net/netip": // values, no network
		return false
	case strings.Contains(first, "."):
		return true
	}
	return slices.Contains([]string{"os", "net", "syscall", "plugin", "unsafe", "C", "testing"}, first)
}

func covered(names []string, name string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return name == n || strings.HasPrefix(name, n+"/") })
}

// sourceFile is what the rules look at in a Go file.
type sourceFile struct {
	path    string // from the top, with slashes
	pkg     string // the directory, or main for the top
	name    string // as the package line has it
	test    bool
	doc     string // the package comment, if it touches the package line
	imports []string
}

func (f sourceFile) who() string {
	if f.test {
		return "a test of " + f.pkg
	}
	return f.pkg
}

// readTree reads all Go files of this module, whatever system they are for.
func readTree(t *testing.T) []sourceFile {
	t.Helper()
	var files []sourceFile
	err := filepath.WalkDir(".", func(at string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && at != "." && notOurs(at):
			return filepath.SkipDir
		case entry.IsDir() || filepath.Ext(at) != ".go":
			return nil
		}
		f, err := readSource(at)
		files = append(files, f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(files, func(f sourceFile) bool { return f.path == "main.go" }) {
		t.Fatal("found no main.go, so this is not the top of the module")
	}
	return files
}

// notOurs reports whether the directory belongs to another module, or to none.
func notOurs(dir string) bool {
	name := filepath.Base(dir)
	if name == "testdata" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") {
		return true
	}
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

func readSource(at string) (sourceFile, error) {
	parsed, err := parser.ParseFile(token.NewFileSet(), at, nil, parser.ImportsOnly|parser.ParseComments)
	if err != nil {
		return sourceFile{}, err
	}
	f := sourceFile{
		path: filepath.ToSlash(at),
		pkg:  path.Dir(filepath.ToSlash(at)),
		name: parsed.Name.Name,
		test: strings.HasSuffix(at, "_test.go"),
		doc:  parsed.Doc.Text(),
	}
	if f.pkg == "." {
		f.pkg = "main"
	}
	for _, spec := range parsed.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return sourceFile{}, err
		}
		f.imports = append(f.imports, name)
	}
	return f, nil
}
