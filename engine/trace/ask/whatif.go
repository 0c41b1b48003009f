package ask

import (
	"fmt"
	"math"
	"strings"
	"time"

	"episteme/engine/record"
)

// Target is what a question is about: a record, or an agent with all its records. Agent counts when ID is zero.
type Target struct {
	ID    record.ID
	Agent string
}

// agentPrefix begins a Target that is an agent; what follows is its name as it stands.
const agentPrefix = "agent:"

// String is the id in full, or agent:NAME.
func (t Target) String() string {
	if t.ID.IsZero() {
		return agentPrefix + t.Agent
	}
	return t.ID.String()
}

// Short is String with the id as screens show it.
func (t Target) Short() string {
	if t.ID.IsZero() {
		return agentPrefix + t.Agent
	}
	return t.ID.Short()
}

// MarshalText writes the form of String.
func (t Target) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads an id in full, or agent:NAME.
func (t *Target) UnmarshalText(text []byte) error {
	if name, ok := strings.CutPrefix(string(text), agentPrefix); ok {
		*t = Target{Agent: name}
		return nil
	}
	id, err := record.ParseID(string(text))
	if err == nil {
		*t = Target{ID: id}
	}
	return err
}

// WhatIfChange is what is different in a what-if. The zero one is the recorded question as it stands.
type WhatIfChange struct {
	// Without is taken as absent, with all that it takes along: an agent its records, a source (s_ or b_) all
	// descriptors and assertions of its digest, an epoch its assertions and its effect, an assertion those derived
	// from it. Assertions, votes, transitions, epochs, sources, digests and agents; nothing else decides an answer.
	Without []Target

	Lens     string        // empty: the recorded one
	HalfLife time.Duration // 0: the recorded one while the lens stays, else the lens's default
	Filter   *record.Stage // nil: the recorded one; 0: no filter
	AsOf     *record.Time  // nil: the recorded one; the pin stays either way
}

// WhatIf is what an audit would have said had something been different. When the audit does not reproduce, nothing
// is ranked: Recomputed, Flips and Margin are nil, and the lists are empty.
type WhatIf struct {
	Query      record.ID `json:"query_id"`
	Recorded   Result    `json:"recorded"`
	Reproduced bool      `json:"reproduced"` // resolved again unchanged, the audit gives what was recorded
	Recomputed *Result   `json:"recomputed"` // with the change
	Flips      *bool     `json:"flips"`      // the change gives another value

	// Margin is the recomputed answer's mass minus the greatest other mass, which is 0 for a lone group; without a
	// value it is the leading group's. Under authority and recency it may be negative, and predicts nothing.
	Margin        *float32       `json:"margin"`
	Contributions []Contribution `json:"contributing_assertions"` // of the recomputed answer; Source is its name now

	// SmallestFlip is the smallest set of the recorded answer's contributions without which the recorded question,
	// otherwise unchanged, has another value; nil when Searched found none.
	SmallestFlip []record.ID `json:"smallest_flip"`
	Searched     string      `json:"searched"`

	// LeftOut are the records that counted for the question as it was changed, had nothing been left out, and do not
	// count now, by kind, then by hash: what Without came to. Empty: it bears on nothing here.
	LeftOut []record.ID `json:"left_out"`
}

// Words say what is different, as the beginning of a sentence: "without a_19c0e4d2, under authority".
func (c WhatIfChange) Words() string {
	var parts []string
	for _, w := range c.Without {
		parts = append(parts, "without "+w.Short())
	}
	if c.Lens != "" {
		parts = append(parts, "under "+c.Lens)
	}
	if c.HalfLife != 0 {
		parts = append(parts, "with a half-life of "+record.FormatHalfLife(c.HalfLife))
	}
	switch {
	case c.Filter == nil:
	case *c.Filter == 0:
		parts = append(parts, "if any stage counted")
	default:
		parts = append(parts, "if only "+c.Filter.String()+" counted")
	}
	if c.AsOf != nil {
		parts = append(parts, "as it was at "+c.AsOf.String())
	}
	if len(parts) == 0 {
		return "with nothing changed"
	}
	return strings.Join(parts, ", ")
}

