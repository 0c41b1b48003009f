package sshd

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestWishIsNewEnough holds the module to a version that go mod tidy by itself does not choose: left alone it takes
// v1.1.1, which has other sessions than the ones that this package is written for.
func TestWishIsNewEnough(t *testing.T) {
	const module = "github.com/charmbracelet/wish "
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(mod), module)
	var major, minor, patch int
	if _, err := fmt.Sscanf(rest, "v%d.%d.%d", &major, &minor, &patch); !found || err != nil {
		t.Fatalf("go.mod names no version of %s: %v", module, err)
	}
	if major != 1 || minor < 4 || minor == 4 && patch < 7 {
		t.Errorf("go.mod has %sv%d.%d.%d, want v1.4.7 or newer", module, major, minor, patch)
	}
}
