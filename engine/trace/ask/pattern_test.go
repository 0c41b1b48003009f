package ask_test

import (
	"errors"
	"strings"
	"testing"

	"episteme/engine/trace/ask"
)

// TestBracesAreBounded: a pattern from a stranger takes no more than a pattern that is typed.
func TestBracesAreBounded(t *testing.T) {
	nested := func(n int) string { return strings.Repeat("{", n) + "a" + strings.Repeat("}", n) }
	for _, tt := range []struct {
		name, pattern string
		good          bool
	}{
		{"none", "auth/**", true},
		{"some", "{auth,db}/{jwt,tls}", true},
		{"1,024 patterns", strings.Repeat("{a,b}", 10), true},
		{"2,048 patterns", strings.Repeat("{a,b}", 11), false},
		{"as deep as may be", nested(16), true},
		{"one deeper", nested(17), false},
		{"beside each other is not deep", strings.Repeat("{a}", 100), true},
		{"never closed", strings.Repeat("{", 1300), false},
		{"closed before they are opened", strings.Repeat("}", 100) + "{a,b}", true},
	} {
		err := ask.CheckBraces(tt.pattern)
		var usage *ask.UsageError
		if tt.good && err != nil || !tt.good && !errors.As(err, &usage) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}
