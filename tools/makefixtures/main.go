// Makefixtures writes the records of the incidents that come with the program and were composed by hand.
//
//	makefixtures backup-retention            the lines of one, on standard output
//	makefixtures -write ../fixtures          the lines of all, each to DIR/NAME/events.jsonl
//
// What matters to an incident (who claimed what, on which bytes, who asked, what was done) is written line by line in
// a file of its own. The everyday questions between are drawn from a seed that belongs to the scene, so the same
// program writes the same bytes on every machine.
//
// What a reader must find in the lines is not written here: the engine's tests compute expected.json.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

// scenes lists the incidents by the name of their directory.
func scenes() []struct {
	name string
	tell func() *scene
} {
	return []struct {
		name string
		tell func() *scene
	}{
		{"backup-retention", backupRetention},
		{"ledger-failover", ledgerFailover},
	}
}

func main() {
	write := flag.String("write", "", "write NAME/events.jsonl of all into this `directory`")
	flag.Parse()
	if err := run(*write, flag.Args()); err != nil {
		fmt.Fprintf(os.Stderr, "makefixtures: %v\n", err)
		os.Exit(1)
	}
}

func run(dir string, names []string) error {
	if (dir == "") == (len(names) != 1) {
		return fmt.Errorf("found %d names and -write %q, expected one name or -write DIR", len(names), dir)
	}
	for _, s := range scenes() {
		switch {
		case dir != "":
			if err := os.WriteFile(filepath.Join(dir, s.name, "events.jsonl"), s.tell().lines(), 0o644); err != nil {
				return err
			}
		case s.name == names[0]:
			_, err := os.Stdout.Write(s.tell().lines())
			return err
		}
	}
	if dir == "" {
		return fmt.Errorf("no scene is called %q", names[0])
	}
	return nil
}
