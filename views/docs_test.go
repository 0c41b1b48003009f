package views

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"episteme/engine/trace/ask"
)

var update = flag.Bool("update", false, "write docs/keys.md and docs/vocabulary.md anew")

// The pages for people are made from the lists that the program itself uses, so that neither can be wrong alone.
func TestDocs(t *testing.T) {
	for path, want := range map[string]string{"../docs/keys.md": keysPage(), "../docs/vocabulary.md": vocabularyPage()} {
		if *update {
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatalf("%v; go test ./views -update writes it", err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s is not what the program says; go test ./views -update writes it (-program +page):\n%s", path, diff)
		}
	}
}

func keysPage() string {
	var b strings.Builder
	b.WriteString("# Keys of the terminal UI\n\nGenerated from the program's own list by `go test ./views -update`. A key means the same on every screen; no key changes evidence. `config.md` says how to give an action, by its name, other keys.\n\n| key | name | does |\n|---|---|---|\n")
	for _, k := range Keys() {
		var keys []string
		for name := range strings.FieldsSeq(k.Binding.Help().Key) {
			keys = append(keys, "`"+name+"`")
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", strings.Join(keys, " "), k.Name(), k.Sentence)
	}
	b.WriteString("\nWhile a filter is typed, keys are its text: `enter` keeps it, `esc` clears it, `↑` and `↓` move in the list.\n")
	return b.String()
}

func vocabularyPage() string {
	var b strings.Builder
	b.WriteString("# The words on the screens\n\nGenerated from the program's own lists by `go test ./views -update`. `?` shows the words of the screen one is on.\n")
	for _, crumb := range Crumbs() {
		fmt.Fprintf(&b, "\n## %s\n\n| word | means |\n|---|---|\n", crumb)
		for _, w := range Words(crumb) {
			fmt.Fprintf(&b, "| %s | %s |\n", w.Term, w.Sentence)
		}
	}
	b.WriteString("\n## Findings, the most severe first\n\n| sign | finding | means |\n|---|---|---|\n")
	for _, c := range ask.Codes() {
		sign, _ := severity(c)
		fmt.Fprintf(&b, "| %s | %s | %s |\n", sign, c.Word(), DropDeadKeys(c.Sentence()))
	}
	return b.String()
}
