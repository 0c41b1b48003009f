package ask

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"episteme/engine/record"
)

// Role says what a part of a line is, so that a face can style it, shorten it or leave it out. The text alone
// already says everything.
type Role uint8

const (
	Plain    Role = iota
	Value         // what was told or claimed
	Strength      // a weight, a confidence
	StageOf       // a stage of life
	IDOf          // an id, shortened
	SourceAt      // the name of a source
	Aside         // may be left out first
	Warn          // deserves a look
	Bad           // something is wrong
)

// Part is a piece of a line. Text comes from data: a face cleans it before it reaches a terminal.
type Part struct {
	Role   Role
	Text   string
	Weight float32   // Strength: 0..1, for a bar beside the number
	ID     record.ID // IDOf: in full
}

// Line is a line of a verdict: a label such as TOLD, then its parts, a space between each.
type Line struct {
	Label string
	Parts []Part
}

// String is the line without its label.
func (l Line) String() string {
	texts := make([]string, len(l.Parts))
	for i, p := range l.Parts {
		texts[i] = p.Text
	}
	return strings.Join(texts, " ")
}

// Most contributions and competitors that a verdict names; the drill-down has them all.
const verdictRows = 2

// Headline is the sentence above a verdict: who asked what.
func (v Verdict) Headline() string {
	return v.Audit.Agent + " asked " + v.Audit.Subject + " " + v.Audit.Predicate
}

// Lines are TOLD, BECAUSE, AGAINST, LENS, WITHOUT, NOW and THEN, in this order. Command line, Markdown and screens
// print these and no others.
func (v Verdict) Lines() []Line {
	lines := []Line{v.told()}
	lines = append(lines, weighedLines("BECAUSE", v.Because, "nothing: no assertion contributed")...)
	if v.Recomputed == Same {
		lines = append(lines, weighedLines("AGAINST", v.Against, "nothing competed")...)
	}
	lines = append(lines, v.lens())
	if v.Recomputed != Same {
		return append(lines, v.then()...)
	}
	lines = append(lines, v.without(), v.now())
	return append(lines, v.then()...)
}

func (v Verdict) told() Line {
	r := v.Audit.Result
	parts := []Part{{Role: Value, Text: r.Value.String()}}
	if r.Value.Type == record.NoValue {
		return Line{"TOLD", append(parts, Part{Role: Warn, Text: "no value: nothing was known"})}
	}
	parts = append(parts, Part{Role: Plain, Text: "confidence"}, Part{Role: Strength, Text: Decimal(r.Confidence), Weight: r.Confidence})
	if r.Share > 0 {
		parts = append(parts, Part{Role: Plain, Text: fmt.Sprintf("  held %d %% of the weight", int(math.Round(float64(r.Share)*100)))})
	}
	switch v.Audit.State {
	case Imported:
		parts = append(parts, Part{Role: Aside, Text: "  imported: as told, cannot be recomputed here"})
	case Foreign:
		parts = append(parts, Part{Role: Aside, Text: "  recorded in another journal: as told, cannot be recomputed here"})
	}
	if v.Recomputed == Differs {
		parts = append(parts, Part{Role: Bad, Text: "  recomputed: DIFFERS. Trust nothing below; run `episteme verify`"})
	}
	return Line{"TOLD", parts}
}

func weighedLines(label string, list []Weighed, none string) []Line {
	if len(list) == 0 {
		return []Line{{label, []Part{{Role: Aside, Text: none}}}}
	}
	var lines []Line
	for i, w := range list {
		if i == verdictRows {
			lines = append(lines, Line{"", []Part{{Role: Aside, Text: fmt.Sprintf("and %d more (Enter)", len(list)-i)}}})
			break
		}
		lines = append(lines, Line{label, w.parts()})
		label = ""
	}
	return lines
}

func (w Weighed) parts() []Part {
	id := Part{Role: IDOf, Text: w.Assertion.Short(), ID: w.Assertion}
	if !w.Held {
		return []Part{{Role: Bad, Text: "not held here"}, {Role: Strength, Text: Decimal(w.Weight), Weight: w.Weight}, id}
	}
	return []Part{
		{Role: Value, Text: w.Value.String()},
		{Role: Strength, Text: Decimal(w.Weight), Weight: w.Weight},
		w.stage(),
		id,
		{Role: SourceAt, Text: w.Source.Name},
	}
}

