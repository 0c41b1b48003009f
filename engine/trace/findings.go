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
	history  *lens.Ordered // of the question, when it was asked here; else nil
	pinned   bool          // asked in this journal: what needs recomputing can be said

	moment *lens.Moment // of history under question; only when pinned
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
type Annotator struct {
	Journal record.LogID
	Noted   *Noted // nil: nobody waits for what is found
}

// Annotate implements ingest.Annotator.
func (n Annotator) Annotate(ctx context.Context, v *ingest.View, row ingest.Row) ([]byte, error) {
	a := &asked{view: v, row: row, pinned: row.Audit.Pinned && row.Audit.Journal == n.Journal}
	if a.pinned {
		var err error
		a.question, a.pinned = questionOf(row.Audit)
		if a.history, err = sharedHistory(ctx, v, row.Audit.Subject, row.Audit.Predicate); err != nil {
			return nil, err
		}
		a.moment = a.history.At(a.question.cut)
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
	annotation := encodeFindings(found, row.Audit)
	n.Noted.note(row.ID, annotation)
	return annotation, nil
}

// citesMax bounds what one finding cites; the audit itself has all contributions.
const citesMax = 16

// citesOther begins a cite that is no contribution of the audit, or one behind the first 255.
const citesOther = 0xff

// encodeFindings writes n × (severity u8, count u8, count cites), a cite being the number of a contribution of the audit,
// u8, or citesOther, kind and hash. The store is made anew when this changes.
func encodeFindings(list []ask.Finding, a *record.Audit) []byte {
	var out []byte
	for _, f := range list {
		cites := f.Cites[:min(len(f.Cites), citesMax)]
		out = append(out, byte(f.Code.Severity()), byte(len(cites)))
		for _, id := range cites {
			i := slices.IndexFunc(a.Contributions, func(c record.Contribution) bool { return assertionID(c.Assertion) == id })
			if i >= 0 && i < citesOther {
				out = append(out, byte(i))
			} else {
				out = append(append(out, citesOther, byte(id.Kind)), id.Hash[:]...)
			}
		}
	}
	return out
}

func decodeFindings(b []byte, a *record.Audit) ([]ask.Finding, error) {
	list := []ask.Finding{}
	codes := ask.Codes()
	for len(b) > 0 {
		severity, size, ok := measureFinding(b)
		if !ok || severity >= len(codes) {
			return nil, fmt.Errorf("store: found %d bytes that are no findings; `episteme rebuild` makes the store anew", len(b))
		}
		f := ask.Finding{Code: codes[severity], Cites: []record.ID{}}
		for cites := b[2:size]; len(cites) > 0; {
			switch i := int(cites[0]); {
			case i == citesOther:
				f.Cites = append(f.Cites, record.ID{Kind: record.Kind(cites[1]), Hash: record.Hash(cites[2:34])})
				cites = cites[34:]
			case i < len(a.Contributions):
				f.Cites = append(f.Cites, assertionID(a.Contributions[i].Assertion))
				cites = cites[1:]
			default: // erased since: nothing is left to cite
				cites = cites[1:]
			}
		}
		list = append(list, f)
		b = b[size:]
	}
	return list, nil
}

// measureFinding is the severity and the size in bytes of the first finding in b.
func measureFinding(b []byte) (severity, size int, ok bool) {
	if len(b) < 2 {
		return 0, 0, false
	}
	size = 2
	for range b[1] {
		if size >= len(b) {
			return 0, 0, false
		}
		if b[size] == citesOther {
			size += 33
		}
		size++
	}
	return int(b[0]), size, size <= len(b)
}

// hasFinding reads a code from an annotation without decoding the rest.
func hasFinding(annotation []byte, code ask.Code) bool {
	want := code.Severity()
	for {
		severity, size, ok := measureFinding(annotation)
		if !ok || severity == want {
			return ok
		}
		annotation = annotation[size:]
	}
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
