package record_test

import (
	"testing"

	"episteme/engine/record"
)

func TestNearest(t *testing.T) {
	stages := []string{"Proposed", "UnderReview", "Approved", "Deprecated", "Rejected", "Unstated"}
	tests := []struct {
		name, typed string
		names       []string
		want        string
	}{
		{"case does not count", "aproved", stages, "Approved"},
		{"two letters swapped are two slips", "Rejetced", stages, "Rejected"},
		{"three slips are too many", "Rejcetd", stages, ""},
		{"a letter left out", "Rejectd", stages, "Rejected"},
		{"a part of a name", "agent", []string{"subject", "agent_id"}, "agent_id"},
		{"the nearer of two", "Deprecatd", []string{"Dedicated", "Deprecated"}, "Deprecated"},
		{"one of four letters", "node", []string{"note"}, "note"},
		{"half of a short name is not near", "nude", []string{"note"}, ""},
		{"nothing is like it", "Draft", stages, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := record.Nearest(tt.typed, tt.names); got != tt.want {
				t.Errorf("Nearest(%q) = %q, want %q", tt.typed, got, tt.want)
			}
		})
	}
}
