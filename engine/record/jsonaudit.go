package record

import (
	"fmt"
	"strconv"
)

// audit reads an imported audit: it is taken as it stands, and what is derived from it (state, findings, the names
// of sources) is read over.
func (d *lineDecoder) audit(o *jsonObject) Record {
	a := &Audit{
		Agent:          d.text(o, jsonAuditAgentID),
		Timestamp:      d.time(o, jsonAuditTimestamp),
		Subject:        d.text(o, jsonAuditSubject),
		Predicate:      d.text(o, jsonAuditPredicate),
		Question:       d.optionalText(o, jsonAuditQuestion),
		Lens:           d.auditLens(o),
		Labels:         d.labels(o, jsonAuditLabels),
		TraceID:        d.optionalText(o, jsonAuditTraceID),
		SpanID:         d.optionalText(o, jsonAuditSpanID),
		ConversationID: d.optionalText(o, jsonAuditConversationID),
		ToolCallID:     d.optionalText(o, jsonAuditToolCallID),
	}
	a.HalfLife = d.halfLife(o, jsonAuditLensParams, a.Lens)
	a.LifecycleFilter = d.filter(o, jsonAuditLifecycleFilter)
	a.AsOf = d.timeOr(o, jsonAuditAsOf, a.Timestamp)
	d.pin(o, a)
	d.answer(o, a)
	a.Contributions = d.contributions(o, jsonAuditContributions)
	a.Considered = uint64(len(a.Contributions))
	if d.has(o, jsonAuditConsidered) {
		a.Considered = d.count(o, jsonAuditConsidered)
	}
	return a
}

// auditLens is the lens when it names a rule of ours; any other answered by a rule we can't repeat.
func (d *lineDecoder) auditLens(o *jsonObject) string {
	name := d.optionalText(o, jsonAuditLens)
	if !isLens(name) {
		return LensExternal
	}
	return name
}

func (d *lineDecoder) pin(o *jsonObject, a *Audit) {
	pin, journal := d.given(o, jsonAuditPin), d.given(o, jsonAuditJournal)
	switch {
	case d.fault != nil || !pin && !journal:
		return
	case !pin:
		d.fail(o, jsonAuditPin, "nothing", "a pin, because journal is there", "")
		return
	case !journal:
		d.fail(o, jsonAuditJournal, "nothing", "the journal that the pin counts in", "")
		return
	}
	a.Pinned = true
	a.Pin = LSN(d.count(o, jsonAuditPin))
	const expected = "a log id of 32 hex digits"
	text, ok := d.content(o, jsonAuditJournal, expected)
	if !ok {
		return
	}
	log, err := ParseLogID(string(text))
	if err != nil || log.IsZero() {
		d.fail(o, jsonAuditJournal, strconv.Quote(clip(string(text))), expected, "")
	}
	a.Journal = log
}

// answer reads result and result_hash. An answer without a value has confidence and share 0 unless it says otherwise.
func (d *lineDecoder) answer(o *jsonObject, a *Audit) {
	d.result = jsonObject{}
	in := &d.result
	if !d.within(in, o, jsonAuditResult, resultShape) {
		return
	}
	if d.has(in, resultValue) {
		a.Value = d.object(in, resultValue)
	}
	if a.Value.Type != NoValue || d.has(in, resultConfidence) {
		a.Confidence = d.float(in, resultConfidence, 0)
	}
	if a.Value.Type != NoValue || d.has(in, resultShare) {
		a.Share = d.float(in, resultShare, 0)
	}
	a.ResultHash = a.Value.Hash()
	if !d.has(o, jsonAuditResultHash) {
		return
	}
	const expected = "64 hex digits"
	text, ok := d.content(o, jsonAuditResultHash, expected)
	if !ok {
		return
	}
	given, err := ParseHash(string(text))
	if err != nil {
		d.fail(o, jsonAuditResultHash, strconv.Quote(clip(string(text))), expected, "")
	} else if given != a.ResultHash {
		d.fail(o, jsonAuditResultHash, given.String(), a.ResultHash.String()+", the hash of the value", "the value or the hash was changed; leave the hash out to have it computed")
	}
}

func (d *lineDecoder) contributions(o *jsonObject, i int) []Contribution {
	if !d.given(o, i) {
		return nil
	}
	var list []Contribution
	var item jsonObject
	d.items(o, i, MaxContributions, "a list of contributions", func(index, at, end int) {
		item = jsonObject{shape: contributionShape, parent: o, name: o.shape.names[i], index: index, start: at}
		if d.line[at] != '{' {
			d.fault = &fault{at: at, field: item.path(""), found: describe(d.line[at:end]), expected: "an object"}
			return
		}
		if _, d.fault = d.scanFields(&item); d.fault != nil {
			return
		}
		list = append(list, Contribution{
			Assertion: d.id(&item, contributionHash, KindAssertion).Hash,
			Lifecycle: Stage(d.enum(&item, contributionLifecycle, stageNames)),
			Weight:    d.float(&item, contributionWeight, 0),
			Source:    d.digestBehind(&item, contributionSourceHash),
		})
	})
	return list
}

// query reads a question that is to be asked.
func (d *lineDecoder) query(o *jsonObject) *Query {
	q := &Query{
		Agent:          d.text(o, jsonQueryAgent),
		Timestamp:      d.time(o, jsonQueryTimestamp),
		Subject:        d.text(o, jsonQuerySubject),
		Predicate:      d.text(o, jsonQueryPredicate),
		Question:       d.optionalText(o, jsonQueryQuestion),
		Lens:           d.optionalText(o, jsonQueryLens),
		Labels:         d.labels(o, jsonQueryLabels),
		TraceID:        d.optionalText(o, jsonQueryTraceID),
		SpanID:         d.optionalText(o, jsonQuerySpanID),
		ConversationID: d.optionalText(o, jsonQueryConversationID),
		ToolCallID:     d.optionalText(o, jsonQueryToolCallID),
	}
	q.HalfLife = d.halfLife(o, jsonQueryLensParams, q.Lens)
	q.LifecycleFilter = d.filter(o, jsonQueryLifecycleFilter)
	q.AsOf = d.timeOr(o, jsonQueryAsOf, q.Timestamp)
	if d.fault != nil {
		return nil
	}
	if err := CheckQuery(q); err != nil {
		d.blame(o, err)
		return nil
	}
	return q
}

// CheckQuery reports the first field of q that breaks a rule of the model as a *FieldError, nil when it can be asked.
func CheckQuery(q *Query) error {
	var c checker
	c.text("subject", q.Subject, MaxNameBytes)
	c.text("predicate", q.Predicate, MaxNameBytes)
	c.optionalText("question", q.Question)
	if q.Lens != "" && !isLens(q.Lens) {
		c.fail("lens", strconv.Quote(clip(q.Lens)), fmt.Sprintf("%s, %s, %s or %s", lensConsensus, lensAuthority, lensRecency, lensSkeptic))
	}
	c.halfLife(q.HalfLife, q.Lens)
	if q.LifecycleFilter != 0 {
		c.enum("lifecycle_filter", uint8(q.LifecycleFilter), stageNames)
	}
	c.time("as_of", q.AsOf)
	c.labels("labels", q.Labels)
	c.outside(q.TraceID, q.SpanID, q.ConversationID, q.ToolCallID)
	c.origin("agent", q.Agent, q.Timestamp)
	if c.err != nil {
		return c.err
	}
	return nil
}
