package export

import (
	"fmt"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// title is a line by which a person recognises a record of c.
func (c *Contents) title(r ask.Record) string {
	if r.ID.Kind == record.KindEvidence && c.redacted(r.ID) {
		return "a document, in part or all of it redacted"
	}
	const most = 300 // columns: a value may have 64 KiB, and stands in full where it was told
	return cut(c.said(titleOf(r.Record)), most)
}

func titleOf(r record.Record) string {
	switch r := r.(type) {
	case record.Evidence:
		return fmt.Sprintf("%d %s", len(r), plural(len(r), "byte", "bytes"))
	case *record.Source:
		return r.Name
	case *record.Assertion:
		return r.Subject + " " + r.Predicate + " = " + r.Object.String()
	case *record.Vote:
		return fmt.Sprintf("vote %+.2g", r.Weight)
	case *record.Epoch:
		if r.Supersedes.IsZero() {
			return "epoch " + r.Name
		}
		return "epoch " + r.Name + " (" + r.Supersession.String() + ")"
	case *record.Transition:
		if r.Reason != "" {
			return "to " + r.To.String() + ": " + r.Reason
		}
		return "to " + r.To.String()
	case *record.Event:
		return r.Type.String() + " " + r.Title
	case *record.Audit:
		return r.Subject + " " + r.Predicate + " → " + r.Value.String()
	case *record.Erasure:
		return "erased " + r.Reason
	}
	return ""
}
