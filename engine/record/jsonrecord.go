package record

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
)

const queryKind = "query" // the one kind of line that is no record

// read takes the line apart. It leaves a fault, an error of Known, or a whole Line.
func (d *lineDecoder) read(line *Line) {
	kind, shape, ok := d.kindOfLine()
	if !ok {
		return
	}
	o := &d.top
	*o = jsonObject{shape: shape, index: -1, start: d.start}
	end, f := d.scanFields(o)
	if f == nil {
		s := scanner{d.line}
		if end = s.space(end); end < len(d.line) {
			f = s.unexpected(end, "nothing behind the object")
			f.hint = "one object a line"
		}
	}
	if d.fault = f; f != nil {
		return
	}
	line.Kind = kind
	d.own = d.ownLabel(o)
	line.Label = d.own
	if kind == 0 {
		line.Query = d.query(o)
		if line.Label != "" {
			d.defined = append(d.defined, definition{name: line.Label, query: true})
		}
		return
	}
	d.keep(o, line.Label, d.record(o, kind))
	line.Records = d.records
}

// kindOfLine finds the field kind, wherever in the line it stands, and the shape that belongs to it.
func (d *lineDecoder) kindOfLine() (Kind, *shape, bool) {
	at, f := d.member("kind")
	switch {
	case f != nil:
		d.fault = f
		return 0, nil, false
	case at.end == 0:
		d.fault = &fault{at: at.at, field: "kind", found: "nothing", expected: expectedKind(), hint: `begin the line with {"kind":`}
		return 0, nil, false
	case d.line[at.at] != '"':
		d.fault = &fault{at: at.at, field: "kind", found: describe(d.line[at.at:at.end]), expected: expectedKind()}
		return 0, nil, false
	}
	name := d.unquote(at.at, at.end)
	if string(name) == queryKind {
		return 0, queryShape, true
	}
	for kind := KindEvidence; kind.Valid(); kind++ {
		if kinds[kind].name == string(name) {
			return kind, shapes[kind], true
		}
	}
	d.fault = &fault{at: at.at, field: "kind", found: strconv.Quote(clip(string(name))), expected: expectedKind()}
	return 0, nil, false
}

func expectedKind() string {
	var names []string
	for _, kind := range Kinds() {
		names = append(names, kind.String())
	}
	return "one of " + strings.Join(names, ", ") + ", " + queryKind
}

// member walks over the line's fields up to the first with one of the names. Its slot's end is 0 when there is
// none; at is then the closing brace.
func (d *lineDecoder) member(names ...string) (slot, *fault) {
	s := scanner{d.line}
	i := s.space(d.start)
	if s.peek(i) != '{' {
		f := s.unexpected(i, "an object")
		f.hint = "one object a line"
		return slot{}, f
	}
	i = s.space(i + 1)
	if s.peek(i) == '}' {
		return slot{at: i}, nil
	}
	for {
		key, at, f := s.key(i)
		if f != nil {
			return slot{}, f
		}
		end, f := s.value(at, 1)
		if f != nil {
			return slot{}, f
		}
		if isOneOf(key, names) {
			return slot{i, at, end}, nil
		}
		next, done, f := s.comma(end, '}')
		if f != nil {
			return slot{}, f
		}
		if done {
			return slot{at: next - 1}, nil
		}
		i = next
	}
}

func isOneOf(key []byte, names []string) bool {
	if bytes.IndexByte(key, '\\') >= 0 {
		key = appendUnescaped(nil, key)
	}
	for _, name := range names {
		if string(key) == name {
			return true
		}
	}
	return false
}

// readable is the text of the first field with one of the names in a refused line, as far as it can be read.
func (d *lineDecoder) readable(names ...string) string {
	at, f := d.member(names...)
	if f != nil || at.end == 0 || d.line[at.at] != '"' {
		return ""
	}
	text := d.unquote(at.at, at.end)
	if len(text) > MaxNameBytes {
		return ""
	}
	return string(text)
}

func (d *lineDecoder) record(o *jsonObject, kind Kind) Record {
	switch kind {
	case KindEvidence:
		return d.evidence(o)
	case KindSource:
		return d.source(o, d.text(o, jsonSourceAgent), d.time(o, jsonSourceTimestamp))
	case KindAssertion:
		return d.assertion(o)
	case KindVote:
		return &Vote{
			Assertion: d.id(o, jsonVoteAssertion, KindAssertion).Hash,
			Agent:     d.text(o, jsonVoteAgent),
			Weight:    d.float(o, jsonVoteWeight, -1),
			Timestamp: d.time(o, jsonVoteTimestamp),
		}
	case KindEpoch:
		return d.epoch(o)
	case KindTransition:
		return &Transition{
			Assertion: d.id(o, jsonTransitionAssertion, KindAssertion).Hash,
			To:        Stage(d.enum(o, jsonTransitionTo, stageNames)),
			Agent:     d.text(o, jsonTransitionAgent),
			Reason:    d.optionalText(o, jsonTransitionReason),
			Timestamp: d.time(o, jsonTransitionTimestamp),
		}
	case KindEvent:
		return d.event(o)
	case KindAudit:
		return d.audit(o)
	default:
		return d.erasure(o)
	}
}

