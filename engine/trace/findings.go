package trace

import (
	"context"
	"fmt"
	"slices"

	"episteme/engine/ingest"
	"episteme/engine/lens"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// asked is what a finding that is fixed at asking time may look at.
type asked struct {
	view     *ingest.View
	row      ingest.Row
	question question
	history  lens.History // of the question, when it was asked here; else empty
	pinned   bool         // asked in this journal: what needs recomputing can be said
}

// finding is a rule that says whether an audit deserves a look, and which records say so.
type finding struct {
	code  ask.Code
	cites func(ctx context.Context, a *asked) (cites []record.ID, raised bool, err error)
}

// fixedFindings are those that are fixed at asking time, most severe first. They are indexed with the audit.
func fixedFindings() []finding {
	return []finding{
		{ask.Unapproved, findUnapproved},
		{ask.Contested, findContested},
		{ask.LensDisagreement, findLensDisagreement},
		{ask.SingleSource, findSingleSource},
		{ask.Flip, findFlip},
		{ask.LowConfidence, findLowConfidence},
		{ask.NoAnswer, findNoAnswer},
	}
}

// Annotator computes the fixed findings when an audit is materialised.
type Annotator struct{ Journal record.LogID }

// Annotate implements ingest.Annotator.
func (n Annotator) Annotate(ctx context.Context, v *ingest.View, row ingest.Row) ([]byte, error) {
	a := &asked{view: v, row: row, pinned: row.Audit.Pinned && row.Audit.Journal == n.Journal}
	if a.pinned {
		var err error
		a.question, a.pinned = questionOf(row.Audit)
		if a.history, err = history(ctx, v, row.Audit.Subject, row.Audit.Predicate); err != nil {
			return nil, err
		}
	}
	var found []ask.Finding
	for _, f := range fixedFindings() {
		cites, raised, err := f.cites(ctx, a)
		if err != nil {
			return nil, err
		}
		if raised {
			found = append(found, ask.Finding{Code: f.code, Cites: cites})
		}
	}
	return encodeFindings(found), nil
}

// citesMax bounds what one finding cites; the audit itself has all contributions.
const citesMax = 16

// encodeFindings writes n × (severity u8, count u8, count × (kind, hash)). The store is made anew when this changes.
func encodeFindings(list []ask.Finding) []byte {
	var out []byte
	for _, f := range list {
		cites := f.Cites[:min(len(f.Cites), citesMax)]
		out = append(out, byte(f.Code.Severity()), byte(len(cites)))
		for _, id := range cites {
			out = append(append(out, byte(id.Kind)), id.Hash[:]...)
		}
	}
	return out
}

func decodeFindings(b []byte) ([]ask.Finding, error) {
	list := []ask.Finding{}
	codes := ask.Codes()
	for len(b) > 0 {
		if len(b) < 2 || int(b[0]) >= len(codes) || len(b) < 2+33*int(b[1]) {
			return nil, fmt.Errorf("store: found %d bytes that are no findings; `episteme rebuild` makes the store anew", len(b))
		}
		f := ask.Finding{Code: codes[b[0]], Cites: []record.ID{}}
		n := int(b[1])
		for b = b[2:]; n > 0; n-- {
			f.Cites = append(f.Cites, record.ID{Kind: record.Kind(b[0]), Hash: record.Hash(b[1:33])})
			b = b[33:]
		}
		list = append(list, f)
	}
	return list, nil
}

// hasFinding reads a code from an annotation without decoding the rest.
func hasFinding(annotation []byte, code ask.Code) bool {
	severity := code.Severity()
	for len(annotation) >= 2 {
		if int(annotation[0]) == severity {
			return true
		}
		n := 2 + 33*int(annotation[1])
		if n > len(annotation) {
			return false
		}
		annotation = annotation[n:]
	}
	return false
}

// contributionsWhere are the assertions of an audit's contributions for which keep holds.
func contributionsWhere(a *record.Audit, keep func(record.Contribution) bool) []record.ID {
	var ids []record.ID
	for _, c := range a.Contributions {
		if keep(c) {
			ids = append(ids, assertionID(c.Assertion))
		}
	}
	return ids
}

func isFixed(code ask.Code) bool {
	return slices.ContainsFunc(fixedFindings(), func(f finding) bool { return f.code == code })
}