// Lines are TOLD, WHAT IF, MARGIN, BECAUSE, LEFT OUT and FLIP, in this order; TOLD and WHAT IF alone when nothing was
// reproduced. lens is the one that answered the changed question.
func (w WhatIf) Lines(c WhatIfChange, lens string) []Line {
	lines := []Line{{"TOLD", w.Recorded.held()}}
	if !w.Reproduced || w.Recomputed == nil {
		return append(lines, Line{"WHAT IF", []Part{{Role: Bad, Text: "recomputed: DIFFERS. Trust nothing that follows from it; run `episteme verify`"}}})
	}
	if w.Flips == nil || w.Margin == nil { // whatever sent this is not episteme, or not this one
		return append(lines, Line{"WHAT IF", []Part{{Role: Bad, Text: "recomputed, but whether it flips, or by how much, did not come with the answer"}}})
	}
	said := []Part{{Role: Plain, Text: c.Words() + " it would have said"}}
	if *w.Flips {
		said = append(said, w.Recomputed.held()...)
	} else {
		said = append(append(said, Part{Role: Plain, Text: "the same:"}), w.Recomputed.held()...)
	}
	lines = append(lines, Line{"WHAT IF", said}, w.margin(lens))
	for i, part := range w.because() {
		label := ""
		if i == 0 {
			label = "BECAUSE"
		}
		lines = append(lines, Line{label, part})
	}
	if len(c.Without) > 0 {
		lines = append(lines, Line{"LEFT OUT", []Part{{Role: Plain, Text: w.leftOut()}}})
	}
	return append(lines, w.flip())
}

// held are a value with its confidence and how much of the weight it held, or the words for none.
func (r Result) held() []Part {
	parts := []Part{{Role: Value, Text: r.told()}}
	if r.Value.Type != record.NoValue {
		parts = append(parts, Part{Role: Plain, Text: "confidence"}, Part{Role: Strength, Text: Decimal(r.Confidence), Weight: r.Confidence})
	}
	if r.Share > 0 {
		parts = append(parts, Part{Role: Plain, Text: fmt.Sprintf("  held %d %% of the weight", int(math.Round(float64(r.Share)*100)))})
	}
	return parts
}

func (w WhatIf) margin(lens string) Line {
	parts := []Part{{Role: Plain, Text: fmt.Sprintf("%+.2f against the heaviest other value", *w.Margin)}}
	if lens == "authority" || lens == "recency" {
		parts = append(parts, Part{Role: Aside, Text: "(predicts nothing under " + lens + ")"})
	}
	return Line{"MARGIN", parts}
}

func (w WhatIf) because() [][]Part {
	if len(w.Contributions) == 0 {
		return [][]Part{{{Role: Aside, Text: "nothing: no assertion would have contributed"}}}
	}
	var rows [][]Part
	for i, c := range w.Contributions {
		if i == verdictRows {
			return append(rows, []Part{{Role: Aside, Text: fmt.Sprintf("and %d more", len(w.Contributions)-i)}})
		}
		name := "no source held"
		if c.Source != nil {
			name = *c.Source
		}
		rows = append(rows, []Part{
			{Role: Value, Text: c.Value.String()}, {Role: Strength, Text: Decimal(c.Weight), Weight: c.Weight},
			Weighed{Lifecycle: c.Lifecycle}.stage(), {Role: IDOf, Text: c.Assertion.Short(), ID: c.Assertion}, {Role: SourceAt, Text: name},
		})
	}
	return rows
}

// leftOut counts what was left out by kind.
func (w WhatIf) leftOut() string {
	if len(w.LeftOut) == 0 {
		return "nothing that counts for this question"
	}
	var parts []string
	for from := 0; from < len(w.LeftOut); {
		kind, to := w.LeftOut[from].Kind, from
		for to < len(w.LeftOut) && w.LeftOut[to].Kind == kind {
			to++
		}
		plural := "s"
		if to-from == 1 {
			plural = ""
		}
		parts = append(parts, fmt.Sprintf("%d %s%s", to-from, kind, plural))
		from = to
	}
	return strings.Join(parts, ", ") + " that would have counted for this question"
}

func (w WhatIf) flip() Line {
	if len(w.SmallestFlip) == 0 {
		return Line{"FLIP", []Part{{Role: Plain, Text: "none found"}, {Role: Aside, Text: "(searched " + w.Searched + ")"}}}
	}
	parts := []Part{{Role: Plain, Text: "the recorded answer rests on"}}
	for i, id := range w.SmallestFlip {
		if i > 0 {
			parts = append(parts, Part{Role: Plain, Text: "and"})
		}
		parts = append(parts, Part{Role: IDOf, Text: id.Short(), ID: id})
	}
	return Line{"FLIP", append(parts, Part{Role: Aside, Text: "(searched " + w.Searched + ")"})}
}
