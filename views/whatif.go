package views

import (
	"context"
	"errors"
	"slices"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
	"episteme/views/text"
)

// WhatIf shows what a query was told beside what it would have said without a record, under another lens, stage or
// time. The recorded answer never leaves the screen. The question is first put again unchanged: where that does not
// give what was recorded, nothing else is said.
type WhatIf struct {
	look  Look
	query record.ID
	first record.ID // put the cursor on this assertion

	weighed progress // what contributed, and what lost
	again   progress // the answer to the changed question
	verdict *ask.Verdict
	cannot  *ask.NotRecomputableError

	change ask.WhatIfChange // as the levers stand
	asked  ask.WhatIfChange // what result is the answer to
	sent   ask.WhatIfChange // what is under way
	result *ask.WhatIf
	levers [leverGroups][]lever
	list   sections
}

// lever is a change that a row offers.
type lever struct {
	target ask.Target // leave this out, or put it back
	weigh  *ask.Weighed
	all    string // what else goes with it, in words
	lens   string
	filter *record.Stage
	asOf   *record.Time
	words  string
}

// Groups of levers, each a section.
const (
	leaveOut = iota
	otherLens
	otherStage
	otherTime
	leverGroups
)

const (
	whatIfSlot = "what if"
	timesMax   = 12 // moments offered
)

// Lenses are the lenses that a what-if offers, in the order in which they are listed everywhere.
func Lenses() []string { return []string{"consensus", "authority", "recency", "skeptic"} }

// NewWhatIf is the what-if of a query; the cursor begins on first, when that is one of its assertions.
func NewWhatIf(query, first record.ID) *WhatIf { return &WhatIf{query: query, first: first} }

// Crumb is the view's name.
func (w *WhatIf) Crumb() string { return "what if" }

// Query is what is asked about.
func (w *WhatIf) Query() record.ID { return w.query }

// SetLook says how large the view is.
func (w *WhatIf) SetLook(l Look) {
	w.look = l
	w.fit()
}

func (w *WhatIf) ask() Do {
	id := w.query
	return w.weighed.ask(Ask{Slot: verdictSlot, Doing: "weighing again", Budget: AsOfBudget,
		Run: func(ctx context.Context, in ask.Investigator, _ func(any) bool) (any, error) {
			return in.Verdict(ctx, id)
		}})
}

func (w *WhatIf) askAgain() Do {
	id, change := w.query, w.change
	change.Without = slices.Clone(change.Without)
	w.sent = change
	return w.again.ask(Ask{Slot: whatIfSlot, Doing: "asking " + change.Words(), Budget: AsOfBudget,
		Run: func(ctx context.Context, in ask.Investigator, _ func(any) bool) (any, error) {
			return in.WhatIf(ctx, id, change)
		}})
}

// Handle takes a message.
func (w *WhatIf) Handle(m Msg) ([]Do, bool) {
	if w.weighed.handle(m) || w.again.handle(m) {
		var do []Do
		if a, ok := m.(Answer); ok {
			do = w.answered(a)
		}
		w.fit()
		return do, true
	}
	switch m := m.(type) {
	case Shown:
		if m.First {
			return []Do{w.ask()}, true
		}
	case Press:
		return w.press(m)
	}
	return nil, false
}

func (w *WhatIf) answered(a Answer) []Do {
	if errors.As(a.Err, &w.cannot) {
		w.again.err = nil
		return nil
	}
	if a.Err != nil {
		return nil
	}
	switch v := a.Value.(type) {
	case ask.Verdict:
		w.verdict = &v
		w.levers = leversOf(v)
		for i, l := range w.levers[leaveOut] {
			if l.target.ID == w.first && l.weigh != nil {
				w.list.cursor.Len = i + 1
				w.list.cursor.Cursor = i
			}
		}
		return []Do{w.askAgain()}
	case ask.WhatIf:
		w.result, w.asked = &v, w.sent
	}
	return nil
}

