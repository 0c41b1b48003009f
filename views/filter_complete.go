package views

import (
	"slices"
	"strings"
)

// picksMax is how many completions of a word are gone through.
const picksMax = 50

// completeFilter puts the next completion in the place of the word before the cursor.
func (t *Timeline) completeFilter(step int) []Do {
	line := []rune(t.typed.Value())
	at := min(t.typed.Position(), len(line))
	head, word := "", string(line[:at])
	if i := strings.LastIndexByte(word, ' '); i >= 0 {
		head, word = word[:i+1], word[i+1:]
	}
	if t.picks == nil {
		t.picks, t.pick = t.filterPicks(word), -1
		if step < 0 {
			t.pick = 0
		}
	}
	if len(t.picks) == 0 {
		t.picks = nil
		return []Do{Say{Text: "Nothing begins like that: fields are " + strings.Join(filterFields, ": ") + ":"}}
	}
	t.pick = (t.pick + step + len(t.picks)) % len(t.picks)
	now := head + t.picks[t.pick]
	t.typed.SetValue(now + string(line[at:]))
	t.typed.SetCursor(len([]rune(now)))
	if len(t.picks) == 1 {
		t.picks = nil
	}
	return t.refilter()
}

// filterPicks are the words that a word may become: fields, or behind a field's colon the values that the rows have,
// the most frequent first. Values with blanks are left out: a blank begins another word.
func (t *Timeline) filterPicks(word string) []string {
	bare := strings.TrimLeft(word, "!-")
	not := word[:len(word)-len(bare)]
	field, begun, isValue := strings.Cut(strings.ToLower(bare), ":")
	var out []string
	if !isValue {
		for _, f := range filterFields {
			if strings.HasPrefix(f, field) {
				out = append(out, not+f+":")
			}
		}
		return out
	}
	if !isField(field) {
		return nil
	}
	times := map[string]int{}
	for _, e := range t.rows {
		for _, v := range e.field(field) {
			if v = strings.ToLower(v); strings.HasPrefix(v, begun) && v != "" && !strings.ContainsAny(v, " \t\n*?{[") && len(times) < 10*picksMax {
				times[v]++
			}
		}
	}
	for v := range times {
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b string) int {
		if times[a] != times[b] {
			return times[b] - times[a]
		}
		return strings.Compare(a, b)
	})
	out = out[:min(len(out), picksMax)]
	for i, v := range out {
		out[i] = not + field + ":" + v
	}
	return out
}

// recall goes through the filters that were kept; below the newest is what is being typed now.
func (t *Timeline) recall(step int) []Do {
	past := t.past + step
	if past < 0 || past > len(t.tried) {
		return []Do{Say{Text: "No other filter was kept before."}}
	}
	if t.past == 0 {
		t.draft = t.typed.Value()
	}
	t.past = past
	line := t.draft
	if past > 0 {
		line = t.tried[len(t.tried)-past]
	}
	t.typed.SetValue(line)
	t.typed.CursorEnd()
	return t.refilter()
}
