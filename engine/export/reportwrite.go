package export

import (
	"bufio"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
)

//go:embed report.html
var reportTemplate string

// writeReportHTML writes one page under the same policy as an export's.
func writeReportHTML(w io.Writer, r report) error {
	t, err := template.New("report").Parse(reportTemplate)
	if err != nil {
		return err
	}
	buffered := bufio.NewWriter(w)
	data := struct {
		report
		Style  template.CSS
		Policy string
	}{r, template.CSS(pageStyle), policy()}
	if err := t.Execute(buffered, data); err != nil {
		return err
	}
	return buffered.Flush()
}

// writeReportMarkdown writes sections, lists and tables.
func writeReportMarkdown(w io.Writer, r report) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "# %s\n\n%s\n\n| | |\n|---|---|\n", mdText(r.Title), mdText(r.Chosen))
	for _, f := range r.Facts {
		fmt.Fprintf(b, "| %s | %s |\n", f.Name, mdText(f.Value))
	}
	for _, s := range r.Sections {
		fmt.Fprintf(b, "\n## %s\n\n", mdText(s.Title))
		if s.Note != "" {
			fmt.Fprintf(b, "*%s*\n\n", mdText(s.Note))
		}
		for _, i := range s.Items {
			fmt.Fprintf(b, "- %s\n", mdParts(i.Parts))
			for _, command := range i.Commands {
				fmt.Fprintf(b, "  - check: %s\n", mdCode(command))
			}
		}
		if len(s.Head) > 0 {
			fmt.Fprintf(b, "| %s |\n|%s\n", strings.Join(s.Head, " | "), strings.Repeat("---|", len(s.Head)))
			for _, row := range s.Rows {
				cells := make([]string, len(row))
				for i, part := range row {
					cells[i] = mdParts([]pagePart{part})
				}
				fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | "))
			}
		}
	}
	return b.Flush() // a bufio.Writer keeps its first error
}

func mdParts(parts []pagePart) string {
	var b strings.Builder
	for _, p := range parts {
		text := strings.TrimSpace(p.Text)
		switch {
		case text == "":
			b.WriteString(p.Text)
		case p.Class == mono:
			b.WriteString(strings.Replace(p.Text, text, mdCode(text), 1))
		case p.Class == strong:
			b.WriteString(strings.Replace(p.Text, text, "**"+mdText(text)+"**", 1))
		default:
			b.WriteString(mdText(p.Text))
		}
	}
	return b.String()
}

// mdCode is s as code inside of a line, byte for byte: a command that is copied must be the one that was written. The
// quotes around it are longer than any in it.
func mdCode(s string) string {
	longest, run := 0, 0
	for i := range len(s) {
		if s[i] != '`' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	if longest == 0 {
		return "`" + s + "`"
	}
	fence := strings.Repeat("`", longest+1)
	return fence + " " + s + " " + fence
}
