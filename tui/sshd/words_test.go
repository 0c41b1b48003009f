package sshd

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWordsOf(t *testing.T) {
	tests := []struct {
		name, command string
		want          []string
	}{
		{"nothing", "  \t ", nil},
		{"words", " trace  --agent\ta\n", []string{"trace", "--agent", "a"}},
		{"quotes keep blanks, and join", `--time="6 hours ago"'x y'z`, []string{"--time=6 hours agox yz"}},
		{"an empty word", `a '' ""`, []string{"a", "", ""}},
		{"a backslash", `a\ b \" '\' "\"\\\n"`, []string{"a b", `"`, `\`, `"\\n`}},
		{"an open quote", `trace "`, nil},
		{"another", `trace 'a`, nil},
		{"a backslash at the end", `trace \`, nil},
		{"no UTF-8", "a\xff", nil},
		{"nothing else has a meaning", "a;b $(c) `d` *|&>", []string{"a;b", "$(c)", "`d`", "*|&>"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, wordsOf(tt.command)); diff != "" {
				t.Errorf("wordsOf(%q) (-want +got):\n%s", tt.command, diff)
			}
		})
	}
}
