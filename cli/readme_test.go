package cli_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"episteme/cli"
)

// pagesWithCommands are the pages whose commands people copy.
var pagesWithCommands = []string{"../README.md", "../docs/intake.md", "../docs/connect.md", "../docs/config.md", "../docs/training.md", "../docs/ssh.md"}

var quoted = regexp.MustCompile(`"[^"]*"|'[^']*'|[^\s"']+`)

// TestCommandsInPages runs every `$ episteme …` line of the pages, one after the other, in a directory that looks like
// the top of the repository, over data of their own. Each must end with status 0, and print
// each line that the page shows below it; ⋮ stands for lines left out.
func TestCommandsInPages(t *testing.T) {
	for _, page := range pagesWithCommands {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(strings.TrimPrefix(page, "../"), func(t *testing.T) {
			t.Chdir(likeTop(t))
			t.Setenv("EPISTEME_DATA", t.TempDir())
			t.Setenv("EPISTEME_NOW", "2024-01-15T22:32:00Z")
			printed, ran := "", 0
			for _, line := range shell(string(text)) {
				command, isCommand := strings.CutPrefix(line, "$ ")
				switch {
				case isCommand && strings.HasPrefix(command, "episteme"):
					printed = sameIDs(runCommand(t, command))
					ran++
				case isCommand:
					printed = ""
				case printed != "" && line != "" && line != "⋮" && !strings.Contains(printed, sameIDs(line)+"\n"):
					t.Errorf("the page shows a line that was not printed: %q\nprinted:\n%s", line, printed)
				}
			}
			if ran == 0 && page == "../README.md" {
				t.Error("found no command to run")
			}
		})
	}
}

// likeTop is a directory with all that the top of the repository holds, where commands may leave files.
func likeTop(t *testing.T) string {
	t.Helper()
	top, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(top)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, e := range entries {
		if err := os.Symlink(filepath.Join(top, e.Name()), filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// A query's id depends on the journal it was asked in, which is another one each time.
var queryID = regexp.MustCompile(`q_[0-9a-f]{8,64}`)

func sameIDs(s string) string { return queryID.ReplaceAllString(s, "q_id") }

// shell is the lines of a page's blocks of sort console.
func shell(page string) []string {
	var lines []string
	inside := false
	for line := range strings.Lines(page) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.HasPrefix(line, "```"):
			inside = line == "```console"
		case inside:
			lines = append(lines, line)
		}
	}
	return lines
}

func runCommand(t *testing.T, command string) string {
	t.Helper()
	var args []string
	for _, word := range quoted.FindAllString(command, -1) {
		args = append(args, strings.Trim(word, `"'`))
	}
	var out, errs bytes.Buffer
	if status := cli.Main(args[1:], strings.NewReader(""), &out, &errs); status != 0 {
		t.Errorf("%s: status %d\n%s", command, status, errs.String())
	}
	return out.String() + errs.String()
}
