package ask

import (
	"fmt"
	"math"
	"strings"
)

// maxAlternatives bounds what the braces of a pattern mean together. Each is tried in turn against each subject, and that
// is not broken off: 32 times {a,aa}, 192 bytes, would take a processor for ten minutes. A guess: far more than is typed.
const maxAlternatives = 1024

// maxNested bounds how deep braces lie in each other: matching tries each depth anew. A guess: nobody types more than three.
const maxNested = 16

// CheckBraces is a *UsageError of a pattern over subjects whose braces mean too many others, as {a,b}/{c,d} means 4, or lie too
// deep in each other. Braces that stand for themselves count too.
func CheckBraces(pattern string) error {
	braces := float64(strings.Count(pattern, "{"))
	if braces == 0 {
		return nil
	}
	depth, deepest := 0, 0
	for _, c := range pattern {
		switch c {
		case '{':
			depth++
			deepest = max(deepest, depth)
		case '}':
			depth = max(0, depth-1)
		}
	}
	if deepest > maxNested {
		return &UsageError{Field: "subject", Found: pattern, Expected: fmt.Sprintf("braces at most %d deep in each other", maxNested)}
	}
	// With so many commas in so many braces, none means more than one whose commas are spread evenly.
	if math.Pow(1+float64(strings.Count(pattern, ","))/braces, braces) <= maxAlternatives {
		return nil
	}
	return &UsageError{Field: "subject", Found: pattern, Expected: fmt.Sprintf("braces that mean at most %d patterns together, as {a,b}/{c,d} means 4", maxAlternatives)}
}
