package export

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"episteme/engine/trace/ask"
)

// writeMarkdown writes for an issue or a postmortem: a section a query, then the records, then what all of it proves.
func writeMarkdown(w io.Writer, c *Contents) error {
	m := &markdown{c: c, w: bufio.NewWriter(w)}
	m.top()
	for _, q := range c.Queries {
		m.query(q)
	}
	m.records()
	m.proof()
	return m.w.Flush() // a bufio.Writer keeps its first error
}

type markdown struct {
	c *Contents
	w *bufio.Writer
}

func (m *markdown) printf(format string, args ...any) { fmt.Fprintf(m.w, format, args...) }

// say is text from data, or that quotes it, inside of a line.
func (m *markdown) say(s string) string { return mdText(m.c.said(s)) }

func (m *markdown) top() {
	c := m.c
	m.printf("# What was asked, what was told, and what decided it\n\n")
	m.printf("%s\n\n", m.say(c.Chosen))
	m.printf("| | |\n|---|---|\n")
	for _, f := range c.facts() {
		m.printf("| %s | %s |\n", f.name, mdText(f.value))
	}
	m.printf("\n")
}

func (m *markdown) query(q Query) {
	v := q.Verdict
	m.printf("## %s\n\n", m.say(v.Headline()))
	m.printf("%s · %s · %s\n\n", v.Audit.Timestamp, mdID(m.c.full(v.Audit.ID)), m.say(recomputed(v)))
	if v.Audit.Question != nil {
		m.printf("> %s\n\n", m.say(*v.Audit.Question))
	}
	for _, l := range v.Lines() {
		label := "**" + l.Label + "** "
		if l.Label == "" {
			label = "&nbsp; "
		}
		m.printf("- %s%s\n", label, mdText(m.c.line(l)))
	}
	for _, f := range v.Audit.Findings {
		m.printf("- **LOOK AT** %s: %s\n", m.say(f.Code.Word()), m.say(f.Code.Plain()))
	}
	m.weighed(v)
	m.chain(q.Chain)
}

func (m *markdown) weighed(v ask.Verdict) {
	rows := m.c.weighedRows(v)
	if len(rows) == 0 {
		return
	}
	m.printf("\n| side | value | weight | stage then → now | by | source | how |\n|---|---|--:|---|---|---|---|\n")
	for _, r := range rows {
		m.printf("| %s | %s | %s | %s | %s | %s | %s |\n", r.Side, mdText(r.Value), r.Weight, r.Stage, mdText(r.By), mdText(r.Source), mdText(r.How))
	}
}

func (m *markdown) chain(p ask.Provenance) {
	rows, left := m.c.rows(p)
	m.printf("\n```text\n")
	for _, r := range rows {
		var b strings.Builder
		for i, more := range r.open {
			b.WriteString(branch(more, i == len(r.open)-1, r.last))
		}
		if r.depth > 0 {
			b.WriteString(r.relation() + " ")
		}
		b.WriteString(m.c.short(r.id) + " " + r.title)
		if r.more != "" {
			b.WriteString(" · " + r.more)
		}
		if r.again {
			b.WriteString(" · shown above")
		} else {
			word, _ := checkedWord(r.check, m.c.redacted(r.id))
			b.WriteString(" · " + word)
		}
		m.printf("%s\n", inFence(b.String()))
	}
	if left > 0 {
		m.printf("… %d more, among the records below\n", left)
	}
	m.printf("```\n\n%s\n\n", mdText(m.c.chainSummary(p)))
}

func branch(more, own, last bool) string {
	switch {
	case own && last:
		return "└ "
	case own:
		return "├ "
	case more:
		return "│ "
	}
	return "  "
}

func (m *markdown) records() {
	m.printf("## Records\n\n| lsn | recorded | id | what it says |\n|--:|---|---|---|\n")
	for _, r := range m.c.Records {
		m.printf("| %d | %s | %s | %s |\n", r.LSN, r.RecordedAt, mdID(m.c.full(r.ID)), mdText(m.c.title(r)))
	}
	for _, a := range m.c.Absent {
		m.printf("| | | %s | %s |\n", mdID(m.c.full(a.ID)), mdText(a.Why))
	}
	m.printf("\n")
}

func (m *markdown) proof() {
	m.printf("## What this proves\n\n")
	for _, s := range m.c.proof() {
		m.printf("- %s\n", s)
	}
}

// mdID is an id in a span of code.
func mdID(s string) string { return "`" + s + "`" }

// inFence keeps a line from ending the block of code that it stands in.
func inFence(s string) string { return strings.ReplaceAll(s, "```", "'''") }

// mdText escapes what Markdown would read as markup inside of a line, in cells and headings too. s is clean.
func mdText(s string) string { return mdEscapes.Replace(s) }

var mdEscapes = strings.NewReplacer(
	`\`, `\\`, "|", `\|`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", "&lt;", ">", "&gt;", "&", "&amp;",
	"~", `\~`, "$", `\$`, "#", `\#`,
)
