// Package tui is the terminal side of episteme: the tea.Model, with a stack of views, the slots in which their questions
// run, the theme, and the traps of terminals; and the hall in which one presents a screen that others follow.
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

	"github.com/charmbracelet/x/term"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
	_ "episteme/tui/termfix" // first: it says why
	"episteme/views"
)

// Options say what an interface shows and how.
type Options struct {
	// Ask answers the questions. When it is nil, Open makes it, on a goroutine of its own after the first frame has
	// been drawn; when Open fails, the screen says so and a key tries again. What was opened is its owner's to close.
	Ask  ask.Investigator
	Open func(context.Context) (ask.Investigator, error)

	Now      func() time.Time // of the evidence; nil: time.Now
	Clock    func() time.Time // of whoever is at the keyboard, for notes; nil: time.Now
	Title    string           // the fixture or directory, for the context line
	Training bool             // a fixture or a replay: says so, and never LIVE

	// Replay says that Open opens a Replay: its clock is moved by keys, and Now is to read it. nil: it does not.
	Replay *Replaying

	// Live says that others may record while this is open: the timeline looks for it and takes it in. Where nothing can
	// arrive, the screen says that, too.
	Live bool

	// Attached reports at once whether another process holds the evidence now, which the context line says; nil: this
	// one does. It is asked again with each answer: who is attached holds the evidence itself when its holder ends.
	Attached func() bool

	Theme     string         // one of Themes, or empty for auto
	ColorFGBG string         // the variable of that name in the terminal's environment; empty: the process's own
	NoColor   bool           // bold and reverse only; so does NO_COLOR
	ASCII     bool           // no character beyond ASCII
	Still     bool           // nothing moves while one waits
	Share     bool           // begin as on a screen that others see
	Zone      *time.Location // of local times; nil: UTC
	Keys      views.Keymap   // nil: as they come

	// Case is open from the beginning; nil: none. OpenCase opens another one; nil: there can be none.
	Case     *Case
	OpenCase func(name string) (*Case, error)

	// Export writes the evidence for a record to a file, and says what left; nil: nothing can be written.
	Export func(ctx context.Context, id record.ID, path string) (said string, err error)

	// Nothing says of an error of Open that there is nothing to show, and what to show in its place: then Begin opens
	// an incident that comes with the program. Either may be nil.
	Nothing func(error) *views.Nothing
	Begin   func(fixture string) (Beginning, error)

	// Leaving is told, when the user leaves, where that was; nil: nobody is.
	Leaving func(Place)

	Link string // opened at once: episteme://q/7f3a2b91, or an id as people type it

	// Of a session on another machine's terminal. Terminal is nil for this process's own; after Idle without a key the
	// session ends, 0 is never; Stage is where the screen can be shown to others, nil: nowhere.
	Terminal *Terminal
	Idle     time.Duration
	Stage    *Stage

	Input  io.Reader // nil: standard input, or the terminal when that is none
	Output io.Writer // nil: standard output
}

// Beginning is another evidence in the place of the one that a session began with.
type Beginning struct {
	Title    string
	Training bool
	Open     func(context.Context) (ask.Investigator, error)
	OpenCase func(name string) (*Case, error)
}

// Place is where somebody was: enough to come back.
type Place struct {
	Title string
	Case  string // the open case; empty: none
	Link  string // to what the cursor stood on; empty: nothing
}

func (o Options) withDefaults() Options {
	if o.Keys == nil {
		o.Keys = views.Keys()
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.ColorFGBG == "" && o.Terminal == nil {
		o.ColorFGBG = os.Getenv("COLORFGBG")
	}
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
	if _, done := o.Output.(farOutput); o.Terminal != nil && !done {
		o.Output = farOutput{o.Output, o.Terminal}
	}
	return o
}

// Run shows the interface until the user quits or ctx ends, and leaves the terminal as it was, whatever happens. It
// returns nil when the user quit, ErrIdle when nobody was there, ctx.Err() when ctx ended, a *CrashError when the user quit from a screen that had
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
	m := newModel(ctx, o, newTheme(o.Output, paletteOf(o.Theme, o.ColorFGBG), o.NoColor, o.ASCII), cols, rows)
	if o.Terminal != nil {
		defer func() { // whoever lent the evidence may close it next
			cancel()
			m.evidence.settle()
		}()
	}
	reader, stop := patient(input)
	defer stop()
	err = start(ctx, m, o, reader)
	m.endShow()
	if o.Leaving != nil && m.crash == nil {
		o.Leaving(m.place())
	}
	switch {
	case m.crash != nil:
		return m.crash
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return fmt.Errorf("run the terminal interface: %w", err)
	case m.idled:
		return ErrIdle
	}
	return nil
}

// ErrIdle says that nobody has pressed a key for Options.Idle.
var ErrIdle = errors.New("nobody has pressed a key for a long time")

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
	if far, ok := out.(farOutput); ok && far.terminal.Cols > 0 && far.terminal.Rows > 0 {
		return far.terminal.Cols, far.terminal.Rows
	}
	if f, ok := out.(term.File); ok {
		if w, h, err := term.GetSize(f.Fd()); err == nil && w > 0 && h > 0 {
			return w, h
		}
	}
	return colsAssumed, rowsAssumed
}
