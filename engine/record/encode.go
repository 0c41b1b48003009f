package record

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

const (
	version     = 1 // of the canonical encoding
	headerBytes = 8 // kind, version, presence bitmap
	idBytes     = 33
	shareBytes  = 72 // a contribution
)

// Encode appends the canonical encoding of r to dst. It refuses what Check refuses, so that no payload exists that
// Decode would not read back.
func Encode(dst []byte, r Record) ([]byte, error) {
	if err := Check(r); err != nil {
		return dst, err
	}
	if evidence, ok := r.(Evidence); ok {
		return append(dst, evidence...), nil
	}
	e := encoder{buf: dst, start: len(dst), table: tables[r.Kind()]}
	e.buf = append(e.buf, byte(r.Kind()), version, 0, 0, 0, 0, 0, 0)
	e.record(r)
	return e.buf, nil
}

// IDOf is the id of r: its kind and the hash of its canonical encoding.
func IDOf(r Record) (ID, error) {
	payload, err := Encode(nil, r)
	if err != nil {
		return ID{}, err
	}
	return ID{r.Kind(), Sum(payload)}, nil
}

// encoder appends fields: first the fixed ones in table order, then the variable ones in table order. It keeps the
// caller to that order, because a record written in another order would have another hash.
type encoder struct {
	buf    []byte
	start  int // of this record in buf
	table  []field
	last   int  // number of the last field written, plus 1
	inVars bool // the first variable field has been written
}

func (e *encoder) begin(i int, typ fieldType) {
	if e.table[i].typ != typ {
		panic(fmt.Sprintf("record: field %s written as another type", e.table[i].name))
	}
	if variable := typ.size() == 0; variable != e.inVars {
		if !variable {
			panic(fmt.Sprintf("record: fixed field %s written behind variable ones", e.table[i].name))
		}
		e.inVars, e.last = true, 0
	}
	if i < e.last {
		panic(fmt.Sprintf("record: field %s written out of order", e.table[i].name))
	}
	e.last = i + 1
	e.buf[e.start+2+i/8] |= 1 << (i % 8)
}

func (e *encoder) u8(i int, v uint8) {
	e.begin(i, fixedU8)
	e.buf = append(e.buf, v, 0, 0, 0, 0, 0, 0, 0)
}

func (e *encoder) f32(i int, v float32) {
	e.begin(i, fixedF32)
	e.buf = binary.LittleEndian.AppendUint64(e.buf, uint64(math.Float32bits(v)))
}

func (e *encoder) u64(i int, v uint64) {
	e.begin(i, fixed64)
	e.buf = binary.LittleEndian.AppendUint64(e.buf, v)
}

func (e *encoder) time(i int, t Time) { e.u64(i, uint64(t)) }

func (e *encoder) hash(i int, h Hash) {
	e.begin(i, fixed256)
	e.buf = append(e.buf, h[:]...)
}

func (e *encoder) optionalHash(i int, h Hash) {
	if !h.IsZero() {
		e.hash(i, h)
	}
}

func (e *encoder) logID(i int, l LogID) {
	e.begin(i, fixed128)
	e.buf = append(e.buf, l[:]...)
}

// text writes a text; an empty one is absent.
func (e *encoder) text(i int, s string) {
	if s == "" {
		return
	}
	e.begin(i, text)
	e.buf = appendString(e.buf, s)
}

// sized writes a variable field whose length is known only once it is written.
func (e *encoder) sized(i int, typ fieldType, write func(dst []byte) []byte) {
	e.begin(i, typ)
	at := len(e.buf)
	e.buf = write(append(e.buf, 0, 0, 0, 0))
	binary.LittleEndian.PutUint32(e.buf[at:], uint32(len(e.buf)-at-4))
}

func (e *encoder) object(i int, o Object) { e.sized(i, object, o.AppendBinary) }

func (e *encoder) ids(i int, list []ID) {
	if len(list) == 0 {
		return
	}
	e.sized(i, ids, func(dst []byte) []byte {
		for _, id := range list {
			dst = append(append(dst, byte(id.Kind)), id.Hash[:]...)
		}
		return dst
	})
}

func (e *encoder) labels(i int, list []Label) {
	if len(list) == 0 {
		return
	}
	e.sized(i, labels, func(dst []byte) []byte {
		for _, l := range list {
			dst = appendString(appendString(dst, l.Name), l.Value)
		}
		return dst
	})
}

func (e *encoder) contributions(i int, list []Contribution) {
	if len(list) == 0 {
		return
	}
	e.sized(i, contributions, func(dst []byte) []byte {
		dst = slices.Grow(dst, len(list)*shareBytes)
		for _, c := range list {
			dst = append(append(dst, c.Assertion[:]...), c.Source[:]...)
			dst = binary.LittleEndian.AppendUint32(dst, math.Float32bits(c.Weight))
			dst = append(dst, byte(c.Lifecycle), 0, 0, 0)
		}
		return dst
	})
}