// leversOf are the changes that are worth a row: each assertion that was weighed, the documents and the authors
// behind them, the other lenses, the stages, and the moments before something happened to one of them.
func leversOf(v ask.Verdict) (out [leverGroups][]lever) {
	weighed := append(slices.Clone(v.Because), v.Against...)
	for i := range weighed {
		out[leaveOut] = append(out[leaveOut], lever{target: ask.Target{ID: weighed[i].Assertion}, weigh: &weighed[i]})
	}
	add := func(t ask.Target, words string) {
		if !slices.ContainsFunc(out[leaveOut], func(l lever) bool { return l.target == t }) {
			out[leaveOut] = append(out[leaveOut], lever{target: t, all: words})
		}
	}
	for _, w := range weighed {
		if !w.Source.Descriptor.IsZero() {
			add(ask.Target{ID: w.Source.Descriptor}, "all of "+w.Source.Name)
		}
	}
	for _, w := range weighed {
		if w.Agent != "" {
			add(ask.Target{Agent: w.Agent}, "everything "+w.Agent+" wrote")
		}
	}
	for _, name := range Lenses() {
		out[otherLens] = append(out[otherLens], lever{lens: name})
	}
	if !slices.Contains(Lenses(), v.Audit.Lens) {
		out[otherLens] = append([]lever{{lens: v.Audit.Lens}}, out[otherLens]...)
	}
	for _, s := range []record.Stage{0, record.Approved, record.UnderReview, record.Proposed} {
		out[otherStage] = append(out[otherStage], lever{filter: &s})
	}
	out[otherTime] = append([]lever{{words: "as recorded"}}, momentsOf(v, weighed)...)
	return out
}

// momentsOf are the moments just before each step in the lives of what was weighed that the answer could see, the
// newest first: what a what-if at another time can turn on.
func momentsOf(v ask.Verdict, weighed []ask.Weighed) []lever {
	var out []lever
	for i := range weighed {
		for _, s := range weighed[i].Life {
			if s.After || s.At == 0 || s.At > v.Audit.AsOf {
				continue
			}
			at := s.At - 1
			words := "stated"
			switch {
			case s.Vote != nil:
				words = "vote " + signed(*s.Vote)
			case s.To != nil && s.ID != weighed[i].Assertion:
				words = s.To.String()
			}
			out = append(out, lever{asOf: &at, words: weighed[i].Assertion.Short() + " " + words + " by " + s.Agent})
		}
	}
	slices.SortStableFunc(out, func(a, b lever) int {
		switch {
		case *a.asOf > *b.asOf:
			return -1
		case *a.asOf < *b.asOf:
			return 1
		}
		return 0
	})
	out = slices.CompactFunc(out, func(a, b lever) bool { return *a.asOf == *b.asOf })
	return out[:min(len(out), timesMax)]
}

func (w *WhatIf) press(p Press) ([]Do, bool) {
	if w.list.move(p) {
		return nil, true
	}
	switch p.Action {
	case In:
		if w.weighed.failed() {
			return []Do{w.ask()}, true
		}
		return w.pull(), true
	case Again:
		switch {
		case w.weighed.failed():
			return []Do{w.ask()}, true
		case w.again.failed():
			return []Do{w.askAgain()}, true
		}
		return nothingFailed(), true
	case Otherwise:
		if w.verdict == nil || w.changed() == 0 {
			return []Do{Say{Text: "Nothing is changed: this is the question as it was recorded.", Tone: text.Plain}}, true
		}
		w.change = ask.WhatIfChange{}
		return []Do{w.askAgain()}, true
	case Behind:
		if id := w.Selected().ID; !id.IsZero() {
			return []Do{Open{NewProvenance(id)}}, true
		}
	}
	return nil, false
}

// pull moves the lever under the cursor and asks again.
func (w *WhatIf) pull() []Do {
	l, group, ok := w.at()
	switch {
	case !ok:
		return nil
	case w.cannot != nil:
		return []Do{Say{Text: "! " + w.cannot.Error(), Tone: text.Warn}}
	case w.result != nil && !w.result.Reproduced:
		return []Do{Say{Text: "✗ It does not reproduce: nothing that follows from it could be trusted.", Tone: text.Bad}}
	}
	switch group {
	case leaveOut:
		if at := slices.Index(w.change.Without, l.target); at >= 0 {
			w.change.Without = slices.Delete(slices.Clone(w.change.Without), at, at+1)
		} else {
			w.change.Without = append(slices.Clone(w.change.Without), l.target)
		}
	case otherLens:
		if w.change.Lens = l.lens; l.lens == w.verdict.Audit.Lens {
			w.change.Lens = ""
		}
	case otherStage:
		if w.change.Filter = l.filter; sameStage(*l.filter, w.verdict.Audit.LifecycleFilter) {
			w.change.Filter = nil
		}
	case otherTime:
		w.change.AsOf = l.asOf
	}
	return []Do{w.askAgain()}
}

