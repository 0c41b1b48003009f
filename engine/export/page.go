package export

import (
	"fmt"
	"strings"

	"episteme/engine/trace/ask"
)

// recomputed says what came of putting the question again.
func recomputed(v ask.Verdict) string {
	if v.Recomputed == ask.NotPossible {
		return string(ask.NotPossible)
	}
	return "recomputed: " + string(v.Recomputed)
}

// chainSummary counts the checks of a chain.
func (c *Contents) chainSummary(p ask.Provenance) string {
	n := ask.Count(p.Nodes)
	s := fmt.Sprintf("%d links · %d verified · %d bytes not kept · %d broken", n.Links, n.Verified, n.NotHeld, n.Broken)
	if n.Erased > 0 {
		s += fmt.Sprintf(" · %d erased", n.Erased)
	}
	if !p.Complete {
		s += fmt.Sprintf(" · there is more behind %d of them", len(p.More))
	}
	if c.veil != nil {
		s += " · counted before redaction"
	}
	return s
}

// fact is a line of the head of a page.
type fact struct{ name, value string }

func (c *Contents) facts() []fact {
	chain := c.Chain.String()
	if c.Chain.IsZero() {
		chain = "withheld"
		if c.veil == nil {
			chain = "not known"
		}
	}
	facts := []fact{
		{"exported", c.Made.String()},
		{"journal", c.Journal.String()},
		{"head", fmt.Sprintf("lsn %d", c.Last)},
		{"chain", chain},
	}
	if c.veil != nil {
		facts = append(facts, fact{"redacted", strings.Join(c.RedactedFields(), ", ")})
	}
	return facts
}

// proof says in sentences what a page like this proves and what it does not.
func (c *Contents) proof() []string {
	s := []string{
		"Every id is the BLAKE3-256 hash of the record's bytes. This page holds what the records say, not their bytes: `episteme export --format json` writes those, and `episteme verify FILE` checks them anywhere.",
		"Not proved: that nothing was left out, and when anything was recorded. The journal itself can prove both, at the head named above.",
	}
	if c.veil != nil {
		s = append(s, "A text in brackets such as [agent 4f2a91c03be2] stands for a redacted value: within this export equal values have equal tokens, and nothing outside of it does.")
	}
	if n := len(c.Absent); n > 0 {
		s = append(s, fmt.Sprintf("%d %s named by others and not included: nothing is proved about them.", n, plural(n, "record is", "records are")))
	}
	return s
}

// weighedRow is an assertion as one verdict saw it, clean.
type weighedRow struct {
	Side, Value, Weight, Stage, By, Source, How string
	ID, URI, Class                              string
	Bar                                         int // 0..100
}

// weighedRows are all assertions of a verdict: what made the answer, what lost, what was not let in.
func (c *Contents) weighedRows(v ask.Verdict) []weighedRow {
	var rows []weighedRow
	for _, side := range []struct {
		name, class string
		list        []ask.Weighed
	}{{"because", "ok", v.Because}, {"against", "warn", v.Against}, {"not admitted", "dim", v.NotAdmitted}} {
		for _, w := range side.list {
			rows = append(rows, c.weighedRow(side.name, side.class, w))
		}
	}
	return rows
}

func (c *Contents) weighedRow(side, class string, w ask.Weighed) weighedRow {
	r := weighedRow{Side: side, Class: class, Weight: ask.Decimal(w.Weight), ID: c.short(w.Assertion), Bar: int(w.Weight*100 + 0.5), How: c.said(w.Arithmetic)}
	if w.Why != "" {
		r.Weight, r.Bar, r.How = "", 0, c.said(w.Why)
	}
	if !w.Held {
		r.Value = "not held here"
		return r
	}
	r.Value, r.By, r.Source, r.URI = c.said(w.Value.String()), c.said(w.Agent), c.said(w.Source.Name), w.Source.URI
	r.Stage = w.Lifecycle.String()
	if w.LifecycleNow != w.Lifecycle {
		r.Stage += " → " + w.LifecycleNow.String()
	}
	return r
}
