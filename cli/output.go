package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf16"

	"github.com/charmbracelet/x/term"

	"episteme/engine/record"
)

// The output formats.
const (
	asTable  = "table"
	asJSON   = "json"
	asNDJSON = "ndjson"
	asMD     = "md"
)

// format is the output format: what --output says, else a table on a terminal and ndjson in a pipe.
func (a *app) format() (string, error) {
	switch a.output {
	case asTable, asJSON, asNDJSON, asMD:
		return a.output, nil
	case "":
		if a.terminal {
			return asTable, nil
		}
		return asNDJSON, nil
	}
	return "", usage(fmt.Errorf("--output: found %q, expected table, json, ndjson or md", a.output))
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(f.Fd())
}

// noWidth is the width of what is not a terminal: nothing is cut.
const noWidth = 1 << 20

// width is how many cells a line of the terminal has; noWidth elsewhere.
func (a *app) width() int {
	if a.far != nil && a.far.cols > 0 {
		return a.far.cols
	}
	if w, ok := a.out.(safeWriter); ok {
		if f, ok := w.w.(*os.File); ok {
			if cols, _, err := term.GetSize(f.Fd()); err == nil && cols > 0 {
				return cols
			}
		}
	}
	return noWidth
}

// writeJSON writes v as one line.
func (a *app) writeJSON(v any) error {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := a.out.Write(buf.Bytes())
	return err
}

// safeWriter keeps control and bidi characters of the data from a terminal, in every format: they are written as
// JSON escapes. Each Write is a whole text.
type safeWriter struct{ w io.Writer }

func (s safeWriter) Write(p []byte) (int, error) {
	if _, err := io.WriteString(s.w, escapeUnsafe(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

func escapeUnsafe(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return r != '\n' && record.Unsafe(r) }) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n' || !record.Unsafe(r):
			b.WriteRune(r)
		case r > 0xFFFF:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// cleanLines cleans a text of several lines of ours that quotes data.
func cleanLines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = record.Clean(lines[i])
	}
	return strings.Join(lines, "\n")
}