// stage says what a stage meant for the answer.
func (w Weighed) stage() Part {
	switch w.Lifecycle {
	case record.Proposed, record.UnderReview:
		return Part{Role: Warn, Text: w.Lifecycle.String() + ", never approved"}
	case record.Deprecated, record.Rejected:
		return Part{Role: Bad, Text: w.Lifecycle.String()}
	}
	return Part{Role: StageOf, Text: w.Lifecycle.String()}
}

func (v Verdict) lens() Line {
	text := v.Audit.Lens
	if v.LensSentence != "" {
		text += ": " + v.LensSentence
	}
	parts := []Part{{Role: Plain, Text: text}}
	if v.Audit.State == Pinned {
		filter := "approval not required"
		if v.Audit.LifecycleFilter != nil {
			filter = "only " + v.Audit.LifecycleFilter.String() + " counted"
		}
		parts = append(parts, Part{Role: Plain, Text: "· " + filter})
	}
	return Line{"LENS", parts}
}

func (v Verdict) without() Line {
	var parts []Part
	for _, o := range v.Without {
		if !o.Flips {
			continue
		}
		if len(parts) > 0 {
			parts = append(parts, Part{Role: Plain, Text: "·"})
		}
		if o.Filter != nil {
			parts = append(parts, Part{Role: Plain, Text: "if only " + o.Filter.String() + " counted"})
		} else {
			parts = append(parts, Part{Role: IDOf, Text: o.Exclude.Short(), ID: o.Exclude})
		}
		parts = append(parts, Part{Role: Plain, Text: "→"}, Part{Role: Value, Text: o.Result.told()})
	}
	switch {
	case len(parts) > 0:
	case len(v.Because) == 0:
		parts = []Part{{Role: Aside, Text: "—"}}
	default:
		parts = []Part{{Role: Aside, Text: "any one of its contributions it would have said the same"}}
	}
	return Line{"WITHOUT", parts}
}

// told is the value, or the words for none.
func (r Result) told() string {
	if r.Value.Type == record.NoValue {
		return "no answer"
	}
	return r.Value.String()
}

func (v Verdict) now() Line {
	if v.Now == nil {
		return Line{"NOW", []Part{{Role: Aside, Text: "—"}}}
	}
	parts := []Part{{Role: Value, Text: v.Now.Result.told()}}
	if !v.Now.Changed {
		return Line{"NOW", append(parts, Part{Role: Aside, Text: "the same"})}
	}
	if b := v.Now.Because; b != nil && b.To != nil {
		parts = append(parts,
			Part{Role: IDOf, Text: "(" + v.Now.Of.Short(), ID: v.Now.Of},
			Part{Role: Bad, Text: fmt.Sprintf("was %s %s by %s)", b.To, b.At, b.Agent)})
	}
	return Line{"NOW", parts}
}

func (v Verdict) then() []Line {
	label := "THEN"
	var lines []Line
	for _, e := range v.Then {
		lines = append(lines, Line{label, []Part{
			{Role: Plain, Text: fmt.Sprintf("%s %s %s %s, based on this", e.Event.Type.Mark(), e.Event.Timestamp, e.Event.Type, e.Event.Title)},
			{Role: IDOf, Text: e.ID.Short(), ID: e.ID},
		}})
		label = ""
	}
	return lines
}

// Decimal is a weight or a confidence as a screen shows it: two digits behind the point and no leading zero (.87),
// 1 as "1.0". It never rounds up to 1: .999 is .99.
func Decimal(f float32) string {
	if f >= 1 {
		return "1.0"
	}
	hundredths := int(math.Round(float64(f) * 100))
	if hundredths > 99 {
		hundredths = 99
	}
	if hundredths == 0 && f > 0 {
		return "<.01"
	}
	return "." + strconv.Itoa(hundredths/10) + strconv.Itoa(hundredths%10)
}
