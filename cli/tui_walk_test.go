package cli_test

import (
	"fmt"
	"io"
	"testing"
)

// walkMost is how many keys may lead from the first screen to the root of an incident: somebody just woken presses them.
const walkMost = 12

// step is a key, and words that stand on the screen once it has been taken.
type step struct {
	key  string
	wait []string
}

// TestWalkToTheRoot counts the keys from a cold start to the assertion that the wrong deploy rested on, and on to the
// document behind it, in the real program.
func TestWalkToTheRoot(t *testing.T) {
	walk := []step{
		{"f", []string{"› findings", "✗ retracted", "It rested on a claim withdrawn since"}},
		{"5", nil},
		{"j", []string{"▶ 21:03:47", "deployment-agent asked auth/jwt signing_algorithm"}},
		{"\r", []string{"› contributions", "TOLD", "ES256", "Proposed → ✗ Rejected", "a_1f1c4f02", "security-rfc-2024.md"}},
		{"p", []string{"› provenance", "7 links · 7 verified"}},
		{"j", []string{"▶ └─ ✓ contributed .90 a_1f1c4f02", "assertion a_1f1c4f02d44faaf30d8024b0af309c52e2eff8e96071d5743ccb6173f9e20478", "born         Proposed", "rfc-bot"}},
		{"j", []string{"source s_dfc9f1e0", "authority    .90", "✓ hash of these bytes = recorded hash"}},
		{"j", []string{"evidence b_9774e065", "✓ hash of these bytes = recorded hash", "Status: DRAFT"}},
	}
	if len(walk) > walkMost {
		t.Fatalf("the way to the root takes %d keys, want at most %d", len(walk), walkMost)
	}
	env := []string{"HOME=" + t.TempDir(), "XDG_CONFIG_HOME=", "XDG_STATE_HOME=", "XDG_DATA_HOME=", "TERM=xterm-256color", "COLORFGBG=", "NO_COLOR=1", "EPISTEME_NOW=2024-01-15T22:32:00Z", "EPISTEME_DATA=", "EPISTEME_SERVER="}
	for _, size := range [][2]int{{120, 40}, {80, 24}} {
		t.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(t *testing.T) {
			s := open(t, size[0], size[1], env, "tui", "--fixture", "auth-jwt")
			s.shows("› timeline", "123 of 123 queries")
			for _, step := range walk {
				if _, err := io.WriteString(s.file, step.key); err != nil {
					t.Fatal(err)
				}
				s.shows(step.wait...)
			}
		})
	}
}