func appendString(dst []byte, s string) []byte {
	return append(binary.LittleEndian.AppendUint32(dst, uint32(len(s))), s...)
}

func (e *encoder) record(r Record) {
	switch r := r.(type) {
	case *Source:
		e.source(r)
	case *Assertion:
		e.assertion(r)
	case *Vote:
		e.hash(voteAssertion, r.Assertion)
		e.f32(voteWeight, r.Weight)
		e.time(voteTimestamp, r.Timestamp)
		e.text(voteAgent, r.Agent)
	case *Epoch:
		e.epoch(r)
	case *Transition:
		e.hash(transitionAssertion, r.Assertion)
		e.u8(transitionTo, uint8(r.To))
		e.time(transitionTimestamp, r.Timestamp)
		e.text(transitionAgent, r.Agent)
		e.text(transitionReason, r.Reason)
	case *Event:
		e.event(r)
	case *Audit:
		e.audit(r)
	case *Erasure:
		e.hash(erasureTarget, r.Target)
		e.u64(erasureLSN, uint64(r.LSN))
		e.time(erasureTimestamp, r.Timestamp)
		e.text(erasureAgent, r.Agent)
		e.text(erasureReason, r.Reason)
		e.text(erasureReference, r.Reference)
	default:
		panic(fmt.Sprintf("record: no encoding for %T", r))
	}
}

func (e *encoder) source(r *Source) {
	e.hash(sourceDigest, r.Digest)
	e.f32(sourceAuthority, r.Authority)
	e.time(sourceTimestamp, r.Timestamp)
	e.text(sourceName, r.Name)
	e.text(sourceURI, r.URI)
	e.text(sourceMediaType, r.MediaType)
	e.text(sourceAgent, r.Agent)
}

func (e *encoder) assertion(r *Assertion) {
	e.f32(assertionConfidence, r.Confidence)
	e.u8(assertionLifecycle, uint8(r.Lifecycle))
	e.time(assertionTimestamp, r.Timestamp)
	e.hash(assertionSource, r.Source)
	e.optionalHash(assertionEpoch, r.Epoch)
	e.text(assertionSubject, r.Subject)
	e.text(assertionPredicate, r.Predicate)
	e.object(assertionObject, r.Object)
	e.text(assertionAgent, r.Agent)
	e.ids(assertionParents, r.Parents)
	e.text(assertionNote, r.Note)
}

func (e *encoder) epoch(r *Epoch) {
	e.time(epochTimestamp, r.Timestamp)
	if !r.Supersedes.IsZero() {
		e.hash(epochSupersedes, r.Supersedes)
		e.u8(epochSupersession, uint8(r.Supersession))
	}
	e.text(epochName, r.Name)
	e.text(epochAgent, r.Agent)
}

func (e *encoder) event(r *Event) {
	e.u8(eventType, uint8(r.Type))
	e.time(eventTimestamp, r.Timestamp)
	e.text(eventAgent, r.Agent)
	e.text(eventTitle, r.Title)
	e.text(eventSubject, r.Subject)
	e.ids(eventBasedOn, r.BasedOn)
	e.labels(eventLabels, r.Labels)
	e.text(eventTraceID, r.TraceID)
	e.text(eventSpanID, r.SpanID)
	e.text(eventConversationID, r.ConversationID)
}

func (e *encoder) audit(r *Audit) {
	e.time(auditTimestamp, r.Timestamp)
	if r.HalfLife != 0 {
		e.u64(auditHalfLife, uint64(r.HalfLife))
	}
	if r.LifecycleFilter != 0 {
		e.u8(auditLifecycleFilter, uint8(r.LifecycleFilter))
	}
	e.time(auditAsOf, r.AsOf)
	if r.Pinned {
		e.u64(auditPin, uint64(r.Pin))
		e.logID(auditJournal, r.Journal)
	}
	e.f32(auditConfidence, r.Confidence)
	e.f32(auditShare, r.Share)
	e.hash(auditResultHash, r.ResultHash)
	e.u64(auditConsidered, r.Considered)
	e.text(auditAgentID, r.Agent)
	e.text(auditSubject, r.Subject)
	e.text(auditPredicate, r.Predicate)
	e.text(auditQuestion, r.Question)
	e.text(auditLens, r.Lens)
	if r.Value.Type != NoValue {
		e.object(auditValue, r.Value)
	}
	e.contributions(auditContributingAssertions, r.Contributions)
	e.labels(auditLabels, r.Labels)
	e.text(auditTraceID, r.TraceID)
	e.text(auditSpanID, r.SpanID)
	e.text(auditConversationID, r.ConversationID)
	e.text(auditToolCallID, r.ToolCallID)
}
