package cli

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func TestIsLink(t *testing.T) {
	tests := []struct {
		name, word string
		want       bool
	}{
		{"a link", "episteme://q/7f3a2b91?as_of=2024-01-15T21:03:47Z", true},
		{"an id", "q_7f3a2b91", true},
		{"its digits", "7f3a2b91", true},
		{"a command", "trace", false},
		{"too few digits", "add", false},
		{"a flag", "--help", false},
		{"another scheme", "http://x", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := isLink(tt.word); got != tt.want {
				t.Errorf("isLink(%q) = %t, want %t", tt.word, got, tt.want)
			}
		})
	}
	for _, name := range farNames {
		if isLink(name) {
			t.Errorf("the command %s would be taken for an id", name)
		}
	}
}

// TestFarCommands holds the names of the commands over SSH to the commands, and to the promise that none of them names a
// file or another server.
func TestFarCommands(t *testing.T) {
	a := &app{}
	for i, command := range farCommands(a) {
		if got := command().Name(); got != farNames[i] {
			t.Errorf("command %d is %s, and named %s", i, got, farNames[i])
		}
	}
	root := a.farRoot("")
	if len(root.Commands()) != len(farNames) {
		t.Errorf("the help lists %d commands, want %d", len(root.Commands()), len(farNames))
	}
	for _, c := range root.Commands() {
		for _, name := range []string{"data", "server", "source-file", "tokens"} {
			if c.Flags().Lookup(name) != nil || root.PersistentFlags().Lookup(name) != nil {
				t.Errorf("%s takes --%s over SSH", c.Name(), name)
			}
		}
	}
}

func TestCancelOnInterrupt(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancelOnInterrupt(strings.NewReader("j\x04"), cancel)
	if ctx.Err() != nil {
		t.Error("another key ended the command")
	}
	cancelOnInterrupt(strings.NewReader("jj\x03"), cancel)
	if err := endedBy(ctx, context.Canceled); !errors.Is(err, errInterrupted) || err.Error() != "ended: interrupted" {
		t.Errorf("ctrl+c ends the command with %v", err)
	}
}
