package tui

import (
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"episteme/engine/record"
	"episteme/views"
	"episteme/views/text"
)

// Below this a screen would be a puzzle.
const (
	colsMin = 40
	rowsMin = 10
)

// rowsAiry is the height from which a blank line below the context line costs nothing that is missed.
const rowsAiry = 36

// colsAsOf is the width from which a past moment stands with its date.
const colsAsOf = 80

// Size before the terminal has said its own.
const (
	colsAssumed = 80
	rowsAssumed = 24
)

// View draws the frame: exactly rows lines of at most cols cells.
func (m *model) View() (out string) {
	defer func() {
		if r := recover(); r != nil {
			m.crash, m.crashed = newCrash("drawing a screen", r, debug.Stack()), m.at
			out = m.paint(crashLines(m.crash, m.wayOut(), m.cols, m.rows))
		}
	}()
	lines := m.lines()
	out = m.paint(lines)
	m.present(lines, out[len(m.clip):])
	return out
}

// lines are the lines of the frame.
func (m *model) lines() []text.Line {
	switch {
	case m.cols < colsMin || m.rows < rowsMin:
		return tooSmall(m.cols, m.rows)
	case m.crash != nil:
		return crashLines(m.crash, m.wayOut(), m.cols, m.rows)
	case len(m.frames) == 0:
		return text.Block(nil, m.cols, m.rows)
	}
	if still := m.settling(); still != nil {
		return still
	}
	out := make([]text.Line, 0, m.rows)
	out = append(out, m.contextLine())
	out = append(out, make([]text.Line, m.air())...)
	out = append(out, m.body()...)
	out = append(out, m.statusLine(), m.keyLine())
	return text.Block(out, m.cols, m.rows)
}

// paint turns lines into what the terminal reads.
func (m *model) paint(lines []text.Line) string {
	var b strings.Builder
	b.Grow(8 << 10)
	b.WriteString(m.clip)
	for i, l := range lines {
		if i > 0 {
			b.WriteByte('\n')
		}
		m.theme.write(&b, l)
	}
	return b.String()
}

func tooSmall(cols, rows int) []text.Line {
	words := fmt.Sprintf("episteme needs %dx%d cells; here are %dx%d. Make the window larger, or use episteme --plain.", colsMin, rowsMin, cols, rows)
	return text.Block(text.Wrap(text.Plain, words, max(cols, 1), max(rows, 1)), max(cols, 1), max(rows, 1))
}

// body is the top view, an overlay over the view below it.
func (m *model) body() []text.Line {
	top, rows := m.top().view, m.bodyRows()
	m.at = m.top().id
	if _, over := top.(views.Overlay); !over || len(m.frames) < 2 {
		return text.Block(top.Lines(), m.cols, rows)
	}
	below := m.frames[len(m.frames)-2]
	m.at = below.id
	under := text.Block(below.view.Lines(), m.cols, rows)
	m.at = m.top().id
	lines := top.Lines()
	keep := max(rows-len(lines), 0)
	return text.Block(append(under[:keep:keep], lines...), m.cols, rows)
}

// contextLine says where one is, what of, and at what time. TRAINING never goes; the rest of the right end goes
// before the path is cut.
func (m *model) contextLine() text.Line {
	left := m.path(0, true)
	for cut := 0; left.Width() > m.cols && cut < len(m.frames); cut++ {
		left = m.path(cut, false)
	}
	if m.play != nil {
		return m.replayLine()
	}
	var right text.Line
	for _, part := range m.contextParts() {
		longer := append(append(text.Line{}, right...), text.Space(3))
		longer = append(longer, part...)
		if left.Width()+longer.Width()+2 > m.cols { // a blank between, and one at the end
			break
		}
		right = longer
	}
	if len(right) == 0 {
		return left.Cut(m.cols)
	}
	return text.Ends(left, append(right, text.Space(1)), m.cols)
}

