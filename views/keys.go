package views

import (
	"strings"

	"github.com/charmbracelet/bubbles/key"
)

// Action is what a key means. It means the same on every screen.
type Action string

const (
	Down        Action = "down"
	Up          Action = "up"
	Top         Action = "top"
	Bottom      Action = "bottom"
	HalfDown    Action = "half down"
	HalfUp      Action = "half up"
	In          Action = "in"
	Out         Action = "out"
	Behind      Action = "provenance"
	NextMark    Action = "next mark"
	PrevMark    Action = "previous mark"
	NextFinding Action = "next finding"
	PrevFinding Action = "previous finding"
	Clock       Action = "times"
	Filter      Action = "filter"
	Yank        Action = "copy"
	Again       Action = "again"
	Help        Action = "help"
	Leave       Action = "back"
	Stop        Action = "cancel"
)

// Hint offers an action in the key line, in a word for what it does here; an empty word is the key's own.
type Hint struct {
	Action Action
	Word   string
}

// KeyOf is a key: what it is bound to, and the sentence that explains it.
type KeyOf struct {
	Action   Action
	Binding  key.Binding // Help().Key is how it is shown, Help().Desc its word
	Sentence string
}

// Keys is the one list of keys, in the order of the help. Key line, help and docs/keys.md are made from it.
func Keys() []KeyOf {
	return []KeyOf{
		bind(Down, "j ↓", "down", "The next row; a number before it moves that many: 5j.", "j", "down"),
		bind(Up, "k ↑", "up", "The row before.", "k", "up"),
		bind(Top, "g", "first", "The first row; on the timeline the oldest.", "g", "home"),
		bind(Bottom, "G", "last", "The last row; on the timeline the newest.", "G", "end"),
		bind(HalfDown, "ctrl+d", "half page down", "Half a screen down.", "ctrl+d", "pgdown"),
		bind(HalfUp, "ctrl+u", "half page up", "Half a screen up.", "ctrl+u", "pgup"),
		bind(In, "↵ l →", "in", "Into what the cursor stands on: why it was told, what it rests on.", "enter", "l", "right"),
		bind(Out, "esc h ←", "out", "One step out: stop what is running, close what is open, clear the filter, go back.", "esc", "h", "left"),
		bind(Behind, "p", "provenance", "The chain behind: from the answer down to the bytes of the documents.", "p"),
		bind(PrevMark, "[", "mark before", "The deploy, alert, rollback, decision or note before.", "["),
		bind(NextMark, "]", "next mark", "The next deploy, alert, rollback, decision or note.", "]"),
		bind(PrevFinding, "{", "finding before", "The query before that deserves a look.", "{"),
		bind(NextFinding, "}", "next finding", "The next query that deserves a look.", "}"),
		bind(Clock, "T", "times", "Show times as UTC, as local time with its offset, or as T+ of the incident.", "T"),
		bind(Filter, "/", "filter", "Show only what matches: words, field:glob, ! or - in front for what must not match. Fields: agent subject predicate lens finding told.", "/"),
		bind(Yank, "y", "copy", "Show the link, the id and the command for what the cursor stands on, and copy one.", "y"),
		bind(Again, "r", "try again", "Put again the question that failed or was stopped; the key line names it where there is one.", "r"),
		bind(Help, "?", "help", "These keys, and the words of this screen.", "?"),
		bind(Leave, "q", "back", "Back; at the first screen twice within 2 s quits.", "q"),
		bind(Stop, "ctrl+c", "cancel", "Stop what is running; twice quits.", "ctrl+c"),
	}
}

func bind(a Action, show, word, sentence string, keys ...string) KeyOf {
	return KeyOf{a, key.NewBinding(key.WithKeys(keys...), key.WithHelp(show, word)), sentence}
}

// HasKey reports whether some action is bound to k.
func HasKey(k string) bool {
	for _, b := range Keys() {
		for _, bound := range b.Binding.Keys() {
			if bound == k {
				return true
			}
		}
	}
	return false
}

// DropDeadKeys takes from a sentence the keys in parentheses that are bound to nothing: "see who is told it (i)."
// must not send anybody to a key that does nothing. Words such as (Enter) stay.
func DropDeadKeys(sentence string) string {
	for {
		open := deadKey(sentence)
		if open < 0 {
			return sentence
		}
		sentence = strings.TrimRight(sentence[:open], " ") + sentence[open+3:]
	}
}

// deadKey is where "(c)" stands for a character c that is no key; -1 for nowhere.
func deadKey(s string) int {
	for i := 0; i+2 < len(s); i++ {
		if s[i] == '(' && s[i+2] == ')' && !HasKey(s[i+1:i+2]) {
			return i
		}
	}
	return -1
}
