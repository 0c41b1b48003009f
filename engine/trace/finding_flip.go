package trace

import (
	"context"

	"episteme/engine/record"
)

// findFlip: the audit before it in the journal with the same subject, predicate, lens, parameters and filter was told
// another value. It cites that audit. Audits with an explicit as_of neither raise it nor count; nor do imported ones.
func findFlip(ctx context.Context, a *asked) ([]record.ID, bool, error) {
	if !a.pinned || a.row.Audit.ExplicitAsOf() {
		return nil, false, nil
	}
	key, err := a.row.Audit.AnswerKey()
	if err != nil {
		return nil, false, err
	}
	before, result, ok, err := a.view.AnswerBefore(ctx, key, a.row.LSN)
	if err != nil || !ok || result == a.row.Audit.ResultHash {
		return nil, false, err
	}
	return []record.ID{before}, true, nil
}