// path is the way from the program to the view on top. Where it does not fit, the program's name goes, then steps
// from the left.
func (m *model) path(cut int, name bool) text.Line {
	left := text.Of(text.Space(1))
	title := m.opts.Title
	if m.mask != nil {
		title = m.mask.text(title)
	}
	if name {
		left = append(left, text.Text(text.Title, "episteme"), text.Space(2))
	}
	if at := m.asOf; at != nil {
		words := " AS IT WAS AT " + m.times.Full(*at) + " "
		if m.cols < colsAsOf {
			words = " AS IT WAS " + m.times.Clock(*at) + " "
		}
		left = append(left, text.Text(text.Reverse, words), text.Space(1))
	}
	if m.show != nil {
		left = append(left, text.Text(text.Reverse, m.presenting()), text.Space(1))
	}
	if m.opts.Training {
		left = append(left, text.Text(text.Reverse, " TRAINING "+title+" "))
	} else {
		left = append(left, text.Text(text.Strong, title))
	}

	if cut > 0 {
		left = append(left, text.Text(text.Dim, " › …"))
	}
	for i := cut; i < len(m.frames); i++ {
		tone := text.Dim
		if i == len(m.frames)-1 {
			tone = text.Plain
		}
		m.at = m.frames[i].id
		left = append(left, text.Text(text.Dim, " › "), text.Text(tone, m.frames[i].view.Crumb()))
	}
	return left
}

// contextParts are the parts of the right end, the dearest first.
func (m *model) contextParts() []text.Line {
	minute := m.times.Day(m.now) + " " + views.Times{Mode: m.times.Mode, Zone: m.times.Zone, Zero: nil}.Minute(m.now)
	var parts []text.Line
	switch {
	case m.frozen:
		parts = append(parts, text.Of(text.Text(text.Reverse, " FROZEN ")))
	case m.asOf == nil && !m.opts.Training:
		parts = append(parts, m.live())
	}
	if m.kase != nil {
		parts = append(parts, text.Of(text.Text(text.Key, "case "+m.kase.Name)))
	}
	if m.mask != nil {
		parts = append(parts, text.Of(text.Text(text.Warn, "masked")))
	}
	if !m.picked.IsZero() {
		parts = append(parts, text.Of(text.Text(text.Dim, "picked "), text.Text(text.Key, m.picked.Short())))
	}
	if m.asOf == nil { // a past says so at the left end, which never goes
		parts = append(parts, text.Of(text.Text(text.Plain, minute)))
	}
	if zero := m.times.Zero; zero != nil && within(*zero, m.shownFor(), 100*time.Hour) {
		since := views.Since(*zero, m.onTheMinute(*zero))
		parts = append(parts, text.Of(text.Text(text.Plain, since[:len(since)-len(":00")])))
	}
	if m.attached {
		parts = append(parts, text.Of(text.Text(text.Dim, "attached")))
	}
	return append(parts, text.Of(text.Text(text.Dim, "read-only")))
}

// onTheMinute is what T+ counts to from zero: a past moment itself, and now only its minute, the one that stands beside
// it. Else the line would change, and be sent, twice a minute: when the clock's minute is over and when T+'s is.
func (m *model) onTheMinute(zero record.Time) record.Time {
	if m.asOf != nil {
		return *m.asOf
	}
	return max(m.now-m.now%record.Time(time.Minute), zero)
}

// live says whether what is recorded now appears here by itself, and how new the newest is. The time stands still
// until something comes: an age would have to be drawn again and again.
func (m *model) live() text.Line {
	f, ok := m.frames[0].view.(views.Follower)
	if !ok {
		return nil
	}
	m.at = m.frames[0].id
	newest, live := f.Live()
	l := text.Of(text.Text(text.OK, "LIVE"))
	switch {
	case !m.opts.Live:
		l = text.Of(text.Text(text.Plain, "as of opening"))
	case !live:
		return text.Of(text.Text(text.Warn, "! not live"))
	}
	if newest != nil {
		l = append(l, text.Text(text.Dim, " · newest "), text.Text(text.Plain, m.times.OnDay(*newest, m.times.Day(m.now))))
	}
	return l
}

