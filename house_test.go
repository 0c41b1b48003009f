package main

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// topLevel is what lies at the top of the repository, and nothing else does.
var topLevel = []string{
	".ci", ".git", ".gitignore", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", "README.md",
	"arrows_test.go", "bench", "cli", "docs", "engine", "fixtures", "go.mod", "go.sum", "house_test.go", "main.go", "tools",
	"tui", "views",
}

func TestTopLevel(t *testing.T) {
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	ignored := strings.Split(readIfThere(t, ".gitignore"), "\n")
	for _, e := range entries {
		if !slices.Contains(topLevel, e.Name()) && !matchesAny(ignored, e.Name()) {
			t.Errorf("%s lies at the top of the repository, and neither topLevel nor .gitignore names it", e.Name())
		}
	}
}

func matchesAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		ok, err := path.Match(strings.Trim(p, "/"), name)
		return ok && err == nil
	})
}

// TestMakeTargets asks that `make` alone tells of every target, and that the pages name none that isn't there.
func TestMakeTargets(t *testing.T) {
	makefile := readIfThere(t, "Makefile")
	told := targetsOf(makefile, `(?m)^([a-z][a-z-]*):.*## \S`)
	phony := targetsOf(strings.ReplaceAll(makefile, "\\\n", " "), `(?m)^\.PHONY:(.*)$`)
	if diff := cmp.Diff(phony, told); diff != "" {
		t.Errorf("Makefile: .PHONY and the targets with a sentence differ (-.PHONY +told):\n%s", diff)
	}
	for _, page := range pages(t) {
		text := readIfThere(t, page)
		if path.Ext(page) != ".md" { // a script: all of it is commands
			text = "```\n" + text
		}
		for _, name := range namedTargets(text) {
			if !slices.Contains(told, name) {
				t.Errorf("%s names `make %s`, and the Makefile has no such target", page, name)
			}
		}
	}
}

func targetsOf(makefile, pattern string) []string {
	var names []string
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(makefile, -1) {
		names = append(names, strings.Fields(m[1])...)
	}
	slices.Sort(names)
	return names
}

// pages are those that tell people what to type.
func pages(t *testing.T) []string {
	t.Helper()
	found := []string{"README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", ".ci/run"}
	err := filepath.WalkDir("docs", func(at string, _ fs.DirEntry, err error) error {
		if filepath.Ext(at) == ".md" {
			found = append(found, at)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

var (
	makeLine  = regexp.MustCompile(`^\s*(?:\$ +|[A-Z_]+=\S+ +)*make((?: +\S+)*)`)
	makeSpan  = regexp.MustCompile("`make((?: +[^ `]+)*)`")
	makeNames = regexp.MustCompile(`^[a-z][a-z-]*$`)
)

// namedTargets are the targets of the make commands on a page: on lines of their own in fenced blocks, or in back
// quotes.
func namedTargets(page string) []string {
	var names []string
	fenced := false
	for _, line := range strings.Split(page, "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			fenced = !fenced
			continue
		}
		pattern := makeSpan
		if fenced {
			pattern = makeLine
			line, _, _ = strings.Cut(line, "#")
		}
		for _, command := range pattern.FindAllStringSubmatch(line, -1) {
			for _, word := range strings.Fields(command[1]) {
				if makeNames.MatchString(word) {
					names = append(names, word)
				}
			}
		}
	}
	return names
}

func TestNamedTargets(t *testing.T) {
	tests := []struct {
		name string // says the rule
		page string
		want []string
	}{
		{"in back quotes", "then `make check` and `make fuzz FUZZTIME=1m`", []string{"check", "fuzz"}},
		{"a line of a block", "```sh\nmake test\n$ make cover golden # both\n```", []string{"test", "cover", "golden"}},
		{"behind a variable", "```\nFUZZTIME=1m make fuzz\n```", []string{"fuzz"}},
		{"make alone", "`make` lists them\n```\nmake\n```", nil},
		{"the verb", "Make it good:\nmake sense, and make things easy.\n```\n# make believe\n```", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, namedTargets(tt.page)); diff != "" {
				t.Errorf("namedTargets(%q) (-want +got):\n%s", tt.page, diff)
			}
		})
	}
}

// readIfThere is the text of a file, or nothing when there is no such file.
func readIfThere(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return string(text)
}
