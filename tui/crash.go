package tui

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"episteme/views/text"
)

// CrashError says that the program itself is wrong: a screen or a question panicked. The stack is for whoever mends
// it and not for the screen.
type CrashError struct {
	ID    string // of the place: the same defect has the same id
	Doing string
	Cause any
	Stack []byte
}

func (e *CrashError) Error() string {
	return fmt.Sprintf("%s: a defect of episteme (id %s): %v; nothing recorded was changed", e.Doing, e.ID, e.Cause)
}

func newCrash(doing string, cause any, stack []byte) *CrashError {
	sum := sha256.Sum256([]byte(fmt.Sprintf("%s %v", doing, cause)))
	return &CrashError{hex.EncodeToString(sum[:4]), doing, cause, stack}
}

// crashLines is the screen in place of one that panicked; out is what Enter does. It uses nothing of the views.
func crashLines(e *CrashError, out string, cols, rows int) []text.Line {
	lines := []text.Line{nil, text.Of(text.Space(2), text.Text(text.Bad, "✗ This screen broke off.")), nil}
	for _, paragraph := range []string{
		"It is a defect of episteme. Nothing recorded was changed or lost.",
		fmt.Sprintf("While %s: %v (id %s)", e.Doing, e.Cause, e.ID),
	} {
		for _, l := range text.Wrap(text.Plain, paragraph, cols-6, 4) {
			lines = append(lines, append(text.Line{text.Space(4)}, l...))
		}
	}
	lines = append(lines, nil, text.Of(text.Space(4), text.Text(text.Key, "↵"), text.Text(text.Plain, " "+out+"   "),
		text.Text(text.Key, "q"), text.Text(text.Plain, " quit")))
	return text.Block(lines, cols, rows)
}
