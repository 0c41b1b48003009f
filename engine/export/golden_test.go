package export_test

import (
	"testing"

	"episteme/engine/export"
	"episteme/engine/record"
)

// TestPages compares the pages of the query that went wrong with goldens that people have read.
func TestPages(t *testing.T) {
	e, ids := incident(t)
	c := collect(t, e, export.Selection{Queries: []record.ID{ids[deciding]}})
	for format, file := range map[export.Format]string{export.Markdown: "deciding.md", export.HTML: "deciding.html"} {
		t.Run(file, func(t *testing.T) {
			golden(t, file, settled(written(t, format, c), c.Journal, c.Chain))
		})
	}
}
