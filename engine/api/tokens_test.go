package api

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestTokensOfAnOpenedFile says that a file which is opened to others while it is served counts for nothing, and counts
// again once it is closed to them. Neither changes its time or its size.
func TestTokensOfAnOpenedFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens")
	secret, err := NewToken(file, Grant{Name: "r", Role: RoleRead})
	if err != nil {
		t.Fatal(err)
	}
	now, warned := time.Unix(0, 0), 0
	held, err := openTokens(file, func() time.Time { now = now.Add(2 * lookEvery); return now }, func(error) { warned++ })
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		mode os.FileMode
		want bool
	}{{0o600, true}, {0o644, false}, {0o600, true}, {0o620, false}} {
		if err := os.Chmod(file, step.mode); err != nil {
			t.Fatal(err)
		}
		if _, ok := held.find(secret); ok != step.want {
			t.Errorf("a token of a file of mode %#o is known: %v, want %v", step.mode, ok, step.want)
		}
	}
	if warned != 2 {
		t.Errorf("%d warnings, want 2", warned)
	}
}
