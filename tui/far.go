package tui

import (
	"context"
	"io"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"
)

// Terminal is one at the far end of a connection. Nothing of this process's own terminal or environment counts for it.
type Terminal struct {
	Getenv     func(name string) string // what its client sent, TERM among it
	Cols, Rows int                      // when the session begins; 0: not known

	// Resized has the newest size in cells, columns first; nil: it stays as it is.
	Resized <-chan [2]int
}

// farOutput is what is written to such a terminal.
type farOutput struct {
	io.Writer
	terminal *Terminal
}

// rendererOf finds out how many colours what is written to out may have. A terminal far away is not asked: its client
// has said what it is, and whoever does not answer would make everybody wait.
func rendererOf(out io.Writer) *lipgloss.Renderer {
	far, ok := out.(farOutput)
	if !ok {
		return lipgloss.NewRenderer(out)
	}
	r := lipgloss.NewRenderer(far.Writer, termenv.WithEnvironment(farEnviron{far.terminal}), termenv.WithUnsafe(), termenv.WithColorCache(true))
	if far.terminal.Getenv("NO_COLOR") != "" {
		r.SetColorProfile(termenv.Ascii)
	}
	return r
}

// farEnviron is the environment of a terminal far away.
type farEnviron struct{ terminal *Terminal }

func (e farEnviron) Getenv(name string) string { return e.terminal.Getenv(name) }
func (e farEnviron) Environ() []string         { return nil } // nobody lists it

// start runs a model as a program on the terminal of o, to its end.
func start(ctx context.Context, m tea.Model, o Options, input io.Reader) error {
	p := programOf(ctx, m, o, input)
	if o.Terminal != nil {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		go o.Terminal.tellSizes(ctx, p)
	}
	_, err := p.Run()
	return err
}

func programOf(ctx context.Context, m tea.Model, o Options, input io.Reader) *tea.Program {
	options := []tea.ProgramOption{tea.WithContext(ctx), tea.WithInput(input), tea.WithOutput(o.Output), tea.WithAltScreen(), tea.WithoutSignalHandler()}
	if o.Terminal != nil {
		options = append(options, tea.WithFilter(withoutSuspend))
	}
	return tea.NewProgram(m, options...)
}

// withoutSuspend drops what would stop this process: on a server that is everybody's.
func withoutSuspend(_ tea.Model, msg tea.Msg) tea.Msg {
	if _, suspend := msg.(tea.SuspendMsg); suspend {
		return nil
	}
	return msg
}

// tellSizes tells the program the size of the terminal, at first and when it changes: the renderer erases only what it
// knows to be there.
func (t *Terminal) tellSizes(ctx context.Context, p *tea.Program) {
	p.Send(tea.WindowSizeMsg{Width: t.Cols, Height: t.Rows})
	for {
		select {
		case size := <-t.Resized:
			p.Send(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
		case <-ctx.Done():
			return
		}
	}
}

// idle counts how long nobody has pressed a key, in parts of the time after which the session ends, so that it needs no
// clock. The zero idle never ends.
type idle struct {
	limit time.Duration
	parts int // since the last key, or one less
}

// idleParts is how finely the time is counted; with idleWarn left, the screen says so.
const (
	idleParts = 30
	idleWarn  = 2
)

type idleMsg struct{}

func (i *idle) every() time.Duration { return i.limit / idleParts }

// ticked counts, and says what that means: nothing, a sentence, or the end.
func (i *idle) ticked() (warning string, over bool) {
	i.parts++
	switch left := idleParts - i.parts; {
	case left < 0:
		return "", true
	case left <= idleWarn:
		return "! No key for a long time: this session ends in " + (time.Duration(left+1) * i.every()).Round(time.Second).String() + " unless one is pressed.", false
	}
	return "", false
}
