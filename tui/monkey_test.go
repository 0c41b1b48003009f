package tui

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"episteme/fixtures/training"
)

// monkeySteps is how many things a monkey does on each incident, unless MONKEY_STEPS says otherwise: most are a key, some
// a burst of them. MONKEY_SEED repeats what one did.
const monkeySteps = 600

// fromEnv is a number of the environment, or def.
func fromEnv(t *testing.T, name string, def uint64) uint64 {
	t.Helper()
	s := os.Getenv(name)
	if s == "" {
		return def
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// A monkey presses every key there is, types, pastes, resizes and waits: on no screen does anything break, and every
// frame is exactly as large as the terminal and holds nothing of the data's own sequences.
func TestMonkey(t *testing.T) {
	seed, steps := fromEnv(t, "MONKEY_SEED", rand.Uint64()), fromEnv(t, "MONKEY_STEPS", monkeySteps)
	incidents := map[string]func() *fake{"incident": incident, "investigation": investigated, "hostile": hostileInvestigation,
		"nothing": func() *fake { return &fake{} }}
	for name, in := range incidents {
		t.Run(name, func(t *testing.T) {
			inSessionOf(t, Options{Ask: in(), Live: true}, 80, 24, func(s *session) {
				keeping(s)
				letLoose(s, seed, steps)
			})
		})
	}
	for name, p := range map[string]played{
		"replay":   {fixture: "auth-jwt", at: "2024-01-15T21:30:00Z", running: true, speed: 60},
		"training": {fixture: "auth-jwt", at: "2024-01-15T22:31:20Z", blind: true, over: func(training.Debrief) (string, error) { return "debrief.md", nil }},
	} {
		t.Run(name, func(t *testing.T) {
			inReplay(t, p, func(s *rehearsal) { letLoose(s.session, seed, steps) })
		})
	}
}

// letLoose has a monkey do steps things, or as many as it takes to break something.
func letLoose(s *session, seed, steps uint64) {
	m := &monkey{session: s, rnd: rand.New(rand.NewPCG(seed, 1))}
	for range steps {
		if m.step(); s.t.Failed() {
			s.t.Logf("MONKEY_SEED=%d MONKEY_STEPS=%d go test ./tui -run %s; the last of %d steps were %s", seed, steps, s.t.Name(), m.steps, strings.Join(m.did, " "))
			return
		}
	}
}

type monkey struct {
	*session
	rnd   *rand.Rand
	did   []string // the last steps
	steps int
}

// step does one thing, and looks at the frame.
func (m *monkey) step() {
	what := ""
	switch n := m.rnd.IntN(100); {
	case n < 70:
		what = m.press()
	case n < 78:
		what = m.burst()
	case n < 86:
		what = m.text()
	case n < 92:
		what = m.resize()
	default:
		d := time.Duration(m.rnd.IntN(40)) * 10 * time.Millisecond
		what = d.String()
		m.wait(d)
	}
	m.steps++
	m.did = append(m.did, what)
	m.did = m.did[max(len(m.did)-30, 0):]
	m.settle()
	m.look()
}

// look checks what is to hold of every frame.
func (m *monkey) look() {
	m.t.Helper()
	if m.m.crash != nil {
		m.t.Errorf("it broke off: %v\n%s", m.m.crash, m.m.crash.Stack)
		return
	}
	checkFrame(m.t, m.m.lines(), m.m.cols, m.m.rows)
	checkClean(m.t, m.m.View()[len(m.m.clip):])
	if m.m.crash != nil {
		m.t.Errorf("it broke off while drawing: %v\n%s", m.m.crash, m.m.crash.Stack)
	}
	if len(m.m.frames) == 0 {
		m.t.Error("there is no screen left")
	}
}

// bound are all keys that mean something, and some that mean nothing.
func (m *monkey) bound() []string {
	keys := []string{"tab", "shift+tab", "backspace", "delete", "ctrl+z", "ctrl+w", "ctrl+k", "f1", "!", "Z", "é", "界", "\u202e"}
	for _, k := range m.m.keymap() {
		keys = append(keys, k.Binding.Keys()...)
	}
	return keys
}

func (m *monkey) press() string {
	name := pickOf(m.rnd, m.bound())
	if m.rnd.IntN(4) == 0 {
		name = pickOf(m.rnd, []string{"enter", "p", "i", "x", "d", "f", "j", "k"}) // deeper in
	}
	k := keyOf(name)
	if name == " " {
		k = tea.KeyMsg{Type: tea.KeySpace, Runes: []rune{' '}}
	}
	m.send(k)
	return strconv.Quote(name)
}

// burst is what a slow link delivers at once.
func (m *monkey) burst() string {
	s := pickOf(m.rnd, []string{"jjjjj", "kkkkkkkk", "99999999999j", "5k", "0", "12", "]]]", "{{}}", "gG", "qj", "lll", "hhh", "<<>>", "fff", "vd", "TTTT"})
	m.runes(s)
	return strconv.Quote(s)
}

// text is something typed or pasted, most of it where nobody wants it.
func (m *monkey) text() string {
	s := pickOf(m.rnd, []string{"/agent:deploy*", ":t0 21:09", ":theme light", ":trace -told:1", ":as-of 21:30", ":as-of", ":note " + nasty, ":show a_", ":impact agent:" + nasty,
		":case", ":zone Asia/Tokyo", ":share", ":messages", "x\ny\tz", nasty, strings.Repeat("界", 300), "t21:0"})
	paste := m.rnd.IntN(2) == 0
	m.send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(s), Paste: paste})
	m.settle()
	if m.rnd.IntN(2) == 0 {
		m.send(tea.KeyMsg{Type: tea.KeyEnter})
	}
	return fmt.Sprintf("%.20q", s)
}

func (m *monkey) resize() string {
	sizes := [][2]int{{120, 40}, {80, 24}, {60, 20}, {40, 12}, {40, 10}, {39, 9}, {1, 1}, {0, 0}, {200, 60}, {160, 50}, {72, 13}}
	size := sizes[m.rnd.IntN(len(sizes))]
	m.send(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
	return fmt.Sprintf("%dx%d", size[0], size[1])
}

func pickOf(rnd *rand.Rand, of []string) string { return of[rnd.IntN(len(of))] }
