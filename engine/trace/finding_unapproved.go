package trace

import (
	"context"

	"episteme/engine/record"
)

// findUnapproved: a contribution's stage at as_of was Proposed, UnderReview, Deprecated or Rejected. It cites those.
func findUnapproved(_ context.Context, a *asked) ([]record.ID, bool, error) {
	cites := contributionsWhere(a.row.Audit, func(c record.Contribution) bool {
		return c.Lifecycle != record.Approved && c.Lifecycle != record.Unstated
	})
	return cites, len(cites) > 0, nil
}
