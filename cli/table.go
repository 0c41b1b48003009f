package cli

import (
	"strings"

	"github.com/charmbracelet/x/ansi"

	"episteme/engine/record"
)

// table lays cells out in columns, measured in terminal cells. What does not fit is cut with an ellipsis in the
// column that gives way.
type table struct {
	head  []string
	rows  [][]string
	gives int // the column that is cut when a line is too long; -1: none
}

const gutter = "  "

// lines renders the table in at most cols cells a line.
func (t *table) lines(cols int) []string {
	all := append([][]string{t.head}, t.rows...)
	widths := make([]int, len(t.head))
	for r, row := range all {
		for c := range row {
			if r > 0 {
				row[c] = record.Clean(row[c])
			}
			widths[c] = max(widths[c], ansi.StringWidth(row[c]))
		}
	}
	total := len(gutter) * (len(widths) - 1)
	for _, w := range widths {
		total += w
	}
	if t.gives >= 0 && total > cols {
		const least = 12 // cells that still tell a subject apart; a guess
		widths[t.gives] = max(least, widths[t.gives]-(total-cols))
	}
	out := make([]string, len(all))
	for i, row := range all {
		out[i] = layOut(row, widths)
	}
	return out
}

func layOut(row []string, widths []int) string {
	var b strings.Builder
	for c, cell := range row {
		cell = ansi.Truncate(cell, widths[c], "…")
		b.WriteString(cell)
		if c < len(row)-1 {
			b.WriteString(strings.Repeat(" ", widths[c]-ansi.StringWidth(cell)) + gutter)
		}
	}
	return strings.TrimRight(b.String(), " ")
}

// markdown renders the table as Markdown.
func (t *table) markdown() string {
	var b strings.Builder
	line := func(cells []string) {
		for _, cell := range cells {
			b.WriteString("| " + mdText(cell) + " ")
		}
		b.WriteString("|\n")
	}
	line(t.head)
	b.WriteString(strings.Repeat("|---", len(t.head)) + "|\n")
	for _, row := range t.rows {
		line(row)
	}
	return b.String()
}

// mdText makes a text from data safe inside a line of Markdown: it is cleaned, and what Markdown would read as markup
// is escaped.
func mdText(s string) string {
	return strings.NewReplacer(
		`\`, `\\`, "|", `\|`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", "&lt;", ">", "&gt;", "&", "&amp;",
	).Replace(record.Clean(s))
}
