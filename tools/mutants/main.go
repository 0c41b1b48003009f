// Mutants breaks the journal on purpose, one rule or sync at a time, and asks whether a test notices.
//
//	mutants [-jobs N] [-only TEXT] [-write FILE] LIST
//
// LIST names the mutants, each with a file, lines of it, and what stands there instead. Nothing of the source is
// changed: the compiler is given the changed file in place of the real one (go build -overlay). A mutant is killed when
// the tests of its package fail, do not end, or it does not get past the tests' own timeout; one that does not compile is
// a mistake in LIST. The exit status is 1 when one lives or LIST no longer fits the source. -write puts the result, a
// table, behind the line "## Result" of a page.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
)

func main() {
	jobs := flag.Int("jobs", 2, "mutants that are tested at once")
	only := flag.String("only", "", "test only mutants whose name contains this")
	write := flag.String("write", "", "page that the result is written to")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: mutants [-jobs N] [-only TEXT] [-write FILE] LIST")
		os.Exit(2)
	}
	if err := run(flag.Arg(0), *jobs, *only, *write); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

// mutant is one change to one file.
type mutant struct {
	name     string
	file     string // from the top of the module
	old, new string
	killer   string // the first test that failed, or why it ended; "" while it lives
	err      error  // it could not be tested
}

func run(list string, jobs int, only, write string) error {
	text, err := os.ReadFile(list)
	if err != nil {
		return err
	}
	all, err := parse(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", list, err)
	}
	var chosen []*mutant
	for _, m := range all {
		if strings.Contains(m.name, only) {
			chosen = append(chosen, m)
		}
	}
	if len(chosen) == 0 {
		return fmt.Errorf("%s: found no mutant whose name contains %q", list, only)
	}
	testAll(chosen, jobs)
	lived := 0
	for _, m := range chosen {
		if m.err != nil || m.killer == "" {
			lived++
		}
	}
	if write != "" {
		if err := writeResult(write, chosen); err != nil {
			return err
		}
	}
	fmt.Printf("%d mutants, %d killed\n", len(chosen), len(chosen)-lived)
	if lived > 0 {
		return fmt.Errorf("%d of %d mutants lived or could not be tested", lived, len(chosen))
	}
	return nil
}

// parse reads a list:
//
//	== NAME
//	FILE
//	--
//	lines that are there, once
//	++
//	lines that are put there instead, none at all included
func parse(text string) ([]*mutant, error) {
	var all []*mutant
	parts := strings.Split("\n"+text, "\n== ")
	for _, part := range parts[1:] { // in front of the first is what the list says of itself
		head, rest, ok := strings.Cut(part, "\n--\n")
		name, file, named := strings.Cut(head, "\n")
		was, is, changed := strings.Cut(rest, "\n++")
		if !ok || !named || !changed {
			return nil, fmt.Errorf("mutant %q: expected its name, its file, -- and ++ on lines of their own", name)
		}
		all = append(all, &mutant{name: name, file: strings.TrimSpace(file), old: was, new: strings.Trim(is, "\n")})
	}
	return all, nil
}

func testAll(all []*mutant, jobs int) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, max(jobs, 1))
	for _, m := range all {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			start := time.Now()
			m.test()
			switch {
			case m.err != nil:
				fmt.Printf("ERROR   %s: %v\n", m.name, m.err)
			case m.killer == "":
				fmt.Printf("LIVES   %s (%.0f s)\n", m.name, time.Since(start).Seconds())
			default:
				fmt.Printf("killed  %s: %s (%.0f s)\n", m.name, m.killer, time.Since(start).Seconds())
			}
		})
	}
	wg.Wait()
}

// test runs the tests of the package with the change in place.
func (m *mutant) test() {
	dir, err := os.MkdirTemp("", "mutant")
	if err != nil {
		m.err = err
		return
	}
	defer os.RemoveAll(dir)
	overlay, err := m.overlay(dir)
	if err != nil {
		m.err = err
		return
	}
	// -vet=off: a mutant may leave a variable's value unused, and the tests are what is asked.
	cmd := exec.Command("go", "test", "-overlay", overlay, "-vet=off", "-failfast", "-timeout", "60s", "./"+filepath.Dir(m.file))
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil:
	case !errors.As(err, &exit):
		m.err = err
	default:
		m.killer, m.err = verdict(string(out))
	}
}

// overlay writes the changed file and says to the compiler what it stands for.
func (m *mutant) overlay(dir string) (string, error) {
	path, err := filepath.Abs(m.file)
	if err != nil {
		return "", err
	}
	source, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(source), m.old); n != 1 {
		return "", fmt.Errorf("%s has its lines %d times, expected once", m.file, n)
	}
	changed := filepath.Join(dir, "changed.go")
	if err := os.WriteFile(changed, []byte(strings.Replace(string(source), m.old, m.new, 1)), 0o600); err != nil {
		return "", err
	}
	list, err := json.Marshal(map[string]map[string]string{"Replace": {path: changed}})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, list, 0o600)
}

var failed = regexp.MustCompile(`(?m)^--- FAIL: (\w+)`)

// verdict is how a mutant died, from what go test said.
func verdict(out string) (killer string, err error) {
	switch found := failed.FindStringSubmatch(out); {
	case strings.Contains(out, "[build failed]") || strings.Contains(out, "[setup failed]"):
		return "", fmt.Errorf("it does not compile:\n%s", out)
	case found != nil:
		return found[1], nil
	case strings.Contains(out, "panic: test timed out"):
		return "a test does not end", nil
	case strings.Contains(out, "panic:") || strings.Contains(out, "fatal error:"):
		return "it panics", nil
	}
	return "", fmt.Errorf("go test failed and names no test:\n%s", out)
}

// writeResult puts the table behind a page's last heading.
func writeResult(page string, all []*mutant) error {
	text, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	const heading = "## Result\n"
	front, _, ok := strings.Cut(string(text), heading)
	if !ok {
		return fmt.Errorf("%s: found no line %q", page, strings.TrimSpace(heading))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s%s\n%s, %d mutants.\n\n| switched off | noticed first by |\n|---|---|\n", front, heading, time.Now().UTC().Format("2006-01-02"), len(all))
	for _, m := range all {
		killer := m.killer
		if killer == "" {
			killer = "**nobody**"
		}
		fmt.Fprintf(&b, "| %s | %s |\n", m.name, killer)
	}
	return os.WriteFile(page, []byte(b.String()), 0o644)
}
