package trace

import (
	"context"

	"episteme/engine/record"
)

// findLowConfidence: a value was told with a confidence under 0.5. It cites the contributions. Not raised on imported
// audits.
func findLowConfidence(_ context.Context, a *asked) ([]record.ID, bool, error) {
	audit := a.row.Audit
	if !a.pinned || audit.Value.Type == record.NoValue || audit.Confidence >= 0.5 {
		return nil, false, nil
	}
	return contributionsWhere(audit, func(record.Contribution) bool { return true }), true, nil
}
