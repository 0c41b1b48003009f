package cli_test

import (
	"regexp"

	"github.com/rogpeppe/go-internal/testscript"
)

// capture keeps what the last program printed, because the ids of queries are others in every journal:
// capture Q '"query_id":"(q_[0-9a-f]{8})' sets $Q to what the parentheses hold.
func capture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: capture NAME REGEXP")
	}
	pattern, err := regexp.Compile(args[1])
	ts.Check(err)
	found := pattern.FindStringSubmatch(ts.ReadFile("stdout"))
	if len(found) != 2 {
		ts.Fatalf("the output does not hold %s, or the expression has no parentheses", args[1])
	}
	ts.Setenv(args[0], found[1])
}
