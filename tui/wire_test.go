package tui

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"
	"github.com/creack/pty"
	"github.com/hinshun/vt10x"

	"episteme/engine"
	"episteme/engine/record"
	"episteme/fixtures"
)

// wire is the real program, with the real renderer and a real engine, on a pseudo terminal of 120 by 40. Nothing is
// waited for by the clock: it knows when a frame has arrived, since it holds what was drawn against what came.
type wire struct {
	t       testing.TB
	master  *os.File
	resting atomic.Bool // a cursor that has moved rests at once; else it never does

	mu      sync.Mutex
	changed *sync.Cond
	drawn   drawnFrame
	wrote   int            // bytes that the renderer handed to the terminal
	came    int            // bytes that arrived at its other end
	vt      vt10x.Terminal // what they show
	typed   int            // keys sent
	over    bool           // the time for this test is
}

// drawnFrame is what View drew last, and after how many keys.
type drawnFrame struct {
	text  string // without its sequences
	keys  int
	still bool // nothing is asked, and no rest is waited for
	at    record.ID
}

// watched is the model, looked at as the program calls it.
type watched struct {
	*model
	w    *wire
	keys int
}

func (m *watched) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	if k, ok := msg.(tea.KeyMsg); ok {
		m.keys += max(len(k.Runes), 1)
	}
	_, cmd := m.model.Update(msg)
	return m, cmd
}

func (m *watched) View() string {
	out := m.model.View()
	d := drawnFrame{text: plainFrame(ansi.Strip(out)), keys: m.keys, still: len(m.slots) == 0 && (len(m.rests) == 0 || !m.w.resting.Load()),
		at: m.top().view.Selected().ID}
	m.w.note(func() { m.w.drawn = d })
	return out
}