// keep checks a record whose fields are o's, and puts it and its label aside until the whole line is good.
func (d *lineDecoder) keep(o *jsonObject, label string, r Record) {
	if d.fault != nil || d.err != nil {
		return
	}
	source, isSource := r.(*Source)
	made := definition{name: label}
	var err error
	if label == "" && !isSource {
		err = Check(r)
	} else {
		made.id, err = d.names.idOf(r)
	}
	if err != nil {
		d.blame(o, err)
		return
	}
	if isSource {
		made.digest = source.Digest
	}
	if !made.id.IsZero() {
		d.defined = append(d.defined, made)
	}
	d.records = append(d.records, r)
}

// blame turns a broken rule of Check into a fault at the field's value.
func (d *lineDecoder) blame(o *jsonObject, err error) {
	var broken *FieldError
	if !errors.As(err, &broken) {
		d.err = err
		return
	}
	for _, in := range []*jsonObject{o, &d.result} {
		for i, name := range in.fieldNames() {
			if name == broken.Field {
				d.fail(in, i, broken.Found, broken.Expected, "")
				return
			}
		}
	}
	d.fault = &fault{at: o.start, field: o.path(broken.Field), found: broken.Found, expected: broken.Expected}
}

func (d *lineDecoder) evidence(o *jsonObject) Record {
	document, ok := d.document(o, evidenceContent, evidenceBase64)
	if !ok {
		d.fail(o, evidenceContent, "nothing", "the document as content or content_base64", "")
	}
	return document
}

// source reads a source. Its bytes, when they come along, are a record before it.
func (d *lineDecoder) source(o *jsonObject, agent string, timestamp Time) *Source {
	s := &Source{
		Name:      d.text(o, jsonSourceName),
		URI:       d.optionalText(o, jsonSourceURI),
		MediaType: d.optionalText(o, jsonSourceMediaType),
		Authority: DefaultAuthority,
		Agent:     agent,
		Timestamp: timestamp,
	}
	if d.has(o, jsonSourceAuthority) {
		s.Authority = d.float(o, jsonSourceAuthority, 0)
	}
	given := d.given(o, jsonSourceDigest)
	if given {
		s.Digest = d.digest(o, jsonSourceDigest)
	}
	document, ok := d.document(o, jsonSourceContent, jsonSourceBase64)
	switch {
	case d.fault != nil:
	case !ok && !given:
		s.Digest = UnknownDigest(s.Name)
	case ok:
		sum := Sum(document)
		if given && s.Digest != sum {
			d.fail(o, jsonSourceDigest, s.Digest.String(), sum.String()+", which is BLAKE3-256 of the content", "leave digest out, it is computed")
		}
		s.Digest = sum
		d.records = append(d.records, document)
	}
	return s
}

// digest reads the digest of evidence: a b_ id, a label of evidence, or 64 digits as b3sum prints them.
func (d *lineDecoder) digest(o *jsonObject, i int) Hash {
	if h, ok := d.bareHash(o, i); ok {
		return h
	}
	return d.id(o, i, KindEvidence).Hash
}

func (d *lineDecoder) assertion(o *jsonObject) Record {
	a := &Assertion{
		Subject:    d.text(o, jsonAssertionSubject),
		Predicate:  d.text(o, jsonAssertionPredicate),
		Object:     d.object(o, jsonAssertionObject),
		Confidence: d.float(o, jsonAssertionConfidence, 0),
		Lifecycle:  Proposed,
		Agent:      d.text(o, jsonAssertionAgent),
		Timestamp:  d.time(o, jsonAssertionTimestamp),
		Parents:    d.ids(o, jsonAssertionParents),
		Note:       d.optionalText(o, jsonAssertionNote),
	}
	if d.has(o, jsonAssertionLifecycle) {
		a.Lifecycle = Stage(d.enum(o, jsonAssertionLifecycle, stageNames))
	}
	if d.given(o, jsonAssertionEpoch) {
		a.Epoch = d.id(o, jsonAssertionEpoch, KindEpoch).Hash
	}
	a.Source = d.sourceDigest(o, jsonAssertionSource, a)
	return a
}

