package engine_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"episteme/engine"
)

func TestPositions(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	e, err := engine.Open(context.Background(), engine.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	a, b := engine.Position{File: "/a", Bytes: 1, Lines: 1, SHA256: "aa", Options: "o"}, engine.Position{File: "/b", Bytes: 2}
	set := func(list ...engine.Position) {
		t.Helper()
		for _, p := range list {
			if err := e.SetPosition(p); err != nil {
				t.Fatal(err)
			}
		}
	}
	get := func(file string, want engine.Position, known bool) {
		t.Helper()
		if got, ok, err := e.Position(file); got != want || ok != known || err != nil {
			t.Errorf("Position(%s) = %+v, %t, %v; want %+v, %t", file, got, ok, err, want, known)
		}
	}
	get("/a", engine.Position{}, false)
	set(a, b)
	get("/a", a, true)
	a.Bytes = 9
	set(a)
	get("/a", a, true)
	get("/b", b, true)
	set(engine.Position{File: "/a"}) // nothing taken in
	get("/a", engine.Position{}, false)

	left, err := filepath.Glob(filepath.Join(dir, "positions.json.*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "positions.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := e.Position("/b"); err == nil || !strings.Contains(err.Error(), "may be removed") {
		t.Errorf("error %v, want one that says that the file may be removed", err)
	}
}

// TestPositionsInMemory: an engine without a directory remembers nothing and does not mind.
func TestPositionsInMemory(t *testing.T) {
	e, err := engine.Open(context.Background(), engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if err := e.SetPosition(engine.Position{File: "/a", Bytes: 1}); err != nil {
		t.Error(err)
	}
	if p, known, err := e.Position("/a"); known || err != nil {
		t.Errorf("Position = %s, %t, %v; want none", fmt.Sprint(p), known, err)
	}
}
