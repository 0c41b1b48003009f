package cli

import (
	"context"
	"fmt"
	"strings"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// printPreview shows which answers would be others with the records, and writes nothing.
func (a *app) printPreview(ctx context.Context, e evidence, records []record.Record, format string) error {
	p, err := e.Preview(ctx, records)
	if err != nil {
		return err
	}
	summary := fmt.Sprintf("dry run, nothing was written: %s · now is %s", p.Summary(), p.At)
	switch format {
	case asJSON:
		return a.writeJSON(p)
	case asNDJSON:
		for _, c := range p.Changes {
			if err := a.writeJSON(c); err != nil {
				return err
			}
		}
		_, err := fmt.Fprintf(a.err, "episteme: %s\n", cleanLines(summary))
		return err
	}
	text := ""
	if len(p.Changes) > 0 {
		t := changesTable(p.Changes)
		text = strings.Join(t.lines(a.width()), "\n") + "\n"
		if format == asMD {
			text = t.markdown() + "\n"
		}
	}
	if format == asMD {
		summary = mdText(summary)
	}
	_, err = fmt.Fprint(a.out, text+record.Clean(summary)+"\n")
	return err
}

func changesTable(changes []ask.Change) *table {
	t := &table{head: []string{"QUESTION", "NOW", "WITH IT"}, gives: 0}
	for _, c := range changes {
		question := c.StandingQuestion.String()
		if c.Asked == 0 {
			question += " (never asked)"
		}
		t.rows = append(t.rows, []string{question, c.Now.Told(), c.With.Told()})
	}
	return t
}
