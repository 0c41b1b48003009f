package trace

import (
	"context"

	"episteme/engine/lens"
	"episteme/engine/record"
)

// findContested: 0 < share < 2/3. It cites the heaviest assertion of the heaviest other value. Not raised on imported
// audits: what they call a share is their origin's business.
func findContested(_ context.Context, a *asked) ([]record.ID, bool, error) {
	if share := a.row.Audit.Share; !a.pinned || share <= 0 || share >= lens.Majority {
		return nil, false, nil
	}
	answer := a.moment.Lead(a.question.lens, a.question.params)
	return leading(answer.Groups, 1), true, nil
}

// leading is the heaviest assertion of group i, if there is one.
func leading(groups []lens.Group, i int) []record.ID {
	if i >= len(groups) || len(groups[i].Members) == 0 {
		return nil
	}
	return []record.ID{groups[i].Members[0].ID()}
}
