package record

import (
	"fmt"
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

// FieldError says which field of a record breaks which rule. Readers of files add the line and the column.
type FieldError struct {
	Kind     Kind   // 0: a query
	Field    string // as JSON writes it
	Found    string
	Expected string // the rule, with its limit
}

func (e *FieldError) Error() string {
	what := e.Kind.String()
	if e.Kind == 0 {
		what = queryKind
	}
	return fmt.Sprintf("%s: %s: found %s, expected %s", what, e.Field, e.Found, e.Expected)
}

// Check reports the first field of r that breaks a rule of the model (limits, ranges, fields that need each
// other) as a *FieldError, nil when r can be encoded.
func Check(r Record) error {
	c := checker{kind: r.Kind()}
	switch r := r.(type) {
	case Evidence:
		if len(r) > MaxEvidenceBytes {
			c.fail("content", fmt.Sprintf("a document of %d bytes", len(r)), fmt.Sprintf("at most %d", MaxEvidenceBytes))
		}
	case *Source:
		c.text("name", r.Name, MaxStringBytes)
		c.hash("digest", r.Digest)
		c.optionalText("uri", r.URI)
		c.optionalText("media_type", r.MediaType)
		c.number("authority", r.Authority, 0)
		c.origin("agent", r.Agent, r.Timestamp)
	case *Assertion:
		c.assertion(r)
	case *Vote:
		c.hash("assertion", r.Assertion)
		c.number("weight", r.Weight, -1)
		c.origin("agent", r.Agent, r.Timestamp)
	case *Epoch:
		c.epoch(r)
	case *Transition:
		c.hash("assertion", r.Assertion)
		c.enum("to", uint8(r.To), stageNames)
		c.optionalText("reason", r.Reason)
		c.origin("agent", r.Agent, r.Timestamp)
	case *Event:
		c.event(r)
	case *Audit:
		c.audit(r)
	case *Erasure:
		c.hash("target", r.Target)
		if r.LSN == 0 {
			c.fail("lsn", "0", "the LSN of the record that was erased, from 1")
		}
		c.count("lsn", uint64(r.LSN))
		c.text("reason", r.Reason, MaxStringBytes)
		c.optionalText("reference", r.Reference)
		c.origin("agent", r.Agent, r.Timestamp)
	}
	if c.err != nil {
		return c.err
	}
	return nil
}

// checker keeps the first broken rule.
type checker struct {
	kind Kind
	err  *FieldError
}

func (c *checker) fail(field, found, expected string) {
	if c.err == nil {
		c.err = &FieldError{c.kind, field, found, expected}
	}
}

func (c *checker) assertion(r *Assertion) {
	c.text("subject", r.Subject, MaxNameBytes)
	c.text("predicate", r.Predicate, MaxNameBytes)
	if r.Object.Type == NoValue {
		c.fail("object", "nothing", "a text, a number, true or false, or a reference")
	}
	c.value("object", r.Object)
	c.number("confidence", r.Confidence, 0)
	c.enum("lifecycle", uint8(r.Lifecycle), stageNames)
	c.hash("source", r.Source)
	c.refs("parents", r.Parents)
	c.optionalText("note", r.Note)
	c.origin("agent", r.Agent, r.Timestamp)
}

func (c *checker) epoch(r *Epoch) {
	c.text("name", r.Name, MaxStringBytes)
	if !r.Supersedes.IsZero() {
		c.enum("supersession", uint8(r.Supersession), supersessionNames)
	} else if r.Supersession != 0 {
		c.fail("supersession", r.Supersession.String(), "nothing, because supersedes is absent")
	}
	c.origin("agent", r.Agent, r.Timestamp)
}

func (c *checker) event(r *Event) {
	c.enum("type", uint8(r.Type), eventNames)
	c.text("title", r.Title, MaxStringBytes)
	c.atMost("subject", r.Subject, MaxNameBytes)
	c.refs("based_on", r.BasedOn)
	c.labels("labels", r.Labels)
	c.outside(r.TraceID, r.SpanID, r.ConversationID, "")
	c.origin("agent", r.Agent, r.Timestamp)
}

func (c *checker) audit(r *Audit) {
	c.text("subject", r.Subject, MaxNameBytes)
	c.text("predicate", r.Predicate, MaxNameBytes)
	c.optionalText("question", r.Question)
	c.text("lens", r.Lens, MaxNameBytes)
	c.halfLife(r.HalfLife, r.Lens)
	if r.LifecycleFilter != 0 {
		c.enum("lifecycle_filter", uint8(r.LifecycleFilter), stageNames)
	}
	c.time("as_of", r.AsOf)
	if !r.Pinned && (r.Pin != 0 || !r.Journal.IsZero()) {
		c.fail("pin", "a pin or a journal alone", "both or neither")
	}
	if r.Pinned && r.Journal.IsZero() {
		c.fail("journal", "nothing", "the journal that the pin counts in")
	}
	c.count("pin", uint64(r.Pin))
	c.count("considered", r.Considered)
	c.value("value", r.Value)
	c.number("confidence", r.Confidence, 0)
	c.number("share", r.Share, 0)
	if want := r.Value.Hash(); r.ResultHash != want {
		c.fail("result_hash", r.ResultHash.String(), want.String()+", the hash of the value")
	}
	c.contributions(r)
	c.labels("labels", r.Labels)
	c.outside(r.TraceID, r.SpanID, r.ConversationID, r.ToolCallID)
	c.origin("agent_id", r.Agent, r.Timestamp)
}

func (c *checker) contributions(r *Audit) {
	const field = "contributing_assertions"
	if len(r.Contributions) > MaxContributions {
		c.fail(field, fmt.Sprintf("%d items", len(r.Contributions)), fmt.Sprintf("at most %d", MaxContributions))
		return
	}
	if uint64(len(r.Contributions)) > r.Considered {
		c.fail("considered", strconv.FormatUint(r.Considered, 10), fmt.Sprintf("at least the %d that contributed", len(r.Contributions)))
	}
	for _, item := range r.Contributions {
		c.hash(field, item.Assertion)
		c.hash(field, item.Source)
		c.number(field, item.Weight, 0)
		c.enum(field, uint8(item.Lifecycle), stageNames)
	}
}

// outside checks the ids that other systems gave.
func (c *checker) outside(trace, span, conversation, toolCall string) {
	c.optionalText("trace_id", trace)
	c.optionalText("span_id", span)
	c.optionalText("conversation_id", conversation)
	c.optionalText("tool_call_id", toolCall)
}

// origin checks what every record has: who and when.
func (c *checker) origin(field, agent string, t Time) {
	c.text(field, agent, MaxNameBytes)
	c.time("timestamp", t)
}

func (c *checker) time(field string, t Time) {
	if t < 0 {
		c.fail(field, t.String(), timeRange)
	}
}

func (c *checker) text(field, s string, maxBytes int) {
	if s == "" {
		c.fail(field, "nothing", "a text")
	}
	c.atMost(field, s, maxBytes)
}

func (c *checker) optionalText(field, s string) { c.atMost(field, s, MaxStringBytes) }

func (c *checker) atMost(field, s string, maxBytes int) {
	if len(s) > maxBytes {
		c.fail(field, fmt.Sprintf("%d bytes", len(s)), fmt.Sprintf("at most %d", maxBytes))
	}
	if !utf8.ValidString(s) {
		c.fail(field, "bytes that are not UTF-8", "UTF-8 text")
	}
}

func (c *checker) hash(field string, h Hash) {
	if h.IsZero() {
		c.fail(field, "nothing", "the id of a record")
	}
}

// count checks a whole number: up to 2^53 every reader of JSON reads it as it stands.
func (c *checker) count(field string, n uint64) {
	if n > maxInteger {
		c.fail(field, strconv.FormatUint(n, 10), "a whole number from 0 to 2^53")
	}
}

// number checks a binary32 between low and 1.
func (c *checker) number(field string, f float32, low float32) {
	v := float64(f)
	switch {
	case math.IsNaN(v):
		c.fail(field, "NaN", fmt.Sprintf("a number from %g to 1", low))
	case v == 0 && math.Signbit(v):
		c.fail(field, "-0", fmt.Sprintf("a number from %g to 1; write 0", low))
	case f < low || f > 1:
		c.fail(field, strconv.FormatFloat(v, 'g', -1, 32), fmt.Sprintf("a number from %g to 1", low))
	}
}

func (c *checker) value(field string, o Object) {
	switch o.Type {
	case NoValue, Bool:
	case Text:
		c.atMost(field, o.Text, MaxObjectBytes)
	case Number:
		if math.IsNaN(o.Number) || math.IsInf(o.Number, 0) || o.Number == 0 && math.Signbit(o.Number) {
			c.fail(field, strconv.FormatFloat(o.Number, 'g', -1, 64), "a finite number that is not -0")
		}
	case Refers:
		c.ref(field, o.Ref)
	default:
		c.fail(field, fmt.Sprintf("a value of type %d", o.Type), "a text, a number, true or false, or a reference")
	}
	if o.Type != Text && o.Text != "" || o.Type != Number && math.Float64bits(o.Number) != 0 ||
		o.Type != Bool && o.Bool || o.Type != Refers && o.Ref != (ID{}) {
		c.fail(field, "a value of two types at once", "one")
	}
}

func (c *checker) ref(field string, id ID) {
	if !id.Kind.Valid() || id.Hash.IsZero() {
		c.fail(field, "an id of no kind", "the id of a record")
	}
}

// refs checks parents and based_on: assertions or audits.
func (c *checker) refs(field string, list []ID) {
	if len(list) > MaxParents {
		c.fail(field, fmt.Sprintf("%d items", len(list)), fmt.Sprintf("at most %d", MaxParents))
	}
	for _, id := range list {
		c.ref(field, id)
		if id.Kind != KindAssertion && id.Kind != KindAudit {
			c.fail(field, "the id of a record of kind "+id.Kind.String(), "assertions (a_) or queries (q_)")
		}
	}
}

func (c *checker) labels(field string, list []Label) {
	if len(list) > MaxLabels {
		c.fail(field, fmt.Sprintf("%d labels", len(list)), fmt.Sprintf("at most %d", MaxLabels))
	}
	for i, l := range list {
		c.text(field, l.Name, MaxStringBytes)
		c.atMost(field, l.Value, MaxStringBytes)
		if i > 0 && list[i-1].Name >= l.Name {
			c.fail(field, strconv.Quote(l.Name)+" behind "+strconv.Quote(list[i-1].Name), "labels sorted by name, each once")
		}
	}
}

func (c *checker) enum(field string, v uint8, e enum) {
	switch {
	case v == 0:
		c.fail(field, "nothing", e.expected())
	case !e.valid(v):
		c.fail(field, strconv.Itoa(int(v)), e.expected())
	}
}

func (c *checker) halfLife(d time.Duration, lens string) {
	switch {
	case d == 0:
	case lens != lensRecency:
		c.fail("lens_params", "a half-life", "none: only the lens recency has one")
	case d == DefaultHalfLife:
		c.fail("lens_params", "the default half-life", "nothing: the default and its absence are the same question")
	case d < MinHalfLife || d > MaxHalfLife:
		c.fail("lens_params", "half_life "+d.String(), "a half-life from 1s to 87600h")
	}
}
