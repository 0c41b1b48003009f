// Package tui is the terminal side of episteme: the only tea.Model, with a stack of views, the slots in which their
// questions run, the theme, and the traps of terminals.
//
// Promises: no key, no answer and no data can leave the terminal in a strange state; a frame is exactly as many lines
// as the terminal has, none wider than it; an answer to a question that nobody asks any more is dropped; nothing is
// written while nothing changes. Nothing here changes evidence.
//
// What the screens show is decided in views; here is only where it goes.
package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/term"

	"episteme/engine/trace/ask"
	_ "episteme/tui/termfix" // first: it says why
)

// Options say what an interface shows and how.
type Options struct {
	// Ask answers the questions. When it is nil, Open makes it, on a goroutine of its own after the first frame has
	// been drawn; when Open fails, the screen says so and a key tries again. What was opened is its owner's to close.
	Ask  ask.Investigator
	Open func(context.Context) (ask.Investigator, error)

	Now      func() time.Time // nil: time.Now
	Title    string           // the fixture or directory, for the context line
	Training bool             // a fixture or a replay: says so, and never LIVE

	// Live says that others may record while this is open: the timeline looks for it and takes it in. A directory is
	// held by the process that has it open, so there nothing can arrive, and the screen says that, too.
	Live bool

	Theme   string         // auto (or empty), dark, light
	NoColor bool           // bold and reverse only; so does NO_COLOR
	ASCII   bool           // no character beyond ASCII
	Zone    *time.Location // of local times; nil: UTC

	Link string // opened at once: episteme://q/7f3a2b91, or an id as people type it

	Input  io.Reader // nil: standard input, or the terminal when that is none
	Output io.Writer // nil: standard output
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Open == nil {
		o.Open = func(context.Context) (ask.Investigator, error) {
			return nil, errors.New("open the evidence: none was given")
		}
	}
	if o.Output == nil {
		o.Output = os.Stdout
	}
	return o
}

// Run shows the interface until the user quits or ctx ends, and leaves the terminal as it was, whatever happens. It
// returns nil when the user quit, ctx.Err() when ctx ended, a *CrashError when the user quit from a screen that had
// broken off, and else what the terminal gave.
//
// Signals are the caller's: it lets them end ctx. A handler of the interface's own would compete with that, and a
// second way to quit can wait for ever for a program that the first has already ended, with the terminal still raw.
func Run(ctx context.Context, o Options) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	o = o.withDefaults()
	input, done, err := inputOf(o.Input)
	if err != nil {
		return err
	}
	defer done()
	cols, rows := sizeOf(o.Output)
	m := newModel(ctx, o, newTheme(o.Output, isDark(o.Theme, os.Getenv("COLORFGBG")), o.NoColor, o.ASCII), cols, rows)
	reader, stop := patient(input)
	defer stop()
	_, err = tea.NewProgram(m, tea.WithContext(ctx), tea.WithInput(reader), tea.WithOutput(o.Output), tea.WithAltScreen(),
		tea.WithoutSignalHandler()).Run()
	switch {
	case m.crash != nil:
		return m.crash
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return fmt.Errorf("run the terminal interface: %w", err)
	}
	return nil
}

// inputOf is where keys come from: the terminal, also when standard input is a pipe.
func inputOf(r io.Reader) (input io.Reader, done func(), err error) {
	if r != nil {
		return r, func() {}, nil
	}
	if term.IsTerminal(os.Stdin.Fd()) {
		return os.Stdin, func() {}, nil
	}
	tty, err := os.Open("/dev/tty")
	if err != nil {
		return nil, nil, fmt.Errorf("open the terminal for keys: %w; --plain needs none", err)
	}
	return tty, func() { tty.Close() }, nil
}

// sizeOf is the size of the terminal, so that the first frame already has it.
func sizeOf(out io.Writer) (cols, rows int) {
	if f, ok := out.(term.File); ok {
		if w, h, err := term.GetSize(f.Fd()); err == nil && w > 0 && h > 0 {
			return w, h
		}
	}
	return colsAssumed, rowsAssumed
}
