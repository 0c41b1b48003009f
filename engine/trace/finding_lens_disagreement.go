package trace

import (
	"context"

	"episteme/engine/lens"
	"episteme/engine/record"
)

// findLensDisagreement: another lens, with its default parameters, has a value at that moment and it is not the one
// told. A lens without a value never disagrees; a silent skeptic is disagreed with. It cites the heaviest assertion
// behind each other value. Not raised on imported audits.
func findLensDisagreement(_ context.Context, a *asked) ([]record.ID, bool, error) {
	if !a.pinned {
		return nil, false, nil
	}
	var cites []record.ID
	raised := false
	said := map[record.Object]bool{a.row.Audit.Value: true}
	for _, l := range lens.All() {
		if l.Name == a.question.lens.Name {
			continue
		}
		value, heaviest := a.moment.Value(l)
		if value.Type == record.NoValue || value == a.row.Audit.Value {
			continue
		}
		raised = true
		if !said[value] {
			said[value] = true
			cites = append(cites, heaviest)
		}
	}
	return cites, raised, nil
}
