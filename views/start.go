package views

import (
	"episteme/views/text"
)

// Nothing is what there is to say where nothing has been recorded.
type Nothing struct {
	Title    string
	Looked   [][2]string // places, and why each was passed over
	Fixtures []FixtureRow
}

// FixtureRow is an incident that comes with the program.
type FixtureRow struct{ Name, Title, Summary string }

// Start is the first screen where nothing has been recorded: where it was looked, how records come in, and the
// incidents that one can look at meanwhile.
type Start struct {
	look   Look
	what   Nothing
	window Window
}

// NewStart is the start screen.
func NewStart(n Nothing) *Start { return &Start{what: n} }

// Crumb is the view's name.
func (s *Start) Crumb() string { return "start" }

// SetLook says how large the view is.
func (s *Start) SetLook(l Look) {
	s.look = l
	s.window.Fit(len(s.what.Fixtures), len(s.what.Fixtures))
}

// Handle takes a message.
func (s *Start) Handle(m Msg) ([]Do, bool) {
	p, ok := m.(Press)
	if !ok {
		return nil, false
	}
	if s.window.Move(p) {
		return nil, true
	}
	if p.Action == In && len(s.what.Fixtures) > 0 {
		return []Do{Begin{s.what.Fixtures[s.window.Cursor].Name}}, true
	}
	return nil, false
}

// room is how much of the page is drawn. Where the page is small, words about the incidents go first, then the advice,
// then where was looked; that nothing is here, and the incidents that Enter opens, stay.
type room int

const (
	roomForAll room = iota
	roomForOne      // the summary of the incident under the cursor alone
	roomForNone
	roomForLess // no advice beside the command that reads records in
	roomForNames
)

// head is what stands above the incidents.
func (s *Start) head(r room) []text.Line {
	cols := s.look.Cols - 4
	if r == roomForNames {
		return []text.Line{text.Of(text.Space(2), text.Text(text.Strong, s.what.Title)), text.Of(text.Space(4), text.Text(text.Strong, "episteme ingest FILE")), nil}
	}
	out := []text.Line{nil, text.Of(text.Space(2), text.Text(text.Strong, s.what.Title)), nil}
	add := func(tone text.Tone, words string, rows int) {
		for _, l := range text.Wrap(tone, words, cols-2, rows) {
			out = append(out, append(text.Of(text.Space(4)), l...))
		}
	}
	out = append(out, text.Of(text.Space(2), text.Text(text.Title, "LOOKED IN")))
	for _, place := range s.what.Looked {
		add(text.Plain, place[0]+": "+place[1], 2)
	}
	out = append(out, nil, text.Of(text.Space(2), text.Text(text.Title, "TO BEGIN")))
	add(text.Strong, "episteme ingest FILE", 1)
	if r < roomForLess {
		add(text.Dim, "takes in JSON lines, or OpenTelemetry exports with --format otlp; - reads standard input", 2)
		add(text.Strong, "episteme tui --data DIR", 1)
		add(text.Dim, "opens evidence that lies elsewhere", 1)
	}
	return append(out, nil, text.Of(text.Space(2), text.Text(text.Title, "OR LOOK AT AN INCIDENT THAT COMES WITH IT"), text.Text(text.Dim, "  a copy, thrown away afterwards")))
}

// Lines draws the view.
func (s *Start) Lines() []text.Line {
	out := s.page(roomForAll)
	for r := roomForAll + 1; len(out) > s.look.Rows && r <= roomForNames; r++ {
		out = s.page(r)
	}
	if over := len(out) - s.look.Rows; over > 0 { // the incidents stay: they are what Enter opens
		out = out[min(over, max(len(out)-len(s.what.Fixtures), 0)):]
	}
	return text.Block(out, s.look.Cols, s.look.Rows)
}

func (s *Start) page(r room) []text.Line {
	out := s.head(r)
	for i, f := range s.what.Fixtures {
		tone := text.Plain
		if i == s.window.Cursor {
			tone = text.Strong
		}
		out = append(out, text.Of(text.Space(1), cursorCell(i == s.window.Cursor), text.Text(tone, f.Name), text.Space(2), text.Text(text.Plain, f.Title)).Cut(s.look.Cols-1))
		if r == roomForAll || r == roomForOne && i == s.window.Cursor {
			for _, l := range text.Wrap(text.Dim, f.Summary, s.look.Cols-10, 2) {
				out = append(out, append(text.Of(text.Space(6)), l...))
			}
		}
	}
	return out
}

// Status says that nothing was made.
func (s *Start) Status() text.Line {
	return text.Of(text.Space(1), text.Text(text.Dim, "Nothing was made or changed by looking."))
}

// Hints are the keys that do something here.
func (s *Start) Hints() []Hint {
	return []Hint{{In, "open it"}, {Down, ""}, {Help, ""}, {Leave, "quit"}}
}

// Selected is nothing: an incident is no record yet.
func (s *Start) Selected() Target { return Target{} }