// within reports whether at lies at most d behind zero, and not before it.
func within(zero, at record.Time, d time.Duration) bool {
	return at >= zero && time.Duration(at-zero) < d
}

// statusLine is a notice, or how complete the view is, and a count that is being typed.
func (m *model) statusLine() text.Line {
	l := m.top().view.Status()
	if link := m.linkLine(); link != nil {
		l = link
	}
	if m.notice != nil {
		l = *m.notice
	}
	if m.count == 0 {
		return l.Cut(m.cols)
	}
	return text.Ends(l, text.Of(text.Text(text.Strong, fmt.Sprint(m.count)), text.Space(1)), m.cols)
}

// linkLine says that the link is still being looked for, or waits to be opened.
func (m *model) linkLine() text.Line {
	if !m.held.IsZero() {
		return text.Of(text.Space(1), text.Text(text.Plain, m.held.Short()+" is found: it opens when the field is closed"))
	}
	s := m.slots[slotKey{rootFrame, linkSlot}]
	if s == nil || !s.visible() {
		return nil
	}
	l := text.Of(text.Space(1), text.Text(text.Plain, s.ask.Doing+": "+views.Ago(s.elapsed())+" so far"))
	if m.typing() {
		return l
	}
	return append(l, text.Text(text.Dim, " · "), text.Text(text.Key, m.keymap().Shown(views.Out)), text.Text(text.Plain, " stops it"))
}

// keyLine offers the keys that do something here. When it is tight the last of the middle go; help and the way back
// stay.
func (m *model) keyLine() text.Line {
	hints, keys := m.replayHints(m.top().view.Hints()), m.keymap()
	if m.typing() { // a field takes every key but those that it always had
		keys = views.Keys()
	}
	for {
		l := hintLine(keys, hints, m.theme.ascii)
		if m.mask != nil && m.lastKey != "" {
			pressed := text.Of(text.Text(text.Reverse, " "+m.keyName(m.lastKey)+" "), text.Space(1))
			if l.Width()+pressed.Width()+1 <= m.cols || len(hints) <= 2 {
				return text.Ends(l, pressed, m.cols)
			}
			last := max(len(hints)-3, 0)
			hints = append(hints[:last:last], hints[last+1:]...)
			continue
		}
		if l.Width() <= m.cols || len(hints) <= 2 {
			return l.Cut(m.cols)
		}
		last := max(len(hints)-3, 0)
		hints = append(hints[:last:last], hints[last+1:]...)
	}
}

// keyName is how a key that was pressed is shown.
func (m *model) keyName(name string) string {
	if name == " " {
		return "space"
	}
	if m.theme.ascii || name != "enter" {
		return name
	}
	return "↵"
}

func hintLine(keys views.Keymap, hints []views.Hint, ascii bool) text.Line {
	var l text.Line
	for _, h := range hints {
		key, word := shown(keys, h)
		if ascii && key == "↵" {
			key = "Enter"
		}
		gap := 3
		if len(l) == 0 {
			gap = 1
		}
		l = append(l, text.Space(gap), text.Text(text.Key, key), text.Text(text.Plain, " "+word))
	}
	return l
}

// shown is a hint's key and word. Two keys that are each other's opposite show as one pair.
func shown(keys views.Keymap, h views.Hint) (key, word string) {
	key, word = keys.Shown(h.Action), keys.Of(h.Action).Binding.Help().Desc
	switch h.Action {
	case views.NextMark:
		key = keys.Shown(views.PrevMark) + " " + key
	case views.NextFinding:
		key = keys.Shown(views.PrevFinding) + " " + key
	case views.StepOn:
		key = keys.Shown(views.StepBack) + " " + key
	case views.MarkOn:
		key = keys.Shown(views.MarkBack) + " " + key
	}
	if h.Word != "" {
		word = h.Word
	}
	return key, word
}
