package cli

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"episteme/engine/record"
)

// inFile reads an assertion from a line of a file, with these literals.
func inFile(t *testing.T, confidence, object string) (*record.Assertion, error) {
	t.Helper()
	line := fmt.Sprintf(`{"kind":"assertion","subject":"s","predicate":"p","object":%s,"confidence":%s,"agent":"a","timestamp":"2024-01-01T00:00:00Z","source":{"name":"n"}}`, object, confidence)
	got, err := record.NewReader(strings.NewReader(line), "f", nil).Next()
	if err != nil {
		return nil, err
	}
	return got.Records[len(got.Records)-1].(*record.Assertion), nil
}

// TestNumbersAreReadAsInFiles: a number that is typed is taken exactly when a line of a file with it is, and is the
// same number then.
func TestNumbersAreReadAsInFiles(t *testing.T) {
	for _, literal := range []string{
		"0", "1", "0.9", "0.9666667", "1.0", "1e-3", "1E0", "1e-60", "-0", "-0.0", "-1e-60", "-0.1", "1.5", "1.00000001", "1e400", "9007199254740992", "9007199254740993",
		"-9007199254740992", "-9007199254740993", "9007199254740993.0", "1e20", "NaN", "Inf", "0x1p-2", "1_0", "", "-", "1e", "--1", "e1",
	} {
		share, shareErr := parseShare("--confidence", literal, 0)
		want, wantErr := inFile(t, literal, `"o"`)
		if (shareErr == nil) != (wantErr == nil) || wantErr == nil && share != want.Confidence {
			t.Errorf("a confidence of %s: %v, %v; in a file %+v, %v", literal, share, shareErr, want, wantErr)
		}
		number, numberErr := parseNumber("VALUE", literal)
		want, wantErr = inFile(t, "1", literal)
		if literal == "" {
			continue // an object that is missing is another matter
		}
		if (numberErr == nil) != (wantErr == nil) || wantErr == nil && math.Float64bits(number) != math.Float64bits(want.Object.Number) {
			t.Errorf("a number of %s: %v, %v; in a file %+v, %v", literal, number, numberErr, want, wantErr)
		}
	}
}

// A person may write what JSON does not.
func TestNumbersAsPeopleWriteThem(t *testing.T) {
	for typed, want := range map[string]float32{"+1": 1, ".5": 0.5, "-.25": -0.25, "1.": 1} {
		if got, err := parseShare("WEIGHT", typed, -1); err != nil || got != want {
			t.Errorf("parseShare(%q) = %v, %v, want %v", typed, got, err, want)
		}
	}
}

func TestProtectNegatives(t *testing.T) {
	tests := []struct {
		name, typed, want string
	}{
		{"an argument stays where it is among the arguments", "vote a -0.5 --agent x", "vote --agent x -- a -0.5"},
		{"the value of a flag stays with it", "vote --agent -5 a -1", "vote --agent -5 -- a -1"},
		{"a flag with its value attached, and one that takes none", "vote --agent=x --dry-run -1", "vote --agent=x --dry-run -- -1"},
		{"flags before the command, short ones too", "-o json vote a -1", "vote -o json -- a -1"},
		{"without a negative number nothing moves", "vote --agent x a 1", "vote --agent x a 1"},
		{"nor behind a dash of the person's own", "vote --agent x -- a -1", "vote --agent x -- a -1"},
		{"nor where the command is not known", "vite a -1", "vite a -1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := &cobra.Command{Use: "episteme"}
			root.PersistentFlags().StringP("output", "o", "", "")
			vote := &cobra.Command{Use: "vote", Run: func(*cobra.Command, []string) {}}
			vote.Flags().String("agent", "", "")
			vote.Flags().Bool("dry-run", false, "")
			root.AddCommand(vote)
			got := protectNegatives(root, slices.Clone(strings.Fields(tt.typed)))
			if diff := cmp.Diff(strings.Fields(tt.want), got); diff != "" {
				t.Errorf("protectNegatives(%q) (-want +got):\n%s", tt.typed, diff)
			}
		})
	}
}