// plainFrame is a screen without the blanks at the ends of its lines.
func plainFrame(s string) string {
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

// countingTerminal is the terminal as the program has it.
type countingTerminal struct {
	*os.File
	w *wire
}

func (c countingTerminal) Write(p []byte) (int, error) {
	c.w.note(func() { c.w.wrote += len(p) })
	return c.File.Write(p)
}

func (c countingTerminal) WriteString(s string) (int, error) { return c.Write([]byte(s)) }

func (w *wire) note(f func()) {
	w.mu.Lock()
	f()
	w.changed.Broadcast()
	w.mu.Unlock()
}

// arrive shows what comes out of the terminal.
func (w *wire) arrive() {
	buf := make([]byte, 32<<10)
	var cut []byte // a character of which a part has come: vt10x forgets it
	for {
		n, err := w.master.Read(buf)
		p, whole := append(cut, buf[:n]...), len(cut)+n
		for whole > 0 && cutRune(p[:whole]) {
			whole--
		}
		cut = bytes.Clone(p[whole:])
		w.note(func() { w.vt.Write(p[:whole]); w.came += n })
		if err != nil {
			return
		}
	}
}

// settled waits until the terminal shows the frame that follows the last key.
func (w *wire) settled() drawnFrame {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for !(w.drawn.keys >= w.typed && w.drawn.still && w.came == w.wrote && plainFrame(w.vt.String()) == w.drawn.text) {
		if w.over {
			w.t.Fatalf("the frame never came: %d of %d keys, still %v, %d of %d bytes; drawn\n%s\n\nshown\n%s",
				w.drawn.keys, w.typed, w.drawn.still, w.came, w.wrote, w.drawn.text, plainFrame(w.vt.String()))
		}
		w.changed.Wait()
	}
	return w.drawn
}

// press sends keys in one write and returns the frame that follows, and its bytes. The cursor then rests, or not.
func (w *wire) press(keys string, count int, rest bool) (drawnFrame, int) {
	w.t.Helper()
	w.mu.Lock()
	before := w.came
	w.typed += count
	w.mu.Unlock()
	w.resting.Store(rest)
	if _, err := w.master.WriteString(keys); err != nil {
		w.t.Fatal(err)
	}
	d := w.settled()
	w.mu.Lock()
	defer w.mu.Unlock()
	return d, w.came - before
}

// fastest is as many frames a second as the renderer draws at most, where only bytes are counted.
const fastest = 120

// onWire runs the program over a fixture, at so many frames a second, while use looks at it.
func onWire(t testing.TB, in *engine.Engine, now time.Time, fps int, use func(*wire)) {
	t.Helper()
	master, tty, err := pty.Open()
	if err != nil {
		t.Skipf("no pseudo terminal here: %v", err)
	}
	defer master.Close()
	defer tty.Close()
	if err := pty.Setsize(master, &pty.Winsize{Cols: 120, Rows: 40}); err != nil {
		t.Fatal(err)
	}
	w := &wire{t: t, master: master, vt: vt10x.New(vt10x.WithSize(120, 40))}
	w.changed = sync.NewCond(&w.mu)
	w.resting.Store(true)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	deadline := time.AfterFunc(time.Minute, func() { w.note(func() { w.over = true }) })
	defer deadline.Stop()
	out := countingTerminal{tty, w}
	o := Options{Ask: in, Title: "auth-jwt", Training: true, Output: out, Now: func() time.Time { return now }}
	m := &watched{model: newModel(ctx, o, trueColor(newTheme(out, paletteOf("dark", ""), false, false)), 120, 40), w: w}
	m.after = func(_ time.Duration, msg tea.Msg) tea.Cmd {
		if _, rest := msg.(restMsg); !rest || !w.resting.Load() {
			return nil // no clock runs here
		}
		return func() tea.Msg { return msg }
	}
	reader, stop := patient(tty)
	defer stop()
	over := make(chan error, 1)
	go func() {
		_, err := tea.NewProgram(m, tea.WithContext(ctx), tea.WithInput(reader), tea.WithOutput(out), tea.WithAltScreen(),
			tea.WithoutSignalHandler(), tea.WithFPS(fps)).Run()
		over <- err
	}()
	go w.arrive()
	use(w)
	cancel()
	<-over
}

// fixtureEngine is the engine over a fixture that comes with the program, and the time of its newest record.
func fixtureEngine(t testing.TB, name string) (*engine.Engine, time.Time) {
	t.Helper()
	f, ok := fixtures.ByName(name)
	if !ok {
		t.Fatalf("no fixture %s", name)
	}
	e, err := engine.Open(context.Background(), engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	if _, err := e.Ingest(context.Background(), record.NewReader(bytes.NewReader(f.Events()), name, e), engine.IngestOptions{}); err != nil {
		t.Fatal(err)
	}
	s, err := e.Status(context.Background())
	if err != nil || s.Newest == nil {
		t.Fatalf("status %+v, %v", s, err)
	}
	return e, s.Newest.Std()
}

// Budgets of what is sent at 120 by 40. A move past the edge brings half a screen of other rows, and with them every
// line of the list; spread over the rows that it saves from that, it is a move like the others.
const (
	firstPaintBytes = 10_000

	moveBytes   = 1_000
	scrollBytes = 4_300 // 18 rows of about 200 bytes, and a move
)

// rowsOnWire are the rows of the first screen's list, from the last to the first.
func rowsOnWire(t *testing.T, in *engine.Engine, now time.Time) (rows []record.ID) {
	t.Helper()
	onWire(t, in, now, fastest, func(w *wire) {
		w.settled()
		here, _ := w.press("G", 1, false)
		for len(rows) == 0 || here.at != rows[len(rows)-1] {
			rows = append(rows, here.at)
			here, _ = w.press("k", 1, false)
		}
	})
	return rows
}

// TestMovesOnTheWire holds every key that moves in the timeline, on every row of an incident with the verdict in full
// below it, to the bytes that a slow link takes: on a pseudo terminal, with the most colours there are.
func TestMovesOnTheWire(t *testing.T) {
	in, now := fixtureEngine(t, "auth-jwt")
	rows := rowsOnWire(t, in, now)
	if len(rows) < 100 {
		t.Fatalf("%d rows, want the whole incident", len(rows))
	}
	for _, key := range moveKeys {
		t.Run(key.name, func(t *testing.T) {
			t.Parallel()
			onWire(t, in, now, fastest, func(w *wire) { w.fromEachRow(rows, key.name, key.sent, key.keys) })
		})
	}
}

// moveKeys are the keys that move in a list, as they are sent, and how many the program takes them for.
var moveKeys = []struct {
	name, sent string
	keys       int
}{
	{"j", "j", 1}, {"k", "k", 1}, {"down", "\x1b[B", 1}, {"up", "\x1b[A", 1}, {"5j", "5j", 2}, {"5k", "5k", 2},
	{"[", "[", 1}, {"]", "]", 1}, {"{", "{", 1}, {"}", "}", 1}, {"ctrl+d", "\x04", 1}, {"ctrl+u", "\x15", 1}, {"g", "g", 1}, {"G", "G", 1},
}

// fromEachRow presses a key on each of rows, the last of the list first, each time from rest.
func (w *wire) fromEachRow(rows []record.ID, name, sent string, keys int) {
	w.t.Helper()
	w.settled()
	var within, beyond most
	for up, id := range rows {
		from := "G"
		if up > 0 {
			from = fmt.Sprintf("G%dk", up)
		}
		before, _ := w.press(from, len(from), true)
		if before.at != id {
			w.t.Fatalf("%s stands on %s, want %s", from, before.at.Short(), id.Short())
		}
		after, n := w.press(sent, keys, false)
		switch {
		case after.at == before.at: // there is nothing further, which it may say
		case listRows(before.text) == listRows(after.text):
			within.add(n, up)
		default:
			beyond.add(n, up)
		}
	}
	w.t.Logf("%s within the screen: %s; past its edge: %s", name, within, beyond)
	if within.bytes > moveBytes {
		w.t.Errorf("%s took %s, want at most %d", name, within, moveBytes)
	}
	if beyond.bytes > scrollBytes {
		w.t.Errorf("%s past the edge took %s, want at most %d", name, beyond, scrollBytes)
	}
	if within.moves+beyond.moves == 0 {
		w.t.Errorf("%s never moved", name)
	}
}

// most is the largest of some moves.
type most struct{ moves, bytes, up int }

func (m *most) add(n, up int) {
	if m.moves++; n > m.bytes {
		m.bytes, m.up = n, up
	}
}

func (m most) String() string {
	return fmt.Sprintf("%d moves, the largest %d bytes, %d rows above the last", m.moves, m.bytes, m.up)
}

// listRows are the rows of the list on a screen, without the cursor.
func listRows(screen string) string {
	_, list, _ := strings.Cut(screen, "TIME UTC")
	list, _, _ = strings.Cut(list, "\n ────")
	return strings.ReplaceAll(list, "▶", " ")
}

// TestHeldKeyOnTheWire runs over the whole list as a key held down does: past each edge with a screen of other rows, and
// yet with a move's bytes for each row in the mean.
func TestHeldKeyOnTheWire(t *testing.T) {
	in, now := fixtureEngine(t, "auth-jwt")
	rows := rowsOnWire(t, in, now)
	onWire(t, in, now, fastest, func(w *wire) {
		w.settled()
		w.mu.Lock()
		first := w.came
		w.mu.Unlock()
		if t.Logf("the first screen: %d bytes", first); first > firstPaintBytes {
			t.Errorf("the first screen took %d bytes, want at most %d", first, firstPaintBytes)
		}
		w.press("G", 1, true)
		bytes := 0
		for range rows[1:] {
			_, n := w.press("k", 1, false)
			bytes += n
		}
		if d, _ := w.press("5", 1, false); d.at != rows[len(rows)-1] {
			t.Fatalf("it stands on %s, want the first row", d.at.Short())
		}
		mean := bytes / (len(rows) - 1)
		if t.Logf("%d rows, %d bytes a row", len(rows), mean); mean > moveBytes {
			t.Errorf("a row took %d bytes in the mean, want at most %d", mean, moveBytes)
		}
	})
}

// BenchmarkKeyOnTheWire is from a key to the last byte of its frame at the other end of a pseudo terminal, at the
// renderer's own pace of a frame each 16.7 ms.
func BenchmarkKeyOnTheWire(b *testing.B) {
	in, now := fixtureEngine(b, "auth-jwt")
	const fps = 60
	onWire(b, in, now, fps, func(w *wire) {
		w.settled()
		w.press("G", 1, true)
		var worst time.Duration
		keys := []string{"k", "k", "j"}
		for i := 0; b.Loop(); i++ {
			begun := time.Now()
			w.press(keys[i%len(keys)], 1, false)
			worst = max(worst, time.Since(begun))
		}
		b.ReportMetric(float64(worst.Microseconds())/1_000, "ms/worst")
	})
}
