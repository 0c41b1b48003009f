package ask

import (
	"regexp"

	"episteme/engine/record"
)

// Code names a finding.
type Code string

// The findings, most severe first.
const (
	Unreproducible   Code = "unreproducible"
	MissingEvidence  Code = "missing-evidence"
	RetractedSince   Code = "retracted-since"
	LateEvidence     Code = "late-evidence"
	Unapproved       Code = "unapproved"
	Contested        Code = "contested"
	LensDisagreement Code = "lens-disagreement"
	SingleSource     Code = "single-source"
	Flip             Code = "flip"
	ChangedSince     Code = "changed-since"
	LowConfidence    Code = "low-confidence"
	NoAnswer         Code = "no-answer"
)

// Finding is a reason why an audit deserves a look, with the records it rests on.
type Finding struct {
	Code  Code        `json:"code"`
	Cites []record.ID `json:"cites"`

	// Sentence is Code.Sentence, for readers without a list of the codes. Only Investigator.Findings fills it in.
	Sentence string `json:"sentence,omitempty"`
}

// codes lists every finding, most severe first, with its word on a screen and its sentence.
var codes = []struct {
	code     Code
	word     string
	sentence string
}{
	{Unreproducible, "unreproducible", "Recomputing gives another answer: trust nothing below; run `episteme verify`."},
	{MissingEvidence, "missing evidence", "A record it rested on is not here."},
	{RetractedSince, "retracted", "It rested on a claim withdrawn since: see who is still told it (i)."},
	{LateEvidence, "late evidence", "Something arrived later that claims to be older: the agent could not have known."},
	{Unapproved, "unapproved", "It rested on a claim nobody had approved."},
	{Contested, "contested", "The winner held under two thirds of the weight: read AGAINST."},
	{LensDisagreement, "lenses disagree", "Another rule would have answered otherwise (x)."},
	{SingleSource, "single source", "All of it comes from one document (p)."},
	{Flip, "flip", "The same question was answered otherwise before (d)."},
	{ChangedSince, "changed since", "Today's answer is another: see NOW."},
	{LowConfidence, "low confidence", "See how it was weighed (Enter)."},
	{NoAnswer, "no answer", "Nothing was known: see near subjects."},
}

// Codes lists every finding, most severe first.
func Codes() []Code {
	all := make([]Code, len(codes))
	for i, c := range codes {
		all[i] = c.code
	}
	return all
}

// Computed reports whether a finding is not fixed when a question is asked: it can come, and go, with what is recorded
// later, so it is computed whenever somebody looks.
func (c Code) Computed() bool {
	switch c {
	case Unreproducible, MissingEvidence, RetractedSince, LateEvidence, ChangedSince:
		return true
	}
	return false
}

// Severity orders findings: 0 is the most severe; an unknown code comes behind all.
func (c Code) Severity() int {
	for i := range codes {
		if codes[i].code == c {
			return i
		}
	}
	return len(codes)
}

// Word is the finding's short name on a screen.
func (c Code) Word() string {
	if i := c.Severity(); i < len(codes) {
		return codes[i].word
	}
	return string(c)
}

// Sentence tells the reader what the finding means and where to look.
//
// It may name keys of the UI in brackets, such as (x); Plain leaves them out.
func (c Code) Sentence() string {
	if i := c.Severity(); i < len(codes) {
		return codes[i].sentence
	}
	return ""
}

var keyNamed = regexp.MustCompile(` \((?:Enter|[a-z])\)`)

// Plain is Sentence for where there are no keys: a pipe, a page.
func (c Code) Plain() string { return keyNamed.ReplaceAllString(c.Sentence(), "") }
