// Package views holds the screens of episteme, one file each: state, size and messages in, lines and wishes out.
//
// Promises: a view draws without having been given data, exactly as many lines as it was told, none wider than it was
// told. It keeps what it shows until something newer came. It says in its status line how complete it is.
//
// A view does nothing: no I/O, no clock, no goroutine. What it wants done it returns as a Do (a question to the
// evidence, another screen, a text to copy), and what came of it arrives as a Msg. So a view can be driven by a test,
// written as plain text, or replayed.
//
//	            ┌────────── Do: Ask, Rest, Open, Back, Say, Copy ─────────┐
//	keys ──► tui.Press                                                    ▼
//	            └──► View.Handle ──► state ──► View.Lines ──► text     tui: slots, stack, terminal
//	                     ▲                                                │
//	                     └────────── Msg: Answer, Waiting, Rested ────────┘
package views

import (
	"context"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
	"episteme/views/text"
)

// View is a screen. Nobody but the goroutine that owns it may call it.
type View interface {
	// SetLook says how large the view is and how it shows times. It comes before the first Lines and again on each
	// change. Before it the view has no size and draws nothing.
	SetLook(Look)

	// Handle takes a message. It returns what the view wants done, and whether the message meant anything to it: a
	// Press that did not falls through to the frame around (out of here, quit).
	Handle(Msg) ([]Do, bool)

	// Lines are exactly Look.Rows lines of at most Look.Cols cells.
	Lines() []text.Line

	// Status is one line below the view: how complete it is.
	Status() text.Line

	// Hints are the keys that do something here, the most useful first.
	Hints() []Hint

	// Crumb is the view's name in the path on the context line; also its section in the vocabulary.
	Crumb() string

	// Selected is what the cursor stands on; the zero Target for nothing.
	Selected() Target
}

// Typist is a view with a text field: while Typing, keys arrive as Typed and not as Press.
type Typist interface{ Typing() bool }

// Overlay is a view that covers only the bottom of the one below it.
type Overlay interface {
	// Height is how many of the rows it wants.
	Height(rows int) int
}

// Tall is a view that can say how many lines would show all of it: for output without a screen.
type Tall interface{ Height() int }

// Follower is a view that takes in what is recorded while it is open.
type Follower interface {
	Live() (newest *record.Time, live bool)
}

// OfQuery is a view that is about one query, also while its cursor stands on another record.
type OfQuery interface{ Query() record.ID }

// Windowed is a view that shows a part of time.
type Windowed interface{ Window() ask.Range }

// Look is what surrounds a view: its size, how it shows times, and what time it is, to the minute. Views change nothing
// of it.
type Look struct {
	Cols, Rows int
	Times      Times
	Now        record.Time
	AsOf       *record.Time         // everything is shown as it was then; nil: as it is now
	Keys       Keymap               // nil: as they come
	Kept       map[record.ID][]Kept // what the open case keeps of records
	Share      bool                 // others see the screen: less of it, larger
}

// Keymap are the keys that do something.
func (l Look) Keymap() Keymap {
	if l.Keys == nil {
		return Keys()
	}
	return l.Keys
}

// Kept is what somebody noted of a record.
type Kept struct{ By, Note string }

// Msg is what a view is told.
type Msg interface{ msg() }

// Shown says that the view came to be on top: for the first time, or because what covered it is gone.
type Shown struct{ First bool }

// Press is a key.
type Press struct {
	Action Action
	Count  int // typed before it; 0: none
}

// Held says that the screen is to stand still, or not any more: nothing that arrives may move it.
type Held struct{ Still bool }

// Typed is a key while a text field has focus.
type Typed struct{ Key tea.KeyMsg }

// Answer is what came of an Ask: some parts, then a last one that is not Part. Answers of a question that a newer one
// has replaced never arrive.
type Answer struct {
	Slot  string
	Value any
	Err   error
	Part  bool
}

// Waiting says that an Ask is not answered yet. The first comes after 150 ms; what is answered sooner needs no sign
// of waiting.
type Waiting struct {
	Slot  string
	Doing string
	Tick  int           // 1, 2, 3 …: for the spinner
	For   time.Duration // since it was asked
	Late  bool          // it has taken longer than its budget
}

// Stopped says that the user cancelled an Ask.
type Stopped struct{ Slot string }

// Rested says that the time of a Rest is over and no newer one came.
type Rested struct{ Name string }

func (Held) msg()    {}
func (Shown) msg()   {}
func (Press) msg()   {}
func (Typed) msg()   {}
func (Answer) msg()  {}
func (Waiting) msg() {}
func (Stopped) msg() {}
func (Rested) msg()  {}

// Do is what a view wants done.
type Do interface{ do() }

// Ask puts a question to the evidence. A view has as many questions under way as it has names for slots; a newer one
// of the same name cancels the older.
type Ask struct {
	Slot   string
	Doing  string        // what it does, for the line that says so: reading the timeline
	Budget time.Duration // after this it says that it is slow, and goes on
	Quiet  bool          // nobody waits for it: Esc does not stop it
	Run    Question
}

// Question runs on a goroutine of its own. It polls ctx. What it hands to part arrives at once as an Answer with
// Part set; part returns false when nobody wants more.
type Question func(ctx context.Context, in ask.Investigator, part func(any) bool) (any, error)

// Budgets of questions: what a person notices, what interrupts, what makes one look away.
const (
	PointBudget = 100 * time.Millisecond
	AsOfBudget  = 500 * time.Millisecond
	TraceBudget = 2 * time.Second
	ChainBudget = 5 * time.Second
)

// Rest asks for a Rested after Wait, unless another Rest of this name follows. It keeps questions back while a key
// repeats.
type Rest struct {
	Name string
	Wait time.Duration
}

// Open puts a view on top.
type Open struct{ View View }

// Back leaves this view.
type Back struct{}

// Say shows a sentence in place of the status line until the next key.
type Say struct {
	Text string
	Tone text.Tone
}

// Copy puts a text on the clipboard of the terminal, where that is allowed.
type Copy struct{ What, Text string }

// Submit hands over what was typed into a Prompt.
type Submit struct {
	Prompt *Prompt
	Text   string
}

// Begin opens an incident that comes with the program.
type Begin struct{ Fixture string }

// Visit opens the screen of a record.
type Visit struct{ ID record.ID }

// Zero sets the moment from which T+ counts.
type Zero struct{ At record.Time }

func (Ask) do()    {}
func (Rest) do()   {}
func (Open) do()   {}
func (Back) do()   {}
func (Say) do()    {}
func (Copy) do()   {}
func (Zero) do()   {}
func (Submit) do() {}
func (Begin) do()  {}
func (Visit) do()  {}

// Target is what the cursor stands on, for copying.
type Target struct {
	ID   record.ID
	What string // a few words: ES256 told to deployment-agent
}
