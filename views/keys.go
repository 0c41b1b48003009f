package views

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

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
	Ahead       Action = "impact"
	Otherwise   Action = "what if"
	Pick        Action = "pick"
	Compare     Action = "diff"
	Suspects    Action = "findings"
	NextMark    Action = "next mark"
	PrevMark    Action = "previous mark"
	NextFinding Action = "next finding"
	PrevFinding Action = "previous finding"
	PlaceBefore Action = "place before"
	PlaceAfter  Action = "place after"
	AsOf        Action = "as it was at"
	Clock       Action = "times"
	Filter      Action = "filter"
	Command     Action = "command"
	Freeze      Action = "freeze"
	Yank        Action = "copy"
	Export      Action = "export"
	Bookmark    Action = "bookmark"
	Share       Action = "share"
	Again       Action = "again"
	Messages    Action = "messages"
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

// Name is the action as a configuration names it: next-mark.
func (k KeyOf) Name() string { return strings.ReplaceAll(string(k.Action), " ", "-") }

// Keymap is a list of keys in the order of the help. Nobody changes one that a view was given.
type Keymap []KeyOf

// Keys is the one list of keys as they come. Key line, help and docs/keys.md are made from it, or from what With made
// of it.
func Keys() Keymap {
	return append(Keymap{
		bind(Down, "j ↓", "down", "The next row; a number before it moves that many: 5j.", "j", "down"),
		bind(Up, "k ↑", "up", "The row before.", "k", "up"),
		bind(Top, "g", "first", "The first row; on the timeline the oldest.", "g", "home"),
		bind(Bottom, "G", "last", "The last row; on the timeline the newest, live again after space.", "G", "end"),
		bind(HalfDown, "ctrl+d", "half page down", "Half a screen down.", "ctrl+d", "pgdown"),
		bind(HalfUp, "ctrl+u", "half page up", "Half a screen up.", "ctrl+u", "pgup"),
		bind(In, "↵ l →", "in", "Into what the cursor stands on: why it was told, what it rests on.", "enter", "l", "right"),
		bind(Out, "esc h ←", "out", "One step out: stop what is running, close what is open, clear the filter, go back.", "esc", "h", "left"),
		bind(Behind, "p", "provenance", "The chain behind: from the answer down to the bytes of the documents.", "p"),
		bind(Ahead, "i", "impact", "The chain ahead: who was told it, who is told it still, what was done on the strength of it. There: wider, from an assertion to its document and to all that its author wrote.", "i"),
		bind(Otherwise, "x", "what if", "What the selected query would have said without a record, under another lens, stage or time.", "x"),
		bind(Pick, "v", "pick", "Pick the selected answer, to compare others with it; once more puts it back.", "v"),
		bind(Compare, "d", "diff", "What the selected answer and the picked one differ in, and which records moved the one to the other; with nothing picked, the selected answer and the one to the same question before it.", "d"),
		bind(Suspects, "f", "findings", "The queries that deserve a look, worst first. There: of this window, or of all that is recorded.", "f"),
		bind(PrevMark, "[ N", "mark before", "The deploy, alert, rollback, decision or note before.", "[", "N"),
		bind(NextMark, "] n", "next mark", "The next deploy, alert, rollback, decision or note.", "]", "n"),
		bind(PrevFinding, "{", "finding before", "The query before that deserves a look.", "{"),
		bind(NextFinding, "}", "next finding", "The next query that deserves a look.", "}"),
		bind(PlaceBefore, "<", "place before", "Where one was before: the history of places.", "<"),
		bind(PlaceAfter, ">", "place after", "Where one was before going back in that history.", ">"),
		bind(AsOf, "t", "as it was at", "Show everything as it was at a time, which is typed in the zone shown; an empty line shows the present again.", "t"),
		bind(Clock, "T", "times", "Show times as UTC, as local time with its offset, as T+ of the incident, or as how long ago.", "T"),
		bind(Filter, "/", "filter", "Show only what matches: words, field:glob, ! or - in front for what must not match. Fields: agent subject predicate lens finding told.", "/"),
		bind(Command, ":", "command", "A command by name, with completion: :t0 21:09, :as-of 21:00, :theme light, :show ID.", ":"),
		bind(Freeze, "space", "freeze", "Hold the screen still: nothing that arrives moves it until the same key, or G.", " "),
		bind(Yank, "y", "copy", "Copy of what the cursor stands on: link, id, hash, text, Markdown, and commands for a shell.", "y"),
		bind(Export, "e", "export", "Write what the cursor stands on to a file for people without the tool.", "e"),
		bind(Bookmark, "m", "bookmark", "Keep what the cursor stands on in the case, with a note.", "m"),
		bind(Share, "S", "share", "For a screen that others see: fewer columns, the last key shown; names of people and hosts, and what looks like a secret, are masked.", "S"),
		bind(Again, "r", "try again", "Put again the question that failed or was stopped; the key line names it where there is one.", "r"),
		bind(Messages, "M", "messages", "What was said on the status line so far, and every error in full.", "M"),
		bind(Help, "?", "help", "These keys, and the words of this screen.", "?"),
		bind(Leave, "q", "back", "Back; at the first screen twice within 2 s quits.", "q"),
		bind(Stop, "ctrl+c", "cancel", "Stop what is running; twice quits.", "ctrl+c"),
	}, replayKeys()...)
}

