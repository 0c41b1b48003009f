package record

import (
	"time"
)

// Decode reads a payload of the given kind. Evidence is copied; everything else is read into a value of its own.
// It refuses every payload that Encode would not have written: Decode(Encode(r)) = r and Encode(Decode(p)) = p.
// Errors are ErrTooNew, *LayoutError and *FieldError.
func Decode(kind Kind, payload []byte) (Record, error) {
	if kind == KindEvidence {
		if err := Check(Evidence(payload)); err != nil {
			return nil, err
		}
		return append(Evidence{}, payload...), nil
	}
	raw, err := Parse(kind, payload)
	if err != nil {
		return nil, err
	}
	r := raw.record()
	if err := Check(r); err != nil {
		return nil, err
	}
	return r, nil
}

func (r Raw) record() Record {
	switch r.kind {
	case KindSource:
		return r.source()
	case KindAssertion:
		return r.assertion()
	case KindVote:
		return &Vote{r.hash(voteAssertion), r.text(voteAgent), r.f32(voteWeight), r.time(voteTimestamp)}
	case KindEpoch:
		return &Epoch{r.text(epochName), r.text(epochAgent), r.time(epochTimestamp), r.hash(epochSupersedes), Supersession(r.u8(epochSupersession))}
	case KindTransition:
		return &Transition{r.hash(transitionAssertion), Stage(r.u8(transitionTo)), r.text(transitionAgent), r.text(transitionReason), r.time(transitionTimestamp)}
	case KindEvent:
		return r.event()
	case KindAudit:
		return r.audit()
	default:
		return &Erasure{r.hash(erasureTarget), LSN(r.u64(erasureLSN)), r.text(erasureAgent), r.text(erasureReason), r.text(erasureReference), r.time(erasureTimestamp)}
	}
}

func (r Raw) source() *Source {
	return &Source{
		Name: r.text(sourceName), Digest: r.hash(sourceDigest), URI: r.text(sourceURI), MediaType: r.text(sourceMediaType),
		Authority: r.f32(sourceAuthority), Agent: r.text(sourceAgent), Timestamp: r.time(sourceTimestamp),
	}
}

func (r Raw) assertion() *Assertion {
	return &Assertion{
		Subject: r.text(assertionSubject), Predicate: r.text(assertionPredicate), Object: readObject(r.bytes(assertionObject)),
		Confidence: r.f32(assertionConfidence), Lifecycle: Stage(r.u8(assertionLifecycle)), Agent: r.text(assertionAgent),
		Timestamp: r.time(assertionTimestamp), Source: r.hash(assertionSource), Parents: readIDs(r.bytes(assertionParents)),
		Epoch: r.hash(assertionEpoch), Note: r.text(assertionNote),
	}
}

func (r Raw) event() *Event {
	return &Event{
		Type: EventType(r.u8(eventType)), Timestamp: r.time(eventTimestamp), Agent: r.text(eventAgent), Title: r.text(eventTitle),
		Subject: r.text(eventSubject), BasedOn: readIDs(r.bytes(eventBasedOn)), Labels: readLabels(r.bytes(eventLabels)),
		TraceID: r.text(eventTraceID), SpanID: r.text(eventSpanID), ConversationID: r.text(eventConversationID),
	}
}

func (r Raw) audit() *Audit {
	return &Audit{
		Agent: r.text(auditAgentID), Timestamp: r.time(auditTimestamp), Subject: r.text(auditSubject), Predicate: r.text(auditPredicate),
		Question: r.text(auditQuestion), Lens: r.text(auditLens), HalfLife: time.Duration(r.u64(auditHalfLife)),
		LifecycleFilter: Stage(r.u8(auditLifecycleFilter)), AsOf: r.time(auditAsOf),
		Pinned: r.at[auditPin] != 0, Pin: LSN(r.u64(auditPin)), Journal: r.logID(auditJournal),
		Value: readObject(r.bytes(auditValue)), Confidence: r.f32(auditConfidence), Share: r.f32(auditShare),
		ResultHash: r.hash(auditResultHash), Considered: r.u64(auditConsidered),
		Contributions: readContributions(r.bytes(auditContributingAssertions)), Labels: readLabels(r.bytes(auditLabels)),
		TraceID: r.text(auditTraceID), SpanID: r.text(auditSpanID), ConversationID: r.text(auditConversationID),
		ToolCallID: r.text(auditToolCallID),
	}
}