// sourceDigest reads the field source of an assertion: the digest, or something that leads to one.
func (d *lineDecoder) sourceDigest(o *jsonObject, i int, a *Assertion) Hash {
	if d.has(o, i) && d.line[o.slots[i].at] == '{' {
		return d.sourceInPlace(o, i, a)
	}
	return d.digestBehind(o, i)
}

// digestBehind reads the label or id of a source or of evidence.
func (d *lineDecoder) digestBehind(o *jsonObject, i int) Hash {
	id := d.id(o, i, KindSource, KindEvidence)
	if id.Kind != KindSource {
		return id.Hash
	}
	digest, ok := d.names.sources[id.Hash]
	if !ok && d.names.known != nil {
		digest, ok, d.err = d.names.known.SourceDigest(id.Hash)
	}
	if !ok && d.err == nil {
		d.fail(o, i, id.String(), "a source that stands above or in the journal", "send the source first, or name its bytes by their digest (b_)")
	}
	return digest
}

// sourceInPlace reads a source written where it is used; who and when are the assertion's unless it says otherwise.
func (d *lineDecoder) sourceInPlace(o *jsonObject, i int, a *Assertion) Hash {
	var in jsonObject
	if !d.within(&in, o, i, sourceShape) {
		return Hash{}
	}
	if d.has(&in, fieldKind) && string(d.line[in.slots[fieldKind].at:in.slots[fieldKind].end]) != `"source"` {
		d.fail(&in, fieldKind, describe(d.line[in.slots[fieldKind].at:in.slots[fieldKind].end]), `"source"`, "")
	}
	agent, timestamp := a.Agent, a.Timestamp
	if d.has(&in, jsonSourceAgent) {
		agent = d.text(&in, jsonSourceAgent)
	}
	if d.has(&in, jsonSourceTimestamp) {
		timestamp = d.time(&in, jsonSourceTimestamp)
	}
	label := d.ownLabel(&in)
	s := d.source(&in, agent, timestamp)
	d.keep(&in, label, s)
	return s.Digest
}

func (d *lineDecoder) epoch(o *jsonObject) Record {
	e := &Epoch{
		Name:      d.text(o, jsonEpochName),
		Agent:     d.text(o, jsonEpochAgent),
		Timestamp: d.time(o, jsonEpochTimestamp),
	}
	if d.given(o, jsonEpochSupersedes) {
		e.Supersedes = d.id(o, jsonEpochSupersedes, KindEpoch).Hash
	}
	if d.given(o, jsonEpochSupersession) {
		e.Supersession = Supersession(d.enum(o, jsonEpochSupersession, supersessionNames))
	}
	return e
}

func (d *lineDecoder) event(o *jsonObject) Record {
	return &Event{
		Type:           EventType(d.enum(o, jsonEventType, eventNames)),
		Timestamp:      d.time(o, jsonEventTimestamp),
		Agent:          d.text(o, jsonEventAgent),
		Title:          d.text(o, jsonEventTitle),
		Subject:        d.optionalText(o, jsonEventSubject),
		BasedOn:        d.ids(o, jsonEventBasedOn),
		Labels:         d.labels(o, jsonEventLabels),
		TraceID:        d.optionalText(o, jsonEventTraceID),
		SpanID:         d.optionalText(o, jsonEventSpanID),
		ConversationID: d.optionalText(o, jsonEventConversationID),
	}
}

// erasure reads a record that says what was erased. Its target is a hash: which kind it was is gone with it.
func (d *lineDecoder) erasure(o *jsonObject) Record {
	return &Erasure{
		Target:    d.target(o, jsonErasureTarget),
		LSN:       LSN(d.count(o, jsonErasureLSN)),
		Agent:     d.text(o, jsonErasureAgent),
		Reason:    d.text(o, jsonErasureReason),
		Reference: d.optionalText(o, jsonErasureReference),
		Timestamp: d.time(o, jsonErasureTimestamp),
	}
}

func (d *lineDecoder) target(o *jsonObject, i int) Hash {
	if h, ok := d.bareHash(o, i); ok {
		return h
	}
	return d.id(o, i, Kinds()...).Hash
}

// bareHash reads 64 hex digits, as b3sum prints them.
func (d *lineDecoder) bareHash(o *jsonObject, i int) (Hash, bool) {
	if !d.has(o, i) || o.slots[i].end-o.slots[i].at != len(`""`)+2*len(Hash{}) {
		return Hash{}, false
	}
	h, err := ParseHash(string(d.unquote(o.slots[i].at, o.slots[i].end)))
	return h, err == nil
}
