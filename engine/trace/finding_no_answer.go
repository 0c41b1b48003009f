package trace

import (
	"context"

	"episteme/engine/record"
)

// findNoAnswer: nothing was told. It cites the leading contributions of a lens that kept silent, else nothing.
func findNoAnswer(_ context.Context, a *asked) ([]record.ID, bool, error) {
	audit := a.row.Audit
	if audit.Value.Type != record.NoValue {
		return nil, false, nil
	}
	return contributionsWhere(audit, func(record.Contribution) bool { return true }), true, nil
}