func sameStage(s record.Stage, only *record.Stage) bool {
	return only == nil && s == 0 || only != nil && *only == s
}

// isOn reports whether a lever is where the question under way has it.
func (w *WhatIf) isOn(group int, l lever) bool {
	a := w.verdict.Audit
	switch group {
	case leaveOut:
		return slices.Contains(w.change.Without, l.target)
	case otherLens:
		return l.lens == w.change.Lens || w.change.Lens == "" && l.lens == a.Lens
	case otherStage:
		if w.change.Filter != nil {
			return *w.change.Filter == *l.filter
		}
		return sameStage(*l.filter, a.LifecycleFilter)
	}
	if l.asOf == nil || w.change.AsOf == nil {
		return l.asOf == w.change.AsOf
	}
	return *l.asOf == *w.change.AsOf
}

// changed is how much of the question is another, as the levers stand.
func (w *WhatIf) changed() int { return changes(w.change) }

// changes counts what is different in a change.
func changes(c ask.WhatIfChange) int {
	n := len(c.Without)
	for _, other := range []bool{c.Lens != "", c.Filter != nil, c.AsOf != nil} {
		if other {
			n++
		}
	}
	return n
}

func (w *WhatIf) at() (l lever, group int, ok bool) {
	sec, row, ok := w.list.selected()
	if !ok || w.verdict == nil {
		return lever{}, 0, false
	}
	return w.levers[sec][row], sec, true
}

// Selected is the record under the cursor; elsewhere it is the query.
func (w *WhatIf) Selected() Target {
	if l, group, ok := w.at(); ok && group == leaveOut && !l.target.ID.IsZero() {
		what := l.all
		if l.weigh != nil {
			what = l.weigh.Value.String() + " in " + l.weigh.Source.Name
		}
		return Target{l.target.ID, what}
	}
	return Target{w.query, "query"}
}

// Hints are the keys that do something here.
func (w *WhatIf) Hints() []Hint {
	if w.verdict == nil {
		if w.weighed.failed() {
			return []Hint{{In, "try again"}, {Help, ""}, {Leave, ""}}
		}
		return []Hint{{Help, ""}, {Leave, ""}}
	}
	var hints []Hint
	if l, group, ok := w.at(); ok && w.cannot == nil && (w.result == nil || w.result.Reproduced) {
		word := "ask so"
		if group == leaveOut {
			if word = "leave it out"; w.isOn(group, l) {
				word = "put it back"
			}
		}
		hints = append(hints, Hint{In, word})
	}
	if w.changed() > 0 {
		hints = append(hints, Hint{Otherwise, "as recorded"})
	}
	return againOr(w.again.failed(), append(hints, Hint{Behind, ""}, Hint{Ahead, ""}, Hint{Yank, ""}, Hint{Clock, ""}, Hint{Help, ""}, Hint{Leave, ""}))
}

// Status says what was recomputed and what was searched.
func (w *WhatIf) Status() text.Line {
	if w.verdict == nil {
		return nil
	}
	var parts []text.Span
	switch {
	case w.cannot != nil:
		parts = append(parts, text.Text(text.Warn, "? as told: cannot be recomputed here"))
	case w.result == nil:
		return nil
	case !w.result.Reproduced:
		parts = append(parts, text.Text(text.Bad, "✗ does not reproduce: run `episteme verify`"))
	default:
		parts = append(parts, text.Text(text.OK, "✓ reproduced before anything was changed"))
	}
	if a := w.verdict.Audit; a.Pin != nil {
		parts = append(parts, text.Text(text.Plain, "saw records 1–"+Count(uint64(*a.Pin))))
	}
	if n := w.changed(); n > 0 {
		parts = append(parts, text.Text(text.Plain, plural(n, "change", "changes")))
	}
	return dotted(append(parts, text.Text(text.Dim, "nothing is written to find out")), w.look.Cols)
}
