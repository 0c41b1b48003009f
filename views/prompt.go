package views

import (
	"slices"

	"github.com/charmbracelet/bubbles/textinput"

	"episteme/views/text"
)

// Prompt is one line to type, over the bottom of the screen below it: a command, a time, a note, the name of a file.
// What was typed leaves as a Submit, after a Back.
type Prompt struct {
	look  Look
	of    PromptOf
	field textinput.Model
	past  int    // how far up the history one has gone; 0: not
	draft string // what was typed before going up
	list  []Completion
	pick  int // of list; -1: none
}

// PromptOf says what a Prompt asks for.
type PromptOf struct {
	Name    string   // for whoever takes the Submit
	Label   string   // in front of the field: ":"
	Title   string   // above it
	Help    string   // below it, while nothing better is known
	Text    string   // in the field at the beginning
	Target  Target   // what it is about, if anything
	History []string // oldest first

	// Complete offers what the line may become, and Echo says how it is understood; both are pure and may be nil.
	Complete func(line string) []Completion
	Echo     func(line string) text.Line
}

// Completion is a line that may be meant.
type Completion struct{ Line, Shown, Sentence string }

// promptCompletions is how many completions are shown at once.
const promptCompletions = 8

// promptChars bounds what can be typed: more than any note somebody writes into one line.
const promptChars = 2000

// NewPrompt asks for a line.
func NewPrompt(of PromptOf) *Prompt {
	p := &Prompt{of: of, field: newField(promptChars), pick: -1}
	p.field.SetValue(of.Text)
	p.field.CursorEnd()
	p.field.Focus()
	p.offer()
	return p
}

// newField is a text field that starts no program and blinks not.
func newField(chars int) textinput.Model {
	field := textinput.New()
	field.Prompt = ""
	field.KeyMap.Paste.SetEnabled(false) // it would start a program to read a clipboard
	field.KeyMap.AcceptSuggestion.SetEnabled(false)
	field.CharLimit = chars
	return field
}

// Name and Target are what the prompt was made with.
func (p *Prompt) Name() string   { return p.of.Name }
func (p *Prompt) Target() Target { return p.of.Target }

// Crumb is the view's name.
func (p *Prompt) Crumb() string { return p.of.Name }

// Typing reports that keys are text.
func (p *Prompt) Typing() bool { return true }

// SetLook says how large the view is.
func (p *Prompt) SetLook(l Look) {
	p.look = l
	p.field.Width = max(l.Cols-len(p.of.Label)-4, 10)
}

// Height is how many rows it wants at the bottom of the screen.
func (p *Prompt) Height(rows int) int { return min(len(p.all()), rows) }

// Handle takes a message.
func (p *Prompt) Handle(m Msg) ([]Do, bool) {
	typed, ok := m.(Typed)
	if !ok {
		return nil, false
	}
	switch typed.Key.String() {
	case "enter":
		return []Do{Back{}, Submit{p, p.field.Value()}}, true
	case "esc":
		return []Do{Back{}}, true
	case "up", "ctrl+p":
		p.recall(+1)
	case "down", "ctrl+n":
		p.recall(-1)
	case "tab":
		p.choose(+1)
	case "shift+tab":
		p.choose(-1)
	default:
		p.field, _ = p.field.Update(typed.Key)
		p.past, p.pick = 0, -1
		p.offer()
	}
	return nil, true
}

// offer asks what the line may become.
func (p *Prompt) offer() {
	p.list = nil
	if p.of.Complete != nil {
		p.list = p.of.Complete(p.field.Value())
	}
}

// choose puts a completion into the field. The list stays, so that the next one can be tried.
func (p *Prompt) choose(step int) {
	if len(p.list) == 0 {
		return
	}
	if p.pick < 0 && step < 0 {
		p.pick = 0
	}
	p.pick = (p.pick + step + len(p.list)) % len(p.list)
	p.field.SetValue(p.list[p.pick].Line)
	p.field.CursorEnd()
	if len(p.list) == 1 { // nothing else to try: go on from here
		p.pick = -1
		p.offer()
	}
}

