//go:build unix

package cli_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestCommandsOfHTTPPage runs the `$ …` lines of docs/http.md, one after the other, with a server where the page starts
// one. What curl is answered must be what the command behind it prints.
func TestCommandsOfHTTPPage(t *testing.T) {
	page, err := os.ReadFile("../docs/http.md")
	if err != nil {
		t.Fatal(err)
	}
	tm := newTeam(t)
	t.Chdir(likeTop(t))
	var s *server
	answered, ran := "", 0
	for _, line := range shell(string(page)) {
		command, ok := strings.CutPrefix(line, "$ ")
		if !ok {
			continue
		}
		ran++
		switch {
		case strings.HasPrefix(command, "episteme serve"):
			s = tm.serve("--http", "127.0.0.1:0")
			defer s.end()
		case strings.HasPrefix(command, "curl "):
			answered = s.get(strings.TrimPrefix(strings.Trim(command[len("curl "):], "'"), "http://127.0.0.1:8080"))
		default:
			c := exec.Command("sh", "-c", command)
			c.Env = tm.command().Env
			out, _ := tm.finish(0, c)
			if answered != "" && out != answered {
				t.Errorf("%s prints\n%.300s\nand curl was answered\n%.300s", command, out, answered)
			}
			answered = ""
		}
	}
	if ran < 5 {
		t.Errorf("found %d commands on the page, expected 5 or more", ran)
	}
}