func bind(a Action, show, word, sentence string, keys ...string) KeyOf {
	return KeyOf{a, key.NewBinding(key.WithKeys(keys...), key.WithHelp(show, word)), sentence}
}

// Of is the key of an action; the zero KeyOf where there is none.
func (m Keymap) Of(a Action) KeyOf {
	for _, k := range m {
		if k.Action == a {
			return k
		}
	}
	return KeyOf{}
}

// Shown is the first key of an action, as a screen shows it; empty where it has none.
func (m Keymap) Shown(a Action) string {
	first, _, _ := strings.Cut(m.Of(a).Binding.Help().Key, " ")
	return first
}

// Means is the action that a key is bound to; empty for none.
func (m Keymap) Means(name string) Action {
	for _, k := range m {
		if slices.Contains(k.Binding.Keys(), name) {
			return k.Action
		}
	}
	return ""
}

// With is the keymap with other keys for some actions, by KeyOf.Name. The error is for whoever wrote them: a name that
// is none, a key that cannot be one, a key that would mean two things.
func (m Keymap) With(changes map[string][]string) (Keymap, error) {
	out := slices.Clone(m)
	for i, k := range out {
		keys, changed := changes[k.Name()]
		if !changed {
			continue
		}
		if len(keys) == 0 {
			return nil, &KeyError{Action: k.Name(), Err: "found no key, expected at least one"}
		}
		bound, shown := make([]string, len(keys)), make([]string, len(keys))
		for j, name := range keys {
			if wrong := unusable(name); wrong != "" {
				return nil, &KeyError{Action: k.Name(), Err: fmt.Sprintf("found the key %.20q, %s", name, wrong)}
			}
			bound[j], shown[j] = pressed(name), shownKey(name)
		}
		out[i] = bind(k.Action, strings.Join(shown, " "), k.Binding.Help().Desc, k.Sentence, bound...)
	}
	return out, out.clash(changes)
}

// KeyError says what is wrong with the keys of an action.
type KeyError struct{ Action, Err string }

func (e *KeyError) Error() string { return "keys of " + e.Action + ": " + e.Err }

// clash is an error when a key means two things; it blames an action that was changed.
func (m Keymap) clash(changes map[string][]string) error {
	bound := map[string]KeyOf{}
	for _, k := range m {
		for _, name := range k.Binding.Keys() {
			other, taken := bound[name]
			if !taken {
				bound[name] = k
				continue
			}
			if _, changed := changes[k.Name()]; !changed {
				k, other = other, k
			}
			return &KeyError{Action: k.Name(), Err: fmt.Sprintf("the key %q is that of %s, too; give one of them another", shownKey(name), other.Name())}
		}
	}
	return nil
}

// pressed is a key's name as bubbletea says it, shownKey as a screen does.
func pressed(name string) string {
	if name == "space" {
		return " "
	}
	return name
}

func shownKey(name string) string {
	switch name {
	case " ":
		return "space"
	case "enter":
		return "↵"
	case "up":
		return "↑"
	case "down":
		return "↓"
	case "left":
		return "←"
	case "right":
		return "→"
	}
	return name
}

// unusable says why a key cannot be bound; empty when it can. Digits are counts; Alt and the F-keys do not arrive
// everywhere; ctrl+s, q, a, b and z belong to terminals and multiplexers, ctrl+i, m, j and h are other keys' bytes.
func unusable(name string) string {
	switch name {
	case "enter", "esc", "up", "down", "left", "right", "home", "end", "pgup", "pgdown", "tab", "shift+tab", "backspace", "delete", "space", "ctrl+c":
		return ""
	}
	if letter, ok := strings.CutPrefix(name, "ctrl+"); ok {
		if len(letter) == 1 && letter[0] >= 'a' && letter[0] <= 'z' && !strings.Contains("sqabzimjh", letter) {
			return ""
		}
		return "which terminals or multiplexers keep for themselves, or which is none; others are ctrl+d, ctrl+u, ctrl+n"
	}
	r, size := utf8.DecodeRuneInString(name)
	switch {
	case name == "" || size != len(name) || r == utf8.RuneError || r <= ' ':
		return "expected a single character, or one of enter esc up down left right home end pgup pgdown tab backspace delete space ctrl+LETTER"
	case '0' <= r && r <= '9':
		return "which begins a count such as 5j"
	}
	return ""
}

// HasKey reports whether some action is bound to k as keys come.
func HasKey(k string) bool { return Keys().Means(k) != "" }

// DropDeadKeys takes from a sentence the keys in parentheses that are bound to nothing: "see who is told it (i)."
// must not send anybody to a key that does nothing. Words such as (Enter) stay.
func DropDeadKeys(sentence string) string { return Keys().Sentence(sentence) }

// Sentence puts this keymap's keys in the place of those in parentheses, which are the keys as they come, and drops
// those that are bound to nothing.
func (m Keymap) Sentence(s string) string {
	base := Keys()
	from := 0
	for {
		open := strings.IndexByte(s[from:], '(')
		if open < 0 {
			return s
		}
		open += from
		if open+2 >= len(s) || s[open+2] != ')' {
			from = open + 1
			continue
		}
		shown := m.Shown(base.Means(s[open+1 : open+2]))
		if shown == "" {
			s = strings.TrimRight(s[:open], " ") + s[open+3:]
			from = min(open, len(s))
			from = max(from-1, 0)
			continue
		}
		s = s[:open+1] + shown + s[open+2:]
		from = open + 1 + len(shown)
	}
}