// recall goes through what was typed before; below the newest is what is being typed now.
func (p *Prompt) recall(step int) {
	past := p.past + step
	if past < 0 || past > len(p.of.History) {
		return
	}
	if p.past == 0 {
		p.draft = p.field.Value()
	}
	p.past, p.pick = past, -1
	line := p.draft
	if past > 0 {
		line = p.of.History[len(p.of.History)-past]
	}
	p.field.SetValue(line)
	p.field.CursorEnd()
	p.offer()
}

// all is the whole overlay.
func (p *Prompt) all() []text.Line {
	out := []text.Line{text.Of(text.Space(1), text.Repeat(text.Key, "━", p.look.Cols-2))}
	if p.of.Title != "" {
		out = append(out, text.Of(text.Space(1), text.Text(text.Title, p.of.Title)).Cut(p.look.Cols-1))
	}
	out = append(out, append(text.Of(text.Space(1), text.Text(text.Key, p.of.Label)), fieldLine(p.field, p.look.Cols-len(p.of.Label)-2)...))
	first := 0
	if p.pick >= promptCompletions {
		first = p.pick - promptCompletions + 1
	}
	for i := first; i < len(p.list) && i < first+promptCompletions; i++ {
		tone := text.Plain
		if i == p.pick {
			tone = text.Strong
		}
		l := append(text.Of(cursorCell(i == p.pick)), text.Of(text.Text(tone, p.list[i].Shown)).Fit(min(26, p.look.Cols/2))...)
		out = append(out, append(l, text.Space(1), text.Text(text.Dim, p.list[i].Sentence)).Cut(p.look.Cols-1))
	}
	below := text.Of(text.Text(text.Dim, p.of.Help))
	if p.of.Echo != nil {
		if echo := p.of.Echo(p.field.Value()); len(echo) > 0 {
			below = echo
		}
	}
	if len([]rune(p.field.Value())) >= p.field.CharLimit {
		below = text.Of(text.Text(text.Warn, "! full: a line has at most "+Count(p.field.CharLimit)+" characters; what was typed beyond is not in it"))
	}
	if below.Width() > 0 {
		out = append(out, append(text.Of(text.Space(3)), below...).Cut(p.look.Cols-1))
	}
	return out
}

// Lines draws the view. Where not all of it fits, completions go first: the field stays.
func (p *Prompt) Lines() []text.Line {
	all := p.all()
	if over := len(all) - p.look.Rows; over > 0 && p.look.Rows > 0 {
		keep := max(len(all)-len(p.list)-1, 2)
		all = slices.Delete(all, min(keep, len(all)-over), min(keep, len(all)-over)+over)
	}
	return text.Block(all, p.look.Cols, p.look.Rows)
}

// Status says that nothing happens before Enter.
func (p *Prompt) Status() text.Line {
	return text.Of(text.Space(1), text.Text(text.Dim, "No key changes evidence."))
}

// Hints are the keys that do something here.
func (p *Prompt) Hints() []Hint { return []Hint{{In, "do it"}, {Out, "leave it"}} }

// Selected is what the prompt is about.
func (p *Prompt) Selected() Target { return p.of.Target }

// fieldLine is a text field in at most cols cells, the part around the cursor when it is longer. The cursor is a cell
// in reverse: a blinking one would write to the terminal all the time.
func fieldLine(field textinput.Model, cols int) text.Line {
	value := []rune(field.Value())
	at := min(field.Position(), len(value))
	first := at // from the cursor back, as far as there is room: a long note is drawn with every key
	for cells := 2; first > 0; first-- {
		if cells += text.Width(string(value[first-1])); cells > cols {
			break
		}
	}
	for text.Width(string(value[first:at]))+2 > cols && first < at { // some characters are wider side by side
		first++
	}
	under, behind := " ", ""
	if at < len(value) {
		under, behind = string(value[at]), string(value[at+1:])
	}
	return text.Of(text.Text(text.Strong, string(value[first:at])), text.Text(text.Reverse, under), text.Text(text.Strong, behind)).Cut(cols)
}
