package tui

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"episteme/views/text"
)

// ErrShowOver says that whoever was followed does not present any more.
var ErrShowOver = errors.New("the screen is not presented any more")

// Follow shows the screen that somebody presents, and nothing of it can be changed. It needs Stage, and of the other
// options what concerns the terminal. It returns nil when the user left, ErrShowOver, a *ShowError when there is nothing
// to follow, and else what Run does.
func Follow(ctx context.Context, o Options, name string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	o = o.withDefaults()
	seat, err := o.Stage.Hall.follow(o.Stage.Person, name)
	if err != nil {
		return err
	}
	defer seat.leave()
	input, done, err := inputOf(o.Input)
	if err != nil {
		return err
	}
	defer done()
	reader, stop := patient(input)
	defer stop()
	cols, rows := sizeOf(o.Output)
	f := &follower{ctx: ctx, seat: seat, theme: newTheme(o.Output, paletteOf(o.Theme, o.ColorFGBG), o.NoColor, o.ASCII), cols: cols, rows: rows,
		idle: idle{limit: o.Idle}}
	err = start(ctx, f, o, reader)
	switch {
	case f.crash != nil:
		return f.crash
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return fmt.Errorf("run the terminal interface: %w", err)
	}
	return f.ended
}

// follower is the tea.Model of somebody who follows: a picture, and a line about it. It takes no keys but those that
// leave.
type follower struct {
	ctx        context.Context
	seat       *seat
	theme      *theme
	cols, rows int
	picture    picture
	idle       idle
	warning    string
	ended      error
	crash      *CrashError
}

// lookMsg says that there is something newer to look at.
type lookMsg struct{}

func (f *follower) Init() tea.Cmd {
	if f.idle.limit > 0 {
		return tea.Batch(f.await(), f.idleLater())
	}
	return f.await()
}

func (f *follower) idleLater() tea.Cmd { return afterTick(f.idle.every(), idleMsg{}) }

// await waits for something newer.
func (f *follower) await() tea.Cmd {
	seat, ctx := f.seat, f.ctx
	return func() tea.Msg {
		select {
		case <-seat.news:
			return lookMsg{}
		case <-ctx.Done():
			return nil
		}
	}
}

func (f *follower) Update(msg tea.Msg) (_ tea.Model, cmd tea.Cmd) {
	defer func() {
		if r := recover(); r != nil {
			f.crash, cmd = newCrash("following a screen", r, debug.Stack()), tea.Quit
		}
	}()
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		if msg.Width > 0 && msg.Height > 0 {
			f.cols, f.rows = msg.Width, msg.Height
		}
	case lookMsg:
		var on bool
		if f.picture, on = f.seat.look(); !on {
			f.ended = ErrShowOver
			return f, tea.Quit
		}
		return f, f.await()
	case tea.KeyMsg:
		f.idle.parts, f.warning = 0, ""
		if leaves(msg) {
			return f, tea.Quit
		}
	case idleMsg:
		var over bool
		if f.warning, over = f.idle.ticked(); over {
			f.ended = ErrIdle
			return f, tea.Quit
		}
		return f, f.idleLater()
	}
	return f, nil
}

// leaves reports whether what was typed has a key in it that leaves.
func leaves(k tea.KeyMsg) bool {
	switch k.String() {
	case "esc", "ctrl+c", "ctrl+d":
		return true
	}
	return k.Type == tea.KeyRunes && !k.Paste && strings.ContainsRune(string(k.Runes), 'q')
}

func (f *follower) View() (out string) {
	defer func() {
		if r := recover(); r != nil {
			f.crash, out = newCrash("drawing a followed screen", r, debug.Stack()), ""
		}
	}()
	var b strings.Builder
	for i, l := range f.lines() {
		if i > 0 {
			b.WriteByte('\n')
		}
		f.theme.write(&b, l)
	}
	return b.String()
}

// lines are the picture, cut to this terminal or in the middle of it, and at the bottom whose it is.
func (f *follower) lines() []text.Line {
	p, room := f.picture, max(f.rows-1, 0)
	top, left := max((room-p.rows)/2, 0), max((f.cols-p.cols)/2, 0)
	lines := make([]text.Line, top, f.rows)
	for _, l := range p.lines[:min(len(p.lines), room-top)] {
		lines = append(lines, append(text.Of(text.Space(left)), l...).Cut(f.cols))
	}
	lines = text.Block(lines, f.cols, room)
	return append(lines, f.status().Cut(f.cols))
}

func (f *follower) status() text.Line {
	if f.warning != "" {
		return text.Of(text.Space(1), text.Text(text.Warn, f.warning))
	}
	l := text.Of(text.Text(text.Reverse, " following "+f.seat.show.by.Name+" "), text.Space(2), text.Text(text.Key, "q"), text.Text(text.Plain, " leaves"))
	if p := f.picture; p.cols > f.cols || p.rows > f.rows {
		l = append(l, text.Text(text.Warn, fmt.Sprintf("   ! cut: %dx%d there, %dx%d here", p.cols, p.rows, f.cols, f.rows)))
	}
	return l
}
