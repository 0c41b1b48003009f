package trace

import (
	"context"

	"episteme/engine/record"
)

// findSingleSource: all contributions, be they one or many, rest on one source digest. It cites that evidence.
func findSingleSource(_ context.Context, a *asked) ([]record.ID, bool, error) {
	list := a.row.Audit.Contributions
	if len(list) == 0 {
		return nil, false, nil
	}
	for _, c := range list[1:] {
		if c.Source != list[0].Source {
			return nil, false, nil
		}
	}
	return []record.ID{evidenceID(list[0].Source)}, true, nil
}
