package tui

import (
	"episteme/engine/record"
	"episteme/engine/trace/ask"
	"episteme/views"
)

// screen is a view that a record can be opened in from outside: by a link or an argument. Views that need what
// another view knows (an event's neighbours, help, copy) are opened by that view.
type screen struct {
	crumb string
	opens []record.Kind // nil: every kind that no screen before it opens
	view  func(record.ID) views.View
}

// screens lists them, the more special first.
func screens() []screen {
	return []screen{
		{"contributions", []record.Kind{record.KindAudit}, func(id record.ID) views.View {
			return views.NewContributions(ask.Verdict{Audit: ask.Audit{ID: id}})
		}},
		{"provenance", nil, func(id record.ID) views.View { return views.NewProvenance(id) }},
	}
}

// screenFor is the view a record opens in.
func screenFor(id record.ID) views.View {
	for _, s := range screens() {
		if s.opens == nil {
			return s.view(id)
		}
		for _, k := range s.opens {
			if k == id.Kind {
				return s.view(id)
			}
		}
	}
	return nil
}
